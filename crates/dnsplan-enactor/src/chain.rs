//! Cutting chains anew, for targets that ask for it.
//!
//! A chain is cut in one of a few ways, and its number of parts, which the record holds, says in which: by a good guess at what is
//! there, for the worst case, and owner name by owner name; the last two also with one part more that writes nothing, for a chain
//! that has to begin anew without being cut finer. Where a part does not fit one write, the next way is a finer one, so that some way
//! fits.

use std::sync::Arc;

use dnsplan_fence::{Generation, Nonce};
use dnsplan_plan::{Plan, PlanStore, StoreError, Timestamp};

use crate::{Basis, Clock, Cut, Enactor, FenceRecord, Nonces, Outline, Target};

/// How many plans of superseded chains are looked at. More of them have never been superseded half-way one on top of the
/// other, or what only they have put there is left alone.
const BEGUN: usize = 8;

/// How often the time to wait for somebody else's chain doubles at most.
const DOUBLINGS: u32 = 6;

/// What an enactor remembers of the chain under way. All of it may be lost at any time.
#[derive(Default)]
pub(crate) struct Chain {
    /// How the plan was cut at the last look.
    way: usize,
    /// The chain is to be cut anew in this way, and why, as long as the record carries this attempt.
    again: Option<(Nonce, usize, Anew)>,
    /// Since when the record has carried this attempt, which only its writer can go on from.
    left: Option<(Nonce, Timestamp)>,
    /// What was found of the plans whose chains may have been begun.
    begun: Vec<Arc<Plan>>,
    /// How often this enactor has begun the chain of this generation anew.
    taken: Option<(Generation, u32)>,
}

/// Why a chain begins anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Anew {
    /// A part does not fit one write.
    TooLarge,
    /// Only somebody who is gone knows whether its parts have arrived.
    Left,
}

/// The way after a way: guessed, for the worst, for the worst and longer, owner name by owner name, that and longer.
const fn next_way(way: usize, why: Anew) -> Option<usize> {
    match (why, way) {
        (Anew::TooLarge, 0) | (Anew::Left, 0 | 2) => Some(1),
        (Anew::TooLarge, 1 | 2) | (Anew::Left, 4) => Some(3),
        (Anew::TooLarge, _) => None,
        (Anew::Left, 1) => Some(2),
        (Anew::Left, _) => Some(4),
    }
}

/// The generation that everything is at, or was when the chain under way began, but for what was set aside.
pub(crate) const fn whole(record: &FenceRecord) -> Generation {
    if record.flip.is_complete() {
        record.generation
    } else if record.payload.whole.is_zero() {
        record.base
    } else {
        record.payload.whole
    }
}

impl<S: PlanStore, T: Target, C: Clock, N: Nonces> Enactor<S, T, C, N> {
    /// The plan that everything was at when the chain began, but for what was set aside.
    pub(crate) async fn at_whole(
        &mut self,
        record: &FenceRecord,
        live: Option<&Arc<Plan>>,
    ) -> Result<Option<Arc<Plan>>, StoreError> {
        let whole = whole(record);
        if !self.target.is_metered() || whole.is_zero() {
            return Ok(None);
        }
        if let Some(live) = live.filter(|_| whole == record.generation) {
            return Ok(Some(Arc::clone(live)));
        }
        let found = self.store.get(self.target.zone(), whole).await;
        self.definite(found)
    }

    /// The plan at the record's base and those whose chains may have been begun on top of it: the last few of those that the store
    /// has. Where everything is at the live plan, nobody asks for them.
    pub(crate) async fn begun(
        &mut self,
        record: &FenceRecord,
        live: Option<&Arc<Plan>>,
    ) -> Result<Vec<Arc<Plan>>, StoreError> {
        let (base, newest) = (record.base.get(), record.generation.get());
        let is_doubtful = record.payload.doubtful().next().is_some();
        if !self.target.is_metered() || base == newest && !is_doubtful {
            self.memory.chain.begun.clear();
            return Ok(Vec::new());
        }
        let mut begun: Vec<Arc<Plan>> = live.cloned().into_iter().collect();
        let at_base = (is_doubtful && base > 0 && base < newest).then_some(base);
        let since = (base + 1..newest).rev().take(BEGUN);
        for generation in since.chain(at_base).map(Generation::new) {
            let known = self.memory.chain.begun.iter().find(|plan| plan.generation() == generation).cloned();
            let found = match known {
                Some(plan) => Some(plan),
                None => {
                    let found = self.store.get(self.target.zone(), generation).await;
                    self.definite(found)?
                }
            };
            begun.extend(found);
        }
        self.memory.chain.begun.clone_from(&begun);
        Ok(begun)
    }

    /// How the plan is cut: as the chain that is under way, or the next way where that one is to begin anew.
    pub(crate) fn cut(
        &mut self,
        record: Option<&FenceRecord>,
        plan: Option<&Plan>,
        basis: Basis,
    ) -> (Basis, Outline) {
        self.memory.chain.way = 0;
        let Some(plan) = plan else { return (basis, Outline { stage: 0, place: 1 }) };
        let guessed = self.target.outline(plan, &basis);
        let Some(record) = record.filter(|_| self.target.is_metered()) else { return (basis, guessed) };
        let is_live = record.generation == plan.generation();
        let parts = |outline: &Outline| if is_live { outline.place } else { outline.stage };
        let stage = record.stage.filter(|stage| stage.generation == plan.generation());
        let under_way = if is_live { Some(record.flip.of()) } else { stage.map(|stage| stage.progress.of()) };
        let again = self.memory.chain.again.filter(|(attempt, ..)| *attempt == record.attempt);
        // The usual case; to cut a large plan in every way takes long.
        if again.is_none() && under_way.is_none_or(|of| of == parts(&guessed)) {
            return (basis, guessed);
        }
        let mut ways = self.ways(plan, &basis);
        let is_it = |(_, outline): &(Basis, Outline)| Some(parts(outline)) == under_way;
        let way = match again {
            None => ways.iter().position(is_it).unwrap_or(0),
            // With the same number of parts it would be the same chain.
            Some((_, way, why)) if is_it(&ways[way]) => next_way(way, why).unwrap_or(way),
            Some((_, way, _)) => way,
        };
        self.memory.chain.way = way;
        ways.swap_remove(way)
    }

    /// The ways to cut a plan, in the order of [`next_way`].
    fn ways(&self, plan: &Plan, basis: &Basis) -> Vec<(Basis, Outline)> {
        let of = |cut: Cut| {
            let basis = basis.cut(plan, cut);
            let outline = self.target.outline(plan, &basis);
            (basis, outline)
        };
        let longer = |(basis, outline): &(Basis, Outline)| {
            (basis.clone(), Outline { stage: outline.stage + 1, place: outline.place + 1 })
        };
        let (worst, single) = (of(Cut::Worst), of(Cut::Single));
        let (worst_longer, single_longer) = (longer(&worst), longer(&single));
        vec![of(Cut::Guessed), worst, worst_longer, single, single_longer]
    }

    /// The chain is cut anew from here on; says whether there is a way.
    pub(crate) fn begin_anew(&mut self, record: &FenceRecord, why: Anew) -> bool {
        let next = next_way(self.memory.chain.way, why);
        self.memory.chain.again = next.map(|way| (record.attempt, way, why));
        next.is_some()
    }

    /// Whether somebody else's chain has rested for too long. Each time it takes twice as long: a chain that needs more time than
    /// that would otherwise pass from hand to hand for ever.
    pub(crate) fn is_left(&mut self, record: &FenceRecord, generation: Generation) -> bool {
        let now = self.clock.now();
        let since = match self.memory.chain.left {
            Some((attempt, since)) if attempt == record.attempt => since,
            _ => now,
        };
        self.memory.chain.left = Some((record.attempt, since));
        let times =
            self.memory.chain.taken.filter(|(same, _)| *same == generation).map_or(0, |(_, times)| times);
        let takeover = self.config.takeover.saturating_mul(1 << times.min(DOUBLINGS));
        let takeover = u64::try_from(takeover.as_millis()).unwrap_or(u64::MAX);
        let is_left = now.as_millis().abs_diff(since.as_millis()) >= takeover;
        if is_left {
            self.memory.chain.taken = Some((generation, times + 1));
        }
        is_left
    }
}
