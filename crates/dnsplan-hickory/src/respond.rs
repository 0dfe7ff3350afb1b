//! Turning a request into a response: what is refused before any look-up, EDNS, and what fits.
//!
//! 1. One snapshot per request, and none before the request is known to be a question that a zone here can answer.
//! 2. A response holds whole sections or, where they do not fit, none of them and the TC bit. The records
//!    chosen for an answer are sent whole or not at all.
//! 3. An OPT record is sent exactly where the request had one (RFC 6891 section 6.1.1).

use dnsplan_plan::{RData, RecordType};
use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::{DNSClass, Record};
use hickory_proto::serialize::binary::BinEncoder;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;
use hickory_server::zone_handler::MessageResponseBuilder;

use crate::handler::Handler;
use crate::lookup::Answer;

/// The largest response over UDP: what passes every usual path in one piece (DNS flag day 2020).
const LARGEST_DATAGRAM: u16 = 1232;
/// The largest response over UDP to a request without EDNS, and the least that EDNS can ask for.
const SMALLEST_LIMIT: u16 = 512;

/// What is sent, before it is encoded.
pub(crate) struct Response {
    pub(crate) metadata: Metadata,
    pub(crate) edns: Option<Edns>,
    pub(crate) answer: Answer,
}

impl Response {
    /// The response to `request`.
    pub(crate) fn to(request: &Request, handler: &Handler) -> Self {
        let answer = match refusal(request) {
            Some(code) => Answer::bare(code),
            None => handler.answer(request),
        };
        let mut response = Self {
            metadata: Metadata::response_from_request(&request.metadata),
            edns: request.edns.as_ref().map(ours),
            answer,
        };
        response.fit(request);
        response.metadata.authoritative = response.answer.authoritative;
        response.metadata.response_code = response.answer.code;
        // RFC 4035 section 3.1.6: an authoritative server clears it.
        response.metadata.checking_disabled = false;
        response
    }

    /// The additional section, but for the OPT record.
    pub(crate) fn additionals(&self) -> impl Iterator<Item = &Record> + Send {
        self.answer.glue.iter().chain(&self.answer.extras)
    }

    /// Leaves out what does not fit: first the extras, then everything.
    fn fit(&mut self, request: &Request) {
        let is_udp = request.protocol() == Protocol::Udp;
        let limit = match (&self.edns, is_udp) {
            (_, false) => u16::MAX,
            (Some(edns), true) => edns.max_payload(),
            (None, true) => SMALLEST_LIMIT,
        };
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
        let answer = &self.answer;
        let message = MessageResponseBuilder::new(&request.queries, self.edns.as_ref()).build(
            self.metadata,
            &answer.answers,
            &answer.authorities,
            [],
            self.additionals(),
        );
        let emitted: Result<_, ProtoError> = message.destructive_emit(&mut encoder);
        emitted.is_ok_and(|info| !info.truncation)
    }
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
    const TSIG: u16 = 250;
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
    // RFC 8945 section 5.2: no key is known here.
    if request.additionals.iter().any(|record| record.record_type() == RecordType::TSIG) {
        return Some(ResponseCode::NotAuth);
    }
    if question.query_class() != DNSClass::IN {
        return Some(ResponseCode::Refused);
    }
    // RFC 6895 section 3.1: 128 to 255 are meta types and QTYPEs.
    match u16::from(question.query_type()) {
        ANY => None,
        IXFR | AXFR => Some(ResponseCode::Refused),
        MAILA | MAILB => Some(ResponseCode::NotImp),
        0 | OPT | 128..=TSIG => Some(ResponseCode::FormErr),
        _ => None,
    }
}
