//! Floors, and what may be reaped under them.

use dnsplan_fence::{Generation, Move, Part, Refused};

use crate::support::{HEAD, after, assert_out_of_order, g, live, plan, progress, staged};

#[test]
fn a_floor_only_rises_and_never_above_the_plan() {
    let raised = after(&live(5), &plan(5), Move::RaiseFloor(g(4))).expect("raised");
    assert_eq!((raised.floor, raised.generation, raised.base), (g(4), g(5), g(5)));
    for floor in [3, 4, 6] {
        assert_out_of_order(&raised, &plan(5), Move::RaiseFloor(g(floor)));
    }
    let above = after(&live(5), &plan(10), Move::RaiseFloor(g(7)));
    assert!(matches!(above, Err(Refused::NotHead { .. })), "so never above the head: {above:?}");
    assert!(Move::RaiseFloor(g(1)).is_record_only());
}

#[test]
fn raising_the_floor_drops_a_stage_below_it_and_no_other() {
    let mut record = live(5);
    record.stage = staged(&plan(7), progress(1, 2));
    for (floor, kept) in [(6, true), (7, true), (8, false)] {
        let raised = after(&record, &plan(8), Move::RaiseFloor(g(floor))).expect("raised");
        assert_eq!(raised.stage.is_some(), kept, "floor {floor}");
    }
}

#[test]
fn g3_reapable_is_below_base_and_floor_or_abandoned_above_live() {
    // (generation, base, floor) and the generations that may go.
    let table = [
        ((5, 5, 0), &[][..]),
        ((5, 5, 3), &[0, 1, 2]),
        ((5, 5, 5), &[0, 1, 2, 3, 4]),
        ((5, 3, 5), &[0, 1, 2]),
        ((5, 3, 2), &[0, 1]),
        ((5, 5, 8), &[0, 1, 2, 3, 4, 6, 7]),
        ((5, 3, 7), &[0, 1, 2, 6]),
    ];
    for ((generation, base, floor), reapable) in table {
        let mut record = live(generation);
        (record.base, record.floor) = (g(base), g(floor));
        for candidate in 0..10 {
            let may_go = reapable.contains(&candidate);
            assert_eq!(record.is_reapable(g(candidate)), may_go, "{candidate} of {record:?}");
            let offered = plan(generation.max(floor));
            let reap = Move::Reap(g(candidate));
            let outcome = after(&record, &offered, reap);
            assert_eq!(outcome.err(), (!may_go).then_some(Refused::OutOfOrder(reap)), "{candidate}");
        }
    }
}

#[test]
fn a_reap_changes_only_the_nonce() {
    let mut record = live(5);
    record.floor = g(5);
    let mut reaped = after(&record, &plan(5), Move::Reap(g(4))).expect("reapable");
    assert_ne!(reaped.attempt, record.attempt);
    (reaped.attempt, reaped.by) = (record.attempt, record.by.clone());
    assert_eq!(reaped, record);
}

#[test]
fn the_highest_generation_counts_live_floor_and_stage() {
    let mut record = live(5);
    assert_eq!(record.highest(), g(5));
    record.floor = g(7);
    assert_eq!(record.highest(), g(7));
    record.stage = staged(&plan(8), progress(0, 1));
    assert_eq!(record.highest(), g(8));
    assert_eq!(Generation::ZERO.next(), Some(g(1)));
    assert_eq!(g(u64::MAX).next(), None);
    assert!(Part::new(0, 0).is_none() && Part::new(2, 2).is_none());
}

#[test]
fn g3_a_record_that_grants_nothing_raises_no_floor_and_reaps_no_tree() {
    let mut unknown = live(0);
    unknown.flip = progress(0, 0);
    // Whatever the floor: trees that are there may be live under a record that was lost.
    for floor in [0, 5] {
        unknown.floor = g(floor);
        for action in [Move::RaiseFloor(g(7)), Move::Reap(g(1)), Move::Reap(g(4))] {
            assert_out_of_order(&unknown, &plan(HEAD), action);
        }
    }
}
