use dnsplan_plan::{Node, OwnerName, RecordType};
use proptest::prelude::*;

use super::{Rehearsal, document};
use crate::api::{Cursor, Sent};
use crate::changes::changes;
use crate::cost::Limits;
use crate::messages::{Kind, parse};
use crate::record::{Alias, Change, RecordSet, Routing};
use crate::testing::{ZONE_ID, addresses, any_node, name, simple, submit, wanted, weighted};
use crate::zone_map::ZoneMap;

fn sets(owner: &str, node: &Node) -> Vec<RecordSet> {
    wanted().in_place(&name(owner), node).expect("it fits")
}

fn one(owner: &str, from: usize) -> RecordSet {
    sets(owner, &Node::new().with(addresses(from, 1))).remove(0)
}

fn alias(owner: &str, target: &str) -> RecordSet {
    let alias = Alias { target: name(target), zone_id: ZONE_ID.into(), evaluate_target_health: false };
    RecordSet::alias(name(owner), RecordType::A, alias)
}

fn all(rehearsal: &Rehearsal) -> Vec<RecordSet> {
    rehearsal.page(None, i32::MAX).0
}

/// What a batch is refused for.
fn refused(rehearsal: &Rehearsal, batch: &[Change]) -> Vec<(Option<OwnerName>, Kind)> {
    let before = all(rehearsal);
    let Sent::Refused(messages) = rehearsal.change(batch) else { panic!("taken: {batch:?}") };
    assert_eq!(all(rehearsal), before, "all or nothing");
    parse(&messages).into_iter().map(|problem| (problem.name, problem.kind)).collect()
}

#[test]
fn what_is_there_is_refused_and_named_as_route_53_does() {
    let members = sets("w", &Node::new().with(weighted(60, &[1, 2], false)));
    let cname = sets("www", &Node::new().with(simple("CNAME", 60, &["x"]))).remove(0);
    let there = [one("www", 0), members[0].clone(), alias("@", "www")];
    let rehearsal = Rehearsal::new(ZONE_ID, there);
    let (create, delete) = (Change::Create, Change::Delete);
    let other_ttl = RecordSet::simple(name("w"), RecordType::A, 61, members[1].values().to_vec());
    let other_ttl = other_ttl.identified("m0009", Routing::Weight(1));
    let multivalue = members[1].clone().identified("m0008", Routing::Multivalue);
    for (change, owner, kind) in [
        (create(one("www", 0)), "www", Kind::AlreadyExists),
        (create(one("w", 1)), "w", Kind::AlreadyExists),
        (create(cname), "www", Kind::AlreadyExists),
        (create(other_ttl), "w", Kind::AlreadyExists),
        (create(multivalue), "w", Kind::AlreadyExists),
        (delete(one("x", 0)), "x", Kind::NotFound),
        (delete(one("www", 1)), "www", Kind::ValuesDiffer),
        (create(alias("a", "nowhere")), "nowhere", Kind::AliasTargetMissing),
    ] {
        let fine = create(one("fine", 0));
        assert_eq!(refused(&rehearsal, &[fine, change]), [(Some(name(owner)), kind)]);
    }
    // Every bad change is named, and none of the good ones is done.
    let batch = [delete(one("x", 0)), create(one("fine", 0)), delete(one("www", 1))];
    assert_eq!(refused(&rehearsal, &batch).len(), 2);
    assert!(rehearsal.stage().taken.is_empty());
}

#[test]
fn a_batch_that_is_taken_is_kept_as_a_document() {
    let rehearsal = Rehearsal::new(ZONE_ID, [one("www", 0)]);
    let batch =
        [Change::Delete(one("www", 0)), Change::Create(one("www", 1)), Change::Upsert(alias("a", "www"))];
    assert!(matches!(rehearsal.change(&batch), Sent::Applied(_)));
    assert_eq!(all(&rehearsal), [alias("a", "www"), one("www", 1)]);
    let taken = &rehearsal.stage().taken[..];
    let [taken] = taken else { panic!("{taken:?}") };
    let document = document(taken);
    let keys: Vec<&String> = document.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["Changes"]);
    assert_eq!(document["Changes"][1]["Action"], "CREATE");
    assert_eq!(document["Changes"][1]["ResourceRecordSet"]["ResourceRecords"][0]["Value"], "10.0.0.1");
}

#[test]
fn pages_go_through_everything_once() {
    let node = Node::new().with(weighted(60, &[1, 2, 3], false)).with(simple("TXT", 60, &["\"x\""]));
    let there: Vec<RecordSet> = ["b", "a", "*", "@"].iter().flat_map(|owner| sets(owner, &node)).collect();
    let rehearsal = Rehearsal::new(ZONE_ID, there.clone());
    let (mut seen, mut from) = (Vec::new(), None);
    loop {
        let (page, next) = rehearsal.page(from.as_ref(), 3);
        assert!(page.len() == 3 || next.is_none());
        seen.extend(page);
        match next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    assert_eq!((seen.len(), &seen), (there.len(), &all(&rehearsal)));
    let txt = Cursor::at(&name("a"), Some(RecordType::TXT));
    assert_eq!(rehearsal.page(Some(&txt), 1).0, [sets("a", &node).pop().expect("a TXT")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The rules here and those that the other tests of this crate go by are written down separately.
    #[test]
    fn batches_are_taken_and_refused_as_by_the_other_tests_rules(
        before in any_node(),
        guess in any_node(),
        after in any_node(),
        is_right in any::<bool>(),
    ) {
        let there = sets("x", &before);
        let guessed = if is_right { there.clone() } else { sets("x", &guess) };
        let batch = changes(&guessed, &sets("x", &after), Limits::default().beside_fence()).expect("nothing foreign");
        let rehearsal = Rehearsal::new(ZONE_ID, there.clone());
        let zone: ZoneMap = there.into_iter().collect();
        match (rehearsal.change(&batch), submit(&zone, &batch)) {
            (Sent::Applied(_), Ok(zone)) => prop_assert_eq!(all(&rehearsal), zone.sets().cloned().collect::<Vec<_>>()),
            (Sent::Refused(_), Err(_)) => prop_assert!(!is_right),
            (sent, submitted) => prop_assert!(false, "{:?}, but {:?}", sent, submitted),
        }
    }
}
