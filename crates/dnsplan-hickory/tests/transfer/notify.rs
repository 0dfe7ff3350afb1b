//! NOTIFY (RFC 1996): every plan is told to every secondary, until it is heard or another is newer.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use dnsplan_hickory::{Handler, HickoryTarget, NoJournal, Transfers};
use dnsplan_name_servers::process::until;
use dnsplan_plan::{TargetId, Zone};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::{Name, RecordType, TSigner};

use crate::common::{self, PATIENCE, Running};
use crate::wire::{now, serial_of, signer};
use crate::{Served, ZONE, empty, hosts, local, signed_by, target};

const SECRET: &[u8] = b"sixteen bytes or more";
const LATE: &str = "late.";
/// How long the server waits for an answer before it says the same again.
const ANSWER_AWAITED: Duration = Duration::from_secs(2);
/// At least so many milliseconds lie between two messages that are not repetitions.
const SPACING: u128 = 100;
const KEY: &str = "fleet:c2l4dGVlbiBieXRlcyBvciBtb3Jl";

/// A secondary that hears, and answers when it is told to.
struct Ear(UdpSocket);

impl Ear {
    fn new() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap())
    }

    fn at(address: SocketAddr) -> Self {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// It hears nobody, and whoever sends it something is told that nobody is there: it is connected to a peer that is silent. Its port
    /// stays its own, which another test would otherwise be given.
    fn away() -> Self {
        let ear = Self::new();
        ear.0.connect("127.0.0.2:9").unwrap();
        ear
    }

    /// It is there again, at its address.
    fn come_back(self) -> Self {
        let address = self.address();
        drop(self);
        Self::at(address)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next message: its bytes, its serial, and who sent it.
    fn hear(&self) -> (Vec<u8>, u32, SocketAddr) {
        let mut bytes = [0; 4096];
        let (length, from) = self.0.recv_from(&mut bytes).expect("a NOTIFY in time");
        let message = Message::from_vec(&bytes[..length]).unwrap();
        let meta = message.metadata;
        assert_eq!((meta.op_code, meta.message_type), (OpCode::Notify, MessageType::Query));
        assert!(meta.authoritative && !meta.recursion_desired, "{message}");
        let [question] = &message.queries[..] else { panic!("{message}") };
        assert_eq!((question.name(), question.query_type()), (&message.answers[0].name, RecordType::SOA));
        (bytes[..length].to_vec(), serial_of(&message.answers[0]).unwrap(), from)
    }

    fn answer(&self, heard: &[u8], to: SocketAddr, change: impl FnOnce(&mut Message)) {
        let mut message = Message::from_vec(heard).unwrap();
        message.signature = None;
        message.metadata.message_type = MessageType::Response;
        message.answers.clear();
        change(&mut message);
        self.0.send_to(&message.to_vec().unwrap(), to).unwrap();
    }

    /// Hears a message of this serial, whatever was under way before, and acknowledges everything.
    fn acknowledge(&self, serial: u32) {
        loop {
            let (heard, found, from) = self.hear();
            self.answer(&heard, from, |_| ());
            assert!(found <= serial, "{found} was not published yet");
            if found == serial {
                return;
            }
        }
    }
}

fn telling(ears: &[&Ear]) -> Served {
    Served::new(Transfers { notify: ears.iter().map(|ear| ear.address()).collect(), ..local() })
}

fn acknowledged(served: &Served, count: u64) {
    until("the answer arrives", || served.handler.transfer_counts().acknowledged == count);
}

#[test]
fn every_secondary_is_told_of_every_plan_once_it_is_live() {
    let ears = [Ear::new(), Ear::new()];
    let served = telling(&[&ears[0], &ears[1]]);
    for (told, generation) in (1..).zip([1, 2, 7]) {
        served.publish(generation, &hosts(1));
        ears.iter().for_each(|ear| ear.acknowledge(u32::try_from(generation).unwrap()));
        acknowledged(&served, 2 * told);
    }
    // Each was heard at once, so nothing was said twice.
    assert_eq!(served.handler.transfer_counts().notified, 6);
}

#[test]
fn a_zone_that_was_live_before_the_server_began_and_one_that_comes_later_are_told_too() {
    let ear = Ear::new();
    let (early, late) =
        (target(), HickoryTarget::new(TargetId::new("late"), LATE.parse().unwrap(), NoJournal));
    common::publish(&early, &common::plan(3, hosts(1)));
    common::publish(&late, &common::plan(4, empty(LATE)));
    let transfers = Transfers { notify: vec![ear.address()], ..local() };
    let handler = Handler::new([early]).unwrap().transferring(transfers).unwrap();
    let _server = Running::start(handler.clone());
    ear.acknowledge(3);
    handler.add(late).unwrap();
    let (heard, serial, _) = ear.hear();
    let message = Message::from_vec(&heard).unwrap();
    assert_eq!((message.queries[0].name().to_string().as_str(), serial), (LATE, 4));
}

#[test]
fn a_newer_plan_does_not_wait_for_the_answer_to_the_one_before() {
    let ear = Ear::new();
    let served = telling(&[&ear]);
    served.publish(1, &hosts(1));
    assert_eq!(ear.hear().1, 1);
    let begun = Instant::now();
    served.publish(2, &hosts(2));
    assert_eq!(ear.hear().1, 2);
    assert!(begun.elapsed() < ANSWER_AWAITED, "{:?}", begun.elapsed());
}

#[test]
fn what_is_not_acknowledged_is_said_again_and_what_is_superseded_is_not() {
    let ear = Ear::new();
    let served = telling(&[&ear]);
    served.publish(1, &hosts(1));
    let (first, serial, _) = ear.hear();
    assert_eq!(serial, 1);
    let (again, serial, from) = ear.hear();
    assert_eq!(serial, 1);
    assert_ne!(first[..2], again[..2], "each has an id of its own");
    // None of these is an answer to it: another id, and no answer at all. A refusal is one, and no acknowledgement.
    ear.answer(&again, from, |message| message.metadata.id ^= 1);
    ear.answer(&again, from, |message| message.metadata.message_type = MessageType::Query);
    ear.answer(&again, from, |message| message.metadata.response_code = ResponseCode::Refused);
    assert_eq!(ear.hear().1, 1);
    assert_eq!(served.handler.transfer_counts().acknowledged, 0);
    served.publish(2, &hosts(2));
    ear.acknowledge(2);
    acknowledged(&served, 1);
    served.publish(3, &hosts(3));
    // Had the first still been said, it would come before this.
    assert_eq!(ear.hear().1, 3);
}

#[test]
fn what_answers_something_else_acknowledges_nothing() {
    let ear = Ear::new();
    let served = telling(&[&ear]);
    served.publish(1, &hosts(1));
    let (heard, _, from) = ear.hear();
    let about = |zone: &str, qtype| Query::query(Name::from_ascii(zone).unwrap(), qtype);
    ear.answer(&heard, from, |message| message.metadata.id ^= 1);
    ear.answer(&heard, from, |message| message.metadata.message_type = MessageType::Query);
    ear.answer(&heard, from, |message| message.metadata.op_code = OpCode::Query);
    ear.answer(&heard, from, |message| message.queries.clear());
    ear.answer(&heard, from, |message| message.queries = vec![about("other.", RecordType::SOA)]);
    ear.answer(&heard, from, |message| message.queries = vec![about(ZONE, RecordType::NS)]);
    ear.answer(&heard, from, |message| message.queries.push(about("other.", RecordType::SOA)));
    // It is said again, so none of these was taken for an answer.
    let (heard, serial, from) = ear.hear();
    assert_eq!((serial, served.handler.transfer_counts().acknowledged), (1, 0));
    // The name may come back in another case.
    ear.answer(&heard, from, |message| message.queries = vec![about("EXAMPLE.", RecordType::SOA)]);
    acknowledged(&served, 1);
}

#[test]
fn a_zone_of_which_nothing_is_live_or_nothing_can_be_transferred_is_not_told() {
    let ear = Ear::new();
    let of = |zone: &str| HickoryTarget::new(TargetId::new(zone), zone.parse().unwrap(), NoJournal);
    let (never, without_soa, late) = (of("a."), target(), of(LATE));
    common::publish(&without_soa, &common::plan(3, Zone::empty(ZONE.parse().unwrap())));
    common::publish(&late, &common::plan(4, empty(LATE)));
    let transfers = Transfers { notify: vec![ear.address()], ..local() };
    let handler = Handler::new([never.clone(), without_soa.clone(), late]).unwrap();
    let handler = handler.transferring(transfers).unwrap();
    let _server = Running::start(handler.clone());
    let told = |count| until("the answer arrives", || handler.transfer_counts().acknowledged == count);
    // The other two come before this one in the order of zones, and nobody has answered anything yet.
    let (heard, serial, from) = ear.hear();
    assert_eq!((serial, handler.transfer_counts().acknowledged), (4, 0));
    ear.answer(&heard, from, |_| ());
    told(1);
    common::publish(&never, &common::plan(5, empty("a.")));
    ear.acknowledge(5);
    told(2);
    common::publish(&without_soa, &common::plan(6, hosts(1)));
    ear.acknowledge(6);
    told(3);
}

#[test]
fn a_secondary_that_is_away_holds_up_no_other_and_is_told_when_it_is_back() {
    let (present, away) = (Ear::new(), Ear::away());
    let notify = vec![away.address(), present.address()];
    let served = Served::new(Transfers { notify, ..local() });
    served.publish(1, &hosts(1));
    present.acknowledge(1);
    served.publish(2, &hosts(1));
    present.acknowledge(2);
    away.come_back().acknowledge(2);
}

#[test]
fn a_flood_of_plans_is_told_as_a_trickle_that_ends_with_the_newest() {
    let ear = Ear::new();
    let served = telling(&[&ear]);
    let (zone, last) = (hosts(1), 2_000);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| (1..=last).for_each(|generation| served.publish(generation, &zone)));
        ear.acknowledge(u32::try_from(last).unwrap());
    });
    until("the answer arrives", || served.handler.transfer_counts().acknowledged > 0);
    let (counts, most) = (served.handler.transfer_counts(), begun.elapsed().as_millis() / SPACING + 2);
    assert!(u128::from(counts.notified) <= most, "{counts:?}, and not above {most}");
}

fn reply(ear: &Ear, key: Option<&TSigner>) {
    let (heard, _, from) = ear.hear();
    let request = Message::from_vec(&heard).unwrap();
    let mac = request.signature.as_ref().expect("it is signed").data.mac.clone();
    ear.answer(&heard, from, |message| {
        if let Some(key) = key {
            let bytes = message.to_vec().unwrap();
            let id = message.metadata.id;
            let context = hickory_proto::rr::TSigResponseContext::new(id, now(), key.clone(), mac, None);
            message.set_signature(context.sign(&bytes).unwrap());
        }
    });
}

#[test]
fn with_a_key_it_is_signed_and_only_a_signed_answer_acknowledges_it() {
    let ear = Ear::new();
    let served = Served::new(Transfers { notify: vec![ear.address()], ..signed_by(KEY) });
    let right = signer("fleet.", TsigAlgorithm::HmacSha256, SECRET);
    let wrong = signer("fleet.", TsigAlgorithm::HmacSha256, b"another secret, as long");
    served.publish(1, &hosts(1));
    let (heard, _, _) = ear.hear();
    right.verify_message_byte(&heard, None, true).expect("the secondary can verify it");
    for unacceptable in [None, Some(&wrong)] {
        reply(&ear, unacceptable);
        assert_eq!(served.handler.transfer_counts().acknowledged, 0);
    }
    reply(&ear, Some(&right));
    acknowledged(&served, 1);
}
