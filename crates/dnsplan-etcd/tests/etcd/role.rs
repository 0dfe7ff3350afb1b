//! A role, led by hand.

use dnsplan_etcd::{EtcdResource, Place};
use dnsplan_fence::{Actor, Nonce, Observed, Register, Swap};
use dnsplan_leadership::{
    Candidate, Fenced, HandoffId, Holder, Incarnation, Leadership, Node, Position, Scope, Seen, Term, Write,
};

pub(crate) fn life(name: &str, incarnation: u64) -> Holder {
    Holder { node: Node::new(name).unwrap(), incarnation: Incarnation::new(incarnation) }
}

fn by() -> Actor {
    Actor::new("coordinator").unwrap()
}

pub(crate) async fn seen(place: &Place) -> Seen {
    Seen::of(&place.register().load().await.unwrap()).unwrap()
}

async fn put(place: &Place, attempt: u128, write: Write) {
    let permit = seen(place).await.permit(&write, Nonce::new(attempt), &by()).unwrap();
    assert_eq!(place.register().swap(permit, ()).await.unwrap(), Swap::Won);
}

/// Installs a role and grants its first epoch.
pub(crate) async fn lead(place: &Place, holder: Holder) {
    place.install().await.unwrap();
    let genesis = Observed::Absent.genesis(Nonce::new(1), &by(), Term::vacant()).unwrap();
    assert_eq!(place.register().create(genesis).await.unwrap(), Swap::Won);
    put(place, 2, Write::Grant(Candidate { holder, applied: Position::START })).await;
}

/// Seals whatever epoch is in force, and grants the next one.
pub(crate) async fn fail_over(place: &Place, to: Holder) {
    let demand = seen(place).await.demand(to.node.clone(), HandoffId::new(7)).unwrap();
    put(place, 3, Write::Freeze(demand)).await;
    let receipt = place.resource().seal(seen(place).await.order().unwrap()).await.unwrap();
    put(place, 4, Write::Record(receipt)).await;
    put(place, 5, Write::Grant(Candidate { holder: to, applied: receipt.position() })).await;
}

pub(crate) async fn leader(place: &Place, scope: &str, me: Holder) -> Leadership<EtcdResource> {
    let seen = seen(place).await;
    Leadership::take_up(&seen, Scope::new(scope).unwrap(), me, place.resource()).expect("it leads")
}
