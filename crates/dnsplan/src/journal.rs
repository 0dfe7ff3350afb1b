//! In-process targets whose fence records live in the embedded store's file.

use std::sync::Arc;

use dnsplan_enactor::{FenceRecord, codec};
use dnsplan_fence::Offer;
use dnsplan_hickory::{HickoryTarget, Journal, JournalError};
use dnsplan_plan::{OwnerName, PlanStore, StoreError, TargetId};
use dnsplan_store::EmbeddedStore;

/// Keeps a target's record in the embedded store's file.
pub struct StoreJournal {
    store: Arc<EmbeddedStore>,
    zone: OwnerName,
    target: TargetId,
}

impl StoreJournal {
    /// The journal of one target of one zone.
    #[must_use]
    pub const fn new(store: Arc<EmbeddedStore>, zone: OwnerName, target: TargetId) -> Self {
        Self { store, zone, target }
    }
}

impl Journal for StoreJournal {
    fn persist(&self, record: &FenceRecord) -> Result<(), JournalError> {
        let text = codec::encode(record);
        match self.store.save_fence(&self.zone, &self.target, &text, record.generation) {
            // The commit may have happened: what is on disk says so.
            Err(StoreError::Unknown(lost)) => match self.store.load_fence(&self.zone, &self.target) {
                Ok(found) if found.as_ref() == Some(&text) => Ok(()),
                Ok(_) => Err(JournalError::new(lost)),
                Err(error) => Err(JournalError::new(error)),
            },
            outcome => outcome.map_err(JournalError::new),
        }
    }
}

/// The in-process target `id` for `zone` as it was left: where its record and the plan that it grants are there, it answers
/// at once with what was live before, newer plans or not. Nobody else may serve the same `id` at the same time.
///
/// # Errors
/// [`StoreError`] where the store cannot be read.
pub async fn open_target(
    store: &Arc<EmbeddedStore>,
    zone: &OwnerName,
    id: &TargetId,
) -> Result<HickoryTarget, StoreError> {
    let journal = StoreJournal::new(Arc::clone(store), zone.clone(), id.clone());
    let Some(text) = store.load_fence(zone, id)? else {
        return Ok(HickoryTarget::new(id.clone(), zone.clone(), journal));
    };
    let record = match codec::decode(&text) {
        Ok(record) => record,
        // As with any target whose record is corrupt: bootstrapped anew, and then only from the newest plan.
        Err(error) => {
            tracing::warn!(%zone, target = %id, %error, "the fence record on disk is not readable; it is made anew");
            return Ok(HickoryTarget::new(id.clone(), zone.clone(), journal));
        }
    };
    let plan = store.get(zone, record.generation).await?.filter(|plan| plan.digest() == record.digest);
    let refused = |error: dnsplan_hickory::RestoreError| StoreError::Corrupt(error.to_string());
    HickoryTarget::restored(id.clone(), zone.clone(), record, plan, journal).map_err(refused)
}
