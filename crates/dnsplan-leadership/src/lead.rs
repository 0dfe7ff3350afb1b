//! The right of one life of a node to write under one epoch, for as long as the resource agrees.

use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Nothing depends on what is written before or after it: what keeps a stopped leader out is the resource.
    is_stopped: AtomicBool,
}

/// Why a write was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotSent<E> {
    /// This leadership is over: the write has not left this node.
    #[error("leadership of epoch {0} has stopped; load the record and send the write to its holder")]
    Stopped(Epoch),
    /// The resource says that it did definitely not happen.
    #[error("{0}; try again")]
    Resource(#[source] E),
}

impl<F: Fenced> Leadership<F> {
    /// Takes up the epoch that the record grants to this very life of a node. The resource is handed back where it grants
    /// none, or where the epoch is meant to end.
    ///
    /// # Errors
    /// The resource, unused.
    pub fn take_up(seen: &Seen, scope: Scope, me: Holder, resource: F) -> Result<Self, F> {
        match attend(seen, &me, Stance::Follows) {
            Stance::Leads(epoch) => {
                let token = Token::new(scope, epoch, me);
                Ok(Self { token, resource, is_stopped: AtomicBool::new(false) })
            }
            Stance::Follows | Stance::Drains(_) | Stance::Stopped(_) => Err(resource),
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
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Begins no new write, for good. Those that were sent may still take effect.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Stops where a record says that it should. What that node knows only saves writes from being refused.
    pub fn attend(&self, seen: &Seen) {
        let stance = Stance::Leads(self.token.epoch());
        if attend(seen, self.token.holder(), stance) != stance {
            self.stop();
        }
    }

    /// Writes. After the first [`Written::Fenced`] nothing is sent any more.
    ///
    /// # Errors
    /// [`NotSent`]: the write has definitely not happened.
    pub async fn write(&self, id: WriteId, write: F::Write) -> Result<Written, NotSent<F::Error>> {
        if self.is_stopped() {
            return Err(NotSent::Stopped(self.token.epoch()));
        }
        let written = self.resource.write(&self.token, id, write).await.map_err(NotSent::Resource)?;
        if matches!(written, Written::Fenced(_)) {
            self.stop();
        }
        Ok(written)
    }
}
