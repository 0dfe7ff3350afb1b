//! Nodes: everything that one owner name owns.

use std::collections::BTreeMap;

use hickory_proto::rr::RecordType;

use crate::RRset;

/// The RRsets of one owner name, by type. In place, an owner name changes as this unit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Node(BTreeMap<RecordType, RRset>);

impl Node {
    /// A node that owns nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The node with `rrset` in place of what it had of that type.
    #[must_use]
    pub fn with(mut self, rrset: RRset) -> Self {
        self.insert(rrset);
        self
    }

    /// Puts `rrset` in place of what the node had of that type.
    pub fn insert(&mut self, rrset: RRset) {
        self.0.insert(rrset.record_type(), rrset);
    }

    /// Takes an RRset away.
    pub fn remove(&mut self, record_type: RecordType) -> Option<RRset> {
        self.0.remove(&record_type)
    }

    /// The RRset of that type.
    #[must_use]
    pub fn get(&self, record_type: RecordType) -> Option<&RRset> {
        self.0.get(&record_type)
    }

    /// The RRsets, by type.
    pub fn rrsets(&self) -> impl ExactSizeIterator<Item = &RRset> {
        self.0.values()
    }

    /// The RRset that answers for `record_type`: the one of that type, or the CNAME that stands for all types.
    #[must_use]
    pub fn answering(&self, record_type: RecordType) -> Option<&RRset> {
        self.get(record_type).or_else(|| self.get(RecordType::CNAME))
    }

    /// Whether it owns nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<RRset> for Node {
    fn from_iter<I: IntoIterator<Item = RRset>>(rrsets: I) -> Self {
        let mut node = Self::new();
        rrsets.into_iter().for_each(|rrset| node.insert(rrset));
        node
    }
}
