//! The edges, from outside.

use std::time::Duration;

use dnsplan_route53_fake::{Change, Options, Propagation, RecordSet};

use crate::{Setup, txt};

async fn manual(seed: u64) -> Setup {
    Setup::new(Options { propagation: Propagation::Manual, seed, ..Options::default() }).await
}

fn answers(setup: &Setup, name: &str) -> Vec<Option<String>> {
    let value = |edge: &dnsplan_route53_fake::Edge| {
        let answer = edge.resolve(name, "TXT");
        answer.choices.first().map(|choice| choice.values[0].trim_matches('"').to_owned())
    };
    setup.fake.edges().iter().map(value).collect()
}

#[tokio::test]
async fn edges_have_what_has_reached_them_and_batches_overtake_one_another() {
    let setup = manual(0).await;
    let first = setup.put(txt("x.a.test", "1")).await;
    let second = setup.put(txt("x.a.test", "2")).await;
    assert_eq!(answers(&setup, "x.a.test"), [const { None }; 4]);
    assert!(setup.fake.propagate_to(0, &second));
    assert!(setup.fake.propagate_to(1, &first));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(answers(&setup, "x.a.test"), [text("2"), text("1"), None, None]);
    assert!(setup.fake.propagate_to(0, &first));
    assert!(!setup.fake.propagate_to(0, &first));
    assert_eq!(answers(&setup, "x.a.test")[0], text("2"), "the older batch came later");
    let pending = setup.fake.pending();
    assert_eq!(pending.len(), 2);
    assert_eq!(pending[0].edges, [2, 3].into());
    setup.fake.propagate();
    assert_eq!(answers(&setup, "x.a.test"), vec![text("2"); 4]);
    assert_eq!(setup.fake.pending(), []);
}

#[tokio::test]
async fn every_random_order_ends_the_same_and_repeats_with_its_seed() {
    let mut orders = std::collections::BTreeSet::new();
    for seed in [1, 1, 2, 3, 4] {
        let setup = manual(seed).await;
        for number in 0..5 {
            setup.put(txt("x.a.test", &number.to_string())).await;
        }
        let mut seen = Vec::new();
        while setup.fake.propagate_one() {
            seen.push(answers(&setup, "x.a.test"));
        }
        assert_eq!(seen.len(), 20);
        assert_eq!(seen.last().unwrap(), &vec![Some("4".to_owned()); 4]);
        orders.insert(seen);
    }
    assert_eq!(orders.len(), 4, "one order for each seed");
}

#[tokio::test]
async fn a_batch_reaches_an_edge_whole() {
    let setup = manual(0).await;
    let both = [Change::create(txt("x.a.test", "1")), Change::create(txt("y.a.test", "1"))];
    let id = setup.send(&both).await.unwrap();
    setup.fake.propagate_to(2, &id);
    let there = |name| answers(&setup, name).iter().map(Option::is_some).collect::<Vec<_>>();
    assert_eq!(there("x.a.test"), [false, false, true, false]);
    assert_eq!(there("x.a.test"), there("y.a.test"));
}

#[tokio::test]
async fn an_edge_may_have_the_pointer_before_its_target() {
    let setup = manual(0).await;
    let tree = RecordSet::new("tree.a.test", "A").ttl(60).value("192.0.2.1");
    let stage = setup.send(&[Change::create(tree)]).await.unwrap();
    let flip = setup.put(RecordSet::new("x.a.test", "A").alias(&setup.zone, "tree.a.test")).await;
    let edge = setup.fake.edge(0);
    assert!(setup.fake.propagate_to(0, &flip));
    assert!(edge.resolve("x.a.test", "A").may_be_empty());
    assert!(setup.fake.propagate_to(0, &stage));
    assert!(!edge.resolve("x.a.test", "A").may_be_empty());
}

#[tokio::test]
async fn edits_by_hand_and_rewinds_reach_the_edges_as_well() {
    let setup = manual(0).await;
    setup.fake.put_by_hand(&setup.zone, &txt("x.a.test", "1"));
    setup.fake.put_by_hand(&setup.zone, &txt("y.a.test", "1"));
    let snapshot = setup.fake.snapshot(&setup.zone);
    setup.fake.put_by_hand(&setup.zone, &txt("y.a.test", "2"));
    setup.fake.remove_by_hand(&setup.zone, "x.a.test", "TXT");
    setup.fake.propagate();
    assert_eq!(answers(&setup, "x.a.test")[3], None);
    setup.fake.restore(&snapshot);
    assert_eq!(setup.fake.pending().len(), 1);
    setup.fake.propagate();
    assert_eq!(answers(&setup, "x.a.test")[3].as_deref(), Some("1"));
    assert_eq!(answers(&setup, "y.a.test")[3].as_deref(), Some("1"));
}

#[tokio::test]
async fn edges_tick_by_themselves() {
    let propagation = Propagation::Ticking(Duration::from_millis(1));
    let setup = Setup::new(Options { propagation, edges: 2, ..Options::default() }).await;
    setup.put(txt("x.a.test", "1")).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !setup.fake.pending().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "nothing propagated");
        tokio::task::yield_now().await;
    }
    assert_eq!(answers(&setup, "x.a.test"), vec![Some("1".to_owned()); 2]);
}

#[tokio::test]
async fn a_name_belongs_to_the_zone_with_the_longest_name() {
    let setup = Setup::standard().await;
    let sub = setup.fake.create_zone("sub.a.test");
    setup.fake.put_by_hand(&setup.zone, &txt("x.sub.a.test", "parent"));
    setup.fake.put_by_hand(&sub, &txt("x.sub.a.test", "child"));
    assert_eq!(answers(&setup, "x.sub.a.test")[0].as_deref(), Some("child"));
    assert!(!setup.fake.edge(0).resolve("elsewhere.test", "TXT").name_exists);
}
