//! The checks of the fence: stale, late, lost and conflicting writes.

use dnsplan_fence::{Move, Offer, Part, Permit, Register, Swap};
use dnsplan_plan::{Plan, Proposal, Provenance, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

use super::world::{origin, sample_zone};
use super::{Fault, Faulty, Harness, World};
use crate::{Basis, Layout, Nonces, Quarantine, Rest, Rider, Target};

pub(super) async fn newest_is_installed_and_a_second_pass_writes_nothing<H: Harness>(harness: &H) {
    let world = World::new(harness).await;
    let first = world.publish(1).await;
    assert_eq!(world.pass("e1").await, Ok(Rest::Live(first.generation())), "a first plan is installed");
    world.assert_serves(harness, &first).await;
    for number in 2..6 {
        world.publish(number).await;
    }
    let newest = world.publish(6).await;
    assert_eq!(world.pass("e1").await, Ok(Rest::Live(newest.generation())), "the newest plan is installed");
    world.assert_serves(harness, &newest).await;
    let before = world.look().await.0.attempt();
    assert_eq!(world.pass("e2").await, Ok(Rest::Live(newest.generation())));
    assert_eq!(
        world.look().await.0.attempt(),
        before,
        "apply, then plan is empty: a second pass writes nothing"
    );
}

/// The first part of `plan`, as an enactor that looks now would write it.
async fn first_part<T: Target>(world: &World<T>, plan: &Arc<Plan>) -> (Permit<Quarantine>, Rider) {
    let (observed, head) = world.look().await;
    let sighting = observed.sight(head).expect("a record is there");
    let basis = Arc::new(Basis::Unknown);
    let outline = world.target.outline(plan, &basis);
    let action = match world.target.layout() {
        Layout::Tree => Move::Stage(Part::new(0, outline.stage).expect("a tree has parts")),
        Layout::InPlace | Layout::Whole => {
            Move::Apply(Part::new(0, outline.place).expect("a plan has parts"))
        }
    };
    let me = dnsplan_fence::Actor::new("slow").expect("a valid actor name");
    let permit =
        sighting.permit(plan, action, world.nonces.next(), &me).expect("it is newer than what is live");
    (permit, Rider::Part { plan: Arc::clone(plan), basis, set_aside: BTreeSet::new() })
}

pub(super) async fn stale_enactor_is_refused<H: Harness>(harness: &H) {
    let world = World::new(harness).await;
    world.publish(1).await;
    world.pass("e1").await.expect("installed");
    let second = world.publish(2).await;
    let (permit, rider) = first_part(&world, &second).await;
    let third = world.publish(3).await;
    world.pass("e2").await.expect("installed");
    let swap = world.target.swap(permit, rider).await.expect("the target answers");
    assert!(
        matches!(swap, Swap::Lost(_)),
        "a check made before somebody else wrote must not let a write through: {swap:?}"
    );
    world.assert_serves(harness, &third).await;
    assert_eq!(world.pass("slow").await, Ok(Rest::Live(third.generation())));
}

pub(super) async fn older_plan_gets_no_permit<H: Harness>(harness: &H) {
    let world = World::new(harness).await;
    let first = world.publish(1).await;
    let second = world.publish(2).await;
    world.pass("e1").await.expect("installed");
    let (observed, head) = world.look().await;
    let sighting = observed.sight(head).expect("a record is there");
    let me = dnsplan_fence::Actor::new("slow").expect("a valid actor name");
    for action in [Move::Apply(Part::ONLY), Move::Stage(Part::ONLY), Move::Flip(Part::ONLY), Move::Repair] {
        let refused = sighting.permit(&first, action, world.nonces.next(), &me);
        assert!(
            refused.is_err(),
            "generation 1 got a permit for {action:?} although {} is live",
            second.generation()
        );
    }
}

pub(super) async fn lost_replies_and_requests_are_settled<H: Harness>(harness: &H) {
    for fault in [Fault::LoseReply, Fault::LoseRequest, Fault::Delay] {
        for at in 0..12 {
            let world = World::new(harness).await;
            world.publish(1).await;
            world.pass("e1").await.expect("installed");
            let second = world.publish(2).await;
            let faults = (0..at).map(|_| Fault::None).chain([fault]);
            let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), faults));
            let rest = world.enactor_at(&faulty, "e2").pass().await;
            assert_eq!(rest, Ok(Rest::Live(second.generation())), "{fault:?} at swap {at}");
            world.assert_serves(harness, &second).await;
        }
    }
}

pub(super) async fn late_delivery_is_refused<H: Harness>(harness: &H) {
    for at in 0..8 {
        let world = World::new(harness).await;
        world.publish(1).await;
        world.pass("e1").await.expect("installed");
        world.publish(2).await;
        let faults = (0..at).map(|_| Fault::None).chain([Fault::Delay]);
        let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), faults));
        world.enactor_at(&faulty, "slow").pass().await.expect("installed");
        for number in 3..6 {
            world.publish(number).await;
            world.pass("e2").await.expect("installed");
        }
        let newest = world.publish(6).await;
        world.pass("e2").await.expect("installed");
        while faulty.delayed() > 0 {
            // An error says for certain that nothing was done.
            let swap = faulty.deliver().await;
            assert!(
                matches!(swap, Ok(Some(Swap::Lost(_))) | Err(_)),
                "a write that arrives four generations late took effect: {swap:?}"
            );
        }
        world.assert_serves(harness, &newest).await;
    }
}

pub(super) async fn other_content_under_the_same_number_is_rejected<H: Harness>(harness: &H) {
    let world = World::new(harness).await;
    world.publish(1).await;
    world.pass("e1").await.expect("installed");
    // A store that lost its history numbers other content the same.
    let other = world.with_another_store();
    let zone = sample_zone(9);
    let provenance = Provenance::new("suite", Timestamp::from_millis(0), "another history");
    let proposal = Proposal { zone, provenance };
    let parent = dnsplan_fence::ParentGeneration::NONE;
    let conflicting =
        dnsplan_plan::PlanStore::append(&*other.store, parent, proposal, other.nonces.next()).await;
    let conflicting = conflicting.expect("the plan is appended");
    let live = world.look().await.0.record().expect("a record is there").digest;
    assert_ne!(conflicting.digest(), live);
    let mut enactor = other.enactor_at(&other.target, "e2");
    assert_eq!(enactor.pass().await, Ok(Rest::Demanded(conflicting.generation())), "never `already applied`");
    assert_eq!(
        world.look().await.0.record().expect("a record is there").digest,
        live,
        "and never applied either"
    );
    // No planner answers, and nothing waits for a human.
    let mut rest = enactor.pass().await;
    for _ in 0..8 {
        rest = enactor.pass().await;
    }
    let head = dnsplan_plan::PlanStore::head(&*other.store, &origin())
        .await
        .expect("the store answers")
        .expect("a head");
    assert!(head.generation() > conflicting.generation(), "a higher generation was issued");
    assert_eq!(rest, Ok(Rest::Live(head.generation())));
    other.assert_serves(harness, &head).await;
}
