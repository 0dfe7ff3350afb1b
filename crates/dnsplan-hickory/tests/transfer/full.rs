//! Whole zones: what comes, in which messages, and how many are sent at once.

use std::collections::BTreeSet;

use dnsplan_hickory::Transfers;
use dnsplan_name_servers::process::until;
use dnsplan_plan::{Candidate, Member, RRset, RecordType};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;

use crate::common::question;
use crate::wire::{Connection, HOME, axfr, ixfr, shown, signer, transfer};
use crate::{Served, ZONE, data, hosts, local, owner, put, signed_by, ttl, zone};

#[test]
fn a_zone_comes_whole_in_full_messages_framed_by_its_soa() {
    let served = Served::new(local());
    served.publish(1, &hosts(5_000));
    let transfer = transfer(served.address(), axfr(ZONE), None);
    let [full @ .., last] = &transfer.sizes[..] else { panic!("no message") };
    assert!(full.len() >= 5 && *last <= 16_384, "{:?}", transfer.sizes);
    assert!(full.iter().all(|size| (16_000..=16_384).contains(size)), "{:?}", transfer.sizes);
    assert_eq!(transfer.records.len(), 5_003);
    let records = transfer.whole();
    assert!(
        records.iter().any(|record| record.starts_with("host-4999.example. 60 IN A 10.0.19.135")),
        "{records:?}"
    );
    let last = transfer.last.unwrap();
    assert!(last.metadata.authoritative && last.queries.is_empty());
    assert_eq!(served.handler.transfer_counts().full, 1);
}

#[test]
fn each_message_is_signed_after_the_one_before_with_every_algorithm() {
    let secret = b"sixteen bytes or more";
    for (name, algorithm) in [
        ("hmac-sha256", TsigAlgorithm::HmacSha256),
        ("hmac-sha384", TsigAlgorithm::HmacSha384),
        ("hmac-sha512", TsigAlgorithm::HmacSha512),
    ] {
        let text = format!("{name}:fleet:{}", data_encoding::BASE64.encode(secret));
        let served = Served::new(signed_by(&text));
        served.publish(1, &hosts(2_000));
        // It panics where a message is not signed, or not after the one before.
        let transfer = transfer(served.address(), axfr(ZONE), Some(&signer("fleet.", algorithm, secret)));
        assert!(transfer.sizes.len() > 2 && transfer.sizes.iter().all(|size| *size <= 16_384));
        assert_eq!(transfer.whole().len(), 2_002);
    }
}

#[test]
fn what_a_secondary_gets_of_chosen_records_is_always_the_same() {
    let mut zone = zone();
    let member = |id: &str, weight, kind: &str, text: &str| Member {
        id: id.into(),
        weight,
        health_check: None,
        data: data(kind, text),
    };
    let mut weighted = |name: &str, members: Vec<Member>| {
        zone.set_rrset(owner(name), RRset::weighted(ttl(5), members).unwrap()).unwrap();
    };
    let address = |id: &str, weight, last: u8| member(id, weight, "A", &format!("192.0.2.{last}"));
    weighted("some", vec![address("a", 1, 1), address("b", 0, 2), address("c", 9, 3)]);
    weighted("none", vec![address("a", 0, 1), address("b", 0, 2)]);
    weighted("alias", vec![member("a", 1, "CNAME", "some"), member("b", 2, "CNAME", "none")]);
    let candidates = (0..12).map(|last: u8| Candidate {
        id: format!("c{last}").into(),
        health_check: None,
        data: data("A", &format!("198.51.100.{last}")),
    });
    zone.set_rrset(owner("many"), RRset::multivalue(ttl(5), candidates).unwrap()).unwrap();
    let served = Served::new(local());
    served.publish(1, &zone);
    let records = transfer(served.address(), axfr(ZONE), None).whole();
    let of = |name: &str| -> Vec<&str> {
        let start = format!("{name}.example. 5 IN ");
        let mut found: Vec<&str> = records.iter().filter_map(|record| record.strip_prefix(&start)).collect();
        found.sort_unstable();
        found
    };
    assert_eq!(of("some"), ["A 192.0.2.1", "A 192.0.2.3"]);
    assert_eq!(of("none"), ["A 192.0.2.1", "A 192.0.2.2"]);
    assert_eq!(of("alias"), ["CNAME none.example."]);
    assert_eq!(of("many").len(), 12);
    for _ in 0..3 {
        assert_eq!(transfer(served.address(), axfr(ZONE), None).whole(), records);
    }
}

/// The data of a TXT record of about so many bytes.
fn long_text(bytes: usize) -> String {
    vec![format!("\"{}\"", "x".repeat(250)); bytes / 251].join(" ")
}

#[test]
fn a_record_larger_than_a_usual_message_has_its_own_and_one_that_fits_none_ends_the_transfer() {
    let served = Served::new(local());
    let mut zone = hosts(10);
    put(&mut zone, "host-5", "TXT", &[&long_text(40_000)]);
    served.publish(1, &zone);
    let whole = transfer(served.address(), axfr(ZONE), None);
    assert_eq!(whole.sizes.len(), 3);
    assert!(whole.sizes[1] > 39_000, "{:?}", whole.sizes);
    assert_eq!(whole.whole().len(), 13);

    put(&mut zone, "host-5", "TXT", &[&long_text(65_520)]);
    served.publish(2, &zone);
    let mut connection = Connection::open(served.address(), HOME);
    connection.send(&axfr(ZONE));
    assert!(connection.collect(None).is_err(), "the connection ends before the zone does");
    until("the transfer counts as broken", || served.handler.transfer_counts().broken == 1);
    // The server goes on, and so does the zone once the record is gone.
    put(&mut zone, "host-5", "TXT", &["short"]);
    served.publish(3, &zone);
    assert_eq!(transfer(served.address(), axfr(ZONE), None).whole().len(), 13);
}

#[test]
fn one_connection_carries_several_requests_in_their_order() {
    let served = Served::new(local());
    served.publish(7, &hosts(1_000));
    let mut connection = Connection::open(served.address(), HOME);
    connection.send(&axfr(ZONE));
    connection.send(&question(ZONE, RecordType::SOA));
    connection.send(&ixfr(ZONE, 7));
    connection.send(&axfr("other."));
    connection.send(&axfr(ZONE));
    let mut next = || connection.collect(None).unwrap();
    let first = next().whole();
    assert_eq!(next().serials(), [7]);
    assert_eq!(next().serials(), [7]);
    assert_eq!(next().code, ResponseCode::NotAuth);
    assert_eq!(next().whole(), first);
}

/// More than the sockets of a connection hold.
pub(crate) fn larger_than_any_window() -> dnsplan_plan::Zone {
    let mut zone = zone();
    let text = long_text(15_000);
    for number in 0..2_000 {
        put(&mut zone, &format!("text-{number}"), "TXT", &[&text]);
    }
    zone
}

#[test]
fn a_client_that_does_not_read_holds_its_place_until_it_goes() {
    let served = Served::new(Transfers { at_once: 1, ..local() });
    served.publish(1, &larger_than_any_window());
    let slow = || {
        let mut connection = Connection::narrow(served.address(), HOME, Some(4_096));
        connection.send(&axfr(ZONE));
        connection
    };
    let mut first = slow();
    let begun = first.receive().expect("it begins");
    assert!(begun.len() > 10_000);
    // The second waits for the first: nothing comes, but small requests are answered as ever.
    let mut second = slow();
    assert_eq!(transfer(served.address(), ixfr(ZONE, 1), None).serials(), [1]);
    assert_eq!(served.handler.transfer_counts().full, 1, "the first alone");
    drop(first);
    assert!(second.receive().expect("its turn comes").len() > 10_000);
    let counts = served.handler.transfer_counts();
    assert_eq!((counts.broken, counts.full), (1, 2));
    drop(second);
    until("the second counts as broken", || served.handler.transfer_counts().broken == 2);
    assert_eq!(transfer(served.address(), axfr(ZONE), None).whole().len(), 2_002);
}

#[test]
fn a_slow_client_gets_all_of_the_version_it_began_with() {
    let served = Served::new(local());
    let mut zone = larger_than_any_window();
    served.publish(1, &zone);
    let mut connection = Connection::narrow(served.address(), HOME, Some(4_096));
    connection.send(&axfr(ZONE));
    let begun = connection.receive().unwrap();
    for number in 0..2_000 {
        zone.clear(&owner(&format!("text-{number}")));
    }
    served.publish(2, &zone);
    let mut records: BTreeSet<String> = BTreeSet::new();
    let mut bytes = begun;
    let mut soas = Vec::new();
    while soas.len() < 2 {
        let message = hickory_proto::op::Message::from_vec(&bytes).unwrap();
        soas.extend(message.answers.iter().filter_map(crate::wire::serial_of));
        records.extend(message.answers.iter().map(shown));
        if soas.len() < 2 {
            bytes = connection.receive().unwrap();
        }
    }
    assert_eq!((soas, records.len()), (vec![1, 1], 2_002));
    assert_eq!(transfer(served.address(), axfr(ZONE), None).whole().len(), 2);
}
