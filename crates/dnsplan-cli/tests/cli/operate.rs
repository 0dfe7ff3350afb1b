//! `rollback`, `freeze`, `reap`.

use crate::harness::{Cell, number};
use crate::spec::{answer, serial, spec, two_zones, wait_answer, web};

#[test]
fn a_rollback_is_a_new_generation_with_old_content_and_stays() {
    let cell = Cell::new();
    let mut up = cell.up_with(&spec(1));
    for mark in [2, 3] {
        cell.save("spec.toml", &spec(mark));
        wait_answer(up.addr(), mark);
    }
    let said = cell.ok(&["rollback", "1", "--reason", "3 is slow"]);
    assert!(said.contains("generation 4 has the content of 1"), "{said}");
    wait_answer(up.addr(), 1);
    assert_eq!(serial(up.addr()), 4);
    assert!(cell.ok(&["diff", "1", "4"]).contains("have the same content"));
    assert!(cell.ok(&["history"]).contains("content of generation 1: 3 is slow"));
    up.kill();
    up = cell.up();
    assert_eq!((answer(up.addr()), serial(up.addr())), (vec![web(1)], 4), "the spec was planned already");
    let again = cell.json(&["rollback", "1"]);
    assert_eq!((number(&again["generation"]), &again["is_new"]), (4, &false.into()));
    cell.save("spec.toml", &spec(5));
    wait_answer(up.addr(), 5);
    assert_eq!(serial(up.addr()), 5);
}

#[test]
fn a_rollback_stays_after_edits_that_ask_for_nothing_else_in_its_zone() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    cell.ok(&["publish", "spec.toml"]);
    let mut up = cell.up_with(&spec(2));
    // Another file makes the same of this zone, before the rollback and after it.
    cell.save("spec.toml", &two_zones(2));
    up.wait_out("example.net. generation 1");
    cell.ok(&["rollback", "1", "--zone", "example.org."]);
    wait_answer(up.addr(), 1);
    up.kill();
    up = cell.up();
    assert_eq!((answer(up.addr()), serial(up.addr())), (vec![web(1)], 3));
    cell.save("spec.toml", &two_zones(2).replace("203.0.113.80", "203.0.113.81"));
    up.wait_out("example.net. generation 2");
    cell.save("spec.toml", &two_zones(4));
    wait_answer(up.addr(), 4);
    assert_eq!(serial(up.addr()), 4, "nothing was planned over the rollback before that");
}

#[test]
fn a_rollback_to_what_is_not_there_says_so() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    cell.run(&["rollback", "1"]).expect(1).says(&["there is no plan store", "--data"]);
    cell.ok(&["publish", "spec.toml"]);
    cell.run(&["rollback", "7"]).expect(1).says(&["has no plan 7", "dnsplan history"]);
}

#[test]
fn a_freeze_stops_everything_until_it_is_lifted_and_survives_a_restart() {
    let cell = Cell::new();
    let mut up = cell.up_with(&spec(1));
    cell.ok(&["freeze", "--reason", "provider incident", "--author", "ada"]);
    cell.save("other.toml", &spec(9));
    let frozen = ["frozen by ada", "provider incident", "unfreeze"];
    for args in [&["publish", "other.toml"][..], &["apply", "other.toml"], &["rollback", "1"], &["reap"]] {
        cell.run(args).expect(3).says(&frozen);
    }
    cell.save("spec.toml", &spec(2));
    let told = up.wait_err("frozen by ada");
    assert!(frozen.iter().all(|part| told.contains(part)), "{told}");
    assert_eq!((answer(up.addr()), serial(up.addr()), cell.head()), (vec![web(1)], 1, 1));
    up.kill();
    up = cell.up();
    up.wait_err("frozen by ada");
    assert_eq!((answer(up.addr()), serial(up.addr()), cell.head()), (vec![web(1)], 1, 1));
    assert!(cell.ok(&["status"]).contains("FROZEN by ada"));
    assert_eq!(cell.json(&["status"])["freeze"]["by"], "ada");
    // Looking is free.
    cell.ok(&["plan", "other.toml"]);
    cell.ok(&["unfreeze"]);
    wait_answer(up.addr(), 2);
    assert_eq!(serial(up.addr()), 2);
    assert_eq!(cell.json(&["status"])["freeze"], serde_json::Value::Null);
    assert!(cell.ok(&["unfreeze"]).contains("Nothing was frozen"));
}

#[test]
fn a_store_that_was_frozen_before_its_first_plan_is_said_to_be() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    cell.ok(&["freeze", "--reason", "not yet", "--author", "ada"]);
    cell.run(&["publish", "spec.toml"]).expect(3).says(&["frozen by ada", "not yet"]);
    cell.run(&["up", "spec.toml", "--dns", "127.0.0.1:0"]).expect(3).says(&["frozen by ada", "not yet"]);
}

#[test]
fn reap_keeps_the_newest_and_never_the_head_goes() {
    let cell = Cell::new();
    let publish = |mark: u8| {
        cell.save("spec.toml", &spec(mark));
        cell.ok(&["publish", "spec.toml"]);
    };
    (1..=8).for_each(publish);
    let generations = || {
        let history = cell.json(&["history"]);
        let plans = history["zones"][0]["plans"].as_array().unwrap();
        plans.iter().map(|plan| number(&plan["generation"])).collect::<Vec<_>>()
    };
    let reaped = cell.json(&["reap", "--keep", "3"]);
    assert_eq!((&reaped["zones"][0]["forgotten"], &reaped["zones"][0]["lowest"]), (&5.into(), &6.into()));
    assert_eq!(generations(), [8, 7, 6]);
    assert!(cell.ok(&["show", "6"]).contains(&web(6)), "what is kept can be read");
    cell.run(&["show", "5"]).expect(1).says(&["has no plan 5"]);
    assert!(cell.ok(&["reap", "--keep", "0"]).contains("forgot 2 plans; the oldest is 8 now"));
    assert_eq!(generations(), [8]);
    assert!(cell.ok(&["reap", "--keep", "0"]).contains("forgot 0 plans"));
    publish(9);
    assert_eq!(generations(), [9, 8], "numbers go on");
}

#[test]
fn reap_beside_a_running_up_keeps_what_is_answered_from() {
    let cell = Cell::new();
    let mut up = cell.up_with(&spec(1));
    for mark in 2..5 {
        cell.save("spec.toml", &spec(mark));
        wait_answer(up.addr(), mark);
    }
    cell.ok(&["reap", "--keep", "1"]);
    assert_eq!(answer(up.addr()), [web(4)]);
    up.kill();
    let up = cell.up();
    assert_eq!((answer(up.addr()), serial(up.addr())), (vec![web(4)], 4));
}
