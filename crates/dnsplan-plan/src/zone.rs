//! A zone's complete content: nodes by owner name, the protections of its endpoints, and what was retired.
//!
//! 1. Every owner name lies in the zone.
//! 2. The digest is that of the content, kept in step with every edit, and does not depend on how the content came about.
//! 3. A clone shares everything; an edit copies a path. Diff and digest of a small change cost what the change costs.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_fence::Digest;
use hickory_proto::rr::RecordType;
use imbl::{OrdMap, OrdSet};

use crate::set_hash::SetHash;
use crate::{Node, OwnerName, RRset, wire};

/// Names one RRset: owner name and type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RRsetKey {
    /// Its owner name.
    pub owner: OwnerName,
    /// Its type.
    pub record_type: RecordType,
}

impl RRsetKey {
    /// The key of an RRset.
    #[must_use]
    pub const fn new(owner: OwnerName, record_type: RecordType) -> Self {
        Self { owner, record_type }
    }
}

impl std::fmt::Display for RRsetKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.owner, self.record_type)
    }
}

/// A name does not lie in the zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{owner} does not lie in the zone {origin}")]
pub struct OutOfZone {
    owner: Box<OwnerName>,
    origin: Box<OwnerName>,
}

/// The complete content of a zone. Its SOA carries serial 0: the serial is the generation's, and a target fills it in.
#[derive(Clone)]
pub struct Zone {
    origin: OwnerName,
    nodes: OrdMap<OwnerName, Arc<Node>>,
    protected: OrdMap<RRsetKey, u16>,
    retired: OrdSet<RRsetKey>,
    rrsets: usize,
    hash: SetHash,
}

impl Zone {
    /// A zone that owns nothing.
    #[must_use]
    pub fn empty(origin: OwnerName) -> Self {
        Self {
            origin,
            nodes: OrdMap::new(),
            protected: OrdMap::new(),
            retired: OrdSet::new(),
            rrsets: 0,
            hash: SetHash::empty(),
        }
    }

    /// Its origin, the name of its apex.
    #[must_use]
    pub const fn origin(&self) -> &OwnerName {
        &self.origin
    }

    /// What `owner` owns.
    #[must_use]
    pub fn node(&self, owner: &OwnerName) -> Option<&Arc<Node>> {
        self.nodes.get(owner)
    }

    /// One RRset.
    #[must_use]
    pub fn rrset(&self, owner: &OwnerName, record_type: RecordType) -> Option<&RRset> {
        self.node(owner)?.get(record_type)
    }

    /// All nodes in canonical order.
    pub fn nodes(&self) -> impl Iterator<Item = (&OwnerName, &Arc<Node>)> {
        self.nodes.iter()
    }

    /// The nodes from `owner` on, itself included, in canonical order.
    pub fn nodes_from(&self, owner: &OwnerName) -> impl Iterator<Item = (&OwnerName, &Arc<Node>)> {
        self.nodes.range(owner.clone()..)
    }

    /// Whether a name exists: it owns something, or something below it does (an empty non-terminal, RFC 4592 2.2.2).
    #[must_use]
    pub fn exists(&self, owner: &OwnerName) -> bool {
        // In canonical order everything below a name follows it directly.
        self.nodes.get_next(owner).is_some_and(|(next, _)| next.is_in(owner))
    }

    /// How many owner names it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether it owns nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many RRsets it has.
    #[must_use]
    pub const fn rrset_count(&self) -> usize {
        self.rrsets
    }

    /// The digest of the content: equal exactly where owner names, RRsets, protections and retirements are.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.hash.digest(&wire::name(&self.origin))
    }

    /// The digest of what is left when some owner names are set aside.
    #[must_use]
    pub fn digest_without(&self, owners: &BTreeSet<OwnerName>) -> Digest {
        let mut rest = self.clone();
        owners.iter().for_each(|owner| {
            rest.clear(owner);
        });
        rest.digest()
    }

    /// Puts `node` in place of what `owner` owned; an empty node clears it.
    ///
    /// # Errors
    /// [`OutOfZone`] where `owner` does not lie in the zone.
    pub fn set(&mut self, owner: OwnerName, node: impl Into<Arc<Node>>) -> Result<(), OutOfZone> {
        if !owner.is_in(&self.origin) {
            return Err(OutOfZone { owner: Box::new(owner), origin: Box::new(self.origin.clone()) });
        }
        let node = node.into();
        if node.is_empty() {
            self.clear(&owner);
            return Ok(());
        }
        if self.nodes.get(&owner) == Some(&node) {
            return Ok(());
        }
        self.hash.add(&wire::node_element(&owner, &node));
        self.rrsets += node.rrsets().len();
        if let Some(before) = self.nodes.insert(owner.clone(), node) {
            self.forget(&owner, &before);
        }
        Ok(())
    }

    /// Puts one RRset in place of what `owner` owned of that type.
    ///
    /// # Errors
    /// [`OutOfZone`] where `owner` does not lie in the zone.
    pub fn set_rrset(&mut self, owner: OwnerName, rrset: RRset) -> Result<(), OutOfZone> {
        let before = self.nodes.get(&owner).map_or_else(Node::new, |node| Node::clone(node));
        self.set(owner, before.with(rrset))
    }

    /// Takes everything away that `owner` owned.
    pub fn clear(&mut self, owner: &OwnerName) -> Option<Arc<Node>> {
        let before = self.nodes.remove(owner)?;
        self.forget(owner, &before);
        Some(before)
    }

    fn forget(&mut self, owner: &OwnerName, node: &Node) {
        self.hash.remove(&wire::node_element(owner, node));
        self.rrsets -= node.rrsets().len();
    }

    /// The protected RRsets, each with the number of records it must keep at least.
    pub fn protected(&self) -> impl Iterator<Item = (&RRsetKey, u16)> {
        self.protected.iter().map(|(key, at_least)| (key, *at_least))
    }

    pub(crate) fn protections_from(&self, owner: &OwnerName) -> impl Iterator<Item = (&RRsetKey, &u16)> {
        let first = RRsetKey::new(owner.clone(), RecordType::from(0));
        self.protected.range(first..)
    }

    /// The number of records that a protected RRset must keep at least.
    #[must_use]
    pub fn protection(&self, key: &RRsetKey) -> Option<u16> {
        self.protected.get(key).copied()
    }

    /// Protects an RRset: it must keep `at_least` records (0 counts as 1). Ends its retirement.
    pub fn protect(&mut self, key: RRsetKey, at_least: u16) {
        let at_least = at_least.max(1);
        if self.protected.get(&key) == Some(&at_least) {
            return;
        }
        self.hash.add(&wire::protection_element(&key, at_least));
        if self.retired.remove(&key).is_some() {
            self.hash.remove(&wire::retirement_element(&key));
        }
        if let Some(before) = self.protected.insert(key.clone(), at_least) {
            self.hash.remove(&wire::protection_element(&key, before));
        }
    }

    /// The endpoints that were retired by name, and not protected again since.
    pub fn retired(&self) -> impl Iterator<Item = &RRsetKey> {
        self.retired.iter()
    }

    /// Whether an endpoint was retired by name.
    #[must_use]
    pub fn is_retired(&self, key: &RRsetKey) -> bool {
        self.retired.contains(key)
    }

    /// Retires a protected RRset by name: the only way in which its last record may go.
    pub fn retire(&mut self, key: RRsetKey) {
        if let Some(before) = self.protected.remove(&key) {
            self.hash.remove(&wire::protection_element(&key, before));
        }
        if self.retired.insert(key.clone()).is_none() {
            self.hash.add(&wire::retirement_element(&key));
        }
    }

    /// Lifts a protection without retiring the endpoint. The never-empty guard refuses a plan that does this.
    pub fn unprotect(&mut self, key: &RRsetKey) {
        if let Some(before) = self.protected.remove(key) {
            self.hash.remove(&wire::protection_element(key, before));
        }
    }

    pub(crate) fn unretire(&mut self, key: &RRsetKey) {
        if self.retired.remove(key).is_some() {
            self.hash.remove(&wire::retirement_element(key));
        }
    }

    pub(crate) const fn maps(&self) -> Maps<'_> {
        Maps { nodes: &self.nodes, protected: &self.protected, retired: &self.retired }
    }
}

/// The persistent maps, for diffs that skip what two zones share.
pub(crate) struct Maps<'a> {
    pub(crate) nodes: &'a OrdMap<OwnerName, Arc<Node>>,
    pub(crate) protected: &'a OrdMap<RRsetKey, u16>,
    pub(crate) retired: &'a OrdSet<RRsetKey>,
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.origin == other.origin && self.hash == other.hash
    }
}

impl Eq for Zone {}

impl std::fmt::Debug for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zone")
            .field("origin", &self.origin)
            .field("rrsets", &self.rrsets)
            .field("digest", &self.digest())
            .finish_non_exhaustive()
    }
}
