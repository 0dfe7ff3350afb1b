//! Worlds around a metered target: plans whose parts are known by number, processes, and what the target writes down.

use std::sync::Arc;
use std::time::Duration;

use dnsplan_enactor::conformance::{CountedNonces, Request, VirtualClock, World, sample_zone};
use dnsplan_enactor::{Clock, Config, EnactError, Enactor, Layout, Quarantine, Rest, Target, TargetError};
use dnsplan_fence::{Actor, Move, Part, Swap};
use dnsplan_plan::{MemoryStore, Plan, Zone};

use super::metered::{Metered, name_of};
use super::store::Doctored;
use super::{block_on, generation, publish, set};

/// What a pass comes to where that plan is live.
pub(crate) fn live(number: u64) -> Result<Rest, EnactError> {
    Ok(Rest::Live(generation(number)))
}

/// The first of these lines, the last of which came to something else.
pub(crate) fn but(mut lines: Vec<String>, so_many: usize, how: &str) -> Vec<String> {
    lines.truncate(so_many);
    if let Some(last) = lines.last_mut() {
        *last = format!("{last}: {how}");
    }
    lines
}

/// Lines.
pub(crate) fn lines<const N: usize>(lines: [&str; N]) -> Vec<String> {
    lines.map(str::to_owned).to_vec()
}

/// One line for a write: what, of how many parts, and the base that its record leaves where it is about what is in place.
pub(crate) fn line(request: &Request, outcome: &Result<Swap<Quarantine>, TargetError>) -> String {
    let (number, base) = (request.offered(), request.next.base);
    let part = |part: Part| format!("{number} {}/{}", part.index() + 1, part.of());
    let what = match request.action {
        Move::Stage(k) => format!("stage {}", part(k)),
        Move::Flip(k) => format!("flip {} base {base}", part(k)),
        Move::Apply(k) => format!("apply {} base {base}", part(k)),
        Move::Repair => format!("repair {number}"),
        Move::RaiseFloor(floor) => format!("floor {floor}"),
        Move::Reap(generation) => format!("reap {generation}"),
        Move::Freeze(id) => format!("freeze {id}"),
    };
    let but = match outcome {
        Ok(Swap::Won) => "",
        Ok(_) => ": lost",
        Err(TargetError::Rejected { .. }) => ": rejected",
        Err(TargetError::Pending(_)) => ": pending",
        Err(TargetError::Unproven) => ": unproven",
        Err(TargetError::TooLarge(_)) => ": too large",
        Err(TargetError::Unavailable(_) | TargetError::Misconfigured(_)) => ": failed",
    };
    what + but
}

/// Whether a move is that part (from 1) of a chain of so many.
pub(crate) fn is_part(number: u32, of: u32) -> impl Fn(Move) -> bool + Send + 'static {
    move |action| match action {
        Move::Stage(part) | Move::Flip(part) | Move::Apply(part) => {
            (part.index() + 1, part.of()) == (number, of)
        }
        _ => false,
    }
}

/// The lines of all parts of a stage.
pub(crate) fn stage(number: u64, of: u32) -> Vec<String> {
    (1..=of).map(|part| format!("stage {number} {part}/{of}")).collect()
}

/// The lines of all parts of a flip, over that base.
pub(crate) fn flip(number: u64, of: u32, base: u64) -> Vec<String> {
    placing("flip", number, of, base)
}

/// The lines of all parts in place, over that base.
pub(crate) fn apply(number: u64, of: u32, base: u64) -> Vec<String> {
    placing("apply", number, of, base)
}

fn placing(what: &str, number: u64, of: u32, base: u64) -> Vec<String> {
    let base = |part| if part == of { number } else { base };
    (1..=of).map(|part| format!("{what} {number} {part}/{of} base {}", base(part))).collect()
}

/// The plan of that number for a target with room for 4: the first one has six owner names, every other one six hosts more, of its own.
/// In place, 2 over 1 takes 2 parts by a good guess, 3 for the worst case, 6 owner name by owner name. In a tree 2 takes 4, 7 and 13
/// parts to stage and 6, 7 and 13 to flip, with the last one that only writes the record.
pub(crate) fn grown(number: u64) -> Zone {
    let mut zone = sample_zone(1);
    for host in (0..6).filter(|_| number > 1) {
        set(&mut zone, &format!("host-{number}-{host}"), "A", &["203.0.113.7"]);
    }
    zone
}

/// A world with an empty target that has room for 4, and the first plan.
pub(crate) fn metered(layout: Layout) -> World<Metered> {
    let world = World::around(Metered::new(layout, 4));
    block_on(publish(&world, grown(1)));
    world
}

/// Appends the plan of that number.
pub(crate) fn grow(world: &World<Metered>, number: u64) -> Arc<Plan> {
    let plan = block_on(publish(world, grown(number)));
    assert_eq!(plan.generation().get(), number);
    plan
}

/// An audit a minute, and a chain is left for three.
pub(crate) fn config() -> Config {
    Config { audit_every: Duration::from_mins(1), takeover: Duration::from_mins(3), ..Config::default() }
}

pub(crate) type Worker = Enactor<MemoryStore, Metered, VirtualClock, CountedNonces>;

/// Another process.
pub(crate) fn process(world: &World<Metered>, name: &str) -> (Worker, Arc<Metered>) {
    let target = world.target.elsewhere();
    (world.enactor_at(&target, name).with_config(config()), target)
}

/// Lets time go by.
pub(crate) fn pass_time(world: &World<Metered>, millis: u64) {
    block_on(world.clock.sleep(Duration::from_millis(millis)));
}

/// Asserts that what clients are answered is what the plan says, and nothing else is there.
pub(crate) fn assert_is_all(target: &Metered, plan: &Plan) {
    let contents = target.contents();
    let there = if target.layout() == Layout::Tree {
        assert!(contents.pointers.values().all(|tree| *tree == name_of(plan)), "an older tree is pointed at");
        &contents.trees[&name_of(plan)]
    } else {
        &contents.nodes
    };
    assert!(plan.zone().nodes().eq(there), "{there:?}");
    let owners = contents.pointers.keys().cloned();
    assert!(
        target.layout() != Layout::Tree || owners.eq(plan.zone().nodes().map(|(owner, _)| owner.clone()))
    );
}

/// An enactor behind a store that can be made to fail.
pub(crate) fn doctored(
    world: &World<Metered>,
) -> (Arc<Doctored>, Enactor<Doctored, Metered, VirtualClock, CountedNonces>) {
    let store = Arc::new(Doctored { inner: Arc::clone(&world.store), ..Doctored::default() });
    let (target, clock, nonces) =
        (Arc::clone(&world.target), Arc::clone(&world.clock), Arc::clone(&world.nonces));
    let enactor = Enactor::new(Arc::clone(&store), target, clock, nonces, Actor::new("e5").unwrap());
    (store, enactor.with_config(config()))
}
