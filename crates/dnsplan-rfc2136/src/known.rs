//! What a target remembers. All of it can be lost at any time: it says whose something is where no plan at hand does.

use std::collections::{BTreeSet, HashMap};

use dnsplan_enactor::FenceRecord;
use dnsplan_fence::Nonce;
use dnsplan_plan::{OwnerName, RecordType};

use crate::content::{Content, Node};
use crate::unit::Unit;

/// What is remembered.
#[derive(Default)]
pub(crate) struct Known {
    /// What this target has put there, or the plan that was live had. Once somebody else of ours has written, nobody knows whose it is
    /// by now.
    ours: Ours,
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

/// Owner names, and the types there that are ours.
#[derive(Default)]
pub(crate) struct Ours(HashMap<OwnerName, BTreeSet<RecordType>>);

impl Ours {
    /// The types at an owner name.
    pub(crate) fn at(&self, owner: &OwnerName) -> impl Iterator<Item = RecordType> {
        self.0.get(owner).into_iter().flatten().copied()
    }

    /// Whether a type at an owner name is.
    pub(crate) fn has(&self, owner: &OwnerName, record_type: RecordType) -> bool {
        self.0.get(owner).is_some_and(|types| types.contains(&record_type))
    }

    /// `replaced` has gone, and `wanted` has come.
    fn replace(&mut self, owner: &OwnerName, replaced: &BTreeSet<RecordType>, wanted: &Node) {
        let types = self.0.entry(owner.clone()).or_default();
        types.retain(|record_type| !replaced.contains(record_type));
        types.extend(wanted.keys());
        if types.is_empty() {
            self.0.remove(owner);
        }
    }
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
    /// What this target has put there, or the live plan had.
    pub(crate) const fn ours(&self) -> &Ours {
        &self.ours
    }

    /// What the live plan has at its owner names is ours.
    pub(crate) fn claim(&mut self, keys: impl IntoIterator<Item = (OwnerName, RecordType)>) {
        for (owner, record_type) in keys {
            self.ours.0.entry(owner).or_default().insert(record_type);
        }
    }

    /// The record was read, and carries this attempt. Where there is none, none of ours has taken it away.
    pub(crate) fn loaded(&mut self, attempt: Option<Nonce>) {
        match (self.pending.take(), attempt) {
            // Nobody has written since: the write whose reply was lost is the last one.
            (Some(pending), Some(attempt)) if pending.attempt == attempt => self.wrote(pending, true),
            (_, Some(_)) if attempt != self.seen => self.ours.0.clear(),
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
            self.ours.replace(&unit.owner, unit.replaced(), &unit.wanted);
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
