//! The loop: observe, decide, act, observe again.
//!
//! 1. There is one path for the first run, the retry, the repair, the chain that somebody else began and the takeover.
//! 2. Nothing that the enactor remembers makes a write legal. What it remembers (when it last audited, what it last
//!    reported) can be lost at any await; a crash is a dropped future.
//! 3. The record is loaded first and the store's head read after it, every time round.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dnsplan_fence::{Actor, Generation, Nonce, Offer};
use dnsplan_plan::{OwnerName, Plan, PlanStore, StoreError, Timestamp, Violation, live_violations};

use crate::act::protected_aside;
use crate::chain::{Chain, whole};
use crate::decide::{Aim, Decision, Step, Wait, aim_at, decide};
use crate::view::{Seen, View};
use crate::{Basis, Clock, Cut, Event, FenceRecord, Layout, Nonces, Target, TargetError, TreeName};

/// How many lost writes one pass bears.
pub(crate) const LOST_LIMIT: u32 = 8;

/// How an enactor goes about it. None of these numbers makes a write legal or illegal.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long to rest before looking again.
    pub poll: Duration,
    /// How often to look at everything at the target for drift.
    pub audit_every: Duration,
    /// After how many rests a demand for a newer plan counts as unanswered, and the head is appended again.
    pub patience: u32,
    /// How long a chain that somebody else has begun, and that only they can finish, may rest before it is begun anew.
    pub takeover: Duration,
    /// How many owner names of a plan may be set aside before the plan as a whole is refused.
    pub quarantine_limit: usize,
}

impl Default for Config {
    /// Rest 100 ms, audit every minute, re-issue after 100 rests, take over after three minutes, set at most 16 owner names aside.
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(100),
            audit_every: Duration::from_secs(60),
            patience: 100,
            takeover: Duration::from_secs(180),
            quarantine_limit: 16,
        }
    }
}

/// Why a pass ended early. Nothing is half-done that the next pass does not finish.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnactError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// Where a pass came to rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// The newest plan is live, whole and verified.
    Live(Generation),
    /// There is nothing to do yet.
    Waiting(Wait),
    /// A newer plan was demanded; this is the generation it must be above.
    Demanded(Generation),
    /// What was known went out of date; look again.
    Stale,
}

/// Who hears of events.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Puts the newest plan of one zone in place at one target, and keeps it there. Any number of them may do so at once.
pub struct Enactor<S, T, C, N> {
    pub(crate) store: Arc<S>,
    pub(crate) target: Arc<T>,
    pub(crate) clock: Arc<C>,
    pub(crate) nonces: Arc<N>,
    pub(crate) me: Actor,
    pub(crate) config: Config,
    pub(crate) observer: Observer,
    pub(crate) memory: Memory,
}

/// What an enactor remembers from one pass to the next: all of it may be lost at any time.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) audited: Option<(Generation, Timestamp)>,
    /// When everything was listed last.
    pub(crate) listed: Option<Timestamp>,
    pub(crate) chain: Chain,
    pub(crate) trees: Vec<TreeName>,
    /// The generation that is being verified, and in how many steps so far.
    pub(crate) verifying: Option<(Generation, u32)>,
    /// The generation whose verification has come to an end, whichever.
    pub(crate) verified: Option<Generation>,
    pub(crate) told: Option<(String, [Generation; 3])>,
    pub(crate) rewound: Option<Generation>,
    pub(crate) demanded: Option<(Generation, u32)>,
    /// The target rejects too much of these generations' plans, or their parts keep failing: their chains are not finished
    /// where there is a newer plan.
    pub(crate) given_up: BTreeSet<Generation>,
    /// How often in a row writing a part of this generation has failed.
    pub(crate) failed: Option<(Generation, u32)>,
    /// How many writes of this pass did not take effect for certain.
    pub(crate) lost: u32,
    /// What the last pass failed of.
    pub(crate) failure: Option<EnactError>,
    /// What the store could not say last.
    pub(crate) trouble: Option<StoreError>,
    /// The attempt that the record carried when the trees were listed, or this enactor's own last one since.
    pub(crate) mine: Option<Nonce>,
    /// The highest generation of a tree that was there when the record granted nothing, and the attempt that the record carried
    /// then, or this enactor's own last one since.
    pub(crate) found: Option<(Nonce, Generation)>,
    /// What the last repair restored.
    pub(crate) repaired: Option<BTreeSet<OwnerName>>,
    /// The record that the last pass has left live.
    pub(crate) left: Option<FenceRecord>,
}

/// What follows an action.
pub(crate) enum Next {
    Again,
    Rest(Rest),
}

impl<S: PlanStore, T: Target, C: Clock, N: Nonces> Enactor<S, T, C, N> {
    /// An enactor called `me` that takes plans from `store` to `target`.
    pub fn new(store: Arc<S>, target: Arc<T>, clock: Arc<C>, nonces: Arc<N>, me: Actor) -> Self {
        let (config, memory) = (Config::default(), Memory::default());
        Self { store, target, clock, nonces, me, config, observer: Arc::new(|_| {}), memory }
    }

    /// The same with another configuration.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The same with somebody who hears of events.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer) -> Self {
        self.observer = observer;
        self
    }

    /// Runs for ever: pass, rest, pass. Drop the future to stop; it can be dropped at any await.
    pub async fn run(&mut self) {
        loop {
            drop(self.turn().await);
            self.clock.sleep(self.config.poll).await;
        }
    }

    /// A pass of [`Enactor::run`]: of trouble, word is left once with the store and with whoever observes.
    ///
    /// # Errors
    /// As of [`Enactor::pass`].
    pub async fn turn(&mut self) -> Result<Rest, EnactError> {
        let rest = self.pass().await;
        match &rest {
            Ok(_) => self.memory.failure = None,
            Err(error) => self.tell_trouble(error).await,
        }
        rest
    }

    /// Observes, decides and acts until there is nothing more to do for now.
    ///
    /// # Errors
    /// [`EnactError`] where the store or the target could not be reached; what is live stays live.
    pub async fn pass(&mut self) -> Result<Rest, EnactError> {
        self.memory.lost = 0;
        loop {
            // Whoever is overtaken again and again looks again after a rest.
            if self.memory.lost > LOST_LIMIT {
                return Ok(Rest::Stale);
            }
            let view = self.look().await?;
            let decision = decide(&view.situation(self.target.layout()));
            self.note(&decision, &view);
            let record = view.seen.record().cloned();
            match self.act(decision.step, view).await? {
                Next::Again => {}
                Next::Rest(rest) => {
                    self.memory.left = record.filter(|_| matches!(rest, Rest::Live(_)));
                    return Ok(rest);
                }
            }
        }
    }

    /// Only the record, the head and the head's plan are needed to go on. What else the store cannot say is done without.
    async fn look(&mut self) -> Result<View, EnactError> {
        let zone = self.target.zone().clone();
        // What was confirmed is read before the record: read after it, a plan confirmed in between would look like a rewind.
        let known = self.store.targets(&zone).await;
        let known = self.lenient(known).into_iter().find(|status| status.target == *self.target.id());
        let confirmed = known.as_ref().map_or(Generation::ZERO, |status| status.confirmed);
        let (observed, head) = self.observe(confirmed).await?;
        self.check_told(observed.record(), known.as_ref());
        let live = self.live(observed.record()).await?;
        let is_owed = |record: &&FenceRecord| self.owes_verification(record, confirmed);
        let plan = match live.as_ref().filter(|_| observed.record().is_some_and(|record| is_owed(&record))) {
            Some(live) => Some(Arc::clone(live)),
            None => self.choose(observed.record(), head.head()).await?,
        };
        let basis = self.basis(observed.record(), live.as_ref(), plan.as_deref()).await?;
        let found = self.found(observed.record(), plan.as_deref()).await?;
        let violations = judge(observed.record(), live.as_deref(), plan.as_deref());
        let (basis, outline) = self.cut(observed.record(), plan.as_deref(), basis);
        let aim = plan.as_deref().map(|plan| Aim {
            generation: plan.generation(),
            digest: plan.digest(),
            outline,
            guarded: !violations.is_empty(),
        });
        let basis = Arc::new(basis);
        Ok(View { seen: Seen::new(observed, head), plan, basis, aim, violations, confirmed, found })
    }

    /// A record that grants nothing says nothing of what is there. The names of the trees do: a store that was put back must not
    /// grant their generations again.
    async fn found(
        &mut self,
        record: Option<&FenceRecord>,
        plan: Option<&Plan>,
    ) -> Result<Generation, TargetError> {
        let blank =
            record.filter(|record| record.generation.is_zero() && self.target.layout() == Layout::Tree);
        let (Some(record), Some(plan)) = (blank, plan) else { return Ok(Generation::ZERO) };
        // Once is enough while nobody else writes: what is staged from now on is of no generation that the store does not know.
        if let Some((attempt, found)) = self.memory.found
            && attempt == record.attempt
        {
            return Ok(found);
        }
        let audit = self.target.audit(plan, &BTreeSet::new()).await?;
        let found = audit.trees.iter().map(|tree| tree.generation).max().unwrap_or(Generation::ZERO);
        self.memory.found = Some((record.attempt, found));
        Ok(found)
    }

    /// The plan to put in place: a chain that was begun is finished first, where its plan is still there and the same, and
    /// the target takes it.
    async fn choose(
        &mut self,
        record: Option<&FenceRecord>,
        head: Generation,
    ) -> Result<Option<Arc<Plan>>, StoreError> {
        let zone = self.target.zone().clone();
        let begun = aim_at(record, head);
        if let Some(record) = record.filter(|_| begun != head && !self.memory.given_up.contains(&begun)) {
            let found = self.store.get(&zone, begun).await;
            let live = (record.generation, record.digest);
            let staged = record.stage.map(|stage| (stage.generation, stage.digest));
            let is_ours =
                |plan: &Arc<Plan>| (begun, plan.digest()) == live || Some((begun, plan.digest())) == staged;
            if let Some(plan) = self.definite(found)?.filter(is_ours) {
                return Ok(Some(plan));
            }
        }
        self.store.get(&zone, head).await
    }

    /// Where writes cost, a tree that is live is verified once, and what it leaves behind is deleted, before a newer one is
    /// staged beside it. Otherwise plans that come faster than a chain takes would leave all their trees behind, until no more
    /// of them fit the zone.
    fn owes_verification(&self, record: &FenceRecord, confirmed: Generation) -> bool {
        let generation = record.generation;
        let is_staging = record.stage.is_some_and(|stage| stage.generation > generation);
        let is_under_way = self.memory.verifying.is_some_and(|(same, _)| same == generation);
        let is_new = confirmed < generation && self.memory.verified != Some(generation);
        self.target.is_metered()
            && self.target.layout() == Layout::Tree
            && !generation.is_zero()
            && record.flip.is_complete()
            && !is_staging
            && (is_under_way || is_new)
    }

    /// The plan that is live, where the store has it and it is the same.
    async fn live(&mut self, record: Option<&FenceRecord>) -> Result<Option<Arc<Plan>>, StoreError> {
        let Some(record) = record.filter(|record| !record.generation.is_zero()) else { return Ok(None) };
        let found = self.store.get(self.target.zone(), record.generation).await;
        Ok(self.definite(found)?.filter(|live| live.digest() == record.digest))
    }

    /// What may differ between the target and the plan, by induction from the record.
    async fn basis(
        &mut self,
        record: Option<&FenceRecord>,
        live: Option<&Arc<Plan>>,
        plan: Option<&Plan>,
    ) -> Result<Basis, StoreError> {
        let (Some(record), Some(plan)) = (record, plan) else { return Ok(Basis::Unknown) };
        // Where the store has another plan under the live number, or none, its history says nothing about what is there. Where
        // nothing was granted yet, or no chain has ended yet, all that was ever planned may be.
        let is_known = (live.is_some() || record.generation.is_zero()) && plan.generation() >= record.base;
        if self.target.layout() == Layout::Whole || !is_known {
            return Ok(Basis::Unknown);
        }
        let touched = self.store.touched(self.target.zone(), whole(record), plan.generation()).await;
        let touched = self.definite(touched)?;
        let from = self.at_whole(record, live).await?;
        let begun = self.begun(record, live).await?;
        let cut = Cut::Guessed;
        let mut owners: BTreeSet<OwnerName> = match (touched, live) {
            (Some(owners), _) => owners,
            // The history between the two was pruned, and no audit finds what it has left behind. All that either has is the same
            // for every part of a chain, whatever was superseded before it.
            (None, _) if from.is_some() => names(from.iter().map(|from| &**from).chain([plan])),
            // The history between the two was pruned, but what is there is exactly the live plan.
            (None, Some(live)) if record.is_settled() => {
                let diff = live.zone().diff(plan.zone());
                diff.nodes.into_iter().map(|change| change.owner).collect()
            }
            (None, _) => return Ok(Basis::Unknown),
        };
        // What was set aside is tried again, whether the plan changes it or not.
        owners.extend(record.payload.doubtful().cloned());
        Ok(Basis::Changed { owners, from, begun, cut })
    }

    /// What decides how much is put in place. That the history is gone is an answer, and everything is put in place then. That the
    /// store did not answer just now is none: to go on as if the history were gone would raise the record's base over owner names
    /// that were left behind.
    pub(crate) fn definite<V: Default>(&mut self, said: Result<V, StoreError>) -> Result<V, StoreError> {
        match said {
            Err(error @ (StoreError::Unavailable(_) | StoreError::Unknown(_))) => Err(error),
            said => Ok(self.lenient(said)),
        }
    }

    /// What the store says beside the head: bookkeeping and old plans. Nothing waits for it.
    pub(crate) fn lenient<V: Default>(&mut self, said: Result<V, StoreError>) -> V {
        said.unwrap_or_else(|error| {
            if self.memory.trouble.as_ref() != Some(&error) {
                self.emit(&Event::StoreTrouble(error.clone()));
                self.memory.trouble = Some(error);
            }
            V::default()
        })
    }

    fn note(&mut self, decision: &Decision, view: &View) {
        if let Some(confirmed) = decision.rewound
            && self.memory.rewound != Some(confirmed)
        {
            let live = view.seen.record().map_or(Generation::ZERO, |record| record.generation);
            self.emit(&Event::Rewound { live, confirmed });
        }
        self.memory.rewound = decision.rewound;
        if let Some(record) = view.seen.record() {
            self.memory.given_up.retain(|generation| *generation >= record.generation);
        }
        // What was audited is no longer what is there.
        if decision.step != Step::Verify {
            self.memory.audited = None;
            self.memory.trees.clear();
        }
        let given_up = self.memory.demanded.is_some_and(|(above, _)| self.memory.given_up.contains(&above));
        let is_whole = || view.plan.as_ref().is_none_or(|plan| protected_aside(view, plan).is_empty());
        let is_met = match decision.step {
            Step::TargetAhead { .. } | Step::Reject(_) | Step::Refuse(_) => false,
            Step::Verify => is_whole(),
            _ => true,
        };
        if is_met && !given_up {
            self.memory.demanded = None;
        }
    }

    pub(crate) fn emit(&self, event: &Event) {
        (self.observer)(event);
    }
}

/// All owner names of some plans.
fn names<'p>(plans: impl Iterator<Item = &'p Plan>) -> BTreeSet<OwnerName> {
    plans.flat_map(|plan| plan.zone().nodes()).map(|(owner, _)| owner.clone()).collect()
}

/// The absolute guards, against what is live: skipping generations adds up.
fn judge(record: Option<&FenceRecord>, live: Option<&Plan>, plan: Option<&Plan>) -> Vec<Violation> {
    match (record, plan) {
        (Some(record), Some(plan)) if plan.generation() > record.generation => {
            live_violations(live.map(Plan::zone), plan.zone())
        }
        _ => Vec::new(),
    }
}
