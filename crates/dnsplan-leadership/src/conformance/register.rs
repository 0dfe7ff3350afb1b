//! Registers.

use dnsplan_fence::{Observed, Register, Settled, Swap, settle};

use super::role::{by, grant, life};
use super::{Harness, Role};
use crate::{Outcome, Phase, Position, Seen, Write};

/// A role that was never led has no record.
pub async fn nothing_is_there_at_first<H: Harness>(harness: &H) {
    let role = harness.make().await;
    assert!(matches!(role.load().await, Observed::Absent), "there is a record");
}

/// A first record is put where there is none, and nowhere else.
pub async fn only_the_first_record_begins<H: Harness>(harness: &H) {
    let role = harness.make().await;
    assert_eq!(role.begin().await, Swap::Won);
    let first = role.seen().await;
    assert!(first.record().generation.is_zero(), "it grants something");
    assert!(matches!(role.begin().await, Swap::Lost(_)), "a first record took another one's place");
    assert_eq!(role.seen().await, first);
    let led = role.put(&first, &grant(life("a", 1), Position::START)).await;
    assert!(matches!(role.begin().await, Swap::Lost(_)), "a first record took the place of one that grants");
    assert_eq!(role.seen().await, led);
}

/// What a won swap has written is what everybody reads from then on, to the last word.
pub async fn what_was_written_is_read_by_everybody<H: Harness>(harness: &H) {
    let role = harness.make().await;
    let mut seen = role.led_by(life("a", u64::MAX)).await;
    for step in 0..3 {
        let write = match step {
            0 => Write::Freeze(demand(&role, &seen)),
            1 => Write::Record(seen.order().expect("it is frozen").done(Position::new(u64::MAX))),
            _ => grant(life("b", 0), Position::new(u64::MAX)),
        };
        let permit = role.permit(&seen, &write);
        let next = permit.next().clone();
        assert_eq!(role.swap(permit).await, Swap::Won);
        let elsewhere = harness.register(&role).await.load().await;
        let elsewhere = elsewhere.unwrap_or_else(|error| panic!("a load fails: {error}"));
        assert_eq!(elsewhere, Observed::Record(next), "another process reads something else");
        seen = role.seen().await;
    }
}

/// A request that comes twice, or late, does nothing any more.
pub async fn a_swap_takes_effect_once<H: Harness>(harness: &H) {
    let role = harness.make().await;
    let open = role.led_by(life("a", 1)).await;
    let (write, attempt) = (Write::Freeze(demand(&role, &open)), role.attempt());
    let request = || open.permit(&write, attempt, &by()).expect("it is open");
    assert_eq!(role.swap(request()).await, Swap::Won);
    let frozen = role.seen().await;
    assert!(matches!(role.swap(request()).await, Swap::Lost(_)), "it took effect twice");
    let receipt = role.seal(frozen.order().expect("it is frozen")).await;
    let sealed = role.put(&frozen, &Write::Record(receipt)).await;
    let settled = settle(attempt, Some(open.record().attempt), &role.load().await);
    assert_eq!(settled, Settled::Dead, "a nonce was written twice");
    assert!(matches!(role.swap(request()).await, Swap::Lost(_)), "it took effect late");
    assert_eq!(role.seen().await, sealed);
}

/// Two that have read the same record cannot both replace it. The one that is told it has won has.
pub async fn of_two_swaps_of_one_record_one_wins<H: Harness>(harness: &H) {
    let role = harness.make().await;
    assert_eq!(role.begin().await, Swap::Won);
    let seen = role.seen().await;
    let other = harness.register(&role).await;
    let [mine, theirs] = ["a", "b"].map(|name| role.permit(&seen, &grant(life(name, 1), Position::START)));
    let winner = mine.next().clone();
    assert_eq!(role.swap(mine).await, Swap::Won);
    let lost = other.swap(theirs, ()).await.unwrap_or_else(|error| panic!("a swap fails: {error}"));
    let Swap::Lost(now) = lost else { panic!("both have won") };
    assert!(now.is_none_or(|now| now == winner), "it is told of another record than the one there");
    assert_eq!(*role.seen().await.record(), winner);
}

/// A record that differs in its nonce alone is another record.
pub async fn the_whole_record_is_compared<H: Harness>(harness: &H) {
    let (role, twin) = (harness.make().await, harness.make().await);
    let (there, like) = (role.led_by(life("a", 1)).await, twin.led_by(life("a", 1)).await);
    assert_ne!(there.record().attempt, like.record().attempt, "invariant: nonces differ");
    let permit = role.permit(&like, &Write::Freeze(demand(&role, &like)));
    assert!(matches!(role.swap(permit).await, Swap::Lost(_)), "the nonce is not compared");
    assert_eq!(role.seen().await, there);
}

/// From the first grant to the second hand-off, which goes back.
pub async fn a_hand_off_goes_through<H: Harness>(harness: &H) {
    let role = harness.make().await;
    let first = role.led_by(life("a", 1)).await;
    let (second, _) = role.hand_over(&first, life("b", 1)).await;
    assert_eq!((second.record().generation.get(), second.term().outcome()), (2, Some(Outcome::Promoted)));
    // The successor dies, and the one before leads again: under a new epoch.
    let frozen = role.freeze(&second, "c").await;
    let receipt = role.seal(frozen.order().expect("it is frozen")).await;
    let sealed = role.put(&frozen, &Write::Record(receipt)).await;
    assert!(matches!(sealed.term().phase(), Phase::Sealed(..)));
    let third = role.put(&sealed, &grant(life("b", 1), receipt.position())).await;
    assert_eq!((third.record().generation.get(), third.term().outcome()), (3, Some(Outcome::RolledBack)));
}

fn demand<H: Harness>(role: &Role<H>, seen: &Seen) -> crate::Demand {
    let id = crate::HandoffId::new(role.attempt().get());
    seen.demand(life("b", 0).node, id).expect("somebody leads")
}
