//! What a plan's owner names want of a server.
//!
//! 1. The apex SOA and NS are the server's own, and so is what it makes to sign a zone: never written and never in an audit.
//! 2. A server has no weights. What becomes of a weighted RRset is the settings' choice. A multivalue RRset is answered whole:
//!    with more than eight records, where it has more.
//! 3. A server has no health checks: it answers as if all were passing.

use dnsplan_plan::{Member, Node as Planned, OwnerName, RData, RRset, RecordType, Records};

use crate::content::{Node, Set};
use crate::fence;
use crate::message::{HEADER, name_len, record_len};
use crate::settings::{Settings, Weights};
use crate::tsig;

/// How long the text of a fence record may be. One without owner names set aside has less than 500 bytes; this leaves room for
/// sixteen of 90, and for as many that a chain inherits.
const FENCE_TEXT: usize = 3600;

/// The least that must be left of a message for changes.
const LEAST: usize = 64;

/// Why an owner name cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{owner}: {reason}")]
pub(crate) struct Unfit {
    /// The owner name.
    pub(crate) owner: OwnerName,
    /// Why.
    pub(crate) reason: Reason,
}

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    /// The fence is there.
    #[error("this name is kept for the fence: give the record another one")]
    Reserved,
    /// Only the apex has one, and that is the server's.
    #[error("a zone has an SOA at the apex only")]
    Soa,
    /// The server makes it.
    #[error("{0} records are made by the server that signs the zone: leave them out of the plan")]
    Signing(RecordType),
    /// No record of a zone.
    #[error("{0} is no type that a zone has records of")]
    Meta(RecordType),
    /// A CNAME stands alone.
    #[error("it has a CNAME beside other records, and servers ignore one or the other")]
    CnameAndOther,
    /// A DS RRset belongs to a delegation.
    #[error(
        "it has a DS RRset and no NS RRset, and servers ignore it: a DS RRset belongs beside the NS RRset of a delegation"
    )]
    LoneDs,
    /// Weights, and they are refused.
    #[error(
        "the {0} RRset is weighted, and a server that takes updates has no weights: make it a simple one, or choose `spread`, which \
         gives every client all members above weight 0"
    )]
    Weighted(RecordType),
    /// It has no wire form.
    #[error("a {0} record cannot be encoded: {1}")]
    Unencodable(RecordType, String),
    /// It cannot be written in one message.
    #[error(
        "it changes as a whole, and takes up to {0} of the {1} bytes that one message has for it: split it over several names"
    )]
    NoMessage(usize, usize),
}

/// How a zone's content becomes that of a server.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The zone.
    pub(crate) zone: OwnerName,
    /// Where the fence is.
    pub(crate) fence: OwnerName,
    pub(crate) weights: Weights,
    /// How many bytes of a message there are for changes.
    pub(crate) room: usize,
}

impl Wanted {
    /// For a zone and its settings.
    ///
    /// # Errors
    /// What cannot be.
    pub(crate) fn new(settings: &Settings) -> Result<Self, String> {
        let zone = settings.zone.clone();
        let Some(fence) = fence::name(&zone) else {
            return Err(format!("the name of the zone {zone} is too long for a fence record below it"));
        };
        let name = fence.to_wire().len();
        let text = FENCE_TEXT + FENCE_TEXT.div_ceil(255);
        let fences = 2 * record_len(name, text) + record_len(name, 0);
        let kept = HEADER + zone.to_wire().len() + 4 + fences + tsig::ROOM;
        let limit = usize::from(settings.message_limit);
        match limit.checked_sub(kept).filter(|room| *room >= LEAST) {
            Some(room) => Ok(Self { zone, fence, weights: settings.weights, room }),
            None => Err(format!(
                "a message of {limit} bytes has no room for changes: set the message limit to {} at least, and to 65535 if nothing \
                 speaks against it",
                kept + LEAST
            )),
        }
    }

    /// The same where weighted RRsets are spread: what may have been put there under other settings.
    pub(crate) fn spreading(&self) -> Self {
        Self { weights: Weights::Spread, ..self.clone() }
    }

    /// Whether what is of a name and type is the server's own.
    pub(crate) fn is_servers(&self, owner: &OwnerName, record_type: RecordType) -> bool {
        let is_apex = *owner == self.zone && matches!(record_type, RecordType::SOA | RecordType::NS);
        is_apex || is_signing(record_type)
    }

    /// Whether a name is the fence's, or below it.
    pub(crate) fn is_reserved(&self, owner: &OwnerName) -> bool {
        owner.is_in(&self.fence)
    }

    /// What is at an owner name.
    ///
    /// # Errors
    /// [`Unfit`] where the server cannot have it; then it has none of it.
    pub(crate) fn node(&self, owner: &OwnerName, node: &Planned) -> Result<Node, Unfit> {
        let unfit = |reason| Unfit { owner: owner.clone(), reason };
        if self.is_reserved(owner) {
            return Err(unfit(Reason::Reserved));
        }
        let is_apexs = |rrset: &&RRset| {
            *owner == self.zone && matches!(rrset.record_type(), RecordType::SOA | RecordType::NS)
        };
        let mut sets = Node::with_capacity(node.rrsets().len());
        for rrset in node.rrsets().filter(|rrset| !is_apexs(rrset)) {
            sets.insert(rrset.record_type(), self.set(rrset).map_err(unfit)?);
        }
        let has = |record_type| sets.contains_key(&record_type);
        if has(RecordType::DS) && !has(RecordType::NS) {
            return Err(unfit(Reason::LoneDs));
        }
        if has(RecordType::CNAME) && (sets.len() > 1 || *owner == self.zone) {
            return Err(unfit(Reason::CnameAndOther));
        }
        let cost = cost(owner, &sets, None);
        if cost > self.room {
            return Err(unfit(Reason::NoMessage(cost, self.room)));
        }
        Ok(sets)
    }

    fn set(&self, rrset: &RRset) -> Result<Set, Reason> {
        let record_type = rrset.record_type();
        if record_type == RecordType::SOA {
            return Err(Reason::Soa);
        }
        if is_signing(record_type) {
            return Err(Reason::Signing(record_type));
        }
        if is_meta(record_type) {
            return Err(Reason::Meta(record_type));
        }
        let data = match rrset.records() {
            Records::Simple(_) | Records::Multivalue(_) => rrset.data().collect(),
            Records::Weighted(_) if self.weights == Weights::Refuse => {
                return Err(Reason::Weighted(record_type));
            }
            Records::Weighted(members) => spread(record_type, members),
        };
        Set::new(rrset.ttl().seconds(), data).map_err(|error| Reason::Unencodable(record_type, error))
    }
}

/// What is left of weights; see [`Weights::Spread`].
fn spread(record_type: RecordType, members: &[Member]) -> Vec<&RData> {
    if record_type == RecordType::CNAME {
        // Members are in the order of their ids: the first of the heaviest.
        let heaviest = members.iter().rev().max_by_key(|member| member.weight);
        return heaviest.map(|member| &member.data).into_iter().collect();
    }
    let is_any = members.iter().any(|member| member.weight > 0);
    let counts = |member: &&Member| member.weight > 0 || !is_any;
    members.iter().filter(counts).map(|member| &member.data).collect()
}

/// BIND notes at the apex, in a type of its own, how far it has come (`sig-signing-type`).
const BIND_SIGNING: u16 = 65534;

/// What a server makes that signs a zone.
pub(crate) const fn is_signing(record_type: RecordType) -> bool {
    matches!(
        record_type,
        RecordType::RRSIG
            | RecordType::NSEC
            | RecordType::NSEC3
            | RecordType::NSEC3PARAM
            | RecordType::DNSKEY
            | RecordType::CDS
            | RecordType::CDNSKEY
            | RecordType::Unknown(BIND_SIGNING)
    )
}

/// Types that stand for questions, or for nothing. Source: RFC 6895 section 3.1.
fn is_meta(record_type: RecordType) -> bool {
    matches!(u16::from(record_type), 0 | 41 | 128..=255)
}

/// What it takes to put `after` at an owner name, in bytes, where `before` is what a plan had there, if that is known:
/// prerequisites, deletions, additions. Where it is not known, one deletion of something else is assumed, and several where nothing
/// comes in its place.
pub(crate) fn cost(owner: &OwnerName, after: &Node, before: Option<&Node>) -> usize {
    let name = name_len(owner);
    let bare = match before {
        Some(before) => {
            let created = after.keys().filter(|record_type| !before.contains_key(record_type)).count();
            // That there is no CNAME.
            let prerequisites = if after.is_empty() { 0 } else { created + 1 };
            prerequisites + before.len()
        }
        None if after.is_empty() => 4,
        None => 2 + 2 * after.len(),
    };
    let added: usize =
        after.values().flat_map(|set| &set.data).map(|data| record_len(name, data.len())).sum();
    bare * record_len(name, 0) + added
}

#[cfg(test)]
mod tests;
