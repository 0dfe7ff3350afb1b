//! A plan store in memory: for tests, simulation and embedders that keep their plans elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use dnsplan_fence::{
    FreezeId, Generation, HeadAfter, Nonce, Offer, OfferedGeneration, ParentGeneration, Standing, Witness,
};

use crate::{
    AppendError, Demand, Entry, Freeze, OwnerName, Pin, Plan, PlanStore, Proposal, Pruned, Revision,
    StoreError, TargetId, TargetReport, TargetStatus, Timestamp, admit,
};

/// A [`PlanStore`] in memory. It keeps the contract but for surviving a crash.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Clone, Default)]
struct State {
    revision: u64,
    zones: BTreeMap<OwnerName, History>,
    active: Option<Freeze>,
    lifted: BTreeSet<FreezeId>,
    freezes: u64,
}

#[derive(Clone, Default)]
struct History {
    plans: BTreeMap<Generation, Stored>,
    attempts: BTreeMap<Nonce, Generation>,
    granted: Generation,
    floor: Generation,
    targets: BTreeMap<TargetId, TargetStatus>,
    /// The open ones.
    demands: Vec<Demand>,
    pins: BTreeMap<Generation, Pin>,
}

#[derive(Clone)]
struct Stored {
    plan: Arc<Plan>,
    owners: BTreeSet<OwnerName>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the store back to where `backup` is: what has happened since is forgotten.
    pub fn restore(&self, backup: &Self) {
        let state = backup.lock().clone();
        *self.lock() = state;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("invariant: nothing panics while the store is locked")
    }

    /// Changes a zone's history. `change` says, beside its answer, whether it changed anything.
    fn change<T>(&self, zone: &OwnerName, change: impl FnOnce(&mut History) -> (bool, T)) -> T {
        let mut state = self.lock();
        let (changed, answer) = change(state.zones.entry(zone.clone()).or_default());
        state.revision += u64::from(changed);
        answer
    }

    fn read<T: Default>(&self, zone: &OwnerName, read: impl FnOnce(&History) -> T) -> T {
        self.lock().zones.get(zone).map(read).unwrap_or_default()
    }
}

/// A clone is a backup, taken now.
impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        Self { state: Mutex::new(self.lock().clone()) }
    }
}

impl State {
    /// No id comes twice, not even one that only a target's record remembers.
    fn highest_freeze(&self) -> u64 {
        let statuses = self.zones.values().flat_map(|history| history.targets.values());
        let carried = statuses.filter_map(|status| status.report.freeze);
        let known = carried.chain(self.lifted.last().copied());
        known.map(FreezeId::get).fold(self.freezes, u64::max)
    }
}

impl History {
    fn head(&self) -> Option<&Stored> {
        self.plans.last_key_value().map(|(_, stored)| stored)
    }

    fn head_generation(&self) -> Generation {
        self.head().map_or(Generation::ZERO, |stored| stored.plan.generation())
    }

    /// The lowest generation that may be granted: above everything granted, seen at a target or demanded.
    fn next(&self) -> Option<Generation> {
        let demanded = self.demands.iter().map(|demand| demand.above);
        demanded.fold(self.granted, Generation::max).next()
    }
}

impl PlanStore for MemoryStore {
    async fn revision(&self) -> Result<Revision, StoreError> {
        Ok(Revision(self.lock().revision))
    }

    async fn zones(&self) -> Result<Vec<OwnerName>, StoreError> {
        let state = self.lock();
        let with_plans = state.zones.iter().filter(|(_, history)| !history.plans.is_empty());
        Ok(with_plans.map(|(zone, _)| zone.clone()).collect())
    }

    async fn head(&self, zone: &OwnerName) -> Result<Option<Arc<Plan>>, StoreError> {
        Ok(self.read(zone, |history| history.head().map(|stored| Arc::clone(&stored.plan))))
    }

    async fn head_after(&self, zone: &OwnerName, witness: Witness) -> Result<HeadAfter, StoreError> {
        let state = self.lock();
        let head = state.zones.get(zone).map_or(Generation::ZERO, History::head_generation);
        let active = state.active.as_ref().map(|freeze| freeze.id);
        Ok(witness.answered(Standing::new(head).frozen_by(active).having_lifted(state.lifted.clone())))
    }

    async fn get(&self, zone: &OwnerName, generation: Generation) -> Result<Option<Arc<Plan>>, StoreError> {
        Ok(self.read(zone, |history| history.plans.get(&generation).map(|stored| Arc::clone(&stored.plan))))
    }

    async fn append(
        &self,
        parent: ParentGeneration,
        proposal: Proposal,
        attempt: Nonce,
    ) -> Result<Arc<Plan>, AppendError> {
        let mut state = self.lock();
        if let Some(freeze) = &state.active {
            return Err(AppendError::Frozen(freeze.clone()));
        }
        let history = state.zones.entry(proposal.zone.origin().clone()).or_default();
        let before = history.head().map(|stored| Arc::clone(&stored.plan));
        let open = history.demands.iter().any(|demand| demand.reason.is_met_by_the_same_content());
        let diff = admit(parent, before.as_deref(), &proposal, open)?;
        let owners = diff.nodes.into_iter().map(|change| change.owner).collect();
        if let Some(generation) = history.attempts.get(&attempt) {
            let used = format!("this attempt was granted generation {generation} already; take a new nonce");
            return Err(StoreError::Refused(used).into());
        }
        let full = || StoreError::Refused("the last generation has been granted".to_owned());
        let generation = history.next().ok_or_else(full)?;
        let plan = Arc::new(Plan::granted(OfferedGeneration::granted(generation), parent, proposal));
        history.granted = generation;
        history.demands.retain(|demand| demand.above >= generation);
        history.plans.insert(generation, Stored { plan: Arc::clone(&plan), owners });
        history.attempts.insert(attempt, generation);
        state.revision += 1;
        Ok(plan)
    }

    async fn find(&self, zone: &OwnerName, attempt: Nonce) -> Result<Option<Generation>, StoreError> {
        Ok(self.read(zone, |history| history.attempts.get(&attempt).copied()))
    }

    async fn history(&self, zone: &OwnerName, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let entry = |stored: &Stored| Entry {
            generation: stored.plan.generation(),
            parent: stored.plan.parent(),
            digest: stored.plan.digest(),
            provenance: stored.plan.provenance().clone(),
            changed_owners: stored.owners.len() as u64,
        };
        Ok(self.read(zone, |history| history.plans.values().rev().take(limit).map(entry).collect()))
    }

    async fn touched(
        &self,
        zone: &OwnerName,
        after: Generation,
        upto: Generation,
    ) -> Result<Option<BTreeSet<OwnerName>>, StoreError> {
        Ok(self.read(zone, |history| {
            let mut owners = BTreeSet::new();
            let mut at = upto;
            while at > after {
                let stored = history.plans.get(&at)?;
                // Of one plan, as it is most of the time, they are there in order.
                if owners.is_empty() {
                    owners.clone_from(&stored.owners);
                } else {
                    owners.extend(stored.owners.iter().cloned());
                }
                at = stored.plan.parent().into();
            }
            (at == after).then_some(owners)
        }))
    }

    async fn report(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        report: TargetReport,
    ) -> Result<(), StoreError> {
        self.change(zone, |history| {
            // What was seen stays seen: a generation once at a target is never granted again.
            let seen = [report.highest, report.live, report.base, report.floor];
            history.granted = seen.into_iter().fold(history.granted, Generation::max);
            let known = history.targets.get(target);
            let confirmed = known.map_or(Generation::ZERO, |status| status.confirmed);
            let changed = known.is_none_or(|status| status.report != report);
            let status = TargetStatus { target: target.clone(), report, confirmed };
            history.targets.insert(target.clone(), status);
            (changed, ())
        });
        Ok(())
    }

    async fn confirm(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        generation: Generation,
    ) -> Result<(), StoreError> {
        self.change(zone, |history| match history.targets.get_mut(target) {
            Some(status) => {
                let rises = status.confirmed < generation;
                status.confirmed = status.confirmed.max(generation);
                history.granted = history.granted.max(generation);
                (rises, Ok(()))
            }
            None => {
                let unreported = format!("target {target}; report on it before confirming");
                (false, Err(StoreError::NotFound(unreported)))
            }
        })
    }

    async fn targets(&self, zone: &OwnerName) -> Result<Vec<TargetStatus>, StoreError> {
        Ok(self.read(zone, |history| history.targets.values().cloned().collect()))
    }

    async fn demand(&self, zone: &OwnerName, demand: Demand) -> Result<(), StoreError> {
        self.change(zone, |history| {
            let same = |other: &Demand| other.above == demand.above && other.reason == demand.reason;
            let is_new = demand.above >= history.head_generation() && !history.demands.iter().any(same);
            history.demands.extend(is_new.then_some(demand));
            (is_new, ())
        });
        Ok(())
    }

    async fn demands(&self, zone: &OwnerName) -> Result<Vec<Demand>, StoreError> {
        Ok(self.read(zone, |history| history.demands.clone()))
    }

    async fn allow_floor(&self, zone: &OwnerName, wanted: Generation) -> Result<Generation, StoreError> {
        Ok(self.change(zone, |history| {
            let pinned = history.pins.keys().next().copied().unwrap_or(wanted);
            let allowed = wanted.min(pinned).min(history.head_generation());
            let rises = history.floor < allowed;
            history.floor = history.floor.max(allowed);
            (rises, allowed)
        }))
    }

    async fn pin(&self, zone: &OwnerName, pin: Pin) -> Result<(), StoreError> {
        self.change(zone, |history| {
            let generation = pin.generation;
            if !history.plans.contains_key(&generation) {
                return (false, Err(StoreError::NotFound(format!("plan {generation}"))));
            }
            if generation < history.floor {
                let floor = history.floor;
                let reason =
                    format!("generation {generation} may be gone from targets already, the floor is {floor}");
                return (false, Err(StoreError::Refused(reason)));
            }
            history.pins.insert(generation, pin);
            (true, Ok(()))
        })
    }

    async fn unpin(&self, zone: &OwnerName, generation: Generation) -> Result<bool, StoreError> {
        Ok(self.change(zone, |history| {
            let ended = history.pins.remove(&generation).is_some();
            (ended, ended)
        }))
    }

    async fn pins(&self, zone: &OwnerName) -> Result<Vec<Pin>, StoreError> {
        Ok(self.read(zone, |history| history.pins.values().cloned().collect()))
    }

    async fn freeze(&self, by: &str, reason: &str, at: Timestamp) -> Result<Freeze, StoreError> {
        let mut state = self.lock();
        if let Some(freeze) = &state.active {
            return Ok(freeze.clone());
        }
        state.revision += 1;
        let id = FreezeId::new(state.highest_freeze().saturating_add(1));
        state.freezes = id.get();
        let freeze = Freeze { id, reason: reason.to_owned(), by: by.to_owned(), at };
        state.active = Some(freeze.clone());
        Ok(freeze)
    }

    async fn unfreeze(&self, _by: &str, _at: Timestamp) -> Result<Vec<FreezeId>, StoreError> {
        let mut state = self.lock();
        let carried = state.zones.values().flat_map(|history| history.targets.values());
        let mut ids: BTreeSet<FreezeId> = carried.filter_map(|status| status.report.freeze).collect();
        ids.extend(state.active.take().map(|freeze| freeze.id));
        let fresh: Vec<FreezeId> = ids.difference(&state.lifted).copied().collect();
        state.lifted.extend(fresh.iter().copied());
        state.revision += u64::from(!fresh.is_empty());
        Ok(fresh)
    }

    async fn frozen(&self) -> Result<Option<Freeze>, StoreError> {
        Ok(self.lock().active.clone())
    }

    async fn prune(&self, zone: &OwnerName, floor: Generation) -> Result<Pruned, StoreError> {
        Ok(self.change(zone, |history| {
            let reported = history
                .targets
                .values()
                .flat_map(|target| [target.report.live, target.report.base, target.confirmed]);
            let keep: BTreeSet<Generation> =
                reported.chain(history.pins.keys().copied()).chain([history.head_generation()]).collect();
            let is_under_way = |target: &&TargetStatus| target.confirmed < target.report.live;
            let under_way = history.targets.values().filter(is_under_way);
            let since = under_way.map(|target| target.report.base.max(target.confirmed)).min();
            let before = history.plans.len();
            history.plans.retain(|generation, _| {
                let is_needed = since.is_some_and(|since| *generation >= since);
                *generation >= floor || keep.contains(generation) || is_needed
            });
            let lowest = history.plans.keys().next().copied().unwrap_or(Generation::ZERO);
            history.attempts.retain(|_, generation| history.plans.contains_key(generation));
            let plans = (before - history.plans.len()) as u64;
            (plans > 0, Pruned { plans, lowest })
        }))
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        f.debug_struct("MemoryStore").field("zones", &state.zones.keys()).finish_non_exhaustive()
    }
}
