//! A node: it looks at the record, takes up what it is granted, and writes for whoever asks it to. It crashes, starts as another life,
//! and is stopped with whatever it was about to do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use dnsplan_fence::Register;
use dnsplan_leadership::{
    Epoch, Holder, Incarnation, Leadership, Phase, Position, Seen, Stance, WriteId, Written, attend,
};

use super::outcome::Weak;
use super::register::Remote;
use super::storage::{Datum, Device, Life};
use super::world::{World, locked};
use crate::exec::Slot;
use crate::wire::{Op, Peer};

/// How many writes a node sends at a time.
pub(super) const WORKERS: usize = 3;
/// How soon a node that was stopped goes on, in milliseconds.
const STOPPED: u64 = 20;
/// How often it looks at the record, in milliseconds.
const LOOKS: u64 = 150;

/// A write that a client asks for.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) id: WriteId,
    pub(super) client: u32,
    pub(super) reply: Slot<Answer>,
}

/// What a node says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// It took effect.
    Done(Position, Epoch),
    /// It was not sent, or was refused: the role is somewhere else.
    Elsewhere,
    /// Nobody knows.
    Unknown,
}

/// What a node says of itself to a coordinator.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) holder: Holder,
    pub(super) applied: Position,
    /// The epoch under which it has nothing in flight any more, nor ever will.
    pub(super) drained: Option<Epoch>,
}

#[derive(Default)]
pub(super) struct State {
    /// Which start of it this is.
    pub(super) life: u64,
    /// What it calls this life.
    pub(super) incarnation: u64,
    pub(super) is_up: bool,
    /// It does nothing before.
    pub(super) stopped_until: u64,
    pub(super) stance: Stance,
    pub(super) leadership: Option<Arc<Leadership<Device>>>,
    /// How many of the accepted writes it has.
    pub(super) applied: u64,
    inbox: VecDeque<Request>,
    idle: Vec<Slot<Request>>,
}

impl State {
    /// The epoch that it takes itself for the writer of.
    pub(super) fn claims(&self) -> Option<Epoch> {
        let leadership = self.leadership.as_ref().filter(|leadership| !leadership.is_stopped())?;
        Some(leadership.token().epoch())
    }

    fn drained(&self) -> Option<Epoch> {
        let (Stance::Drains(epoch) | Stance::Stopped(epoch)) = self.stance else { return None };
        let is_idle = self.leadership.as_ref().is_none_or(|leadership| leadership.is_drained());
        is_idle.then_some(epoch)
    }
}

pub(super) struct Node {
    pub(super) name: Arc<str>,
    pub(super) node: dnsplan_leadership::Node,
    state: Mutex<State>,
}

impl Node {
    pub(super) fn new(name: &str) -> Self {
        let node = dnsplan_leadership::Node::new(name).expect("invariant: a valid name");
        Self { name: name.into(), node, state: Mutex::default() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    /// Its present life, as it calls it.
    pub(super) fn holder(&self) -> Holder {
        Holder { node: self.node.clone(), incarnation: Incarnation::new(self.state().incarnation) }
    }

    /// What it knew is gone, and so is whatever it was asked for; what it has copied is on its disk.
    pub(super) fn crash(&self) {
        let mut state = self.state();
        *state = State {
            life: state.life,
            incarnation: state.incarnation,
            applied: state.applied,
            ..State::default()
        };
    }

    /// A request arrives.
    pub(super) fn ask(&self, request: Request) {
        let mut state = self.state();
        if !state.is_up {
            request.reply.fill(Answer::Elsewhere, 1);
        } else if let Some(worker) = state.idle.pop() {
            worker.fill(request, 0);
        } else {
            state.inbox.push_back(request);
        }
    }
}

impl World {
    /// A node starts.
    pub(super) fn boot(&self, index: usize) {
        let node = &self.nodes[index];
        let mut state = node.state();
        state.is_up = true;
        state.life += 1;
        if state.life == 1 || !self.is_without(Weak::Incarnation) {
            state.incarnation = state.life;
        }
        let (life, incarnation) = (state.life, state.incarnation);
        drop(state);
        if life > 1 {
            self.log
                .say(&node.name, "started", None, || format!("starts again, as {}.{incarnation}", node.name));
        }
    }

    /// Waits until a node goes on, where it is stopped.
    pub(super) async fn resumed(&self, index: usize) {
        loop {
            let (until, now) = (self.nodes[index].state().stopped_until, self.core.now());
            if now >= until {
                return;
            }
            // Somebody may let it go on earlier.
            self.core.sleep(STOPPED.min(until - now)).await;
        }
    }

    /// What a node says of itself; `None` where it says nothing.
    pub(super) fn report(&self, index: usize) -> Option<Report> {
        let holder = self.nodes[index].holder();
        let state = self.nodes[index].state();
        let answers = state.is_up && self.core.now() >= state.stopped_until;
        answers.then(|| Report { holder, applied: Position::new(state.applied), drained: state.drained() })
    }

    /// A node has seen a record.
    fn attend(self: &Arc<Self>, index: usize, seen: &Seen) {
        let (node, me) = (&self.nodes[index], self.nodes[index].holder());
        let mut state = node.state();
        let next = attend(seen, &me, state.stance);
        if next == state.stance {
            return;
        }
        if let Some(leadership) = &state.leadership {
            leadership.attend(seen);
        }
        if let Stance::Leads(_) = next {
            let life = Some(Life { node: index, number: state.life });
            let device =
                Device { world: Arc::clone(self), wire: self.wire(index as u32, Peer::Storage), life };
            state.leadership = Leadership::take_up(seen, self.scope.clone(), me, device).ok().map(Arc::new);
        }
        state.stance = next;
        drop(state);
        let is_sealed = !matches!(seen.term().phase(), Phase::Freezing(_));
        let (kind, text) = match next {
            Stance::Follows => return,
            Stance::Leads(epoch) => ("leads", format!("leads under epoch {epoch}")),
            Stance::Drains(epoch) => {
                ("drains", format!("drains: it begins no more writes under epoch {epoch}"))
            }
            Stance::Stopped(epoch) if is_sealed => ("stops", format!("has seen that epoch {epoch} is over")),
            Stance::Stopped(epoch) => ("stops", format!("stops at epoch {epoch}")),
        };
        self.log.say(&node.name, kind, next.epoch().map(Into::into), || text);
    }

    async fn serve(&self, index: usize, request: &Request) -> Answer {
        let Some(leadership) = self.nodes[index].state().leadership.clone() else { return Answer::Elsewhere };
        let epoch = leadership.token().epoch();
        match leadership.write(request.id, Datum { client: request.client }).await {
            Ok(Written::Applied(position)) => Answer::Done(position, epoch),
            Ok(Written::Unknown(_)) => Answer::Unknown,
            Ok(Written::Fenced(_)) => {
                let mut state = self.nodes[index].state();
                state.stance = state.stance.fenced(epoch);
                Answer::Elsewhere
            }
            Err(_) => Answer::Elsewhere,
        }
    }
}

/// Looks at the record, and copies what was accepted, for ever.
pub(super) async fn watch(world: Arc<World>, index: usize) {
    let actor = index as u32;
    let register = Remote { wire: world.wire(actor, Peer::Register), world: Arc::clone(&world) };
    let log = world.wire(actor, Peer::Log);
    loop {
        if let Ok(observed) = register.load().await {
            world.resumed(index).await;
            if let Some(seen) = Seen::of(&observed) {
                world.attend(index, &seen);
            }
        }
        let there = Arc::clone(&world);
        let copied =
            log.call(Op::read("copy"), move || Some(there.storage().log.len() as u64), |_| None).await;
        world.resumed(index).await;
        if let Some(copied) = copied {
            let mut state = world.nodes[index].state();
            state.applied = state.applied.max(copied);
        }
        register.wire.sleep(LOOKS).await;
        world.resumed(index).await;
    }
}

/// Writes what it is asked to, one after the other, for ever.
pub(super) async fn work(world: Arc<World>, index: usize) {
    loop {
        let next = world.nodes[index].state().inbox.pop_front();
        let request = match next {
            Some(request) => request,
            None => {
                let slot = Slot::new(&world.core);
                world.nodes[index].state().idle.push(slot.clone());
                slot.wait().await
            }
        };
        world.resumed(index).await;
        let answer = world.serve(index, &request).await;
        world.resumed(index).await;
        request.reply.fill(answer, 3);
    }
}
