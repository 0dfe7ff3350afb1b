//! Against hickory's own signer and verifier, and with replies that are not as they should be.

use dnsplan_plan::OwnerName;
use dnsplan_tsig::{Algorithm, TsigKey};
use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::rdata::tsig::{TsigAlgorithm, TsigError};
use hickory_proto::rr::{Name, TSigResponseContext, TSigner};

use super::{Distrust, ROOM, Signer};
use crate::message::{Reply, question};

const NOW: u64 = 1_700_000_000;

fn key(algorithm: Algorithm) -> TsigKey {
    TsigKey::new("k.".parse().unwrap(), algorithm, *b"the secret").unwrap()
}

fn theirs(algorithm: TsigAlgorithm, secret: &[u8]) -> TSigner {
    TSigner::new(secret.to_vec(), algorithm, Name::from_ascii("k.").unwrap(), 300).unwrap()
}

fn ask() -> Vec<u8> {
    question(77, &"example.".parse::<OwnerName>().unwrap(), dnsplan_plan::RecordType::SOA)
}

#[test]
fn what_is_signed_here_is_believed_by_hickory() {
    for (algorithm, same) in [
        (Algorithm::HmacSha256, TsigAlgorithm::HmacSha256),
        (Algorithm::HmacSha384, TsigAlgorithm::HmacSha384),
        (Algorithm::HmacSha512, TsigAlgorithm::HmacSha512),
    ] {
        let signer = Signer::new(&key(algorithm));
        let mut message = ask();
        let length = message.len();
        assert!(signer.sign(&mut message, NOW).is_ok());
        assert!(message.len() - length <= ROOM);
        let (_, _, times) = theirs(same.clone(), b"the secret")
            .verify_message_byte(&message, None, true)
            .expect("it is signed");
        assert!(times.contains(&NOW));
        assert!(theirs(same, b"another").verify_message_byte(&message, None, true).is_err());
    }
}

/// The longest name, the longest MAC: that is what is kept free in a message.
#[test]
fn the_room_for_a_signature_is_enough() {
    let long = format!("{}.{}.{}.{}.", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61));
    let key = TsigKey::new(long.parse().unwrap(), Algorithm::HmacSha512, *b"s").unwrap();
    let mut message = ask();
    let length = message.len();
    assert!(Signer::new(&key).sign(&mut message, NOW).is_ok());
    assert!((ROOM - 10..=ROOM).contains(&(message.len() - length)), "{}", message.len() - length);
}

/// The reply to a signed question, and the verdict on it so much later.
fn verdict(
    secret: &[u8],
    error: Option<TsigError>,
    later: u64,
    spoil: impl Fn(&mut Vec<u8>),
) -> Result<bool, Distrust> {
    let signer = Signer::new(&key(Algorithm::HmacSha256));
    let mut message = ask();
    let mut verifier = signer.sign(&mut message, NOW).expect("it is signed");
    let request = Message::from_vec(&message).unwrap();
    let mut reply = Message::response(request.id, request.op_code);
    reply.metadata.message_type = MessageType::Response;
    let mac = request.signature().unwrap().data.mac.clone();
    let signer = theirs(TsigAlgorithm::HmacSha256, secret);
    let context = match error {
        Some(TsigError::BadSig) => TSigResponseContext::bad_signature(request.id, NOW, signer),
        Some(TsigError::BadKey) => {
            TSigResponseContext::unknown_key(request.id, NOW, Name::from_ascii("k.").unwrap())
        }
        error => TSigResponseContext::new(request.id, NOW, signer, mac, error),
    };
    let record = context.sign(&reply.to_vec().unwrap()).unwrap();
    reply.set_signature(record);
    let mut bytes = reply.to_vec().unwrap();
    spoil(&mut bytes);
    let read = Reply::read(&bytes).expect("a message");
    verifier.check(&bytes, read.signature.as_ref(), NOW + later)
}

#[test]
fn a_reply_is_believed_only_if_key_mac_and_time_are_right() {
    let fine = |_: &mut Vec<u8>| {};
    assert_eq!(verdict(b"the secret", None, 0, fine), Ok(true));
    assert_eq!(verdict(b"the secret", None, 300, fine), Ok(true));
    assert_eq!(verdict(b"the secret", None, 301, fine), Err(Distrust::WrongTime(301)));
    assert_eq!(verdict(b"another", None, 0, fine), Err(Distrust::WrongMac));
    // One bit of the flags.
    assert_eq!(verdict(b"the secret", None, 0, |bytes| bytes[3] ^= 1), Err(Distrust::WrongMac));
    for error in [TsigError::BadKey, TsigError::BadSig, TsigError::BadTime] {
        assert_eq!(verdict(b"the secret", Some(error), 0, fine), Err(Distrust::Said(error)));
    }
    // Only whoever has the key can say BADTIME.
    assert_eq!(verdict(b"another", Some(TsigError::BadTime), 0, fine), Err(Distrust::WrongMac));
}

#[test]
fn a_first_reply_without_a_signature_is_not_believed() {
    let signer = Signer::new(&key(Algorithm::HmacSha256));
    let mut verifier = signer.sign(&mut ask(), NOW).expect("it is signed");
    let reply = Message::response(77, hickory_proto::op::OpCode::Query).to_vec().unwrap();
    assert_eq!(verifier.check(&reply, None, NOW), Err(Distrust::Unsigned));
}
