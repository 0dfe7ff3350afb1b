//! One role, led through the ordinary steps.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use dnsplan_fence::{Actor, Nonce, Observed, Permit, Register, Swap};

use super::Harness;
use crate::{
    Candidate, Fenced, HandoffId, Holder, Incarnation, Leadership, Node, Order, Position, Receipt, Scope,
    Seen, Term, Token, Write, WriteId, Written,
};

/// A role: what it is called, its register and its resource.
pub struct Role<H: Harness + ?Sized> {
    /// What it is called. No other one is called so.
    pub scope: Scope,
    /// Its register.
    pub register: H::Register,
    /// Its resource.
    pub resource: H::Resource,
    attempts: AtomicU64,
}

impl<H: Harness + ?Sized> fmt::Debug for Role<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Role").field("scope", &self.scope).finish_non_exhaustive()
    }
}

pub(super) fn by() -> Actor {
    Actor::new("coordinator").expect("invariant: it is a name")
}

pub(super) fn life(name: &str, incarnation: u64) -> Holder {
    let node = Node::new(name).expect("invariant: it is a name");
    Holder { node, incarnation: Incarnation::new(incarnation) }
}

impl<H: Harness + ?Sized> Role<H> {
    /// A role that was never led.
    #[must_use]
    pub const fn new(scope: Scope, register: H::Register, resource: H::Resource) -> Self {
        Self { scope, register, resource, attempts: AtomicU64::new(0) }
    }

    pub(super) fn attempt(&self) -> Nonce {
        // No two roles share a nonce: what is left over from one would look like another one's.
        let scope = self.scope.as_str().bytes().fold(0_u64, |sum, byte| sum.rotate_left(5) ^ u64::from(byte));
        let count = self.attempts.fetch_add(1, Ordering::Relaxed);
        Nonce::new(u128::from(scope) << 64 | u128::from(count))
    }

    pub(super) async fn load(&self) -> Observed<Term> {
        self.register.load().await.unwrap_or_else(|error| panic!("a load fails: {error}"))
    }

    pub(super) async fn seen(&self) -> Seen {
        Seen::of(&self.load().await).expect("a record that was written is not there")
    }

    pub(super) async fn begin(&self) -> Swap<Term> {
        let genesis = Observed::Absent.genesis(self.attempt(), &by(), Term::vacant());
        let genesis = genesis.expect("invariant: there is no record");
        self.register.create(genesis).await.unwrap_or_else(|error| panic!("a first record fails: {error}"))
    }

    pub(super) fn permit(&self, seen: &Seen, write: &Write) -> Permit<Term> {
        seen.permit(write, self.attempt(), &by()).unwrap_or_else(|refused| panic!("{refused}"))
    }

    pub(super) async fn swap(&self, permit: Permit<Term>) -> Swap<Term> {
        self.register.swap(permit, ()).await.unwrap_or_else(|error| panic!("a swap fails: {error}"))
    }

    /// Makes a write of the record, and looks at it.
    pub(super) async fn put(&self, seen: &Seen, write: &Write) -> Seen {
        assert_eq!(self.swap(self.permit(seen, write)).await, Swap::Won, "nobody else writes");
        self.seen().await
    }

    /// Grants a first epoch.
    pub(super) async fn led_by(&self, holder: Holder) -> Seen {
        assert_eq!(self.begin().await, Swap::Won, "there is no record yet");
        self.put(&self.seen().await, &grant(holder, Position::START)).await
    }

    /// Freezes what is in force, for a successor.
    pub(super) async fn freeze(&self, seen: &Seen, successor: &str) -> Seen {
        let id = HandoffId::new(self.attempt().get());
        let demand = seen.demand(life(successor, 0).node, id).expect("somebody leads");
        self.put(seen, &Write::Freeze(demand)).await
    }

    pub(super) async fn seal(&self, order: Order) -> Receipt {
        self.resource.seal(order).await.unwrap_or_else(|error| panic!("a seal fails: {error}"))
    }

    /// Hands over from whoever leads. What was accepted last goes with it.
    pub(super) async fn hand_over(&self, seen: &Seen, to: Holder) -> (Seen, Receipt) {
        let frozen = self.freeze(seen, to.node.actor().as_str()).await;
        let receipt = self.seal(frozen.order().expect("it is frozen")).await;
        let sealed = self.put(&frozen, &Write::Record(receipt)).await;
        (self.put(&sealed, &grant(to, receipt.position())).await, receipt)
    }

    /// Hands over in the register alone, as if the resource had answered: it hears of nothing. The epoch is granted where the
    /// resource may look for it, and no seal has made room for it.
    pub(super) async fn hand_over_unheard(&self, seen: &Seen, to: Holder, last: Position) -> Seen {
        let frozen = self.freeze(seen, to.node.actor().as_str()).await;
        let receipt = frozen.order().expect("it is frozen").done(last);
        let sealed = self.put(&frozen, &Write::Record(receipt)).await;
        self.put(&sealed, &grant(to, last)).await
    }

    /// What whoever leads would send.
    pub(super) fn token(&self, seen: &Seen) -> Token {
        let holder = seen.term().holder().expect("somebody leads").clone();
        Token::new(self.scope.clone(), seen.epoch().expect("somebody leads"), holder)
    }

    pub(super) async fn send(&self, harness: &H, token: &Token, number: u64) -> Written {
        let (id, write) = (WriteId::new(self.attempt().get()), harness.write(self, number));
        let written = self.resource.write(token, id, write).await;
        written.unwrap_or_else(|error| panic!("a write fails: {error}"))
    }

    /// Sends what has to take effect.
    pub(super) async fn accepted(&self, harness: &H, token: &Token, number: u64) -> Position {
        match self.send(harness, token, number).await {
            Written::Applied(position) => position,
            other => panic!("a write of the epoch in force is not accepted: {other:?}"),
        }
    }

    /// A leader that goes by what it has seen.
    pub(super) fn leader<F: Fenced>(&self, seen: &Seen, resource: F) -> Leadership<F> {
        let me = seen.term().holder().expect("somebody leads").clone();
        let leader = Leadership::take_up(seen, self.scope.clone(), me, resource);
        leader.unwrap_or_else(|_| panic!("the record grants it nothing"))
    }
}

pub(super) const fn grant(holder: Holder, applied: Position) -> Write {
    Write::Grant(Candidate { holder, applied })
}
