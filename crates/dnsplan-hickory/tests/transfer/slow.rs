//! Clients that take their time: they lose their place, or keep it from nobody else.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use dnsplan_hickory::Transfers;
use dnsplan_name_servers::process::until;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;

use crate::full::larger_than_any_window;
use crate::wire::{Connection, ELSEWHERE, HOME, axfr, ixfr, now, signer, transfer};
use crate::{Served, ZONE, local, signed_by};

const MOMENT: Duration = Duration::from_millis(100);

fn served(transfers: Transfers) -> Served {
    let served = Served::new(transfers);
    served.publish(1, &larger_than_any_window());
    served
}

/// Begins a transfer, and takes no more of it than its first message.
fn slow(served: &Served, from: IpAddr) -> Connection {
    let mut connection = Connection::narrow(served.address(), from, Some(4_096));
    connection.send(&axfr(ZONE));
    assert!(connection.receive().expect("it begins").len() > 10_000);
    connection
}

fn code_from(served: &Served, from: IpAddr) -> ResponseCode {
    let mut connection = Connection::open(served.address(), from);
    connection.send(&axfr(ZONE));
    connection.collect(None).unwrap().code
}

#[test]
fn a_client_that_takes_nothing_loses_its_place() {
    let served = served(Transfers { at_once: 1, stall: 10 * MOMENT, ..local() });
    let mut stuck = slow(&served, HOME);
    assert_eq!(transfer(served.address(), axfr(ZONE), None).whole().len(), 2_002, "its place is free again");
    let counts = served.handler.transfer_counts();
    assert_eq!((counts.broken, counts.full, counts.turned_away), (1, 2, 0));
    let rest: io::Result<Vec<_>> = std::iter::repeat_with(|| stuck.receive()).take(3_000).collect();
    assert!(rest.is_err(), "its connection ended in the midst of the zone");
}

#[test]
fn who_waits_too_long_for_a_place_is_told_so() {
    let served = served(Transfers { at_once: 1, wait: MOMENT, ..local() });
    let stuck = slow(&served, HOME);
    assert_eq!(code_from(&served, HOME), ResponseCode::ServFail);
    let mut connection = Connection::open(served.address(), HOME);
    connection.send(&axfr(ZONE));
    connection.send(&ixfr(ZONE, 1));
    assert_eq!(connection.collect(None).unwrap().code, ResponseCode::ServFail);
    assert_eq!(connection.collect(None).unwrap().serials(), [1], "the connection goes on");
    let counts = served.handler.transfer_counts();
    assert_eq!((counts.turned_away, counts.refused, counts.broken, counts.full), (2, 0, 0, 1));
    drop(stuck);
    until("the place is free", || code_from(&served, HOME) == ResponseCode::NoError);
}

#[test]
fn with_a_key_it_is_told_so_with_a_signature() {
    let key = signer("fleet.", TsigAlgorithm::HmacSha256, b"sixteen bytes or more");
    let served =
        served(Transfers { at_once: 1, wait: MOMENT, ..signed_by("fleet:c2l4dGVlbiBieXRlcyBvciBtb3Jl") });
    let signed = || {
        let mut request = axfr(ZONE);
        let verifier = request.finalize(&key, now()).unwrap().unwrap();
        let mut connection = Connection::narrow(served.address(), HOME, Some(4_096));
        connection.send(&request);
        (connection, verifier)
    };
    let (mut stuck, mut verifier) = signed();
    verifier.verify(&stuck.receive().unwrap()).expect("it begins");
    let (mut late, mut verifier) = signed();
    let bytes = late.receive().unwrap();
    verifier.verify(&bytes).expect("it is signed");
    assert_eq!(Message::from_vec(&bytes).unwrap().metadata.response_code, ResponseCode::ServFail);
}

#[test]
fn one_client_holds_no_more_than_a_fourth_of_the_places() {
    let allow = vec!["127.0.0.0/8".parse().unwrap()];
    let served = served(Transfers { at_once: 8, wait: MOMENT, allow, ..Transfers::default() });
    let _stuck = [slow(&served, HOME), slow(&served, HOME)];
    assert_eq!(code_from(&served, HOME), ResponseCode::ServFail);
    assert_eq!(code_from(&served, ELSEWHERE), ResponseCode::NoError);
    assert_eq!(served.handler.transfer_counts().turned_away, 1);
}
