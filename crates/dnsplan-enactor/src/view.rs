//! What one look brought.

use std::sync::Arc;

use dnsplan_fence::{Generation, HeadAfter, Observed, Sighting};
use dnsplan_plan::{Plan, Violation};

use crate::decide::{Aim, Situation};
use crate::{Basis, FenceRecord, Layout, Quarantine};

/// Everything that one look brought.
pub(crate) struct View {
    pub(crate) seen: Seen,
    pub(crate) plan: Option<Arc<Plan>>,
    pub(crate) basis: Arc<Basis>,
    pub(crate) aim: Option<Aim>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) confirmed: Generation,
    /// The highest generation of a tree that is there, where the record grants nothing.
    pub(crate) found: Generation,
}

/// A load and the head that was read after it.
pub(crate) enum Seen {
    Nothing(Observed<Quarantine>),
    Record(Sighting<Quarantine>),
}

impl View {
    pub(crate) fn situation(&self, layout: Layout) -> Situation<'_> {
        Situation {
            sighting: self.seen.sighting(),
            aim: self.aim,
            confirmed: self.confirmed,
            found: self.found,
            layout,
        }
    }

    pub(crate) fn sighting(&self) -> &Sighting<Quarantine> {
        self.seen.sighting().expect("invariant: a step that writes is decided on a readable record only")
    }

    pub(crate) fn plan(&self) -> Arc<Plan> {
        Arc::clone(self.plan.as_ref().expect("invariant: a step that writes is decided on a plan only"))
    }
}

impl Seen {
    pub(crate) fn new(observed: Observed<Quarantine>, head: HeadAfter) -> Self {
        if observed.record().is_none() {
            return Self::Nothing(observed);
        }
        Self::Record(observed.sight(head).expect("invariant: the head answers the witness of this very load"))
    }

    pub(crate) const fn sighting(&self) -> Option<&Sighting<Quarantine>> {
        match self {
            Self::Record(sighting) => Some(sighting),
            Self::Nothing(_) => None,
        }
    }

    pub(crate) fn record(&self) -> Option<&FenceRecord> {
        self.sighting().map(Sighting::record)
    }
}
