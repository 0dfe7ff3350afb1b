//! The server over real sockets, and the target behind it.

// Helpers are tests too, as clippy sees it.
#![cfg(test)]

#[path = "../common/mod.rs"]
mod common;

mod edns;
mod hostile;
mod listen;
mod protocol;
mod target;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use dnsplan_hickory::{Handler, HickoryTarget, NoJournal};
use dnsplan_plan::{OwnerName, RRset, TargetId, Ttl, Zone, rdata};
use hickory_proto::op::Message;

use common::{PATIENCE, Running};

/// A zone from lines of owner, type and data, with an SOA and name servers of its own.
fn zone(origin: &str, lines: &[&str]) -> Zone {
    let origin: OwnerName = origin.parse().unwrap();
    let mut grouped: Vec<((OwnerName, &str), Vec<_>)> = Vec::new();
    for line in ["@ SOA ns ops 0 300 60 86400 30", "@ NS ns.other."].iter().chain(lines) {
        let [owner, kind, text] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
        let key = (OwnerName::relative(owner, &origin).unwrap(), kind);
        let data = rdata(kind, text, &origin).unwrap();
        match grouped.iter_mut().find(|(other, _)| *other == key) {
            Some((_, all)) => all.push(data),
            None => grouped.push((key, vec![data])),
        }
    }
    let mut zone = Zone::empty(origin);
    for ((owner, _), data) in grouped {
        zone.set_rrset(owner, RRset::simple(Ttl::new(60).unwrap(), data).unwrap()).unwrap();
    }
    zone
}

fn empty_target(origin: &str) -> HickoryTarget {
    HickoryTarget::new(TargetId::new(origin), origin.parse().unwrap(), NoJournal)
}

/// A target with a live plan of generation 1.
fn target(origin: &str, lines: &[&str]) -> HickoryTarget {
    let target = empty_target(origin);
    common::publish(&target, &common::plan(1, zone(origin, lines)));
    target
}

fn serve(origin: &str, lines: &[&str]) -> Running {
    Running::start(Handler::new([target(origin, lines)]).unwrap())
}

/// Lines that give `owner` so many addresses.
fn addresses(owner: &str, count: u8) -> Vec<String> {
    (0..count).map(|last| format!("{owner} A 192.0.2.{last}")).collect()
}

fn connect(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn send(stream: &mut TcpStream, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length, bytes].concat()).unwrap();
}

fn receive(stream: &mut TcpStream) -> Message {
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("an answer in time");
    let mut bytes = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut bytes).unwrap();
    Message::from_vec(&bytes).unwrap()
}

fn over_tcp(server: SocketAddr, request: &Message) -> Message {
    let mut stream = connect(server);
    send(&mut stream, &request.to_vec().unwrap());
    receive(&mut stream)
}

fn over_udp(server: SocketAddr, request: &Message) -> Message {
    common::exchange(&common::client(server), request)
}
