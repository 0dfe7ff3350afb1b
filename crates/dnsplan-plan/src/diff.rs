//! Differences between two zones, in proportion to what differs.

use std::sync::Arc;

use hickory_proto::rr::RecordType;
use imbl::ordmap::DiffItem;

use crate::{Node, OwnerName, RRset, RRsetKey, Zone};

/// What one owner name owned before and owns after. The two differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeChange {
    /// The owner name.
    pub owner: OwnerName,
    /// What it owned; `None` where it was not there.
    pub before: Option<Arc<Node>>,
    /// What it owns; `None` where it is gone.
    pub after: Option<Arc<Node>>,
}

/// One RRset before and after. At least one of the two is there, and they differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RRsetChange<'a> {
    /// Its type.
    pub record_type: RecordType,
    /// What it was.
    pub before: Option<&'a RRset>,
    /// What it is.
    pub after: Option<&'a RRset>,
}

/// A protection that changed: `None` means not protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectionChange {
    /// The RRset.
    pub key: RRsetKey,
    /// The number of records it had to keep at least.
    pub before: Option<u16>,
    /// The number it has to keep now.
    pub after: Option<u16>,
}

/// What differs between two zones.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Diff {
    /// Owner names, in canonical order.
    pub nodes: Vec<NodeChange>,
    /// Protections.
    pub protections: Vec<ProtectionChange>,
    /// Endpoints retired by name.
    pub retired: Vec<RRsetKey>,
    /// Endpoints no longer retired.
    pub unretired: Vec<RRsetKey>,
}

impl Diff {
    /// Whether nothing differs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
            && self.protections.is_empty()
            && self.retired.is_empty()
            && self.unretired.is_empty()
    }
}

impl NodeChange {
    /// The RRsets that differ, by type.
    #[must_use]
    pub fn rrsets(&self) -> Vec<RRsetChange<'_>> {
        let of = |node: &Option<Arc<Node>>| -> Vec<RecordType> {
            node.iter().flat_map(|node| node.rrsets()).map(RRset::record_type).collect()
        };
        let mut types = of(&self.before);
        types.extend(of(&self.after));
        types.sort();
        types.dedup();
        types
            .into_iter()
            .map(|record_type| RRsetChange {
                record_type,
                before: self.before.as_ref().and_then(|node| node.get(record_type)),
                after: self.after.as_ref().and_then(|node| node.get(record_type)),
            })
            .filter(|change| change.before != change.after)
            .collect()
    }
}

impl Zone {
    /// What one has to do to `self` to get `after`. Costs what differs, where `after` was made by editing `self`.
    #[must_use]
    pub fn diff(&self, after: &Self) -> Diff {
        let (left, right) = (self.maps(), after.maps());
        let nodes = left.nodes.diff(right.nodes).map(|item| match item {
            DiffItem::Add(owner, node) => change(owner, None, Some(node)),
            DiffItem::Update { old: (owner, old), new: (_, new) } => change(owner, Some(old), Some(new)),
            DiffItem::Remove(owner, node) => change(owner, Some(node), None),
        });
        let protections = left.protected.diff(right.protected).map(|item| match item {
            DiffItem::Add(key, at) => ProtectionChange { key: key.clone(), before: None, after: Some(*at) },
            DiffItem::Update { old: (key, old), new: (_, new) } => {
                ProtectionChange { key: key.clone(), before: Some(*old), after: Some(*new) }
            }
            DiffItem::Remove(key, at) => {
                ProtectionChange { key: key.clone(), before: Some(*at), after: None }
            }
        });
        let (mut retired, mut unretired) = (Vec::new(), Vec::new());
        for item in left.retired.diff(right.retired) {
            match item {
                imbl::ordset::DiffItem::Add(key) => retired.push(key.clone()),
                imbl::ordset::DiffItem::Remove(key) => unretired.push(key.clone()),
            }
        }
        Diff { nodes: nodes.collect(), protections: protections.collect(), retired, unretired }
    }
}

fn change(owner: &OwnerName, before: Option<&Arc<Node>>, after: Option<&Arc<Node>>) -> NodeChange {
    NodeChange { owner: owner.clone(), before: before.cloned(), after: after.cloned() }
}
