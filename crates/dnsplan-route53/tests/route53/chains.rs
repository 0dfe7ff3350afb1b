//! Chains that meet what they did not expect: plans faster than they are, parts that do not fit, trees with holes, others at work.

use std::collections::BTreeSet;
use std::time::Duration;

use dnsplan_enactor::conformance::sample_zone;
use dnsplan_enactor::{Clock, Layout, Rest};
use dnsplan_fence::Generation;
use dnsplan_plan::{Pin, PlanStore, Timestamp, Zone};
use dnsplan_route53_fake::{Fault, Limits, Operation, Options, Propagation, RecordSet};

use crate::common::{FENCE, Place, until};
use crate::world::{a, bed, bed_with, listener, publish, values, with, with_weighted};

fn late() -> Options {
    Options { propagation: Propagation::Manual, ..Options::default() }
}

/// The trees that are there.
fn trees(place: &Place) -> BTreeSet<String> {
    let sets = place.fake.record_sets(&place.zone_id);
    let label = |name: &str| {
        name.split('.').find(|label| label.starts_with('g') && label.contains('-')).map(str::to_owned)
    };
    sets.iter().filter(|set| set.name.contains("._dnsplan.")).filter_map(|set| label(&set.name)).collect()
}

/// A plan at every pass, for longer than the zone has room for their trees.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_plans_that_come_faster_than_a_chain_leave_no_trees_behind() {
    let limits = Limits { record_sets_per_zone: 60, ..Limits::default() };
    let (place, world) = bed_with(Layout::Tree, Options { limits, ..late() }).await;
    let (mut one, _) = listener(&world, &world.target, "one");
    world.publish(1).await;
    for _ in 0..6 {
        one.pass().await.unwrap();
        place.fake.propagate();
    }
    let mut confirmed = BTreeSet::new();
    for number in 2..60 {
        world.publish(number).await;
        one.pass().await.unwrap();
        place.fake.propagate();
        assert!(trees(&place).len() <= 3, "{:?} after plan {number}", trees(&place));
        confirmed.insert(world.store.targets(&place.zone).await.unwrap()[0].confirmed);
    }
    assert!(confirmed.len() > 10, "what was live in between was confirmed: {confirmed:?}");
    for _ in 0..6 {
        one.pass().await.unwrap();
        place.fake.propagate();
    }
    assert_eq!(one.pass().await, Ok(Rest::Live(Generation::new(59))));
    assert_eq!(trees(&place).len(), 1);
}

fn many_weighted(number: u8) -> Zone {
    (0..120).fold(sample_zone(number), |zone, index| with_weighted(zone, &format!("w{index:03}"), 10))
}

/// What has to go first costs more than what comes: aliases take the place of ten weighted members each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_change_of_layout_ends_however_large_what_was_there_is() {
    let (place, world) = bed(Layout::InPlace).await;
    let zone = many_weighted(1);
    publish(&world, zone.clone()).await;
    world.pass("one").await.unwrap();
    let tree = place.target(Layout::Tree, "route53:world").await;
    let (mut two, heard) = listener(&world, &tree, "two");
    publish(&world, with(zone, "extra", "A", &["192.0.2.1"])).await;
    let mut rest = Ok(Rest::Stale);
    for _ in 0..6 {
        rest = two.pass().await;
    }
    assert_eq!(rest, Ok(Rest::Live(Generation::new(2))), "{:?}", heard.lock().unwrap());
    assert!(!values(&place, "extra.example.", "A").is_empty() || !trees(&place).is_empty());
    let pointers = place.fake.find(&place.zone_id, "w119.example.", "A");
    assert!(pointers.len() == 1 && pointers[0].alias.is_some(), "{pointers:?}");
}

/// The part that does not fit is not the first one, and a newer plan comes meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_part_that_does_not_fit_keeps_no_newer_plan_out() {
    let (place, world) = bed(Layout::InPlace).await;
    let simple = |number: u8| {
        let address = format!("192.0.2.{number}");
        (0..499)
            .fold(sample_zone(number), |zone, index| with(zone, &format!("a{index:03}"), "A", &[&address]))
    };
    let weighted = (0..120).fold(simple(1), |zone, index| with_weighted(zone, &format!("w{index:03}"), 10));
    publish(&world, weighted).await;
    world.pass("one").await.unwrap();
    // Nobody knows what is there, and it is larger than what is to come.
    place.fake.remove_by_hand(&place.zone_id, FENCE, "TXT");
    for number in [2, 3] {
        let zone = (0..120)
            .fold(simple(number), |zone, index| with(zone, &format!("w{index:03}"), "A", &["192.0.2.9"]));
        publish(&world, zone).await;
    }
    let target = place.target(Layout::InPlace, "route53:world").await;
    let (mut two, heard) = listener(&world, &target, "two");
    let mut rest = Ok(Rest::Stale);
    for _ in 0..4 {
        rest = two.pass().await;
    }
    assert_eq!(rest, Ok(Rest::Live(Generation::new(3))), "{:?}", heard.lock().unwrap());
    assert_eq!(values(&place, "w119.example.", "A"), [["192.0.2.9"]]);
    assert_eq!(values(&place, "a498.example.", "A"), [["192.0.2.3"]]);
}

/// Somebody deletes a part of a tree that is staged, before it is pointed at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_g3_what_is_missing_from_a_staged_tree_comes_with_the_pointers() {
    let (place, world) = bed_with(Layout::Tree, late()).await;
    let (mut one, heard) = listener(&world, &world.target, "one");
    world.publish(1).await;
    for _ in 0..6 {
        one.pass().await.unwrap();
        place.fake.propagate();
    }
    world.publish(2).await;
    one.pass().await.unwrap();
    let staged = place.fake.record_sets(&place.zone_id);
    let staged: Vec<_> = staged.into_iter().filter(|set| set.name.starts_with("api.g2-")).collect();
    assert!(!staged.is_empty());
    for set in &staged {
        place.fake.remove_by_hand(&place.zone_id, &set.name, &set.record_type);
    }
    place.fake.propagate();
    for _ in 0..6 {
        one.pass().await.unwrap();
        place.fake.propagate();
    }
    assert_eq!(one.pass().await, Ok(Rest::Live(Generation::new(2))));
    let heard = heard.lock().unwrap().clone();
    assert!(!heard.iter().any(|event| event.starts_with("Quarantined")), "{heard:?}");
    let api = place.fake.edge(0).resolve("api.example.", "A").values();
    assert!(api.iter().flatten().any(|value| value == "192.0.2.2"), "{api:?}");
    for set in staged {
        assert!(place.fake.record_sets(&place.zone_id).contains(&set), "{} is back", set.name);
    }
}

/// Somebody edits a record that is to go, each time just before it would: that is no reason to set it aside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_faster_twice_sets_nothing_aside() {
    let (place, world) = bed(Layout::InPlace).await;
    world.publish(1).await;
    let (mut one, heard) = listener(&world, &world.target, "one");
    one.pass().await.unwrap();
    world.publish(2).await;
    place.fake.inject(Fault::Held.next(2).on(Operation::ChangeResourceRecordSets));
    let pass = tokio::spawn(async move { one.pass().await });
    for times in 1..=2 {
        place.fake.until_held(1).await;
        place.fake.put_by_hand(&place.zone_id, &a("host-1.example.", &format!("203.0.113.10{times}")));
        let decided = place.fake.log().len();
        place.fake.release();
        until("the batch is refused", || place.fake.log().len() > decided).await;
    }
    assert_eq!(pass.await.unwrap(), Ok(Rest::Live(Generation::new(2))));
    let heard = heard.lock().unwrap().clone();
    assert!(!heard.iter().any(|event| event.starts_with("Quarantined")), "{heard:?}");
    assert!(values(&place, "host-1.example.", "A").is_empty(), "plan 2 does not have it");
}

/// A pointer was led to an old tree by hand, and back by a repair whose reply was lost. Whether the repair has reached all edges is known
/// to nobody: until everything is pointed anew, the old tree stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_a_tree_is_not_deleted_behind_a_repair_whose_reply_was_lost() {
    let (place, world) = bed_with(Layout::Tree, late()).await;
    let (mut one, heard) = listener(&world, &world.target, "one");
    let pin = Pin {
        generation: Generation::new(1),
        reason: "kept".to_owned(),
        by: "a test".to_owned(),
        at: Timestamp::from_millis(0),
    };
    for number in 1..=2 {
        world.publish(number).await;
        if number == 1 {
            world.store.pin(&place.zone, pin.clone()).await.unwrap();
        }
        for _ in 0..8 {
            one.pass().await.unwrap();
            place.fake.propagate();
        }
    }
    let old = place.fake.record_sets(&place.zone_id).into_iter().find(|set| set.name.starts_with("api.g1-"));
    let old = RecordSet::new("api.example.", "A").alias(place.zone_id.clone(), old.unwrap().name);
    place.fake.put_by_hand(&place.zone_id, &old);
    place.fake.propagate();
    world.store.unpin(&place.zone, Generation::new(1)).await.unwrap();
    place.fake.inject(Fault::ReplyLost.next(1).on(Operation::ChangeResourceRecordSets));
    for _ in 0..8 {
        world.clock.sleep(Duration::from_secs(100)).await;
        one.pass().await.unwrap();
        let answer = place.fake.edge(0).resolve("api.example.", "A");
        assert!(!answer.may_be_empty(), "{:?}", heard.lock().unwrap());
    }
    assert_eq!(trees(&place).len(), 2, "{:?}", heard.lock().unwrap());
    // Everything is pointed anew, and from then on it is known.
    world.publish(3).await;
    for _ in 0..10 {
        one.pass().await.unwrap();
        place.fake.propagate();
    }
    assert_eq!(trees(&place).len(), 1);
}
