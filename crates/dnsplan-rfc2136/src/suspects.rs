//! Owner names of a kind that servers are known to refuse, where they refuse an update as a whole and do not say why.
//!
//! * BIND, `check-names` (on for primary zones): A, AAAA and MX records are at host names, and MX, NS and SRV records name some;
//!   anything else is REFUSED. Source: BIND 9 reference manual.
//! * BIND, `check-integrity` and `check-mx-cname`: an MX record that names a host of the zone which has no address is REFUSED. Source:
//!   BIND 9.18, `check_mx` of its update code.
//! * BIND, `max-records-per-type` (100 as it comes): a larger RRset is a SERVFAIL. Source: BIND 9 reference manual, CVE-2024-1737.

use std::collections::BTreeSet;

use dnsplan_plan::{OwnerName, RRset, RecordType, Zone, target};
use hickory_proto::op::ResponseCode;

use crate::content::{Node, Set};
use crate::unit::Unit;

/// BIND's `max-records-per-type` as it comes.
const RECORDS: usize = 100;

/// Those of `units` that a reply of `code` is probably about. `plan` is what there is to be in the zone, but for the owner names set
/// `aside`.
pub(crate) fn suspects(
    units: &[Unit],
    plan: &Zone,
    aside: &BTreeSet<OwnerName>,
    code: ResponseCode,
) -> BTreeSet<OwnerName> {
    let of = |is_suspect: &dyn Fn(&Unit) -> bool| {
        let owners = units.iter().filter(|unit| is_suspect(unit)).map(|unit| unit.owner.clone());
        owners.collect::<BTreeSet<_>>()
    };
    match code {
        ResponseCode::Refused => {
            let bad = of(&|unit| has_bad_names(&unit.owner, &unit.wanted));
            if bad.is_empty() { of(&|unit| has_lost_mail(&unit.owner, plan, aside)) } else { bad }
        }
        ResponseCode::ServFail => of(&|unit| unit.wanted.values().any(|set| set.data.len() > RECORDS)),
        _ => BTreeSet::new(),
    }
}

/// Whether an MX record names a host of the zone that has no address, or none that the server takes.
fn has_lost_mail(owner: &OwnerName, plan: &Zone, aside: &BTreeSet<OwnerName>) -> bool {
    let hosts = plan.rrset(owner, RecordType::MX).into_iter().flat_map(RRset::data).filter_map(target);
    let has_address = |host: &OwnerName| {
        let mut kinds = [RecordType::A, RecordType::AAAA].into_iter();
        !aside.contains(host) && kinds.any(|kind| plan.rrset(host, kind).is_some())
    };
    hosts.into_iter().any(|host| host.is_in(plan.origin()) && !has_address(&host))
}

fn has_bad_names(owner: &OwnerName, node: &Node) -> bool {
    let wire = owner.to_wire();
    let is_bad = |(record_type, set): (&RecordType, &Set)| match *record_type {
        RecordType::A | RecordType::AAAA => !is_host(&wire, true),
        RecordType::MX => !is_host(&wire, true) || names_no_host(set, 2),
        RecordType::NS => names_no_host(set, 0),
        RecordType::SRV => names_no_host(set, 6),
        _ => false,
    };
    node.iter().any(is_bad)
}

/// Whether the name after so many bytes of some data is no host's.
fn names_no_host(set: &Set, skip: usize) -> bool {
    set.data.iter().any(|data| data.get(skip..).is_none_or(|name| !is_host(name, false)))
}

/// Whether a name in wire form is a host's: letters, digits and hyphens, which are neither first nor last in a label (RFC 952, RFC
/// 1123 section 2.1).
fn is_host(wire: &[u8], may_be_wildcard: bool) -> bool {
    let mut rest = match wire {
        [1, b'*', rest @ ..] if may_be_wildcard => rest,
        wire => wire,
    };
    while let Some((length, after)) = rest.split_first() {
        let Some((label, after)) = after.split_at_checked((*length).into()) else { return false };
        let is_fine = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        if !label.iter().all(is_fine) || label.first() == Some(&b'-') || label.last() == Some(&b'-') {
            return false;
        }
        rest = after;
    }
    true
}

#[cfg(test)]
mod tests;
