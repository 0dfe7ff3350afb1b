//! Hand-offs back and forth under load, and somebody dies or hangs at each step.

use std::time::{Duration, Instant};

use crate::bed::{Bed, for_a_while};
use crate::harness::{Daemon, number, wait_for, wait_within};
use crate::load::{Form, Load, judge};

/// How many hand-offs there are unless `DNSPLAN_HANDOFFS` says otherwise.
const USUAL: usize = 12;

/// How long somebody hangs.
const HANG: Duration = Duration::from_millis(2500);

/// Longer than a successor may take: the role goes back.
const LONG_HANG: Duration = Duration::from_secs(10);

/// Longer than the command may take.
const LONG: Duration = Duration::from_secs(90);

/// At what a fault comes: when the command has begun, or has said that it takes this step.
const STEPS: [&str; 8] =
    ["", "freezing", "sealing", "is sealed", "is promoted", "granting", "is open", "leads to"];

/// Whom it hits.
const VICTIMS: [Victim; 4] = [Victim::Holder, Victim::Successor, Victim::Register, Victim::Command];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Victim {
    Holder,
    Successor,
    Register,
    Command,
}

/// What becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Killed,
    Hangs,
    HangsForLong,
}

#[derive(Clone, Copy, Debug)]
struct Fault {
    step: &'static str,
    victim: Victim,
    fate: Fate,
}

/// Every victim, with either fault, at every step, in an order of a seed's own.
fn faults() -> Vec<Fault> {
    let seed: u64 = std::env::var("DNSPLAN_TEST_SEED").ok().map_or(6, |seed| seed.parse().expect("a number"));
    eprintln!("seed {seed}");
    let mut all = Vec::new();
    for step in STEPS {
        for victim in VICTIMS {
            all.extend([Fate::Killed, Fate::Hangs].map(|fate| Fault { step, victim, fate }));
        }
        all.push(Fault { step, victim: Victim::Successor, fate: Fate::HangsForLong });
    }
    let mut state = seed;
    for last in (1..all.len()).rev() {
        // Knuth's MMIX generator: an order, nothing more.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        all.swap(last, usize::try_from(state >> 33).unwrap() % (last + 1));
    }
    let given = std::env::var("DNSPLAN_HANDOFFS").ok();
    all.truncate(given.map_or(USUAL, |number| number.parse().expect("a number of hand-offs")));
    all
}

/// What became of the hand-offs.
#[derive(Default, Debug)]
struct Ends {
    promoted: usize,
    rolled_back: usize,
    not_begun: usize,
}

#[test]
fn g9_faults_at_every_step_lose_nothing_and_every_hand_off_ends() {
    let bed = Bed::led();
    let stewards = ["200", "300"]
        .map(|poll| bed.cell.start(&["steward", "pair.toml", "--poll", poll, "--format", "json"]));
    let load = Load::start(&bed, 4);
    let mut ends = Ends::default();
    let faults = faults();
    let early = faults.iter().filter(|fault| fault.step.is_empty()).count();
    for (count, fault) in faults.into_iter().enumerate() {
        let begun = Instant::now();
        let end = hand_over(&bed, fault, &mut ends);
        // Every client writes under the new epoch, though none was started anew.
        let before = load.counts();
        wait_for("every client to write again", || {
            load.counts().iter().zip(&before).all(|(now, before)| now > before).then_some(())
        });
        eprintln!("{count} {fault:?}: {end} ({:.1} s)", begun.elapsed().as_secs_f64());
    }
    let acks = load.end(&bed);
    eprintln!("{ends:?}, {} writes acknowledged", acks.len());
    judge(&bed, Form::Fenced, &acks).unwrap();
    // What is not begun is what was hit before its freeze.
    assert!(ends.promoted > 0 && ends.not_begun <= early, "{ends:?}");
    // Nor did one of them take what another had just done for something that was put back.
    let warned = stewards.each_ref().map(Daemon::err).concat();
    assert!(!warned.contains("put back"), "{warned}");
    let said = stewards.each_ref().map(Daemon::out).concat();
    for alarm in ["two-writers", "reverted", "backwards"] {
        assert!(!said.contains(alarm), "{said}");
    }
}

fn hand_over(bed: &Bed, fault: Fault, ends: &mut Ends) -> String {
    let before = bed.status();
    let (holder, epoch) = (bed.holder(), number(&before["epoch"]));
    let successor = if holder == "a" { "b" } else { "a" };
    let mut command = bed.cell.start(&["handoff", "pair.toml", "--to", successor, "--timeout", "60"]);
    let victim = match fault.victim {
        Victim::Holder => holder.as_str(),
        Victim::Successor => successor,
        Victim::Register => "register",
        Victim::Command => "",
    };
    if !fault.step.is_empty() {
        // Where the command has ended before, the fault comes after all of it.
        wait_for("the step", || (command.out().contains(fault.step) || command.has_ended()).then_some(()));
    }
    strike(bed, &mut command, victim, fault.fate);
    drop(command);
    let status = bed.settle();
    let now = number(&status["epoch"]);
    let state = status["state"].as_str().unwrap().to_owned();
    if now == epoch {
        ends.not_begun += 1;
        return format!("not begun: {state}");
    }
    match (state.contains("promoted"), state.contains("rolled back")) {
        (true, false) => ends.promoted += 1,
        (false, true) => ends.rolled_back += 1,
        _ => panic!("{state}"),
    }
    state
}

/// Kills somebody, and starts it again as a supervisor would; or has it hang for a while. Waits for the command, where that is still
/// there.
fn strike(bed: &Bed, command: &mut Daemon, victim: &str, fate: Fate) {
    let hang = if fate == Fate::Hangs { HANG } else { LONG_HANG };
    match (victim, fate) {
        ("", Fate::Killed) => command.signal("KILL"),
        ("", Fate::Hangs | Fate::HangsForLong) => {
            command.signal("STOP");
            for_a_while(hang);
            command.signal("CONT");
        }
        (node, Fate::Killed) => {
            bed.node(node).kill();
            bed.node(node).start().unwrap_or_else(|error| panic!("{error}"));
        }
        (node, Fate::Hangs | Fate::HangsForLong) => {
            bed.node(node).stop();
            for_a_while(hang);
            bed.node(node).go_on();
        }
    }
    wait_within(LONG, "the command to end", || command.has_ended().then_some(()));
}

/// The same load on a table that nothing guards: clients that are connected to the old primary go on writing there, are told that it
/// is done, and lose it.
#[test]
fn the_same_load_without_the_fence_loses_what_it_was_told_is_done() {
    let bed = Bed::led();
    bed.until_follows("b");
    bed.sql("a", "CREATE TABLE plain (id uuid PRIMARY KEY, client int, epoch bigint)");
    let load = Load::with(&bed, 2, Form::Plain);
    let go_on = |what| {
        let before = load.counts();
        let more = |(now, before): (&u64, &u64)| *now > before + 10;
        wait_for(what, || load.counts().iter().zip(&before).all(more).then_some(()));
    };
    go_on("the first writes");
    bed.cell.run(&["handoff", "pair.toml", "--to", "b"]).expect(0);
    go_on("writes after the hand-off");
    bed.settle();
    let lost = judge(&bed, Form::Plain, &load.end(&bed)).unwrap_err();
    assert!(lost.contains("acknowledged writes are lost"), "{lost}");
}
