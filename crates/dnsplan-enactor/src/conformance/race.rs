//! The check of the race: several enactors, crashes, faults, late deliveries, newer plans all the time, and a reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::world::{number_of, origin, owner};
use super::{Fault, Faulty, Harness, Schedule, Task, World, interleave, yield_once};
use crate::Rest;
use dnsplan_plan::PlanStore;

const SEEDS: u64 = 40;
const PLANS: u8 = 12;

pub(super) async fn enactors_race_under_faults<H: Harness>(harness: &H) {
    for seed in 0..SEEDS {
        race(harness, seed).await;
    }
}

async fn race<H: Harness>(harness: &H, seed: u64) {
    let mut schedule = Schedule::new(seed);
    let world = World::new(harness).await;
    world.publish(1).await;
    world.pass("e0").await.expect("installed");
    let done = AtomicBool::new(false);
    let targets: Vec<_> =
        (0..3).map(|_| Arc::new(Faulty::new(Arc::clone(&world.target), faults(&mut schedule)))).collect();
    for round in 0..3 {
        done.store(false, Ordering::Relaxed);
        let mut tasks: Vec<Task<'_>> = vec![Box::pin(read(harness, &world, &done, seed))];
        let (from, to) = (2 + round * 4, 2 + (round + 1) * 4);
        tasks.push(Box::pin(publish(&world, from..to.min(PLANS), &done)));
        for (index, target) in targets.iter().enumerate() {
            tasks.push(Box::pin(enact(&world, target, index, &done)));
        }
        // After so many steps everybody crashes at whatever await they are, and starts again in the next round.
        interleave(&mut schedule, tasks, 4_000).await;
        for target in &targets {
            if schedule.below(2) == 0 {
                // An error says for certain that nothing was done.
                drop(target.deliver().await);
            }
        }
    }
    let head = world.store.head(&origin()).await.expect("the store answers").expect("a head");
    assert_eq!(
        world.pass("last").await,
        Ok(Rest::Live(head.generation())),
        "eventually newest (seed {seed})"
    );
    world.assert_serves(harness, &head).await;
    for target in &targets {
        while target.delayed() > 0 {
            drop(target.deliver().await);
        }
    }
    world.assert_serves(harness, &head).await;
}

fn faults(schedule: &mut Schedule) -> Vec<Fault> {
    let all = [Fault::None, Fault::None, Fault::LoseReply, Fault::LoseRequest, Fault::Delay, Fault::Fail];
    (0..30).map(|_| all[schedule.below(all.len())]).collect()
}

async fn publish<T: crate::Target>(world: &World<T>, numbers: std::ops::Range<u8>, done: &AtomicBool) {
    for number in numbers {
        for _ in 0..number {
            yield_once().await;
        }
        world.publish(number).await;
    }
    for _ in 0..200 {
        yield_once().await;
    }
    done.store(true, Ordering::Relaxed);
}

async fn enact<T: crate::Target>(world: &World<T>, target: &Arc<Faulty<T>>, index: usize, done: &AtomicBool) {
    let mut enactor = world.enactor_at(target, &format!("e{index}"));
    while !done.load(Ordering::Relaxed) {
        // A fault is an error of the pass; the next pass goes on from whatever is there.
        drop(enactor.pass().await);
        yield_once().await;
    }
}

async fn read<H: Harness>(harness: &H, world: &World<H::Target>, done: &AtomicBool, seed: u64) {
    let mut newest = 0;
    while !done.load(Ordering::Relaxed) {
        let answer = harness.answer(&world.target, &owner("api")).await;
        let number = answer.as_deref().and_then(number_of);
        let number = number.unwrap_or_else(|| panic!("the endpoint went empty after {newest} (seed {seed})"));
        assert!(number >= newest, "DNS went backwards from {newest} to {number} (seed {seed})");
        newest = number;
        yield_once().await;
    }
}
