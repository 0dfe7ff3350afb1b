//! Everything costs what changes.

use dnsplan_plan::PlanStore;
use dnsplan_plan::conformance::{appended, origin, with_address};

use super::{File, applied, found, large, ten_changes};

/// Bytes that an append of ten changed names stores.
async fn stored(names: u32) -> u64 {
    let file = File::new();
    let store = file.open();
    appended(&store, 1, |_| large(names)).await;
    appended(&store, 2, |zone| ten_changes(zone, 2)).await;
    let row = "SELECT length(delta) + length(provenance) FROM plan WHERE generation = 2";
    let bytes: i64 = found(&store, row);
    assert_eq!(found::<i64>(&store, "SELECT count(*) FROM checkpoint"), 0, "an append writes no checkpoint");
    bytes.unsigned_abs()
}

#[tokio::test]
async fn what_an_append_stores_depends_on_the_change_alone() {
    let (small, big) = (stored(1_000).await, stored(10_000).await);
    assert_eq!(small, big, "ten changed names take the same room in a zone ten times as large");
    assert!(big < 1_500, "ten changed names take {big} bytes");
}

#[tokio::test]
async fn a_plan_of_another_process_costs_one_delta() {
    let file = File::new();
    let (ours, theirs) = (file.open(), file.open());
    appended(&theirs, 1, |_| large(1_000)).await;
    for nonce in 2..=5 {
        appended(&theirs, nonce, |zone| ten_changes(zone, nonce.try_into().unwrap())).await;
    }
    assert_eq!(applied(&theirs), 0, "who appends reads nothing back");
    let before = ours.head(&origin()).await.unwrap().unwrap();
    assert_eq!(applied(&ours), 5, "the first read makes the plan from all its deltas");
    let newest = appended(&theirs, 6, |zone| ten_changes(zone, 6)).await;
    let head = ours.head(&origin()).await.unwrap().unwrap();
    assert_eq!(applied(&ours), 6, "the next plan costs its own delta");
    assert_eq!(*head, *newest);
    let shared = |label: &str| {
        let of = |plan: &dnsplan_plan::Plan| plan.zone().node(&super::owner(label)).unwrap().clone();
        std::sync::Arc::ptr_eq(&of(&before), &of(&head))
    };
    assert!(shared("n7"), "what did not change is shared with the plan before");
    assert!(!shared("n90"), "what changed is not");
    ours.get(&origin(), before.generation()).await.unwrap().unwrap();
    ours.head(&origin()).await.unwrap().unwrap();
    assert_eq!(applied(&ours), 6, "what was read is not read again");
    appended(&ours, 7, |zone| ten_changes(zone, 7)).await;
    assert_eq!(applied(&ours), 6, "nor when it is built upon");
}

/// A planner may put each plan together from scratch; what it gets back shares all the same.
#[tokio::test]
async fn a_plan_made_from_scratch_shares_what_did_not_change() {
    let file = File::new();
    let store = file.open();
    let first = appended(&store, 1, |_| large(100)).await;
    let second = appended(&store, 2, |_| with_address(&large(100), "n3", 9)).await;
    let node = |plan: &dnsplan_plan::Plan| plan.zone().node(&super::owner("n4")).unwrap().clone();
    assert!(std::sync::Arc::ptr_eq(&node(&first), &node(&second)));
}

#[tokio::test]
async fn a_checkpoint_is_written_when_it_is_due_and_shortens_the_first_read() {
    let file = File::new();
    let store = file.open();
    appended(&store, 0, |_| large(20)).await;
    assert_eq!(store.checkpoint(&origin()).await, Ok(false), "the first plan is whole itself");
    for nonce in 1..=10 {
        appended(&store, nonce, |zone| with_address(&zone, "n3", 100 + u8::try_from(nonce).unwrap())).await;
    }
    assert_eq!(
        store.checkpoint(&origin()).await,
        Ok(false),
        "the deltas are still smaller than the first plan"
    );
    for nonce in 11..=40 {
        appended(&store, nonce, |zone| with_address(&zone, "n3", 100 + u8::try_from(nonce).unwrap())).await;
    }
    assert_eq!(store.checkpoint(&origin()).await, Ok(true), "the deltas have outgrown it");
    assert_eq!(store.checkpoint(&origin()).await, Ok(false), "once");
    let newest = appended(&store, 41, |zone| with_address(&zone, "n3", 41)).await;
    let other = file.open();
    assert_eq!(other.head(&origin()).await, Ok(Some(newest)));
    assert_eq!(applied(&other), 2, "the checkpoint, and the one delta since");
}
