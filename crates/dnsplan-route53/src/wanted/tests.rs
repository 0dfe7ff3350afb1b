use std::collections::{BTreeMap, BTreeSet};

use dnsplan_enactor::TreeName;
use dnsplan_fence::{Digest, Generation};
use dnsplan_plan::{Node, OwnerName, RData, RRset, RecordType, Ttl};
use hickory_proto::rr::rdata::NULL;
use proptest::prelude::*;

use super::{Reason, Wanted, weights};
use crate::cost::{Cost, Limits};
use crate::record::{Change, RecordSet, Routing};
use crate::testing::{addresses, any_node, multivalue, name, simple, submit, wanted, weighted};
use crate::zone_map::ZoneMap;

fn tree() -> TreeName {
    TreeName { generation: Generation::new(7), digest: Digest::new([0xcd; 32]) }
}

fn staged(node: &Node) -> Vec<RecordSet> {
    wanted().staged(&name("www"), node, &tree()).expect("it fits")
}

fn pointers(node: &Node) -> Vec<RecordSet> {
    wanted().pointers(&name("www"), node, &tree()).expect("it fits")
}

fn reason(node: &Node) -> Reason {
    *wanted().in_place(&name("www"), node).expect_err("it does not fit").reason
}

#[test]
fn in_place_each_member_is_a_record_set() {
    let wanted = wanted();
    let node = Node::new().with(weighted(60, &[10, 20], true)).with(simple("TXT", 60, &["\"x\""]));
    let sets = wanted.in_place(&name("www"), &node).unwrap();
    let shown: Vec<_> = sets
        .iter()
        .map(|set| (set.identity.as_ref().map(|one| one.routing.clone()), set.health_check.as_deref()))
        .collect();
    let weight = |weight| Some(Routing::Weight(weight));
    assert_eq!(shown, [(weight(10), Some("check-0")), (weight(20), None), (None, None)]);
    let sets = wanted.in_place(&name("www"), &Node::new().with(multivalue(60, 3))).unwrap();
    assert!(sets.iter().all(|set| set.identity.as_ref().unwrap().routing == Routing::Multivalue));
    assert_eq!(sets.len(), 3);
}

#[test]
fn the_apex_soa_and_ns_are_route_53s() {
    let wanted = wanted();
    let soa = simple("SOA", 900, &["ns1.example.net. ops.example.net. 0 300 60 86400 30"]);
    let node =
        Node::new().with(soa.clone()).with(simple("NS", 900, &["ns1.example.net."])).with(addresses(0, 1));
    let types = |sets: Vec<RecordSet>| sets.iter().map(|set| set.record_type).collect::<Vec<_>>();
    assert_eq!(types(wanted.in_place(&name("@"), &node).unwrap()), [RecordType::A]);
    assert_eq!(types(wanted.staged(&name("@"), &node, &tree()).unwrap()), [RecordType::A]);
    assert_eq!(types(wanted.pointers(&name("@"), &node, &tree()).unwrap()), [RecordType::A]);
    assert_eq!(reason(&Node::new().with(soa)), Reason::Soa, "below the apex it is nobody's");
    assert!(wanted.is_route53s(&name("@"), RecordType::NS));
    assert!(
        !wanted.is_route53s(&name("www"), RecordType::NS) && !wanted.is_route53s(&name("@"), RecordType::A)
    );
}

#[test]
fn delegations_stay_at_their_own_name() {
    let node = Node::new().with(simple("NS", 60, &["ns1.example.net."])).with(addresses(0, 1));
    let names: Vec<String> = staged(&node).iter().map(|set| set.name.to_string()).collect();
    assert_eq!(names, ["www.g7-cdcdcdcdcdcdcdcd._dnsplan.example.com."]);
    let pointers = pointers(&node);
    let [servers, alias] = &pointers[..] else { panic!("{pointers:?}") };
    assert_eq!((servers.record_type, servers.target()), (RecordType::NS, None));
    let target = alias.target().unwrap();
    assert_eq!(target.target.to_string(), names[0]);
    assert_eq!((alias.record_type, target.evaluate_target_health), (RecordType::A, false));
}

#[test]
fn a_ds_rrset_is_part_of_the_delegation() {
    let data = RData::Unknown { code: RecordType::DS, rdata: NULL::with(vec![0x30, 0x39, 13, 2, 0xab]) };
    let keys = RRset::simple(Ttl::new(60).unwrap(), [data]).unwrap();
    let node = Node::new().with(simple("NS", 60, &["ns1.example.net."])).with(keys);
    assert_eq!(staged(&node), []);
    let texts: Vec<_> = pointers(&node).iter().map(|set| set.values()[0].text().to_owned()).collect();
    assert_eq!(texts, ["ns1.example.net.", "12345 13 2 ab"]);
}

#[test]
fn health_is_evaluated_where_something_below_has_a_check() {
    let evaluates = |node: &Node| {
        let aliases = staged(node).into_iter().chain(pointers(node));
        let aliases = aliases.filter(|set| set.target().is_some());
        aliases.map(|set| set.target().unwrap().evaluate_target_health).collect::<Vec<_>>()
    };
    // Dealt out in turn, the members with a check (every other one) are all in the first of two groups.
    assert_eq!(evaluates(&Node::new().with(weighted(60, &[1; 150], true))), [true, false, true]);
    assert_eq!(evaluates(&Node::new().with(weighted(60, &[1; 150], false))), [false, false, false]);
    assert_eq!(evaluates(&Node::new().with(weighted(60, &[1; 2], true))), [true]);
    assert_eq!(evaluates(&Node::new().with(addresses(0, 2))), [false]);
}

#[test]
fn large_weighted_rrsets_are_nested() {
    let sets = staged(&Node::new().with(weighted(60, &[10; 250], false)));
    let (aliases, members): (Vec<_>, Vec<_>) = sets.iter().partition(|set| set.target().is_some());
    assert_eq!(members.len(), 250);
    let mut groups = BTreeMap::<&OwnerName, usize>::new();
    members.iter().for_each(|set| *groups.entry(&set.name).or_default() += 1);
    let groups: Vec<(String, usize)> =
        groups.into_iter().map(|(name, count)| (name.to_string(), count)).collect();
    let group = |index: usize| format!("_{index}.www.g7-cdcdcdcdcdcdcdcd._dnsplan.example.com.");
    assert_eq!(groups, [(group(1), 84), (group(2), 83), (group(3), 83)]);
    let weights: Vec<_> = aliases.iter().map(|set| set.identity.as_ref().unwrap().routing.clone()).collect();
    assert_eq!(weights, [Routing::Weight(84), Routing::Weight(83), Routing::Weight(83)]);
    assert!(
        aliases.iter().all(|set| set.name.to_string() == "www.g7-cdcdcdcdcdcdcdcd._dnsplan.example.com.")
    );
    assert_eq!(
        reason(&Node::new().with(weighted(60, &[1; 101], false))),
        Reason::TooMany { record_type: "A".to_owned(), what: "weighted members", count: 101, limit: 100 }
    );
}

#[test]
fn weights_keep_their_proportions() {
    assert_eq!(weights(&[500, 250, 0]), [2, 1, 0]);
    assert_eq!(weights(&[0, 0]), [0, 0]);
    assert_eq!(weights(&[255, 1]), [255, 1]);
    assert_eq!(weights(&[25_500, 25_499, 1]), [255, 255, 1]);
    assert_eq!(weights(&[1021, 511]), [255, 128]);
}

#[test]
fn what_route_53_cannot_have_is_named() {
    assert!(matches!(
        reason(&Node::new().with(simple("HINFO", 60, &["\"a\" \"b\""]))),
        Reason::Unsupported(_)
    ));
    assert!(matches!(
        reason(&Node::new().with(addresses(0, 401))),
        Reason::TooMany { count: 401, limit: 400, .. }
    ));
    assert!(matches!(reason(&Node::new().with(multivalue(60, 101))), Reason::TooMany { count: 101, .. }));
    let text = vec![format!("\"{}\"", "x".repeat(250)); 17].join(" ");
    assert!(matches!(reason(&Node::new().with(simple("TXT", 60, &[&text]))), Reason::LongValue { .. }));
    // 400 + 100 elements can be created, but never replaced.
    let large = Node::new().with(addresses(0, 400)).with(simple("AAAA", 60, &["2001:db8::1"]));
    assert!(wanted().in_place(&name("www"), &large).is_ok());
    let narrow = Wanted {
        limits: Limits { batch: Cost { elements: 800, characters: 32_000 }, ..Limits::default() },
        ..wanted()
    };
    let error = narrow.in_place(&name("www"), &large).unwrap_err();
    assert!(matches!(*error.reason, Reason::NoBatch { cost: Cost { elements: 802, .. }, .. }), "{error}");
    let error = narrow.staged(&name("www"), &large, &tree()).unwrap_err();
    assert!(matches!(*error.reason, Reason::NoBatch { cost: Cost { elements: 802, .. }, .. }), "{error}");
    let reserved = wanted().in_place(&name("x._dnsplan"), &large).unwrap_err();
    assert_eq!((reserved.owner, *reserved.reason), (name("x._dnsplan"), Reason::Reserved));
}

#[test]
fn a_name_that_is_too_long_for_a_tree_can_still_be_a_delegation() {
    let label = "a".repeat(60);
    let owner = name(&format!("{label}.{label}.{label}.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    let wanted = wanted();
    let servers = Node::new().with(simple("NS", 60, &["ns1.example.net."]));
    assert_eq!(wanted.staged(&owner, &servers, &tree()), Ok(vec![]));
    assert_eq!(wanted.pointers(&owner, &servers, &tree()).unwrap().len(), 1);
    let node = servers.with(addresses(0, 1));
    assert!(matches!(*wanted.staged(&owner, &node, &tree()).unwrap_err().reason, Reason::TooLong(_)));
    assert!(matches!(*wanted.pointers(&owner, &node, &tree()).unwrap_err().reason, Reason::TooLong(_)));
    assert!(wanted.in_place(&owner, &node).is_ok());
}

/// Every other member is light: dealt out in the order of their ids, one group would weigh 170 times the other, and most
/// proportions near that do not fit 8 bits.
#[test]
fn groups_weigh_much_the_same() {
    let light = (0..100).map(|index| if index < 50 { 2 } else { 1 });
    let members: Vec<u8> = light.flat_map(|weight| [255, weight]).collect();
    let sets = staged(&Node::new().with(weighted(60, &members, false)));
    let weights: Vec<_> = sets.iter().filter(|set| set.target().is_some()).map(|set| &set.identity).collect();
    let shown: Vec<_> = weights.iter().map(|one| one.as_ref().unwrap().routing.clone()).collect();
    assert_eq!(shown, [Routing::Weight(1), Routing::Weight(1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Route 53 takes what is wanted in the order in which it is wanted, and every pointer finds its target.
    #[test]
    fn a_tree_can_be_created_and_pointed_at(node in any_node(), large in 0..220usize) {
        let has_large = large > 100 && node.get(RecordType::CNAME).is_none();
        let node = if has_large { node.with(weighted(60, &vec![3; large], true)) } else { node };
        let create = |sets: Vec<RecordSet>| sets.into_iter().map(Change::Create).collect::<Vec<_>>();
        let zone = submit(&ZoneMap::default(), &create(staged(&node))).map_err(TestCaseError::fail)?;
        let zone = submit(&zone, &create(pointers(&node))).map_err(TestCaseError::fail)?;
        prop_assert!(zone.sets().all(RecordSet::is_known));
        let types: BTreeSet<RecordType> = zone.at(&name("www")).map(|set| set.record_type).collect();
        prop_assert_eq!(types, node.rrsets().map(RRset::record_type).collect());
    }

    /// What a query is answered with, by way of groups, is close to what the members' own weights say.
    #[test]
    fn nesting_keeps_proportions(members in prop::collection::vec(any::<u8>(), 101..400)) {
        let sets = staged(&Node::new().with(weighted(60, &members, false)));
        let weight = |set: &RecordSet| match &set.identity.as_ref().expect("one of several").routing {
            Routing::Weight(weight) => f64::from(*weight),
            other => panic!("{other:?}"),
        };
        let of_group = |name: &OwnerName| sets.iter().filter(|set| set.name == *name).map(weight).sum::<f64>();
        let total: f64 = members.iter().copied().map(f64::from).sum();
        prop_assume!(total > 0.0);
        let aliases: Vec<_> = sets.iter().filter(|set| set.target().is_some()).collect();
        let all: f64 = aliases.iter().map(|alias| weight(alias)).sum();
        for alias in aliases {
            let target = &alias.target().expect("an alias").target;
            let (has, due) = (weight(alias) / all, of_group(target) / total);
            prop_assert!((has - due).abs() < 0.005, "{} of {}", has, due);
        }
    }
}
