//! Taking turns: what is live is verified once before a newer tree is staged beside it, and a newer plan does not wait for long.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use common::bed::{Worker, apply, assert_is_all, config, flip, grow, lines, live, metered, process, stage};
use common::metered::Metered;
use common::store::Doctored;
use common::{Log, block_on, generation, origin, owner, record, watched, world};
use dnsplan_enactor::conformance::{Fault, Faulty, World};
use dnsplan_enactor::{EnactError, Enactor, Event, Layout, Rest, TargetError, TreeName};
use dnsplan_fence::{Actor, Digest, Generation, Move};
use dnsplan_plan::PlanStore;

/// The first plan is live, and the second one is the head.
fn one_behind(layout: Layout) -> (World<Metered>, Worker) {
    let world = metered(layout);
    let mut enactor = world.enactor_at(&world.target, "e1").with_config(config());
    assert_eq!(block_on(enactor.pass()), live(1));
    grow(&world, 2);
    world.target.trace();
    (world, enactor)
}

/// Runs a pass, and does `then` as soon as the record says so; says what the pass has come to, unless `then` ends it.
fn until(
    world: &World<Metered>,
    enactor: &mut Worker,
    is_there: impl Fn(&World<Metered>) -> bool,
    then: impl FnOnce() -> bool,
) -> Option<Result<Rest, EnactError>> {
    let mut pass = pin!(enactor.pass());
    let mut context = Context::from_waker(Waker::noop());
    while !is_there(world) {
        assert!(pass.as_mut().poll(&mut context).is_pending(), "it never comes to that");
    }
    if !then() {
        return None;
    }
    loop {
        if let Poll::Ready(rest) = pass.as_mut().poll(&mut context) {
            return Some(rest);
        }
    }
}

fn is_at(number: u64) -> impl Fn(&World<Metered>) -> bool {
    move |world| {
        let record = world.target.record();
        (record.generation, record.flip.is_complete()) == (generation(number), true)
    }
}

/// The second plan is in place, nobody has verified it, and the third one is the head.
fn unverified(layout: Layout) -> World<Metered> {
    let (world, mut enactor) = one_behind(layout);
    assert_eq!(until(&world, &mut enactor, is_at(2), || false), None);
    grow(&world, 3);
    world.target.trace();
    world
}

#[test]
fn g3_a_tree_is_verified_and_the_one_before_it_deleted_before_the_next_one_is_staged() {
    let world = unverified(Layout::Tree);
    let (enactor, _) = process(&world, "e2");
    let log = Log::default();
    let mut enactor = enactor.with_observer(log.observer());
    assert_eq!(block_on(enactor.pass()), live(3));
    let trace = world.target.trace();
    assert_eq!(trace[..7], [lines(["floor 2", "reap 1", "reap 1"]), stage(3, 4)].concat());
    let confirmed = log.count(|event| matches!(event, Event::Confirmed(number) if number.get() == 2));
    assert_eq!(confirmed, 1);
    assert_eq!(world.target.contents().trees.len(), 1);
}

#[test]
fn in_place_nothing_is_left_behind_and_nothing_waits() {
    let world = unverified(Layout::InPlace);
    let (enactor, _) = process(&world, "e2");
    let log = Log::default();
    let mut enactor = enactor.with_observer(log.observer());
    assert_eq!(block_on(enactor.pass()), live(3));
    assert_eq!(world.target.trace(), apply(3, 3, 2));
    assert_eq!(log.count(|event| matches!(event, Event::Confirmed(_))), 1, "{:?}", log.events());
}

#[test]
fn a_plan_that_comes_in_the_midst_of_a_flip_is_staged_once_the_one_before_is_verified() {
    let (world, mut enactor) = one_behind(Layout::Tree);
    let is_flipping = |world: &World<Metered>| world.target.record().generation == generation(2);
    let rest = until(&world, &mut enactor, is_flipping, || {
        grow(&world, 3);
        true
    });
    assert_eq!(rest, Some(live(3)));
    let trace = world.target.trace();
    let second = [stage(2, 4), flip(2, 6, 1), lines(["floor 2", "reap 1", "reap 1"]), stage(3, 4)].concat();
    assert_eq!(trace[..second.len()], second);
}

#[test]
fn a_plan_that_comes_in_the_midst_of_a_verification_waits_for_its_end() {
    for written in ["floor 2", "reap 1"] {
        let (world, mut enactor) = one_behind(Layout::Tree);
        let is_written = |world: &World<Metered>| {
            let (record, contents) = (world.target.record(), world.target.contents());
            let is_begun =
                contents.trees.iter().any(|(name, tree)| name.generation.get() == 1 && tree.len() < 6);
            record.floor == generation(2) && (written == "floor 2" || is_begun)
        };
        let rest = until(&world, &mut enactor, is_written, || {
            grow(&world, 3);
            true
        });
        assert_eq!(rest, Some(live(3)));
        let trace = world.target.trace();
        let second =
            [stage(2, 4), flip(2, 6, 1), lines(["floor 2", "reap 1", "reap 1"]), stage(3, 4)].concat();
        assert_eq!(trace[..second.len()], second, "{written}");
    }
}

#[test]
fn a_verification_that_fails_is_not_waited_for_again() {
    let world = unverified(Layout::Tree);
    let (mut enactor, target) = process(&world, "e2");
    let failed = || TargetError::Unavailable("for now".to_owned());
    target.refuse(1, |action| matches!(action, Move::Reap(_)), failed());
    assert_eq!(block_on(enactor.pass()), Err(failed().into()));
    assert_eq!(world.target.trace(), ["floor 2", "reap 1: failed"]);
    assert_eq!(block_on(enactor.pass()), live(3));
    let trace = world.target.trace();
    assert_eq!(trace[..4], stage(3, 4));
    assert_eq!(world.target.contents().trees.len(), 1, "what was left is seen to later");
}

#[test]
fn what_cannot_be_deleted_yet_does_not_keep_a_newer_plan_waiting() {
    let world = unverified(Layout::Tree);
    let (mut enactor, target) = process(&world, "e2");
    let pending = TargetError::Pending("for now".to_owned());
    target.refuse(1, |action| matches!(action, Move::Reap(_)), pending);
    assert_eq!(block_on(enactor.pass()), live(3));
    let trace = world.target.trace();
    assert_eq!(trace[..6], [lines(["floor 2", "reap 1: pending"]), stage(3, 4)].concat());
}

/// Plants so many trees that are not pointed at.
fn plant(world: &World<Metered>, count: u8) {
    let name = |index: u8| TreeName { generation: generation(1), digest: Digest::new([index; 32]) };
    world.target.edit(|contents| {
        contents.trees.extend((0..count).map(|index| (name(index), contents.nodes.clone())));
    });
}

#[test]
fn a_newer_plan_waits_for_so_many_writes_at_most() {
    for (trees, writes) in [(12, 15), (13, 16), (14, 16), (30, 16)] {
        let world = unverified(Layout::Tree);
        plant(&world, trees);
        let (mut enactor, _) = process(&world, "e2");
        assert_eq!(block_on(enactor.pass()), live(3));
        let trace = world.target.trace();
        let before = trace.iter().position(|line| line == "stage 3 1/4").unwrap();
        assert_eq!(before, writes, "floor, two writes for the first tree, one for every other one");
        assert_eq!(world.target.contents().trees.len(), 1, "the rest is deleted once there is nothing newer");
    }
}

#[test]
fn what_was_confirmed_is_not_verified_again_before_the_next_plan() {
    let (world, _) = one_behind(Layout::Tree);
    world.target.edit(|contents| contents.pointers.retain(|name, _| *name != owner("info")));
    let (mut enactor, target) = process(&world, "e2");
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace()[..4], stage(2, 4));
    assert_eq!(target.audits(), 1, "of the second plan");
}

#[test]
fn a_tree_that_is_being_staged_already_is_staged_to_its_end_first() {
    // Nobody can say what was confirmed, and so what is live might not have been verified yet.
    let world = world(Layout::Tree, 3);
    block_on(world.publish(1));
    block_on(world.pass("e1")).unwrap();
    block_on(world.publish(2));
    let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), [Fault::None, Fault::Fail]));
    assert!(block_on(world.enactor_at(&faulty, "e1").pass()).is_err());
    assert_eq!(record(&world.target).stage.unwrap().progress.done(), 1);
    world.target.edit(|contents| contents.pointers.retain(|name, _| *name != owner("info")));
    let store = Arc::new(Doctored { inner: Arc::clone(&world.store), ..Doctored::default() });
    store.hides_targets.store(true, Ordering::Relaxed);
    let log = Log::default();
    let (target, clock, nonces) =
        (Arc::clone(&world.target), Arc::clone(&world.clock), Arc::clone(&world.nonces));
    let mut enactor =
        Enactor::new(store, target, clock, nonces, Actor::new("e5").unwrap()).with_observer(log.observer());
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(log.count(|event| matches!(event, Event::Repaired(_))), 0, "{:?}", log.events());
}

#[test]
fn g5_plans_that_come_faster_than_a_chain_leave_at_most_two_trees() {
    let (world, mut enactor) = one_behind(Layout::Tree);
    let rest = watched(enactor.pass(), || {
        let (record, contents) = (world.target.record(), world.target.contents());
        let head = block_on(world.store.head(&origin())).unwrap().unwrap().generation();
        if record.generation == head && head < generation(8) {
            grow(&world, head.get() + 1);
        }
        let trees: BTreeSet<Generation> = contents.trees.keys().map(|name| name.generation).collect();
        assert!(trees.len() <= 2, "{trees:?}");
    });
    assert_eq!(rest, live(8));
    assert_is_all(&world.target, &block_on(world.store.head(&origin())).unwrap().unwrap());
}
