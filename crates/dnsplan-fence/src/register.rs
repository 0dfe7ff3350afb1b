//! Registers: whatever holds a record under compare-and-swap.

use std::future::Future;

use crate::{Genesis, Nonce, Observed, Permit, Record};

/// What became of a conditional write. Only `Won` means that it took effect for certain.
#[must_use = "a write that was lost or is unknown must be settled, not assumed"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap<P> {
    /// The record was the expected one and is now the permit's.
    Won,
    /// Nothing was written: the record was another one. This is what it was, where the register can tell.
    Lost(Option<Record<P>>),
    /// The write may or may not have happened, or may yet happen. Settle it by [`settle`].
    Unknown,
}

/// What a fresh load says about a write whose reply was lost.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// My nonce is there: it took effect.
    Won,
    /// The record that it expected is still there. It may yet take effect: *pending*, not lost.
    Pending,
    /// Another record is there: it can never take effect any more, or it did and was superseded since.
    Dead,
}

/// Settles a write with nonce `mine`, made while the record carried `expected`, by what was loaded afterwards.
pub fn settle<P>(mine: Nonce, expected: Option<Nonce>, now: &Observed<P>) -> Settled {
    match now.attempt() {
        Some(nonce) if nonce == mine => Settled::Won,
        nonce if nonce == expected => Settled::Pending,
        _ => Settled::Dead,
    }
}

/// One linearizable cell with a record in it, and data that changes in the same atomic step.
///
/// # Contract
/// * `load` is a fresh read through the control plane: never a cache, a replica or a resolver.
/// * A record that only a newer program can read is in force: it is an error of `load`, and never [`Observed::Unreadable`], which
///   `create` replaces.
/// * `swap` compares the *whole* record with [`Permit::expected`] and, in the same atomic step, writes
///   [`Permit::next`] and what the rider says. It writes all or nothing.
/// * A reply that was lost is [`Swap::Unknown`]. A register never repeats a write on its own.
pub trait Register: Sync {
    /// What the owner of the register adds to the record.
    type Payload: Clone + PartialEq + Send + Sync;
    /// What is written in the same atomic step as the record; `()` for a plain register.
    type Rider: Send;
    /// Why a load or a write did definitely not happen.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads the record, fresh.
    fn load(&self) -> impl Future<Output = Result<Observed<Self::Payload>, Self::Error>> + Send;

    /// First step of bootstrap: puts a record that grants nothing where there is none (or where there is one that cannot
    /// be read), and changes nothing else.
    fn create(
        &self,
        genesis: Genesis<Self::Payload>,
    ) -> impl Future<Output = Result<Swap<Self::Payload>, Self::Error>> + Send;

    /// The conditional write.
    fn swap(
        &self,
        permit: Permit<Self::Payload>,
        rider: Self::Rider,
    ) -> impl Future<Output = Result<Swap<Self::Payload>, Self::Error>> + Send;
}

impl<R: Register> Register for &R {
    type Payload = R::Payload;
    type Rider = R::Rider;
    type Error = R::Error;

    fn load(&self) -> impl Future<Output = Result<Observed<Self::Payload>, Self::Error>> + Send {
        R::load(self)
    }

    fn create(
        &self,
        genesis: Genesis<Self::Payload>,
    ) -> impl Future<Output = Result<Swap<Self::Payload>, Self::Error>> + Send {
        R::create(self, genesis)
    }

    fn swap(
        &self,
        permit: Permit<Self::Payload>,
        rider: Self::Rider,
    ) -> impl Future<Output = Result<Swap<Self::Payload>, Self::Error>> + Send {
        R::swap(self, permit, rider)
    }
}
