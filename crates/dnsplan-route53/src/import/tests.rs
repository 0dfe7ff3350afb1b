use dnsplan_plan::{Node, RRsetKey, RecordType};
use proptest::prelude::*;

use super::{Import, read};
use crate::record::{Alias, Body, RecordSet, Routing};
use crate::testing::{addresses, any_node, multivalue, name, simple, wanted, weighted};
use crate::value::Value;
use crate::zone_map::ZoneMap;

fn sets(owner: &str, node: &Node) -> Vec<RecordSet> {
    wanted().in_place(&name(owner), node).expect("it fits")
}

fn import(sets: impl IntoIterator<Item = RecordSet>) -> Import {
    let apex = Value::returned(RecordType::NS, "ns1.example.net.");
    let apex = RecordSet::simple(name("@"), RecordType::NS, 60, vec![apex]);
    read(&wanted(), &sets.into_iter().chain([apex]).collect::<ZoneMap>())
}

/// The one reason for which everything is left out.
fn reason(sets: impl IntoIterator<Item = RecordSet>) -> String {
    let import = import(sets);
    assert!(import.rrsets.is_empty(), "{import:?}");
    let [left] = &import.left_out[..] else { panic!("{import:?}") };
    left.reason.clone()
}

#[test]
fn what_a_plan_can_say_is_read() {
    let node =
        Node::new().with(weighted(60, &[3, 1], true)).with(simple("TXT", 300, &["\"x\"", "\"y\" \"z\""]));
    let many = Node::new().with(multivalue(60, 3));
    let import = import(sets("www", &node).into_iter().chain(sets("many", &many)));
    assert_eq!(import.left_out, []);
    assert_eq!((&import.zone, &import.name_servers), (&name("@"), &vec![name("ns1.example.net.")]));
    assert!(!import.is_managed);
    let key = |owner: &str, record_type| RRsetKey::new(name(owner), record_type);
    let found: Vec<_> = import.rrsets.keys().cloned().collect();
    assert_eq!(found, [key("many", RecordType::A), key("www", RecordType::A), key("www", RecordType::TXT)]);
    assert_eq!(import.rrsets[&key("www", RecordType::A)], weighted(60, &[3, 1], true));
}

#[test]
fn what_no_plan_has_is_left_out_with_the_reason() {
    let a = |text| vec![Value::returned(RecordType::A, text)];
    let plain = || RecordSet::simple(name("x"), RecordType::A, 60, a("192.0.2.1"));
    let alias = |target: &str| {
        let alias = Alias { target: name(target), zone_id: "ZOTHER".into(), evaluate_target_health: true };
        RecordSet::alias(name("x"), RecordType::A, alias)
    };
    let tree = "x.g7-0000000000000000._dnsplan";
    let two = RecordSet::simple(name("x"), RecordType::A, 60, [a("192.0.2.1"), a("192.0.2.2")].concat());
    let later = RecordSet::simple(name("x"), RecordType::A, 61, a("192.0.2.2"));
    let other = |what: &str| RecordSet { body: Body::Other(what.into()), ..plain() };
    let unreadable = RecordSet::simple(name("x"), RecordType::A, 60, a("no address"));
    let mut checked = plain();
    checked.health_check = Some("check-1".into());
    for (sets, expected) in [
        (vec![alias("lb.example.net.")], "an alias of lb.example.net. in hosted zone ZOTHER"),
        (vec![alias(tree)], "answered from a tree of dnsplan's"),
        (vec![plain().identified("eu", Routing::Other("latency".into()))], "latency routing"),
        (vec![other("traffic policy instance 7")], "traffic policy instance 7"),
        (vec![two.identified("m", Routing::Weight(1))], "\"m\" has 2 values"),
        (
            vec![plain().identified("m", Routing::Weight(1)), later.identified("n", Routing::Weight(1))],
            "different TTLs",
        ),
        (
            vec![plain().identified("m", Routing::Weight(1)), plain().identified("n", Routing::Multivalue)],
            "\"n\" is not weighted",
        ),
        (vec![unreadable], "no address is no data that can be read"),
        (vec![checked], "in another way"),
        (vec![plain().identified(&"m".repeat(129), Routing::Weight(1))], "1 to 128 bytes"),
    ] {
        let reason = reason(sets);
        assert!(reason.contains(expected), "{reason}: not {expected}");
    }
}

#[test]
fn what_is_another_tools_or_delegated_is_left_out() {
    let ours = || Node::new().with(addresses(0, 1));
    let marker = |text: &str| Node::new().with(simple("TXT", 60, &[text]));
    let external = marker("\"heritage=external-dns,external-dns/owner=me\"");
    let import_of =
        |nodes: &[(&str, &Node)]| import(nodes.iter().flat_map(|(owner, node)| sets(owner, node)));
    for (at, tool) in [("www", &external), ("a-www", &external), ("_owner.a.www", &marker("\"*octodns*\""))] {
        let import = import_of(&[("www", &ours()), (at, tool), ("free", &ours())]);
        let left: Vec<_> = import.left_out.iter().map(|left| (&left.owner, &left.reason)).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(left.iter().all(|(_, reason)| reason.starts_with("another tool owns it: ")), "{left:?}");
        assert_eq!(import.rrsets.keys().map(|key| key.owner.clone()).collect::<Vec<_>>(), [name("free")]);
    }
    let servers = Node::new().with(simple("NS", 60, &["ns1.sub", "ns2.example.net."]));
    let import = import_of(&[("sub", &servers), ("ns1.sub", &ours()), ("subway", &ours())]);
    let left: Vec<_> = import.left_out.iter().map(|left| left.owner.clone()).collect();
    assert_eq!(left, [name("sub"), name("ns1.sub")]);
    assert!(import.left_out[1].reason.starts_with("sub.example.com. is delegated"), "{import:?}");
    assert_eq!(import.rrsets.len(), 1);
}

#[test]
fn the_fence_and_the_trees_are_no_content() {
    let node = marker_node();
    let staged = "www.g7-0000000000000000._dnsplan";
    let import = import(sets_at("_dnsplan", &node).into_iter().chain(sets_at(staged, &node)));
    assert!(import.is_managed && import.rrsets.is_empty() && import.left_out.is_empty(), "{import:?}");
}

fn marker_node() -> RecordSet {
    RecordSet::simple(name("@"), RecordType::TXT, 60, vec![Value::txt("anything")])
}

fn sets_at(owner: &str, set: &RecordSet) -> Vec<RecordSet> {
    vec![RecordSet { name: name(owner), ..set.clone() }]
}

proptest! {
    /// What a plan has put there is read as that plan's.
    #[test]
    fn what_was_put_in_place_is_read_as_it_was(node in any_node()) {
        let import = import(sets("x", &node));
        let is_delegated = node.get(RecordType::NS).is_some();
        let found: Node = import.rrsets.into_values().collect();
        if is_delegated {
            prop_assert!(found.is_empty());
        } else {
            prop_assert_eq!((found, import.left_out), (node, Vec::new()));
        }
    }
}
