//! A metered target at rest: what is looked at and when, what is told, and what is cleaned up.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::sync::atomic::Ordering;

use common::bed::{
    Worker, apply, assert_is_all, config, doctored, flip, grow, grown, is_part, lines, live, metered,
    pass_time, process, stage,
};
use common::metered::Metered;
use common::{Log, block_on, generation, origin, owner, owners, publish, set};
use dnsplan_enactor::conformance::World;
use dnsplan_enactor::{Arrival, Event, Layout, Rest, Target, TargetError, TreeName, codec};
use dnsplan_fence::{Digest, FreezeId, Move, Nonce};
use dnsplan_plan::{Pin, PlanStore, TargetReport, Timestamp};

/// The first plan is live, and an enactor has just listed everything.
fn settled(layout: Layout) -> (World<Metered>, Worker) {
    let world = metered(layout);
    let mut enactor = world.enactor_at(&world.target, "e1").with_config(config());
    assert_eq!(block_on(enactor.pass()), live(1));
    world.target.trace();
    world.target.audits();
    (world, enactor)
}

fn report(world: &World<Metered>) -> TargetReport {
    block_on(world.store.targets(&origin())).unwrap().remove(0).report
}

fn is_reap(action: Move) -> bool {
    matches!(action, Move::Reap(_))
}

fn is_floor(action: Move) -> bool {
    matches!(action, Move::RaiseFloor(_))
}

fn pending() -> TargetError {
    TargetError::Pending("a fault was asked for".to_owned())
}

fn tree(number: u64) -> TreeName {
    TreeName { generation: generation(number), digest: Digest::ZERO }
}

#[test]
fn everything_is_listed_once_in_an_interval_and_recalled_in_between() {
    for layout in [Layout::InPlace, Layout::Tree] {
        let (world, mut enactor) = settled(layout);
        let mut audits_after = |millis| {
            pass_time(&world, millis);
            assert!(matches!(block_on(enactor.pass()), Ok(Rest::Live(_))), "{layout:?}");
            world.target.audits()
        };
        assert_eq!(audits_after(1), 0, "{layout:?}");
        grow(&world, 2);
        assert_eq!(audits_after(59_998), 0, "what is new is compared with what is known ({layout:?})");
        // That was a look as well, and the next one is due a minute after it; the listing is older.
        assert_eq!([audits_after(1), audits_after(59_998)], [0, 0], "{layout:?}");
        assert_eq!([audits_after(1), audits_after(59_999), audits_after(1)], [1, 0, 1], "{layout:?}");
        pass_time(&world, 60_000);
        grow(&world, 3);
        assert_eq!(audits_after(0), 1, "the listing is too old ({layout:?})");
        assert_is_all(&world.target, &block_on(world.store.head(&origin())).unwrap().unwrap());
    }
}

#[test]
fn what_is_recalled_is_what_was_listed_and_written_since() {
    for layout in [Layout::InPlace, Layout::Tree] {
        let (world, mut enactor) = settled(layout);
        let info = owner("info");
        world.target.edit(|contents| {
            contents.nodes.remove(&info);
            contents.pointers.remove(&info);
        });
        let second = grow(&world, 2);
        assert_eq!(block_on(enactor.pass()), live(2));
        assert!(world.target.trace().iter().all(|line| line != "repair 2"), "it does not know yet");
        let is_there = layout == Layout::Tree;
        assert_eq!(world.target.answer(&info).is_some(), is_there, "a tree is pointed at by all of a plan");
        pass_time(&world, 60_000);
        assert_eq!(block_on(enactor.pass()), live(2));
        let repaired = if is_there { Vec::new() } else { lines(["repair 2"]) };
        assert_eq!(world.target.trace(), repaired, "{layout:?}");
        assert_is_all(&world.target, &second);
    }
}

/// The record is read after each write and when there is nothing to do, and not before a newer plan.
#[test]
fn a_newer_plan_begins_on_the_record_that_was_left() {
    let (world, mut enactor) = settled(Layout::InPlace);
    world.target.loads();
    assert_eq!(block_on(enactor.pass()), live(1));
    assert_eq!(world.target.loads(), 1);
    let plan = grow(&world, 2);
    assert_eq!(block_on(enactor.pass()), live(2));
    // Two parts, and a look after each.
    assert_eq!(world.target.trace(), apply(2, 2, 1));
    assert_eq!(world.target.loads(), 2);
    assert_is_all(&world.target, &plan);
}

/// Somebody else has begun the plan in the meantime: the write compares the record, does nothing, and the record is read.
#[test]
fn a_record_that_has_changed_since_it_was_left_makes_the_write_lose() {
    let (world, mut enactor) = settled(Layout::InPlace);
    let plan = grow(&world, 2);
    let (mut other, theirs) = process(&world, "e2");
    theirs.refuse(1, is_part(2, 2), TargetError::Unavailable("a fault was asked for".to_owned()));
    assert!(block_on(other.pass()).is_err());
    world.target.trace();
    world.target.loads();
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), lines(["apply 2 1/2 base 1: lost", "apply 2 2/2 base 2"]));
    assert_eq!(world.target.loads(), 2);
    assert_is_all(&world.target, &plan);
}

/// What somebody else has confirmed above the record that was left is no rewind: the record is read.
#[test]
fn a_record_that_was_left_is_read_again_where_a_newer_plan_was_confirmed() {
    let (world, _) = settled(Layout::InPlace);
    let log = Log::default();
    let mut enactor =
        world.enactor_at(&world.target, "e3").with_config(config()).with_observer(log.observer());
    assert_eq!(block_on(enactor.pass()), live(1));
    grow(&world, 2);
    let (mut other, _) = process(&world, "e2");
    assert_eq!(block_on(other.pass()), live(2));
    grow(&world, 3);
    world.target.trace();
    assert_eq!(block_on(enactor.pass()), live(3));
    assert_eq!(world.target.trace(), apply(3, 3, 2));
    assert_eq!(log.count(|event| matches!(event, Event::Rewound { .. })), 0);
}

/// What was set aside holds the base; what everything else is at is the plan after it.
#[test]
fn the_next_chain_goes_by_what_everything_was_at_and_not_by_the_base() {
    let (world, mut enactor) = settled(Layout::InPlace);
    world.target.reject(owners(["host-2-0"]));
    for number in [2, 3] {
        grow(&world, number);
        assert_eq!(block_on(enactor.pass()), live(number));
    }
    let record = codec::decode(&world.target.contents().fence.unwrap()).unwrap();
    assert_eq!((record.base, record.generation), (generation(1), generation(3)));
    let guesses = world.target.guesses();
    let of_third: Vec<_> = guesses.iter().filter(|(from, _)| *from == Some(2)).collect();
    assert!(of_third.len() > 1 && guesses.last().unwrap().0 == Some(2), "{guesses:?}");
    // host-2-0 may be as in the plan at the base, or in any since.
    assert_eq!(of_third[0].1, [2, 1]);
    assert!(of_third[1..].iter().all(|(_, begun)| *begun == [3, 2, 1]), "{of_third:?}");
}

#[test]
fn where_the_base_is_the_live_plan_or_none_a_part_is_told_of_nothing_below() {
    // What was live came to harm, and the target takes it no more: it is set aside, and the base stays.
    let (world, mut enactor) = settled(Layout::InPlace);
    world.target.reject(owners(["info"]));
    world.target.edit(|contents| drop(contents.nodes.remove(&owner("info"))));
    pass_time(&world, 60_000);
    drop(block_on(enactor.pass()));
    let record = world.target.record();
    assert_eq!((record.base, record.generation), (generation(1), generation(1)));
    assert_eq!(record.payload.owners, owners(["info"]));
    grow(&world, 2);
    world.target.guesses();
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.guesses()[0], (Some(1), vec![1]));

    // The first plan was taken but for one owner name.
    let world = metered(Layout::InPlace);
    world.target.reject(owners(["info"]));
    let (_, mut enactor) = doctored(&world);
    assert_eq!(block_on(enactor.pass()), live(1));
    assert_eq!(
        (world.target.record().base, world.target.record().generation),
        (generation(0), generation(1))
    );
    grow(&world, 2);
    world.target.guesses();
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.guesses()[0], (Some(1), vec![1]));
}

#[test]
fn what_this_process_does_not_know_yet_is_listed() {
    let (world, _) = settled(Layout::InPlace);
    let (mut enactor, target) = process(&world, "e2");
    assert_eq!(block_on(enactor.pass()), live(1));
    assert_eq!(target.audits(), 1);
    // An enactor that is new where the target is not has not listed anything itself.
    let mut other = world.enactor_at(&target, "e3").with_config(config());
    assert_eq!(block_on(other.pass()), live(1));
    assert_eq!(target.audits(), 1);
}

#[test]
fn where_everything_else_writes_the_floor_is_raised_only_to_let_a_tree_go() {
    let (world, mut enactor) = settled(Layout::InPlace);
    for number in 2..5 {
        grow(&world, number);
        assert_eq!(block_on(enactor.pass()), live(number));
    }
    assert_eq!(world.target.record().floor, generation(0), "there is no tree");

    let (world, mut enactor) = settled(Layout::Tree);
    assert_eq!(world.target.record().floor, generation(0), "none but the one that is live");
    // Another one of the same generation, and one of a generation that is not there yet, are none that it could let go.
    for other in [1, 5] {
        world.target.edit(|contents| drop(contents.trees.insert(tree(other), contents.nodes.clone())));
        pass_time(&world, 60_000);
        assert_eq!(block_on(enactor.pass()), live(1));
        assert_eq!((world.target.audits(), world.target.trace()), (1, Vec::new()));
        world.target.edit(|contents| drop(contents.trees.remove(&tree(other))));
    }
    grow(&world, 2);
    assert_eq!(block_on(enactor.pass()), live(2));
    let reaped = lines(["floor 2", "reap 1", "reap 1"]);
    assert_eq!(world.target.trace(), [stage(2, 4), flip(2, 6, 1), reaped].concat());
}

#[test]
fn a_tree_that_may_go_already_goes_and_the_floor_stays() {
    let (world, mut enactor) = settled(Layout::Tree);
    grow(&world, 2);
    assert_eq!(block_on(enactor.pass()), live(2));
    grow(&world, 3);
    // Nobody has cleaned up after the second plan yet; somebody takes its tree away by hand, and puts an old one back.
    world.target.refuse(1, is_floor, pending());
    assert_eq!(block_on(enactor.pass()), live(3));
    world.target.edit(|contents| {
        contents.trees.retain(|name, _| name.generation == generation(3));
        contents.trees.insert(tree(1), contents.nodes.clone());
    });
    world.target.trace();
    let record = world.target.record();
    assert_eq!((record.base, record.floor), (generation(3), generation(2)));
    pass_time(&world, 60_000);
    assert_eq!(block_on(enactor.pass()), live(3));
    assert_eq!(world.target.trace(), ["reap 1"]);
}

#[test]
fn a_pin_keeps_its_tree_and_costs_nothing() {
    let (world, mut enactor) = settled(Layout::Tree);
    let (reason, by) = ("kept".to_owned(), "test".to_owned());
    let pin = Pin { generation: generation(1), reason, by, at: Timestamp::from_millis(0) };
    block_on(world.store.pin(&origin(), pin)).unwrap();
    grow(&world, 2);
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), [stage(2, 4), flip(2, 6, 1), lines(["floor 1"])].concat());
    for _ in 0..3 {
        pass_time(&world, 60_000);
        assert_eq!(block_on(enactor.pass()), live(2));
    }
    assert_eq!(world.target.trace(), Vec::<String>::new());
    assert_eq!(world.target.contents().trees.len(), 2);
    assert!(block_on(world.store.unpin(&origin(), generation(1))).unwrap());
    pass_time(&world, 60_000);
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), ["floor 2", "reap 1", "reap 1"]);
}

#[test]
fn a_floor_that_nothing_asks_for_is_not_asked_for() {
    for (layout, is_metered, floors) in
        [(Layout::InPlace, true, 0), (Layout::Tree, true, 0), (Layout::InPlace, false, 1)]
    {
        let target = if is_metered { Metered::new(layout, 4) } else { Metered::unmetered(layout, 4) };
        let world = World::around(target);
        block_on(publish(&world, grown(1)));
        let (store, mut enactor) = doctored(&world);
        for _ in 0..3 {
            assert_eq!(block_on(enactor.pass()), live(1));
        }
        assert_eq!(store.floors.load(Ordering::Relaxed), floors, "{layout:?}");
    }
}

#[test]
fn a_tree_that_cannot_be_deleted_yet_is_at_the_next_look_and_nothing_is_listed_for_it() {
    let (world, mut enactor) = settled(Layout::Tree);
    let log = Log::default();
    enactor = enactor.with_observer(log.observer());
    grow(&world, 2);
    world.target.refuse(2, is_reap, pending());
    assert_eq!(block_on(enactor.pass()), live(2), "the plan is live and whole; the rest can wait");
    let status = block_on(world.store.targets(&origin())).unwrap().remove(0);
    assert_eq!((status.confirmed, status.report.state.as_str()), (generation(2), "live"));
    world.target.trace();
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), ["reap 1: pending"]);
    let reaped = |log: &Log| log.count(|event| matches!(event, Event::Reaped(_)));
    assert_eq!(reaped(&log), 0);
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), ["reap 1", "reap 1"], "as often as it takes");
    assert_eq!((reaped(&log), world.target.audits()), (2, 0));
    assert_eq!(world.target.contents().trees.len(), 1);
    assert_eq!(log.count(|event| matches!(event, Event::Failed(_))), 0);
}

#[test]
fn a_floor_that_cannot_be_raised_yet_is_raised_later() {
    let (world, mut enactor) = settled(Layout::Tree);
    grow(&world, 2);
    world.target.refuse(1, is_floor, pending());
    assert_eq!(block_on(enactor.pass()), live(2));
    world.target.trace();
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), ["floor 2", "reap 1", "reap 1"]);
}

#[test]
fn what_somebody_else_wrote_since_the_listing_is_theirs_to_clean_up() {
    let (world, mut enactor) = settled(Layout::Tree);
    grow(&world, 2);
    world.target.refuse(1, is_reap, pending());
    assert_eq!(block_on(enactor.pass()), live(2));
    // Somebody else repairs something, and is stopped.
    let (mut other, target) = process(&world, "e2");
    let info = owner("info");
    world.target.edit(|contents| contents.pointers.retain(|name, _| *name != info));
    target.refuse(1, is_reap, TargetError::Unavailable("for now".to_owned()));
    assert!(block_on(other.pass()).is_err());
    world.target.trace();
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), Vec::<String>::new());
    pass_time(&world, 60_000);
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), ["reap 1", "reap 1"], "or the next audit's");
}

#[test]
fn how_far_it_has_come_is_told_and_nothing_waits_for_it() {
    let (world, mut enactor) = settled(Layout::InPlace);
    let mut told = |arrival, millis| {
        world.target.tell_arrival(arrival);
        pass_time(&world, millis);
        assert_eq!(block_on(enactor.pass()), live(1));
        let report = report(&world);
        (report.state, report.at.as_millis())
    };
    let underway = ("live, on its way to the edges".to_owned(), 5);
    assert_eq!(told(Some(Ok(Arrival::Underway)), 5), underway);
    assert_eq!(told(Some(Ok(Arrival::Underway)), 5), underway, "told once");
    let unconfirmed = "live, but not known to have reached all edges".to_owned();
    assert_eq!(told(Some(Ok(Arrival::Unconfirmed)), 5), (unconfirmed.clone(), 15));
    let failed = TargetError::Unavailable("for now".to_owned());
    assert_eq!(told(Some(Err(failed)), 5), (unconfirmed, 15), "nobody knows");
    assert_eq!(told(None, 5), ("live".to_owned(), 25));
}

#[test]
fn what_is_set_aside_is_told_with_how_far_the_rest_has_come() {
    let (world, mut enactor) = settled(Layout::InPlace);
    world.target.reject(owners(["host-2-0", "host-2-1"]));
    world.target.be_late();
    grow(&world, 2);
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(report(&world).state, "live, 2 owner names set aside, on its way to the edges");
    assert_eq!(world.target.record().base, generation(1), "something is left behind");
    world.target.arrive();
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(report(&world).state, "live, 2 owner names set aside");
}

/// Overwrites what the store was told.
fn overwrite(world: &World<Metered>, change: impl FnOnce(&mut TargetReport)) {
    let mut told = report(world);
    change(&mut told);
    block_on(world.store.report(&origin(), world.target.id(), told)).unwrap();
}

type Change = fn(&mut TargetReport);

#[test]
fn a_store_that_knows_something_else_of_the_target_is_told_again() {
    let changes: [(&str, Change); 4] = [
        ("live", |told| told.live = generation(0)),
        ("base", |told| told.base = generation(0)),
        ("floor", |told| told.floor = generation(1)),
        ("freeze", |told| told.freeze = Some(FreezeId::new(7))),
    ];
    for (what, change) in changes {
        let (world, mut enactor) = settled(Layout::InPlace);
        let before = report(&world);
        pass_time(&world, 5);
        assert_eq!(block_on(enactor.pass()), live(1));
        assert_eq!(report(&world), before, "nothing has changed ({what})");
        overwrite(&world, change);
        assert_ne!(report(&world), before, "{what}");
        assert_eq!(block_on(enactor.pass()), live(1));
        assert_eq!(report(&world), TargetReport { at: Timestamp::from_millis(5), ..before }, "{what}");
    }
}

#[test]
fn what_somebody_else_says_of_the_same_record_stands() {
    let (world, mut enactor) = settled(Layout::InPlace);
    overwrite(&world, |told| "in other words".clone_into(&mut told.state));
    assert_eq!(block_on(enactor.pass()), live(1));
    assert_eq!(report(&world).state, "in other words");
}

#[test]
fn what_a_target_is_listed_for_before_it_grants_anything() {
    // A tree says by its name of which generation it is, and so it is listed for that, and to verify it.
    for (layout, audits) in [(Layout::InPlace, 1), (Layout::Tree, 2)] {
        let world = metered(layout);
        let mut enactor = world.enactor_at(&world.target, "e1").with_config(config());
        assert_eq!(block_on(enactor.pass()), live(1));
        assert_eq!(world.target.audits(), audits, "{layout:?}");
    }
}

#[test]
fn g5_trees_above_the_head_are_found_once_for_as_long_as_nobody_else_writes() {
    let world = metered(Layout::Tree);
    let plant = |number| {
        world.target.edit(|contents| drop(contents.trees.insert(tree(number), contents.nodes.clone())));
    };
    plant(5);
    let mut enactor = world.enactor_at(&world.target, "e1").with_config(config());
    assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(5))));
    assert_eq!((report(&world).highest, world.target.audits()), (generation(5), 1));
    plant(6);
    for _ in 0..3 {
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(5))));
    }
    assert_eq!(world.target.audits(), 0, "nobody of ours has written");
    let mut record = world.target.record();
    record.attempt = Nonce::new(u128::MAX);
    world.target.edit(|contents| contents.fence = Some(codec::encode(&record)));
    assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(6))));
    assert_eq!((report(&world).highest, world.target.audits()), (generation(6), 1));
    // A plan that is above all of them is put in place, and its own trees are no news.
    let mut above = world.store.clone();
    while block_on(above.head(&origin())).unwrap().unwrap().generation() <= generation(6) {
        block_on(publish(&world, grown(2 + u64::from(world.target.audits() > 9))));
        above = world.store.clone();
    }
    let head = block_on(above.head(&origin())).unwrap().unwrap();
    assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(head.generation())));
    assert_eq!(world.target.audits(), 1, "to verify it");
    assert_is_all(&world.target, &head);
}

#[test]
fn as_much_text_as_a_record_has_room_for_may_be_set_aside() {
    // Twelve names that take 124 characters of a record each, the last one so many more.
    for (more, rest) in [(0, live(2)), (1, Ok(Rest::Demanded(generation(2))))] {
        let (world, mut enactor) = settled(Layout::InPlace);
        let length = |index: usize| if index == 11 { 60 + more } else { 60 };
        let labels: Vec<String> = (0..12)
            .map(|index| format!("{index:02}{}.{}", "a".repeat(length(index)), "b".repeat(49)))
            .collect();
        let mut zone = grown(2);
        labels.iter().for_each(|label| set(&mut zone, label, "A", &["203.0.113.9"]));
        assert_eq!(" q=".len() + owner(&labels[0]).to_string().len(), 124);
        block_on(publish(&world, zone));
        world.target.reject(labels.iter().map(|label| owner(label)).collect());
        assert_eq!(block_on(enactor.pass()), rest, "{more} characters more");
    }
}

#[test]
fn what_the_store_did_not_take_down_is_told_again() {
    let (world, _) = settled(Layout::InPlace);
    let (store, mut enactor) = doctored(&world);
    let mut told = |is_deaf, arrival| {
        store.is_deaf.store(is_deaf, Ordering::Relaxed);
        world.target.tell_arrival(Some(Ok(arrival)));
        assert_eq!(block_on(enactor.pass()), live(1));
        report(&world).state
    };
    assert_eq!(told(true, Arrival::Underway), "live", "nothing fails of it");
    assert_eq!(told(false, Arrival::Underway), "live, on its way to the edges");
}
