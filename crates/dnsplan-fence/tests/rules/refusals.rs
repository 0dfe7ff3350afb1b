//! Offered against observed: what the fence refuses, with both sides named.

use dnsplan_fence::{FreezeId, Move, Nonce, Observed, Offer, Part, Refused, Standing};

use crate::support::{HEAD, actor, after, g, live, part, plan, progress, rival, see, staged};

fn every_move() -> [Move; 6] {
    let only = Part::ONLY;
    [
        Move::Stage(only),
        Move::Flip(only),
        Move::Apply(only),
        Move::Repair,
        Move::RaiseFloor(g(9)),
        Move::Reap(g(1)),
    ]
}

#[test]
fn g1_an_older_plan_is_stale_for_every_move() {
    let record = live(5);
    for action in every_move() {
        let refused = after(&record, &plan(4), action).expect_err("stale");
        let stale =
            Refused::Stale { offered: plan(4).offered(), live: record.observed(), by: actor("before") };
        assert_eq!(refused, stale, "{action:?}");
        assert_eq!(refused.to_string(), "generation 4 is stale: 5 is live, put there by before");
    }
}

#[test]
fn g1_a_plan_below_the_floor_is_refused_for_every_move() {
    let mut record = live(5);
    record.floor = g(8);
    for action in every_move() {
        let below = Refused::BelowFloor { offered: plan(7).offered(), floor: g(8), by: actor("before") };
        assert_eq!(after(&record, &plan(7), action), Err(below), "{action:?}");
    }
    assert!(after(&record, &plan(8), Move::Apply(Part::ONLY)).is_ok(), "at the floor is not below it");
}

#[test]
fn g6_the_live_generation_with_other_content_is_refused_for_every_move() {
    let record = live(5);
    for action in every_move() {
        let conflict = Refused::DigestConflict {
            offered: plan(5).offered(),
            ours: rival(5).digest(),
            theirs: plan(5).digest(),
            by: actor("before"),
        };
        assert_eq!(after(&record, &rival(5), action), Err(conflict), "{action:?}");
    }
}

#[test]
fn g6_the_staged_generation_with_other_content_is_refused_for_every_move() {
    let mut record = live(5);
    record.stage = staged(&plan(6), progress(1, 2));
    for action in every_move() {
        let conflict = Refused::DigestConflict {
            offered: plan(6).offered(),
            ours: rival(6).digest(),
            theirs: plan(6).digest(),
            by: actor("before"),
        };
        assert_eq!(after(&record, &rival(6), action), Err(conflict), "{action:?}");
    }
    assert!(after(&record, &rival(7), Move::Stage(Part::ONLY)).is_ok(), "a higher one gets through");
}

#[test]
fn an_offer_above_the_head_is_refused() {
    let above = plan(HEAD + 1);
    for action in every_move() {
        let refused = Refused::NotHead { offered: above.offered(), head: g(HEAD) };
        assert_eq!(after(&live(5), &above, action), Err(refused), "{action:?}");
    }
    assert!(after(&live(5), &plan(HEAD), Move::Apply(Part::ONLY)).is_ok());
    assert!(after(&live(5), &plan(HEAD - 1), Move::Apply(Part::ONLY)).is_ok(), "need not be the head");
}

#[test]
fn g1_generation_zero_takes_only_the_head() {
    let mut unknown = live(0);
    unknown.flip = progress(0, 0);
    for (offered, permitted) in [(0, false), (1, false), (HEAD - 1, false), (HEAD, true), (HEAD + 1, false)] {
        let outcome = after(&unknown, &plan(offered), Move::Apply(Part::ONLY));
        let refused = Refused::NotHead { offered: plan(offered).offered(), head: g(HEAD) };
        assert_eq!(outcome.err(), (!permitted).then_some(refused), "offered {offered}");
    }
}

#[test]
fn g7_a_head_answered_for_another_load_gives_no_sighting() {
    let (mut before, now) = (live(5), live(5));
    before.attempt = Nonce::new(99);
    let standing = || Standing::new(g(HEAD));
    let (before, now) = (Observed::Record(before), Observed::Record(now));
    let too_early = before.witness().answered(standing());
    let of_absence = Observed::<()>::Absent.witness().answered(standing());
    assert_eq!(now.clone().sight(too_early), None, "the head may be older than the load");
    assert_eq!(now.clone().sight(of_absence.clone()), None);
    assert_eq!(Observed::<()>::Absent.sight(of_absence), None, "absence is not a token");
    let own = now.witness().answered(standing());
    assert!(now.sight(own).is_some());
}

#[test]
fn g7_generation_and_digest_come_from_the_plan_and_the_rest_from_the_load() {
    let record = live(5);
    let permit = see(&record, Standing::new(g(HEAD)))
        .permit(&plan(7), Move::Apply(Part::ONLY), Nonce::new(3), &actor("me"))
        .expect("permitted");
    assert_eq!(permit.expected(), &record, "whole and unchanged");
    let next = permit.next();
    assert_eq!((next.generation, next.digest), (g(7), plan(7).digest()));
    assert_eq!((next.attempt, &next.by), (Nonce::new(3), &actor("me")));
}

#[test]
fn repair_needs_the_plan_live_and_complete() {
    let record = live(5);
    let repaired = after(&record, &plan(5), Move::Repair).expect("live and complete");
    assert_ne!(repaired.attempt, record.attempt, "a repair rotates the nonce");
    assert_eq!((repaired.generation, repaired.base, repaired.flip), (g(5), g(5), progress(1, 1)));

    let mut half = live(5);
    (half.base, half.flip) = (g(4), progress(1, 2));
    crate::support::assert_out_of_order(&half, &plan(5), Move::Repair);
    crate::support::assert_out_of_order(&record, &plan(6), Move::Repair);
}

#[test]
fn a_plan_that_is_in_place_is_not_put_in_place_again() {
    for action in
        [Move::Apply(part(0, 1)), Move::Apply(part(0, 2)), Move::Flip(part(0, 1)), Move::Stage(part(0, 1))]
    {
        crate::support::assert_out_of_order(&live(5), &plan(5), action);
    }
}

#[test]
fn only_floors_and_freezes_write_the_record_alone() {
    for action in every_move() {
        let is_alone = matches!(action, Move::RaiseFloor(_));
        assert_eq!(action.is_record_only(), is_alone, "{action:?}");
    }
    assert!(Move::Freeze(FreezeId::new(1)).is_record_only());
}
