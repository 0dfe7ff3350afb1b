//! Processes that take chains over from one another, newer plans, crashes, and edges that get what is written late and in any order.
//!
//! The target looks after every write whether it came too early: see `common::metered`.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::sync::Arc;
use std::time::Duration;

use common::bed::{assert_is_all, grown, metered};
use common::metered::Metered;
use common::{block_on, origin, publish};
use dnsplan_enactor::conformance::{
    self, Harness, Schedule, Tamper, Task, World, interleave, tamper_memory, yield_once,
};
use dnsplan_enactor::{Clock, Config, Layout, Rest, TargetError};
use dnsplan_plan::{Node, OwnerName, PlanStore};

const POLL: Duration = Duration::from_millis(100);

/// Passes of a process of its own; now and then a part is larger than it thought.
async fn enact(world: &World<Metered>, name: &str, passes: usize, mut schedule: Schedule) {
    let target = world.target.elsewhere();
    let config = Config { takeover: 4 * POLL, audit_every: 20 * POLL, ..Config::default() };
    let mut enactor = world.enactor_at(&target, name).with_config(config);
    for _ in 0..passes {
        if schedule.below(6) == 0 {
            target.refuse(1, |_| true, TargetError::TooLarge("a fault was asked for".to_owned()));
        }
        match enactor.pass().await {
            Ok(_)
            | Err(dnsplan_enactor::EnactError::Target(TargetError::TooLarge(_) | TargetError::Unproven)) => {}
            failed => panic!("{name}: {failed:?}"),
        }
        world.clock.sleep(POLL).await;
    }
}

async fn spread(world: &World<Metered>, mut schedule: Schedule, times: usize) {
    for _ in 0..times {
        world.target.arrive_some(schedule.below(4));
        for _ in 0..schedule.below(12) {
            yield_once().await;
        }
    }
}

async fn plan(world: &World<Metered>, gap: usize) {
    for number in 2..5 {
        publish(world, grown(number)).await;
        for _ in 0..gap {
            yield_once().await;
        }
    }
}

/// One seed; returns how many lines the target wrote down, and how many of them are of chains that were begun anew.
fn race(layout: Layout, seed: u64) -> [usize; 2] {
    let mut schedule = Schedule::new(seed);
    let world = metered(layout);
    block_on(world.enactor_at(&world.target, "e0").pass()).unwrap();
    world.target.be_late();
    let gap = schedule.below(300);
    let steps = if schedule.below(2) == 0 { 200 + schedule.below(2_000) } else { 20_000 };
    let mut fork = || Schedule::new(schedule.next());
    let (first, second, edges) = (fork(), fork(), fork());
    let tasks: Vec<Task<'_>> = vec![
        Box::pin(enact(&world, "e1", 40, first)),
        Box::pin(enact(&world, "e2", 40, second)),
        Box::pin(spread(&world, edges, 400)),
        Box::pin(plan(&world, gap)),
    ];
    block_on(interleave(&mut schedule, tasks, steps));
    let head = block_on(world.store.head(&origin())).unwrap().unwrap();
    let mut last = world.enactor_at(&world.target, "last");
    let mut rest = Rest::Stale;
    for _ in 0..20 {
        rest = block_on(last.pass()).unwrap();
        world.target.arrive();
    }
    assert_eq!(rest, Rest::Live(head.generation()), "seed {seed}");
    assert_is_all(&world.target, &head);
    assert_eq!(world.target.record().base, head.generation(), "seed {seed}");
    if layout == Layout::Tree {
        assert_eq!(world.target.contents().trees.len(), 1, "only what is live is kept (seed {seed})");
    }
    let trace = world.target.trace();
    let anew = trace.iter().filter(|line| line.contains("unproven") || line.contains("too large")).count();
    [trace.len(), anew]
}

fn races(layout: Layout, seeds: std::ops::Range<u64>) {
    let [all, anew] = seeds.map(|seed| race(layout, seed)).fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
    println!("{layout:?}: {all} writes, {anew} of them refused as too large or nobody's");
    assert!(anew > 100, "{anew} of {all}");
}

#[test]
fn g2_g3_in_any_order_nothing_is_flipped_to_or_deleted_too_early() {
    races(Layout::Tree, 0..25);
}

#[test]
fn g4_in_any_order_what_is_in_place_is_whole_in_the_end() {
    races(Layout::InPlace, 0..30);
}

struct Suite(Layout, usize);

impl Harness for Suite {
    type Target = Metered;

    async fn make(&self, _zone: &OwnerName) -> Arc<Metered> {
        Metered::new(self.0, self.1)
    }

    async fn answer(&self, target: &Metered, owner: &OwnerName) -> Option<Arc<Node>> {
        target.answer(owner)
    }

    async fn tamper(&self, target: &Metered, tamper: Tamper) -> bool {
        target.tamper(|reader| tamper_memory(reader, tamper))
    }
}

#[test]
fn the_target_of_these_tests_passes_the_suite() {
    // A tree that takes several writes to delete is in an audit as often, and the suite counts those of one.
    for layout in [Layout::Tree, Layout::InPlace] {
        assert_eq!(block_on(conformance::all(&Suite(layout, 6))).len(), 15, "{layout:?}");
    }
}
