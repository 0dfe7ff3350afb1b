//! Cutting a plan into parts, for targets whose batches are smaller than a plan.
//!
//! 1. The cut is a pure function of the owner names, the plan and the batch size, so that any enactor can go on where
//!    another one stopped.
//! 2. Owner names come in the order in which clients need them: what is pointed at before what points at it, and what the
//!    plan no longer has last. So no state in between points at something that is not there yet or any more.

use std::collections::{BTreeMap, BTreeSet};

use dnsplan_plan::{Node, OwnerName, Zone, target};

/// Chains of names that point at names are followed this far; beyond it the order does not matter any more.
const DEPTH_LIMIT: u8 = 16;

/// The owner names of `owners` in the order in which they are to be put in place.
#[must_use]
pub fn order(zone: &Zone, owners: &BTreeSet<OwnerName>) -> Vec<OwnerName> {
    let mut depths = BTreeMap::new();
    let mut keyed: Vec<(u8, &OwnerName)> = owners
        .iter()
        .map(|owner| match zone.node(owner) {
            Some(node) => (depth(zone, owner, node, DEPTH_LIMIT, &mut depths), owner),
            None => (u8::MAX, owner),
        })
        .collect();
    keyed.sort();
    keyed.into_iter().map(|(_, owner)| owner.clone()).collect()
}

/// How many hops inside the zone lie below a name: 0 where it points at nothing here.
fn depth(zone: &Zone, owner: &OwnerName, node: &Node, left: u8, known: &mut BTreeMap<OwnerName, u8>) -> u8 {
    let targets: BTreeSet<OwnerName> =
        node.rrsets().flat_map(dnsplan_plan::RRset::data).filter_map(target).collect();
    // Most names point at nothing.
    if left == 0 || targets.is_empty() {
        return 0;
    }
    if let Some(depth) = known.get(owner) {
        return *depth;
    }
    let below = targets.iter().filter(|name| *name != owner);
    let below = below.filter_map(|name| Some((name, zone.node(name)?)));
    let deepest = below.map(|(name, node)| depth(zone, name, node, left - 1, known) + 1).max().unwrap_or(0);
    known.insert(owner.clone(), deepest);
    deepest
}

/// How many parts of at most `size` owner names that makes; at least 1.
#[must_use]
pub fn parts(owners: usize, size: usize) -> u32 {
    u32::try_from(owners.div_ceil(size.max(1)).max(1)).unwrap_or(u32::MAX)
}

/// The owner names of one part.
#[must_use]
pub fn part(ordered: &[OwnerName], size: usize, index: u32) -> &[OwnerName] {
    let size = size.max(1);
    let from = (index as usize).saturating_mul(size).min(ordered.len());
    &ordered[from..from.saturating_add(size).min(ordered.len())]
}
