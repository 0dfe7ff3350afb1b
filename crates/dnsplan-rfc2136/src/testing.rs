//! What the unit tests share: zones, plans, arbitrary nodes.

use std::sync::Arc;

use dnsplan_enactor::{Basis, Cut};
use dnsplan_fence::{Generation, OfferedGeneration, ParentGeneration};
use dnsplan_plan::{Member, Node, OwnerName, Plan, Proposal, Provenance, RRset, Timestamp, Ttl, Zone, rdata};
use proptest::prelude::*;

use crate::settings::Settings;
use crate::wanted::Wanted;

pub(crate) fn name(text: &str) -> OwnerName {
    let origin: OwnerName = "example.com.".parse().expect("a name");
    OwnerName::relative(text, &origin).expect("a name")
}

pub(crate) fn settings() -> Settings {
    Settings::new("127.0.0.1:53".parse().expect("an address"), name("@"))
}

pub(crate) fn wanted() -> Wanted {
    Wanted::new(&settings()).expect("it has room")
}

/// With room for so many bytes of changes.
pub(crate) fn wanted_with_room(room: usize) -> Wanted {
    Wanted { room, ..wanted() }
}

pub(crate) fn simple(record_type: &str, texts: &[&str]) -> RRset {
    let data = texts.iter().map(|text| rdata(record_type, text, &name("@")).expect("record data"));
    RRset::simple(Ttl::new(60).expect("a TTL"), data).expect("an RRset")
}

pub(crate) fn weighted(record_type: &str, members: &[(&str, u8, &str)]) -> RRset {
    let member = |(id, weight, text): &(&str, u8, &str)| Member {
        id: (*id).into(),
        weight: *weight,
        health_check: None,
        data: rdata(record_type, text, &name("@")).expect("record data"),
    };
    RRset::weighted(Ttl::new(60).expect("a TTL"), members.iter().map(member)).expect("an RRset")
}

pub(crate) fn plan(generation: u64, nodes: impl IntoIterator<Item = (OwnerName, Node)>) -> Plan {
    let mut zone = Zone::empty(name("@"));
    for (owner, node) in nodes {
        zone.set(owner, node).expect("it lies in the zone");
    }
    let provenance = Provenance::new("test", Timestamp::from_millis(0), "a test");
    let number = OfferedGeneration::granted(Generation::new(generation));
    Plan::granted(number, ParentGeneration::NONE, Proposal { zone, provenance })
}

/// What changes between two plans.
pub(crate) fn changed(from: &Plan, to: &Plan, cut: Cut) -> Basis {
    let owners = from.zone().diff(to.zone()).nodes.into_iter().map(|change| change.owner).collect();
    Basis::Changed { owners, from: Some(Arc::new(from.clone())), begun: Vec::new(), cut }
}

/// A node that may be there: addresses, texts short and long, mail; or a CNAME; or nothing.
pub(crate) fn any_node() -> impl Strategy<Value = Node> {
    let addresses = (0..4usize, any::<u8>()).prop_map(|(count, last)| {
        let texts: Vec<String> = (0..=count).map(|index| format!("192.0.{index}.{last}")).collect();
        simple("A", &texts.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let text = "[a-z]{1,200}".prop_map(|text| simple("TXT", &[&text]));
    let mail = any::<u8>().prop_map(|preference| simple("MX", &[&format!("{preference} mail")]));
    let several = (prop::option::of(addresses), prop::option::of(text), prop::option::weighted(0.3, mail))
        .prop_map(|(a, b, c)| [a, b, c].into_iter().flatten().collect());
    let cname = "[a-c]".prop_map(|target| Node::new().with(simple("CNAME", &[&target])));
    prop_oneof![4 => several, 1 => cname]
}

/// Nodes at a few names, before and after.
pub(crate) fn any_plans() -> impl Strategy<Value = (Plan, Plan)> {
    prop::collection::vec((any_node(), any_node()), 1..30).prop_map(|nodes| {
        let owner = |index: usize| name(&format!("n{index}"));
        let old = nodes.iter().enumerate().map(|(index, (old, _))| (owner(index), old.clone()));
        let new = nodes.iter().enumerate().map(|(index, (_, new))| (owner(index), new.clone()));
        (plan(1, old), plan(2, new))
    })
}
