//! One name is set aside, for however long, and all others go on as if it were not; and plans that somebody had forgotten by then.

use std::sync::Arc;
use std::time::Duration;

use dnsplan_enactor::conformance::{World, sample_zone};
use dnsplan_enactor::{Clock, Rest};
use dnsplan_fence::{Generation, Register};
use dnsplan_name_servers::Software;
use dnsplan_plan::{PlanStore, RecordType, Zone};

use crate::common::{FENCE, Place, SMALL, owner};
use crate::others::{bed, enact, forgetful, publish, watched, weighted, with};

/// Longer than from one audit to the next.
const LATER: Duration = Duration::from_secs(7200);

/// The zone with a name that no server takes: weights are refused.
fn refused(mut zone: Zone) -> Zone {
    zone.set_rrset(owner("w"), weighted("A", &[("a", 3, "192.0.2.1"), ("b", 1, "192.0.2.2")])).unwrap();
    zone
}

fn there(place: &Place, label: &str) -> String {
    format!("{:?}", place.answered(&owner(label), RecordType::A))
}

/// From the first plan on, so that no plan was ever whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_have_is_theirs_while_something_is_set_aside() {
    for software in Software::ALL {
        let (place, world) = bed(software).await;
        enact(&place, &world, refused(sample_zone(1))).await;
        place.by_hand(&[
            "update add new.example. 300 A 203.0.113.9",
            "update add turn.example. 300 CNAME elsewhere.example.net.",
        ]);
        let zone = refused(with(sample_zone(2), "new", "A", &["192.0.2.9"]));
        let (aside, reasons) = enact(&place, &world, with(zone, "turn", "A", &["192.0.2.8"])).await;
        assert_eq!(aside, ["new.example.", "turn.example.", "w.example."], "{software}: {reasons}");
        assert!(there(&place, "new").contains("203.0.113.9"), "{software}");
        // Neither does a plan that takes them out again touch them.
        enact(&place, &world, refused(sample_zone(3))).await;
        assert!(there(&place, "new").contains("203.0.113.9"), "{software}");
    }
}

/// A newer program has taken a name away, and it is somebody else's by now; then that program is gone, and its record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_newer_programs_were_at_may_be_somebody_elses_by_now() {
    let (place, world) = bed(Software::Bind).await;
    let (mut enactor, aside) = watched(&world);
    publish(&world, with(sample_zone(1), "old", "A", &["192.0.2.1"])).await;
    assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(1))));
    publish(&world, sample_zone(2)).await;
    place.by_hand(&[
        &format!("update delete {FENCE} TXT"),
        &format!("update add {FENCE} 60 TXT \"dnsplan2 whatever=it-says c=c0d198716548f025\""),
        "update delete old.example. A",
        "update add old.example. 300 A 203.0.113.9",
    ]);
    assert!(enactor.pass().await.is_err(), "it stands by");
    place.by_hand(&[format!("update delete {FENCE} TXT")]);
    world.clock.sleep(LATER).await;
    assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(2))));
    assert!(there(&place, "old").contains("203.0.113.9"), "{:?}", aside.lock().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ours_is_ours_while_something_is_set_aside() {
    let (place, world) = bed(Software::Bind).await;
    enact(&place, &world, sample_zone(1)).await;
    enact(&place, &world, refused(with(sample_zone(2), "x", "A", &["192.0.2.20"]))).await;
    place.by_hand(&["update delete x.example. A", "update add x.example. 300 A 203.0.113.9"]);
    // By a process that has not put it there, and has not seen it either.
    let other = forgetful(&place, &world).await;
    let zone = refused(with(sample_zone(3), "x", "A", &["192.0.2.30"]));
    assert_eq!(enact(&place, &other, zone).await.0, ["w.example."]);
    assert!(there(&place, "x").contains("192.0.2.30"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_costs_what_it_changes_while_something_is_set_aside() {
    let place = Place::start_limited(Software::Bind, SMALL);
    let world = World::around(place.target("rfc2136:held").await);
    let many = (0..60).map(|index| format!("n{index:02}"));
    let large =
        |zone: Zone| refused(many.clone().fold(zone, |zone, label| with(zone, &label, "A", &["192.0.2.1"])));
    enact(&place, &world, large(sample_zone(1))).await;
    let first = world.target.load().await.unwrap().record().unwrap().clone();
    enact(&place, &world, with(large(sample_zone(1)), "n07", "A", &["192.0.2.7"])).await;
    let second = world.target.load().await.unwrap().record().unwrap().clone();
    assert!(first.flip.of() > 3 && second.flip.of() == 1, "{first:?}, {second:?}");
    assert_eq!(second.base, Generation::ZERO, "w was never there");
}

/// Names that were set aside once do not count against what the next chain may set aside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_chain_inherits_leaves_room_for_what_it_sets_aside_itself() {
    let place = Place::start_limited(Software::Bind, SMALL);
    let world = World::around(place.target("rfc2136:held").await);
    let long = |index: u8| format!("{index:02}{}.{}", "a".repeat(50), "b".repeat(25));
    let taken = (0..17).map(|index| format!("update add {}.example. 300 A 203.0.113.9", long(index)));
    place.by_hand(&taken.collect::<Vec<_>>());
    enact(&place, &world, sample_zone(1)).await;
    let zone = (0..16).fold(sample_zone(2), |zone, index| with(zone, &long(index), "A", &["192.0.2.1"]));
    assert_eq!(enact(&place, &world, zone).await.0.len(), 16);
    let (aside, _) = enact(&place, &world, with(sample_zone(3), &long(16), "A", &["192.0.2.1"])).await;
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(place.number(), Some(3));
}

/// Plans 2 to 5 were never put in place, and are forgotten when plan 6 is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g4_a_history_that_is_forgotten_leaves_nothing_behind() {
    let place = Place::start_limited(Software::Bind, SMALL);
    let world = World::around(place.target("rfc2136:held").await);
    let many = |number: u8| {
        let address = format!("192.0.2.{number}");
        (0..60).fold(sample_zone(number), |zone, index| with(zone, &format!("k{index}"), "A", &[&address]))
    };
    enact(&place, &world, with(many(1), "x", "A", &["192.0.2.20"])).await;
    for number in 2..7 {
        publish(&world, many(number)).await;
    }
    let pruned = world.store.prune(&place.zone, Generation::new(6)).await.unwrap();
    assert_eq!(pruned.plans, 4);
    let other = forgetful(&place, &world).await;
    let (mut enactor, aside) = watched(&other);
    assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(6))));
    other.clock.sleep(LATER).await;
    assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(6))));
    assert_eq!(there(&place, "x"), "Node({})");
    assert!(there(&place, "k59").contains("192.0.2.6"));
    assert!(Arc::clone(&aside).lock().unwrap().is_empty(), "nothing needed a repair: {aside:?}");
}
