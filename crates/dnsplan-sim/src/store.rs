//! The plan store at the end of a wire.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_enactor::conformance::block_on;
use dnsplan_fence::{FreezeId, Generation, HeadAfter, Nonce, ParentGeneration, Witness};
use dnsplan_plan::{
    AppendError, Demand, Entry, Freeze, MemoryStore, OwnerName, Pin, Plan, PlanStore, Proposal, Pruned,
    Revision, StoreError, TargetId, TargetReport, TargetStatus, Timestamp,
};

use crate::registry::Registry;
use crate::wire::{Loss, Op, Wire};

/// One actor's way to the store.
pub(crate) struct WiredStore {
    pub(crate) wire: Wire,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) registry: Arc<Registry>,
}

/// A call whose arguments travel with it.
macro_rules! call {
    ($self:ident, $op:expr, $loss:path, |$store:ident $(, $arg:ident)*| $body:expr) => {{
        let ($store, core) = (Arc::clone(&$self.store), $self.wire.net.core.clone());
        $(let $arg = $arg.clone();)*
        let op: Op = $op;
        let is_write = op.is_write;
        let effect = move || {
            if is_write {
                core.touch();
            }
            block_on($body)
        };
        $self.wire.call(op, effect, |loss| Err($loss(loss).into())).await
    }};
}

impl PlanStore for WiredStore {
    async fn revision(&self) -> Result<Revision, StoreError> {
        call!(self, Op::read("revision"), Loss::of_read, |store| store.revision())
    }

    async fn zones(&self) -> Result<Vec<OwnerName>, StoreError> {
        call!(self, Op::read("zones"), Loss::of_read, |store| store.zones())
    }

    async fn head(&self, zone: &OwnerName) -> Result<Option<Arc<Plan>>, StoreError> {
        call!(self, Op::read("head"), Loss::of_read, |store, zone| store.head(&zone))
    }

    async fn head_after(&self, zone: &OwnerName, witness: Witness) -> Result<HeadAfter, StoreError> {
        let (store, zone, mut witness) = (Arc::clone(&self.store), zone.clone(), Some(witness));
        let effect = move || {
            let witness = witness.take().expect("invariant: a read arrives once");
            block_on(store.head_after(&zone, witness))
        };
        self.wire.call(Op::read("head-after"), effect, |loss| Err(loss.of_read())).await
    }

    async fn get(&self, zone: &OwnerName, generation: Generation) -> Result<Option<Arc<Plan>>, StoreError> {
        call!(self, Op::read("get"), Loss::of_read, |store, zone| store.get(&zone, generation))
    }

    async fn append(
        &self,
        parent: ParentGeneration,
        proposal: Proposal,
        attempt: Nonce,
    ) -> Result<Arc<Plan>, AppendError> {
        let (store, registry, net) =
            (Arc::clone(&self.store), Arc::clone(&self.registry), Arc::clone(&self.wire.net));
        let name = Arc::clone(self.wire.name());
        let effect = move || {
            net.core.touch();
            let appended = block_on(store.append(parent, proposal.clone(), attempt));
            match &appended {
                Ok(plan) => {
                    registry.granted(attempt, plan);
                    let generation = plan.generation();
                    let text = || format!("publishes generation {generation}");
                    net.log.say(&name, "published", generation, text);
                }
                Err(AppendError::Store(_)) => {}
                Err(_) => registry.refused(attempt),
            }
            appended
        };
        self.wire.call(Op::write("append"), effect, |loss| Err(loss.of_write().into())).await
    }

    async fn find(&self, zone: &OwnerName, attempt: Nonce) -> Result<Option<Generation>, StoreError> {
        call!(self, Op::read("find"), Loss::of_read, |store, zone| store.find(&zone, attempt))
    }

    async fn history(&self, zone: &OwnerName, limit: usize) -> Result<Vec<Entry>, StoreError> {
        call!(self, Op::read("history"), Loss::of_read, |store, zone| store.history(&zone, limit))
    }

    async fn touched(
        &self,
        zone: &OwnerName,
        after: Generation,
        upto: Generation,
    ) -> Result<Option<BTreeSet<OwnerName>>, StoreError> {
        call!(self, Op::read("touched"), Loss::of_read, |store, zone| store.touched(&zone, after, upto))
    }

    async fn report(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        report: TargetReport,
    ) -> Result<(), StoreError> {
        call!(self, Op::write("report"), Loss::of_write, |store, zone, target, report| {
            store.report(&zone, &target, report.clone())
        })
    }

    async fn confirm(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        generation: Generation,
    ) -> Result<(), StoreError> {
        call!(self, Op::write("confirm"), Loss::of_write, |store, zone, target| {
            store.confirm(&zone, &target, generation)
        })
    }

    async fn targets(&self, zone: &OwnerName) -> Result<Vec<TargetStatus>, StoreError> {
        call!(self, Op::read("targets"), Loss::of_read, |store, zone| store.targets(&zone))
    }

    async fn demand(&self, zone: &OwnerName, demand: Demand) -> Result<(), StoreError> {
        call!(self, Op::write("demand"), Loss::of_write, |store, zone, demand| {
            store.demand(&zone, demand.clone())
        })
    }

    async fn demands(&self, zone: &OwnerName) -> Result<Vec<Demand>, StoreError> {
        call!(self, Op::read("demands"), Loss::of_read, |store, zone| store.demands(&zone))
    }

    async fn allow_floor(&self, zone: &OwnerName, wanted: Generation) -> Result<Generation, StoreError> {
        call!(self, Op::write("allow-floor"), Loss::of_write, |store, zone| store.allow_floor(&zone, wanted))
    }

    async fn pin(&self, zone: &OwnerName, pin: Pin) -> Result<(), StoreError> {
        call!(self, Op::write("pin"), Loss::of_write, |store, zone, pin| store.pin(&zone, pin.clone()))
    }

    async fn unpin(&self, zone: &OwnerName, generation: Generation) -> Result<bool, StoreError> {
        call!(self, Op::write("unpin"), Loss::of_write, |store, zone| store.unpin(&zone, generation))
    }

    async fn pins(&self, zone: &OwnerName) -> Result<Vec<Pin>, StoreError> {
        call!(self, Op::read("pins"), Loss::of_read, |store, zone| store.pins(&zone))
    }

    async fn freeze(&self, by: &str, reason: &str, at: Timestamp) -> Result<Freeze, StoreError> {
        let (by, reason) = (by.to_owned(), reason.to_owned());
        call!(self, Op::write("freeze"), Loss::of_write, |store, by, reason| {
            store.freeze(&by, &reason, at)
        })
    }

    async fn unfreeze(&self, by: &str, at: Timestamp) -> Result<Vec<FreezeId>, StoreError> {
        let by = by.to_owned();
        call!(self, Op::write("unfreeze"), Loss::of_write, |store, by| store.unfreeze(&by, at))
    }

    async fn frozen(&self) -> Result<Option<Freeze>, StoreError> {
        call!(self, Op::read("frozen"), Loss::of_read, |store| store.frozen())
    }

    async fn prune(&self, zone: &OwnerName, floor: Generation) -> Result<Pruned, StoreError> {
        call!(self, Op::write("prune"), Loss::of_write, |store, zone| store.prune(&zone, floor))
    }
}
