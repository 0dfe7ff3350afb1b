//! Cutting a plan into parts that fit a message each.
//!
//! 1. The cut is a pure function of the plan, the basis and the room in a message, so that any enactor can go on where another one
//!    stopped.
//! 2. What is pointed at comes before what points at it, and what is taken away comes last: additions first.
//! 3. With a guess at what is there, a part costs what its changes would. For the worst case some deletions are assumed. Where that
//!    was too little, each owner name is a part of its own. Which of the three it was shows in the number of parts, which is never
//!    the same for different cuts; nor is that of another cut the number for the worst case and one more, which is how a chain begins
//!    anew.
//! 4. An owner name that the server cannot have costs nothing: it is set aside.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use dnsplan_enactor::partition::order;
use dnsplan_enactor::{Basis, Cut};
use dnsplan_fence::{Digest, Generation, Offer};
use dnsplan_plan::{OwnerName, Plan};

use crate::content::Node;
use crate::wanted::{Wanted, cost};

/// How many cuts are kept: the ways to cut one plan, and those of the plan before.
const KEPT: usize = 8;

/// The parts of a plan: at least one.
pub(crate) type Parts = Vec<Vec<OwnerName>>;

/// Cuts a plan.
pub(crate) fn cut(wanted: &Wanted, plan: &Plan, basis: &Basis) -> Parts {
    let owners: BTreeSet<OwnerName> = match basis {
        Basis::Changed { owners, .. } => owners.clone(),
        Basis::Unknown => plan.zone().nodes().map(|(owner, _)| owner.clone()).collect(),
    };
    let ordered = order(plan.zone(), &owners);
    let node = |plan: &Plan, owner: &OwnerName| match plan.zone().node(owner) {
        Some(node) => wanted.node(owner, node).ok(),
        None => Some(Node::new()),
    };
    let guess = match basis {
        Basis::Changed { cut: Cut::Worst, .. } | Basis::Unknown => None,
        Basis::Changed { from, .. } => from.as_deref(),
    };
    let costs = |owner: &OwnerName| {
        let Some(after) = node(plan, owner) else { return (0, 0) };
        let worst = cost(owner, &after, None);
        // What the server could not have was never put there.
        let before = guess.map(|from| node(from, owner).unwrap_or_default());
        (worst, before.map_or(worst, |before| cost(owner, &after, Some(&before))))
    };
    let (worst, guessed): (Vec<usize>, Vec<usize>) = ordered.iter().map(costs).unzip();
    let guessed = guess.map(|_| guessed.as_slice());
    let parts = pick(basis, guessed, pack(&worst, wanted.room), wanted.room);
    parts.into_iter().map(|part| ordered[part].to_vec()).collect()
}

/// The cut that the basis asks for.
fn pick(
    basis: &Basis,
    guessed: Option<&[usize]>,
    worst: Vec<Range<usize>>,
    room: usize,
) -> Vec<Range<usize>> {
    let of = worst.last().map_or(0, |last| last.end);
    let longest = worst.len() + 1;
    let cut = match guessed {
        Some(costs) => tell_apart(costs, worst, room),
        None => worst,
    };
    let Basis::Changed { cut: Cut::Single, .. } = basis else { return cut };
    let mut single: Vec<Range<usize>> = (0..of).map(|at| at..at + 1).collect();
    while single.len() <= longest.max(cut.len()) {
        single.push(of..of);
    }
    single
}

/// A cut for what is guessed that has another number of parts than the one for the worst case and the one after it, or is the same.
fn tell_apart(guessed: &[usize], worst: Vec<Range<usize>>, room: usize) -> Vec<Range<usize>> {
    let mut cut = pack(guessed, room);
    let fits = |part: &Range<usize>| part.len() <= 1 || guessed[part.clone()].iter().sum::<usize>() <= room;
    if cut.len() == worst.len() && worst.iter().all(fits) {
        return worst;
    }
    // Only where more is deleted than is assumed for the worst case, and so seldom.
    while cut.len() == worst.len() || cut.len() == worst.len() + 1 {
        cut.push(guessed.len()..guessed.len());
    }
    cut
}

/// Fills parts in order.
fn pack(costs: &[usize], room: usize) -> Vec<Range<usize>> {
    let mut cut = Vec::new();
    let (mut from, mut sum) = (0, 0);
    for (index, cost) in costs.iter().enumerate() {
        if index > from && sum + cost > room {
            cut.push(from..index);
            (from, sum) = (index, 0);
        }
        sum += cost;
    }
    cut.push(from..costs.len());
    cut
}

/// All that a cut depends on, beside the settings.
#[derive(PartialEq, Eq)]
struct Key {
    plan: (Generation, Digest),
    owners: Option<BTreeSet<OwnerName>>,
    from: Option<(Generation, Digest)>,
    way: Cut,
}

impl Key {
    fn is_of(&self, plan: &Plan, basis: &Basis) -> bool {
        let (owners, from, way) = read(basis);
        self.plan == name(plan)
            && self.way == way
            && self.from == from.map(name)
            && self.owners.as_ref() == owners
    }
}

/// The cuts made last: an enactor asks for the same ones at every look, and a large plan takes long to cut.
#[derive(Default)]
pub(crate) struct Cuts(Mutex<VecDeque<(Key, Arc<Parts>)>>);

impl Cuts {
    /// The parts of a plan on a basis.
    pub(crate) fn of(&self, wanted: &Wanted, plan: &Plan, basis: &Basis) -> Arc<Parts> {
        let mut kept = self.0.lock().expect("invariant: nothing panics while it is locked");
        if let Some((_, parts)) = kept.iter().find(|(key, _)| key.is_of(plan, basis)) {
            return Arc::clone(parts);
        }
        let parts = Arc::new(cut(wanted, plan, basis));
        let (owners, from, way) = read(basis);
        let key = Key { plan: name(plan), owners: owners.cloned(), from: from.map(name), way };
        kept.push_front((key, Arc::clone(&parts)));
        kept.truncate(KEPT);
        parts
    }
}

fn name(plan: &Plan) -> (Generation, Digest) {
    (plan.generation(), plan.digest())
}

fn read(basis: &Basis) -> (Option<&BTreeSet<OwnerName>>, Option<&Plan>, Cut) {
    match basis {
        Basis::Changed { owners, from, cut, .. } => (Some(owners), from.as_deref(), *cut),
        Basis::Unknown => (None, None, Cut::Worst),
    }
}

#[cfg(test)]
mod tests;
