//! The store as the trait has it: each call is one piece of work on the runtime's blocking pool.
//!
//! Rejected: `block_in_place`, which panics in a current-thread runtime and takes a worker away in the other kind; a
//! thread of its own, which would only be a pool of one.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_fence::{FreezeId, Generation, HeadAfter, Nonce, ParentGeneration, Witness};
use dnsplan_leadership::Leadership;
use dnsplan_plan::{
    AppendError, Demand, Entry, Freeze, OwnerName, Pin, Plan, PlanStore, Proposal, Pruned, Revision,
    StoreError, TargetId, TargetReport, TargetStatus, Timestamp,
};
use tokio::task::spawn_blocking;

use crate::keep::no_plan;
use crate::plans::ZoneRow;
use crate::role::{Append, EmbeddedRole, append_led};
use crate::session::{Fault, Session, Shared};
use crate::targets::unreported;

/// A [`PlanStore`] in one file, for all processes of one machine. Clones share everything.
///
/// Its futures need a tokio runtime, of either kind, and never block its workers. A future that is dropped has changed
/// all it was to change, or nothing: settle an append by [`PlanStore::find`].
#[derive(Clone)]
pub struct EmbeddedStore {
    pub(crate) shared: Arc<Shared>,
    pub(crate) lead: Option<Arc<Leadership<EmbeddedRole>>>,
}

impl EmbeddedStore {
    /// Writes a checkpoint of the zone's newest plan where the deltas since the last one have outgrown it, so that a
    /// process that starts reads less; says whether one was due. [`PlanStore::prune`] does this, too; an append never
    /// does, for it must cost what it changes.
    ///
    /// # Errors
    /// As for every read and write.
    pub async fn checkpoint(&self, zone: &OwnerName) -> Result<bool, StoreError> {
        let zone = zone.clone();
        self.blocking(move |shared| shared.checkpoint(&zone)).await
    }

    /// The plan that an append with this nonce was granted.
    pub(crate) async fn found(
        &self,
        zone: &OwnerName,
        attempt: Nonce,
    ) -> Result<Option<Arc<Plan>>, StoreError> {
        match self.find(zone, attempt).await? {
            Some(generation) => self.get(zone, generation).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn blocking<T, E>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        match spawn_blocking(move || work(&shared)).await {
            Ok(outcome) => outcome,
            Err(end) => match end.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(StoreError::Unknown("the runtime is shutting down".to_owned()).into()),
            },
        }
    }

    /// Reads what is there of a zone; a zone that the store has never heard of has the default.
    async fn in_zone<T: Default + Send + 'static>(
        &self,
        origin: &OwnerName,
        work: impl FnOnce(&Session<'_>, &ZoneRow) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let origin = origin.clone();
        let read = move |session: &Session<'_>| match session.zone(&origin)? {
            Some(zone) => work(session, &zone),
            None => Ok(T::default()),
        };
        self.blocking(|shared| shared.read(read)).await
    }

    /// Changes a zone that the store has heard of, and answers `otherwise` for one that it has not.
    async fn change<T: Send + 'static>(
        &self,
        origin: &OwnerName,
        otherwise: Result<T, StoreError>,
        work: impl FnOnce(&Session<'_>, &ZoneRow) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let origin = origin.clone();
        let write = move |session: &Session<'_>| match session.zone(&origin)? {
            Some(zone) => work(session, &zone),
            None => Ok(otherwise?),
        };
        self.blocking(|shared| shared.write(write)).await
    }

    /// Changes a zone, and takes it down where it is new.
    async fn add(
        &self,
        origin: &OwnerName,
        work: impl FnOnce(&Session<'_>, &ZoneRow) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), StoreError> {
        let origin = origin.clone();
        let write = move |session: &Session<'_>| work(session, &session.zone_or_new(&origin)?);
        self.blocking(|shared| shared.write(write)).await
    }
}

impl PlanStore for EmbeddedStore {
    async fn revision(&self) -> Result<Revision, StoreError> {
        self.blocking(|shared| shared.read(|session| session.revision().map(Revision))).await
    }

    async fn zones(&self) -> Result<Vec<OwnerName>, StoreError> {
        self.blocking(|shared| shared.read(|session| session.zones())).await
    }

    async fn head(&self, zone: &OwnerName) -> Result<Option<Arc<Plan>>, StoreError> {
        self.in_zone(zone, |session, zone| session.head(zone)).await
    }

    async fn head_after(&self, zone: &OwnerName, witness: Witness) -> Result<HeadAfter, StoreError> {
        let zone = zone.clone();
        self.blocking(move |shared| shared.read(|session| session.head_after(&zone, witness))).await
    }

    async fn get(&self, zone: &OwnerName, generation: Generation) -> Result<Option<Arc<Plan>>, StoreError> {
        self.in_zone(zone, move |session, zone| session.plan(zone, generation)).await
    }

    async fn append(
        &self,
        parent: ParentGeneration,
        proposal: Proposal,
        attempt: Nonce,
    ) -> Result<Arc<Plan>, AppendError> {
        match &self.lead {
            None => self.blocking(move |shared| shared.append(parent, proposal, attempt)).await,
            Some(lead) => append_led(self, lead, Append { parent, proposal, attempt }).await,
        }
    }

    async fn find(&self, zone: &OwnerName, attempt: Nonce) -> Result<Option<Generation>, StoreError> {
        self.in_zone(zone, move |session, zone| session.find(zone, attempt)).await
    }

    async fn history(&self, zone: &OwnerName, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.in_zone(zone, move |session, zone| session.history(zone, limit)).await
    }

    async fn touched(
        &self,
        zone: &OwnerName,
        after: Generation,
        upto: Generation,
    ) -> Result<Option<BTreeSet<OwnerName>>, StoreError> {
        self.in_zone(zone, move |session, zone| session.touched(zone, after, upto)).await
    }

    async fn report(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        report: TargetReport,
    ) -> Result<(), StoreError> {
        let target = target.clone();
        self.add(zone, move |session, zone| session.report(zone, &target, report)).await
    }

    async fn confirm(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        generation: Generation,
    ) -> Result<(), StoreError> {
        let target = target.clone();
        let unheard = Err(unreported(&target));
        self.change(zone, unheard, move |session, zone| session.confirm(zone, &target, generation)).await
    }

    async fn targets(&self, zone: &OwnerName) -> Result<Vec<TargetStatus>, StoreError> {
        self.in_zone(zone, |session, zone| session.targets(zone)).await
    }

    async fn demand(&self, zone: &OwnerName, demand: Demand) -> Result<(), StoreError> {
        self.add(zone, move |session, zone| session.demand(zone, &demand)).await
    }

    async fn demands(&self, zone: &OwnerName) -> Result<Vec<Demand>, StoreError> {
        self.in_zone(zone, |session, zone| session.demands(zone)).await
    }

    async fn allow_floor(&self, zone: &OwnerName, wanted: Generation) -> Result<Generation, StoreError> {
        self.change(zone, Ok(Generation::ZERO), move |session, zone| session.allow_floor(zone, wanted)).await
    }

    async fn pin(&self, zone: &OwnerName, pin: Pin) -> Result<(), StoreError> {
        let unheard = Err(no_plan(pin.generation));
        self.change(zone, unheard, move |session, zone| session.pin(zone, &pin)).await
    }

    async fn unpin(&self, zone: &OwnerName, generation: Generation) -> Result<bool, StoreError> {
        self.change(zone, Ok(false), move |session, zone| session.unpin(zone, generation)).await
    }

    async fn pins(&self, zone: &OwnerName) -> Result<Vec<Pin>, StoreError> {
        self.in_zone(zone, |session, zone| session.pins(zone)).await
    }

    async fn freeze(&self, by: &str, reason: &str, at: Timestamp) -> Result<Freeze, StoreError> {
        let (by, reason) = (by.to_owned(), reason.to_owned());
        self.blocking(move |shared| shared.write(|session| session.freeze(&by, &reason, at))).await
    }

    async fn unfreeze(&self, by: &str, at: Timestamp) -> Result<Vec<FreezeId>, StoreError> {
        let by = by.to_owned();
        self.blocking(move |shared| shared.write(|session| session.unfreeze(&by, at))).await
    }

    async fn frozen(&self) -> Result<Option<Freeze>, StoreError> {
        self.blocking(|shared| shared.read(|session| session.frozen())).await
    }

    async fn prune(&self, zone: &OwnerName, floor: Generation) -> Result<Pruned, StoreError> {
        let zone = zone.clone();
        self.blocking(move |shared| shared.prune(&zone, floor)).await
    }
}

impl std::fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedStore").field("path", &self.shared.path).finish_non_exhaustive()
    }
}
