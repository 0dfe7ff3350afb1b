//! A freeze stops every permit, from the store or from the record, until the store lifts it.

use dnsplan_fence::{FreezeId, Move, Nonce, Part, Refused, Standing};

use crate::support::{HEAD, actor, g, lifting, live, plan, see};

const APPLY: Move = Move::Apply(Part::ONLY);

#[test]
fn the_stores_active_freeze_refuses() {
    let id = FreezeId::new(3);
    let frozen = see(&live(5), Standing::new(g(HEAD)).frozen_by(Some(id)));
    assert_eq!(frozen.permit(&plan(6), APPLY, Nonce::new(1), &actor("me")), Err(Refused::Frozen(id)));
    assert_eq!(frozen.head().frozen(), Some(id));
}

#[test]
fn a_records_freeze_that_is_not_lifted_refuses() {
    let mut record = live(5);
    record.freeze = Some(FreezeId::new(3));
    for standing in [Standing::new(g(HEAD)), lifting(FreezeId::new(4))] {
        let refused = see(&record, standing).permit(&plan(6), APPLY, Nonce::new(1), &actor("me"));
        assert_eq!(refused, Err(Refused::Frozen(FreezeId::new(3))));
    }
}

#[test]
fn a_lifted_freeze_wedges_nothing_and_leaves_the_record() {
    let mut record = live(5);
    record.freeze = Some(FreezeId::new(3));
    let permit = see(&record, lifting(FreezeId::new(3)))
        .permit(&plan(6), APPLY, Nonce::new(1), &actor("me"))
        .expect("lifted");
    assert_eq!((permit.expected().freeze, permit.next().freeze), (Some(FreezeId::new(3)), None));
}

#[test]
fn a_freeze_changes_nothing_but_itself_and_who_wrote() {
    let record = live(5);
    let permit = see(&record, Standing::new(g(0))).freeze(FreezeId::new(3), Nonce::new(1), &actor("me"));
    assert_eq!(permit.action(), Move::Freeze(FreezeId::new(3)));
    assert!(permit.action().is_record_only());
    let mut expected = record;
    (expected.freeze, expected.attempt, expected.by) = (Some(FreezeId::new(3)), Nonce::new(1), actor("me"));
    assert_eq!(permit.next(), &expected);
}

#[test]
fn g7_a_plan_cannot_ask_for_a_freeze_as_a_move() {
    crate::support::assert_out_of_order(&live(5), &plan(5), Move::Freeze(FreezeId::new(1)));
}
