//! `apply`: publish, and wait until it is live.

use crate::harness::{Cell, number};
use crate::spec::{answer, serial, spec, web};

#[test]
fn apply_returns_when_the_plan_is_live() {
    let cell = Cell::new();
    let up = cell.up_with(&spec(1));
    cell.save("next.toml", &spec(2));
    let said = cell.ok(&["apply", "next.toml"]);
    assert_eq!((answer(up.addr()), serial(up.addr())), (vec![web(2)], 2));
    assert!(said.contains("example.org. generation 2 is live at every target."), "{said}");
    let again = cell.json(&["apply", "next.toml"]);
    assert_eq!((&again["schema"], &again["live"]), (&"dnsplan.apply/1".into(), &true.into()));
    assert_eq!((number(&again["plans"][0]["generation"]), &again["plans"][0]["is_new"]), (2, &false.into()));
}

#[test]
fn apply_without_targets_says_how_to_start_one() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    cell.run(&["apply", "spec.toml"]).expect(1).says(&[
        "no target has reported",
        "dnsplan up",
        "dnsplan enactor",
    ]);
    assert_eq!(cell.head(), 1, "it is published all the same, and says so");
}

#[test]
fn apply_gives_up_after_its_timeout_and_says_where_to_look() {
    let cell = Cell::new();
    cell.up_with(&spec(1)).kill();
    cell.save("next.toml", &spec(2));
    let late = cell.run(&["apply", "next.toml", "--timeout", "1"]).expect(1);
    late.says(&["after 1 s not confirmed by hickory:127.0.0.1:0", "dnsplan status"]);
}
