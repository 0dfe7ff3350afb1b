//! A hand-off as types: each step can be taken only after the one before.
//!
//! `Qualified` -> [`freeze`](Handoff::freeze) -> `Frozen` -> [`seal`](Handoff::seal) -> `Sealed` ->
//! [`grant`](Handoff::grant) -> [`Ended`]. The record is what counts, not the value in hand: dropping it loses nothing, and
//! any node goes on from where the record is ([`Handoff::resume`]).
//!
//! Nothing can be granted before the seal:
//!
//! ```compile_fail,E0599
//! # use dnsplan_fence::{Nonce, Register};
//! # use dnsplan_leadership::*;
//! # async fn f<R: Register<Payload = Term, Rider = ()>, F: Fenced>(h: Handoff<'_, R, F, Frozen>, to: Candidate) {
//! h.grant(&to, Nonce::new(1)).await; // `Frozen` has no `grant`
//! # }
//! ```
//!
//! nor sealed before the freeze:
//!
//! ```compile_fail,E0599
//! # use dnsplan_fence::{Nonce, Register};
//! # use dnsplan_leadership::*;
//! # async fn f<R: Register<Payload = Term, Rider = ()>, F: Fenced>(h: Handoff<'_, R, F, Qualified>) {
//! h.seal(Nonce::new(1)).await; // `Qualified` has no `seal`
//! # }
//! ```
//!
//! nor granted twice, for the first time used it up:
//!
//! ```compile_fail,E0382
//! # use dnsplan_fence::{Nonce, Register};
//! # use dnsplan_leadership::*;
//! # async fn f<R: Register<Payload = Term, Rider = ()>, F: Fenced>(h: Handoff<'_, R, F, Sealed>, to: Candidate) {
//! h.grant(&to, Nonce::new(1)).await;
//! h.grant(&to, Nonce::new(2)).await;
//! # }
//! ```

use dnsplan_fence::{Actor, Nonce, Observed, Permit, Register, Settled, Swap, settle};

use crate::{
    Candidate, Demand, Epoch, Fenced, HandoffId, Holder, Outcome, Phase, Position, Refused, Seen, Term, Write,
};

/// Whoever leads now and the successor are known; nothing has changed yet.
#[derive(Debug)]
pub struct Qualified {
    demand: Demand,
}

/// The record says that the epoch is to end. The holder's writes are still accepted.
#[derive(Debug)]
pub struct Frozen(());

/// The resource refuses the epoch, and the record says so.
#[derive(Debug)]
pub struct Sealed {
    position: Position,
}

/// A hand-off, as far as it has come.
#[must_use = "nothing more happens by itself; the record keeps how far it has come"]
#[derive(Debug)]
pub struct Handoff<'a, R, F, S> {
    register: &'a R,
    resource: &'a F,
    by: Actor,
    seen: Seen,
    step: S,
}

/// How a hand-off ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// The new epoch.
    pub epoch: Epoch,
    /// Who holds it.
    pub holder: Holder,
    /// What that is, seen from what was meant.
    pub outcome: Outcome,
}

/// A hand-off that was found under way.
#[derive(Debug)]
pub enum Resumed<'a, R, F> {
    /// None is: the epoch is open, or nothing was ever granted.
    None(Seen),
    /// It is frozen.
    Frozen(Handoff<'a, R, F, Frozen>),
    /// It is sealed.
    Sealed(Handoff<'a, R, F, Sealed>),
}

/// Why a step was not taken. None of them takes anything back: the record keeps how far the hand-off has come.
#[derive(Debug, thiserror::Error)]
pub enum Failed<R: std::error::Error + 'static, F: std::error::Error + 'static> {
    /// There is no record, or nothing was ever granted.
    #[error("nothing was ever granted here; grant a first epoch before handing it over")]
    Vacant,
    /// The record does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Somebody else has written the record in between.
    #[error("somebody else has moved the record; resume from what it says now")]
    Overtaken,
    /// The reply was lost, and the write may yet take effect.
    #[error("the write may yet take effect; resume a little later")]
    Pending,
    /// The register did not answer.
    #[error("the register: {0}; resume when it answers")]
    Register(#[source] R),
    /// The resource did not answer.
    #[error("the resource: {0}; resume when it answers: sealing again is harmless")]
    Resource(#[source] F),
}

/// What a step comes to.
pub type Done<T, R, F> = Result<T, Failed<<R as Register>::Error, <F as Fenced>::Error>>;

impl<'a, R: Register<Payload = Term, Rider = ()>, F: Fenced> Handoff<'a, R, F, Qualified> {
    /// A hand-off to `successor`, of what the record grants now. Changes nothing.
    ///
    /// # Errors
    /// [`Failed`] where nothing is granted, or the register does not answer.
    pub async fn qualify(
        register: &'a R,
        resource: &'a F,
        by: Actor,
        successor: &Candidate,
        id: HandoffId,
    ) -> Done<Self, R, F> {
        let observed = register.load().await.map_err(Failed::Register)?;
        let seen = Seen::of(&observed).ok_or(Failed::Vacant)?;
        let demand = seen.demand(successor.holder.node.clone(), id).ok_or(Failed::Vacant)?;
        Ok(Self { register, resource, by, seen, step: Qualified { demand } })
    }

    /// Writes into the record that the epoch is to end: from here the intent survives whoever had it.
    ///
    /// # Errors
    /// [`Failed`] says how to go on.
    pub async fn freeze(self, attempt: Nonce) -> Done<Handoff<'a, R, F, Frozen>, R, F> {
        let write = Write::Freeze(self.step.demand.clone());
        let seen = self.swap(&write, attempt).await?;
        Ok(self.at(seen, Frozen(())))
    }
}

impl<'a, R: Register<Payload = Term, Rider = ()>, F: Fenced> Handoff<'a, R, F, Frozen> {
    /// Has the resource refuse the epoch, and records it. Give the holder time to drain first; it is demoted here whether
    /// or not it has heard of anything.
    ///
    /// # Errors
    /// [`Failed`] says how to go on.
    pub async fn seal(self, attempt: Nonce) -> Done<Handoff<'a, R, F, Sealed>, R, F> {
        let order = self.seen.order().expect("invariant: it is frozen");
        let receipt = self.resource.seal(order).await.map_err(Failed::Resource)?;
        let position = receipt.position();
        let seen = self.swap(&Write::Record(receipt), attempt).await?;
        Ok(self.at(seen, Sealed { position }))
    }
}

impl<R: Register<Payload = Term, Rider = ()>, F: Fenced> Handoff<'_, R, F, Sealed> {
    /// What was accepted last: whoever is granted the next epoch needs everything up to here.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.step.position
    }

    /// Grants the next epoch: to the successor, or back. This is the outcome, and there is one.
    ///
    /// # Errors
    /// [`Failed`] says how to go on.
    pub async fn grant(self, to: &Candidate, attempt: Nonce) -> Done<Ended, R, F> {
        let seen = self.swap(&Write::Grant(to.clone()), attempt).await?;
        let (epoch, outcome) = seen.epoch().zip(seen.term().outcome()).expect("invariant: it was granted");
        Ok(Ended { epoch, holder: to.holder.clone(), outcome })
    }
}

impl<'a, R: Register<Payload = Term, Rider = ()>, F: Fenced> Handoff<'a, R, F, ()> {
    /// Goes on with whatever hand-off is under way, whoever has begun it. When that is called for is the caller's to know:
    /// a record that has not changed for so long on its own clock.
    ///
    /// # Errors
    /// [`Failed`] where there is no record, or the register does not answer.
    pub async fn resume(register: &'a R, resource: &'a F, by: Actor) -> Done<Resumed<'a, R, F>, R, F> {
        let observed = register.load().await.map_err(Failed::Register)?;
        let seen = Seen::of(&observed).ok_or(Failed::Vacant)?;
        let found = Handoff { register, resource, by, seen: seen.clone(), step: () };
        Ok(match seen.term().phase() {
            Phase::Open => Resumed::None(seen),
            Phase::Freezing(_) => Resumed::Frozen(found.at(seen, Frozen(()))),
            Phase::Sealed(_, receipt) => {
                let position = receipt.position();
                Resumed::Sealed(found.at(seen, Sealed { position }))
            }
        })
    }
}

impl<'a, R: Register<Payload = Term, Rider = ()>, F: Fenced, S> Handoff<'a, R, F, S> {
    /// The record as it was when this step was taken.
    pub const fn seen(&self) -> &Seen {
        &self.seen
    }

    fn at<T>(self, seen: Seen, step: T) -> Handoff<'a, R, F, T> {
        let Self { register, resource, by, .. } = self;
        Handoff { register, resource, by, seen, step }
    }

    /// One conditional write, settled: the record that it has left.
    async fn swap(&self, write: &Write, attempt: Nonce) -> Done<Seen, R, F> {
        let permit = self.seen.permit(write, attempt, &self.by)?;
        let next = after(&permit);
        match self.register.swap(permit, ()).await.map_err(Failed::Register)? {
            Swap::Won => Ok(next),
            Swap::Lost(_) => Err(Failed::Overtaken),
            Swap::Unknown => {
                let now = self.register.load().await.map_err(Failed::Register)?;
                match settle(attempt, Some(self.seen.record().attempt), &now) {
                    Settled::Won => Ok(next),
                    Settled::Pending => Err(Failed::Pending),
                    Settled::Dead => Err(Failed::Overtaken),
                }
            }
        }
    }
}

fn after(permit: &Permit<Term>) -> Seen {
    Seen::of(&Observed::Record(permit.next().clone())).expect("invariant: it is a record")
}
