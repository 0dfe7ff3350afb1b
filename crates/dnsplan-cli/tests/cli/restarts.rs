//! `kill -9`, and what the next start finds.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use crate::harness::{Cell, wait_for};
use crate::spec::{answer, serial, spec, wait_answer, web};

/// Random enough to hit other moments in each run, and repeatable: the seed is printed.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let seed = RandomState::new().hash_one(());
        println!("seed {seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        // Knuth's MMIX generator; the low bits are the bad ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// Lets a random time pass while it looks on: the moment of a kill is the point here, not a condition.
    fn while_busy(&mut self, most: Duration, mut look: impl FnMut()) {
        let most = u64::try_from(most.as_micros()).unwrap();
        let (start, pause) = (Instant::now(), Duration::from_micros(self.below(most)));
        while start.elapsed() < pause {
            look();
        }
    }
}

#[test]
fn g8_a_kill_at_any_moment_loses_no_answer_that_was_given() {
    let cell = Cell::new();
    let mut random = Random::new();
    let mut up = cell.up_with(&spec(1));
    let mut shown = serial(up.addr());
    for mark in 2..12 {
        cell.save("spec.toml", &spec(mark));
        // From right after the save to well after the answer changed.
        random.while_busy(Duration::from_millis(900), || {
            let now = serial(up.addr());
            assert!(now >= shown, "back from {shown} to {now}");
            shown = now;
        });
        up.kill();
        // Nor does a kill during a start lose anything.
        let mut starting = cell.start(&["up", "spec.toml", "--dns", "127.0.0.1:0"]);
        random.while_busy(Duration::from_millis(80), std::thread::yield_now);
        starting.kill();
        // What the store holds now, it has acknowledged.
        let stored = cell.head();
        assert!(stored >= shown, "generation {shown} was answered from, and the store has {stored}");
        up = cell.up();
        let after = serial(up.addr());
        assert!(after >= stored, "the store had {stored}, and the first answer is from {after}");
        shown = after;
        wait_answer(up.addr(), mark);
    }
}

#[test]
fn g1_a_restart_on_the_same_data_answers_the_same_at_once_and_never_goes_back() {
    let cell = Cell::new();
    let mut up = cell.up_with(&spec(1));
    for mark in 2..7 {
        cell.save("spec.toml", &spec(mark));
        wait_answer(up.addr(), mark);
        let generation = serial(up.addr());
        assert_eq!(generation, u64::from(mark));
        up.kill();
        up = cell.up();
        // No waiting here: the ready line promises the answers.
        assert!(up.wait_out("ready: ").ends_with(&format!("(generation {generation})")));
        assert_eq!((answer(up.addr()), serial(up.addr())), (vec![web(mark)], generation));
        assert_eq!(cell.head(), generation, "a restart plans nothing anew");
    }
}

#[test]
fn g8_an_edit_made_while_nothing_runs_is_live_when_it_says_ready() {
    let cell = Cell::new();
    let mut up = cell.up_with(&spec(1));
    up.kill();
    let up = cell.up_with(&spec(2));
    assert!(up.wait_out("ready: ").ends_with("(generation 2)"));
    assert_eq!((answer(up.addr()), serial(up.addr())), (vec![web(2)], 2));
}

#[test]
fn g8_a_restart_on_a_broken_or_missing_spec_answers_from_the_store() {
    let cell = Cell::new();
    cell.up_with(&spec(1)).kill();
    let mut up = cell.up_with("[zone\n");
    up.wait_err("spec.toml:1:");
    assert_eq!(answer(up.addr()), [web(1)]);
    up.kill();
    std::fs::remove_file(cell.path("spec.toml")).unwrap();
    let up = cell.up();
    up.wait_err("cannot read spec.toml");
    assert_eq!(answer(up.addr()), [web(1)]);
    cell.save("spec.toml", &spec(2));
    wait_answer(up.addr(), 2);
}

#[test]
fn without_a_plan_and_without_a_good_spec_there_is_nothing_to_serve() {
    let cell = Cell::new();
    cell.save("spec.toml", "[zone\n");
    for args in [["up", "spec.toml"], ["up", "missing.toml"]] {
        let mut up = cell.start(&[&args[..], &["--dns", "127.0.0.1:0"]].concat());
        assert_eq!(up.end().code(), Some(1));
        wait_for("its last words", || up.err().contains("error: ").then_some(()));
    }
}
