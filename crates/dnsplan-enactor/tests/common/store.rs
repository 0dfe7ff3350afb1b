//! A store in memory that can be made to fail, and to have other plans than the ones it let in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use dnsplan_fence::{FreezeId, Generation, HeadAfter, Nonce, ParentGeneration, Witness};
use dnsplan_plan::{
    AppendError, Demand, Entry, Freeze, MemoryStore, OwnerName, Pin, Plan, PlanStore, Proposal, Pruned,
    Revision, StoreError, TargetId, TargetReport, TargetStatus, Timestamp,
};

#[derive(Default)]
pub(crate) struct Doctored {
    pub(crate) inner: Arc<MemoryStore>,
    /// What was put in place of `inner` since.
    pub(crate) restored: Mutex<Option<Arc<MemoryStore>>>,
    pub(crate) fails: AtomicBool,
    /// What is known of targets cannot be read.
    pub(crate) hides_targets: AtomicBool,
    /// The plan of this generation cannot be read, where it is not 0.
    pub(crate) hides_plan: AtomicU64,
    /// The plan of this generation is not to be had now, where it is not 0.
    pub(crate) withholds_plan: AtomicU64,
    /// What the history says to everybody who asks.
    pub(crate) history_fails: Mutex<Option<StoreError>>,
    /// What is told of targets is not taken down.
    pub(crate) is_deaf: AtomicBool,
    /// How often a floor was asked for.
    pub(crate) floors: AtomicU64,
    pub(crate) plans: Mutex<BTreeMap<Generation, Arc<Plan>>>,
}

impl Doctored {
    fn up(&self) -> Result<Arc<MemoryStore>, StoreError> {
        if self.fails.load(Ordering::Relaxed) {
            Err(StoreError::Unavailable("a fault was asked for".to_owned()))
        } else {
            Ok(Arc::clone(self.restored.lock().unwrap().as_ref().unwrap_or(&self.inner)))
        }
    }

    fn doctored(&self, plan: Option<Arc<Plan>>) -> Option<Arc<Plan>> {
        let plan = plan?;
        Some(self.plans.lock().unwrap().get(&plan.generation()).cloned().unwrap_or(plan))
    }
}

impl PlanStore for Doctored {
    async fn revision(&self) -> Result<Revision, StoreError> {
        self.up()?.revision().await
    }
    async fn zones(&self) -> Result<Vec<OwnerName>, StoreError> {
        self.up()?.zones().await
    }
    async fn head(&self, zone: &OwnerName) -> Result<Option<Arc<Plan>>, StoreError> {
        Ok(self.doctored(self.up()?.head(zone).await?))
    }
    async fn head_after(&self, zone: &OwnerName, witness: Witness) -> Result<HeadAfter, StoreError> {
        self.up()?.head_after(zone, witness).await
    }
    async fn get(&self, zone: &OwnerName, generation: Generation) -> Result<Option<Arc<Plan>>, StoreError> {
        assert!(!generation.is_zero(), "no plan has the number 0, so nobody asks for it");
        if self.hides_plan.load(Ordering::Relaxed) == generation.get() {
            return Err(StoreError::Corrupt("a plan".to_owned()));
        }
        if self.withholds_plan.load(Ordering::Relaxed) == generation.get() {
            return Err(StoreError::Unavailable("a plan".to_owned()));
        }
        Ok(self.doctored(self.up()?.get(zone, generation).await?))
    }
    async fn append(
        &self,
        parent: ParentGeneration,
        proposal: Proposal,
        attempt: Nonce,
    ) -> Result<Arc<Plan>, AppendError> {
        self.up()?.append(parent, proposal, attempt).await
    }
    async fn find(&self, zone: &OwnerName, attempt: Nonce) -> Result<Option<Generation>, StoreError> {
        self.up()?.find(zone, attempt).await
    }
    async fn history(&self, zone: &OwnerName, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.up()?.history(zone, limit).await
    }
    async fn touched(
        &self,
        zone: &OwnerName,
        after: Generation,
        upto: Generation,
    ) -> Result<Option<BTreeSet<OwnerName>>, StoreError> {
        let failure = self.history_fails.lock().unwrap().clone();
        failure.map_or(Ok(()), Err)?;
        self.up()?.touched(zone, after, upto).await
    }
    async fn report(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        report: TargetReport,
    ) -> Result<(), StoreError> {
        if self.is_deaf.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("a fault was asked for".to_owned()));
        }
        self.up()?.report(zone, target, report).await
    }
    async fn confirm(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        generation: Generation,
    ) -> Result<(), StoreError> {
        self.up()?.confirm(zone, target, generation).await
    }
    async fn targets(&self, zone: &OwnerName) -> Result<Vec<TargetStatus>, StoreError> {
        if self.hides_targets.load(Ordering::Relaxed) {
            return Err(StoreError::Corrupt("what is known of a target".to_owned()));
        }
        self.up()?.targets(zone).await
    }
    async fn demand(&self, zone: &OwnerName, demand: Demand) -> Result<(), StoreError> {
        self.up()?.demand(zone, demand).await
    }
    async fn demands(&self, zone: &OwnerName) -> Result<Vec<Demand>, StoreError> {
        self.up()?.demands(zone).await
    }
    async fn allow_floor(&self, zone: &OwnerName, wanted: Generation) -> Result<Generation, StoreError> {
        self.floors.fetch_add(1, Ordering::Relaxed);
        self.up()?.allow_floor(zone, wanted).await
    }
    async fn pin(&self, zone: &OwnerName, pin: Pin) -> Result<(), StoreError> {
        self.up()?.pin(zone, pin).await
    }
    async fn unpin(&self, zone: &OwnerName, generation: Generation) -> Result<bool, StoreError> {
        self.up()?.unpin(zone, generation).await
    }
    async fn pins(&self, zone: &OwnerName) -> Result<Vec<Pin>, StoreError> {
        self.up()?.pins(zone).await
    }
    async fn freeze(&self, by: &str, reason: &str, at: Timestamp) -> Result<Freeze, StoreError> {
        self.up()?.freeze(by, reason, at).await
    }
    async fn unfreeze(&self, by: &str, at: Timestamp) -> Result<Vec<FreezeId>, StoreError> {
        self.up()?.unfreeze(by, at).await
    }
    async fn frozen(&self) -> Result<Option<Freeze>, StoreError> {
        self.up()?.frozen().await
    }
    async fn prune(&self, zone: &OwnerName, floor: Generation) -> Result<Pruned, StoreError> {
        self.up()?.prune(zone, floor).await
    }
}
