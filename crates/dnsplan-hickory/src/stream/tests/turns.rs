//! Transfers that have to find a difference: in their turn, and as long as somebody waits for them.

use dnsplan_enactor::{Basis, Quarantine, Rider};
use dnsplan_fence::{
    Actor, Generation, Move, Nonce, OfferedGeneration, ParentGeneration, Part, Register, Standing, Swap,
};
use dnsplan_plan::{OwnerName, Plan, Proposal, Provenance, RRset, TargetId, Timestamp, Ttl, Zone, rdata};
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::SOA;

use super::*;
use crate::transfer::Transfers;
use crate::{HickoryTarget, NoJournal};

fn plan(generation: u64) -> Arc<Plan> {
    let origin: OwnerName = "example.".parse().unwrap();
    let mut zone = Zone::empty(origin.clone());
    let address = format!("192.0.2.{generation}");
    let soa = ("SOA", "ns.other. ops 0 3600 60 86400 30");
    for (name, (kind, text)) in [("@", soa), ("@", ("NS", "ns.other.")), ("a", ("A", &*address))] {
        let records = [rdata(kind, text, &origin).unwrap()];
        let rrset = RRset::simple(Ttl::new(60).unwrap(), records).unwrap();
        zone.set_rrset(OwnerName::relative(name, &origin).unwrap(), rrset).unwrap();
    }
    for host in 0..10 {
        let rrset = RRset::simple(Ttl::new(60).unwrap(), [rdata("A", "192.0.2.9", &origin).unwrap()]);
        zone.set_rrset(OwnerName::relative(&format!("h{host}"), &origin).unwrap(), rrset.unwrap()).unwrap();
    }
    let provenance = Provenance::new("test", Timestamp::from_millis(0), "a test");
    let granted = OfferedGeneration::granted(Generation::new(generation));
    Arc::new(Plan::granted(granted, ParentGeneration::NONE, Proposal { zone, provenance }))
}

async fn publish(target: &HickoryTarget, generation: u64) {
    let (plan, me) = (plan(generation), Actor::new("test").unwrap());
    let nonce = |step: u64| Nonce::new((10 * generation + step).into());
    if let Some(genesis) = target.load().await.unwrap().genesis(nonce(1), &me, Quarantine::default()) {
        assert_eq!(target.create(genesis).await, Ok(Swap::Won));
    }
    let seen = target.load().await.unwrap();
    let head = seen.witness().answered(Standing::new(plan.generation()));
    let permit = seen.sight(head).unwrap().permit(&plan, Move::Apply(Part::ONLY), nonce(2), &me).unwrap();
    let basis = Arc::new(Basis::Unknown);
    assert_eq!(target.swap(permit, Rider::Part { plan, basis, set_aside: [].into() }).await, Ok(Swap::Won));
}

/// A server with two versions of a zone, and its handler.
async fn serve(transfers: Transfers) -> (SocketAddr, Handler) {
    let target = HickoryTarget::new(TargetId::new("turns"), "example.".parse().unwrap(), NoJournal);
    let allow = vec!["127.0.0.1/32".parse().unwrap()];
    let handler = Handler::new([target.clone()]).unwrap();
    let handler = handler.transferring(Transfers { allow, ..transfers }).unwrap();
    publish(&target, 1).await;
    publish(&target, 2).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(listen(listener, handler.clone(), Limits::default()));
    (address, handler)
}

/// A connection on which a transfer was asked for.
async fn asking(server: SocketAddr, kind: RecordType) -> TcpStream {
    let mut request = Message::new(7, MessageType::Query, OpCode::Query);
    let zone = Name::from_ascii("example.").unwrap();
    request.add_query(Query::query(zone.clone(), kind));
    if kind == RecordType::IXFR {
        let soa = SOA::new(zone.clone(), zone.clone(), 1, 0, 0, 0, 0);
        request.add_authority(Record::from_rdata(zone, 0, dnsplan_plan::RData::SOA(soa)));
    }
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(&framed(&request.to_vec().unwrap())).await.unwrap();
    stream
}

/// The code of the response and how many records come with its first message.
async fn response(stream: &mut TcpStream) -> (ResponseCode, usize) {
    let bytes = timeout(PATIENCE, receive(stream)).await.expect("a response in time");
    let message = Message::from_vec(&bytes.unwrap().expect("a response, and no end")).unwrap();
    (message.metadata.response_code, message.answers.len())
}

const CLIENT: std::net::IpAddr = std::net::IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn a_difference_is_not_looked_for_before_its_turn() {
    let (server, handler) = serve(Transfers { at_once: 1, wait: MOMENT, ..Transfers::default() }).await;
    let desk = handler.desk().unwrap();
    let (_busy, place) = (desk.find_for_ever().await, desk.slot(CLIENT).await.unwrap());
    let mut stream = asking(server, RecordType::IXFR).await;
    assert_eq!(response(&mut stream).await, (ResponseCode::ServFail, 0), "its turn did not come");
    drop((_busy, place));
    let mut stream = asking(server, RecordType::IXFR).await;
    assert_eq!(response(&mut stream).await, (ResponseCode::NoError, 6));
}

#[tokio::test]
async fn a_whole_zone_does_not_wait_for_anybodys_difference() {
    let (server, handler) = serve(Transfers { at_once: 8, ..Transfers::default() }).await;
    let desk = handler.desk().unwrap();
    let busy = desk.find_for_ever().await;
    let mut waiting = asking(server, RecordType::IXFR).await;
    let mut whole = asking(server, RecordType::AXFR).await;
    assert_eq!(response(&mut whole).await, (ResponseCode::NoError, 14));
    drop(busy);
    assert_eq!(response(&mut waiting).await, (ResponseCode::NoError, 6));
}

#[tokio::test]
async fn who_goes_while_it_waits_leaves_its_place_to_others() {
    let (server, handler) = serve(Transfers { at_once: 1, wait: NEVER, ..Transfers::default() }).await;
    let desk = handler.desk().unwrap();
    let _busy = desk.find_for_ever().await;
    let first = asking(server, RecordType::IXFR).await;
    let is_taken = async { while timeout(MOMENT, desk.slot(CLIENT)).await.is_ok() {} };
    timeout(PATIENCE, is_taken).await.expect("it takes its turn, and then waits");
    // One that waits for its turn goes, and then the one that has its turn and waits for its difference.
    drop(asking(server, RecordType::IXFR).await);
    drop(first);
    assert!(timeout(PATIENCE, desk.slot(CLIENT)).await.is_ok(), "the place is free");
}
