//! Zone transfer: who may, what comes, what is sent after a flip, and real secondaries that follow.

// Helpers are tests too, as clippy sees it.
#![cfg(test)]

#[path = "../common/mod.rs"]
mod common;

mod access;
mod changes;
mod full;
mod notify;
mod secondaries;
mod slow;
mod torn;
mod wire;

use std::net::SocketAddr;

use dnsplan_hickory::{Handler, HickoryTarget, NoJournal, Transfers};
use dnsplan_plan::{OwnerName, RData, RRset, TargetId, Ttl, Zone, rdata};

use common::Running;
use dnsplan_tsig::TsigKey;

pub(crate) const ZONE: &str = "example.";

fn origin() -> OwnerName {
    ZONE.parse().unwrap()
}

fn owner(text: &str) -> OwnerName {
    OwnerName::relative(text, &origin()).unwrap()
}

fn data(kind: &str, text: &str) -> RData {
    rdata(kind, text, &origin()).unwrap()
}

fn ttl(seconds: u32) -> Ttl {
    Ttl::new(seconds).unwrap()
}

/// Puts an RRset of simple records into a zone.
fn put(zone: &mut Zone, name: &str, kind: &str, texts: &[&str]) {
    let records = texts.iter().map(|text| data(kind, text));
    zone.set_rrset(owner(name), RRset::simple(ttl(60), records).unwrap()).unwrap();
}

/// A zone with its SOA, and a name server in another.
fn empty(origin: &str) -> Zone {
    let origin: OwnerName = origin.parse().unwrap();
    let mut zone = Zone::empty(origin.clone());
    for (kind, text) in [("SOA", "ns.other. ops 0 3600 60 86400 30"), ("NS", "ns.other.")] {
        let records = [rdata(kind, text, &origin).unwrap()];
        zone.set_rrset(origin.clone(), RRset::simple(ttl(60), records).unwrap()).unwrap();
    }
    zone
}

fn zone() -> Zone {
    empty(ZONE)
}

/// The same with so many hosts.
fn hosts(count: usize) -> Zone {
    let mut zone = zone();
    for number in 0..count {
        put(
            &mut zone,
            &format!("host-{number}"),
            "A",
            &[&format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255)],
        );
    }
    zone
}

fn target() -> HickoryTarget {
    HickoryTarget::new(TargetId::new("transfer"), origin(), NoJournal)
}

/// A server whose zone these may transfer.
struct Served {
    target: HickoryTarget,
    handler: Handler,
    server: Running,
}

impl Served {
    fn new(transfers: Transfers) -> Self {
        let target = target();
        let handler = Handler::new([target.clone()]).unwrap().transferring(transfers).unwrap();
        Self { server: Running::start(handler.clone()), target, handler }
    }

    fn publish(&self, generation: u64, zone: &Zone) {
        common::publish(&self.target, &common::plan(generation, zone.clone()));
    }

    fn address(&self) -> SocketAddr {
        self.server.address
    }
}

/// Whoever is on this machine's usual address may transfer.
fn local() -> Transfers {
    Transfers { allow: vec!["127.0.0.1/32".parse().unwrap()], ..Transfers::default() }
}

fn signed_by(key: &str) -> Transfers {
    Transfers { keys: vec![key.parse::<TsigKey>().unwrap()], ..Transfers::default() }
}
