//! Wires: between an actor and the store or a target. Here requests are late, lost and doubled.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use dnsplan_enactor::TargetError;
use dnsplan_fence::Generation;
use dnsplan_plan::StoreError;

use crate::exec::{Core, Effect, Slot};
use crate::fault::CallFault;
use crate::log::Log;
use crate::schedule::Schedule;

/// After how many milliseconds a caller gives up waiting for a reply.
const TIMEOUT: u64 = 800;

/// The other end of a wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Peer {
    Store,
    Target(usize),
    /// Of a writer role: the register of its record.
    Register,
    /// What is written.
    Storage,
    /// What was written, for those who copy it.
    Log,
    /// A node that may lead.
    Node(usize),
    /// The name that clients follow.
    Endpoint,
}

/// One call, for whoever has to do with it on its way.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    /// What it is called, such as `load`, `flip`, `append`.
    pub(crate) name: &'static str,
    /// In words.
    pub(crate) text: String,
    /// Whether it changes anything.
    pub(crate) is_write: bool,
    /// On behalf of which generation.
    pub(crate) generation: Option<Generation>,
    /// Which part of a chain, from 1.
    pub(crate) part: Option<u32>,
}

impl Op {
    pub(crate) const fn read(name: &'static str) -> Self {
        Self { name, text: String::new(), is_write: false, generation: None, part: None }
    }

    pub(crate) const fn write(name: &'static str) -> Self {
        Self { name, text: String::new(), is_write: true, generation: None, part: None }
    }

    fn words(&self) -> &str {
        if self.text.is_empty() { self.name } else { &self.text }
    }
}

/// Why there is no reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Loss {
    /// It was refused, for certain.
    Throttled,
    /// Nobody knows.
    TimedOut,
}

impl Loss {
    pub(crate) fn of_read(self) -> StoreError {
        StoreError::Unavailable(self.text().to_owned())
    }

    pub(crate) fn of_write(self) -> StoreError {
        match self {
            Self::Throttled => StoreError::Unavailable(self.text().to_owned()),
            Self::TimedOut => StoreError::Unknown(self.text().to_owned()),
        }
    }

    pub(crate) fn at_target(self) -> TargetError {
        TargetError::Unavailable(self.text().to_owned())
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Throttled => "too many requests",
            Self::TimedOut => "no reply in time",
        }
    }
}

/// Somebody who makes calls.
#[derive(Debug)]
pub(crate) struct Actor {
    pub(crate) name: Arc<str>,
    calls: AtomicU32,
}

/// Writes that a script holds back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// Whose.
    pub(crate) actor: u32,
    /// Which kind of call; any where it is `None`.
    pub(crate) op: Option<String>,
    /// On behalf of which generation.
    pub(crate) generation: Option<Generation>,
    /// Which part of a chain, from 1.
    pub(crate) part: Option<u32>,
    /// Whether the caller gives up waiting, or waits.
    pub(crate) gives_up: bool,
}

#[derive(Default)]
struct Traffic {
    /// Until when an actor cannot reach a peer.
    partitions: Vec<(u32, Peer, u64)>,
    /// Until when a peer refuses everything.
    throttled: Vec<(Peer, u64)>,
    holds: Vec<Hold>,
    held: Vec<(u32, Effect)>,
}

/// All wires of a run.
pub(crate) struct Net {
    pub(crate) core: Core,
    pub(crate) log: Log,
    pub(crate) schedule: Schedule,
    pub(crate) actors: Vec<Actor>,
    traffic: Mutex<Traffic>,
}

impl Net {
    pub(crate) fn new(core: &Core, log: &Log, schedule: Schedule, names: &[Arc<str>]) -> Self {
        let actor = |name: &Arc<str>| Actor { name: Arc::clone(name), calls: AtomicU32::new(0) };
        let actors = names.iter().map(actor).collect();
        Self { core: core.clone(), log: log.clone(), schedule, actors, traffic: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().expect("invariant: nothing panics while it is locked")
    }

    /// Cuts an actor off from a peer for so long.
    pub(crate) fn cut(&self, actor: u32, peer: Peer, millis: u64) {
        let until = self.core.now().saturating_add(millis);
        self.lock().partitions.push((actor, peer, until));
    }

    /// Lets a peer refuse everything for so long.
    pub(crate) fn throttle(&self, peer: Peer, millis: u64) {
        let until = self.core.now().saturating_add(millis);
        self.lock().throttled.push((peer, until));
    }

    /// Ends all partitions and all throttling.
    pub(crate) fn mend(&self) {
        let mut traffic = self.lock();
        traffic.partitions.clear();
        traffic.throttled.clear();
    }

    /// The next call like this is held back.
    pub(crate) fn hold(&self, hold: Hold) {
        self.lock().holds.push(hold);
    }

    /// How many calls of an actor are held back.
    pub(crate) fn held(&self, actor: u32) -> usize {
        self.lock().held.iter().filter(|(whose, _)| *whose == actor).count()
    }

    /// Lets the oldest call of an actor that was held back arrive.
    pub(crate) fn release_one(&self, actor: u32) {
        let mut traffic = self.lock();
        let index = traffic.held.iter().position(|(whose, _)| *whose == actor);
        let effect = index.map(|index| traffic.held.remove(index).1);
        drop(traffic);
        effect.into_iter().for_each(|effect| self.core.send(1, effect));
    }

    /// Lets the calls of an actor that were held back arrive, the oldest first; says how many.
    pub(crate) fn release(&self, actor: u32) -> usize {
        let mut released = Vec::new();
        let mut traffic = self.lock();
        while let Some(index) = traffic.held.iter().position(|(whose, _)| *whose == actor) {
            released.push(traffic.held.remove(index).1);
        }
        drop(traffic);
        let number = released.len();
        for (delay, effect) in (1..).zip(released) {
            self.core.send(delay, effect);
        }
        number
    }

    fn is_cut(&self, actor: u32, peer: Peer, now: u64) -> bool {
        self.lock()
            .partitions
            .iter()
            .any(|(whose, from, until)| (*whose, *from) == (actor, peer) && now < *until)
    }

    fn is_throttled(&self, peer: Peer, now: u64) -> bool {
        self.lock().throttled.iter().any(|(whose, until)| *whose == peer && now < *until)
    }

    fn take_hold(&self, actor: u32, op: &Op) -> Option<Hold> {
        let mut traffic = self.lock();
        let is_meant = |hold: &Hold| {
            hold.actor == actor
                && hold.op.as_ref().is_none_or(|name| *name == op.name)
                && hold.part.is_none_or(|part| op.part == Some(part))
                && hold.generation.is_none_or(|wanted| op.generation == Some(wanted))
        };
        let index = traffic.holds.iter().position(is_meant)?;
        Some(traffic.holds.remove(index))
    }

    fn next_call(&self, actor: u32) -> u32 {
        self.actors[actor as usize].calls.fetch_add(1, Ordering::Relaxed)
    }
}

/// One end of a wire.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) net: Arc<Net>,
    pub(crate) actor: u32,
    pub(crate) peer: Peer,
}

impl Wire {
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.net.actors[self.actor as usize].name
    }

    /// Makes a call. `effect` is what happens at the other end, each time that the request arrives there (a read arrives once);
    /// `lost` is what the caller gets where no reply comes.
    pub(crate) async fn call<R: Send + 'static>(
        &self,
        op: Op,
        effect: impl FnMut() -> R + Send + 'static,
        lost: impl FnOnce(Loss) -> R + Send + 'static,
    ) -> R {
        let Net { core, schedule, .. } = &*self.net;
        let (call, now) = (self.net.next_call(self.actor), core.now());
        let leg = |which| schedule.leg(self.actor, call, which);
        let request = Request { slot: Slot::new(core), effect: Arc::new(Mutex::new(effect)), back: leg(1) };
        let slot = request.slot.clone();
        let fault = self.fault(&op, call, now);
        if fault != CallFault::None {
            let (words, name, kind) = (op.words().to_owned(), self.name(), fault_kind(fault));
            let text = || format!("{words} {}", fault.text());
            // Those of a role are tried again many times a second.
            let is_dull = !op.is_write && !matches!(self.peer, Peer::Store | Peer::Target(_));
            if is_dull {
                self.net.log.detail(name, kind, op.generation, text);
            } else {
                self.net.log.say(name, kind, op.generation, text);
            }
        }
        match fault {
            CallFault::None => match self.net.take_hold(self.actor, &op) {
                None => core.send(leg(0), request.arrival(true)),
                Some(hold) => self.hold(&hold, &op, request, lost_later(&slot, lost)),
            },
            CallFault::Stall(millis) => {
                let slow = Request { back: request.back + millis, ..request };
                core.send(leg(0), slow.arrival(true));
            }
            CallFault::Throttle => {
                let delay = leg(0);
                core.send(delay, lost_with(&slot, lost, Loss::Throttled));
            }
            CallFault::LoseRequest => core.send(TIMEOUT, lost_later(&slot, lost)),
            CallFault::LoseReply => {
                core.send(leg(0), request.arrival(false));
                core.send(TIMEOUT, lost_later(&slot, lost));
            }
            CallFault::Late(millis) => {
                core.send(leg(0) + millis, request.arrival(false));
                core.send(TIMEOUT, lost_later(&slot, lost));
            }
            CallFault::Twice(millis) => {
                core.send(leg(0) + millis, request.clone().arrival(false));
                core.send(leg(0), request.arrival(true));
            }
            CallFault::Crash { sent, downtime } => {
                if sent {
                    core.send(leg(0), request.arrival(false));
                }
                core.crash(downtime);
                core.halt().await;
            }
        }
        slot.wait().await
    }

    fn fault(&self, op: &Op, call: u32, now: u64) -> CallFault {
        if self.net.is_cut(self.actor, self.peer, now) {
            return CallFault::LoseRequest;
        }
        if self.net.is_throttled(self.peer, now) {
            return CallFault::Throttle;
        }
        self.net.schedule.call(self.actor, call, op.is_write, now)
    }

    fn hold<R, F>(&self, hold: &Hold, op: &Op, request: Request<R, F>, give_up: Effect)
    where
        R: Send + 'static,
        F: FnMut() -> R + Send + 'static,
    {
        let name = self.name();
        if hold.gives_up {
            self.net.core.send(TIMEOUT, give_up);
            self.net
                .log
                .say(name, "delayed", op.generation, || format!("{} is stuck on its way", op.words()));
        } else if hold.op.is_some() {
            let text = || format!("{} is held back, and with it whoever sent it", op.words());
            self.net.log.say(name, "stalled", op.generation, text);
        } else {
            self.net.log.detail(name, "paused", None, || "stalls".to_owned());
        }
        let held = (self.actor, request.arrival(!hold.gives_up));
        self.net.lock().held.push(held);
    }

    /// Sleeps. A sleep is an await like any other: whoever sleeps can crash.
    pub(crate) async fn sleep(&self, millis: u64) {
        let Net { core, schedule, .. } = &*self.net;
        let call = self.net.next_call(self.actor);
        match schedule.call(self.actor, call, false, core.now()) {
            CallFault::Crash { downtime, .. } => {
                core.crash(downtime);
                core.halt().await;
            }
            CallFault::Stall(more) => core.sleep(millis + more).await,
            _ => core.sleep(millis + schedule.leg(self.actor, call, 0)).await,
        }
    }
}

/// A request on its way: what it does, and where the reply goes.
struct Request<R, F> {
    slot: Slot<R>,
    effect: Arc<Mutex<F>>,
    back: u64,
}

impl<R, F> Clone for Request<R, F> {
    fn clone(&self) -> Self {
        Self { slot: self.slot.clone(), effect: Arc::clone(&self.effect), back: self.back }
    }
}

impl<R: Send + 'static, F: FnMut() -> R + Send + 'static> Request<R, F> {
    fn arrival(self, replies: bool) -> Effect {
        Box::new(move || {
            let reply = (self.effect.lock().expect("invariant: nothing panics while it is locked"))();
            if replies {
                self.slot.fill(reply, self.back);
            }
        })
    }
}

fn lost_later<R: Send + 'static>(slot: &Slot<R>, lost: impl FnOnce(Loss) -> R + Send + 'static) -> Effect {
    lost_with(slot, lost, Loss::TimedOut)
}

fn lost_with<R: Send + 'static>(
    slot: &Slot<R>,
    lost: impl FnOnce(Loss) -> R + Send + 'static,
    loss: Loss,
) -> Effect {
    let slot = slot.clone();
    Box::new(move || slot.fill(lost(loss), 0))
}

const fn fault_kind(fault: CallFault) -> &'static str {
    match fault {
        CallFault::None => "call",
        CallFault::Stall(_) => "stalled",
        CallFault::LoseRequest | CallFault::LoseReply => "lost",
        CallFault::Late(_) => "delayed",
        CallFault::Twice(_) => "doubled",
        CallFault::Throttle => "throttled",
        CallFault::Crash { .. } => "crashed",
    }
}
