//! What a spec is planned to.

use dnsplan::plan::{OwnerName, Proposal, RRset, RRsetKey, Severity, Timestamp, check_zone};
use dnsplan::planner::{Context, Health, Intent, plan as make_plan};

use super::write::Head;
use crate::failure::Failure;

/// Whether the tables of `body` are planned to exactly these RRsets; else why not.
pub(super) fn plans_to(head: &Head, body: &str, wanted: &[(&RRsetKey, &RRset)]) -> Result<(), String> {
    let planned = planned(head, body)?;
    for (key, rrset) in wanted {
        let found = planned.zone.rrset(&key.owner, key.record_type);
        if found != Some(*rrset) {
            return Err(match found {
                None => "a spec cannot say it".to_owned(),
                Some(found) => format!("a spec would make it another one: {}", difference(rrset, found)),
            });
        }
    }
    Ok(())
}

/// The owner names that the linter finds errors at, each with what it says.
pub(super) fn unsound(head: &Head, body: &str) -> Result<Vec<(OwnerName, String)>, Failure> {
    let planned = planned(head, body).map_err(|reason| {
        Failure::error(format!("the hosted zone cannot be written as a spec: {reason}; please report this"))
    })?;
    let findings = check_zone(&planned.zone).into_iter().filter(|found| found.severity == Severity::Error);
    Ok(findings.map(|found| (found.owner, format!("{}: {}", found.rule, found.message))).collect())
}

fn planned(head: &Head, body: &str) -> Result<Proposal, String> {
    let text = format!("{}{body}", head.text());
    let intent = Intent::parse(&text)
        .map_err(|errors| errors.errors().first().map_or_else(String::new, |error| error.message.clone()))?;
    let zone = intent.zone(&head.zone).ok_or("the zone has no name for a spec")?;
    let context = Context::new("import", Timestamp::from_millis(0), "imported");
    let planned = make_plan(zone, &Health::from_spec(), None, &context).map_err(|error| error.to_string())?;
    Ok(planned.proposal)
}

/// The first thing that is another one.
fn difference(wanted: &RRset, found: &RRset) -> String {
    let (wanted, found) = (described(wanted), described(found));
    let both = wanted.iter().zip(&found).find(|(one, two)| one != two);
    match both {
        Some((one, two)) => format!("{two} in place of {one}"),
        None => format!("{} records in place of {}", found.len(), wanted.len()),
    }
}

fn described(rrset: &RRset) -> Vec<String> {
    use dnsplan::plan::Records;
    let check = |check: &Option<Box<str>>| {
        check.as_ref().map_or_else(String::new, |check| format!(" with health check {check}"))
    };
    let ttl = format!("TTL {}", rrset.ttl());
    let records: Vec<String> = match rrset.records() {
        Records::Simple(records) => records.iter().map(ToString::to_string).collect(),
        Records::Weighted(members) => members
            .iter()
            .map(|member| format!("{} of weight {}{}", member.id, member.weight, check(&member.health_check)))
            .collect(),
        Records::Multivalue(candidates) => candidates
            .iter()
            .map(|candidate| format!("{}{}", candidate.id, check(&candidate.health_check)))
            .collect(),
    };
    std::iter::once(ttl).chain(records).collect()
}
