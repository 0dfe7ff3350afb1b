//! Comparing what a zone holds with what a plan wants: drift.
//!
//! At an owner name, what is of a type that no plan had there is somebody else's: never touched and never reported. Where another
//! tool says that a name is its own, nothing is left over from us there.

use std::collections::BTreeSet;

use dnsplan_enactor::Audit;
use dnsplan_plan::{OwnerName, Plan, RecordType};

use crate::content::{Content, Node};
use crate::known::Ours;
use crate::markers::Markers;
use crate::wanted::Wanted;

/// What differs in `content` from `plan`, but for the owner names set aside. `ours` are the owner names and types that a plan has or
/// had.
pub(crate) fn audit(
    wanted: &Wanted,
    content: &Content,
    plan: &Plan,
    set_aside: &BTreeSet<OwnerName>,
    ours: &Ours,
) -> Audit {
    let is_ours = |owner: &OwnerName, record_type: RecordType| {
        !wanted.is_servers(owner, record_type) && ours.has(owner, record_type)
    };
    let markers = Markers::of(content);
    let nothing = Node::new();
    let planned = plan.zone().nodes().filter(|(owner, node)| {
        // One that the server cannot have is not as the plan says.
        let Ok(sets) = wanted.node(owner, node) else { return true };
        let there = content.node(owner).unwrap_or(&nothing);
        let is_left =
            |record_type: &RecordType| !sets.contains_key(record_type) && is_ours(owner, *record_type);
        sets.iter().any(|(record_type, set)| there.get(record_type) != Some(set)) || there.keys().any(is_left)
    });
    let left = content.nodes().filter(|(owner, node)| {
        let is_left = |record_type: &RecordType| is_ours(owner, *record_type);
        plan.zone().node(owner).is_none() && node.keys().any(is_left) && markers.claimed(owner).is_none()
    });
    let owners = planned.map(|(owner, _)| owner).chain(left.map(|(owner, _)| owner));
    let differing = owners.filter(|owner| !set_aside.contains(*owner)).cloned().collect();
    Audit { differing, ..Audit::default() }
}
