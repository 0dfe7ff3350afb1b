//! Negative controls: every rule that is left out breaks something, in so many steps and no fewer. The example `explore`
//! prints the traces: `explore quick R1`, or `explore quick R1 I3`.

use crate::model::config::QUICK;
use crate::model::{Config, INVARIANTS, RULES, explore};

/// What is stuck is known once every state is: those without data writes and crashes do.
const SMALL: Config = Config { writes: 0, crashes: 0, ..QUICK };

/// With the rule left out, each of these breaks in so many steps, looked for by itself.
#[track_caller]
fn assert_breaks(name: &str, expected: &[(&str, usize)]) {
    assert_breaks_in(QUICK, name, expected);
}

#[track_caller]
fn assert_breaks_in(config: Config, name: &str, expected: &[(&str, usize)]) {
    let without = RULES.iter().find(|(known, _)| *known == name).map(|(_, rule)| *rule);
    assert!(without.is_some(), "there is no rule {name}");
    for (invariant, steps) in expected {
        let only = INVARIANTS.into_iter().find(|one| one.to_string().split(' ').next() == Some(invariant));
        let config = Config { without, only, ..config };
        let report = explore(&config);
        let violation = report.violation.as_ref().unwrap_or_else(|| panic!("{config:?}: {report}"));
        assert_eq!((Some(violation.invariant), violation.steps.len()), (only, *steps), "{report}");
    }
}

#[test]
fn r1_a_resource_that_does_not_check_accepts_after_the_seal() {
    assert_breaks("R1", &[("I4", 10), ("I3", 15), ("I2", 18)]);
}

#[test]
fn r2_a_check_before_the_write_accepts_after_the_seal() {
    assert_breaks("R2", &[("I4", 11), ("I3", 16), ("I2", 20)]);
}

#[test]
fn r3_a_grant_without_a_seal_loses_writes() {
    assert_breaks("R3", &[("I3", 11)]);
}

#[test]
fn r4_a_grant_before_the_catch_up_loses_writes() {
    assert_breaks("R4", &[("I3", 15)]);
}

#[test]
fn r5_the_same_epoch_again_never_ends() {
    assert_breaks_in(SMALL, "R5a", &[("I5", 9)]);
}

#[test]
fn r5_the_same_epoch_again_and_unsealed_accepts_after_the_seal() {
    assert_breaks("R5b", &[("I4", 12), ("I3", 22)]);
}

#[test]
fn r6_a_node_that_goes_on_after_a_restart_is_a_second_writer() {
    assert_breaks("R6", &[("I1", 9)]);
}

#[test]
fn r7_an_emptied_register_grants_an_epoch_twice() {
    assert_breaks("R7a", &[("I1", 12)]);
    assert_breaks_in(SMALL, "R7a", &[("I5", 8)]);
}

#[test]
fn r7_an_emptied_register_and_floor_forget_the_seal() {
    assert_breaks("R7b", &[("I4", 11), ("I1", 12), ("I2", 19), ("I3", 24)]);
}

#[test]
fn r8_a_receipt_for_any_epoch_records_a_seal_that_never_was() {
    assert_breaks("R8", &[("I4", 22), ("I3", 25)]);
}
