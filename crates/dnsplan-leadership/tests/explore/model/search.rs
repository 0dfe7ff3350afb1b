//! The search: breadth first, so that what is found is found in the fewest steps; then, backwards, what can still be
//! completed.

use dnsplan_leadership::Outcome;
use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use super::config::{Config, Invariant};
use super::kernel::Kernel;
use super::state::{Key, State};
use super::steps::{Nexts, Step};
use super::{Counterexample, Report};

pub(crate) struct Search {
    kernel: Kernel,
    seen: IndexSet<Key, FxBuildHasher>,
    /// Through which state each was first reached.
    parents: Vec<u32>,
    transitions: u64,
    depth: u32,
    outcomes: [u64; 2],
}

impl Search {
    pub(crate) fn new(config: Config) -> Self {
        let mut kernel = Kernel::new(config);
        let start = kernel.start().key();
        let seen = IndexSet::from_iter([start]);
        Self { kernel, seen, parents: vec![0], transitions: 0, depth: 0, outcomes: [0; 2] }
    }

    pub(crate) fn run(mut self) -> Report {
        let mut nexts = Nexts::new();
        let (mut at, mut level_end) = (0, 1);
        while at < self.seen.len() {
            if at == level_end {
                self.depth += 1;
                level_end = self.seen.len();
            }
            let state = self.state(at);
            match self.kernel.seen(state.register).term().outcome() {
                Some(Outcome::Promoted) => self.outcomes[0] += 1,
                Some(Outcome::RolledBack) => self.outcomes[1] += 1,
                Some(Outcome::Diverted) | None => {}
            }
            self.kernel.steps(&state, &mut nexts);
            for (step, next) in &nexts {
                self.transitions += 1;
                if let Some((invariant, what)) = self.kernel.broken(*step, &state, next) {
                    let last = Some((*step, *next));
                    let violation = self.counterexample(at, last, invariant, what);
                    return self.report(Some(violation), 0);
                }
                if self.seen.insert(next.key()) {
                    self.parents.push(u32::try_from(at).expect("fewer than 2^32 states"));
                }
            }
            at += 1;
        }
        if !self.kernel.config.judges(Invariant::Completes) {
            return self.report(None, 0);
        }
        let stuck = self.stuck();
        let first = stuck.first().map(|first| {
            let what = "from here no node ever leads again".to_owned();
            self.counterexample(*first, None, Invariant::Completes, what)
        });
        self.report(first, stuck.len() as u64)
    }

    /// What was reached, without what coordinators have in their hands.
    fn places(&self) -> u64 {
        let place = |[first, second, _]: &Key| [*first, *second];
        let places: IndexSet<[u64; 2], FxBuildHasher> = self.seen.iter().map(place).collect();
        places.len() as u64
    }

    fn state(&self, at: usize) -> State {
        State::from_key(&self.seen[at])
    }

    /// The states from which no sure steps lead to one where a live node leads, in order of discovery. Steps are taken
    /// again instead of being remembered: a few passes do, where the predecessors would take more memory than the states.
    fn stuck(&mut self) -> Vec<usize> {
        let mut completes: Vec<bool> =
            (0..self.seen.len()).map(|at| self.kernel.is_done(&self.state(at))).collect();
        let mut rest: Vec<u32> = Vec::new();
        for (at, _) in completes.iter().enumerate().filter(|(_, completes)| !**completes) {
            rest.push(u32::try_from(at).expect("fewer than 2^32 states"));
        }
        let mut nexts = Nexts::new();
        loop {
            let before = rest.len();
            // The farthest first, then the nearest first: a chain completes in one go whichever way it runs.
            rest.reverse();
            rest.retain(|at| {
                let state = State::from_key(&self.seen[*at as usize]);
                self.kernel.steps(&state, &mut nexts);
                let sure = nexts.iter().filter(|(step, next)| self.kernel.is_sure(*step, &state, next));
                let mut known = sure.filter_map(|(_, next)| self.seen.get_index_of(&next.key()));
                completes[*at as usize] = known.any(|next| completes[next]);
                !completes[*at as usize]
            });
            if rest.len() == before {
                rest.sort_unstable();
                return rest.into_iter().map(|at| at as usize).collect();
            }
        }
    }

    /// The steps to the state at `at`, and the one after it.
    fn counterexample(
        &mut self,
        at: usize,
        last: Option<(Step, State)>,
        invariant: Invariant,
        what: String,
    ) -> Counterexample {
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
            self.kernel.steps(&before, &mut nexts);
            let step = nexts.iter().find(|(_, next)| next.key() == key).expect("its parent leads to it");
            steps.push(self.kernel.tell(step.0, &step.1));
        }
        steps.extend(last.map(|(step, next)| self.kernel.tell(step, &next)));
        Counterexample { invariant, what, steps }
    }

    fn report(&self, violation: Option<Counterexample>, stuck: u64) -> Report {
        Report {
            states: self.seen.len() as u64,
            places: self.places(),
            transitions: self.transitions,
            depth: self.depth,
            promoted: self.outcomes[0],
            rolled_back: self.outcomes[1],
            violation,
            stuck,
        }
    }
}
