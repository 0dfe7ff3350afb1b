//! A difference between two zones, for people.

use dnsplan::plan::{NodeChange, RData, RRset, RRsetChange, Records, Zone};

use super::{GREEN, RED, YELLOW, styled};

/// How many RRsets a difference adds, changes and removes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) added: usize,
    pub(crate) changed: usize,
    pub(crate) removed: usize,
}

impl Counts {
    pub(crate) const fn is_zero(self) -> bool {
        self.added + self.changed + self.removed == 0
    }

    /// `2 to add, 1 to change, 0 to remove`
    pub(crate) fn to_do(self) -> String {
        format!("{} to add, {} to change, {} to remove", self.added, self.changed, self.removed)
    }

    /// `2 added, 1 changed, 0 removed`
    pub(crate) fn done(self) -> String {
        format!("{} added, {} changed, {} removed", self.added, self.changed, self.removed)
    }

    fn count(&mut self, change: &RRsetChange<'_>) {
        match (change.before, change.after) {
            (None, _) => self.added += 1,
            (_, None) => self.removed += 1,
            _ => self.changed += 1,
        }
    }
}

/// What differs, line by line, and in numbers. What does not is folded into a count.
pub(crate) fn diff(before: &Zone, after: &Zone) -> (String, Counts) {
    let diff = before.diff(after);
    let mut counts = Counts::default();
    let mut lines = Vec::new();
    for node in &diff.nodes {
        for change in node.rrsets() {
            counts.count(&change);
            rrset(node, &change, &mut lines);
        }
    }
    for change in &diff.protections {
        lines.push(match change.after {
            Some(at_least) => styled(YELLOW, format!("~ {} protected, at least {at_least}", change.key)),
            None => styled(YELLOW, format!("~ {} no longer protected", change.key)),
        });
    }
    for key in &diff.retired {
        lines.push(styled(RED, format!("- {key} retired by name")));
    }
    let unchanged = after.rrset_count() - counts.added - counts.changed;
    lines.push(format!("  unchanged RRsets: {unchanged}"));
    (lines.join("\n"), counts)
}

fn rrset(node: &NodeChange, change: &RRsetChange<'_>, lines: &mut Vec<String>) {
    let head = format!("{} {}", node.owner, change.record_type);
    let (sign, style) = match (change.before, change.after) {
        (None, _) => ('+', GREEN),
        (_, None) => ('-', RED),
        _ => ('~', YELLOW),
    };
    lines.push(styled(style, format!("{sign} {head}")));
    let (before, after) =
        (change.before.map_or_else(Vec::new, records), change.after.map_or_else(Vec::new, records));
    for record in before.iter().filter(|record| !after.contains(record)) {
        lines.push(styled(RED, format!("    - {record}")));
    }
    for record in after.iter().filter(|record| !before.contains(record)) {
        lines.push(styled(GREEN, format!("    + {record}")));
    }
    let kept = after.iter().filter(|record| before.contains(record)).count();
    if kept > 0 {
        lines.push(format!("      unchanged records: {kept}"));
    }
}

/// An RRset's records, one a line: TTL, data, and weight, member and health check where there are any.
pub(crate) fn records(rrset: &RRset) -> Vec<String> {
    let ttl = rrset.ttl();
    match rrset.records() {
        Records::Simple(records) => records.iter().map(|data| format!("{ttl} {}", shown(data))).collect(),
        Records::Weighted(members) => members
            .iter()
            .map(|member| {
                let checked = checked(member.health_check.as_deref());
                format!("{ttl} {} (weight {}, {}{checked})", shown(&member.data), member.weight, member.id)
            })
            .collect(),
        Records::Multivalue(candidates) => candidates
            .iter()
            .map(|candidate| {
                let checked = checked(candidate.health_check.as_deref());
                format!("{ttl} {} (multivalue, {}{checked})", shown(&candidate.data), candidate.id)
            })
            .collect(),
    }
}

fn checked(health_check: Option<&str>) -> String {
    health_check.map_or_else(String::new, |id| format!(", health check {id}"))
}

/// A record's data. The serial of an SOA is the generation's, so the one in the plan says nothing.
fn shown(data: &RData) -> String {
    match data {
        RData::SOA(soa) => format!(
            "{} {} (serial from the generation) {} {} {} {}",
            soa.mname, soa.rname, soa.refresh, soa.retry, soa.expire, soa.minimum
        ),
        other => other.to_string(),
    }
}
