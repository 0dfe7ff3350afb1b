//! Cutting a plan into parts that fit a batch each.
//!
//! 1. The cut is a pure function of the plan, the basis, the layout and the limits, so that any enactor can go on where
//!    another one stopped.
//! 2. Parts are filled in order, each as far as it goes: with changes of one value each, 499 updates or 998 creations.
//! 3. With a guess at what is there, a part costs what its changes would. Without it the worst is assumed: that
//!    everything has to be put over something else of its size. Where that was too little, each owner name is a part of
//!    its own, which always fits. Which of the three it was shows in the number of parts, which is never the same for
//!    different cuts; nor is that of another cut the number for the worst case and one more, which is how a chain
//!    begins anew.
//! 4. An owner name that Route 53 cannot have costs nothing: it is set aside. One that costs more than a batch is a
//!    part of its own.

use std::collections::BTreeSet;
use std::ops::Range;

use dnsplan_enactor::partition::order;
use dnsplan_enactor::{Basis, Cut, Layout, TreeName};
use dnsplan_fence::Offer;
use dnsplan_plan::{Node, OwnerName, Plan};

use crate::changes::changes;
use crate::cost::Cost;
use crate::record::RecordSet;
use crate::wanted::{Unfit, Wanted};

/// What is assumed that it costs to take an owner name away of which nobody knows what it has: a full weighted RRset.
const UNKNOWN_REMOVAL: Cost = Cost { elements: 100, characters: 2800 };

/// The tree of a plan.
pub(crate) fn tree_of(plan: &Plan) -> TreeName {
    TreeName { generation: plan.generation(), digest: plan.digest() }
}

/// The parts in which a plan's tree is staged: at least one. Each owner name is created once; where nobody can say what
/// is there already, it is put over that.
pub(crate) fn stage(wanted: &Wanted, plan: &Plan, basis: &Basis) -> Vec<Vec<OwnerName>> {
    let room = wanted.limits.beside_fence();
    let ordered = order(plan.zone(), &owners_of(plan));
    let tree = tree_of(plan);
    let cost = |owner: &OwnerName| {
        let node = plan.zone().node(owner).expect("invariant: these are the plan's own owner names");
        wanted.staged(owner, node, &tree).map_or(Cost::ZERO, |sets| sets.iter().map(Cost::of_set).sum())
    };
    let costs: Vec<Cost> = ordered.iter().map(cost).collect();
    let worst: Vec<Cost> = costs.iter().copied().map(Cost::twice).collect();
    let worst = pack(&worst, room);
    let guessed = guess_of(basis).map(|_| costs.as_slice());
    parts(&ordered, &pick(basis, guessed, worst, room))
}

/// The parts in which a plan is put in place, or its pointers are flipped to its tree: at least one.
pub(crate) fn place(wanted: &Wanted, layout: Layout, plan: &Plan, basis: &Basis) -> Vec<Vec<OwnerName>> {
    let room = wanted.limits.beside_fence();
    let ordered = order(plan.zone(), &scope(layout, plan, basis));
    let costs = Costs { wanted, layout, plan };
    let worst: Vec<Cost> = ordered.iter().map(|owner| costs.worst(owner)).collect();
    let worst = pack(&worst, room);
    let guess =
        |from: &Plan| -> Vec<Cost> { ordered.iter().map(|owner| costs.guessed(owner, from)).collect() };
    let guessed = guess_of(basis).map(guess);
    parts(&ordered, &pick(basis, guessed.as_deref(), worst, room))
}

/// The plan to guess by, where anything is guessed.
fn guess_of(basis: &Basis) -> Option<&Plan> {
    match basis {
        Basis::Changed { cut: Cut::Worst, .. } | Basis::Unknown => None,
        Basis::Changed { from, .. } => from.as_deref(),
    }
}

/// The cut that the basis asks for.
fn pick(basis: &Basis, guessed: Option<&[Cost]>, worst: Vec<Range<usize>>, room: Cost) -> Vec<Range<usize>> {
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

/// The owner names that a plan's place parts go through.
fn scope(layout: Layout, plan: &Plan, basis: &Basis) -> BTreeSet<OwnerName> {
    match (basis, layout) {
        (Basis::Changed { owners, .. }, Layout::InPlace | Layout::Whole) => owners.clone(),
        (Basis::Changed { owners, .. }, Layout::Tree) => owners_of(plan).union(owners).cloned().collect(),
        (Basis::Unknown, _) => owners_of(plan),
    }
}

fn owners_of(plan: &Plan) -> BTreeSet<OwnerName> {
    plan.zone().nodes().map(|(owner, _)| owner.clone()).collect()
}

/// A cut for what is guessed that has another number of parts than the one for the worst case and the one after it, or
/// is the same.
fn tell_apart(guessed: &[Cost], worst: Vec<Range<usize>>, room: Cost) -> Vec<Range<usize>> {
    let mut cut = pack(guessed, room);
    let fits = |part: &Range<usize>| {
        part.len() <= 1 || guessed[part.clone()].iter().copied().sum::<Cost>().fits(room)
    };
    if cut.len() == worst.len() && worst.iter().all(fits) {
        return worst;
    }
    // Only where something costs more to change than to put there, and so seldom.
    while cut.len() == worst.len() || cut.len() == worst.len() + 1 {
        cut.push(guessed.len()..guessed.len());
    }
    cut
}

/// Fills parts in order. There is always one.
fn pack(costs: &[Cost], room: Cost) -> Vec<Range<usize>> {
    let mut cut = Vec::new();
    let (mut from, mut sum) = (0, Cost::ZERO);
    for (index, cost) in costs.iter().enumerate() {
        if index > from && !(sum + *cost).fits(room) {
            cut.push(from..index);
            (from, sum) = (index, Cost::ZERO);
        }
        sum += *cost;
    }
    cut.push(from..costs.len());
    cut
}

fn parts(ordered: &[OwnerName], cut: &[Range<usize>]) -> Vec<Vec<OwnerName>> {
    cut.iter().map(|part| ordered[part.clone()].to_vec()).collect()
}

/// What it costs to put an owner name in place.
struct Costs<'a> {
    wanted: &'a Wanted,
    layout: Layout,
    plan: &'a Plan,
}

impl Costs<'_> {
    fn sets(&self, plan: &Plan, owner: &OwnerName) -> Result<Vec<RecordSet>, Unfit> {
        plan.zone().node(owner).map_or(Ok(Vec::new()), |node| self.sets_of(plan, owner, node))
    }

    fn sets_of(&self, plan: &Plan, owner: &OwnerName, node: &Node) -> Result<Vec<RecordSet>, Unfit> {
        match self.layout {
            Layout::Tree => self.wanted.pointers(owner, node, &tree_of(plan)),
            Layout::InPlace | Layout::Whole => self.wanted.in_place(owner, node),
        }
    }

    fn worst(&self, owner: &OwnerName) -> Cost {
        if self.plan.zone().node(owner).is_none() {
            return UNKNOWN_REMOVAL;
        }
        let once = |sets: Vec<RecordSet>| sets.iter().map(Cost::of_set).sum::<Cost>();
        self.sets(self.plan, owner).map_or(Cost::ZERO, |sets| once(sets).twice())
    }

    fn guessed(&self, owner: &OwnerName, from: &Plan) -> Cost {
        let Ok(after) = self.sets(self.plan, owner) else { return Cost::ZERO };
        // What Route 53 could not have is not there; what is, nobody knows.
        let Ok(before) = self.sets(from, owner) else { return self.worst(owner) };
        let room = self.wanted.limits.beside_fence();
        let changes = changes(&before, &after, room).expect("invariant: what a plan wants is nobody else's");
        Cost::of_all(&changes)
    }
}

#[cfg(test)]
mod tests;
