//! The plans read or appended last, so that a new one costs what it changes and shares the rest with the one before.
//!
//! 1. A plan is here only after its digest was compared with the stored one.
//! 2. Nobody believes the cache about what is in the file: a hit counts only where the row is there with that digest.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dnsplan_fence::Generation;
use dnsplan_plan::{OwnerName, Plan};

/// Plans kept per zone: the head, what is live, and a few pins or rollback candidates.
const KEPT: usize = 8;

#[derive(Default)]
pub(crate) struct Cache {
    /// The one used last is at the back.
    zones: Mutex<BTreeMap<OwnerName, VecDeque<Arc<Plan>>>>,
    /// Deltas applied to make plans.
    #[cfg(test)]
    pub(crate) applied: std::sync::atomic::AtomicU64,
}

impl Cache {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<OwnerName, VecDeque<Arc<Plan>>>> {
        self.zones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest plan that is not newer than `generation`.
    pub(crate) fn nearest(&self, origin: &OwnerName, generation: Generation) -> Option<Arc<Plan>> {
        let zones = self.lock();
        let plans = zones.get(origin)?.iter().filter(|plan| plan.generation() <= generation);
        plans.max_by_key(|plan| plan.generation()).cloned()
    }

    /// Keeps a plan as the one used last.
    pub(crate) fn keep(&self, plan: &Arc<Plan>) {
        let mut zones = self.lock();
        let plans = zones.entry(plan.zone().origin().clone()).or_default();
        plans.retain(|other| other.generation() != plan.generation());
        plans.push_back(Arc::clone(plan));
        if plans.len() > KEPT {
            plans.pop_front();
        }
    }
}
