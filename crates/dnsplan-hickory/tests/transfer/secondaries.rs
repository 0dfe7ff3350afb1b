//! NSD, Knot and BIND as secondaries of the server in this process.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Instant;

use data_encoding::BASE64;
use dnsplan_hickory::{TransferCounts, Transfers};
use dnsplan_name_servers::ask::ask;
use dnsplan_name_servers::ports::free_address;
use dnsplan_name_servers::process::until;
use dnsplan_name_servers::{Follower, Following, Key, Secondary};
use dnsplan_plan::{Member, RRset, Zone};

use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::{Name, TSigner};

use crate::wire::{self, ELSEWHERE, HOME, axfr, shown, transfer};
use crate::{Served, ZONE, data, hosts, owner, put, signed_by, ttl};

/// How often a flip is followed by another.
const FLIPS: u64 = 12;

/// Each follows with an algorithm of its own.
fn key(software: Follower) -> Key {
    Key::sample(match software {
        Follower::Nsd => "hmac-sha256",
        Follower::Knot => "hmac-sha384",
        Follower::Bind => "hmac-sha512",
    })
}

fn signer(key: &Key) -> TSigner {
    let algorithm = TsigAlgorithm::from_name(Name::from_ascii(&key.algorithm).unwrap());
    wire::signer(&key.name, algorithm, &BASE64.decode(key.secret.as_bytes()).unwrap())
}

fn text_of(key: &Key) -> String {
    format!("{}:{}:{}", key.algorithm, key.name, key.secret)
}

/// A server that lets the key's holders transfer, and tells `secondary`.
fn primary(key: &Key, secondary: SocketAddr) -> Served {
    Served::new(Transfers { notify: vec![secondary], ..signed_by(&text_of(key)) })
}

fn start(software: Follower, address: SocketAddr, primary: &Served, key: &Key) -> Secondary {
    let following = Following { zone: ZONE, primary: primary.address(), key: Some(key), source: None };
    Secondary::start(software, address, following).unwrap()
}

fn serial(generation: u64) -> u32 {
    u32::try_from(generation).unwrap()
}

/// All sorts of RRsets.
fn various() -> Zone {
    let mut zone = hosts(300);
    put(&mut zone, "www", "CNAME", &["host-1"]);
    put(&mut zone, "mail", "MX", &["10 host-1", "20 host-2"]);
    put(&mut zone, "text", "TXT", &["one", "two", "\"two words\""]);
    put(&mut zone, "_sip._tcp", "SRV", &["1 2 5060 host-1"]);
    put(&mut zone, "six", "AAAA", &["2001:db8::1"]);
    put(&mut zone, "*.wild", "A", &["192.0.2.9"]);
    put(&mut zone, "child", "NS", &["ns.child", "ns.other."]);
    put(&mut zone, "ns.child", "A", &["192.0.2.53"]);
    put(&mut zone, "below.an.empty.non-terminal", "A", &["192.0.2.10"]);
    put(&mut zone, "@", "CAA", &["0 issue \"ca.example.net\""]);
    zone.set_rrset(owner("api"), weighted(&[("a", 3), ("b", 1), ("c", 0)])).unwrap();
    zone
}

fn weighted(members: &[(&str, u8)]) -> RRset {
    let members = (1..).zip(members).map(|(number, (id, weight)): (u8, _)| Member {
        id: (*id).into(),
        weight: *weight,
        health_check: None,
        data: data("A", &format!("198.51.100.{number}")),
    });
    RRset::weighted(ttl(5), members).unwrap()
}

/// Whether each RRset has the same answer at both, and the whole zone the same records.
fn same(primary: &Served, secondary: &Secondary, zone: &Zone, key: &Key) {
    let ours = transfer(primary.address(), axfr(ZONE), Some(&signer(key))).whole();
    let theirs = transfer(secondary.address(), axfr(ZONE), None).whole();
    assert!(
        ours == theirs,
        "{}: {:?}",
        secondary.software(),
        ours.symmetric_difference(&theirs).take(9).collect::<Vec<_>>()
    );
    for (owner, node) in zone.nodes() {
        for rrset in node.rrsets() {
            let kind = rrset.record_type();
            let of = |server| {
                let answer = ask(server, &owner.to_name(), kind).expect("an answer");
                let records = [answer.answers, answer.authorities, answer.additionals].concat();
                let records = records.iter().filter(|record| record.record_type() == kind);
                (answer.metadata.response_code, records.map(shown).collect::<BTreeSet<_>>())
            };
            let (ours, theirs) = (of(primary.address()), of(secondary.address()));
            assert_eq!(ours.0, theirs.0);
            // The primary chooses one member; the secondary has all that may be chosen.
            let is_chosen = matches!(rrset.records(), dnsplan_plan::Records::Weighted(_));
            let is_same = if is_chosen { theirs.1.is_superset(&ours.1) } else { ours.1 == theirs.1 };
            assert!(is_same && !theirs.1.is_empty(), "{owner} {kind}: {ours:?} and {theirs:?}");
        }
    }
}

fn follows(software: Follower) {
    let (key, address) = (key(software), free_address().unwrap());
    let primary = primary(&key, address);
    let mut zone = various();
    primary.publish(1, &zone);
    let mut secondary = start(software, address, &primary, &key);
    secondary.until_serial(1).unwrap();
    same(&primary, &secondary, &zone, &key);
    let first = primary.handler.transfer_counts();
    assert!(first.full >= 1 && first.incremental == 0, "{first:?}");

    for generation in 2..=FLIPS {
        match generation % 4 {
            0 => put(&mut zone, &format!("new-{generation}"), "A", &["192.0.2.77"]),
            1 => drop(zone.clear(&owner(&format!("host-{generation}")))),
            2 => put(&mut zone, "host-1", "A", &["192.0.2.1", &format!("192.0.2.{generation}")]),
            // Nothing changes that a secondary has: the difference is empty but for the serial.
            _ => zone.set_rrset(owner("api"), weighted(&[("a", 7), ("b", 1), ("c", 0)])).unwrap(),
        }
        primary.publish(generation, &zone);
        secondary.until_serial(serial(generation)).unwrap();
    }
    same(&primary, &secondary, &zone, &key);
    let counts = primary.handler.transfer_counts();
    // Each flip was followed on its own, and each time by its difference alone.
    assert!(counts.incremental >= FLIPS - 1, "{counts:?}\n{}", secondary.log());
    assert_eq!((counts.full, counts.refused), (first.full + 1, 0), "one more is this test's own: {counts:?}");
    assert!(counts.acknowledged > 0, "{counts:?}");
}

#[test]
fn nsd_follows() {
    follows(Follower::Nsd);
}

#[test]
fn knot_follows() {
    follows(Follower::Knot);
}

#[test]
fn bind_follows() {
    follows(Follower::Bind);
}

/// The same secondary with another secret, and from another address: neither gets anything. With both right, it does.
fn is_refused_with_another_key_or_address(software: Follower) {
    let key = key(software);
    let stranger =
        Key { secret: "YW5vdGhlciBzZWNyZXQsIGJ1dCBhcyBsb25nIGFzIG9uZQ==".to_owned(), ..key.clone() };
    let allow = vec!["127.0.0.1/32".parse().unwrap()];
    for (key_there, source, is_right) in
        [(&stranger, HOME, false), (&key, ELSEWHERE, false), (&key, HOME, true)]
    {
        let address = free_address().unwrap();
        let transfers = signed_by(&text_of(&key));
        let primary = Served::new(Transfers { allow: allow.clone(), notify: vec![address], ..transfers });
        primary.publish(1, &hosts(3));
        let following =
            Following { zone: ZONE, primary: primary.address(), key: Some(key_there), source: Some(source) };
        let mut secondary = Secondary::start(software, address, following).unwrap();
        if is_right {
            secondary.until_serial(1).unwrap();
            continue;
        }
        let refusals = |counts: TransferCounts| counts.refused + counts.wrongly_signed;
        until(&format!("{software} is refused"), || refusals(primary.handler.transfer_counts()) > 0);
        let counts = primary.handler.transfer_counts();
        assert_eq!(
            (secondary.serial(), counts.full, counts.incremental),
            (None, 0, 0),
            "{}",
            secondary.log()
        );
    }
}

#[test]
fn nsd_with_another_key_or_address_is_refused() {
    is_refused_with_another_key_or_address(Follower::Nsd);
}

#[test]
fn knot_with_another_key_or_address_is_refused() {
    is_refused_with_another_key_or_address(Follower::Knot);
}

#[test]
fn bind_with_another_key_or_address_is_refused() {
    is_refused_with_another_key_or_address(Follower::Bind);
}

/// How many records the large zone has, unless the environment says otherwise.
const MANY: usize = 50_000;

/// A large zone, whole and then with a change, into each of the three; `DNSPLAN_TRANSFER_RECORDS=1000000` makes it larger.
#[test]
fn a_large_zone_arrives_whole_and_then_its_changes() {
    let wanted = std::env::var("DNSPLAN_TRANSFER_RECORDS").ok();
    let count = wanted.map_or(MANY, |text| text.parse().expect("DNSPLAN_TRANSFER_RECORDS is a number"));
    let zone = hosts(count);
    for software in Follower::ALL {
        let (key, address) = (key(software), free_address().unwrap());
        let primary = primary(&key, address);
        let mut zone = zone.clone();
        primary.publish(1, &zone);
        let begun = Instant::now();
        let mut secondary = start(software, address, &primary, &key);
        arrives(&mut secondary, 1);
        let whole = begun.elapsed();
        for number in (0..count).step_by(count / 50) {
            zone.clear(&owner(&format!("host-{number}")));
            put(&mut zone, &format!("new-{number}"), "A", &["192.0.2.1"]);
        }
        let begun = Instant::now();
        primary.publish(2, &zone);
        arrives(&mut secondary, 2);
        println!("{software}: {count} records in {whole:?}, 100 changes in {:?}", begun.elapsed());
        let counts = primary.handler.transfer_counts();
        assert_eq!((counts.full, counts.incremental, counts.broken), (1, 1, 0), "{}", secondary.log());
        let ours = transfer(primary.address(), axfr(ZONE), Some(&signer(&key)));
        let theirs = transfer(secondary.address(), axfr(ZONE), None);
        assert_eq!(ours.records.len(), count + 3);
        assert!(ours.whole() == theirs.whole(), "{software} has something else");
    }
}

/// A large zone may take a server longer than it usually has.
fn arrives(secondary: &mut Secondary, serial: u32) {
    let last = (0..4).find_map(|_| secondary.until_serial(serial).ok());
    assert!(last.is_some(), "{}", secondary.log());
}
