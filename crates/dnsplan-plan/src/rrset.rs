//! RRsets: all records of one owner name and type: plain, weighted or multivalue.
//!
//! 1. An RRset is never empty and holds records of one type only.
//! 2. Its records are in canonical form and order (RFC 4034 sections 6.2 and 6.3) and without duplicates, so that equal
//!    RRsets are equal byte for byte.
//! 3. One TTL for the whole RRset (RFC 2181 section 5.2), however its records are chosen.
//!
//! Health checks are the provider's, and the plan only names them. What they say is known where queries are answered, so
//! nothing is looked up at enactment. A provider without health checks answers as if all were passing.

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
    /// The id of a health check at the provider (1 to 64 bytes) that withholds the record while it fails.
    pub health_check: Option<Box<str>>,
    /// The record.
    pub data: RData,
}

/// One record of a multivalue RRset. A query is answered with up to eight candidates, chosen evenly.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Its name within the RRset: what Route 53 calls the set identifier.
    pub id: Box<str>,
    /// The id of a health check at the provider (1 to 64 bytes) that withholds the record while it fails.
    pub health_check: Option<Box<str>>,
    /// The record.
    pub data: RData,
}

impl Candidate {
    /// How many candidates an answer holds at most. Source: Route 53 developer guide, "Multivalue answer routing".
    pub const MAX_ANSWERS: usize = 8;
}

/// The records of an RRset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Records {
    /// All of them answer every query.
    Simple(Box<[RData]>),
    /// One of them answers a query.
    Weighted(Box<[Member]>),
    /// Up to eight of them answer a query (Route 53's multivalue answer routing).
    Multivalue(Box<[Candidate]>),
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
    /// Two members or candidates have the same id.
    #[error("two members of the RRset are called {0:?}; give each its own id")]
    DuplicateMember(Box<str>),
    /// The id of a member or candidate is empty or longer than 128 bytes.
    #[error("the member id {0:?} must have 1 to 128 bytes")]
    InvalidMember(Box<str>),
    /// The id of a health check is empty or longer than 64 bytes.
    #[error("the health check id {0:?} must have 1 to 64 bytes")]
    InvalidHealthCheck(Box<str>),
    /// A type of which a part never answers for the whole.
    #[error("a {0} RRset cannot be multivalue; make it a simple one")]
    NotMultivalue(RecordType),
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
    /// [`InvalidRRset`] where it is empty, mixed, too large, cannot be encoded, two members share an id, or an id is empty
    /// or too long.
    pub fn weighted(ttl: Ttl, members: impl IntoIterator<Item = Member>) -> Result<Self, InvalidRRset> {
        let mut list = Vec::new();
        for Member { id, weight, health_check, data } in members {
            check_ids(&id, health_check.as_deref())?;
            let (_, data) = wire::canonical(&data)?;
            list.push(Member { id, weight, health_check, data });
        }
        list.sort_by(|left, right| left.id.cmp(&right.id));
        distinct(list.iter().map(|member| &member.id))?;
        one_type(list.iter().map(|member| &member.data))?;
        Ok(Self { ttl, records: Records::Weighted(list.into()) })
    }

    /// An RRset that answers a query with up to eight of `candidates`, chosen evenly.
    ///
    /// # Errors
    /// [`InvalidRRset`] where it is empty, mixed, too large, cannot be encoded, two candidates share an id, or an id is empty
    /// or too long; and for a CNAME, NS or SOA, which answer as a whole or not at all.
    pub fn multivalue(
        ttl: Ttl,
        candidates: impl IntoIterator<Item = Candidate>,
    ) -> Result<Self, InvalidRRset> {
        let mut list = Vec::new();
        for Candidate { id, health_check, data } in candidates {
            check_ids(&id, health_check.as_deref())?;
            let (_, data) = wire::canonical(&data)?;
            list.push(Candidate { id, health_check, data });
        }
        list.sort_by(|left, right| left.id.cmp(&right.id));
        distinct(list.iter().map(|candidate| &candidate.id))?;
        let record_type = one_type(list.iter().map(|candidate| &candidate.data))?;
        if matches!(record_type, RecordType::CNAME | RecordType::NS | RecordType::SOA) {
            return Err(InvalidRRset::NotMultivalue(record_type));
        }
        Ok(Self { ttl, records: Records::Multivalue(list.into()) })
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

    /// Its records, with their ids, weights and health checks where they have any.
    #[must_use]
    pub const fn records(&self) -> &Records {
        &self.records
    }

    /// The data of all its records, in order.
    pub fn data(&self) -> impl Iterator<Item = &RData> {
        let (simple, weighted, multivalue) = match &self.records {
            Records::Simple(records) => (&records[..], &[][..], &[][..]),
            Records::Weighted(members) => (&[][..], &members[..], &[][..]),
            Records::Multivalue(candidates) => (&[][..], &[][..], &candidates[..]),
        };
        let weighted = weighted.iter().map(|member| &member.data);
        let multivalue = multivalue.iter().map(|candidate| &candidate.data);
        simple.iter().chain(weighted).chain(multivalue)
    }

    /// How many records it holds; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an RRset is never empty")]
    pub fn len(&self) -> usize {
        match &self.records {
            Records::Simple(records) => records.len(),
            Records::Weighted(members) => members.len(),
            Records::Multivalue(candidates) => candidates.len(),
        }
    }
}

fn check_ids(id: &str, health_check: Option<&str>) -> Result<(), InvalidRRset> {
    if !(1..=128).contains(&id.len()) {
        return Err(InvalidRRset::InvalidMember(id.into()));
    }
    match health_check.filter(|check| !(1..=64).contains(&check.len())) {
        Some(check) => Err(InvalidRRset::InvalidHealthCheck(check.into())),
        None => Ok(()),
    }
}

/// Refuses the same id twice, in ids that are sorted.
fn distinct<'a>(ids: impl Iterator<Item = &'a Box<str>> + Clone) -> Result<(), InvalidRRset> {
    match ids.clone().zip(ids.skip(1)).find(|(left, right)| left == right) {
        Some((twin, _)) => Err(InvalidRRset::DuplicateMember(twin.clone())),
        None => Ok(()),
    }
}

/// The type that all of the data have.
fn one_type<'a>(mut data: impl ExactSizeIterator<Item = &'a RData>) -> Result<RecordType, InvalidRRset> {
    if data.len() > usize::from(u16::MAX) {
        return Err(InvalidRRset::TooMany(data.len()));
    }
    let first = data.next().ok_or(InvalidRRset::Empty)?.record_type();
    match data.map(RData::record_type).find(|other| *other != first) {
        Some(other) => Err(InvalidRRset::MixedTypes(other, first)),
        None => Ok(first),
    }
}
