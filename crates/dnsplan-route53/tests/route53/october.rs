//! The October race at Route 53's own fence: a slow enactor's write is on its way while others overtake it and clean up.

use std::sync::Arc;
use std::time::Duration;

use dnsplan_enactor::conformance::{World, sample_zone};
use dnsplan_enactor::{Layout, Rest};
use dnsplan_route53::Route53Target;
use dnsplan_route53_fake::{Fault, Operation, Options};

use crate::common::Place;

const LAYOUTS: [Layout; 2] = [Layout::InPlace, Layout::Tree];

fn answered(place: &Place) -> Option<String> {
    let answer = place.fake.edge(0).resolve("api.example.", "A").values();
    answer.first().and_then(|values| values.first()).cloned()
}

/// The same world, as another process sees it: with a client, and a memory, of its own.
async fn another(place: &Place, world: &World<Route53Target>, layout: Layout) -> World<Route53Target> {
    World {
        store: Arc::clone(&world.store),
        target: place.target(layout, "route53:october").await,
        clock: Arc::clone(&world.clock),
        nonces: Arc::clone(&world.nonces),
    }
}

/// Holds the slow enactor's `nth` change request back while plans 3 to 6 go live and what is old is deleted; then lets it go.
async fn overtaken(layout: Layout, nth: u64, is_fenced: bool) -> (Option<String>, Option<String>, Place) {
    let place = Place::start(sample_zone(0).origin(), Options::default()).await;
    place.fake.set_unfenced(!is_fenced);
    let fast = World::around(place.target(layout, "route53:october").await);
    fast.publish(1).await;
    fast.pass("fast").await.unwrap();
    fast.publish(2).await;
    let slow = another(&place, &fast, layout).await;
    place.fake.inject(Fault::Held.next(1).on(Operation::ChangeResourceRecordSets).after(nth));
    let late = tokio::spawn(async move { slow.pass("slow").await });
    place.fake.until_held(1).await;
    let mut newest = None;
    for number in 3..7 {
        let plan = fast.publish(number).await;
        let other = another(&place, &fast, layout).await;
        // In a tree the slow one's chain is taken over first.
        while other.pass("fast").await.unwrap() != Rest::Live(plan.generation()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        newest = answered(&place);
    }
    place.fake.release();
    drop(late.await.unwrap());
    (newest, answered(&place), place)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g3_a_delayed_enactor_is_refused_by_route_53() {
    for layout in LAYOUTS {
        for nth in 0..3 {
            if layout == Layout::InPlace && nth > 0 {
                continue;
            }
            let (newest, after, _) = overtaken(layout, nth, true).await;
            assert_eq!(newest.as_deref(), Some("192.0.2.6"), "{layout:?} {nth}");
            assert_eq!(after, newest, "{layout:?}: what was held back as number {nth} must not take effect");
        }
    }
}

/// The negative control.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_fence_in_the_batch_the_delayed_enactor_takes_dns_back() {
    let (newest, _, place) = overtaken(Layout::InPlace, 0, false).await;
    assert_eq!(newest.as_deref(), Some("192.0.2.6"));
    // It repairs what it has done a moment later; what was written tells.
    let accepted = place.fake.accepted();
    let puts = accepted.iter().flat_map(|batch| &batch.changes).map(|change| &change.record_set);
    let api: Vec<&str> = puts
        .filter(|set| set.name == "api.example." && set.record_type == "A")
        .filter_map(|set| set.values.iter().find_map(|value| value.strip_prefix("192.0.2.")))
        .collect();
    let is_back = api.array_windows().any(|[before, after]| (*before, *after) == ("6", "2"));
    assert!(is_back, "DNS went back to the old plan: {api:?}");
}
