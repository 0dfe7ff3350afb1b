//! What pruning leaves can be read by a process that starts, and fence records are kept and heeded.

use dnsplan_fence::Generation;
use dnsplan_plan::conformance::{appended, origin, with_address};
use dnsplan_plan::{OwnerName, Pin, PlanStore, StoreError, TargetId, Timestamp, Zone};

use super::{File, applied, found};

async fn chain(store: &crate::EmbeddedStore, plans: u8) {
    for nonce in 1..=plans {
        let label = format!("h{nonce}");
        appended(store, nonce.into(), |zone| with_address(&zone, &label, nonce)).await;
    }
}

#[tokio::test]
async fn g8_what_prune_keeps_is_readable_without_what_it_forgets() {
    let file = File::new();
    let store = file.open();
    chain(&store, 30).await;
    for generation in [3, 7, 8].map(Generation::new) {
        let pin = Pin { generation, reason: "good".into(), by: "op".into(), at: Timestamp::from_millis(1) };
        store.pin(&origin(), pin).await.unwrap();
    }
    store.prune(&origin(), Generation::new(20)).await.unwrap();
    let kept = [(3, 1), (7, 1), (8, 2), (20, 1), (30, 11)];
    for (generation, deltas) in kept {
        let other = file.open();
        let plan = other.get(&origin(), Generation::new(generation)).await.unwrap().unwrap();
        assert_eq!(plan.zone().len() as u64, generation + 2, "generation {generation} is whole");
        assert_eq!(applied(&other), deltas, "generation {generation} is read from the nearest checkpoint");
    }
    store.unpin(&origin(), Generation::new(7)).await.unwrap();
    let pruned = store.prune(&origin(), Generation::new(20)).await.unwrap();
    assert_eq!(pruned.plans, 1, "7 goes, and 8 that was built on it stays");
    let plan = file.open().get(&origin(), Generation::new(8)).await.unwrap().unwrap();
    assert_eq!(plan.zone().len(), 10);
    let orphans = "SELECT count(*) FROM checkpoint AS c WHERE NOT EXISTS
                   (SELECT 1 FROM plan AS p WHERE p.zone = c.zone AND p.generation = c.generation)";
    assert_eq!(found::<i64>(&store, orphans), 0, "a checkpoint goes with its plan");
}

#[tokio::test]
async fn g8_a_fence_record_is_kept_and_its_live_plan_too() {
    let file = File::new();
    let store = file.open();
    chain(&store, 5).await;
    let (a, b) = (TargetId::new("a"), TargetId::new("b"));
    assert_eq!(store.load_fence(&origin(), &a), Ok(None));
    store.save_fence(&origin(), &a, None, "first", Generation::new(1)).unwrap();
    store.save_fence(&origin(), &a, Some("first"), "second", Generation::new(2)).unwrap();
    for expected in [None, Some("first")] {
        let late = store.save_fence(&origin(), &a, expected, "late", Generation::new(3));
        assert!(
            matches!(&late, Err(StoreError::Refused(why)) if why.contains("another process")),
            "{late:?}"
        );
    }
    store.save_fence(&origin(), &b, None, "other", Generation::new(4)).unwrap();
    let elsewhere: OwnerName = "elsewhere.example.".parse().unwrap();
    store.save_fence(&elsewhere, &a, None, "another zone", Generation::new(9)).unwrap();
    store.prune(&origin(), Generation::new(99)).await.unwrap();
    let other = file.open();
    let kept = other.history(&origin(), usize::MAX).await.unwrap();
    assert_eq!(kept.iter().map(|entry| entry.generation.get()).collect::<Vec<_>>(), [5, 4, 2]);
    assert_eq!(other.load_fence(&origin(), &a), Ok(Some("second".to_owned())));
    assert_eq!(other.load_fence(&origin(), &b), Ok(Some("other".to_owned())));
    assert_eq!(other.load_fence(&elsewhere, &a), Ok(Some("another zone".to_owned())));
    other.save_fence(&origin(), &a, Some("second"), "ahead", Generation::new(40)).unwrap();
    let next = appended(&store, 99, |zone| with_address(&zone, "next", 1)).await;
    assert_eq!(next.generation(), Generation::new(41), "what a fence has seen is not granted again");
}

/// A fence record can be saved from inside a runtime's worker, a plain thread, and while a reader is at work.
#[tokio::test]
async fn a_fence_record_waits_for_no_reader() {
    let file = File::new();
    let store = file.open();
    chain(&store, 1).await;
    let target = TargetId::new("a");
    let saved = store.shared.read(|session| {
        session.revision()?;
        Ok(store.save_fence(&origin(), &target, None, "during a read", Generation::new(1))?)
    });
    assert_eq!(saved, Ok(()));
}

#[tokio::test]
async fn zones_are_kept_apart_and_come_back_under_their_names() {
    let file = File::new();
    let store = file.open();
    let names = ["xn--bcher-kva.example.", "a\\.b.example.", "z.example.", "example."];
    for (nonce, name) in (0..).zip(names) {
        let origin: OwnerName = name.parse().unwrap();
        let mut zone = Zone::empty(origin.clone());
        for (_, node) in dnsplan_plan::conformance::zone().nodes().take(1) {
            zone.set(origin.clone(), node.clone()).unwrap();
        }
        let proposal = dnsplan_plan::conformance::proposal(zone, "me");
        let first = dnsplan_fence::ParentGeneration::NONE;
        let plan = store.append(first, proposal, dnsplan_fence::Nonce::new(nonce)).await.unwrap();
        assert_eq!(plan.generation(), Generation::new(1), "each zone has a sequence of its own");
    }
    let mut expected: Vec<OwnerName> = names.iter().map(|name| name.parse().unwrap()).collect();
    expected.sort();
    assert_eq!(file.open().zones().await, Ok(expected));
}

#[tokio::test]
async fn a_number_that_does_not_fit_is_refused_and_changes_nothing() {
    let file = File::new();
    let store = file.open();
    chain(&store, 1).await;
    let beyond = store.save_fence(&origin(), &TargetId::new("a"), None, "beyond", Generation::new(u64::MAX));
    assert!(matches!(&beyond, Err(StoreError::Refused(why)) if why.contains("too large")), "{beyond:?}");
    assert_eq!(store.load_fence(&origin(), &TargetId::new("a")), Ok(None));
}
