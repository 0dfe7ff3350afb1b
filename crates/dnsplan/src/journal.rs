//! In-process targets whose fence records live in the embedded store's file.

use std::sync::{Arc, Mutex};

use dnsplan_enactor::{FenceRecord, codec};
use dnsplan_fence::Offer;
use dnsplan_hickory::{HickoryTarget, Journal, JournalError};
use dnsplan_plan::{OwnerName, PlanStore, StoreError, TargetId};
use dnsplan_store::EmbeddedStore;

/// Keeps a target's record in the embedded store's file. Each write expects what the last one left, so that of two engines
/// under one name only one gets any further.
pub struct StoreJournal {
    store: Arc<EmbeddedStore>,
    zone: OwnerName,
    target: TargetId,
    state: Mutex<State>,
}

struct State {
    /// The text on disk, as far as it is known.
    last: Option<String>,
    /// A text whose commit may have happened, or not.
    unsure: Option<String>,
}

impl StoreJournal {
    /// The journal of one target of one zone, which goes on from what is on disk.
    ///
    /// # Errors
    /// [`StoreError`] where that cannot be read.
    pub fn open(store: Arc<EmbeddedStore>, zone: OwnerName, target: TargetId) -> Result<Self, StoreError> {
        let state = Mutex::new(State { last: store.load_fence(&zone, &target)?, unsure: None });
        Ok(Self { store, zone, target, state })
    }

    /// The text of the record, as it was when the journal was opened or last written.
    fn text(&self) -> Option<String> {
        self.state.lock().expect(UNPOISONED).last.clone()
    }
}

const UNPOISONED: &str = "invariant: nothing panics while the journal is locked";

impl StoreJournal {
    /// Looks whether a commit of which nothing was heard has happened.
    fn settle(&self, state: &mut State) -> Result<(), StoreError> {
        if state.unsure.is_some() {
            let found = self.store.load_fence(&self.zone, &self.target)?;
            if found == state.unsure {
                state.last = found;
            }
            state.unsure = None;
        }
        Ok(())
    }
}

impl Journal for StoreJournal {
    fn persist(&self, record: &FenceRecord) -> Result<(), JournalError> {
        let text = codec::encode(record);
        let mut state = self.state.lock().expect(UNPOISONED);
        self.settle(&mut state).map_err(JournalError::new)?;
        let (zone, target, live) = (&self.zone, &self.target, record.generation);
        match self.store.save_fence(zone, target, state.last.as_deref(), &text, live) {
            Ok(()) => {}
            Err(StoreError::Unknown(lost)) => {
                state.unsure = Some(text.clone());
                self.settle(&mut state).map_err(JournalError::new)?;
                if state.last.as_ref() != Some(&text) {
                    return Err(JournalError::new(lost));
                }
            }
            Err(error) => return Err(JournalError::new(error)),
        }
        state.last = Some(text);
        Ok(())
    }
}

/// The in-process target `id` for `zone` as it was left: where its record and the plan that it grants are there, it answers
/// at once with what was live before, newer plans or not. Of two who serve the same `id` at once only one gets any further.
///
/// # Errors
/// [`StoreError`] where the store cannot be read.
pub async fn open_target(
    store: &Arc<EmbeddedStore>,
    zone: &OwnerName,
    id: &TargetId,
) -> Result<HickoryTarget, StoreError> {
    let journal = StoreJournal::open(Arc::clone(store), zone.clone(), id.clone())?;
    let Some(text) = journal.text() else {
        return Ok(HickoryTarget::new(id.clone(), zone.clone(), journal));
    };
    let record = match codec::decode(&text) {
        Ok(record) => record,
        // As with any target whose record is corrupt: bootstrapped anew, and then only from the newest plan. So it is where the
        // record is of a later format: what it granted was in the process that is gone, and nobody else serves under this name.
        Err(error) => {
            tracing::warn!(%zone, target = %id, %error, "the fence record on disk is not readable; it is made anew");
            return Ok(HickoryTarget::new(id.clone(), zone.clone(), journal));
        }
    };
    // A plan that cannot be read keeps nothing else from being served: the enactor puts the newest one there.
    let plan = store.get(zone, record.generation).await.unwrap_or_else(|error| {
        tracing::warn!(%zone, target = %id, %error, "the plan that was live cannot be read");
        None
    });
    let plan = plan.filter(|plan| plan.digest() == record.digest);
    let refused = |error: dnsplan_hickory::RestoreError| StoreError::Corrupt(error.to_string());
    HickoryTarget::restored(id.clone(), zone.clone(), record, plan, journal).map_err(refused)
}
