//! What others do between two looks at a zone, and what a server leaves out without a word.

use std::sync::Arc;
use std::time::Duration;

use dnsplan_enactor::conformance::{World, sample_zone};
use dnsplan_enactor::{Clock, Rest};
use dnsplan_fence::Generation;
use dnsplan_name_servers::{Fault, Proxy, Software};
use dnsplan_plan::{RecordType, TargetId};
use dnsplan_rfc2136::{Rfc2136Target, Settings, Weights, import};

use crate::common::{Place, SMALL, owner, until};
use crate::others::{bed, enact, publish, watched, weighted, with};

const VERIFICATION: &str = "update add turn.example. 300 TXT \"site-verification=abc\"";

/// Longer than from one audit to the next.
const LATER: Duration = Duration::from_secs(7200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_other_records_beside_ours_keep_a_name_from_turning_into_a_cname() {
    for software in Software::ALL {
        for later in [Duration::ZERO, LATER] {
            let (place, world) = bed(software).await;
            let (mut enactor, aside) = watched(&world);
            publish(&world, with(sample_zone(1), "turn", "A", &["192.0.2.9"])).await;
            assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(1))));
            place.by_hand(&[VERIFICATION]);
            world.clock.sleep(later).await;
            enactor.pass().await.unwrap();
            publish(&world, with(sample_zone(2), "turn", "CNAME", &["api"])).await;
            assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(2))), "{software}");
            assert!(!place.answered(&owner("turn"), RecordType::A).is_empty(), "{software}: ours stays");
            assert!(
                !place.answered(&owner("turn"), RecordType::TXT).is_empty(),
                "{software}: so does theirs"
            );
            assert!(aside.lock().unwrap().iter().any(|owner| owner.contains("turn")), "{software}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_sees_whom_a_name_has_come_to_belong_to() {
    let (place, world) = bed(Software::Bind).await;
    let (mut enactor, _) = watched(&world);
    publish(&world, with(sample_zone(1), "zz", "A", &["192.0.2.5"])).await;
    enactor.pass().await.unwrap();
    place.by_hand(&[
        "update delete zz.example. A",
        "update add zz.example. 300 A 203.0.113.8",
        "update add zz.example. 300 TXT \"heritage=external-dns,external-dns/owner=cluster-1\"",
    ]);
    world.clock.sleep(LATER).await;
    enactor.pass().await.unwrap();
    let there = format!("{:?}", place.answered(&owner("zz"), RecordType::A));
    assert!(there.contains("203.0.113.8"), "{there}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_repair_of_more_than_a_message_goes_on_to_its_end() {
    let (place, world) = bed(Software::Knot).await;
    let hosts = 1200;
    let zone = (0..hosts)
        .fold(sample_zone(1), |zone, number| with(zone, &format!("h{number:04}"), "A", &["192.0.2.7"]));
    let (mut enactor, _) = watched(&world);
    publish(&world, zone).await;
    enactor.pass().await.unwrap();
    let all = import::axfr(place.settings()).await.unwrap().rrsets.len();
    let lines: Vec<String> =
        (0..hosts).map(|number| format!("update delete h{number:04}.example. A")).collect();
    lines.chunks(300).for_each(|lines| place.by_hand(lines));
    world.clock.sleep(LATER).await;
    assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(1))));
    assert_eq!(import::axfr(place.settings()).await.unwrap().rrsets.len(), all, "in one pass");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_a_cname_that_a_server_left_out_is_put_there_at_once() {
    for software in [Software::Bind, Software::Knot] {
        let place = Place::start(software);
        let proxy = Proxy::start(place.primary.address()).await.unwrap();
        let world = World::around(place.target_at(proxy.address(), "rfc2136:later").await);
        publish(&world, with(sample_zone(1), "turn", "A", &["192.0.2.9"])).await;
        let (mut enactor, _) = watched(&world);
        enactor.pass().await.unwrap();
        publish(&world, with(sample_zone(2), "turn", "CNAME", &["api"])).await;
        proxy.next([Some(Fault::Hold)]);
        let pass = tokio::spawn(async move { (enactor.pass().await, enactor.pass().await) });
        until("the update is held", || proxy.held() == 1).await;
        place.by_hand(&[VERIFICATION]);
        proxy.release();
        let rests = pass.await.unwrap();
        // Either it was put there in the end, or it is said that it is not: never live with nothing at the name.
        let there = place.answered(&owner("turn"), RecordType::A);
        let said = format!("{rests:?}");
        let record = format!("{:?}", place.answered(&owner("_dnsplan"), RecordType::TXT));
        assert!(!there.is_empty() || record.contains("turn"), "{software}: {said}, {record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_spread_is_ours_under_other_settings_too() {
    let place = Place::start(Software::Bind);
    let mut zone = sample_zone(1);
    zone.set_rrset(owner("w"), weighted("A", &[("a", 3, "192.0.2.1"), ("b", 1, "192.0.2.2")])).unwrap();
    let target = async |weights| {
        let settings = Settings { weights, ..place.settings() };
        Arc::new(Rfc2136Target::connect(TargetId::new("rfc2136:w"), settings).await.unwrap())
    };
    let world = World::around(target(Weights::Spread).await);
    enact(&place, &world, zone).await;
    let world = World { target: target(Weights::Refuse).await, ..world };
    let (aside, _) = enact(&place, &world, with(sample_zone(2), "w", "A", &["192.0.2.1"])).await;
    assert!(aside.is_empty(), "{aside:?}");
    let there = format!("{:?}", place.answered(&owner("w"), RecordType::A));
    assert!(there.contains("192.0.2.1") && !there.contains("192.0.2.2"), "{there}");
    enact(&place, &world, sample_zone(3)).await;
    assert!(place.answered(&owner("w"), RecordType::A).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ds_without_a_delegation_is_set_aside() {
    let (place, world) = bed(Software::Bind).await;
    let ds = "12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let (aside, reason) = enact(&place, &world, with(sample_zone(1), "lonely", "DS", &[ds])).await;
    assert_eq!(aside, ["lonely.example."], "{reason}");
    assert!(reason.contains("NS RRset"), "{reason}");
}

/// It is set aside between two plans. Plans 2, which leaves it as it is, 3 and 4 are chains that come to it late; then there are some
/// that have it no more, and one that has it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_chain_has_set_aside_the_next_ones_do_not_forget() {
    for software in Software::ALL {
        let place = Place::start_limited(software, SMALL);
        let world = World::around(place.target("rfc2136:later").await);
        let (mut enactor, aside) = watched(&world);
        publish(&world, with(sample_zone(1), "zz", "A", &["192.0.2.5"])).await;
        assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(1))));
        place.by_hand(&[
            "update delete zz.example. A",
            "update add zz.example. 300 A 203.0.113.8",
            "update add zz.example. 300 TXT \"heritage=external-dns,external-dns/owner=cluster-1\"",
        ]);
        world.clock.sleep(LATER).await;
        enactor.pass().await.unwrap();
        for (number, address) in [(2, Some(5)), (3, Some(7)), (4, Some(8)), (5, None), (6, None)] {
            let zone = sample_zone(number);
            let zone = match address {
                Some(address) => with(zone, "zz", "A", &[&format!("192.0.2.{address}")]),
                None => zone,
            };
            publish(&world, zone).await;
            assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(number.into()))), "{software}");
            let there = format!("{:?}", place.answered(&owner("zz"), RecordType::A));
            assert!(there.contains("203.0.113.8"), "{software}, plan {number}: {there}");
            let is_aside = aside.lock().unwrap().iter().any(|owner| owner.contains("zz"));
            assert_eq!(is_aside, address.is_some(), "{software}, plan {number}: {aside:?}");
            aside.lock().unwrap().clear();
        }
        // Once the name is free, the next plan has it, wherever in its chain it comes.
        place.by_hand(&["update delete zz.example. A", "update delete zz.example. TXT"]);
        publish(&world, with(sample_zone(7), "zz", "A", &["192.0.2.9"])).await;
        assert_eq!(enactor.pass().await, Ok(Rest::Live(Generation::new(7))), "{software}");
        assert!(!place.answered(&owner("zz"), RecordType::A).is_empty(), "{software}: {aside:?}");
    }
}
