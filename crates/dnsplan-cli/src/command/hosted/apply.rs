//! `apply SPEC --target TARGET`: publish a plan, and put it into a zone that is served elsewhere from here.

use std::sync::Arc;
use std::time::Duration;

use dnsplan::enactor::{Arrival, Clock, Config, EnactError, Rest, Target, TargetError, Wait};
use dnsplan::fence::{Actor, Generation};
use dnsplan::plan::{AppendError, Demand, DemandReason, OwnerName, PlanStore, TargetId};
use dnsplan::planner::ZoneIntent;
use dnsplan::store::EmbeddedStore;
use dnsplan::{SystemClock, SystemEnactor, enactor};
use serde_json::json;

use super::enact::trouble;
use super::{HostedZone, Place, primary};
use crate::args::{self, Remote};
use crate::command::daemon::observer;
use crate::command::publish::{publish_zone, published_json, tell};
use crate::failure::{Code, Failure};
use crate::render;
use crate::session::Session;
use crate::spec::Spec;

/// As what this command signs the fence record.
pub(super) const NAME: &str = "apply";
/// How long it may take, in seconds: in the layout tree changes reach all edges twice, and that takes a minute each.
const TIMEOUT: u64 = 300;
/// How long to wait before looking again, at first and at most.
const REST: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// Publishes, and enacts until the plan is confirmed.
pub(crate) async fn apply(session: &Session, remote: &Remote, args: &args::Apply) -> Result<Code, Failure> {
    let spec = Spec::read(&args.publish.spec)?;
    match remote {
        Remote::Route53(id) => {
            let zone = HostedZone::find(id, &args.hosted, session.zone.as_ref()).await?;
            let intent = zone.intent(&spec)?;
            let place = zone.place(&args.hosted).await?;
            apply_at(session, &place, &spec, intent, args).await
        }
        Remote::Rfc2136(primary) => {
            let intent = only_zone(session, &spec)?;
            let place = primary::place(*primary, intent.origin().clone(), &args.primary).await?;
            apply_at(session, &place, &spec, intent, args).await
        }
    }
}

/// The zone of a spec that --zone names, or the only one.
fn only_zone<'s>(session: &Session, spec: &'s Spec) -> Result<&'s ZoneIntent, Failure> {
    let has = || {
        let has: Vec<String> = spec.intent.zones().map(|zone| zone.origin().to_string()).collect();
        has.join(", ")
    };
    match &session.zone {
        Some(zone) => spec.intent.zone(zone).ok_or_else(|| {
            Failure::error(format!(
                "the spec has no zone {zone}; name one of those that it has with --zone: {}",
                has()
            ))
        }),
        None => {
            let mut zones = spec.intent.zones();
            zones
                .next()
                .filter(|_| zones.next().is_none())
                .ok_or_else(|| Failure::error(format!("name the zone with --zone; the spec has {}", has())))
        }
    }
}

async fn apply_at<T: Target + 'static>(
    session: &Session,
    place: &Place<T>,
    spec: &Spec,
    intent: &ZoneIntent,
    args: &args::Apply,
) -> Result<Code, Failure> {
    let (name, target_id) = (&place.zone, &place.id);
    ask_again(session, place).await?;
    let published = publish_zone(session, spec, intent, &args.publish.reason).await?;
    if !session.is_json() {
        tell(session, &published).await?;
    }
    let mut work = Work::new(session, &place.target, name)?;
    let timeout = args.timeout.unwrap_or(TIMEOUT);
    let wait = work.enact(session, name, published.plan.generation());
    let live = match tokio::time::timeout(Duration::from_secs(timeout), wait).await {
        Ok(outcome) => outcome?,
        Err(_) => {
            let last = work.last(session, name, target_id).await;
            return Err(Failure::error(format!(
                "published, but after {timeout} s not confirmed by {target_id}: {last}; the same command goes on from there, and so \
                 does `dnsplan enactor --target {target_id}`"
            )));
        }
    };
    if let Some(aside) = work.set_aside().await? {
        return Err(Failure::error(format!(
            "generation {live} of {name} is live at {target_id}, but for {aside}, which is set aside; the lines above say why: mend that \
             in the spec, or in the zone, and run this again"
        )));
    }
    if session.is_json() {
        let plans = [published_json(&published)];
        let done = json!({ "schema": "dnsplan.apply/1", "plans": plans, "live": true, "target": target_id });
        render::print_json(&done);
    } else {
        outln!("{name} generation {live} is live at {target_id}.");
    }
    Ok(Code::Done)
}

/// Where something of the newest plan was set aside, what was in its way may be gone by now: the same content under a new number is a
/// plan that tries it again.
async fn ask_again<T: Target>(session: &Session, place: &Place<T>) -> Result<(), Failure> {
    let observed = place.target.load().await?;
    let Some(record) = observed.record().filter(|record| !record.payload.owners.is_empty()) else {
        return Ok(());
    };
    let detail = format!("`apply` tries again what was set aside at {}", place.id);
    let (above, at) = (record.generation, SystemClock.now());
    let demand = Demand { above, reason: DemandReason::Again, detail, by: NAME.to_owned(), at };
    // One that the head is above already is met by it.
    Ok(session.store.demand(&place.zone, demand).await?)
}

/// One enactor, pass by pass.
struct Work<T> {
    enactor: SystemEnactor<EmbeddedStore, T>,
    target: Arc<T>,
    trouble: Option<String>,
}

impl<T: Target + 'static> Work<T> {
    fn new(session: &Session, target: &Arc<T>, zone: &OwnerName) -> Result<Self, Failure> {
        let me = Actor::new(NAME).map_err(|error| Failure::error(error.to_string()))?;
        tracing::debug!(%zone, enactor = %me, "at work");
        // Nobody answers a demand but this process, and it has appended what it knows.
        let config = Config { patience: 2, ..Config::default() };
        let enactor = enactor(&session.store, target, me, &observer()).with_config(config);
        Ok(Self { enactor, target: Arc::clone(target), trouble: None })
    }

    /// Passes until `wanted`, or what is newer, is live and has reached all edges. Trouble that time may mend is met again.
    async fn enact(
        &mut self,
        session: &Session,
        zone: &OwnerName,
        wanted: Generation,
    ) -> Result<Generation, Failure> {
        let [mut rest, longest] = REST;
        loop {
            match self.enactor.pass().await {
                Ok(Rest::Live(live)) if live >= wanted => {
                    if self.has_arrived().await? {
                        return Ok(live);
                    }
                }
                Ok(Rest::Waiting(Wait::Frozen(id))) => return Err(frozen(session, id).await),
                Ok(Rest::Demanded(_)) => unanswerable(session, zone).await?,
                Ok(_) => {}
                Err(EnactError::Target(error @ TargetError::Misconfigured(_))) => return Err(error.into()),
                Err(error) => self.trouble = Some(trouble(error)),
            }
            tokio::time::sleep(rest).await;
            rest = (rest * 2).min(longest);
        }
    }

    /// Whether what was written has reached all edges; only who wrote it can ask.
    async fn has_arrived(&mut self) -> Result<bool, Failure> {
        match self.target.arrival().await {
            Ok(Arrival::Everywhere) => return Ok(true),
            Ok(Arrival::Underway | Arrival::Unconfirmed) => self.trouble = None,
            Err(error @ TargetError::Misconfigured(_)) => return Err(error.into()),
            Err(error) => self.trouble = Some(trouble(error.into())),
        }
        Ok(false)
    }

    /// The owner names that are not as the plan says.
    async fn set_aside(&self) -> Result<Option<String>, Failure> {
        let observed = self.target.load().await?;
        let owners = observed.record().map(|record| record.payload.owners.clone()).unwrap_or_default();
        let names: Vec<String> = owners.iter().map(ToString::to_string).collect();
        Ok((!names.is_empty()).then(|| names.join(", ")))
    }

    /// How it stands: the last trouble, or what the store was told.
    async fn last(&self, session: &Session, zone: &OwnerName, target: &TargetId) -> String {
        if let Some(trouble) = &self.trouble {
            return trouble.clone();
        }
        let known = session.store.targets(zone).await.unwrap_or_default();
        let report = known.into_iter().find(|status| status.target == *target).map(|status| status.report);
        report.map_or_else(|| "it has not reported yet".to_owned(), |report| report.state)
    }
}

async fn frozen(session: &Session, id: dnsplan::fence::FreezeId) -> Failure {
    match session.store.frozen().await {
        Ok(Some(freeze)) => AppendError::Frozen(freeze).into(),
        _ => Failure::new(
            Code::Stale,
            format!("freeze {id} is in the fence record; `dnsplan unfreeze` lifts it"),
        ),
    }
}

/// Where the content is in the way, and not a number, only another spec helps.
async fn unanswerable(session: &Session, zone: &OwnerName) -> Result<(), Failure> {
    let demands = session.store.demands(zone).await?;
    match demands.iter().find(|demand| !demand.reason.is_met_by_the_same_content()) {
        None => Ok(()),
        Some(demand) => {
            let message = format!("published, but not put in place: {}", demand.detail);
            Err(Failure::new(Code::Guarded, message))
        }
    }
}
