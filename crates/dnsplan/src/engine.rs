//! The whole engine in one process: the embedded store, an authoritative server, and enactors that take plans from one to
//! the other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dnsplan_enactor::{Clock, Config, Event, Nonces, Target};
use dnsplan_fence::{Actor, Generation, InvalidActor};
use dnsplan_hickory::{
    DnsServer, DuplicateZone, Handler, HickoryTarget, ServerError, Transfers, TransfersError,
};
use dnsplan_plan::{OwnerName, Plan, PlanStore, StoreError, TargetId};
use dnsplan_planner::{Context, Health, Intent};
use dnsplan_store::{EmbeddedStore, OpenError};

use crate::{
    Enactors, PublishError, Published, RandomNonces, SystemClock, ZoneObserver, enactor, open_target, publish,
};

/// How often a wait looks whether its condition holds.
const LOOK: Duration = Duration::from_millis(5);

/// Why an engine does not run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server cannot listen, or failed.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Two zones are the same.
    #[error(transparent)]
    Zone(#[from] DuplicateZone),
    /// What is said of transfers does not make sense.
    #[error(transparent)]
    Transfers(#[from] TransfersError),
    /// The name of an enactor is not valid.
    #[error(transparent)]
    Actor(#[from] InvalidActor),
    /// A plan was not published.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// What an engine is made of beside its store.
#[derive(Clone)]
pub struct EngineConfig {
    /// Where the server listens, UDP and TCP. Port 0: the system picks one.
    pub dns: SocketAddr,
    /// The id of its targets: the fence records of an engine are found again under this name. Two engines on one store
    /// need two names.
    pub target: TargetId,
    /// How many enactors work on each zone, and how they are called: `NAME-1`, `NAME-2` ...
    pub enactors: u32,
    /// The first part of the enactors' names: `a-z`, `0-9` and `-`.
    pub name: String,
    /// How the enactors go about it.
    pub config: Config,
    /// Who hears of what the enactors do.
    pub observer: ZoneObserver,
    /// Who may transfer the zones, and who is told of each plan; nobody where there is none.
    pub transfers: Option<Transfers>,
}

impl EngineConfig {
    /// Three enactors, nobody who hears of them.
    #[must_use]
    pub fn new(dns: SocketAddr) -> Self {
        let target = TargetId::new(format!("hickory:{dns}"));
        let observer = Arc::new(|_: &OwnerName, _: &Actor, _: &Event| {});
        let (name, config, transfers) = ("enactor".to_owned(), Config::default(), None);
        Self { dns, target, enactors: 3, name, config, observer, transfers }
    }
}

/// A running engine. Dropping it stops it at once; nothing is lost.
pub struct Engine {
    store: Arc<EmbeddedStore>,
    config: EngineConfig,
    handler: Handler,
    server: DnsServer,
    targets: BTreeMap<OwnerName, HickoryTarget>,
    enactors: Enactors,
}

impl Engine {
    /// Opens (or makes) the store at `path`, and serves the intent's zones on `dns` with `enactors` enactors each.
    ///
    /// # Errors
    /// [`EngineError`] says what is in the way.
    pub async fn start(
        path: impl AsRef<Path>,
        dns: SocketAddr,
        intent: &Intent,
        enactors: u32,
    ) -> Result<Self, EngineError> {
        let store = Arc::new(EmbeddedStore::open(path)?);
        let zones = intent.zones().map(|zone| zone.origin().clone());
        Self::run(store, EngineConfig { enactors, ..EngineConfig::new(dns) }, zones).await
    }

    /// Serves `zones` out of a store that is open.
    ///
    /// # Errors
    /// [`EngineError`] says what is in the way.
    pub async fn run(
        store: Arc<EmbeddedStore>,
        config: EngineConfig,
        zones: impl IntoIterator<Item = OwnerName>,
    ) -> Result<Self, EngineError> {
        let mut handler = Handler::new([])?;
        if let Some(transfers) = config.transfers.clone() {
            handler = handler.transferring(transfers)?;
        }
        let mut targets = BTreeMap::new();
        for zone in zones {
            let target = open_target(&store, &zone, &config.target).await?;
            handler.add(target.clone())?;
            targets.insert(zone, target);
        }
        let server = DnsServer::bind(config.dns, handler.clone()).await?;
        let mut engine =
            Self { store, config, handler, server, targets: BTreeMap::new(), enactors: Enactors::default() };
        for target in targets.into_values() {
            engine.enact(target)?;
        }
        Ok(engine)
    }

    /// Serves one more zone, if it is not served already.
    ///
    /// # Errors
    /// [`EngineError`] says what is in the way.
    pub async fn serve(&mut self, zone: &OwnerName) -> Result<(), EngineError> {
        if self.targets.contains_key(zone) {
            return Ok(());
        }
        let target = open_target(&self.store, zone, &self.config.target).await?;
        self.handler.add(target.clone())?;
        self.enact(target)
    }

    fn enact(&mut self, target: HickoryTarget) -> Result<(), EngineError> {
        let shared = Arc::new(target.clone());
        for index in 1..=self.config.enactors {
            let me = Actor::new(&format!("{}-{index}", self.config.name))?;
            let next = enactor(&self.store, &shared, me, &self.config.observer);
            self.enactors.start(next.with_config(self.config.config.clone()));
        }
        self.targets.insert(target.zone().clone(), target);
        Ok(())
    }

    /// Plans every zone of `intent` on its head, and appends the plans that change something.
    ///
    /// # Errors
    /// [`EngineError::Publish`] where a guard refuses or somebody else appended first; zones before it were published.
    pub async fn publish(&self, intent: &Intent, reason: &str) -> Result<Vec<Published>, EngineError> {
        let mut published = Vec::new();
        for zone in intent.zones() {
            let context = Context::new(self.config.name.clone(), SystemClock.now(), reason);
            published.push(
                publish(&*self.store, zone, &Health::from_spec(), &context, RandomNonces.next()).await?,
            );
        }
        Ok(published)
    }

    /// Waits until these plans, or newer ones, are answered from. There is no limit to that: put a timeout around it.
    pub async fn wait_until_live(&self, published: &[Published]) {
        for Published { plan, .. } in published {
            while self.live(plan) < plan.generation() {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    fn live(&self, plan: &Plan) -> Generation {
        let target = self.targets.get(plan.zone().origin());
        target.and_then(HickoryTarget::snapshot).map_or(Generation::ZERO, |live| live.generation())
    }

    /// The zones that are answered from a plan now, each with its live generation.
    pub fn live_zones(&self) -> impl Iterator<Item = (&OwnerName, Option<Generation>)> {
        self.targets.iter().map(|(zone, target)| (zone, target.snapshot().map(|live| live.generation())))
    }

    /// The address that the server listens on.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Arc<EmbeddedStore> {
        &self.store
    }

    /// Forgets plans below the oldest of the newest `keep`, zone by zone; never the head, a pin, or what a target reports.
    ///
    /// # Errors
    /// The store's.
    pub async fn prune(&self, keep: usize) -> Result<(), StoreError> {
        for zone in self.targets.keys() {
            let kept = self.store.history(zone, keep.max(1)).await?;
            if let (Some(oldest), true) = (kept.last(), kept.len() == keep.max(1)) {
                self.store.prune(zone, oldest.generation).await?;
            }
        }
        Ok(())
    }

    /// Waits until the server fails on its own.
    ///
    /// # Errors
    /// What failed.
    pub async fn wait(&mut self) -> Result<(), EngineError> {
        Ok(self.server.wait().await?)
    }

    /// Stops the enactors, then the server. A write under way is finished or has no effect; either way the next start
    /// finds out.
    ///
    /// # Errors
    /// [`EngineError::Server`] where a socket had failed before.
    pub async fn stop(mut self) -> Result<(), EngineError> {
        self.enactors.stop().await;
        Ok(self.server.shutdown().await?)
    }
}
