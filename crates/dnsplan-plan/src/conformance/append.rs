//! Appending.

use dnsplan_fence::{Generation, Nonce, Offer, ParentGeneration};

use super::fixtures::{
    api, appended, at, chain, generation, name, origin, proposal, report, set, with_address, zone,
};
use crate::{AppendError, Demand, DemandReason, PlanStore, StoreError, TargetId, Zone};

/// What `append` returns, what `head` and `get` return, and what was proposed, are one content.
pub async fn what_was_appended_is_read_back(store: &impl PlanStore) {
    assert_eq!(store.zones().await, Ok(Vec::new()), "a new store has no zone");
    assert_eq!(store.head(&origin()).await, Ok(None), "a new store has no plan");
    let mut content = with_address(&zone(), "*.wild", 7);
    content.retire(crate::RRsetKey::new(name("gone"), crate::RecordType::AAAA));
    let proposed = proposal(content.clone(), "somebody");
    let plan =
        store.append(ParentGeneration::NONE, proposed.clone(), Nonce::new(1)).await.expect("it is appended");
    assert_eq!(plan.generation(), generation(1), "the first generation is 1");
    assert_eq!(plan.digest(), content.digest(), "the digest is the content's");
    assert_eq!(*plan.provenance(), proposed.provenance, "the provenance is kept");
    assert_eq!(store.head(&origin()).await, Ok(Some(plan.clone())), "it is the head");
    let read = store.get(&origin(), plan.generation()).await.expect("it can be read").expect("it is there");
    assert_eq!(*read, *plan, "it is read as it was appended");
    assert!(content.diff(read.zone()).is_empty(), "nothing differs from what was proposed");
    assert_eq!(store.zones().await, Ok(vec![origin()]), "its zone is listed");
    assert_eq!(store.get(&origin(), generation(2)).await, Ok(None), "there is no other plan");
}

/// Of two plans made on one parent the first is appended, and the second is told who was first.
pub async fn append_is_a_compare_and_swap(store: &impl PlanStore) {
    let first = appended(store, 1, |zone| zone).await;
    let on = ParentGeneration::of(&first);
    let winner = proposal(with_address(first.zone(), "a", 1), "winner");
    let winner = store.append(on, winner, Nonce::new(2)).await.expect("the first on this parent is appended");
    let late = proposal(with_address(first.zone(), "b", 2), "late");
    let refusal =
        store.append(on, late, Nonce::new(3)).await.expect_err("the second on this parent is refused");
    let AppendError::Stale { parent, head, author } = &refusal else { panic!("stale, not {refusal:?}") };
    assert_eq!((*parent, *head, author.as_str()), (on, winner.generation(), "winner"), "it names both sides");
    assert!(refusal.to_string().contains("winner"), "the message names the winner: {refusal}");
    assert_eq!(store.find(&origin(), Nonce::new(3)).await, Ok(None), "the loser was granted nothing");
    let unborn = store.append(ParentGeneration::NONE, proposal(zone(), "new"), Nonce::new(4)).await;
    assert!(
        matches!(unborn, Err(AppendError::Stale { .. })),
        "a first plan where there is one is stale: {unborn:?}"
    );
    let ahead = ParentGeneration::recorded(generation(99));
    let ahead = store.append(ahead, proposal(zone(), "ahead"), Nonce::new(5)).await;
    assert!(matches!(ahead, Err(AppendError::Stale { .. })), "a parent that never was is stale: {ahead:?}");
    assert_eq!(store.head(&origin()).await, Ok(Some(winner)), "the winner is the head");
}

/// Each plan's parent is the plan before it, newest first, and the lines say who, what and how much.
pub async fn history_is_linear(store: &impl PlanStore) {
    assert_eq!(store.history(&origin(), 10).await, Ok(Vec::new()), "a new store has no history");
    let plans = chain(store, 4).await;
    let history = store.history(&origin(), usize::MAX).await.expect("it can be read");
    assert_eq!(history.len(), plans.len(), "every plan has a line");
    for (entry, plan) in history.iter().zip(plans.iter().rev()) {
        assert_eq!(entry.generation, plan.generation(), "newest first");
        assert_eq!((entry.parent, entry.digest), (plan.parent(), plan.digest()), "the line is the plan's");
        assert_eq!(entry.provenance, *plan.provenance(), "the line says who");
    }
    for pair in history.windows(2) {
        assert_eq!(Generation::from(pair[0].parent), pair[1].generation, "its parent is the plan before it");
    }
    assert_eq!(history[0].changed_owners, 1, "one name was added");
    assert_eq!(history[4].changed_owners, 2, "the first plan's names are its own");
    let newest = store.history(&origin(), 2).await.expect("it can be read");
    assert_eq!(newest, history[..2], "the limit keeps the newest");
}

/// A granted generation is above the head, above all that was reported from a target, and above every demand.
pub async fn generations_rise_above_all_that_was_seen(store: &impl PlanStore) {
    let grow = |label: &'static str| move |zone: Zone| with_address(&zone, label, 1);
    let target = TargetId::new("t");
    store.report(&origin(), &target, report(3, 3, 3)).await.expect("a report before the first plan counts");
    let first = appended(store, 1, |zone| zone).await;
    assert_eq!(first.generation(), generation(4), "above what is live");
    store.report(&origin(), &target, report(4, 4, 10)).await.expect("it is taken down");
    assert_eq!(
        appended(store, 2, grow("a")).await.generation(),
        generation(11),
        "above the highest of a record"
    );
    let floored = crate::TargetReport { floor: generation(20), ..report(4, 4, 10) };
    store.report(&origin(), &target, floored).await.expect("it is taken down");
    store.report(&origin(), &target, report(4, 4, 4)).await.expect("what was seen stays seen");
    assert_eq!(
        appended(store, 3, grow("b")).await.generation(),
        generation(21),
        "above a floor, once it was seen"
    );
    store.demand(&origin(), demand(30, DemandReason::TargetAhead)).await.expect("it is taken down");
    assert_eq!(appended(store, 4, grow("c")).await.generation(), generation(31), "above a demand");
    store.confirm(&origin(), &target, generation(40)).await.expect("it is taken down");
    assert_eq!(appended(store, 5, grow("d")).await.generation(), generation(41), "above what was confirmed");
    assert_eq!(
        appended(store, 6, grow("e")).await.generation(),
        generation(42),
        "one by one where nothing is ahead"
    );
}

/// `find` knows the nonce of every append that took effect, and no other; a nonce is granted one plan.
pub async fn a_lost_reply_is_settled_by_the_nonce(store: &impl PlanStore) {
    assert_eq!(store.find(&origin(), Nonce::new(1)).await, Ok(None), "nothing was appended yet");
    let first = appended(store, 1, |zone| zone).await;
    let second = appended(store, u128::MAX, |zone| with_address(&zone, "a", 1)).await;
    for (nonce, plan) in [(1, &first), (u128::MAX, &second)] {
        let found = store.find(&origin(), Nonce::new(nonce)).await;
        assert_eq!(found, Ok(Some(plan.generation())), "the nonce leads to its plan");
    }
    assert_eq!(store.find(&origin(), Nonce::new(2)).await, Ok(None), "nobody used this nonce");
    let again = proposal(with_address(second.zone(), "b", 1), "again");
    let again = store.append(ParentGeneration::of(&second), again, Nonce::new(1)).await;
    let refused = matches!(again, Err(AppendError::Store(StoreError::Refused(_))));
    assert!(refused, "a nonce is used once: {again:?}");
    assert_eq!(store.head(&origin()).await, Ok(Some(second)), "nothing was appended");
}

/// The head's own content is nothing to append, unless somebody needs it under a new generation.
pub async fn unchanged_content_needs_a_demand(store: &impl PlanStore) {
    let first = appended(store, 1, |zone| zone).await;
    let on = ParentGeneration::of(&first);
    let same = || proposal(first.zone().clone(), "again");
    let refusal = store.append(on, same(), Nonce::new(2)).await;
    assert_eq!(refusal, Err(AppendError::Unchanged(first.generation())), "there is nothing to do");
    store.demand(&origin(), demand(1, DemandReason::DigestConflict)).await.expect("it is taken down");
    let second = store.append(on, same(), Nonce::new(3)).await.expect("a demand makes it something to do");
    assert!(second.generation() > first.generation(), "it is a new generation");
    assert_eq!(second.digest(), first.digest(), "of the same content");
    let third = store.append(ParentGeneration::of(&second), same(), Nonce::new(4)).await;
    assert_eq!(third, Err(AppendError::Unchanged(second.generation())), "the demand is met");
}

/// `never-empty`, `at-least-n` and `root-ns` judge every append, and each says what to do.
pub async fn guards_refuse_with_a_remedy(store: &impl PlanStore) {
    let first = appended(store, 1, |zone| zone).await;
    let broken = |edit: fn(&mut Zone)| {
        let mut content = first.zone().clone();
        edit(&mut content);
        content
    };
    let cases: [(&str, &str, Zone); 5] = [
        ("never-empty", "retire it by name", broken(|zone| drop(zone.clear(&name("api"))))),
        ("never-empty", "retire it by name", broken(|zone| zone.unprotect(&api()))),
        ("at-least-n", "override at-least-n", broken(|zone| set(zone, "api", "A", &["192.0.2.1"]))),
        ("root-ns", "override root-ns", broken(|zone| set(zone, "@", "NS", &["ns2.example.net."]))),
        ("root-ns", "no override lifts this", broken(|zone| drop(zone.clear(&origin())))),
    ];
    for (guard, remedy, content) in cases {
        let attempt =
            store.append(ParentGeneration::of(&first), proposal(content, "me"), Nonce::new(2)).await;
        let refusal = attempt.expect_err("a guard refuses");
        assert!(matches!(refusal, AppendError::Guarded(_)), "{guard} refuses, not {refusal:?}");
        let message = refusal.to_string();
        assert!(message.contains(guard) && message.contains(remedy), "{guard} and {remedy:?} in: {message}");
    }
    let bare = proposal(Zone::empty(origin()), "me");
    assert_eq!(store.head(&origin()).await, Ok(Some(first)), "nothing was appended");
    let elsewhere = Zone::empty("other.example.".parse().expect("a name"));
    let elsewhere = crate::Proposal { zone: elsewhere, ..bare };
    let refusal = store.append(ParentGeneration::NONE, elsewhere, Nonce::new(3)).await;
    assert!(matches!(refusal, Err(AppendError::Guarded(_))), "a first plan has an apex, too: {refusal:?}");
}

/// A protected endpoint goes where the plan retires it by name.
pub async fn an_endpoint_retired_by_name_may_go(store: &impl PlanStore) {
    appended(store, 1, |zone| zone).await;
    let retired = appended(store, 2, |mut zone| {
        zone.clear(&name("api"));
        zone.retire(api());
        zone
    });
    let retired = retired.await;
    assert!(retired.zone().is_retired(&api()), "the retirement is part of the content");
    assert_eq!(store.get(&origin(), retired.generation()).await, Ok(Some(retired)), "and is read back");
}

/// What is not valid DNS is not granted a generation.
pub async fn the_linter_refuses(store: &impl PlanStore) {
    let first = appended(store, 1, |zone| zone).await;
    let mut content = with_address(first.zone(), "both", 1);
    set(&mut content, "both", "CNAME", &["api"]);
    let attempt = store.append(ParentGeneration::of(&first), proposal(content, "me"), Nonce::new(2)).await;
    let Err(AppendError::Invalid(findings)) = attempt else { panic!("the linter refuses, not {attempt:?}") };
    assert_eq!(findings[0].rule, "cname-and-other-data", "it says which rule");
    let next = appended(store, 3, |zone| with_address(&zone, "a", 1)).await;
    assert_eq!(next.generation(), generation(2), "a refusal uses up no generation");
}

pub(super) fn demand(above: u64, reason: DemandReason) -> Demand {
    let (detail, by) = ("for the conformance suite".to_owned(), "enactor-1".to_owned());
    Demand { above: generation(above), reason, detail, by, at: at(2) }
}
