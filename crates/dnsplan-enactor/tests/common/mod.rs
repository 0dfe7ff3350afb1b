//! What the tests of healing and of races have in common: a target in memory with a check after every poll.

pub(crate) mod bed;
pub(crate) mod metered;
pub(crate) mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};

use dnsplan_enactor::conformance::{Contents, MemoryTarget, World, sample_zone};
use dnsplan_enactor::{Event, FenceRecord, Layout, Observer, Target};
use dnsplan_fence::{Generation, ParentGeneration};
use dnsplan_plan::{
    Node, OwnerName, Plan, PlanStore, Proposal, Provenance, RRset, RecordType, Timestamp, Ttl, Zone, rdata,
    target,
};

pub(crate) fn origin() -> OwnerName {
    "example.".parse().unwrap()
}

pub(crate) fn owner(label: &str) -> OwnerName {
    OwnerName::relative(label, &origin()).unwrap()
}

pub(crate) fn owners<const N: usize>(labels: [&str; N]) -> BTreeSet<OwnerName> {
    labels.into_iter().map(owner).collect()
}

pub(crate) fn generation(number: u64) -> Generation {
    Generation::new(number)
}

pub(crate) fn world(layout: Layout, batch: usize) -> World<MemoryTarget> {
    World::around(Arc::new(MemoryTarget::new(origin(), layout, batch)))
}

pub(crate) fn record(target: &MemoryTarget) -> FenceRecord {
    target.contents().record().expect("a readable record")
}

pub(crate) fn set(zone: &mut Zone, label: &str, record_type: &str, texts: &[&str]) {
    let data = texts.iter().map(|text| rdata(record_type, text, &origin()).unwrap());
    zone.set_rrset(owner(label), RRset::simple(Ttl::new(60).unwrap(), data).unwrap()).unwrap();
}

/// Appends a zone to the head.
pub(crate) async fn publish<T: Target>(world: &World<T>, zone: Zone) -> Arc<Plan> {
    let head = world.store.head(&origin()).await.unwrap();
    let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
    let proposal =
        Proposal { zone, provenance: Provenance::new("test", Timestamp::from_millis(0), "a test") };
    let nonce = dnsplan_enactor::Nonces::next(&*world.nonces);
    world.store.append(parent, proposal, nonce).await.expect("the plan is appended")
}

/// Asserts that every owner name of the zone is answered from it.
pub(crate) fn assert_serves(target: &MemoryTarget, zone: &Zone) {
    for (owner, node) in zone.nodes() {
        assert_eq!(target.answer(owner).as_ref(), Some(node), "{owner}");
    }
}

/// Collects events.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Event>>>);

impl Log {
    pub(crate) fn observer(&self) -> Observer {
        let log = Arc::clone(&self.0);
        Arc::new(move |event| log.lock().unwrap().push(event.clone()))
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.0.lock().unwrap().iter().filter(|event| is(event)).count()
    }

    pub(crate) fn swaps(&self) -> usize {
        self.count(|event| matches!(event, Event::Wrote { .. }))
    }
}

static SAMPLES: LazyLock<Vec<Zone>> = LazyLock::new(|| (0..16).map(sample_zone).collect());

/// What must hold at every instant at a target in memory, whose plans are the sample zones of their generations.
pub(crate) struct Watch {
    target: Arc<MemoryTarget>,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    fence: Option<String>,
    live: Generation,
    contents: Contents,
    states: usize,
}

impl Watch {
    pub(crate) fn new(target: &Arc<MemoryTarget>) -> Self {
        Self { target: Arc::clone(target), last: Mutex::default() }
    }

    /// How many states were looked at.
    pub(crate) fn states(&self) -> usize {
        self.last.lock().unwrap().states
    }

    /// Looks at the target; panics where an invariant is broken.
    pub(crate) fn check(&self) {
        let contents = self.target.contents();
        let mut last = self.last.lock().unwrap();
        if last.states > 0 && contents == last.contents {
            return;
        }
        last.states += 1;
        if last.states > 1 {
            assert_ne!(contents.fence, last.fence, "something changed and the record did not");
        }
        last.fence.clone_from(&contents.fence);
        if let Some(record) = contents.record() {
            assert!(record.generation >= last.live, "G1: {} after {}", record.generation, last.live);
            assert!(record.base <= record.generation);
            last.live = record.generation;
            self.check_content(&record, &contents);
        }
        last.contents = contents;
    }

    fn check_content(&self, record: &FenceRecord, contents: &Contents) {
        for (owner, name) in &contents.pointers {
            let is_there = contents.trees.get(name).is_some_and(|tree| tree.contains_key(owner));
            assert!(is_there, "G3: {owner} points at a tree that is not there: {name:?}");
        }
        if record.generation.is_zero() {
            return;
        }
        let low = record.base.get().max(1);
        let index = |number: u64| usize::try_from(number).unwrap();
        let zones = &SAMPLES[index(low)..=index(record.generation.get())];
        for label in ["@", "api", "www", "info", "ns1", "host-0", "host-1", "host-2"] {
            let answer = self.target.answer(&owner(label));
            // Below the first generation there was nothing.
            let from_before = record.base.is_zero() && answer.is_none();
            let is_planned = zones.iter().any(|zone| zone.node(&owner(label)) == answer.as_ref());
            assert!(
                is_planned || from_before,
                "G4: {label} is from no plan of {low}..={}",
                record.generation
            );
        }
        let first_is_going_on = record.base.is_zero();
        let api = self.target.answer(&owner("api"));
        assert!(api.is_some() || first_is_going_on, "G2: the protected endpoint is empty");
    }

    /// Runs a future and looks after every poll.
    pub(crate) fn run<F: Future>(&self, future: F) -> F::Output {
        watched(future, || self.check())
    }
}

/// More polls than any test here needs; a pass that does not come to rest is a bug, not a wait.
const POLLS: usize = 200_000;

/// Runs a future and does `check` after every poll.
pub(crate) fn watched<F: Future>(future: F, mut check: impl FnMut()) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..POLLS {
        let polled = future.as_mut().poll(&mut context);
        check();
        if let Poll::Ready(output) = polled {
            return output;
        }
    }
    panic!("it does not come to rest");
}

/// Runs a future.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    watched(future, || {})
}

/// All that clients would be answered.
pub(crate) fn answers(target: &MemoryTarget, labels: &[&str]) -> BTreeMap<OwnerName, Arc<Node>> {
    let answer = |label: &&str| Some((owner(label), target.answer(&owner(label))?));
    labels.iter().filter_map(answer).collect()
}

/// Panics where a CNAME is answered whose target is in the zone and is not answered.
pub(crate) fn assert_nothing_dangles(target: &MemoryTarget) {
    let contents = target.contents();
    for owner in contents.nodes.keys().chain(contents.pointers.keys()) {
        let Some(node) = target.answer(owner) else { continue };
        let Some(cname) = node.get(RecordType::CNAME) else { continue };
        for to in cname.data().filter_map(self::target) {
            assert!(target.answer(&to).is_some(), "{owner} points at {to}, which is not there");
        }
    }
}
