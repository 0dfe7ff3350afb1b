//! What is served: a plan, with the few records made ready that the plan leaves to the target.
//!
//! 1. The content is the plan's, unchanged, but for the SOA's serial, which is the generation modulo 2^32 (RFC 1982).
//! 2. Making a plan ready costs the same for every zone: nothing walks it.

use std::sync::Arc;

use dnsplan_fence::{Digest, Generation, Offer};
use dnsplan_plan::{Plan, RData, RecordType, Zone};
use hickory_proto::rr::Record;

/// A plan that is ready to answer queries.
#[derive(Clone, Debug)]
pub struct Served {
    plan: Arc<Plan>,
    soa: Option<Soa>,
}

#[derive(Clone, Debug)]
struct Soa {
    /// As the answer to a query for it.
    asked: Record,
    /// As proof in a negative answer: its TTL is no longer than MINIMUM says (RFC 2308 section 3).
    proof: Record,
}

impl Served {
    /// Makes a plan ready.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        let soa = soa(&plan);
        Self { plan, soa }
    }

    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Its generation.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.plan.generation()
    }

    /// The digest of its content.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.plan.digest()
    }

    pub(crate) fn zone(&self) -> &Zone {
        self.plan.zone()
    }

    /// The apex SOA with its serial, where the plan has one.
    pub(crate) fn soa(&self) -> Option<&Record> {
        self.soa.as_ref().map(|soa| &soa.asked)
    }

    /// The same, for the authority section of a negative answer.
    pub(crate) fn proof(&self) -> Option<&Record> {
        self.soa.as_ref().map(|soa| &soa.proof)
    }
}

fn soa(plan: &Plan) -> Option<Soa> {
    let zone = plan.zone();
    let rrset = zone.rrset(zone.origin(), RecordType::SOA)?;
    let Some(RData::SOA(soa)) = rrset.data().next() else { return None };
    let mut soa = soa.clone();
    soa.serial = serial(plan.generation());
    let negative = rrset.ttl().seconds().min(soa.minimum);
    let asked = Record::from_rdata(zone.origin().to_name(), rrset.ttl().seconds(), RData::SOA(soa));
    let mut proof = asked.clone();
    proof.ttl = negative;
    Some(Soa { asked, proof })
}

/// A generation as a zone's serial.
pub(crate) fn serial(generation: Generation) -> u32 {
    let low = generation.get() & u64::from(u32::MAX);
    u32::try_from(low).expect("invariant: the upper half was masked away")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_the_generation_and_wraps_at_two_to_the_32() {
        let of = |number| serial(Generation::new(number));
        assert_eq!([of(7), of((1 << 32) - 1), of(1 << 32), of((1 << 32) + 7)], [7, u32::MAX, 0, 7]);
    }
}
