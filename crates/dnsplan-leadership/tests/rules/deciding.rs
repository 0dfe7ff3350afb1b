//! The coordinator's table, row by row, and that every situation has one step which the fence permits.

use dnsplan_leadership::{
    Candidate, HandoffId, Outcome, Position, Seen, Situation, Step, Wait, Write, decide,
};

use crate::support::{ID, after, candidate, demand, freezing, life, node, open, receipt, sealed, vacant};

const FAILOVER: HandoffId = HandoffId::new(8);

fn nothing<'a>(seen: Option<&'a Seen>, candidates: &'a [Candidate]) -> Situation<'a> {
    Situation {
        seen,
        demand: None,
        failover: FAILOVER,
        gone: None,
        is_abandoned: false,
        is_drained: false,
        receipt: None,
        is_overdue: false,
        candidates,
        proven: None,
        published: None,
    }
}

fn both() -> [Candidate; 2] {
    [candidate(life("a", 1), 5), candidate(life("b", 1), 5)]
}

#[test]
fn a_first_epoch_goes_to_the_first_candidate() {
    assert_eq!(decide(&nothing(None, &both())), Step::Bootstrap);
    assert_eq!(decide(&nothing(Some(&vacant()), &[])), Step::Wait(Wait::Candidate));
    let [first, _] = both();
    assert_eq!(decide(&nothing(Some(&vacant()), &both())), Step::Write(Write::Grant(first)));
}

#[test]
fn a_demand_freezes_for_a_successor_that_is_fit() {
    let (open, both) = (open(), both());
    let wanted = demand(&open, "b");
    let situation = Situation { demand: Some(&wanted), ..nothing(Some(&open), &both) };
    assert_eq!(decide(&situation), Step::Write(Write::Freeze(wanted.clone())));
    let alone = Situation { candidates: &both[..1], ..situation };
    assert_eq!(decide(&alone), Step::NotQualified(node("b")));
    let itself = demand(&open, "a");
    let situation = Situation { demand: Some(&itself), ..situation };
    assert_eq!(decide(&situation), Step::NotQualified(node("a")));
}

#[test]
fn a_demand_of_another_epoch_counts_for_nothing() {
    let (first, both) = (open(), both());
    let second = after(&sealed(), &Write::Grant(candidate(life("b", 1), 5))).unwrap();
    let late = demand(&first, "b");
    let situation = Situation { demand: Some(&late), ..nothing(Some(&second), &both) };
    assert_eq!(decide(&situation), Step::Canary(second.epoch().unwrap()));
}

#[test]
fn a_failed_holder_is_followed_by_another_candidate() {
    let (open, both) = (open(), both());
    let (dead, earlier) = (life("a", 1), life("a", 0));
    let failed =
        |gone, candidates| decide(&Situation { gone: Some(gone), ..nothing(Some(&open), candidates) });
    let for_b = Write::Freeze(open.demand(node("b"), FAILOVER).unwrap());
    assert_eq!(failed(&dead, &both), Step::Write(for_b));
    let restarted = [candidate(life("a", 2), 5)];
    let for_a = Write::Freeze(open.demand(node("a"), FAILOVER).unwrap());
    assert_eq!(failed(&dead, &restarted), Step::Write(for_a));
    assert_eq!(failed(&dead, &both[..1]), Step::Wait(Wait::Candidate));
    assert_eq!(failed(&earlier, &both), Step::Canary(open.epoch().unwrap()), "a report of an earlier life");
}

#[test]
fn a_grant_is_proven_then_published_then_settled() {
    let second = after(&sealed(), &Write::Grant(candidate(life("a", 1), 5))).unwrap();
    let (old, epoch) = (open().epoch(), second.epoch());
    let situation = |proven, published| Situation { proven, published, ..nothing(Some(&second), &[]) };
    assert_eq!(decide(&situation(old, old)), Step::Canary(epoch.unwrap()));
    assert_eq!(decide(&situation(epoch, old)), Step::Publish(epoch.unwrap()));
    let handoff = Some((ID, Outcome::RolledBack));
    assert_eq!(decide(&situation(epoch, epoch)), Step::Settled { epoch: epoch.unwrap(), handoff });
}

#[test]
fn a_hand_off_is_somebodys_until_it_is_abandoned() {
    for seen in [freezing(), sealed()] {
        let both = both();
        let theirs = nothing(Some(&seen), &both);
        assert_eq!(decide(&theirs), Step::Wait(Wait::HandOff(ID)));
        let other = open().demand(node("b"), HandoffId::new(1)).unwrap();
        assert_eq!(decide(&Situation { demand: Some(&other), ..theirs }), Step::Wait(Wait::HandOff(ID)));
        let mine = demand(&open(), "b");
        for situation in [
            Situation { demand: Some(&mine), ..theirs },
            Situation { failover: ID, ..theirs },
            Situation { is_abandoned: true, ..theirs },
        ] {
            assert_ne!(decide(&situation), Step::Wait(Wait::HandOff(ID)));
        }
    }
}

#[test]
fn a_frozen_epoch_is_drained_sealed_and_recorded() {
    let freezing = freezing();
    let epoch = freezing.epoch().unwrap();
    let mine = Situation { is_abandoned: true, ..nothing(Some(&freezing), &[]) };
    assert_eq!(decide(&mine), Step::Wait(Wait::Drain));
    assert_eq!(decide(&Situation { is_drained: true, ..mine }), Step::Seal(epoch));
    let (dead, earlier) = (life("a", 1), life("a", 0));
    assert_eq!(decide(&Situation { gone: Some(&dead), ..mine }), Step::Seal(epoch), "the dead drain nothing");
    assert_eq!(decide(&Situation { gone: Some(&earlier), ..mine }), Step::Wait(Wait::Drain));
    let receipt = receipt(&freezing, 5);
    let write = Step::Write(Write::Record(receipt));
    assert_eq!(decide(&Situation { receipt: Some(receipt), ..mine }), write);
}

#[test]
fn a_receipt_of_another_epoch_counts_for_nothing() {
    let old = receipt(&freezing(), 5);
    let open = after(&sealed(), &Write::Grant(candidate(life("b", 1), 5))).unwrap();
    let second = after(&open, &Write::Freeze(demand(&open, "a"))).unwrap();
    let situation =
        Situation { is_abandoned: true, is_drained: true, receipt: Some(old), ..nothing(Some(&second), &[]) };
    assert_eq!(decide(&situation), Step::Seal(second.epoch().unwrap()));
}

#[test]
fn a_sealed_epoch_is_followed_by_who_has_everything() {
    let sealed = sealed();
    let has = |name: &str, applied| candidate(life(name, 1), applied);
    let next = |candidates: &[Candidate], is_overdue| {
        decide(&Situation { is_abandoned: true, is_overdue, ..nothing(Some(&sealed), candidates) })
    };
    let granted = |one: &Candidate| Step::Write(Write::Grant(one.clone()));
    let wait = Step::Wait(Wait::CatchUp(Position::new(5)));
    let (a, b, c) = (has("a", 5), has("b", 5), has("c", 9));
    let behind = has("b", 4);
    assert_eq!(next(&[a.clone(), b.clone()], false), granted(&b));
    assert_eq!(next(&[a.clone(), b.clone()], true), granted(&b));
    assert_eq!(next(&[c.clone(), a.clone(), behind.clone()], false), wait);
    assert_eq!(next(&[c.clone(), a.clone(), behind.clone()], true), granted(&a), "rolled back");
    assert_eq!(next(&[behind.clone(), c.clone()], true), granted(&c), "diverted");
    assert_eq!(next(&[has("a", 4), behind], true), wait);
}

/// Every combination of what can be known: whatever is written, the fence permits.
#[test]
fn what_is_decided_is_permitted() {
    let second = after(&sealed(), &Write::Grant(candidate(life("b", 1), 5))).unwrap();
    let records = [vacant(), open(), freezing(), sealed(), second.clone()];
    let again = after(&second, &Write::Freeze(demand(&second, "a"))).unwrap();
    let receipts = [None, Some(receipt(&freezing(), 5)), Some(receipt(&again, 6))];
    let demands = [None, Some(demand(&open(), "b")), Some(demand(&open(), "a")), Some(demand(&second, "a"))];
    let lives = [None, Some(life("a", 1)), Some(life("b", 1))];
    let both = both();
    let behind = [candidate(life("b", 1), 4)];
    let groups: [&[Candidate]; 4] = [&[], &both, &both[1..], &behind];
    let mut written = 0;
    for seen in records.iter().chain([&again]) {
        for (receipt, demand) in receipts.iter().flat_map(|one| demands.iter().map(move |other| (one, other)))
        {
            for (gone, candidates) in lives.iter().flat_map(|one| groups.map(|group| (one, group))) {
                for flags in 0..8 {
                    let situation = Situation {
                        demand: demand.as_ref(),
                        gone: gone.as_ref(),
                        is_abandoned: flags & 1 != 0,
                        is_drained: flags & 2 != 0,
                        is_overdue: flags & 4 != 0,
                        receipt: *receipt,
                        ..nothing(Some(seen), candidates)
                    };
                    if let Step::Write(write) = decide(&situation) {
                        assert!(after(seen, &write).is_ok(), "{situation:?}");
                        written += 1;
                    }
                }
            }
        }
    }
    assert!(written > 1_000, "{written}");
}
