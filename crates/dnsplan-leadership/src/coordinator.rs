//! A coordinator: looks at the record, asks [`decide`] for the one next step, and takes it. Any number of them may do so
//! at once, on any nodes, and each may end at any await: what the record says is all that a hand-off consists of.

use std::time::Duration;

use dnsplan_fence::{Actor, Nonce, Observed, Register, Swap};

use crate::unfenceable::{Unfenceable, Unfenced};
use crate::{
    Candidate, Demand, Epoch, Fenced, HandoffId, Holder, Receipt, Seen, Situation, Step, Term, decide,
};

/// What a coordinator believes of the world: who is there, who is gone, whose time is up. None of it makes a write legal.
#[derive(Clone, Copy, Debug)]
pub struct Beliefs<'a> {
    /// A hand-off that was asked for.
    pub demand: Option<&'a Demand>,
    /// The id that a hand-off gets which a failure begins.
    pub failover: HandoffId,
    /// Who is taken for gone.
    pub gone: Option<&'a Holder>,
    /// The hand-off under way has not moved for so long that anybody may finish it.
    pub is_abandoned: bool,
    /// The holder has nothing in flight any more, or has had its time.
    pub is_drained: bool,
    /// The successor has had its time to catch up.
    pub is_overdue: bool,
    /// The nodes that can be reached and could lead, the preferred ones first.
    pub candidates: &'a [Candidate],
    /// The newest epoch whose canary was read back.
    pub proven: Option<Epoch>,
    /// The newest epoch that the endpoint was published for.
    pub published: Option<Epoch>,
}

impl<'a> Beliefs<'a> {
    /// Who could lead, and nothing else: nobody is gone, nothing is demanded, abandoned, overdue or published. No two
    /// coordinators share the id.
    #[must_use]
    pub const fn new(failover: HandoffId, candidates: &'a [Candidate]) -> Self {
        Self {
            demand: None,
            failover,
            gone: None,
            is_abandoned: false,
            is_drained: false,
            is_overdue: false,
            candidates,
            proven: None,
            published: None,
        }
    }
}

/// Takes the steps of hand-offs of one role.
#[derive(Debug)]
pub struct Coordinator<R, F> {
    register: R,
    resource: F,
    by: Actor,
    /// What the resource answered last. Of another term, it counts for nothing.
    receipt: Option<Receipt>,
}

/// What one turn came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Turn {
    /// The record as it was looked at; `None` where there was none.
    pub seen: Option<Seen>,
    /// What was decided. [`Step::Bootstrap`], [`Step::Write`] and [`Step::Seal`] have been sent already; whatever became of
    /// them, the next turn sees it. The others are the caller's to do, or to wait for.
    pub step: Step,
}

/// Why a turn ended early. Nothing is half-done that the next one does not finish.
#[derive(Debug, thiserror::Error)]
pub enum TurnFailed<R: std::error::Error + 'static, F: std::error::Error + 'static> {
    /// The register did not answer.
    #[error("the register: {0}; look again when it answers")]
    Register(#[source] R),
    /// The resource did not answer.
    #[error("the resource: {0}; order again when it answers: sealing again is harmless")]
    Resource(#[source] F),
}

impl<R, F> Coordinator<R, F> {
    /// A coordinator that signs as `by`.
    #[must_use]
    pub const fn new(register: R, resource: F, by: Actor) -> Self {
        Self { register, resource, by, receipt: None }
    }

    /// The register.
    #[must_use]
    pub const fn register(&self) -> &R {
        &self.register
    }

    /// The resource.
    #[must_use]
    pub const fn resource(&self) -> &F {
        &self.resource
    }
}

impl<R: Register<Payload = Term, Rider = ()>, F: Fenced> Coordinator<R, F> {
    /// Looks, decides, and sends the one write that follows, if any does. What was sent under `attempt` is told apart from
    /// everything else by it: no two turns share one.
    ///
    /// # Errors
    /// [`TurnFailed`] where the register or the resource did not answer.
    pub async fn turn(
        &mut self,
        beliefs: &Beliefs<'_>,
        attempt: Nonce,
    ) -> Result<Turn, TurnFailed<R::Error, F::Error>> {
        let observed = self.register.load().await.map_err(TurnFailed::Register)?;
        let turn = self.decide(&observed, beliefs);
        if let (Step::Seal(_), Some(order)) = (&turn.step, turn.seen.as_ref().and_then(Seen::order)) {
            let receipt = self.resource.seal(order).await.map_err(TurnFailed::Resource)?;
            self.receipt = Some(receipt);
        }
        self.put(&turn, observed, attempt).await.map_err(TurnFailed::Register)?;
        Ok(turn)
    }
}

impl<R: Register<Payload = Term, Rider = ()>, W: Unfenced, C: Fn() -> Duration>
    Coordinator<R, Unfenceable<W, C>>
{
    /// The same for a role whose writes may come late. Instead of sealing it waits, from the first turn that finds the
    /// record frozen: until then the step is [`Step::Seal`] in every turn, and [`Unfenceable::due`] says when it is over.
    ///
    /// # Errors
    /// The register's, where it did not answer.
    pub async fn turn_by_lock_delay(
        &mut self,
        beliefs: &Beliefs<'_>,
        attempt: Nonce,
    ) -> Result<Turn, R::Error> {
        let observed = self.register.load().await?;
        let turn = self.decide(&observed, beliefs);
        let order = turn.seen.as_ref().and_then(Seen::order);
        let receipt = order.and_then(|order| self.resource.wait_out(order));
        if matches!(turn.step, Step::Seal(_)) {
            self.receipt = receipt.or(self.receipt);
        }
        self.put(&turn, observed, attempt).await?;
        Ok(turn)
    }
}

impl<R: Register<Payload = Term, Rider = ()>, F> Coordinator<R, F> {
    fn decide(&self, observed: &Observed<Term>, beliefs: &Beliefs<'_>) -> Turn {
        let seen = Seen::of(observed);
        let step = decide(&self.situation(seen.as_ref(), beliefs));
        Turn { seen, step }
    }

    /// Makes the write of the record that was decided on, if that is what was.
    async fn put(&self, turn: &Turn, observed: Observed<Term>, attempt: Nonce) -> Result<(), R::Error> {
        match (&turn.step, &turn.seen) {
            (Step::Bootstrap, _) => {
                if let Some(genesis) = observed.genesis(attempt, &self.by, Term::vacant()) {
                    let _: Swap<Term> = self.register.create(genesis).await?;
                }
            }
            (Step::Write(write), Some(seen)) => {
                // What is decided on this very record may still be refused: it is frozen, or has come to its last number.
                if let Ok(permit) = seen.permit(write, attempt, &self.by) {
                    let _: Swap<Term> = self.register.swap(permit, ()).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    const fn situation<'a>(&self, seen: Option<&'a Seen>, beliefs: &Beliefs<'a>) -> Situation<'a> {
        Situation {
            seen,
            demand: beliefs.demand,
            failover: beliefs.failover,
            gone: beliefs.gone,
            is_abandoned: beliefs.is_abandoned,
            is_drained: beliefs.is_drained,
            receipt: self.receipt,
            is_overdue: beliefs.is_overdue,
            candidates: beliefs.candidates,
            proven: beliefs.proven,
            published: beliefs.published,
        }
    }
}
