//! `handoff --to` and `handoff --resume`: a hand-off, step by step, to its end.

use std::time::Duration;

use dnsplan::enactor::Nonces;
use dnsplan::leadership::postgres::servers::{Endpoint, Progress, Stopped};
use dnsplan::leadership::{Demand, Epoch, HandoffId, Holder, Intent, Node, Outcome, Phase, Seen, Wait};
use dnsplan::plan::PlanStore;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::args;
use crate::failure::{Code, Failure};
use crate::handoff::step::{Step, milliseconds};
use crate::handoff::{Stewarding, trouble};
use crate::render;
use crate::session::Session;

/// Between two looks, where there is something to wait for.
const LOOK: Duration = Duration::from_millis(50);

/// Whose end is waited for.
enum Wanted {
    /// The first epoch of this node.
    First(Node),
    /// This hand-off.
    Mine(Demand),
    /// Whatever is under way.
    Others(HandoffId),
}

impl Wanted {
    const fn demand(&self) -> Option<&Demand> {
        match self {
            Self::Mine(demand) => Some(demand),
            Self::First(_) | Self::Others(_) => None,
        }
    }

    const fn first(&self) -> Option<&Node> {
        match self {
            Self::First(node) => Some(node),
            Self::Mine(_) | Self::Others(_) => None,
        }
    }

    fn id(&self) -> Option<HandoffId> {
        match self {
            Self::First(_) => None,
            Self::Mine(demand) => Some(demand.id()),
            Self::Others(id) => Some(*id),
        }
    }
}

/// Hands over, or has a node lead where nobody ever did.
pub(super) async fn to(
    session: &Session,
    steward: &mut Stewarding,
    to: &Node,
    args: &args::Handoff,
) -> Result<Code, Failure> {
    let seen = checked(session, steward).await?;
    let intent = seen.as_ref().and_then(|seen| seen.term().intent());
    let wanted = match seen.as_ref().filter(|seen| seen.epoch().is_some()) {
        None => Wanted::First(to.clone()),
        Some(seen) => match intent {
            Some(intent) => return Err(under_way(seen, intent)),
            None => {
                let demand = seen.demand(to.clone(), HandoffId::new(session.nonces().next().get()));
                Wanted::Mine(demand.expect("invariant: an epoch is in force"))
            }
        },
    };
    see_through(session, steward, &wanted, args).await
}

/// Finishes what somebody else began.
pub(super) async fn resume(
    session: &Session,
    steward: &mut Stewarding,
    args: &args::Handoff,
) -> Result<Code, Failure> {
    let seen = checked(session, steward).await?;
    let Some(seen) = seen.filter(|seen| seen.epoch().is_some()) else {
        return Err(Failure::error("nobody ever led; have a node lead with --to NODE"));
    };
    let under_way = seen.term().intent().map(Intent::id);
    let last = seen.term().origin().map(|origin| origin.handoff().id());
    let Some(id) = under_way.or(last) else {
        // The first epoch may lack its canary or its plan still.
        let node = seen.term().holder().map(|holder| holder.node.clone());
        return see_through(session, steward, &Wanted::First(node.expect("invariant: it is held")), args)
            .await;
    };
    see_through(session, steward, &Wanted::Others(id), args).await
}

/// The record, where the endpoint's zone is published by hand-offs alone. The record is read last: others may publish meanwhile.
async fn checked(session: &Session, steward: &Stewarding) -> Result<Option<Seen>, Failure> {
    let zone = steward.endpoint().zone();
    let head = session.store.head(zone).await?.map_or(0, |head| head.generation().get());
    let seen = steward.seen().await.map_err(|ended| trouble(&ended))?;
    let epoch = seen.as_ref().and_then(Seen::epoch).map_or(0, Epoch::get);
    if head > epoch {
        return Err(Failure::error(format!(
            "{zone} is at generation {head} in the plan store, and the role is at epoch {epoch}: the zone of an endpoint is published \
             by hand-offs alone, and its generations are their epochs; use a zone of its own, or another --data"
        )));
    }
    Ok(seen)
}

fn under_way(seen: &Seen, intent: &Intent) -> Failure {
    let epoch = seen.epoch().map_or(0, Epoch::get);
    let phase = match seen.term().phase() {
        Phase::Sealed(..) => "sealed",
        Phase::Freezing(_) | Phase::Open => "frozen",
    };
    let message = format!(
        "hand-off {} of epoch {epoch} to {} is under way ({phase}); wait for it, or finish it with --resume",
        intent.id(),
        intent.successor()
    );
    Failure::new(Code::Stale, message)
}

/// Tick by tick to the end of what is wanted.
async fn see_through(
    session: &Session,
    steward: &mut Stewarding,
    wanted: &Wanted,
    args: &args::Handoff,
) -> Result<Code, Failure> {
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs(args.timeout);
    let (mut last, mut steps): (Option<Failure>, Vec<Value>) = (None, Vec::new());
    let (mut before, mut has_begun) = (None, false);
    while Instant::now() < deadline {
        let progress = match steward.tick(wanted.demand(), wanted.first()).await {
            Ok(progress) => progress,
            Err(ended) => {
                let failure = trouble(&ended);
                if matches!(ended, Stopped::PutBack { .. } | Stopped::DataPutBack { .. }) {
                    return Err(failure);
                }
                // What was sent may yet take effect.
                has_begun |= matches!(ended, Stopped::Turn(_) | Stopped::Late(_));
                if last.as_ref() != Some(&failure) {
                    errln!("{failure}; trying again");
                    last = Some(failure);
                }
                tokio::time::sleep(LOOK).await;
                continue;
            }
        };
        if let Some(step) = Step::of(&progress) {
            if session.is_json() {
                steps.push(step.json(begun.elapsed()));
            } else {
                outln!("{}: {}", steward.servers().scope(), step.text);
            }
        }
        // What is to be done again and again may need time in between.
        if before.as_ref() == Some(&progress) {
            tokio::time::sleep(LOOK).await;
        }
        before = Some(progress.clone());
        match progress {
            Progress::Unfit(unfit) => {
                let begun = if has_begun { "it may be frozen yet" } else { "nothing was begun" };
                return Err(Failure::new(Code::Guarded, format!("not qualified, {begun}: {unfit}")));
            }
            Progress::Waits(Wait::HandOff(id)) if wanted.id() != Some(id) => {
                return overtaken(steward, wanted).await;
            }
            Progress::Settled { epoch, holder, handoff, is_reached } => {
                let is_another = matches!(wanted, Wanted::First(node) if *node != holder.node);
                if is_another || wanted.id() != handoff.map(|(id, _)| id) && wanted.id().is_some() {
                    return overtaken(steward, wanted).await;
                }
                if is_reached {
                    let outcome = handoff.map(|(_, outcome)| outcome);
                    return Ok(End { epoch, holder, outcome, steps }.tell(session, steward, begun.elapsed()));
                }
                tokio::time::sleep(LOOK).await;
            }
            Progress::Waits(_) => tokio::time::sleep(LOOK).await,
            Progress::Took(_) | Progress::Promoted(_) | Progress::Opened(..) | Progress::Published(..) => {
                has_begun = true;
            }
        }
    }
    Err(out_of_time(steward, last, args.timeout).await)
}

/// Somebody else's hand-off came first, or after.
async fn overtaken(steward: &Stewarding, wanted: &Wanted) -> Result<Code, Failure> {
    let seen = steward.seen().await.map_err(|ended| trouble(&ended))?;
    let Some(seen) = seen else { return Err(Failure::error("the record is gone; look into the register")) };
    let came_of = seen.term().origin().filter(|origin| Some(origin.handoff().id()) == wanted.id());
    let (epoch, holder) = (seen.epoch().map_or(0, Epoch::get), seen.term().holder());
    let holder = holder.map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let message = if came_of.is_some() {
        let outcome = seen.term().outcome().map_or_else(String::new, |outcome| outcome.to_string());
        format!("{outcome}: {holder} got epoch {epoch}, and another hand-off is under way since")
    } else {
        format!("somebody else's hand-off came first: {holder} has epoch {epoch}; look at it, then ask again")
    };
    Err(Failure::new(Code::Stale, message))
}

async fn out_of_time(steward: &Stewarding, last: Option<Failure>, seconds: u64) -> Failure {
    let state = match steward.seen().await {
        Ok(Some(seen)) => super::show::state(&seen),
        Ok(None) => "there is no record".to_owned(),
        Err(ended) => trouble(&ended).message,
    };
    let leads_to = match steward.endpoint().resolved().await {
        Ok(Some(node)) => node.to_string(),
        Ok(None) | Err(_) => "none of the nodes".to_owned(),
    };
    let name = steward.endpoint().name();
    let last = last.map(|failure| format!("; last: {failure}")).unwrap_or_default();
    Failure::error(format!(
        "not done after {seconds} s: {state}; {name} leads to {leads_to}{last}; go on with --resume, or leave it to a steward"
    ))
}

/// How it ended.
struct End {
    epoch: Epoch,
    holder: Holder,
    outcome: Option<Outcome>,
    /// As JSON.
    steps: Vec<Value>,
}

impl End {
    fn tell(&self, session: &Session, steward: &Stewarding, took: Duration) -> Code {
        let (role, name) = (steward.servers().scope(), steward.endpoint().name());
        let outcome = self.outcome.map_or_else(|| "granted".to_owned(), |outcome| outcome.to_string());
        if session.is_json() {
            render::print_json(&json!({
                "schema": "dnsplan.handoff/1", "role": role.as_str(), "outcome": outcome, "epoch": self.epoch.get(),
                "holder": self.holder.to_string(), "endpoint": name, "milliseconds": milliseconds(took), "steps": self.steps
            }));
        } else {
            let (epoch, holder, seconds) = (self.epoch, &self.holder.node, took.as_secs_f64());
            outln!(
                "{role}: {outcome}; {holder} leads under epoch {epoch}, and {name} leads to it ({seconds:.1} s)"
            );
        }
        match self.outcome {
            None | Some(Outcome::Promoted) => Code::Done,
            Some(Outcome::RolledBack | Outcome::Diverted) => Code::Error,
        }
    }
}
