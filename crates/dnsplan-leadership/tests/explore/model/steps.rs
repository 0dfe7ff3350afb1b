//! Every step that a state allows.
//!
//! What makes it small enough: a coordinator that waits does nothing, and one that has just started is one that looks
//! again; a reply to a swap only makes its sender look again, which it may do at any time; a refusal that its sender does
//! not hear of is a lost write. A seal that arrives late, or twice, is one by a coordinator whose view is old. A swap that
//! arrives twice wins once: the record that it expects is not there any more.

use dnsplan_leadership::Phase;

use super::config::{Invariant, Rule};
use super::kernel::{Act, Kernel};
use super::state::{Data, RecordId, State, View};

/// A step from one state to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// A coordinator loads the record.
    Load(View),
    /// A coordinator crashes, and starts again.
    Forget(View),
    /// A coordinator sends the swap that leaves this record.
    Send(RecordId),
    /// A coordinator has the resource seal the epoch of what it saw.
    Seal(View),
    /// A swap takes effect.
    Land(RecordId),
    /// A swap is lost.
    LoseSwap(RecordId),
    /// A node loads the record.
    Look(usize),
    /// A node sends a data write.
    Write(usize),
    /// A data write arrives, and is accepted.
    Accept(Data),
    /// A data write arrives, and is refused; its sender hears of it.
    Refuse(Data),
    /// R2 left out: a data write arrives and is checked, to be written later.
    Check(Data),
    /// A data write is lost, or its refusal is.
    LoseWrite(Data),
    /// The network has a data write twice from now on. Of a resource that knows no ids, both may be accepted.
    Double(Data),
    /// A node has one more of the accepted writes.
    Copy(usize),
    /// A node crashes.
    Crash(usize),
    /// A node starts.
    Start(usize),
    /// R7 left out: the register is emptied.
    Empty,
}

pub(crate) type Nexts = Vec<(Step, State)>;

impl Kernel {
    pub(crate) fn start(&mut self) -> State {
        let vacant = self.vacant();
        let config = self.config;
        let is_emptied = config.is_without(Rule::RegisterIsKept) || config.is_without(Rule::FloorIsKept);
        let mut state = State {
            register: vacant,
            writes: config.writes,
            doubles: config.doubles,
            crashes: config.crashes,
            handoffs: config.handoffs,
            losses: u8::from(is_emptied),
            ..State::default()
        };
        state.servers.iter_mut().for_each(|server| server.is_up = true);
        for view in &mut state.views[..usize::from(config.coordinators)] {
            *view = View { record: vacant, is_current: true, receipt: 0 };
        }
        state
    }

    /// Replaces `nexts` by every step from `state`, each with where it leads.
    pub(crate) fn steps(&mut self, state: &State, nexts: &mut Nexts) {
        nexts.clear();
        self.coordinators(state, nexts);
        self.swaps(state, nexts);
        self.nodes(state, nexts);
        self.data(state, nexts);
        let coordinators = usize::from(self.config.coordinators);
        for (_, next) in nexts {
            if self.config.merges {
                self.merge(next);
            }
            // Coordinators are alike.
            next.views[..coordinators]
                .sort_unstable_by_key(|view| (view.record, view.is_current, view.receipt));
        }
    }

    /// Every coordinator looks again, and throws away what is no receipt of what is freezing now.
    fn merge(&self, state: &mut State) {
        let now = self.seen(state.register);
        for view in &mut state.views[..usize::from(self.config.coordinators)] {
            let is_use = |receipt| now.order().is_some() && now.is_about(&receipt);
            let receipt = if self.receipt(view.receipt).is_some_and(is_use) { view.receipt } else { 0 };
            *view = View { record: state.register, is_current: true, receipt };
        }
    }

    fn coordinators(&mut self, state: &State, nexts: &mut Nexts) {
        for at in 0..usize::from(self.config.coordinators) {
            let view = state.views[at];
            let mut add = |step, change: &dyn Fn(&mut State)| {
                let mut next = *state;
                change(&mut next);
                nexts.push((step, next));
            };
            let fresh = View { record: state.register, is_current: true, receipt: view.receipt };
            if !view.is_current {
                add(Step::Load(view), &|next| next.views[at] = fresh);
            }
            if view.receipt != 0 {
                add(Step::Forget(view), &|next| next.views[at] = View { receipt: 0, ..fresh });
            }
            let has_room = state.swaps.len() < self.config.swaps;
            for act in self.acts(view, state).iter() {
                match *act {
                    Act::Send(record) => {
                        // A swap that expects another record is lost, whatever becomes of it.
                        if view.is_current && has_room && !state.swaps.as_slice().contains(&record) {
                            add(Step::Send(record), &|next| next.swaps.insert(record));
                        }
                    }
                    Act::Seal => {
                        let (floor, receipt) = self.seal(view.record, state.floor, state.log.len());
                        let sealed = state.sealed.max(self.generation(view.record));
                        add(Step::Seal(view), &|next| {
                            (next.floor, next.sealed, next.views[at].receipt) = (floor, sealed, receipt);
                        });
                    }
                }
            }
        }
    }

    fn swaps(&mut self, state: &State, nexts: &mut Nexts) {
        for (index, record) in state.swaps.as_slice().iter().enumerate() {
            let mut next = *state;
            next.swaps.remove(index);
            nexts.push((Step::LoseSwap(*record), next));
            nexts.push((Step::Land(*record), self.land(state, *record)));
        }
        if state.losses > 0 {
            let mut next = self.land(state, 0);
            next.losses -= 1;
            if self.config.is_without(Rule::FloorIsKept) {
                next.floor = 0;
            }
            nexts.push((Step::Empty, next));
        }
    }

    /// The register holds another record. Whatever expected the one before can win no more.
    fn land(&self, state: &State, record: RecordId) -> State {
        let mut next = State { register: record, swaps: Default::default(), ..*state };
        next.views.iter_mut().for_each(|view| view.is_current = false);
        let is_open = |id| *self.seen(id).term().phase() == Phase::Open;
        let is_alive = self.holder(state.register, &state.servers).is_some_and(|(_, is_alive)| is_alive);
        if is_open(state.register) && !is_open(record) && is_alive {
            next.handoffs -= 1;
        }
        if is_open(record) && !is_open(state.register) && self.config.is_without(Rule::SealIsForGood) {
            next.floor = next.floor.min(self.generation(record));
        }
        if matches!(self.seen(record).term().phase(), Phase::Sealed(..)) {
            next.sealed = next.sealed.max(self.generation(record));
        }
        next
    }

    fn nodes(&self, state: &State, nexts: &mut Nexts) {
        for (at, server) in state.servers.iter().enumerate() {
            let mut add = |step, change: &dyn Fn(&mut State)| {
                let mut next = *state;
                change(&mut next);
                nexts.push((step, next));
            };
            if !server.is_up {
                add(Step::Start(at), &|next| next.servers[at].is_up = true);
                continue;
            }
            let stance = self.attend(state.register, at, server);
            let is_heard = self.config.hears || *self.seen(state.register).term().phase() == Phase::Open;
            if stance != server.stance && is_heard {
                add(Step::Look(at), &|next| next.servers[at].stance = stance);
            }
            if server.stance.kind == 1 && state.writes > 0 {
                let (epoch, incarnation) = (server.stance.epoch, server.incarnation);
                let node = u8::from(at == 1);
                add(Step::Write(at), &|next| {
                    next.writes -= 1;
                    next.flight.insert(Data { epoch, node, incarnation, is_checked: false });
                });
            }
            if server.applied < state.log.len() {
                add(Step::Copy(at), &|next| next.servers[at].applied += 1);
            }
            if state.crashes > 0 {
                let keeps = self.config.is_without(Rule::RestartIsAnotherHolder);
                add(Step::Crash(at), &|next| {
                    next.crashes -= 1;
                    let server = &mut next.servers[at];
                    server.is_up = false;
                    server.incarnation += 1;
                    server.stance = if keeps { server.stance } else { Default::default() };
                });
            }
        }
    }

    fn data(&self, state: &State, nexts: &mut Nexts) {
        let flight = state.flight.as_slice();
        for (index, data) in
            flight.iter().enumerate().filter(|(at, data)| *at == 0 || flight[at - 1] != **data)
        {
            let mut gone = *state;
            gone.flight.remove(index);
            nexts.push((Step::LoseWrite(*data), gone));
            if state.doubles > 0 {
                let mut twice = *state;
                twice.doubles -= 1;
                twice.flight.insert(*data);
                nexts.push((Step::Double(*data), twice));
            }
            let admitted = self.admit(state.floor, data.epoch);
            let is_unchecked = self.config.is_without(Rule::Checks) || data.is_checked;
            let admitted = if is_unchecked { Some(state.floor.max(data.epoch)) } else { admitted };
            let mut next = gone;
            if let Some(floor) = admitted {
                if self.config.is_without(Rule::ChecksInTheWrite) && !data.is_checked {
                    next.flight.insert(Data { is_checked: true, ..*data });
                    nexts.push((Step::Check(*data), next));
                    continue;
                }
                next.floor = floor;
                next.log.push(Data { is_checked: false, ..*data });
                nexts.push((Step::Accept(*data), next));
                continue;
            }
            let sender = &mut next.servers[usize::from(data.node)];
            if sender.is_up && sender.incarnation == data.incarnation {
                sender.stance = self.fenced(sender.stance, data.epoch);
                nexts.push((Step::Refuse(*data), next));
            }
        }
    }

    /// What a step broke, of what is judged.
    pub(crate) fn broken(&self, step: Step, before: &State, after: &State) -> Option<(Invariant, String)> {
        let found = match step {
            Step::Accept(data) => self.broken_by_write(data, before),
            Step::Land(record) => self.broken_by_grant(record, before, after),
            _ => Vec::new(),
        };
        found.into_iter().find(|(invariant, _)| self.config.judges(*invariant))
    }

    fn broken_by_write(&self, data: Data, before: &State) -> Vec<(Invariant, String)> {
        let log = before.log.as_slice();
        let epoch = data.epoch;
        let life = |data: &Data| self.life(data.node.into(), data.incarnation);
        let mut found = Vec::new();
        let is_another = |other: &&Data| other.epoch == epoch && life(other) != life(&data);
        if let Some(other) = log.iter().find(is_another) {
            let what = format!("{} and {} have both written under epoch {epoch}", life(other), life(&data));
            found.push((Invariant::OneWriter, what));
        }
        if let Some(other) = log.iter().find(|other| other.epoch > epoch) {
            let what = format!("a write of epoch {epoch} was accepted after one of {}", other.epoch);
            found.push((Invariant::Monotone, what));
        }
        let granted = self.generation(before.register);
        if epoch < granted {
            let what =
                format!("the holder of epoch {granted} lacks a write of epoch {epoch} that was accepted");
            found.push((Invariant::NothingLost, what));
        }
        if epoch <= before.sealed {
            let what = format!("a write of epoch {epoch} was accepted after its seal");
            found.push((Invariant::SealHolds, what));
        }
        found
    }

    fn broken_by_grant(&self, record: RecordId, before: &State, after: &State) -> Vec<(Invariant, String)> {
        let granted = self.generation(record);
        if granted <= self.generation(before.register) {
            return Vec::new();
        }
        let (holder, _) = self.holder(record, &after.servers).expect("a grant has a holder");
        let applied = usize::from(after.servers[holder].applied);
        let is_older = |data: &Data| data.epoch < granted;
        let lacks = after.log.as_slice().iter().skip(applied).find(|data| is_older(data));
        let what = |data: &Data| {
            format!("the holder of epoch {granted} lacks a write of epoch {} that was accepted", data.epoch)
        };
        lacks.map(|data| (Invariant::NothingLost, what(data))).into_iter().collect()
    }

    /// Whether a live node leads, and the resource accepts its writes.
    pub(crate) fn is_done(&self, state: &State) -> bool {
        let epoch = self.generation(state.register);
        let is_leading = self.holder(state.register, &state.servers).is_some_and(|(at, is_alive)| {
            let stance = state.servers[at].stance;
            is_alive && (stance.kind, stance.epoch) == (1, epoch)
        });
        is_leading && *self.seen(state.register).term().phase() == Phase::Open && state.floor <= epoch
    }

    /// Whether a step is one that the protocol can count on: no loss, no crash, no new demand; and a node that is down
    /// comes up only where no other one is there.
    pub(crate) fn is_sure(&self, step: Step, before: &State, after: &State) -> bool {
        match step {
            Step::LoseSwap(_)
            | Step::LoseWrite(_)
            | Step::Double(_)
            | Step::Forget(_)
            | Step::Crash(_)
            | Step::Empty => false,
            Step::Start(_) => before.servers.iter().all(|server| !server.is_up),
            Step::Land(_) => before.handoffs == after.handoffs,
            _ => true,
        }
    }
}
