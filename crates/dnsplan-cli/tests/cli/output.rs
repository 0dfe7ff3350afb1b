//! What commands print, for people and for programs, and how they end.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{Cell, Daemon, number, wait_for};
use crate::spec::{spec, web, without_endpoint};

const TWO_ZONES: &str = r#"
[zone."example.org."]
ns = ["ns1.example.net."]

[zone."example.com."]
ns = ["ns1.example.net."]

[[record]]
zone = "example.org."
name = "www"
type = "A"
data = "192.0.2.80"

[[record]]
name = "www.example.com."
type = "A"
data = "192.0.2.81"
"#;

/// A store with two generations.
fn published() -> Cell {
    let cell = Cell::new();
    for mark in [1, 2] {
        cell.save("spec.toml", &spec(mark));
        cell.ok(&["publish", "spec.toml", "--author", "ada", "--reason", "ticket 4711"]);
    }
    cell
}

#[track_caller]
fn assert_schema(value: &Value, schema: &str) {
    assert_eq!(value["schema"], format!("dnsplan.{schema}/1"), "{value:#}");
}

#[test]
fn plan_previews_and_makes_no_store() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    let text = cell.ok(&["plan", "spec.toml"]);
    assert!(text.contains("+ web.example.org. A") && text.contains("(on generation 0)"), "{text}");
    let value = cell.json(&["plan", "spec.toml"]);
    assert_schema(&value, "plan");
    assert_eq!(
        (&value["zones"][0]["base_generation"], &value["zones"][0]["removed"]),
        (&json!(0), &json!(0))
    );
    cell.run(&["plan", "spec.toml", "--detailed-exitcode"]).expect(2);
    assert!(!cell.path("data").exists());
    cell.ok(&["publish", "spec.toml"]);
    cell.run(&["plan", "spec.toml", "--detailed-exitcode"]).expect(0);
    cell.save("spec.toml", &spec(2));
    let changed = cell.run(&["plan", "spec.toml", "--detailed-exitcode"]).expect(2).out;
    for line in [
        "~ web.example.org. A",
        "    - 5 198.51.100.1",
        "    + 5 198.51.100.2",
        "0 to add, 1 to change, 0 to remove",
    ] {
        assert!(changed.contains(line), "no {line:?} in {changed}");
    }
    let value = cell.json(&["plan", "spec.toml"]);
    let change = &value["zones"][0]["changes"][0];
    assert_eq!((&change["owner"], &change["type"]), (&json!("web.example.org."), &json!("A")));
    assert_eq!(change["before"]["records"], json!([{ "data": web(1) }]));
    assert_eq!(change["after"]["records"], json!([{ "data": web(2) }]));
    assert_eq!(cell.head(), 1, "a preview publishes nothing");
}

#[test]
fn publish_says_what_it_did_and_when_there_was_nothing_to_do() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    let first = cell.json(&["publish", "spec.toml", "--author", "ada", "--reason", "ticket 4711"]);
    assert_schema(&first, "publish");
    let plan = &first["plans"][0];
    assert_eq!((&plan["is_new"], number(&plan["generation"]), number(&plan["parent"])), (&json!(true), 1, 0));
    assert_eq!(
        (&plan["provenance"]["author"], &plan["provenance"]["reason"]),
        (&json!("ada"), &json!("ticket 4711"))
    );
    let again = cell.run(&["publish", "spec.toml"]).expect(0).out;
    assert!(again.contains("nothing to do, generation 1 has this content"), "{again}");
}

#[test]
fn status_history_show_and_diff_agree_in_text_and_json() {
    let cell = published();
    let status = cell.json(&["status"]);
    assert_schema(&status, "status");
    let zone = &status["zones"][0];
    assert_eq!(
        (&zone["zone"], number(&zone["generation"]), &zone["targets"]),
        (&json!("example.org."), 2, &json!([]))
    );
    assert!(cell.ok(&["status"]).contains("wanted: generation 2"));

    let history = cell.json(&["history"]);
    assert_schema(&history, "history");
    let plans = history["zones"][0]["plans"].as_array().unwrap();
    assert_eq!(plans.iter().map(|plan| number(&plan["generation"])).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(number(&plans[0]["changed_owners"]), 1);
    let text = cell.ok(&["history"]);
    assert!(text.contains("GENERATION") && text.contains("ticket 4711") && text.contains("ada"), "{text}");
    assert_eq!(cell.ok(&["history", "--limit", "1"]).lines().count(), 3);

    let show = cell.json(&["show", "1"]);
    assert_schema(&show, "show");
    assert_eq!(show["digest"], plans[1]["digest"]);
    let rrsets = show["content"]["rrsets"].as_array().unwrap();
    assert_eq!(rrsets.len(), usize::try_from(number(&show["rrset_count"])).unwrap());
    let api =
        rrsets.iter().find(|rrset| rrset["owner"] == "api.example.org." && rrset["type"] == "A").unwrap();
    assert_eq!((&api["at_least"], &api["records"][0]["weight"]), (&json!(1), &json!(3)));
    let text = cell.ok(&["show", "1"]);
    assert!(text.contains(&web(1)) && text.contains("protected, at least 1"), "{text}");

    let diff = cell.json(&["diff", "1", "2"]);
    assert_schema(&diff, "diff");
    assert_eq!((&diff["added"], &diff["changed"], &diff["removed"]), (&json!(0), &json!(1), &json!(0)));
    let text = cell.ok(&["diff", "2", "1"]);
    assert!(text.contains("    + 5 198.51.100.1") && text.contains("generation 2 to 1"), "{text}");
    cell.run(&["show", "9"]).expect(1).says(&["has no plan 9", "dnsplan history"]);
}

#[test]
fn colours_are_there_when_they_are_wanted_and_only_then() {
    let cell = published();
    let is_coloured = |args: &[&str], env: Option<(&str, &str)>| {
        let mut command = cell.command(&[&["diff", "1", "2"], args].concat());
        command.envs(env);
        Daemon::of(command, Stdio::piped()).finish().expect(0).out.contains('\u{1b}')
    };
    assert!(!is_coloured(&[], None), "standard output is no terminal");
    assert!(is_coloured(&["--color", "always"], None));
    assert!(!is_coloured(&["--color", "never"], Some(("CLICOLOR_FORCE", "1"))));
    assert!(is_coloured(&[], Some(("CLICOLOR_FORCE", "1"))));
    assert!(!is_coloured(&[], Some(("NO_COLOR", "1"))));
    assert!(
        is_coloured(&["--color", "always"], Some(("NO_COLOR", "1"))),
        "what is asked for in words counts"
    );
}

#[test]
fn errors_are_json_where_json_was_asked_for() {
    let cell = published();
    cell.save("empty.toml", &without_endpoint(2));
    cell.save("broken.toml", "nonsense = 1\n");
    let cases: [(&[&str], i32); 5] = [
        (&["show", "9"], 1),
        (&["publish", "empty.toml"], 4),
        (&["plan", "empty.toml"], 4),
        (&["validate", "broken.toml"], 1),
        (&["status", "--data", "nowhere"], 1),
    ];
    for (args, code) in cases {
        let run = cell.run(&[args, &["--format", "json"]].concat()).expect(code);
        let error = run.json();
        assert_eq!(error["exit_code"], code, "{run:#?}");
        let message = error["error"].as_str().unwrap();
        assert!(run.err.contains(message), "{run:#?}");
        assert!(!cell.run(args).out.contains("exit_code"), "text mode has it on standard error alone");
    }
}

#[test]
fn usage_errors_are_64_and_help_is_none() {
    let cell = Cell::new();
    let wrong: [&[&str]; 9] = [
        &[],
        &["nonsense"],
        &["up"],
        &["plan", "spec.toml", "--nonsense"],
        &["show", "first"],
        &["up", "spec.toml", "--dns", "localhost"],
        &["up", "spec.toml", "--enactors", "0"],
        &["freeze"],
        &["simulate"],
    ];
    for args in wrong {
        let run = cell.run(args).expect(64);
        assert!(run.out.is_empty() && run.err.contains("--help"), "{run:#?}");
    }
    for args in [&["--help"][..], &["up", "-h"], &["up", "--help"], &["--version"]] {
        let run = cell.run(args).expect(0);
        assert!(run.out.contains("dnsplan") && run.err.is_empty(), "{run:#?}");
    }
    assert!(cell.ok(&["--help"]).contains("Exit codes: 0 done"));
    assert!(!cell.path("data").exists());
}

#[test]
fn completions_are_there_for_the_usual_shells() {
    let cell = Cell::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = cell.ok(&["completions", shell]);
        assert!(script.contains("detailed-exitcode") && script.contains("unfreeze"), "{shell}: {script}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_crash() {
    let cell = published();
    for args in [&["completions", "bash"][..], &["show", "2"], &["history", "--format", "json"]] {
        // A pipe whose other end is closed before the first byte.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = Daemon::of(cell.command(args), writer.into()).finish();
        assert!(!run.err.contains("panicked"), "{run:#?}");
        run.expect(0);
    }
}

/// Nothing can be written to it.
fn full() -> Stdio {
    std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn a_full_disk_under_the_output_is_told_at_the_end_of_a_command_that_did_its_work() {
    let cell = published();
    cell.save("spec.toml", &spec(3));
    for args in [
        &["show", "2"][..],
        &["history", "--format", "json"],
        &["publish", "spec.toml"],
        &["completions", "bash"],
        &["simulate", "--delayed-enactor"],
        &["--help"],
    ] {
        let run = Daemon::of(cell.command(args), full()).finish();
        assert!(!run.err.contains("panicked"), "{run:#?}");
        run.expect(1).says(&["cannot write to standard output: No space left on device", "going on"]);
    }
    assert_eq!(cell.head(), 3);
    // What else there is to say of its end counts for more.
    let changed = ["simulate", "--delayed-enactor", "--without", "apply-fence"];
    Daemon::of(cell.command(&changed), full()).finish().expect(5).says(&["cannot write to standard output"]);
    let missing = ["show", "9", "--format", "json"];
    Daemon::of(cell.command(&missing), full()).finish().expect(1).says(&["has no plan 9"]);
    Daemon::of(cell.command(&["plan", "spec.toml", "--detailed-exitcode"]), full()).finish().expect(1);
    cell.save("spec.toml", &spec(4));
    Daemon::of(cell.command(&["plan", "spec.toml", "--detailed-exitcode"]), full()).finish().expect(2);
}

#[test]
fn a_full_disk_under_its_output_does_not_stop_a_daemon() {
    let cell = published();
    let mut daemon = Daemon::of(cell.command(&["planner", "spec.toml"]), full());
    cell.save("spec.toml", &spec(3));
    wait_for("the third plan", || (cell.head() == 3).then_some(()));
    cell.save("spec.toml", &spec(4));
    wait_for("the fourth plan", || (cell.head() == 4).then_some(()));
    daemon.assert_alive();
}

#[test]
fn a_full_disk_under_its_output_and_its_log_does_not_stop_a_daemon() {
    let cell = published();
    let mut command = cell.command(&["up", "spec.toml", "--dns", "127.0.0.1:0"]);
    let mut child = command.stdout(full()).stderr(full()).spawn().unwrap();
    for mark in [3, 4] {
        cell.save("spec.toml", &spec(mark));
        wait_for("the plan at the target", || {
            let target = &cell.json(&["status"])["zones"][0]["targets"][0];
            (target["confirmed"] == mark).then_some(())
        });
    }
    assert_eq!(child.try_wait().unwrap(), None, "it has ended");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn validate_says_where_and_what_and_names_every_problem() {
    let cell = Cell::new();
    cell.save("good.toml", TWO_ZONES);
    let good = cell.ok(&["validate", "good.toml"]);
    assert!(
        good.contains("example.org. is valid: 3 RRsets") && good.contains("example.com. is valid"),
        "{good}"
    );
    let value = cell.json(&["validate", "good.toml"]);
    assert_schema(&value, "validate");
    assert_eq!(value["zones"].as_array().map(Vec::len), Some(2));
    cell.save(
        "bad.toml",
        &TWO_ZONES.replace("192.0.2.80", "192.0.2").replace("name = \"www.ex", "nam = \"www.ex"),
    );
    let bad = cell.run(&["validate", "bad.toml"]).expect(1);
    bad.says(&["bad.toml:12:", "bad.toml:15:", "unknown key `nam`", "help: did you mean `name`?"]);
    cell.run(&["validate", "missing.toml"]).expect(1).says(&["cannot read missing.toml", "check the path"]);
    cell.save("binary.toml", "");
    std::fs::write(cell.path("binary.toml"), [0xff, 0xfe, 0]).unwrap();
    cell.run(&["validate", "binary.toml"]).expect(1).says(&["binary.toml is not UTF-8 text"]);
    assert!(!cell.path("data").exists());
}

#[test]
fn a_zone_is_selected_by_name() {
    let cell = Cell::new();
    cell.save("spec.toml", TWO_ZONES);
    let one = cell.json(&["plan", "spec.toml", "--zone", "example.com."]);
    assert_eq!(one["zones"].as_array().map(Vec::len), Some(1));
    cell.ok(&["publish", "spec.toml", "--zone", "EXAMPLE.com"]);
    assert_eq!(cell.json(&["status"])["zones"].as_array().map(Vec::len), Some(1));
    cell.ok(&["publish", "spec.toml"]);
    assert_eq!(cell.json(&["status"])["zones"].as_array().map(Vec::len), Some(2));
    let name_one = ["--zone", "example.com.", "example.org."];
    cell.run(&["show", "1"]).expect(1).says(&name_one);
    cell.run(&["rollback", "1"]).expect(1).says(&name_one);
    let shown = cell.json(&["show", "1", "--zone", "example.org"]);
    assert_eq!(shown["zone"], "example.org.");
    cell.run(&["show", "1", "--zone", "example.net"])
        .expect(1)
        .says(&["no zone example.net.", "example.org."]);
    cell.run(&["plan", "spec.toml", "--zone", "example.net"]).expect(1).says(&["example.org."]);
}
