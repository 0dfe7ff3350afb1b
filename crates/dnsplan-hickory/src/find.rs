//! Finding what stands for a name: the node itself, a wildcard's, a delegation, an empty non-terminal, or nothing.
//!
//! Costs a few searches per label of the name, whatever the size of the zone.

use dnsplan_plan::{Node, OwnerName, RRset, RecordType, Zone};

/// What stands for a name.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// What the name owns, or what a wildcard owns in its stead (RFC 4592 section 3.3).
    Node(&'a Node),
    /// The name exists and owns nothing (RFC 4592 section 2.2.2).
    Empty,
    /// The name does not exist.
    Missing,
    /// The name is at or below a zone cut: these name servers know more.
    Cut(OwnerName, &'a RRset),
}

/// What stands for `name`, which lies in the zone, when `qtype` is asked.
pub(crate) fn find<'a>(zone: &'a Zone, name: &OwnerName, qtype: RecordType) -> Found<'a> {
    let own = zone.node(name);
    // A DS RRset belongs to the parent's side of its cut (RFC 4035 section 3.1.4.1).
    let own_servers = own.filter(|_| qtype != RecordType::DS && name != zone.origin());
    let own_cut =
        own_servers.and_then(|node| node.get(RecordType::NS)).map(|servers| (name.clone(), servers));
    if let Some((owner, servers)) = cut_above(zone, name).or(own_cut) {
        return Found::Cut(owner, servers);
    }
    if let Some(node) = own {
        return Found::Node(node);
    }
    if zone.exists(name) || name == zone.origin() {
        return Found::Empty;
    }
    let Some(source) = closest_encloser(zone, name).wildcard_child() else { return Found::Missing };
    match zone.node(&source) {
        Some(node) => Found::Node(node),
        None if zone.exists(&source) => Found::Empty,
        None => Found::Missing,
    }
}

/// The zone cut above `name` that is nearest to the apex: what lies below it is not this zone's, not even other cuts.
fn cut_above<'a>(zone: &'a Zone, name: &OwnerName) -> Option<(OwnerName, &'a RRset)> {
    let mut nearest = None;
    let mut above = name.clone();
    while above != *zone.origin() && !above.is_root() {
        above = above.parent();
        if above != *zone.origin()
            && let Some(servers) = zone.rrset(&above, RecordType::NS)
        {
            nearest = Some((above.clone(), servers));
        }
    }
    nearest
}

/// The longest existing ancestor of a name that does not exist itself (RFC 4592 section 3.3.1).
fn closest_encloser(zone: &Zone, name: &OwnerName) -> OwnerName {
    let mut encloser = name.parent();
    while encloser != *zone.origin() && !encloser.is_root() && !zone.exists(&encloser) {
        encloser = encloser.parent();
    }
    encloser
}
