//! Turning a request into a response: what is refused before any look-up, EDNS, and what fits.
//!
//! 1. One snapshot per request, and none before the request is known to be a question that a zone here can answer.
//! 2. A response holds whole sections or, where they do not fit, none of them and the TC bit. The records
//!    chosen for an answer are sent whole or not at all.
//! 3. An OPT record is sent exactly where the request had one (RFC 6891 section 6.1.1), and a TSIG record exactly where the
//!    request had one; there is always room kept for both.

use dnsplan_plan::RData;
use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Message, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::TSIG;
use hickory_proto::rr::{DNSClass, Record};
use hickory_proto::serialize::binary::BinEncoder;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;
use hickory_server::zone_handler::{MessageResponse, MessageResponseBuilder};

use crate::handler::Handler;
use crate::lookup::Answer;
use crate::transfer::{Seal, now};

/// The largest response over UDP: what passes every usual path in one piece (DNS flag day 2020).
const LARGEST_DATAGRAM: u16 = 1232;
/// The largest response over UDP to a request without EDNS, and the least that EDNS can ask for.
const SMALLEST_LIMIT: u16 = 512;

/// What is sent, before it is encoded.
pub(crate) struct Response {
    pub(crate) metadata: Metadata,
    edns: Option<Edns>,
    answer: Answer,
    signature: Option<Box<Record<TSIG>>>,
}

impl Response {
    /// The response to `request`, a question or not.
    pub(crate) fn to(request: &Request, handler: &Handler, seal: Option<Seal>) -> Self {
        let answer = match refusal(request) {
            Some(code) => Answer::bare(code),
            None => handler.answer(request),
        };
        Self::new(request, answer, seal)
    }

    /// The response that says `answer`.
    pub(crate) fn new(request: &Request, answer: Answer, seal: Option<Seal>) -> Self {
        let mut response = Self::draft(request, answer);
        response.fit(request, seal.as_ref().map_or(0, Seal::len));
        response.metadata.authoritative = response.answer.authoritative;
        response.metadata.response_code = response.answer.code;
        if let Some(mut seal) = seal {
            response.signature = Some(seal.seal(&response.encode(request), now()));
        }
        response
    }

    fn draft(request: &Request, answer: Answer) -> Self {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        // RFC 4035 section 3.1.6: an authoritative server clears it.
        metadata.checking_disabled = false;
        Self { metadata, edns: request.edns.as_ref().map(ours), answer, signature: None }
    }

    /// Whether a message holds the whole of `answer`.
    pub(crate) fn holds(request: &Request, answer: &Answer, seal: Option<&Seal>) -> bool {
        let response = Self::draft(request, answer.clone());
        let limit = response.limit(request, seal.map_or(0, Seal::len));
        response.fits(request, limit)
    }

    /// Our OPT record, where there is one.
    pub(crate) fn opt(request: &Request) -> Option<Edns> {
        request.edns.as_ref().map(ours)
    }

    /// The message, to be encoded.
    pub(crate) fn message<'a>(
        &'a self,
        request: &'a Request,
    ) -> MessageResponse<
        'a,
        'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
    > {
        let answer = &self.answer;
        let additionals = answer.glue.iter().chain(&answer.extras);
        let builder = MessageResponseBuilder::new(&request.queries, self.edns.as_ref());
        let mut message = builder.build(self.metadata, &answer.answers, &answer.authorities, [], additionals);
        if let Some(signature) = &self.signature {
            message.set_signature(signature.clone());
        }
        message
    }

    /// The message, encoded. What does not fit in the protocol's own limit was left out before; a request that is as long as
    /// a message can be may leave no room for more than a header.
    pub(crate) fn encode(&self, request: &Request) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(usize::from(SMALLEST_LIMIT));
        match self.message(request).destructive_emit(&mut BinEncoder::new(&mut bytes)) {
            Ok(_) => bytes,
            Err(_) => bare(&self.metadata, ResponseCode::ServFail),
        }
    }

    fn limit(&self, request: &Request, reserved: usize) -> u16 {
        let whole = match (&self.edns, request.protocol()) {
            (Some(edns), Protocol::Udp) => edns.max_payload(),
            (None, Protocol::Udp) => SMALLEST_LIMIT,
            _ => u16::MAX,
        };
        whole.saturating_sub(u16::try_from(reserved).unwrap_or(u16::MAX))
    }

    /// Leaves out what does not fit beside `reserved` bytes: first the extras, then everything.
    fn fit(&mut self, request: &Request, reserved: usize) {
        let is_udp = request.protocol() == Protocol::Udp;
        let limit = self.limit(request, reserved);
        if self.bound(request).is_some_and(|bound| bound <= usize::from(limit)) || self.fits(request, limit) {
            return;
        }
        self.answer.extras.clear();
        if self.fits(request, limit) {
            return;
        }
        // Over TCP there is nothing left to try: no message can hold the answer.
        self.answer = if is_udp {
            Answer { authoritative: self.answer.authoritative, ..Answer::bare(self.answer.code) }
        } else {
            Answer::bare(ResponseCode::ServFail)
        };
        self.metadata.truncation = is_udp;
    }

    /// No encoding is longer than this. `None` where records are of a type that is not worth a formula.
    fn bound(&self, request: &Request) -> Option<usize> {
        const HEADER: usize = 12;
        const OPT: usize = 11;
        let answer = &self.answer;
        let records = [&answer.answers, &answer.authorities, &answer.glue, &answer.extras];
        let mut bound = HEADER + request.queries.as_bytes().len() + OPT;
        for record in records.into_iter().flatten() {
            // Type, class, TTL and length take 10; a name takes one more than hickory counts, for the root.
            bound += record.name.len() + 1 + 10 + data_bound(&record.data)?;
        }
        Some(bound)
    }

    /// Whether it fits, found out by encoding it.
    fn fits(&self, request: &Request, limit: u16) -> bool {
        let mut bytes = Vec::with_capacity(usize::from(SMALLEST_LIMIT));
        let mut encoder = BinEncoder::new(&mut bytes);
        encoder.set_max_size(limit);
        let emitted: Result<_, ProtoError> = self.message(request).destructive_emit(&mut encoder);
        emitted.is_ok_and(|info| !info.truncation)
    }
}

/// A response that is nothing but a header.
pub(crate) fn bare(metadata: &Metadata, code: ResponseCode) -> Vec<u8> {
    let message = Message::error_msg(metadata.id, metadata.op_code, code);
    message.to_vec().expect("invariant: a header fits into a message")
}

fn data_bound(data: &RData) -> Option<usize> {
    const FIVE_NUMBERS: usize = 20;
    Some(match data {
        RData::A(_) => 4,
        RData::AAAA(_) => 16,
        RData::CNAME(name) => name.0.len() + 1,
        RData::NS(name) => name.0.len() + 1,
        RData::MX(mx) => 2 + mx.exchange.len() + 1,
        RData::SRV(srv) => 6 + srv.target.len() + 1,
        RData::TXT(txt) => txt.txt_data.iter().map(|text| text.len() + 1).sum(),
        RData::SOA(soa) => soa.mname.len() + 1 + soa.rname.len() + 1 + FIVE_NUMBERS,
        _ => return None,
    })
}

/// Our OPT record for a request that has one. Its size is also the limit that the response is encoded under.
fn ours(theirs: &Edns) -> Edns {
    let mut edns = Edns::new();
    edns.set_version(0)
        .set_max_payload(theirs.max_payload().clamp(SMALLEST_LIMIT, LARGEST_DATAGRAM))
        // RFC 3225 section 3: copied, whether or not there are signatures.
        .set_dnssec_ok(theirs.flags().dnssec_ok);
    edns
}

/// The response code for a request that is no question which a zone could answer.
fn refusal(request: &Request) -> Option<ResponseCode> {
    const SIGNATURE: u16 = 250;
    const IXFR: u16 = 251;
    const AXFR: u16 = 252;
    const MAILB: u16 = 253;
    const MAILA: u16 = 254;
    const ANY: u16 = 255;
    const OPT: u16 = 41;
    if request.version() > 0 {
        return Some(ResponseCode::BADVERS);
    }
    if request.metadata.op_code != OpCode::Query {
        return Some(ResponseCode::NotImp);
    }
    let [question] = request.queries.queries() else { return Some(ResponseCode::FormErr) };
    if question.query_class() != DNSClass::IN {
        return Some(ResponseCode::Refused);
    }
    // RFC 6895 section 3.1: 128 to 255 are meta types and QTYPEs.
    match u16::from(question.query_type()) {
        ANY => None,
        IXFR | AXFR => Some(ResponseCode::Refused),
        MAILA | MAILB => Some(ResponseCode::NotImp),
        0 | OPT | 128..=SIGNATURE => Some(ResponseCode::FormErr),
        _ => None,
    }
}
