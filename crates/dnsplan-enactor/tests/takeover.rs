//! Chains that only their writer can go on from: when somebody else takes them over, how, and what has to have arrived before.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::sync::Arc;
use std::time::Duration;

use common::bed::{
    Worker, assert_is_all, but, config, flip, grow, grown, is_part, lines, live, metered, pass_time, process,
    stage,
};
use common::metered::Metered;
use common::{Log, block_on, generation, origin, publish};
use dnsplan_enactor::conformance::{Fault, Faulty, World};
use dnsplan_enactor::{Config, EnactError, Event, Layout, Rest, Target, TargetError};
use dnsplan_plan::PlanStore;

const TAKEOVER: u64 = 180_000;

fn stale() -> Result<Rest, EnactError> {
    Ok(Rest::Stale)
}

fn one(line: &str) -> Vec<String> {
    lines([line])
}

/// The first plan is live, the second one is the head, and from now on edges are late.
fn late() -> (World<Metered>, Worker) {
    let world = metered(Layout::Tree);
    let mut enactor = world.enactor_at(&world.target, "e1").with_config(config());
    assert_eq!(block_on(enactor.pass()), live(1));
    grow(&world, 2);
    world.target.trace();
    world.target.be_late();
    (world, enactor)
}

fn state(world: &World<Metered>) -> String {
    block_on(world.store.targets(&origin())).unwrap().remove(0).report.state
}

#[test]
fn g2_the_last_part_is_written_once_all_parts_before_it_have_arrived() {
    let (world, mut enactor) = late();
    for _ in 0..3 {
        assert_eq!(block_on(enactor.pass()), stale());
        assert_eq!(state(&world), "3 writes are on their way");
    }
    let again = one("stage 2 4/4: pending");
    assert_eq!(world.target.trace(), [but(stage(2, 4), 4, "pending"), again.clone(), again].concat());
    world.target.arrive_some(2);
    assert_eq!(block_on(enactor.pass()), stale());
    assert_eq!(state(&world), "1 writes are on their way");
    assert_eq!(world.target.record().stage.unwrap().progress.done(), 3);
    world.target.trace();
    world.target.arrive();
    assert_eq!(block_on(enactor.pass()), stale());
    assert_eq!(world.target.trace(), [one("stage 2 4/4"), but(flip(2, 6, 1), 6, "pending")].concat());
    let record = world.target.record();
    assert_eq!((record.generation, record.base), (generation(2), generation(1)), "the base is held");
    world.target.arrive();
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.record().base, generation(2));
}

#[test]
fn g5_what_is_still_on_its_way_is_no_failure_and_gives_way_to_nothing() {
    let (world, mut enactor) = late();
    assert_eq!(block_on(enactor.pass()), stale());
    grow(&world, 3);
    for _ in 0..10 {
        assert_eq!(block_on(enactor.pass()), stale());
    }
    world.target.trace();
    world.target.arrive();
    assert_eq!(block_on(enactor.pass()), stale());
    assert_eq!(world.target.trace(), [one("stage 2 4/4"), but(flip(2, 6, 1), 6, "pending")].concat());
}

#[test]
fn a_chain_of_somebody_else_is_left_to_them_for_a_while_and_then_begun_anew() {
    let (world, mut first) = late();
    assert_eq!(block_on(first.pass()), stale());
    let (mut second, _) = process(&world, "e2");
    let log = Log::default();
    second = second.with_observer(log.observer());
    pass_time(&world, 10 * TAKEOVER);
    world.target.trace();
    // However long it has rested already: only from when it was seen.
    for millis in [0, 1, TAKEOVER - 2] {
        pass_time(&world, millis);
        assert_eq!(block_on(second.pass()), stale());
        assert_eq!(world.target.trace(), one("stage 2 4/4: unproven"));
    }
    assert!(log.events().is_empty(), "nothing happens: {:?}", log.events());
    pass_time(&world, 1);
    assert_eq!(block_on(second.pass()), stale());
    assert_eq!(world.target.trace(), [one("stage 2 4/4: unproven"), but(stage(2, 7), 7, "pending")].concat());
    // Now it is the first one that cannot go on.
    assert_eq!(block_on(first.pass()), stale());
    assert_eq!(world.target.trace(), one("stage 2 7/7: unproven"));
    world.target.arrive();
    assert_eq!(block_on(second.pass()), stale());
    assert_eq!(world.target.trace(), [one("stage 2 7/7"), but(flip(2, 7, 1), 7, "pending")].concat());
    world.target.arrive();
    assert_eq!(block_on(second.pass()), live(2));
    assert_is_all(&world.target, &block_on(world.store.head(&origin())).unwrap().unwrap());
}

#[test]
fn whoever_still_writes_keeps_the_chain() {
    let (world, mut first) = late();
    let (mut second, _) = process(&world, "e2");
    let failed = || TargetError::Unavailable("for now".to_owned());
    for part in [2, 3] {
        world.target.refuse(1, is_part(part, 4), failed());
        assert_eq!(block_on(first.pass()), Err(failed().into()));
        assert_eq!(block_on(second.pass()), stale());
        pass_time(&world, TAKEOVER - 1);
        assert_eq!(block_on(second.pass()), stale());
    }
    assert_eq!(block_on(first.pass()), stale());
    for millis in [1, TAKEOVER - 1] {
        pass_time(&world, millis);
        world.target.trace();
        assert_eq!(block_on(second.pass()), stale());
        assert_eq!(world.target.trace(), one("stage 2 4/4: unproven"), "it has moved since");
    }
    pass_time(&world, 1);
    assert_eq!(block_on(second.pass()), stale());
    assert_eq!(world.target.trace()[1..2], stage(2, 7)[..1]);
}

/// Takes the chain over at once, in the name of a process of its own.
fn take_over(world: &World<Metered>) -> Vec<String> {
    let target = world.target.elsewhere();
    let at_once = Config { takeover: Duration::ZERO, ..config() };
    world.target.trace();
    assert_eq!(block_on(world.enactor_at(&target, "e3").with_config(at_once).pass()), stale());
    world.target.trace()
}

#[test]
fn a_chain_that_begins_anew_is_never_cut_into_as_many_parts_as_before() {
    let (world, mut first) = late();
    assert_eq!(block_on(first.pass()), stale());
    let anew = |unproven: &str, lines: Vec<String>| {
        let all = lines.len();
        [one(unproven), but(lines, all, "pending")].concat()
    };
    assert_eq!(take_over(&world), anew("stage 2 4/4: unproven", stage(2, 7)));
    assert_eq!(take_over(&world), anew("stage 2 7/7: unproven", stage(2, 8)), "one part more");
    assert_eq!(take_over(&world), anew("stage 2 8/8: unproven", stage(2, 7)), "and one less");
    world.target.trace();
    world.target.arrive();
    let (mut last, target) = process(&world, "e4");
    assert_eq!(block_on(last.pass()), stale());
    pass_time(&world, TAKEOVER);
    assert_eq!(block_on(last.pass()), stale());
    world.target.arrive();
    world.target.trace();
    assert_eq!(block_on(last.pass()), stale());
    assert_eq!(world.target.trace(), [one("stage 2 8/8"), but(flip(2, 8, 1), 8, "pending")].concat());
    assert_eq!(take_over(&world), anew("flip 2 8/8 base 2: unproven", flip(2, 7, 1)));
    assert_eq!(take_over(&world), anew("flip 2 7/7 base 2: unproven", flip(2, 8, 1)));
    // Where it was owner name by owner name, it stays so.
    target.arrive();
    world.target.refuse(1, is_part(1, 7), TargetError::TooLarge("a fault was asked for".to_owned()));
    let at_once = Config { takeover: Duration::ZERO, ..config() };
    let mut fine = world.enactor_at(&world.target, "e5").with_config(at_once);
    assert_eq!(block_on(fine.pass()), stale());
    let lines = world.target.trace();
    assert_eq!(lines[..2], ["flip 2 8/8 base 2: unproven", "flip 2 1/7 base 1: too large"]);
    assert_eq!(lines[2..], but(flip(2, 13, 1), 13, "pending"));
    assert_eq!(take_over(&world), anew("flip 2 13/13 base 2: unproven", flip(2, 14, 1)));
    assert_eq!(take_over(&world), anew("flip 2 14/14 base 2: unproven", flip(2, 13, 1)));
    assert_eq!(take_over(&world), anew("flip 2 13/13 base 2: unproven", flip(2, 14, 1)));
    assert_eq!(world.target.record().base, generation(1), "all that time");
}

#[test]
fn what_goes_from_hand_to_hand_is_left_alone_twice_as_long_each_time() {
    let (world, mut first) = late();
    assert_eq!(block_on(first.pass()), stale());
    let (mut second, target) = process(&world, "e2");
    for doublings in [0, 1, 2, 3, 4, 5, 6, 6, 6] {
        world.target.trace();
        assert_eq!(block_on(second.pass()), stale());
        pass_time(&world, (TAKEOVER << doublings) - 1);
        assert_eq!(block_on(second.pass()), stale());
        assert!(world.target.trace().iter().all(|line| line.contains("unproven")), "{doublings}");
        pass_time(&world, 1);
        assert_eq!(block_on(second.pass()), stale());
        assert!(world.target.trace().len() > 2, "it is begun anew ({doublings})");
        take_over(&world);
    }
    // The next plan's chain is another one.
    assert_eq!(block_on(second.pass()), stale());
    pass_time(&world, TAKEOVER << 6);
    for _ in 0..2 {
        assert_eq!(block_on(second.pass()), stale());
        target.arrive();
    }
    assert_eq!(block_on(second.pass()), live(2));
    grow(&world, 3);
    assert_eq!(block_on(process(&world, "e6").0.pass()), stale());
    world.target.trace();
    for millis in [0, TAKEOVER - 1] {
        pass_time(&world, millis);
        assert_eq!(block_on(second.pass()), stale());
    }
    // The first of them was begun on the record that was left.
    let trace = world.target.trace();
    assert_eq!(trace.iter().map(|line| line.ends_with("unproven")).collect::<Vec<_>>(), [false, true, true]);
    assert!(trace[0].ends_with("lost"));
    pass_time(&world, 1);
    assert_eq!(block_on(second.pass()), stale());
    assert!(world.target.trace().len() > 2);
}

#[test]
fn a_lost_reply_leaves_the_chain_to_nobody_and_it_is_begun_anew() {
    let (world, _) = late();
    // The reply to the second part is lost; it took effect.
    let faulty =
        Arc::new(Faulty::new(world.target.elsewhere(), [Fault::None, Fault::LoseRequest, Fault::None]));
    let log = Log::default();
    let mut enactor = world.enactor_at(&faulty, "e2").with_config(config()).with_observer(log.observer());
    assert_eq!(block_on(enactor.pass()), stale());
    assert_eq!(log.count(|event| matches!(event, Event::Settled(_))), 1);
    assert_eq!(world.target.trace(), but(stage(2, 4), 4, "pending"), "it is written again");
}

#[test]
fn a_chain_that_is_nobodys_for_ever_ends_the_pass() {
    let (world, _) = late();
    world.target.refuse(usize::MAX, |_| true, TargetError::Unproven);
    let at_once = Config { takeover: Duration::ZERO, ..config() };
    let mut enactor = world.enactor_at(&world.target, "e2").with_config(at_once);
    for _ in 0..3 {
        assert_eq!(block_on(enactor.pass()), Err(TargetError::Unproven.into()));
        assert_eq!(world.target.trace().len(), 9, "one more than a pass bears");
    }
    // That is a failure like any other: what is newer goes over it.
    assert_eq!(world.target.record().stage, None);
    world.target.refuse_nothing();
    assert_eq!(block_on(enactor.pass()), stale());
}

#[test]
fn where_the_guess_is_no_better_than_the_worst_case_a_takeover_takes_no_longer() {
    // The first plan: nobody knows what is there.
    let world = World::around(Metered::new(Layout::Tree, 4));
    block_on(publish(&world, grown(1)));
    world.target.be_late();
    let mut first = world.enactor_at(&world.target, "e1").with_config(config());
    assert_eq!(block_on(first.pass()), stale());
    assert_eq!(world.target.trace(), but(stage(1, 4), 4, "pending"));
    let (mut second, _) = process(&world, "e2");
    assert_eq!(block_on(second.pass()), stale());
    pass_time(&world, TAKEOVER);
    world.target.trace();
    assert_eq!(block_on(second.pass()), stale());
    assert_eq!(world.target.trace(), [one("stage 1 4/4: unproven"), but(stage(1, 5), 5, "pending")].concat());
}

#[test]
fn faults_in_front_of_a_metered_target_leave_it_one() {
    let faulty = Faulty::new(Metered::new(Layout::Tree, 4), []);
    assert!(faulty.is_metered());
}
