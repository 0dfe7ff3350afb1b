//! The guards, as planning knows them: what each refused, and the exact lines that would lift it.
//!
//! 1. Every guard is judged, so that one run names everything that is in the way.
//! 2. An override lifts one guard, with a reason, until it expires. `never-empty` has none; there is no way to lift all.

use std::collections::{BTreeMap, BTreeSet};

use dnsplan_plan::{
    AbsoluteGuard, OwnerName, Provenance, RData, RRsetKey, RecordType, Timestamp, Ttl, Zone,
    append_violations,
};

use crate::content::Content;
use crate::intent::{Family, TtlBounds, ZoneIntent};
use crate::members::Standings;
use crate::removal::removals_but;

/// The id of the guard that bounds how much goes in one step.
pub(crate) const MAX_REMOVAL: &str = "max-removal";
/// The id of the guard that bounds TTLs.
pub(crate) const TTL_BOUNDS: &str = "ttl-bounds";
/// The guards that an override can lift.
pub(crate) const OVERRIDABLE: &[&str] =
    &[AbsoluteGuard::AtLeastN.id(), MAX_REMOVAL, AbsoluteGuard::RootNs.id(), TTL_BOUNDS];

/// How many offenders a refusal names.
const NAMED: usize = 5;
/// How long the override lasts that a remedy offers.
const HOUR: u64 = 3_600_000;

/// What a guard refused, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{guard}: {what}\n  help: {}", remedy.replace('\n', "\n    "))]
pub struct GuardRefusal {
    /// The guard's id.
    pub guard: &'static str,
    /// What it refused.
    pub what: String,
    /// What to do next; where TOML lifts the guard, that TOML.
    pub remedy: String,
}

impl Default for TtlBounds {
    /// 1 second to 7 days: NS RRsets of two days are customary, and a TTL of 0 is most often a slip.
    fn default() -> Self {
        let ttl = |seconds| Ttl::new(seconds).expect("invariant: a week is a TTL");
        Self { min: ttl(1), max: ttl(604_800) }
    }
}

/// What is being judged.
pub(crate) struct Case<'a> {
    pub(crate) intent: &'a ZoneIntent,
    pub(crate) standings: &'a Standings<'a>,
    pub(crate) before: Option<&'a Zone>,
    pub(crate) content: &'a Content,
    pub(crate) provenance: &'a Provenance,
}

impl Case<'_> {
    /// Everything that the guards refuse.
    pub(crate) fn refusals(&self) -> Vec<GuardRefusal> {
        let mut refusals = self.never_empty();
        let after = &self.content.zone;
        let is_empty_named = !refusals.is_empty();
        for violation in append_violations(self.before, after, self.provenance) {
            // What is told above by endpoint is not told again by RRset.
            if violation.guard != AbsoluteGuard::NeverEmpty || !is_empty_named {
                let remedy = self.remedy(violation.guard.id(), &violation.remedy);
                refusals.push(GuardRefusal { guard: violation.guard.id(), what: violation.what, remedy });
            }
        }
        refusals.extend(self.max_removal());
        refusals.extend(self.ttl_bounds());
        refusals
    }

    /// By owner name, so that each comes with the lines that retire it.
    fn never_empty(&self) -> Vec<GuardRefusal> {
        let after = &self.content.zone;
        let lost = self.before.into_iter().flat_map(Zone::protected).map(|(key, _)| key);
        let lost = lost.filter(|key| after.protection(key).is_none() && !after.is_retired(key));
        let mut gone: BTreeMap<&OwnerName, BTreeSet<RecordType>> = BTreeMap::new();
        lost.for_each(|key| {
            gone.entry(&key.owner).or_default().insert(key.record_type);
        });
        let guard = AbsoluteGuard::NeverEmpty.id();
        let gone = gone.into_iter().map(|(owner, types)| {
            let names = list(types.iter());
            let quoted = list(types.iter().map(|kind| format!("\"{kind}\"")));
            GuardRefusal {
                guard,
                what: format!("the protected endpoint {owner} ({names}) would no longer be there, or no longer protected"),
                remedy: format!(
                    "put it back into the spec; or, to take it away, retire it by name:\n\
                     [[retire]]\nname = \"{owner}\"\ntypes = [{quoted}]\nreason = \"why it goes\""
                ),
            }
        });
        let empty = self.content.empty.iter().map(|key| GuardRefusal {
            guard,
            what: format!("the endpoint {key} would have no address: no member of its pools has one and a weight above 0"),
            remedy: format!(
                "give its pools a member with an {} address and a weight, or take the family out of its `families`",
                if key.record_type == RecordType::A { Family::V4.key() } else { Family::V6.key() }
            ),
        });
        gone.chain(empty).collect()
    }

    fn max_removal(&self) -> Option<GuardRefusal> {
        let before = self.before.filter(|_| !self.provenance.lifts(MAX_REMOVAL))?;
        // How many the unhealthy take with them is bounded by their pool's failing open.
        let is_unhealthy = |key: &RRsetKey, data: &RData| {
            let endpoint = self.intent.endpoints.get(&key.owner);
            let family = if key.record_type == RecordType::A { Family::V4 } else { Family::V6 };
            endpoint.is_some_and(|endpoint| self.standings.serves(endpoint, family, data))
        };
        let found = removals_but(before, &self.content.zone, self.intent.removal, is_unhealthy);
        self.refuse(MAX_REMOVAL, &found, "make the change in smaller steps")
    }

    fn ttl_bounds(&self) -> Option<GuardRefusal> {
        if self.provenance.lifts(TTL_BOUNDS) {
            return None;
        }
        let TtlBounds { min, max } = self.intent.ttls;
        let is_out = |ttl: Ttl| !(min..=max).contains(&ttl);
        let mut found = Vec::new();
        for (owner, node) in self.content.zone.nodes() {
            for rrset in node.rrsets().filter(|rrset| is_out(rrset.ttl())) {
                found.push(format!(
                    "{owner} {} has TTL {}, bounds are {min} to {max}",
                    rrset.record_type(),
                    rrset.ttl()
                ));
            }
            // RFC 2308 section 5: the minimum is the TTL of "there is no such record".
            for data in node.get(RecordType::SOA).into_iter().flat_map(dnsplan_plan::RRset::data) {
                if let RData::SOA(soa) = data
                    && Ttl::new(soa.minimum).is_none_or(is_out)
                {
                    found.push(format!("{owner} SOA has minimum {}, bounds are {min} to {max}", soa.minimum));
                }
            }
        }
        self.refuse(TTL_BOUNDS, &found, "change the TTL, or `ttl_bounds` under [guards]")
    }

    /// One refusal for all of `found`, so that its remedy is read once.
    fn refuse(&self, guard: &'static str, found: &[impl ToString], remedy: &str) -> Option<GuardRefusal> {
        if found.is_empty() {
            return None;
        }
        let mut named: Vec<String> = found.iter().take(NAMED).map(ToString::to_string).collect();
        if found.len() > NAMED {
            named.push(format!("and {} more", found.len() - NAMED));
        }
        Some(GuardRefusal { guard, what: named.join("; "), remedy: self.remedy(guard, remedy) })
    }

    fn remedy(&self, guard: &str, first: &str) -> String {
        if !OVERRIDABLE.contains(&guard) {
            return first.to_owned();
        }
        let at = self.provenance.at;
        let later = timestamp(Timestamp::from_millis(at.as_millis().saturating_add(HOUR)));
        let expired =
            self.intent.overrides.iter().find(|lifted| lifted.guard == guard && lifted.expires <= at);
        match expired {
            Some(lifted) => format!(
                "{first}; the override of {guard} in the spec expired at {}: if it is still meant, give it a later one:\n\
                 expires = \"{later}\"",
                timestamp(lifted.expires)
            ),
            None => format!(
                "{first}; or, if it is meant, add to the spec:\n\
                 [[override]]\nzone = \"{}\"\nguard = \"{guard}\"\nreason = \"why it is meant\"\nexpires = \"{later}\"",
                self.intent.origin
            ),
        }
    }
}

fn list(items: impl Iterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    items.join(", ")
}

/// A time as RFC 3339 writes it; the plain milliseconds where no calendar reaches.
pub(crate) fn timestamp(time: Timestamp) -> String {
    let millis = i64::try_from(time.as_millis()).ok();
    let written = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    written.map_or_else(|| time.as_millis().to_string(), |time| time.to_string())
}
