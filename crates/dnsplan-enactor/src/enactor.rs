//! The loop: observe, decide, act, observe again.
//!
//! 1. There is one path for the first run, the retry, the repair, the chain that somebody else began and the takeover.
//! 2. Nothing that the enactor remembers makes a write legal. What it remembers (when it last audited, what it last
//!    reported) can be lost at any await; a crash is a dropped future.
//! 3. The record is loaded first and the store's head read after it, every time round.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dnsplan_fence::{Actor, Generation, HeadAfter, Nonce, Observed, Offer, Sighting};
use dnsplan_plan::{OwnerName, Plan, PlanStore, StoreError, Timestamp, Violation, violations};

use crate::decide::{Aim, Decision, Situation, Step, Wait, aim_at, decide};
use crate::{Basis, Clock, Event, FenceRecord, Layout, Nonces, Quarantine, Target, TargetError, TreeName};

/// How an enactor goes about it. None of these numbers makes a write legal or illegal.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long to rest before looking again.
    pub poll: Duration,
    /// How often to look at everything at the target for drift.
    pub audit_every: Duration,
    /// After how many rests a demand for a newer plan counts as unanswered, and the head is appended again.
    pub patience: u32,
    /// How many owner names of a plan may be set aside before the plan as a whole is refused.
    pub quarantine_limit: usize,
}

impl Default for Config {
    /// Rest 100 ms, audit every minute, re-issue after 100 rests, set at most 16 owner names aside.
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(100),
            audit_every: Duration::from_secs(60),
            patience: 100,
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
    pub(crate) trees: Vec<TreeName>,
    pub(crate) told: Option<(String, [Generation; 3])>,
    pub(crate) rewound: Option<Generation>,
    pub(crate) demanded: Option<(Generation, u32)>,
    /// The target rejects too much of this generation's plan: its chain is not finished where there is a newer one.
    pub(crate) given_up: Option<Generation>,
    /// The attempt that the record carried when the trees were listed, or this enactor's own last one since.
    pub(crate) mine: Option<Nonce>,
    /// What the last repair restored.
    pub(crate) repaired: Option<BTreeSet<OwnerName>>,
}

/// Everything that one look brought.
pub(crate) struct View {
    pub(crate) seen: Seen,
    pub(crate) plan: Option<Arc<Plan>>,
    pub(crate) basis: Arc<Basis>,
    pub(crate) aim: Option<Aim>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) confirmed: Generation,
}

/// A load and the head that was read after it.
pub(crate) enum Seen {
    Nothing(Observed<Quarantine>),
    Record(Sighting<Quarantine>),
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
            if let Err(error) = self.pass().await {
                self.tell_trouble(&error).await;
            }
            self.clock.sleep(self.config.poll).await;
        }
    }

    /// Observes, decides and acts until there is nothing more to do for now.
    ///
    /// # Errors
    /// [`EnactError`] where the store or the target could not be reached; what is live stays live.
    pub async fn pass(&mut self) -> Result<Rest, EnactError> {
        loop {
            let view = self.look().await?;
            let decision = decide(&view.situation(self.target.layout()));
            self.note(&decision, &view);
            match self.act(decision.step, view).await? {
                Next::Again => {}
                Next::Rest(rest) => return Ok(rest),
            }
        }
    }

    async fn look(&self) -> Result<View, EnactError> {
        let zone = self.target.zone().clone();
        let observed = self.target.load().await?;
        let head = self.store.head_after(&zone, observed.witness()).await?;
        let newest = head.head();
        let plan = self.choose(observed.record(), newest).await?;
        let known = self.store.targets(&zone).await?;
        let confirmed = known.into_iter().find(|status| status.target == *self.target.id());
        let confirmed = confirmed.map_or(Generation::ZERO, |status| status.confirmed);
        let basis = Arc::new(self.basis(observed.record(), plan.as_deref()).await?);
        let violations = self.judge(observed.record(), plan.as_deref()).await?;
        let aim = plan.as_deref().map(|plan| Aim {
            generation: plan.generation(),
            digest: plan.digest(),
            outline: self.target.outline(plan, &basis),
            guarded: !violations.is_empty(),
        });
        Ok(View { seen: Seen::new(observed, head), plan, basis, aim, violations, confirmed })
    }

    /// The plan to put in place: a chain that was begun is finished first, where its plan is still there and the same, and
    /// the target takes it.
    async fn choose(
        &self,
        record: Option<&FenceRecord>,
        head: Generation,
    ) -> Result<Option<Arc<Plan>>, StoreError> {
        let zone = self.target.zone();
        let begun = aim_at(record, head);
        if begun != head
            && self.memory.given_up != Some(begun)
            && let (Some(record), Some(plan)) = (record, self.store.get(zone, begun).await?)
        {
            let live = (record.generation, record.digest);
            let staged = record.stage.map(|stage| (stage.generation, stage.digest));
            let ours = (begun, plan.digest());
            if ours == live || Some(ours) == staged {
                return Ok(Some(plan));
            }
        }
        self.store.get(zone, head).await
    }

    /// What may differ between the target and the plan, by induction from the record.
    async fn basis(&self, record: Option<&FenceRecord>, plan: Option<&Plan>) -> Result<Basis, StoreError> {
        let (Some(record), Some(plan)) = (record, plan) else { return Ok(Basis::Unknown) };
        if self.target.layout() == Layout::Whole || record.base.is_zero() || plan.generation() < record.base {
            return Ok(Basis::Unknown);
        }
        // Where the store has another plan of that number, its history says nothing about what is there.
        if record.base == record.generation {
            let base = self.store.get(self.target.zone(), record.base).await?;
            if base.is_none_or(|base| base.digest() != record.digest) {
                return Ok(Basis::Unknown);
            }
        }
        let touched = self.store.touched(self.target.zone(), record.base, plan.generation()).await?;
        Ok(touched.map_or(Basis::Unknown, Basis::Changed))
    }

    /// The absolute guards, against what is live: skipping generations adds up.
    async fn judge(
        &self,
        record: Option<&FenceRecord>,
        plan: Option<&Plan>,
    ) -> Result<Vec<Violation>, StoreError> {
        let (Some(record), Some(plan)) = (record, plan) else { return Ok(Vec::new()) };
        if plan.generation() <= record.generation {
            return Ok(Vec::new());
        }
        let live = match record.generation {
            Generation::ZERO => None,
            generation => self.store.get(self.target.zone(), generation).await?,
        };
        let live = live.filter(|live| live.digest() == record.digest);
        Ok(violations(live.as_deref().map(Plan::zone), plan.zone(), plan.provenance()))
    }

    fn note(&mut self, decision: &Decision, view: &View) {
        if let Some(confirmed) = decision.rewound
            && self.memory.rewound != Some(confirmed)
        {
            let live = view.seen.record().map_or(Generation::ZERO, |record| record.generation);
            self.emit(&Event::Rewound { live, confirmed });
        }
        self.memory.rewound = decision.rewound;
        let given_up = self.memory.demanded.is_some_and(|(above, _)| self.memory.given_up == Some(above));
        if !matches!(decision.step, Step::TargetAhead { .. } | Step::Reject(_) | Step::Refuse(_)) && !given_up
        {
            self.memory.demanded = None;
        }
    }

    pub(crate) fn emit(&self, event: &Event) {
        (self.observer)(event);
    }
}

impl View {
    fn situation(&self, layout: Layout) -> Situation<'_> {
        Situation { sighting: self.seen.sighting(), aim: self.aim, confirmed: self.confirmed, layout }
    }

    pub(crate) fn sighting(&self) -> &Sighting<Quarantine> {
        self.seen.sighting().expect("invariant: a step that writes is decided on a readable record only")
    }

    pub(crate) fn plan(&self) -> Arc<Plan> {
        Arc::clone(self.plan.as_ref().expect("invariant: a step that writes is decided on a plan only"))
    }
}

impl Seen {
    fn new(observed: Observed<Quarantine>, head: HeadAfter) -> Self {
        if observed.record().is_none() {
            return Self::Nothing(observed);
        }
        Self::Record(observed.sight(head).expect("invariant: the head answers the witness of this very load"))
    }

    pub(crate) const fn sighting(&self) -> Option<&Sighting<Quarantine>> {
        match self {
            Self::Record(sighting) => Some(sighting),
            Self::Nothing(_) => None,
        }
    }

    pub(crate) fn record(&self) -> Option<&FenceRecord> {
        self.sighting().map(Sighting::record)
    }
}
