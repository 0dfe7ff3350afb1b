//! The content of a zone: digest, diff and delta agree with what a naive account says.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

use std::collections::{BTreeMap, BTreeSet};

use dnsplan_plan::{
    Candidate, DecodeError, Delta, Member, Node, OwnerName, RRset, RRsetKey, RecordType, Ttl, Zone, rdata,
};
use proptest::prelude::*;

fn origin() -> OwnerName {
    "example.".parse().unwrap()
}

fn owner(label: &str) -> OwnerName {
    OwnerName::relative(label, &origin()).unwrap()
}

fn rrset(record_type: &str, ttl: u32, texts: &[String]) -> RRset {
    let data = texts.iter().map(|text| rdata(record_type, text, &origin()).unwrap());
    RRset::simple(Ttl::new(ttl).unwrap(), data).unwrap()
}

fn member(id: &str, weight: u8, health_check: Option<&str>, address: &str) -> Member {
    let data = rdata("AAAA", address, &origin()).unwrap();
    Member { id: id.into(), weight, health_check: health_check.map(Into::into), data }
}

fn weighted(members: impl IntoIterator<Item = Member>) -> RRset {
    RRset::weighted(Ttl::new(60).unwrap(), members).unwrap()
}

fn candidate(id: &str, health_check: Option<&str>, address: &str) -> Candidate {
    let data = rdata("AAAA", address, &origin()).unwrap();
    Candidate { id: id.into(), health_check: health_check.map(Into::into), data }
}

fn multivalue(candidates: impl IntoIterator<Item = Candidate>) -> RRset {
    RRset::multivalue(Ttl::new(60).unwrap(), candidates).unwrap()
}

fn key(label: &str) -> RRsetKey {
    RRsetKey::new(owner(label), RecordType::A)
}

/// One edit of a zone.
#[derive(Clone, Debug)]
enum Edit {
    Set(u8, u8, u8),
    Clear(u8),
    Protect(u8, u16),
    Retire(u8),
    Unprotect(u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => (0..8_u8, 0..5_u8, 0..4_u8).prop_map(|(name, kind, value)| Edit::Set(name, kind, value)),
        2 => (0..8_u8).prop_map(Edit::Clear),
        2 => (0..8_u8, 0..4_u16).prop_map(|(name, at_least)| Edit::Protect(name, at_least)),
        1 => (0..8_u8).prop_map(Edit::Retire),
        1 => (0..8_u8).prop_map(Edit::Unprotect),
    ]
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    proptest::collection::vec(edit(), 0..40)
}

fn label(name: u8) -> String {
    format!("n{name}")
}

fn apply(zone: &mut Zone, edit: &Edit) {
    match *edit {
        Edit::Set(name, 0, value) => {
            let addresses: Vec<String> = (0..=value).map(|last| format!("192.0.2.{last}")).collect();
            zone.set_rrset(owner(&label(name)), rrset("A", 60, &addresses)).unwrap();
        }
        Edit::Set(name, 1, value) => {
            let rrset = rrset("TXT", 60 + u32::from(value), &[format!("v{value}")]);
            zone.set_rrset(owner(&label(name)), rrset).unwrap();
        }
        // The bits of the value say which of two records have a health check.
        Edit::Set(name, 2, value) => {
            let check = |bit: u8| (value & bit > 0).then_some("check");
            let members =
                [member("a", 1, check(1), "2001:db8::1"), member("b", value, check(2), "2001:db8::2")];
            zone.set_rrset(owner(&label(name)), weighted(members)).unwrap();
        }
        Edit::Set(name, 3, value) => {
            let check = |bit: u8| (value & bit > 0).then_some("check");
            let candidates =
                [candidate("a", check(1), "2001:db8::1"), candidate("b", check(2), "2001:db8::2")];
            zone.set_rrset(owner(&label(name)), multivalue(candidates)).unwrap();
        }
        Edit::Set(name, _, value) => {
            let node = Node::new().with(rrset("CNAME", 60, &[format!("n{value}")]));
            zone.set(owner(&label(name)), node).unwrap();
        }
        Edit::Clear(name) => drop(zone.clear(&owner(&label(name)))),
        Edit::Protect(name, at_least) => zone.protect(key(&label(name)), at_least),
        Edit::Retire(name) => zone.retire(key(&label(name))),
        Edit::Unprotect(name) => zone.unprotect(&key(&label(name))),
    }
}

fn built(edits: &[Edit]) -> Zone {
    let mut zone = Zone::empty(origin());
    edits.iter().for_each(|edit| apply(&mut zone, edit));
    zone
}

/// The same content, put together in reverse order from nothing.
fn rebuilt(zone: &Zone) -> Zone {
    let mut fresh = Zone::empty(zone.origin().clone());
    let protected: Vec<_> = zone.protected().map(|(key, at_least)| (key.clone(), at_least)).collect();
    protected.into_iter().rev().for_each(|(key, at_least)| fresh.protect(key, at_least));
    zone.retired().cloned().collect::<Vec<_>>().into_iter().rev().for_each(|key| fresh.retire(key));
    let nodes: Vec<_> = zone.nodes().map(|(owner, node)| (owner.clone(), Node::clone(node))).collect();
    for (owner, node) in nodes.into_iter().rev() {
        fresh.set(owner, node).unwrap();
    }
    fresh
}

type Account = (BTreeMap<OwnerName, Node>, BTreeMap<RRsetKey, u16>, BTreeSet<RRsetKey>);

/// Everything a zone says, in plain maps.
fn account(zone: &Zone) -> Account {
    (
        zone.nodes().map(|(owner, node)| (owner.clone(), Node::clone(node))).collect(),
        zone.protected().map(|(key, at_least)| (key.clone(), at_least)).collect(),
        zone.retired().cloned().collect(),
    )
}

fn differing<K: Ord + Clone, V: PartialEq>(left: &BTreeMap<K, V>, right: &BTreeMap<K, V>) -> BTreeSet<K> {
    left.keys().chain(right.keys()).filter(|key| left.get(key) != right.get(key)).cloned().collect()
}

proptest! {
    #[test]
    fn the_digest_is_that_of_the_content_however_it_came_about(edits in edits(), more in edits()) {
        let zone = built(&edits);
        prop_assert_eq!(rebuilt(&zone).digest(), zone.digest());
        prop_assert_eq!(zone.rrset_count(), zone.nodes().map(|(_, node)| node.rrsets().len()).sum::<usize>());
        let other = built(&more);
        prop_assert_eq!(zone.digest() == other.digest(), account(&zone) == account(&other));
        prop_assert_eq!(zone == other, account(&zone) == account(&other));
    }

    #[test]
    fn the_digest_without_is_that_of_the_rest(edits in edits(), aside in proptest::collection::btree_set(0..10_u8, 0..5)) {
        let zone = built(&edits);
        let aside: BTreeSet<OwnerName> = aside.into_iter().map(|name| owner(&label(name))).collect();
        let mut rest = rebuilt(&zone);
        aside.iter().for_each(|owner| drop(rest.clear(owner)));
        prop_assert_eq!(zone.digest_without(&aside), rest.digest());
        prop_assert_eq!(account(&built(&edits)), account(&zone), "the zone itself is untouched");
    }

    #[test]
    fn a_diff_says_what_a_naive_comparison_says(shared in edits(), left in edits(), right in edits()) {
        let (mut before, mut after) = (built(&shared), built(&shared));
        left.iter().for_each(|edit| apply(&mut before, edit));
        right.iter().for_each(|edit| apply(&mut after, edit));
        let diff = before.diff(&after);
        let (old, new) = (account(&before), account(&after));
        prop_assert_eq!(diff.is_empty(), before.digest() == after.digest());
        let owners: BTreeSet<_> = diff.nodes.iter().map(|change| change.owner.clone()).collect();
        prop_assert_eq!(&owners, &differing(&old.0, &new.0));
        prop_assert!(diff.nodes.is_sorted_by(|a, b| a.owner < b.owner));
        for change in &diff.nodes {
            prop_assert_eq!(change.before.as_deref(), old.0.get(&change.owner));
            prop_assert_eq!(change.after.as_deref(), new.0.get(&change.owner));
            prop_assert!(!change.rrsets().is_empty());
            prop_assert!(change.rrsets().iter().all(|rrset| rrset.before != rrset.after));
        }
        let protections: BTreeSet<_> = diff.protections.iter().map(|change| change.key.clone()).collect();
        prop_assert_eq!(protections, differing(&old.1, &new.1));
        for change in &diff.protections {
            prop_assert_eq!((change.before, change.after), (old.1.get(&change.key).copied(), new.1.get(&change.key).copied()));
        }
        prop_assert_eq!(diff.retired.into_iter().collect::<BTreeSet<_>>(), &new.2 - &old.2);
        prop_assert_eq!(diff.unretired.into_iter().collect::<BTreeSet<_>>(), &old.2 - &new.2);
    }

    #[test]
    fn a_delta_goes_through_its_encoding_and_takes_one_zone_to_the_other(shared in edits(), left in edits(), right in edits()) {
        let (mut before, mut after) = (built(&shared), built(&shared));
        left.iter().for_each(|edit| apply(&mut before, edit));
        right.iter().for_each(|edit| apply(&mut after, edit));
        let delta = Delta::between(&before, &after);
        let bytes = delta.encode();
        let decoded = Delta::decode(&bytes).unwrap();
        prop_assert_eq!(&decoded, &delta);
        decoded.apply(&mut before).unwrap();
        prop_assert_eq!(account(&before), account(&after));
        prop_assert_eq!(before.digest(), after.digest());
        let mut fresh = Zone::empty(origin());
        Delta::decode(&Delta::checkpoint(&after).encode()).unwrap().apply(&mut fresh).unwrap();
        prop_assert_eq!(fresh.digest(), after.digest());
    }

    #[test]
    fn damaged_bytes_are_refused_or_read_but_never_a_panic(
        edits in edits(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = Delta::checkpoint(&built(&edits)).encode();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(delta) = Delta::decode(&bytes) {
            let mut zone = Zone::empty(origin());
            drop(delta.apply(&mut zone));
            prop_assert_eq!(rebuilt(&zone).digest(), zone.digest());
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read_but_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let headed = [b"dnsp\x01".as_slice(), bytes.as_slice()].concat();
        drop(Delta::decode(&headed));
        prop_assert!(Delta::decode(&bytes).is_err() || bytes.starts_with(b"dnsp"));
    }
}

#[test]
fn every_cut_of_an_encoding_is_refused() {
    let bytes = Delta::checkpoint(&sample()).encode();
    for end in 0..bytes.len() {
        assert!(Delta::decode(&bytes[..end]).is_err(), "cut at {end}");
    }
    let trailing = [bytes.as_slice(), b"xy"].concat();
    assert_eq!(Delta::decode(&trailing), Err(DecodeError::Trailing(2)));
}

/// A small zone with one of everything.
fn sample() -> Zone {
    let mut zone = Zone::empty(origin());
    zone.set_rrset(origin(), rrset("SOA", 300, &["ns1 hostmaster 0 300 60 86400 30".to_owned()])).unwrap();
    zone.set_rrset(origin(), rrset("NS", 300, &["ns1".to_owned()])).unwrap();
    zone.set_rrset(owner("ns1"), rrset("A", 60, &["192.0.2.53".to_owned()])).unwrap();
    zone.set_rrset(owner("api"), rrset("A", 60, &["192.0.2.2".to_owned(), "192.0.2.1".to_owned()])).unwrap();
    zone.set_rrset(owner("WWW"), rrset("CNAME", 60, &["API".to_owned()])).unwrap();
    let members = [member("b", 1, None, "2001:db8::2"), member("a", 255, None, "2001:db8::1")];
    zone.set_rrset(owner("api"), weighted(members)).unwrap();
    zone.protect(key("api"), 2);
    zone.retire(key("old"));
    zone
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What version 1 wrote is read for ever, and the digest of a content never changes: records at targets carry it.
#[test]
fn format_one_is_what_it_was() {
    let zone = sample();
    assert_eq!(zone.digest().to_string(), "edb8d3d8fccbafef3e74c3e3eeda4166d0c0c87e57afdc86bf019631e27128c5");
    assert_eq!(
        hex(&Delta::checkpoint(&zone).encode()),
        concat!(
            "646e7370010009076578616d706c6500000000040009076578616d706c6500000000020002000001",
            "2c0000000001000d036e7331076578616d706c650000060000012c00000000010035036e73310765",
            "78616d706c65000a686f73746d6173746572076578616d706c6500000000000000012c0000003c00",
            "0151800000001e000d03617069076578616d706c65000000000200010000003c00000000020004c0",
            "0002010004c0000202001c0000003c0100000002000161ff001020010db800000000000000000000",
            "000100016201001020010db8000000000000000000000002000d036e7331076578616d706c650000",
            "00000100010000003c00000000010004c0000235000d03777777076578616d706c65000000000100",
            "050000003c0000000001000d03617069076578616d706c650000000001000d03617069076578616d",
            "706c65000001000200000001000d036f6c64076578616d706c6500000101",
        )
    );
}

/// A zone with one RRset.
fn only(rrset: RRset) -> Zone {
    let mut zone = Zone::empty(origin());
    zone.set_rrset(owner("api"), rrset).unwrap();
    zone
}

/// What stands before the kind of the RRset in the encoding of `only`: magic, version, origin, number of owner names, owner
/// name, number of RRsets, type, TTL.
const BEFORE_KIND: usize = 4 + 1 + (2 + 9) + 4 + (2 + 13) + 4 + 2 + 4;

fn from_kind_on(rrset: RRset) -> Vec<u8> {
    Delta::checkpoint(&only(rrset)).encode().split_off(BEFORE_KIND)
}

#[test]
fn health_checks_and_multivalue_are_kinds_of_their_own_in_format_one() {
    let checked =
        weighted([member("b", 1, Some("hc"), "2001:db8::2"), member("a", 255, None, "2001:db8::1")]);
    assert_eq!(
        hex(&from_kind_on(checked.clone())),
        concat!(
            "0200000002",
            "000161ff0000001020010db8000000000000000000000001",
            "0001620100026863001020010db8000000000000000000000002",
            "0000000000000000",
        )
    );
    assert_eq!(
        only(checked).digest().to_string(),
        "1b0f0fdba7ca184b4900b1f76f333bdd0966556fcc9a20cbb605e7d80ed9b069"
    );
    let spread = multivalue([candidate("b", Some("hc"), "2001:db8::2"), candidate("a", None, "2001:db8::1")]);
    assert_eq!(
        hex(&from_kind_on(spread.clone())),
        concat!(
            "0300000002",
            "0001610000001020010db8000000000000000000000001",
            "00016200026863001020010db8000000000000000000000002",
            "0000000000000000",
        )
    );
    assert_eq!(
        only(spread).digest().to_string(),
        "fd834ecddfa1be9631eb597fc733dc9ba998f11e7099ba0866774694d471cac2"
    );
}

#[test]
fn what_differs_in_kind_weight_or_health_check_differs_in_digest() {
    let address = "2001:db8::1";
    let kinds = [
        RRset::simple(Ttl::new(60).unwrap(), [rdata("AAAA", address, &origin()).unwrap()]).unwrap(),
        weighted([member("a", 1, None, address)]),
        weighted([member("a", 2, None, address)]),
        weighted([member("a", 1, Some("x"), address)]),
        weighted([member("a", 1, Some("y"), address)]),
        multivalue([candidate("a", None, address)]),
        multivalue([candidate("b", None, address)]),
        multivalue([candidate("a", Some("x"), address)]),
        multivalue([candidate("a", Some("y"), address)]),
    ];
    let digests: BTreeSet<String> =
        kinds.iter().map(|rrset| only(rrset.clone()).digest().to_string()).collect();
    assert_eq!(digests.len(), kinds.len());
}

#[test]
fn a_kind_that_is_not_known_and_a_second_encoding_of_one_content_are_refused() {
    let refusal = |rrset: RRset, edit: fn(&mut [u8])| {
        let mut bytes = Delta::checkpoint(&only(rrset)).encode();
        edit(&mut bytes[BEFORE_KIND..]);
        match Delta::decode(&bytes) {
            Err(DecodeError::Invalid(message)) => message,
            other => panic!("expected a refusal, got {other:?}"),
        }
    };
    let spread = multivalue([candidate("a", Some("hc"), "2001:db8::1")]);
    assert_eq!(
        refusal(spread.clone(), |bytes| bytes[0] = 4),
        "an RRset of unknown kind 4: use a newer dnsplan"
    );
    assert!(refusal(spread, |bytes| bytes[10] = 0xff).contains("not UTF-8"));
    // Without a health check a weighted RRset is of the old kind. These bytes stand for one in the new: an empty text
    // takes the place of the check's two bytes, which begin the RDATA of a TXT record instead.
    let text = rdata("TXT", "x", &origin()).unwrap();
    let one = Member { id: "a".into(), weight: 1, health_check: Some("\0\u{1}".into()), data: text };
    let checked = weighted([one]);
    let message = refusal(checked, |bytes| {
        // Id, weight, length of the check, the check, length of the data, the data.
        assert_eq!(bytes[5..17], [0, 1, b'a', 1, 0, 2, 0, 1, 0, 2, 1, b'x']);
        bytes[5..17].copy_from_slice(&[0, 1, b'a', 1, 0, 0, 0, 4, 0, 2, 1, b'x']);
    });
    assert_eq!(message, "a checked weighted RRset without a health check");
}

#[test]
fn another_version_and_other_bytes_are_named() {
    let mut bytes = Delta::checkpoint(&sample()).encode();
    bytes[4] = 2;
    let error = Delta::decode(&bytes).unwrap_err();
    assert_eq!(error, DecodeError::Version(2));
    assert!(error.to_string().contains("newer dnsplan"));
    bytes[0] = b'x';
    assert_eq!(Delta::decode(&bytes), Err(DecodeError::Magic("dnsplan delta")));
}

#[test]
fn a_delta_is_as_large_as_the_change_and_not_as_the_zone() {
    let change = |names: u16| {
        let mut zone = sample();
        for name in 0..names {
            zone.set_rrset(owner(&format!("x{name}")), rrset("A", 60, &["192.0.2.9".to_owned()])).unwrap();
        }
        let mut after = zone.clone();
        after
            .set_rrset(owner("api"), rrset("A", 60, &["192.0.2.7".to_owned(), "192.0.2.8".to_owned()]))
            .unwrap();
        let delta = Delta::between(&zone, &after);
        assert_eq!(delta.owners().cloned().collect::<Vec<_>>(), [owner("api")]);
        delta.encode().len()
    };
    assert_eq!(change(10), change(2_000));
    assert!(change(10) < 300);
}

#[test]
fn a_delta_of_another_zone_changes_nothing() {
    let other: OwnerName = "other.example.".parse().unwrap();
    let mut zone = Zone::empty(other);
    let error = Delta::checkpoint(&sample()).apply(&mut zone).unwrap_err();
    assert_eq!(error.to_string(), "the delta is for zone example., not for other.example.");
    assert!(zone.is_empty() && zone.protected().next().is_none() && zone.retired().next().is_none());
}

#[test]
fn protecting_again_ends_a_retirement_and_retiring_ends_a_protection() {
    let mut zone = sample();
    let before = zone.digest();
    zone.retire(key("api"));
    assert!(zone.is_retired(&key("api")) && zone.protection(&key("api")).is_none());
    zone.protect(key("api"), 2);
    assert!(!zone.is_retired(&key("api")));
    assert_eq!(zone.digest(), before);
    zone.protect(key("api"), 0);
    assert_eq!(zone.protection(&key("api")), Some(1), "0 counts as 1");
}

#[test]
fn a_name_outside_is_refused_and_an_empty_node_clears() {
    let mut zone = sample();
    let error =
        zone.set_rrset("www.other.".parse().unwrap(), rrset("A", 60, &["192.0.2.1".to_owned()])).unwrap_err();
    assert_eq!(error.to_string(), "www.other. does not lie in the zone example.");
    zone.set(owner("www"), Node::new()).unwrap();
    assert!(zone.node(&owner("www")).is_none());
    assert_eq!(zone.clear(&owner("www")), None);
}

#[test]
fn a_name_exists_where_something_below_it_does() {
    let mut zone = sample();
    zone.set_rrset(owner("a.b.c"), rrset("A", 60, &["192.0.2.1".to_owned()])).unwrap();
    for there in ["@", "a.b.c", "b.c", "c", "api"] {
        assert!(zone.exists(&owner(there)), "{there}");
    }
    // `ap` and `b` are prefixes of what is there, and `zz` comes after everything (RFC 4592 section 2.2.2).
    for not_there in ["ap", "b", "a.b", "x.a.b.c", "bb.c", "zz", "x.api"] {
        assert!(!zone.exists(&owner(not_there)), "{not_there}");
    }
    assert!(!zone.exists(&"com.".parse().unwrap()));
}
