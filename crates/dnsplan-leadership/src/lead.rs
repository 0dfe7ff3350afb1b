//! The right of one life of a node to write under one epoch, for as long as the resource agrees.
//!
//! 1. Every write goes through a [`Permit`], which is counted from before it is sent until its answer is there, or nobody
//!    waits for it any more.
//! 2. Stopping closes the gate: no permit is had after it, and those that were had before may still write. Once they are
//!    gone the leadership is drained.
//! 3. After the first refusal nothing is sent at all, not even under a permit that was had before.
//!
//! None of this is what keeps a deposed node out. It is what keeps a hand-off from aborting writes.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use dnsplan_fence::{Gate, NotEntered, Pass};

use crate::{Epoch, Fenced, Holder, Scope, Seen, Stance, Token, WriteId, Written, attend};

/// A node's leadership of one epoch. It is not `Clone`, and once it has stopped it has stopped for good: the only way on
/// is to look at the record again, which may grant a *later* epoch.
///
/// ```compile_fail,E0599
/// # use dnsplan_leadership::*;
/// # fn f<F: Fenced>(mine: Leadership<F>) {
/// let twice = mine.clone();
/// # }
/// ```
#[derive(Debug)]
pub struct Leadership<F> {
    token: Token,
    resource: F,
    gate: Gate,
    /// The resource has refused the epoch. Nothing depends on what is written before or after it.
    is_refused: AtomicBool,
}

/// One write that may be sent, and is in flight for as long as this exists.
///
/// It is used up by the write:
///
/// ```compile_fail,E0382
/// # use dnsplan_leadership::*;
/// # async fn f<F: Fenced>(permit: Permit<'_, F>, id: WriteId, one: F::Write, two: F::Write) {
/// permit.write(id, one).await;
/// permit.write(id, two).await;
/// # }
/// ```
///
/// and does not outlive the leadership:
///
/// ```compile_fail,E0505
/// # use dnsplan_leadership::*;
/// # fn f<F: Fenced>(mine: Leadership<F>) {
/// let permit = mine.permit();
/// drop(mine);
/// drop(permit);
/// # }
/// ```
#[must_use = "who drops it has not written"]
pub struct Permit<'a, F> {
    leadership: &'a Leadership<F>,
    pass: Pass<'a>,
}

/// Why a write was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotSent<E> {
    /// This leadership is over: the write has not left this node.
    #[error("leadership of epoch {0} has stopped; load the record and send the write to its holder")]
    Stopped(Epoch),
    /// So many writes are in flight that one more could not be counted.
    #[error("{most} writes of epoch {0} are in flight; try again when some have been answered", most = Gate::MOST)]
    Full(Epoch),
    /// The resource says that it did definitely not happen.
    #[error("{0}; try again")]
    Resource(#[source] E),
}

impl<F: Fenced> Leadership<F> {
    /// Takes up the epoch that the record grants to this very life of a node. The resource is handed back where it grants
    /// none, where the epoch is meant to end, or where it is above what a gate counts to ([`Gate::HIGHEST`]).
    ///
    /// # Errors
    /// The resource, unused.
    pub fn take_up(seen: &Seen, scope: Scope, me: Holder, resource: F) -> Result<Self, F> {
        let gate = Gate::new();
        match attend(seen, &me, Stance::Follows) {
            Stance::Leads(epoch) if gate.open(epoch.into()).is_ok() => {
                let token = Token::new(scope, epoch, me);
                Ok(Self { token, resource, gate, is_refused: AtomicBool::new(false) })
            }
            Stance::Follows | Stance::Leads(_) | Stance::Drains(_) | Stance::Stopped(_) => Err(resource),
        }
    }

    /// The token that its writes carry.
    #[must_use]
    pub const fn token(&self) -> &Token {
        &self.token
    }

    /// Whether it has stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        !self.gate.is_open(self.epoch().into())
    }

    /// Begins no new write, for good. Those under way may still be sent and take effect.
    pub fn stop(&self) {
        self.gate.close(self.epoch().into());
    }

    /// Stops where a record says that it should. What that node knows only saves writes from being refused.
    pub fn attend(&self, seen: &Seen) {
        let stance = Stance::Leads(self.epoch());
        if attend(seen, self.token.holder(), stance) != stance {
            self.stop();
        }
    }

    /// How many writes are under way.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.gate.in_flight()
    }

    /// Whether it has stopped and no write is under way: what [`Situation::is_drained`](crate::Situation::is_drained)
    /// asks of the holder.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.gate.is_drained(self.epoch().into())
    }

    /// Waits until it has stopped and no write is under way. It stops nothing, and knows no time: how long a drain may take
    /// is the coordinator's to say.
    pub fn drained(&self) -> impl Future<Output = ()> + Send + '_ {
        self.gate.drained(self.epoch().into())
    }

    /// Permission to send one write, which is in flight from here on.
    ///
    /// # Errors
    /// [`NotSent`]: it has stopped, or too many are in flight.
    pub fn permit(&self) -> Result<Permit<'_, F>, NotSent<F::Error>> {
        match self.gate.enter(self.epoch().into()) {
            Ok(pass) => Ok(Permit { leadership: self, pass }),
            Err(NotEntered::Closed) => Err(NotSent::Stopped(self.epoch())),
            Err(NotEntered::Full) => Err(NotSent::Full(self.epoch())),
        }
    }

    /// Writes, under a permit of its own. After the first [`Written::Fenced`] nothing is sent any more.
    ///
    /// # Errors
    /// [`NotSent`]: the write has definitely not happened.
    pub async fn write(&self, id: WriteId, write: F::Write) -> Result<Written, NotSent<F::Error>> {
        self.permit()?.write(id, write).await
    }

    const fn epoch(&self) -> Epoch {
        self.token.epoch()
    }
}

impl<F: Fenced> Permit<'_, F> {
    /// Sends the write. Where this future is dropped before its end the write is no longer counted as in flight, though it
    /// may yet arrive; the resource is what refuses it then.
    ///
    /// # Errors
    /// [`NotSent`]: the write has definitely not happened.
    pub async fn write(self, id: WriteId, write: F::Write) -> Result<Written, NotSent<F::Error>> {
        let Self { leadership, pass } = self;
        if leadership.is_refused.load(Ordering::Relaxed) {
            return Err(NotSent::Stopped(leadership.epoch()));
        }
        let written =
            leadership.resource.write(&leadership.token, id, write).await.map_err(NotSent::Resource)?;
        if matches!(written, Written::Fenced(_)) {
            leadership.is_refused.store(true, Ordering::Relaxed);
            leadership.stop();
        }
        drop(pass);
        Ok(written)
    }
}

impl<F> fmt::Debug for Permit<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit({:?})", self.leadership.token)
    }
}
