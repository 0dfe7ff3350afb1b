//! Two enactors, newer plans, clean-up and crashes, in thousands of orders; the guarantees are looked at after every poll.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::future::{Future, poll_fn};
use std::pin::Pin;

use common::{Watch, record, world};
use dnsplan_enactor::conformance::{MemoryTarget, Schedule, Task, World, block_on, interleave, yield_once};
use dnsplan_enactor::{Layout, Rest};
use dnsplan_fence::Generation;

/// A task that is looked after whenever it was polled.
fn looked_after<'a>(watch: &'a Watch, task: impl Future<Output = ()> + Send + 'a) -> Task<'a> {
    let mut task: Pin<Box<dyn Future<Output = ()> + Send + 'a>> = Box::pin(task);
    Box::pin(poll_fn(move |context| {
        let polled = task.as_mut().poll(context);
        watch.check();
        polled
    }))
}

async fn enact(world: &World<MemoryTarget>, name: &str, passes: usize) {
    let mut enactor = world.enactor_at(&world.target, name);
    for _ in 0..passes {
        enactor.pass().await.expect("store and target are up");
        yield_once().await;
    }
}

async fn publish(world: &World<MemoryTarget>, gap: usize) {
    for number in 2..4 {
        world.publish(number).await;
        for _ in 0..gap {
            yield_once().await;
        }
    }
}

/// One seed; returns how many states of the target were looked at.
async fn race(layout: Layout, batch: usize, seed: u64) -> usize {
    let mut schedule = Schedule::new(seed);
    let world = world(layout, batch);
    let watch = Watch::new(&world.target);
    world.publish(1).await;
    world.pass("e0").await.expect("installed");
    watch.check();
    let gap = schedule.below(120);
    // One time in two everybody crashes half-way.
    let steps = if schedule.below(2) == 0 { 50 + schedule.below(400) } else { usize::MAX };
    let tasks = vec![
        looked_after(&watch, enact(&world, "e1", 2)),
        looked_after(&watch, enact(&world, "e2", 2)),
        looked_after(&watch, publish(&world, gap)),
    ];
    interleave(&mut schedule, tasks, steps).await;
    let head =
        dnsplan_plan::PlanStore::head(&*world.store, &common::origin()).await.unwrap().unwrap().generation();
    assert_eq!(watch.run(world.pass("last")), Ok(Rest::Live(head)), "seed {seed}");
    let record = record(&world.target);
    assert_eq!((record.generation, record.base, record.floor), (head, head, head), "seed {seed}");
    if layout == Layout::Tree {
        let trees = world.target.contents().trees;
        let kept: Vec<Generation> = trees.keys().map(|tree| tree.generation).collect();
        assert_eq!(kept, [head], "only what is live is kept (seed {seed})");
    }
    watch.states()
}

fn races(layout: Layout, batch: usize, seeds: std::ops::Range<u64>) {
    let states: usize = seeds.map(|seed| block_on(race(layout, batch, seed))).sum();
    println!("{layout:?}, {batch} owner names a part: {states} states looked at");
    assert!(states > 1_000);
}

#[test]
fn g2_g3_in_any_order_a_tree_is_monotone_never_empty_and_kept() {
    races(Layout::Tree, 1, 0..500);
    races(Layout::Tree, 3, 500..1_000);
}

#[test]
fn g1_g4_in_any_order_what_is_in_place_is_monotone_whole_and_never_empty() {
    races(Layout::InPlace, 1, 0..500);
    races(Layout::InPlace, 3, 500..1_000);
}

#[test]
fn g4_whole_at_once_in_any_order() {
    races(Layout::Whole, 1, 0..500);
}

#[test]
fn g5_a_first_plan_that_was_begun_does_not_keep_the_next_one_out() {
    for layout in [Layout::Tree, Layout::InPlace, Layout::Whole] {
        for steps in 0..200 {
            let world = world(layout, 1);
            let watch = Watch::new(&world.target);
            block_on(world.publish(1));
            let first: Vec<Task<'_>> = vec![looked_after(&watch, enact(&world, "e1", 1))];
            block_on(interleave(&mut Schedule::new(0), first, steps));
            block_on(world.publish(2));
            assert_eq!(
                watch.run(world.pass("e2")),
                Ok(Rest::Live(Generation::new(2))),
                "{layout:?} after {steps}"
            );
        }
    }
}
