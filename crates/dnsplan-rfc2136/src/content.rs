//! What a zone holds: RRsets as a server has them.

use std::collections::BTreeMap;

use dnsplan_plan::{OwnerName, RData, RRset, RecordType, Ttl};
use litemap::LiteMap;

use crate::message::{Received, data_bytes};

/// An RRset as a server has it: without ids and weights.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Set {
    /// `None` where its records have different ones, as some servers let them: such a set is like no other.
    pub(crate) ttl: Option<u32>,
    /// The data of its records in wire form, sorted.
    pub(crate) data: Vec<Vec<u8>>,
}

/// What is at one owner name: of most, one RRset.
pub(crate) type Node = LiteMap<RecordType, Set>;

/// A zone, by owner name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Content(BTreeMap<OwnerName, Node>);

impl Set {
    /// The set of some data. Those that are there twice are there once.
    ///
    /// # Errors
    /// Why they cannot be encoded.
    pub(crate) fn new<'d>(ttl: u32, data: impl IntoIterator<Item = &'d RData>) -> Result<Self, String> {
        let mut data: Vec<Vec<u8>> = data.into_iter().map(data_bytes).collect::<Result<_, _>>()?;
        data.sort();
        data.dedup();
        Ok(Self { ttl: Some(ttl), data })
    }
}

impl Content {
    /// The zone that a transfer has brought.
    pub(crate) fn of(records: Vec<Received>) -> Self {
        let mut groups: BTreeMap<(OwnerName, RecordType), Vec<Received>> = BTreeMap::new();
        for record in records {
            groups.entry((record.owner.clone(), record.record_type)).or_default().push(record);
        }
        let mut content = Self::default();
        for ((owner, record_type), group) in groups {
            content.0.entry(owner).or_default().insert(record_type, received(&group));
        }
        content
    }

    /// What is at an owner name.
    pub(crate) fn node(&self, owner: &OwnerName) -> Option<&Node> {
        self.0.get(owner)
    }

    /// All of it, in canonical order.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (&OwnerName, &Node)> {
        self.0.iter()
    }

    /// Whether the server signs the zone.
    pub(crate) fn is_signed(&self, apex: &OwnerName) -> bool {
        self.node(apex).is_some_and(|node| node.contains_key(&RecordType::DNSKEY))
    }

    /// Puts sets in place of those of the types `replaced`.
    pub(crate) fn put<'s>(
        &mut self,
        owner: &OwnerName,
        replaced: impl IntoIterator<Item = &'s RecordType>,
        sets: &Node,
    ) {
        let node = self.0.entry(owner.clone()).or_default();
        for record_type in replaced {
            node.remove(record_type);
        }
        node.extend(sets.iter().map(|(record_type, set)| (*record_type, set.clone())));
        if node.is_empty() {
            self.0.remove(owner);
        }
    }
}

/// A set of records as they came: in canonical form (RFC 4034 section 6.2) as far as anybody here can read them.
fn received(group: &[Received]) -> Set {
    let first = group.first().map_or(0, |record| record.ttl);
    let is_one = group.iter().all(|record| record.ttl == first);
    let canonical = |record: &Received| match &record.data {
        Ok(data) => canonical(data).unwrap_or_default(),
        Err(raw) => raw.clone(),
    };
    let mut data: Vec<Vec<u8>> = group.iter().map(canonical).collect();
    data.sort();
    data.dedup();
    Set { ttl: is_one.then_some(first), data }
}

fn canonical(data: &RData) -> Option<Vec<u8>> {
    let rrset = RRset::simple(Ttl::MAX, [data.clone()]).ok()?;
    let data = rrset.data().next()?;
    data_bytes(data).ok()
}
