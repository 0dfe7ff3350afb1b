//! `simulate --delayed-enactor`.

use crate::harness::Cell;

#[test]
fn the_delayed_enactor_is_refused_and_it_is_said_why() {
    let cell = Cell::new();
    let said = cell.ok(&["simulate", "--delayed-enactor"]);
    for part in ["refused", "never empty", "never backwards"] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    assert!(!cell.path("data").exists(), "it works in memory");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let cell = Cell::new();
    for format in ["text", "json"] {
        let of = |seed| cell.ok(&["simulate", "--delayed-enactor", "--seed", seed, "--format", format]);
        assert_eq!(of("7"), of("7"));
        assert_ne!(of("7"), of("8"));
    }
    let value = cell.json(&["simulate", "--delayed-enactor", "--seed", "7"]);
    assert!(
        value["schema"].as_str().is_some_and(|schema| schema.starts_with("dnsplan.simulate/")),
        "{value:#}"
    );
}
