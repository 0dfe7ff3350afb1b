//! A small zone, and plans of it.

use std::sync::Arc;

use dnsplan_fence::{Generation, Nonce, ParentGeneration};
use hickory_proto::rr::RecordType;

use crate::{
    OwnerName, Plan, PlanStore, Proposal, Provenance, RRset, RRsetKey, TargetReport, Timestamp, Ttl, Zone,
    rdata,
};

/// The origin of [`zone`].
#[must_use]
pub fn origin() -> OwnerName {
    "conformance.example.".parse().expect("a name")
}

/// An apex, and the protected endpoint `api` with two addresses, of which it keeps at least two.
#[must_use]
pub fn zone() -> Zone {
    let mut zone = Zone::empty(origin());
    let apex = [("SOA", "ns1.example.net. ops.example.net. 0 300 60 86400 30"), ("NS", "ns1.example.net.")];
    for (record_type, text) in apex {
        set(&mut zone, "@", record_type, &[text]);
    }
    set(&mut zone, "api", "A", &["192.0.2.1", "192.0.2.2"]);
    zone.protect(api(), 2);
    zone
}

/// The key of the protected endpoint.
pub(super) fn api() -> RRsetKey {
    RRsetKey::new(name("api"), RecordType::A)
}

pub(super) fn name(label: &str) -> OwnerName {
    OwnerName::relative(label, &origin()).expect("a name")
}

pub(super) fn set(zone: &mut Zone, label: &str, record_type: &str, texts: &[&str]) {
    let owner = OwnerName::relative(label, zone.origin()).expect("a name");
    let data = texts.iter().map(|text| rdata(record_type, text, zone.origin()).expect("record data"));
    let rrset = RRset::simple(Ttl::new(60).expect("a TTL"), data).expect("an RRset");
    zone.set_rrset(owner, rrset).expect("a name in the zone");
}

/// The zone with one address at `label`.
#[must_use]
pub fn with_address(zone: &Zone, label: &str, last: u8) -> Zone {
    let mut zone = zone.clone();
    set(&mut zone, label, "A", &[&format!("198.51.100.{last}")]);
    zone
}

/// A proposal of that content.
#[must_use]
pub fn proposal(zone: Zone, author: &str) -> Proposal {
    Proposal { zone, provenance: Provenance::new(author, at(0), "for the conformance suite") }
}

/// Appends to the head what `edit` makes of its content ([`zone`] where there is no head yet).
///
/// # Panics
/// Where the store refuses.
pub async fn appended(store: &impl PlanStore, nonce: u128, edit: impl FnOnce(Zone) -> Zone) -> Arc<Plan> {
    let head = store.head(&origin()).await.expect("the head can be read");
    let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
    let content = head.map_or_else(zone, |head| head.zone().clone());
    let proposal = proposal(edit(content), &format!("author-{nonce}"));
    store.append(parent, proposal, Nonce::new(nonce)).await.expect("a plan on the head is appended")
}

/// The first plan and `more` that each add a name `h1`, `h2`, ...
pub(super) async fn chain(store: &impl PlanStore, more: u8) -> Vec<Arc<Plan>> {
    let mut plans = vec![appended(store, 1000, |zone| zone).await];
    for number in 1..=more {
        let edit = |zone: Zone| with_address(&zone, &format!("h{number}"), number);
        plans.push(appended(store, 1000 + u128::from(number), edit).await);
    }
    plans
}

pub(super) const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(super) const fn generation(number: u64) -> Generation {
    Generation::new(number)
}

/// A report with these generations.
pub(super) fn report(live: u64, base: u64, highest: u64) -> TargetReport {
    TargetReport {
        live: generation(live),
        base: generation(base),
        floor: Generation::ZERO,
        highest: generation(highest),
        state: "live".to_owned(),
        note: None,
        freeze: None,
        by: "enactor-1".to_owned(),
        at: at(1),
    }
}
