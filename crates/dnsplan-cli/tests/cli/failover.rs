//! `simulate --failover`: the story prints its golden files, what is switched off is missed, and random schedules hold.
//!
//! `tests/failover/KEYS.golden` is what the story prints with these rules switched off (joined by `+`; `nothing` is none).
//! `UPDATE_GOLDEN=1` writes what is printed; an empty file is enough to ask for it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Cell, Run, number};

const RULES: [&str; 6] = ["seal", "drain", "forward-rollback", "receipt-epoch", "catch-up", "incarnation"];
const GOOD: &str = "never two writers, nothing lost: ";

fn failover(cell: &Cell, args: &str) -> Run {
    let args = args.split(' ').filter(|arg| !arg.is_empty());
    cell.run(&["simulate", "--failover"].into_iter().chain(args).collect::<Vec<_>>())
}

fn without(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("--without {key} ")).collect()
}

/// Nothing breaks for want of a drain.
fn code(keys: &[&str]) -> i32 {
    if keys.iter().any(|key| *key != "drain") { 5 } else { 0 }
}

#[test]
fn the_story_prints_its_golden_files() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/failover");
    let is_update = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let cell = Cell::new();
    let mut names: Vec<String> =
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut played = Vec::new();
    for name in &names {
        let keys = name.strip_suffix(".golden").unwrap_or_else(|| panic!("{name} is no .golden"));
        let keys: Vec<&str> = keys.split('+').filter(|key| *key != "nothing").collect();
        let [one, two] = [(); 2].map(|()| failover(&cell, &without(&keys)).expect(code(&keys)).out);
        assert_eq!(one, two, "{name}");
        if is_update {
            fs::write(dir.join(name), &one).unwrap();
        }
        let golden = fs::read_to_string(dir.join(name)).unwrap();
        let differs = one.lines().zip(golden.lines()).find(|(one, golden)| one != golden);
        assert!(one == golden, "{name}: {differs:?}; where it is meant, run again with UPDATE_GOLDEN=1");
        played.push(keys.join("+"));
    }
    let all = RULES.join("+");
    for keys in RULES.into_iter().chain(["", all.as_str()]) {
        assert!(played.iter().any(|one| one == keys), "no golden file of {keys:?}");
    }
}

#[test]
fn each_rule_that_is_switched_off_has_a_failure_of_its_own() {
    let cell = Cell::new();
    let failures = [
        ("seal", "BROKEN monotone (two writers at once) at step "),
        ("forward-rollback", "BROKEN seal-holds (a deposed node's write was accepted) at step "),
        ("receipt-epoch", "BROKEN seal-holds (a deposed node's write was accepted) at step "),
        ("catch-up", "BROKEN nothing-lost (who leads lacks an accepted write) at step "),
        ("incarnation", "BROKEN one-writer (two lives wrote under one epoch) at step "),
    ];
    for (key, failure) in failures {
        let said = failover(&cell, &without(&[key])).expect(5).out;
        let first = said.lines().find(|line| line.starts_with("BROKEN ")).unwrap();
        assert!(first.starts_with(failure), "{key}: {first}");
        assert!(said.contains(&format!("\nswitched off: {key}\n")) && !said.contains(GOOD), "{said}");
    }
    let said = failover(&cell, "").expect(0).out;
    assert!(said.contains(GOOD) && said.contains("mirrors Aurora, October 2025: "), "{said}");
    let said = failover(&cell, "--without drain").expect(0).out;
    assert!(said.contains(GOOD) && said.contains("without the drain "), "{said}");
}

#[test]
fn what_does_not_go_together_says_what_does() {
    let cell = Cell::new();
    let wrong = |args: &[&str], part: &str| {
        let run = cell.run(&[&["simulate"], args].concat()).expect(64).says(&[part]);
        assert_eq!(run.out, "");
    };
    wrong(
        &["--failover", "--without", "apply-fence"],
        "what can be switched off here: seal, drain, forward-rollback, ",
    );
    wrong(
        &["--delayed-enactor", "--without", "seal"],
        "--without seal is for --failover; what can be switched off here: apply-fence, cleanup-fence, repair",
    );
    wrong(
        &["--random", "--without", "repair", "--without", "catch-up"],
        "--without catch-up is for --failover",
    );
    wrong(&["--failover", "--without", "seatbelt"], "receipt-epoch");
    wrong(&["--failover", "--faults", "heavy"], "give --runs N as well");
    wrong(&["--failover", "--report", "page.html"], "cannot be used with");
    wrong(&["--failover", "--random"], "cannot be used with");
    wrong(&["--failover", "--runs", "2", "--keep", "call:0:1"], "cannot be used with");
    wrong(
        &["--failover", "--runs", "2", "--seed", "18446744073709551615"],
        "seeds end at 18446744073709551615",
    );
}

#[test]
fn json_of_a_failover_has_a_stable_schema() {
    let cell = Cell::new();
    let value = failover(&cell, "--without drain --format json").expect(0).json();
    let fields = [
        "schema",
        "title",
        "seed",
        "without",
        "lanes",
        "steps",
        "looks",
        "elapsed_ms",
        "events",
        "handoffs",
        "refused",
        "acknowledged",
        "accepted",
        "aborted",
        "alarms",
        "invariants",
        "broken",
        "holds",
        "aborted_with_drain",
        "cut_down",
    ];
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = fields.to_vec();
    keys.sort_unstable();
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(value["schema"], "dnsplan.simulate-failover/1");
    assert!(number(&value["aborted"]) > number(&value["aborted_with_drain"]), "{value}");
    assert_eq!(value["handoffs"].as_array().unwrap().len(), 4);
    for event in value["events"].as_array().unwrap() {
        assert!(value["lanes"].as_array().unwrap().contains(&event["actor"]), "{event}");
    }
    let broken = failover(&cell, "--without catch-up --format json").expect(5).json();
    assert_eq!(
        (&broken["broken"][0]["invariant"], &broken["holds"]),
        (&"nothing-lost".into(), &false.into())
    );
    assert_eq!(
        (&broken["invariants"]["one-writer"], &broken["aborted_with_drain"]),
        (&true.into(), &Value::Null)
    );
}

#[test]
fn random_schedules_of_a_role_hold() {
    let cell = Cell::new();
    let value = failover(&cell, "--runs 100 --format json").expect(0).json();
    assert_eq!(value["schema"], "dnsplan.simulate-failover-runs/1");
    assert_eq!(
        (number(&value["runs"]), &value["holds"], &value["failed"]),
        (100, &true.into(), &Value::Null)
    );
    let run = failover(&cell, "--runs 20 --faults heavy --seed 7").expect(0);
    assert!(run.out.contains("20 runs, seeds 7 to 26\n"), "{}", run.out);
    assert!(run.out.ends_with("never two writers, nothing lost: every run holds\n"), "{}", run.out);
    // One of them is shown whole.
    let [one, two] = [(); 2].map(|()| failover(&cell, "--runs 1 --faults heavy --seed 7").expect(0).out);
    assert!(one == two && one.ends_with("seed 7; the same seed prints the same bytes\n"), "{one}");
}

#[test]
fn a_random_schedule_of_a_role_that_breaks_comes_with_the_command_that_plays_it_again() {
    let cell = Cell::new();
    let run = failover(&cell, "--runs 1000 --without catch-up").expect(5);
    assert!(run.out.contains("the lowest that broke\nwhat it takes: "), "{}", run.out);
    let command = run.out.lines().last().unwrap().strip_prefix("again: dnsplan ").unwrap();
    let (plain, keep) = command.split_once(" --keep ").unwrap();
    let words: Vec<&str> = plain.split(' ').chain(["--keep", keep.trim_matches('"')]).collect();
    let [one, two] = [(); 2].map(|()| cell.run(&words).expect(5).out);
    assert_eq!(one, two);
    // What was printed is that run.
    let (shown, _) = one.split_once("\nseed ").unwrap();
    assert!(run.out.contains(shown), "{one}\nis not in\n{}", run.out);
}
