//! What the cell is not: versions in which authority is checked somewhere other than in the step that uses it. Each must
//! fail, by the assertion that names the damage; one that passes would mean that the models cannot see the bug.

use std::collections::BTreeMap;
use std::sync::Arc;

use loom::sync::RwLock;

use crate::{Met, exhaust};

/// Trees, and which of them each of two endpoints points at.
struct Broken {
    endpoints: [u64; 2],
    trees: BTreeMap<u64, u64>,
}

struct Cell(RwLock<Broken>);

impl Cell {
    fn at_one() -> Arc<Self> {
        Arc::new(Self(RwLock::new(Broken { endpoints: [1, 1], trees: BTreeMap::from([(1, 1)]) })))
    }

    /// The fence as it should be, for one endpoint: compared where it is used.
    fn apply_fenced(&self, generation: u64, endpoint: usize) {
        let mut state = self.0.write().expect("unpoisoned");
        if state.endpoints[endpoint] < generation {
            state.endpoints[endpoint] = generation;
            state.trees.insert(generation, generation);
        }
    }

    /// Broken: "is my plan newer?" is asked in one step, and the answer used in another.
    fn check_then_apply(&self, generation: u64) {
        let is_newer = self.0.read().expect("unpoisoned").endpoints[0] < generation;
        if is_newer {
            let mut state = self.0.write().expect("unpoisoned");
            state.endpoints = [generation; 2];
            state.trees.insert(generation, generation);
        }
    }

    /// Broken: deletes what is more than `kept` generations older than what was just applied, whatever is live.
    fn reap_by_age(&self, just_applied: u64, kept: u64) {
        let mut state = self.0.write().expect("unpoisoned");
        state.trees.retain(|generation, _| *generation + kept >= just_applied);
    }

    fn live(&self, endpoint: usize) -> u64 {
        let state = self.0.read().expect("unpoisoned");
        let tree = state.trees.get(&state.endpoints[endpoint]);
        *tree.expect("the live tree is gone: a reader found nothing")
    }
}

#[test]
#[should_panic(expected = "DNS went backwards")]
fn check_then_apply_must_fail() {
    static MET: Met = Met::nothing();
    exhaust("check_then_apply", &MET, || {
        let cell = Cell::at_one();
        let slow = Arc::clone(&cell);
        let slow = loom::thread::spawn(move || slow.check_then_apply(2));
        cell.check_then_apply(3);
        let first = cell.live(0);
        slow.join().expect("no panic");
        let second = cell.live(0);
        assert!(first <= second, "DNS went backwards: {first}, then {second}");
    });
}

/// October 2025: the slow enactor puts the old plan back, and clean-up deletes that plan because it is old.
#[test]
#[should_panic(expected = "the live tree is gone: a reader found nothing")]
fn reap_by_age_must_fail() {
    static MET: Met = Met::nothing();
    exhaust("reap_by_age", &MET, || {
        let cell = Cell::at_one();
        let slow = Arc::clone(&cell);
        let slow = loom::thread::spawn(move || slow.check_then_apply(2));
        cell.check_then_apply(3);
        cell.reap_by_age(3, 0);
        slow.join().expect("no panic");
        cell.live(0);
    });
}

/// Age alone is enough, even where every write is fenced: of a flip in two parts the first is done, and the tree that
/// the other endpoint still points at is "old".
#[test]
#[should_panic(expected = "the live tree is gone: a reader found nothing")]
fn reap_by_age_beside_a_fenced_flip_must_fail() {
    static MET: Met = Met::nothing();
    exhaust("reap_by_age_beside_a_fenced_flip", &MET, || {
        let cell = Cell::at_one();
        let flipping = Arc::clone(&cell);
        let flipping = loom::thread::spawn(move || (0..2).for_each(|part| flipping.apply_fenced(2, part)));
        let newest = cell.live(0);
        cell.reap_by_age(newest, 0);
        cell.live(1);
        flipping.join().expect("no panic");
    });
}
