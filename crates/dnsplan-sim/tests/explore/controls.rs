//! Negative controls: every rule that is left out breaks something, in so many steps and no fewer. And what is known
//! not to hold.

use dnsplan_enactor::Layout;
use dnsplan_sim::Invariant;
use dnsplan_sim::explore::{Config, Deciding, Rule, explore};

const BASE: Config = Config {
    enactors: 2,
    generations: 3,
    in_flight: 2,
    layout: Layout::Tree,
    batch: 1,
    comes_and_goes: false,
    deciding: Deciding::Enactors,
    rewind: false,
    deletions: 0,
    corruptions: 0,
    damages: 0,
    store_rewind: false,
    creates_again: false,
    without: None,
};
const REWIND: Config = Config { rewind: true, ..BASE };
const DELETED: Config = Config { deletions: 1, ..BASE };
const IN_PLACE: Config = Config { layout: Layout::InPlace, ..BASE };

#[track_caller]
fn assert_breaks(config: Config, without: Rule, invariant: Invariant, steps: usize) {
    assert_breaks_as_is(Config { without: Some(without), ..config }, invariant, steps);
    let report = explore(&config, usize::MAX);
    assert!(report.holds(), "with every rule in force, {config:?}: {report}");
}

#[track_caller]
fn assert_breaks_as_is(config: Config, invariant: Invariant, steps: usize) {
    let report = explore(&config, usize::MAX);
    let violation = report.violation.as_ref().unwrap_or_else(|| panic!("{config:?}: {report}"));
    assert_eq!((violation.invariant, violation.steps.len()), (invariant, steps), "{config:?}: {report}");
}

#[test]
fn r1_readiness_by_listing_flips_to_half_a_tree() {
    assert_breaks(REWIND, Rule::ReadyByRecord, Invariant::LivePlanKept, 11);
}

#[test]
fn r2_unfenced_deletion_lands_after_a_rewind() {
    assert_breaks(REWIND, Rule::FencedReap, Invariant::NeverEmpty, 25);
}

#[test]
fn r2_unfenced_deletion_is_harmless_without_a_rewind() {
    let report = explore(&Config { without: Some(Rule::FencedReap), ..BASE }, usize::MAX);
    assert!(report.holds(), "{report}");
}

#[test]
fn r2_unfenced_flip_goes_backwards() {
    assert_breaks(BASE, Rule::FencedFlip, Invariant::NeverBackwards, 16);
}

#[test]
fn r3_stage_that_leaves_the_record_alone_flips_to_half_a_tree() {
    assert_breaks(REWIND, Rule::StageWritesRecord, Invariant::LivePlanKept, 11);
}

#[test]
fn r4_bootstrap_in_one_step_goes_backwards() {
    assert_breaks(DELETED, Rule::TwoStepBootstrap, Invariant::NeverBackwards, 7);
}

#[test]
fn r5_head_read_before_the_record_goes_backwards() {
    assert_breaks(Config { deletions: 1, ..IN_PLACE }, Rule::HeadAfterRecord, Invariant::NeverBackwards, 11);
}

/// With trees their names are a second line of defence: under a record that grants nothing no older plan is begun.
#[test]
fn r5_head_read_before_the_record_is_caught_by_the_names_of_trees() {
    let report = explore(&Config { without: Some(Rule::HeadAfterRecord), ..DELETED }, usize::MAX);
    assert!(report.holds(), "{report}");
}

#[test]
fn r6_base_raised_by_the_first_part_is_wrong() {
    assert_breaks(BASE, Rule::BaseRisesLast, Invariant::Whole, 18);
}

#[test]
fn r6_reap_of_what_is_older_than_live_empties_an_endpoint() {
    assert_breaks(BASE, Rule::ReapBelowBase, Invariant::NeverEmpty, 20);
}

#[test]
fn r6_reap_of_what_is_newer_but_not_below_the_floor_takes_a_staged_tree() {
    assert_breaks(BASE, Rule::ReapBelowFloor, Invariant::LivePlanKept, 11);
}

#[test]
fn r7_floor_above_the_head_shuts_the_head_out() {
    assert_breaks(BASE, Rule::FloorUpToHead, Invariant::EventuallyNewest, 7);
}

#[test]
fn r8_older_than_live_goes_backwards() {
    assert_breaks(IN_PLACE, Rule::NewerThanLive, Invariant::NeverBackwards, 8);
}

#[test]
fn r9_trees_by_number_alone_mix_two_plans() {
    let lost_store = Config { generations: 2, store_rewind: true, ..BASE };
    assert_breaks(lost_store, Rule::NamedByDigest, Invariant::LivePlanKept, 11);
}

/// R10 is a second line of defence here: the same number with other content is refused (G6), and the next number is
/// free.
#[test]
fn r10_numbers_handed_out_again_are_refused_and_heal() {
    let lost_store = Config { generations: 2, store_rewind: true, ..BASE };
    let report = explore(&Config { without: Some(Rule::NumberAboveSeen), ..lost_store }, usize::MAX);
    assert!(report.holds(), "{report}");
}

#[test]
fn records_without_nonces_go_backwards_once_the_record_is_lost() {
    let deleted = Config { deletions: 1, ..IN_PLACE };
    assert_breaks(deleted, Rule::Nonces, Invariant::NeverBackwards, 12);
}

/// The record's nonce does not protect from the past where the record that began it comes back by itself: the network
/// delivers the creation again after a hand has deleted the record, and then everything that was built on it.
#[test]
fn known_a_creation_delivered_again_after_a_deletion_goes_backwards() {
    let again = Config { generations: 2, deletions: 1, creates_again: true, ..BASE };
    assert_breaks_as_is(Config { layout: Layout::InPlace, ..again }, Invariant::NeverBackwards, 10);
    let at_once = Config { batch: 2, in_flight: 4, enactors: 1, ..again };
    assert_breaks_as_is(at_once, Invariant::NeverBackwards, 17);
}

/// Where the store does not have the live plan any more, nobody knows of an owner name that the newest plan does not have: it is left
/// behind while the base rises over it, until the next audit. Where only the record is lost, the history says what there may be.
#[test]
fn known_an_owner_name_is_left_behind_where_what_may_differ_is_unknown() {
    let lost_store = Config { generations: 2, comes_and_goes: true, store_rewind: true, ..BASE };
    assert_breaks_as_is(lost_store, Invariant::Whole, 27);
    for lost_record in [DELETED, Config { deletions: 1, ..IN_PLACE }] {
        let lost_record = Config { comes_and_goes: true, ..lost_record };
        assert!(explore(&lost_record, usize::MAX).holds());
    }
}

/// Under a record that grants nothing, the fence permits neither to raise the floor nor to reap: it took 17 steps to empty an endpoint
/// with both.
#[test]
fn a_record_that_grants_nothing_permits_no_clean_up() {
    let adversary = Config { deciding: Deciding::Adversary, generations: 2, ..DELETED };
    assert!(explore(&adversary, usize::MAX).holds());
}

/// Record and store both lost, and no trees whose names would tell: nobody is left who knows what is live.
#[test]
fn known_in_place_goes_backwards_once_record_and_store_are_both_lost() {
    let both = Config { generations: 2, deletions: 1, store_rewind: true, ..IN_PLACE };
    assert_breaks_as_is(both, Invariant::NeverBackwards, 12);
    let tree = Config { layout: Layout::Tree, ..both };
    assert!(explore(&tree, usize::MAX).holds());
}
