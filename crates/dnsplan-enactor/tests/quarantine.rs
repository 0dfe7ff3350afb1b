//! Quarantine: what the target rejects is set aside by name; the rest goes on, and nothing waits for a human.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use common::{Log, Watch, block_on, generation, origin, owner, owners, publish, record, set, world};
use dnsplan_enactor::conformance::{MemoryTarget, World, sample_zone};
use dnsplan_enactor::{Basis, Config, Event, Layout, Quarantine, Rest, Rider};
use dnsplan_fence::{Generation, Move, Nonce, Observed, Part, Register, Standing, Swap};
use dnsplan_plan::{DemandReason, PlanStore, Zone};

const LAYOUTS: [Layout; 3] = [Layout::Tree, Layout::InPlace, Layout::Whole];

/// Plan 1 is live, and the target rejects `labels` from now on.
fn rejecting<const N: usize>(layout: Layout, labels: [&str; N]) -> World<MemoryTarget> {
    let world = world(layout, 1);
    block_on(world.publish(1));
    block_on(world.pass("e1")).unwrap();
    world.target.reject(owners(labels));
    world
}

fn assert_answered_from(target: &MemoryTarget, label: &str, zone: &Zone) {
    assert_eq!(target.answer(&owner(label)).as_ref(), zone.node(&owner(label)), "{label}");
}

#[test]
fn what_is_rejected_is_set_aside_by_name_and_everybody_agrees() {
    for layout in LAYOUTS {
        let world = rejecting(layout, ["info"]);
        block_on(world.publish(2));
        let log = Log::default();
        let watch = Watch::new(&world.target);
        let mut enactor = world.enactor_at(&world.target, "e1").with_observer(log.observer());
        assert_eq!(watch.run(enactor.pass()), Ok(Rest::Live(generation(2))), "{layout:?}");
        let said = log.count(
            |event| matches!(event, Event::Quarantined { owners, .. } if *owners == common::owners(["info"])),
        );
        assert_eq!(said, 1, "{layout:?}: {:?}", log.events());

        let after = record(&world.target);
        let effective = sample_zone(2).digest_without(&owners(["info"]));
        assert_eq!(
            after.payload,
            Quarantine { owners: owners(["info"]), effective, ..Quarantine::default() }
        );
        assert_eq!((after.base, after.generation), (generation(1), generation(2)), "info is still at 1");
        assert_answered_from(&world.target, "info", &sample_zone(1));
        assert_answered_from(&world.target, "api", &sample_zone(2));

        for other in ["e1", "e2", "e3"] {
            assert_eq!(block_on(world.pass(other)), Ok(Rest::Live(generation(2))));
            assert_eq!(record(&world.target).attempt, after.attempt, "no endless repair ({layout:?})");
        }
        let status = block_on(world.store.targets(&origin())).unwrap();
        assert_eq!(status[0].report.state, "live, 1 owner names set aside");
        assert_eq!(status[0].confirmed, generation(2));
    }
}

#[test]
fn g2_g3_a_protected_endpoint_keeps_its_old_content_and_its_tree() {
    for layout in LAYOUTS {
        let world = rejecting(layout, ["api"]);
        let watch = Watch::new(&world.target);
        for number in 2..6 {
            block_on(world.publish(number));
            // The rest goes on, but without what it protects a plan is not in effect.
            assert_eq!(watch.run(world.pass("e2")), Ok(Rest::Demanded(generation(number.into()))));
            assert_answered_from(&world.target, "api", &sample_zone(1));
            assert_answered_from(&world.target, "info", &sample_zone(number));
            let held = record(&world.target);
            assert_eq!((held.base, held.floor), (generation(1), generation(1)), "{layout:?}");
            assert_eq!(held.payload.owners, owners(["api"]));
            let status = block_on(world.store.targets(&origin())).unwrap();
            assert_eq!(status[0].confirmed, generation(1), "never confirmed");
            assert!(status[0].report.state.contains("api.example."), "{}", status[0].report.state);
            let demands = block_on(world.store.demands(&origin())).unwrap();
            let last = demands.last().expect("another plan is demanded");
            assert_eq!((last.above, last.reason), (generation(number.into()), DemandReason::Rejected));
        }
    }
}

#[test]
fn the_next_plan_that_is_taken_ends_the_quarantine() {
    for layout in LAYOUTS {
        let world = rejecting(layout, ["api", "info"]);
        let watch = Watch::new(&world.target);
        block_on(world.publish(2));
        assert_eq!(watch.run(world.pass("e1")), Ok(Rest::Demanded(generation(2))));
        assert_eq!(record(&world.target).payload.owners, owners(["api", "info"]));
        world.target.reject(BTreeSet::new());
        block_on(world.publish(3));
        assert_eq!(watch.run(world.pass("e2")), Ok(Rest::Live(generation(3))));
        let after = record(&world.target);
        assert_eq!(after.payload, Quarantine::default());
        assert_eq!((after.base, after.floor), (generation(3), generation(3)), "the base catches up");
        for label in ["@", "api", "www", "info", "ns1", "host-0", "host-1", "host-2"] {
            assert_answered_from(&world.target, label, &sample_zone(3));
        }
        let trees = world.target.contents().trees;
        assert!(trees.keys().all(|tree| tree.generation == generation(3)), "what was held is reaped now");
    }
}

/// Every other enactor's next part, too, has to know whose a name may be.
#[test]
fn what_earlier_chains_have_set_aside_the_record_knows_until_the_last_part() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = rejecting(layout, ["info"]);
        for number in [2, 3] {
            block_on(world.publish(number));
            assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(number.into()))));
        }
        assert_eq!(record(&world.target).payload.owners, owners(["info"]));
        world.target.reject(BTreeSet::new());
        block_on(world.publish(4));
        let (target, seen) = (Arc::clone(&world.target), Arc::new(Mutex::new(Vec::new())));
        let parts = Arc::clone(&seen);
        let mut enactor = world.enactor_at(&world.target, "e2").with_observer(Arc::new(move |event| {
            if let Event::Wrote { action: Move::Stage(_) | Move::Flip(_) | Move::Apply(_), .. } = event {
                parts.lock().unwrap().push(record(&target));
            }
        }));
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(4))));
        let parts = seen.lock().unwrap();
        let (last, before) = parts.split_last().expect("a chain");
        assert!(before.len() > 2, "{layout:?}");
        for (at, record) in before.iter().enumerate() {
            assert_eq!(record.payload.inherited, owners(["info"]), "{layout:?}, part {at}");
            assert!(record.payload.owners.is_empty(), "{layout:?}, part {at}");
        }
        assert_eq!(last.payload, Quarantine::default(), "{layout:?}");
        assert_eq!(last.base, generation(4));
    }
}

/// Half-way through the third plan's flip somebody has begun to stage the fourth, as after the store was put back to before the
/// third one. What the third tree lacks is not pointed at, though nothing rejects it any more.
#[test]
fn g2_what_a_tree_lacks_is_not_flipped_to_while_a_newer_one_is_staged() {
    let world = rejecting(Layout::Tree, ["info"]);
    block_on(world.publish(2));
    block_on(world.pass("e1")).unwrap();
    block_on(world.publish(3));
    let (log, target) = (Log::default(), Arc::clone(&world.target));
    let mut enactor = world.enactor_at(&target, "e1").with_observer(log.observer());
    {
        let mut pass = Box::pin(enactor.pass());
        let is_flip = |event: &Event| matches!(event, Event::Wrote { action: Move::Flip(_), .. });
        let mut context = Context::from_waker(Waker::noop());
        while log.count(is_flip) == 0 {
            assert!(pass.as_mut().poll(&mut context).is_pending(), "it came to an end");
        }
    }
    let flipping = record(&target);
    assert_eq!((flipping.generation, flipping.flip.is_complete()), (generation(3), false));
    assert_eq!((flipping.base, flipping.payload.whole), (generation(1), generation(2)), "info is still at 1");
    let fourth = block_on(world.publish(4));
    let seen = Observed::Record(flipping.clone());
    let answer = seen.witness().answered(Standing::new(fourth.generation()));
    let part = Part::new(0, 9).unwrap();
    let permit =
        seen.sight(answer).unwrap().permit(&*fourth, Move::Stage(part), Nonce::new(77), &flipping.by);
    let payload = Quarantine { inherited: owners(["info"]), whole: generation(2), ..Quarantine::default() };
    let rider = Rider::Part { plan: fourth, basis: Arc::new(Basis::Unknown), set_aside: owners(["info"]) };
    let staged = block_on(target.swap(permit.unwrap().carrying(payload), rider));
    assert_eq!(staged, Ok(Swap::Won));
    world.target.reject(BTreeSet::new());
    let watch = Watch::new(&world.target);
    let wholes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&wholes);
    let mut enactor = world.enactor_at(&target, "e2").with_observer(Arc::new(move |event| {
        if let Event::Wrote { action: Move::Flip(_), generation, .. } = event
            && generation.get() == 3
        {
            seen.lock().unwrap().push(record(&target).payload.whole);
        }
    }));
    assert_eq!(watch.run(enactor.pass()), Ok(Rest::Live(generation(4))));
    assert_answered_from(&world.target, "info", &sample_zone(4));
    let wholes = wholes.lock().unwrap();
    let (last, before) = wholes.split_last().expect("the flip was finished");
    assert!(!before.is_empty() && before.iter().all(|whole| *whole == generation(2)), "{before:?}");
    assert_eq!(*last, Generation::ZERO, "with the last part everything is at 3, but for what was set aside");
}

/// It was set aside by a repair, so that the base is the live plan's.
#[test]
fn what_was_set_aside_is_tried_again_by_a_plan_that_leaves_it_as_it_is() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = world(layout, 1);
        let like_before = |number: u8| {
            let mut zone = sample_zone(number);
            set(&mut zone, "info", "TXT", &["the same"]);
            zone
        };
        block_on(publish(&world, like_before(1)));
        let config = Config { audit_every: std::time::Duration::ZERO, ..Config::default() };
        let log = Log::default();
        let enactor = world.enactor_at(&world.target, "e1").with_config(config.clone());
        let mut enactor = enactor.with_observer(log.observer());
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(1))));
        world.target.reject(owners(["info"]));
        world.target.edit(|contents| {
            contents.trees.values_mut().for_each(|tree| drop(tree.remove(&owner("info"))));
            contents.pointers.remove(&owner("info"));
            contents.nodes.remove(&owner("info"));
        });
        let _ = block_on(enactor.pass());
        let restored = log.count(|event| matches!(event, Event::Repaired(_)));
        assert_eq!(restored, 0, "nothing was: {:?}", log.events());
        let held = record(&world.target);
        assert_eq!((held.base, &held.payload.owners), (generation(1), &owners(["info"])), "{layout:?}");
        block_on(publish(&world, like_before(2)));
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(2))), "{layout:?}");
        let held = record(&world.target);
        assert_eq!((held.base, &held.payload.owners), (generation(1), &owners(["info"])), "{layout:?}");
    }
}

/// Plan `number` with more hosts than may be set aside, all of which the target rejects.
fn too_many(number: u8) -> Zone {
    let mut zone = sample_zone(number);
    for bad in ["zz-1", "zz-2", "zz-3"] {
        set(&mut zone, bad, "A", &["203.0.113.9"]);
    }
    zone
}

#[test]
fn g5_too_much_rejected_demands_another_plan_and_wedges_nothing() {
    for layout in LAYOUTS {
        // The enactor that gave up goes on with the next plan, and so does one that knows nothing of it.
        for knows in [true, false] {
            let world = rejecting(layout, ["zz-1", "zz-2", "zz-3"]);
            block_on(publish(&world, too_many(2)));
            let log = Log::default();
            let config =
                Config { quarantine_limit: 2, audit_every: std::time::Duration::ZERO, ..Config::default() };
            let make = |name| world.enactor_at(&world.target, name).with_config(config.clone());
            let mut enactor = make("e1").with_observer(log.observer());
            let watch = Watch::new(&world.target);
            for _ in 0..4 {
                assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(2))), "{layout:?}");
                watch.check();
            }
            assert_eq!(log.count(|event| *event == Event::TooManyRejected(generation(2))), 1, "said once");
            let demands = block_on(world.store.demands(&origin())).unwrap();
            assert_eq!(demands.len(), 1);
            assert_eq!((demands[0].above, demands[0].reason), (generation(2), DemandReason::Rejected));
            let confirmed = block_on(world.store.targets(&origin())).unwrap()[0].confirmed;
            assert_eq!(confirmed, generation(1), "what is not in place is not confirmed");

            block_on(world.publish(3));
            let mut next = if knows { enactor } else { make("e2") };
            assert_eq!(watch.run(next.pass()), Ok(Rest::Live(generation(3))), "{layout:?}, knows: {knows}");
            assert_answered_from(&world.target, "api", &sample_zone(3));
        }
    }
}

#[test]
fn as_much_as_the_limit_may_be_set_aside() {
    let world = rejecting(Layout::InPlace, ["zz-1", "zz-2", "zz-3"]);
    block_on(publish(&world, too_many(2)));
    let config = Config { quarantine_limit: 3, ..Config::default() };
    let mut enactor = world.enactor_at(&world.target, "e1").with_config(config);
    assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(2))));
    assert_eq!(record(&world.target).payload.owners.len(), 3);
}

#[test]
fn g5_what_cannot_be_restored_does_not_keep_the_rest_from_it() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = rejecting(layout, ["api"]);
        // Both are lost; `api` comes first, and cannot be put back.
        world.target.edit(|contents| {
            for label in ["api", "info"] {
                contents.nodes.remove(&owner(label));
                contents.trees.values_mut().for_each(|tree| drop(tree.remove(&owner(label))));
            }
        });
        let log = Log::default();
        let mut enactor = world.enactor_at(&world.target, "e1").with_observer(log.observer());
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(1))), "{layout:?}");
        assert_answered_from(&world.target, "info", &sample_zone(1));
        assert_eq!(log.count(|event| *event == Event::Repaired(owners(["info"]))), 1, "{:?}", log.events());
        assert_eq!(record(&world.target).payload.owners, owners(["api"]));
        world.target.reject(BTreeSet::new());
        block_on(world.publish(2));
        assert_eq!(block_on(world.pass("e2")), Ok(Rest::Live(generation(2))));
        assert_answered_from(&world.target, "api", &sample_zone(2));
    }
}

#[test]
fn somebody_elses_records_at_a_planned_name_are_left_alone() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = world(layout, 1);
        block_on(world.publish(1));
        block_on(world.pass("e1")).unwrap();
        let theirs = sample_zone(99).node(&owner("info")).unwrap().clone();
        world.target.edit(|contents| {
            contents.foreign.insert(owner("info"), theirs.clone());
            contents.nodes.remove(&owner("info"));
            contents.pointers.remove(&owner("info"));
        });
        for number in 1..4_u8 {
            if number > 1 {
                block_on(world.publish(number));
            }
            assert_eq!(block_on(world.pass("e2")), Ok(Rest::Live(generation(number.into()))), "{layout:?}");
            assert_eq!(world.target.answer(&owner("info")), Some(theirs.clone()));
            assert_eq!(record(&world.target).payload.owners, owners(["info"]));
        }
    }
}

#[test]
fn a_demand_for_what_is_protected_is_made_once_and_ends_with_the_next_plan() {
    let world = rejecting(Layout::InPlace, ["api"]);
    block_on(world.publish(2));
    let log = Log::default();
    let mut enactor = world.enactor_at(&world.target, "e1").with_observer(log.observer());
    for _ in 0..4 {
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(2))));
    }
    let event = Event::ProtectedRejected { generation: generation(2), owners: owners(["api"]) };
    assert_eq!(log.count(|heard| *heard == event), 1, "{:?}", log.events());
    world.target.reject(BTreeSet::new());
    block_on(world.publish(3));
    assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(3))));
}

#[test]
fn names_too_long_for_a_record_are_too_many() {
    let world = rejecting(Layout::InPlace, []);
    let long = ["a".repeat(60), "b".repeat(60), "c".repeat(60), "d".repeat(40)].join(".");
    let labels: Vec<String> = (0..7).map(|number| format!("{number}.{long}")).collect();
    let mut zone = sample_zone(2);
    labels.iter().for_each(|label| set(&mut zone, label, "A", &["203.0.113.9"]));
    block_on(publish(&world, zone));
    world.target.reject(labels.iter().map(|label| owner(label)).collect());
    assert_eq!(
        block_on(world.pass("e1")),
        Ok(Rest::Demanded(generation(2))),
        "seven names, 1,600 characters"
    );
    assert!(dnsplan_enactor::codec::encode(&record(&world.target)).len() < 2000);
}
