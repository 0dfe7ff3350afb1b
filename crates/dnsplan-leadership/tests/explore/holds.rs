//! With every rule in force: the number of states is asserted, so that a change in what is explored is seen.

use crate::model::config::QUICK;
use crate::model::{Config, NAMED, explore};

#[track_caller]
fn assert_holds(name: &str, states: u64) {
    let config =
        NAMED.iter().find(|(known, _)| *known == name).map(|(_, config)| config).expect("a known name");
    let report = explore(config);
    assert!(report.violation.is_none() && report.stuck == 0, "{name}: {report}");
    assert_eq!(report.states, states, "{name}: {report}");
}

#[test]
fn g9_one_demand_and_one_crash_hold_and_complete() {
    assert_holds("quick", 1_428_252);
}

/// A write that is delivered twice is another write of its sender, early or late.
#[test]
fn g9_a_write_that_is_delivered_twice_holds_and_completes() {
    assert_holds("doubled-once", 1_063_014);
}

/// The freeze is politeness: where no node ever hears of it, all of it holds as well.
#[test]
fn g9_nodes_that_never_hear_of_a_freeze_hold_and_complete() {
    assert_holds("deaf", 1_032_016);
}

/// The search sees what is stuck: with no coordinator nobody is ever granted anything.
#[test]
fn without_a_coordinator_everything_is_stuck() {
    let (_, quick) = NAMED[0];
    let report = explore(&Config { coordinators: 0, ..quick });
    assert_eq!(report.stuck, report.states);
}

/// What the larger explorations leave out leads nowhere else.
#[test]
fn views_that_are_out_of_date_reach_nothing_that_fresh_ones_do_not() {
    for config in [Config { writes: 1, ..QUICK }, Config { hears: false, crashes: 0, ..QUICK }] {
        let (plain, merged) = (explore(&config), explore(&Config { merges: true, ..config }));
        assert_eq!(plain.places, merged.places, "{config:?}");
        assert!(merged.states < plain.states);
    }
}
