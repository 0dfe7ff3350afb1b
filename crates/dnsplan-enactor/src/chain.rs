//! Cutting chains anew, for targets that ask for it.
//!
//! A chain is cut in one of three ways, and its number of parts, which the record holds, says in which: by a good guess at what is
//! there, for the worst case, and for the worst case with one part more that writes nothing. The last two follow one another where
//! a chain that is already cut for the worst case has to begin anew.

use std::sync::Arc;

use dnsplan_fence::Nonce;
use dnsplan_plan::{Plan, PlanStore, StoreError, Timestamp};

use crate::{Basis, Clock, Enactor, FenceRecord, Nonces, Outline, Target};

/// What an enactor remembers of the chain under way. All of it may be lost at any time.
#[derive(Default)]
pub(crate) struct Chain {
    /// The chain is to be cut anew, as long as the record carries this attempt.
    again: Option<Nonce>,
    /// Since when the record has carried this attempt, which only its writer can go on from.
    left: Option<(Nonce, Timestamp)>,
}

impl<S: PlanStore, T: Target, C: Clock, N: Nonces> Enactor<S, T, C, N> {
    /// The plan at the record's base.
    pub(crate) async fn at_base(
        &mut self,
        record: &FenceRecord,
        live: Option<&Arc<Plan>>,
    ) -> Result<Option<Arc<Plan>>, StoreError> {
        if !self.target.is_metered() || record.base.is_zero() {
            return Ok(None);
        }
        if let Some(live) = live.filter(|_| record.base == record.generation) {
            return Ok(Some(Arc::clone(live)));
        }
        let found = self.store.get(self.target.zone(), record.base).await;
        self.definite(found)
    }

    /// How the plan is cut: as the chain that is under way, or the next way where that one is to begin anew.
    pub(crate) fn cut(
        &self,
        record: Option<&FenceRecord>,
        plan: Option<&Plan>,
        basis: Basis,
    ) -> (Basis, Outline) {
        let Some(plan) = plan else { return (basis, Outline { stage: 0, place: 1 }) };
        let guessed = self.target.outline(plan, &basis);
        let Some(record) = record.filter(|_| self.target.is_metered()) else { return (basis, guessed) };
        let worst_basis = basis.without_guess();
        let worst = self.target.outline(plan, &worst_basis);
        let longer = Outline { stage: worst.stage + 1, place: worst.place + 1 };
        let ways = [guessed, worst, longer];
        let stage = record.stage.filter(|stage| stage.generation == plan.generation());
        let is_live = record.generation == plan.generation();
        let parts = |outline: &Outline| if is_live { outline.place } else { outline.stage };
        let under_way = if is_live { Some(record.flip.of()) } else { stage.map(|stage| stage.progress.of()) };
        let is_it = |outline: &Outline| Some(parts(outline)) == under_way;
        let way = ways.iter().position(is_it).unwrap_or(0);
        let again = self.memory.chain.again == Some(record.attempt);
        // Another number of parts, or it would be the same chain.
        let next = [worst, longer].into_iter().find(|outline| !is_it(outline)).filter(|_| again);
        match (next, way) {
            (Some(next), _) => (worst_basis, next),
            (None, 0) => (basis, guessed),
            (None, _) => (worst_basis, ways[way]),
        }
    }

    /// The chain is cut anew from here on.
    pub(crate) fn begin_anew(&mut self, record: &FenceRecord) {
        self.memory.chain.again = Some(record.attempt);
    }

    /// Whether somebody else's chain has rested for too long.
    pub(crate) fn is_left(&mut self, record: &FenceRecord) -> bool {
        let now = self.clock.now();
        let since = match self.memory.chain.left {
            Some((attempt, since)) if attempt == record.attempt => since,
            _ => now,
        };
        self.memory.chain.left = Some((record.attempt, since));
        let takeover = u64::try_from(self.config.takeover.as_millis()).unwrap_or(u64::MAX);
        now.as_millis().abs_diff(since.as_millis()) >= takeover
    }
}
