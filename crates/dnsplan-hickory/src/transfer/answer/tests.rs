use std::time::Duration;

use dnsplan_fence::Generation;
use dnsplan_plan::{OwnerName, RRset, Ttl, Zone, rdata};
use hickory_proto::rr::{Name, Record};

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn serials_compare_as_a_circle() {
    let half = 1 << 31;
    for (theirs, ours, expected) in [
        (7, 7, true),
        (6, 7, false),
        (8, 7, true),
        (u32::MAX, 0, false),
        (0, u32::MAX, true),
        (7 + half - 1, 7, true),
        // RFC 1982 leaves this one undefined: the whole zone is sent, which is right in any case.
        (7_u32.wrapping_add(half), 7, false),
    ] {
        assert_eq!(is_current(theirs, ours), expected, "{theirs} and {ours}");
    }
}

/// A version with these addresses.
fn version(generation: u64, addresses: &[&str]) -> Arc<Version> {
    let origin: OwnerName = "example.".parse().unwrap();
    let mut zone = Zone::empty(origin.clone());
    let records = addresses.iter().map(|address| rdata("A", address, &origin).unwrap());
    let rrset = RRset::simple(Ttl::new(60).unwrap(), records).unwrap();
    zone.set_rrset(origin.clone(), rrset).unwrap();
    let soa = rdata("SOA", "ns ops 0 3600 60 86400 30", &origin).unwrap();
    let soa = Record::from_rdata(Name::from_ascii("example.").unwrap(), 60, soa);
    Arc::new(Version { generation: Generation::new(generation), soa, zone })
}

fn since() -> Wanted {
    let all = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
    Wanted::Since(version(1, &all[..3]), version(2, &all))
}

fn desk() -> Desk {
    Desk::new(Transfers { allow: vec!["127.0.0.0/8".parse().unwrap()], ..Transfers::default() }).unwrap()
}

#[tokio::test]
async fn messages_and_differences_do_not_wait_for_one_another() {
    let desk = desk();
    let packing = desk.packer.lock().await;
    let content = timeout(PATIENCE, desk.content(since(), false)).await;
    assert!(matches!(content, Ok(Content::Difference(..))), "{content:?}");
    drop(packing);
    let _finding = desk.find_for_ever().await;
    assert_eq!(timeout(PATIENCE, desk.pack(|| 7)).await, Ok(7));
    let content = desk.content(since(), true).await;
    assert!(matches!(content, Content::Serial(_)), "a datagram waits for nothing: {content:?}");
}

#[test]
fn a_difference_that_nobody_wants_any_more_is_not_looked_for_further() {
    let Wanted::Since(before, after) = since() else { panic!("a difference") };
    let looks = std::cell::Cell::new(0);
    for patience in 0..3 {
        looks.set(0);
        let is_wanted = || looks.replace(looks.get() + 1) < patience;
        let found = Difference::between(Arc::clone(&before), Arc::clone(&after), is_wanted);
        assert!(found.is_none() && looks.get() <= patience + 2, "{patience}: {looks:?}");
    }
    assert!(Difference::between(before, after, || true).is_some());
}
