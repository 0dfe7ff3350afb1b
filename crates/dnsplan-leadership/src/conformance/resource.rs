//! Resources.

use super::Harness;
use super::role::life;
use crate::{Fenced, NotSent, Position, WriteId, Written};

/// What is accepted has taken effect, whichever process sent it.
pub async fn what_is_accepted_takes_effect<H: Harness>(harness: &H) {
    let role = harness.make().await;
    let seen = role.led_by(life("a", 1)).await;
    let token = role.token(&seen);
    role.accepted(harness, &token, 1).await;
    let elsewhere = harness.resource(&role).await;
    let written = elsewhere.write(&token, WriteId::new(role.attempt().get()), harness.write(&role, 2)).await;
    assert!(matches!(written, Ok(Written::Applied(_))), "{written:?}");
    assert_eq!(harness.written(&role).await, [1, 2]);
}

/// A write of an epoch that was sealed is refused, and has done nothing, wherever it comes from.
pub async fn what_is_sealed_takes_effect_no_more<H: Harness>(harness: &H) {
    let role = harness.make().await;
    let seen = role.led_by(life("a", 1)).await;
    let token = role.token(&seen);
    let last = role.accepted(harness, &token, 1).await;
    let frozen = role.freeze(&seen, "b").await;
    // To freeze is an intent, and stops nobody.
    let last = last.max(role.accepted(harness, &token, 2).await);
    let receipt = role.seal(frozen.order().expect("it is frozen")).await;
    assert_eq!(receipt.epoch(), token.epoch(), "the receipt is of another epoch");
    assert!(receipt.position() >= last, "a write that was accepted is behind the seal");
    let elsewhere = harness.resource(&role).await;
    let late = elsewhere.write(&token, WriteId::new(role.attempt().get()), harness.write(&role, 4)).await;
    for written in [role.send(harness, &token, 3).await, late.unwrap_or_else(|error| panic!("{error}"))] {
        let Written::Fenced(below) = written else { panic!("a sealed epoch writes: {written:?}") };
        assert_eq!(below.mine, token.epoch());
        assert!(below.floor > token.epoch().into(), "the floor that refuses is not above it");
    }
    assert_eq!(harness.written(&role).await, [1, 2], "a write that was refused took effect");
}

/// A seal whose reply was lost is ordered again, by anybody.
pub async fn sealing_again_says_the_same<H: Harness>(harness: &H) {
    let role = harness.make().await;
    let seen = role.led_by(life("a", 1)).await;
    role.accepted(harness, &role.token(&seen), 1).await;
    let frozen = role.freeze(&seen, "b").await;
    let order = || frozen.order().expect("it is frozen");
    let first = role.seal(order()).await;
    let elsewhere = harness.resource(&role).await;
    let again = elsewhere.seal(order()).await.unwrap_or_else(|error| panic!("a seal fails: {error}"));
    assert_eq!(first, again, "another position, though nothing was accepted in between");
    assert_eq!(first, role.seal(order()).await);
}

/// The next holder's writes are accepted, and the last one's are not; not even where nobody had sealed anything.
pub async fn a_newer_epoch_ends_an_older_one<H: Harness>(harness: &H) {
    let role = harness.make().await;
    let first = role.led_by(life("a", 1)).await;
    let old = role.token(&first);
    role.accepted(harness, &old, 1).await;
    let (second, _) = role.hand_over(&first, life("b", 1)).await;
    role.accepted(harness, &role.token(&second), 2).await;
    assert!(matches!(role.send(harness, &old, 3).await, Written::Fenced(_)), "two epochs write");
    // No order reaches the resource, and the role's register is two epochs ahead of it.
    let twin = harness.make().await;
    let first = twin.led_by(life("a", 1)).await;
    let last = twin.accepted(harness, &twin.token(&first), 1).await;
    let second = twin.hand_over_unheard(&first, life("b", 1), last).await;
    let third = twin.hand_over_unheard(&second, life("a", 2), last).await;
    twin.accepted(harness, &twin.token(&third), 2).await;
    for old in [first, second] {
        assert!(
            matches!(twin.send(harness, &twin.token(&old), 3).await, Written::Fenced(_)),
            "two epochs write"
        );
    }
    assert_eq!((harness.written(&role).await, harness.written(&twin).await), (vec![1, 2], vec![1, 2]));
}

/// An order that comes late seals nothing that is in force.
pub async fn sealing_an_older_epoch_changes_nothing<H: Harness>(harness: &H) {
    let role = harness.make().await;
    let first = role.led_by(life("a", 1)).await;
    let frozen = role.freeze(&first, "b").await;
    let late = frozen.order().expect("it is frozen");
    let receipt = role.seal(frozen.order().expect("it is frozen")).await;
    let sealed = role.put(&frozen, &crate::Write::Record(receipt)).await;
    let second = role.put(&sealed, &super::role::grant(life("b", 1), receipt.position())).await;
    role.accepted(harness, &role.token(&second), 1).await;
    let again = role.seal(late).await;
    assert_eq!(again.epoch(), receipt.epoch());
    role.accepted(harness, &role.token(&second), 2).await;
    assert_eq!(harness.written(&role).await, [1, 2]);
}

/// Every accepted write has a later position than the one before, over all epochs; a seal says the last one at least.
pub async fn positions_rise<H: Harness>(harness: &H) {
    let role = harness.make().await;
    let mut seen = role.led_by(life("a", 1)).await;
    let mut last = Position::START;
    for epoch in 0..3 {
        for number in 0..2 {
            let position = role.accepted(harness, &role.token(&seen), epoch * 2 + number).await;
            assert!(position > last, "{position} is not after {last}");
            last = position;
        }
        let (next, receipt) = role.hand_over(&seen, life(["b", "a"][epoch as usize % 2], epoch + 2)).await;
        assert!(receipt.position() >= last, "{} is before {last}", receipt.position());
        (seen, last) = (next, last.max(receipt.position()));
    }
}

/// A leader that hears of nothing is refused once, and then stops by itself for good.
pub async fn a_leader_that_was_refused_sends_nothing_more<H: Harness>(harness: &H) {
    let role = harness.make().await;
    let seen = role.led_by(life("a", 1)).await;
    let leader = role.leader(&seen, harness.resource(&role).await);
    let id = || WriteId::new(role.attempt().get());
    assert!(matches!(leader.write(id(), harness.write(&role, 1)).await, Ok(Written::Applied(_))));
    role.hand_over(&seen, life("b", 1)).await;
    assert!(!leader.is_stopped(), "it has heard of nothing");
    let refused = leader.write(id(), harness.write(&role, 2)).await;
    assert!(matches!(refused, Ok(Written::Fenced(_))), "{refused:?}");
    assert!(leader.is_stopped());
    let poisoned = leader.write(id(), harness.write(&role, 3)).await;
    assert!(matches!(poisoned, Err(NotSent::Stopped(_))), "{poisoned:?}");
    assert_eq!(harness.written(&role).await, [1]);
}
