//! What the unit tests share: zones, plans, arbitrary nodes, and Route 53's own rules for a batch.

use std::collections::BTreeSet;

use dnsplan_fence::{Generation, OfferedGeneration, ParentGeneration};
use dnsplan_plan::{
    Candidate, Member, Node, OwnerName, Plan, Proposal, Provenance, RRset, RecordType, Timestamp, Ttl, Zone,
    rdata,
};
use proptest::prelude::*;

use crate::cost::Limits;
use crate::name::Names;
use crate::record::{Body, Change, RecordSet, Routing};
use crate::wanted::Wanted;
use crate::zone_map::ZoneMap;

pub(crate) const ZONE_ID: &str = "Z0123456789";

pub(crate) fn name(text: &str) -> OwnerName {
    let origin: OwnerName = "example.com.".parse().expect("a name");
    OwnerName::relative(text, &origin).expect("a name")
}

pub(crate) fn wanted() -> Wanted {
    let names = Names::new(name("@")).expect("a short zone");
    Wanted { names, zone_id: ZONE_ID.into(), limits: Limits::default() }
}

pub(crate) fn simple(record_type: &str, ttl: u32, texts: &[&str]) -> RRset {
    let data = texts.iter().map(|text| rdata(record_type, text, &name("@")).expect("record data"));
    RRset::simple(Ttl::new(ttl).expect("a TTL"), data).expect("an RRset")
}

pub(crate) fn address(index: usize) -> String {
    format!("10.{}.{}.{}", index >> 16 & 255, index >> 8 & 255, index & 255)
}

/// An A RRset of addresses from `from` on.
pub(crate) fn addresses(from: usize, count: usize) -> RRset {
    let texts: Vec<String> = (from..from + count).map(address).collect();
    simple("A", 60, &texts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A weighted A RRset; where there are health checks, every other member has one.
pub(crate) fn weighted(ttl: u32, weights: &[u8], is_checked: bool) -> RRset {
    let member = |(index, weight): (usize, &u8)| Member {
        id: format!("m{index:04}").into(),
        weight: *weight,
        health_check: (is_checked && index % 2 == 0).then(|| format!("check-{index}").into()),
        data: rdata("A", &address(index), &name("@")).expect("an address"),
    };
    RRset::weighted(Ttl::new(ttl).expect("a TTL"), weights.iter().enumerate().map(member)).expect("an RRset")
}

pub(crate) fn multivalue(ttl: u32, count: usize) -> RRset {
    let candidate = |index: usize| Candidate {
        id: format!("m{index:04}").into(),
        health_check: None,
        data: rdata("A", &address(index), &name("@")).expect("an address"),
    };
    RRset::multivalue(Ttl::new(ttl).expect("a TTL"), (0..count).map(candidate)).expect("an RRset")
}

/// A plan of an apex and these nodes.
pub(crate) fn plan(generation: u64, nodes: impl IntoIterator<Item = (OwnerName, Node)>) -> Plan {
    let mut zone = Zone::empty(name("@"));
    let apex = Node::new()
        .with(simple("SOA", 900, &["ns1.example.net. ops.example.net. 0 300 60 86400 30"]))
        .with(simple("NS", 900, &["ns1.example.net."]));
    zone.set(name("@"), apex).expect("in the zone");
    for (owner, node) in nodes {
        let node = zone.node(&owner).into_iter().flat_map(|old| old.rrsets()).chain(node.rrsets()).cloned();
        zone.set(owner.clone(), node.collect::<Node>()).expect("in the zone");
    }
    let provenance = Provenance::new("test", Timestamp::from_millis(0), "test");
    let granted = OfferedGeneration::granted(Generation::new(generation));
    Plan::granted(granted, ParentGeneration::NONE, Proposal { zone, provenance })
}

/// What a zone holds where a plan was put in place.
pub(crate) fn placed(plan: &Plan) -> ZoneMap {
    let wanted = wanted();
    plan.zone().nodes().flat_map(|(owner, node)| wanted.in_place(owner, node).expect("it fits")).collect()
}

fn any_address_rrset() -> impl Strategy<Value = RRset> {
    let ttl = || prop_oneof![Just(60u32), Just(300)];
    let weights = || prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 1..6);
    prop_oneof![
        (0..4usize, 1..6usize).prop_map(|(from, count)| addresses(from, count)),
        (ttl(), weights(), any::<bool>())
            .prop_map(|(ttl, weights, is_checked)| weighted(ttl, &weights, is_checked)),
        (ttl(), 1..6usize).prop_map(|(ttl, count)| multivalue(ttl, count)),
    ]
}

fn any_cname() -> impl Strategy<Value = RRset> {
    let member = |(index, weight): (usize, u8)| Member {
        id: format!("c{index}").into(),
        weight,
        health_check: None,
        data: rdata("CNAME", &format!("t{index}"), &name("@")).expect("a name"),
    };
    prop_oneof![
        "[a-c]".prop_map(|target| simple("CNAME", 60, &[&target])),
        prop::collection::vec(any::<u8>(), 1..4).prop_map(move |weights| {
            let members = weights.into_iter().enumerate().map(member);
            RRset::weighted(Ttl::new(60).expect("a TTL"), members).expect("an RRset")
        }),
    ]
}

/// A node that may be there: addresses of every kind, texts short and long, a delegation; or a CNAME.
pub(crate) fn any_node() -> impl Strategy<Value = Node> {
    let text = "[a-z\"]{1,300}".prop_map(|text| {
        let strings: Vec<String> = text
            .as_bytes()
            .chunks(200)
            .map(|part| format!("\"{}\"", String::from_utf8_lossy(part).replace('"', "\\\"")))
            .collect();
        simple("TXT", 60, &[&strings.join(" ")])
    });
    let servers = (1..4usize).prop_map(|count| {
        let servers: Vec<String> = (0..count).map(|index| format!("ns{index}.example.net.")).collect();
        simple("NS", 300, &servers.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let several =
        (prop::option::of(any_address_rrset()), prop::option::of(text), prop::option::weighted(0.2, servers))
            .prop_map(|(a, b, c)| [a, b, c].into_iter().flatten().collect());
    prop_oneof![3 => several, 1 => any_cname().prop_map(|cname| Node::new().with(cname))]
}

/// Does what Route 53 does with a batch: one change after the other, all or nothing.
pub(crate) fn submit(zone: &ZoneMap, batch: &[Change]) -> Result<ZoneMap, String> {
    let mut next = zone.clone();
    for change in batch {
        let set = change.record_set();
        let there = next.at(&set.name).find(|there| there.key() == set.key());
        match change {
            Change::Delete(_) if there != Some(set) => return Err(format!("delete of another set: {set:?}")),
            Change::Create(_) if there.is_some() => return Err(format!("it exists: {set:?}")),
            _ => {}
        }
        next.apply([change]);
        if !matches!(change, Change::Delete(_)) {
            check(&next, set)?;
        }
    }
    Ok(next)
}

fn check(zone: &ZoneMap, set: &RecordSet) -> Result<(), String> {
    let here: Vec<&RecordSet> = zone.at(&set.name).collect();
    let types: BTreeSet<RecordType> = here.iter().map(|set| set.record_type).collect();
    if types.contains(&RecordType::CNAME) && types.len() > 1 {
        return Err(format!("a CNAME stands alone: {here:?}"));
    }
    let group = || here.iter().filter(|other| other.record_type == set.record_type);
    let routing = |set: &RecordSet| set.identity.as_ref().map(|one| std::mem::discriminant(&one.routing));
    if group().any(|other| routing(other) != routing(set)) {
        return Err(format!("two kinds of routing: {here:?}"));
    }
    let ttl = |set: &RecordSet| match (&set.identity, &set.body) {
        (Some(one), Body::Values { ttl, .. }) if matches!(one.routing, Routing::Weight(_)) => Some(*ttl),
        _ => None,
    };
    if group().any(|other| ttl(other) != ttl(set)) || group().count() > 100 {
        return Err(format!("weighted sets of different TTLs, or too many: {here:?}"));
    }
    match set.target() {
        Some(alias) if !zone.at(&alias.target).any(|target| target.record_type == set.record_type) => {
            Err(format!("the target of {set:?} was not found"))
        }
        _ => Ok(()),
    }
}
