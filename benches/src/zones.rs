//! Zones that differ in their size and in nothing else.

use std::net::Ipv4Addr;

use dnsplan::plan::{Member, OwnerName, RData, RRset, Ttl, Zone, rdata};

/// The sizes measured, in hosts; each host owns one RRset.
pub const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];

/// A size as the names of benchmarks have it.
#[must_use]
pub fn size_name(hosts: u32) -> String {
    match hosts {
        million if million % 1_000_000 == 0 => format!("{}M", million / 1_000_000),
        thousand if thousand % 1_000 == 0 => format!("{}k", thousand / 1_000),
        _ => hosts.to_string(),
    }
}

/// An owner name of the zone.
///
/// # Panics
/// Where `label` is no name.
#[must_use]
pub fn owner(label: &str) -> OwnerName {
    OwnerName::relative(label, &origin()).expect("a valid name")
}

fn origin() -> OwnerName {
    "bench.example.".parse().expect("a valid name")
}

fn host(index: u32) -> OwnerName {
    owner(&format!("h{index:07}"))
}

fn ttl() -> Ttl {
    Ttl::new(60).expect("a valid TTL")
}

fn set(zone: &mut Zone, label: &str, record_type: &str, text: &str) {
    let data = rdata(record_type, text, &origin()).expect("valid record data");
    let rrset = RRset::simple(ttl(), [data]).expect("a valid RRset");
    zone.set_rrset(owner(label), rrset).expect("a name in the zone");
}

fn set_address(zone: &mut Zone, owner: OwnerName, address: u32) {
    let data = RData::A(Ipv4Addr::from(address).into());
    let rrset = RRset::simple(ttl(), [data]).expect("a valid RRset");
    zone.set_rrset(owner, rrset).expect("a name in the zone");
}

/// A zone of that many hosts with an address each (`h0000000` ...), and beside them the apex, the weighted endpoint `api`,
/// and `www`, an alias of an alias of the first host.
///
/// # Panics
/// Never: all names and records in it are valid.
#[must_use]
pub fn zone(hosts: u32) -> Zone {
    let mut zone = Zone::empty(origin());
    set(&mut zone, "@", "SOA", "ns1 hostmaster 0 300 60 86400 30");
    set(&mut zone, "@", "NS", "ns1");
    set(&mut zone, "ns1", "A", "192.0.2.53");
    set(&mut zone, "www", "CNAME", "web");
    set(&mut zone, "web", "CNAME", "h0000000");
    let member = |(last, weight): (u8, u8)| Member {
        id: format!("lb-{last}").into(),
        weight,
        health_check: None,
        data: RData::A(Ipv4Addr::new(198, 51, 100, last).into()),
    };
    let members = [(1, 60), (2, 30), (3, 10)].map(member);
    let weighted = RRset::weighted(ttl(), members).expect("a valid RRset");
    zone.set_rrset(owner("api"), weighted).expect("a name in the zone");
    for index in 0..hosts {
        set_address(&mut zone, host(index), index);
    }
    zone
}

/// The zone with other addresses at `rrsets` of its `hosts`, spread evenly over it. Rounds differ in which hosts and which
/// addresses: two successive ones always change something.
///
/// # Panics
/// Never.
#[must_use]
pub fn edited(before: &Zone, hosts: u32, rrsets: u32, round: u32) -> Zone {
    let mut zone = before.clone();
    let stride = (hosts / rrsets).max(1);
    for step in 0..rrsets {
        let index = (step * stride + round % stride) % hosts;
        // Above every address that the zone began with.
        set_address(&mut zone, host(index), 0x4000_0000 + round);
    }
    zone
}
