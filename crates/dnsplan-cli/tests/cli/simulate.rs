//! `simulate`: what it prints, how it ends, and that the same command prints the same bytes.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::harness::{Cell, Run, number};

const WEAK: [&str; 3] = ["apply-fence", "cleanup-fence", "repair"];
const INVARIANTS: [&str; 9] = [
    "never-backwards",
    "never-empty",
    "live-plan-kept",
    "whole",
    "eventually-newest",
    "one-content",
    "only-plans",
    "nothing-lost",
    "came-to-its-end",
];
const RUN: [&str; 18] = [
    "schema",
    "title",
    "about",
    "seed",
    "without",
    "zone",
    "endpoints",
    "lanes",
    "steps",
    "looks",
    "elapsed_ms",
    "events",
    "refused",
    "samples",
    "invariants",
    "broken",
    "holds",
    "cut_down",
];

/// `simulate` with these arguments, given as they are typed.
fn simulate(cell: &Cell, args: &str) -> Run {
    let args: Vec<&str> = args.split(' ').collect();
    cell.run(&[&["simulate"], args.as_slice()].concat())
}

fn json(cell: &Cell, args: &str, code: i32) -> Value {
    simulate(cell, &format!("{args} --format json")).expect(code).json()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[track_caller]
fn assert_keys(value: &Value, expected: &[&str]) {
    assert_eq!(keys(value), BTreeSet::from_iter(expected.iter().copied()));
}

/// The words of a command as it is printed, without the name of the program.
fn words(command: &str) -> Vec<&str> {
    let (plain, keep) = command.split_once(" --keep ").expect("a command with its keys");
    let keep = keep.strip_prefix('"').and_then(|keep| keep.strip_suffix('"')).expect("keys in quotes");
    let words = plain.strip_prefix("dnsplan ").expect("a command of ours").split(' ');
    words.chain(["--keep", keep]).collect()
}

/// The command in the last but `after` line.
fn again(run: &Run, after: usize) -> &str {
    let line = run.out.lines().rev().nth(after);
    line.and_then(|line| line.strip_prefix("again: ")).unwrap_or_else(|| panic!("no command in {}", run.out))
}

#[test]
fn it_must_be_said_what_to_simulate() {
    let cell = Cell::new();
    let wrong = |args: &[&str], part| {
        let run = cell.run(&[&["simulate"], args].concat()).expect(64).says(&[part]);
        assert_eq!(run.out, "");
    };
    wrong(&[], "--delayed-enactor|--scenario <FILE>|--random");
    wrong(&["--random", "--delayed-enactor"], "cannot be used with");
    wrong(&["--random", "--runs", "0"], "--runs");
    wrong(&["--random", "--without", "seatbelt"], "apply-fence");
    wrong(&["--random", "--faults", "some"], "heavy");
    wrong(&["--random", "--keep", "actor:1,plan:x"], "\"plan:x\" is no key of a schedule");
    wrong(&["--random", "--keep", "actor:1", "--runs", "2"], "cannot be used with");
    wrong(&["--delayed-enactor", "--keep", "actor:1"], "cannot be used with");
    wrong(&["--delayed-enactor", "--faults", "heavy"], "cannot be used with");
    wrong(&["--explore", "small", "--seed", "1"], "cannot be used with");
    wrong(&["--explore", "nothing"], "small");
    wrong(
        &["--random", "--seed", "18446744073709551615", "--runs", "2"],
        "seeds end at 18446744073709551615",
    );
}

#[test]
fn the_delayed_enactor_is_refused_and_it_is_said_why() {
    let cell = Cell::new();
    let said = simulate(&cell, "--delayed-enactor").expect(0).out;
    let (timeline, refused) = said.split_once("\nrefused by the target, in the write itself\n").unwrap();
    assert!(timeline.contains("zone us-test-1.example., protected endpoint"), "{said}");
    assert!(
        timeline.contains("\n                       in October: "),
        "under the text of its entry: {said}"
    );
    let late = refused.lines().find(|line| line.contains("enactor-1  generation 146, flip part 1 of "));
    assert!(
        late.unwrap().contains("made for a record at 145; 170 is live, put in place by enactor-2"),
        "{said}"
    );
    let tail: Vec<&str> = said.lines().rev().take(2).collect();
    assert_eq!(tail[0], "seed 42; the same seed prints the same bytes");
    assert!(tail[1].starts_with("never empty, never backwards: looked at ") && tail[1].ends_with(" steps"));
    assert!(!cell.path("data").exists(), "it works in memory");
}

#[test]
fn plans_that_follow_one_another_make_one_line() {
    let said = simulate(&Cell::new(), "--delayed-enactor").expect(0).out;
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("publishes generations ")).collect();
    assert!(lines.iter().any(|line| line.contains("publishes generations 147 to 170")), "{said}");
    assert!(!said.contains("publishes generation 150"), "{said}");
}

#[test]
fn colours_are_where_they_are_wanted() {
    let cell = Cell::new();
    let [plain, coloured] = ["never", "always"]
        .map(|colour| simulate(&cell, &format!("--delayed-enactor --color {colour}")).expect(0).out);
    assert!(!plain.contains('\u{1b}') && coloured.contains("\u{1b}[2min October: "));
    assert!(coloured.contains("\u{1b}[1m\u{1b}[32mnever empty, never backwards\u{1b}[0m"), "{coloured:?}");
}

#[test]
fn json_has_a_stable_schema() {
    let cell = Cell::new();
    let value = json(&cell, "--delayed-enactor --without cleanup-fence", 5);
    assert_keys(&value, &RUN);
    assert_eq!(value["schema"], "dnsplan.simulate/2");
    assert_eq!((&value["seed"], &value["holds"]), (&42.into(), &false.into()));
    assert_eq!(
        (&value["without"], &value["cut_down"]),
        (&serde_json::json!(["cleanup-fence"]), &Value::Null)
    );
    assert_keys(&value["invariants"], &INVARIANTS);
    assert_eq!(value["invariants"]["never-empty"], false);
    assert_eq!(value["invariants"]["one-content"], true);
    let event = ["step", "at_ms", "actor", "kind", "generation", "text", "october", "detail"];
    assert_keys(&value["events"][0], &event);
    let refused = [
        "step", "at_ms", "actor", "action", "offered", "expected", "live", "live_by", "why", "stale", "sent",
    ];
    assert_keys(&value["refused"][0], &refused);
    assert_keys(&value["samples"][0], &["at_ms", "live", "head", "answers"]);
    assert_keys(&value["broken"][0], &["invariant", "step", "at_ms", "text", "october"]);
    let endpoints = value["endpoints"].as_array().unwrap().len();
    assert_eq!(value["samples"][0]["answers"].as_array().unwrap().len(), endpoints);
    for event in value["events"].as_array().unwrap() {
        assert!(value["lanes"].as_array().unwrap().contains(&event["actor"]), "{event}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let cell = Cell::new();
    let of = |mode: &str, seed: u64| {
        let args = format!("--{mode} --seed {seed}");
        let text = simulate(&cell, &format!("{args} --report {seed}.html")).expect(0).out;
        let page = fs::read_to_string(cell.path(&format!("{seed}.html"))).unwrap();
        [text, page, simulate(&cell, &format!("{args} --format json")).expect(0).out]
    };
    for mode in ["delayed-enactor", "random"] {
        let (one, two) = (of(mode, 7), of(mode, 8));
        assert_eq!(one, of(mode, 7));
        for (one, two) in one.iter().zip(&two) {
            // The seed is in all of them, and must not be all that differs.
            let [one, two] = [one, two].map(|text| text.replace(['7', '8'], ""));
            assert_ne!(one, two, "{mode}");
        }
    }
}

#[test]
fn whatever_is_switched_off_is_missed() {
    let cell = Cell::new();
    let failures = ["DNS went backwards", "the live endpoint went empty", "the system cannot heal"]
        .into_iter()
        .zip(WEAK);
    for (failure, weak) in failures {
        let run = simulate(&cell, &format!("--delayed-enactor --without {weak}")).expect(5);
        let verdict = format!("({failure}) at step ");
        let line = run.out.lines().find(|line| line.starts_with("BROKEN ") && line.contains(&verdict));
        assert!(line.is_some(), "no {failure:?} in {}", run.out);
        assert!(run.out.contains(&format!("\nswitched off: {weak}\n")), "{}", run.out);
        assert!(!run.out.contains("never empty, never backwards: "), "no good verdict on a broken run");
    }
    let all: Vec<String> = WEAK.iter().map(|weak| format!("--without {weak}")).collect();
    let value = json(&cell, &format!("--delayed-enactor {}", all.join(" ")), 5);
    assert_eq!(value["without"].as_array().unwrap().len(), 3);
}

#[test]
fn many_random_schedules_hold() {
    let cell = Cell::new();
    let value = json(&cell, "--random --runs 300", 0);
    let fields = [
        "schema",
        "title",
        "without",
        "seed",
        "asked",
        "runs",
        "steps",
        "looks",
        "refused",
        "virtual_ms",
        "threads",
        "wall_ms",
        "schedules_per_second",
        "simulated_to_real",
        "broken",
        "holds",
        "failed",
    ];
    assert_keys(&value, &fields);
    assert_eq!(value["schema"], "dnsplan.simulate-runs/1");
    assert_eq!((number(&value["runs"]), &value["holds"]), (300, &true.into()));
    assert_eq!((&value["failed"], &value["broken"]), (&Value::Null, &serde_json::json!({})));
    // They are the runs that one gets one by one.
    let ones: Vec<Value> =
        (3..6).map(|seed| json(&cell, &format!("--random --faults heavy --seed {seed}"), 0)).collect();
    let three = json(&cell, "--random --faults heavy --seed 3 --runs 3", 0);
    for (many, one) in [("steps", "steps"), ("looks", "looks"), ("virtual_ms", "elapsed_ms")] {
        assert_eq!(number(&three[many]), ones.iter().map(|run| number(&run[one])).sum::<u64>(), "{many}");
    }
    let refused: usize = ones.iter().map(|run| run["refused"].as_array().unwrap().len()).sum();
    assert_eq!(number(&three["refused"]), refused as u64);
    let run = simulate(&cell, "--random --runs 20 --faults none --report page.html").expect(0);
    assert!(run.out.ends_with("never empty, never backwards: every run holds\n"), "{}", run.out);
    assert!(
        run.out.contains("20 runs, seeds 0 to 19\n") && run.out.contains(" schedules/s, "),
        "{}",
        run.out
    );
    run.says(&["nothing broke: no report is written"]);
    assert!(!cell.path("page.html").exists());
}

#[test]
fn without_a_fence_a_random_schedule_breaks_and_comes_with_the_command_that_plays_it_again() {
    let cell = Cell::new();
    let args = "--random --runs 1000 --seed 100 --without apply-fence";
    let run = simulate(&cell, &format!("{args} --report page.html")).expect(5);
    assert!(run.out.contains("the lowest that broke\nwhat it takes: "), "{}", run.out);
    assert!(run.out.contains("BROKEN ") && run.out.contains(" in 1 of "), "{}", run.out);
    let command = again(&run, 0);
    let [one, two] = [(); 2].map(|()| cell.run(&words(command)).expect(5).out);
    assert_eq!(one, two);
    // What was printed is that run.
    let (shrunk, _) = one.split_once("seed ").unwrap();
    assert!(run.out.contains(shrunk), "{}\nis not in\n{}", one, run.out);
    let page = fs::read_to_string(cell.path("page.html")).unwrap();
    assert!(page.contains("BROKEN: "), "the page is of the run that broke");

    let value = json(&cell, args, 5);
    let failed = &value["failed"];
    assert_keys(failed, &["seed", "keep", "kept", "decisions", "tries", "command", "outcome"]);
    assert_eq!(failed["command"], command, "whichever thread was quicker");
    assert!(number(&failed["kept"]) < number(&failed["decisions"]), "{failed}");
    assert_eq!(number(&value["runs"]), number(&failed["seed"]) - 99, "what came after it is not counted");
    let broken = value["broken"].as_object().unwrap();
    assert!(!broken.is_empty() && broken.values().all(|runs| *runs == 1), "{broken:?}");
}

#[test]
fn one_random_run_that_breaks_is_shown_whole_and_cut_down() {
    let cell = Cell::new();
    let many = json(&cell, "--random --runs 1000 --without apply-fence", 5);
    let seed = number(&many["failed"]["seed"]);
    let args = format!("--random --seed {seed} --without apply-fence");
    let value = json(&cell, &args, 5);
    assert_keys(&value, &RUN);
    assert_eq!(value["cut_down"], many["failed"]);
    let events = |run: &Value| run["events"].as_array().unwrap().len();
    assert!(events(&value) > events(&value["cut_down"]["outcome"]));
    let run = simulate(&cell, &args).expect(5);
    assert_eq!(run.out, simulate(&cell, &args).expect(5).out);
    assert!(run.out.ends_with(&format!("seed {seed}; the same seed prints the same bytes\n")), "{}", run.out);
    let command = again(&run, 1);
    assert_eq!(command, many["failed"]["command"]);
    // What somebody has cut down is left as it is.
    let again = cell.run(&words(command)).expect(5);
    assert!(!again.out.contains("what it takes"), "{}", again.out);
}

#[test]
fn with_nothing_kept_it_is_quiet() {
    let cell = Cell::new();
    let run = |keep| cell.run(&["simulate", "--random", "--faults", "heavy", "--keep", keep]).expect(0).out;
    let whole = simulate(&cell, "--random --faults heavy").expect(0).out;
    assert!(run("").lines().count() < whole.lines().count());
    assert_ne!(run(""), run("plan:2"));
}

#[test]
fn a_report_is_there_whole_or_not_at_all() {
    let cell = Cell::new();
    let files = || {
        let names = fs::read_dir(cell.path("")).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect::<BTreeSet<_>>()
    };
    fs::create_dir(cell.path("dir")).unwrap();
    for path in ["none/page.html", "dir"] {
        let run = simulate(&cell, &format!("--delayed-enactor --report {path}")).expect(1);
        assert_eq!(run.out, "", "nothing is played for a report that cannot be written");
        run.says(&["cannot write the report to", path, "give --report a file in a directory that is there"]);
    }
    assert_eq!(files(), BTreeSet::from(["dir".to_owned()]));
    cell.save("page.html", "older");
    simulate(&cell, "--delayed-enactor --report page.html").expect(0);
    let page = fs::read_to_string(cell.path("page.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"), "{page}");
    assert_eq!(files(), BTreeSet::from(["dir".to_owned(), "page.html".to_owned()]));
    // A device is written to, not replaced.
    let piped = simulate(&cell, "--delayed-enactor --report /dev/stdout").expect(0).out;
    assert!(piped.ends_with(&page), "the text, and then the page: {piped}");
}

#[test]
fn a_scenario_that_cannot_be_read_says_where_and_why() {
    let cell = Cell::new();
    simulate(&cell, "--scenario none.toml").expect(1).says(&["cannot read none.toml", "check the path"]);
    cell.save("broken.toml", "title = \"a\"\n\n[[step]]\ndo = \"dance\"\n");
    let run = simulate(&cell, "--scenario broken.toml").expect(1);
    run.says(&["broken.toml: line 3: ", "dance"]);
    cell.save("actor.toml", "title = \"a\"\n[[step]]\ndo = \"pause\"\nactor = \"enactor-9\"\n");
    let run = simulate(&cell, "--scenario actor.toml").expect(1);
    run.says(&["actor.toml: line 2: ", "enactor-9", "it is one of enactor-1, "]);
}

#[test]
fn a_scenario_is_played_with_many_seeds() {
    let cell = Cell::new();
    cell.save("my own.toml", "title = \"two plans\"\nseed = 5\n[[step]]\ndo = \"publish\"\ncount = 2\n");
    let args = ["simulate", "--scenario", "my own.toml"];
    let one = cell.run(&args).expect(0).out;
    assert!(one.starts_with("two plans\n") && one.contains("\nseed 5; the same seed"), "{one}");
    let many = cell.run(&[&args[..], &["--runs", "40"]].concat()).expect(0).out;
    assert!(many.starts_with("two plans\n40 runs, seeds 5 to 44\n"), "{many}");
    // No scenario is cut down; the command names it all the same.
    let run = simulate(&cell, "--delayed-enactor --runs 40 --without apply-fence").expect(5);
    assert_eq!(again(&run, 0), "dnsplan simulate --delayed-enactor --seed 42 --without apply-fence");
    assert!(run.out.contains("seed 42, the lowest that broke\na delayed enactor"), "{}", run.out);
}

#[test]
fn a_small_configuration_is_explored_to_the_end() {
    let cell = Cell::new();
    let run = simulate(&cell, "--explore small").expect(0);
    assert!(run.out.starts_with("small: ") && run.out.contains("\nholds: "), "{}", run.out);
    let value = json(&cell, "--explore small", 0);
    assert_eq!(value["schema"], "dnsplan.simulate-explore/1");
    assert_eq!(
        (&value["complete"], &value["violation"], &value["stuck"]),
        (&true.into(), &Value::Null, &0.into())
    );
    assert!(number(&value["states"]) > 100, "{value}");
}
