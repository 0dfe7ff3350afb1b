//! A target in memory that makes every plan a chain: parts of as few owner names as one wants, with a tree or in place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use dnsplan_fence::{Generation, Genesis, Move, Observed, Offer, Part, Permit, Register, Swap};
use dnsplan_plan::{Node, OwnerName, Plan, TargetId};

use super::exec::yield_once;
use crate::partition::{order, part, parts};
use crate::{
    Audit, Basis, FenceRecord, Layout, Outline, Quarantine, Rider, Target, TargetError, TreeName, codec,
};

type Tree = BTreeMap<OwnerName, Arc<Node>>;

/// All that is at the target. A clone of it is a backup, and putting one back is a rewind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The text of the fence record.
    pub fence: Option<String>,
    /// In place: what our owner names own.
    pub nodes: Tree,
    /// With a tree: which tree an owner name is answered from.
    pub pointers: BTreeMap<OwnerName, TreeName>,
    /// With a tree: the trees.
    pub trees: BTreeMap<TreeName, Tree>,
    /// What others put there.
    pub foreign: Tree,
}

/// A conditional write as it goes over a wire: whoever carries it may lose it, delay it, or deliver it twice.
#[derive(Clone, Debug)]
pub struct Request {
    /// The record that must be there.
    pub expected: FenceRecord,
    /// The record that it leaves.
    pub next: FenceRecord,
    /// What it does.
    pub action: Move,
    /// What it writes beside the record.
    pub rider: Rider,
}

impl Request {
    /// What a permit's write looks like on the wire.
    #[must_use]
    pub fn new(permit: Permit<Quarantine>, rider: Rider) -> Self {
        let (expected, action) = (permit.expected().clone(), permit.action());
        Self { expected, next: permit.into_next(), action, rider }
    }

    /// On behalf of which generation it is made.
    #[must_use]
    pub fn offered(&self) -> Generation {
        match (self.action, self.next.stage) {
            (Move::Stage(_), Some(stage)) => stage.generation,
            _ => self.next.generation,
        }
    }
}

/// A target in memory. Every operation of its traits yields once before it takes effect, and once after.
pub struct MemoryTarget {
    id: TargetId,
    zone: OwnerName,
    layout: Layout,
    batch: usize,
    is_fenced: bool,
    contents: Mutex<Contents>,
    rejects: Mutex<BTreeSet<OwnerName>>,
}

impl MemoryTarget {
    /// An empty target for `zone`, whose parts hold at most `batch` owner names. [`Layout::Whole`] takes all at once.
    #[must_use]
    pub fn new(zone: OwnerName, layout: Layout, batch: usize) -> Self {
        let id = TargetId::new(format!("memory:{layout:?}:{batch}"));
        let (contents, rejects) = (Mutex::default(), Mutex::default());
        Self { id, zone, layout, batch, is_fenced: true, contents, rejects }
    }

    /// The negative control: a target that writes without comparing the record. The suite must fail on it.
    #[must_use]
    pub fn unfenced(zone: OwnerName, layout: Layout, batch: usize) -> Self {
        Self { is_fenced: false, ..Self::new(zone, layout, batch) }
    }

    /// Everything that is there.
    #[must_use]
    pub fn contents(&self) -> Contents {
        self.lock().clone()
    }

    /// Puts other contents there, by hand or from a backup.
    pub fn replace(&self, contents: Contents) {
        *self.lock() = contents;
    }

    /// Changes the contents by hand.
    pub fn edit(&self, edit: impl FnOnce(&mut Contents)) {
        edit(&mut self.lock());
    }

    /// From now on the target rejects these owner names.
    pub fn reject(&self, owners: BTreeSet<OwnerName>) {
        *self.rejects.lock().expect("invariant: nothing panics while it is locked") = owners;
    }

    /// What a client would be answered from.
    #[must_use]
    pub fn answer(&self, owner: &OwnerName) -> Option<Arc<Node>> {
        self.lock().answered(self.layout, owner)
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().expect("invariant: nothing panics while it is locked")
    }

    /// What [`Register::load`] finds.
    ///
    /// # Errors
    /// Where a newer program's record is there.
    pub fn found(&self) -> Result<Observed<Quarantine>, TargetError> {
        match &self.lock().fence {
            None => Ok(Observed::Absent),
            Some(text) => Ok(codec::observe(text.as_bytes())?),
        }
    }

    /// What [`Register::create`] does: `record` in place of exactly `replaces`.
    pub fn begin(&self, replaces: Option<&[u8]>, record: &FenceRecord) -> Swap<Quarantine> {
        let mut contents = self.lock();
        if contents.fence.as_deref().map(str::as_bytes) != replaces {
            return Swap::Lost(contents.record());
        }
        contents.fence = Some(codec::encode(record));
        Swap::Won
    }

    /// What [`Register::swap`] does once the request is here.
    ///
    /// # Errors
    /// As of [`Register::swap`].
    pub fn receive(&self, request: &Request) -> Result<Swap<Quarantine>, TargetError> {
        let mut contents = self.lock();
        if self.is_fenced && contents.fence.as_deref() != Some(&codec::encode(&request.expected)) {
            return Ok(Swap::Lost(contents.record()));
        }
        let mut next = contents.clone();
        self.carry_out(request.action, &request.rider, &mut next)?;
        next.fence = Some(codec::encode(&request.next));
        *contents = next;
        Ok(Swap::Won)
    }

    /// What [`Target::audit`] finds.
    #[must_use]
    pub fn inspect(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Audit {
        let contents = self.lock();
        let planned = owners_of(plan);
        let differs = |owner: &OwnerName| {
            let is_pointed = self.layout != Layout::Tree
                || contents.pointers.get(owner) == planned.contains(owner).then(|| name_of(plan)).as_ref();
            let ours = if contents.foreign.contains_key(owner) {
                None
            } else {
                contents.answered(self.layout, owner)
            };
            !is_pointed || ours.as_ref() != plan.zone().node(owner)
        };
        let all: BTreeSet<OwnerName> = planned.union(&contents.ours(self.layout)).cloned().collect();
        let differing =
            all.into_iter().filter(|owner| !set_aside.contains(owner) && differs(owner)).collect();
        let trees: Vec<TreeName> = contents.trees.keys().copied().collect();
        Audit { differing, trees, held: contents.pointers.values().copied().collect() }
    }

    fn carry_out(&self, action: Move, rider: &Rider, contents: &mut Contents) -> Result<(), TargetError> {
        match (action, rider) {
            (Move::RaiseFloor(_) | Move::Freeze(_), Rider::Nothing) => Ok(()),
            (Move::Stage(k), Rider::Part { plan, set_aside, .. }) if self.layout == Layout::Tree => {
                let ordered = order(plan.zone(), &owners_of(plan));
                let owners = self.accepted(contents, plan, cut(&ordered, self.batch, k), set_aside)?;
                let tree = contents.trees.entry(name_of(plan)).or_default();
                owners.iter().for_each(|owner| put(tree, owner, plan.zone().node(owner)));
                Ok(())
            }
            (Move::Flip(k), Rider::Part { plan, basis, set_aside }) if self.layout == Layout::Tree => {
                let ordered = order(plan.zone(), &self.scope(plan, basis));
                let owners = self.accepted(contents, plan, cut(&ordered, self.batch, k), set_aside)?;
                owners.iter().for_each(|owner| contents.point(owner, plan));
                Ok(())
            }
            (Move::Apply(k), Rider::Part { plan, basis, set_aside }) if self.layout != Layout::Tree => {
                let mut scope = self.scope(plan, basis);
                if self.layout == Layout::Whole {
                    scope.extend(contents.ours(self.layout));
                }
                let ordered = order(plan.zone(), &scope);
                let owners = self.accepted(contents, plan, cut(&ordered, self.size(), k), set_aside)?;
                owners.iter().for_each(|owner| put(&mut contents.nodes, owner, plan.zone().node(owner)));
                Ok(())
            }
            (Move::Repair, Rider::Repair { plan, owners }) => {
                let owners: Vec<OwnerName> = owners.iter().cloned().collect();
                for owner in self.accepted(contents, plan, &owners, &BTreeSet::new())? {
                    contents.restore(self.layout, &owner, plan);
                }
                Ok(())
            }
            (Move::Reap(generation), Rider::Reap { tree }) if tree.generation == generation => {
                contents.trees.remove(tree);
                Ok(())
            }
            (action, _) => Err(TargetError::Misconfigured(format!("the rider does not fit {action:?}"))),
        }
    }

    const fn size(&self) -> usize {
        if matches!(self.layout, Layout::Whole) { usize::MAX } else { self.batch }
    }

    /// The owner names that a plan's place parts go through.
    fn scope(&self, plan: &Plan, basis: &Basis) -> BTreeSet<OwnerName> {
        match (basis, self.layout) {
            (Basis::Changed { owners, .. }, Layout::InPlace) => owners.clone(),
            (Basis::Changed { owners, .. }, _) => owners_of(plan).union(owners).cloned().collect(),
            (Basis::Unknown, _) => owners_of(plan),
        }
    }

    /// The part without what is set aside; what the provider would reject is an error, and so is another's owner name.
    fn accepted(
        &self,
        contents: &Contents,
        plan: &Plan,
        owners: &[OwnerName],
        set_aside: &BTreeSet<OwnerName>,
    ) -> Result<Vec<OwnerName>, TargetError> {
        let wanted: Vec<OwnerName> =
            owners.iter().filter(|owner| !set_aside.contains(owner)).cloned().collect();
        let rejects = self.rejects.lock().expect("invariant: nothing panics while it is locked");
        let is_taken = |owner: &OwnerName| rejects.contains(owner) || contents.foreign.contains_key(owner);
        // To take away what is ours is never rejected.
        let is_bad = |owner: &&OwnerName| plan.zone().node(owner).is_some() && is_taken(owner);
        let bad: BTreeSet<OwnerName> = wanted.iter().filter(is_bad).cloned().collect();
        if bad.is_empty() {
            Ok(wanted)
        } else {
            Err(TargetError::Rejected { owners: bad, reason: "rejected by the provider".to_owned() })
        }
    }
}

impl Contents {
    /// The fence record, where it can be read.
    #[must_use]
    pub fn record(&self) -> Option<FenceRecord> {
        self.fence.as_deref().and_then(|text| codec::decode(text).ok())
    }

    /// What a client would be answered from.
    #[must_use]
    pub fn answered(&self, layout: Layout, owner: &OwnerName) -> Option<Arc<Node>> {
        let ours = match layout {
            Layout::Tree => self.pointers.get(owner).and_then(|name| self.trees.get(name)?.get(owner)),
            Layout::InPlace | Layout::Whole => self.nodes.get(owner),
        };
        ours.or_else(|| self.foreign.get(owner)).cloned()
    }

    fn point(&mut self, owner: &OwnerName, plan: &Plan) {
        match plan.zone().node(owner) {
            Some(_) => self.pointers.insert(owner.clone(), name_of(plan)),
            None => self.pointers.remove(owner),
        };
    }

    fn restore(&mut self, layout: Layout, owner: &OwnerName, plan: &Plan) {
        if layout == Layout::Tree {
            put(self.trees.entry(name_of(plan)).or_default(), owner, plan.zone().node(owner));
            self.point(owner, plan);
        } else {
            put(&mut self.nodes, owner, plan.zone().node(owner));
        }
    }

    /// Our owner names, planned or left over.
    fn ours(&self, layout: Layout) -> BTreeSet<OwnerName> {
        match layout {
            Layout::Tree => self.pointers.keys().cloned().collect(),
            Layout::InPlace | Layout::Whole => self.nodes.keys().cloned().collect(),
        }
    }
}

fn owners_of(plan: &Plan) -> BTreeSet<OwnerName> {
    plan.zone().nodes().map(|(owner, _)| owner.clone()).collect()
}

fn name_of(plan: &Plan) -> TreeName {
    TreeName { generation: plan.generation(), digest: plan.digest() }
}

fn cut(ordered: &[OwnerName], size: usize, at: Part) -> &[OwnerName] {
    part(ordered, size, at.index())
}

fn put(tree: &mut Tree, owner: &OwnerName, node: Option<&Arc<Node>>) {
    match node {
        Some(node) => tree.insert(owner.clone(), Arc::clone(node)),
        None => tree.remove(owner),
    };
}

impl Register for MemoryTarget {
    type Payload = Quarantine;
    type Rider = Rider;
    type Error = TargetError;

    async fn load(&self) -> Result<Observed<Quarantine>, TargetError> {
        yield_once().await;
        let observed = self.found()?;
        yield_once().await;
        Ok(observed)
    }

    async fn create(&self, genesis: Genesis<Quarantine>) -> Result<Swap<Quarantine>, TargetError> {
        yield_once().await;
        let swap = self.begin(genesis.replaces(), genesis.record());
        yield_once().await;
        Ok(swap)
    }

    async fn swap(&self, permit: Permit<Quarantine>, rider: Rider) -> Result<Swap<Quarantine>, TargetError> {
        yield_once().await;
        let outcome = self.receive(&Request::new(permit, rider));
        yield_once().await;
        outcome
    }
}

impl Target for MemoryTarget {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn zone(&self) -> &OwnerName {
        &self.zone
    }

    fn layout(&self) -> Layout {
        self.layout
    }

    fn outline(&self, plan: &Plan, basis: &Basis) -> Outline {
        let stage = if self.layout == Layout::Tree { parts(plan.zone().len(), self.batch) } else { 0 };
        Outline { stage, place: parts(self.scope(plan, basis).len(), self.size()) }
    }

    fn repair_limit(&self) -> usize {
        self.batch
    }

    async fn audit(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Result<Audit, TargetError> {
        yield_once().await;
        Ok(self.inspect(plan, set_aside))
    }
}
