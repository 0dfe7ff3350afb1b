//! Other histories, other targets, lost replies: what is said and what is done about them.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::sync::Arc;

use common::{Log, block_on, generation, origin, owner, owners, publish, record, set, watched, world};
use dnsplan_enactor::conformance::{Fault, Faulty, MemoryTarget, World, sample_zone};
use dnsplan_enactor::{Event, Layout, Rest};
use dnsplan_fence::{Move, Settled};
use dnsplan_plan::PlanStore;

/// Plan 1 is live.
fn installed(layout: Layout) -> World<MemoryTarget> {
    let world = world(layout, 1);
    block_on(world.publish(1));
    block_on(world.pass("e1")).unwrap();
    world
}

#[test]
fn a_chain_of_another_history_is_superseded() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = installed(layout);
        block_on(world.publish(2));
        let faulty =
            Arc::new(Faulty::new(Arc::clone(&world.target), [Fault::None, Fault::None, Fault::Fail]));
        assert!(block_on(world.enactor_at(&faulty, "e2").pass()).is_err(), "2 was begun");
        // A store that lost its history has another 2, and a 3.
        let other = world.with_another_store();
        for number in [1, 9, 3] {
            block_on(other.publish(number));
        }
        assert_eq!(block_on(other.pass("e3")), Ok(Rest::Live(generation(3))), "{layout:?}");
        assert_eq!(world.target.answer(&owner("api")).as_ref(), sample_zone(3).node(&owner("api")));
    }
}

#[test]
fn g4_another_history_says_nothing_about_what_is_there() {
    let world = installed(Layout::InPlace);
    // The other store's 1 is not what is live, and its 2 changes `info` only.
    let other = world.with_another_store();
    block_on(other.publish(4));
    let mut second = sample_zone(4);
    set(&mut second, "info", "TXT", &["two"]);
    block_on(publish(&other, second.clone()));
    let rest = watched(other.pass("e2"), || {
        let record = record(&world.target);
        if record.base == generation(2) {
            assert_eq!(
                world.target.answer(&owner("api")).as_ref(),
                second.node(&owner("api")),
                "base says 2"
            );
        }
    });
    assert_eq!(rest, Ok(Rest::Live(generation(2))));
}

#[test]
fn what_one_target_confirmed_says_nothing_about_another() {
    let world = installed(Layout::InPlace);
    block_on(world.publish(2));
    block_on(world.pass("e1")).unwrap();
    // Its id comes after the other one's.
    let second = Arc::new(MemoryTarget::new(origin(), Layout::Tree, 1));
    let log = Log::default();
    let mut enactor = world.enactor_at(&second, "e2").with_observer(log.observer());
    assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(2))));
    assert_eq!(log.count(|event| matches!(event, Event::Rewound { .. })), 0);
    assert_eq!(log.count(|event| *event == Event::Confirmed(generation(2))), 1);
    let known = block_on(world.store.targets(&origin())).unwrap();
    assert!(known.iter().all(|status| status.confirmed == generation(2)));
    assert_eq!(known.len(), 2);
}

#[test]
fn g8_a_lost_reply_is_settled_by_a_fresh_look() {
    for (fault, settled) in [(Fault::LoseReply, Settled::Won), (Fault::LoseRequest, Settled::Pending)] {
        for layout in [Layout::Tree, Layout::InPlace, Layout::Whole] {
            let world = installed(layout);
            block_on(world.publish(2));
            let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), [fault]));
            let log = Log::default();
            let mut enactor = world.enactor_at(&faulty, "e2").with_observer(log.observer());
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(2))));
            assert_eq!(log.count(|event| *event == Event::Settled(settled)), 1, "{fault:?} {layout:?}");
        }
    }
}

#[test]
fn what_never_arrived_is_not_said_to_be_done() {
    for at in 0..24 {
        let world = installed(Layout::Tree);
        block_on(world.publish(2));
        let faults = (0..at).map(|_| Fault::None).chain([Fault::LoseRequest]);
        let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), faults));
        let log = Log::default();
        let mut enactor = world.enactor_at(&faulty, "e2").with_observer(log.observer());
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(2))));
        let reaped =
            log.count(|event| matches!(event, Event::Reaped(tree) if tree.generation == generation(1)));
        assert_eq!(reaped, 1, "tree 1 was deleted once (request {at} was lost)");
    }
    let world = installed(Layout::InPlace);
    world.target.edit(|contents| drop(contents.nodes.remove(&owner("info"))));
    let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), [Fault::LoseRequest]));
    let log = Log::default();
    let mut enactor = world.enactor_at(&faulty, "e2").with_observer(log.observer());
    assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(1))));
    let wrote = Event::Wrote { generation: generation(1), action: Move::Repair };
    let settled = Event::Settled(Settled::Pending);
    assert_eq!(log.events(), [settled, wrote, Event::Repaired(owners(["info"]))]);
}

#[test]
fn a_pruned_history_hides_no_difference_to_what_is_settled() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = world(layout, 16);
        block_on(world.publish(1));
        block_on(world.pass("e1")).unwrap();
        block_on(world.publish(2));
        block_on(world.publish(3));
        assert_eq!(block_on(world.store.prune(&origin(), generation(3))).unwrap().plans, 1);
        let log = Log::default();
        let mut enactor = world.enactor_at(&world.target, "e2").with_observer(log.observer());
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(3))), "{layout:?}");
        assert_eq!(world.target.answer(&owner("host-1")), None, "plan 3 does not have it");
        let repaired = log.count(|event| matches!(event, Event::Repaired(_)));
        assert_eq!(repaired, 0, "put in place, not repaired ({layout:?}): {:?}", log.events());
    }
}

#[test]
fn g4_a_pruned_history_says_nothing_about_what_was_left_behind() {
    let world = installed(Layout::InPlace);
    // Plan 3 goes live without `info`, which is still at 1; plan 4 does not change it.
    world.target.reject(owners(["info"]));
    block_on(world.publish(2));
    block_on(world.publish(5));
    assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(3))));
    world.target.reject(owners([]));
    let mut fourth = sample_zone(5);
    set(&mut fourth, "new", "TXT", &["four"]);
    block_on(publish(&world, fourth.clone()));
    assert_eq!(block_on(world.store.prune(&origin(), generation(4))).unwrap().plans, 1);
    let rest = watched(world.pass("e2"), || {
        let record = record(&world.target);
        assert!(record.base == generation(1) || record.base == generation(4));
        if record.base == generation(4) {
            let info = world.target.answer(&owner("info"));
            assert_eq!(info.as_ref(), fourth.node(&owner("info")), "base says 4");
        }
    });
    assert_eq!(rest, Ok(Rest::Live(generation(4))));
}
