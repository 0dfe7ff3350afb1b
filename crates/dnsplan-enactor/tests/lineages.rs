//! Restored stores, pruned histories and rewinds: what an enactor knows of the past may be wrong, and nothing breaks of it.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Log, block_on, generation, owner, publish, record, set, watched, world};
use dnsplan_enactor::conformance::{
    Contents, CountedNonces, Fault, Faulty, MemoryTarget, VirtualClock, World, sample_zone,
};
use dnsplan_enactor::{Config, EnactError, Enactor, Event, Layout, Rest, TargetError, TreeName};
use dnsplan_fence::Offer;
use dnsplan_plan::{MemoryStore, Zone};

/// Plans 1 to 4 and one more, all of them live, whose store is lost.
fn lost_lineage(batch: usize) -> (World<MemoryTarget>, Zone) {
    let world = world(Layout::InPlace, batch);
    (1..5).for_each(|number| drop(block_on(world.publish(number))));
    let mut zone = sample_zone(4);
    set(&mut zone, "info", "TXT", &["lost"]);
    block_on(publish(&world, zone.clone()));
    assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(5))));
    (world, zone)
}

/// The store as of plan 4, where planners went on: three plans that each add a host.
fn other_lineage(lost: &World<MemoryTarget>) -> (World<MemoryTarget>, Zone) {
    let other = lost.with_another_store();
    (1..5).for_each(|number| drop(block_on(other.publish(number))));
    let mut zone = sample_zone(4);
    for host in ["host-9", "host-8", "host-7"] {
        set(&mut zone, host, "A", &["203.0.113.9"]);
        block_on(publish(&other, zone.clone()));
    }
    (other, zone)
}

fn assert_has_exactly(target: &MemoryTarget, zone: &Zone) {
    let planned = zone.nodes().map(|(owner, node)| (owner.clone(), Arc::clone(node))).collect();
    assert_eq!(target.contents().nodes, planned);
}

#[test]
fn g5_a_fork_in_the_midst_of_a_lost_chain_ends_with_exactly_the_head() {
    let (lost, mut zone) = lost_lineage(1);
    set(&mut zone, "ns1", "A", &["192.0.2.77"]);
    set(&mut zone, "api", "A", &["192.0.2.78", "192.0.2.79"]);
    set(&mut zone, "gone", "A", &["192.0.2.80"]);
    block_on(publish(&lost, zone));
    let faulty = Arc::new(Faulty::new(Arc::clone(&lost.target), [Fault::None, Fault::Fail]));
    assert!(block_on(lost.enactor_at(&faulty, "e1").pass()).is_err());
    let before = record(&lost.target);
    assert_eq!((before.base, before.generation), (generation(5), generation(6)), "a chain is in flight");

    let (other, head) = other_lineage(&lost);
    let log = Log::default();
    let mut enactor = other.enactor_at(&other.target, "e2").with_observer(log.observer());
    assert_eq!(block_on(enactor.pass()), Ok(Rest::Live(generation(7))));
    assert_has_exactly(&other.target, &head);
    assert!(log.count(|event| matches!(event, Event::Repaired(_))) > 0, "the audit found what was left");
    let confirmed = log.events().iter().position(|event| *event == Event::Confirmed(generation(7)));
    let repaired = log.events().iter().rposition(|event| matches!(event, Event::Repaired(_)));
    assert!(repaired < confirmed, "confirmed only once it is whole");
}

/// The store's history from 5 to 7 says nothing about what is there: its plan 5 is another one.
#[test]
fn g4_a_plan_put_over_a_lost_lineage_is_put_whole() {
    let (lost, _) = lost_lineage(16);
    let (other, head) = other_lineage(&lost);
    let log = Log::default();
    let mut enactor = other.enactor_at(&other.target, "e2").with_observer(log.observer());
    let rest = watched(enactor.pass(), || {
        let record = record(&other.target);
        if record.base == generation(7) {
            assert_has_exactly(&other.target, &head);
        }
    });
    assert_eq!(rest, Ok(Rest::Live(generation(7))));
    assert_eq!(log.count(|event| matches!(event, Event::Repaired(_))), 0, "{:?}", log.events());
}

type Slow = Enactor<MemoryStore, Faulty<MemoryTarget>, VirtualClock, CountedNonces>;

/// An enactor whose swaps go wrong as told, and that hardly ever looks for drift.
fn slow(world: &World<MemoryTarget>, name: &str, faults: &[Fault]) -> Slow {
    let faulty = Arc::new(Faulty::new(Arc::clone(&world.target), faults.iter().copied()));
    let config = Config { audit_every: Duration::from_hours(1), ..Config::default() };
    world.enactor_at(&faulty, name).with_config(config)
}

fn failed() -> Result<Rest, EnactError> {
    Err(TargetError::Unavailable("a fault was asked for".to_owned()).into())
}

fn assert_nothing_points_at_nothing(target: &MemoryTarget) {
    let contents = target.contents();
    for (owner, tree) in &contents.pointers {
        let is_there = contents.trees.get(tree).is_some_and(|tree| tree.contains_key(owner));
        assert!(is_there, "{owner} points at the tree of {}, which is deleted", tree.generation);
    }
}

/// Plan 1 was live at the backup, and `host-7` is left over from a history that nobody knows any more, so that it is restored by an
/// audit only. An enactor got as far as to have audited plan 3, and has yet to clean up.
fn audited_and_rewound() -> (World<MemoryTarget>, Slow, Contents) {
    let world = world(Layout::Tree, 16);
    let first = block_on(world.publish(1));
    block_on(world.pass("e0")).unwrap();
    world.target.edit(|contents| {
        let tree = TreeName { generation: first.generation(), digest: first.digest() };
        let node = contents.trees[&tree][&owner("host-1")].clone();
        contents.trees.get_mut(&tree).unwrap().insert(owner("host-7"), node);
        contents.pointers.insert(owner("host-7"), tree);
    });
    let backup = world.target.contents();
    block_on(world.publish(2));
    block_on(world.publish(3));

    // Staged, flipped, repaired; then the floor is to be raised.
    let mut enactor = slow(&world, "e1", &[Fault::None, Fault::None, Fault::None, Fault::Fail]);
    assert_eq!(block_on(enactor.pass()), failed());
    let (there, contents) = (record(&world.target), world.target.contents());
    assert_eq!((there.base, there.floor), (generation(3), generation(1)));
    assert_eq!(contents.trees.len(), 2, "nothing is cleaned up yet");
    assert!(!contents.pointers.contains_key(&owner("host-7")), "the audit has seen to what was left over");
    (world, enactor, backup)
}

#[test]
fn g3_a_rewind_after_an_audit_deletes_no_tree_that_is_pointed_at() {
    let (world, mut enactor, backup) = audited_and_rewound();
    world.target.replace(backup);
    let rest = watched(enactor.pass(), || assert_nothing_points_at_nothing(&world.target));
    assert_eq!(rest, Ok(Rest::Live(generation(3))));
    assert_eq!(world.target.answer(&owner("host-7")), None, "it was looked at afresh");
    assert_eq!(world.target.contents().trees.len(), 1);
}

#[test]
fn g3_a_rewind_and_another_enactor_after_an_audit_delete_no_tree_that_is_pointed_at() {
    let (world, mut enactor, backup) = audited_and_rewound();
    world.target.replace(backup);
    // Staged and flipped; then what was left over is to be repaired.
    let mut other = slow(&world, "e2", &[Fault::None, Fault::None, Fault::Fail]);
    assert_eq!(block_on(other.pass()), failed());
    assert!(world.target.contents().pointers.contains_key(&owner("host-7")), "it is left over");
    assert_eq!(record(&world.target).generation, generation(3));
    let rest = watched(enactor.pass(), || assert_nothing_points_at_nothing(&world.target));
    assert_eq!(rest, Ok(Rest::Live(generation(3))));
}
