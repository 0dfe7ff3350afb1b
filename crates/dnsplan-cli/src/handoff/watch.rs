//! `steward`: finishes hand-offs that were left, and watches the roles.

use std::time::Duration;

use dnsplan::fence::Generation;
use dnsplan::leadership::Node;
use dnsplan::leadership::monitor::{Alarm, Claim, Instance, Limits, Monitor, Poll, Refusals, Register};
use dnsplan::leadership::postgres::servers::{Endpoint, Look, Member};
use serde_json::json;
use tokio::time::Instant;

use crate::args;
use crate::command::Stop;
use crate::failure::{Code, Failure};
use crate::handoff::file::File;
use crate::handoff::step::{Step, milliseconds};
use crate::handoff::{Stewarding, metrics, trouble};
use crate::session::Session;

/// For how long the endpoint's name may lag behind the record: its TTL and the enactors' pace.
const SKEW: Duration = Duration::from_secs(10);

/// For how long a hand-off may take before somebody is told.
const STUCK: Duration = Duration::from_secs(30);

/// What one steward does does not hold up what the other one sees.
pub(super) async fn watch(
    session: &Session,
    [hand, eye]: [Stewarding; 2],
    file: &File,
    args: &args::Steward,
) -> Result<Code, Failure> {
    let (poll, mut stop, begun) = (Duration::from_millis(args.poll), Stop::new()?, Instant::now());
    if let Some(at) = args.metrics {
        metrics::listen(at)?;
    }
    if !session.is_json() {
        outln!("ready: watching {} on {} nodes", file.role, file.nodes.len());
    }
    tokio::select! {
        () = stop.asked() => {}
        () = work(session, hand, poll, begun) => {}
        () = see(session, eye, poll, begun) => {}
    }
    errln!("stopped");
    Ok(Code::Done)
}

/// Takes whatever step is due, for ever.
async fn work(session: &Session, mut steward: Stewarding, poll: Duration, begun: Instant) {
    let (mut before, mut last) = (None, None);
    loop {
        match steward.tick(None, None).await {
            Ok(progress) => {
                last = None;
                if let Some(step) = Step::of(&progress) {
                    tell_step(session, &steward, step, begun.elapsed());
                    // What is to be done again and again needs time in between.
                    if before.replace(progress.clone()) != Some(progress) {
                        continue;
                    }
                }
            }
            Err(ended) => {
                let failure = trouble(&ended);
                if last.as_ref() != Some(&failure) {
                    tracing::warn!("{failure}; trying again");
                    last = Some(failure);
                }
            }
        }
        tokio::time::sleep(poll).await;
    }
}

fn tell_step(session: &Session, steward: &Stewarding, step: Step, after: Duration) {
    let role = steward.servers().scope();
    if session.is_json() {
        let mut line = step.json(after);
        (line["schema"], line["role"]) = (json!("dnsplan.steward.step/1"), json!(role.as_str()));
        outln!("{line}");
    } else {
        outln!("{role}: {}", step.text);
    }
}

/// Looks at everything, for ever.
async fn see(session: &Session, steward: Stewarding, poll: Duration, begun: Instant) {
    let mut monitor = Monitor::new(Limits { skew: SKEW, stuck: STUCK, stale: STUCK });
    loop {
        observe(session, &steward, &mut monitor, begun).await;
        tokio::time::sleep(poll).await;
    }
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
    news.raised.iter().for_each(|alarm| tell(session, steward, alarm, true, at));
    news.cleared.iter().for_each(|alarm| tell(session, steward, alarm, false, at));
}

fn instance((member, look): &(Member, Result<Look, String>)) -> Instance {
    let claim = match look {
        Err(_) => Claim::Unreachable,
        Ok(look) if look.timeline().is_none() => Claim::Reader,
        Ok(look) => match (look.opened, look.lowest) {
            // Whoever is sealed knows that it is no writer. Whoever was promoted past the protocol does not.
            (Some((epoch, _)), Some(lowest)) if epoch >= lowest && epoch > Generation::ZERO => {
                Claim::Writer(Some(epoch))
            }
            // Where the role is not said to move, any epoch is accepted that the floor lets in.
            (None, Some(_)) => Claim::Writer(None),
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

fn tell(session: &Session, steward: &Stewarding, alarm: &Alarm, is_raised: bool, at: Duration) {
    let (role, state) = (steward.servers().scope(), if is_raised { "raised" } else { "cleared" });
    if session.is_json() {
        let text = alarm.to_string();
        outln!(
            "{}",
            json!({ "schema": "dnsplan.alarm/1", "role": role.as_str(), "alarm": kind(alarm), "state": state, "text": text,
                "after_milliseconds": milliseconds(at) })
        );
    } else {
        outln!("{role}: alarm {state}: {}: {alarm}", kind(alarm));
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
