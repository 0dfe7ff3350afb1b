//! The plan linter: what is wrong with a plan as DNS, whoever made it.

use std::collections::BTreeSet;

use hickory_proto::rr::{RData, RecordType};

use crate::{Candidate, Node, OwnerName, Plan, RRset, Records, Zone, wire};

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Worth a look; the plan can be enacted.
    Warning,
    /// The plan breaks a rule of DNS or of this engine.
    Error,
}

/// Something wrong with a plan.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The rule's id, such as `cname-and-other-data`.
    pub rule: &'static str,
    /// Where.
    pub owner: OwnerName,
    /// What.
    pub message: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: {}: {}: {}", self.owner, self.rule, self.message)
    }
}

/// Everything wrong with a plan, in canonical order of owner names. Walks the zone.
#[must_use]
pub fn check(plan: &Plan) -> Vec<Finding> {
    check_zone(plan.zone())
}

/// Everything wrong with a zone's content, in canonical order of owner names. Walks the zone.
#[must_use]
pub fn check_zone(zone: &Zone) -> Vec<Finding> {
    let mut findings = Vec::new();
    apex(zone, &mut findings);
    for (owner, node) in zone.nodes() {
        check_node(zone, owner, node, &mut findings);
    }
    for (key, _) in zone.protected() {
        if zone.node(&key.owner).is_none_or(|node| node.answering(key.record_type).is_none()) {
            let message = format!("the protected {} RRset has no record", key.record_type);
            findings.push(error("empty-protected", &key.owner, message));
        }
    }
    findings.sort_by(|left, right| (&left.owner, left.rule).cmp(&(&right.owner, right.rule)));
    findings
}

/// What is wrong at some owner names only, in proportion to their number.
#[must_use]
pub fn check_owners<'a>(zone: &Zone, owners: impl IntoIterator<Item = &'a OwnerName>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for owner in owners {
        if let Some(node) = zone.node(owner) {
            check_node(zone, owner, node, &mut findings);
        }
    }
    findings
}

fn error(rule: &'static str, owner: &OwnerName, message: String) -> Finding {
    Finding { severity: Severity::Error, rule, owner: owner.clone(), message }
}

fn warning(rule: &'static str, owner: &OwnerName, message: String) -> Finding {
    Finding { severity: Severity::Warning, rule, owner: owner.clone(), message }
}

fn apex(zone: &Zone, findings: &mut Vec<Finding>) {
    let origin = zone.origin();
    for (record_type, rule) in [(RecordType::SOA, "missing-soa"), (RecordType::NS, "missing-ns")] {
        match zone.rrset(origin, record_type) {
            None => findings.push(error(rule, origin, format!("the apex has no {record_type} RRset"))),
            Some(soa) if record_type == RecordType::SOA && soa.len() != 1 => {
                findings.push(error(
                    "several-soa",
                    origin,
                    format!("the apex has {} SOA records", soa.len()),
                ));
            }
            Some(_) => {}
        }
    }
}

fn check_node(zone: &Zone, owner: &OwnerName, node: &Node, findings: &mut Vec<Finding>) {
    cname(owner, node, findings);
    ttls(owner, node, findings);
    if owner != zone.origin() && node.get(RecordType::SOA).is_some() {
        findings.push(error("soa-below-apex", owner, "an SOA belongs to the apex only".to_owned()));
    }
    if let Some(cut) = cut_above(zone, owner) {
        let is_glue = node.rrsets().all(|rrset| is_address(rrset.record_type()));
        if !is_glue {
            let message = format!("lies below the delegation of {cut} and is never answered");
            findings.push(warning("below-delegation", owner, message));
        }
    }
    if owner != zone.origin() && node.get(RecordType::NS).is_some() {
        let at_cut = |kind| matches!(kind, RecordType::NS | RecordType::DS) || is_address(kind);
        let hidden = node.rrsets().map(RRset::record_type).find(|kind| !at_cut(*kind));
        if let Some(kind) = hidden {
            let message = format!("the delegation hides the {kind} RRset beside it");
            findings.push(warning("at-delegation", owner, message));
        }
    }
    for rrset in node.rrsets() {
        size(owner, rrset, findings);
        weights(owner, rrset.records(), rrset.record_type(), findings);
        for target in rrset.data().filter_map(target) {
            dangling(zone, owner, rrset.record_type(), &target, findings);
        }
    }
}

/// RFC 1034 section 3.6.2: a CNAME stands alone, and there is one of it (RFC 2181 section 10.1).
fn cname(owner: &OwnerName, node: &Node, findings: &mut Vec<Finding>) {
    let Some(cname) = node.get(RecordType::CNAME) else { return };
    if node.rrsets().len() > 1 {
        let message = "a CNAME stands alone: remove it or the other RRsets of this name".to_owned();
        findings.push(error("cname-and-other-data", owner, message));
    }
    if cname.len() > 1 && matches!(cname.records(), Records::Simple(_)) {
        findings.push(error("several-cnames", owner, "a name has one CNAME, or weighted ones".to_owned()));
    }
}

fn ttls(owner: &OwnerName, node: &Node, findings: &mut Vec<Finding>) {
    let address = |record_type| node.get(record_type).map(RRset::ttl);
    if let (Some(four), Some(six)) = (address(RecordType::A), address(RecordType::AAAA))
        && four != six
    {
        let message =
            format!("A has TTL {four} and AAAA {six}: the two families will change at different times");
        findings.push(warning("ttl-mix", owner, message));
    }
}

const fn is_address(record_type: RecordType) -> bool {
    matches!(record_type, RecordType::A | RecordType::AAAA)
}

/// Bytes that a message leaves for one RRset, beside header, question and OPT (RFC 1035 section 4.2.2: 65,535 in all).
const LARGEST: usize = 65_000;

/// Every record of an RRset is in one message, or the RRset cannot be answered at all. Of a weighted one only a record is,
/// of a multivalue one up to eight: the largest may come together.
fn size(owner: &OwnerName, rrset: &RRset, findings: &mut Vec<Finding>) {
    const POINTER_TYPE_CLASS_TTL_LENGTH: usize = 12;
    let together = match rrset.records() {
        Records::Simple(records) => records.len(),
        Records::Multivalue(_) => Candidate::MAX_ANSWERS,
        Records::Weighted(_) => return,
    };
    let mut lengths: Vec<usize> =
        rrset.data().map(|data| POINTER_TYPE_CLASS_TTL_LENGTH + wire::rdata_len(data)).collect();
    lengths.sort_unstable_by(|left, right| right.cmp(left));
    let bytes: usize = lengths.iter().take(together).sum();
    if bytes > LARGEST {
        let kind = rrset.record_type();
        let message = format!(
            "an answer from the {kind} RRset takes about {bytes} bytes, a message holds {LARGEST}: it cannot be answered"
        );
        findings.push(error("too-large", owner, message));
    }
}

fn weights(owner: &OwnerName, records: &Records, record_type: RecordType, findings: &mut Vec<Finding>) {
    if let Records::Weighted(members) = records
        && members.iter().all(|member| member.weight == 0)
    {
        let message = format!("all weights of the {record_type} RRset are 0: its members answer evenly");
        findings.push(warning("zero-weights", owner, message));
    }
}

/// The name that a record points at, for the types where a missing one breaks clients.
#[must_use]
pub fn target(data: &RData) -> Option<OwnerName> {
    match data {
        RData::CNAME(name) => Some(OwnerName::new(&name.0)),
        RData::NS(name) => Some(OwnerName::new(&name.0)),
        RData::MX(mx) => Some(OwnerName::new(&mx.exchange)),
        RData::SRV(srv) => Some(OwnerName::new(&srv.target)),
        _ => None,
    }
}

fn dangling(
    zone: &Zone,
    owner: &OwnerName,
    record_type: RecordType,
    target: &OwnerName,
    findings: &mut Vec<Finding>,
) {
    if target.is_root() || !target.is_in(zone.origin()) {
        return;
    }
    if is_cname_loop(zone, owner, record_type, target) {
        findings.push(error("cname-loop", owner, format!("the chain through {target} comes back to itself")));
    }
    // Below a delegation only the child knows what there is; but a name server there needs its address here.
    let is_elsewhere = cut_above(zone, target).is_some() && record_type != RecordType::NS;
    let is_answered = zone.node(target).is_some() || covering_wildcard(zone, target).is_some();
    if !is_answered && !is_elsewhere {
        let message = format!("{record_type} points at {target}, which this zone does not have");
        // Harmless clutter elsewhere; at an endpoint that clients depend on it is as bad as no record.
        let is_endpoint = zone.protections_from(owner).next().is_some_and(|(key, _)| key.owner == *owner);
        let finding = if is_endpoint { error } else { warning };
        findings.push(finding("dangling-target", owner, message));
    }
}

fn is_cname_loop(zone: &Zone, owner: &OwnerName, record_type: RecordType, target: &OwnerName) -> bool {
    if record_type != RecordType::CNAME {
        return false;
    }
    let mut seen = BTreeSet::from([owner.clone()]);
    let mut next = target.clone();
    while seen.insert(next.clone()) {
        let hop =
            zone.rrset(&next, RecordType::CNAME).and_then(|cname| cname.data().next().and_then(self::target));
        match hop {
            Some(hop) => next = hop,
            None => return false,
        }
    }
    true
}

/// The wildcard that would answer for a name that is not there, if there is one (RFC 4592 section 3.3.1).
pub(crate) fn covering_wildcard(zone: &Zone, name: &OwnerName) -> Option<OwnerName> {
    let mut encloser = name.parent();
    while encloser.is_in(zone.origin()) && !zone.exists(&encloser) {
        encloser = encloser.parent();
    }
    encloser.wildcard_child().filter(|wildcard| !zone.exists(name) && zone.node(wildcard).is_some())
}

/// The topmost delegation that hides a name: at the name itself or above it, below the apex.
pub(crate) fn cut_at_or_above(zone: &Zone, owner: &OwnerName) -> Option<OwnerName> {
    let mut name = owner.clone();
    let mut found = None;
    while name != *zone.origin() && name.is_in(zone.origin()) && !name.is_root() {
        if zone.rrset(&name, RecordType::NS).is_some() {
            found = Some(name.clone());
        }
        name = name.parent();
    }
    found
}

/// The same, strictly above the name.
fn cut_above(zone: &Zone, owner: &OwnerName) -> Option<OwnerName> {
    if owner == zone.origin() { None } else { cut_at_or_above(zone, &owner.parent()) }
}
