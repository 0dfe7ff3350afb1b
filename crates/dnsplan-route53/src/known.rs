//! What a target remembers of its zone. All of it can be lost or out of date at any time: what it says is a first guess at what a
//! batch replaces, and Route 53 refuses the batch where the guess is wrong.

use std::collections::BTreeSet;

use dnsplan_enactor::FenceRecord;
use dnsplan_fence::{Digest, Generation, Nonce};
use dnsplan_plan::{OwnerName, Plan, RecordType};

use crate::api::ChangeId;
use crate::record::{Change, RecordSet};
use crate::zone_map::ZoneMap;

/// Names the record sets of one owner name and type.
pub(crate) type Key = (OwnerName, RecordType);

/// What is remembered.
#[derive(Default)]
pub(crate) struct Known {
    /// The zone as it was listed, and as this target has changed it since.
    zone: Option<ZoneMap>,
    /// The attempt of the record under which `zone` is what there is, but for what others do past the fence.
    as_of: Option<Nonce>,
    /// What this target has put there, or the plan that was live had. Once somebody else of ours has written, nobody knows whose it
    /// is by now.
    pub(crate) ours: BTreeSet<Key>,
    /// A write whose reply was lost.
    pending: Option<Pending>,
    /// The record that this target's own last write has left: the next load need not ask for it.
    pub(crate) written: Option<FenceRecord>,
    /// The record that was seen last, read or written.
    seen: Option<FenceRecord>,
    pub(crate) chain: Option<Written>,
    pub(crate) flight: Flight,
}

/// A write of which nobody knows whether it took effect.
pub(crate) struct Pending {
    /// The attempt of the record that it expected.
    pub(crate) expected: Nonce,
    /// The attempt of the record that it leaves.
    pub(crate) attempt: Nonce,
    /// What it would have changed.
    pub(crate) changes: Vec<Change>,
}

/// The changes of this target's own that some edges may not have yet, and how often Route 53 was asked.
#[derive(Default)]
pub(crate) struct Flight {
    pub(crate) changes: Vec<ChangeId>,
    pub(crate) asked: u32,
    /// The reply to one of them was lost, and with it the id to ask by.
    pub(crate) is_lost: bool,
}

/// The parts of a chain that this target has written one after the other.
pub(crate) struct Written {
    /// Whose chain it is.
    pub(crate) of: ChainName,
    /// The change of each part; `None` once it has reached all edges.
    pub(crate) changes: Vec<Option<ChangeId>>,
    /// The attempt of the last of them: nobody else has written since, where the record still carries it.
    pub(crate) last: Nonce,
}

/// Names a chain: whose, what of it, and how it is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ChainName {
    pub(crate) generation: Generation,
    pub(crate) digest: Digest,
    pub(crate) is_stage: bool,
    pub(crate) parts: u32,
}

fn grants(record: &FenceRecord) -> bool {
    !record.generation.is_zero()
}

impl Known {
    /// The zone, where it is known as of that attempt.
    pub(crate) fn zone(&self, attempt: Nonce) -> Option<&ZoneMap> {
        self.zone.as_ref().filter(|_| self.as_of == Some(attempt))
    }

    /// The zone as it was listed last, and as this target has changed it since.
    pub(crate) const fn listing(&self) -> Option<&ZoneMap> {
        self.zone.as_ref()
    }

    /// Whether the zone was ever listed.
    pub(crate) const fn is_listed(&self) -> bool {
        self.zone.is_some()
    }

    /// Newer programs have been at work: nothing that was known of the zone counts any more, but that changes are on their way.
    pub(crate) fn forget(&mut self) {
        *self = Self { flight: std::mem::take(&mut self.flight), ..Self::default() };
    }

    /// A load has found this record.
    pub(crate) fn loaded(&mut self, record: Option<FenceRecord>) {
        let attempt = record.as_ref().map(|record| record.attempt);
        match self.pending.take() {
            // Nobody has written since: the write whose reply was lost is the last one.
            Some(pending) if Some(pending.attempt) == attempt => {
                self.claim(&pending.changes);
                self.advance(pending.attempt, &pending.changes, Some(pending.expected));
            }
            // A record that grants something is another writer's; one that is gone or has just been made anew says nothing.
            _ if attempt != self.attempt() && record.as_ref().is_some_and(grants) => self.ours.clear(),
            _ => {}
        }
        self.seen = record;
    }

    /// The zone was listed between the load before and one that found this attempt.
    pub(crate) fn listed(&mut self, zone: ZoneMap, before: Option<Nonce>, record: Option<FenceRecord>) {
        let after = record.as_ref().map(|record| record.attempt);
        self.ours.retain(|(name, record_type)| zone.at(name).any(|set| set.record_type == *record_type));
        self.zone = Some(zone);
        self.as_of = after.filter(|_| before == after);
        self.loaded(record);
    }

    /// The attempt of the record that was seen last.
    pub(crate) fn attempt(&self) -> Option<Nonce> {
        self.seen.as_ref().map(|record| record.attempt)
    }

    /// Whether that record says that all of this plan is in place.
    pub(crate) fn is_live(&self, plan: &Plan) -> bool {
        let is_it =
            |record: &FenceRecord| record.generation == plan.generation() && record.flip.is_complete();
        self.seen.as_ref().is_some_and(is_it)
    }

    /// A write took effect: it expected a record with `expected` and left one with `attempt`.
    pub(crate) fn wrote(&mut self, expected: Nonce, record: &FenceRecord, changes: &[Change]) {
        self.claim(changes);
        self.pending = None;
        self.seen = Some(record.clone());
        self.written = Some(record.clone());
        self.advance(record.attempt, changes, Some(expected));
    }

    fn claim(&mut self, changes: &[Change]) {
        for change in changes {
            let set = change.record_set();
            let key = (set.name.clone(), set.record_type);
            // What is deleted first and created then is ours; what is only deleted may be somebody else's tomorrow.
            match change {
                Change::Create(_) | Change::Upsert(_) => self.ours.insert(key),
                Change::Delete(_) => self.ours.remove(&key),
            };
        }
    }

    /// The reply to a write was lost.
    pub(crate) fn lost_reply(&mut self, lost: Pending) {
        self.written = None;
        self.pending = Some(lost);
    }

    /// What the last listing had at a name, or at and below it.
    pub(crate) fn listed_at(&self, name: &OwnerName, is_tree: bool) -> Vec<RecordSet> {
        match &self.zone {
            None => Vec::new(),
            Some(zone) if is_tree => zone.under(name).cloned().collect(),
            Some(zone) => zone.at(name).cloned().collect(),
        }
    }

    fn advance(&mut self, attempt: Nonce, changes: &[Change], from: Option<Nonce>) {
        if let Some(zone) = self.zone.as_mut().filter(|_| from.is_some() && self.as_of == from) {
            zone.apply(changes);
            self.as_of = Some(attempt);
        }
    }
}
