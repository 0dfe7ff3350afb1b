//! The JSON schemas. Fields are added, never renamed or removed, within a version.

use dnsplan::fence::{Generation, Offer};
use dnsplan::plan::{Entry, Plan, RRset, Records, Zone};
use serde_json::{Value, json};

use super::{Counts, time};

/// Prints one JSON document.
pub(crate) fn print(value: &Value) {
    outln!("{value:#}");
}

fn rrset_json(rrset: &RRset) -> Value {
    let records: Vec<Value> = match rrset.records() {
        Records::Simple(records) => records.iter().map(|data| json!({ "data": data.to_string() })).collect(),
        Records::Weighted(members) => members
            .iter()
            .map(|member| {
                json!({
                    "data": member.data.to_string(),
                    "weight": member.weight,
                    "id": member.id,
                    "health_check": member.health_check,
                })
            })
            .collect(),
        Records::Multivalue(candidates) => candidates
            .iter()
            .map(|candidate| {
                json!({
                    "data": candidate.data.to_string(),
                    "id": candidate.id,
                    "health_check": candidate.health_check,
                })
            })
            .collect(),
    };
    json!({
        "type": rrset.record_type().to_string(),
        "ttl": rrset.ttl().seconds(),
        "routing": routing(rrset),
        "records": records,
    })
}

/// How an answer is chosen from the records.
const fn routing(rrset: &RRset) -> &'static str {
    match rrset.records() {
        Records::Simple(_) => "simple",
        Records::Weighted(_) => "weighted",
        Records::Multivalue(_) => "multivalue",
    }
}

/// Every RRset of a zone.
pub(crate) fn zone_json(zone: &Zone) -> Value {
    let mut all = Vec::new();
    for (owner, node) in zone.nodes() {
        for rrset in node.rrsets() {
            let mut value = rrset_json(rrset);
            value["owner"] = json!(owner);
            let key = dnsplan::plan::RRsetKey::new(owner.clone(), rrset.record_type());
            value["at_least"] = json!(zone.protection(&key));
            all.push(value);
        }
    }
    let retired: Vec<String> = zone.retired().map(ToString::to_string).collect();
    json!({ "rrsets": all, "retired": retired })
}

/// A plan without its content.
pub(crate) fn plan_json(plan: &Plan) -> Value {
    json!({
        "zone": plan.zone().origin(),
        "generation": plan.generation().get(),
        "parent": Generation::from(plan.parent()).get(),
        "digest": plan.digest().to_string(),
        "rrset_count": plan.zone().rrset_count(),
        "provenance": plan.provenance(),
        "time": time(plan.provenance().at),
    })
}

/// One line of a history.
pub(crate) fn entry_json(entry: &Entry) -> Value {
    json!({
        "generation": entry.generation.get(),
        "parent": Generation::from(entry.parent).get(),
        "digest": entry.digest.to_string(),
        "changed_owners": entry.changed_owners,
        "provenance": entry.provenance,
        "time": time(entry.provenance.at),
    })
}

/// What differs between two zones.
pub(crate) fn diff_json(before: &Zone, after: &Zone, counts: Counts) -> Value {
    let diff = before.diff(after);
    let mut changes = Vec::new();
    for node in &diff.nodes {
        for change in node.rrsets() {
            changes.push(json!({
                "owner": node.owner,
                "type": change.record_type.to_string(),
                "before": change.before.map(rrset_json),
                "after": change.after.map(rrset_json),
            }));
        }
    }
    let retired: Vec<String> = diff.retired.iter().map(ToString::to_string).collect();
    json!({
        "changes": changes,
        "retired": retired,
        "added": counts.added,
        "changed": counts.changed,
        "removed": counts.removed,
    })
}
