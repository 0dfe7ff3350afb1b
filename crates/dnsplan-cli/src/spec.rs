//! The spec file: reading it, watching it, planning from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dnsplan::enactor::{Clock, Nonces};
use dnsplan::fence::{Generation, ParentGeneration};
use dnsplan::plan::{Input, OwnerName, Plan, PlanStore, Proposal, Provenance};
use dnsplan::planner::{Context, Health, Intent, ZoneIntent, plan as make_plan};
use dnsplan::{Published, SystemClock, publish};

use crate::failure::Failure;
use crate::session::Session;

/// The name under which a plan records the spec it was made from.
const SPEC: &str = "spec";
/// The name under which a rollback records the newest plan that was no rollback.
const ROLLED_BACK: &str = "rolled-back";

/// What a rollback over `head` was made from: the spec is planned already, and what it asks for is not wanted now.
pub(crate) fn rolled_back(head: &Plan) -> Vec<Input> {
    let mut inputs = head.provenance().inputs.clone();
    if inputs.iter().all(|input| input.name != ROLLED_BACK) {
        inputs.push(Input { name: ROLLED_BACK.to_owned(), version: head.generation().to_string() });
    }
    inputs
}

/// A spec that was read and is well formed.
pub(crate) struct Spec {
    pub(crate) intent: Intent,
    path: PathBuf,
    digest: String,
}

impl Spec {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::parse(path, &text_of(path)?)
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
            publish(&*session.store, zone, &Health::from_spec(), &context, session.nonces().next()).await?;
        Ok(published)
    }

    /// Publishes what enactors demand of a zone, if they do: what the spec says; or, where a number is all that is in the
    /// way of a rollback, the rollback's content again.
    async fn answer_demands(
        &self,
        session: &Session,
        zone: &ZoneIntent,
    ) -> Result<Option<Published>, Failure> {
        let demands = session.store.demands(zone.origin()).await?;
        let Some(demand) = demands.last() else { return Ok(None) };
        let reason = format!("demanded by {}: {}", demand.by, demand.detail);
        let is_number = demands.iter().all(|demand| demand.reason.is_met_by_the_same_content());
        let is_rollback =
            |plan: &Arc<Plan>| plan.provenance().inputs.iter().any(|input| input.name == ROLLED_BACK);
        let head = session.store.head(zone.origin()).await?.filter(is_rollback);
        match head.filter(|_| is_number) {
            Some(head) => renew(session, &head, reason).await.map(Some),
            None => self.publish(session, zone, &reason).await.map(Some),
        }
    }

    /// Whether what this spec says of a zone was planned before: then a restart plans nothing anew, so that a rollback
    /// stays until the spec is edited. An edit that asks for nothing else in this zone does not count.
    async fn is_planned(&self, session: &Session, zone: &ZoneIntent) -> Result<bool, Failure> {
        let Some(head) = session.store.head(zone.origin()).await? else { return Ok(false) };
        let version = |name| {
            let mut inputs = head.provenance().inputs.iter();
            inputs.find(|input| input.name == name).map(|input| input.version.as_str())
        };
        if version(SPEC) == Some(self.digest.as_str()) {
            return Ok(true);
        }
        let Some(over) = version(ROLLED_BACK).and_then(|over| over.parse().ok()) else { return Ok(false) };
        let Some(over) = session.store.get(zone.origin(), Generation::new(over)).await? else {
            return Ok(false);
        };
        let context = self.context(&session.author, "compared");
        let planned = make_plan(zone, &Health::from_spec(), Some(&over), &context);
        Ok(planned.is_ok_and(|planned| planned.proposal.zone == *over.zone()))
    }
}

/// What a spec file says. A pipe or a device in its place would never end.
fn text_of(path: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| Failure::unreadable(path, &error);
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Failure::error(format!("{} is no regular file; put the spec into one", path.display())));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Appends the content of the head once more.
async fn renew(session: &Session, head: &Arc<Plan>, reason: String) -> Result<Published, Failure> {
    let mut provenance = Provenance::new(session.author.clone(), session.now(), reason);
    provenance.inputs.clone_from(&head.provenance().inputs);
    let proposal = Proposal { zone: head.zone().clone(), provenance };
    let parent = ParentGeneration::of(head);
    let plan = dnsplan::append(&*session.store, parent, proposal, session.nonces().next()).await?;
    Ok(Published { plan, is_new: true, notes: Vec::new() })
}

/// Watches a spec file, and plans what changed in it and what enactors demand.
pub(crate) struct Watcher {
    path: PathBuf,
    /// The text seen last, and whether it was seen twice: an editor may be in the middle of saving.
    seen: Option<Result<String, String>>,
    handled: Option<Result<String, String>>,
    /// What was handled is worth another try.
    is_retried: bool,
    spec: Option<Spec>,
}

/// What a look at the spec brought.
pub(crate) enum News {
    /// The spec is another one now.
    Edited,
    /// A plan was appended.
    Planned(Published),
    /// What is in the way; the old answers stay.
    Trouble(Failure),
}

impl Watcher {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: None, handled: None, is_retried: false, spec: None }
    }

    /// Reads and plans at once, as at start.
    pub(crate) async fn start(&mut self, session: &Session) -> Vec<News> {
        self.seen = Some(self.read());
        self.look(session).await
    }

    fn read(&self) -> Result<String, String> {
        text_of(&self.path).map_err(|failure| failure.message)
    }

    /// Looks once; to be called again and again.
    pub(crate) async fn look(&mut self, session: &Session) -> Vec<News> {
        if let Err(failure) = session.is_still_there() {
            return vec![News::Trouble(failure)];
        }
        let now = self.read();
        let is_steady = self.seen.as_ref() == Some(&now);
        let is_new = self.handled.as_ref() != Some(&now);
        self.seen = Some(now.clone());
        if is_steady && (is_new || self.is_retried) {
            self.is_retried = false;
            let mut news = if is_new { vec![News::Edited] } else { Vec::new() };
            let parsed = match &now {
                Ok(text) => Spec::parse(&self.path, text),
                Err(message) => Err(Failure::error(message.clone())),
            };
            self.handled = Some(now);
            match parsed {
                Ok(spec) => {
                    news.extend(self.plan_all(session, &spec).await);
                    self.spec = Some(spec);
                }
                Err(failure) => news.push(News::Trouble(failure)),
            }
            return news;
        }
        self.answer_demands(session).await
    }

    async fn plan_all(&mut self, session: &Session, spec: &Spec) -> Vec<News> {
        let mut news = Vec::new();
        for zone in spec.intent.zones() {
            match spec.is_planned(session, zone).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(failure) => {
                    self.is_retried = true;
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
        let outcome = spec.publish(session, zone, reason).await;
        self.news(outcome)
    }

    fn news(&mut self, outcome: Result<Published, Failure>) -> Option<News> {
        match outcome {
            Ok(published) if published.is_new => Some(News::Planned(published)),
            Ok(_) => None,
            Err(failure) => {
                // Overtaken, frozen or a failing store: the same spec is worth another try.
                self.is_retried |= failure.may_pass;
                Some(News::Trouble(failure))
            }
        }
    }

    /// Enactors ask for newer plans where a number or a guard is in the way.
    async fn answer_demands(&mut self, session: &Session) -> Vec<News> {
        let Some(spec) = self.spec.take() else { return Vec::new() };
        let mut news = Vec::new();
        for zone in spec.intent.zones() {
            let answered = spec.answer_demands(session, zone).await;
            news.extend(answered.transpose().and_then(|outcome| self.news(outcome)));
        }
        self.spec = Some(spec);
        news
    }
}

#[cfg(test)]
mod tests;
