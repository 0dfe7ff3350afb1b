//! Observations: what a load found, and the store's standing that was read after it.
//!
//! [`Observed::witness`] is handed to the plan store, whose answer ([`HeadAfter`]) is therefore younger than the load. Under an
//! unknown record a head that was read earlier could take DNS backwards.

use std::collections::BTreeSet;

use crate::{Actor, Digest, FreezeId, Generation, Nonce, Progress, Record, Sighting};

/// What a load found.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed<P> {
    /// Nothing. Absence is not a token: all it allows is [`Observed::genesis`].
    Absent,
    /// Something that is not a record; the exact bytes are the precondition for replacing it.
    Unreadable(Box<[u8]>),
    /// A record.
    Record(Record<P>),
}

/// Proof that a load happened, to be answered by the plan store. It is neither `Clone` nor `Copy`.
#[must_use]
#[derive(Debug)]
pub struct Witness {
    attempt: Option<Nonce>,
    freeze: Option<FreezeId>,
}

/// What the plan store says: its newest generation and its freezes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    head: Generation,
    active: Option<FreezeId>,
    lifted: BTreeSet<FreezeId>,
}

impl Standing {
    /// A store whose newest plan is `head` and that has no freeze.
    #[must_use]
    pub const fn new(head: Generation) -> Self {
        Self { head, active: None, lifted: BTreeSet::new() }
    }

    /// The same with an active freeze.
    #[must_use]
    pub const fn frozen_by(mut self, freeze: Option<FreezeId>) -> Self {
        self.active = freeze;
        self
    }

    /// The same with the freezes that were lifted.
    #[must_use]
    pub fn having_lifted(mut self, lifted: BTreeSet<FreezeId>) -> Self {
        self.lifted = lifted;
        self
    }

    /// The newest generation.
    #[must_use]
    pub const fn head(&self) -> Generation {
        self.head
    }

    /// The active freeze.
    #[must_use]
    pub const fn freeze(&self) -> Option<FreezeId> {
        self.active
    }
}

/// A store's standing, read after the load that the witness came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadAfter {
    attempt: Option<Nonce>,
    head: Generation,
    frozen: Option<FreezeId>,
}

impl Witness {
    /// For plan stores only: answers with a standing that was read *after* this witness was received.
    #[must_use]
    pub fn answered(self, standing: Standing) -> HeadAfter {
        let held = self.freeze.filter(|id| !standing.lifted.contains(id));
        HeadAfter { attempt: self.attempt, head: standing.head, frozen: standing.active.or(held) }
    }
}

impl HeadAfter {
    /// The newest generation in the store.
    #[must_use]
    pub const fn head(&self) -> Generation {
        self.head
    }

    /// The freeze in force: the store's own, or the record's where the store has not lifted it.
    #[must_use]
    pub const fn frozen(&self) -> Option<FreezeId> {
        self.frozen
    }
}

/// Permission to put a first record where there is none. It grants nothing and writes nothing else.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Genesis<P> {
    replaces: Option<Box<[u8]>>,
    record: Record<P>,
}

impl<P> Genesis<P> {
    /// The exact bytes that must still be there, or `None` where there must be no record at all.
    #[must_use]
    pub fn replaces(&self) -> Option<&[u8]> {
        self.replaces.as_deref()
    }

    /// The record to write.
    #[must_use]
    pub const fn record(&self) -> &Record<P> {
        &self.record
    }

    /// The record to write, by value.
    #[must_use]
    pub fn into_record(self) -> Record<P> {
        self.record
    }
}

impl<P> Observed<P> {
    /// The nonce of the write that put the record there.
    #[must_use]
    pub fn attempt(&self) -> Option<Nonce> {
        self.record().map(|record| record.attempt)
    }

    /// The record, where there is one.
    #[must_use]
    pub const fn record(&self) -> Option<&Record<P>> {
        match self {
            Self::Record(record) => Some(record),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }

    /// What to hand to the plan store, so that its answer is younger than this load.
    pub fn witness(&self) -> Witness {
        Witness { attempt: self.attempt(), freeze: self.record().and_then(|record| record.freeze) }
    }

    /// The first of the two swaps of a bootstrap, or `None` where a record is there.
    #[must_use]
    pub fn genesis(self, attempt: Nonce, by: &Actor, payload: P) -> Option<Genesis<P>> {
        let replaces = match self {
            Self::Absent => None,
            Self::Unreadable(bytes) => Some(bytes),
            Self::Record(_) => return None,
        };
        let record = Record {
            generation: Generation::ZERO,
            digest: Digest::ZERO,
            base: Generation::ZERO,
            floor: Generation::ZERO,
            flip: Progress::NONE,
            stage: None,
            freeze: None,
            attempt,
            by: by.clone(),
            payload,
        };
        Some(Genesis { replaces, record })
    }

    /// Load and head together, or `None` where there is no record, or `head` answers another load's witness.
    #[must_use]
    pub fn sight(self, head: HeadAfter) -> Option<Sighting<P>> {
        match self {
            Self::Record(record) if head.attempt == Some(record.attempt) => Some(Sighting::new(record, head)),
            _ => None,
        }
    }
}
