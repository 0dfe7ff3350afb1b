//! What the scenario is made of: a zone, a clock per enactor, the line from an enactor to the target, the planner.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use dnsplan::fence::{Generation, Genesis, Move, Observed, ParentGeneration, Permit, Register, Swap};
use dnsplan::plan::{
    MemoryStore, Node, OwnerName, Plan, PlanStore, Proposal, Provenance, RData, RRset, RRsetKey, RecordType,
    TargetId, Timestamp, Ttl, Zone, rdata,
};
use dnsplan_enactor::conformance::{CountedNonces, MemoryTarget, yield_once};
use dnsplan_enactor::{Audit, Basis, Clock, Layout, Nonces, Outline, Quarantine, Rider, Target, TargetError};

use super::events;
use super::log::{Log, Refusal, Time};

/// The protected endpoints, relative to the origin.
pub(super) const ENDPOINTS: [&str; 3] = ["api", "api-fips", "account-1.api"];

pub(super) fn origin() -> OwnerName {
    "us-test-1.example.".parse().expect("invariant: a valid name")
}

pub(super) fn owner(relative: &str) -> OwnerName {
    OwnerName::relative(relative, &origin()).expect("invariant: a valid name")
}

fn set(zone: &mut Zone, name: &str, records: impl IntoIterator<Item = RData>) {
    let ttl = Ttl::new(5).expect("invariant: a valid TTL");
    let rrset = RRset::simple(ttl, records).expect("invariant: a valid RRset");
    zone.set_rrset(owner(name), rrset).expect("invariant: the name lies in the zone");
}

/// The zone without its endpoints.
fn bare_zone() -> Zone {
    let apex = origin();
    let mut zone = Zone::empty(apex.clone());
    for (name, record_type, text) in [
        ("@", "SOA", "ns1 hostmaster 0 300 60 86400 30"),
        ("@", "NS", "ns1"),
        ("ns1", "A", "192.0.2.53"),
        ("www", "CNAME", "api"),
    ] {
        set(&mut zone, name, [rdata(record_type, text, &apex).expect("invariant: valid record data")]);
    }
    for name in ENDPOINTS {
        zone.protect(RRsetKey::new(owner(name), RecordType::A), 2);
    }
    zone
}

/// From here on the endpoints answer with addresses that all end in `number`.
fn move_endpoints(zone: &mut Zone, number: u8) {
    for name in ENDPOINTS {
        let pools = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
        set(zone, name, pools.map(|[a, b, c]| RData::A(Ipv4Addr::new(a, b, c, number).into())));
    }
}

/// The generation that an answer is from, by its addresses; `None` where there are none or they do not agree.
pub(super) fn generation_of(node: &Node) -> Option<Generation> {
    let mut numbers = node.get(RecordType::A)?.data().map(|data| match data {
        RData::A(address) => Some(address.0.octets()[3]),
        _ => None,
    });
    let first = numbers.next()??;
    numbers.all(|number| number == Some(first)).then(|| Generation::new(first.into()))
}

/// Appends the next plan.
pub(super) async fn publish(store: &MemoryStore, nonces: &CountedNonces, now: Timestamp) -> Arc<Plan> {
    let head = store.head(&origin()).await.expect("invariant: a store in memory answers");
    let parent = head.as_deref().map_or(ParentGeneration::NONE, ParentGeneration::of);
    let next = head.as_deref().map_or(1, |head| head.generation().get() + 1);
    let number = u8::try_from(next).expect("invariant: the scenario stays below generation 256");
    let provenance = Provenance::new("planner", now, "capacity moved");
    let mut zone = head.map_or_else(bare_zone, |head| head.zone().clone());
    move_endpoints(&mut zone, number);
    let proposal = Proposal { zone, provenance };
    store.append(parent, proposal, nonces.next()).await.expect("invariant: only the planner appends")
}

/// Publishes until the head is `wanted`, resting in between; then waits for a higher `wanted`.
pub(super) async fn planner(
    store: Arc<MemoryStore>,
    nonces: Arc<CountedNonces>,
    wanted: Arc<AtomicU64>,
    clock: ActorClock,
    log: Arc<Log>,
    rests: Vec<u64>,
) {
    for rest in rests.into_iter().cycle() {
        let head = store.head(&origin()).await.expect("invariant: a store in memory answers");
        if head.map_or(0, |head| head.generation().get()) < wanted.load(Ordering::Relaxed) {
            let generation = publish(&store, &nonces, clock.now()).await.generation();
            let text = format!("publishes generation {generation}");
            log.say("planner", events::PUBLISHED, generation, text, None);
        }
        clock.sleep(Duration::from_millis(rest)).await;
    }
}

/// One actor's view of virtual time; counts how often the actor came to rest.
#[derive(Clone, Debug)]
pub(super) struct ActorClock {
    time: Arc<Time>,
    rests: Arc<AtomicU64>,
}

impl ActorClock {
    pub(super) fn new(time: &Arc<Time>) -> Self {
        Self { time: Arc::clone(time), rests: Arc::default() }
    }

    pub(super) fn rests(&self) -> u64 {
        self.rests.load(Ordering::Relaxed)
    }
}

impl Clock for ActorClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.now_ms())
    }

    async fn sleep(&self, duration: Duration) {
        self.rests.fetch_add(1, Ordering::Relaxed);
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let until = self.time.now_ms().saturating_add(millis);
        while self.time.now_ms() < until {
            yield_once().await;
        }
    }
}

/// The line from one enactor to the target: it can hold one write back, and it takes down what the target refuses.
pub(super) struct Link {
    target: Arc<MemoryTarget>,
    actor: &'static str,
    log: Arc<Log>,
    /// Which write is held back, counted from 0.
    hold: Option<usize>,
    arrived: AtomicUsize,
    is_holding: AtomicBool,
    is_released: AtomicBool,
}

impl Link {
    pub(super) fn new(
        target: &Arc<MemoryTarget>,
        actor: &'static str,
        log: &Arc<Log>,
        hold: Option<usize>,
    ) -> Self {
        Self {
            target: Arc::clone(target),
            actor,
            log: Arc::clone(log),
            hold,
            arrived: AtomicUsize::default(),
            is_holding: AtomicBool::default(),
            is_released: AtomicBool::default(),
        }
    }

    /// Whether the write is there and held back.
    pub(super) fn is_holding(&self) -> bool {
        self.is_holding.load(Ordering::Relaxed)
    }

    /// Lets it go on.
    pub(super) fn release(&self) {
        self.is_released.store(true, Ordering::Relaxed);
    }
}

impl Register for Link {
    type Payload = Quarantine;
    type Rider = Rider;
    type Error = TargetError;

    async fn load(&self) -> Result<Observed<Quarantine>, TargetError> {
        self.target.load().await
    }

    async fn create(&self, genesis: Genesis<Quarantine>) -> Result<Swap<Quarantine>, TargetError> {
        self.target.create(genesis).await
    }

    async fn swap(&self, permit: Permit<Quarantine>, rider: Rider) -> Result<Swap<Quarantine>, TargetError> {
        if Some(self.arrived.fetch_add(1, Ordering::Relaxed)) == self.hold {
            self.is_holding.store(true, Ordering::Relaxed);
            while !self.is_released.load(Ordering::Relaxed) {
                yield_once().await;
            }
        }
        let (action, expected, offered) = (permit.action(), permit.expected().generation, offered(&permit));
        let swap = self.target.swap(permit, rider).await?;
        if let Swap::Lost(now) = &swap {
            let live = now.as_ref().map_or(Generation::ZERO, |now| now.generation);
            self.log.refuse(Refusal {
                at_ms: self.log.time.now_ms(),
                actor: self.actor,
                action: events::name(action),
                offered,
                expected,
                live,
                live_by: self.log.placed_by(live),
            });
        }
        Ok(swap)
    }
}

/// On behalf of which plan a permit is.
fn offered(permit: &Permit<Quarantine>) -> Generation {
    let next = permit.next();
    match (permit.action(), next.stage) {
        (Move::Stage(_), Some(stage)) => stage.generation,
        _ => next.generation,
    }
}

impl Target for Link {
    fn id(&self) -> &TargetId {
        self.target.id()
    }

    fn zone(&self) -> &OwnerName {
        self.target.zone()
    }

    fn layout(&self) -> Layout {
        self.target.layout()
    }

    fn outline(&self, plan: &Plan, basis: &Basis) -> Outline {
        self.target.outline(plan, basis)
    }

    fn repair_limit(&self) -> usize {
        self.target.repair_limit()
    }

    async fn audit(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Result<Audit, TargetError> {
        self.target.audit(plan, set_aside).await
    }
}
