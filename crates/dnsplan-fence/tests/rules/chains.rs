//! Chains of parts: their order, what supersedes them, and when `base` moves.

use dnsplan_fence::{Move, Nonce, Observed, Offer, Standing};

use crate::support::{
    HEAD, actor, after, after_all, assert_out_of_order, g, live, part, plan, progress, see, staged,
};

fn stage(index: u32, of: u32) -> Move {
    Move::Stage(part(index, of))
}

fn flip(index: u32, of: u32) -> Move {
    Move::Flip(part(index, of))
}

fn apply(index: u32, of: u32) -> Move {
    Move::Apply(part(index, of))
}

#[test]
fn stage_parts_go_in_order() {
    let mut record = live(5);
    for done in 0..3 {
        for index in (0..3).filter(|index| *index != done) {
            assert_out_of_order(&record, &plan(6), stage(index, 3));
        }
        record = after(&record, &plan(6), stage(done, 3)).expect("the next part");
        assert_eq!(record.stage, staged(&plan(6), progress(done + 1, 3)));
        assert_eq!((record.generation, record.base), (g(5), g(5)), "nobody sees a stage");
    }
    for index in 0..3 {
        assert_out_of_order(&record, &plan(6), stage(index, 3));
    }
}

#[test]
fn a_stage_cut_differently_starts_again() {
    let half = after_all(&live(5), &plan(6), &[stage(0, 3), stage(1, 3)]);
    assert_out_of_order(&half, &plan(6), stage(1, 2));
    let again = after(&half, &plan(6), stage(0, 2)).expect("from the first part");
    assert_eq!(again.stage, staged(&plan(6), progress(1, 2)));
}

#[test]
fn a_stage_gives_way_to_a_newer_one_and_never_to_an_older() {
    let half = after(&live(5), &plan(7), stage(0, 2)).expect("staged");
    // Nor does it go on with another plan's parts: its tree would be half of one and half of the other.
    for (index, of) in [(0, 2), (1, 2), (0, 1), (0, 3)] {
        assert_out_of_order(&half, &plan(6), stage(index, of));
    }
    assert_out_of_order(&half, &plan(8), stage(1, 2));
    let newer = after(&half, &plan(8), stage(0, 2)).expect("newer");
    assert_eq!(newer.stage, staged(&plan(8), progress(1, 2)));
}

#[test]
fn g3_only_a_complete_stage_of_the_same_plan_is_flipped_to() {
    assert_out_of_order(&live(5), &plan(6), flip(0, 1));
    let half = after(&live(5), &plan(6), stage(0, 2)).expect("staged");
    assert_out_of_order(&half, &plan(6), flip(0, 1));
    let whole = after(&half, &plan(6), stage(1, 2)).expect("staged");
    assert_out_of_order(&whole, &plan(7), flip(0, 1));
    assert_out_of_order(&whole, &plan(6), flip(1, 2));
    let flipped = after(&whole, &plan(6), flip(0, 1)).expect("complete");
    assert_eq!((flipped.generation, flipped.digest), (g(6), plan(6).digest()));
    assert_eq!((flipped.base, flipped.stage), (g(6), None));
    assert!(flipped.is_settled());
}

#[test]
fn putting_a_plan_in_place_keeps_only_a_newer_stage() {
    let whole = after(&live(5), &plan(7), stage(0, 1)).expect("staged");
    let older = after(&whole, &plan(6), apply(0, 1)).expect("older than the stage");
    assert_eq!((older.generation, older.stage), (g(6), whole.stage));
    assert_eq!(after(&whole, &plan(7), apply(0, 1)).expect("the same").stage, None);
    assert_eq!(after(&whole, &plan(8), apply(0, 1)).expect("newer").stage, None);
}

#[test]
fn g3_base_moves_only_in_the_last_part() {
    let staged = after(&live(5), &plan(6), stage(0, 1)).expect("staged");
    for (start, moved) in [(staged, flip as fn(u32, u32) -> Move), (live(5), apply)] {
        let mut record = start;
        for index in 0..3 {
            assert_out_of_order(&record, &plan(6), moved((index + 1) % 3, 3));
            record = after(&record, &plan(6), moved(index, 3)).expect("the next part");
            assert_eq!((record.generation, record.flip), (g(6), progress(index + 1, 3)));
            assert_eq!(record.base, if index == 2 { g(6) } else { g(5) }, "after part {index}");
            assert_eq!(record.is_settled(), index == 2);
        }
    }
}

#[test]
fn a_chain_in_place_cut_differently_starts_again() {
    let half = after(&live(5), &plan(6), apply(0, 3)).expect("begun");
    assert_out_of_order(&half, &plan(6), apply(1, 2));
    let again = after(&half, &plan(6), apply(0, 2)).expect("from the first part");
    assert_eq!((again.flip, again.base), (progress(1, 2), g(5)));
}

#[test]
fn g3_superseding_half_way_keeps_the_old_base() {
    let half = after(&live(5), &plan(6), apply(0, 2)).expect("begun");
    assert_out_of_order(&half, &plan(7), apply(1, 2));
    let superseded = after(&half, &plan(7), apply(0, 2)).expect("superseded");
    assert_eq!((superseded.generation, superseded.base), (g(7), g(5)), "something is still at 5");
    let done = after(&superseded, &plan(7), apply(1, 2)).expect("the last part");
    assert_eq!((done.generation, done.base), (g(7), g(7)));
}

#[test]
fn g3_holding_base_leaves_it_where_it_was() {
    let permit = see(&live(5), Standing::new(g(HEAD)))
        .permit(&plan(6), apply(0, 1), Nonce::new(1), &actor("me"))
        .expect("permitted");
    assert_eq!(permit.next().base, g(6));
    let held = permit.holding_base();
    assert_eq!((held.next().generation, held.next().base), (g(6), g(5)));
    assert!(!held.next().is_settled(), "something is left behind");
}

#[test]
fn a_payload_stays_until_a_permit_carries_another() {
    let genesis = Observed::Absent.genesis(Nonce::new(1), &actor("me"), "old").expect("absent");
    let seen = Observed::Record(genesis.into_record());
    let head = seen.witness().answered(Standing::new(g(HEAD)));
    let sighting = seen.sight(head).expect("a record is there");
    let permit =
        || sighting.permit(&plan(HEAD), apply(0, 1), Nonce::new(2), &actor("me")).expect("permitted");
    assert_eq!(permit().next().payload, "old");
    let carrying = permit().carrying("new");
    assert_eq!((carrying.expected().payload, carrying.next().payload), ("old", "new"));
    assert_eq!(carrying.carrying("old"), permit(), "and nothing else changes");
}
