//! Who may transfer, and how the others are told that they may not (RFC 8945 section 5.2).

use dnsplan_hickory::{Handler, Transfers};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::TSIG;
use hickory_proto::rr::rdata::tsig::{TsigAlgorithm, TsigError};
use hickory_proto::rr::{Record, RecordType, TSigner};

use crate::common::{self, Running, client, exchange, question};
use crate::wire::{Connection, ELSEWHERE, HOME, axfr, ixfr, now, signer, transfer};
use crate::{Served, ZONE, hosts, local, signed_by, target};

const SECRET: &[u8] = b"sixteen bytes or more";
const KEY: &str = "fleet:c2l4dGVlbiBieXRlcyBvciBtb3Jl";

fn key() -> TSigner {
    signer("fleet.", TsigAlgorithm::HmacSha256, SECRET)
}

fn served(transfers: Transfers) -> Served {
    let served = Served::new(transfers);
    served.publish(1, &hosts(3));
    served
}

fn over_udp(served: &Served, request: &Message) -> Message {
    exchange(&client(served.address()), request)
}

fn code_from(served: &Served, from: std::net::IpAddr, request: &Message) -> ResponseCode {
    let mut connection = Connection::open(served.address(), from);
    connection.send(request);
    connection.collect(None).unwrap().code
}

/// The TSIG record of a response.
fn tsig(response: &Message) -> &Record<TSIG> {
    response.signature.as_deref().expect("a TSIG record")
}

#[test]
fn without_settings_nobody_may_transfer() {
    let target = target();
    common::publish(&target, &common::plan(1, hosts(3)));
    let server = Running::start(Handler::new([target]).unwrap());
    for request in [axfr(ZONE), ixfr(ZONE, 0)] {
        assert_eq!(transfer(server.address, request.clone(), None).code, ResponseCode::Refused);
        let response = exchange(&client(server.address), &request);
        assert_eq!((response.metadata.response_code, response.answers.len()), (ResponseCode::Refused, 0));
    }
}

#[test]
fn an_address_that_is_not_listed_is_refused() {
    let served = served(local());
    for request in [axfr(ZONE), ixfr(ZONE, 0), ixfr(ZONE, 1)] {
        assert_eq!(code_from(&served, HOME, &request), ResponseCode::NoError);
        assert_eq!(code_from(&served, ELSEWHERE, &request), ResponseCode::Refused);
    }
    let counts = served.handler.transfer_counts();
    assert_eq!((counts.full, counts.serial_only, counts.refused), (2, 1, 3));
    // An ordinary question is nobody's secret.
    assert_eq!(code_from(&served, ELSEWHERE, &question(ZONE, RecordType::SOA)), ResponseCode::NoError);
}

#[test]
fn a_key_is_needed_where_there_is_one_and_an_address_too_where_both_are_given() {
    let both = Transfers { allow: local().allow, ..signed_by(KEY) };
    for (transfers, is_signed_elsewhere) in
        [(signed_by(KEY), ResponseCode::NoError), (both, ResponseCode::Refused)]
    {
        let served = served(transfers);
        assert_eq!(code_from(&served, HOME, &axfr(ZONE)), ResponseCode::Refused);
        assert_eq!(transfer(served.address(), axfr(ZONE), Some(&key())).code, ResponseCode::NoError);
        let mut request = axfr(ZONE);
        request.finalize(&key(), now()).unwrap();
        assert_eq!(code_from(&served, ELSEWHERE, &request), is_signed_elsewhere);
    }
}

#[test]
fn a_rightly_signed_question_gets_a_signed_answer_even_a_refusal() {
    let served = served(signed_by(KEY));
    for (name, code) in [(ZONE, ResponseCode::NoError), ("other.", ResponseCode::Refused)] {
        let signed = || {
            let mut request = question(name, RecordType::SOA);
            let verifier = request.finalize(&key(), now()).unwrap().unwrap();
            (request.to_vec().unwrap(), request, verifier)
        };
        let (bytes, _, mut verifier) = signed();
        let socket = client(served.address());
        socket.send(&bytes).unwrap();
        let mut bytes = [0; 4096];
        let length = socket.recv(&mut bytes).unwrap();
        let response = verifier.verify(&bytes[..length]).expect("it is signed");
        assert_eq!(response.metadata.response_code, code);

        let (_, request, mut verifier) = signed();
        let mut connection = Connection::open(served.address(), HOME);
        connection.send(&request);
        verifier.verify(&connection.receive().unwrap()).expect("over TCP too");
    }
    // Who may not be told anything else is told so with a signature.
    let refused = transfer(served.address(), axfr("host-1.example."), Some(&key()));
    assert_eq!((refused.code, refused.records.len()), (ResponseCode::NotAuth, 0));
}

#[test]
fn an_unknown_key_another_algorithm_and_another_secret_are_told_apart() {
    let served = served(signed_by(KEY));
    for (wrong, error) in [
        (signer("stranger.", TsigAlgorithm::HmacSha256, SECRET), TsigError::BadKey),
        (signer("fleet.", TsigAlgorithm::HmacSha512, SECRET), TsigError::BadKey),
        (signer("fleet.", TsigAlgorithm::HmacSha256, b"another secret, as long"), TsigError::BadSig),
    ] {
        let mut request = axfr(ZONE);
        request.finalize(&wrong, now()).unwrap();
        let mut connection = Connection::open(served.address(), HOME);
        connection.send(&request);
        let over_tcp = connection.collect(None).unwrap().last.unwrap();
        for response in [over_tcp, over_udp(&served, &request)] {
            let tsig = tsig(&response);
            assert_eq!((response.metadata.response_code, response.answers.len()), (ResponseCode::NotAuth, 0));
            assert_eq!((tsig.data.error, tsig.data.mac.len()), (Some(error), 0), "it says why, unsigned");
            assert_eq!((&tsig.name, tsig.data.oid), (wrong.signer_name(), request.metadata.id));
        }
    }
    let counts = served.handler.transfer_counts();
    assert_eq!((counts.wrongly_signed, counts.full), (6, 0));
}

#[test]
fn a_time_that_is_too_far_off_is_answered_signed_and_with_ours() {
    let served = served(signed_by(KEY));
    for (offset, is_right) in [(-290, true), (290, true), (-310, false), (310, false), (-3600, false)] {
        let time = now().checked_add_signed(offset).unwrap();
        let mut request = axfr(ZONE);
        let mut verifier = request.finalize(&key(), time).unwrap().unwrap();
        let mut connection = Connection::open(served.address(), HOME);
        connection.send(&request);
        let bytes = connection.receive().unwrap();
        let response = Message::from_vec(&bytes).unwrap();
        let tsig = tsig(&response);
        if is_right {
            assert_eq!((response.metadata.response_code, tsig.data.error), (ResponseCode::NoError, None));
            continue;
        }
        // The response has the request's time, so that the client can verify it and learn what the time is.
        verifier.verify(&bytes).expect("it is signed");
        assert_eq!(
            (response.metadata.response_code, tsig.data.error),
            (ResponseCode::NotAuth, Some(TsigError::BadTime))
        );
        assert_eq!(tsig.data.time, time);
        let ours = tsig.data.other.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        assert_eq!(tsig.data.other.len(), 6);
        assert!(ours.abs_diff(now()) < 60);
    }
}

#[test]
fn a_mac_that_is_cut_short_or_changed_is_refused() {
    let served = served(signed_by(KEY));
    let of = |change: &dyn Fn(&mut TSIG)| {
        let mut request = axfr(ZONE);
        request.finalize(&key(), now()).unwrap();
        let mut signature = request.signature.take().unwrap();
        change(&mut signature.data);
        request.set_signature(signature);
        let response = over_udp(&served, &request);
        let error = response.signature.as_ref().and_then(|tsig| tsig.data.error);
        (response.metadata.response_code, error)
    };
    assert_eq!(of(&|tsig| tsig.mac.truncate(16)), (ResponseCode::NotAuth, Some(TsigError::BadTrunc)));
    assert_eq!(of(&|tsig| tsig.mac.truncate(31)), (ResponseCode::NotAuth, Some(TsigError::BadTrunc)));
    assert_eq!(of(&|tsig| tsig.mac.truncate(15)), (ResponseCode::FormErr, None));
    assert_eq!(of(&|tsig| tsig.mac.clear()), (ResponseCode::FormErr, None));
    assert_eq!(of(&|tsig| tsig.mac.push(0)), (ResponseCode::FormErr, None));
    assert_eq!(of(&|tsig| tsig.mac[31] ^= 1), (ResponseCode::NotAuth, Some(TsigError::BadSig)));
    assert_eq!(of(&|tsig| tsig.time -= 1), (ResponseCode::NotAuth, Some(TsigError::BadSig)));
}

/// What is answered to a request of `time`, whose MAC was changed, and the MAC as it was sent.
fn answer_to(served: &Served, key: &TSigner, time: u64, change: impl Fn(&mut Vec<u8>)) -> (Vec<u8>, Vec<u8>) {
    let mut request = axfr(ZONE);
    request.finalize(key, time).unwrap();
    let mut signature = request.signature.take().unwrap();
    change(&mut signature.data.mac);
    let mac = signature.data.mac.clone();
    request.set_signature(signature);
    let mut connection = Connection::open(served.address(), HOME);
    connection.send(&request);
    (connection.receive().unwrap(), mac)
}

#[test]
fn a_fault_that_the_mac_itself_proves_is_answered_signed_and_any_other_unsigned() {
    let (served, key) = (served(signed_by(KEY)), key());
    let late = now() - 1_000;
    for (cut, bit, time, error) in [
        (16, 0, now(), TsigError::BadTrunc),
        (31, 0, now(), TsigError::BadTrunc),
        (16, 1, now(), TsigError::BadSig),
        (16, 0, late, TsigError::BadTime),
        (32, 0, late, TsigError::BadTime),
        (16, 1, late, TsigError::BadSig),
    ] {
        let (bytes, mac) = answer_to(&served, &key, time, |mac| {
            mac.truncate(cut);
            mac[15] ^= bit;
        });
        let response = Message::from_vec(&bytes).unwrap();
        let data = &tsig(&response).data;
        assert_eq!((response.metadata.response_code, data.error), (ResponseCode::NotAuth, Some(error)));
        if error == TsigError::BadSig {
            assert!(data.mac.is_empty(), "the key is not known to be the client's");
            continue;
        }
        // It covers the request's MAC as that was sent, and is whole itself.
        key.verify_message_byte(&bytes, Some(&mac), true).expect("it is signed");
        assert_eq!(data.mac.len(), 32);
        assert_eq!(data.other.len(), if error == TsigError::BadTime { 6 } else { 0 });
    }
    assert_eq!(served.handler.transfer_counts().wrongly_signed, 6);
}

#[test]
fn an_answer_about_a_wrong_time_has_the_fudge_of_the_request() {
    let served = served(signed_by(KEY));
    let name = key().signer_name().clone();
    let impatient = TSigner::new(SECRET.to_vec(), TsigAlgorithm::HmacSha256, name, 60).unwrap();
    let time = now() - 100;
    let (bytes, mac) = answer_to(&served, &impatient, time, |_| ());
    impatient.verify_message_byte(&bytes, Some(&mac), true).expect("it is signed");
    let response = Message::from_vec(&bytes).unwrap();
    let data = &tsig(&response).data;
    assert_eq!((data.error, data.time, data.fudge), (Some(TsigError::BadTime), time, 60));
}

#[test]
fn what_is_no_request_for_a_zone_that_is_here_is_turned_down() {
    let served = served(local());
    let mut without_serial = ixfr(ZONE, 0);
    without_serial.authorities.clear();
    for (request, code) in [
        (axfr("host-1.example."), ResponseCode::NotAuth),
        (axfr("other."), ResponseCode::NotAuth),
        (ixfr("other.", 0), ResponseCode::NotAuth),
        (without_serial, ResponseCode::FormErr),
    ] {
        assert_eq!(code_from(&served, HOME, &request), code, "{request}");
    }
    let datagram = over_udp(&served, &axfr(ZONE));
    assert_eq!((datagram.metadata.response_code, datagram.answers.len()), (ResponseCode::Refused, 0));
}

#[test]
fn before_the_first_plan_there_is_nothing_to_transfer() {
    let served = Served::new(local());
    for request in [axfr(ZONE), ixfr(ZONE, 0)] {
        assert_eq!(code_from(&served, HOME, &request), ResponseCode::ServFail);
    }
}
