//! A plan of 20,000 RRsets, which takes a chain of updates; and one that is killed half-way while a newer plan is there.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use dnsplan_enactor::conformance::{CountedNonces, sample_zone};
use dnsplan_enactor::{Enactor, Event, Nonces, Rest, Target};
use dnsplan_fence::{Actor, Move, ParentGeneration};
use dnsplan_name_servers::Software;
use dnsplan_plan::{
    MemoryStore, OwnerName, Plan, PlanStore, Proposal, Provenance, RData, RRset, RecordType, Timestamp, Ttl,
    Zone,
};
use dnsplan_rfc2136::{Rfc2136Target, import};
use tokio::sync::Notify;

use crate::common::{Place, owner};
use crate::race::WallClock;

const HOSTS: u32 = 20_000;

fn host(index: u32) -> OwnerName {
    owner(&format!("host-{index:05}"))
}

/// The sample zone and so many hosts, every one of which says which number it is of. A third of them come and go.
fn zone(number: u8) -> Zone {
    let mut zone = sample_zone(number);
    for index in (0..HOSTS).filter(|index| index % 3 > 0 || (index / 3) % 3 == u32::from(number) % 3) {
        let [_, high, middle, low] = index.to_be_bytes();
        let _ = high;
        let address = RData::A(Ipv4Addr::new(10, middle, low, number).into());
        let rrset = RRset::simple(Ttl::new(60).unwrap(), [address]).unwrap();
        zone.set_rrset(host(index), rrset).unwrap();
    }
    zone
}

struct Bed {
    place: Arc<Place>,
    store: Arc<MemoryStore>,
    nonces: Arc<CountedNonces>,
}

impl Bed {
    fn start(software: Software) -> Arc<Self> {
        Arc::new(Self { place: Place::start(software), store: Arc::default(), nonces: Arc::default() })
    }

    async fn publish(&self, number: u8) -> Arc<Plan> {
        let zone = zone(number);
        let head = self.store.head(zone.origin()).await.unwrap();
        let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
        let provenance = Provenance::new("test", Timestamp::from_millis(0), "a test");
        self.store.append(parent, Proposal { zone, provenance }, self.nonces.next()).await.unwrap()
    }

    async fn enactor(&self, name: &str) -> Enactor<MemoryStore, Rfc2136Target, WallClock, CountedNonces> {
        let target = self.place.target("rfc2136:large").await;
        let (store, nonces) = (Arc::clone(&self.store), Arc::clone(&self.nonces));
        Enactor::new(store, target, Arc::new(WallClock), nonces, Actor::new(name).unwrap())
    }

    /// What a name is answered, by the last byte of its first address.
    fn number(&self, owner: &OwnerName) -> Option<u8> {
        let node = self.place.answered(owner, RecordType::A);
        let text = node.get(RecordType::A)?.data().next()?.to_string();
        text.rsplit('.').next()?.parse().ok()
    }

    /// Clients of the endpoint and of hosts that stay: never without an answer, never taken back.
    async fn read(self: Arc<Self>, is_over: Arc<AtomicBool>) {
        let names = [owner("api"), host(1), host(10_001), host(19_999)];
        let mut newest = names.each_ref().map(|name| self.number(name).expect("an answer"));
        while !is_over.load(Ordering::Relaxed) {
            for (name, newest) in names.iter().zip(&mut newest) {
                let number = self.number(name);
                let number = number.unwrap_or_else(|| panic!("{name} went empty after {newest}"));
                assert!(number >= *newest, "{name} went back from {newest} to {number}");
                *newest = number;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    async fn assert_holds(&self, plan: &Plan) {
        let target = self.place.target("rfc2136:audit").await;
        let audit = target.audit(plan, &Default::default()).await.unwrap();
        assert!(audit.differing.is_empty(), "{} differ", audit.differing.len());
        // Nothing is left over either; the apex SOA and NS are the server's own.
        let import = import::axfr(self.place.settings()).await.unwrap();
        assert_eq!((import.rrsets.len(), import.left_out.len()), (plan.zone().rrset_count() - 2, 0));
    }
}

async fn is_killed_half_way(software: Software) {
    let bed = Bed::start(software);
    let first = bed.publish(1).await;
    let parts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&parts);
    let mut enactor = bed.enactor("e1").await.with_observer(Arc::new(move |event| {
        if let Event::Wrote { action: Move::Apply(part), .. } = event {
            counted.store(part.of(), Ordering::Relaxed);
        }
    }));
    assert_eq!(enactor.pass().await, Ok(Rest::Live(first.generation())), "{software}");
    let parts = parts.load(Ordering::Relaxed);
    assert!(parts > 10, "{software}: {parts} parts");
    bed.assert_holds(&first).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(Arc::clone(&bed).read(Arc::clone(&is_over)));
    bed.publish(2).await;
    let half = Arc::new(Notify::new());
    let told = Arc::clone(&half);
    let mut enactor = bed.enactor("e1").await.with_observer(Arc::new(move |event| {
        if let Event::Wrote { action: Move::Apply(part), .. } = event
            && part.index() == part.of() / 2
        {
            told.notify_one();
        }
    }));
    tokio::select! {
        rest = enactor.pass() => panic!("{software}: it came to its end: {rest:?}"),
        () = half.notified() => {}
    }
    drop(enactor);
    let newest = bed.publish(3).await;
    let mut enactor = bed.enactor("e2").await;
    assert_eq!(enactor.pass().await, Ok(Rest::Live(newest.generation())), "{software}");
    is_over.store(true, Ordering::Relaxed);
    reader.await.expect("no client was left without an answer");
    bed.assert_holds(&newest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g4_g5_a_plan_of_20000_rrsets_is_killed_half_way_at_bind() {
    is_killed_half_way(Software::Bind).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g4_g5_a_plan_of_20000_rrsets_is_killed_half_way_at_knot() {
    is_killed_half_way(Software::Knot).await;
}
