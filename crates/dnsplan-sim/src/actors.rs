//! Who takes part: enactors on the production loop, planners on the production planner, and a clean-up that goes by age.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dnsplan_enactor::{Clock, Enactor, Event, Nonces, Rider, Target};
use dnsplan_fence::{self as fence, Generation, Move, Nonce, Register, Swap};
use dnsplan_plan::{PlanStore, StoreError, Timestamp};
use dnsplan_planner::{Context, Health, PublishError, publish};

use crate::content::Library;
use crate::events;
use crate::exec::Task;
use crate::registry::Registry;
use crate::store::WiredStore;
use crate::target::WiredTarget;
use crate::trace::{Refusal, Weak};
use crate::wire::{Peer, Wire};
use crate::world::World;

/// When every story begins, for clocks: 20 October 2025, in milliseconds since 1970. A clock that jumps back does not end at zero.
const MIDNIGHT: u64 = 1_760_918_400_000;

/// Nonces that count up: no two are the same in one run.
#[derive(Debug, Default)]
pub(crate) struct Counted(AtomicU64);

impl Counted {
    /// Nobody gets this one again.
    pub(crate) fn use_up(&self, nonce: Nonce) {
        let used = u64::try_from(nonce.get()).unwrap_or(u64::MAX);
        self.0.fetch_max(used, Ordering::Relaxed);
    }
}

impl Nonces for Counted {
    fn next(&self) -> Nonce {
        Nonce::new(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1)
    }
}

/// One actor's view of virtual time.
#[derive(Clone)]
pub(crate) struct SimClock {
    wire: Wire,
    skew: Arc<AtomicI64>,
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let now = MIDNIGHT + self.wire.net.core.now();
        Timestamp::from_millis(now.saturating_add_signed(self.skew.load(Ordering::Relaxed)))
    }

    async fn sleep(&self, duration: Duration) {
        self.wire.sleep(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).await;
    }
}

/// What planners are to publish, and what they know of health.
#[derive(Default)]
pub(crate) struct Wishes {
    /// The number whose content is wanted.
    pub(crate) number: AtomicU32,
    health: Mutex<Health>,
}

impl Wishes {
    pub(crate) fn want(&self, number: u32) {
        self.number.store(number, Ordering::Relaxed);
    }

    pub(crate) fn wanted(&self) -> u32 {
        self.number.load(Ordering::Relaxed)
    }

    pub(crate) fn set_health(&self, health: Health) {
        *self.health.lock().expect("invariant: nothing panics while it is locked") = health;
    }

    fn health(&self) -> Health {
        self.health.lock().expect("invariant: nothing panics while it is locked").clone()
    }
}

/// The times of an actor's clock, to be set by incidents.
pub(crate) type Skews = Vec<Arc<AtomicI64>>;

impl World {
    fn wire(&self, actor: u32, peer: Peer) -> Wire {
        Wire { net: Arc::clone(&self.net), actor, peer }
    }

    fn wired_store(&self, actor: u32) -> WiredStore {
        let (store, registry) = (Arc::clone(&self.store), Arc::clone(&self.registry));
        WiredStore { wire: self.wire(actor, Peer::Store), store, registry }
    }

    fn wired_target(&self, actor: u32, target: usize) -> WiredTarget {
        WiredTarget { wire: self.wire(actor, Peer::Target(target)), place: Arc::clone(&self.places[target]) }
    }

    fn clock(&self, actor: u32) -> SimClock {
        SimClock { wire: self.wire(actor, Peer::Store), skew: Arc::clone(&self.skews[actor as usize]) }
    }

    /// The production loop of one enactor.
    pub(crate) fn enactor(&self, actor: u32, target: usize) -> Task {
        let wire = self.wire(actor, Peer::Store);
        let me = fence::Actor::new(wire.name()).expect("invariant: a valid actor name");
        let (store, target) = (self.wired_store(actor), self.wired_target(actor, target));
        let (log, name) = (self.net.log.clone(), Arc::clone(wire.name()));
        let observer = Arc::new(move |event: &Event| events::record(&log, &name, event));
        let enactor = Enactor::new(
            Arc::new(store),
            Arc::new(target),
            Arc::new(self.clock(actor)),
            Arc::clone(&self.nonces),
            me,
        );
        let mut enactor = enactor.with_config(self.config.clone()).with_observer(observer);
        Box::pin(async move { enactor.run().await })
    }

    /// A planner: it publishes what is wanted whenever that changes, and again where somebody demands it.
    pub(crate) fn planner(&self, actor: u32, poll: Duration) -> Task {
        let planner = Planner {
            store: self.wired_store(actor),
            clock: self.clock(actor),
            nonces: Arc::clone(&self.nonces),
            library: Arc::clone(&self.library),
            wishes: Arc::clone(&self.wishes),
            registry: Arc::clone(&self.registry),
        };
        Box::pin(planner.run(poll))
    }

    /// A clean-up that goes by age, as the one of October did. It asks the product's fence for permission to delete; with the
    /// fence switched off it asks nobody.
    pub(crate) fn cleaner(&self, actor: u32, target: usize, age: u64, poll: Duration) -> Task {
        let cleaner = Cleaner {
            store: self.wired_store(actor),
            target: self.wired_target(actor, target),
            clock: self.clock(actor),
            nonces: Arc::clone(&self.nonces),
            age,
            is_fenced: !self.without.contains(&Weak::CleanupFence),
        };
        Box::pin(cleaner.run(poll))
    }
}

struct Planner {
    store: WiredStore,
    clock: SimClock,
    nonces: Arc<Counted>,
    library: Arc<Library>,
    wishes: Arc<Wishes>,
    registry: Arc<Registry>,
}

impl Planner {
    async fn run(self, poll: Duration) {
        let mut done = None;
        loop {
            let wish = (self.wishes.wanted(), self.wishes.health());
            let is_demanded = || async {
                let zone = self.library.origin();
                self.store.demands(&zone).await.is_ok_and(|demands| !demands.is_empty())
            };
            if wish.0 > 0
                && (done.as_ref() != Some(&wish) || is_demanded().await)
                && self.publish(&wish).await
            {
                done = Some(wish);
            }
            self.clock.sleep(poll).await;
        }
    }

    /// Publishes; false where it has to be tried again.
    async fn publish(&self, (number, health): &(u32, Health)) -> bool {
        let (log, name) = (&self.store.wire.net.log, self.store.wire.name());
        let intent = match self.library.intent(*number) {
            Ok(intent) => intent,
            Err(error) => {
                log.say(name, "not-published", None, || error.to_string());
                return true;
            }
        };
        let Some(zone) = intent.zones().next() else { return true };
        let context = Context::new(&**self.store.wire.name(), self.clock.now(), format!("number {number}"));
        let attempt = self.nonces.next();
        let published = publish(&self.store, zone, health, &context, attempt).await;
        match published {
            Ok(published) if published.is_new => self.registry.acknowledged(attempt, &published.plan),
            Ok(_) => {}
            Err(PublishError::Append(dnsplan_plan::AppendError::Store(error))) => {
                // Nobody knows, or it was refused for certain: again in any case.
                if matches!(error, StoreError::Unavailable(_) | StoreError::Refused(_)) {
                    log.detail(name, "not-published", None, || error.to_string());
                }
                return false;
            }
            Err(error) => {
                self.registry.denied(attempt);
                log.say(name, "not-published", None, || error.to_string());
                return false;
            }
        }
        true
    }
}

struct Cleaner {
    store: WiredStore,
    target: WiredTarget,
    clock: SimClock,
    nonces: Arc<Counted>,
    age: u64,
    is_fenced: bool,
}

impl Cleaner {
    async fn run(self, poll: Duration) {
        let (mut refused, mut newest) = (BTreeMap::new(), Generation::ZERO);
        loop {
            if self.is_fenced {
                self.clean(&mut refused, &mut newest).await;
            } else {
                self.clean_by_age(&mut newest).await;
            }
            self.clock.sleep(poll).await;
        }
    }

    /// The trees that are many generations older than what was applied last.
    fn old(&self, newest: Generation) -> Vec<Generation> {
        let trees = self.target.place.target.contents().trees;
        let is_old = |generation: &Generation| generation.get().saturating_add(self.age) < newest.get();
        trees.keys().map(|name| name.generation).filter(is_old).collect()
    }

    /// Asks for each of them. What the record does not allow is not deleted.
    async fn clean(&self, refused: &mut BTreeMap<Generation, Generation>, newest: &mut Generation) {
        let zone = self.target.place.target.zone().clone();
        let Ok(observed) = self.target.load().await else { return };
        let Ok(head) = self.store.head_after(&zone, observed.witness()).await else { return };
        let Ok(Some(plan)) = self.store.get(&zone, head.head()).await else { return };
        let Some(sighting) = observed.sight(head) else { return };
        let record = sighting.record().clone();
        let me = fence::Actor::new(self.store.wire.name()).expect("invariant: a valid actor name");
        *newest = record.generation.max(*newest);
        for generation in self.old(*newest) {
            let trees = self.target.place.target.contents().trees;
            let Some(tree) = trees.keys().find(|name| name.generation == generation).copied() else {
                continue;
            };
            match sighting.permit(&*plan, Move::Reap(generation), self.nonces.next(), &me) {
                Ok(permit) => {
                    let swap = self.target.swap(permit, Rider::Reap { tree }).await;
                    if swap == Ok(Swap::Won) {
                        self.say_deleted(generation);
                    }
                    // The record is another one now.
                    return;
                }
                Err(why) => {
                    if refused.insert(generation, record.base) != Some(record.base) {
                        self.say_refused(generation, &record, &why);
                    }
                }
            }
        }
    }

    fn say_refused(
        &self,
        generation: Generation,
        record: &dnsplan_enactor::FenceRecord,
        why: &fence::Refused,
    ) {
        let (log, name) = (&self.store.wire.net.log, self.store.wire.name());
        let (base, floor, live) = (record.base, record.floor, record.generation);
        let why = match why {
            fence::Refused::OutOfOrder(_) if generation >= base => {
                format!("something may still be at generation {base}")
            }
            fence::Refused::OutOfOrder(_) => format!("the floor is {floor}: it may yet be applied"),
            why => why.to_string(),
        };
        log.say(name, "refused", generation, || {
            format!("may not delete the tree of generation {generation}: {why}")
        });
        log.refuse(|| Refusal {
            step: self.store.wire.net.core.step(),
            at_ms: self.store.wire.net.core.now(),
            actor: Arc::clone(name),
            action: format!("deletion of the tree of {generation}"),
            offered: generation,
            expected: live,
            live,
            live_by: log.placed_by(live),
            why,
            was_sent: false,
        });
    }

    /// By age, and nothing else: older than the newest that was ever applied.
    async fn clean_by_age(&self, newest: &mut Generation) {
        let Ok(observed) = self.target.load().await else { return };
        let Some(live) = observed.record().map(|record| record.generation) else { return };
        *newest = live.max(*newest);
        for generation in self.old(*newest) {
            self.target.delete_unasked(generation).await;
            self.say_deleted(generation);
        }
    }

    fn say_deleted(&self, generation: Generation) {
        let (log, name) = (&self.store.wire.net.log, self.store.wire.name());
        let why = if self.is_fenced {
            "the fence record says that it can never be live again"
        } else {
            "it is old"
        };
        log.say(name, "deleted", generation, || {
            format!("deletes the tree of generation {generation}: {why}")
        });
    }
}
