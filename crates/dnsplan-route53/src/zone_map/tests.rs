use dnsplan_plan::Node;

use super::ZoneMap;
use crate::record::{Change, RecordSet};
use crate::testing::{addresses, name, simple, wanted, weighted};

fn sets(owner: &str, node: &Node) -> Vec<RecordSet> {
    wanted().in_place(&name(owner), node).expect("it fits")
}

#[test]
fn a_name_is_followed_by_what_is_below_it() {
    let node = Node::new().with(weighted(60, &[1, 2], false)).with(simple("TXT", 60, &["\"x\""]));
    let zone: ZoneMap = ["www", "a.www", "b.a.www", "wwwa", "ww", "@", "*.www", "0.www"]
        .iter()
        .flat_map(|owner| sets(owner, &node))
        .collect();
    assert_eq!(zone.sets().count(), 8 * 3);
    assert_eq!(zone.at(&name("www")).count(), 3);
    assert_eq!(zone.under(&name("www")).count(), 5 * 3);
    assert_eq!(zone.under(&name("a.www")).count(), 2 * 3);
    assert_eq!(zone.under(&name("@")).count(), zone.sets().count());
    assert_eq!(zone.at(&name("a")).count() + zone.under(&name("a")).count(), 0);
}

#[test]
fn changes_are_followed() {
    let (old, new) = (Node::new().with(addresses(0, 1)), Node::new().with(addresses(1, 1)));
    let (old, new) = (sets("www", &old).remove(0), sets("www", &new).remove(0));
    let mut zone = ZoneMap::default();
    zone.apply(&[Change::Create(old.clone())]);
    assert_eq!(zone.sets().collect::<Vec<_>>(), [&old]);
    zone.apply(&[Change::Upsert(new.clone())]);
    assert_eq!(zone.sets().collect::<Vec<_>>(), [&new]);
    zone.apply(&[Change::Delete(new), Change::Create(old.clone())]);
    assert_eq!(zone.sets().collect::<Vec<_>>(), [&old]);
}
