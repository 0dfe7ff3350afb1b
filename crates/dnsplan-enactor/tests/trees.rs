//! Trees are named by generation and digest: what another plan of the same number left behind is neither taken over nor taken away.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::{assert_serves, block_on, generation, origin, owner, world};
use dnsplan_enactor::conformance::{MemoryTarget, Request, World, sample_zone};
use dnsplan_enactor::{Basis, Layout, Nonces, Quarantine, Rest, Rider, TreeName};
use dnsplan_fence::{Actor, Move, Offer, Part, Swap};
use dnsplan_plan::{Plan, PlanStore};

/// Stages all of a plan by hand, as an enactor would that does not look at the trees first.
fn stage(world: &World<MemoryTarget>, plan: &Arc<Plan>) {
    let me = Actor::new("e9").unwrap();
    let first =
        world.target.found().unwrap().genesis(world.nonces.next(), &me, Quarantine::default()).unwrap();
    assert_eq!(world.target.begin(first.replaces(), first.record()), Swap::Won);
    let observed = world.target.found().unwrap();
    let head = block_on(world.store.head_after(&origin(), observed.witness())).unwrap();
    let sighting = observed.sight(head).unwrap();
    let permit = sighting.permit(&**plan, Move::Stage(Part::ONLY), world.nonces.next(), &me).unwrap();
    let (plan, set_aside) = (Arc::clone(plan), BTreeSet::new());
    let rider = Rider::Part { plan, basis: Arc::new(Basis::Unknown), set_aside };
    assert_eq!(world.target.receive(&Request::new(permit, rider)), Ok(Swap::Won));
}

#[test]
fn a_plan_of_the_same_number_gets_a_tree_of_its_own() {
    let world = world(Layout::Tree, 16);
    let live = block_on(world.publish(1));
    assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(1))));
    world.target.edit(|contents| contents.fence = None);
    let restored = world.with_another_store();
    let other = block_on(restored.publish(2));
    assert_eq!(live.generation(), other.generation());
    stage(&restored, &other);
    let name = |plan: &Plan| TreeName { generation: plan.generation(), digest: plan.digest() };
    let trees = world.target.contents().trees;
    assert_eq!(trees.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from([name(&live), name(&other)]));
    for plan in [&live, &other] {
        let tree = &trees[&name(plan)];
        assert!(plan.zone().nodes().eq(tree), "the tree holds exactly its own plan");
    }
    assert_serves(&world.target, &sample_zone(1));
}

#[test]
fn g3_a_tree_that_a_left_over_owner_name_is_answered_from_is_kept() {
    let world = world(Layout::Tree, 16);
    let first = block_on(world.publish(1));
    assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(1))));
    let old = world.target.contents();
    block_on(world.publish(2));
    assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(2))));
    // As it is where the store lost its history in between: nobody took host-1 away, and now it is somebody else's, too.
    let (name, host) = (TreeName { generation: first.generation(), digest: first.digest() }, owner("host-1"));
    world.target.edit(|contents| {
        contents.trees.insert(name, old.trees[&name].clone());
        contents.pointers.insert(host.clone(), name);
        contents.foreign.insert(host.clone(), Arc::clone(first.zone().node(&host).unwrap()));
    });
    block_on(world.publish(4));
    for _ in 0..3 {
        assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(3))));
    }
    let contents = world.target.contents();
    assert_eq!(contents.record().unwrap().floor, generation(2), "by the record alone the tree could go");
    assert_eq!(contents.answered(Layout::Tree, &host).as_ref(), first.zone().node(&host));
    assert!(
        contents.trees.contains_key(&name),
        "it is the tree that answers, not what somebody else has there"
    );
}
