//! Roles whose resource cannot compare an epoch in the write: mail, an HTTP endpoint of somebody else, a relay.
//! Instead of the comparison there is a wait, the *lock-delay*, as in Chubby and Consul. **Writes may come late all
//! the same.**
//!
//! 1. A holder begins a write only where it has begun to look at the record less than [`LockDelay::look`] ago, and
//!    found its epoch open.
//! 2. A coordinator that finds the record frozen waits for `look` and [`LockDelay::flight`], both, on its own clock,
//!    and then takes the epoch for sealed. One that comes after it, or starts again, waits from the beginning.
//! 3. So a write that takes effect within `flight` of its beginning takes effect before the next epoch is granted.
//!
//! # What is not promised
//!
//! * **That nothing of an ended epoch takes effect.** A process that stands still between its look at the clock and
//!   the first byte, a mail queue, a proxy that sends again: whatever takes longer than `flight` takes effect after
//!   the grant, and nobody hears of it. No delay is long enough for all of them.
//! * **Order.** Writes of two epochs may take effect in any order, then.
//! * **That nothing is lost.** The receipt's position is [`Position::START`]: who is granted the next epoch knows
//!   nothing of what the last one has sent. What matters has to be in a resource that is [`Fenced`](crate::Fenced),
//!   written before it is sent.
//! * **Clocks.** They may show any time, and have to run at the same rate, when the machine sleeps, too
//!   (`CLOCK_BOOTTIME`; `CLOCK_MONOTONIC` stands still).
//! * **Anything at all, where a fenced resource is under the same role.** A coordinator that waits seals nothing: each role
//!   is coordinated in one of the two ways, by everybody.
//!
//! What remains is one holder in the record at a time, and an id that goes with every write: who sends a thing again,
//! under whatever epoch, sends it under the same id, and a receiver that knows ids takes it once.
//!
//! # What the compiler refuses
//!
//! To use it where the comparison is asked for:
//!
//! ```compile_fail,E0277
//! # use std::time::Duration;
//! # use dnsplan_leadership::unfenceable::{LockDelay, Unfenceable, Unfenced};
//! # fn f<W: Unfenced>(mail: W, delay: LockDelay, clock: fn() -> Duration) {
//! fn strong<F: dnsplan_leadership::Fenced>(_: F) {}
//! strong(Unfenceable::new(mail, delay, clock)); // is not `Fenced`
//! # }
//! ```
//!
//! and to make a coordinator take it for sealed at once:
//!
//! ```compile_fail,E0599
//! # use std::time::Duration;
//! # use dnsplan_fence::{Nonce, Register};
//! # use dnsplan_leadership::{Beliefs, Coordinator, Term};
//! # use dnsplan_leadership::unfenceable::{Unfenceable, Unfenced};
//! # async fn f<R: Register<Payload = Term, Rider = ()>, W: Unfenced>(
//! #     mut coordinator: Coordinator<R, Unfenceable<W, fn() -> Duration>>, beliefs: Beliefs<'_>,
//! # ) {
//! coordinator.turn(&beliefs, Nonce::new(1)).await; // there is `turn_by_lock_delay`
//! # }
//! ```

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dnsplan_fence::{Gate, NotEntered, Register};

use crate::{Epoch, Holder, Order, Position, Receipt, Scope, Seen, Stance, Term, Token, WriteId, attend};

/// Something that is written and compares no epoch.
///
/// ```
/// use std::convert::Infallible;
/// use std::time::{Duration, Instant};
///
/// use dnsplan_leadership::unfenceable::{LockDelay, Sent, Unfenceable, Unfenced};
/// use dnsplan_leadership::{Token, WriteId};
///
/// struct Mail;
///
/// impl Unfenced for Mail {
///     type Write = String;
///     type Error = Infallible;
///
///     async fn send(&self, token: &Token, id: WriteId, body: String) -> Result<Sent, Infallible> {
///         println!("Message-ID: <{id}@example.com>\nX-Epoch: {}\n\n{body}", token.epoch());
///         Ok(Sent::Taken)
///     }
/// }
///
/// let delay = LockDelay { look: Duration::from_secs(10), flight: Duration::from_secs(30) };
/// let start = Instant::now();
/// let role = Unfenceable::new(Mail, delay, move || start.elapsed());
/// // To lead: `MayBeLate::take_up(&register, scope, me, role)`. To coordinate: `Coordinator::new(register, role, by)`.
/// # let _ = role;
/// ```
pub trait Unfenced: Sync {
    /// What is written.
    type Write: Send;
    /// Why something did definitely not happen.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Writes. The id goes with it as the idempotency key: a `Message-ID`, an `Idempotency-Key`. The token says who
    /// sends, for logs and for receivers that care.
    fn send(
        &self,
        token: &Token,
        id: WriteId,
        write: Self::Write,
    ) -> impl Future<Output = Result<Sent, Self::Error>> + Send;
}

impl<W: Unfenced> Unfenced for &W {
    type Write = W::Write;
    type Error = W::Error;

    fn send(
        &self,
        token: &Token,
        id: WriteId,
        write: W::Write,
    ) -> impl Future<Output = Result<Sent, W::Error>> + Send {
        W::send(self, token, id, write)
    }
}

/// What became of a write, as far as anybody can say.
#[must_use = "what is unknown may have to be sent again, under the same id"]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// The other side has taken it.
    Taken,
    /// The other side may have taken it, or may yet: send it again under the same id, or ask there.
    Unknown(WriteId),
}

/// How long is waited for writes that nothing can refuse. The same for everybody who leads or coordinates the role.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockDelay {
    /// For how long after it has begun to look at the record a holder goes by what it saw. It has to look more often.
    pub look: Duration,
    /// How long a write may take from its beginning until it has taken effect, or never will. Zero is no wait at all.
    pub flight: Duration,
}

impl LockDelay {
    /// How long a hand-off waits after its freeze.
    #[must_use]
    pub const fn total(self) -> Duration {
        self.look.saturating_add(self.flight)
    }
}

/// A resource that cannot be fenced, the wait that stands in for the fence, and the caller's clock: how long it is
/// since whatever start, only ever forward.
#[derive(Clone)]
pub struct Unfenceable<W, C> {
    to: W,
    delay: LockDelay,
    clock: C,
    /// The term that is being waited out, and since when.
    waiting: Option<(Epoch, Holder, Duration)>,
}

impl<W, C: Fn() -> Duration> Unfenceable<W, C> {
    /// A resource that cannot be fenced.
    #[must_use]
    pub const fn new(to: W, delay: LockDelay, clock: C) -> Self {
        Self { to, delay, clock, waiting: None }
    }

    /// When the wait is over that a coordinator is in; `None` where it is in none.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.waiting.as_ref().map(|(_, _, since)| since.saturating_add(self.delay.total()))
    }

    /// What stands in for a seal. The record was found frozen *before* this is called, so that the clock is read
    /// after the freeze.
    pub(crate) fn wait_out(&mut self, order: Order) -> Option<Receipt> {
        let now = (self.clock)();
        let since = match &self.waiting {
            Some((epoch, holder, since)) if *epoch == order.epoch() && holder == order.held_by() => *since,
            _ => now,
        };
        self.waiting = Some((order.epoch(), order.held_by().clone(), since));
        (now.saturating_sub(since) >= self.delay.total()).then(|| order.done(Position::START))
    }
}

impl<W, C> fmt::Debug for Unfenceable<W, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unfenceable").field("delay", &self.delay).finish_non_exhaustive()
    }
}

/// A node's leadership of a role whose writes may come late: it ends on the node's own clock, and nothing but that
/// keeps its writes apart from the next holder's. Once it has stopped it has stopped for good.
pub struct MayBeLate<W, C> {
    token: Token,
    resource: Unfenceable<W, C>,
    gate: Gate,
    /// When the last look began that has found the epoch open, in nanoseconds of the clock.
    looked: AtomicU64,
}

/// Why a write was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotSent<E> {
    /// This leadership is over.
    #[error("leadership of epoch {0} has stopped; load the record and leave the write to its holder")]
    Stopped(Epoch),
    /// The record was not looked at for so long that somebody else may lead.
    #[error(
        "the record was not looked at for {age:?}, and somebody else may hold it after epoch {epoch}; look again"
    )]
    Outdated {
        /// The epoch.
        epoch: Epoch,
        /// How long ago the last look began.
        age: Duration,
    },
    /// So many writes are in flight that one more could not be counted.
    #[error("{most} writes of epoch {0} are in flight; try again when some have been answered", most = Gate::MOST)]
    Full(Epoch),
    /// The resource says that it did definitely not happen.
    #[error("{0}; try again, under the same id")]
    Resource(#[source] E),
}

impl<W: Unfenced, C: Fn() -> Duration> MayBeLate<W, C> {
    /// Looks at the record, and takes up the epoch that it grants to this very life of a node. `None` where it grants
    /// none, or the epoch is meant to end.
    ///
    /// # Errors
    /// The register's, where it did not answer.
    pub async fn take_up<R: Register<Payload = Term, Rider = ()>>(
        register: &R,
        scope: Scope,
        me: Holder,
        resource: Unfenceable<W, C>,
    ) -> Result<Option<Self>, R::Error> {
        let began = nanos((resource.clock)());
        let observed = register.load().await?;
        let stance = Seen::of(&observed).map(|seen| attend(&seen, &me, Stance::Follows));
        let (Some(Stance::Leads(epoch)), gate) = (stance, Gate::new()) else { return Ok(None) };
        let is_open = gate.open(epoch.into()).is_ok();
        let token = Token::new(scope, epoch, me);
        Ok(is_open.then(|| Self { token, resource, gate, looked: AtomicU64::new(began) }))
    }

    /// Looks at the record again: writes may be begun for [`LockDelay::look`] from now on, or never again.
    ///
    /// # Errors
    /// The register's, where it did not answer. What was seen before counts for as long as it does.
    pub async fn look<R: Register<Payload = Term, Rider = ()>>(&self, register: &R) -> Result<(), R::Error> {
        // Whatever the reply says was so at some time after this.
        let began = nanos((self.resource.clock)());
        let observed = register.load().await?;
        if let Some(seen) = Seen::of(&observed) {
            let leads = Stance::Leads(self.epoch());
            if attend(&seen, self.token.holder(), leads) != leads {
                self.stop();
            } else if seen.epoch() == Some(self.epoch()) {
                self.looked.fetch_max(began, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Sends a write, if it may be begun now. It may take effect at any time from now on, and after the end of the
    /// epoch.
    ///
    /// # Errors
    /// [`NotSent`]: the write has definitely not happened.
    pub async fn send(&self, id: WriteId, write: W::Write) -> Result<Sent, NotSent<W::Error>> {
        let epoch = self.epoch();
        let pass = self.gate.enter(epoch.into()).map_err(|refused| match refused {
            NotEntered::Closed => NotSent::Stopped(epoch),
            NotEntered::Full => NotSent::Full(epoch),
        })?;
        let age = self.age();
        if age >= self.resource.delay.look {
            return Err(NotSent::Outdated { epoch, age });
        }
        let sent = self.resource.to.send(&self.token, id, write).await.map_err(NotSent::Resource);
        drop(pass);
        sent
    }

    /// The token that its writes carry.
    #[must_use]
    pub const fn token(&self) -> &Token {
        &self.token
    }

    /// Begins no new write, for good.
    pub fn stop(&self) {
        self.gate.close(self.epoch().into());
    }

    /// Whether it has stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        !self.gate.is_open(self.epoch().into())
    }

    /// Whether it has stopped and every write was answered: what
    /// [`Situation::is_drained`](crate::Situation::is_drained) asks of the holder. It makes no wait shorter: an
    /// answer may be that nobody knows.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.gate.is_drained(self.epoch().into())
    }

    const fn epoch(&self) -> Epoch {
        self.token.epoch()
    }

    /// How long ago the last look began that has found the epoch open.
    fn age(&self) -> Duration {
        let looked = Duration::from_nanos(self.looked.load(Ordering::Relaxed));
        (self.resource.clock)().saturating_sub(looked)
    }
}

/// As a counter. A clock that is past 584 years is past every look.
fn nanos(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
}

impl<W, C> fmt::Debug for MayBeLate<W, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MayBeLate({:?})", self.token)
    }
}
