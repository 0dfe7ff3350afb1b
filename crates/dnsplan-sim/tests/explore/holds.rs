//! What holds, exhaustively. The counts are asserted, so that nobody explores less by mistake.

use dnsplan_enactor::Layout;
use dnsplan_sim::explore::{Config, Deciding, explore, named};

/// What broke is asserted before the counts, so that a count that is off never hides it; and every configuration is a test of its
/// own, so that each says what it found.
#[track_caller]
fn assert_holds(name: &str, states: u64, places: u64, depth: u32) {
    let all = named();
    let named = all.iter().find(|named| named.name == name).expect("there is such a configuration");
    assert_config_holds(name, &named.config, (states, places, depth));
}

#[track_caller]
fn assert_config_holds(name: &str, config: &Config, counts: (u64, u64, u32)) {
    let report = explore(config, usize::MAX);
    assert!(report.holds(), "{name}: {report}");
    assert_eq!((report.states, report.places, report.depth), counts, "{name}: {report}");
}

const ALONE: Config = Config {
    enactors: 1,
    generations: 3,
    in_flight: 1,
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

#[test]
fn quick_small_holds() {
    assert_holds("small", 1_132, 177, 30);
}

#[test]
fn quick_lost_fence_holds() {
    assert_holds("lost-fence", 15_066, 724, 33);
}

#[test]
fn quick_damage_holds() {
    assert_holds("damage", 42_018, 131, 33);
}

#[test]
fn quick_in_place_holds() {
    assert_holds("in-place", 50_902, 67, 30);
}

#[test]
fn quick_whole_holds() {
    assert_holds("whole", 28_315, 45, 24);
}

#[test]
fn quick_adversary_holds() {
    assert_holds("adversary", 40_473, 339, 38);
}

#[test]
fn quick_store_holds() {
    assert_holds("store", 96_402, 6_255, 38);
}

#[test]
fn quick_guests_holds() {
    assert_holds("guests", 104_907, 265, 49);
}

#[test]
fn quick_rewind_holds() {
    assert_holds("rewind", 164_177, 177, 44);
}

#[test]
fn quick_everything_holds() {
    assert_holds("everything", 106_015, 381, 44);
}

#[test]
fn every_quick_configuration_is_tested_above() {
    let quick: Vec<_> = named().iter().filter(|named| !named.is_long).map(|named| named.name).collect();
    let tested = [
        "small",
        "lost-fence",
        "damage",
        "in-place",
        "whole",
        "adversary",
        "store",
        "guests",
        "rewind",
        "everything",
    ];
    assert_eq!(quick, tested);
}

/// The fence by itself where there is no tree whose name would tell, and the record is lost once.
#[test]
fn quick_anybody_in_place_holds() {
    let in_place = Config { layout: Layout::InPlace, deletions: 1, ..ALONE };
    let anybody = Config { deciding: Deciding::Adversary, rewind: true, ..in_place };
    assert_config_holds("anybody in place", &anybody, (18_958, 130, 27));
}

/// The fence by itself where the record is lost once, and trees that were live are not.
#[test]
fn quick_anybody_after_a_lost_record_holds() {
    let lost = Config { generations: 2, in_flight: 2, deletions: 1, ..ALONE };
    let anybody = Config { deciding: Deciding::Adversary, ..lost };
    assert_config_holds("anybody after a lost record", &anybody, (1_270, 165, 29));
}

/// The fence by itself where the same generation is granted twice.
#[test]
fn quick_anybody_after_a_lost_store_holds() {
    let anybody = Config { deciding: Deciding::Adversary, store_rewind: true, ..ALONE };
    assert_config_holds("anybody after a lost store", &anybody, (69_722, 9_923, 33));
}

#[test]
fn names_are_unique_and_the_long_ones_are_there() {
    let mut names: Vec<_> = named().iter().map(|named| named.name).collect();
    assert!(names.contains(&"big"));
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before);
}

#[test]
fn a_search_that_is_cut_short_claims_nothing() {
    let report = explore(&Config::default(), 20);
    assert!(!report.complete && !report.holds() && report.violation.is_none());
    assert!(report.to_string().ends_with("cut short; nothing broke so far"), "{report}");
}

#[test]
fn the_same_configuration_gives_the_same_report() {
    let config = Config { rewind: true, ..Config::default() };
    assert_eq!(explore(&config, usize::MAX), explore(&config, usize::MAX));
}
