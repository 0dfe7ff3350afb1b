//! Rules left out: what would be sent, or done, if one of them did not hold. Negative controls; nothing of it is
//! production.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_enactor::conformance::Contents;
use dnsplan_enactor::{FenceRecord, Layout, Rider, TreeName, partition};
use dnsplan_fence::{Generation, Move, Offer, Part, Progress, Stage};
use dnsplan_plan::{OwnerName, Plan};

use super::config::Rule;
use super::kernel::{ContentsId, FenceId, FormId, Kernel, StoreId, What};
use super::moves::{Decided, Look, Seen};
use super::plans::PlanId;

pub(super) fn name_of(plan: &Plan) -> TreeName {
    TreeName { generation: plan.generation(), digest: plan.digest() }
}

/// R4 left out: a first record that grants a plan.
pub(super) fn granting(first: &FenceRecord, plan: &Plan) -> FenceRecord {
    let generation = plan.generation();
    FenceRecord { generation, digest: plan.digest(), base: generation, ..first.clone() }
}

/// R4 left out: everything of a plan, at once.
pub(super) fn put_whole(there: &mut Contents, layout: Layout, plan: &Plan) {
    let nodes = plan.zone().nodes().map(|(owner, node)| (owner.clone(), Arc::clone(node)));
    if layout == Layout::Tree {
        there.trees.insert(name_of(plan), nodes.collect());
        there.pointers = plan.zone().nodes().map(|(owner, _)| (owner.clone(), name_of(plan))).collect();
    } else {
        there.nodes = nodes.collect();
    }
}

/// R9 left out: a tree is found by its number, so that of another plan is gone on with.
pub(super) fn share_trees(there: &mut Contents, rider: &Rider) {
    let Rider::Part { plan, .. } = rider else { return };
    let (mine, number) = (name_of(plan), plan.generation());
    let other = there.trees.keys().copied().find(|name| name.generation == number && *name != mine);
    if let Some(nodes) = other.and_then(|other| there.trees.remove(&other)) {
        there.trees.insert(mine, nodes);
    }
}

impl Kernel {
    pub(super) fn weaken(&mut self, fence: FenceId, store: StoreId, contents: ContentsId) -> Vec<FormId> {
        let Some(record) = self.record(fence).cloned() else { return Vec::new() };
        let view = self.store(store);
        let Some(newest) = view.get(&self.plans, view.head()) else { return Vec::new() };
        let trees: Vec<TreeName> = self.there(contents).contents.trees.keys().copied().collect();
        match self.config.without {
            Some(Rule::ReadyByRecord | Rule::StageWritesRecord) => {
                self.by_listing(&record, newest, fence, store, contents)
            }
            Some(Rule::ReapBelowBase) => {
                let older = trees.into_iter().filter(|tree| tree.generation < record.generation);
                older.map(|tree| self.reap_anyway(&record, tree, fence)).collect()
            }
            Some(Rule::ReapBelowFloor) => {
                let newer = trees.into_iter().filter(|tree| tree.generation > record.generation);
                newer.map(|tree| self.reap_anyway(&record, tree, fence)).collect()
            }
            Some(Rule::FloorUpToHead) => self.raise_too_high(&record, newest, fence).into_iter().collect(),
            Some(Rule::NewerThanLive) => self.go_back(&record, fence, store),
            Some(Rule::NamedByDigest) => self.go_on_with_another(&record, newest, fence, store),
            _ => Vec::new(),
        }
    }

    /// What is decided where the record is believed to be another one.
    fn believing(
        &mut self,
        plan: PlanId,
        fence: FenceId,
        store: StoreId,
        forge: impl FnOnce(&mut FenceRecord),
    ) -> Vec<FormId> {
        let seen: Option<Seen> = self.sight(fence, store, forge);
        let mut decided = Decided::default();
        if let Some(seen) = seen {
            self.decide_one(&seen, Some(plan), Look { fence, store, found: 0 }, &mut decided);
        }
        decided.sends
    }

    /// The parts of a tree that are listed count as staged.
    fn by_listing(
        &mut self,
        record: &FenceRecord,
        plan: PlanId,
        fence: FenceId,
        store: StoreId,
        contents: ContentsId,
    ) -> Vec<FormId> {
        let zone = self.plans.get(plan).zone().clone();
        let name = name_of(self.plans.get(plan));
        if name.generation <= record.generation {
            return Vec::new();
        }
        let owners: BTreeSet<OwnerName> = zone.nodes().map(|(owner, _)| owner.clone()).collect();
        let ordered = partition::order(&zone, &owners);
        let size = usize::from(self.config.batch);
        let of = partition::parts(ordered.len(), size);
        let tree = self.there(contents).contents.trees.get(&name);
        let has = |owner: &OwnerName| tree.is_some_and(|tree| tree.get(owner) == zone.node(owner));
        let done =
            (0..of).take_while(|index| partition::part(&ordered, size, *index).iter().all(has)).count();
        let progress = u32::try_from(done).ok().and_then(|done| Progress::new(done, of));
        let progress = progress.expect("invariant: not more parts than there are");
        let stage = Stage { generation: name.generation, digest: name.digest, progress };
        self.believing(plan, fence, store, |record| record.stage = Some(stage))
    }

    fn reap_anyway(&mut self, record: &FenceRecord, tree: TreeName, fence: FenceId) -> FormId {
        self.send(record, Move::Reap(tree.generation), fence, Rider::Reap { tree }, What::Reap(tree))
    }

    fn raise_too_high(&mut self, record: &FenceRecord, newest: PlanId, fence: FenceId) -> Option<FormId> {
        let floor = self.plans.get(newest).generation().next()?;
        let stage = record.stage.filter(|stage| stage.generation >= floor);
        let next = FenceRecord { floor, stage, ..record.clone() };
        let action = Move::RaiseFloor(floor);
        (record.floor < floor).then(|| self.send(&next, action, fence, Rider::Nothing, What::Floor(action)))
    }

    /// The first part of every older plan, as if the record did not say what is live.
    fn go_back(&mut self, record: &FenceRecord, fence: FenceId, store: StoreId) -> Vec<FormId> {
        let live = super::moves::number(record.generation);
        let older: Vec<PlanId> = (1..live).filter_map(|at| self.store(store).get(&self.plans, at)).collect();
        let mut forms = Vec::new();
        for plan in older {
            let (generation, digest) = (self.plans.get(plan).generation(), self.plans.get(plan).digest());
            let lower = |other: Generation| other.min(generation);
            let (base, floor) = (lower(record.base), lower(record.floor));
            let forged = FenceRecord {
                generation,
                digest,
                base,
                floor,
                flip: Progress::new(0, 2).unwrap_or_default(),
                stage: None,
                ..record.clone()
            };
            let seen = self.sight(fence, store, |there| *there = forged);
            let first = Part::new(0, 2).unwrap_or(Part::ONLY);
            let action = if self.is_tree() { Move::Flip(first) } else { Move::Apply(first) };
            forms.extend(seen.and_then(|seen| self.write_part(&seen, plan, action, fence, store)));
        }
        forms
    }

    /// A stage of the same number counts as the plan's, whatever its content.
    fn go_on_with_another(
        &mut self,
        record: &FenceRecord,
        newest: PlanId,
        fence: FenceId,
        store: StoreId,
    ) -> Vec<FormId> {
        let name = name_of(self.plans.get(newest));
        let same = |stage: &Stage| stage.generation == name.generation && stage.digest != name.digest;
        let Some(stage) = record.stage.filter(same) else { return Vec::new() };
        let stage = Stage { digest: name.digest, ..stage };
        self.believing(newest, fence, store, |record| record.stage = Some(stage))
    }
}
