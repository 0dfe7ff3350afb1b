//! The absolute guards: `never-empty`, `at-least-n`, `root-ns`. A store enforces them when a plan is appended and an
//! enactor again when it is enacted, so they live beside the plan and not in the planner.
//!
//! 1. A protected RRset keeps at least its number of records, or a CNAME answers in its stead.
//! 2. A protection goes only where the plan retires the endpoint by name. Retirements are part of the content and stay in
//!    it, so that an enactor that skips generations still sees them.
//! 3. The apex keeps its SOA and NS RRsets.
//! 4. Judging a change costs what the change costs.

use std::collections::BTreeSet;
use std::sync::Arc;

use hickory_proto::rr::RecordType;

use crate::check::{covering_wildcard, cut_at_or_above, target};
use crate::{Diff, Node, NodeChange, OwnerName, Provenance, RRsetKey, Zone};

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
    violations_of(diff.as_ref(), after, provenance.lifts(AbsoluteGuard::AtLeastN.id()))
}

/// Judges a plan against what is live at a target, which may be several plans older. `at-least-n` was judged when each plan
/// was appended, with the overrides of that time; here an override may have come and gone in between, and a protected RRset
/// keeps at least one record whatever was lifted.
#[must_use]
pub fn live_violations(live: Option<&Zone>, after: &Zone) -> Vec<Violation> {
    let diff = live.map(|live| live.diff(after));
    violations_of(diff.as_ref(), after, true)
}

/// The same, where what differs is known already.
fn violations_of(diff: Option<&Diff>, after: &Zone, lowered: bool) -> Vec<Violation> {
    let mut found = Vec::new();
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
    let lowered = provenance.lifts(AbsoluteGuard::AtLeastN.id());
    let mut found = violations_of(change.map(|(_, diff)| diff), after, lowered);
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
    if diff.nodes.iter().any(darkens) {
        return protections.chain(after.protected().map(|(key, _)| key.clone())).collect();
    }
    let nodes = diff.nodes.iter().flat_map(|change| protected_at(after, &change.owner));
    protections.chain(nodes).collect()
}

/// Whether a change may take an answer away from *another* name: it removes an RRset that a CNAME may lead to, or makes a
/// delegation that hides what lies below. Then every endpoint is judged, and only then.
fn darkens(change: &NodeChange) -> bool {
    let has = |node: &Option<Arc<Node>>, record_type| {
        node.as_ref().is_some_and(|node| node.get(record_type).is_some())
    };
    change.rrsets().iter().any(|rrset| rrset.after.is_none())
        || has(&change.after, RecordType::NS) && !has(&change.before, RecordType::NS)
}

fn protected_at<'a>(zone: &'a Zone, owner: &'a OwnerName) -> impl Iterator<Item = RRsetKey> + 'a {
    zone.protections_from(owner).map(|(key, _)| key).take_while(move |key| key.owner == *owner).cloned()
}

fn too_few(after: &Zone, key: &RRsetKey, at_least: u16) -> Option<Violation> {
    if let Some(cut) = cut_at_or_above(after, &key.owner) {
        return Some(Violation {
            guard: AbsoluteGuard::NeverEmpty,
            what: format!("protected RRset {key} would be hidden by the delegation of {cut}"),
            remedy: "take the NS RRset away, or retire the endpoint by name".to_owned(),
        });
    }
    let Some(count) = answering(after, &key.owner, key.record_type, CHAIN_LIMIT) else {
        return Some(Violation {
            guard: AbsoluteGuard::NeverEmpty,
            what: format!("protected RRset {key} would have no record"),
            remedy: "to take the endpoint away, retire it by name; else give it (or what its CNAME points at) a record"
                .to_owned(),
        });
    };
    (count < usize::from(at_least)).then(|| Violation {
        guard: AbsoluteGuard::AtLeastN,
        what: format!("protected RRset {key} would have {count} of at least {at_least} records"),
        remedy: "add records, lower at_least in the spec, or override at-least-n with a reason and an expiry"
            .to_owned(),
    })
}

/// CNAMEs are followed this far; a longer chain is no answer to anybody.
const CHAIN_LIMIT: u8 = 16;

/// How many records answer: those of the RRset itself, or as many as anybody wants where a CNAME leads to an answer (or out
/// of the zone, where nobody here can tell). `None` where there is no answer.
fn answering(zone: &Zone, owner: &OwnerName, record_type: RecordType, hops: u8) -> Option<usize> {
    let covering = || covering_wildcard(zone, owner).and_then(|wildcard| zone.node(&wildcard));
    let node = zone.node(owner).or_else(covering)?;
    if let Some(rrset) = node.get(record_type) {
        return Some(rrset.len());
    }
    let leads = |next: OwnerName| {
        let is_elsewhere = !next.is_in(zone.origin()) || cut_at_or_above(zone, &next).is_some();
        is_elsewhere || hops > 0 && answering(zone, &next, record_type, hops - 1).is_some()
    };
    let cname = node.get(RecordType::CNAME)?;
    cname.data().filter_map(target).all(leads).then_some(usize::MAX)
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
