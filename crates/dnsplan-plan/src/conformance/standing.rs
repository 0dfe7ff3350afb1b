//! Freezes, and the answer to a witness.

use dnsplan_fence::{Actor, Fenced, FreezeId, Generation, Nonce, ParentGeneration, Standing, Swap};

use super::fixtures::{appended, at, chain, generation, origin, proposal, report, with_address};
use crate::{AppendError, PlanStore, TargetId, TargetReport};

/// While a freeze is in force nothing is appended, and whoever tries is told which one, whose and how to lift it.
pub async fn a_freeze_stops_appends(store: &impl PlanStore) {
    let first = appended(store, 1, |zone| zone).await;
    assert_eq!(store.frozen().await, Ok(None), "a new store is not frozen");
    let freeze = store.freeze("op", "maintenance", at(5)).await.expect("it freezes");
    assert_eq!(
        (freeze.by.as_str(), freeze.reason.as_str(), freeze.at),
        ("op", "maintenance", at(5)),
        "as asked"
    );
    assert_eq!(store.frozen().await, Ok(Some(freeze.clone())), "it is in force");
    let second = store.freeze("other", "again", at(6)).await;
    assert_eq!(second, Ok(freeze.clone()), "there is one at a time: the one in force is returned");
    let more = || proposal(with_address(first.zone(), "a", 1), "me");
    let on = ParentGeneration::of(&first);
    let refusal = store.append(on, more(), Nonce::new(2)).await.expect_err("it is frozen");
    assert_eq!(refusal, AppendError::Frozen(freeze.clone()), "it says which freeze");
    let message = refusal.to_string();
    assert!(message.contains("op") && message.contains("unfreeze"), "who, and the remedy: {message}");
    assert_eq!(store.unfreeze("op", at(7)).await, Ok(vec![freeze.id]), "it says what it lifted");
    assert_eq!(store.frozen().await, Ok(None), "it is lifted");
    assert_eq!(store.unfreeze("op", at(8)).await, Ok(Vec::new()), "once");
    store.append(on, more(), Nonce::new(3)).await.expect("appends go on");
}

/// A freeze that only a target's record remembers holds that target, until `unfreeze` lifts what was reported.
pub async fn a_freeze_in_a_record_is_lifted_by_unfreeze(store: &impl PlanStore) {
    appended(store, 1, |zone| zone).await;
    let carried = FreezeId::new(9);
    let cell = frozen_cell(carried);
    let answer = store.head_after(&origin(), cell.load().witness()).await.expect("it answers");
    assert_eq!(answer.frozen(), Some(carried), "the record's freeze holds where the store has not lifted it");
    let seen = TargetReport { freeze: Some(carried), ..report(0, 0, 0) };
    store.report(&origin(), &TargetId::new("t"), seen).await.expect("it is taken down");
    assert_eq!(store.unfreeze("op", at(1)).await, Ok(vec![carried]), "what a record carries is lifted");
    let answer = store.head_after(&origin(), cell.load().witness()).await.expect("it answers");
    assert_eq!(answer.frozen(), None, "a record that still carries a lifted freeze wedges nothing");
}

/// A new freeze has an id above every one that was ever used, here or in a record.
pub async fn no_freeze_id_comes_twice(store: &impl PlanStore) {
    let mut highest = 0;
    for round in 0..3 {
        let freeze = store.freeze("op", "again", at(round)).await.expect("it freezes");
        assert!(freeze.id.get() > highest, "{} after {highest}", freeze.id);
        highest = freeze.id.get();
        store.unfreeze("op", at(round)).await.expect("it is lifted");
    }
    let seen = TargetReport { freeze: Some(FreezeId::new(highest + 5)), ..report(0, 0, 0) };
    store.report(&origin(), &TargetId::new("t"), seen).await.expect("it is taken down");
    let freeze = store.freeze("op", "above a record's", at(9)).await.expect("it freezes");
    assert!(freeze.id.get() > highest + 5, "{} after {} in a record", freeze.id, highest + 5);
    let lifted = store.unfreeze("op", at(10)).await;
    assert_eq!(lifted, Ok(vec![FreezeId::new(highest + 5), freeze.id]), "both are lifted");
    store.report(&origin(), &TargetId::new("t"), report(0, 0, 0)).await.expect("it is taken down");
    let last = store.freeze("op", "above a lifted one", at(11)).await.expect("it freezes");
    assert!(last.id > freeze.id, "{} after {}", last.id, freeze.id);
}

/// The answer to a witness has the head and the freeze of that moment, for that load.
pub async fn the_head_is_read_after_the_record(store: &impl PlanStore) {
    let cell = frozen_cell(FreezeId::new(1));
    let answer = store.head_after(&origin(), cell.load().witness()).await.expect("it answers");
    assert_eq!(answer.head(), Generation::ZERO, "a store without plans has no head");
    assert!(cell.load().sight(answer).is_some(), "the answer is for this very load");
    chain(store, 2).await;
    let answer = store.head_after(&origin(), cell.load().witness()).await.expect("it answers");
    assert_eq!(answer.head(), generation(3), "the newest generation");
    let freeze = store.freeze("op", "now", at(1)).await.expect("it freezes");
    let bare: Fenced<()> = Fenced::new();
    let answer = store.head_after(&origin(), bare.load().witness()).await.expect("it answers");
    assert_eq!(answer.frozen(), Some(freeze.id), "the store's own freeze is in the answer");
}

/// A cell with a record that carries a freeze.
fn frozen_cell(freeze: FreezeId) -> Fenced<()> {
    let cell = Fenced::new();
    let me = Actor::new("enactor-1").expect("an actor");
    let genesis = cell.load().genesis(Nonce::new(1), &me, ()).expect("nothing was there");
    assert!(matches!(cell.create(genesis), Swap::Won), "a new cell takes its first record");
    let seen = cell.load();
    let standing = seen.witness().answered(Standing::new(Generation::ZERO));
    let sighting = seen.sight(standing).expect("a record is there");
    let permit = sighting.freeze(freeze, Nonce::new(2), &me);
    assert!(matches!(cell.swap(permit, dnsplan_fence::Edit::Keep), Swap::Won), "nobody else writes");
    cell
}
