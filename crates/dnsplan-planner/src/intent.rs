//! What is wanted, as the spec says it, checked and resolved: owner names are absolute, pools exist, data fits its type.
//!
//! 1. What is here is well formed; whether it is *safe* to enact is for the guards, which also know what is live.
//! 2. Everything is ordered by name, so that the order of the spec's lines leaves no trace in a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use dnsplan_plan::{Override, OwnerName, RData, RRset, RRsetKey, RecordType, Ttl};

use crate::removal::RemovalLimits;
use crate::spec::{SpecErrors, parse};

/// What a spec asks for: its zones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Intent {
    zones: BTreeMap<OwnerName, ZoneIntent>,
}

impl Intent {
    /// Reads a spec. `docs/spec.md` describes the format.
    ///
    /// # Errors
    /// [`SpecErrors`] lists every problem that could be found, with line and remedy.
    pub fn parse(text: &str) -> Result<Self, SpecErrors> {
        parse(text)
    }

    pub(crate) const fn new(zones: BTreeMap<OwnerName, ZoneIntent>) -> Self {
        Self { zones }
    }

    /// The zones, in canonical order; at least one.
    pub fn zones(&self) -> impl ExactSizeIterator<Item = &ZoneIntent> {
        self.zones.values()
    }

    /// One zone.
    #[must_use]
    pub fn zone(&self, origin: &OwnerName) -> Option<&ZoneIntent> {
        self.zones.get(origin)
    }
}

/// What a spec asks for in one zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ZoneIntent {
    pub(crate) origin: OwnerName,
    /// The static RRsets, SOA and apex NS among them.
    pub(crate) records: BTreeMap<RRsetKey, RRset>,
    /// The static RRsets that are protected, with the number of records each must keep.
    pub(crate) protected: BTreeMap<RRsetKey, u16>,
    pub(crate) endpoints: BTreeMap<OwnerName, Endpoint>,
    pub(crate) pools: Arc<BTreeMap<String, Pool>>,
    pub(crate) retire: BTreeMap<OwnerName, Retirement>,
    pub(crate) removal: RemovalLimits,
    pub(crate) ttls: TtlBounds,
    pub(crate) overrides: Vec<Override>,
}

impl ZoneIntent {
    /// The zone's origin.
    #[must_use]
    pub const fn origin(&self) -> &OwnerName {
        &self.origin
    }

    /// The protected RRsets, each with the number of records it must keep.
    pub(crate) fn protections(&self) -> BTreeMap<RRsetKey, u16> {
        let mut all = self.protected.clone();
        for (owner, endpoint) in self.endpoints.iter().filter(|(_, endpoint)| endpoint.is_protected) {
            all.extend(endpoint.keys(owner).map(|key| (key, endpoint.at_least)));
        }
        all
    }
}

/// A name that is answered from pools.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Endpoint {
    pub(crate) is_protected: bool,
    /// Pool to weight: the pool's part of the traffic.
    pub(crate) pools: BTreeMap<String, u32>,
    pub(crate) families: BTreeSet<Family>,
    pub(crate) policy: Policy,
    pub(crate) at_least: u16,
    pub(crate) ttl: Ttl,
}

impl Endpoint {
    /// The RRsets that it stands for.
    pub(crate) fn keys<'a>(&'a self, owner: &'a OwnerName) -> impl Iterator<Item = RRsetKey> + 'a {
        self.families.iter().map(|family| RRsetKey::new(owner.clone(), family.record_type()))
    }
}

/// Protected RRsets that are taken away by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Retirement {
    /// None means all that are protected.
    pub(crate) types: BTreeSet<RecordType>,
    pub(crate) reason: String,
}

impl Retirement {
    pub(crate) fn covers(&self, record_type: RecordType) -> bool {
        self.types.is_empty() || self.types.contains(&record_type)
    }
}

/// How an endpoint's addresses answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Policy {
    /// One address an answer, by weight.
    Weighted,
    /// Up to eight addresses an answer, evenly.
    Multivalue,
    /// All addresses in every answer.
    All,
}

/// An address family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const fn record_type(self) -> RecordType {
        match self {
            Self::V4 => RecordType::A,
            Self::V6 => RecordType::AAAA,
        }
    }

    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }
}

/// Load balancers that serve alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pool {
    pub(crate) min_healthy: Share,
    pub(crate) members: BTreeMap<String, LoadBalancer>,
}

/// One load balancer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LoadBalancer {
    pub(crate) ipv4: Option<Ipv4Addr>,
    pub(crate) ipv6: Option<Ipv6Addr>,
    pub(crate) weight: u32,
    pub(crate) capacity: u32,
    pub(crate) is_healthy: bool,
    /// The id of its health check at the provider.
    pub(crate) health_check: Option<String>,
}

impl LoadBalancer {
    /// Its part of its pool's traffic, relative to the other members'. Weight 0 drains it.
    pub(crate) fn share(&self) -> u64 {
        u64::from(self.weight) * u64::from(self.capacity)
    }

    pub(crate) fn address(&self, family: Family) -> Option<RData> {
        match family {
            Family::V4 => self.ipv4.map(RData::from),
            Family::V6 => self.ipv6.map(RData::from),
        }
    }
}

/// The TTLs that the `ttl-bounds` guard lets through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TtlBounds {
    pub(crate) min: Ttl,
    pub(crate) max: Ttl,
}

/// A part of a whole, in ten-thousandths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Share(u16);

impl Share {
    const WHOLE: u16 = 10_000;

    /// A share from a number from 0 to 1, to four places; `None` outside.
    #[must_use]
    pub fn from_fraction(fraction: f64) -> Option<Self> {
        let is_share = (0.0..=1.0).contains(&fraction);
        is_share.then(|| Self((fraction * f64::from(Self::WHOLE)).round() as u16))
    }

    /// The share of `total`, rounded down.
    #[must_use]
    pub const fn floor_of(self, total: usize) -> usize {
        (total as u128 * self.0 as u128 / Self::WHOLE as u128) as usize
    }

    /// The share of `total`, rounded up.
    pub(crate) const fn ceil_of(self, total: usize) -> usize {
        (total as u128 * self.0 as u128).div_ceil(Self::WHOLE as u128) as usize
    }
}
