//! What once wedged an enactor, or set it going without a rest: each of these was a defect.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::store::Doctored;
use common::{Log, assert_serves, block_on, generation, origin, publish, record, set, world};
use dnsplan_enactor::conformance::{CountedNonces, MemoryTarget, VirtualClock, World, sample_zone};
use dnsplan_enactor::{Enactor, Event, Layout, Nonces, Rest};
use dnsplan_fence::{Actor, ParentGeneration};
use dnsplan_plan::{
    Override, OwnerName, Plan, PlanStore, Proposal, Provenance, RRset, StoreError, Timestamp, Ttl, Zone,
    rdata, violations,
};

const LAYOUTS: [Layout; 3] = [Layout::Tree, Layout::InPlace, Layout::Whole];

/// A zone with fewer addresses than its protection wants.
fn lowered() -> Zone {
    let mut zone = sample_zone(2);
    set(&mut zone, "api", "A", &["192.0.2.2"]);
    zone
}

/// Appends the lowered zone to the head, under an override.
fn publish_lowered(world: &World<MemoryTarget>) -> Arc<Plan> {
    let head = block_on(world.store.head(&origin())).unwrap();
    let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
    let lifted = Override {
        guard: "at-least-n".into(),
        reason: "a drill".into(),
        expires: Timestamp::from_millis(99),
    };
    let provenance = Provenance {
        overrides: vec![lifted],
        ..Provenance::new("test", Timestamp::from_millis(0), "a test")
    };
    let plain = Provenance::new("test", Timestamp::from_millis(0), "a test");
    assert!(!violations(None, &lowered(), &plain).is_empty(), "else the override lifts nothing");
    let proposal = Proposal { zone: lowered(), provenance };
    block_on(world.store.append(parent, proposal, world.nonces.next())).expect("the plan is appended")
}

/// Appends a change of something else to the lowered zone, without an override.
fn publish_unrelated(world: &World<MemoryTarget>) -> Arc<Plan> {
    let mut zone = lowered();
    set(&mut zone, "info", "TXT", &["other"]);
    block_on(publish(world, zone))
}

#[test]
fn g5_skipping_the_plan_that_carried_an_override_wedges_nothing() {
    for layout in LAYOUTS {
        let world = world(layout, 3);
        block_on(world.publish(1));
        block_on(world.pass("e1")).unwrap();
        publish_lowered(&world);
        let head = publish_unrelated(&world);
        assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(3))), "{layout:?}");
        assert_serves(&world.target, head.zone());
    }
}

#[test]
fn g5_a_fence_lost_after_an_override_came_and_went_heals() {
    for layout in LAYOUTS {
        let world = world(layout, 3);
        block_on(world.publish(1));
        publish_lowered(&world);
        block_on(world.pass("e1")).unwrap();
        let head = publish_unrelated(&world);
        assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(3))), "{layout:?}");
        world.target.edit(|contents| contents.fence = None);
        assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(3))), "{layout:?}");
        assert_serves(&world.target, head.zone());
    }
}

#[test]
fn g5_a_head_under_an_override_is_issued_again_above_a_target_that_is_ahead() {
    for layout in LAYOUTS {
        let world = world(layout, 3);
        (1..4).for_each(|number| drop(block_on(world.publish(number))));
        block_on(world.pass("e1")).unwrap();
        let restored = world.with_another_store();
        publish_lowered(&restored);
        let mut enactor = restored.enactor_at(&restored.target, "e1");
        for _ in 0..3 {
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(3))), "{layout:?}");
        }
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(4))), "{layout:?}");
        assert_serves(&world.target, &lowered());
    }
}

#[test]
fn g5_odd_owner_names_are_set_aside_and_read_back() {
    for name in
        ["x\\061y.example.", "a\\.b.example.", "xn--bcher-kva.example.", "*.example.", "_a._tcp.example."]
    {
        let odd: OwnerName = name.parse().unwrap();
        let world = world(Layout::InPlace, 3);
        let mut zone = sample_zone(1);
        let address = rdata("A", "192.0.2.9", &origin()).unwrap();
        let rrset = RRset::simple(Ttl::new(60).unwrap(), [address]).unwrap();
        zone.set_rrset(odd.clone(), rrset).unwrap();
        block_on(publish(&world, zone));
        world.target.reject([odd.clone()].into());
        assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(1))), "{name}");
        let before = record(&world.target);
        assert_eq!(before.payload.owners, [odd].into(), "{name}");
        assert_eq!(block_on(world.pass("e2")), Ok(Rest::Live(generation(1))), "{name}");
        assert_eq!(record(&world.target), before, "{name} is understood by another enactor");
    }
}

type Behind = Enactor<Doctored, MemoryTarget, VirtualClock, CountedNonces>;

/// An enactor behind a store that can be made to fail, and what it says.
fn doctored(world: &World<MemoryTarget>) -> (Arc<Doctored>, Behind, Log) {
    let store = Arc::new(Doctored { inner: Arc::clone(&world.store), ..Doctored::default() });
    let (target, clock) = (Arc::clone(&world.target), Arc::clone(&world.clock));
    let (nonces, log) = (Arc::clone(&world.nonces), Log::default());
    let enactor = Enactor::new(Arc::clone(&store), target, clock, nonces, Actor::new("e5").unwrap());
    (store, enactor.with_observer(log.observer()), log)
}

/// Plan 1 is live, plan 2 is the head.
fn one_behind(layout: Layout) -> World<MemoryTarget> {
    let world = world(layout, 3);
    block_on(world.publish(1));
    block_on(world.pass("e1")).unwrap();
    block_on(world.publish(2));
    world
}

fn assert_goes_on_in_spite_of(unreadable: &str, world: &World<MemoryTarget>, mut enactor: Behind, log: &Log) {
    for _ in 0..3 {
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(2))));
        assert_serves(&world.target, &sample_zone(2));
    }
    let trouble = Event::StoreTrouble(StoreError::Corrupt(unreadable.to_owned()));
    assert_eq!(log.count(|event| *event == trouble), 1, "said once: {:?}", log.events());
}

#[test]
fn g5_unreadable_bookkeeping_stops_nothing() {
    for layout in LAYOUTS {
        let world = one_behind(layout);
        let (store, enactor, log) = doctored(&world);
        store.hides_targets.store(true, Ordering::Relaxed);
        assert_goes_on_in_spite_of("what is known of a target", &world, enactor, &log);
    }
}

#[test]
fn g5_an_unreadable_old_plan_stops_nothing() {
    for layout in LAYOUTS {
        let world = one_behind(layout);
        let (store, enactor, log) = doctored(&world);
        store.hides_plan.store(1, Ordering::Relaxed);
        assert_goes_on_in_spite_of("a plan", &world, enactor, &log);
    }
}

#[test]
fn g5_a_store_restored_under_a_running_enactor_is_told_again() {
    for layout in LAYOUTS {
        let world = world(layout, 3);
        block_on(world.publish(1));
        let (store, mut enactor, _) = doctored(&world);
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(1))));
        let restored = world.with_another_store();
        block_on(restored.publish(1));
        assert!(block_on(restored.store.targets(&origin())).unwrap().is_empty());
        *store.restored.lock().unwrap() = Some(Arc::clone(&restored.store));
        for _ in 0..2 {
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(1))));
        }
        let known = block_on(restored.store.targets(&origin())).unwrap();
        assert_eq!(known.len(), 1, "{layout:?}");
        assert_eq!((known[0].confirmed, known[0].report.live), (generation(1), generation(1)), "{layout:?}");
        assert_eq!(known[0].report.state, "live");
    }
}
