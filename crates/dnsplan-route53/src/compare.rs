//! Comparing what a zone holds with what a plan wants: drift, and the trees that are there.
//!
//! 1. At an owner name, what is of a type that no plan had there is somebody else's: never touched and never reported.
//!    An alias into one of our trees is ours wherever it is.
//! 2. In a tree, everything is ours by its name. What a tree has beside its plan's owner names is reached by nobody,
//!    and goes when the tree does.
//! 3. Where another tool says that a name is its own, nothing is left over from us there.

use std::collections::{BTreeMap, BTreeSet};

use dnsplan_enactor::{Audit, Layout, TreeName};
use dnsplan_plan::{Node, OwnerName, Plan, RecordType};

use crate::cost::Cost;
use crate::cut::tree_of;
use crate::markers::claimed;
use crate::name::abbreviate;
use crate::record::RecordSet;
use crate::wanted::{Unfit, Wanted};
use crate::zone_map::ZoneMap;

/// What differs in `zone` from `plan`, but for the owner names set aside, and which trees there are; a tree is there as
/// often as it takes batches to delete it. `ours` are the owner names and types that a plan has or had.
pub(crate) fn audit(
    wanted: &Wanted,
    layout: Layout,
    zone: &ZoneMap,
    plan: &Plan,
    set_aside: &BTreeSet<OwnerName>,
    ours: &BTreeSet<(OwnerName, RecordType)>,
) -> Audit {
    let look = Look { wanted, layout, plan, ours, there: There::of(wanted, zone) };
    let planned =
        plan.zone().nodes().filter(|(owner, node)| look.differs(owner, node)).map(|(owner, _)| owner);
    let left = look.there.own.keys().copied().filter(|owner| plan.zone().node(owner).is_none());
    let left = left.filter(|owner| !look.ours_at(owner).is_empty() && claimed(zone, owner).is_none());
    let differing = planned.chain(left).filter(|owner| !set_aside.contains(*owner)).cloned().collect();
    let deletions =
        |tree: &TreeName| std::iter::repeat_n(*tree, batches(wanted, look.there.trees[tree].values()));
    Audit { differing, trees: look.there.trees.keys().flat_map(deletions).collect(), held: look.held() }
}

/// What a zone holds, sorted.
struct There<'z> {
    /// At owner names; what is kept for the fence is none.
    own: BTreeMap<&'z OwnerName, Vec<&'z RecordSet>>,
    /// In trees, by the owner name that it was staged for.
    trees: BTreeMap<TreeName, BTreeMap<OwnerName, Vec<&'z RecordSet>>>,
}

impl<'z> There<'z> {
    fn of(wanted: &Wanted, zone: &'z ZoneMap) -> Self {
        let names = &wanted.names;
        let mut there = Self { own: BTreeMap::new(), trees: BTreeMap::new() };
        for set in zone.sets().filter(|set| !wanted.is_route53s(&set.name, set.record_type)) {
            if let Some(staged) = names.parse_staged(&set.name) {
                there.trees.entry(staged.tree).or_default().entry(staged.owner).or_default().push(set);
            } else if !names.is_reserved(&set.name) {
                there.own.entry(&set.name).or_default().push(set);
            }
        }
        there
    }
}

struct Look<'a> {
    wanted: &'a Wanted,
    layout: Layout,
    plan: &'a Plan,
    ours: &'a BTreeSet<(OwnerName, RecordType)>,
    there: There<'a>,
}

impl Look<'_> {
    /// Whether an owner name of the plan is not as the plan says. One that Route 53 cannot have is not.
    fn differs(&self, owner: &OwnerName, node: &Node) -> bool {
        let is_placed = self.placed(owner, node).is_ok_and(|sets| {
            let is_planned = |set: &&&RecordSet| node.get(set.record_type).is_some();
            let own = self.there.own.get(owner).into_iter().flatten();
            let here = own.filter(|set| is_planned(set) || self.is_ours(set)).copied();
            same(here, &sets)
        });
        let is_staged = || {
            let tree = tree_of(self.plan);
            let here = self.there.trees.get(&abbreviate(&tree)).and_then(|tree| tree.get(owner));
            let staged = self.wanted.staged(owner, node, &tree);
            staged.is_ok_and(|sets| same(here.into_iter().flatten().copied(), &sets))
        };
        !is_placed || self.layout == Layout::Tree && !is_staged()
    }

    fn placed(&self, owner: &OwnerName, node: &Node) -> Result<Vec<RecordSet>, Unfit> {
        match self.layout {
            Layout::Tree => self.wanted.pointers(owner, node, &tree_of(self.plan)),
            Layout::InPlace | Layout::Whole => self.wanted.in_place(owner, node),
        }
    }

    fn ours_at(&self, owner: &OwnerName) -> Vec<&RecordSet> {
        let own = self.there.own.get(owner).into_iter().flatten();
        own.filter(|set| self.is_ours(set)).copied().collect()
    }

    fn is_ours(&self, set: &RecordSet) -> bool {
        self.points_to(set).is_some() || self.ours.contains(&(set.name.clone(), set.record_type))
    }

    /// The tree that a record set at an owner name points into. One of an unreadable name points into no tree that can
    /// be named.
    fn points_to(&self, set: &RecordSet) -> Option<Option<TreeName>> {
        let names = &self.wanted.names;
        let target = set.target().map(|alias| &alias.target).filter(|target| names.is_reserved(target))?;
        Some(names.parse_staged(target).map(|staged| staged.tree))
    }

    fn held(&self) -> BTreeSet<TreeName> {
        let own = self.there.own.values().flatten();
        own.filter_map(|set| self.points_to(set)?).collect()
    }
}

/// Whether what is there, in the zone's order, is what is wanted, in whatever order.
fn same<'a>(here: impl Iterator<Item = &'a RecordSet>, wanted: &[RecordSet]) -> bool {
    let mut wanted: Vec<&RecordSet> = wanted.iter().collect();
    wanted.sort_unstable();
    here.eq(wanted)
}

/// How many batches it takes to delete a tree.
fn batches<'a>(wanted: &Wanted, sets: impl Iterator<Item = &'a Vec<&'a RecordSet>>) -> usize {
    let room = wanted.limits.beside_fence();
    // What points into the tree from within goes first.
    let mut sets: Vec<&RecordSet> = sets.flatten().copied().collect();
    sets.sort_by_key(|set| set.target().is_none());
    let (mut count, mut sum) = (1, Cost::ZERO);
    for cost in sets.into_iter().map(Cost::of_set) {
        if !(sum + cost).fits(room) {
            (count, sum) = (count + 1, Cost::ZERO);
        }
        sum += cost;
    }
    count
}

#[cfg(test)]
mod tests;
