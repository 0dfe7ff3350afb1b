//! A zone's whole content, for people.

use dnsplan::plan::Zone;

use super::diff::records;

/// Every RRset, in canonical order; protected ones are marked.
pub(crate) fn zone(zone: &Zone) -> String {
    let mut lines = Vec::new();
    for (owner, node) in zone.nodes() {
        for rrset in node.rrsets() {
            let key = dnsplan::plan::RRsetKey::new(owner.clone(), rrset.record_type());
            let mark =
                zone.protection(&key).map_or_else(String::new, |n| format!("  ; protected, at least {n}"));
            lines.push(format!("{key}{mark}"));
            lines.extend(records(rrset).into_iter().map(|record| format!("    {record}")));
        }
    }
    for key in zone.retired() {
        lines.push(format!("{key}  ; retired by name"));
    }
    lines.join("\n")
}
