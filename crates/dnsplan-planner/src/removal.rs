//! How much may go in one step: the `max-removal` guard.
//!
//! 1. Two things are judged, each against its own total: the RRsets of the zone, and the records of each protected RRset.
//! 2. Up to `share` of the total may go; in a small zone, where a share says little, up to `count`, but then not more than
//!    half (rounded up). So 1 of 1 may go, and 2 of 3, but not 2 of 2 or 3 of 3.
//! 3. A protected RRset that goes as a whole does not count: it is retired by name, which somebody said, or the never-empty
//!    guard keeps it. SOA and NS of the apex are no part of the total: they cannot go.
//!
//! Rejected: a share that only counts from ten records on (octoDNS): a smaller zone can be wiped without a word. A share
//! alone: in a zone of three it refuses the removal of one, and teaches people to override.

use std::collections::BTreeSet;

use dnsplan_plan::{RData, RRset, RRsetKey, RecordType, Zone};

use crate::intent::Share;

/// How much may go in one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RemovalLimits {
    /// The part of all that may go.
    pub share: Share,
    /// The number that may go where the share would be less, up to half of all.
    pub count: usize,
}

impl Default for RemovalLimits {
    /// 30 %, and 5 in a small zone.
    fn default() -> Self {
        Self { share: Share::from_fraction(0.3).expect("invariant: 0.3 is a share"), count: 5 }
    }
}

impl RemovalLimits {
    /// How many of `total` may go.
    #[must_use]
    pub fn allowed(&self, total: usize) -> usize {
        self.share.floor_of(total).max(self.count.min(total.div_ceil(2)))
    }
}

/// More would go than may.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removal {
    /// The protected RRset whose records would go; `None` where it is the zone's RRsets.
    pub key: Option<RRsetKey>,
    /// How many would go.
    pub removed: usize,
    /// Of how many.
    pub total: usize,
    /// How many may go.
    pub allowed: usize,
}

impl std::fmt::Display for Removal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key, removed, total, allowed } = self;
        match key {
            Some(key) => write!(f, "{removed} of {total} records of {key} would go")?,
            None => write!(f, "{removed} of {total} RRsets would go")?,
        }
        write!(f, " at once, {allowed} may")
    }
}

/// Where `after` takes away more of `before` than `limits` allow. Costs what differs.
#[must_use]
pub fn removals(before: &Zone, after: &Zone, limits: RemovalLimits) -> Vec<Removal> {
    removals_but(before, after, limits, |_, _| false)
}

/// The same, but for records of protected RRsets that are `excused`.
pub(crate) fn removals_but(
    before: &Zone,
    after: &Zone,
    limits: RemovalLimits,
    excused: impl Fn(&RRsetKey, &RData) -> bool,
) -> Vec<Removal> {
    let mut found = Vec::new();
    let mut gone = 0;
    for change in before.diff(after).nodes {
        for (was, is) in change.rrsets().iter().filter_map(|change| Some((change.before?, change.after))) {
            let key = RRsetKey::new(change.owner.clone(), was.record_type());
            let is_protected = before.protection(&key).is_some();
            let answering = change.after.as_ref().and_then(|node| node.answering(key.record_type));
            gone += usize::from(answering.is_none() && !is_protected);
            if let Some(is) = is.filter(|_| is_protected) {
                let removed = lost(was, is).into_iter().filter(|data| !excused(&key, data)).count();
                found.extend(judge(Some(key), removed, was.len(), limits));
            }
        }
    }
    let apex = [RecordType::SOA, RecordType::NS];
    let kept = apex.into_iter().filter(|kind| before.rrset(before.origin(), *kind).is_some()).count();
    found.extend(judge(None, gone, before.rrset_count() - kept, limits));
    found
}

fn lost<'a>(was: &'a RRset, is: &RRset) -> Vec<&'a RData> {
    let kept: BTreeSet<&RData> = is.data().collect();
    was.data().filter(|data| !kept.contains(data)).collect()
}

fn judge(key: Option<RRsetKey>, removed: usize, total: usize, limits: RemovalLimits) -> Option<Removal> {
    let allowed = limits.allowed(total);
    (removed > allowed).then_some(Removal { key, removed, total, allowed })
}

#[cfg(test)]
mod tests {
    use super::RemovalLimits;

    #[test]
    fn small_totals_lose_half_and_large_ones_a_share() {
        let limits = RemovalLimits::default();
        let allowed: Vec<usize> = [0, 1, 2, 3, 4, 9, 10, 20, 1_000].map(|total| limits.allowed(total)).into();
        assert_eq!(allowed, [0, 1, 1, 2, 2, 5, 5, 6, 300]);
    }
}
