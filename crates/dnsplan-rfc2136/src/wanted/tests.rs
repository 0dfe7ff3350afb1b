use dnsplan_plan::{Candidate, Node, RRset, Ttl, rdata};

use super::{Reason, Wanted};
use crate::settings::{Settings, Weights};
use crate::testing::{name, settings, simple, wanted, weighted};

fn reason(owner: &str, node: &Node) -> Reason {
    wanted().node(&name(owner), node).unwrap_err().reason
}

#[test]
fn the_servers_own_records_are_left_out_and_what_cannot_be_is_refused() {
    let soa = simple("SOA", &["ns hostmaster 0 1 2 3 4"]);
    let apex = Node::new().with(soa.clone()).with(simple("NS", &["ns"])).with(simple("MX", &["1 mail"]));
    let kept = wanted().node(&name("@"), &apex).unwrap();
    assert_eq!(kept.keys().copied().collect::<Vec<_>>(), [dnsplan_plan::RecordType::MX]);
    assert_eq!(reason("sub", &Node::new().with(soa)), Reason::Soa);
    assert!(wanted().node(&name("sub"), &Node::new().with(simple("NS", &["ns"]))).is_ok());
    let plain = Node::new().with(simple("A", &["192.0.2.1"]));
    assert_eq!(reason("_dnsplan", &plain), Reason::Reserved);
    assert_eq!(reason("x._dnsplan", &plain), Reason::Reserved);
    assert_eq!(reason("x", &plain.with(simple("CNAME", &["y"]))), Reason::CnameAndOther);
}

#[test]
fn what_fits_no_message_is_refused_by_name() {
    let texts: Vec<String> = (0..300).map(|index| format!("{index}{}", "x".repeat(240))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let unfit = wanted().node(&name("x"), &Node::new().with(simple("TXT", &texts))).unwrap_err();
    assert!(unfit.to_string().contains("split it over several names"), "{unfit}");
    assert!(wanted().node(&name("x"), &Node::new().with(simple("TXT", &texts[..200]))).is_ok());
}

#[test]
fn weights_are_refused_or_spread() {
    let spread = Wanted::new(&Settings { weights: Weights::Spread, ..settings() }).unwrap();
    let set = |wanted: &Wanted, rrset: RRset| {
        let record_type = rrset.record_type();
        let node = wanted.node(&name("x"), &Node::new().with(rrset));
        node.map(|node| node[&record_type].data.clone()).map_err(|unfit| unfit.reason)
    };
    let some = || weighted("A", &[("a", 1, "192.0.2.3"), ("b", 0, "192.0.2.2"), ("c", 9, "192.0.2.1")]);
    assert_eq!(set(&wanted(), some()), Err(Reason::Weighted(dnsplan_plan::RecordType::A)));
    assert_eq!(set(&spread, some()), Ok(vec![vec![192, 0, 2, 1], vec![192, 0, 2, 3]]));
    let none = weighted("A", &[("a", 0, "192.0.2.1"), ("b", 0, "192.0.2.1")]);
    assert_eq!(set(&spread, none), Ok(vec![vec![192, 0, 2, 1]]));
    let alias = weighted("CNAME", &[("a", 1, "x"), ("b", 2, "y"), ("c", 2, "z")]);
    assert_eq!(set(&spread, alias), Ok(vec![name("y").to_wire()]));
    let candidate = |index: u8| Candidate {
        id: format!("m{index}").into(),
        health_check: None,
        data: rdata("A", &format!("192.0.2.{index}"), &name("@")).unwrap(),
    };
    let many = RRset::multivalue(Ttl::new(60).unwrap(), (0..12).map(candidate)).unwrap();
    assert_eq!(set(&wanted(), many).unwrap().len(), 12);
}

#[test]
fn a_message_has_room_for_the_fence_and_the_signature() {
    let at = |message_limit| Wanted::new(&Settings { message_limit, ..settings() });
    let error = at(4000).unwrap_err();
    let least: u16 =
        error.split_whitespace().find_map(|word| word.parse().ok().filter(|n| *n > 4000)).unwrap();
    assert!(at(least).is_ok() && at(least - 1).is_err(), "{error}");
    let long = format!("{}.{}.{}.{}.", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(60));
    let zone = long.parse().unwrap();
    assert!(Wanted::new(&Settings { zone, ..settings() }).unwrap_err().contains("too long"));
}
