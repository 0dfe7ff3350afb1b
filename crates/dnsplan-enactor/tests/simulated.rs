//! Found by random schedules of the simulator: stores that fail one call or are put back, pruned histories, stale looks.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use common::{Log, assert_serves, block_on, generation, origin, owner, record, watched, world};
use dnsplan_enactor::conformance::{
    CountedNonces, Fault, Faulty, MemoryTarget, VirtualClock, World, sample_zone,
};
use dnsplan_enactor::{EnactError, Enactor, Event, Layout, Rest, Wait};
use dnsplan_fence::{Actor, FreezeId, Generation, HeadAfter, Nonce, ParentGeneration, Witness};
use dnsplan_plan::{
    AppendError, Demand, Entry, Freeze, MemoryStore, OwnerName, Plan, PlanStore, Proposal, Pruned, Revision,
    StoreError, TargetId, TargetReport, TargetStatus, Timestamp, Zone,
};

const LAYOUTS: [Layout; 3] = [Layout::Tree, Layout::InPlace, Layout::Whole];
/// The layouts whose chains have parts.
const IN_PARTS: [Layout; 2] = [Layout::Tree, Layout::InPlace];
/// With 3 and 4 owner names a part, a whole plan has as many parts as what changed since the one before.
const BATCHES: [usize; 4] = [1, 3, 4, 16];

/// A question whose answer can go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Call {
    Get(Generation),
    Touched,
}

/// What is said instead of the truth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Instead {
    Unavailable,
    Corrupt,
    Nothing,
}

/// A store that says something else where it is asked what `wrong` picks.
struct Flaky {
    inner: Arc<MemoryStore>,
    wrong: Box<dyn Fn(Call) -> bool + Send + Sync>,
    instead: Instead,
    /// The only one of these calls that goes wrong; where there is none, all do.
    only: Option<usize>,
    calls: AtomicUsize,
    hits: AtomicUsize,
}

impl Flaky {
    /// What is said instead of the truth, if anything.
    fn instead<V>(&self, call: Call) -> Option<Result<Option<V>, StoreError>> {
        if !(self.wrong)(call) {
            return None;
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        if self.only.is_some_and(|only| only != number) {
            return None;
        }
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(match self.instead {
            Instead::Unavailable => Err(unavailable()),
            Instead::Corrupt => Err(StoreError::Corrupt("an old plan".to_owned())),
            Instead::Nothing => Ok(None),
        })
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::Relaxed)
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("a fault was asked for".to_owned())
}

impl PlanStore for Flaky {
    async fn revision(&self) -> Result<Revision, StoreError> {
        self.inner.revision().await
    }
    async fn zones(&self) -> Result<Vec<OwnerName>, StoreError> {
        self.inner.zones().await
    }
    async fn head(&self, zone: &OwnerName) -> Result<Option<Arc<Plan>>, StoreError> {
        self.inner.head(zone).await
    }
    async fn head_after(&self, zone: &OwnerName, witness: Witness) -> Result<HeadAfter, StoreError> {
        self.inner.head_after(zone, witness).await
    }
    async fn get(&self, zone: &OwnerName, generation: Generation) -> Result<Option<Arc<Plan>>, StoreError> {
        match self.instead(Call::Get(generation)) {
            Some(said) => said,
            None => self.inner.get(zone, generation).await,
        }
    }
    async fn append(
        &self,
        parent: ParentGeneration,
        proposal: Proposal,
        attempt: Nonce,
    ) -> Result<Arc<Plan>, AppendError> {
        self.inner.append(parent, proposal, attempt).await
    }
    async fn find(&self, zone: &OwnerName, attempt: Nonce) -> Result<Option<Generation>, StoreError> {
        self.inner.find(zone, attempt).await
    }
    async fn history(&self, zone: &OwnerName, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.history(zone, limit).await
    }
    async fn touched(
        &self,
        zone: &OwnerName,
        after: Generation,
        upto: Generation,
    ) -> Result<Option<BTreeSet<OwnerName>>, StoreError> {
        match self.instead(Call::Touched) {
            Some(said) => said,
            None => self.inner.touched(zone, after, upto).await,
        }
    }
    async fn report(&self, zone: &OwnerName, of: &TargetId, report: TargetReport) -> Result<(), StoreError> {
        self.inner.report(zone, of, report).await
    }
    async fn confirm(&self, zone: &OwnerName, of: &TargetId, upto: Generation) -> Result<(), StoreError> {
        self.inner.confirm(zone, of, upto).await
    }
    async fn targets(&self, zone: &OwnerName) -> Result<Vec<TargetStatus>, StoreError> {
        self.inner.targets(zone).await
    }
    async fn demand(&self, zone: &OwnerName, demand: Demand) -> Result<(), StoreError> {
        self.inner.demand(zone, demand).await
    }
    async fn demands(&self, zone: &OwnerName) -> Result<Vec<Demand>, StoreError> {
        self.inner.demands(zone).await
    }
    async fn allow_floor(&self, zone: &OwnerName, wanted: Generation) -> Result<Generation, StoreError> {
        self.inner.allow_floor(zone, wanted).await
    }
    async fn pin(&self, zone: &OwnerName, pin: dnsplan_plan::Pin) -> Result<(), StoreError> {
        self.inner.pin(zone, pin).await
    }
    async fn unpin(&self, zone: &OwnerName, generation: Generation) -> Result<bool, StoreError> {
        self.inner.unpin(zone, generation).await
    }
    async fn pins(&self, zone: &OwnerName) -> Result<Vec<dnsplan_plan::Pin>, StoreError> {
        self.inner.pins(zone).await
    }
    async fn freeze(&self, by: &str, reason: &str, at: Timestamp) -> Result<Freeze, StoreError> {
        self.inner.freeze(by, reason, at).await
    }
    async fn unfreeze(&self, by: &str, at: Timestamp) -> Result<Vec<FreezeId>, StoreError> {
        self.inner.unfreeze(by, at).await
    }
    async fn frozen(&self) -> Result<Option<Freeze>, StoreError> {
        self.inner.frozen().await
    }
    async fn prune(&self, zone: &OwnerName, floor: Generation) -> Result<Pruned, StoreError> {
        self.inner.prune(zone, floor).await
    }
}

type Behind = Enactor<Flaky, MemoryTarget, VirtualClock, CountedNonces>;

/// An enactor behind a store that says something else at these calls: at all of them, or only at the one of this number.
fn behind(
    world: &World<MemoryTarget>,
    instead: Instead,
    only: Option<usize>,
    wrong: impl Fn(Call) -> bool + Send + Sync + 'static,
) -> (Arc<Flaky>, Behind) {
    let inner = Arc::clone(&world.store);
    let (calls, hits) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let store = Arc::new(Flaky { inner, wrong: Box::new(wrong), instead, only, calls, hits });
    let (target, clock) = (Arc::clone(&world.target), Arc::clone(&world.clock));
    let me = Actor::new("e5").unwrap();
    let enactor = Enactor::new(Arc::clone(&store), target, clock, Arc::clone(&world.nonces), me);
    (store, enactor)
}

/// Plan 1 is live.
fn installed(layout: Layout, batch: usize) -> World<MemoryTarget> {
    let world = world(layout, batch);
    block_on(world.publish(1));
    assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(1))));
    world
}

/// Asserts that what is answered is the zone, and nothing that is left over from another one.
fn assert_answers_exactly(target: &MemoryTarget, zone: &Zone, when: &str) {
    let contents = target.contents();
    let planned = zone.nodes().map(|(owner, _)| owner);
    let owners: BTreeSet<&OwnerName> =
        contents.nodes.keys().chain(contents.pointers.keys()).chain(planned).collect();
    for owner in owners {
        assert_eq!(target.answer(owner).as_ref(), zone.node(owner), "{owner} {when}");
    }
}

/// Where the record says that all is of one sample plan, all is.
fn assert_base_is_true(target: &MemoryTarget, when: &str) -> Generation {
    let record = record(target);
    if record.base == record.generation {
        let number = u8::try_from(record.base.get()).unwrap();
        assert_answers_exactly(target, &sample_zone(number), &format!("when base says {number}, {when}"));
    }
    record.base
}

/// Passes until one succeeds, with a check after every poll; says how many failed.
fn persist(enactor: &mut Behind, last: u64, mut check: impl FnMut()) -> usize {
    for failed in 0..4 {
        match watched(enactor.pass(), &mut check) {
            Err(error) => assert_eq!(error, EnactError::Store(unavailable())),
            Ok(rest) => {
                assert_eq!(rest, Rest::Live(generation(last)));
                return failed;
            }
        }
    }
    panic!("it does not recover");
}

#[test]
fn g4_a_store_that_fails_once_raises_no_base_over_what_is_left_over() {
    for layout in IN_PARTS {
        for batch in BATCHES {
            for wrong in [|call| matches!(call, Call::Get(_)), |call| call == Call::Touched] {
                let mut only = 0;
                loop {
                    let world = installed(layout, batch);
                    block_on(world.publish(2));
                    let when = format!("{layout:?}, {batch} owner names a part, call {only} fails");
                    let (store, mut enactor) = behind(&world, Instead::Unavailable, Some(only), wrong);
                    let failed = persist(&mut enactor, 2, || {
                        assert_base_is_true(&world.target, &when);
                    });
                    assert_eq!(failed, store.hits(), "a pass that fails is retried: {when}");
                    if store.hits() == 0 {
                        break;
                    }
                    only += 1;
                }
                assert!(only > 1, "{layout:?} {batch}: only {only} calls to fail");
            }
        }
    }
}

/// It is an answer that the history is gone: all of the plan is put in place then, and the audit sees to what is left over.
#[test]
fn g4_a_store_that_has_lost_what_is_live_does_not_wedge() {
    for layout in IN_PARTS {
        for batch in BATCHES {
            for instead in [Instead::Corrupt, Instead::Nothing] {
                for lost in [Call::Get(generation(1)), Call::Touched] {
                    let world = installed(layout, batch);
                    block_on(world.publish(2));
                    let (store, mut enactor) = behind(&world, instead, None, move |call| call == lost);
                    let when = format!("{layout:?}, {batch} owner names a part, {instead:?} for {lost:?}");
                    assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(2))), "{when}");
                    assert!(store.hits() > 0, "{when}");
                    assert_answers_exactly(&world.target, &sample_zone(2), &when);
                }
            }
        }
    }
}

/// Plan 1 is live, so many parts of plan 2 are written, and plan 3 is the head. Nothing where that is all of plan 2.
fn begun(layout: Layout, parts: usize) -> Option<World<MemoryTarget>> {
    let world = installed(layout, 1);
    block_on(world.publish(2));
    let faults = (0..parts).map(|_| Fault::None).chain([Fault::Fail]);
    let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), faults));
    assert!(block_on(world.enactor_at(&faulty, "e2").pass()).is_err());
    block_on(world.publish(3));
    (record(&world.target).base == generation(1)).then_some(world)
}

#[test]
fn g4_a_begun_chain_whose_plan_cannot_be_read_once_is_finished() {
    for layout in IN_PARTS {
        let mut parts = 1;
        while begun(layout, parts).is_some() {
            for only in 0..3 {
                let world = begun(layout, parts).unwrap();
                let when = format!("{layout:?}, {parts} parts of 2 are there, call {only} fails");
                let of_the_begun = |call| call == Call::Get(generation(2));
                let (store, mut enactor) = behind(&world, Instead::Unavailable, Some(only), of_the_begun);
                let mut bases = vec![generation(1)];
                let failed = persist(&mut enactor, 3, || {
                    let base = assert_base_is_true(&world.target, &when);
                    if bases.last() != Some(&base) {
                        bases.push(base);
                    }
                });
                assert_eq!((failed, store.hits()), (1, 1), "{when}");
                assert_eq!(bases, [1, 2, 3].map(generation), "2 is not abandoned for 3: {when}");
            }
            parts += 1;
        }
        assert!(parts > 3, "{layout:?} has {parts} parts");
    }
}

/// Which sample zone the endpoint is answered from.
fn answered(target: &MemoryTarget) -> u8 {
    let api = target.answer(&owner("api"));
    (0..16).find(|number| sample_zone(*number).node(&owner("api")) == api.as_ref()).expect("a sample")
}

/// The store is put back to plan 1, when so many parts of plan 3 are in place over plan 2 and the fence record is lost by hand.
fn put_back(batch: usize, parts: usize, fence: Option<&str>) -> World<MemoryTarget> {
    let world = installed(Layout::Tree, batch);
    let backup = (*world.store).clone();
    block_on(world.publish(2));
    block_on(world.pass("e1")).unwrap();
    block_on(world.publish(3));
    let faults = (0..parts).map(|_| Fault::None).chain([Fault::Fail]);
    let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), faults));
    drop(block_on(world.enactor_at(&faulty, "e2").pass()));
    world.store.restore(&backup);
    world.target.edit(|contents| contents.fence = fence.map(str::to_owned));
    world
}

#[test]
fn g1_the_names_of_trees_keep_a_store_that_was_put_back_from_going_backwards() {
    let mut live = BTreeSet::new();
    for (batch, most) in [(1, 18), (16, 4)] {
        for (parts, fence) in (1..most).flat_map(|parts| [(parts, None), (parts, Some("by hand"))]) {
            let world = put_back(batch, parts, fence);
            let mut newest = answered(&world.target);
            live.insert(newest);
            let when = format!("{batch} owner names a part, {parts} parts of 3 were written");
            let mut check = || {
                let now = answered(&world.target);
                assert!(now >= newest, "answered from {now} after {newest}: {when}");
                newest = now;
                let granted = world.target.contents().record().map_or(0, |record| record.generation.get());
                assert!(granted == 0 || granted > 3, "{granted} is live again: {when}");
            };
            let log = Log::default();
            let mut enactor = world.enactor_at(&world.target, "e3").with_observer(log.observer());
            for _ in 0..2 {
                let rest = watched(enactor.pass(), &mut check);
                assert_eq!(rest, Ok(Rest::Demanded(generation(3))), "{when}");
            }
            let ahead = Event::TargetAhead { seen: generation(3), head: generation(1) };
            assert_eq!(log.count(|event| *event == ahead), 1, "{:?}", log.events());
            assert_eq!(block_on(world.publish(9)).generation(), generation(4), "{when}");
            assert_eq!(watched(enactor.pass(), &mut check), Ok(Rest::Live(generation(4))), "{when}");
            assert_answers_exactly(&world.target, &sample_zone(9), &when);
        }
    }
    assert_eq!(live, [2, 3].into(), "the record was lost before and after the endpoint went to 3");
}

#[test]
fn g5_a_freeze_that_only_the_record_remembers_is_lifted_by_one_unfreeze() {
    let at = Timestamp::from_millis(0);
    for layout in LAYOUTS {
        let world = installed(layout, 3);
        let mut enactor = world.enactor_at(&world.target, "e2");
        block_on(enactor.pass()).unwrap();
        let backup = (*world.store).clone();
        let freeze = block_on(world.store.freeze("me", "a drill", at)).unwrap().id;
        let frozen = Ok(Rest::Waiting(Wait::Frozen(freeze)));
        assert_eq!(block_on(enactor.pass()), frozen, "{layout:?}");
        assert_eq!(record(&world.target).freeze, Some(freeze), "{layout:?}");

        world.store.restore(&backup);
        let known = block_on(world.store.targets(&origin())).unwrap();
        assert!(known.iter().all(|status| status.report.freeze.is_none()), "it does not know");
        block_on(world.publish(2));
        assert_eq!(block_on(enactor.pass()), frozen, "the record remembers ({layout:?})");
        assert_serves(&world.target, &sample_zone(1));
        assert_eq!(block_on(world.store.unfreeze("me", at)), Ok(vec![freeze]), "{layout:?}");
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(2))), "{layout:?}");
        assert_answers_exactly(&world.target, &sample_zone(2), &format!("{layout:?}"));
    }
}

/// The live plan is kept, the plans between it and the head are gone, and the head goes in place in one part.
#[test]
fn g4_a_pruned_history_leaves_nothing_over_of_a_chain_of_one_part() {
    for layout in IN_PARTS {
        let world = installed(layout, 16);
        (2..6).for_each(|number| drop(block_on(world.publish(number))));
        assert_eq!(block_on(world.store.prune(&origin(), generation(5))).unwrap().plans, 3);
        let gone = block_on(world.store.touched(&origin(), generation(1), generation(5)));
        assert_eq!(gone, Ok(None), "the history is gone");
        let when = format!("{layout:?}");
        let rest = watched(world.pass("e2"), || {
            assert_base_is_true(&world.target, &when);
        });
        assert_eq!(rest, Ok(Rest::Live(generation(5))), "{when}");
    }
}

/// Polls so many times, at most.
fn poll_some<F: Future>(mut future: Pin<&mut F>, polls: usize) -> Option<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

#[test]
fn a_plan_confirmed_during_a_slow_look_is_no_rewind() {
    for layout in LAYOUTS {
        let mut overtaken = 0;
        loop {
            let world = installed(layout, 3);
            let log = Log::default();
            let mut slow = world.enactor_at(&world.target, "e2").with_observer(log.observer());
            let mut pass = pin!(slow.pass());
            if poll_some(pass.as_mut(), overtaken).is_some() {
                break;
            }
            // The other one does all of its work before this one is polled again.
            block_on(world.publish(2));
            assert_eq!(block_on(world.pass("e3")), Ok(Rest::Live(generation(2))));
            assert_eq!(block_on(pass), Ok(Rest::Live(generation(2))), "{layout:?} {overtaken}");
            let rewound = log.count(|event| matches!(event, Event::Rewound { .. }));
            assert_eq!(rewound, 0, "{layout:?}, overtaken after {overtaken} polls: {:?}", log.events());
            overtaken += 1;
        }
        assert!(overtaken > 2, "{layout:?}: overtaken after a load");
    }
}
