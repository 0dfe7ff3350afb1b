//! Differences (RFC 1995): what has changed since a version that is still kept, and what is sent where there is none.

use std::collections::BTreeSet;

use dnsplan_hickory::{Chooser, SplitMix64, Transfers};
use dnsplan_plan::{Member, RRset, Zone};
use hickory_proto::op::{Edns, Message};

use crate::common::{client, exchange};
use crate::wire::{axfr, ixfr, serial_of, transfer};
use crate::{Served, ZONE, data, hosts, local, owner, put, ttl};

fn served(history: usize) -> Served {
    Served::new(Transfers { history, ..local() })
}

fn now_at(served: &Served) -> BTreeSet<String> {
    transfer(served.address(), axfr(ZONE), None).whole()
}

/// How a response is made up: the serials of its SOA records.
fn serials(served: &Served, from: u32) -> Vec<u32> {
    transfer(served.address(), ixfr(ZONE, from), None).serials()
}

#[test]
fn a_difference_says_what_was_removed_added_and_changed() {
    let served = served(8);
    let mut zone = hosts(20);
    put(&mut zone, "two", "A", &["192.0.2.1", "192.0.2.2"]);
    served.publish(1, &zone);
    let mut records = now_at(&served);
    zone.clear(&owner("host-3"));
    put(&mut zone, "two", "A", &["192.0.2.2", "192.0.2.3"]);
    put(&mut zone, "new", "TXT", &["text"]);
    let slower = RRset::simple(ttl(300), [data("A", "10.0.0.5")]).unwrap();
    zone.set_rrset(owner("host-5"), slower).unwrap();
    served.publish(2, &zone);

    let difference = transfer(served.address(), ixfr(ZONE, 1), None);
    let shown: Vec<String> = difference.records.iter().map(ToString::to_string).collect();
    let [_, old, removed @ .., _] = &shown[..] else { panic!("{shown:?}") };
    assert!(old.starts_with("example. 60 IN SOA") && old.contains(" 1 3600 "), "{old}");
    let between = removed.iter().position(|record| record.contains(" SOA ")).unwrap();
    assert_eq!(
        removed[..between],
        [
            "host-3.example. 60 IN A 10.0.0.3",
            "host-5.example. 60 IN A 10.0.0.5",
            "two.example. 60 IN A 192.0.2.1"
        ]
    );
    let added = &removed[between + 1..];
    assert_eq!(
        added,
        [
            "host-5.example. 300 IN A 10.0.0.5",
            "new.example. 60 IN TXT text",
            "two.example. 60 IN A 192.0.2.3"
        ]
    );
    difference.apply(&mut records);
    assert_eq!(records, now_at(&served));
    assert_eq!(served.handler.transfer_counts().incremental, 1);
}

#[test]
fn where_only_weights_move_the_serial_is_all_that_changes() {
    let served = served(8);
    let mut zone = hosts(3);
    let mut weigh = |weights: [u8; 2]| {
        let members = [1_u8, 2].map(|number| Member {
            id: number.to_string().into(),
            weight: weights[usize::from(number) - 1],
            health_check: None,
            data: data("A", &format!("192.0.2.{number}")),
        });
        zone.set_rrset(owner("api"), RRset::weighted(ttl(5), members).unwrap()).unwrap();
        zone.clone()
    };
    served.publish(1, &weigh([1, 9]));
    let mut records = now_at(&served);
    served.publish(2, &weigh([9, 1]));
    let difference = transfer(served.address(), ixfr(ZONE, 1), None);
    assert_eq!(difference.serials(), [2, 1, 2, 2]);
    assert_eq!(difference.records.len(), 4);
    difference.apply(&mut records);
    assert_eq!(records, now_at(&served));
    // A member that is drained is taken away.
    served.publish(3, &weigh([9, 0]));
    let drained = transfer(served.address(), ixfr(ZONE, 2), None);
    assert_eq!(drained.records.len(), 5);
    drained.apply(&mut records);
    assert_eq!(records, now_at(&served));
}

/// A random edit of one of a few names.
fn edit(zone: &mut Zone, numbers: &SplitMix64) {
    let below = |most: u64| numbers.number() % most;
    let name = format!("name-{}", below(12));
    match below(5) {
        0 => drop(zone.clear(&owner(&name))),
        1 => put(zone, &name, "TXT", &[&format!("t{}", below(3))]),
        _ => {
            let texts: Vec<String> = (0..=below(3)).map(|_| format!("192.0.2.{}", below(4))).collect();
            let records = texts.iter().map(|text| data("A", text));
            let seconds = [60, 60, 300][usize::try_from(below(3)).unwrap()];
            zone.set_rrset(owner(&name), RRset::simple(ttl(seconds), records).unwrap()).unwrap();
        }
    }
}

#[test]
fn from_every_version_that_is_kept_the_difference_leads_to_the_newest() {
    for seed in 0..20 {
        let (served, numbers) = (served(10), SplitMix64::seeded(seed));
        let mut zone = hosts(40);
        let mut versions = Vec::new();
        for generation in 1..=10 {
            for _ in 0..=numbers.number() % 4 {
                edit(&mut zone, &numbers);
            }
            served.publish(generation, &zone);
            versions.push(now_at(&served));
        }
        let newest = versions.last().unwrap().clone();
        for (from, mut records) in (1..10).zip(versions) {
            transfer(served.address(), ixfr(ZONE, from), None).apply(&mut records);
            assert_eq!(records, newest, "from {from}, seed {seed}");
        }
        assert_eq!(served.handler.transfer_counts().incremental, 9);
    }
}

#[test]
fn the_whole_zone_comes_where_the_version_is_not_kept_or_the_difference_is_no_smaller() {
    let served = served(2);
    let mut zone = hosts(50);
    for generation in 1..=5 {
        put(&mut zone, "new", "A", &[&format!("192.0.2.{generation}")]);
        served.publish(generation, &zone);
    }
    // Two versions are kept beside the newest.
    for (from, expected) in
        [(4, vec![5, 4, 5, 5]), (3, vec![5, 3, 5, 5]), (2, vec![5, 5]), (1, vec![5, 5]), (0, vec![5, 5])]
    {
        assert_eq!(serials(&served, from), expected, "from {from}");
    }
    // Half the zone is removed, and as much added: the whole is shorter.
    for number in 0..30 {
        zone.clear(&owner(&format!("host-{number}")));
        put(&mut zone, &format!("other-{number}"), "A", &["192.0.2.1"]);
    }
    served.publish(6, &zone);
    assert_eq!(serials(&served, 5), [6, 6]);
    zone.clear(&owner("host-40"));
    served.publish(7, &zone);
    assert_eq!(serials(&served, 6), [7, 6, 7, 7]);
    let counts = served.handler.transfer_counts();
    assert_eq!((counts.incremental, counts.full), (3, 4));
}

#[test]
fn whoever_has_the_newest_or_a_newer_serial_gets_that_alone() {
    let served = served(2);
    served.publish(7, &hosts(3));
    for from in [7, 8, 7 + (1 << 31) - 1] {
        let response = transfer(served.address(), ixfr(ZONE, from), None);
        assert_eq!((response.serials(), response.records.len()), (vec![7], 1), "from {from}");
    }
    // Further off, a serial is older, and no version of it is here.
    assert_eq!(serials(&served, 7_u32.wrapping_sub(1 << 31).wrapping_add(1)), [7, 7]);
    assert_eq!(served.handler.transfer_counts().serial_only, 3);
}

#[test]
fn a_datagram_has_the_difference_where_it_fits_and_else_the_serial() {
    let served = served(8);
    let mut zone = hosts(200);
    served.publish(1, &zone);
    put(&mut zone, "new", "A", &["192.0.2.1"]);
    served.publish(2, &zone);
    for number in 0..60 {
        put(&mut zone, &format!("host-{number}"), "A", &["192.0.2.1"]);
    }
    served.publish(3, &zone);
    for number in 100..120 {
        zone.clear(&owner(&format!("host-{number}")));
    }
    served.publish(4, &zone);
    let ask = |from: u32, is_extended: bool| {
        let mut request: Message = ixfr(ZONE, from);
        if is_extended {
            request.edns = Some(Edns::new());
            request.edns.as_mut().unwrap().set_max_payload(1232);
        }
        let response = exchange(&client(served.address()), &request);
        assert!(!response.metadata.truncation && response.metadata.authoritative, "{response}");
        response.answers.iter().filter_map(serial_of).collect::<Vec<u32>>()
    };
    assert_eq!(ask(3, true), [4, 3, 4, 4]);
    assert_eq!(ask(3, false), [4], "too large without EDNS");
    for from in [1, 2, 0] {
        assert_eq!(ask(from, true), [4], "too large, or not kept");
    }
    assert_eq!(ask(4, true), [4]);
    let counts = served.handler.transfer_counts();
    assert_eq!((counts.incremental, counts.serial_only, counts.full), (1, 5, 0));
}
