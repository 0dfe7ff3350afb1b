//! Faults around a target: requests that get lost, replies that get lost, writes that arrive late.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use dnsplan_fence::{Genesis, Observed, Permit, Register, Swap};
use dnsplan_plan::{OwnerName, Plan, TargetId};

use crate::{Arrival, Audit, Basis, FenceRecord, Layout, Outline, Quarantine, Rider, Target, TargetError};

/// What becomes of one swap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing special.
    None,
    /// It takes effect, but the reply is lost.
    LoseReply,
    /// It never arrives, and nobody knows.
    LoseRequest,
    /// It does not arrive now, and nobody knows; [`Faulty::deliver`] lets it arrive.
    Delay,
    /// It is refused outright; everybody knows.
    Fail,
}

/// A target with faults in front of it.
pub struct Faulty<T> {
    inner: Arc<T>,
    faults: Mutex<VecDeque<Fault>>,
    delayed: Mutex<Vec<(Permit<Quarantine>, Rider)>>,
}

const UNPOISONED: &str = "invariant: nothing panics while it is locked";

impl<T: Target> Faulty<T> {
    /// `inner` with `faults` for its next swaps, in order; after them, none.
    pub fn new(inner: Arc<T>, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self { inner, faults: Mutex::new(faults.into_iter().collect()), delayed: Mutex::default() }
    }

    /// How many delayed writes there are.
    pub fn delayed(&self) -> usize {
        self.delayed.lock().expect(UNPOISONED).len()
    }

    /// Lets the oldest delayed write arrive, and says what became of it; `None` where there is none.
    ///
    /// # Errors
    /// The target's.
    pub async fn deliver(&self) -> Result<Option<Swap<Quarantine>>, TargetError> {
        let next = {
            let mut delayed = self.delayed.lock().expect(UNPOISONED);
            if delayed.is_empty() { None } else { Some(delayed.remove(0)) }
        };
        match next {
            Some((permit, rider)) => self.inner.swap(permit, rider).await.map(Some),
            None => Ok(None),
        }
    }
}

impl<T: Target> Register for Faulty<T> {
    type Payload = Quarantine;
    type Rider = Rider;
    type Error = TargetError;

    async fn load(&self) -> Result<Observed<Quarantine>, TargetError> {
        self.inner.load().await
    }

    async fn create(&self, genesis: Genesis<Quarantine>) -> Result<Swap<Quarantine>, TargetError> {
        self.inner.create(genesis).await
    }

    async fn swap(&self, permit: Permit<Quarantine>, rider: Rider) -> Result<Swap<Quarantine>, TargetError> {
        let fault = self.faults.lock().expect(UNPOISONED).pop_front().unwrap_or(Fault::None);
        match fault {
            Fault::None => self.inner.swap(permit, rider).await,
            Fault::LoseReply => self.inner.swap(permit, rider).await.map(|_| Swap::Unknown),
            Fault::LoseRequest => Ok(Swap::Unknown),
            Fault::Delay => {
                self.delayed.lock().expect(UNPOISONED).push((permit, rider));
                Ok(Swap::Unknown)
            }
            Fault::Fail => Err(TargetError::Unavailable("a fault was asked for".to_owned())),
        }
    }
}

impl<T: Target> Target for Faulty<T> {
    fn id(&self) -> &TargetId {
        self.inner.id()
    }

    fn zone(&self) -> &OwnerName {
        self.inner.zone()
    }

    fn layout(&self) -> Layout {
        self.inner.layout()
    }

    fn outline(&self, plan: &Plan, basis: &Basis) -> Outline {
        self.inner.outline(plan, basis)
    }

    fn repair_limit(&self) -> usize {
        self.inner.repair_limit()
    }

    fn is_metered(&self) -> bool {
        self.inner.is_metered()
    }

    async fn arrival(&self) -> Result<Arrival, TargetError> {
        self.inner.arrival().await
    }

    fn recall(&self, record: &FenceRecord, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Option<Audit> {
        self.inner.recall(record, plan, set_aside)
    }

    async fn audit(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Result<Audit, TargetError> {
        self.inner.audit(plan, set_aside).await
    }
}
