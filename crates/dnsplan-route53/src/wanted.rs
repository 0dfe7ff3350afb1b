//! The record sets that a plan's owner names want, in place and in a tree.
//!
//! 1. The apex SOA and NS are Route 53's own and never among them.
//! 2. An NS or DS RRset is a delegation: resolvers follow it, and no alias can stand for it. It is put at its own owner
//!    name, with or without a tree.
//! 3. A weighted RRset of more members than one name may have is nested in a tree: groups of members, and a weighted
//!    alias for each group. Its aliases weigh what the groups weigh together.

use dnsplan_enactor::TreeName;
use dnsplan_plan::{Candidate, Member, Node, OwnerName, RData, RRset, RecordType, Records};

use crate::cost::{Cost, Limits};
use crate::name::{NameTooLong, Names};
use crate::record::{Alias, RecordSet, Routing};
use crate::value::{Unsupported, Value, type_text};

/// Why an owner name cannot be served from Route 53.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{owner}: {reason}")]
pub(crate) struct Unfit {
    /// The owner name.
    pub(crate) owner: OwnerName,
    /// Why.
    pub(crate) reason: Box<Reason>,
}

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    /// The fence and the trees are there.
    #[error("this name is kept for the fence and the trees: give the record another one")]
    Reserved,
    /// Only the apex has one, and that is Route 53's.
    #[error("Route 53 has an SOA at the apex only")]
    Soa,
    /// A type or data that Route 53 does not have.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// Its name in a tree would be too long.
    #[error(transparent)]
    TooLong(#[from] NameTooLong),
    /// One value is too long.
    #[error("a {record_type} value has {length} characters, Route 53 takes {limit}")]
    LongValue {
        /// Its type.
        record_type: String,
        /// Its length.
        length: usize,
        /// What Route 53 takes.
        limit: usize,
    },
    /// There are too many of something.
    #[error("the {record_type} RRset has {count} {what}, Route 53 takes {limit}")]
    TooMany {
        /// Its type.
        record_type: String,
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// What Route 53 takes.
        limit: usize,
    },
    /// It cannot be written in one batch.
    #[error(
        "it changes as a whole, and costs up to {cost} of the {limit} that one batch takes: split it over several names"
    )]
    NoBatch {
        /// What it costs.
        cost: Cost,
        /// What one batch takes beside the fence.
        limit: Cost,
    },
}

/// How a zone's content becomes record sets.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The zone's names.
    pub(crate) names: Names,
    /// The id of the hosted zone, which aliases name.
    pub(crate) zone_id: Box<str>,
    /// What Route 53 takes.
    pub(crate) limits: Limits,
}

/// Whether a type delegates: resolvers follow it, and no alias can stand for it.
pub(crate) const fn is_delegation(record_type: RecordType) -> bool {
    matches!(record_type, RecordType::NS | RecordType::DS)
}

impl Wanted {
    /// Whether the record sets of a name and type are Route 53's own.
    pub(crate) fn is_route53s(&self, owner: &OwnerName, record_type: RecordType) -> bool {
        owner == self.names.zone() && matches!(record_type, RecordType::SOA | RecordType::NS)
    }

    /// What is at an owner name in place.
    ///
    /// # Errors
    /// [`Unfit`] where Route 53 cannot have it; then it has none of it.
    pub(crate) fn in_place(&self, owner: &OwnerName, node: &Node) -> Result<Vec<RecordSet>, Unfit> {
        let sets = self.direct(owner, node, |_| true)?;
        // Whatever fits twice can take the place of anything else that does, in any way.
        self.fits(owner, sets.iter().map(Cost::of_set).sum::<Cost>().twice())?;
        Ok(sets)
    }

    /// What a tree has for an owner name. What is pointed at comes first.
    ///
    /// # Errors
    /// [`Unfit`] where Route 53 cannot have it; then it has none of it.
    pub(crate) fn staged(
        &self,
        owner: &OwnerName,
        node: &Node,
        tree: &TreeName,
    ) -> Result<Vec<RecordSet>, Unfit> {
        let unfit = |reason: Reason| unfit(owner, reason);
        let mut sets = Vec::new();
        for rrset in self.rrsets(owner, node).filter(|rrset| !is_delegation(rrset.record_type())) {
            let name = self.names.staged(owner, tree).map_err(|error| unfit(error.into()))?;
            let added = match rrset.records() {
                Records::Weighted(members) if members.len() > self.limits.group => {
                    self.nested(owner, tree, rrset, members)
                }
                _ => self.rrset(&name, rrset),
            };
            sets.extend(added.map_err(unfit)?);
        }
        // It may have to be put over itself.
        self.fits(owner, sets.iter().map(Cost::of_set).sum::<Cost>().twice())?;
        Ok(sets)
    }

    /// What is at an owner name that is answered from a tree: an alias for each type, and the delegation itself.
    ///
    /// # Errors
    /// [`Unfit`] where Route 53 cannot have it; then it has none of it.
    pub(crate) fn pointers(
        &self,
        owner: &OwnerName,
        node: &Node,
        tree: &TreeName,
    ) -> Result<Vec<RecordSet>, Unfit> {
        let mut sets = self.direct(owner, node, is_delegation)?;
        for rrset in self.rrsets(owner, node).filter(|rrset| !is_delegation(rrset.record_type())) {
            let staged = self.names.staged(owner, tree).map_err(|error| unfit(owner, error))?;
            let alias = self.alias(staged, is_checked(rrset));
            sets.push(RecordSet::alias(owner.clone(), rrset.record_type(), alias));
        }
        self.fits(owner, sets.iter().map(Cost::of_set).sum::<Cost>().twice())?;
        Ok(sets)
    }

    /// The record sets of the types that are picked, at the owner name itself.
    fn direct(
        &self,
        owner: &OwnerName,
        node: &Node,
        picks: impl Fn(RecordType) -> bool,
    ) -> Result<Vec<RecordSet>, Unfit> {
        let unfit = |reason: Reason| unfit(owner, reason);
        if self.names.is_reserved(owner) {
            return Err(unfit(Reason::Reserved));
        }
        let mut sets = Vec::new();
        for rrset in self.rrsets(owner, node).filter(|rrset| picks(rrset.record_type())) {
            sets.extend(self.rrset(owner, rrset).map_err(unfit)?);
        }
        Ok(sets)
    }

    fn rrsets<'n>(&self, owner: &OwnerName, node: &'n Node) -> impl Iterator<Item = &'n RRset> {
        let is_apex = owner == self.names.zone();
        let is_route53s = move |kind| is_apex && matches!(kind, RecordType::SOA | RecordType::NS);
        node.rrsets().filter(move |rrset| !is_route53s(rrset.record_type()))
    }

    fn fits(&self, owner: &OwnerName, cost: Cost) -> Result<(), Unfit> {
        let limit = self.limits.beside_fence();
        if cost.fits(limit) {
            return Ok(());
        }
        Err(unfit(owner, Reason::NoBatch { cost, limit }))
    }

    /// The record sets of one RRset, all of them at `name`.
    fn rrset(&self, name: &OwnerName, rrset: &RRset) -> Result<Vec<RecordSet>, Reason> {
        let (record_type, ttl) = (rrset.record_type(), rrset.ttl().seconds());
        if record_type == RecordType::SOA {
            return Err(Reason::Soa);
        }
        match rrset.records() {
            Records::Simple(records) => {
                self.at_most(record_type, "values", records.len(), self.limits.values)?;
                let values: Vec<Value> =
                    records.iter().map(|data| self.value(data)).collect::<Result<_, _>>()?;
                Ok(vec![RecordSet::simple(name.clone(), record_type, ttl, values)])
            }
            Records::Weighted(members) => {
                self.at_most(record_type, "weighted members", members.len(), self.limits.group)?;
                members.iter().map(|member| self.member(name, record_type, ttl, member)).collect()
            }
            Records::Multivalue(candidates) => {
                self.at_most(record_type, "multivalue candidates", candidates.len(), self.limits.group)?;
                let candidate = |candidate: &Candidate| {
                    let values = vec![self.value(&candidate.data)?];
                    let mut set = RecordSet::simple(name.clone(), record_type, ttl, values)
                        .identified(&candidate.id, Routing::Multivalue);
                    set.health_check.clone_from(&candidate.health_check);
                    Ok(set)
                };
                candidates.iter().map(candidate).collect()
            }
        }
    }

    fn member(
        &self,
        name: &OwnerName,
        record_type: RecordType,
        ttl: u32,
        member: &Member,
    ) -> Result<RecordSet, Reason> {
        let values = vec![self.value(&member.data)?];
        let mut set = RecordSet::simple(name.clone(), record_type, ttl, values)
            .identified(&member.id, Routing::Weight(member.weight));
        set.health_check.clone_from(&member.health_check);
        Ok(set)
    }

    /// A weighted RRset in groups, and an alias for each. Heavy and light members are dealt out in turn, so that the
    /// groups weigh much the same and the aliases' weights, of 8 bits each, lose little.
    fn nested(
        &self,
        owner: &OwnerName,
        tree: &TreeName,
        rrset: &RRset,
        members: &[Member],
    ) -> Result<Vec<RecordSet>, Reason> {
        let (record_type, ttl) = (rrset.record_type(), rrset.ttl().seconds());
        let limit = self.limits.group;
        self.at_most(record_type, "weighted members", members.len(), limit * limit)?;
        let groups = members.len().div_ceil(limit);
        let mut dealt: Vec<&Member> = members.iter().collect();
        dealt.sort_by(|left, right| (right.weight, &left.id).cmp(&(left.weight, &right.id)));
        let group = |index: usize| dealt.iter().copied().skip(index).step_by(groups);
        let sums: Vec<u32> =
            (0..groups).map(|index| group(index).map(|member| u32::from(member.weight)).sum()).collect();
        let staged = self.names.staged(owner, tree)?;
        let (mut sets, mut aliases) = (Vec::new(), Vec::new());
        for (index, weight) in weights(&sums).into_iter().enumerate() {
            let name = self.names.group(owner, tree, index + 1)?;
            for member in group(index) {
                sets.push(self.member(&name, record_type, ttl, member)?);
            }
            let alias = self.alias(name, group(index).any(|member| member.health_check.is_some()));
            let id = format!("group-{}", index + 1);
            aliases.push(
                RecordSet::alias(staged.clone(), record_type, alias).identified(&id, Routing::Weight(weight)),
            );
        }
        sets.append(&mut aliases);
        Ok(sets)
    }

    fn alias(&self, target: OwnerName, evaluate_target_health: bool) -> Alias {
        Alias { target, zone_id: self.zone_id.clone(), evaluate_target_health }
    }

    fn value(&self, data: &RData) -> Result<Value, Reason> {
        let value = Value::of(data)?;
        let (length, limit) = (value.text().len(), self.limits.value);
        if length > limit {
            return Err(Reason::LongValue { record_type: type_text(data.record_type()), length, limit });
        }
        Ok(value)
    }

    fn at_most(
        &self,
        record_type: RecordType,
        what: &'static str,
        count: usize,
        limit: usize,
    ) -> Result<(), Reason> {
        if count <= limit {
            return Ok(());
        }
        Err(Reason::TooMany { record_type: type_text(record_type), what, count, limit })
    }
}

fn unfit(owner: &OwnerName, reason: impl Into<Reason>) -> Unfit {
    Unfit { owner: owner.clone(), reason: Box::new(reason.into()) }
}

/// Whether a health check withholds any of its records.
fn is_checked(rrset: &RRset) -> bool {
    match rrset.records() {
        Records::Simple(_) => false,
        Records::Weighted(members) => members.iter().any(|member| member.health_check.is_some()),
        Records::Multivalue(candidates) => {
            candidates.iter().any(|candidate| candidate.health_check.is_some())
        }
    }
}

/// Weights of 8 bits in the proportions of `sums`: exactly so where that can be, and none becomes 0 that was not.
fn weights(sums: &[u32]) -> Vec<u8> {
    let divisor = sums.iter().copied().fold(0, gcd).max(1);
    let largest = sums.iter().copied().max().unwrap_or(0) / divisor;
    let scaled = |sum: u32| {
        let sum = sum / divisor;
        if largest <= u32::from(u8::MAX) || sum == 0 {
            return sum;
        }
        ((sum * u32::from(u8::MAX) + largest / 2) / largest).max(1)
    };
    sums.iter().map(|sum| u8::try_from(scaled(*sum)).expect("invariant: scaled to 255 at most")).collect()
}

fn gcd(left: u32, right: u32) -> u32 {
    if right == 0 { left } else { gcd(right, left % right) }
}

#[cfg(test)]
mod tests;
