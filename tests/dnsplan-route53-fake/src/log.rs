//! What was called, and what came of it.

use std::collections::BTreeMap;

use crate::change::{Change, Cost};
use crate::refusal::Refusal;

/// The API actions that the fake knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `POST /2013-04-01/hostedzone/{Id}/rrset/`
    ChangeResourceRecordSets,
    /// `GET /2013-04-01/hostedzone/{Id}/rrset`
    ListResourceRecordSets,
    /// `GET /2013-04-01/change/{Id}`
    GetChange,
    /// `GET /2013-04-01/hostedzone/{Id}`
    GetHostedZone,
    /// `GET /2013-04-01/hostedzonesbyname`
    ListHostedZonesByName,
}

impl Operation {
    /// The name of the action in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChangeResourceRecordSets => "ChangeResourceRecordSets",
            Self::ListResourceRecordSets => "ListResourceRecordSets",
            Self::GetChange => "GetChange",
            Self::GetHostedZone => "GetHostedZone",
            Self::ListHostedZonesByName => "ListHostedZonesByName",
        }
    }
}

/// A change request, in the order in which they were decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its place in the log.
    pub number: usize,
    /// Hosted zone, without `/hostedzone/`.
    pub zone_id: String,
    /// The changes as they were sent.
    pub changes: Vec<Change>,
    /// What came of it.
    pub outcome: Outcome,
    /// The number of the request that this is a second delivery of.
    pub duplicate_of: Option<usize>,
}

/// What came of a change request. What the caller was told is another thing: a reply may have been lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, under this change id.
    Accepted(String),
    /// Nothing was changed.
    Refused(Refusal),
    /// It never arrived.
    Lost,
}

impl Received {
    /// Whether it was done.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        matches!(self.outcome, Outcome::Accepted(_))
    }
}

/// What was counted since the start, or since the last reset. Second deliveries are not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    calls: BTreeMap<Operation, u64>,
    /// Changes in accepted batches.
    pub changes: u64,
    /// The most elements and the most characters that one accepted batch had; not necessarily the same batch.
    pub largest: Cost,
}

impl Counters {
    /// Calls of one operation that arrived or were lost, those that were refused among them.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.calls.get(&operation).copied().unwrap_or_default()
    }

    pub(crate) fn called(&mut self, operation: Operation) {
        *self.calls.entry(operation).or_default() += 1;
    }

    pub(crate) fn accepted(&mut self, changes: &[Change]) {
        self.changes += changes.iter().map(|_| 1).sum::<u64>();
        let cost = Cost::of(changes);
        self.largest.elements = self.largest.elements.max(cost.elements);
        self.largest.characters = self.largest.characters.max(cost.characters);
    }
}
