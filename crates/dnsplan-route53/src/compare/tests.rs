use std::collections::BTreeSet;

use dnsplan_enactor::{Audit, Layout};
use dnsplan_plan::{Node, OwnerName, Plan, RecordType};
use proptest::prelude::*;

use super::audit;
use crate::cut::tree_of;
use crate::name::abbreviate;
use crate::record::{Change, RecordSet};
use crate::testing::{addresses, any_node, multivalue, name, placed, plan, simple, wanted, weighted};
use crate::value::Value;
use crate::zone_map::ZoneMap;

const NOTHING: [OwnerName; 0] = [];

fn keys(plan: &Plan) -> BTreeSet<(OwnerName, RecordType)> {
    let nodes = plan.zone().nodes();
    nodes.flat_map(|(owner, node)| node.rrsets().map(|rrset| (owner.clone(), rrset.record_type()))).collect()
}

fn look(layout: Layout, zone: &ZoneMap, plan: &Plan) -> Audit {
    audit(&wanted(), layout, zone, plan, &BTreeSet::new(), &keys(plan))
}

fn differing(layout: Layout, zone: &ZoneMap, plan: &Plan) -> Vec<OwnerName> {
    look(layout, zone, plan).differing.into_iter().collect()
}

/// What a zone holds where a plan's tree was staged, and flipped to.
fn flipped(plan: &Plan) -> ZoneMap {
    let (wanted, tree) = (wanted(), tree_of(plan));
    let sets = plan.zone().nodes().flat_map(|(owner, node)| {
        let staged = wanted.staged(owner, node, &tree).expect("it fits");
        staged.into_iter().chain(wanted.pointers(owner, node, &tree).expect("it fits"))
    });
    sets.collect()
}

fn without(zone: &ZoneMap, gone: impl Fn(&RecordSet) -> bool) -> ZoneMap {
    zone.sets().filter(|set| !gone(set)).cloned().collect()
}

fn with(zone: &ZoneMap, owner: &str, record_type: RecordType, text: &str) -> ZoneMap {
    let set = RecordSet::simple(name(owner), record_type, 60, vec![Value::returned(record_type, text)]);
    let mut zone = zone.clone();
    zone.apply(&[Change::Upsert(set)]);
    zone
}

fn nodes() -> Vec<(OwnerName, Node)> {
    vec![
        (name("a"), Node::new().with(addresses(0, 3)).with(simple("TXT", 60, &["\"x\""]))),
        (name("b"), Node::new().with(weighted(60, &[1, 2], true))),
        (name("c"), Node::new().with(multivalue(60, 2))),
        (name("sub"), Node::new().with(simple("NS", 60, &["ns1.example.net."]))),
        (name("@"), Node::new().with(addresses(9, 1))),
    ]
}

#[test]
fn what_is_as_it_should_be_does_not_differ() {
    let plan = plan(3, nodes());
    assert_eq!(look(Layout::InPlace, &placed(&plan), &plan), Audit::default());
    let tree = abbreviate(&tree_of(&plan));
    let expected = Audit { trees: vec![tree], held: [tree].into(), ..Audit::default() };
    assert_eq!(look(Layout::Tree, &flipped(&plan), &plan), expected);
}

#[test]
fn drift_at_an_owner_name_is_found() {
    let plan = plan(3, nodes());
    for (layout, zone) in [(Layout::InPlace, placed(&plan)), (Layout::Tree, flipped(&plan))] {
        let missing = without(&zone, |set| set.name == name("b"));
        assert_eq!(differing(layout, &missing, &plan), [name("b")]);
        let other = with(&zone, "sub", RecordType::NS, "ns2.example.net.");
        assert_eq!(differing(layout, &other, &plan), [name("sub")]);
        // Somebody put another record in the place of ours.
        let other = with(&zone, "a", RecordType::A, "192.0.2.1");
        assert_eq!(differing(layout, &other, &plan), [name("a")]);
        // What Route 53 adds of its own is not compared.
        let apex = with(&zone, "@", RecordType::NS, "ns-1.awsdns-1.com.");
        assert_eq!(differing(layout, &apex, &plan), NOTHING);
    }
}

#[test]
fn drift_in_a_tree_is_found() {
    let plan = plan(3, nodes());
    let zone = flipped(&plan);
    let root = wanted().names.tree_root(&tree_of(&plan));
    let is_cs = |set: &RecordSet| set.name.to_string().starts_with("c.g3-");
    assert_eq!(differing(Layout::Tree, &without(&zone, is_cs), &plan), [name("c")]);
    assert_eq!(differing(Layout::Tree, &without(&zone, |set| set.name == root), &plan), [name("@")]);
    let beside =
        RecordSet { name: wanted().names.staged(&name("other"), &tree_of(&plan)).unwrap(), ..set("x") };
    let mut more = zone;
    more.apply(&[Change::Create(beside)]);
    assert_eq!(differing(Layout::Tree, &more, &plan), NOTHING, "nobody reaches it");
}

fn set(owner: &str) -> RecordSet {
    RecordSet::simple(name(owner), RecordType::A, 60, vec![Value::returned(RecordType::A, "10.9.9.9")])
}

#[test]
fn what_others_have_is_left_alone() {
    let plan = plan(3, nodes());
    for (layout, zone) in [(Layout::InPlace, placed(&plan)), (Layout::Tree, flipped(&plan))] {
        let zone = with(&zone, "a", RecordType::CAA, "0 issue \"ca\"");
        let zone = with(&zone, "foreign", RecordType::A, "10.1.1.1");
        let zone = with(&zone, "_dnsplan", RecordType::TXT, "\"the fence\"");
        let zone = with(&zone, "x._dnsplan", RecordType::TXT, "\"in no tree\"");
        assert_eq!(differing(layout, &zone, &plan), NOTHING);
    }
}

#[test]
fn what_is_left_over_is_found() {
    let (old, new) =
        (plan(2, nodes()), plan(3, nodes().into_iter().filter(|(owner, _)| *owner != name("b"))));
    let zone = with(&placed(&old), "a", RecordType::AAAA, "2001:db8::1");
    let mut ours = keys(&old);
    let audit = |zone: &ZoneMap, ours: &_, set_aside: BTreeSet<OwnerName>| {
        let audit = audit(&wanted(), Layout::InPlace, zone, &new, &set_aside, ours);
        audit.differing.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(audit(&zone, &ours, BTreeSet::new()), [name("b")]);
    assert_eq!(audit(&zone, &keys(&new), BTreeSet::new()), NOTHING, "nobody knows that it was ours");
    ours.insert((name("a"), RecordType::AAAA));
    assert_eq!(audit(&zone, &ours, BTreeSet::new()), [name("a"), name("b")]);
    assert_eq!(audit(&zone, &ours, [name("b")].into()), [name("a")]);
    let marked = with(&zone, "a-b", RecordType::TXT, "\"heritage=external-dns,external-dns/owner=x\"");
    assert_eq!(audit(&marked, &ours, BTreeSet::new()), [name("a")], "another tool has taken the name over");
}

#[test]
fn an_alias_into_a_tree_is_ours_wherever_it_is() {
    let (old, new) =
        (plan(2, nodes()), plan(3, nodes().into_iter().filter(|(owner, _)| *owner != name("b"))));
    let pointers = |set: &RecordSet| wanted().names.is_reserved(&set.name);
    let mut zone = without(&flipped(&old), pointers);
    zone.apply(&flipped(&new).sets().cloned().map(Change::Upsert).collect::<Vec<_>>());
    let (left, live) = (abbreviate(&tree_of(&old)), abbreviate(&tree_of(&new)));
    let expected = Audit { differing: [name("b")].into(), trees: vec![live], held: [left, live].into() };
    assert_eq!(look(Layout::Tree, &zone, &new), expected);
    let mut in_place = placed(&new);
    in_place.apply(&[Change::Create(zone.at(&name("b")).next().unwrap().clone())]);
    let expected = Audit { differing: [name("b")].into(), held: [left].into(), ..Audit::default() };
    assert_eq!(look(Layout::InPlace, &in_place, &new), expected);
}

#[test]
fn what_route_53_cannot_have_differs_until_it_is_set_aside() {
    let plan = plan(3, [(name("a"), Node::new().with(simple("HINFO", 60, &["\"a\" \"b\""])))]);
    for layout in [Layout::InPlace, Layout::Tree] {
        assert_eq!(differing(layout, &ZoneMap::default(), &plan), [name("a")]);
        let aside = audit(&wanted(), layout, &ZoneMap::default(), &plan, &[name("a")].into(), &keys(&plan));
        assert_eq!(aside, Audit::default());
    }
}

#[test]
fn a_tree_is_listed_as_often_as_it_takes_batches_to_delete_it() {
    let large =
        plan(4, (0..5).map(|index| (name(&format!("h{index}")), Node::new().with(addresses(0, 400)))));
    let small = plan(5, [(name("a"), Node::new().with(addresses(0, 1)))]);
    let mut zone = flipped(&large);
    zone.apply(&flipped(&small).sets().cloned().map(Change::Upsert).collect::<Vec<_>>());
    let (large, live) = (abbreviate(&tree_of(&large)), abbreviate(&tree_of(&small)));
    assert_eq!(look(Layout::Tree, &zone, &small).trees, [large, large, large, live]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_lost_or_changed_is_found(
        nodes in prop::collection::vec(any_node(), 1..8),
        index in any::<prop::sample::Index>(),
        is_tree: bool,
        is_lost: bool,
    ) {
        let named = nodes.into_iter().enumerate().map(|(at, node)| (name(&format!("h{at}")), node));
        let plan = plan(3, named);
        let (layout, mut zone) =
            if is_tree { (Layout::Tree, flipped(&plan)) } else { (Layout::InPlace, placed(&plan)) };
        prop_assert!(look(layout, &zone, &plan).differing.is_empty());
        let count = zone.sets().count();
        prop_assume!(count > 0);
        let set = zone.sets().nth(index.index(count)).expect("there is one").clone();
        let other = RecordSet { health_check: Some("other".into()), ..set.clone() };
        zone.apply(&[if is_lost { Change::Delete(set.clone()) } else { Change::Upsert(other) }]);
        let owner = wanted().names.parse_staged(&set.name).map_or(set.name, |staged| staged.owner);
        prop_assert_eq!(differing(layout, &zone, &plan), [owner]);
    }
}
