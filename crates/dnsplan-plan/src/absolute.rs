//! The absolute guards: `never-empty`, `at-least-n`, `root-ns`. A store enforces them when a plan is appended and an
//! enactor again when it is enacted, so they live beside the plan and not in the planner.
//!
//! 1. A protected RRset keeps at least its number of records, or a CNAME answers in its stead.
//! 2. A protection goes only where the plan retires the endpoint by name. Retirements are part of the content and stay in
//!    it, so that an enactor that skips generations still sees them.
//! 3. The apex keeps its SOA and NS RRsets.
//! 4. Judging a change costs what the change costs.

use std::collections::BTreeSet;

use hickory_proto::rr::RecordType;

use crate::{Diff, OwnerName, Provenance, RRsetKey, Zone};

/// An absolute guard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AbsoluteGuard {
    /// `never-empty`: only a plan that retires an endpoint by name takes its last record away. Cannot be lifted.
    NeverEmpty,
    /// `at-least-n`: a protected RRset keeps its number of records. Lifted, it still keeps one.
    AtLeastN,
    /// `root-ns`: the apex keeps its SOA and NS RRsets; changing the NS RRset wants the guard lifted.
    RootNs,
}

impl AbsoluteGuard {
    /// The id by which people and overrides name it.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::NeverEmpty => "never-empty",
            Self::AtLeastN => "at-least-n",
            Self::RootNs => "root-ns",
        }
    }
}

/// What a guard refused, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: {what}; {remedy}", guard.id())]
pub struct Violation {
    /// The guard.
    pub guard: AbsoluteGuard,
    /// What it refused.
    pub what: String,
    /// What to do next.
    pub remedy: String,
}

/// Judges a plan's content against what it replaces (`None`: nothing, or nobody knows).
#[must_use]
pub fn violations(before: Option<&Zone>, after: &Zone, provenance: &Provenance) -> Vec<Violation> {
    let diff = before.map(|before| before.diff(after));
    violations_of(diff.as_ref(), after, provenance)
}

/// The same, where what differs is known already.
fn violations_of(diff: Option<&Diff>, after: &Zone, provenance: &Provenance) -> Vec<Violation> {
    let mut found = Vec::new();
    let lowered = provenance.lifts(AbsoluteGuard::AtLeastN.id());
    let keys = touched_protections(diff, after);
    for key in &keys {
        match after.protection(key) {
            Some(at_least) => found.extend(too_few(after, key, if lowered { 1 } else { at_least })),
            None if !after.is_retired(key) => found.push(unretired(key)),
            None => {}
        }
    }
    found.extend(apex_types_missing(after));
    found
}

/// The same, and the rule that holds only between a plan and its parent: the apex NS RRset changes only where `root-ns`
/// is lifted for this plan. For planning; [`admit`](crate::admit) judges it at append.
#[must_use]
pub fn append_violations(parent: Option<&Zone>, after: &Zone, provenance: &Provenance) -> Vec<Violation> {
    let diff = parent.map(|parent| parent.diff(after));
    append_violations_of(parent.zip(diff.as_ref()), after, provenance)
}

pub(crate) fn append_violations_of(
    change: Option<(&Zone, &Diff)>,
    after: &Zone,
    provenance: &Provenance,
) -> Vec<Violation> {
    let mut found = violations_of(change.map(|(_, diff)| diff), after, provenance);
    if let Some((parent, _)) = change {
        let ns = |zone: &Zone| zone.rrset(zone.origin(), RecordType::NS).cloned();
        let changed = ns(parent) != ns(after) && ns(after).is_some();
        if changed && !provenance.lifts(AbsoluteGuard::RootNs.id()) {
            found.push(Violation {
                guard: AbsoluteGuard::RootNs,
                what: format!("the NS RRset of the apex {} would change", after.origin()),
                remedy: "if that is meant, override root-ns with a reason and an expiry".to_owned(),
            });
        }
    }
    found
}

/// The protected RRsets whose records or whose protection may have changed; all of them where nothing is known.
fn touched_protections(diff: Option<&Diff>, after: &Zone) -> BTreeSet<RRsetKey> {
    let Some(diff) = diff else {
        return after.protected().map(|(key, _)| key.clone()).collect();
    };
    let protections = diff.protections.iter().map(|change| change.key.clone());
    let nodes = diff.nodes.iter().flat_map(|change| protected_at(after, &change.owner));
    protections.chain(nodes).collect()
}

fn protected_at<'a>(zone: &'a Zone, owner: &'a OwnerName) -> impl Iterator<Item = RRsetKey> + 'a {
    zone.protections_from(owner).map(|(key, _)| key).take_while(move |key| key.owner == *owner).cloned()
}

fn too_few(after: &Zone, key: &RRsetKey, at_least: u16) -> Option<Violation> {
    let node = after.node(&key.owner);
    let answering = node.and_then(|node| node.answering(key.record_type));
    let Some(rrset) = answering else {
        return Some(Violation {
            guard: AbsoluteGuard::NeverEmpty,
            what: format!("protected RRset {key} would have no record"),
            remedy: "to take the endpoint away, retire it by name; else give it a record".to_owned(),
        });
    };
    let stands_in = rrset.record_type() != key.record_type;
    (!stands_in && rrset.len() < usize::from(at_least)).then(|| Violation {
        guard: AbsoluteGuard::AtLeastN,
        what: format!("protected RRset {key} would have {} of at least {at_least} records", rrset.len()),
        remedy: "add records, lower at_least in the spec, or override at-least-n with a reason and an expiry"
            .to_owned(),
    })
}

fn unretired(key: &RRsetKey) -> Violation {
    Violation {
        guard: AbsoluteGuard::NeverEmpty,
        what: format!("RRset {key} would no longer be protected"),
        remedy: "to take the endpoint away, retire it by name".to_owned(),
    }
}

fn apex_types_missing(after: &Zone) -> impl Iterator<Item = Violation> {
    let missing = |record_type| after.rrset(after.origin(), record_type).is_none();
    [RecordType::SOA, RecordType::NS].into_iter().filter(move |record_type| missing(*record_type)).map(
        |record_type| Violation {
            guard: AbsoluteGuard::RootNs,
            what: format!("the apex {} would have no {record_type} RRset", after.origin()),
            remedy: format!("give the zone its {record_type} record; no override lifts this"),
        },
    )
}
