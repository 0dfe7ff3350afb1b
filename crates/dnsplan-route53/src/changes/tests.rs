use std::slice;

use dnsplan_enactor::TreeName;
use dnsplan_fence::{Digest, Generation};
use dnsplan_plan::Node;
use proptest::prelude::*;

use super::{Taken, TooLarge, batch};
use crate::cost::{Cost, Limits};
use crate::record::{Body, Change, RecordSet, Routing};
use crate::testing::{addresses, any_node, multivalue, name, simple, submit, wanted, weighted};
use crate::value::Value;
use crate::zone_map::ZoneMap;

fn changes(now: &[RecordSet], then: &[RecordSet]) -> Result<Vec<Change>, Taken> {
    super::changes(now, then, Limits::default().beside_fence())
}

fn sets(node: &Node) -> Vec<RecordSet> {
    wanted().in_place(&name("www"), node).expect("it fits")
}

fn actions(before: &Node, after: &Node) -> Vec<String> {
    let changes = changes(&sets(before), &sets(after)).expect("ours");
    let shown = |change: &Change| {
        let set = change.record_set();
        let id = set.identity.as_ref().map_or(String::new(), |one| format!(" {}", one.id));
        format!("{} {}{id}", change.action(), set.record_type)
    };
    changes.iter().map(shown).collect()
}

#[test]
fn what_is_equal_is_left_alone() {
    let node = Node::new().with(addresses(1, 2)).with(simple("TXT", 60, &["\"x\""]));
    assert_eq!(actions(&node, &node), [""; 0]);
    let other = Node::new().with(addresses(2, 2)).with(simple("TXT", 60, &["\"x\""]));
    assert_eq!(actions(&node, &other), ["UPSERT A"]);
    assert_eq!(actions(&Node::new(), &node), ["CREATE A", "CREATE TXT"]);
    assert_eq!(actions(&node, &Node::new()), ["DELETE A", "DELETE TXT"]);
}

#[test]
fn members_change_one_by_one() {
    let before = Node::new().with(weighted(60, &[1, 2, 3], false));
    let after = Node::new().with(weighted(60, &[1, 5, 3, 4], false));
    assert_eq!(actions(&before, &after), ["UPSERT A m0001", "CREATE A m0003"]);
    assert_eq!(actions(&after, &before), ["DELETE A m0003", "UPSERT A m0001"]);
}

#[test]
fn another_kind_is_deleted_first() {
    let plain = Node::new().with(addresses(0, 1));
    let weights = Node::new().with(weighted(60, &[1, 2], false));
    let several = Node::new().with(multivalue(60, 2));
    let cname = Node::new().with(simple("CNAME", 60, &["www2"]));
    assert_eq!(actions(&plain, &weights), ["DELETE A", "CREATE A m0000", "CREATE A m0001"]);
    let swap = ["DELETE A m0000", "DELETE A m0001", "CREATE A m0000", "CREATE A m0001"];
    assert_eq!(actions(&weights, &several), swap);
    assert_eq!(actions(&plain, &cname), ["DELETE A", "CREATE CNAME"]);
    // "weighted sets must contain the same TTL", at every step.
    let slower = Node::new().with(weighted(300, &[1, 2], false));
    assert_eq!(actions(&weights, &slower), swap);
}

#[test]
fn an_upsert_that_costs_more_than_both_halves_is_not_made() {
    let small = Node::new().with(addresses(0, 1));
    let large = Node::new().with(addresses(0, 10));
    assert_eq!(actions(&small, &large), ["DELETE A", "CREATE A"]);
    assert_eq!(actions(&large, &small), ["UPSERT A"]);
}

#[test]
fn where_that_is_too_much_everything_is_made_anew() {
    let texts = |count: usize, length: usize| {
        let texts: Vec<String> = (0..count).map(|index| format!("\"{index:0length$}\"")).collect();
        simple("TXT", 60, &texts.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let now = sets(&Node::new().with(texts(10, 200)).with(addresses(0, 300)));
    let then = sets(&Node::new().with(texts(200, 3)));
    let costs = |room| {
        let changes = super::changes(&now, &then, room).unwrap();
        (changes.len(), Cost::of_all(&changes).elements)
    };
    let room = Limits::default().beside_fence();
    assert_eq!(costs(room), (2, 300 + 400));
    assert_eq!(costs(Cost { elements: 600, ..room }), (3, 300 + 10 + 200));
}

/// What is staged for one owner name is a unit too, and has aliases of its own.
#[test]
fn aliases_come_after_their_targets_and_go_before_them() {
    let tree = TreeName { generation: Generation::new(1), digest: Digest::ZERO };
    let staged = |count: usize| {
        let node = Node::new().with(weighted(60, &vec![1; count], false));
        wanted().staged(&name("www"), &node, &tree).expect("it fits")
    };
    for (before, after) in [(0, 250), (250, 150), (150, 250), (250, 90), (90, 250)] {
        let of = |count: usize| if count == 0 { Vec::new() } else { staged(count) };
        let changes = changes(&of(before), &of(after)).unwrap();
        let zone: ZoneMap = of(before).into_iter().collect();
        assert_eq!(submit(&zone, &changes), Ok(of(after).into_iter().collect()), "{before} -> {after}");
        let is_alias: Vec<bool> = changes
            .iter()
            .filter(|change| matches!(change, Change::Delete(_)))
            .map(|change| change.record_set().target().is_some())
            .collect();
        assert!(is_alias.is_sorted_by(|left, right| left >= right), "{before} -> {after}");
    }
}

#[test]
fn deletions_are_of_what_was_found() {
    let ttl = 60;
    let found = RecordSet {
        body: Body::Values {
            ttl,
            values: vec![Value::returned(dnsplan_plan::RecordType::CNAME, "WWW2.example.com")],
        },
        ..sets(&Node::new().with(simple("CNAME", ttl, &["www2"]))).remove(0)
    };
    let same = sets(&Node::new().with(simple("CNAME", ttl, &["www2"])));
    assert_eq!(changes(slice::from_ref(&found), &same), Ok(vec![]));
    let changes = changes(&[found], &[]).unwrap();
    assert_eq!(changes[0].record_set().values()[0].text(), "WWW2.example.com");
}

#[test]
fn somebody_elses_routing_takes_the_name() {
    let set = sets(&Node::new().with(addresses(0, 1))).remove(0);
    let latency = set.clone().identified("eu", Routing::Other("latency".into()));
    let error = changes(&[latency], slice::from_ref(&set)).unwrap_err();
    assert_eq!(error.owner, name("www"));
    assert!(error.to_string().contains("latency"), "{error}");
    let policy = RecordSet { body: Body::Other("traffic policy".into()), ..set };
    assert!(changes(&[policy], &[]).is_err(), "and it is not deleted either");
}

#[test]
fn a_batch_begins_with_the_fence_and_keeps_to_the_limits() {
    let fence = |text: &str| {
        RecordSet::simple(name("_dnsplan"), dnsplan_plan::RecordType::TXT, 60, vec![Value::txt(text)])
    };
    let creations = |count: usize| -> Vec<Change> {
        (0..count)
            .map(|index| Change::Create(sets(&Node::new().with(addresses(index, 1))).remove(0)))
            .collect()
    };
    let limits = Limits::default();
    let full = batch(Some(fence("old")), fence("new"), creations(998), &limits).unwrap();
    assert_eq!(full[..2], [Change::Delete(fence("old")), Change::Create(fence("new"))]);
    assert_eq!(full.len(), 1000);
    let TooLarge { cost, .. } = batch(Some(fence("old")), fence("new"), creations(999), &limits).unwrap_err();
    assert_eq!(cost.elements, 1001);
    assert!(batch(None, fence("new"), creations(999), &limits).is_ok(), "a first fence costs half");
    let long = Change::Upsert(RecordSet::simple(
        name("long"),
        dnsplan_plan::RecordType::TXT,
        60,
        vec![Value::txt(&"x".repeat(3900)); 4],
    ));
    assert!(Cost::of(&long).characters > 31_000);
    assert!(batch(Some(fence("old")), fence(&"n".repeat(900)), vec![long], &limits).is_err());
}

proptest! {
    #[test]
    fn changes_lead_from_any_node_to_any_other(before in any_node(), after in any_node()) {
        let (now, then) = (sets(&before), sets(&after));
        let changes = changes(&now, &then).unwrap();
        let zone: ZoneMap = now.into_iter().collect();
        let reached = submit(&zone, &changes);
        prop_assert_eq!(reached, Ok(then.iter().cloned().collect::<ZoneMap>()));
        // Never more than to delete all and create all.
        let anew = zone.sets().chain(&then).map(Cost::of_set).sum::<Cost>();
        prop_assert!(Cost::of_all(&changes).elements <= anew.elements);
        prop_assert_eq!(before == after, changes.is_empty());
    }
}
