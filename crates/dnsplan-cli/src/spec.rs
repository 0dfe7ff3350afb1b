//! The spec file: reading it, watching it, planning from it.

use std::path::{Path, PathBuf};

use dnsplan::enactor::Clock;
use dnsplan::plan::{Input, OwnerName, PlanStore};
use dnsplan::planner::{Context, Health, Intent, ZoneIntent};
use dnsplan::{Published, SystemClock, publish};

use crate::failure::{Code, Failure};
use crate::session::Session;

/// The name under which a plan records the spec it was made from.
const SPEC: &str = "spec";

/// A spec that was read and is well formed.
pub(crate) struct Spec {
    pub(crate) intent: Intent,
    path: PathBuf,
    digest: String,
}

impl Spec {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::unreadable(path, &error))?;
        Self::parse(path, &text)
    }

    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let file = path.display().to_string();
        let intent = Intent::parse(text).map_err(|errors| {
            Failure::error(format!("{file} is not valid, nothing was changed:\n{}", errors.render(&file)))
        })?;
        let digest = blake3::hash(text.as_bytes()).to_hex()[..16].to_owned();
        Ok(Self { intent, path: path.to_owned(), digest })
    }

    /// The zones of the spec, or the one that is wanted.
    pub(crate) fn zones(&self, wanted: Option<&OwnerName>) -> Result<Vec<&ZoneIntent>, Failure> {
        let is_wanted = |zone: &&ZoneIntent| wanted.is_none_or(|wanted| wanted == zone.origin());
        let zones: Vec<_> = self.intent.zones().filter(is_wanted).collect();
        if zones.is_empty() {
            let has: Vec<String> = self.intent.zones().map(|zone| zone.origin().to_string()).collect();
            return Err(Failure::error(format!("the spec has no such zone; it has {}", has.join(", "))));
        }
        Ok(zones)
    }

    pub(crate) fn context(&self, author: &str, reason: &str) -> Context {
        let mut context = Context::new(author, SystemClock.now(), reason);
        context.inputs.push(Input { name: SPEC.to_owned(), version: self.digest.clone() });
        context
    }

    /// Plans one zone and appends the plan.
    pub(crate) async fn publish(
        &self,
        session: &Session,
        zone: &ZoneIntent,
        reason: &str,
    ) -> Result<Published, Failure> {
        let context = self.context(&session.author, reason);
        let published =
            publish(&*session.store, zone, &Health::from_spec(), &context, &session.nonces()).await?;
        Ok(published)
    }

    /// Whether the head of `zone` was made from this very spec: then a restart plans nothing anew, so that a rollback
    /// stays until the spec is edited.
    async fn is_planned(&self, session: &Session, zone: &OwnerName) -> Result<bool, Failure> {
        let head = session.store.head(zone).await?;
        let made_from = |input: &Input| input.name == SPEC && input.version == self.digest;
        Ok(head.is_some_and(|head| head.provenance().inputs.iter().any(made_from)))
    }
}

impl News {
    /// The zone and its new plan.
    pub(crate) const fn planned(&self) -> Option<(&OwnerName, &Published)> {
        match self {
            Self::Planned(zone, published) => Some((zone, published)),
            Self::Trouble(_) => None,
        }
    }
}

/// Watches a spec file, and plans what changed in it and what enactors demand.
pub(crate) struct Watcher {
    path: PathBuf,
    /// The text seen last, and whether it was seen twice: an editor may be in the middle of saving.
    seen: Option<Result<String, String>>,
    handled: Option<Result<String, String>>,
    spec: Option<Spec>,
}

/// What a look at the spec brought.
pub(crate) enum News {
    /// A plan was appended.
    Planned(OwnerName, Published),
    /// What is in the way; the old answers stay.
    Trouble(Failure),
}

impl Watcher {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: None, handled: None, spec: None }
    }

    /// Reads and plans at once, as at start.
    pub(crate) async fn start(&mut self, session: &Session) -> Vec<News> {
        self.seen = Some(self.read());
        self.look(session).await
    }

    /// The spec as it was last found valid.
    pub(crate) const fn spec(&self) -> Option<&Spec> {
        self.spec.as_ref()
    }

    fn read(&self) -> Result<String, String> {
        std::fs::read_to_string(&self.path).map_err(|error| Failure::unreadable(&self.path, &error).message)
    }

    /// Looks once; to be called again and again.
    pub(crate) async fn look(&mut self, session: &Session) -> Vec<News> {
        let now = self.read();
        let is_steady = self.seen.as_ref() == Some(&now);
        let is_new = self.handled.as_ref() != Some(&now);
        self.seen = Some(now.clone());
        if is_steady && is_new {
            let parsed = match &now {
                Ok(text) => Spec::parse(&self.path, text),
                Err(message) => Err(Failure::error(message.clone())),
            };
            self.handled = Some(now);
            return match parsed {
                Ok(spec) => {
                    let news = self.plan_all(session, &spec).await;
                    self.spec = Some(spec);
                    news
                }
                Err(failure) => vec![News::Trouble(failure)],
            };
        }
        self.answer_demands(session).await
    }

    async fn plan_all(&mut self, session: &Session, spec: &Spec) -> Vec<News> {
        let mut news = Vec::new();
        for zone in spec.intent.zones() {
            match spec.is_planned(session, zone.origin()).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(failure) => {
                    news.push(News::Trouble(failure));
                    continue;
                }
            }
            let reason = format!("planned from {}", spec.path.display());
            news.extend(self.plan(session, spec, zone, &reason).await);
        }
        news
    }

    async fn plan(
        &mut self,
        session: &Session,
        spec: &Spec,
        zone: &ZoneIntent,
        reason: &str,
    ) -> Option<News> {
        match spec.publish(session, zone, reason).await {
            Ok(published) if published.is_new => Some(News::Planned(zone.origin().clone(), published)),
            Ok(_) => None,
            Err(failure) => {
                // Overtaken, frozen or a failing store: the same spec is worth another try.
                if matches!(failure.code, Code::Stale | Code::Error) {
                    self.handled = None;
                }
                Some(News::Trouble(failure))
            }
        }
    }

    /// Enactors ask for newer plans where a number or a guard is in the way.
    async fn answer_demands(&mut self, session: &Session) -> Vec<News> {
        let Some(spec) = self.spec.take() else { return Vec::new() };
        let mut news = Vec::new();
        for zone in spec.intent.zones() {
            match session.store.demands(zone.origin()).await {
                Ok(demands) => {
                    if let Some(demand) = demands.last() {
                        let reason = format!("demanded by {}: {}", demand.by, demand.detail);
                        news.extend(self.plan(session, &spec, zone, &reason).await);
                    }
                }
                Err(error) => news.push(News::Trouble(error.into())),
            }
        }
        self.spec = Some(spec);
        news
    }
}
