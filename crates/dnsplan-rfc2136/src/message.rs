//! Messages, byte for byte: what is sent is counted before it is made, and what is received is read record by record.
//!
//! 1. hickory-proto encodes a `Message` into at most 64 KiB and drops the records that do not fit without an error: of an update
//!    half would be sent. Here a message is put together from records whose length is known, without compression of names, and so
//!    in one way only: the cut of a plan into messages does not depend on how an encoder finds repetitions.
//! 2. hickory-proto refuses a message for one record that it cannot read. A zone may have records of other people that nobody here
//!    needs to understand: each is read by itself, with hickory-proto's decoder for names and data.

use dnsplan_plan::{OwnerName, RData, RecordType};
use hickory_proto::op::{Header, HeaderCounts, MessageType, Metadata, OpCode, Query};
use hickory_proto::rr::rdata::TSIG;
use hickory_proto::rr::{DNSClass, Name};
use hickory_proto::serialize::binary::{
    BinDecodable, BinDecoder, BinEncodable, BinEncoder, DecodeError, NameEncoding, Restrict,
};

/// The header of a message. Source: RFC 1035 section 4.1.1.
pub(crate) const HEADER: usize = 12;

/// Type, class, TTL and the length of the data. Source: RFC 1035 section 4.1.3.
const FIXED: usize = 10;

/// A record as it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Rr {
    owner: OwnerName,
    record_type: RecordType,
    class: DNSClass,
    ttl: u32,
    data: Vec<u8>,
}

impl Rr {
    /// Update: the record is added (RFC 2136 section 2.5.1).
    pub(crate) const fn add(owner: OwnerName, record_type: RecordType, ttl: u32, data: Vec<u8>) -> Self {
        Self { owner, record_type, class: DNSClass::IN, ttl, data }
    }

    /// Update: the RRset is deleted, if it is there (2.5.2).
    pub(crate) const fn delete(owner: OwnerName, record_type: RecordType) -> Self {
        Self { owner, record_type, class: DNSClass::ANY, ttl: 0, data: Vec::new() }
    }

    /// Prerequisite: all records of this owner and type in the section together are the RRset (2.4.2).
    pub(crate) const fn must_equal(owner: OwnerName, record_type: RecordType, data: Vec<u8>) -> Self {
        Self { owner, record_type, class: DNSClass::IN, ttl: 0, data }
    }

    /// Prerequisite: the RRset is there (2.4.1).
    pub(crate) const fn must_be(owner: OwnerName, record_type: RecordType) -> Self {
        Self { owner, record_type, class: DNSClass::ANY, ttl: 0, data: Vec::new() }
    }

    /// Prerequisite: the RRset is not there (2.4.3).
    pub(crate) const fn must_not_be(owner: OwnerName, record_type: RecordType) -> Self {
        Self { owner, record_type, class: DNSClass::NONE, ttl: 0, data: Vec::new() }
    }

    /// Prerequisite: nothing is at the name (2.4.5).
    pub(crate) const fn name_is_free(owner: OwnerName) -> Self {
        Self { owner, record_type: RecordType::ANY, class: DNSClass::NONE, ttl: 0, data: Vec::new() }
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.owner.to_wire());
        bytes.extend(u16::from(self.record_type).to_be_bytes());
        bytes.extend(u16::from(self.class).to_be_bytes());
        bytes.extend(self.ttl.to_be_bytes());
        let length = u16::try_from(self.data.len()).expect("invariant: data of an RRset has 64 KiB at most");
        bytes.extend(length.to_be_bytes());
        bytes.extend(&self.data);
    }
}

/// How many bytes a record takes, of an owner name of `name` bytes and with `data` bytes.
pub(crate) const fn record_len(name: usize, data: usize) -> usize {
    name + FIXED + data
}

/// How many bytes an owner name takes.
pub(crate) fn name_len(owner: &OwnerName) -> usize {
    if owner.is_root() { 1 } else { owner.as_lower().len() + 1 }
}

/// A record's data as it is sent: names neither compressed nor changed.
///
/// # Errors
/// Why it cannot be encoded.
pub(crate) fn data_bytes(data: &RData) -> Result<Vec<u8>, String> {
    // Most of what there is; and the encoder takes half a kibibyte for each.
    match data {
        RData::A(address) => return Ok(address.octets().to_vec()),
        RData::AAAA(address) => return Ok(address.octets().to_vec()),
        _ => {}
    }
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder).map_err(|error| error.to_string())?;
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// An update: what must be so, and what is to be done then.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Update {
    pub(crate) prerequisites: Vec<Rr>,
    pub(crate) changes: Vec<Rr>,
}

impl Update {
    /// How long the message is, without a signature.
    pub(crate) fn len(&self, zone: &OwnerName) -> usize {
        let question = zone.to_wire().len() + 4;
        let length = |record: &Rr| record_len(name_len(&record.owner), record.data.len());
        HEADER + question + self.prerequisites.iter().chain(&self.changes).map(length).sum::<usize>()
    }

    /// The message, without a signature. It may be longer than a message can be.
    pub(crate) fn encode(&self, id: u16, zone: &OwnerName) -> Vec<u8> {
        let count = |records: &[Rr]| u16::try_from(records.len()).unwrap_or(u16::MAX);
        let counts = HeaderCounts {
            queries: 1,
            answers: count(&self.prerequisites),
            authorities: count(&self.changes),
            additionals: 0,
        };
        let mut bytes = header(id, OpCode::Update, counts);
        bytes.reserve(self.len(zone));
        put_question(&mut bytes, zone, RecordType::SOA);
        self.prerequisites.iter().chain(&self.changes).for_each(|record| record.put(&mut bytes));
        bytes
    }
}

/// A question, without a signature. Nobody is asked to resolve anything.
pub(crate) fn question(id: u16, name: &OwnerName, record_type: RecordType) -> Vec<u8> {
    let counts = HeaderCounts { queries: 1, answers: 0, authorities: 0, additionals: 0 };
    let mut bytes = header(id, OpCode::Query, counts);
    put_question(&mut bytes, name, record_type);
    bytes
}

fn header(id: u16, op_code: OpCode, counts: HeaderCounts) -> Vec<u8> {
    let metadata = Metadata::new(id, MessageType::Query, op_code);
    let header = Header { metadata, counts };
    header.to_bytes().expect("invariant: a header has twelve bytes")
}

fn put_question(bytes: &mut Vec<u8>, name: &OwnerName, record_type: RecordType) {
    bytes.extend(name.to_wire());
    bytes.extend(u16::from(record_type).to_be_bytes());
    bytes.extend(u16::from(DNSClass::IN).to_be_bytes());
}

/// A record as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) owner: OwnerName,
    pub(crate) record_type: RecordType,
    pub(crate) ttl: u32,
    /// The data, or its bytes where nobody here can read it.
    pub(crate) data: Result<RData, Vec<u8>>,
}

/// The signature of a message.
#[derive(Debug)]
pub(crate) struct Signature {
    /// Where its record begins.
    pub(crate) at: usize,
    /// The key's name.
    pub(crate) key: Name,
    pub(crate) tsig: TSIG,
}

/// A reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) header: Header,
    pub(crate) answers: Vec<Received>,
    pub(crate) signature: Option<Signature>,
}

impl Reply {
    /// A reply from its bytes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        read(bytes).map_err(|error| error.to_string())
    }

    /// Whether it answers a message of this id and kind.
    pub(crate) fn answers_to(&self, id: u16, op_code: OpCode) -> bool {
        let metadata = &self.header.metadata;
        metadata.id == id && metadata.message_type == MessageType::Response && metadata.op_code == op_code
    }

    /// The records of a name and type.
    pub(crate) fn at(&self, owner: &OwnerName, record_type: RecordType) -> impl Iterator<Item = &Received> {
        self.answers.iter().filter(move |record| record.owner == *owner && record.record_type == record_type)
    }
}

fn read(bytes: &[u8]) -> Result<Reply, DecodeError> {
    let mut decoder = BinDecoder::new(bytes);
    let header = Header::read(&mut decoder)?;
    for _ in 0..header.counts.queries {
        Query::read(&mut decoder)?;
    }
    let mut answers = Vec::new();
    for _ in 0..header.counts.answers {
        answers.push(record(&mut decoder)?.1);
    }
    for _ in 0..header.counts.authorities {
        record(&mut decoder)?;
    }
    let mut signature = None;
    for _ in 0..header.counts.additionals {
        let at = decoder.index();
        let (key, received) = record(&mut decoder)?;
        // RFC 8945 section 5.1: the last record, or none.
        signature = match received.data {
            Ok(RData::TSIG(tsig)) => Some(Signature { at, key, tsig }),
            _ => None,
        };
    }
    Ok(Reply { header, answers, signature })
}

fn record(decoder: &mut BinDecoder<'_>) -> Result<(Name, Received), DecodeError> {
    let name = Name::read(decoder)?;
    let record_type = RecordType::from(decoder.read_u16()?.unverified(/* any type */));
    decoder.read_u16()?.unverified(/* the class is that of the question, or a signature's */);
    let ttl = decoder.read_u32()?.unverified(/* any TTL */);
    let length = decoder.read_u16()?.unverified(/* checked by reading so much */);
    let start = u16::try_from(decoder.index()).map_err(|_| DecodeError::InsufficientBytes)?;
    let mut inner = decoder.clone(start);
    let raw = decoder.read_slice(length.into())?.unverified(/* read by the type's own decoder */);
    let read = RData::read(&mut inner, record_type, Restrict::new(length));
    let data = read.map_err(|_| raw.to_vec());
    Ok((name.clone(), Received { owner: OwnerName::new(&name), record_type, ttl, data }))
}

#[cfg(test)]
mod tests;
