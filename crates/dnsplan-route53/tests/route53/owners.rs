//! Whose a record set is, where chains were superseded, several processes write, or nobody knows any more.

use std::time::Duration;

use dnsplan_enactor::conformance::sample_zone;
use dnsplan_enactor::{Clock, Layout, Rest, Target};
use dnsplan_fence::Generation;
use dnsplan_plan::PlanStore;
use dnsplan_route53_fake::{Fault, Operation};

use crate::common::{FENCE, Place};
use crate::world::{a, bed, listener, publish, txt, values, with};

const HERITAGE: &str = "heritage=external-dns,external-dns/owner=cluster-1";
const OCTODNS: &str = "*octodns*";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_plan_of_another_process_took_away_may_be_somebody_elses_by_now() {
    let (place, world) = bed(Layout::InPlace).await;
    let other = place.target(Layout::InPlace, "route53:world").await;
    publish(&world, with(with(sample_zone(1), "old", "A", &["192.0.2.1"]), "kept", "TXT", &["mine"])).await;
    let (mut one, heard) = listener(&world, &world.target, "one");
    let (mut two, _) = listener(&world, &other, "two");
    assert_eq!(one.pass().await, Ok(Rest::Live(Generation::new(1))));
    publish(&world, sample_zone(2)).await;
    assert_eq!(two.pass().await, Ok(Rest::Live(Generation::new(2))));
    assert!(values(&place, "old.example.", "A").is_empty(), "plan 2 has taken it away");
    place.fake.put_by_hand(&place.zone_id, &a("old.example.", "203.0.113.77"));
    place.fake.put_by_hand(&place.zone_id, &txt("kept.example.", "google-site-verification=1"));
    world.clock.sleep(Duration::from_secs(70)).await;
    assert_eq!(one.pass().await, Ok(Rest::Live(Generation::new(2))));
    assert_eq!(values(&place, "old.example.", "A"), [["203.0.113.77"]], "{:?}", heard.lock().unwrap());
    assert_eq!(values(&place, "kept.example.", "TXT"), [["\"google-site-verification=1\""]]);
}

/// A newer program has taken a name away, and it is somebody else's by now; then that program is gone, and its record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_newer_programs_were_at_may_be_somebody_elses_by_now() {
    let (place, world) = bed(Layout::InPlace).await;
    let (mut enactor, heard) = listener(&world, &world.target, "one");
    publish(&world, with(sample_zone(1), "old", "A", &["192.0.2.1"])).await;
    assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(1))));
    publish(&world, sample_zone(2)).await;
    place.fake.put_by_hand(&place.zone_id, &txt(FENCE, "dnsplan2 whatever=it-says c=c0d198716548f025"));
    place.fake.put_by_hand(&place.zone_id, &a("old.example.", "203.0.113.77"));
    assert!(enactor.pass().await.is_err(), "it stands by");
    place.fake.remove_by_hand(&place.zone_id, FENCE, "TXT");
    world.clock.sleep(Duration::from_secs(70)).await;
    assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(2))));
    assert_eq!(values(&place, "old.example.", "A"), [["203.0.113.77"]], "{:?}", heard.lock().unwrap());
}

/// Plan 2 is put in place but for one owner name, so that the base stays. Plan 3 takes back what plan 2 has changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_plan_in_between_changed_and_the_next_takes_back_is_not_taken_for_unchanged() {
    let (place, world) = bed(Layout::InPlace).await;
    place.fake.put_by_hand(&place.zone_id, &a("shop.example.", "203.0.113.8"));
    let other = place.target(Layout::InPlace, "route53:world").await;
    world.publish(1).await;
    let (mut one, _) = listener(&world, &world.target, "one");
    let (mut two, _) = listener(&world, &other, "two");
    one.pass().await.unwrap();
    two.pass().await.unwrap();
    let before = values(&place, "api.example.", "A");
    let second = with(sample_zone(2), "shop", "A", &["192.0.2.98"]);
    publish(&world, with(second, "tmp", "A", &["192.0.2.66"])).await;
    one.pass().await.unwrap();
    assert_eq!(values(&place, "tmp.example.", "A"), [["192.0.2.66"]]);
    assert_ne!(values(&place, "api.example.", "A"), before);
    publish(&world, with(sample_zone(1), "shop", "A", &["192.0.2.98"])).await;
    // By a process that has not seen what the other one wrote.
    two.pass().await.unwrap();
    assert_eq!(values(&place, "api.example.", "A"), before);
    assert!(values(&place, "tmp.example.", "A").is_empty(), "plan 3 does not have it");
    assert_eq!(values(&place, "shop.example.", "A"), [["203.0.113.8"]]);
}

/// The first part of plan 2 creates a name, and the others are refused. Plan 3, which has that name, too, goes over it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_superseded_chain_has_created_is_ours() {
    let (place, world) = bed(Layout::InPlace).await;
    let other = place.target(Layout::InPlace, "route53:world").await;
    let (mut one, _) = listener(&world, &world.target, "one");
    let (mut two, heard) = listener(&world, &other, "two");
    world.publish(1).await;
    one.pass().await.unwrap();
    two.pass().await.unwrap();
    let large = |number: u8| {
        let address = format!("192.0.2.{number}");
        (0..1100)
            .fold(sample_zone(number), |zone, index| with(zone, &format!("n{index:04}"), "A", &[&address]))
    };
    publish(&world, large(2)).await;
    fail_changes_after(&place, 1);
    one.pass().await.unwrap_err();
    assert_eq!(values(&place, "n0000.example.", "A"), [["192.0.2.2"]], "the first part is written");
    assert!(values(&place, "n1099.example.", "A").is_empty(), "the second one is not");
    publish(&world, large(3)).await;
    place.fake.clear_faults();
    fail_changes_after(&place, 0);
    for _ in 0..3 {
        two.pass().await.unwrap_err();
    }
    place.fake.clear_faults();
    let rest = two.pass().await;
    assert_eq!(rest, Ok(Rest::Live(Generation::new(3))), "plan 2 is given up: {:?}", heard.lock().unwrap());
    let aside = heard.lock().unwrap().iter().filter(|event| event.starts_with("Quarantined")).count();
    assert_eq!(aside, 0);
    assert_eq!(values(&place, "n0000.example.", "A"), [["192.0.2.3"]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn markers_at_other_names_keep_an_adoption_away_however_small_it_is() {
    let marked =
        [("a-shop.example.", HERITAGE), ("_owner.a.shop.example.", OCTODNS), ("shop.example.", HERITAGE)];
    for layout in [Layout::InPlace, Layout::Tree] {
        for (marker, text) in marked {
            let (place, world) = bed(layout).await;
            place.fake.put_by_hand(&place.zone_id, &a("shop.example.", "203.0.113.8"));
            place.fake.put_by_hand(&place.zone_id, &txt(marker, text));
            publish(&world, with(sample_zone(1), "shop", "A", &["192.0.2.98"])).await;
            world.pass("one").await.unwrap();
            let shop = values(&place, "shop.example.", "A");
            assert_eq!(shop, [["203.0.113.8"]], "{layout:?}, marked at {marker}");
        }
    }
}

/// A first plan that never came to be live has claimed nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_was_never_live_owns_nothing() {
    let (place, world) = bed(Layout::Tree).await;
    place.fake.put_by_hand(&place.zone_id, &a("shop.example.", "203.0.113.8"));
    publish(&world, with(sample_zone(1), "shop", "A", &["192.0.2.98"])).await;
    let (mut one, _) = listener(&world, &world.target, "one");
    // It gets as far as the bootstrap, and looks at what is there.
    fail_changes_after(&place, 1);
    one.pass().await.unwrap_err();
    publish(&world, sample_zone(2)).await;
    place.fake.clear_faults();
    for _ in 0..6 {
        one.pass().await.unwrap();
        world.clock.sleep(Duration::from_secs(70)).await;
    }
    let head = world.store.head(world.target.zone()).await.unwrap().unwrap();
    assert_eq!(head.generation(), Generation::new(2));
    assert_eq!(values(&place, "shop.example.", "A"), [["203.0.113.8"]]);
}

/// The first `good` changes are taken, and none after that.
fn fail_changes_after(place: &Place, good: u64) {
    place.fake.inject(Fault::AccessDenied.always().on(Operation::ChangeResourceRecordSets).after(good));
}

/// It is set aside between two plans. Plans 2, which leaves it as it is, 3 and 4 are chains that come to it late; then there are some
/// that have it no more, and one that has it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_chain_has_set_aside_the_next_ones_do_not_forget() {
    for layout in [Layout::InPlace, Layout::Tree] {
        let (place, world) = bed(layout).await;
        let (mut one, heard) = listener(&world, &world.target, "one");
        let large = |number: u8| {
            let address = format!("192.0.2.{number}");
            let many = (0..1100).map(|index| format!("n{index:04}"));
            many.fold(sample_zone(number), |zone, label| with(zone, &label, "A", &[&address]))
        };
        let both = |number: u8, address: u8| with(large(number), "zz", "A", &[&format!("192.0.2.{address}")]);
        publish(&world, both(1, 5)).await;
        one.pass().await.unwrap();
        place.fake.remove_by_hand(&place.zone_id, "zz.example.", "A");
        place.fake.put_by_hand(&place.zone_id, &a("zz.example.", "203.0.113.8"));
        place.fake.put_by_hand(&place.zone_id, &txt("zz.example.", HERITAGE));
        world.clock.sleep(Duration::from_secs(7200)).await;
        one.pass().await.unwrap();
        heard.lock().unwrap().clear();
        for (number, address) in [(2, Some(5)), (3, Some(7)), (4, Some(8)), (5, None), (6, None)] {
            let zone = address.map_or_else(|| large(number), |address| both(number, address));
            publish(&world, zone).await;
            let rest = one.pass().await;
            assert_eq!(rest, Ok(Rest::Live(Generation::new(number.into()))), "{layout:?}");
            assert_eq!(values(&place, "zz.example.", "A"), [["203.0.113.8"]], "{layout:?}, plan {number}");
            let is_aside = heard.lock().unwrap().drain(..).any(|event| event.starts_with("Quarantined"));
            assert_eq!(is_aside, address.is_some(), "{layout:?}, plan {number}");
        }
        // Once the name is seen to be free, the next plan has it.
        place.fake.remove_by_hand(&place.zone_id, "zz.example.", "A");
        place.fake.remove_by_hand(&place.zone_id, "zz.example.", "TXT");
        world.clock.sleep(Duration::from_secs(7200)).await;
        one.pass().await.unwrap();
        publish(&world, both(7, 9)).await;
        assert_eq!(one.pass().await, Ok(Rest::Live(Generation::new(7))), "{layout:?}");
        let address = match layout {
            Layout::InPlace => values(&place, "zz.example.", "A"),
            _ => place.fake.edge(0).resolve("zz.example.", "A").values().into_iter().collect(),
        };
        assert_eq!(address, [["192.0.2.9"]], "{layout:?}");
    }
}
