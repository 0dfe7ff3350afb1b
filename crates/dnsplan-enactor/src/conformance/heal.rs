//! The checks of healing: half-applied plans, damaged fences, drift, rewinds, clean-up, freezes.

use std::sync::Arc;

use dnsplan_fence::{Generation, Register, Swap};
use dnsplan_plan::{Pin, PlanStore, Timestamp};

use super::world::{number_of, origin, owner, sample_zone};
use super::{Fault, Faulty, Harness, Tamper, World};
use crate::{EnactError, Layout, Rest, Rider, Target, TargetError, Wait};

/// Installs plan 1, then lets plan 2 fail after `parts` writes. False where plan 2 needs no more than that.
async fn half_apply<H: Harness>(harness: &H, world: &World<H::Target>, parts: usize) -> bool {
    world.publish(1).await;
    world.pass("e1").await.expect("installed");
    world.publish(2).await;
    let faults = (0..parts).map(|_| Fault::None).chain([Fault::Fail]);
    let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), faults));
    let failed = world.enactor_at(&faulty, "e2").pass().await.is_err();
    // Whatever is there in between: the endpoint answers, from one of the two plans, whole.
    let answer = harness.answer(&world.target, &owner("api")).await.expect("the endpoint is never empty");
    let number = number_of(&answer).expect("it has an address");
    let planned = sample_zone(number);
    assert_eq!(Some(&answer), planned.node(&owner("api")), "a half-applied plan shows whole RRsets only");
    assert!((1..=2).contains(&number));
    failed
}

pub(super) async fn half_applied_plan_is_finished_by_another_enactor<H: Harness>(harness: &H) {
    let mut parts = 0;
    loop {
        let world = World::new(harness).await;
        let failed = half_apply(harness, &world, parts).await;
        let head = world.store.head(&origin()).await.expect("the store answers").expect("a head");
        assert_eq!(world.pass("e3").await, Ok(Rest::Live(head.generation())), "after {parts} writes");
        world.assert_serves(harness, &head).await;
        if !failed {
            return;
        }
        parts += 1;
    }
}

pub(super) async fn half_applied_plan_is_superseded<H: Harness>(harness: &H) {
    let mut parts = 0;
    loop {
        let world = World::new(harness).await;
        let failed = half_apply(harness, &world, parts).await;
        let newest = world.publish(3).await;
        assert_eq!(world.pass("e3").await, Ok(Rest::Live(newest.generation())), "after {parts} writes");
        world.assert_serves(harness, &newest).await;
        let record = world.look().await.0.record().expect("a record is there").clone();
        assert_eq!((record.base, record.generation), (newest.generation(), newest.generation()));
        if !failed {
            return;
        }
        parts += 1;
    }
}

pub(super) async fn deleted_or_corrupt_fence_heals<H: Harness>(harness: &H) {
    for tamper in [Tamper::DeleteFence, Tamper::WriteFence("edited by hand")] {
        let world = World::new(harness).await;
        world.publish(1).await;
        world.pass("e1").await.expect("installed");
        let newest = world.publish(2).await;
        if !harness.tamper(&world.target, tamper.clone()).await {
            return;
        }
        assert_eq!(world.pass("e2").await, Ok(Rest::Live(newest.generation())), "{tamper:?}");
        world.assert_serves(harness, &newest).await;
    }
}

/// Enactors are upgraded one by one: the older of them must not begin anew over what only the newer can read.
pub(super) async fn fence_of_a_later_format_is_left_alone<H: Harness>(harness: &H) {
    let world = World::new(harness).await;
    let first = world.publish(1).await;
    let mut enactor = world.enactor_at(&world.target, "e1");
    enactor.pass().await.expect("installed");
    world.publish(2).await;
    if !harness
        .tamper(&world.target, Tamper::WriteFence("dnsplan2 whatever=it-says c=c0d198716548f025"))
        .await
    {
        return;
    }
    let mut another = world.enactor_at(&world.target, "e2");
    for enactor in [&mut enactor, &mut another] {
        let Err(EnactError::Target(TargetError::Misconfigured(why))) = enactor.pass().await else {
            panic!("a record that is in force was replaced");
        };
        assert!(why.contains("format 2") && why.contains("upgrade"), "{why}");
    }
    assert!(world.target.load().await.is_err(), "it is there as it was");
    world.assert_serves(harness, &first).await;
    // One bit of it is lost: it is nobody's any more, and heals.
    let damaged = Tamper::WriteFence("dnsplan2 whatever=it-says c=c0d198716548f024");
    assert!(harness.tamper(&world.target, damaged).await, "it was written before");
    assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(2))));
}

pub(super) async fn drift_is_repaired_and_foreign_records_are_left_alone<H: Harness>(harness: &H) {
    let world = World::new(harness).await;
    let theirs = owner("theirs");
    let node = sample_zone(200).node(&owner("info")).expect("it is in the sample").clone();
    let foreign = harness.tamper(&world.target, Tamper::Foreign(theirs.clone(), node.clone())).await;
    let first = world.publish(1).await;
    world.pass("e1").await.expect("installed");
    if harness.tamper(&world.target, Tamper::Damage(owner("api"))).await {
        assert_eq!(world.pass("e1").await, Ok(Rest::Live(first.generation())));
    }
    world.assert_serves(harness, &first).await;
    for number in 2..8 {
        world.publish(number).await;
        world.pass("e2").await.expect("installed");
    }
    if foreign {
        assert_eq!(
            harness.answer(&world.target, &theirs).await,
            Some(node),
            "another's records were touched"
        );
    }
}

pub(super) async fn target_ahead_of_the_store_is_overtaken<H: Harness>(harness: &H) {
    let world = World::new(harness).await;
    for number in 1..5 {
        world.publish(number).await;
    }
    world.pass("e1").await.expect("installed");
    // The store was restored from an old backup.
    let restored = world.with_another_store();
    restored.publish(1).await;
    let mut enactor = restored.enactor_at(&restored.target, "e2");
    assert_eq!(enactor.pass().await, Ok(Rest::Demanded(Generation::new(4))), "it is reported, and served on");
    let answer = harness.answer(&restored.target, &owner("api")).await.expect("it is served on");
    assert_eq!(number_of(&answer), Some(4));
    // A planner answers: its plan is above everything that the target knows.
    let newest = restored.publish(7).await;
    assert!(newest.generation() > Generation::new(4), "the store jumps over what was seen");
    assert_eq!(enactor.pass().await, Ok(Rest::Live(newest.generation())));
    restored.assert_serves(harness, &newest).await;
}

pub(super) async fn what_cannot_be_live_again_is_reaped_but_pins_are_kept<H: Harness>(harness: &H) {
    let world = World::new(harness).await;
    world.publish(1).await;
    let second = world.publish(2).await;
    world.pass("e1").await.expect("installed");
    let pin = |generation| Pin {
        generation,
        reason: "kept".into(),
        by: "suite".into(),
        at: Timestamp::from_millis(0),
    };
    world.store.pin(&origin(), pin(second.generation())).await.expect("it can be pinned while it is live");
    for number in 3..7 {
        world.publish(number).await;
        world.pass("e1").await.expect("installed");
    }
    let newest = world.store.head(&origin()).await.expect("the store answers").expect("a head");
    if world.target.layout() == Layout::Tree {
        let trees =
            world.target.audit(&newest, &std::collections::BTreeSet::new()).await.expect("it answers").trees;
        assert!(trees.iter().any(|tree| tree.generation == second.generation()), "a pinned tree was deleted");
        world.store.unpin(&origin(), second.generation()).await.expect("unpinned");
        world.pass("e1").await.expect("live");
        let trees =
            world.target.audit(&newest, &std::collections::BTreeSet::new()).await.expect("it answers").trees;
        let kept: Vec<_> = trees.iter().map(|tree| tree.generation).collect();
        assert_eq!(kept, [newest.generation()], "only what is live is kept");
    }
    world.assert_serves(harness, &newest).await;
}

pub(super) async fn freeze_stops_what_is_in_flight<H: Harness>(harness: &H) {
    let world = World::new(harness).await;
    let first = world.publish(1).await;
    world.pass("e1").await.expect("installed");
    let second = world.publish(2).await;
    let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), [Fault::Delay, Fault::Fail]));
    drop(world.enactor_at(&faulty, "slow").pass().await);
    let freeze = world.store.freeze("suite", "a drill", Timestamp::from_millis(0)).await.expect("frozen");
    assert_eq!(world.pass("e1").await, Ok(Rest::Waiting(Wait::Frozen(freeze.id))));
    let late = faulty.deliver().await.expect("the target answers").expect("one write is in flight");
    assert!(matches!(late, Swap::Lost(_)), "a write that was in flight landed after the freeze: {late:?}");
    world.assert_serves(harness, &first).await;
    assert_eq!(world.pass("e2").await, Ok(Rest::Waiting(Wait::Frozen(freeze.id))), "it stays frozen");
    let (observed, head) = world.look().await;
    let sighting = observed.sight(head).expect("a record is there");
    let me = dnsplan_fence::Actor::new("e3").expect("a valid actor name");
    let again = sighting.freeze(freeze.id, crate::Nonces::next(&*world.nonces), &me);
    assert_eq!(world.target.swap(again, Rider::Nothing).await, Ok(Swap::Won), "a freeze needs no plan");
    world.store.unfreeze("suite", Timestamp::from_millis(0)).await.expect("lifted");
    assert_eq!(world.pass("e2").await, Ok(Rest::Live(second.generation())), "a lifted freeze wedges nothing");
    world.assert_serves(harness, &second).await;
}
