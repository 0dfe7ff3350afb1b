//! Servers that say no, and servers that are not who they should be.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use dnsplan_enactor::conformance::World;
use dnsplan_enactor::{EnactError, Target, TargetError};
use dnsplan_fence::Register;
use dnsplan_name_servers::{Key, Software};
use dnsplan_plan::{OwnerName, TargetId};
use dnsplan_rfc2136::{Rfc2136Target, Settings, import};
use dnsplan_tsig::{Algorithm, TsigKey};
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::tsig::{TsigAlgorithm, TsigError, make_tsig_record};
use hickory_proto::rr::rdata::{SOA, TSIG};
use hickory_proto::rr::{Name, RData, Record, TSigResponseContext, TSigner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::common::{Place, ZONE};

fn id() -> TargetId {
    TargetId::new("rfc2136:trouble")
}

async fn error_of(settings: Settings) -> String {
    match Rfc2136Target::connect(id(), settings).await {
        Ok(_) => panic!("it connects"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn assert_says(error: &str, texts: &[&str]) {
    assert!(texts.iter().all(|text| error.contains(text)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_server_does_not_know_and_a_wrong_secret_are_named() {
    for software in Software::ALL {
        let place = Place::start(software);
        let settings = |name: &str, secret: &[u8]| {
            let key = TsigKey::new(name.parse().unwrap(), Algorithm::HmacSha256, secret).unwrap();
            place.settings().with_key(key)
        };
        let unknown = error_of(settings("somebody.", b"a secret")).await;
        let wrong = error_of(settings("dnsplan-test.", b"another secret")).await;
        if software == Software::PowerDns {
            // It says NOTAUTH, and no more.
            assert_says(&unknown, &["NOTAUTH", "the key somebody. with the same secret and algorithm"]);
            assert_says(&wrong, &["NOTAUTH", "the key dnsplan-test. with the same secret and algorithm"]);
        } else {
            assert_says(&unknown, &["BADKEY", "the key somebody.", "the same `key` clause"]);
            assert_says(&wrong, &["BADSIG", "the secret of the key dnsplan-test."]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_three_algorithms_are_taken() {
    for software in Software::ALL {
        for algorithm in ["hmac-sha256", "hmac-sha384", "hmac-sha512"] {
            let place = Place::start_with(software, Some(Key::sample(algorithm)), "");
            let world = World::around(place.target("rfc2136:algorithms").await);
            world.publish(1).await;
            world.pass("e1").await.unwrap_or_else(|error| panic!("{software} {algorithm}: {error}"));
            assert_eq!(place.number(), Some(1), "{software} {algorithm}");
        }
    }
}

/// Servers that know the key, and let it do nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_key_may_not_do_is_said_with_the_remedy() {
    for software in Software::ALL {
        // The zone is for whoever has no key; the key is one that another zone knows.
        let place = Place::start_with(software, None, "");
        let world = World::around(place.target("rfc2136:trouble").await);
        world.publish(1).await;
        world.pass("e1").await.unwrap();
        let locked = Place::start(software);
        let unsigned = Settings { key: None, ..locked.settings() };
        let target = Arc::new(Rfc2136Target::connect(id(), unsigned.clone()).await.unwrap());
        let world = World::around(target);
        world.publish(1).await;
        let Err(EnactError::Target(TargetError::Misconfigured(error))) = world.pass("e1").await else {
            panic!("{software}: it takes an update from anybody");
        };
        assert_says(&error, &["does not take this update to example.", "docs/rfc2136.md"]);
        let error = import::axfr(unsigned).await.unwrap_err().to_string();
        assert!(
            error.contains("does not hand out example.") || error.contains("broke off"),
            "{software}: {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_that_the_server_does_not_have_is_said() {
    for software in Software::ALL {
        let place = Place::start(software);
        let other = |zone: &str| Settings { zone: zone.parse().unwrap(), ..place.settings() };
        let error = error_of(other("example.org.")).await;
        assert!(
            error.contains("does not answer example.org.") || error.contains("without authority"),
            "{software}: {error}"
        );
        let error = error_of(other("sub.example.")).await;
        assert_says(&error, &["that is no zone of its own"]);
    }
    let nobody = dnsplan_name_servers::ports::free_address().unwrap();
    let error = error_of(Settings::new(nobody, ZONE.parse().unwrap())).await;
    assert_says(&error, &["not available", &nobody.to_string()]);
    let small = Settings { message_limit: 2000, ..Settings::new(nobody, ZONE.parse().unwrap()) };
    assert_says(&error_of(small).await, &["no room for changes"]);
}

type Answer = Arc<dyn Fn(&Message, &[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// A server that answers everything as it is told, and breaks the connection where it is told nothing.
async fn fake(answer: Answer) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                while let Ok(length) = stream.read_u16().await {
                    let mut bytes = vec![0; length.into()];
                    stream.read_exact(&mut bytes).await.unwrap();
                    let Some(reply) = answer(&Message::from_vec(&bytes).unwrap(), &bytes) else { return };
                    stream.write_u16(u16::try_from(reply.len()).unwrap()).await.unwrap();
                    stream.write_all(&reply).await.unwrap();
                }
            });
        }
    });
    address
}

fn zone_name() -> Name {
    Name::from_ascii(ZONE).unwrap()
}

/// An answer with authority that has the zone's SOA.
fn soa_answer(request: &Message) -> Message {
    let mut reply = Message::response(request.id, request.op_code);
    reply.metadata.message_type = MessageType::Response;
    reply.metadata.authoritative = true;
    reply.add_queries(request.queries.clone());
    let soa = SOA::new(zone_name(), zone_name(), 1, 2, 3, 4, 5);
    reply.add_answer(Record::from_rdata(zone_name(), 60, RData::SOA(soa)));
    reply
}

fn settings_at(server: SocketAddr) -> Settings {
    let name: OwnerName = "k.".parse().unwrap();
    let key = TsigKey::new(name, Algorithm::HmacSha256, *b"the secret").unwrap();
    Settings::new(server, ZONE.parse().unwrap()).with_key(key)
}

fn signer(secret: &[u8]) -> TSigner {
    let name = Name::from_ascii("k.").unwrap();
    TSigner::new(secret.to_vec(), TsigAlgorithm::HmacSha256, name, 300).unwrap()
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// Signs a reply as a server would that has this secret, at this time.
fn signed(
    request: &Message,
    mut reply: Message,
    secret: &[u8],
    at: u64,
    error: Option<TsigError>,
) -> Vec<u8> {
    let mac = request.signature().unwrap().data.mac.clone();
    let context = TSigResponseContext::new(request.id, at, signer(secret), mac, error);
    let record = context.sign(&reply.to_vec().unwrap()).unwrap();
    reply.set_signature(record);
    reply.to_vec().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_is_believed_only_if_it_is_signed_with_the_key_and_now() {
    let right =
        fake(Arc::new(|request, _| Some(signed(request, soa_answer(request), b"the secret", now(), None))));
    assert!(Rfc2136Target::connect(id(), settings_at(right.await)).await.is_ok());
    let wrong = fake(Arc::new(|request, _| {
        Some(signed(request, soa_answer(request), b"another secret", now(), None))
    }));
    assert_says(
        &error_of(settings_at(wrong.await)).await,
        &["signature of the reply is not that of the key k."],
    );
    let none = fake(Arc::new(|request, _| Some(soa_answer(request).to_vec().unwrap())));
    assert_says(&error_of(settings_at(none.await)).await, &["is not signed", "right server"]);
    let old = fake(Arc::new(|request, _| {
        Some(signed(request, soa_answer(request), b"the secret", now() - 1000, None))
    }));
    assert_says(&error_of(settings_at(old.await)).await, &["s from now", "NTP"]);
    let changed = fake(Arc::new(|request, _| {
        let mut bytes = signed(request, soa_answer(request), b"the secret", now(), None);
        // The TTL of the SOA, or something near: a byte that the MAC is over.
        bytes[30] ^= 1;
        Some(bytes)
    }));
    assert_says(&error_of(settings_at(changed.await)).await, &["somebody may be in between"]);
    let other = fake(Arc::new(|request, _| {
        let mut reply = soa_answer(request);
        let tsig =
            TSIG::new(TsigAlgorithm::HmacSha256, now(), 300, vec![0; 32], request.id, None, Vec::new());
        reply.set_signature(Box::new(make_tsig_record(Name::from_ascii("other.").unwrap(), tsig)));
        Some(reply.to_vec().unwrap())
    }));
    assert_says(&error_of(settings_at(other.await)).await, &["signed with other."]);
    let late = fake(Arc::new(|request, _| {
        let mut reply = soa_answer(request);
        reply.answers.clear();
        reply.metadata.response_code = ResponseCode::NotAuth;
        Some(signed(request, reply, b"the secret", now(), Some(TsigError::BadTime)))
    }));
    assert_says(&error_of(settings_at(late.await)).await, &["BADTIME", "NTP"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resolver_is_not_taken_for_the_server() {
    let resolver = fake(Arc::new(|request, _| {
        let mut reply = soa_answer(request);
        reply.metadata.authoritative = false;
        Some(reply.to_vec().unwrap())
    }));
    let settings = Settings { key: None, ..settings_at(resolver.await) };
    assert_says(&error_of(settings).await, &["without authority", "not a resolver"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servfail_is_told_with_what_it_can_be() {
    let broken = fake(Arc::new(|request, _| {
        let mut reply = soa_answer(request);
        reply.answers.clear();
        reply.metadata.response_code = ResponseCode::ServFail;
        Some(signed(request, reply, b"the secret", now(), None))
    }));
    assert_says(&error_of(settings_at(broken.await)).await, &["SERVFAIL", "see its log"]);
}

/// One transfer, in messages of which each has so many of these records.
fn transfer(request: &Message, sizes: &[usize], ends: bool) -> Vec<Message> {
    let soa = soa_answer(request).answers.remove(0);
    let total: usize = sizes.iter().sum();
    let mut records = vec![soa.clone()];
    for index in 1..total {
        let name = Name::from_ascii(format!("h{index}.example.")).unwrap();
        let [_, _, high, low] = u32::try_from(index).unwrap().to_be_bytes();
        records.push(Record::from_rdata(name, 60, RData::A(Ipv4Addr::new(10, 0, high, low).into())));
    }
    if ends {
        *records.last_mut().unwrap() = soa;
    }
    let mut records = records.into_iter();
    let message = |size: &usize| {
        let mut reply = soa_answer(request);
        reply.answers = records.by_ref().take(*size).collect();
        reply
    };
    sizes.iter().map(message).collect()
}

/// A server that hands out a zone in 120 messages and signs few of them, as RFC 8945 section 5.3.1 lets it.
async fn transfers(signs: fn(usize) -> bool, ends: bool, spoils: Option<usize>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let length = stream.read_u16().await.unwrap();
            let mut bytes = vec![0; length.into()];
            stream.read_exact(&mut bytes).await.unwrap();
            let request = Message::from_vec(&bytes).unwrap();
            let mut mac = request.signature().unwrap().data.mac.clone();
            let mut unsigned = Vec::new();
            for (index, mut reply) in transfer(&request, &[5; 120], ends).into_iter().enumerate() {
                let mut plain = reply.to_vec().unwrap();
                if signs(index) {
                    let stub = TSIG::new(
                        TsigAlgorithm::HmacSha256,
                        now(),
                        300,
                        Vec::new(),
                        request.id,
                        None,
                        Vec::new(),
                    );
                    let mut over = u16::try_from(mac.len()).unwrap().to_be_bytes().to_vec();
                    over.extend(&mac);
                    over.append(&mut unsigned);
                    over.extend(&plain);
                    if index == 0 {
                        let mut variables = Vec::new();
                        let mut encoder = hickory_proto::serialize::binary::BinEncoder::new(&mut variables);
                        stub.emit_tsig_for_mac(&mut encoder, &Name::from_ascii("k.").unwrap()).unwrap();
                        over.extend(variables);
                    } else {
                        over.extend(&stub.time.to_be_bytes()[2..]);
                        over.extend(stub.fudge.to_be_bytes());
                    }
                    mac = signer(b"the secret").sign(&over).unwrap();
                    let record = make_tsig_record(Name::from_ascii("k.").unwrap(), stub.set_mac(mac.clone()));
                    reply.set_signature(Box::new(record));
                    plain = reply.to_vec().unwrap();
                } else {
                    unsigned.extend(&plain);
                }
                if spoils == Some(index) {
                    let last = plain.len() - 1;
                    plain[last] ^= 1;
                }
                stream.write_u16(u16::try_from(plain.len()).unwrap()).await.unwrap();
                if stream.write_all(&plain).await.is_err() {
                    break;
                }
            }
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_in_many_messages_is_read_to_its_end_and_believed_only_as_far_as_it_is_signed() {
    let rarely = |index| index % 100 == 0 || index == 119;
    let import = import::axfr(settings_at(transfers(rarely, true, None).await)).await.unwrap();
    assert_eq!(import.rrsets.len(), 5 * 120 - 2);
    let always = |_| true;
    let import = import::axfr(settings_at(transfers(always, true, None).await)).await.unwrap();
    assert_eq!(import.rrsets.len(), 5 * 120 - 2);
    for (address, reason) in [
        (transfers(rarely, true, Some(50)).await, "somebody may be in between"),
        (transfers(always, true, Some(50)).await, "somebody may be in between"),
        (transfers(|index| index == 0, true, None).await, "not signed"),
        (transfers(|index| index % 100 == 0, true, None).await, "not signed"),
        (transfers(|index| index == 119, true, None).await, "not signed"),
        (transfers(always, false, None).await, "broke off"),
    ] {
        let error = import::axfr(settings_at(address)).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
    }
}

/// Whatever comes back in place of a reply to an update, it is not taken for one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_whose_reply_cannot_be_believed_is_settled_by_a_look() {
    let place = Place::start(Software::Knot);
    let world = World::around(place.target("rfc2136:trouble").await);
    world.publish(1).await;
    world.pass("e1").await.unwrap();
    let observed = world.target.load().await.unwrap();
    let zone = world.target.zone().clone();
    let head = dnsplan_plan::PlanStore::head_after(&*world.store, &zone, observed.witness()).await.unwrap();
    let me = dnsplan_fence::Actor::new("e1").unwrap();
    let freeze = dnsplan_fence::FreezeId::new(1);
    let sighting = observed.sight(head).unwrap();
    for forged in [None, Some(b"another secret")] {
        let liar = fake(Arc::new(move |request, _| {
            let is_update = request.op_code == hickory_proto::op::OpCode::Update;
            let reply =
                if is_update { Message::response(request.id, request.op_code) } else { soa_answer(request) };
            match forged {
                Some(secret) if is_update => Some(signed(request, reply, secret, now(), None)),
                None if is_update => Some(reply.to_vec().unwrap()),
                _ => Some(signed(request, reply, b"the secret", now(), None)),
            }
        }));
        let target = Rfc2136Target::connect(id(), settings_at(liar.await)).await.unwrap();
        let permit = sighting.freeze(freeze, dnsplan_enactor::Nonces::next(&*world.nonces), &me);
        let swap = target.swap(permit, dnsplan_enactor::Rider::Nothing).await;
        assert_eq!(swap, Ok(dnsplan_fence::Swap::Unknown));
    }
}
