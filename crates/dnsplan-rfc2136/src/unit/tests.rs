use std::collections::BTreeSet;

use dnsplan_plan::{Node as Planned, RecordType};
use hickory_proto::op::Message;
use hickory_proto::rr::DNSClass;
use proptest::prelude::*;

use super::Unit;
use crate::content::Node;
use crate::message::{Rr, Update, record_len};
use crate::testing::{any_node, name, simple, wanted};
use crate::wanted::cost;

fn node(planned: &Planned) -> Node {
    wanted().node(&name("x"), planned).expect("it fits")
}

fn of(rrsets: &[(&str, &str)]) -> Node {
    node(&rrsets.iter().map(|(kind, text)| simple(kind, &[text])).collect())
}

fn unit(wanted: Node, ours: &[RecordType]) -> Unit {
    Unit { owner: name("x"), wanted, ours: ours.iter().copied().collect(), hints: Vec::new(), looked: None }
}

/// The update of a unit, read back by hickory: class, type and whether there is data, of prerequisites and changes.
type Said = Vec<(DNSClass, RecordType)>;

fn said(unit: &Unit) -> (Said, Said) {
    let mut update = Update::default();
    unit.put(&mut update);
    let message = Message::from_vec(&update.encode(7, &name("@"))).expect("a message");
    let of = |records: &[hickory_proto::rr::Record]| {
        records.iter().map(|record| (record.dns_class, record.record_type())).collect()
    };
    (of(&message.answers), of(&message.authorities))
}

const IN: DNSClass = DNSClass::IN;
const ANY: DNSClass = DNSClass::ANY;
const NONE: DNSClass = DNSClass::NONE;

#[test]
fn what_is_ours_is_deleted_and_put_anew() {
    let unit = unit(of(&[("A", "192.0.2.1")]), &[RecordType::A, RecordType::TXT]);
    assert!(!unit.is_blind());
    let (prerequisites, changes) = said(&unit);
    assert_eq!(prerequisites, [(NONE, RecordType::CNAME)]);
    assert_eq!(changes, [(ANY, RecordType::A), (ANY, RecordType::TXT), (IN, RecordType::A)]);
}

#[test]
fn what_is_new_must_not_be_there() {
    let (prerequisites, changes) = said(&unit(of(&[("A", "192.0.2.1")]), &[]));
    assert_eq!(prerequisites, [(NONE, RecordType::CNAME), (NONE, RecordType::A)]);
    assert_eq!(changes, [(IN, RecordType::A)]);
}

#[test]
fn a_cname_is_put_only_where_nothing_else_is() {
    let cname = || of(&[("CNAME", "y")]);
    let (prerequisites, _) = said(&unit(cname(), &[]));
    assert_eq!(prerequisites, [(NONE, RecordType::ANY)], "the name is free");
    let (prerequisites, changes) = said(&unit(cname(), &[RecordType::CNAME]));
    assert_eq!(prerequisites, [(ANY, RecordType::CNAME)], "it is there, and so nothing else is");
    assert_eq!(changes, [(IN, RecordType::CNAME)], "it goes over the other one by itself");
    let mut turned = unit(cname(), &[RecordType::A]);
    assert!(turned.is_blind(), "only a look says that there is nothing beside the address");
    turned.look(Some(&of(&[("A", "192.0.2.1")])), true, false, None).expect("it is ours");
    assert_eq!(said(&turned).1, [(ANY, RecordType::A), (IN, RecordType::CNAME)]);
}

#[test]
fn what_is_taken_away_needs_nothing() {
    let (prerequisites, changes) = said(&unit(Node::new(), &[RecordType::A]));
    assert_eq!((prerequisites.len(), changes), (0, vec![(ANY, RecordType::A)]));
}

#[test]
fn somebody_elses_place_is_refused_but_what_is_there_to_the_letter_is_fine() {
    let wanted = || of(&[("A", "192.0.2.1")]);
    let theirs = of(&[("A", "192.0.2.9"), ("MX", "10 mail")]);
    let mut settled = unit(wanted(), &[]);
    let error = settled.look(Some(&theirs), true, false, None).unwrap_err();
    assert!(error.contains("no plan has put it there"), "{error}");
    let mut same = unit(wanted(), &[]);
    same.look(Some(&wanted()), true, false, None).expect("it is there already");
    assert_eq!(said(&same).1, [(ANY, RecordType::A), (IN, RecordType::A)]);
    // Where nobody knows whose it is, what the plan names is taken over, and what it does not name is left alone.
    let mut adopted = unit(wanted(), &[]);
    adopted.look(Some(&theirs), false, false, None).expect("it is taken over");
    assert_eq!(said(&adopted).1, [(ANY, RecordType::A), (IN, RecordType::A)]);
    let mut marked = unit(wanted(), &[]);
    let error =
        marked.look(Some(&theirs), false, false, Some("external-dns says so".to_owned())).unwrap_err();
    assert!(error.contains("external-dns"), "{error}");
    // A plan that was begun may have put it there: to the letter, or it is somebody else's.
    for (hint, is_ours) in [(of(&[("A", "192.0.2.9")]), true), (of(&[("A", "192.0.2.8")]), false)] {
        let mut begun = Unit { hints: vec![hint], ..unit(wanted(), &[]) };
        assert!(begun.is_blind());
        assert_eq!(begun.look(Some(&theirs), true, false, None).is_ok(), is_ours);
    }
}

#[test]
fn what_is_in_the_way_of_a_name_of_ours_gives_way() {
    let alias = of(&[("CNAME", "elsewhere")]);
    let mut ours = unit(of(&[("A", "192.0.2.1")]), &[RecordType::A]);
    ours.look(Some(&alias), true, false, None).expect("it came in between");
    assert_eq!(said(&ours).1, [(ANY, RecordType::CNAME), (IN, RecordType::A)]);
    let mut new = unit(of(&[("A", "192.0.2.1")]), &[]);
    assert!(new.look(Some(&alias), true, false, None).is_err(), "it was there first");
}

#[test]
fn what_a_server_makes_to_sign_a_zone_is_not_there() {
    let mut signed = of(&[("A", "192.0.2.1")]);
    signed.insert(RecordType::RRSIG, signed[&RecordType::A].clone());
    let mut unit = unit(of(&[("CNAME", "y")]), &[]);
    let rrsig = Node::from_iter([(RecordType::RRSIG, signed[&RecordType::RRSIG].clone())]);
    unit.look(Some(&rrsig), true, false, None).expect("nothing is there");
    assert_eq!(said(&unit).0, [(NONE, RecordType::ANY)]);
    let mut turned = Unit { ours: [RecordType::A].into(), looked: None, ..unit };
    let error = turned.look(Some(&signed), true, true, None).unwrap_err();
    assert!(error.contains("take the name out with one plan"), "{error}");
}

proptest! {
    #[test]
    fn a_unit_takes_no_more_of_a_message_than_was_counted(old in any_node(), new in any_node()) {
        let (old, new) = (node(&old), node(&new));
        let unit = Unit { ours: old.keys().copied().collect::<BTreeSet<_>>(), ..unit(new.clone(), &[]) };
        let length = |update: &Update| update.encode(0, &name("@")).len();
        let mut update = Update::default();
        unit.put(&mut update);
        let taken = length(&update) - length(&Update::default());
        prop_assert!(taken <= cost(&name("x"), &new, Some(&old)), "{taken}");
    }

    #[test]
    fn a_message_is_as_long_as_its_records(old in any_node(), new in any_node()) {
        let mut update = Update::default();
        Unit { ours: node(&old).keys().copied().collect(), ..unit(node(&new), &[]) }.put(&mut update);
        let bytes = update.encode(1, &name("@"));
        let message = Message::from_vec(&bytes).expect("a message");
        prop_assert_eq!(message.answers.len(), update.prerequisites.len());
        prop_assert_eq!(message.authorities.len(), update.changes.len());
        let bare = Rr::delete(name("x"), RecordType::A);
        let more = Update { changes: [update.changes.clone(), vec![bare]].concat(), ..update };
        let record = record_len(name("x").to_wire().len(), 0);
        prop_assert_eq!(more.encode(1, &name("@")).len(), bytes.len() + record);
    }
}
