//! Which members of its pools answer for an endpoint, and with what weight.
//!
//! 1. Traffic is split between pools by the weights that the endpoint gives them, and within a pool by weight times
//!    capacity. The split is made over all members that are not drained, healthy or not: who fails sheds its load onto all
//!    others alike, and no other weight moves.
//! 2. A member that is drained (weight 0, in the pool or by the pool's) never answers. One that is unhealthy does only
//!    where its pool fails open, with fewer than `min_healthy` of it healthy, or none (gdnsd's rule); or where the endpoint
//!    would be left with fewer than `at_least` addresses in a family.

use std::collections::{BTreeMap, BTreeSet};

use dnsplan_plan::{Candidate, InvalidRRset, Member, RData, RRset, RRsetKey};

use crate::health::{Health, MemberHealth, Reading};
use crate::intent::{Endpoint, Family, LoadBalancer, Policy, Pool, ZoneIntent};
use crate::note::Note;
use crate::weights::{Fraction, weights};

/// How the pools of a zone stand.
pub(crate) struct Standings<'a> {
    pools: BTreeMap<&'a str, Standing<'a>>,
}

struct Standing<'a> {
    pool: &'a Pool,
    healthy: BTreeSet<&'a str>,
    fails_open: bool,
    is_unknown: bool,
}

/// One load balancer that may answer for an endpoint.
struct Backend<'a> {
    pool: &'a str,
    id: &'a str,
    health_check: Option<&'a str>,
    share: Fraction,
    data: RData,
    answers: bool,
}

impl Backend<'_> {
    /// What its record is called among those of an endpoint.
    fn set_identifier(&self) -> Box<str> {
        format!("{}/{}", self.pool, self.id).into()
    }
}

impl<'a> Standings<'a> {
    /// How the pools stand that the endpoints of a zone use.
    pub(crate) fn new(intent: &'a ZoneIntent, health: &Health, notes: &mut BTreeSet<Note>) -> Self {
        let used = intent.endpoints.values().flat_map(|endpoint| &endpoint.pools);
        let used: BTreeSet<&str> =
            used.filter(|(_, weight)| **weight > 0).map(|(name, _)| name.as_str()).collect();
        let pools = intent.pools.iter().filter(|(name, _)| used.contains(name.as_str()));
        let pools = pools.map(|(name, pool)| (name.as_str(), standing(name, pool, health, notes))).collect();
        for (name, reading) in health.readings() {
            notes.extend(unasked(name, intent.pools.get(name), reading));
        }
        Self { pools }
    }

    /// A pool of the endpoint whose health nobody knows.
    pub(crate) fn unknown(&self, endpoint: &'a Endpoint) -> Option<&'a str> {
        let used = endpoint.pools.iter().filter(|(_, weight)| **weight > 0);
        used.map(|(name, _)| name.as_str())
            .find(|name| self.pools.get(name).is_some_and(|pool| pool.is_unknown))
    }

    /// Whether `data` is the address of a member that is not drained, healthy or not.
    pub(crate) fn serves(&self, endpoint: &'a Endpoint, family: Family, data: &RData) -> bool {
        self.backends(endpoint, family).iter().any(|backend| backend.data == *data)
    }

    /// The RRset with which an endpoint answers in a family; `None` where no member could.
    pub(crate) fn rrset(
        &self,
        key: &RRsetKey,
        endpoint: &'a Endpoint,
        family: Family,
        notes: &mut BTreeSet<Note>,
    ) -> Result<Option<RRset>, InvalidRRset> {
        let mut backends = self.backends(endpoint, family);
        let answering = backends.iter().filter(|backend| backend.answers).count();
        if answering < usize::from(endpoint.at_least) && answering < backends.len() {
            notes.insert(Note::EndpointFailsOpen {
                key: key.clone(),
                healthy: answering,
                at_least: endpoint.at_least,
            });
            backends.iter_mut().for_each(|backend| backend.answers = true);
        }
        if backends.is_empty() {
            return Ok(None);
        }
        let shares: Vec<Fraction> = backends.iter().map(|backend| backend.share).collect();
        let weighted = backends.into_iter().zip(weights(&shares)).filter(|(backend, _)| backend.answers);
        let rrset = match endpoint.policy {
            Policy::All => RRset::simple(endpoint.ttl, weighted.map(|(backend, _)| backend.data)),
            Policy::Weighted => RRset::weighted(
                endpoint.ttl,
                weighted.map(|(backend, weight)| Member {
                    id: backend.set_identifier(),
                    weight,
                    health_check: backend.health_check.map(Into::into),
                    data: backend.data,
                }),
            ),
            Policy::Multivalue => RRset::multivalue(
                endpoint.ttl,
                weighted.map(|(backend, _)| Candidate {
                    id: backend.set_identifier(),
                    health_check: backend.health_check.map(Into::into),
                    data: backend.data,
                }),
            ),
        };
        rrset.map(Some)
    }

    fn backends(&self, endpoint: &'a Endpoint, family: Family) -> Vec<Backend<'a>> {
        let used = endpoint.pools.iter().filter(|(_, weight)| **weight > 0);
        let mut all = Vec::new();
        for (name, pool_weight) in used {
            let Some(standing) = self.pools.get(name.as_str()) else { continue };
            let members = || standing.pool.members.iter().filter(|(_, member)| member.share() > 0);
            let in_family =
                || members().filter_map(|(id, member)| Some((id, member, member.address(family)?)));
            let total: u128 = in_family().map(|(_, member, _)| u128::from(member.share())).sum();
            all.extend(in_family().map(|(id, member, data)| Backend {
                pool: name,
                id,
                health_check: member.health_check.as_deref(),
                share: Fraction {
                    numerator: u128::from(*pool_weight) * u128::from(member.share()),
                    denominator: total,
                },
                data,
                answers: standing.fails_open || standing.healthy.contains(id.as_str()),
            }));
        }
        all
    }
}

fn standing<'a>(name: &str, pool: &'a Pool, health: &Health, notes: &mut BTreeSet<Note>) -> Standing<'a> {
    let reading = health.pool(name);
    let is_healthy = |id: &str, member: &LoadBalancer| {
        let probed = match reading {
            Some(Reading::Known(members)) => members.get(id),
            Some(Reading::Unknown) | None => None,
        };
        member.is_healthy && probed != Some(&MemberHealth::Unhealthy)
    };
    let serving = || pool.members.iter().filter(|(_, member)| member.share() > 0);
    let healthy = serving().filter(|(id, member)| is_healthy(id, member)).map(|(id, _)| id.as_str());
    let healthy: BTreeSet<&str> = healthy.collect();
    let total = serving().count();
    let fails_open = healthy.len() < pool.min_healthy.ceil_of(total).max(1) && total > 0;
    let is_unknown = reading == Some(&Reading::Unknown);
    if fails_open {
        notes.insert(Note::PoolFailsOpen { pool: name.to_owned(), healthy: healthy.len(), total });
    }
    Standing { pool, healthy, fails_open, is_unknown }
}

/// What a reading says about things that the spec does not have.
fn unasked(name: &str, pool: Option<&Pool>, reading: &Reading<BTreeMap<String, MemberHealth>>) -> Vec<Note> {
    let note = |member| Note::Unasked { pool: name.to_owned(), member };
    match (pool, reading) {
        (None, _) => vec![note(None)],
        (Some(pool), Reading::Known(members)) => {
            let strange = members.keys().filter(|id| !pool.members.contains_key(*id));
            strange.map(|id| note(Some(id.clone()))).collect()
        }
        (Some(_), Reading::Unknown) => Vec::new(),
    }
}
