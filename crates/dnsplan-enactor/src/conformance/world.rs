//! What the checks have in common: a store with plans whose contents say which number they are of, and enactors.

use std::net::Ipv4Addr;
use std::sync::Arc;

use dnsplan_fence::{Actor, HeadAfter, Observed, ParentGeneration};
use dnsplan_plan::{
    MemoryStore, Node, OwnerName, Plan, PlanStore, Proposal, Provenance, RData, RRset, RRsetKey, RecordType,
    Timestamp, Ttl, Zone, rdata,
};

use super::{CountedNonces, Harness, VirtualClock};
use crate::{Config, EnactError, Enactor, Nonces, Quarantine, Rest, Target};

/// One store and one target.
pub struct World<T> {
    /// The plans.
    pub store: Arc<MemoryStore>,
    /// Where they take effect.
    pub target: Arc<T>,
    /// Virtual time.
    pub clock: Arc<VirtualClock>,
    /// Nonces that count up.
    pub nonces: Arc<CountedNonces>,
}

/// The sample zone's origin.
pub(super) fn origin() -> OwnerName {
    "example.".parse().expect("invariant: a valid name")
}

/// An owner name of the sample zone.
pub(super) fn owner(relative: &str) -> OwnerName {
    OwnerName::relative(relative, &origin()).expect("invariant: a valid name")
}

fn rrset(records: impl IntoIterator<Item = RData>) -> RRset {
    let ttl = Ttl::new(60).expect("invariant: a valid TTL");
    RRset::simple(ttl, records).expect("invariant: a valid RRset")
}

/// A zone whose every changing record says `number`: the protected endpoint `api`, `www` that points at it, `info`, and one
/// of three hosts that come and go.
///
/// # Panics
/// Never: all names and records in it are valid.
#[must_use]
pub fn sample_zone(number: u8) -> Zone {
    let apex = origin();
    let parse =
        |record_type, text: &str| rdata(record_type, text, &apex).expect("invariant: valid record data");
    let mut zone = Zone::empty(apex.clone());
    let mut set = |name: &str, rrset: RRset| {
        zone.set_rrset(owner(name), rrset).expect("invariant: the name lies in the zone");
    };
    set("@", rrset([parse("SOA", "ns1 hostmaster 0 300 60 86400 30")]));
    set("@", rrset([parse("NS", "ns1")]));
    set("ns1", rrset([parse("A", "192.0.2.53")]));
    let address = |block: [u8; 3]| RData::A(Ipv4Addr::new(block[0], block[1], block[2], number).into());
    set("api", rrset([address([192, 0, 2]), address([198, 51, 100])]));
    set("www", rrset([parse("CNAME", "api")]));
    set("info", rrset([parse("TXT", &format!("n{number}"))]));
    set(&format!("host-{}", number % 3), rrset([address([203, 0, 113])]));
    zone.protect(RRsetKey::new(owner("api"), RecordType::A), 2);
    zone
}

impl<T: Target> World<T> {
    /// A world with a fresh target and an empty store.
    pub async fn new<H: Harness<Target = T>>(harness: &H) -> Self {
        Self::around(harness.make(&origin()).await)
    }

    /// A world around a target, with an empty store.
    pub fn around(target: Arc<T>) -> Self {
        Self { store: Arc::default(), target, clock: Arc::default(), nonces: Arc::default() }
    }

    /// The same target with a store that knows nothing.
    #[must_use]
    pub fn with_another_store(&self) -> Self {
        let (target, clock) = (Arc::clone(&self.target), Arc::clone(&self.clock));
        Self { store: Arc::default(), target, clock, nonces: Arc::clone(&self.nonces) }
    }

    /// Appends the sample zone of `number`.
    ///
    /// # Panics
    /// Where the store refuses.
    pub async fn publish(&self, number: u8) -> Arc<Plan> {
        let head = self.store.head(&origin()).await.expect("the store answers");
        let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
        let provenance = Provenance::new("suite", Timestamp::from_millis(0), format!("number {number}"));
        let proposal = Proposal { zone: sample_zone(number), provenance };
        self.store.append(parent, proposal, self.nonces.next()).await.expect("the plan is appended")
    }

    /// An enactor that looks for drift on every pass, takes over at once, and gives up waiting for a planner soon.
    ///
    /// # Panics
    /// Where `name` is no actor's name.
    pub fn enactor_at<U: Target>(
        &self,
        target: &Arc<U>,
        name: &str,
    ) -> Enactor<MemoryStore, U, VirtualClock, CountedNonces> {
        let me = Actor::new(name).expect("a valid actor name");
        let now = std::time::Duration::ZERO;
        let config = Config { audit_every: now, takeover: now, patience: 3, ..Config::default() };
        let (store, target) = (Arc::clone(&self.store), Arc::clone(target));
        Enactor::new(store, target, Arc::clone(&self.clock), Arc::clone(&self.nonces), me).with_config(config)
    }

    /// One pass of a new enactor, as after a crash.
    ///
    /// # Errors
    /// The pass's.
    pub async fn pass(&self, name: &str) -> Result<Rest, EnactError> {
        self.enactor_at(&self.target, name).pass().await
    }

    /// What an enactor would see now.
    pub(super) async fn look(&self) -> (Observed<Quarantine>, HeadAfter) {
        let observed = self.target.load().await.expect("the target answers");
        let head = self.store.head_after(&origin(), observed.witness()).await.expect("the store answers");
        (observed, head)
    }

    /// Asserts that clients are answered from exactly this plan.
    pub(super) async fn assert_serves<H: Harness<Target = T>>(&self, harness: &H, plan: &Plan) {
        for (name, node) in plan.zone().nodes() {
            let answer = harness.answer(&self.target, name).await;
            assert_eq!(
                answer.as_ref(),
                Some(node),
                "{name} is not answered from generation {}",
                plan.generation()
            );
        }
        for gone in ["host-0", "host-1", "host-2"].map(owner) {
            if plan.zone().node(&gone).is_none() {
                let answer = harness.answer(&self.target, &gone).await;
                assert_eq!(answer, None, "{gone} is still answered under generation {}", plan.generation());
            }
        }
    }
}

/// The number that a sample node says, by the last byte of its first address.
pub(super) fn number_of(node: &Node) -> Option<u8> {
    match node.get(RecordType::A)?.data().next()? {
        RData::A(address) => Some(address.0.octets()[3]),
        _ => None,
    }
}
