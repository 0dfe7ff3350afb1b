//! Healing: rewinds, damage, plans that come too fast, stores that are away or behind.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::store::Doctored;
use common::{
    Log, Watch, answers, assert_nothing_dangles, block_on, generation, origin, owner, publish, record, set,
    watched, world,
};
use dnsplan_enactor::conformance::{
    Contents, CountedNonces, Fault, Faulty, MemoryTarget, VirtualClock, World, sample_zone,
};
use dnsplan_enactor::{Config, EnactError, Enactor, Event, Layout, Rest, Target};
use dnsplan_fence::{Actor, Move, Nonce, Part, Refused, Register};
use dnsplan_plan::{
    Demand, DemandReason, OwnerName, Plan, PlanStore, Proposal, Provenance, RRsetKey, RecordType, StoreError,
    Timestamp, Zone,
};

const LABELS: [&str; 8] = ["@", "api", "www", "info", "ns1", "host-0", "host-1", "host-2"];

fn assert_serves(target: &MemoryTarget, zone: &Zone) {
    for label in LABELS {
        assert_eq!(target.answer(&owner(label)).as_ref(), zone.node(&owner(label)), "{label}");
    }
}

fn logged(
    world: &World<MemoryTarget>,
    log: &Log,
) -> Enactor<dnsplan_plan::MemoryStore, MemoryTarget, VirtualClock, CountedNonces> {
    world.enactor_at(&world.target, "e9").with_observer(log.observer())
}

/// Every state that a target goes through while plans 1 to 3 are put in place.
fn states_up_to_three(world: &World<MemoryTarget>) -> Vec<Contents> {
    let mut states: Vec<Contents> = Vec::new();
    for number in 1..4 {
        block_on(world.publish(number));
        watched(world.pass("e1"), || {
            let contents = world.target.contents();
            if states.last() != Some(&contents) {
                states.push(contents);
            }
        })
        .expect("installed");
    }
    states
}

#[test]
fn g5_a_target_rewound_to_any_earlier_state_heals_and_says_so() {
    for (layout, least) in [(Layout::Tree, 30), (Layout::InPlace, 15), (Layout::Whole, 8)] {
        let world = world(layout, 1);
        let states = states_up_to_three(&world);
        assert!(states.len() >= least, "{layout:?} has {} states", states.len());
        for state in states {
            world.target.replace(state.clone());
            let log = Log::default();
            let watch = Watch::new(&world.target);
            assert_eq!(
                watch.run(logged(&world, &log).pass()),
                Ok(Rest::Live(generation(3))),
                "{layout:?} {state:?}"
            );
            assert_serves(&world.target, &sample_zone(3));
            let live = state.record().map(|record| record.generation);
            let is_behind = live.is_some_and(|live| !live.is_zero() && live < generation(3));
            let rewound =
                log.count(|event| matches!(event, Event::Rewound { confirmed, .. } if confirmed.get() == 3));
            assert_eq!(rewound, usize::from(is_behind), "{layout:?} {live:?}: {:?}", log.events());
            let settled = record(&world.target);
            assert_eq!((settled.base, settled.generation), (generation(3), generation(3)));
        }
    }
}

#[test]
fn g5_a_rewind_into_the_midst_of_a_chain_by_somebody_else_heals() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = world(layout, 1);
        for state in states_up_to_three(&world) {
            // The rewind comes at every instant of another plan's chain, not only between passes.
            for parts in [1, 3, 9] {
                world.target.replace(state.clone());
                let faults = (0..parts).map(|_| Fault::None).chain([Fault::Fail]);
                let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), faults));
                drop(block_on(world.enactor_at(&faulty, "e2").pass()));
                world.target.replace(state.clone());
                assert_eq!(block_on(world.pass("e3")), Ok(Rest::Live(generation(3))));
                assert_serves(&world.target, &sample_zone(3));
            }
        }
    }
}

/// Rule R1: a listing that says "the tree is complete" plus a rewind must not flip to half a tree.
#[test]
fn g4_a_listing_and_a_rewind_do_not_flip_to_half_a_tree() {
    let world = world(Layout::Tree, 1);
    block_on(world.publish(1));
    block_on(world.pass("e1")).unwrap();
    let second = block_on(world.publish(2));
    // A reads the fence.
    let sighting = block_on(async {
        let observed = world.target.load().await.unwrap();
        let head = world.store.head_after(&origin(), observed.witness()).await.unwrap();
        observed.sight(head).unwrap()
    });
    let before = world.target.contents();
    // B stages all of tree 2.
    let names = u32::try_from(second.zone().len()).unwrap();
    let faults = (0..names).map(|_| Fault::None).chain([Fault::Fail]);
    let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), faults));
    assert!(block_on(world.enactor_at(&faulty, "e2").pass()).is_err());
    let listed = block_on(world.target.audit(&second, &Default::default())).unwrap();
    assert!(listed.trees.iter().any(|tree| tree.generation == generation(2)), "A lists: tree 2 is there");
    assert!(record(&world.target).stage.is_some_and(|stage| stage.progress.is_complete()));
    // The target goes back to what A had read.
    world.target.replace(before);
    let me = Actor::new("e3").unwrap();
    for place in [Part::ONLY, Part::new(0, names).unwrap(), Part::new(0, names + 1).unwrap()] {
        let refused = sighting.permit(&second, Move::Flip(place), Nonce::new(9_999), &me);
        assert_eq!(refused.err(), Some(Refused::OutOfOrder(Move::Flip(place))));
    }
    let watch = Watch::new(&world.target);
    assert_eq!(watch.run(world.pass("e3")), Ok(Rest::Live(generation(2))));
    assert_serves(&world.target, &sample_zone(2));
}

#[test]
fn g5_live_records_and_the_fence_lost_together_heal() {
    for layout in [Layout::Tree, Layout::InPlace, Layout::Whole] {
        for fence in [None, Some("edited by hand".to_owned())] {
            let world = world(layout, 1);
            states_up_to_three(&world);
            world.target.edit(|contents| {
                contents.fence.clone_from(&fence);
                contents.nodes.remove(&owner("api"));
                contents.pointers.remove(&owner("info"));
                contents.trees.values_mut().for_each(|tree| drop(tree.remove(&owner("api"))));
            });
            assert_eq!(world.target.answer(&owner("api")), None);
            let log = Log::default();
            assert_eq!(block_on(logged(&world, &log).pass()), Ok(Rest::Live(generation(3))), "{layout:?}");
            assert_eq!(log.count(|event| *event == Event::Bootstrapped), 1);
            assert_serves(&world.target, &sample_zone(3));
        }
    }
}

#[test]
fn drift_is_reported_as_repaired_and_only_that() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = world(layout, 1);
        states_up_to_three(&world);
        world.target.edit(|contents| {
            contents.nodes.remove(&owner("info"));
            contents.trees.values_mut().for_each(|tree| drop(tree.remove(&owner("info"))));
        });
        let log = Log::default();
        assert_eq!(block_on(logged(&world, &log).pass()), Ok(Rest::Live(generation(3))));
        let wrote = Event::Wrote { generation: generation(3), action: Move::Repair };
        assert_eq!(log.events(), [wrote, Event::Repaired(common::owners(["info"]))]);
        assert_serves(&world.target, &sample_zone(3));
    }
}

#[test]
fn five_hundred_plans_cost_what_one_costs() {
    for layout in [Layout::Tree, Layout::InPlace, Layout::Whole] {
        let swaps = |plans: u16| {
            let world = world(layout, 1);
            block_on(world.publish(1));
            block_on(world.pass("e1")).unwrap();
            (2..2 + plans)
                .for_each(|number| drop(block_on(world.publish(u8::try_from(number % 250).unwrap()))));
            let log = Log::default();
            let head = u64::from(plans) + 1;
            assert_eq!(block_on(logged(&world, &log).pass()), Ok(Rest::Live(generation(head))));
            log.swaps()
        };
        // Three plans change every owner name that five hundred do.
        assert_eq!(swaps(500), swaps(3), "{layout:?}");
    }
}

#[test]
fn g5_plans_that_come_faster_than_staging_do_not_starve() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = world(layout, 1);
        block_on(world.publish(1));
        block_on(world.pass("e1")).unwrap();
        block_on(world.publish(2));
        let log = Log::default();
        let (observer, store) = (log.observer(), Arc::clone(&world.store));
        let (target, clock) = (Arc::clone(&world.target), Arc::clone(&world.clock));
        let publisher = World { store, target, clock, nonces: Arc::clone(&world.nonces) };
        let published = std::sync::atomic::AtomicU8::new(3);
        // A newer plan between any two swaps, two hundred times.
        let faster = move |event: &Event| {
            observer(event);
            if matches!(event, Event::Wrote { .. }) {
                let number = published.fetch_add(1, Ordering::Relaxed);
                if number <= 200 {
                    block_on(publisher.publish(number));
                } else {
                    published.store(number, Ordering::Relaxed);
                }
            }
        };
        let mut enactor = world.enactor_at(&world.target, "e2").with_observer(Arc::new(faster));
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(200))));
        let done = log.count(|event| {
            let Event::Wrote { action: Move::Flip(part) | Move::Apply(part), generation } = event else {
                return false;
            };
            part.is_last() && generation.get() < 200
        });
        assert!(done >= 5, "only {done} generations were put in place whole meanwhile ({layout:?})");
    }
}

/// `www` and `alias` point at a host that changes its name with every plan.
fn pointing(number: u8) -> Zone {
    let mut zone = sample_zone(number);
    let host = format!("aa-{number}");
    set(&mut zone, &host, "A", &[&format!("203.0.113.{number}")]);
    set(&mut zone, "www", "CNAME", &[&host]);
    set(&mut zone, "alias", "CNAME", &["www"]);
    set(&mut zone, "zz", "CNAME", &["alias"]);
    zone
}

#[test]
fn g4_no_state_in_between_points_at_nothing() {
    for layout in [Layout::InPlace, Layout::Tree] {
        let world = world(layout, 1);
        for number in 1..6 {
            block_on(publish(&world, pointing(number)));
            let rest = watched(world.pass("e1"), || assert_nothing_dangles(&world.target));
            assert_eq!(rest, Ok(Rest::Live(generation(number.into()))));
            assert_eq!(answers(&world.target, &["www", "alias", "zz"]).len(), 3);
        }
    }
}

/// Everything is put back one name at a time, and what is pointed at before what points at it.
#[test]
fn g4_no_state_of_a_repair_points_at_nothing() {
    let world = world(Layout::InPlace, 1);
    block_on(publish(&world, pointing(1)));
    assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(1))));
    world.target.edit(|contents| {
        for label in ["aa-1", "www", "alias", "zz"] {
            contents.nodes.remove(&owner(label));
        }
    });
    let rest = watched(world.pass("e2"), || assert_nothing_dangles(&world.target));
    assert_eq!(rest, Ok(Rest::Live(generation(1))));
    assert_serves(&world.target, &pointing(1));
}

fn demands(store: &impl PlanStore) -> Vec<Demand> {
    block_on(store.demands(&origin())).unwrap()
}

#[test]
fn g5_a_target_ahead_with_nobody_to_answer_is_overtaken_in_time() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = world(layout, 1);
        states_up_to_three(&world);
        let restored = world.with_another_store();
        block_on(restored.publish(9));
        let log = Log::default();
        let mut enactor = logged(&restored, &log);
        // A planner is given its time: as many rests as the patience says, and what is live is served on.
        for _ in 0..3 {
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(3))));
            assert_serves(&world.target, &sample_zone(3));
        }
        assert_eq!(demands(&*restored.store)[0].reason, DemandReason::TargetAhead);
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(4))));
        assert_serves(&world.target, &sample_zone(9));
        let ahead = Event::TargetAhead { seen: generation(3), head: generation(1) };
        assert_eq!(log.count(|event| *event == ahead), 1, "said once: {:?}", log.events());
        assert_eq!(
            log.count(|event| *event == Event::Reissued { from: generation(1), to: generation(4) }),
            1
        );
    }
}

fn doctored(
    world: &World<MemoryTarget>,
) -> (Arc<Doctored>, Enactor<Doctored, MemoryTarget, VirtualClock, CountedNonces>) {
    let store = Arc::new(Doctored { inner: Arc::clone(&world.store), ..Doctored::default() });
    let (target, clock, nonces) =
        (Arc::clone(&world.target), Arc::clone(&world.clock), Arc::clone(&world.nonces));
    let config = Config { audit_every: std::time::Duration::ZERO, patience: 3, ..Config::default() };
    let enactor = Enactor::new(Arc::clone(&store), target, clock, nonces, Actor::new("e5").unwrap());
    (store, enactor.with_config(config))
}

#[test]
fn a_store_that_is_away_leaves_what_is_live() {
    for layout in [Layout::Tree, Layout::InPlace, Layout::Whole] {
        let world = world(layout, 1);
        states_up_to_three(&world);
        let (store, mut enactor) = doctored(&world);
        store.fails.store(true, Ordering::Relaxed);
        let before = world.target.contents();
        for _ in 0..3 {
            let away = StoreError::Unavailable("a fault was asked for".to_owned());
            assert_eq!(block_on(enactor.pass()), Err(EnactError::Store(away)));
            assert_eq!(world.target.contents(), before);
        }
        block_on(world.publish(4));
        store.fails.store(false, Ordering::Relaxed);
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(4))));
    }
}

fn other_plan(plan: &Plan, zone: Zone) -> Arc<Plan> {
    let provenance = Provenance::new("nobody", Timestamp::from_millis(0), "by hand");
    let offered = dnsplan_fence::Offer::offered(plan);
    Arc::new(Plan::granted(offered, plan.parent(), Proposal { zone, provenance }))
}

#[test]
fn g2_a_plan_that_drops_a_protection_is_not_begun_and_wedges_nothing() {
    for layout in [Layout::Tree, Layout::InPlace, Layout::Whole] {
        let world = world(layout, 1);
        block_on(world.publish(1));
        block_on(world.pass("e1")).unwrap();
        let second = block_on(world.publish(2));
        let (store, mut enactor) = doctored(&world);
        let mut bad = sample_zone(2);
        bad.unprotect(&RRsetKey::new(owner("api"), RecordType::A));
        bad.clear(&owner("api"));
        bad.clear(&owner("www"));
        store.plans.lock().unwrap().insert(generation(2), other_plan(&second, bad));
        let before = world.target.contents();
        for _ in 0..6 {
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(2))), "{layout:?}");
            assert_eq!(world.target.contents(), before, "nothing was written");
        }
        let open = demands(&*store);
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].above, open[0].reason), (generation(2), DemandReason::Guard));
        block_on(world.publish(3));
        let watch = Watch::new(&world.target);
        assert_eq!(watch.run(enactor.pass()), Ok(Rest::Live(generation(3))));
        assert_serves(&world.target, &sample_zone(3));
    }
}

#[test]
fn skipping_the_plan_that_retired_an_endpoint_wedges_nothing() {
    for layout in [Layout::Tree, Layout::InPlace, Layout::Whole] {
        let world = world(layout, 1);
        block_on(world.publish(1));
        block_on(world.pass("e1")).unwrap();
        let retired = |number| {
            let mut zone = sample_zone(number);
            zone.retire(RRsetKey::new(owner("api"), RecordType::A));
            zone
        };
        block_on(publish(&world, retired(2)));
        let mut gone = retired(3);
        gone.clear(&owner("api"));
        gone.clear(&owner("www"));
        block_on(publish(&world, gone.clone()));
        assert_eq!(block_on(world.pass("e2")), Ok(Rest::Live(generation(3))), "{layout:?}");
        assert_serves(&world.target, &gone);
        block_on(publish(&world, sample_zone(4)));
        assert_eq!(block_on(world.pass("e2")), Ok(Rest::Live(generation(4))), "it may come back");
        assert_serves(&world.target, &sample_zone(4));
    }
}

#[test]
fn g3_the_floor_is_the_stores_to_allow() {
    let world = world(Layout::Tree, 1);
    block_on(world.publish(1));
    block_on(world.publish(2));
    block_on(world.pass("e1")).unwrap();
    let pin = |zone: &OwnerName| {
        (
            zone.clone(),
            dnsplan_plan::Pin {
                generation: generation(2),
                reason: "kept".to_owned(),
                by: "test".to_owned(),
                at: Timestamp::from_millis(0),
            },
        )
    };
    let (zone, pinned) = pin(&origin());
    block_on(world.store.pin(&zone, pinned)).unwrap();
    block_on(world.publish(3));
    block_on(world.pass("e1")).unwrap();
    let record = record(&world.target);
    assert_eq!((record.generation, record.base, record.floor), (generation(3), generation(3), generation(2)));
}

#[test]
fn a_store_put_back_and_a_record_lost_do_not_grant_the_generation_of_a_tree_again() {
    let world = world(Layout::Tree, 3);
    states_up_to_three(&world);
    world.target.edit(|contents| contents.fence = None);
    let before = world.target.contents();
    let restored = world.with_another_store();
    block_on(restored.publish(9));
    let mut enactor = logged(&restored, &Log::default());
    for _ in 0..3 {
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(3))));
        assert_serves(&world.target, &sample_zone(3));
        assert_eq!(world.target.contents().trees, before.trees, "nothing is staged below 3");
    }
    let reported = &block_on(restored.store.targets(&origin())).unwrap()[0].report;
    assert_eq!((reported.live, reported.highest), (generation(0), generation(3)));
    assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(4))));
    assert_serves(&world.target, &sample_zone(9));
}

#[test]
fn a_target_at_rest_is_asked_for_nothing_and_asks_the_store_for_nothing() {
    for layout in [Layout::Tree, Layout::InPlace, Layout::Whole] {
        let world = world(layout, 1);
        states_up_to_three(&world);
        let pin = |number| dnsplan_plan::Pin {
            generation: generation(number),
            reason: "kept".to_owned(),
            by: "test".to_owned(),
            at: Timestamp::from_millis(0),
        };
        let (store, enactor) = doctored(&world);
        let log = Log::default();
        let mut enactor = enactor.with_observer(log.observer());
        for _ in 0..3 {
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(3))), "{layout:?}");
        }
        assert_eq!((log.events(), store.floors.load(Ordering::Relaxed)), (vec![], 0), "{layout:?}");
        // A floor that a pin holds down below the base is asked for, and then left alone.
        block_on(store.pin(&origin(), pin(3))).unwrap();
        block_on(world.publish(4));
        for _ in 0..3 {
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(4))), "{layout:?}");
        }
        let settled = record(&world.target);
        assert_eq!((settled.base, settled.floor), (generation(4), generation(3)), "{layout:?}");
        assert_eq!(log.count(|event| matches!(event, Event::Fenced(_))), 0, "{layout:?}: {:?}", log.events());
    }
}

#[test]
fn a_generation_is_confirmed_only_once_it_is_whole() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = world(layout, 1);
        block_on(world.publish(1));
        let id = world.target.id().clone();
        let whole = Arc::new(sample_zone(1));
        watched(world.pass("e1"), || {
            let known = block_on(world.store.targets(&origin())).unwrap();
            if known.iter().any(|status| status.target == id && status.confirmed == generation(1)) {
                assert_serves(&world.target, &whole);
            }
        })
        .unwrap();
        // Damage that comes before the confirmation of 2 is repaired before it.
        block_on(world.publish(2));
        let target = Arc::clone(&world.target);
        let damage = move |event: &Event| {
            let is_last = matches!(event, Event::Wrote { action: Move::Flip(part) | Move::Apply(part), .. } if part.is_last());
            if is_last {
                target.edit(|contents| {
                    contents.nodes.remove(&owner("info"));
                    contents.pointers.remove(&owner("info"));
                });
            }
            if matches!(event, Event::Confirmed(_)) {
                assert!(target.answer(&owner("info")).is_some(), "confirmed although it is not whole");
            }
        };
        let mut enactor = world.enactor_at(&world.target, "e2").with_observer(Arc::new(damage));
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(2))), "{layout:?}");
        assert_serves(&world.target, &sample_zone(2));
    }
}
