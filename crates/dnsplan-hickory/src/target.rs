//! The server as a target: one zone, whose plans become live whole, in one swap.
//!
//! 1. The record, the trees and the choice of the live one are one [`Fenced`] cell; a reader sees one generation.
//! 2. The record is in the journal before anybody can see what it grants.
//! 3. A rider that does not fit its permit is refused, and changes nothing.
//! 4. The live tree and those that somebody reads are kept; the others go when the enactor reaps them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use dnsplan_enactor::{
    Audit, Basis, FenceRecord, Layout, Outline, Quarantine, Rider, Target, TargetError, TreeName,
};
use dnsplan_fence::{
    Digest, Edit, Fenced, Generation, Genesis, Move, Observed, Offer, Permit, Register, Snapshot, Swap,
};
use dnsplan_plan::{OwnerName, Plan, TargetId};
use tokio::sync::watch;

use crate::journal::Journal;
use crate::served::Served;
use crate::transfer::{History, Version};

/// One zone of an in-process server. Clones are handles to the same zone.
#[derive(Clone)]
pub struct HickoryTarget(Arc<Shared>);

struct Shared {
    id: TargetId,
    zone: OwnerName,
    cell: Fenced<Served, Quarantine>,
    journal: Box<dyn Journal>,
    history: History,
    /// The newest generation that became live, for those who wait for it.
    newest: watch::Sender<Option<Generation>>,
}

/// A target cannot be restored from what was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The plan is for another zone.
    #[error("the plan is for the zone {found} and the target serves {zone}: pass the plan of {zone}")]
    OtherZone {
        /// The target's zone.
        zone: Box<OwnerName>,
        /// The plan's.
        found: Box<OwnerName>,
    },
    /// The plan is not the one that the record grants.
    #[error(
        "the record grants generation {granted} and the plan is another one ({found}): pass the plan of generation \
         {granted} with the digest {digest}, or none"
    )]
    OtherPlan {
        /// The record's generation.
        granted: Generation,
        /// The record's digest.
        digest: Digest,
        /// The plan's generation.
        found: Generation,
    },
}

impl HickoryTarget {
    /// A zone that was never served here. Until its first plan is live, questions for it get SERVFAIL.
    pub fn new(id: TargetId, zone: OwnerName, journal: impl Journal + 'static) -> Self {
        Self::over(Fenced::new(), id, zone, journal)
    }

    /// A zone as it was left: the record from the journal, and the plan that it grants. With the plan it answers at once;
    /// without, questions get SERVFAIL until the enactor has repaired it.
    ///
    /// # Errors
    /// [`RestoreError`] where the plan is not the one that the record grants.
    pub fn restored(
        id: TargetId,
        zone: OwnerName,
        record: FenceRecord,
        live: Option<Arc<Plan>>,
        journal: impl Journal + 'static,
    ) -> Result<Self, RestoreError> {
        let Some(plan) = live else {
            return Ok(Self::over(Fenced::recorded(record), id, zone, journal));
        };
        let origin = plan.zone().origin();
        if *origin != zone {
            return Err(RestoreError::OtherZone { zone: Box::new(zone), found: Box::new(origin.clone()) });
        }
        if !grants(&record, &plan) {
            let (granted, digest) = (record.generation, record.digest);
            return Err(RestoreError::OtherPlan { granted, digest, found: plan.generation() });
        }
        Ok(Self::over(Fenced::restored(record, Served::new(plan)), id, zone, journal))
    }

    fn over(
        cell: Fenced<Served, Quarantine>,
        id: TargetId,
        zone: OwnerName,
        journal: impl Journal + 'static,
    ) -> Self {
        let newest = watch::Sender::new(cell.snapshot().map(|live| live.generation()));
        let (history, journal) = (History::default(), Box::new(journal));
        Self(Arc::new(Shared { id, zone, cell, journal, history, newest }))
    }

    /// What is live now, pinned. `None` where there is nothing to answer from.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot<Served>> {
        self.0.cell.snapshot()
    }

    /// From now on keeps so many versions beside the live one, for transfers of what has changed.
    pub(crate) fn keep_history(&self, earlier: usize) {
        self.0.history.keep(earlier, self.snapshot().as_ref().map(Snapshot::value));
    }

    /// The version of that serial, if it is kept.
    pub(crate) fn version_at(&self, serial: u32) -> Option<Arc<Version>> {
        self.0.history.find(serial)
    }

    /// The newest generation that became live, now and whenever it changes.
    pub(crate) fn newest(&self) -> watch::Receiver<Option<Generation>> {
        self.0.newest.subscribe()
    }

    fn went_live(&self, served: &Served) {
        self.0.history.add(served);
        // Two writers may come here out of order.
        let generation = Some(served.generation());
        self.0.newest.send_if_modified(|newest| {
            let is_newer = generation > *newest;
            if is_newer {
                *newest = generation;
            }
            is_newer
        });
    }

    fn persist(&self, record: &FenceRecord) -> Result<(), TargetError> {
        self.0.journal.persist(record).map_err(|error| TargetError::Unavailable(error.to_string()))
    }

    fn put(&self, plan: Arc<Plan>, next: &FenceRecord) -> Result<Edit<Served>, TargetError> {
        let zone = &self.0.zone;
        if plan.zone().origin() != zone {
            let found = plan.zone().origin();
            return Err(misfit(format!("the plan is for the zone {found}, not for {zone}")));
        }
        if !grants(next, &plan) {
            let (offered, granted) = (plan.generation(), next.generation);
            return Err(misfit(format!(
                "the plan is generation {offered}, the permit grants {granted} or other content"
            )));
        }
        Ok(Edit::Put(Served::new(plan)))
    }

    /// What a swap does to the trees, or why the rider does not fit the permit.
    fn edit(&self, permit: &Permit<Quarantine>, rider: Rider) -> Result<Edit<Served>, TargetError> {
        match (permit.action(), rider) {
            (Move::Apply(part), Rider::Part { plan, set_aside, .. }) => {
                if part.of() != 1 {
                    return Err(misfit(format!("a plan is put in one part, not in {}", part.of())));
                }
                if !set_aside.is_empty() {
                    return Err(misfit(
                        "no owner name is set aside here, since none is ever rejected".to_owned(),
                    ));
                }
                self.put(plan, permit.next())
            }
            (Move::Repair, Rider::Repair { plan, .. }) => self.put(plan, permit.next()),
            (Move::Reap(generation), Rider::Reap { tree }) => {
                let kept = self.0.cell.snapshot_of(generation).map(|kept| kept.value().digest());
                if tree.generation != generation || kept.is_some_and(|digest| digest != tree.digest) {
                    return Err(misfit(format!(
                        "the tree to be reaped is not the one of generation {generation}"
                    )));
                }
                Ok(Edit::Keep)
            }
            (Move::RaiseFloor(_) | Move::Freeze(_), Rider::Nothing) => Ok(Edit::Keep),
            (Move::Stage(_) | Move::Flip(_), _) => {
                Err(misfit("nothing is staged or flipped here: a plan is applied whole".to_owned()))
            }
            (action, _) => Err(misfit(format!("the rider does not fit the move {action:?}"))),
        }
    }

    fn differing(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> BTreeSet<OwnerName> {
        let live = self.snapshot();
        let owners: BTreeSet<OwnerName> = match &live {
            Some(live) if live.value().digest() == plan.digest() => BTreeSet::new(),
            Some(live) => {
                live.value().zone().diff(plan.zone()).nodes.into_iter().map(|change| change.owner).collect()
            }
            None => plan.zone().nodes().map(|(owner, _)| owner.clone()).collect(),
        };
        owners.difference(set_aside).cloned().collect()
    }

    fn trees(&self) -> Vec<TreeName> {
        let kept = self.0.cell.kept().into_iter();
        kept.filter_map(|kept| self.0.cell.snapshot_of(kept.generation))
            .map(|tree| TreeName { generation: tree.generation(), digest: tree.value().digest() })
            .collect()
    }
}

/// Runs a write where a slow journal keeps nobody from being answered: on the runtime's blocking threads, where there is a
/// runtime. A runtime that shuts down in the midst of it leaves the outcome unknown.
async fn aside(
    write: impl FnOnce() -> Result<Swap<Quarantine>, TargetError> + Send + 'static,
) -> Result<Swap<Quarantine>, TargetError> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(write).await.unwrap_or(Ok(Swap::Unknown)),
        Err(_) => write(),
    }
}

fn grants(record: &FenceRecord, plan: &Plan) -> bool {
    record.generation == plan.generation() && record.digest == plan.digest()
}

fn misfit(what: String) -> TargetError {
    TargetError::Misconfigured(what)
}

impl Register for HickoryTarget {
    type Payload = Quarantine;
    type Rider = Rider;
    type Error = TargetError;

    async fn load(&self) -> Result<Observed<Quarantine>, TargetError> {
        Ok(self.0.cell.load())
    }

    async fn create(&self, genesis: Genesis<Quarantine>) -> Result<Swap<Quarantine>, TargetError> {
        let target = self.clone();
        aside(move || target.0.cell.create_after(genesis, |record| target.persist(record))).await
    }

    async fn swap(&self, permit: Permit<Quarantine>, rider: Rider) -> Result<Swap<Quarantine>, TargetError> {
        let edit = self.edit(&permit, rider)?;
        let served = match &edit {
            Edit::Put(served) => Some(served.clone()),
            _ => None,
        };
        let target = self.clone();
        aside(move || {
            let swap = target.0.cell.swap_after(permit, edit, |record| target.persist(record))?;
            if let (Swap::Won, Some(served)) = (&swap, &served) {
                target.went_live(served);
            }
            Ok(swap)
        })
        .await
    }
}

impl Target for HickoryTarget {
    fn id(&self) -> &TargetId {
        &self.0.id
    }

    fn zone(&self) -> &OwnerName {
        &self.0.zone
    }

    fn layout(&self) -> Layout {
        Layout::Whole
    }

    fn outline(&self, _: &Plan, _: &Basis) -> Outline {
        Outline { stage: 0, place: 1 }
    }

    /// A repair puts the whole plan again, however much of it differs.
    fn repair_limit(&self) -> usize {
        usize::MAX
    }

    async fn audit(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Result<Audit, TargetError> {
        // What somebody reads is kept by the cell itself.
        let (differing, held) = (self.differing(plan, set_aside), BTreeSet::new());
        Ok(Audit { differing, trees: self.trees(), held })
    }
}

impl fmt::Debug for HickoryTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HickoryTarget")
            .field("id", &self.0.id)
            .field("zone", &self.0.zone)
            .field("cell", &self.0.cell)
            .finish_non_exhaustive()
    }
}
