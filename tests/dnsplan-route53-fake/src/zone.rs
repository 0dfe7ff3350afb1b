//! What a hosted zone holds.

use std::collections::BTreeMap;

use crate::name::Name;
use crate::record::{Key, RecordSet};

/// A hosted zone and its record sets, in the order of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    pub(crate) id: String,
    pub(crate) name: Name,
    sets: BTreeMap<Key, RecordSet>,
}

/// The change of one record set: what it is afterwards, `None` where it is gone.
pub(crate) type Edit = (Key, Option<RecordSet>);

/// The name servers of every zone of the fake.
pub(crate) const NAME_SERVERS: [&str; 4] =
    ["ns-1.awsdns-01.org.", "ns-513.awsdns-00.net.", "ns-1025.awsdns-00.com.", "ns-1537.awsdns-00.co.uk."];

impl Zone {
    /// A new zone: the SOA and four name servers are there, as in Route 53.
    pub(crate) fn new(id: String, name: Name) -> Self {
        let mut zone = Self { id, name, sets: BTreeMap::new() };
        let soa = format!("{} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400", NAME_SERVERS[0]);
        let apex = zone.name.clone();
        let ns = RecordSet::new(apex.as_str(), "NS").ttl(172_800);
        let ns = NAME_SERVERS.iter().fold(ns, |set, server| set.value(*server));
        for set in [RecordSet::new(apex.as_str(), "SOA").ttl(900).value(soa), ns] {
            zone.set(Key::of(apex.clone(), &set), Some(set));
        }
        zone
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&RecordSet> {
        self.sets.get(key)
    }

    /// Puts or removes a record set, and returns what was there.
    pub(crate) fn set(&mut self, key: Key, set: Option<RecordSet>) -> Option<RecordSet> {
        match set {
            Some(set) => self.sets.insert(key, set),
            None => self.sets.remove(&key),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.sets.len()
    }

    /// All record sets from a key on.
    pub(crate) fn from(&self, start: &Key) -> impl Iterator<Item = (&Key, &RecordSet)> {
        self.sets.range(start..)
    }

    /// All record sets.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Key, &RecordSet)> {
        self.sets.iter()
    }

    /// The record sets of one name.
    pub(crate) fn named(&self, name: &Name) -> impl Iterator<Item = (&Key, &RecordSet)> {
        let start = Key::first(name, "");
        self.sets.range(start..).take_while(move |(key, _)| key.name == *name)
    }

    /// The record sets of one name and type.
    pub(crate) fn group(&self, name: &Name, record_type: &str) -> impl Iterator<Item = (&Key, &RecordSet)> {
        let start = Key::first(name, record_type);
        self.sets
            .range(start..)
            .take_while(move |(key, _)| key.name == *name && key.record_type == record_type)
    }

    /// What turns this zone's content into the other's.
    pub(crate) fn difference(&self, other: &Self) -> Vec<Edit> {
        let gone =
            self.sets.keys().filter(|key| !other.sets.contains_key(key)).map(|key| (key.clone(), None));
        let put = other.sets.iter().filter(|(key, set)| self.sets.get(key) != Some(set));
        gone.chain(put.map(|(key, set)| (key.clone(), Some(set.clone())))).collect()
    }
}
