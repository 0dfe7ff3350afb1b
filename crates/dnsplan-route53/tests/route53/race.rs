//! Enactors that race for one hosted zone while calls are lost, delayed, doubled and throttled, and enactors die at any await.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dnsplan_enactor::conformance::{CountedNonces, Schedule, sample_zone};
use dnsplan_enactor::{Clock, Config, Enactor, Layout, Nonces};
use dnsplan_fence::{Actor, Generation, ParentGeneration};
use dnsplan_plan::{MemoryStore, OwnerName, PlanStore, Proposal, Provenance, Timestamp};
use dnsplan_route53::Route53Target;
use dnsplan_route53_fake::{Fault, Operation, Options};

use crate::common::{Place, until};

const ENACTORS: usize = 8;
const GENERATIONS: u8 = 200;

pub(crate) struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(now.as_millis()).unwrap_or_default())
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// What went wrong, as a client sees it.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Fine { newest: u8 },
    Empty { after: u8 },
    Backwards { from: u8, to: u8 },
}

struct Race {
    place: Place,
    store: Arc<MemoryStore>,
    nonces: Arc<CountedNonces>,
    layout: Layout,
    is_over: AtomicBool,
}

impl Race {
    async fn publish(&self, number: u8) -> Generation {
        let zone: OwnerName = self.place.zone.clone();
        let head = self.store.head(&zone).await.unwrap();
        let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
        let provenance = Provenance::new("race", Timestamp::from_millis(0), format!("number {number}"));
        let proposal = Proposal { zone: sample_zone(number), provenance };
        self.store.append(parent, proposal, self.nonces.next()).await.unwrap().generation()
    }

    fn enactor(
        &self,
        target: Arc<Route53Target>,
        index: usize,
    ) -> Enactor<MemoryStore, Route53Target, WallClock, CountedNonces> {
        let config = Config {
            poll: Duration::from_millis(5),
            audit_every: Duration::from_millis(500),
            takeover: Duration::from_millis(100),
            ..Config::default()
        };
        let me = Actor::new(&format!("e{index}")).unwrap();
        let (store, nonces) = (Arc::clone(&self.store), Arc::clone(&self.nonces));
        Enactor::new(store, target, Arc::new(WallClock), nonces, me).with_config(config)
    }

    /// One enactor after another under one name: each is dropped at some await, as by kill -9, and the next knows nothing.
    async fn enact(self: Arc<Self>, index: usize) {
        let mut schedule = Schedule::new(index as u64);
        while !self.is_over.load(Ordering::Relaxed) {
            let target = self.place.target(self.layout, "route53:race").await;
            let mut enactor = self.enactor(target, index);
            let life = Duration::from_millis(20 + schedule.below(400) as u64);
            drop(tokio::time::timeout(life, enactor.run()).await);
        }
    }

    fn answered(&self) -> Option<u8> {
        let answer = self.place.fake.edge(0).resolve("api.example.", "A").values();
        let address = answer.first()?.first()?.clone();
        address.rsplit('.').next()?.parse().ok()
    }

    /// A client that never stops asking.
    async fn read(self: Arc<Self>) -> Seen {
        let mut newest = 0;
        let mut is_last = false;
        while !is_last {
            is_last = self.is_over.load(Ordering::Relaxed);
            match self.answered() {
                None if newest > 0 => return Seen::Empty { after: newest },
                None => {}
                Some(number) if number < newest => return Seen::Backwards { from: newest, to: number },
                Some(number) => newest = number,
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Seen::Fine { newest }
    }

    fn faults(&self) {
        let changes = |fault: Fault, fraction| {
            self.place.fake.inject(fault.fraction(fraction).on(Operation::ChangeResourceRecordSets));
        };
        changes(Fault::Throttled, 0.05);
        changes(Fault::PriorRequestNotComplete, 0.05);
        changes(Fault::ReplyLost, 0.05);
        changes(Fault::RequestLost, 0.05);
        changes(Fault::Delayed(Duration::from_millis(60)), 0.1);
        changes(Fault::Duplicated { after: 5 }, 0.05);
        self.place.fake.inject(Fault::Throttled.fraction(0.02).on(Operation::ListResourceRecordSets));
    }
}

async fn race(layout: Layout, is_fenced: bool) -> Seen {
    let zone = sample_zone(0).origin().clone();
    let place = Place::start(&zone, Options { seed: 7, ..Options::default() }).await;
    place.fake.set_unfenced(!is_fenced);
    let (store, nonces) = (Arc::default(), Arc::default());
    let race = Arc::new(Race { place, store, nonces, layout, is_over: AtomicBool::new(false) });
    let enactors: Vec<_> = (0..ENACTORS).map(|index| tokio::spawn(Arc::clone(&race).enact(index))).collect();
    let reader = tokio::spawn(Arc::clone(&race).read());
    race.publish(1).await;
    until("the first to be live", || race.answered() == Some(1)).await;
    race.faults();
    for number in 2..=GENERATIONS {
        race.publish(number).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
        if reader.is_finished() {
            break;
        }
    }
    until("the newest to be live", || reader.is_finished() || race.answered() == Some(GENERATIONS)).await;
    race.is_over.store(true, Ordering::Relaxed);
    for enactor in enactors {
        enactor.await.unwrap();
    }
    reader.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_eight_enactors_race_in_place() {
    assert_eq!(race(Layout::InPlace, true).await, Seen::Fine { newest: GENERATIONS });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_eight_enactors_race_for_trees() {
    assert_eq!(race(Layout::Tree, true).await, Seen::Fine { newest: GENERATIONS });
}

/// The negative control: the same, at a Route 53 that takes a batch though the fence has moved on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_fence_in_the_batch_dns_goes_backwards() {
    let seen = race(Layout::InPlace, false).await;
    assert!(matches!(seen, Seen::Backwards { .. } | Seen::Empty { .. }), "{seen:?}");
}
