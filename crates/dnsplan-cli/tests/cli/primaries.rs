//! Zones at name servers that take updates: the real binary, real servers, `dig` as the client.

use dnsplan_name_servers::{Key, Primary, Software};

use crate::harness::{Cell, wait_for};
use crate::spec::{answer, spec, two_zones, wait_answer, web};

/// A directory, a server with the zone, and the file of its key.
struct Zone {
    cell: Cell,
    primary: Primary,
    target: String,
}

impl Zone {
    fn at(software: Software) -> Self {
        let key = Key::sample("hmac-sha256");
        let primary = Primary::start(software, &["example.org."], Some(&key)).unwrap();
        let cell = Cell::new();
        cell.save("update.key", &clause(&key));
        let target = format!("rfc2136:{}", primary.address());
        Self { cell, primary, target }
    }

    /// The arguments with the server, its key, and what becomes of weights.
    fn with<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        let rest = ["--target", &self.target, "--key-file", "update.key", "--weights", "spread"];
        [args, &rest].concat()
    }
}

/// As `tsig-keygen` writes it.
fn clause(key: &Key) -> String {
    let Key { name, algorithm, secret } = key;
    format!("key \"{name}\" {{\n\talgorithm {algorithm};\n\tsecret \"{secret}\";\n}};\n")
}

#[test]
fn apply_puts_a_plan_into_each_of_the_servers_and_import_reads_it_back() {
    for software in Software::ALL {
        let zone = Zone::at(software);
        zone.cell.save("spec.toml", &spec(1));
        let said = zone.cell.ok(&zone.with(&["apply", "spec.toml"]));
        assert!(said.contains(&format!("generation 1 is live at {}", zone.target)), "{software}: {said}");
        assert_eq!(answer(zone.primary.address()), [web(1)], "{software}");
        zone.cell.save("spec.toml", &spec(2));
        zone.cell.ok(&zone.with(&["apply", "spec.toml"]));
        assert_eq!(answer(zone.primary.address()), [web(2)], "{software}");
        let server = zone.primary.address().to_string();
        zone.cell
            .save("commented.key", &format!("# of {software}\n\n{}", clause(&Key::sample("hmac-sha256"))));
        let import = ["import", "axfr", &server, "--zone", "example.org.", "--key-file", "commented.key"];
        let text = zone.cell.ok(&import);
        assert!(text.contains(&web(2)) && text.contains("There is a fence record"), "{software}: {text}");
        zone.cell.save("imported.toml", &text);
        zone.cell.ok(&["validate", "imported.toml"]);
    }
}

#[test]
fn enactors_keep_the_server_at_the_newest_plan_and_one_may_be_killed() {
    let zone = Zone::at(Software::Bind);
    zone.cell.save("spec.toml", &spec(1));
    zone.cell.ok(&["publish", "spec.toml"]);
    let start = || zone.cell.start(&zone.with(&["enactor", "--poll", "0.05"]));
    let (mut one, two) = (start(), start());
    one.wait_out("ready: ");
    two.wait_out("ready: ");
    for mark in 2..6 {
        zone.cell.save("spec.toml", &spec(mark));
        zone.cell.ok(&["publish", "spec.toml"]);
        if mark == 3 {
            one.kill();
            one = start();
        }
        wait_answer(zone.primary.address(), mark);
    }
    // What somebody does by hand is found by an audit.
    drop((one, two));
    zone.primary.update("example.org.", &["update delete web.example.org. A"]).unwrap();
    let _again = zone.cell.start(&zone.with(&["enactor", "--poll", "0.05", "--audit-every", "0.1"]));
    wait_answer(zone.primary.address(), 5);
    let status = zone.cell.json(&["status"]);
    wait_for("the confirmation", || {
        let target = &zone.cell.json(&["status"])["zones"][0]["targets"][0];
        (target["confirmed"] == 5).then_some(())
    });
    assert_eq!(status["zones"][0]["targets"][0]["target"], zone.target.as_str(), "{status:#}");
}

#[test]
fn bad_input_is_named_with_its_remedy_and_nothing_is_written() {
    let zone = Zone::at(Software::Knot);
    let cell = &zone.cell;
    cell.save("spec.toml", &spec(1));
    cell.save("other.toml", &two_zones(1));
    cell.save("bad.key", "key \"dnsplan-test\" { algorithm hmac-sha256; secret \"****\"; };");
    cell.save("wrong.key", "hmac-sha256:dnsplan-test:d3Jvbmcgc2VjcmV0LCB3cm9uZyBzZWNyZXQ=");
    cell.save("unknown.key", "hmac-sha256:nobody:d3Jvbmcgc2VjcmV0LCB3cm9uZyBzZWNyZXQ=");
    let apply = |rest: &[&str]| cell.run(&[&["apply", "spec.toml"], rest].concat());
    let at = |key: &str| {
        apply(&["--target", &zone.target, "--weights", "spread", "--key-file", key, "--timeout", "2"])
    };
    at("no.key").expect(1).says(&["no.key", "--key-file"]);
    at("bad.key").expect(1).says(&["bad.key", "base64", "tsig-keygen"]);
    at("wrong.key").expect(1).says(&["dnsplan-test"]);
    at("unknown.key").expect(1).says(&["nobody"]);
    apply(&["--target", "rfc2136:ns1.example.org"]).expect(64).says(&["address", "192.0.2.53"]);
    apply(&["--key-file", "update.key"]).expect(64).says(&["--key-file", "--target rfc2136:"]);
    apply(&["--target", "route53:Z1", "--weights", "spread"]).expect(64).says(&["--weights"]);
    apply(&["--target", &zone.target, "--layout", "tree"]).expect(64).says(&["--layout", "Route 53"]);
    let several = cell.run(&zone.with(&["apply", "other.toml"]));
    several.expect(1).says(&["--zone", "example.net.", "example.org."]);
    cell.run(&["enactor", "--target", &zone.target, "--dns", "127.0.0.1:0"]).expect(64).says(&["--dns"]);
    cell.run(&["import", "axfr", "127.0.0.1"]).expect(1).says(&["--zone"]);
    let import = ["import", "axfr", &zone.primary.address().to_string(), "--zone", "example.org."];
    cell.run(&import).expect(1).says(&["give the key with --key-file"]);
    cell.run(&[&import[..], &["--weights", "spread"]].concat()).expect(64).says(&["--weights"]);
    assert!(answer(zone.primary.address()).is_empty());
    // Without weights such a plan has no endpoint there: it is not in effect.
    let refused = apply(&["--target", &zone.target, "--key-file", "update.key"]);
    refused.expect(4).says(&["api.example.org."]);
}
