//! What the planner's tests share.

use dnsplan_fence::{Generation, OfferedGeneration, ParentGeneration};
use dnsplan_plan::{OwnerName, Plan, RRset, RecordType, Timestamp, Zone};
use dnsplan_planner::{Context, GuardRefusal, Health, Intent, PlanError, Planned, plan};

/// 2026-11-20T00:00:00Z.
pub(crate) const NOW: u64 = 1_795_132_800_000;

pub(crate) fn context() -> Context {
    Context::new("tester", Timestamp::from_millis(NOW), "a test")
}

pub(crate) fn try_plan(spec: &str, health: &Health, previous: Option<&Plan>) -> Result<Planned, PlanError> {
    let intent = Intent::parse(spec).unwrap_or_else(|errors| panic!("{errors}"));
    let zone = intent.zones().next().expect("a spec has a zone");
    plan(zone, health, previous, &context())
}

/// Plans what must pass, and appends it.
pub(crate) fn planned(spec: &str, health: &Health, previous: Option<&Plan>) -> (Plan, Vec<String>) {
    let planned = try_plan(spec, health, previous).unwrap_or_else(|error| panic!("{error}"));
    let parent = previous.map_or(Generation::ZERO, Plan::generation);
    let granted = OfferedGeneration::granted(parent.next().expect("a next generation"));
    let notes = planned.notes.iter().map(ToString::to_string).collect();
    (Plan::granted(granted, ParentGeneration::recorded(parent), planned.proposal), notes)
}

pub(crate) fn first(spec: &str) -> Plan {
    planned(spec, &Health::from_spec(), None).0
}

/// What the guards refuse of `spec` after `previous`.
pub(crate) fn refused(spec: &str, previous: Option<&Plan>) -> Vec<GuardRefusal> {
    match try_plan(spec, &Health::from_spec(), previous) {
        Err(PlanError::Guarded(refusals)) => refusals,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

pub(crate) fn guards(refusals: &[GuardRefusal]) -> Vec<&'static str> {
    refusals.iter().map(|refusal| refusal.guard).collect()
}

pub(crate) fn name(text: &str) -> OwnerName {
    text.parse().expect("a name")
}

/// An RRset as text: its records, with `id=weight:` where it is weighted.
pub(crate) fn records(zone: &Zone, owner: &str, record_type: RecordType) -> Vec<String> {
    let rrset = zone.rrset(&name(owner), record_type);
    rrset.map(texts).unwrap_or_default()
}

fn texts(rrset: &RRset) -> Vec<String> {
    match rrset.records() {
        dnsplan_plan::Records::Simple(records) => records.iter().map(ToString::to_string).collect(),
        dnsplan_plan::Records::Weighted(members) => {
            members.iter().map(|member| format!("{}={}:{}", member.id, member.weight, member.data)).collect()
        }
        dnsplan_plan::Records::Multivalue(candidates) => {
            candidates.iter().map(|candidate| format!("{}:{}", candidate.id, candidate.data)).collect()
        }
    }
}

/// A spec with a name server and whatever `rest` adds.
pub(crate) fn spec(rest: &str) -> String {
    format!("[zone.\"example.\"]\nns = [\"ns1.example.net.\"]\n{rest}\n")
}

/// A pool of `healths.len()` members with addresses in both families.
pub(crate) fn pool(name: &str, net: u8, healths: &[bool]) -> String {
    let member = |(index, healthy): (usize, &bool)| {
        let host = index + 1;
        format!(
            "{{ id = \"{name}-{host}\", ipv4 = \"192.0.{net}.{host}\", ipv6 = \"2001:db8:{net}::{host}\", healthy = {healthy} }},\n"
        )
    };
    let members: String = healths.iter().enumerate().map(member).collect();
    format!("[pool.{name}]\nmembers = [\n{members}]\n")
}
