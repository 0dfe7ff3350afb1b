//! Reports, confirmations, demands, and the revision that tells of them.

use dnsplan_fence::{FreezeId, Generation, Nonce, ParentGeneration};

use super::append::demand;
use super::fixtures::{appended, at, chain, generation, origin, proposal, report, with_address, zone};
use crate::{AppendError, DemandReason, Pin, PlanStore, Revision, StoreError, TargetId, TargetReport};

/// The last report of each target is kept, whole, and the targets come in the order of their ids.
pub async fn the_last_report_counts(store: &impl PlanStore) {
    assert_eq!(store.targets(&origin()).await, Ok(Vec::new()), "nobody has reported yet");
    let full = TargetReport {
        floor: generation(2),
        note: Some("something: do something about it".to_owned()),
        freeze: Some(FreezeId::new(3)),
        ..report(4, 3, 5)
    };
    for (target, report) in [("b", report(1, 1, 1)), ("a", report(2, 1, 2)), ("b", full.clone())] {
        store.report(&origin(), &TargetId::new(target), report).await.expect("it is taken down");
    }
    let targets = store.targets(&origin()).await.expect("it can be read");
    let ids: Vec<_> = targets.iter().map(|status| status.target.as_str()).collect();
    assert_eq!(ids, ["a", "b"], "one status for each target, by id");
    assert_eq!(targets[0].report, report(2, 1, 2), "a's only report");
    assert_eq!(targets[1].report, full, "b's last report, with everything in it");
    assert_eq!(targets[1].confirmed, Generation::ZERO, "a report confirms nothing");
    assert_eq!(store.zones().await, Ok(Vec::new()), "a zone that has only reports has no plans");
}

/// A confirmation is a maximum, whatever the order in which enactors bring theirs.
pub async fn a_confirmation_never_falls(store: &impl PlanStore) {
    let target = TargetId::new("t");
    let unknown = store.confirm(&origin(), &target, generation(1)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound(_))), "it was never reported on: {unknown:?}");
    store.report(&origin(), &target, report(1, 1, 1)).await.expect("it is taken down");
    for (confirmed, expected) in [(5, 5), (3, 5), (0, 5), (6, 6)] {
        store.confirm(&origin(), &target, generation(confirmed)).await.expect("it is taken down");
        store.report(&origin(), &target, report(1, 1, 1)).await.expect("it is taken down");
        let targets = store.targets(&origin()).await.expect("it can be read");
        assert_eq!(targets[0].confirmed, generation(expected), "after {confirmed} was confirmed");
    }
}

/// A demand is open while the head is not above it; the oldest comes first, and asking twice is asking once.
pub async fn demands_are_open_until_met(store: &impl PlanStore) {
    chain(store, 1).await;
    let (ahead, guard) = (demand(7, DemandReason::TargetAhead), demand(2, DemandReason::Guard));
    for wanted in [&ahead, &guard, &ahead, &demand(1, DemandReason::Rejected)] {
        store.demand(&origin(), wanted.clone()).await.expect("it is taken down");
    }
    let open = store.demands(&origin()).await;
    assert_eq!(open, Ok(vec![ahead, guard]), "each once, oldest first, without the one that is met already");
    let next = appended(store, 1, |zone| with_address(&zone, "a", 1)).await;
    assert_eq!(next.generation(), generation(8), "the plan is above every demand");
    assert_eq!(store.demands(&origin()).await, Ok(Vec::new()), "and meets them all");
}

/// The revision changes with everything that changes, and with nothing else: who waits for it is not woken in vain.
pub async fn the_revision_follows_changes(store: &impl PlanStore) {
    let target = TargetId::new("t");
    let mut last = revision(store).await;
    let mut moved = async |what: &str, expected: bool| {
        let now = revision(store).await;
        assert_eq!(now != last, expected, "the revision after {what}");
        last = now;
    };
    let first = appended(store, 1, |zone| zone).await;
    moved("an append", true).await;
    let unchanged = store.append(ParentGeneration::of(&first), proposal(zone(), "me"), Nonce::new(2)).await;
    assert!(matches!(unchanged, Err(AppendError::Unchanged(_))), "nothing to do, not {unchanged:?}");
    moved("a refused append", false).await;
    for (again, what) in [(true, "news"), (false, "the same again")] {
        store.report(&origin(), &target, report(1, 1, 1)).await.expect("it is taken down");
        moved(&format!("a report: {what}"), again).await;
        store.confirm(&origin(), &target, generation(1)).await.expect("it is taken down");
        moved(&format!("a confirmation: {what}"), again).await;
        store.demand(&origin(), demand(1, DemandReason::Guard)).await.expect("it is taken down");
        moved(&format!("a demand: {what}"), again).await;
        store.freeze("me", "a test", at(1)).await.expect("it is frozen");
        moved(&format!("a freeze: {what}"), again).await;
    }
    store.unfreeze("me", at(2)).await.expect("it is lifted");
    moved("an unfreeze", true).await;
    let pin = Pin { generation: generation(1), reason: "good".to_owned(), by: "me".to_owned(), at: at(1) };
    store.pin(&origin(), pin).await.expect("it is pinned");
    moved("a pin", true).await;
    store.unpin(&origin(), generation(1)).await.expect("it is unpinned");
    moved("an unpin", true).await;
    store.allow_floor(&origin(), generation(1)).await.expect("it is allowed");
    moved("a floor", true).await;
    store.head(&origin()).await.expect("it can be read");
    moved("a read", false).await;
}

async fn revision(store: &impl PlanStore) -> Revision {
    store.revision().await.expect("it can be read")
}
