//! What the guards keep.

use crate::harness::{Cell, tcp, udp};
use crate::spec::{BASE, answer, serial, spec, wait_answer, web, without_endpoint};

/// Specs that would leave the protected endpoint without an address, each in another way.
fn emptying(mark: u8) -> [String; 3] {
    let spec = spec(mark);
    let drained = spec.replace(", weight = 3", ", weight = 0").replace("::12\" }", "::12\", weight = 0 }");
    let unprotected = spec.replace("name = \"api\"", "name = \"api\"\nprotected = false");
    [without_endpoint(mark), drained, unprotected]
}

#[test]
fn g2_a_spec_that_empties_a_protected_endpoint_is_refused_and_the_old_answers_stay() {
    let cell = Cell::new();
    let mut up = cell.up_with(&spec(1));
    let addr = up.addr();
    for (mark, text) in (2..).zip(emptying(9)) {
        let before = (answer(addr), serial(addr));
        cell.save("emptying.toml", &text);
        for command in ["plan", "publish", "apply"] {
            let refused = cell.run(&[command, "emptying.toml"]).expect(4);
            refused.says(&["never-empty", "api.example.org.", "help: "]);
        }
        up.hush();
        cell.save("spec.toml", &text);
        let told = up.wait_err("never-empty");
        assert!(told.contains("api.example.org."), "{told}");
        up.wait_err("help: ");
        up.wait_err("the old answers stay");
        assert_eq!((answer(addr), serial(addr)), before);
        for record_type in ["A", "AAAA"] {
            assert_eq!(tcp(addr, "api.example.org", record_type).data(record_type).len(), 1);
        }
        up.assert_alive();
        cell.save("spec.toml", &spec(mark));
        wait_answer(addr, mark);
    }
}

#[test]
fn g2_a_restart_on_a_spec_that_empties_the_endpoint_keeps_the_answers() {
    let cell = Cell::new();
    cell.up_with(&spec(1)).kill();
    for text in emptying(2) {
        let mut up = cell.up_with(&text);
        up.wait_err("never-empty");
        assert_eq!((answer(up.addr()), serial(up.addr())), (vec![web(1)], 1));
        up.kill();
    }
}

#[test]
fn an_endpoint_goes_when_it_is_retired_by_name() {
    let cell = Cell::new();
    let up = cell.up_with(&spec(1));
    let retired = format!("{}\n[[retire]]\nname = \"api\"\nreason = \"moved\"\n", without_endpoint(2));
    // A wildcard that leads nowhere is no reason to go on with the endpoint.
    cell.save("spec.toml", &retired);
    wait_answer(up.addr(), 2);
    assert_eq!(udp(up.addr(), "api.example.org", "A").answer, Vec::<String>::new());
}

#[test]
fn too_much_at_once_is_refused_and_an_override_lets_it_through() {
    let cell = Cell::new();
    let records: String = (0..40)
        .map(|n| format!("[[record]]\nname = \"w{n}\"\ntype = \"A\"\ndata = \"203.0.113.{n}\"\n\n"))
        .collect();
    cell.save("all.toml", &format!("{BASE}\n{records}"));
    cell.save("few.toml", BASE);
    cell.ok(&["publish", "all.toml"]);
    for command in ["plan", "publish"] {
        cell.run(&[command, "few.toml"]).expect(4).says(&["max-removal", "40 of 45", "help: "]);
    }
    assert_eq!(cell.head(), 1);
    let lifted = "\n[[override]]\nguard = \"max-removal\"\nreason = \"ticket 4712\"\nexpires = \"2999-01-01T00:00:00Z\"\n";
    cell.save("few.toml", &format!("{BASE}{lifted}"));
    cell.ok(&["publish", "few.toml"]);
    assert!(cell.ok(&["show", "2"]).contains("ticket 4712"));
}
