//! What a hosted zone holds, as far as anybody has looked.

use std::collections::BTreeMap;

use dnsplan_plan::{OwnerName, RecordType};

use crate::record::{Change, RecordSet, SetKey};

/// Record sets by what names them, in canonical order of their names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ZoneMap(BTreeMap<SetKey, RecordSet>);

impl ZoneMap {
    /// Puts a record set in place of what was under its key.
    pub(crate) fn insert(&mut self, set: RecordSet) {
        self.0.insert(set.key(), set);
    }

    /// Does what Route 53 did with a batch that it took.
    pub(crate) fn apply<'c>(&mut self, changes: impl IntoIterator<Item = &'c Change>) {
        for change in changes {
            match change {
                Change::Create(set) | Change::Upsert(set) => self.insert(set.clone()),
                Change::Delete(set) => {
                    self.0.remove(&set.key());
                }
            }
        }
    }

    /// All record sets, in canonical order of their names.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &RecordSet> {
        self.0.values()
    }

    /// The record sets at one name.
    pub(crate) fn at<'z>(&'z self, name: &'z OwnerName) -> impl Iterator<Item = &'z RecordSet> {
        self.from(name).take_while(move |set| set.name == *name)
    }

    /// The record sets at a name and below it.
    pub(crate) fn under<'z>(&'z self, name: &'z OwnerName) -> impl Iterator<Item = &'z RecordSet> {
        // In canonical order everything below a name follows it directly.
        self.from(name).take_while(move |set| set.name.is_in(name))
    }

    fn from(&self, name: &OwnerName) -> impl Iterator<Item = &RecordSet> {
        let first = SetKey { name: name.clone(), record_type: RecordType::ZERO, id: None };
        self.0.range(first..).map(|(_, set)| set)
    }
}

impl FromIterator<RecordSet> for ZoneMap {
    fn from_iter<I: IntoIterator<Item = RecordSet>>(sets: I) -> Self {
        Self(sets.into_iter().map(|set| (set.key(), set)).collect())
    }
}

#[cfg(test)]
mod tests;
