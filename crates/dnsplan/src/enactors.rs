//! Enactors with the system's clock and random source, on any target.

use std::sync::Arc;

use dnsplan_enactor::{Enactor, Event, Target};
use dnsplan_fence::Actor;
use dnsplan_plan::{OwnerName, PlanStore};
use tokio::task::JoinSet;

use crate::{RandomNonces, SystemClock};

/// Hears of what each enactor does, zone by zone.
pub type ZoneObserver = Arc<dyn Fn(&OwnerName, &Actor, &Event) + Send + Sync>;

/// An enactor with the system's clock and random source.
pub type SystemEnactor<S, T> = Enactor<S, T, SystemClock, RandomNonces>;

/// An enactor called `me` that takes plans from `store` to `target`; `observer` hears of what it does.
pub fn enactor<S: PlanStore, T: Target>(
    store: &Arc<S>,
    target: &Arc<T>,
    me: Actor,
    observer: &ZoneObserver,
) -> SystemEnactor<S, T> {
    let (observer, zone, who) = (Arc::clone(observer), target.zone().clone(), me.clone());
    let (clock, nonces) = (Arc::new(SystemClock), Arc::new(RandomNonces));
    Enactor::new(Arc::clone(store), Arc::clone(target), clock, nonces, me)
        .with_observer(Arc::new(move |event| observer(&zone, &who, event)))
}

/// Enactors at work in tasks of their own, for any number of targets. Dropping this stops them at once; nothing is lost.
#[derive(Default)]
pub struct Enactors(JoinSet<()>);

impl Enactors {
    /// Puts one more to work. Several on one target need no arrangement between them.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start<S: PlanStore + 'static, T: Target + 'static>(&mut self, mut enactor: SystemEnactor<S, T>) {
        self.0.spawn(async move { enactor.run().await });
    }

    /// Stops them. A write under way is finished or has no effect; either way whoever enacts next finds out.
    pub async fn stop(&mut self) {
        self.0.shutdown().await;
    }
}
