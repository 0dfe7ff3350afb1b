//! Nodes, records, and a register and a resource in memory that can lose replies.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use dnsplan_fence::{Actor, Genesis, Nonce, Observed, Permit, Record, Register, Swap};
use dnsplan_leadership::{
    Candidate, Cell, Demand, Fenced, Floor, HandoffId, Holder, Incarnation, Node, Order, Position, Receipt,
    Refused, Seen, Term, Token, Write, WriteId, Written,
};

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("nothing here waits"),
    }
}

pub(crate) fn me() -> Actor {
    Actor::new("coordinator").expect("valid")
}

pub(crate) fn node(name: &str) -> Node {
    Node::new(name).expect("valid")
}

pub(crate) fn life(name: &str, incarnation: u64) -> Holder {
    Holder { node: node(name), incarnation: Incarnation::new(incarnation) }
}

pub(crate) fn candidate(holder: Holder, applied: u64) -> Candidate {
    Candidate { holder, applied: Position::new(applied) }
}

pub(crate) const ID: HandoffId = HandoffId::new(7);

pub(crate) fn vacant() -> Seen {
    let genesis = Observed::Absent.genesis(Nonce::new(0), &me(), Term::vacant()).expect("valid");
    seen(genesis.into_record())
}

pub(crate) fn seen(record: Record<Term>) -> Seen {
    Seen::of(&Observed::Record(record)).expect("valid")
}

/// What a write leaves.
pub(crate) fn after(seen_before: &Seen, write: &Write) -> Result<Seen, Refused> {
    let attempt = Nonce::new(seen_before.record().attempt.get() + 1);
    seen_before.permit(write, attempt, &me()).map(|permit| seen(permit.into_next()))
}

/// Epoch 1, held by the first life of `a`.
pub(crate) fn open() -> Seen {
    after(&vacant(), &Write::Grant(candidate(life("a", 1), 0))).expect("valid")
}

pub(crate) fn demand(seen: &Seen, successor: &str) -> Demand {
    seen.demand(node(successor), ID).expect("valid")
}

/// The same, to be handed to `b`.
pub(crate) fn freezing() -> Seen {
    let open = open();
    after(&open, &Write::Freeze(demand(&open, "b"))).expect("valid")
}

pub(crate) fn receipt(seen: &Seen, position: u64) -> Receipt {
    seen.order().expect("valid").done(Position::new(position))
}

/// The same, sealed at 5.
pub(crate) fn sealed() -> Seen {
    let freezing = freezing();
    after(&freezing, &Write::Record(receipt(&freezing, 5))).expect("valid")
}

/// What becomes of the next swap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// It takes effect, and the reply is lost.
    LoseReply,
    /// It is lost, or late.
    LoseRequest,
    /// Somebody else repeats the intent first.
    Overtake,
    /// The same, and the reply is lost.
    OvertakeUnheard,
}

/// The in-process register, with faults.
#[derive(Debug, Default)]
pub(crate) struct Faulty {
    pub(crate) cell: Cell,
    pub(crate) next: Mutex<Option<Fault>>,
}

impl Register for Faulty {
    type Payload = Term;
    type Rider = ();
    type Error = Infallible;

    async fn load(&self) -> Result<Observed<Term>, Infallible> {
        self.cell.load().await
    }

    async fn create(&self, genesis: Genesis<Term>) -> Result<Swap<Term>, Infallible> {
        self.cell.create(genesis).await
    }

    async fn swap(&self, permit: Permit<Term>, rider: ()) -> Result<Swap<Term>, Infallible> {
        let fault = self.next.lock().expect("unpoisoned").take();
        match fault {
            None => self.cell.swap(permit, rider).await,
            Some(Fault::LoseRequest) => Ok(Swap::Unknown),
            Some(Fault::LoseReply) => {
                assert_eq!(self.cell.swap(permit, rider).await?, Swap::Won);
                Ok(Swap::Unknown)
            }
            Some(fault @ (Fault::Overtake | Fault::OvertakeUnheard)) => {
                let now = seen(permit.expected().clone());
                let to = candidate(life("c", 1), 99);
                let writes = [
                    now.order().map(|order| Write::Record(order.done(Position::new(99)))),
                    Some(Write::Grant(to)),
                ];
                let attempt = Nonce::new(permit.next().attempt.get() + (1 << 100));
                let other = |write| now.permit(&write, attempt, &me()).ok();
                let other = writes.into_iter().flatten().find_map(other).expect("one of them is permitted");
                assert_eq!(self.cell.swap(other, rider).await?, Swap::Won);
                let swap = self.cell.swap(permit, rider).await?;
                Ok(if fault == Fault::OvertakeUnheard { Swap::Unknown } else { swap })
            }
        }
    }
}

/// A resource in memory: a floor and a list under one lock.
#[derive(Debug, Default)]
pub(crate) struct Log {
    state: Mutex<(Floor, Vec<&'static str>)>,
    /// Replies to writes are lost.
    pub(crate) is_mute: AtomicBool,
    refused: AtomicUsize,
}

impl Log {
    /// How many writes it has refused.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn accepted(&self) -> Vec<&'static str> {
        self.state.lock().expect("unpoisoned").1.clone()
    }
}

fn at(list: &[&'static str]) -> Position {
    Position::new(list.len() as u64)
}

impl Fenced for Log {
    type Write = &'static str;
    type Error = Infallible;

    async fn write(&self, token: &Token, id: WriteId, write: &'static str) -> Result<Written, Infallible> {
        let mut state = self.state.lock().expect("unpoisoned");
        match state.0.admit(token.epoch()) {
            Err(below) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Ok(Written::Fenced(below))
            }
            Ok(floor) => {
                state.0 = floor;
                state.1.push(write);
                let is_mute = self.is_mute.load(Ordering::Relaxed);
                Ok(if is_mute { Written::Unknown(id) } else { Written::Applied(at(&state.1)) })
            }
        }
    }

    async fn seal(&self, order: Order) -> Result<Receipt, Infallible> {
        let mut state = self.state.lock().expect("unpoisoned");
        state.0 = state.0.seal(order.epoch());
        Ok(order.done(at(&state.1)))
    }
}
