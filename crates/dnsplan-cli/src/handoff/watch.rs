//! `steward`: finishes hand-offs that were left, and watches the roles.

use std::time::Duration;

use dnsplan::fence::Generation;
use dnsplan::leadership::Node;
use dnsplan::leadership::monitor::{Alarm, Claim, Instance, Limits, Monitor, Poll, Refusals, Register};
use dnsplan::leadership::postgres::servers::{Endpoint, Look, Member, Progress};
use serde_json::json;
use tokio::time::Instant;

use crate::args;
use crate::command::Stop;
use crate::failure::{Code, Failure};
use crate::handoff::file::File;
use crate::handoff::step::Step;
use crate::handoff::{Stewarding, metrics, trouble};
use crate::session::Session;

/// For how long the endpoint's name may lag behind the record: its TTL and the enactors' pace.
const SKEW: Duration = Duration::from_secs(10);

/// For how long a hand-off may take before somebody is told.
const STUCK: Duration = Duration::from_secs(30);

pub(super) async fn watch(
    session: &Session,
    mut steward: Stewarding,
    file: &File,
    args: &args::Steward,
) -> Result<Code, Failure> {
    let (poll, mut stop, begun) = (Duration::from_millis(args.poll), Stop::new()?, Instant::now());
    let mut monitor = Monitor::new(Limits { skew: SKEW, stuck: STUCK, stale: STUCK });
    let mut last = None;
    if let Some(at) = args.metrics {
        metrics::listen(at)?;
    }
    if !session.is_json() {
        anstream::println!("ready: watching {} on {} nodes", file.role, file.nodes.len());
    }
    loop {
        let done = tokio::select! {
            () = stop.asked() => break,
            done = look(session, &mut steward, &mut monitor, begun) => done,
        };
        match done {
            Ok(is_busy) => {
                last = None;
                if is_busy {
                    continue;
                }
            }
            Err(failure) if last.as_ref() != Some(&failure) => {
                tracing::warn!("{failure}; trying again");
                last = Some(failure);
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stop.asked() => break,
            () = tokio::time::sleep(poll) => {}
        }
    }
    anstream::eprintln!("stopped");
    Ok(Code::Done)
}

/// One poll, and one step if one is due. Whether there may be another one at once.
async fn look(
    session: &Session,
    steward: &mut Stewarding,
    monitor: &mut Monitor,
    begun: Instant,
) -> Result<bool, Failure> {
    observe(session, steward, monitor, begun).await;
    let progress = steward.tick(None, None).await.map_err(|ended| trouble(&ended))?;
    if let Some(step) = Step::of(&progress) {
        let role = steward.servers().scope();
        if session.is_json() {
            let mut line = step.json(begun.elapsed());
            (line["schema"], line["role"]) = (json!("dnsplan.steward.step/1"), json!(role.as_str()));
            anstream::println!("{line}");
        } else {
            anstream::println!("{role}: {}", step.text);
        }
    }
    Ok(matches!(
        progress,
        Progress::Took(_) | Progress::Promoted(_) | Progress::Opened(..) | Progress::Published(..)
    ))
}

/// Asks every server and the name, then the register, and tells what is wrong.
async fn observe(session: &Session, steward: &Stewarding, monitor: &mut Monitor, begun: Instant) {
    let (looks, advertised) = tokio::join!(steward.looks(), steward.endpoint().resolved());
    let advertised: Option<Node> = advertised.ok().flatten();
    let instances: Vec<Instance> = looks.iter().map(instance).collect();
    let refused: Vec<Refusals> = looks.iter().filter_map(refusals).collect();
    let seen = steward.seen().await;
    let register = match &seen {
        Ok(Some(seen)) => Register::Record(seen),
        Ok(None) => Register::Absent,
        Err(_) => Register::Unknown,
    };
    let at = begun.elapsed();
    let poll =
        Poll { at, instances: &instances, advertised: advertised.as_ref(), refused: &refused, register };
    let news = monitor.observe(&poll);
    let role = steward.servers().scope();
    metrics::poll(role, &poll, seen.as_ref().ok().and_then(Option::as_ref), &looks);
    metrics::alarms(role, monitor.active());
    news.raised.iter().for_each(|alarm| tell(session, steward, alarm, true));
    news.cleared.iter().for_each(|alarm| tell(session, steward, alarm, false));
}

fn instance((member, look): &(Member, Result<Look, String>)) -> Instance {
    let claim = match look {
        Err(_) => Claim::Unreachable,
        Ok(look) if look.timeline().is_none() => Claim::Reader,
        Ok(look) => match (look.opened, look.lowest) {
            // Whoever is sealed knows that it is no writer. Whoever was promoted past the protocol does not.
            (Some((epoch, _)), Some(lowest)) if epoch >= lowest => Claim::Writer(Some(epoch)),
            _ => Claim::Reader,
        },
    };
    Instance { node: member.node().clone(), claim }
}

/// The refusals of one server: of clients that write on under an epoch that is over, or at the wrong server.
fn refusals((member, look): &(Member, Result<Look, String>)) -> Option<Refusals> {
    let look = look.as_ref().ok().filter(|look| look.timeline().is_some())?;
    let epoch = look.opened.map_or(Generation::ZERO, |(epoch, _)| epoch);
    Some(Refusals { client: format!("a client of {}", member.node()), epoch, total: look.refused })
}

fn tell(session: &Session, steward: &Stewarding, alarm: &Alarm, is_raised: bool) {
    let (role, state) = (steward.servers().scope(), if is_raised { "raised" } else { "cleared" });
    if session.is_json() {
        let text = alarm.to_string();
        anstream::println!(
            "{}",
            json!({ "schema": "dnsplan.alarm/1", "role": role.as_str(), "alarm": kind(alarm), "state": state, "text": text })
        );
    } else {
        anstream::println!("{role}: alarm {state}: {}: {alarm}", kind(alarm));
    }
}

/// What an alarm is called where there are no sentences.
pub(super) const fn kind(alarm: &Alarm) -> &'static str {
    match alarm {
        Alarm::TwoWriters(_) => "two-writers",
        Alarm::Reverted { .. } => "reverted",
        Alarm::Unexplained { .. } => "unexplained",
        Alarm::Backwards { .. } => "backwards",
        Alarm::Stuck { .. } => "stuck",
        Alarm::SilentStale { .. } => "silent-stale",
    }
}
