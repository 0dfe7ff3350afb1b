//! The difference between two versions of a zone, as a transfer has it (RFC 1995 section 4): one step, however many plans
//! lie between the two.
//!
//! 1. It is computed from what the plans differ in, and costs what they differ in.
//! 2. It is in terms of the records that a secondary has: where only weights moved, it is empty.
//! 3. Only the nodes that differ are held; the records are made one by one as they are sent.

use std::collections::HashSet;
use std::sync::Arc;

use dnsplan_plan::{NodeChange, RData, RRset};
use hickory_proto::rr::Record;

use super::content::{is_soa, records, transferred};
use super::history::Version;

#[derive(Debug)]
pub(crate) struct Difference {
    before: Arc<Version>,
    after: Arc<Version>,
    changes: Vec<NodeChange>,
}

impl Difference {
    /// From one version to another; `None` where it is no smaller than the whole, or is not wanted any more.
    pub(crate) fn between(
        before: Arc<Version>,
        after: Arc<Version>,
        is_wanted: impl Fn() -> bool,
    ) -> Option<Self> {
        if !is_wanted() {
            return None;
        }
        let changes = before.zone.diff(&after.zone).nodes;
        let found = Self { before, after, changes };
        let zone = &found.after.zone;
        let size = found.removed().chain(found.added()).take_while(|_| is_wanted()).count();
        // Counting records walks the zone. There are never fewer of them than RRsets, which settles nearly every case.
        let is_smaller = || size < zone.rrset_count() || size < records(zone).take(size + 1).count();
        (is_wanted() && is_smaller()).then_some(found)
    }

    /// The records between the first and the last SOA of a response.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> + Send {
        let (before, after) = ([self.before.soa.clone()], [self.after.soa.clone()]);
        before.into_iter().chain(self.removed()).chain(after).chain(self.added())
    }

    fn removed(&self) -> impl Iterator<Item = Record> + Send {
        self.changes.iter().flat_map(|change| self.left(change, false))
    }

    fn added(&self) -> impl Iterator<Item = Record> + Send {
        self.changes.iter().flat_map(|change| self.left(change, true))
    }

    /// The records of an owner name that only one side has: the later, or else the earlier.
    fn left(&self, change: &NodeChange, is_later: bool) -> Vec<Record> {
        let (origin, name) = (self.after.zone.origin(), change.owner.to_name());
        let mut found = Vec::new();
        for rrset in change.rrsets() {
            if is_soa(origin, &change.owner, rrset.record_type) {
                continue;
            }
            let (here, there) =
                if is_later { (rrset.after, rrset.before) } else { (rrset.before, rrset.after) };
            let Some(here) = here else { continue };
            let record = |data: &RData| Record::from_rdata(name.clone(), here.ttl().seconds(), data.clone());
            found.extend(only(here, there).into_iter().map(record));
        }
        found
    }
}

/// What `here` has and `there` has not. Where the TTLs differ, all of it: a record is removed and added with its TTL.
fn only<'a>(here: &'a RRset, there: Option<&RRset>) -> Vec<&'a RData> {
    let mut data = transferred(here);
    if let Some(there) = there.filter(|there| there.ttl() == here.ttl()) {
        let there: HashSet<&RData> = transferred(there).into_iter().collect();
        data.retain(|data| !there.contains(data));
    }
    data
}
