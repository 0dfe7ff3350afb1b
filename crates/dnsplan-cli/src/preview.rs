//! A plan store as it would be with one plan more, for rehearsals: nothing that is said to it gets any further.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan::fence::{
    FreezeId, Generation, HeadAfter, Nonce, OfferedGeneration, ParentGeneration, Standing, Witness,
};
use dnsplan::plan::{
    AppendError, Demand, Entry, Freeze, OwnerName, Pin, Plan, PlanStore, Proposal, Pruned, Revision,
    StoreError, TargetId, TargetReport, TargetStatus, Timestamp, admit,
};

/// The store, and its head as it would be.
pub(crate) struct Preview<S> {
    store: Arc<S>,
    plan: Arc<Plan>,
    /// What its plan changes on the store's own head.
    changed: BTreeSet<OwnerName>,
    /// The store's own head.
    head: Generation,
    /// The freezes that records may still carry, and that the store has lifted.
    lifted: BTreeSet<FreezeId>,
}

impl<S: PlanStore> Preview<S> {
    /// The store after appending `proposal`, or as it is where that changes nothing.
    ///
    /// # Errors
    /// [`AppendError`] where the store would refuse.
    pub(crate) async fn of(store: Arc<S>, proposal: Proposal) -> Result<Self, AppendError> {
        if let Some(freeze) = store.frozen().await? {
            return Err(AppendError::Frozen(freeze));
        }
        let zone = proposal.zone.origin().clone();
        let before = store.head(&zone).await?;
        let head = before.as_ref().map_or(Generation::ZERO, |plan| plan.generation());
        let parent = before.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
        let demands = store.demands(&zone).await?;
        let is_demanded = demands.iter().any(|demand| demand.reason.is_met_by_the_same_content());
        let lifted = BTreeSet::new();
        let diff = match (admit(parent, before.as_deref(), &proposal, is_demanded), before) {
            (Ok(diff), _) => diff,
            (Err(AppendError::Unchanged(_)), Some(plan)) => {
                return Ok(Self { store, plan, changed: BTreeSet::new(), head, lifted });
            }
            (Err(refused), _) => return Err(refused),
        };
        let changed = diff.nodes.into_iter().map(|change| change.owner).collect();
        // As the store counts: above all that was granted, seen at a target or demanded.
        let seen = store.targets(&zone).await?.into_iter().map(|status| status.report.highest);
        let highest = seen.chain(demands.into_iter().map(|demand| demand.above)).fold(head, Generation::max);
        let full = || StoreError::Refused("the last generation has been granted".to_owned());
        let generation = OfferedGeneration::granted(highest.next().ok_or_else(full)?);
        let plan = Arc::new(Plan::granted(generation, parent, proposal));
        Ok(Self { store, plan, changed, head, lifted })
    }

    /// The plan that is the head here.
    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The same, knowing that a freeze was lifted.
    pub(crate) fn having_lifted(mut self, freeze: Option<FreezeId>) -> Self {
        self.lifted.extend(freeze);
        self
    }

    fn is_its(&self, zone: &OwnerName) -> bool {
        self.plan.zone().origin() == zone
    }
}

/// Reads are the store's but for the head; writes do nothing.
impl<S: PlanStore> PlanStore for Preview<S> {
    async fn revision(&self) -> Result<Revision, StoreError> {
        self.store.revision().await
    }

    async fn zones(&self) -> Result<Vec<OwnerName>, StoreError> {
        self.store.zones().await
    }

    async fn head(&self, zone: &OwnerName) -> Result<Option<Arc<Plan>>, StoreError> {
        if self.is_its(zone) { Ok(Some(Arc::clone(&self.plan))) } else { self.store.head(zone).await }
    }

    async fn head_after(&self, zone: &OwnerName, witness: Witness) -> Result<HeadAfter, StoreError> {
        if self.is_its(zone) {
            let standing = Standing::new(self.plan.generation()).having_lifted(self.lifted.clone());
            return Ok(witness.answered(standing));
        }
        self.store.head_after(zone, witness).await
    }

    async fn get(&self, zone: &OwnerName, generation: Generation) -> Result<Option<Arc<Plan>>, StoreError> {
        if self.is_its(zone) && generation == self.plan.generation() {
            return Ok(Some(Arc::clone(&self.plan)));
        }
        self.store.get(zone, generation).await
    }

    async fn append(
        &self,
        parent: ParentGeneration,
        _: Proposal,
        _: Nonce,
    ) -> Result<Arc<Plan>, AppendError> {
        let (head, author) = (self.plan.generation(), self.plan.provenance().author.clone());
        Err(AppendError::Stale { parent, head, author })
    }

    async fn find(&self, zone: &OwnerName, attempt: Nonce) -> Result<Option<Generation>, StoreError> {
        self.store.find(zone, attempt).await
    }

    async fn history(&self, zone: &OwnerName, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.store.history(zone, limit).await
    }

    async fn touched(
        &self,
        zone: &OwnerName,
        after: Generation,
        upto: Generation,
    ) -> Result<Option<BTreeSet<OwnerName>>, StoreError> {
        let is_beyond =
            self.is_its(zone) && upto >= self.plan.generation() && self.plan.generation() > self.head;
        if !is_beyond {
            return self.store.touched(zone, after, upto).await;
        }
        let before = match self.head {
            Generation::ZERO => Some(BTreeSet::new()),
            head => self.store.touched(zone, after, head).await?,
        };
        Ok(before.map(|mut touched| {
            touched.extend(self.changed.iter().cloned());
            touched
        }))
    }

    async fn report(&self, _: &OwnerName, _: &TargetId, _: TargetReport) -> Result<(), StoreError> {
        Ok(())
    }

    async fn confirm(&self, _: &OwnerName, _: &TargetId, _: Generation) -> Result<(), StoreError> {
        Ok(())
    }

    async fn targets(&self, zone: &OwnerName) -> Result<Vec<TargetStatus>, StoreError> {
        self.store.targets(zone).await
    }

    async fn demand(&self, _: &OwnerName, _: Demand) -> Result<(), StoreError> {
        Ok(())
    }

    async fn demands(&self, zone: &OwnerName) -> Result<Vec<Demand>, StoreError> {
        self.store.demands(zone).await
    }

    async fn allow_floor(&self, zone: &OwnerName, wanted: Generation) -> Result<Generation, StoreError> {
        let pinned = self.store.pins(zone).await?.into_iter().map(|pin| pin.generation).min();
        Ok(pinned.map_or(wanted, |pinned| wanted.min(pinned)).min(self.plan.generation()))
    }

    async fn pin(&self, _: &OwnerName, _: Pin) -> Result<(), StoreError> {
        Err(no_enactors())
    }

    async fn unpin(&self, _: &OwnerName, _: Generation) -> Result<bool, StoreError> {
        Err(no_enactors())
    }

    async fn pins(&self, zone: &OwnerName) -> Result<Vec<Pin>, StoreError> {
        self.store.pins(zone).await
    }

    async fn freeze(&self, _: &str, _: &str, _: Timestamp) -> Result<Freeze, StoreError> {
        Err(no_enactors())
    }

    async fn unfreeze(&self, _: &str, _: Timestamp) -> Result<Vec<FreezeId>, StoreError> {
        Err(no_enactors())
    }

    async fn frozen(&self) -> Result<Option<Freeze>, StoreError> {
        self.store.frozen().await
    }

    async fn prune(&self, _: &OwnerName, _: Generation) -> Result<Pruned, StoreError> {
        Err(no_enactors())
    }
}

/// What only people and planners ask of a store.
fn no_enactors() -> StoreError {
    StoreError::Refused("this is a preview; ask the store itself".to_owned())
}
