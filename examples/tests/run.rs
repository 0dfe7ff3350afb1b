//! Every example runs to its end and shows what it says it shows.

use std::process::Command;

use dnsplan_route53_fake::{Fake, Options};

/// What a program prints.
fn output(program: &str) -> String {
    let done = Command::new(program).output().expect("the example starts");
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{program} ends with {}:\n{out}{err}", done.status);
    out.into_owned()
}

#[test]
fn embed_answers_before_and_after_an_edit_and_after_a_refusal() {
    let shown = output(env!("CARGO_BIN_EXE_embed"));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], r#"generation 1: ["192.0.2.11", "192.0.2.12"]"#);
    assert_eq!(lines[1], r#"generation 2: ["192.0.2.11", "192.0.2.12", "192.0.2.13"]"#);
    assert!(shown.contains("refused: ") && shown.contains("never-empty"), "{shown}");
    assert_eq!(lines.last(), Some(&r#"still answered: ["192.0.2.11", "192.0.2.12", "192.0.2.13"]"#));
}

#[test]
fn custom_target_takes_two_plans_live() {
    let shown = output(env!("CARGO_BIN_EXE_custom_target"));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 2, "{shown}");
    for (line, generation) in lines.iter().zip(1..) {
        assert!(line.starts_with(&format!("Live(g{generation})")), "{line}");
        assert!(line.contains(&format!("under dnsplan1 g={generation} ")), "{line}");
    }
}

#[test]
fn custom_store_logs_what_was_done_and_what_was_refused() {
    let shown = output(env!("CARGO_BIN_EXE_custom_store"));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 4, "{shown}");
    assert_eq!(lines[..2], ["append by example on 0: done", "append by example on 1: done"]);
    assert!(lines[2].starts_with("freeze by the person on call"), "{shown}");
    assert!(lines[3].starts_with("append by example on 2: frozen by the person on call"), "{shown}");
}

#[test]
fn lead_writes_under_its_epoch_and_steps_down() {
    assert_eq!(output(env!("CARGO_BIN_EXE_lead")), "under epoch 1: Applied(Position(1))\n");
}

#[test]
fn route53_puts_a_tree_into_a_hosted_zone() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let fake = runtime.block_on(Fake::start(Options::default())).expect("a port on loopback");
    let zone_id = fake.create_zone("example");
    let mut command = Command::new(env!("CARGO_BIN_EXE_route53"));
    command.args([&zone_id, fake.endpoint_url()]);
    command.env("AWS_ACCESS_KEY_ID", "AK").env("AWS_SECRET_ACCESS_KEY", "SK");
    let done = command.output().expect("the example starts");
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && out.contains("generation 1 is confirmed"), "{out}{err}");
    let addresses = fake.edge(0).resolve("api.example.", "A").values();
    assert_eq!(addresses, [vec!["192.0.2.11".to_owned(), "192.0.2.12".to_owned()]].into(), "{out}");
}
