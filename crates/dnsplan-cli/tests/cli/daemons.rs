//! `planner` and `enactor` as processes of their own.

use crate::harness::{Cell, Daemon, wait_for};
use crate::spec::{answer, serial, spec, wait_answer, web};

fn assert_stops(daemon: &mut Daemon, signal: &str) {
    daemon.signal(signal);
    assert_eq!(daemon.end().code(), Some(0), "{}", daemon.err());
    daemon.wait_err("stopped");
}

#[test]
fn a_planner_and_two_enactors_on_one_store() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    let enactor = |target| cell.daemon(&["enactor", "--dns", "127.0.0.1:0", "--target", target]);
    // One before there is anything to serve, one after.
    let mut early = enactor("early");
    assert!(early.wait_out("ready: ").contains("no zone yet"));
    let mut planner = cell.daemon(&["planner", "spec.toml"]);
    let mut late = enactor("late");
    for addr in [early.addr(), late.addr()] {
        wait_answer(addr, 1);
    }
    cell.save("spec.toml", &spec(2));
    for addr in [early.addr(), late.addr()] {
        wait_answer(addr, 2);
        assert_eq!(serial(addr), 2);
    }
    let targets = || {
        let status = cell.json(&["status"]);
        let targets = status["zones"][0]["targets"].as_array().unwrap().clone();
        targets.iter().map(|t| (t["target"].to_string(), t["confirmed"].as_u64())).collect::<Vec<_>>()
    };
    let both = [("\"early\"".to_owned(), Some(2)), ("\"late\"".to_owned(), Some(2))];
    wait_for("both targets to confirm", || (targets() == both).then_some(()));
    assert_stops(&mut planner, "TERM");
    assert_stops(&mut early, "TERM");
    assert_eq!(answer(late.addr()), [web(2)]);
    assert_stops(&mut late, "INT");
}

#[test]
fn an_enactor_goes_on_without_its_planner_and_the_planner_without_enactors() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    let mut planner = cell.daemon(&["planner", "spec.toml"]);
    cell.save("spec.toml", &spec(2));
    planner.wait_out("generation 2");
    planner.kill();
    let enactor = cell.daemon(&["enactor", "--dns", "127.0.0.1:0"]);
    assert_eq!((answer(enactor.addr()), serial(enactor.addr())), (vec![web(2)], 2));
    cell.save("spec.toml", &spec(3));
    let planner = cell.daemon(&["planner", "spec.toml"]);
    wait_answer(enactor.addr(), 3);
    assert!(planner.out().contains("generation 3"), "{}", planner.out());
}

#[test]
fn two_planners_agree_without_making_plans_in_turn() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    let planners = [cell.daemon(&["planner", "spec.toml"]), cell.daemon(&["planner", "spec.toml"])];
    for mark in 2..5 {
        cell.save("spec.toml", &spec(mark));
        let line = format!("generation {mark}");
        wait_for("one of them to plan", || {
            planners.iter().any(|planner| planner.out().contains(&line)).then_some(())
        });
    }
    assert_eq!(cell.head(), 4);
}

/// One plans, the other one stands by; the one that is stopped for too long wakes up deposed.
#[test]
fn g9_of_two_planners_one_plans_and_the_next_one_takes_over() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    let planner = |name| cell.daemon(&["planner", "spec.toml", "--node", name, "--take-over-after", "2"]);
    let mut first = planner("first");
    assert!(first.wait_out("ready: ").contains("as first, epoch 1"), "{}", first.out());
    let mut second = planner("second");
    assert!(second.wait_out("ready: ").contains("standing by, while first plans"), "{}", second.out());
    cell.save("spec.toml", &spec(2));
    first.wait_out("generation 2");
    first.signal("STOP");
    second.wait_out("as second, epoch 2");
    cell.save("spec.toml", &spec(3));
    second.wait_out("generation 3");
    first.signal("CONT");
    first.wait_out("deposed");
    first.wait_out("standing by, while second plans");
    cell.save("spec.toml", &spec(4));
    second.wait_out("generation 4");
    assert!(
        !first.out().contains("generation 3") && !first.out().contains("generation 4"),
        "{}",
        first.out()
    );
    // Who stops says so: nobody waits for a sign of life. Who is killed has let go of the lock.
    assert_stops(&mut second, "TERM");
    first.wait_out("as first, epoch 3");
    let third = planner("third");
    third.wait_out("standing by, while first plans");
    first.kill();
    third.wait_out("as third, epoch 4");
    cell.save("spec.toml", &spec(5));
    third.wait_out("generation 5");
    assert_eq!(cell.head(), 5);
}

/// It wakes when whoever deposed it has left: it leads at once, under a later epoch, and plans under that.
#[test]
fn a_planner_that_wakes_up_deposed_and_leads_again_plans_again() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    let planner = |name| cell.daemon(&["planner", "spec.toml", "--node", name, "--take-over-after", "2"]);
    let first = planner("first");
    first.signal("STOP");
    let mut second = planner("second");
    second.wait_out("as second, epoch 2");
    assert_stops(&mut second, "TERM");
    cell.save("spec.toml", &spec(2));
    first.signal("CONT");
    first.wait_out("as first, epoch 3");
    first.wait_out("generation 2");
    cell.save("spec.toml", &spec(3));
    first.wait_out("generation 3");
}

#[test]
fn a_planner_needs_a_name_that_fits_a_record() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    cell.run(&["planner", "spec.toml", "--node", "Not A Name"]).expect(64).says(&["1 to 32"]);
}

#[test]
fn up_stops_when_it_is_asked_to() {
    let cell = Cell::new();
    let mut up = cell.up_with(&spec(1));
    assert_stops(&mut up, "TERM");
    let mut up = cell.up();
    assert_stops(&mut up, "INT");
}

#[test]
fn a_second_process_under_the_same_name_is_refused() {
    let cell = Cell::new();
    let mut up = cell.up_with(&spec(1));
    for command in [&["up", "spec.toml"][..], &["enactor"]] {
        let refused = cell.run(&[command, &["--dns", "127.0.0.1:0"]].concat()).expect(1);
        refused.says(&["another process serves as hickory:127.0.0.1:0 on this store", "--target", "--dns"]);
    }
    let named = ["enactor", "--dns", "127.0.0.1:0", "--target", "two"];
    let second = cell.daemon(&named);
    assert_eq!(answer(second.addr()), [web(1)]);
    cell.run(&named).expect(1).says(&["another process serves as two on this store"]);
    // The name is free again as soon as its process is gone, however it went.
    up.kill();
    cell.up();
}

#[test]
fn an_address_that_is_taken_is_named() {
    let (one, two) = (Cell::new(), Cell::new());
    let up = one.up_with(&spec(1));
    two.save("spec.toml", &spec(1));
    let addr = up.addr().to_string();
    for command in [&["up", "spec.toml"][..], &["enactor"]] {
        two.run(&[command, &["--dns", &addr]].concat()).expect(1).says(&[&addr]);
    }
    assert_eq!(answer(up.addr()), [web(1)]);
}
