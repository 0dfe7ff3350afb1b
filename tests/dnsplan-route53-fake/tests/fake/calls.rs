//! The calls of the API, through the SDK.

use aws_sdk_route53::operation::RequestId;
use aws_sdk_route53::types::{ChangeStatus, RrType};
use dnsplan_route53_fake::{
    Change, Cost, Limits, Operation, Options, Outcome, Propagation, RecordSet, Refusal,
};

use crate::common::{list, told};
use crate::{Setup, txt};

#[tokio::test]
async fn a_new_zone_has_its_soa_and_four_name_servers() {
    let setup = Setup::standard().await;
    let sets = list(&setup.client, &setup.zone, 300).await;
    let shown: Vec<(&str, &str, usize)> =
        sets.iter().map(|set| (set.name.as_str(), set.record_type.as_str(), set.values.len())).collect();
    assert_eq!(shown, [("a.test.", "NS", 4), ("a.test.", "SOA", 1)]);
    assert_eq!(sets, setup.fake.record_sets(&setup.zone));

    let zone = setup.client.get_hosted_zone().id(&setup.zone).send().await.unwrap();
    let name_servers = zone.delegation_set().unwrap().name_servers();
    let values: Vec<&str> = sets[0].values.iter().map(|value| value.trim_end_matches('.')).collect();
    assert_eq!(name_servers, values);
    let zone = zone.hosted_zone().unwrap();
    assert_eq!((zone.name(), zone.resource_record_set_count()), ("a.test.", Some(2)));
    assert_eq!(zone.id(), format!("/hostedzone/{}", setup.zone));
}

#[tokio::test]
async fn everything_of_a_record_set_comes_back_as_it_was_sent() {
    let setup = Setup::standard().await;
    let zone = &setup.zone;
    setup.fake.add_health_check("check");
    let mut evaluating = RecordSet::new("v.a.test.", "A").alias(zone, r"\052.a.test.");
    evaluating.alias.as_mut().unwrap().evaluate_target_health = true;
    let sets = [
        RecordSet::new(r"\052.a.test.", "A").ttl(60).value("192.0.2.2").value("192.0.2.1"),
        txt("_dnsplan.a.test.", r#"with \"quotes\", <brackets> & \\ "#).value("\"two\" \"parts\""),
        RecordSet::new("m.a.test.", "AAAA").ttl(0).value("2001:DB8::1").multivalue("one id"),
        evaluating,
        RecordSet::new("w.a.test.", "A").alias(zone, r"\052.a.test.").weighted("x", 0).health_check("check"),
        RecordSet::new("w.a.test.", "A").ttl(5).value("192.0.2.3").weighted("y", 255),
    ];
    setup.send(&sets.clone().map(Change::create)).await.unwrap();
    assert_eq!(list(&setup.client, zone, 300).await[2..], sets);
    let names = ["*.A.test", "_dnsplan.a.test", "m.a.test", "v.a.test", "w.a.test", "W.A.TEST"];
    let again = sets.iter().zip(names).map(|(set, name)| RecordSet { name: name.to_owned(), ..set.clone() });
    setup.send(&again.map(Change::delete).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(list(&setup.client, zone, 300).await.len(), 2);
}

#[tokio::test]
async fn paging_goes_through_everything_once_whatever_the_size_of_a_page() {
    let setup = Setup::standard().await;
    let mut changes: Vec<Change> = (0..100)
        .map(|number| {
            let id = format!("member {number}");
            Change::create(RecordSet::new("w.a.test", "A").ttl(60).value("192.0.2.1").weighted(id, 1))
        })
        .collect();
    changes.extend((0..300).map(|number| Change::create(txt(&format!("x{number}.sub.a.test"), "t"))));
    setup.send(&changes).await.unwrap();
    let all = setup.fake.record_sets(&setup.zone);
    assert_eq!(all.len(), 402);
    for page in [1, 7, 299, 300] {
        assert_eq!(list(&setup.client, &setup.zone, page).await, all, "pages of {page}");
    }
    let output = setup
        .client
        .list_resource_record_sets()
        .hosted_zone_id(&setup.zone)
        .max_items(1000)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (output.resource_record_sets().len(), output.max_items(), output.is_truncated()),
        (300, 300, true)
    );
}

#[tokio::test]
async fn a_listing_starts_where_it_is_told_to() {
    let setup = Setup::standard().await;
    for (name, record_type) in [("b.a.test", "A"), ("b.a.test", "TXT"), ("c.a.test", "A")] {
        let value = if record_type == "A" { "192.0.2.1" } else { "\"t\"" };
        setup.put(RecordSet::new(name, record_type).ttl(1).value(value)).await;
    }
    let first = async |name: &str, record_type: Option<&str>| {
        let call = setup.client.list_resource_record_sets().hosted_zone_id(&setup.zone).max_items(1);
        let call = call.start_record_name(name).set_start_record_type(record_type.map(RrType::from));
        let output = call.send().await.map_err(told)?;
        let set = output.resource_record_sets().first();
        Ok::<_, (String, String)>(set.map(|set| format!("{} {}", set.name(), set.r#type())))
    };
    assert_eq!(first("b.a.test", None).await, Ok(Some("b.a.test. A".to_owned())));
    assert_eq!(first("B.A.test", Some("TXT")).await, Ok(Some("b.a.test. TXT".to_owned())));
    assert_eq!(first("b.a.test", Some("AAAA")).await, Ok(Some("b.a.test. TXT".to_owned())));
    assert_eq!(first("b.a.test", Some("WKS")).await, Ok(Some("c.a.test. A".to_owned())));
    assert_eq!(first("d.a.test", None).await, Ok(None));
    assert_eq!(first("x..y", None).await.unwrap_err().0, "InvalidInput");
    let typed =
        setup.client.list_resource_record_sets().hosted_zone_id(&setup.zone).start_record_type(RrType::A);
    assert_eq!(told(typed.send().await.unwrap_err()).0, "InvalidInput");
}

#[tokio::test]
async fn a_change_is_pending_until_every_edge_has_it() {
    let setup = Setup::new(Options { propagation: Propagation::Manual, ..Options::default() }).await;
    let id = setup.put(txt("x.a.test", "1")).await;
    let status = async || {
        let output = setup.client.get_change().id(&id).send().await.unwrap();
        output.change_info().unwrap().status().clone()
    };
    assert_eq!(status().await, ChangeStatus::Pending);
    for edge in 0..3 {
        assert!(setup.fake.propagate_to(edge, &id));
    }
    assert_eq!(status().await, ChangeStatus::Pending);
    assert!(setup.fake.propagate_to(3, &id));
    assert_eq!(status().await, ChangeStatus::Insync);
    let unknown = setup.client.get_change().id("C0").send().await.unwrap_err();
    assert_eq!(told(unknown).0, "NoSuchChange");
}

#[tokio::test]
async fn zones_are_found_by_name() {
    let setup = Setup::standard().await;
    let (b, twin) = (setup.fake.create_zone("b.test"), setup.fake.create_zone("a.test"));
    let output = setup.client.list_hosted_zones_by_name().send().await.unwrap();
    let ids: Vec<&str> =
        output.hosted_zones().iter().map(|zone| zone.id().trim_start_matches("/hostedzone/")).collect();
    assert_eq!(ids, [setup.zone.as_str(), &twin, &b]);
    let output =
        setup.client.list_hosted_zones_by_name().dns_name("b.test").max_items(1).send().await.unwrap();
    assert_eq!(output.hosted_zones()[0].name(), "b.test.");
    assert!(!output.is_truncated());
    let output =
        setup.client.list_hosted_zones_by_name().dns_name("a.test").max_items(1).send().await.unwrap();
    assert_eq!((output.is_truncated(), output.next_hosted_zone_id()), (true, Some(twin.as_str())));
    let next = setup.client.list_hosted_zones_by_name().dns_name("a.test").hosted_zone_id(&twin);
    assert_eq!(next.send().await.unwrap().hosted_zones().len(), 2);
    (0..98).for_each(|number| drop(setup.fake.create_zone(&format!("{number}.test"))));
    let output = setup.client.list_hosted_zones_by_name().max_items(1000).send().await.unwrap();
    assert_eq!((output.hosted_zones().len(), output.is_truncated()), (100, true));
}

#[tokio::test]
async fn errors_have_their_code_text_status_and_request_id() {
    let setup = Setup::standard().await;
    let error = setup.send(&[Change::delete(txt("x.a.test", "1"))]).await.unwrap_err();
    let text = "[Tried to delete resource record set [name='x.a.test.', type='TXT'] but it was not found]";
    assert_eq!(error, ("InvalidChangeBatch".to_owned(), text.to_owned()));
    let invalid = setup.send(&[Change::create(RecordSet::new("x.a.test", "A"))]).await.unwrap_err();
    assert_eq!(invalid.0, "InvalidInput");

    let error = setup.client.get_hosted_zone().id("Z404").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 404);
    assert!(error.request_id().is_some());
    assert_eq!(told(error), ("NoSuchHostedZone".to_owned(), "No hosted zone found with ID: Z404".to_owned()));
    let nowhere = crate::common::send(&setup.client, "Z404", &[Change::create(txt("x.a.test", "1"))]).await;
    assert_eq!(nowhere.unwrap_err().0, "NoSuchHostedZone");
    let list = setup.client.list_resource_record_sets().hosted_zone_id("Z404").send().await.unwrap_err();
    assert_eq!(told(list).0, "NoSuchHostedZone");
    let check = setup.send(&[Change::create(txt("x.a.test", "1").health_check("none"))]).await.unwrap_err();
    assert_eq!(check.0, "NoSuchHealthCheck");
}

#[tokio::test]
async fn calls_and_changes_are_counted_and_logged() {
    let setup = Setup::standard().await;
    let first = [Change::create(txt("x.a.test", "one")), Change::upsert(txt("y.a.test", "two"))];
    let id = setup.send(&first).await.unwrap();
    setup.send(&first).await.unwrap_err();
    setup.put(txt("z.a.test", "a longer one")).await;
    setup.put(txt("z.a.test", "short")).await;
    list(&setup.client, &setup.zone, 2).await;

    let counters = setup.fake.counters();
    assert_eq!(counters.calls(Operation::ChangeResourceRecordSets), 4);
    assert_eq!(counters.calls(Operation::ListResourceRecordSets), 3);
    assert_eq!(counters.calls(Operation::GetChange), 0);
    assert_eq!(counters.changes, 4);
    assert_eq!(counters.largest, Cost { elements: 3, characters: 28 });
    setup.fake.reset_counters();
    assert_eq!(setup.fake.counters().calls(Operation::ChangeResourceRecordSets), 0);

    let log = setup.fake.log();
    assert_eq!(log.len(), 4);
    assert_eq!((log[0].zone_id.as_str(), log[0].changes.as_slice()), (setup.zone.as_str(), first.as_slice()));
    assert_eq!(log[0].outcome, Outcome::Accepted(id.trim_start_matches("/change/").to_owned()));
    assert!(
        matches!(&log[1].outcome, Outcome::Refused(Refusal::InvalidChangeBatch(messages)) if messages.len() == 1)
    );
    let accepted: Vec<usize> = setup.fake.accepted().iter().map(|entry| entry.number).collect();
    assert_eq!(accepted, [0, 2, 3]);
    assert_eq!(setup.fake.last(), log.last().cloned());
}

#[tokio::test]
async fn limits_can_be_set() {
    let limits = Limits { elements_per_batch: 1, record_sets_per_zone: 3, page: 2, ..Limits::default() };
    let setup = Setup::new(Options { limits, ..Options::default() }).await;
    let two = [Change::create(txt("x.a.test", "1")), Change::create(txt("y.a.test", "1"))];
    let text = "[Number of records limit of 1 exceeded.]".to_owned();
    assert_eq!(setup.send(&two).await, Err(("InvalidChangeBatch".to_owned(), text)));
    setup.send(&two[..1]).await.unwrap();
    assert!(setup.send(&two[1..]).await.unwrap_err().1.contains("MAX_RRSETS_BY_ZONE"));
    let output = setup.client.list_resource_record_sets().hosted_zone_id(&setup.zone).send().await.unwrap();
    assert_eq!((output.resource_record_sets().len(), output.is_truncated()), (2, true));
}

#[tokio::test]
async fn a_large_body_arrives_whole() {
    let setup = Setup::new(Options {
        limits: Limits { characters_per_batch: 10_000_000, ..Limits::default() },
        ..Options::default()
    })
    .await;
    let text = vec![format!("\"{}\"", "x".repeat(255)); 15].join(" ");
    let changes: Vec<Change> = (0..1_000)
        .map(|number| Change::create(RecordSet::new(format!("x{number}.a.test"), "TXT").ttl(1).value(&text)))
        .collect();
    setup.send(&changes).await.unwrap();
    assert_eq!(setup.fake.record_sets(&setup.zone).len(), 1_002);
}

#[tokio::test]
async fn edits_by_hand_pass_all_rules_and_zones_can_be_rewound() {
    let setup = Setup::standard().await;
    let before = setup.fake.snapshot(&setup.zone);
    setup.put(txt("x.a.test", "1")).await;
    let after = setup.fake.snapshot(&setup.zone);
    let broken = RecordSet::new("X.A.test", "CNAME").ttl(-1).value("a").value("b");
    setup.fake.put_by_hand(&setup.zone, &broken);
    assert_eq!(setup.fake.find(&setup.zone, "x.a.test", "CNAME")[0].values, ["a", "b"]);
    assert_eq!(setup.fake.remove_by_hand(&setup.zone, "x.a.test", "TXT").len(), 1);
    assert_eq!(setup.fake.remove_by_hand(&setup.zone, "x.a.test", "TXT"), []);
    assert_eq!(setup.value("x.a.test"), None);
    setup.fake.restore(&after);
    assert_eq!(setup.value("x.a.test").as_deref(), Some("\"1\""));
    assert_eq!(setup.fake.find(&setup.zone, "x.a.test", "CNAME"), []);
    setup.fake.restore(&before);
    assert_eq!(setup.fake.record_sets(&setup.zone).len(), 2);
    assert!(!setup.fake.edge(0).resolve("x.a.test", "TXT").name_exists, "the edges are rewound as well");
}

#[tokio::test]
async fn the_fence_can_be_taken_away() {
    let setup = Setup::standard().await;
    let fence = |text| txt("_dnsplan.a.test", text);
    let swap = |old, new, name| {
        [Change::delete(fence(old)), Change::create(fence(new)), Change::upsert(txt(name, new))]
    };
    setup.send(&[Change::create(fence("1"))]).await.unwrap();
    let lost = setup.send(&swap("0", "2", "x.a.test")).await.unwrap_err();
    assert!(lost.1.starts_with(
        "[Tried to delete resource record set [name='_dnsplan.a.test.', type='TXT'] but the values"
    ));
    setup.fake.set_unfenced(true);
    setup.send(&swap("0", "2", "x.a.test")).await.unwrap();
    assert_eq!(setup.value("_dnsplan.a.test").as_deref(), Some("\"2\""));
    setup.fake.set_unfenced(false);
    setup.send(&swap("0", "3", "x.a.test")).await.unwrap_err();
    setup.send(&swap("2", "3", "x.a.test")).await.unwrap();
}

#[tokio::test]
async fn of_many_who_swap_at_once_one_wins() {
    let setup = Setup::standard().await;
    let fence = |text: &str| txt("_dnsplan.a.test", text);
    setup.put(fence("0")).await;
    let racers = (0..8).map(|racer| {
        let (client, zone) = (setup.client.clone(), setup.zone.clone());
        let changes = [Change::delete(fence("0")), Change::create(fence(&format!("1 by {racer}")))];
        tokio::spawn(async move { crate::common::send(&client, &zone, &changes).await })
    });
    let racers: Vec<_> = racers.collect();
    let mut won = 0;
    for racer in racers {
        won += usize::from(racer.await.unwrap().is_ok());
    }
    assert_eq!(won, 1);
}
