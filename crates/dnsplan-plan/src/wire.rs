//! The canonical encoding, format version 1. Integers are big-endian; names and RDATA are DNS wire format, uncompressed and
//! lower case where RFC 4034 section 6.2 says so; texts and blobs carry their length.
//!
//! 1. One content has one encoding: what is equal is equal byte for byte.
//! 2. A reader refuses what it does not know, and names it.
//! 3. What could be said before is said in the same bytes for ever, as records at targets carry the digest. So what is new
//!    gets its own kind of RRset, and the version stays: a reader that does not know the kind refuses it (2).

use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::{
    BinDecodable, BinDecoder, BinEncodable, BinEncoder, NameEncoding, Restrict,
};

use crate::{Candidate, InvalidRRset, Member, Node, OwnerName, RRset, RRsetKey, Records, Ttl};

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end too early.
    #[error("the encoding ends before it is complete")]
    Truncated,
    /// There is more after the end.
    #[error("{0} bytes follow after the end")]
    Trailing(usize),
    /// They were written by another version.
    #[error("format version {0} is not known; this build reads version 1: use a newer dnsplan")]
    Version(u8),
    /// They do not begin as they should.
    #[error("these bytes are no {0}")]
    Magic(&'static str),
    /// A part is not valid.
    #[error("{0}")]
    Invalid(String),
}

const PLAIN: u8 = 0;
const WEIGHTED: u8 = 1;
/// Weighted, and at least one member has a health check. Without any it is [`WEIGHTED`], as before there were some.
const WEIGHTED_CHECKED: u8 = 2;
const MULTIVALUE: u8 = 3;

fn encode(name_encoding: NameEncoding, emit: impl FnOnce(&mut BinEncoder<'_>) -> bool) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(64);
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_canonical_form(true);
    encoder.set_name_encoding(name_encoding);
    emit(&mut encoder).then_some(())?;
    Some(bytes)
}

/// A record's data in canonical form: its bytes, and the data they stand for.
pub(crate) fn canonical(data: &RData) -> Result<(Vec<u8>, RData), InvalidRRset> {
    let unencodable = || InvalidRRset::Unencodable(data.to_string());
    let bytes =
        encode(NameEncoding::Uncompressed, |encoder| data.emit(encoder).is_ok()).ok_or_else(unencodable)?;
    let data =
        rdata(&bytes, data.record_type()).map_err(|error| InvalidRRset::Unencodable(error.to_string()))?;
    Ok((bytes, data))
}

fn rdata_bytes(data: &RData) -> Vec<u8> {
    encode(NameEncoding::Uncompressed, |encoder| data.emit(encoder).is_ok())
        .expect("invariant: data in an RRset was encoded when it was made")
}

/// How many bytes a record's data takes, uncompressed.
pub(crate) fn rdata_len(data: &RData) -> usize {
    rdata_bytes(data).len()
}

fn rdata(bytes: &[u8], record_type: RecordType) -> Result<RData, DecodeError> {
    let length = u16::try_from(bytes.len()).map_err(|_| DecodeError::Truncated)?;
    RData::read(&mut BinDecoder::new(bytes), record_type, Restrict::new(length))
        .map_err(|error| DecodeError::Invalid(format!("{record_type} record: {error}")))
}

/// An owner name in wire format.
pub(crate) fn name(owner: &OwnerName) -> Vec<u8> {
    let name = owner.as_lower();
    let mut wire = Vec::with_capacity(name.len() + 2);
    for label in name.iter() {
        wire.push(u8::try_from(label.len()).expect("invariant: a label has 63 bytes at most"));
        wire.extend(label);
    }
    wire.push(0);
    wire
}

/// The element of the set hash that stands for a node.
pub(crate) fn node_element(owner: &OwnerName, node: &Node) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u8(0);
    writer.name(owner);
    writer.node(node);
    writer.bytes
}

/// The element of the set hash that stands for a protection.
pub(crate) fn protection_element(key: &RRsetKey, at_least: u16) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u8(1);
    writer.key(key);
    writer.u16(at_least);
    writer.bytes
}

/// The element of the set hash that stands for a retirement.
pub(crate) fn retirement_element(key: &RRsetKey) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u8(2);
    writer.key(key);
    writer.bytes
}

/// Writes the encoding.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).expect("invariant: fewer than 2^32 entries fit in memory"));
    }

    fn blob(&mut self, bytes: &[u8]) {
        self.u16(
            u16::try_from(bytes.len()).expect("invariant: names, ids and RDATA are shorter than 64 KiB"),
        );
        self.raw(bytes);
    }

    pub(crate) fn name(&mut self, owner: &OwnerName) {
        self.blob(&name(owner));
    }

    pub(crate) fn key(&mut self, key: &RRsetKey) {
        self.name(&key.owner);
        self.u16(key.record_type.into());
    }

    pub(crate) fn node(&mut self, node: &Node) {
        self.count(node.rrsets().len());
        node.rrsets().for_each(|rrset| self.rrset(rrset));
    }

    fn rrset(&mut self, rrset: &RRset) {
        self.u16(rrset.record_type().into());
        self.u32(rrset.ttl().seconds());
        match rrset.records() {
            Records::Simple(records) => {
                self.u8(PLAIN);
                self.count(records.len());
                records.iter().for_each(|data| self.blob(&rdata_bytes(data)));
            }
            Records::Weighted(members) => self.members(members),
            Records::Multivalue(candidates) => {
                self.u8(MULTIVALUE);
                self.count(candidates.len());
                for candidate in candidates {
                    self.blob(candidate.id.as_bytes());
                    self.health_check(candidate.health_check.as_deref());
                    self.blob(&rdata_bytes(&candidate.data));
                }
            }
        }
    }

    fn members(&mut self, members: &[Member]) {
        let is_checked = members.iter().any(|member| member.health_check.is_some());
        self.u8(if is_checked { WEIGHTED_CHECKED } else { WEIGHTED });
        self.count(members.len());
        for member in members {
            self.blob(member.id.as_bytes());
            self.u8(member.weight);
            if is_checked {
                self.health_check(member.health_check.as_deref());
            }
            self.blob(&rdata_bytes(&member.data));
        }
    }

    /// An id is never empty, so that an empty text stands for none.
    fn health_check(&mut self, id: Option<&str>) {
        self.blob(id.unwrap_or_default().as_bytes());
    }
}

/// Reads the encoding.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.rest.len())) }
    }

    pub(crate) fn raw(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.raw(N)?.try_into().map_err(|_| DecodeError::Truncated)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn blob(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.u16()?;
        self.raw(length.into())
    }

    pub(crate) fn name(&mut self) -> Result<OwnerName, DecodeError> {
        let bytes = self.blob()?;
        let name = Name::from_bytes(bytes).map_err(|error| DecodeError::Invalid(format!("name: {error}")))?;
        Ok(OwnerName::new(&name))
    }

    pub(crate) fn key(&mut self) -> Result<RRsetKey, DecodeError> {
        Ok(RRsetKey { owner: self.name()?, record_type: RecordType::from(self.u16()?) })
    }

    pub(crate) fn node(&mut self) -> Result<Node, DecodeError> {
        let count = self.u32()?;
        (0..count).map(|_| self.rrset()).collect()
    }

    fn rrset(&mut self) -> Result<RRset, DecodeError> {
        let invalid = |error: InvalidRRset| DecodeError::Invalid(error.to_string());
        let record_type = RecordType::from(self.u16()?);
        let ttl =
            Ttl::new(self.u32()?).ok_or_else(|| DecodeError::Invalid("a TTL above 2^31 - 1".to_owned()))?;
        let kind = self.u8()?;
        let count = self.u32()?;
        match kind {
            PLAIN => {
                let records: Result<Vec<_>, _> =
                    (0..count).map(|_| rdata(self.blob()?, record_type)).collect();
                RRset::simple(ttl, records?).map_err(invalid)
            }
            WEIGHTED => {
                let members: Result<Vec<_>, _> =
                    (0..count).map(|_| self.member(record_type, false)).collect();
                RRset::weighted(ttl, members?).map_err(invalid)
            }
            WEIGHTED_CHECKED => {
                let members: Result<Vec<_>, _> = (0..count).map(|_| self.member(record_type, true)).collect();
                let members = members?;
                if members.iter().all(|member| member.health_check.is_none()) {
                    let message = "a checked weighted RRset without a health check".to_owned();
                    return Err(DecodeError::Invalid(message));
                }
                RRset::weighted(ttl, members).map_err(invalid)
            }
            MULTIVALUE => {
                let candidates: Result<Vec<_>, _> = (0..count).map(|_| self.candidate(record_type)).collect();
                RRset::multivalue(ttl, candidates?).map_err(invalid)
            }
            other => {
                Err(DecodeError::Invalid(format!("an RRset of unknown kind {other}: use a newer dnsplan")))
            }
        }
    }

    fn member(&mut self, record_type: RecordType, is_checked: bool) -> Result<Member, DecodeError> {
        Ok(Member {
            id: self.text()?.into(),
            weight: self.u8()?,
            health_check: if is_checked { self.health_check()? } else { None },
            data: rdata(self.blob()?, record_type)?,
        })
    }

    fn candidate(&mut self, record_type: RecordType) -> Result<Candidate, DecodeError> {
        Ok(Candidate {
            id: self.text()?.into(),
            health_check: self.health_check()?,
            data: rdata(self.blob()?, record_type)?,
        })
    }

    fn health_check(&mut self) -> Result<Option<Box<str>>, DecodeError> {
        Ok(Some(self.text()?).filter(|id| !id.is_empty()).map(Into::into))
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.blob()?).map_err(|_| {
            DecodeError::Invalid("an id of a member or health check that is not UTF-8".to_owned())
        })
    }
}
