//! One zone at one fake, its plan store, and enactors of it.

use std::sync::{Arc, Mutex};

use dnsplan_enactor::conformance::{CountedNonces, VirtualClock, World, sample_zone};
use dnsplan_enactor::{Enactor, Layout, Nonces, Target};
use dnsplan_fence::{Actor, ParentGeneration};
use dnsplan_plan::{
    Member, MemoryStore, OwnerName, Plan, PlanStore, Proposal, Provenance, RRset, Timestamp, Ttl, Zone, rdata,
};
use dnsplan_route53::Route53Target;
use dnsplan_route53_fake::{Options, RecordSet};

use crate::common::Place;

pub(crate) type Worker = Enactor<MemoryStore, Route53Target, VirtualClock, CountedNonces>;

/// What an enactor says, an event a line.
pub(crate) type Heard = Arc<Mutex<Vec<String>>>;

pub(crate) async fn bed(layout: Layout) -> (Place, World<Route53Target>) {
    bed_with(layout, Options::default()).await
}

pub(crate) async fn bed_with(layout: Layout, options: Options) -> (Place, World<Route53Target>) {
    let place = Place::start(sample_zone(0).origin(), options).await;
    let target = place.target(layout, "route53:world").await;
    (place, World::around(target))
}

pub(crate) async fn publish(world: &World<Route53Target>, zone: Zone) -> Arc<Plan> {
    let head = world.store.head(world.target.zone()).await.unwrap();
    let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
    let provenance = Provenance::new("test", Timestamp::from_millis(0), "a test");
    world.store.append(parent, Proposal { zone, provenance }, world.nonces.next()).await.unwrap()
}

/// The zone with one RRset more.
pub(crate) fn with(mut zone: Zone, label: &str, record_type: &str, texts: &[&str]) -> Zone {
    let origin = zone.origin().clone();
    let owner = OwnerName::relative(label, &origin).unwrap();
    let data = texts.iter().map(|text| rdata(record_type, text, &origin).unwrap());
    zone.set_rrset(owner, RRset::simple(Ttl::new(60).unwrap(), data).unwrap()).unwrap();
    zone
}

/// The zone with one weighted RRset of so many members more.
pub(crate) fn with_weighted(mut zone: Zone, label: &str, members: u8) -> Zone {
    let origin = zone.origin().clone();
    let owner = OwnerName::relative(label, &origin).unwrap();
    let member = |number: u8| Member {
        id: format!("m{number}").into(),
        weight: 1,
        health_check: None,
        data: rdata("A", &format!("10.0.0.{number}"), &origin).unwrap(),
    };
    let rrset = RRset::weighted(Ttl::new(60).unwrap(), (0..members).map(member)).unwrap();
    zone.set_rrset(owner, rrset).unwrap();
    zone
}

/// An enactor on that target, as another process would have one, and what it says.
pub(crate) fn listener(
    world: &World<Route53Target>,
    target: &Arc<Route53Target>,
    name: &str,
) -> (Worker, Heard) {
    let heard = Heard::default();
    let log = Arc::clone(&heard);
    let (store, target) = (Arc::clone(&world.store), Arc::clone(target));
    let (clock, nonces) = (Arc::clone(&world.clock), Arc::clone(&world.nonces));
    let enactor = Enactor::new(store, target, clock, nonces, Actor::new(name).unwrap())
        .with_observer(Arc::new(move |event| log.lock().unwrap().push(format!("{event:?}"))));
    (enactor, heard)
}

pub(crate) fn a(name: &str, address: &str) -> RecordSet {
    RecordSet::new(name, "A").ttl(300).value(address)
}

pub(crate) fn txt(name: &str, text: &str) -> RecordSet {
    RecordSet::new(name, "TXT").ttl(300).value(format!("\"{text}\""))
}

/// The values of each record set of a name and type.
pub(crate) fn values(place: &Place, name: &str, record_type: &str) -> Vec<Vec<String>> {
    let sets = place.fake.find(&place.zone_id, name, record_type);
    sets.into_iter().map(|set| set.values).collect()
}
