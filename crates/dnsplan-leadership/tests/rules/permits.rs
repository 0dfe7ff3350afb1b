//! What each record permits: the mapping onto the fence's moves, and what refuses the wrong ones.

use std::collections::BTreeSet;

use dnsplan_fence::{Generation, Move, Nonce, Observed, Part, Refused as FenceRefused, Standing};
use dnsplan_leadership::{Epoch, Outcome, Phase, Position, Refused, Seen, Write};

use crate::support::{
    ID, after, candidate, demand, freezing, life, me, node, open, receipt, sealed, seen, vacant,
};

fn action(seen: &Seen, write: &Write) -> Move {
    seen.permit(write, Nonce::new(99), &me()).expect("permitted").action()
}

#[test]
fn each_step_is_one_move_of_the_fence() {
    let first = Write::Grant(candidate(life("a", 1), 0));
    assert_eq!(action(&vacant(), &first), Move::Apply(Part::ONLY));
    assert_eq!(action(&open(), &Write::Freeze(demand(&open(), "b"))), Move::Repair);
    assert_eq!(action(&freezing(), &Write::Record(receipt(&freezing(), 5))), Move::Repair);
    let next = Write::Grant(candidate(life("b", 1), 5));
    assert_eq!(action(&sealed(), &next), Move::Apply(Part::ONLY));
}

#[test]
fn the_epoch_is_the_generation_and_only_a_grant_moves_it() {
    let numbers = [vacant(), open(), freezing(), sealed()].map(|seen| seen.epoch().map(Epoch::get));
    assert_eq!(numbers, [None, Some(1), Some(1), Some(1)]);
    let granted = after(&sealed(), &Write::Grant(candidate(life("b", 1), 5))).unwrap();
    assert_eq!(granted.epoch().map(Epoch::get), Some(2));
    assert_eq!(granted.record().base, Generation::new(2));
    assert_eq!(*granted.term().phase(), Phase::Open);
    assert_eq!(granted.term().holder(), Some(&life("b", 1)));
}

#[test]
fn a_grant_says_how_the_term_came_about() {
    for (holder, outcome) in [
        (life("b", 1), Outcome::Promoted),
        (life("a", 2), Outcome::RolledBack),
        (life("c", 1), Outcome::Diverted),
    ] {
        let granted = after(&sealed(), &Write::Grant(candidate(holder, 5))).unwrap();
        assert_eq!(granted.term().outcome(), Some(outcome));
        let origin = granted.term().origin().unwrap();
        assert_eq!((origin.handoff().id(), origin.handoff().successor()), (ID, &node("b")));
        assert_eq!(origin.from(), &life("a", 1));
    }
    assert_eq!(open().term().outcome(), None);
    let said = [Outcome::Promoted, Outcome::RolledBack, Outcome::Diverted].map(|outcome| outcome.to_string());
    assert_eq!(said, ["promoted", "rolled back", "diverted"]);
}

#[test]
fn g9_nothing_is_granted_before_the_seal_is_recorded() {
    let to = Write::Grant(candidate(life("b", 1), u64::MAX));
    for seen in [open(), freezing()] {
        assert_eq!(after(&seen, &to).unwrap_err(), Refused::NotSealed(Generation::new(1)));
    }
}

#[test]
fn g9_nothing_is_granted_to_who_lacks_accepted_writes() {
    let behind =
        Refused::Behind { candidate: life("b", 1), applied: Position::new(4), position: Position::new(5) };
    assert_eq!(after(&sealed(), &Write::Grant(candidate(life("b", 1), 4))).unwrap_err(), behind);
    assert!(after(&sealed(), &Write::Grant(candidate(life("b", 1), 6))).is_ok());
}

#[test]
fn g9_an_order_to_seal_comes_from_a_freezing_record_alone() {
    assert_eq!([vacant(), open(), sealed()].map(|seen| seen.order()), [None, None, None]);
    assert_eq!(freezing().order().map(|order| order.epoch().get()), Some(1));
}

/// A second hand-off, whose first one was of epoch 1.
fn second() -> (Seen, Seen) {
    let open = after(&sealed(), &Write::Grant(candidate(life("b", 1), 5))).expect("permitted");
    let freezing = after(&open, &Write::Freeze(demand(&open, "a"))).expect("permitted");
    (open, freezing)
}

#[test]
fn g9_a_receipt_of_an_earlier_hand_off_is_stale() {
    let old = receipt(&freezing(), 5);
    let (_, second) = second();
    let refused = after(&second, &Write::Record(old)).unwrap_err();
    assert!(matches!(refused, Refused::Fence(FenceRefused::Stale { .. })), "{refused}");
    assert!(refused.to_string().contains("generation 1 is stale: 2 is live"), "{refused}");
}

#[test]
fn a_receipt_of_a_later_epoch_records_nothing() {
    let (_, second) = second();
    let refused = after(&freezing(), &Write::Record(receipt(&second, 5))).unwrap_err();
    assert_eq!(refused, Refused::Fence(FenceRefused::OutOfOrder(Move::Repair)));
}

/// An emptied register grants epoch 1 again, to somebody else: what was meant for the first one counts for nothing.
#[test]
fn g9_a_receipt_or_demand_of_another_holders_epoch_is_refused() {
    let other = after(&vacant(), &Write::Grant(candidate(life("b", 1), 0))).unwrap();
    let frozen = after(&other, &Write::Freeze(demand(&other, "a"))).unwrap();
    let stray = [Write::Freeze(demand(&open(), "b")), Write::Record(receipt(&freezing(), 5))];
    for (seen, write) in [&other, &frozen].into_iter().zip(stray) {
        let refused = after(seen, &write).unwrap_err();
        assert!(matches!(refused, Refused::Fence(FenceRefused::DigestConflict { .. })), "{refused}");
    }
    assert!(!other.is_about(&demand(&open(), "b")) && other.is_about(&demand(&other, "b")));
}

#[test]
fn g9_a_late_demand_ends_nothing_else() {
    let late = Write::Freeze(demand(&open(), "b"));
    let refused = after(&second().0, &late).unwrap_err();
    assert!(matches!(refused, Refused::Fence(FenceRefused::Stale { .. })), "{refused}");
}

#[test]
fn a_second_hand_off_at_once_is_told_of_the_first() {
    for seen in [freezing(), sealed()] {
        let refused = after(&seen, &Write::Freeze(demand(&seen, "c"))).unwrap_err();
        assert_eq!(refused, Refused::UnderWay(ID));
    }
}

#[test]
fn a_seal_is_recorded_where_something_is_freezing_alone() {
    let receipt = receipt(&freezing(), 5);
    for seen in [open(), sealed()] {
        let refused = after(&seen, &Write::Record(receipt)).unwrap_err();
        assert_eq!(refused, Refused::NotFreezing(Generation::new(1)));
    }
    let Phase::Sealed(intent, kept) = sealed().term().phase().clone() else { panic!("it is sealed") };
    assert_eq!((intent.id(), kept, kept.epoch().get(), kept.position()), (ID, receipt, 1, Position::new(5)));
}

#[test]
fn nothing_can_be_demanded_of_a_record_that_grants_nothing() {
    assert_eq!(vacant().demand(node("b"), ID), None);
    let refused = after(&vacant(), &Write::Freeze(demand(&open(), "b"))).unwrap_err();
    assert_eq!(refused, Refused::Fence(FenceRefused::OutOfOrder(Move::Repair)));
}

#[test]
fn an_operators_freeze_holds_up_every_step() {
    let observed = Observed::Record(open().record().clone());
    let head = observed.witness().answered(Standing::new(Generation::new(2)));
    let freeze = observed.sight(head).unwrap().freeze(dnsplan_fence::FreezeId::new(3), Nonce::new(9), &me());
    let frozen = seen(freeze.into_next());
    let refused = after(&frozen, &Write::Freeze(demand(&frozen, "b"))).unwrap_err();
    assert_eq!(refused, Refused::Fence(FenceRefused::Frozen(dnsplan_fence::FreezeId::new(3))));
}

#[test]
fn what_is_no_record_permits_nothing() {
    assert_eq!(Seen::of(&Observed::Absent), None);
    assert_eq!(Seen::of(&Observed::Unreadable(Box::from(*b"scribble"))), None);
}

/// The last number there is can be granted, and nothing follows it.
#[test]
fn g9_past_the_last_epoch_nothing_is_granted() {
    let mut record = sealed().record().clone();
    record.generation = Generation::new(u64::MAX);
    record.base = record.generation;
    let refused = after(&seen(record), &Write::Grant(candidate(life("b", 1), 5))).unwrap_err();
    assert!(matches!(refused, Refused::Fence(FenceRefused::DigestConflict { .. })), "{refused}");
}

#[test]
fn holders_never_share_a_digest() {
    let characters: Vec<char> = ('a'..='z').chain('0'..='9').chain(['-']).collect();
    let pairs = characters.iter().flat_map(|one| characters.iter().map(move |other| format!("{one}{other}")));
    let pairs: Vec<String> = pairs.collect();
    let mut names: Vec<String> =
        pairs.iter().map(|pair| format!("aa{pair}")).chain(pairs.iter().cloned()).collect();
    names.extend(["a", "aaa", "aaaaa", &"z".repeat(31), &"z".repeat(32), &"9".repeat(32)].map(str::to_owned));
    let lives = names.iter().flat_map(|name| [0, 1, u64::MAX].map(|number| life(name, number)));
    let digests: Vec<_> = lives
        .map(|holder| after(&vacant(), &Write::Grant(candidate(holder, 0))).unwrap().record().digest)
        .collect();
    let distinct: BTreeSet<_> = digests.iter().collect();
    assert_eq!(distinct.len(), digests.len());
}
