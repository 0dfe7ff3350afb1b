//! From the record sets that are there to those that are wanted, in as few record elements as that takes.
//!
//! 1. What is deleted is deleted exactly as it was found, so that a batch fails where somebody else was faster.
//! 2. Route 53 takes the changes of a batch one after the other, and every state on the way must be valid: deletions
//!    come first, and aliases come after what they point at.
//! 3. An UPSERT costs twice, and cannot make a set of another kind: a CNAME in place of an A, a weighted one in place
//!    of a simple one, another TTL for one of several weighted ones ("weighted sets must contain the same TTL"). There
//!    it is a DELETE and a CREATE.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use dnsplan_plan::{OwnerName, RecordType};

use crate::cost::{Cost, Limits};
use crate::record::{Body, Change, RecordSet, Routing, SetKey};
use crate::value::type_text;

/// An owner name has record sets that nobody here can have made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{owner} is taken: {by}; take that away, or leave the name out of the plan")]
pub(crate) struct Taken {
    /// The owner name.
    pub(crate) owner: OwnerName,
    /// What is there, and whose it is as far as that shows.
    pub(crate) by: String,
}

/// A batch costs more than Route 53 takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the batch costs {cost}, Route 53 takes {limit}: cut it into smaller parts")]
pub(crate) struct TooLarge {
    /// What it costs.
    pub(crate) cost: Cost,
    /// What one may cost.
    pub(crate) limit: Cost,
}

/// The changes from `now` to `wanted`. Both hold everything that belongs to the unit that is changed: an owner name in
/// place, or what is staged for one. Where they cost more than `room`, everything is deleted and created: what fits a
/// batch twice can so take the place of anything else that does.
///
/// # Errors
/// [`Taken`] where `now` holds what only somebody else can have made.
pub(crate) fn changes(now: &[RecordSet], wanted: &[RecordSet], room: Cost) -> Result<Vec<Change>, Taken> {
    if let Some(other) = now.iter().find(|set| !set.is_known()) {
        return Err(Taken { owner: other.name.clone(), by: foreign_text(other) });
    }
    let before: BTreeMap<SetKey, &RecordSet> = now.iter().map(|set| (set.key(), set)).collect();
    let after: BTreeMap<SetKey, &RecordSet> = wanted.iter().map(|set| (set.key(), set)).collect();
    let anew = anew(&before, &after);
    let least = ordered(&before, &after, |key, old, new| {
        anew.contains(&(&key.name, key.record_type)) || is_cheaper_anew(old, new)
    });
    if Cost::of_all(&least).fits(room) { Ok(least) } else { Ok(ordered(&before, &after, |_, _, _| true)) }
}

/// Everything that is there is deleted, and everything that is wanted created: whatever there is, it costs no more than both together.
pub(crate) fn all_anew(now: &[RecordSet], wanted: &[RecordSet]) -> Vec<Change> {
    let mut put: Vec<Change> = wanted.iter().cloned().map(Change::Create).collect();
    put.sort_by_key(|change| change.record_set().target().is_some());
    now.iter().cloned().map(Change::Delete).chain(put).collect()
}

/// The changes in an order that Route 53 takes. Those record sets that differ are made anew where `is_anew` says so.
fn ordered(
    before: &BTreeMap<SetKey, &RecordSet>,
    after: &BTreeMap<SetKey, &RecordSet>,
    is_anew: impl Fn(&SetKey, &RecordSet, &RecordSet) -> bool,
) -> Vec<Change> {
    let (mut gone, mut put) = (Vec::new(), Vec::new());
    for (key, old) in before {
        match after.get(key) {
            None => gone.push(Change::Delete((*old).clone())),
            Some(new) if new == old => {}
            Some(new) if is_anew(key, old, new) => {
                gone.push(Change::Delete((*old).clone()));
                put.push(Change::Create((*new).clone()));
            }
            Some(new) => put.push(Change::Upsert((*new).clone())),
        }
    }
    let created = after.iter().filter(|(key, _)| !before.contains_key(*key));
    put.extend(created.map(|(_, new)| Change::Create((*new).clone())));
    put.sort_by_key(|change| change.record_set().target().is_some());
    gone.append(&mut put);
    gone
}

/// The names and types of which no record set can be put over another one.
fn anew<'a>(
    before: &BTreeMap<SetKey, &'a RecordSet>,
    after: &BTreeMap<SetKey, &RecordSet>,
) -> BTreeSet<(&'a OwnerName, RecordType)> {
    let changes_kind = |(key, old): (&SetKey, &&'a RecordSet)| {
        let is_other = after.get(key).is_some_and(|new| is_other_kind(old, new));
        is_other.then_some((&old.name, old.record_type))
    };
    before.iter().filter_map(changes_kind).collect()
}

fn is_other_kind(old: &RecordSet, new: &RecordSet) -> bool {
    let routing = |set: &RecordSet| set.identity.as_ref().map(|identity| discriminant(&identity.routing));
    let is_one_of_several = new.identity.is_some();
    routing(old) != routing(new)
        || is_one_of_several && (ttl(old) != ttl(new) || discriminant(&old.body) != discriminant(&new.body))
}

const fn ttl(set: &RecordSet) -> Option<u32> {
    match &set.body {
        Body::Values { ttl, .. } => Some(*ttl),
        Body::Alias(_) | Body::Other(_) => None,
    }
}

/// Whether to delete the old and create the new takes fewer elements than to put the new over the old.
fn is_cheaper_anew(old: &RecordSet, new: &RecordSet) -> bool {
    let (anew, over) = (Cost::of_set(old) + Cost::of_set(new), Cost::of_set(new).twice());
    anew.elements < over.elements && anew.characters <= over.characters
}

fn foreign_text(set: &RecordSet) -> String {
    let what = match (&set.identity, &set.body) {
        (_, Body::Other(what)) => what.to_string(),
        (Some(identity), _) => match &identity.routing {
            Routing::Other(routing) => format!("{routing} {:?}", identity.id),
            Routing::Weight(_) | Routing::Multivalue => format!("{:?}", identity.id),
        },
        (None, _) => String::new(),
    };
    format!("it has {} records that are no plan's ({what})", type_text(set.record_type))
}

/// A batch: the fence first, which must be exactly what was loaded, and then the changes.
///
/// # Errors
/// [`TooLarge`] where Route 53 would not take it.
pub(crate) fn batch(
    fence: Option<RecordSet>,
    next: RecordSet,
    changes: Vec<Change>,
    limits: &Limits,
) -> Result<Vec<Change>, TooLarge> {
    let mut batch: Vec<Change> = fence.into_iter().map(Change::Delete).collect();
    batch.push(Change::Create(next));
    batch.extend(changes);
    let cost = Cost::of_all(&batch);
    if cost.fits(limits.batch) { Ok(batch) } else { Err(TooLarge { cost, limit: limits.batch }) }
}

#[cfg(test)]
mod tests;
