//! Plans: immutable, complete, numbered by the store.

use std::sync::Arc;

use dnsplan_fence::{Digest, Generation, Offer, OfferedGeneration, ParentGeneration};
use serde::{Deserialize, Serialize};

use crate::Zone;

/// Milliseconds since 1970-01-01T00:00:00Z. For people to read; no decision about a write depends on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// A time from its milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Its milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

/// One source that a plan was made from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Input {
    /// What it is: a file, a health feed.
    pub name: String,
    /// Which version of it was used, as far as it has one; `unknown` where the last good plan stood in for it.
    pub version: String,
}

/// One guard lifted for one plan, with the reason, and judged against the clock when the plan was appended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Override {
    /// The guard's id, such as `max-removal`.
    pub guard: String,
    /// Why.
    pub reason: String,
    /// When it ceased to count.
    pub expires: Timestamp,
}

/// Who made a plan, when, why and from what. It is no part of the content, and so not of the digest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Provenance {
    /// Who.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// From what.
    pub inputs: Vec<Input>,
    /// The guards that were lifted for it.
    pub overrides: Vec<Override>,
}

impl Provenance {
    /// A provenance without inputs and overrides.
    pub fn new(author: impl Into<String>, at: Timestamp, reason: impl Into<String>) -> Self {
        Self { author: author.into(), at, reason: reason.into(), inputs: Vec::new(), overrides: Vec::new() }
    }

    /// Whether a guard was lifted.
    #[must_use]
    pub fn lifts(&self, guard: &str) -> bool {
        self.overrides.iter().any(|lifted| lifted.guard == guard)
    }
}

/// A plan before the store gave it a generation. It can be appended, and nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// The complete content.
    pub zone: Zone,
    /// Who, when, why, from what.
    pub provenance: Provenance,
}

/// An immutable, complete description of a zone's RRsets. Nothing is left to choose or to look up when it is enacted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    generation: OfferedGeneration,
    parent: ParentGeneration,
    digest: Digest,
    zone: Zone,
    provenance: Arc<Provenance>,
}

impl Plan {
    /// For plan stores only: the proposal under the generation that its append was granted.
    #[must_use]
    pub fn granted(generation: OfferedGeneration, parent: ParentGeneration, proposal: Proposal) -> Self {
        let Proposal { zone, provenance } = proposal;
        Self { generation, parent, digest: zone.digest(), zone, provenance: Arc::new(provenance) }
    }

    /// Its generation, as a plain number for display and look-ups.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation.into()
    }

    /// The generation it was made on.
    #[must_use]
    pub const fn parent(&self) -> ParentGeneration {
        self.parent
    }

    /// The content.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Who, when, why, from what.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }
}

impl Offer for Plan {
    fn offered(&self) -> OfferedGeneration {
        self.generation
    }

    fn digest(&self) -> Digest {
        self.digest
    }
}
