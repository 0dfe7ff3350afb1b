//! Large plans in a tree, at edges that get batches late and out of order.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dnsplan_enactor::conformance::{CountedNonces, sample_zone};
use dnsplan_enactor::{Config, Enactor, Layout, Nonces, codec};
use dnsplan_fence::{Actor, Generation, ParentGeneration};
use dnsplan_plan::{
    Member, MemoryStore, OwnerName, PlanStore, Proposal, Provenance, RData, RRset, RRsetKey, RecordType,
    Timestamp, Ttl, Zone,
};
use dnsplan_route53::Route53Target;
use dnsplan_route53_fake::{Action, Edge, Fake, Options, Propagation, Received, RecordSet};

use crate::common::{Place, until};
use crate::race::WallClock;

fn origin() -> OwnerName {
    "example.".parse().unwrap()
}

fn endpoint(index: u32) -> String {
    format!("ep-{index}.example.")
}

/// So many protected endpoints of so many weighted members each; every address says which generation it is of.
fn zone(generation: u8, endpoints: u32, members: u32) -> Zone {
    let mut zone = Zone::empty(origin());
    let sample = sample_zone(0);
    for rrset in sample.node(&origin()).unwrap().rrsets() {
        zone.set_rrset(origin(), rrset.clone()).unwrap();
    }
    for index in 0..endpoints {
        let [high, low] = u16::try_from(index).unwrap().to_be_bytes();
        let member = |member: u32| Member {
            id: format!("lb-{member}").into(),
            weight: 1,
            health_check: None,
            data: RData::A(Ipv4Addr::new(generation, high, low, u8::try_from(member).unwrap()).into()),
        };
        let rrset = RRset::weighted(Ttl::new(60).unwrap(), (0..members).map(member)).unwrap();
        let owner: OwnerName = endpoint(index).parse().unwrap();
        zone.set_rrset(owner.clone(), rrset).unwrap();
        zone.protect(RRsetKey::new(owner, RecordType::A), 1);
    }
    zone
}

struct Bed {
    place: Place,
    store: Arc<MemoryStore>,
    nonces: Arc<CountedNonces>,
    target: Arc<Route53Target>,
}

impl Bed {
    async fn start(options: Options) -> Self {
        let place = Place::start(&origin(), options).await;
        let target = place.target(Layout::Tree, "route53:edges").await;
        Self { place, store: Arc::default(), nonces: Arc::default(), target }
    }

    async fn publish(&self, zone: Zone) -> Generation {
        let head = self.store.head(&origin()).await.unwrap();
        let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
        let provenance = Provenance::new("test", Timestamp::from_millis(0), "a test");
        let proposal = Proposal { zone, provenance };
        self.store.append(parent, proposal, self.nonces.next()).await.unwrap().generation()
    }

    fn enactor(&self) -> Enactor<MemoryStore, Route53Target, WallClock, CountedNonces> {
        let config = Config { poll: Duration::from_millis(5), ..Config::default() };
        let (store, target) = (Arc::clone(&self.store), Arc::clone(&self.target));
        let (clock, nonces) = (Arc::new(WallClock), Arc::clone(&self.nonces));
        Enactor::new(store, target, clock, nonces, Actor::new("e1").unwrap()).with_config(config)
    }

    /// The batches that move pointers, and the base that each of their records has.
    fn flips(&self, since: usize) -> Vec<(usize, u64)> {
        let accepted = self.place.fake.accepted();
        let flips = accepted[since..].iter().filter(|batch| pointers(batch) > 0);
        flips.map(|batch| (pointers(batch), base(batch))).collect()
    }
}

/// How many pointers a batch puts.
fn pointers(batch: &Received) -> usize {
    let puts = batch.changes.iter().filter(|change| change.action != Action::Delete);
    puts.filter(|change| change.record_set.alias.is_some() && change.record_set.name.starts_with("ep-"))
        .filter(|change| !change.record_set.name.contains("._dnsplan."))
        .count()
}

/// The base of the record that a batch leaves.
fn base(batch: &Received) -> u64 {
    let is_fence = |name: &str| name == "_dnsplan.example.";
    let next = batch
        .changes
        .iter()
        .find(|change| change.action == Action::Create && is_fence(&change.record_set.name));
    let text = next.unwrap().record_set.values[0].replace("\" \"", "").replace('"', "");
    codec::decode(&text).unwrap().base.get()
}

/// The generations that an edge answers an endpoint from. Panics where the answer may be empty.
fn generations(edge: &Edge, index: u32) -> BTreeSet<u8> {
    let answer = edge.resolve(&endpoint(index), "A");
    assert!(!answer.may_be_empty(), "{} may have no answer", endpoint(index));
    let values = answer.values().into_iter().flatten();
    values.map(|address| address.parse::<Ipv4Addr>().unwrap().octets()[0]).collect()
}

/// A client of all edges, until told to stop: it is never left without an answer, and an edge never mixes two generations where one
/// batch flips.
async fn read(fake: Fake, endpoints: u32, is_single: bool, is_over: Arc<AtomicBool>) {
    let mut newest = vec![0; fake.edges().len()];
    while !is_over.load(Ordering::Relaxed) {
        for (number, edge) in fake.edges().iter().enumerate() {
            let step = usize::try_from(endpoints / 20).unwrap().max(1);
            let seen: Vec<BTreeSet<u8>> =
                (0..endpoints).step_by(step).map(|index| generations(edge, index)).collect();
            assert!(seen.iter().all(|one| one.len() == 1), "one answer of two generations: {seen:?}");
            let all: BTreeSet<u8> = seen.into_iter().flatten().collect();
            // The edge may get a batch between two of these questions, and never two: at most two generations, next to one another.
            assert!(!is_single || all.len() <= 2, "{all:?}");
            let lowest = *all.first().unwrap();
            assert!(lowest >= newest[number], "edge {number} went back to {lowest} from {}", newest[number]);
            newest[number] = lowest;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn flips_at_late_edges(endpoints: u32, members: u32, generations: u8) -> Vec<Vec<(usize, u64)>> {
    let propagation = Propagation::Ticking(Duration::from_millis(1));
    let limits = dnsplan_route53_fake::Limits { record_sets_per_zone: 100_000, ..Default::default() };
    let bed = Bed::start(Options { seed: 5, limits, propagation, ..Options::default() }).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut enactor = bed.enactor();
    let running = tokio::spawn(async move { enactor.run().await });
    let mut reader = None;
    let mut flips = Vec::new();
    for generation in 1..=generations {
        let since = bed.place.fake.accepted().len();
        let number = bed.publish(zone(generation, endpoints, members)).await;
        let arrived = |edge: &Edge| {
            let answer = edge.resolve(&endpoint(endpoints - 1), "A");
            answer.values().iter().flatten().any(|address| address.starts_with(&format!("{generation}.")))
        };
        until("the generation to be everywhere", || bed.place.fake.edges().iter().all(arrived)).await;
        let confirmed = async {
            loop {
                let targets = bed.store.targets(&origin()).await.unwrap();
                if targets.iter().any(|target| target.confirmed == number) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), confirmed).await.expect("it is confirmed");
        flips.push(bed.flips(since));
        let fake = bed.place.fake.clone();
        let is_over = Arc::clone(&is_over);
        reader.get_or_insert_with(|| tokio::spawn(read(fake, endpoints, flips[0].len() == 1, is_over)));
    }
    let is_old = |set: &RecordSet| set.name.contains(".g1-");
    let there = || bed.place.fake.record_sets(&bed.place.zone_id);
    until("what nothing can reach any more to be gone", || !there().iter().any(is_old)).await;
    is_over.store(true, Ordering::Relaxed);
    reader.expect("it reads").await.expect("no client was left without an answer");
    running.abort();
    flips
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_g4_five_thousand_records_behind_two_hundred_endpoints_flip_in_one_batch() {
    let flips = flips_at_late_edges(200, 25, 3).await;
    assert_eq!(
        flips,
        [[(200, 0)], [(200, 1)], [(200, 2)]],
        "one batch, and the base stays until it has arrived"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_g3_two_thousand_endpoints_flip_in_the_fewest_batches_and_hold_the_base() {
    let flips = flips_at_late_edges(2_000, 1, 2).await;
    // 998 elements beside the fence; 2 for each pointer, since nobody knows in a new zone that it is not there, and since it is there.
    let full = |base| vec![(499, base), (499, base), (499, base), (499, base), (4, base)];
    assert_eq!(flips, [full(0), full(1)]);
}
