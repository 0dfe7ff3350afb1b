//! Every plan that the store ever granted, whatever the store itself remembers: what the verdict is checked against.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use dnsplan_fence::{Digest, Generation, Nonce, Offer};
use dnsplan_plan::Plan;

#[derive(Default)]
struct State {
    plans: BTreeMap<(Generation, Digest), Arc<Plan>>,
    attempts: BTreeMap<Nonce, Generation>,
    /// What the store refused when it first came: a request that is doubled can be refused once and granted once.
    refused: BTreeSet<Nonce>,
    /// What was granted since the store was put back last.
    kept: BTreeSet<Nonce>,
    /// Acknowledged to a planner since the store was put back last.
    acknowledged: Vec<Arc<Plan>>,
    /// What a planner was told that is not so.
    wrong: Option<String>,
    pruned_below: Generation,
}

/// Every plan ever granted.
#[derive(Default)]
pub(crate) struct Registry(Mutex<State>);

impl Registry {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("invariant: nothing panics while it is locked")
    }

    /// The store has granted a plan.
    pub(crate) fn granted(&self, attempt: Nonce, plan: &Arc<Plan>) {
        let mut state = self.lock();
        state.plans.insert((plan.generation(), plan.digest()), Arc::clone(plan));
        state.attempts.insert(attempt, plan.generation());
        state.kept.insert(attempt);
    }

    /// The store has refused an attempt for certain.
    pub(crate) fn refused(&self, attempt: Nonce) {
        self.lock().refused.insert(attempt);
    }

    /// A planner was told that its attempt is this plan.
    pub(crate) fn acknowledged(&self, attempt: Nonce, plan: &Arc<Plan>) {
        let mut state = self.lock();
        if state.attempts.get(&attempt) != Some(&plan.generation()) {
            let granted =
                state.attempts.get(&attempt).map_or_else(|| "nothing".to_owned(), ToString::to_string);
            let told = plan.generation();
            state.wrong =
                Some(format!("a planner was told of generation {told}; the store had granted {granted}"));
        }
        if state.kept.contains(&attempt) {
            state.acknowledged.push(Arc::clone(plan));
        }
    }

    /// A planner was told that its attempt was refused for certain.
    pub(crate) fn denied(&self, attempt: Nonce) {
        let mut state = self.lock();
        if let Some(generation) = state.attempts.get(&attempt).filter(|_| !state.refused.contains(&attempt)) {
            state.wrong =
                Some(format!("a planner was told of a refusal; the store had granted {generation}"));
        }
    }

    /// The store was put back: what it acknowledged is not there any more, which is not its doing.
    pub(crate) fn store_rewound(&self) {
        let mut state = self.lock();
        state.acknowledged.clear();
        state.kept.clear();
    }

    /// Somebody has asked the store to forget what is below.
    pub(crate) fn prune_below(&self, generation: Generation) {
        let mut state = self.lock();
        state.pruned_below = state.pruned_below.max(generation);
    }

    pub(crate) fn pruned_below(&self) -> Generation {
        self.lock().pruned_below
    }

    /// What a planner was told that is not so.
    pub(crate) fn wrong(&self) -> Option<String> {
        self.lock().wrong.clone()
    }

    pub(crate) fn all_acknowledged(&self) -> Vec<Arc<Plan>> {
        self.lock().acknowledged.clone()
    }

    /// A plan, by what a record or a tree says of it.
    pub(crate) fn plan(&self, generation: Generation, digest: Digest) -> Option<Arc<Plan>> {
        self.lock().plans.get(&(generation, digest)).cloned()
    }

    /// The generations from `from` to `to` whose plans satisfy `wanted`, in order.
    pub(crate) fn generations(
        &self,
        from: Generation,
        to: Generation,
        wanted: impl Fn(&Plan) -> bool,
    ) -> Vec<Generation> {
        let state = self.lock();
        let range = state.plans.range((from, Digest::ZERO)..);
        let until = range.take_while(|((generation, _), _)| *generation <= to);
        until.filter(|(_, plan)| wanted(plan)).map(|((generation, _), _)| *generation).collect()
    }
}
