//! TSIG on requests and responses (RFC 8945).
//!
//! 1. What fails is answered as sections 5.2 and 5.3.2 say, and checked in that order: an unknown key and a wrong MAC unsigned,
//!    a wrong time and a MAC that was cut short, but is right as far as it goes, signed. A wrong time comes with ours.
//! 2. The messages of one response are a chain: each MAC covers the one before (section 5.3.1).
//! 3. Nothing that depends on the key is computed for a MAC of a length that no client may send (section 5.2.2.1), and MACs are
//!    compared in a time that says nothing about them.
//! 4. A MAC that was cut short proves nothing here: our policy is that it is whole (section 5.2.4).

use std::time::{SystemTime, UNIX_EPOCH};

use dnsplan_tsig::TsigKey;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::TSIG;
use hickory_proto::rr::rdata::tsig::{TsigAlgorithm, TsigError, make_tsig_record, signed_bitmessage_to_buf};
use hickory_proto::rr::{Record, TSigner};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};
use hickory_server::server::Request;

/// What the signature of a request says.
pub(crate) enum Verdict {
    /// There is none.
    Unsigned,
    /// It is right; the response is signed with this.
    Signed(Chain),
    /// It is wrong: the response has this code and this seal.
    Wrong(ResponseCode, Option<Seal>),
}

/// What goes at the end of a response.
pub(crate) enum Seal {
    /// A signature.
    Chain(Chain),
    /// A TSIG record that only says what is wrong.
    Unsigned(Box<Record<TSIG>>),
}

/// Signs the messages of one response, in their order.
pub(crate) struct Chain {
    signer: TSigner,
    id: u16,
    /// The MAC of the message before; at first the request's.
    prior: Vec<u8>,
    is_first: bool,
    /// What is wrong with the request.
    fault: Option<Fault>,
}

/// What is wrong with a request whose MAC is right.
#[derive(Clone, Copy)]
enum Fault {
    /// The request's own time and how far off it may be: both go back.
    Time { time: u64, fudge: u16 },
    /// The MAC was cut short.
    Truncated,
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// Judges the signature of `request`. The time is asked for only where it matters.
pub(crate) fn verify(request: &Request, keys: &[TsigKey], now: impl FnOnce() -> u64) -> Verdict {
    let Some(record) = &request.signature else { return Verdict::Unsigned };
    let (tsig, id) = (&record.data, request.metadata.id);
    let wrong = |error| Verdict::Wrong(ResponseCode::NotAuth, Some(Seal::unsigned(record, id, error)));
    let known = keys.iter().map(TsigKey::signer);
    let mut known =
        known.filter(|key| *key.signer_name() == record.name && *key.algorithm() == tsig.algorithm);
    let Some(signer) = known.next() else { return wrong(TsigError::BadKey) };
    let full = mac_length(signer.algorithm());
    if tsig.mac.len() > full || tsig.mac.len() < (full / 2).max(10) {
        return Verdict::Wrong(ResponseCode::FormErr, None);
    }
    let Ok((signed, _)) = signed_bitmessage_to_buf(request.as_slice(), None, true) else {
        return Verdict::Wrong(ResponseCode::FormErr, None);
    };
    if !begins_mac(signer, &signed, &tsig.mac) {
        return wrong(TsigError::BadSig);
    }
    let fault = if now().abs_diff(tsig.time) > u64::from(tsig.fudge) {
        Some(Fault::Time { time: tsig.time, fudge: tsig.fudge })
    } else {
        (tsig.mac.len() < full).then_some(Fault::Truncated)
    };
    // The request's MAC is covered as it came, cut short or not (section 5.2.2.1).
    let chain = Chain { signer: signer.clone(), id, prior: tsig.mac.clone(), is_first: true, fault };
    match fault {
        Some(_) => Verdict::Wrong(ResponseCode::NotAuth, Some(Seal::Chain(chain))),
        None => Verdict::Signed(chain),
    }
}

/// Whether `mac` is the MAC of `signed`, or its beginning. MACs of the two are compared, so that the time that it takes tells
/// nothing about the bytes.
fn begins_mac(signer: &TSigner, signed: &[u8], mac: &[u8]) -> bool {
    if mac.len() == mac_length(signer.algorithm()) {
        return signer.verify(signed, mac).is_ok();
    }
    let of = |bytes: &[u8]| signer.sign(bytes).ok();
    let right = of(signed).and_then(|right| right.get(..mac.len()).map(<[u8]>::to_vec));
    let (Some(right), Some(found)) = (right, of(mac)) else { return false };
    signer.verify(&right, &found).is_ok()
}

/// How long a MAC is, in bytes.
fn mac_length(algorithm: &TsigAlgorithm) -> usize {
    match algorithm {
        TsigAlgorithm::HmacSha512 => 64,
        TsigAlgorithm::HmacSha384 => 48,
        _ => 32,
    }
}

impl Seal {
    fn unsigned(request: &Record<TSIG>, id: u16, error: TsigError) -> Self {
        let TSIG { algorithm, time, fudge, .. } = &request.data;
        let tsig = TSIG::new(algorithm.clone(), *time, *fudge, Vec::new(), id, Some(error), Vec::new());
        Self::Unsigned(Box::new(make_tsig_record(request.name.clone(), tsig)))
    }

    /// How many bytes it adds to a message.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Chain(chain) => chain.len(),
            Self::Unsigned(record) => encoded(record).len(),
        }
    }

    /// The TSIG record for a message that has none yet.
    pub(crate) fn seal(&mut self, message: &[u8], now: u64) -> Box<Record<TSIG>> {
        match self {
            Self::Chain(chain) => chain.sign(message, now),
            Self::Unsigned(record) => record.clone(),
        }
    }
}

impl Chain {
    /// How many bytes a signature adds to a message.
    pub(crate) fn len(&self) -> usize {
        let tsig = self.tsig(0).set_mac(vec![0; mac_length(self.signer.algorithm())]);
        encoded(&make_tsig_record(self.signer.signer_name().clone(), tsig)).len()
    }

    /// The signature of the next message, which is encoded complete but for it.
    pub(crate) fn sign(&mut self, message: &[u8], now: u64) -> Box<Record<TSIG>> {
        let tsig = self.tsig(now);
        let signed = if self.is_first {
            let signed = self.signer.encode_response_tbs(&self.prior, message, &tsig);
            signed.expect("invariant: a message and a MAC fit in memory")
        } else {
            self.later(message, &tsig)
        };
        let mac = self.signer.sign(&signed).expect("invariant: the key's algorithm is one that is known");
        self.is_first = false;
        self.prior.clone_from(&mac);
        Box::new(make_tsig_record(self.signer.signer_name().clone(), tsig.set_mac(mac)))
    }

    /// Puts its signature at the end of the next message.
    pub(crate) fn seal(&mut self, message: &mut Vec<u8>, now: u64) {
        let record = self.sign(message, now);
        message.extend_from_slice(&encoded(&record));
        let additionals = message.get_mut(10..12).expect("invariant: a message has a header");
        let count = u16::from_be_bytes([additionals[0], additionals[1]]) + 1;
        additionals.copy_from_slice(&count.to_be_bytes());
    }

    /// The TSIG data without its MAC.
    fn tsig(&self, now: u64) -> TSIG {
        let ours = self.signer.fudge();
        let (time, fudge, error, other) = match self.fault {
            // RFC 8945 section 5.2.3: the request's time and fudge, and our time in 48 bits.
            Some(Fault::Time { time, fudge }) => {
                (time, fudge, Some(TsigError::BadTime), now.to_be_bytes()[2..].to_vec())
            }
            Some(Fault::Truncated) => (now, ours, Some(TsigError::BadTrunc), Vec::new()),
            None => (now, ours, None, Vec::new()),
        };
        TSIG::new(self.signer.algorithm().clone(), time, fudge, Vec::new(), self.id, error, other)
    }

    /// What the MAC of a later message covers (RFC 8945 section 5.3.1): the MAC before, the message, and the timers.
    fn later(&self, message: &[u8], tsig: &TSIG) -> Vec<u8> {
        let length = u16::try_from(self.prior.len()).expect("invariant: a MAC has 64 bytes at most");
        let mut signed = Vec::with_capacity(message.len() + self.prior.len() + 16);
        signed.extend_from_slice(&length.to_be_bytes());
        signed.extend_from_slice(&self.prior);
        signed.extend_from_slice(message);
        signed.extend_from_slice(&tsig.time.to_be_bytes()[2..]);
        signed.extend_from_slice(&tsig.fudge.to_be_bytes());
        signed
    }
}

fn encoded(record: &Record<TSIG>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    record
        .emit(&mut BinEncoder::new(&mut bytes))
        .expect("invariant: a TSIG record is shorter than a message");
    bytes
}
