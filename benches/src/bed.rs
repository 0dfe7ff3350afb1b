//! A store, a target and an enactor, to publish on.

use std::io;
use std::path::Path;
use std::sync::Arc;

use dnsplan::enactor::{Enactor, Nonces, Rest, Target};
use dnsplan::fence::{Actor, Offer, ParentGeneration};
use dnsplan::hickory::{HickoryTarget, NoJournal};
use dnsplan::plan::{MemoryStore, Plan, PlanStore, Proposal, Provenance, TargetId, Timestamp, Zone};
use dnsplan::store::EmbeddedStore;
use dnsplan::{RandomNonces, SystemClock, append, open_target};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{edited, zone};

type Production = Enactor<EmbeddedStore, HickoryTarget, SystemClock, RandomNonces>;

/// A temporary directory: in `DNSPLAN_BENCH_DIR` where that is set, else where the system has its temporary files. What
/// that directory lies on decides what an fsync costs.
///
/// # Errors
/// Where none can be made.
pub fn directory() -> io::Result<TempDir> {
    match std::env::var_os("DNSPLAN_BENCH_DIR") {
        Some(directory) => TempDir::new_in(directory),
        None => TempDir::new(),
    }
}

/// A zone that is published to again and again, through the parts that production uses: the embedded store, the in-process
/// server with its record in the store's file, and the enactor's own pass.
pub struct Bed {
    runtime: Runtime,
    hosts: u32,
    round: u32,
    store: Arc<EmbeddedStore>,
    target: HickoryTarget,
    enactor: Production,
    head: Arc<Plan>,
    _directory: TempDir,
}

impl Bed {
    /// A bed whose zone of `hosts` hosts is live already.
    ///
    /// # Panics
    /// Where the store or the target fails.
    #[must_use]
    pub fn new(hosts: u32) -> Self {
        let directory = directory().expect("a directory for the store");
        Self::over(hosts, directory)
    }

    fn over(hosts: u32, directory: TempDir) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let store = Arc::new(open(directory.path()));
        let zone = zone(hosts);
        let id = TargetId::new("bench");
        let target = runtime.block_on(open_target(&store, zone.origin(), &id)).expect("a target");
        let mut enactor = enactor(Arc::clone(&store), target.clone());
        let appended = append(&*store, ParentGeneration::NONE, proposal(zone, 0), RandomNonces.next());
        let head = runtime.block_on(appended).expect("the first plan");
        let rest = runtime.block_on(enactor.pass()).expect("a pass");
        assert_eq!(rest, Rest::Live(head.generation()));
        Self { runtime, hosts, round: 0, store, target, enactor, head, _directory: directory }
    }

    /// The next content: the head's with other addresses at `rrsets` hosts.
    #[must_use]
    pub fn next(&mut self, rrsets: u32) -> Proposal {
        self.round += 1;
        proposal(edited(self.head.zone(), self.hosts, rrsets, self.round), self.round)
    }

    /// Appends a plan, and takes it live: when this returns, queries are answered from it and the store has it confirmed.
    ///
    /// # Panics
    /// Where the plan is not live then.
    pub fn publish(&mut self, next: Proposal) {
        let rest = self.runtime.block_on(async {
            let parent = ParentGeneration::of(&self.head);
            self.head = append(&*self.store, parent, next, RandomNonces.next()).await.expect("an append");
            self.enactor.pass().await.expect("a pass")
        });
        let live = self.target.snapshot().expect("something is live");
        assert_eq!(rest, Rest::Live(self.head.generation()));
        assert_eq!(live.value().digest(), self.head.digest());
    }
}

fn open(directory: &Path) -> EmbeddedStore {
    EmbeddedStore::open(directory.join("plans.sqlite")).expect("a store")
}

fn proposal(zone: Zone, round: u32) -> Proposal {
    let provenance = Provenance::new("bench", Timestamp::from_millis(0), format!("round {round}"));
    Proposal { zone, provenance }
}

fn enactor<S: PlanStore>(
    store: Arc<S>,
    target: HickoryTarget,
) -> Enactor<S, HickoryTarget, SystemClock, RandomNonces> {
    let me = Actor::new("enactor-1").expect("a valid name");
    Enactor::new(store, Arc::new(target), Arc::new(SystemClock), Arc::new(RandomNonces), me)
}

/// A target that answers from a zone of `hosts` hosts, put there by the enactor out of a store in memory.
///
/// # Panics
/// Where it is not live in one pass.
#[must_use]
pub fn live_in_memory(hosts: u32) -> HickoryTarget {
    let (store, zone) = (Arc::new(MemoryStore::new()), zone(hosts));
    let target = HickoryTarget::new(TargetId::new("bench"), zone.origin().clone(), NoJournal);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        append(&*store, ParentGeneration::NONE, proposal(zone, 0), RandomNonces.next())
            .await
            .expect("a plan");
        let rest = enactor(store, target.clone()).pass().await.expect("a pass");
        assert!(matches!(rest, Rest::Live(_)), "{} rests at {rest:?}", target.id());
    });
    target
}
