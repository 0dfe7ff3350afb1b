//! What operators are told: events as they happen, and the last word on a target in the store.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use common::store::Doctored;
use common::{Log, block_on, generation, origin, record, watched, world};
use dnsplan_enactor::conformance::{Fault, Faulty, MemoryTarget, World};
use dnsplan_enactor::{Clock, Config, EnactError, Enactor, Event, Layout, Rest, TargetError, Wait};
use dnsplan_fence::{Actor, FreezeId, Settled};
use dnsplan_plan::{PlanStore, TargetId, TargetReport, Timestamp};

const LAYOUTS: [Layout; 3] = [Layout::Tree, Layout::InPlace, Layout::Whole];

/// The last word on the world's target.
fn report(world: &World<MemoryTarget>) -> Option<TargetReport> {
    let known = block_on(world.store.targets(&origin())).unwrap();
    known
        .into_iter()
        .find(|status| status.target == *dnsplan_enactor::Target::id(&*world.target))
        .map(|status| status.report)
}

/// The states that the store is told during a pass, one after the other.
fn states(world: &World<MemoryTarget>) -> Vec<String> {
    let mut states: Vec<String> = Vec::new();
    let rest = watched(world.pass("e1"), || {
        let state = report(world).map(|report| report.state);
        if let Some(state) = state.filter(|state| states.last() != Some(state)) {
            states.push(state);
        }
    });
    assert!(matches!(rest, Ok(Rest::Live(_))), "{rest:?}");
    states
}

#[test]
fn a_plan_on_its_way_is_told_part_by_part() {
    // The sample zone has six owner names; the second one takes a host away as well.
    let first = |layout| {
        let world = world(layout, 3);
        block_on(world.publish(1));
        (states(&world), world)
    };
    let (told, world) = first(Layout::Tree);
    let staged = ["staging 1, part 1 of 2", "staging 1, part 2 of 2"];
    let placed = ["putting 1 in place, part 1 of 2", "putting 1 in place, part 2 of 2"];
    assert_eq!(told, [&staged[..], &placed, &["live"]].concat());
    let last = report(&world).unwrap();
    let one = generation(1);
    assert_eq!((last.live, last.base, last.floor, last.highest), (one, one, one, one));
    assert_eq!((last.by.as_str(), last.note, last.freeze), ("e1", None, None));

    assert_eq!(first(Layout::InPlace).0, [&placed[..], &["live"]].concat());
    assert_eq!(first(Layout::Whole).0, ["live"], "one part is not worth a word");
}

#[test]
fn what_was_told_is_not_told_again_until_something_changes() {
    for layout in LAYOUTS {
        let world = world(layout, 3);
        block_on(world.publish(1));
        let mut enactor = world.enactor_at(&world.target, "e1");
        let mut told_at = |millis| {
            block_on(world.clock.sleep(Duration::from_millis(millis)));
            block_on(enactor.pass()).unwrap();
            report(&world).unwrap().at.as_millis()
        };
        assert_eq!([told_at(5), told_at(5), told_at(5)], [5, 5, 5], "{layout:?}");
        block_on(world.publish(2));
        assert_eq!([told_at(5), told_at(5)], [20, 20], "{layout:?}");
    }
}

#[test]
fn an_enactor_says_what_it_waits_for() {
    for layout in LAYOUTS {
        let world = world(layout, 3);
        assert_eq!(block_on(world.pass("e1")), Ok(Rest::Waiting(Wait::NoPlan)));
        assert_eq!(report(&world).unwrap().state, "waiting for a first plan");
        let freeze = block_on(world.store.freeze("me", "a drill", Timestamp::from_millis(0))).unwrap();
        assert_eq!(block_on(world.pass("e1")), Ok(Rest::Waiting(Wait::Frozen(freeze.id))));
        let told = report(&world).unwrap();
        assert_eq!((told.state.as_str(), told.freeze), ("frozen by freeze 1", Some(FreezeId::new(1))));
    }
}

#[test]
fn a_freeze_is_said_once_by_whoever_knows_to_have_put_it_into_the_record() {
    for (fault, times) in [(Fault::None, 1), (Fault::LoseReply, 0)] {
        let world = world(Layout::InPlace, 3);
        block_on(world.publish(1));
        block_on(world.pass("e1")).unwrap();
        let freeze = block_on(world.store.freeze("me", "a drill", Timestamp::from_millis(0))).unwrap();
        let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), [fault]));
        let log = Log::default();
        let mut enactor = world.enactor_at(&faulty, "e2").with_observer(log.observer());
        for _ in 0..3 {
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Waiting(Wait::Frozen(freeze.id))));
        }
        assert_eq!(record(&world.target).freeze, Some(freeze.id));
        assert_eq!(log.count(|event| *event == Event::Frozen(freeze.id)), times, "{fault:?}");
        let settled = log.count(|event| *event == Event::Settled(Settled::Won));
        assert_eq!(settled, 1 - times, "{fault:?}: {:?}", log.events());
    }
}

#[test]
fn a_demand_is_told_with_its_reason_and_made_again_where_the_store_forgot_it() {
    let world = world(Layout::InPlace, 3);
    let plan = block_on(world.publish(1));
    world.target.reject(plan.zone().nodes().map(|(owner, _)| owner.clone()).collect());
    let store = Arc::new(Doctored { inner: Arc::clone(&world.store), ..Doctored::default() });
    let config = Config { patience: 3, quarantine_limit: 0, ..Config::default() };
    let log = Log::default();
    let (target, clock, nonces) =
        (Arc::clone(&world.target), Arc::clone(&world.clock), Arc::clone(&world.nonces));
    let mut enactor = Enactor::new(Arc::clone(&store), target, clock, nonces, Actor::new("e5").unwrap())
        .with_config(config)
        .with_observer(log.observer());
    let mut demands_after = |passes| {
        for _ in 0..passes {
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(1))));
        }
        block_on(store.demands(&origin())).unwrap()
    };
    let event = "the target rejects too much of generation 1; another plan is demanded";
    let demands = demands_after(1);
    assert_eq!(demands.len(), 1);
    assert_eq!((demands[0].detail.as_str(), demands[0].by.as_str()), (event, "e5"));
    let told = report(&world).unwrap();
    assert_eq!((told.state.as_str(), told.note.as_deref()), (event, Some(event)));

    // The store is put back to before it knew.
    let restored = world.with_another_store();
    block_on(restored.publish(1));
    *store.restored.lock().unwrap() = Some(Arc::clone(&restored.store));
    assert_eq!([demands_after(1).len(), demands_after(1).len(), demands_after(1).len()], [0, 0, 1]);
    assert_eq!(demands_after(7).len(), 1);
    assert_eq!(log.count(|event| matches!(event, Event::TooManyRejected(_))), 1, "{:?}", log.events());
}

#[test]
fn every_plan_that_is_given_up_is_told_and_another_one_demanded_at_once() {
    let world = world(Layout::InPlace, 3);
    let config = Config { patience: 10, quarantine_limit: 0, ..Config::default() };
    let log = Log::default();
    let mut enactor = world.enactor_at(&world.target, "e1").with_config(config).with_observer(log.observer());
    for number in 1..4 {
        let plan = block_on(world.publish(number));
        world.target.reject(plan.zone().nodes().map(|(owner, _)| owner.clone()).collect());
        for _ in 0..3 {
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(plan.generation())));
        }
        let demands = block_on(world.store.demands(&origin())).unwrap();
        assert!(demands.iter().any(|demand| demand.above == plan.generation()), "{demands:?}");
        assert_eq!(log.count(|event| *event == Event::TooManyRejected(plan.generation())), 1);
    }
}

#[test]
fn a_store_put_back_to_before_a_freeze_is_told_that_the_record_has_one() {
    for layout in LAYOUTS {
        let world = world(layout, 3);
        block_on(world.publish(1));
        let mut enactor = world.enactor_at(&world.target, "e1");
        block_on(enactor.pass()).unwrap();
        let backup = (*world.store).clone();
        let freeze = block_on(world.store.freeze("me", "a drill", Timestamp::from_millis(0))).unwrap();
        let frozen = Ok(Rest::Waiting(Wait::Frozen(freeze.id)));
        assert_eq!(block_on(enactor.pass()), frozen, "{layout:?}");
        assert_eq!(report(&world).unwrap().freeze, Some(freeze.id));
        world.store.restore(&backup);
        assert_eq!((block_on(world.store.frozen()).unwrap(), report(&world).unwrap().freeze), (None, None));
        assert_eq!(block_on(enactor.pass()), frozen, "the record remembers ({layout:?})");
        assert_eq!(report(&world).unwrap().freeze, Some(freeze.id), "{layout:?}");
    }
}

/// Runs an enactor until `is_enough`.
fn run_until(mut enactor: impl AsyncFnMut(), mut is_enough: impl FnMut() -> bool) {
    let mut run = pin!(enactor());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10_000 {
        assert!(run.as_mut().poll(&mut context).is_pending(), "it runs for ever");
        if is_enough() {
            return;
        }
    }
    panic!("it never comes to that");
}

#[test]
fn trouble_is_told_once_until_it_is_over_and_the_numbers_stay() {
    let world = world(Layout::InPlace, 3);
    block_on(world.publish(1));
    block_on(world.pass("e1")).unwrap();
    let (there, target) = (report(&world).unwrap(), dnsplan_enactor::Target::id(&*world.target));
    // Another target of the zone is none of this enactor's business.
    let other = TargetId::new("another".to_owned());
    let zero = generation(0);
    let elsewhere = TargetReport {
        state: "elsewhere".to_owned(),
        live: zero,
        base: zero,
        floor: zero,
        highest: zero,
        ..there.clone()
    };
    block_on(world.store.report(&origin(), &other, elsewhere.clone())).unwrap();
    block_on(world.publish(2));
    block_on(world.clock.sleep(Duration::from_millis(7)));
    let faults = [Fault::Fail, Fault::Fail, Fault::Fail];
    let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), faults));
    let log = Log::default();
    let mut enactor = world.enactor_at(&faulty, "e2").with_observer(log.observer());
    let mut told = Vec::new();
    run_until(
        async || enactor.run().await,
        || {
            let report = report(&world).unwrap();
            if told.last() != Some(&report) {
                told.push(report);
            }
            told.last().is_some_and(|report| report.state == "live" && report.live == generation(2))
        },
    );
    let trouble = told.iter().find(|report| report.state.contains("not available")).unwrap();
    assert_eq!(trouble.state, "the target is not available: a fault was asked for");
    assert_eq!((trouble.by.as_str(), trouble.at), ("e2", Timestamp::from_millis(7)), "since when");
    let numbers = |report: &TargetReport| (report.live, report.base, report.floor, report.highest);
    assert_eq!(numbers(trouble), numbers(&there), "what is live stays live");
    let error = EnactError::Target(TargetError::Unavailable("a fault was asked for".to_owned()));
    assert_eq!(log.count(|event| *event == Event::Failed(error.clone())), 1, "{:?}", log.events());
    let known = block_on(world.store.targets(&origin())).unwrap();
    let of = |id: &TargetId| known.iter().find(|status| status.target == *id).map(|status| &status.report);
    assert_eq!(of(&other), Some(&elsewhere));
    assert_eq!(of(target).map(|report| report.state.as_str()), Some("live"));
}

#[test]
fn trouble_that_comes_back_is_told_again() {
    let world = world(Layout::Whole, 3);
    let log = Log::default();
    // Plan 1 is applied at the second attempt, and its floor is raised; then the same for plan 2.
    let once = [Fault::Fail, Fault::None, Fault::None];
    let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), [once, once].concat()));
    let mut enactor = world.enactor_at(&faulty, "e2").with_observer(log.observer());
    for number in 1..3 {
        block_on(world.publish(number));
        let confirmed = Event::Confirmed(generation(number.into()));
        let mut since = None;
        let has_rested_since = || {
            let now = world.clock.now();
            log.count(|event| *event == confirmed) > 0 && now > *since.get_or_insert(now)
        };
        run_until(async || enactor.run().await, has_rested_since);
    }
    assert_eq!(log.count(|event| matches!(event, Event::Failed(_))), 2, "{:?}", log.events());
}
