//! The register of the role, and the wire to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use dnsplan_fence::{Generation, Genesis, Observed, Permit, Record, Register, Swap};
use dnsplan_leadership::{HandoffId, Outcome, Phase, Term};

use super::outcome::Weak;
use super::world::World;
use crate::wire::{Loss, Op, Wire};

/// No answer, and nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no answer; try again")]
pub(super) struct Lost;

/// What the register holds.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) record: Option<Record<Term>>,
    /// The newest open record of each epoch, for those that open one again.
    opened: BTreeMap<Generation, Record<Term>>,
}

impl Shelf {
    fn put(&mut self, next: Record<Term>) {
        if next.payload.phase() == &Phase::Open {
            self.opened.insert(next.generation, next.clone());
        }
        self.record = Some(next);
    }

    fn observed(&self) -> Observed<Term> {
        self.record.clone().map_or(Observed::Absent, Observed::Record)
    }

    /// What was there when the node led last that is to lead again.
    fn before(&self, next: &Record<Term>) -> Option<Record<Term>> {
        let to = &next.payload.holder()?.node;
        let is_its = |old: &&Record<Term>| old.payload.holder().is_some_and(|holder| holder.node == *to);
        let before = self.opened.values().rev().find(is_its)?;
        Some(Record { attempt: next.attempt, by: next.by.clone(), ..before.clone() })
    }
}

impl World {
    fn create(&self, record: &Record<Term>) -> Swap<Term> {
        let mut shelf = self.shelf();
        if shelf.record.is_some() {
            return Swap::Lost(shelf.record.clone());
        }
        shelf.put(record.clone());
        self.core.touch();
        Swap::Won
    }

    /// One atomic step: the whole record is compared.
    fn swap(&self, expected: &Record<Term>, next: &Record<Term>) -> Swap<Term> {
        let mut shelf = self.shelf();
        if shelf.record.as_ref() != Some(expected) {
            return Swap::Lost(shelf.record.clone());
        }
        let undone = if self.is_without(Weak::ForwardRollback) && self.goes_back(next) {
            shelf.before(next)
        } else {
            None
        };
        if let Some(before) = &undone {
            self.storage().reopen(before.generation);
        }
        shelf.put(undone.unwrap_or_else(|| next.clone()));
        self.core.touch();
        Swap::Won
    }

    /// Whether a grant gives the role back: in the same hand-off, or in one that the provider calls a reversal.
    fn goes_back(&self, next: &Record<Term>) -> bool {
        let handoff = next.payload.origin().map(|origin| origin.handoff().id());
        next.payload.phase() == &Phase::Open
            && (next.payload.outcome() == Some(Outcome::RolledBack)
                || handoff.is_some_and(|id: HandoffId| self.wishes().reversals.contains(&id)))
    }
}

/// The register, as one actor reaches it.
pub(super) struct Remote {
    pub(super) world: Arc<World>,
    pub(super) wire: Wire,
}

fn nobody_knows(loss: Loss) -> Result<Swap<Term>, Lost> {
    match loss {
        Loss::Throttled => Err(Lost),
        Loss::TimedOut => Ok(Swap::Unknown),
    }
}

impl Register for Remote {
    type Payload = Term;
    type Rider = ();
    type Error = Lost;

    async fn load(&self) -> Result<Observed<Term>, Lost> {
        let world = Arc::clone(&self.world);
        self.wire.call(Op::read("load"), move || Ok(world.shelf().observed()), |_| Err(Lost)).await
    }

    async fn create(&self, genesis: Genesis<Term>) -> Result<Swap<Term>, Lost> {
        let (world, record) = (Arc::clone(&self.world), genesis.into_record());
        self.wire.call(Op::write("create"), move || Ok(world.create(&record)), nobody_knows).await
    }

    async fn swap(&self, permit: Permit<Term>, (): ()) -> Result<Swap<Term>, Lost> {
        let world = Arc::clone(&self.world);
        let (expected, next) = (permit.expected().clone(), permit.into_next());
        let op = Op {
            text: "the swap of the record".to_owned(),
            generation: Some(next.generation),
            ..Op::write("swap")
        };
        self.wire.call(op, move || Ok(world.swap(&expected, &next)), nobody_knows).await
    }
}
