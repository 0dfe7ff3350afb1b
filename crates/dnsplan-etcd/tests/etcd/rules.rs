//! The suite, and what is etcd's own: floors that are gone, keys of the role, look-ups, conditions.

use dnsplan_etcd::{Error, Found, Write};
use dnsplan_fence::{Observed, Register};
use dnsplan_leadership::{Fenced, NotSent, Position, Scope, WriteId, Written, conformance};

use crate::bed::{Etcd, Roles, key, written};
use crate::role::{fail_over, lead, leader, life, seen};

const SCOPE: &str = "orders";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_the_suite_holds() {
    conformance::all(&Roles::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installing_twice_keeps_the_floor_and_a_lost_one_is_not_begun_at_nothing() {
    let etcd = Etcd::start().await;
    let place = etcd.place(SCOPE).await;
    let floor = "/cells/7/leadership/orders/floor";
    let mut client = etcd.client().await;
    lead(&place, life("a", 1)).await;
    let old = leader(&place, SCOPE, life("a", 1)).await;
    fail_over(&place, life("b", 1)).await;
    let new = leader(&place, SCOPE, life("b", 1)).await;
    place.install().await.unwrap();
    let kept = client.get(floor, None).await.unwrap();
    assert_eq!(kept.kvs()[0].value_str().unwrap(), "00000000000000000002");
    for (value, says) in [(None, "there is no floor"), (Some("2"), "no number of 20 digits")] {
        match value {
            None => drop(client.delete(floor, None).await.unwrap()),
            Some(value) => drop(client.put(floor, value, None).await.unwrap()),
        }
        for leader in [&old, &new] {
            let refused = leader.write(WriteId::new(9), Write::new().put("/data", "")).await.unwrap_err();
            assert!(refused.to_string().contains(says), "{refused}");
        }
        let sealed = fail_over_again(&place).await;
        assert!(sealed.is_err_and(|error| error.to_string().contains(says)), "{says}");
        assert!(place.install().await.is_err() == value.is_none(), "{says}");
    }
    assert!(client.get("/data", None).await.unwrap().kvs().is_empty());
}

async fn fail_over_again(place: &dnsplan_etcd::Place) -> Result<(), Error> {
    use dnsplan_fence::{Actor, Nonce};
    let now = seen(place).await;
    if now.order().is_none() {
        let demand = now.demand(life("c", 0).node, dnsplan_leadership::HandoffId::new(8)).unwrap();
        let freeze = dnsplan_leadership::Write::Freeze(demand);
        let permit = now.permit(&freeze, Nonce::new(90), &Actor::new("c").unwrap()).unwrap();
        assert_eq!(place.register().swap(permit, ()).await?, dnsplan_fence::Swap::Won);
    }
    place.resource().seal(seen(place).await.order().unwrap()).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_role_keeps_for_itself_is_not_written() {
    let etcd = Etcd::start().await;
    let place = etcd.place(SCOPE).await;
    lead(&place, life("a", 1)).await;
    let leader = leader(&place, SCOPE, life("a", 1)).await;
    for write in [
        Write::new().put("/cells/7/leadership/orders/floor", "00000000000000000000"),
        Write::new().put("/data", "").delete("/cells/7/leadership/orders/record"),
    ] {
        let refused = leader.write(WriteId::new(9), write).await;
        assert!(matches!(refused, Err(NotSent::Resource(Error::Reserved(_)))), "{refused:?}");
    }
    // Another role's keys are data like any other.
    let beside = Write::new().put("/cells/7/leadership/orders-2/floor", "");
    assert!(matches!(leader.write(WriteId::new(9), beside).await, Ok(Written::Applied(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_looked_up_by_its_id() {
    let etcd = Etcd::start().await;
    let place = etcd.place(SCOPE).await;
    lead(&place, life("a", 1)).await;
    let leader = leader(&place, SCOPE, life("a", 1)).await;
    let (token, resource) = (leader.token().clone(), place.resource());
    assert_eq!(resource.applied().await.unwrap(), Position::START);
    let Ok(Written::Applied(at)) = leader.write(WriteId::new(1), Write::new().put("/data", "1")).await else {
        panic!("it is not accepted")
    };
    assert_eq!(resource.applied().await.unwrap(), at);
    assert_eq!(resource.lookup(&token, WriteId::new(1)).await.unwrap(), Found::Applied(at));
    assert_eq!(resource.lookup(&token, WriteId::new(2)).await.unwrap(), Found::NotYet);
    fail_over(&place, life("b", 1)).await;
    assert_eq!(resource.lookup(&token, WriteId::new(1)).await.unwrap(), Found::Applied(at));
    assert_eq!(resource.lookup(&token, WriteId::new(2)).await.unwrap(), Found::Never);
    let second = seen(&place).await.epoch().unwrap();
    assert_eq!(resource.prune(second).await.unwrap(), 1);
    assert_eq!(resource.lookup(&token, WriteId::new(1)).await.unwrap(), Found::Never, "it is forgotten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_that_does_not_hold_is_no_fence() {
    let etcd = Etcd::start().await;
    let place = etcd.place(SCOPE).await;
    lead(&place, life("a", 1)).await;
    let leader = leader(&place, SCOPE, life("a", 1)).await;
    let absent = || Write::new().if_revision("/data", 0).put("/data", "1");
    let Ok(Written::Applied(at)) = leader.write(WriteId::new(1), absent()).await else { panic!("refused") };
    let unmet = leader.write(WriteId::new(2), absent()).await;
    assert!(matches!(unmet, Err(NotSent::Resource(Error::Unmet))), "{unmet:?}");
    assert!(!leader.is_stopped(), "it still leads");
    let as_of = Write::new().if_revision("/data", i64::try_from(at.get()).unwrap()).if_value("/data", "1");
    let next = leader.write(WriteId::new(3), as_of.delete("/data").put("/data-2", "")).await;
    assert!(matches!(next, Ok(Written::Applied(_))), "{next:?}");
    fail_over(&place, life("b", 1)).await;
    let fenced = leader.write(WriteId::new(4), absent()).await;
    assert!(matches!(fenced, Ok(Written::Fenced(_))), "{fenced:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_read_is_replaced_to_the_letter_and_a_later_format_never() {
    use dnsplan_fence::{Actor, Nonce, Swap};
    use dnsplan_leadership::Term;
    let etcd = Etcd::start().await;
    let place = etcd.place(SCOPE).await;
    place.install().await.unwrap();
    let (register, mut client) = (place.register(), etcd.client().await);
    let record = "/cells/7/leadership/orders/record";
    client.put(record, [0xff, 0xfe], None).await.unwrap();
    let found = register.load().await.unwrap();
    assert!(matches!(&found, Observed::Unreadable(bytes) if **bytes == [0xff, 0xfe]), "{found:?}");
    let first = || found.clone().genesis(Nonce::new(1), &Actor::new("c").unwrap(), Term::vacant()).unwrap();
    client.put(record, "edited again", None).await.unwrap();
    assert!(matches!(register.create(first()).await.unwrap(), Swap::Lost(None)));
    client.put(record, [0xff, 0xfe], None).await.unwrap();
    assert_eq!(register.create(first()).await.unwrap(), Swap::Won);
    client.put(record, "dnsplan-lead2 whatever it says", None).await.unwrap();
    let later = register.load().await.unwrap_err();
    assert!(later.to_string().contains("stand by"), "{later}");
}

/// With the server gone nobody can tell: it is never said that a write has not happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_does_not_come_leaves_it_open() {
    use dnsplan_fence::{Actor, Nonce, Swap};
    let etcd = Etcd::start().await;
    let place = etcd.place(SCOPE).await;
    lead(&place, life("a", 1)).await;
    let leader = leader(&place, SCOPE, life("a", 1)).await;
    let now = seen(&place).await;
    let demand = now.demand(life("b", 0).node, dnsplan_leadership::HandoffId::new(8)).unwrap();
    let freeze = dnsplan_leadership::Write::Freeze(demand);
    let permit = now.permit(&freeze, Nonce::new(9), &Actor::new("c").unwrap()).unwrap();
    drop(etcd);
    let written = leader.write(WriteId::new(1), Write::new().put("/data", "1")).await;
    assert_eq!(written.unwrap(), Written::Unknown(WriteId::new(1)));
    assert!(!leader.is_stopped());
    assert_eq!(place.register().swap(permit, ()).await.unwrap(), Swap::Unknown);
    assert!(place.register().load().await.is_err());
}

/// What `written` reads is what the suite goes by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_is_in_the_order_in_which_it_came() {
    let etcd = Etcd::start().await;
    let (mut client, scope) = (etcd.client().await, Scope::new(SCOPE).unwrap());
    for number in [3, 1, 2] {
        client.put(key(&scope, number), "", None).await.unwrap();
    }
    assert_eq!(written(&client, &scope).await, [3, 1, 2]);
}
