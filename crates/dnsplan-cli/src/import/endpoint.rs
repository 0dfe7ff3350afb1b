//! Weighted and multivalue answers as endpoints and pools.

use std::collections::{BTreeMap, BTreeSet};

use dnsplan::plan::{OwnerName, RData, RRset, RRsetKey, RecordType, Records, Ttl};

use super::write::relative;

/// The largest weight that an endpoint gives a pool.
const LARGEST: u32 = 1_000;

/// How pools and members are called.
#[derive(Clone, Copy)]
pub(super) enum Called<'z> {
    /// As the set identifiers say, which are `pool/member` then.
    AsItIs,
    /// By the owner name in this zone, and the set identifiers as far as they are names.
    Anew(&'z OwnerName),
}

/// One name that is answered from pools.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) owner: OwnerName,
    pub(super) rrsets: Vec<RRset>,
    pub(super) is_weighted: bool,
    pub(super) ttl: Ttl,
    /// The part of the traffic that each pool gets.
    pub(super) pools: BTreeMap<String, u32>,
}

/// One member of a pool.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Member {
    pub(super) ipv4: Option<String>,
    pub(super) ipv6: Option<String>,
    /// Only where weighted answers have it.
    pub(super) weight: Option<u32>,
    pub(super) health_check: Option<String>,
}

/// Pools by name, and their members by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Pools(pub(super) BTreeMap<String, BTreeMap<String, Member>>);

/// One record of an answer.
struct Part<'r> {
    id: &'r str,
    weight: Option<u32>,
    health_check: Option<&'r str>,
    data: &'r RData,
}

impl Endpoint {
    /// The address RRsets of one owner name as an endpoint, and the pools that it takes.
    ///
    /// # Errors
    /// Why they are none, in words.
    pub(super) fn of(
        owner: &OwnerName,
        rrsets: &[&RRset],
        called: Called<'_>,
    ) -> Result<(Self, Pools), String> {
        let is_weighted = |rrset: &RRset| matches!(rrset.records(), Records::Weighted(_));
        let [first, rest @ ..] = rrsets else { return Err("there is nothing".to_owned()) };
        if rest.iter().any(|rrset| rrset.ttl() != first.ttl() || is_weighted(rrset) != is_weighted(first)) {
            return Err("its A and AAAA records differ in TTL or in how they are chosen, and an endpoint has one of each".to_owned());
        }
        let mut pools = Pools::default();
        for rrset in rrsets {
            for part in parts(rrset) {
                if part.weight == Some(0) {
                    return Err(format!("{:?} has weight 0, and a plan leaves such a member out", part.id));
                }
                let (pool, id) = names(owner, part.id, called)?;
                let members = pools.0.entry(pool).or_default();
                join(members.entry(id).or_default(), &part, rrset.record_type())?;
            }
        }
        let weights = pools.reduce()?;
        let rrsets: Vec<RRset> = rrsets.iter().map(|rrset| (*rrset).clone()).collect();
        let (is_weighted, ttl) = (is_weighted(first), first.ttl());
        Ok((Self { owner: owner.clone(), rrsets, is_weighted, ttl, pools: weights }, pools))
    }

    /// The RRsets that it stands for.
    pub(super) fn keyed(&self) -> Vec<(RRsetKey, &RRset)> {
        let key = |rrset: &RRset| RRsetKey::new(self.owner.clone(), rrset.record_type());
        self.rrsets.iter().map(|rrset| (key(rrset), rrset)).collect()
    }

    pub(super) fn shares_a_pool(&self, other: &Self) -> bool {
        self.pools.keys().any(|pool| other.pools.contains_key(pool))
    }
}

impl Pools {
    /// These and those, where they agree on what they both have.
    pub(super) fn joined(&self, others: Self) -> Result<Self, String> {
        let mut all = self.clone();
        for (pool, members) in others.0 {
            let here = all.0.entry(pool.clone()).or_default();
            for (id, member) in members {
                let known = here.entry(id.clone()).or_insert_with(|| member.clone());
                let agrees = put(&mut known.ipv4, member.ipv4)
                    && put(&mut known.ipv6, member.ipv6)
                    && put(&mut known.weight, member.weight)
                    && known.health_check == member.health_check;
                if !agrees {
                    return Err(format!(
                        "another name has {pool}/{id} with other addresses, weight or health check"
                    ));
                }
            }
        }
        Ok(all)
    }

    /// Whether any of them is called like one of those.
    pub(super) fn is_known_to(&self, others: &Self) -> bool {
        self.0.keys().any(|pool| others.0.contains_key(pool))
    }

    /// Those that endpoints need.
    pub(super) fn used_by(&self, endpoints: &[&Endpoint]) -> Self {
        let used: BTreeSet<&String> = endpoints.iter().flat_map(|endpoint| endpoint.pools.keys()).collect();
        let pools = self.0.iter().filter(|(pool, _)| used.contains(pool));
        Self(pools.map(|(pool, members)| (pool.clone(), members.clone())).collect())
    }

    /// Takes out of the members' weights what they have in common, and gives the pools the weights that make up for it.
    fn reduce(&mut self) -> Result<BTreeMap<String, u32>, String> {
        let mut sums = BTreeMap::new();
        for (pool, members) in &mut self.0 {
            let sum: u32 = members.values().filter_map(|member| member.weight).sum();
            let divisor = members.values().filter_map(|member| member.weight).fold(0, gcd).max(1);
            for weight in members.values_mut().filter_map(|member| member.weight.as_mut()) {
                *weight /= divisor;
            }
            sums.insert(pool.clone(), sum.max(1));
        }
        let divisor = sums.values().copied().fold(0, gcd).max(1);
        sums.values_mut().for_each(|sum| *sum /= divisor);
        match sums.values().all(|sum| *sum <= LARGEST) {
            true => Ok(sums),
            false => Err(format!("a spec would need weights above {LARGEST} for its pools")),
        }
    }
}

fn parts(rrset: &RRset) -> Vec<Part<'_>> {
    match rrset.records() {
        Records::Simple(_) => Vec::new(),
        Records::Weighted(members) => members
            .iter()
            .map(|member| Part {
                id: &member.id,
                weight: Some(member.weight.into()),
                health_check: member.health_check.as_deref(),
                data: &member.data,
            })
            .collect(),
        Records::Multivalue(candidates) => candidates
            .iter()
            .map(|candidate| Part {
                id: &candidate.id,
                weight: None,
                health_check: candidate.health_check.as_deref(),
                data: &candidate.data,
            })
            .collect(),
    }
}

/// The pool and the member that a set identifier stands for.
fn names(owner: &OwnerName, id: &str, called: Called<'_>) -> Result<(String, String), String> {
    match called {
        Called::AsItIs => {
            let named = id.split_once('/').filter(|(pool, member)| is_label(pool) && is_label(member));
            let (pool, member) =
                named.ok_or_else(|| format!("its set identifier {id:?} is not `pool/member`"))?;
            Ok((pool.to_owned(), member.to_owned()))
        }
        Called::Anew(zone) => {
            let pool = label(&relative(owner, zone));
            Ok((pool, label(id)))
        }
    }
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|byte| is_of_label(char::from(byte)))
}

const fn is_of_label(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

fn label(text: &str) -> String {
    let text = text.replace('*', "any").replace('@', "apex");
    let label: String = text.chars().map(|c| if is_of_label(c) { c } else { '-' }).take(63).collect();
    if label.is_empty() { "member".to_owned() } else { label }
}

/// Takes one record into its member.
fn join(member: &mut Member, part: &Part<'_>, record_type: RecordType) -> Result<(), String> {
    let is_new = *member == Member::default();
    let address = if record_type == RecordType::A { &mut member.ipv4 } else { &mut member.ipv6 };
    let is_twice = address.replace(part.data.to_string()).is_some();
    let check = part.health_check.map(str::to_owned);
    if is_new {
        (member.weight, member.health_check) = (part.weight, check);
        return Ok(());
    }
    if is_twice || member.weight != part.weight || member.health_check != check {
        return Err(format!("{:?} is not the same in A and AAAA, and a member is", part.id));
    }
    Ok(())
}

/// Puts what is not there yet; false where something else is.
fn put<T: PartialEq>(place: &mut Option<T>, value: Option<T>) -> bool {
    match (&place, value) {
        (_, None) => true,
        (None, value) => {
            *place = value;
            true
        }
        (Some(there), Some(value)) => *there == value,
    }
}

const fn gcd(left: u32, right: u32) -> u32 {
    if right == 0 { left } else { gcd(right, left % right) }
}
