//! Enactors that race for one zone while connections are cut and requests delayed, and enactors die at any await.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dnsplan_enactor::conformance::{CountedNonces, Schedule, sample_zone};
use dnsplan_enactor::{Clock, Config, Enactor, Nonces};
use dnsplan_fence::{Actor, Generation, ParentGeneration};
use dnsplan_name_servers::{Fault, Key, Proxy, Software};
use dnsplan_plan::{MemoryStore, PlanStore, Proposal, Provenance, TargetId, Timestamp};
use dnsplan_rfc2136::{Rfc2136Target, Settings};

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
    place: Arc<Place>,
    proxy: Proxy,
    store: Arc<MemoryStore>,
    nonces: Arc<CountedNonces>,
    is_over: AtomicBool,
}

impl Race {
    async fn publish(&self, number: u8) -> Generation {
        let zone = &self.place.zone;
        let head = self.store.head(zone).await.unwrap();
        let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
        let provenance = Provenance::new("race", Timestamp::from_millis(0), format!("number {number}"));
        let proposal = Proposal { zone: sample_zone(number), provenance };
        self.store.append(parent, proposal, self.nonces.next()).await.unwrap().generation()
    }

    /// One enactor after another under one name: each is dropped at some await, as by kill -9, and the next knows nothing.
    async fn enact(self: Arc<Self>, index: usize) {
        let mut schedule = Schedule::new(index as u64);
        while !self.is_over.load(Ordering::Relaxed) {
            let life = Duration::from_millis(20 + schedule.below(400) as u64);
            drop(tokio::time::timeout(life, self.live(index)).await);
        }
    }

    async fn live(&self, index: usize) {
        let timeout = Duration::from_millis(500);
        let settings = Settings { server: self.proxy.address(), timeout, ..self.place.settings() };
        let Ok(target) = Rfc2136Target::connect(TargetId::new("rfc2136:race"), settings).await else {
            return;
        };
        let config = Config {
            poll: Duration::from_millis(5),
            audit_every: Duration::from_millis(500),
            takeover: Duration::from_millis(100),
            ..Config::default()
        };
        let me = Actor::new(&format!("e{index}")).unwrap();
        let (store, nonces) = (Arc::clone(&self.store), Arc::clone(&self.nonces));
        let enactor = Enactor::new(store, Arc::new(target), Arc::new(WallClock), nonces, me);
        enactor.with_config(config).run().await;
    }

    /// A client that never stops asking.
    async fn read(self: Arc<Self>) -> Seen {
        let mut newest = 0;
        let mut is_last = false;
        while !is_last {
            is_last = self.is_over.load(Ordering::Relaxed);
            match self.place.number() {
                None if newest > 0 => return Seen::Empty { after: newest },
                None => {}
                Some(number) if number < newest => return Seen::Backwards { from: newest, to: number },
                Some(number) => newest = number,
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Seen::Fine { newest }
    }
}

async fn race(software: Software, key: Option<Key>, is_fenced: bool) -> Seen {
    let place = Place::start_with(software, key, "");
    let proxy = Proxy::start(place.primary.address()).await.unwrap();
    let (store, nonces) = (Arc::default(), Arc::default());
    let race = Arc::new(Race { place, proxy, store, nonces, is_over: AtomicBool::new(false) });
    if !is_fenced {
        race.proxy.rob();
    }
    let enactors: Vec<_> = (0..ENACTORS).map(|index| tokio::spawn(Arc::clone(&race).enact(index))).collect();
    let reader = tokio::spawn(Arc::clone(&race).read());
    race.publish(1).await;
    until("the first to be live", || race.place.number() == Some(1)).await;
    let late = Fault::Delay(Duration::from_millis(60));
    let mut schedule = Schedule::new(7);
    let faults = vec![(5, Fault::CutBefore), (5, Fault::CutAfter), (10, late)];
    race.proxy.at_random(faults, move || schedule.below(100));
    for number in 2..=GENERATIONS {
        race.publish(number).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
        if reader.is_finished() {
            break;
        }
    }
    until("the newest to be live", || reader.is_finished() || race.place.number() == Some(GENERATIONS)).await;
    race.is_over.store(true, Ordering::Relaxed);
    for enactor in enactors {
        enactor.await.unwrap();
    }
    reader.await.unwrap()
}

fn key() -> Option<Key> {
    Some(Key::sample("hmac-sha256"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_eight_enactors_race_at_bind() {
    assert_eq!(race(Software::Bind, key(), true).await, Seen::Fine { newest: GENERATIONS });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_eight_enactors_race_at_knot() {
    assert_eq!(race(Software::Knot, key(), true).await, Seen::Fine { newest: GENERATIONS });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_eight_enactors_race_at_powerdns() {
    assert_eq!(race(Software::PowerDns, key(), true).await, Seen::Fine { newest: GENERATIONS });
}

/// The same without a key: what the negative control is compared with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_eight_enactors_race_without_a_key() {
    assert_eq!(race(Software::Bind, None, true).await, Seen::Fine { newest: GENERATIONS });
}

/// The negative control: the same, but the proxy takes the prerequisites out of the updates, which it can where they are not signed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_prerequisites_dns_goes_backwards() {
    for software in Software::ALL {
        let seen = race(software, None, false).await;
        assert!(matches!(seen, Seen::Backwards { .. } | Seen::Empty { .. }), "{software}: {seen:?}");
    }
}
