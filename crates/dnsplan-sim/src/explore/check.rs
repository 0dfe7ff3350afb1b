//! What must hold, judged from what the target holds and answers.
//!
//! 1. G1 and G2 are about steps: what an endpoint answered before and after. G3, G4, G6 and G7 are about states; a step
//!    is to blame for what it adds, so that what a hand damaged is not laid to whoever writes next.
//! 2. A hand may take answers and the record away, and a rewind may change everything: that is what they are.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_enactor::{FenceRecord, Layout, TreeName};
use dnsplan_fence::Offer;
use dnsplan_plan::{Node, OwnerName, Plan};

use super::kernel::{ABSENT, ContentsId, FenceId, Kernel, Memo, StoreId};
use super::state::Place;
use super::weak::name_of;
use crate::Invariant;

/// What was judged before.
#[derive(Default)]
pub(super) struct Marks {
    answers: Memo<ContentsId, [u8; 2]>,
    defects: Memo<(ContentsId, FenceId), u16>,
    is_newest: Memo<(ContentsId, FenceId, StoreId), bool>,
}

/// An invariant that a step broke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Broken {
    pub(super) invariant: Invariant,
    pub(super) what: String,
}

/// Bits of a place's defects: these for each owner name, shifted by its index, and those of the record.
const DANGLING: u16 = 1;
const OUT_OF_RANGE: u16 = 1 << 4;
const TREE_GONE: u16 = 1 << 8;
const NO_PLAN: u16 = 1 << 9;

impl Kernel {
    /// The generation that each endpoint is answered from; 0 where there is no answer.
    pub(super) fn answers(&mut self, contents: ContentsId) -> [u8; 2] {
        if let Some(answers) = self.marks.answers.get(&contents) {
            return *answers;
        }
        let target = self.load(contents, ABSENT);
        let of = |owner: &OwnerName| target.answer(owner).map_or(0, |node| self.generation_of(owner, &node));
        let answers = [of(&self.plans.owners[0]), of(&self.plans.owners[1])];
        self.marks.answers.insert(contents, answers);
        answers
    }

    /// The generation of the plan that gives an owner name this content.
    fn generation_of(&self, owner: &OwnerName, node: &Node) -> u8 {
        let is_its = |plan: &&Arc<Plan>| plan.zone().node(owner).is_some_and(|its| **its == *node);
        let plan = self.plans.all.iter().find(is_its).expect("invariant: every answer is some plan's");
        super::moves::number(plan.generation())
    }

    /// What a step that is neither a hand's nor a rewind broke.
    pub(super) fn broken(&mut self, before: Place, after: Place) -> Option<Broken> {
        let (was, is) = (self.answers(before.contents), self.answers(after.contents));
        let owners = &self.plans.owners;
        let broken = |invariant, what| Some(Broken { invariant, what });
        for (owner, (was, is)) in owners.iter().zip(was.into_iter().zip(is)) {
            if was > 0 && is == 0 {
                return broken(Invariant::NeverEmpty, format!("{owner} has no answer any more"));
            }
            if was > is {
                let what = format!("{owner} was answered from generation {was}, and is from {is}");
                return broken(Invariant::NeverBackwards, what);
            }
        }
        if let (Some(was), Some(is)) = (self.record(before.fence), self.record(after.fence))
            && is.generation < was.generation
        {
            let what = format!("the record went from generation {} to {}", was.generation, is.generation);
            return broken(Invariant::NeverBackwards, what);
        }
        let added = self.defects(after) & !self.defects(before);
        let kinds = [
            (TREE_GONE, Invariant::LivePlanKept, "the tree of the live plan is not whole"),
            (DANGLING * 0xf, Invariant::LivePlanKept, "something points at a tree that has nothing there"),
            (OUT_OF_RANGE * 0xf, Invariant::Whole, "an owner name is not as a plan from base to generation"),
            (NO_PLAN, Invariant::OnlyPlans, "the record grants what is no plan"),
        ];
        let (_, invariant, what) = kinds.into_iter().find(|(bits, ..)| added & bits != 0)?;
        broken(invariant, what.to_owned())
    }

    fn defects(&mut self, place: Place) -> u16 {
        let key = (place.contents, place.fence);
        if let Some(defects) = self.marks.defects.get(&key) {
            return *defects;
        }
        let record = self.record(place.fence).filter(|record| !record.generation.is_zero());
        let of_record = record.map_or(0, |record| self.record_defects(record, place.contents));
        let of_owner =
            |(index, owner): (usize, &OwnerName)| self.owner_defects(record, place.contents, owner) << index;
        let defects =
            self.plans.owners.iter().enumerate().map(of_owner).fold(of_record, |all, one| all | one);
        self.marks.defects.insert(key, defects);
        defects
    }

    fn record_defects(&self, record: &FenceRecord, contents: ContentsId) -> u16 {
        let name = TreeName { generation: record.generation, digest: record.digest };
        let Some(plan) = self.plans.named(name) else { return NO_PLAN };
        let there = self.there(contents);
        let tree = there.contents.trees.get(&name);
        let is_kept = |(owner, node): (&OwnerName, &Arc<Node>)| {
            tree.is_some_and(|tree| tree.get(owner) == Some(node))
                || there.missing.contains(&(name, owner.clone()))
        };
        let is_whole = self.config.layout != Layout::Tree || plan.zone().nodes().all(is_kept);
        if is_whole { 0 } else { TREE_GONE }
    }

    fn owner_defects(&self, record: Option<&FenceRecord>, contents: ContentsId, owner: &OwnerName) -> u16 {
        let there = self.there(contents);
        let (name, node) = match there.contents.pointers.get(owner) {
            Some(name) => (Some(*name), there.contents.trees.get(name).and_then(|tree| tree.get(owner))),
            None => (None, there.contents.nodes.get(owner)),
        };
        let is_missed = name.is_some_and(|name| !there.missing.contains(&(name, owner.clone())));
        let Some(node) = node else { return if is_missed { DANGLING } else { 0 } };
        let Some(record) = record else { return 0 };
        let is_its = |plan: &&Arc<Plan>| {
            let is_named = name.is_none_or(|name| name == name_of(plan));
            let is_in_range = (record.base..=record.generation).contains(&plan.generation());
            is_named && is_in_range && plan.zone().node(owner) == Some(node)
        };
        if self.plans.all.iter().any(|plan| is_its(&plan)) { 0 } else { OUT_OF_RANGE }
    }

    /// Whether the newest plan is live, whole and settled.
    pub(super) fn is_newest(&mut self, place: Place, store: StoreId) -> bool {
        let key = (place.contents, place.fence, store);
        if let Some(is_newest) = self.marks.is_newest.get(&key) {
            return *is_newest;
        }
        let view = self.store(store);
        let is_newest = view.get(&self.plans, view.head()).is_some_and(|newest| {
            let plan = self.plans.get(newest);
            let is_granted = self.record(place.fence).is_some_and(|record| {
                record.generation == plan.generation()
                    && record.digest == plan.digest()
                    && record.is_settled()
            });
            is_granted && {
                let audit = self.load(place.contents, ABSENT).inspect(plan, &BTreeSet::new());
                audit.differing.is_empty()
            }
        });
        self.marks.is_newest.insert(key, is_newest);
        is_newest
    }
}
