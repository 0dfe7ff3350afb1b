//! A zone with other people's records in it, and plans that want what Route 53 or somebody else does not let them have.

use std::sync::Arc;

use dnsplan_enactor::conformance::{World, sample_zone};
use dnsplan_enactor::{Config, Enactor, Event, Layout, Rest, Target};
use dnsplan_fence::Actor;
use dnsplan_plan::{OwnerName, PlanStore, RRset, Ttl, rdata};
use dnsplan_route53::Route53Target;
use dnsplan_route53_fake::{Fault, Operation, Options, RecordSet};

use crate::common::Place;
use crate::world::{Worker, bed, publish, with};

const LAYOUTS: [Layout; 2] = [Layout::InPlace, Layout::Tree];

/// What others have: by hand, by external-dns (with its registry, old and new), by octoDNS, and what only Route 53 can do.
fn theirs(place: &Place) -> Vec<RecordSet> {
    let txt = |name: &str, text: &str| RecordSet::new(name, "TXT").ttl(300).value(format!("\"{text}\""));
    let a = |name: &str, address: &str| RecordSet::new(name, "A").ttl(300).value(address);
    let heritage = "heritage=external-dns,external-dns/owner=cluster-1";
    let all = vec![
        a("by-hand.example.", "203.0.113.7"),
        RecordSet::new("by-hand.example.", "MX").ttl(300).value("10 mail.example.net."),
        a("shop.example.", "203.0.113.8"),
        txt("shop.example.", heritage),
        txt("a-shop.example.", heritage),
        txt("octodns-meta.example.", "provider=octodns.provider.yaml.YamlProvider"),
        a("canary.example.", "203.0.113.9").weighted("blue", 10),
        a("canary.example.", "203.0.113.10").weighted("green", 20),
        RecordSet::new("sub.example.", "NS").ttl(300).value("ns.example.net."),
        // Below a name that plans have, and beside one, of another type.
        a("deep.api.example.", "203.0.113.11"),
        RecordSet::new("info.example.", "MX").ttl(300).value("20 mail.example.net."),
    ];
    all.iter().for_each(|set| place.fake.put_by_hand(&place.zone_id, set));
    all
}

fn assert_untouched(place: &Place, theirs: &[RecordSet]) {
    let there = place.fake.record_sets(&place.zone_id);
    for set in theirs {
        assert!(there.contains(set), "{} {} was touched", set.name, set.record_type);
    }
    let names = theirs.iter().map(|set| (set.name.as_str(), set.record_type.as_str()));
    for (name, record_type) in names {
        for batch in place.fake.log() {
            let touches = |change: &dnsplan_route53_fake::Change| {
                change.record_set.name == name && change.record_set.record_type == record_type
            };
            assert!(!batch.changes.iter().any(touches), "{name} {record_type} was in a batch");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_peoples_records_are_in_no_batch() {
    for layout in LAYOUTS {
        let (place, world) = bed(layout).await;
        let theirs = theirs(&place);
        for number in 1..8 {
            let plan = world.publish(number).await;
            assert_eq!(world.pass("e1").await, Ok(Rest::Live(plan.generation())));
        }
        place.fake.remove_by_hand(&place.zone_id, crate::common::FENCE, "TXT");
        let plan = world.publish(8).await;
        assert_eq!(world.pass("e2").await, Ok(Rest::Live(plan.generation())));
        assert_untouched(&place, &theirs);
    }
}

/// An enactor, and what it sets aside.
fn watched(world: &World<Route53Target>) -> (Worker, Arc<std::sync::Mutex<Vec<String>>>) {
    let aside = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&aside);
    let (store, target) = (Arc::clone(&world.store), Arc::clone(&world.target));
    let (clock, nonces) = (Arc::clone(&world.clock), Arc::clone(&world.nonces));
    let enactor = Enactor::new(store, target, clock, nonces, Actor::new("e1").unwrap())
        .with_config(Config::default())
        .with_observer(Arc::new(move |event| {
            if let Event::Quarantined { owners, .. } = event {
                heard.lock().unwrap().extend(owners.iter().map(ToString::to_string));
            }
        }));
    (enactor, aside)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_somebody_else_has_is_left_to_them_and_the_rest_goes_on() {
    for layout in LAYOUTS {
        let (place, world) = bed(layout).await;
        let theirs = theirs(&place);
        world.publish(1).await;
        let (mut enactor, aside) = watched(&world);
        enactor.pass().await.unwrap();
        let zone = with(sample_zone(2), "by-hand", "A", &["192.0.2.99"]);
        let plan = publish(&world, with(zone, "shop", "A", &["192.0.2.98"])).await;
        assert_eq!(enactor.pass().await, Ok(Rest::Live(plan.generation())));
        let mut aside = aside.lock().unwrap().clone();
        aside.sort();
        aside.dedup();
        assert_eq!(aside, ["by-hand.example.", "shop.example."], "{layout:?}");
        let there = place.fake.record_sets(&place.zone_id);
        assert!(theirs.iter().all(|set| there.contains(set)), "nothing of theirs was touched");
        let answer = place.fake.edge(0).resolve("info.example.", "TXT").values();
        assert_eq!(answer, [vec!["\"n2\"".to_owned()]].into());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_route_53_rejects_without_a_name_is_found_by_halves() {
    let (place, world) = bed(Layout::InPlace).await;
    world.publish(1).await;
    let (mut enactor, aside) = watched(&world);
    enactor.pass().await.unwrap();
    // A health check that does not exist is refused with its id, and without any owner name.
    let origin = world.target.zone().clone();
    let member = |id: &str, check: Option<&str>| dnsplan_plan::Member {
        id: id.into(),
        weight: 1,
        health_check: check.map(Into::into),
        data: rdata("A", "192.0.2.77", &origin).unwrap(),
    };
    let mut zone = sample_zone(2);
    let members = [member("a", None), member("b", Some("no-such-check"))];
    let bad = RRset::weighted(Ttl::new(60).unwrap(), members).unwrap();
    zone.set_rrset(OwnerName::relative("bad", &origin).unwrap(), bad).unwrap();
    for index in 0..20 {
        zone = with(zone, &format!("good-{index}"), "A", &["192.0.2.78"]);
    }
    let plan = publish(&world, zone).await;
    assert_eq!(enactor.pass().await, Ok(Rest::Live(plan.generation())));
    let mut aside = aside.lock().unwrap().clone();
    aside.dedup();
    assert_eq!(aside, ["bad.example."]);
    assert!(!place.fake.find(&place.zone_id, "good-19.example.", "A").is_empty());
    assert!(place.fake.find(&place.zone_id, "bad.example.", "A").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g8_a_reply_that_was_lost_is_settled_by_the_next_read() {
    for (layout, fault) in LAYOUTS
        .into_iter()
        .flat_map(|layout| [Fault::ReplyLost, Fault::RequestLost].map(|fault| (layout, fault)))
    {
        let (place, world) = bed(layout).await;
        world.publish(1).await;
        world.pass("e1").await.unwrap();
        let plan = world.publish(2).await;
        place.fake.inject(fault.next(1).on(Operation::ChangeResourceRecordSets));
        assert_eq!(world.pass("e1").await, Ok(Rest::Live(plan.generation())), "{layout:?} {fault:?}");
        let doubled = place.fake.accepted().iter().any(|batch| batch.duplicate_of.is_some());
        assert!(!doubled, "nothing is sent twice");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_reconcile_is_one_read_of_one_record_set() {
    for layout in LAYOUTS {
        let (place, world) = bed(layout).await;
        let plan = world.publish(1).await;
        let (mut enactor, _) = watched(&world);
        enactor.pass().await.unwrap();
        let before = world.target.calls();
        place.fake.reset_counters();
        assert_eq!(enactor.pass().await, Ok(Rest::Live(plan.generation())));
        let counters = place.fake.counters();
        assert_eq!(counters.calls(Operation::ListResourceRecordSets), 1);
        assert_eq!(counters.calls(Operation::ChangeResourceRecordSets), 0);
        assert_eq!(counters.calls(Operation::GetChange), 0);
        let after = world.target.calls();
        assert_eq!(
            (after.lists - before.lists, after.changes - before.changes),
            (1, 0),
            "as it counts itself"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g5_a_zone_that_was_put_back_is_noticed_and_healed() {
    for layout in LAYOUTS {
        let (place, world) = bed(layout).await;
        world.publish(1).await;
        world.pass("e1").await.unwrap();
        let old = place.fake.snapshot(&place.zone_id);
        for number in 2..5 {
            world.publish(number).await;
            world.pass("e1").await.unwrap();
        }
        place.fake.restore(&old);
        let rewound = Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = Arc::clone(&rewound);
        let mut enactor = world.enactor_at(&world.target, "e2").with_observer(Arc::new(move |event| {
            if let Event::Rewound { live, confirmed } = event {
                heard.lock().unwrap().push((live.get(), confirmed.get()));
            }
        }));
        let newest = world.store.head(world.target.zone()).await.unwrap().unwrap();
        assert_eq!(enactor.pass().await, Ok(Rest::Live(newest.generation())));
        assert_eq!(*rewound.lock().unwrap(), [(1, 4)]);
        let answer = place.fake.edge(0).resolve("info.example.", "TXT").values();
        assert_eq!(answer, [vec!["\"n4\"".to_owned()]].into());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_says_whether_the_edges_have_it() {
    let options = Options { propagation: dnsplan_route53_fake::Propagation::Manual, ..Options::default() };
    let place = Place::start(sample_zone(0).origin(), options).await;
    let world = World::around(place.target(Layout::InPlace, "route53:others").await);
    world.publish(1).await;
    let state = || async {
        let targets = world.store.targets(world.target.zone()).await.unwrap();
        targets[0].report.state.clone()
    };
    let (mut enactor, _) = watched(&world);
    enactor.pass().await.unwrap();
    assert_eq!(state().await, "live, on its way to the edges");
    place.fake.propagate();
    enactor.pass().await.unwrap();
    assert_eq!(state().await, "live");
    let polls = world.target.calls().polls;
    enactor.pass().await.unwrap();
    assert_eq!(world.target.calls().polls, polls, "what has arrived is not asked for again");
    world.publish(2).await;
    for _ in 0..102 {
        enactor.pass().await.unwrap();
    }
    assert_eq!(state().await, "live, but not known to have reached all edges");
}
