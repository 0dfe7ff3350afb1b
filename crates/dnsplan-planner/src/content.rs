//! The content of a zone as the intent and the health want it: an edit of the zone before, so that both share what stays.

use std::collections::{BTreeMap, BTreeSet};

use dnsplan_plan::{InvalidRRset, Node, OwnerName, RRset, RRsetKey, Records, Ttl, Zone};

use crate::intent::{Endpoint, Family, ZoneIntent};
use crate::members::Standings;
use crate::note::Note;

/// The wanted content.
pub(crate) struct Content {
    pub(crate) zone: Zone,
    /// The RRsets of endpoints for which no member can answer.
    pub(crate) empty: Vec<RRsetKey>,
}

/// A set of records that makes no RRset, and where.
pub(crate) struct Unbuildable {
    pub(crate) key: RRsetKey,
    pub(crate) source: InvalidRRset,
}

/// Builds the wanted content.
pub(crate) fn content(
    intent: &ZoneIntent,
    standings: &Standings<'_>,
    before: Option<&Zone>,
    notes: &mut BTreeSet<Note>,
) -> Result<Content, Unbuildable> {
    let (nodes, empty) = nodes(intent, standings, before, notes)?;
    let mut zone = before.map_or_else(|| Zone::empty(intent.origin.clone()), Zone::clone);
    if let Some(before) = before {
        for (owner, _) in before.nodes().filter(|(owner, _)| !nodes.contains_key(*owner)) {
            zone.clear(owner);
        }
    }
    for (owner, node) in nodes {
        zone.set(owner, node).expect("invariant: the spec's reader placed every name in its zone");
    }
    protect(intent, before, &mut zone, notes);
    Ok(Content { zone, empty })
}

type Nodes = BTreeMap<OwnerName, Node>;

fn nodes(
    intent: &ZoneIntent,
    standings: &Standings<'_>,
    before: Option<&Zone>,
    notes: &mut BTreeSet<Note>,
) -> Result<(Nodes, Vec<RRsetKey>), Unbuildable> {
    let mut nodes = Nodes::new();
    let mut empty = Vec::new();
    for (key, rrset) in &intent.records {
        nodes.entry(key.owner.clone()).or_default().insert(rrset.clone());
    }
    for (owner, endpoint) in &intent.endpoints {
        for family in &endpoint.families {
            let key = RRsetKey::new(owner.clone(), family.record_type());
            match answer(&key, endpoint, *family, standings, before, notes) {
                Ok(Some(rrset)) => nodes.entry(owner.clone()).or_default().insert(rrset),
                Ok(None) => empty.push(key),
                Err(source) => return Err(Unbuildable { key, source }),
            }
        }
    }
    Ok((nodes, empty))
}

/// What an endpoint answers in one family: the records it had where health is not known, else those of its members.
fn answer<'a>(
    key: &RRsetKey,
    endpoint: &'a Endpoint,
    family: Family,
    standings: &Standings<'a>,
    before: Option<&Zone>,
    notes: &mut BTreeSet<Note>,
) -> Result<Option<RRset>, InvalidRRset> {
    if let Some(pool) = standings.unknown(endpoint).map(ToOwned::to_owned) {
        let key = key.clone();
        if let Some(held) = before.and_then(|zone| zone.rrset(&key.owner, key.record_type)) {
            notes.insert(Note::Held { key, pool });
            return with_ttl(held, endpoint.ttl).map(Some);
        }
        notes.insert(Note::AssumedHealthy { key, pool });
    }
    standings.rrset(key, endpoint, family, notes)
}

/// The spec is known even where health is not: a new TTL counts at once.
fn with_ttl(rrset: &RRset, ttl: Ttl) -> Result<RRset, InvalidRRset> {
    match rrset.records() {
        Records::Simple(records) => RRset::simple(ttl, records.iter().cloned()),
        Records::Weighted(members) => RRset::weighted(ttl, members.iter().cloned()),
        Records::Multivalue(candidates) => RRset::multivalue(ttl, candidates.iter().cloned()),
    }
}

/// Sets and lifts protections. One that goes without being retired by name is for the never-empty guard to refuse.
fn protect(intent: &ZoneIntent, before: Option<&Zone>, zone: &mut Zone, notes: &mut BTreeSet<Note>) {
    let wanted = intent.protections();
    let retires =
        |key: &RRsetKey| intent.retire.get(&key.owner).filter(|retired| retired.covers(key.record_type));
    let mut used = BTreeSet::new();
    for key in before.into_iter().flat_map(Zone::protected).map(|(key, _)| key) {
        if wanted.contains_key(key) {
            continue;
        }
        match retires(key) {
            Some(retirement) => {
                zone.retire(key.clone());
                used.insert(&key.owner);
                notes.insert(Note::Retired { key: key.clone(), reason: retirement.reason.clone() });
            }
            None => zone.unprotect(key),
        }
    }
    for key in before.into_iter().flat_map(Zone::retired).filter(|key| retires(key).is_some()) {
        used.insert(&key.owner);
    }
    let unused = intent.retire.keys().filter(|owner| !used.contains(owner));
    notes.extend(unused.map(|owner| Note::NothingToRetire { owner: owner.clone() }));
    for (key, at_least) in wanted {
        zone.protect(key, at_least);
    }
}
