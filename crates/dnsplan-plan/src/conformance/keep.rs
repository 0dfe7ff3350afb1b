//! Pins, floors, pruning, and what is known of the plans between two generations.

use std::collections::BTreeSet;

use dnsplan_fence::{Generation, Nonce};

use super::fixtures::{appended, at, chain, generation, name, origin, report, with_address};
use crate::{OwnerName, Pin, PlanStore, Pruned, StoreError, TargetId};

/// A floor is not allowed above a pin or the head; below an allowed floor nothing can be pinned.
pub async fn a_pin_bounds_the_floor_and_the_floor_bounds_pins(store: &impl PlanStore) {
    assert_eq!(store.allow_floor(&origin(), generation(5)).await, Ok(Generation::ZERO), "there is no head");
    chain(store, 5).await;
    assert_eq!(store.allow_floor(&origin(), generation(99)).await, Ok(generation(6)), "not above the head");
    let late = store.pin(&origin(), pin(5)).await;
    assert!(matches!(late, Err(StoreError::Refused(_))), "it may be gone from targets already: {late:?}");
    store.pin(&origin(), pin(6)).await.expect("the floor itself can be pinned");
    appended(store, 1, |zone| with_address(&zone, "more", 1)).await;
    assert_eq!(store.allow_floor(&origin(), generation(7)).await, Ok(generation(6)), "not above the pin");
    assert_eq!(store.pins(&origin()).await, Ok(vec![pin(6)]), "it is pinned");
    assert_eq!(store.unpin(&origin(), generation(6)).await, Ok(true), "it is unpinned");
    assert_eq!(store.unpin(&origin(), generation(6)).await, Ok(false), "once");
    assert_eq!(store.allow_floor(&origin(), generation(7)).await, Ok(generation(7)), "the way is free");
    assert_eq!(
        store.allow_floor(&origin(), generation(2)).await,
        Ok(generation(2)),
        "lower is always allowed"
    );
    let low = store.pin(&origin(), pin(6)).await;
    assert!(matches!(low, Err(StoreError::Refused(_))), "and takes nothing back: {low:?}");
    let missing = store.pin(&origin(), pin(70)).await;
    assert!(matches!(missing, Err(StoreError::NotFound(_))), "there is no such plan: {missing:?}");
}

/// Pruning keeps the head, pins, and what a target reports live, as its base, or confirmed, each whole and readable.
pub async fn prune_keeps_what_is_needed(store: &impl PlanStore) {
    let plans = chain(store, 11).await;
    store.pin(&origin(), pin(2)).await.expect("it is pinned");
    let target = TargetId::new("t");
    store.report(&origin(), &target, report(6, 4, 6)).await.expect("it is taken down");
    store.confirm(&origin(), &target, generation(5)).await.expect("it is taken down");
    let nothing = store.prune(&origin(), generation(1)).await;
    assert_eq!(nothing, Ok(Pruned { plans: 0, lowest: generation(1) }), "nothing is below the first");
    let pruned = store.prune(&origin(), generation(10)).await;
    let why = "1 and 3 go; 6 is on its way from 5, and may go over to any that follows";
    assert_eq!(pruned, Ok(Pruned { plans: 2, lowest: generation(2) }), "{why}");
    store.confirm(&origin(), &target, generation(6)).await.expect("it is taken down");
    let pruned = store.prune(&origin(), generation(10)).await;
    assert_eq!(pruned, Ok(Pruned { plans: 4, lowest: generation(2) }), "5, 7, 8 and 9 go");
    let kept = [2, 4, 6, 10, 11, 12];
    for plan in &plans {
        let read = store.get(&origin(), plan.generation()).await.expect("it can be read");
        let expected = kept.contains(&plan.generation().get()).then(|| plan.clone());
        assert_eq!(read, expected, "generation {}", plan.generation());
    }
    let lines = store.history(&origin(), usize::MAX).await.expect("it can be read");
    let lines: Vec<_> = lines.iter().map(|entry| entry.generation.get()).collect();
    assert_eq!(lines, [12, 11, 10, 6, 4, 2], "the history is that of what is kept");
    store.unpin(&origin(), generation(2)).await.expect("it is unpinned");
    let all = store.prune(&origin(), generation(99)).await;
    assert_eq!(all, Ok(Pruned { plans: 3, lowest: generation(4) }), "2, 10 and 11 go; the head stays");
    let head = store.head(&origin()).await.expect("it can be read").expect("it is there");
    assert_eq!(*head, *plans[11], "the head is whole");
    let next = appended(store, 1, |zone| with_address(&zone, "next", 1)).await;
    assert_eq!(
        store.get(&origin(), next.generation()).await,
        Ok(Some(next)),
        "and the next plan builds on it"
    );
}

/// A target that was put back to what it had before is live at less than it once confirmed: that plan stays.
pub async fn prune_keeps_what_is_live_at_a_target_that_was_put_back(store: &impl PlanStore) {
    chain(store, 8).await;
    let target = TargetId::new("t");
    store.report(&origin(), &target, report(6, 6, 6)).await.expect("it is taken down");
    store.confirm(&origin(), &target, generation(6)).await.expect("it is taken down");
    store.report(&origin(), &target, report(4, 3, 4)).await.expect("it is taken down");
    let pruned = store.prune(&origin(), generation(9)).await;
    assert_eq!(pruned, Ok(Pruned { plans: 5, lowest: generation(3) }), "1, 2, 5, 7 and 8 go");
    for needed in [3, 4, 6, 9] {
        let plan = store.get(&origin(), generation(needed)).await.expect("it can be read");
        assert!(plan.is_some(), "generation {needed} is gone");
    }
}

/// No generation is granted again, and no attempt forgotten that is still there.
pub async fn prune_frees_no_generation(store: &impl PlanStore) {
    chain(store, 3).await;
    store.prune(&origin(), generation(99)).await.expect("it prunes");
    let next = appended(store, 1, |zone| with_address(&zone, "next", 1)).await;
    assert_eq!(next.generation(), generation(5), "the numbers go on");
    assert_eq!(
        store.find(&origin(), Nonce::new(1003)).await,
        Ok(Some(generation(4))),
        "the head's nonce is there"
    );
    store.report(&origin(), &TargetId::new("t"), report(5, 5, 50)).await.expect("it is taken down");
    store.prune(&origin(), generation(99)).await.expect("it prunes");
    let next = appended(store, 2, |zone| with_address(&zone, "later", 1)).await;
    assert_eq!(next.generation(), generation(51), "what was seen stays seen");
}

/// `touched` has every name that some plan between changed, a name that went and came back included; where a plan
/// between is not there, it knows nothing.
pub async fn touched_tells_every_change_or_nothing(store: &impl PlanStore) {
    let touched = async |after: u64, upto: u64| {
        store.touched(&origin(), generation(after), generation(upto)).await.expect("it can be read")
    };
    assert_eq!(touched(0, 1).await, None, "there is no plan");
    chain(store, 2).await;
    appended(store, 1, |mut zone| {
        zone.clear(&name("h1"));
        zone
    })
    .await;
    appended(store, 2, |zone| with_address(&zone, "h1", 1)).await;
    assert_eq!(touched(2, 5).await, Some(names(&["h1", "h2"])), "three plans, two names");
    assert_eq!(touched(3, 5).await, Some(names(&["h1"])), "it went and came back");
    assert_eq!(touched(4, 5).await, Some(names(&["h1"])), "one plan");
    assert_eq!(touched(5, 5).await, Some(BTreeSet::new()), "none");
    assert_eq!(touched(0, 1).await, Some(names(&["@", "api"])), "the first plan's names are its own");
    assert_eq!(touched(2, 9).await, None, "there is no such plan");
    store.report(&origin(), &TargetId::new("t"), report(1, 1, 8)).await.expect("it is taken down");
    appended(store, 3, |zone| with_address(&zone, "h9", 9)).await;
    assert_eq!(touched(5, 9).await, Some(names(&["h9"])), "a number that was never granted is no gap");
    assert_eq!(touched(7, 9).await, None, "nobody knows what a number that was never granted stood for");
    store.confirm(&origin(), &TargetId::new("t"), generation(1)).await.expect("it is taken down");
    store.prune(&origin(), generation(4)).await.expect("it prunes");
    assert_eq!(touched(3, 9).await, Some(names(&["h1", "h9"])), "everything since 3 is there");
    assert_eq!(touched(2, 9).await, None, "3 is gone, and what it changed");
}

fn names(labels: &[&str]) -> BTreeSet<OwnerName> {
    labels.iter().map(|label| name(label)).collect()
}

fn pin(number: u64) -> Pin {
    Pin { generation: generation(number), reason: "known good".to_owned(), by: "op".to_owned(), at: at(3) }
}
