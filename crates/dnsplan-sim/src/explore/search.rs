//! The search: breadth first, so that what is found is found in the fewest steps; then, backwards, what can still heal.

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use super::check::Broken;
use super::config::Config;
use super::kernel::{ABSENT, ContentsId, FenceId, Kernel, StoreId};
use super::state::{Backup, Budget, Few, Hold, Key, NOTHING, Place, State, Write};
use super::steps::{Damaged, Nexts, Step};
use super::tell::Teller;
use super::{Counterexample, Report};
use crate::Invariant;

pub(super) struct Search {
    kernel: Kernel,
    damaged: Damaged,
    seen: IndexSet<Key, FxBuildHasher>,
    /// Through which state each was first reached.
    parents: Vec<u32>,
    /// What was at the target, beside which store.
    places: IndexSet<(ContentsId, FenceId, StoreId), FxBuildHasher>,
    transitions: u64,
    depth: u32,
}

impl Search {
    pub(super) fn new(config: &Config) -> Self {
        let kernel = Kernel::new(config.clamped());
        let mut search = Self {
            kernel,
            damaged: Damaged::default(),
            seen: IndexSet::default(),
            parents: vec![0],
            places: IndexSet::default(),
            transitions: 0,
            depth: 0,
        };
        let start = search.start().canonical().key();
        search.seen.insert(start);
        search
    }

    fn start(&self) -> State {
        let config = &self.kernel.config;
        let mut holds = Few::none(Hold { label: NOTHING, since: 0 });
        (0..config.enactors).for_each(|_| holds.push(Hold { label: NOTHING, since: 0 }));
        State {
            now: Place { contents: 0, fence: ABSENT, label: NOTHING },
            backup: if config.rewind { Backup::Open } else { Backup::Never },
            store: 0,
            budget: Budget {
                deletions: config.deletions,
                corruptions: config.corruptions,
                damages: config.damages,
                store_rewinds: u8::from(config.store_rewind),
            },
            holds,
            flight: Few::none(Write::default()),
        }
    }

    /// Looks at every state, at most `limit` of them.
    pub(super) fn run(mut self, limit: usize) -> Report {
        let mut nexts = Nexts::new();
        let (mut at, mut level_end) = (0, 1);
        while at < self.seen.len() && self.seen.len() <= limit {
            if at == level_end {
                self.depth += 1;
                level_end = self.seen.len();
            }
            let state = self.state(at);
            self.places.insert((state.now.contents, state.now.fence, state.store));
            self.kernel.steps(&state, &mut self.damaged, &mut nexts);
            for (step, next) in &nexts {
                self.transitions += 1;
                if let Some(broken) = self.judge(*step, &state, next) {
                    let violation = Some(self.counterexample(at, Some((*step, *next)), &broken));
                    return self.report(violation, 0, false);
                }
                if self.seen.insert(next.key()) {
                    self.parents.push(u32::try_from(at).expect("invariant: fewer than 2^32 states"));
                }
            }
            at += 1;
        }
        if at < self.seen.len() {
            return self.report(None, 0, false);
        }
        let stuck = self.stuck();
        let first = stuck.first().map(|first| {
            let what = "from here the newest plan never goes live".to_owned();
            self.counterexample(*first, None, &Broken { invariant: Invariant::EventuallyNewest, what })
        });
        self.report(first, stuck.len() as u64, true)
    }

    fn state(&self, at: usize) -> State {
        State::from_key(&self.seen[at], self.kernel.config.enactors)
    }

    /// Only a write that arrives can break anything: a hand and a rewind may.
    fn judge(&mut self, step: Step, before: &State, after: &State) -> Option<Broken> {
        match step {
            Step::Arrive(_) => self.kernel.broken(before.now, after.now),
            _ => None,
        }
    }

    /// The states from which no steps without a fault lead to one where the newest plan is live, in order of discovery.
    ///
    /// Steps are taken again instead of being remembered: most states have a step to one known to heal, and that is
    /// found first, so that a few passes do where the predecessors would take more memory than the states.
    fn stuck(&mut self) -> Vec<usize> {
        let mut heals = vec![false; self.seen.len()];
        let mut rest = Vec::new();
        for (at, heals) in heals.iter_mut().enumerate() {
            let state = self.state(at);
            *heals = self.kernel.is_newest(state.now, state.store);
            if !*heals {
                rest.push(at);
            }
        }
        let mut nexts = Nexts::new();
        loop {
            let before = rest.len();
            // The farthest first, then the nearest first: a chain heals in one go whichever way it runs.
            rest.reverse();
            rest.retain(|at| {
                let state = self.state(*at);
                self.kernel.steps(&state, &mut self.damaged, &mut nexts);
                let steps = nexts.iter().filter(|(step, _)| !step.is_fault());
                let mut known = steps.filter_map(|(_, next)| self.seen.get_index_of(&next.key()));
                heals[*at] = known.any(|next| heals[next]);
                !heals[*at]
            });
            if rest.len() == before {
                rest.sort_unstable();
                return rest;
            }
        }
    }

    /// The steps to the state at `at`, and the one after it.
    fn counterexample(&mut self, at: usize, last: Option<(Step, State)>, broken: &Broken) -> Counterexample {
        let mut path = vec![at];
        let mut top = at;
        while top > 0 {
            top = self.parents[top] as usize;
            path.push(top);
        }
        path.reverse();
        let mut nexts = Nexts::new();
        let mut steps = Vec::new();
        for pair in path.windows(2) {
            let (before, key) = (self.state(pair[0]), self.seen[pair[1]]);
            self.kernel.steps(&before, &mut self.damaged, &mut nexts);
            let step =
                nexts.iter().find(|(_, next)| next.key() == key).expect("invariant: its parent leads to it");
            steps.push(Teller(&mut self.kernel).tell(step.0, &before, &step.1));
        }
        if let Some((step, next)) = last {
            let before = self.state(at);
            steps.push(Teller(&mut self.kernel).tell(step, &before, &next));
        }
        Counterexample { invariant: broken.invariant, what: broken.what.clone(), steps }
    }

    fn report(&self, violation: Option<Counterexample>, stuck: u64, complete: bool) -> Report {
        Report {
            states: self.seen.len() as u64,
            places: self.places.len() as u64,
            transitions: self.transitions,
            depth: self.depth,
            violation,
            stuck,
            complete,
        }
    }
}
