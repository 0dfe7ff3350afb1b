//! What a run leaves behind.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use dnsplan_leadership as lead;

use crate::trace::Entry;

/// An invariant of docs/leadership.md.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Invariant {
    /// I1: accepted writes of one epoch come from one life of one node.
    OneWriter,
    /// I2: epochs of accepted writes never decrease.
    Monotone,
    /// I3: who is granted an epoch has every accepted write of every epoch before.
    NothingLost,
    /// I3, as a client sees it: what was acknowledged is kept by whoever leads later.
    AcknowledgedKept,
    /// I4: once an epoch is sealed, by the storage or by the record, nothing of it is accepted.
    SealHolds,
    /// I5: once faults stop, every hand-off has ended, a live node leads, and clients write again.
    Completes,
    /// No guarantee: whatever the story waited for has happened. Where it has not, the story may be wrong.
    CameToItsEnd,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::OneWriter,
        Self::Monotone,
        Self::NothingLost,
        Self::AcknowledgedKept,
        Self::SealHolds,
        Self::Completes,
        Self::CameToItsEnd,
    ];

    /// Its name in JSON, such as `one-writer`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::OneWriter => "one-writer",
            Self::Monotone => "monotone",
            Self::NothingLost => "nothing-lost",
            Self::AcknowledgedKept => "acknowledged-kept",
            Self::SealHolds => "seal-holds",
            Self::Completes => "completes",
            Self::CameToItsEnd => "came-to-its-end",
        }
    }

    /// What it means that it broke, in words for people.
    #[must_use]
    pub const fn failure(self) -> &'static str {
        match self {
            Self::OneWriter => "two lives wrote under one epoch",
            Self::Monotone => "two writers at once",
            Self::NothingLost => "who leads lacks an accepted write",
            Self::AcknowledgedKept => "an acknowledged write was lost",
            Self::SealHolds => "a deposed node's write was accepted",
            Self::Completes => "nobody can write any more",
            Self::CameToItsEnd => "the story did not come to its end",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// A rule that is switched off, to see what it is for. There is no such switch outside the simulator.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Weak {
    /// Demotion is a message: the storage does not check.
    Seal,
    /// Nobody waits for the drain. It is politeness: nothing may break, but writes are aborted.
    Drain,
    /// Rolling back opens the epoch again that was there before, in the record and at the storage.
    ForwardRollback,
    /// A receipt counts for whatever epoch is to be sealed.
    ReceiptEpoch,
    /// A grant does not ask whether the node has every accepted write.
    CatchUp,
    /// A node that restarts goes on with what it was granted.
    Incarnation,
}

impl Weak {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Seal,
        Self::Drain,
        Self::ForwardRollback,
        Self::ReceiptEpoch,
        Self::CatchUp,
        Self::Incarnation,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Drain => "drain",
            Self::ForwardRollback => "forward-rollback",
            Self::ReceiptEpoch => "receipt-epoch",
            Self::CatchUp => "catch-up",
            Self::Incarnation => "incarnation",
        }
    }
}

impl fmt::Display for Weak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// Writes that the storage refused, in the write itself: those of one life of one node under one epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Virtual time of the first one, in milliseconds.
    pub at_ms: u64,
    /// Of the last one.
    pub until_ms: u64,
    /// The node.
    pub actor: Arc<str>,
    /// Which epoch they were sent under.
    pub epoch: u64,
    /// How many.
    pub writes: u64,
    /// Why, in words.
    pub why: String,
}

/// One hand-off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handover {
    /// The epoch that it ended, or was to end.
    pub ends: u64,
    /// Who held it, such as `a.1`.
    pub from: String,
    /// Who was meant to lead next.
    pub successor: String,
    /// When the record said so, in virtual milliseconds.
    pub began_ms: u64,
    /// The next epoch, who was granted it, and what that is; `None` where it never ended.
    pub ended: Option<(u64, String, lead::Outcome)>,
    /// From the last write that was accepted under the epoch to the first under a later one, in virtual milliseconds.
    pub pause_ms: Option<u64>,
    /// Writes of the epoch that were sent and refused.
    pub aborted: u64,
}

/// Writes of clients, counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Writes {
    /// That clients were told of.
    pub acknowledged: u64,
    /// That the storage took.
    pub accepted: u64,
    /// That were sent to the storage, and refused there.
    pub aborted: u64,
}

/// Where an invariant broke first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    /// Which one.
    pub invariant: Invariant,
    /// After how many events of the executor.
    pub step: u64,
    /// Virtual time since the start, in milliseconds.
    pub at_ms: u64,
    /// What was seen.
    pub text: String,
    /// The fact of an incident that it mirrors, where there is one.
    pub fact: Option<&'static str>,
}

/// A run, from its beginning to its verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What was played, in one line.
    pub title: String,
    /// What determined it.
    pub seed: u64,
    /// What was switched off.
    pub without: BTreeSet<Weak>,
    /// Everybody who has entries, in the order in which they are shown.
    pub lanes: Vec<Arc<str>>,
    /// The timeline, in order. What is said under `october` is a fact of an incident.
    pub entries: Vec<Entry>,
    /// What was refused, in order.
    pub refusals: Vec<Refusal>,
    /// The hand-offs, in order.
    pub handovers: Vec<Handover>,
    /// The writes, counted.
    pub writes: Writes,
    /// The kinds of alarms that the monitor raised, by name.
    pub alarms: BTreeSet<&'static str>,
    /// What broke, each invariant once, in the order in which they broke.
    pub breaches: Vec<Breach>,
    /// How many events there were.
    pub steps: u64,
    /// After how many of them everything was looked at. Nothing is said of a run that was never looked at.
    pub looks: u64,
    /// Virtual time at the end, in milliseconds.
    pub elapsed_ms: u64,
}

impl Outcome {
    /// Whether every invariant held at every step, and the run came to its end.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.looks > 0 && self.breaches.is_empty()
    }

    /// Where an invariant broke first, where it did.
    #[must_use]
    pub fn breach(&self, invariant: Invariant) -> Option<&Breach> {
        self.breaches.iter().find(|breach| breach.invariant == invariant)
    }
}
