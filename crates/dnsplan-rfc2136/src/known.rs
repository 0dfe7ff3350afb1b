//! What a target remembers. All of it can be lost at any time: it says whose something is where no plan at hand does.

use std::collections::BTreeSet;

use dnsplan_enactor::FenceRecord;
use dnsplan_fence::Nonce;
use dnsplan_plan::{OwnerName, RecordType};

use crate::content::Content;
use crate::unit::Unit;

/// What is remembered.
#[derive(Default)]
pub(crate) struct Known {
    /// What this target has put there, or the plan that was live had. Once somebody else of ours has written, nobody knows whose it is
    /// by now.
    ours: BTreeSet<(OwnerName, RecordType)>,
    /// The attempt of the record that was seen last, read or written.
    seen: Option<Nonce>,
    /// The record that this target has written just now: the look that follows a write need not ask for it.
    written: Option<FenceRecord>,
    /// A write whose reply was lost.
    pending: Option<Pending>,
    /// Whether the zone was compared as a whole, and was found as it should be; and no write since may have been ignored in part.
    pub(crate) is_audited: bool,
    /// The zone as it was transferred for a write, and as this target has changed it since; and the attempt that its record carries.
    /// It is kept from one part of a chain to the next.
    looked: Option<(Nonce, Content)>,
}

/// A write that nobody knows the end of.
pub(crate) struct Pending {
    /// The attempt of the record that it expected.
    pub(crate) expected: Nonce,
    /// The attempt of the record that it leaves.
    pub(crate) attempt: Nonce,
    pub(crate) units: Vec<Unit>,
}

impl Known {
    /// The types that this target has put at an owner name, or that the live plan had there.
    pub(crate) fn ours_at(&self, owner: &OwnerName) -> impl Iterator<Item = RecordType> {
        let from = (owner.clone(), RecordType::ZERO);
        let here = self.ours.range(from..).take_while(move |(name, _)| name == owner);
        here.map(|(_, record_type)| *record_type)
    }

    /// Everything that is remembered to be ours.
    pub(crate) const fn ours(&self) -> &BTreeSet<(OwnerName, RecordType)> {
        &self.ours
    }

    /// What the live plan has at its owner names is ours.
    pub(crate) fn claim(&mut self, keys: impl IntoIterator<Item = (OwnerName, RecordType)>) {
        self.ours.extend(keys);
    }

    /// The record was read, and carries this attempt. Where there is none, none of ours has taken it away.
    pub(crate) fn loaded(&mut self, attempt: Option<Nonce>) {
        match (self.pending.take(), attempt) {
            // Nobody has written since: the write whose reply was lost is the last one.
            (Some(pending), Some(attempt)) if pending.attempt == attempt => self.wrote(pending, true),
            (_, Some(_)) if attempt != self.seen => self.ours.clear(),
            _ => {}
        }
        self.seen = attempt;
        self.written = None;
    }

    /// What the next look would bring, where this target has written just before. What others have written since makes the next
    /// write fail, and is looked at then.
    pub(crate) fn just_written(&mut self) -> Option<FenceRecord> {
        self.written.take()
    }

    /// The server has said that it took a write, and so has this record.
    pub(crate) fn has(&mut self, record: FenceRecord) {
        self.written = Some(record);
    }

    /// This target has put a first record there: nobody else has.
    pub(crate) fn created(&mut self, attempt: Nonce) {
        self.seen = Some(attempt);
    }

    /// The reply to a write was lost.
    pub(crate) fn lost_reply(&mut self, write: Pending) {
        self.pending = Some(write);
        self.written = None;
    }

    /// A write took effect. The zone that was looked at for it is kept where the next part may want it.
    pub(crate) fn wrote(&mut self, write: Pending, keeps_looked: bool) {
        let Pending { expected, attempt, units } = write;
        for unit in &units {
            // Most of what is replaced is put there anew.
            let gone = unit.replaced().iter().filter(|record_type| !unit.wanted.contains_key(record_type));
            for record_type in gone {
                self.ours.remove(&(unit.owner.clone(), *record_type));
            }
            self.ours.extend(unit.wanted.keys().map(|record_type| (unit.owner.clone(), *record_type)));
        }
        let looked = self.looked.take().filter(|(as_of, _)| *as_of == expected && keeps_looked);
        self.looked = looked.map(|(_, mut content)| {
            for unit in &units {
                content.put(&unit.owner, unit.replaced(), &unit.wanted);
            }
            (attempt, content)
        });
        self.pending = None;
        self.seen = Some(attempt);
    }

    /// The zone, where it is known as of that attempt.
    pub(crate) fn looked(&self, attempt: Nonce) -> Option<&Content> {
        self.looked.as_ref().filter(|(as_of, _)| *as_of == attempt).map(|(_, content)| content)
    }

    /// What was looked at is out of date.
    pub(crate) fn forget_look(&mut self) {
        self.looked = None;
    }

    /// The zone was transferred, and its record carries this attempt.
    pub(crate) fn look(&mut self, attempt: Nonce, content: Content) {
        self.looked = Some((attempt, content));
    }
}
