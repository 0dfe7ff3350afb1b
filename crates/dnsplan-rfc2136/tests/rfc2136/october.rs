//! The October race at the server's own prerequisite: a slow enactor's update is on its way while others overtake it.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_enactor::conformance::World;
use dnsplan_enactor::{Rest, Target};
use dnsplan_name_servers::{Fault, Key, Proxy, Software};
use dnsplan_plan::PlanStore;
use dnsplan_rfc2136::Rfc2136Target;

use crate::common::{Place, until};

/// The same world, as another process sees it: with a client, and a memory, of its own.
fn another(world: &World<Rfc2136Target>, target: Arc<Rfc2136Target>) -> World<Rfc2136Target> {
    World {
        store: Arc::clone(&world.store),
        target,
        clock: Arc::clone(&world.clock),
        nonces: Arc::clone(&world.nonces),
    }
}

/// Holds the slow enactor's update back while plans 3 to 6 go live, then lets it go. Says which was answered before and after.
async fn overtaken(software: Software, key: Option<Key>, is_fenced: bool) -> (Option<u8>, Option<u8>) {
    let place = Place::start_with(software, key, "");
    let proxy = Proxy::start(place.primary.address()).await.unwrap();
    let fast = World::around(place.target("rfc2136:october").await);
    fast.publish(1).await;
    fast.pass("fast").await.unwrap();
    fast.publish(2).await;
    if !is_fenced {
        proxy.rob();
    }
    let slow = another(&fast, place.target_at(proxy.address(), "rfc2136:october").await);
    proxy.next([Some(Fault::Hold)]);
    let late = tokio::spawn(async move { slow.pass("slow").await });
    until("the update to be held", || proxy.held() == 1).await;
    for number in 3..7 {
        let plan = fast.publish(number).await;
        let other = another(&fast, place.target("rfc2136:october").await);
        assert_eq!(other.pass("fast").await, Ok(Rest::Live(plan.generation())));
    }
    let newest = place.number();
    // Where what was held takes effect, the slow enactor sees that it has taken DNS back, and means to repair it.
    proxy.next([Some(Fault::Hold)]);
    proxy.release();
    until("the late update to be settled", || proxy.held() == 2 || late.is_finished()).await;
    let after = place.number();
    proxy.release();
    drop(late.await.unwrap());
    let head = fast.store.head(fast.target.zone()).await.unwrap().unwrap();
    let audit = fast.target.audit(&head, &BTreeSet::new()).await.unwrap();
    assert!(audit.differing.is_empty(), "{software}: {audit:?}");
    (newest, after)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g3_a_delayed_enactor_is_refused_by_the_server() {
    for software in Software::ALL {
        let (newest, after) = overtaken(software, Some(Key::sample("hmac-sha256")), true).await;
        assert_eq!(newest, Some(6), "{software}");
        assert_eq!(after, newest, "{software}: what was held back must not take effect");
    }
}

/// The negative control.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_prerequisites_the_delayed_enactor_takes_dns_back() {
    for software in Software::ALL {
        let (newest, after) = overtaken(software, None, false).await;
        assert_eq!((newest, after), (Some(6), Some(2)), "{software}");
    }
}
