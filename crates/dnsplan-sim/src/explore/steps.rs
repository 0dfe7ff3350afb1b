//! Every step that can be taken from a state.
//!
//! An enactor here always has an observation in its hands: either it looks now, or it looked some time ago and has not
//! gone on since. What it then sends is in flight, and it looks again: a reply only makes it do that, and so do a lost
//! reply, a crash and a restart. Being lost is the same as being left in flight for ever, or giving way where the
//! network is full.

use super::config::Rule;
use super::kernel::{ABSENT, CORRUPT, ContentsId, FenceId, FormId, Kernel, Memo, StoreId, There, What};
use super::moves::{Asked, number};
use super::state::{ANYTHING, Backup, FRESH, GARBAGE, Hold, Label, NOTHING, Place, State, Write};

/// One step, as far as it takes to tell of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// The planner appends a plan.
    Publish,
    /// What an enactor holds makes it send this, perhaps in the place of another write.
    Send(Hold, FormId),
    /// The enactor drops what it holds, and looks again.
    Look(Hold),
    /// A write arrives, and the record is the one it expects.
    Arrive(FormId),
    /// The store hears what is at the target.
    Report(Hold),
    /// A backup of the target is taken.
    Backup,
    /// It is put back.
    Rewind,
    /// The record is deleted by hand.
    Delete,
    /// The record is overwritten by hand.
    Corrupt,
    /// What answers for an endpoint is deleted by hand: the record, or the pointer to it.
    Damage(Damage),
    /// The plan store is put back to before its newest plan.
    RewindStore,
}

/// What a hand takes away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Damage {
    pub(super) endpoint: u8,
    pub(super) is_pointer: bool,
}

impl Step {
    /// Whether it is one of those that liveness may not count on.
    pub(super) const fn is_fault(self) -> bool {
        match self {
            Self::Publish | Self::Send(..) | Self::Look(_) | Self::Arrive(_) | Self::Report(_) => false,
            Self::Backup
            | Self::Rewind
            | Self::Delete
            | Self::Corrupt
            | Self::Damage(_)
            | Self::RewindStore => true,
        }
    }
}

/// What steps remember of contents that a hand changed.
pub(super) type Damaged = Memo<(ContentsId, Damage), Option<ContentsId>>;

/// Steps, and the states that they lead to, in canonical form.
pub(super) type Nexts = Vec<(Step, State)>;

impl State {
    /// The fence whose record has this label.
    pub(super) fn fence_of(&self, kernel: &Kernel, label: Label) -> FenceId {
        let backup = match self.backup {
            Backup::Taken(place) => Some(place),
            Backup::Never | Backup::Open => None,
        };
        let places = [Some(self.now), backup].into_iter().flatten();
        let there = places.into_iter().find(|place| place.label == label).map(|place| place.fence);
        there.unwrap_or_else(|| {
            let left = self.flight.as_slice().iter().find(|write| write.to == label);
            kernel.form(left.expect("invariant: every label alive is somebody's").form).next
        })
    }
}

impl Kernel {
    /// Fills `nexts` with every step from `state`, those that help the newest plan first.
    pub(super) fn steps(&mut self, state: &State, damaged: &mut Damaged, nexts: &mut Nexts) {
        nexts.clear();
        self.arrivals(state, nexts);
        let mut last = None;
        for at in 0..state.holds.as_slice().len() {
            let hold = state.holds.as_slice()[at];
            if last.replace(hold) != Some(hold) {
                self.acts(state, at, nexts);
            }
        }
        if let Some(store) = self
            .store(state.store)
            .appended(self.config.generations, !self.config.is_without(Rule::NumberAboveSeen))
        {
            let store = self.intern_store(store);
            nexts.push((Step::Publish, State { store, ..*state }.canonical()));
        }
        self.faults(state, damaged, nexts);
    }

    fn arrivals(&mut self, state: &State, nexts: &mut Nexts) {
        for (at, write) in state.flight.as_slice().iter().enumerate() {
            let form = self.form(write.form);
            let is_expected = match write.from {
                ANYTHING if self.config.is_without(Rule::Nonces) => form.expected == state.now.fence,
                ANYTHING => true,
                from => from == state.now.label,
            };
            if !is_expected {
                continue;
            }
            let (next, is_create) = (form.next, form.what == What::Create);
            let mut after = *state;
            after.now.contents = self.deliver(state.now.contents, write.form);
            if self.writes_record(write.form) {
                (after.now.fence, after.now.label) = (next, write.to);
            }
            if is_create && !self.config.creates_again {
                after.flight.remove(at);
            }
            nexts.push((Step::Arrive(write.form), after.canonical()));
        }
    }

    fn acts(&mut self, state: &State, at: usize, nexts: &mut Nexts) {
        let hold = state.holds.as_slice()[at];
        let fence = state.fence_of(self, hold.label);
        let since = if self.config.is_without(Rule::HeadAfterRecord) { 0 } else { hold.since };
        let (from, to) = (self.store(since), self.store(state.store));
        let trees = self.there(state.now.contents).contents.trees.keys();
        let found = trees.map(|tree| number(tree.generation)).max().unwrap_or(0);
        let mut forms = Vec::new();
        let mut demands = None;
        for store in 0..self.stores.len() {
            if !self.stores[store].is_between(from, to) {
                continue;
            }
            let store = StoreId::try_from(store).expect("invariant: at most 256 states of a store");
            let decided = self.decided(fence, store, found);
            forms.extend_from_slice(&decided.sends);
            demands = demands.max(decided.demands);
            for plan in &decided.verifies {
                let (contents, by_now) = (state.now.contents, state.store);
                forms.extend_from_slice(&self.verified(Asked {
                    fence,
                    store,
                    plan: *plan,
                    contents,
                    by_now,
                }));
            }
            if self.config.without.is_some() {
                forms.extend_from_slice(&self.weakened(fence, store, state.now.contents));
            }
        }
        forms.sort_unstable();
        forms.dedup();
        for form in forms {
            self.send_from(state, at, form, nexts);
        }
        if hold != state.fresh() {
            nexts.push((Step::Look(hold), looked(state, at).canonical()));
        }
        let told = demands.map(|seen| to.told(seen)).filter(|told| *told != to);
        if let Some(store) = told {
            let store = self.intern_store(store);
            nexts.push((Step::Report(hold), State { store, ..*state }.canonical()));
        }
    }

    /// One enactor sends a write and looks again.
    fn send_from(&self, state: &State, at: usize, form: FormId, nexts: &mut Nexts) {
        let hold = state.holds.as_slice()[at];
        let is_compared = self.is_fenced(form) && !self.config.is_without(Rule::Nonces);
        let from = if is_compared { hold.label } else { ANYTHING };
        let to = if self.writes_record(form) { FRESH } else { from };
        let write = Write { form, from, to };
        let after = looked(state, at);
        let flight = after.flight.as_slice();
        let is_once = self.form(form).what == What::Create && !self.config.creates_again;
        if !is_once && flight.iter().any(|there| there.form == form && there.from == from) {
            nexts.push((Step::Send(hold, form), after.canonical()));
            return;
        }
        if flight.len() < usize::from(self.config.in_flight) {
            let mut sent = after;
            sent.flight.push(write);
            nexts.push((Step::Send(hold, form), sent.canonical()));
            return;
        }
        for lost in 0..flight.len() {
            let mut sent = after;
            sent.flight.remove(lost);
            sent.flight.push(write);
            nexts.push((Step::Send(hold, form), sent.canonical()));
        }
    }

    fn faults(&mut self, state: &State, damaged: &mut Damaged, nexts: &mut Nexts) {
        let mut add = |step, after: State| nexts.push((step, after.canonical()));
        match state.backup {
            Backup::Never => {}
            Backup::Open => add(Step::Backup, State { backup: Backup::Taken(state.now), ..*state }),
            Backup::Taken(now) => add(Step::Rewind, State { now, backup: Backup::Never, ..*state }),
        }
        if state.budget.deletions > 0 && state.now.fence != ABSENT {
            let mut after = *state;
            after.budget.deletions -= 1;
            after.now = Place { fence: ABSENT, label: NOTHING, ..state.now };
            add(Step::Delete, after);
        }
        if state.budget.corruptions > 0 && state.now.fence != CORRUPT {
            let mut after = *state;
            after.budget.corruptions -= 1;
            after.now = Place { fence: CORRUPT, label: GARBAGE, ..state.now };
            add(Step::Corrupt, after);
        }
        if state.budget.store_rewinds > 0
            && let Some(store) = self.store(state.store).put_back()
        {
            let mut after = *state;
            after.budget.store_rewinds -= 1;
            after.store = self.intern_store(store);
            add(Step::RewindStore, after);
        }
        let endpoints = u8::try_from(self.plans.endpoints).expect("invariant: two endpoints");
        let kinds = (0..endpoints).flat_map(|endpoint| [false, true].map(|is| (endpoint, is)));
        for (endpoint, is_pointer) in kinds.filter(|_| state.budget.damages > 0) {
            let damage = Damage { endpoint, is_pointer };
            if let Some(contents) = self.damage(state.now.contents, damage, damaged) {
                let mut after = *state;
                after.budget.damages -= 1;
                after.now.contents = contents;
                add(Step::Damage(damage), after);
            }
        }
    }

    /// The contents without what answers for an endpoint, where something does.
    fn damage(&mut self, id: ContentsId, damage: Damage, damaged: &mut Damaged) -> Option<ContentsId> {
        if let Some(after) = damaged.get(&(id, damage)) {
            return *after;
        }
        let There { mut contents, mut missing } = self.there(id).clone();
        let owner = &self.plans.owners[usize::from(damage.endpoint)];
        let pointer = contents.pointers.get(owner).copied();
        let gone = match (pointer, damage.is_pointer) {
            (Some(_), true) => contents.pointers.remove(owner).is_some(),
            (Some(name), false) => {
                missing.insert((name, owner.clone()));
                contents.trees.get_mut(&name).is_some_and(|tree| tree.remove(owner).is_some())
            }
            (None, true) => false,
            (None, false) => contents.nodes.remove(owner).is_some(),
        };
        let after = gone.then(|| self.intern_contents(There { contents, missing }));
        damaged.insert((id, damage), after);
        after
    }
}

/// The same, but the enactor has just looked.
fn looked(state: &State, at: usize) -> State {
    let mut after = *state;
    after.holds.as_mut_slice()[at] = state.fresh();
    after
}
