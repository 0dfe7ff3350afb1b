//! The monitor, polling: who takes itself for the writer, where the endpoint leads, what is refused, and what the record says.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dnsplan_leadership::monitor::{Alarm, Claim, Instance, Limits, Monitor, Poll, Refusals, Register};

use super::world::{MONITOR, World};

/// Between two polls, in milliseconds.
const POLLS: u64 = 250;
const LIMITS: Limits =
    Limits { skew: Duration::from_secs(1), stuck: Duration::from_secs(6), stale: Duration::from_millis(750) };

/// The kinds of alarms that were raised.
pub(super) type Raised = Arc<Mutex<BTreeSet<&'static str>>>;

/// Polls, for ever.
pub(super) async fn poll_on(world: Arc<World>, raised: Raised) {
    let mut monitor = Monitor::new(LIMITS);
    loop {
        poll(&world, &mut monitor, &raised);
        world.core.sleep(POLLS).await;
    }
}

fn poll(world: &World, monitor: &mut Monitor, raised: &Raised) {
    let instance = |index: usize| {
        let (node, answers) = (world.nodes[index].node.clone(), world.report(index).is_some());
        let claim = match world.nodes[index].state().claims() {
            _ if !answers => Claim::Unreachable,
            Some(epoch) => Claim::Writer(Some(epoch.into())),
            None => Claim::Reader,
        };
        Instance { node, claim }
    };
    let instances = [instance(0), instance(1)];
    let leads_to = {
        let endpoint = world.endpoint();
        endpoint.epoch.map(|_| world.nodes[endpoint.node].node.clone())
    };
    let counted = world.storage().counters.clone();
    let refusals = |((client, epoch), total): (&(u32, _), &u64)| Refusals {
        client: world.net.actors[*client as usize].name.to_string(),
        epoch: dnsplan_fence::Generation::from(*epoch),
        total: *total,
    };
    let refused: Vec<Refusals> = counted.iter().map(refusals).collect();
    let seen = world.seen();
    let news = monitor.observe(&Poll {
        at: Duration::from_millis(world.core.now()),
        instances: &instances,
        advertised: leads_to.as_ref(),
        refused: &refused,
        register: seen.as_ref().map_or(Register::Absent, Register::Record),
    });
    for alarm in &news.raised {
        raised.lock().expect("invariant: nothing panics while it is locked").insert(kind(alarm));
        world.say(MONITOR, "alarm", None, || format!("{}: {alarm}", kind(alarm)));
    }
    for alarm in &news.cleared {
        world.say(MONITOR, "cleared", None, || format!("{} is over", kind(alarm)));
    }
}

/// The name of an alarm's kind.
const fn kind(alarm: &Alarm) -> &'static str {
    match alarm {
        Alarm::TwoWriters(_) => "TwoWriters",
        Alarm::Reverted { .. } => "Reverted",
        Alarm::Unexplained { .. } => "Unexplained",
        Alarm::Backwards { .. } => "Backwards",
        Alarm::Stuck { .. } => "Stuck",
        Alarm::SilentStale { .. } => "SilentStale",
    }
}
