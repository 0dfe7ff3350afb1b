//! What cannot be had is asked for at the pace of the loop, not in a hot loop, and does not keep a newer plan out.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Log, assert_serves, block_on, generation, origin, owner};
use dnsplan_enactor::conformance::{MemoryTarget, World, sample_zone};
use dnsplan_enactor::{
    Audit, Basis, Clock, Config, EnactError, Event, Layout, Outline, Quarantine, Rest, Rider, Target,
    TargetError,
};
use dnsplan_fence::{Genesis, Move, Observed, Permit, Register, Swap};
use dnsplan_plan::{OwnerName, Plan, TargetId};

/// What a [`Moody`] target makes of swaps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mood {
    Fine,
    /// No write takes effect, and nobody knows.
    NeverReplies,
    /// Every write is too late.
    AlwaysMovedOn,
    /// All but the first part of this plan fail.
    FailsMidwayOf(u64),
    /// Every write of this owner name is rejected, also one that leaves it alone.
    RejectsStubbornly(&'static str),
}

/// A target that counts swaps and audits, and has its moods about them.
struct Moody {
    inner: MemoryTarget,
    mood: Mutex<Mood>,
    swaps: AtomicUsize,
    audits: AtomicUsize,
    /// An audit always finds this owner name different.
    differs: Option<OwnerName>,
}

impl Moody {
    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// How many swaps there were since the last time.
    fn swaps(&self) -> usize {
        self.swaps.swap(0, Ordering::Relaxed)
    }

    /// How many audits there were since the last time.
    fn audits(&self) -> usize {
        self.audits.swap(0, Ordering::Relaxed)
    }
}

fn moody(layout: Layout) -> World<Moody> {
    finding(layout, None)
}

fn finding(layout: Layout, differs: Option<OwnerName>) -> World<Moody> {
    let inner = MemoryTarget::new(origin(), layout, 1);
    let (mood, swaps, audits) = (Mutex::new(Mood::Fine), AtomicUsize::default(), AtomicUsize::default());
    World::around(Arc::new(Moody { inner, mood, swaps, audits, differs }))
}

impl Register for Moody {
    type Payload = Quarantine;
    type Rider = Rider;
    type Error = TargetError;

    async fn load(&self) -> Result<Observed<Quarantine>, TargetError> {
        self.inner.load().await
    }

    async fn create(&self, genesis: Genesis<Quarantine>) -> Result<Swap<Quarantine>, TargetError> {
        self.inner.create(genesis).await
    }

    async fn swap(&self, permit: Permit<Quarantine>, rider: Rider) -> Result<Swap<Quarantine>, TargetError> {
        assert!(self.swaps.fetch_add(1, Ordering::Relaxed) < 1_000, "writes in a hot loop");
        let is_later_part =
            matches!(permit.action(), Move::Apply(part) | Move::Stage(part) if part.index() > 0);
        let is_of = |number| matches!(&rider, Rider::Part { plan, .. } if plan.generation().get() == number);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::NeverReplies => Ok(Swap::Unknown),
            Mood::AlwaysMovedOn => Ok(Swap::Lost(None)),
            Mood::FailsMidwayOf(number) if is_later_part && is_of(number) => {
                Err(TargetError::Misconfigured("a value is too long".to_owned()))
            }
            Mood::RejectsStubbornly(label) => Err(stubborn(label)),
            Mood::Fine | Mood::FailsMidwayOf(_) => self.inner.swap(permit, rider).await,
        }
    }
}

impl Target for Moody {
    fn id(&self) -> &TargetId {
        self.inner.id()
    }

    fn zone(&self) -> &OwnerName {
        self.inner.zone()
    }

    fn layout(&self) -> Layout {
        self.inner.layout()
    }

    fn outline(&self, plan: &Plan, basis: &Basis) -> Outline {
        self.inner.outline(plan, basis)
    }

    fn repair_limit(&self) -> usize {
        self.inner.repair_limit()
    }

    async fn audit(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Result<Audit, TargetError> {
        self.audits.fetch_add(1, Ordering::Relaxed);
        let mut audit = self.inner.audit(plan, set_aside).await?;
        audit.differing.extend(self.differs.clone());
        Ok(audit)
    }
}

fn stubborn(label: &str) -> TargetError {
    TargetError::Rejected { owners: BTreeSet::from([owner(label)]), reason: "not here".to_owned() }
}

#[test]
fn writes_that_never_take_effect_are_tried_at_the_pace_of_the_loop() {
    for mood in [Mood::NeverReplies, Mood::AlwaysMovedOn] {
        let world = moody(Layout::InPlace);
        let head = block_on(world.publish(1));
        world.target.set(mood);
        let mut enactor = world.enactor_at(&world.target, "e1");
        for _ in 0..3 {
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Stale), "{mood:?}");
            assert_eq!(world.target.swaps(), 9, "one more than a pass bears ({mood:?})");
        }
        world.target.set(Mood::Fine);
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(head.generation())), "{mood:?}");
    }
}

#[test]
fn what_is_rejected_although_it_is_set_aside_is_tried_again_at_the_pace_of_the_loop() {
    let world = moody(Layout::InPlace);
    block_on(world.publish(1));
    world.target.set(Mood::RejectsStubbornly("info"));
    let mut enactor = world.enactor_at(&world.target, "e1");
    for _ in 0..3 {
        assert_eq!(block_on(enactor.pass()), Err(EnactError::Target(stubborn("info"))));
        assert_eq!(world.target.swaps(), 2, "with it, and without it");
    }
    world.target.set(Mood::Fine);
    assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(1))));
}

fn failed() -> Result<Rest, EnactError> {
    Err(EnactError::Target(TargetError::Misconfigured("a value is too long".to_owned())))
}

/// Plan 1 is live, and the first part of plan 2 is done; an enactor met with a failure at the second.
fn halfway_to_two(layout: Layout) -> World<Moody> {
    let world = moody(layout);
    block_on(world.publish(1));
    block_on(world.pass("e1")).unwrap();
    world.target.set(Mood::FailsMidwayOf(2));
    block_on(world.publish(2));
    assert_eq!(block_on(world.pass("e1")), failed(), "{layout:?}");
    world
}

#[test]
fn g5_a_begun_chain_that_fails_for_ever_is_superseded() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = halfway_to_two(layout);
        block_on(world.publish(3));
        let mut enactor = world.enactor_at(&world.target, "e1");
        // Not at the first failure: what was begun is finished where it can be.
        for _ in 0..3 {
            assert_eq!(block_on(enactor.pass()), failed(), "{layout:?}");
        }
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(3))), "{layout:?}");
        assert_serves(&world.target.inner, &sample_zone(3));
    }
}

#[test]
fn failures_of_one_plan_are_not_held_against_the_next() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = halfway_to_two(layout);
        let mut enactor = world.enactor_at(&world.target, "e1");
        for _ in 0..2 {
            assert_eq!(block_on(enactor.pass()), failed(), "{layout:?}");
        }
        // Somebody else finishes 2 and begins 3, with which it is the same.
        world.target.set(Mood::FailsMidwayOf(3));
        block_on(world.publish(3));
        assert_eq!(block_on(world.pass("e2")), failed(), "{layout:?}");
        block_on(world.publish(4));
        for _ in 0..3 {
            assert_eq!(block_on(enactor.pass()), failed(), "{layout:?}");
        }
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(4))), "{layout:?}");
    }
}

#[test]
fn what_failed_while_there_was_nothing_newer_is_finished_before_what_came_since() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = halfway_to_two(layout);
        let log = Log::default();
        let mut enactor = world.enactor_at(&world.target, "e1").with_observer(log.observer());
        for _ in 0..5 {
            assert_eq!(block_on(enactor.pass()), failed(), "{layout:?}");
        }
        block_on(world.publish(3));
        world.target.set(Mood::Fine);
        assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(3))), "{layout:?}");
        let is_end_of_two = |event: &Event| {
            let Event::Wrote { generation, action: Move::Apply(part) | Move::Flip(part) } = event else {
                return false;
            };
            generation.get() == 2 && part.is_last()
        };
        assert_eq!(log.count(is_end_of_two), 1, "{layout:?}: {:?}", log.events());
    }
}

#[test]
fn a_target_is_audited_once_in_an_interval_and_after_every_plan() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = moody(layout);
        block_on(world.publish(1));
        let config = Config { audit_every: Duration::from_secs(60), ..Config::default() };
        let mut enactor = world.enactor_at(&world.target, "e1").with_config(config);
        let mut audits_after = |millis| {
            block_on(world.clock.sleep(Duration::from_millis(millis)));
            assert!(matches!(block_on(enactor.pass()), Ok(Rest::Live(_))), "{layout:?}");
            world.target.audits()
        };
        assert!(audits_after(0) > 0, "what was just put in place is looked at");
        assert_eq!([audits_after(0), audits_after(1_000), audits_after(58_999)], [0, 0, 0], "{layout:?}");
        assert_eq!([audits_after(1), audits_after(59_999), audits_after(1)], [1, 0, 1], "{layout:?}");
        block_on(world.publish(2));
        assert_eq!([audits_after(1), audits_after(59_999), audits_after(1)], [1, 0, 1], "{layout:?}");
    }
}

#[test]
fn two_plans_that_were_given_up_are_tried_again_only_now_and_then() {
    for layout in [Layout::Tree, Layout::InPlace] {
        let world = halfway_to_two(layout);
        world.target.set(Mood::Fine);
        block_on(world.publish(3));
        let owners = |number| sample_zone(number).nodes().map(|(owner, _)| owner.clone()).collect::<Vec<_>>();
        let all = [2, 3].into_iter().flat_map(owners).collect();
        world.target.inner.reject(all);
        let config = Config { patience: 10, quarantine_limit: 0, ..Config::default() };
        let mut enactor = world.enactor_at(&world.target, "e1").with_config(config);
        world.target.swaps();
        let mut tries = 0;
        for _ in 0..40 {
            assert_eq!(block_on(enactor.pass()), Ok(Rest::Demanded(generation(3))), "{layout:?}");
            tries += usize::from(world.target.swaps() > 0);
        }
        assert!((2..=6).contains(&tries), "{tries} of 40 passes write ({layout:?})");
    }
}

#[test]
fn what_does_not_stay_as_it_is_put_is_put_once_a_pass() {
    let world = finding(Layout::InPlace, Some(owner("info")));
    block_on(async {
        world.publish(1).await;
        let mut enactor = world.enactor_at(&world.target, "e1");
        assert_eq!(enactor.pass().await, Ok(Rest::Stale));
        for _ in 0..3 {
            world.target.swaps();
            assert_eq!(enactor.pass().await, Ok(Rest::Stale));
            assert_eq!(world.target.swaps(), 1, "one repair, then a rest");
        }
    });
}

#[test]
fn a_plan_that_was_given_up_is_tried_again_only_now_and_then() {
    let world = moody(Layout::InPlace);
    block_on(async {
        let plan = world.publish(1).await;
        // What is protected would be missing for good where it is set aside at first.
        let protected = owner("api");
        let rest = plan.zone().nodes().map(|(owner, _)| owner.clone()).filter(|owner| *owner != protected);
        world.target.inner.reject(rest.collect());
        let config = Config { patience: 10, quarantine_limit: 2, ..Config::default() };
        let mut enactor = world.enactor_at(&world.target, "e1").with_config(config);
        assert_eq!(enactor.pass().await, Ok(Rest::Demanded(plan.generation())));
        world.target.swaps();
        let mut tries = Vec::new();
        for rest in 1..=40 {
            assert_eq!(enactor.pass().await, Ok(Rest::Demanded(plan.generation())));
            if world.target.swaps() > 0 {
                tries.push(rest);
            }
        }
        assert_eq!(tries, [10, 20, 30, 40], "once in ten rests");
        world.target.inner.reject(BTreeSet::new());
        let mut rest = enactor.pass().await;
        for _ in 0..10 {
            rest = enactor.pass().await;
        }
        assert_eq!(
            rest,
            Ok(Rest::Live(plan.generation())),
            "it is found out when the target changes its mind"
        );
    });
}
