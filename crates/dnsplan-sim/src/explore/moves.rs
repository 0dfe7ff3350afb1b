//! What an enactor (or the adversary) may send: production's choice of a plan, its decision, its permit, its audit.
//!
//! 1. The enactor's loop is `load`, `head_after`, `choose`, `decide`, `permit`, `swap`. Here the record and the store's
//!    head come from the explorer, `choose` (which is private, and asynchronous) is written out, and the rest is
//!    production's.
//! 2. An enactor that has given a plan up aims at the head at once; both aims are explored wherever they differ.
//! 3. `Step::Verify` audits what is there *now*, which may be later than the record. It restores what differs. It
//!    raises the floor whether or not it audited this time, and deletes a listed tree only where nothing differs and
//!    the floor is up, as production does; a deletion that is made from an older list is one that was sent then and
//!    arrives now.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use dnsplan_enactor::partition::order;
use dnsplan_enactor::{
    Aim, Basis, Cut, FenceRecord, Layout, Quarantine, Rider, Situation, Step, Target, TreeName, aim_at,
    decide,
};
use dnsplan_fence::{Generation, Move, Nonce, Offer, Part, Sighting, Standing};
use dnsplan_plan::{OwnerName, Plan, live_violations};

use super::config::{Deciding, Rule};
use super::kernel::{ABSENT, ContentsId, FenceId, Form, FormId, Kernel, Memo, StoreId, What};
use super::plans::PlanId;

pub(super) type Seen = Sighting<Quarantine>;

/// What follows from a record and a head.
#[derive(Default, Debug)]
pub(super) struct Decided {
    /// Writes to send.
    pub(super) sends: Vec<FormId>,
    /// Plans that are all in place, to be verified.
    pub(super) verifies: Vec<PlanId>,
    /// A plan above this generation is demanded, and the store hears of it.
    pub(super) demands: Option<u8>,
}

/// What one look of an enactor brought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// The record that was loaded.
    pub(super) fence: FenceId,
    /// The store as its head was read.
    pub(super) store: StoreId,
    /// The highest generation of a tree, where the record grants nothing.
    pub(super) found: u8,
}

/// What is verified, and when.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Asked {
    /// The record that was loaded.
    pub(super) fence: FenceId,
    /// The store as its head was read.
    pub(super) store: StoreId,
    /// The plan that is all in place.
    pub(super) plan: PlanId,
    /// What an audit finds by now.
    pub(super) contents: ContentsId,
    /// The store by now.
    pub(super) by_now: StoreId,
}

/// What was asked before.
#[derive(Default)]
pub(super) struct Moves {
    decided: Memo<(FenceId, StoreId, u8), Rc<Decided>>,
    verified: Memo<Asked, Rc<[FormId]>>,
    weakened: Memo<(FenceId, StoreId, ContentsId), Rc<[FormId]>>,
}

/// A generation as one of the explorer's numbers.
pub(super) fn number(generation: Generation) -> u8 {
    u8::try_from(generation.get()).expect("invariant: few generations")
}

impl Kernel {
    /// What follows from this fence and this store, where the highest tree that is there is `found`: it counts where
    /// the record grants nothing.
    pub(super) fn decided(&mut self, fence: FenceId, store: StoreId, found: u8) -> Rc<Decided> {
        let is_blank = self.record(fence).is_some_and(|record| record.generation.is_zero());
        let found = if is_blank && self.is_tree() { found } else { 0 };
        if let Some(decided) = self.moves.decided.get(&(fence, store, found)) {
            return Rc::clone(decided);
        }
        let look = Look { fence, store, found };
        let decided = Rc::new(match self.sight(fence, store, |_| {}) {
            None => Decided { sends: self.create(fence, store).into_iter().collect(), ..Decided::default() },
            Some(seen) if self.config.deciding == Deciding::Adversary => self.anything(&seen, fence, store),
            Some(seen) => self.decide_all(&seen, look),
        });
        self.moves.decided.insert((fence, store, found), Rc::clone(&decided));
        decided
    }

    /// The record, edited for rules that are left out, with the store's head as it is in `store`.
    pub(super) fn sight(
        &self,
        fence: FenceId,
        store: StoreId,
        forge: impl FnOnce(&mut FenceRecord),
    ) -> Option<Seen> {
        let mut observed = self.found(fence);
        if let dnsplan_fence::Observed::Record(record) = &mut observed {
            forge(record);
        }
        let head = observed.witness().answered(Standing::new(self.store(store).head_generation()));
        observed.sight(head)
    }

    /// The first of the two swaps of a bootstrap.
    fn create(&mut self, fence: FenceId, store: StoreId) -> Option<FormId> {
        let genesis = self.found(fence).genesis(Nonce::new(2), &self.me, Quarantine::default())?;
        let head = self.store(store).head();
        let newest = self.store(store).get(&self.plans, head);
        if let Some(plan) = newest.filter(|_| self.config.is_without(Rule::TwoStepBootstrap)) {
            let record = super::weak::granting(genesis.record(), self.plans.get(plan));
            let next = self.intern_record(&record);
            return Some(
                self.intern_form(Form { expected: fence, next, what: What::CreateLive(plan) }, None),
            );
        }
        let next = self.intern_record(genesis.record());
        Some(self.intern_form(Form { expected: fence, next, what: What::Create }, None))
    }

    fn decide_all(&mut self, seen: &Seen, look: Look) -> Decided {
        let mut decided = Decided::default();
        let aims = self.aims(seen.record(), look.store);
        if aims.is_empty() {
            self.decide_one(seen, None, look, &mut decided);
        }
        for plan in aims {
            self.decide_one(seen, Some(plan), look, &mut decided);
        }
        decided
    }

    /// The plans that `choose` may come to: the chain begun where the store has its very plan, and the head.
    fn aims(&self, record: &FenceRecord, store: StoreId) -> Vec<PlanId> {
        let store = self.store(store);
        let head = store.get(&self.plans, store.head());
        let begun = number(aim_at(Some(record), store.head_generation()));
        let live = Some((record.generation, record.digest));
        let staged = record.stage.map(|stage| (stage.generation, stage.digest));
        let is_ours = |id: &PlanId| {
            let name = self.plans.get(*id);
            let name = Some((name.generation(), name.digest()));
            name == live || name == staged
        };
        let begun = store.get(&self.plans, begun).filter(is_ours).filter(|begun| Some(*begun) != head);
        // What is live is verified before a newer tree is staged, or not: that depends on what the enactor remembers.
        let is_staging = record.stage.is_some_and(|stage| stage.generation > record.generation);
        let is_settled = self.is_tree() && record.flip.is_complete() && !is_staging;
        let verified =
            store.get(&self.plans, number(record.generation)).filter(|_| is_settled).filter(is_ours);
        let verified = verified.filter(|live| Some(*live) != head && Some(*live) != begun);
        begun.into_iter().chain(verified).chain(head).collect()
    }

    /// One decision, as `Enactor::look` prepares it.
    pub(super) fn decide_one(
        &mut self,
        seen: &Seen,
        plan: Option<PlanId>,
        look: Look,
        decided: &mut Decided,
    ) {
        let Look { fence, store, found } = look;
        let (aim, layout) = (plan.map(|plan| self.aim(seen, plan, store)), self.config.layout);
        let found = Generation::new(u64::from(found));
        let situation = |confirmed| Situation { sighting: Some(seen), aim, confirmed, found, layout };
        let step = decide(&situation(Generation::ZERO)).step;
        let confirmed = self.store(store).head_generation();
        assert_eq!(decide(&situation(confirmed)).step, step, "what was confirmed changes no step");
        match (step, plan) {
            (Step::Write(action), Some(plan)) => {
                decided.sends.extend(self.write_part(seen, plan, action, fence, store));
            }
            (Step::Verify, Some(plan)) => decided.verifies.push(plan),
            (Step::TargetAhead { seen, .. } | Step::Reject(seen) | Step::Refuse(seen), _) => {
                decided.demands = Some(number(seen));
            }
            _ => {}
        }
    }

    fn aim(&self, seen: &Seen, plan: PlanId, store: StoreId) -> Aim {
        let plan_id = plan;
        let plan = self.plans.get(plan);
        let record = seen.record();
        let live = self.live(record, store);
        let is_newer = plan.generation() > record.generation;
        let guarded = is_newer && !live_violations(live.map(|live| live.zone()), plan.zone()).is_empty();
        let outline = self.target.outline(plan, &self.basis(seen, plan_id, store));
        Aim { generation: plan.generation(), digest: plan.digest(), outline, guarded }
    }

    fn live(&self, record: &FenceRecord, store: StoreId) -> Option<&Arc<Plan>> {
        let live = self.store(store).get(&self.plans, number(record.generation))?;
        Some(self.plans.get(live)).filter(|live| live.digest() == record.digest)
    }

    /// As `Enactor::basis`, without the guess at what is there, which this target has no use for.
    pub(super) fn basis(&self, seen: &Seen, plan: PlanId, store: StoreId) -> Basis {
        let (record, plan) = (seen.record(), self.plans.get(plan));
        let is_lineage_known = self.live(record, store).is_some() || record.generation.is_zero();
        let is_known = is_lineage_known && plan.generation() >= record.base;
        if self.config.layout == Layout::Whole || !is_known {
            return Basis::Unknown;
        }
        let (from, to) = (number(record.base), number(plan.generation()));
        match (self.store(store).touched(&self.plans, from, to), self.live(record, store)) {
            (Some(owners), _) => Basis::Changed { owners, from: None, begun: Vec::new(), cut: Cut::Guessed },
            (None, Some(live)) if record.is_settled() => {
                let diff = live.zone().diff(plan.zone());
                let owners = diff.nodes.into_iter().map(|change| change.owner).collect();
                Basis::Changed { owners, from: None, begun: Vec::new(), cut: Cut::Guessed }
            }
            (None, _) => Basis::Unknown,
        }
    }

    /// A part of a plan, where the fence permits it.
    pub(super) fn write_part(
        &mut self,
        seen: &Seen,
        plan: PlanId,
        action: Move,
        fence: FenceId,
        store: StoreId,
    ) -> Option<FormId> {
        let basis = self.basis(seen, plan, store);
        let owners = match &basis {
            Basis::Changed { owners, .. } => Some(owners.iter().cloned().collect()),
            Basis::Unknown => None,
        };
        let rider = Rider::Part {
            plan: Arc::clone(self.plans.get(plan)),
            basis: Arc::new(basis),
            set_aside: BTreeSet::new(),
        };
        self.write(seen, plan, action, fence, rider, What::Part(action, plan, owners))
    }

    /// A write, where the fence permits it.
    fn write(
        &mut self,
        seen: &Seen,
        plan: PlanId,
        action: Move,
        fence: FenceId,
        rider: Rider,
        what: What,
    ) -> Option<FormId> {
        let permit = seen.permit(self.plans.get(plan), action, Nonce::new(2), &self.me).ok()?;
        let mut next = permit.carrying(Quarantine::default()).into_next();
        if self.config.is_without(Rule::BaseRisesLast) && matches!(action, Move::Flip(_) | Move::Apply(_)) {
            next.base = next.generation;
        }
        Some(self.send(&next, action, fence, rider, what))
    }

    /// A write that leaves `next`, interned.
    pub(super) fn send(
        &mut self,
        next: &FenceRecord,
        action: Move,
        fence: FenceId,
        rider: Rider,
        what: What,
    ) -> FormId {
        let request = self.request(fence, next, action, rider);
        let next = self.intern_record(next);
        self.intern_form(Form { expected: fence, next, what }, Some(request))
    }

    /// What `Step::Verify` may send for a plan that is all in place.
    pub(super) fn verified(&mut self, asked: Asked) -> Rc<[FormId]> {
        if let Some(forms) = self.moves.verified.get(&asked) {
            return Rc::clone(forms);
        }
        let forms: Rc<[FormId]> = self.verify(asked).into();
        self.moves.verified.insert(asked, Rc::clone(&forms));
        forms
    }

    fn verify(&mut self, Asked { fence, store, contents, plan, by_now }: Asked) -> Vec<FormId> {
        let Some(seen) = self.sight(fence, store, |_| {}) else { return Vec::new() };
        let audit = self.load(contents, ABSENT).inspect(self.plans.get(plan), &BTreeSet::new());
        let mut forms = Vec::new();
        if !audit.differing.is_empty() {
            let mut some = order(self.plans.get(plan).zone(), &audit.differing);
            some.truncate(self.target.repair_limit());
            forms.extend(self.repair(&seen, plan, some, fence));
        }
        let record = seen.record();
        let allowed = record.base.min(self.store(by_now).head_generation());
        if record.floor < allowed {
            let action = Move::RaiseFloor(allowed);
            forms.extend(self.write(&seen, plan, action, fence, Rider::Nothing, What::Floor(action)));
        } else if audit.differing.is_empty() {
            let is_free = |tree: &TreeName| record.is_reapable(tree.generation) && !audit.held.contains(tree);
            for tree in audit.trees.iter().copied().filter(is_free) {
                forms.extend(self.reap(&seen, plan, tree, fence));
            }
        }
        forms
    }

    fn repair(
        &mut self,
        seen: &Seen,
        plan: PlanId,
        owners: Vec<OwnerName>,
        fence: FenceId,
    ) -> Option<FormId> {
        let rider = Rider::Repair {
            plan: Arc::clone(self.plans.get(plan)),
            owners: owners.iter().cloned().collect(),
        };
        self.write(seen, plan, Move::Repair, fence, rider, What::Repair(plan, owners))
    }

    fn reap(&mut self, seen: &Seen, plan: PlanId, tree: TreeName, fence: FenceId) -> Option<FormId> {
        let action = Move::Reap(tree.generation);
        self.write(seen, plan, action, fence, Rider::Reap { tree }, What::Reap(tree))
    }

    /// Everything that the fence permits anybody, for any plan in the store.
    fn anything(&mut self, seen: &Seen, fence: FenceId, store: StoreId) -> Decided {
        let head = self.store(store).head();
        let plans: Vec<PlanId> = (1..=head).filter_map(|at| self.store(store).get(&self.plans, at)).collect();
        let mut sends = BTreeSet::new();
        for plan in plans {
            let outline = self.aim(seen, plan, store).outline;
            let parts = |of: u32| (0..of).filter_map(move |index| Part::new(index, of));
            let is_tree = self.is_tree();
            let stage = parts(if is_tree { outline.stage } else { 0 }).map(Move::Stage);
            let place =
                parts(outline.place).map(|part| if is_tree { Move::Flip(part) } else { Move::Apply(part) });
            for action in stage.chain(place) {
                sends.extend(self.write_part(seen, plan, action, fence, store));
            }
            for owner in self.plans.owners.clone() {
                sends.extend(self.repair(seen, plan, vec![owner], fence));
            }
            for floor in 1..=head {
                let action = Move::RaiseFloor(Generation::new(u64::from(floor)));
                sends.extend(self.write(seen, plan, action, fence, Rider::Nothing, What::Floor(action)));
            }
            let names: Vec<TreeName> = self.plans.all.iter().map(|plan| super::weak::name_of(plan)).collect();
            for tree in names.into_iter().filter(|_| is_tree) {
                sends.extend(self.reap(seen, plan, tree, fence));
            }
        }
        Decided { sends: sends.into_iter().collect(), ..Decided::default() }
    }

    /// What is sent beside that, because a rule is left out.
    pub(super) fn weakened(&mut self, fence: FenceId, store: StoreId, contents: ContentsId) -> Rc<[FormId]> {
        let asked = (fence, store, contents);
        if let Some(forms) = self.moves.weakened.get(&asked) {
            return Rc::clone(forms);
        }
        let forms: Rc<[FormId]> = self.weaken(fence, store, contents).into();
        self.moves.weakened.insert(asked, Rc::clone(&forms));
        forms
    }
}
