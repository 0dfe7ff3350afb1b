//! RRsets: all records of one owner name and type, plain or weighted.
//!
//! 1. An RRset is never empty and holds records of one type only.
//! 2. Its records are in canonical form and order (RFC 4034 sections 6.2 and 6.3) and without duplicates, so that equal
//!    RRsets are equal byte for byte.
//! 3. One TTL for the whole RRset (RFC 2181 section 5.2), weighted or not.

use std::fmt;

use hickory_proto::rr::{RData, RecordType};

use crate::wire;

/// Seconds that an answer may be cached: 0 to 2^31 - 1 (RFC 2181 section 8).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(u32);

impl Ttl {
    /// The largest TTL.
    pub const MAX: Self = Self(i32::MAX as u32);

    /// A TTL of that many seconds, or `None` above 2^31 - 1.
    #[must_use]
    pub const fn new(seconds: u32) -> Option<Self> {
        if seconds <= Self::MAX.0 { Some(Self(seconds)) } else { None }
    }

    /// Its seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

/// One record of a weighted RRset. A query is answered with one member, chosen in proportion to the weights.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its name within the RRset: what Route 53 calls the set identifier.
    pub id: Box<str>,
    /// 0 to 255; members of weight 0 answer only where all are 0, and then evenly.
    pub weight: u8,
    /// The record.
    pub data: RData,
}

/// The records of an RRset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Records {
    /// All of them answer every query.
    Simple(Box<[RData]>),
    /// One of them answers a query.
    Weighted(Box<[Member]>),
}

/// All records of one owner name and type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RRset {
    ttl: Ttl,
    records: Records,
}

/// Why records make no RRset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRRset {
    /// There are none.
    #[error("an RRset needs at least one record; to take it away, remove it")]
    Empty,
    /// They differ in type.
    #[error("an RRset holds one type: found {0} beside {1}")]
    MixedTypes(RecordType, RecordType),
    /// There are more than 65,535.
    #[error("an RRset holds at most 65535 records, found {0}")]
    TooMany(usize),
    /// Two members have the same id.
    #[error("two members of the weighted RRset are called {0:?}; give each its own id")]
    DuplicateMember(Box<str>),
    /// The id of a member is empty or longer than 128 bytes.
    #[error("the member id {0:?} must have 1 to 128 bytes")]
    InvalidMember(Box<str>),
    /// A record has no wire form.
    #[error("a record cannot be encoded: {0}")]
    Unencodable(String),
}

impl RRset {
    /// An RRset that answers every query with all of `records`.
    ///
    /// # Errors
    /// [`InvalidRRset`] where it is empty, mixed, too large or cannot be encoded.
    pub fn simple(ttl: Ttl, records: impl IntoIterator<Item = RData>) -> Result<Self, InvalidRRset> {
        let mut keyed = Vec::new();
        for data in records {
            keyed.push(wire::canonical(&data)?);
        }
        keyed.sort_by(|(left, _), (right, _)| left.cmp(right));
        keyed.dedup_by(|(left, _), (right, _)| left == right);
        let records: Box<[RData]> = keyed.into_iter().map(|(_, data)| data).collect();
        one_type(records.iter())?;
        Ok(Self { ttl, records: Records::Simple(records) })
    }

    /// An RRset that answers a query with one of `members`, by weight.
    ///
    /// # Errors
    /// [`InvalidRRset`] where it is empty, mixed, too large, cannot be encoded, or two members share an id.
    pub fn weighted(ttl: Ttl, members: impl IntoIterator<Item = Member>) -> Result<Self, InvalidRRset> {
        let mut list = Vec::new();
        for Member { id, weight, data } in members {
            if !(1..=128).contains(&id.len()) {
                return Err(InvalidRRset::InvalidMember(id));
            }
            let (_, data) = wire::canonical(&data)?;
            list.push(Member { id, weight, data });
        }
        list.sort_by(|left, right| left.id.cmp(&right.id));
        if let Some([twin, _]) = list.array_windows().find(|[left, right]| left.id == right.id) {
            return Err(InvalidRRset::DuplicateMember(twin.id.clone()));
        }
        one_type(list.iter().map(|member| &member.data))?;
        Ok(Self { ttl, records: Records::Weighted(list.into()) })
    }

    /// Its type.
    #[must_use]
    pub fn record_type(&self) -> RecordType {
        self.data().next().map_or(RecordType::ZERO, RData::record_type)
    }

    /// Its TTL.
    #[must_use]
    pub const fn ttl(&self) -> Ttl {
        self.ttl
    }

    /// Its records, with their weights where it has any.
    #[must_use]
    pub const fn records(&self) -> &Records {
        &self.records
    }

    /// The data of all its records, in order.
    pub fn data(&self) -> impl Iterator<Item = &RData> {
        let (simple, weighted) = match &self.records {
            Records::Simple(records) => (&records[..], &[][..]),
            Records::Weighted(members) => (&[][..], &members[..]),
        };
        simple.iter().chain(weighted.iter().map(|member| &member.data))
    }

    /// How many records it holds; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an RRset is never empty")]
    pub fn len(&self) -> usize {
        match &self.records {
            Records::Simple(records) => records.len(),
            Records::Weighted(members) => members.len(),
        }
    }
}

fn one_type<'a>(mut data: impl ExactSizeIterator<Item = &'a RData>) -> Result<(), InvalidRRset> {
    if data.len() > usize::from(u16::MAX) {
        return Err(InvalidRRset::TooMany(data.len()));
    }
    let first = data.next().ok_or(InvalidRRset::Empty)?.record_type();
    match data.map(RData::record_type).find(|other| *other != first) {
        Some(other) => Err(InvalidRRset::MixedTypes(other, first)),
        None => Ok(()),
    }
}
