//! The in-process cell: whole-record comparison, pins, and commits that fail.

use dnsplan_fence::{Edit, Fenced, FreezeId, Move, Nonce, Observed, Part, Pinned, Standing, Swap};

use crate::support::{HEAD, actor, g, live, part, plan, see, write};

const APPLY: Move = Move::Apply(Part::ONLY);

/// Generation 2 is live, 1 is superseded and below the floor.
fn two_trees() -> Fenced<&'static str> {
    let cell = Fenced::restored(live(1), "one");
    for (action, nonce, edit) in [(APPLY, 1, Edit::Put("two")), (Move::RaiseFloor(g(2)), 2, Edit::Keep)] {
        assert_eq!(write(&cell, &plan(2), action, nonce, edit), Ok(Swap::Won));
    }
    cell
}

#[test]
fn g1_the_same_content_under_another_nonce_is_lost() {
    let seen = live(5);
    let permit = see(&seen, Standing::new(g(HEAD)))
        .permit(&plan(6), APPLY, Nonce::new(1), &actor("me"))
        .expect("permitted");
    let mut rewritten = live(5);
    rewritten.attempt = Nonce::new(101);
    let cell = Fenced::restored(rewritten.clone(), "five");
    assert_eq!(cell.swap(permit, Edit::Put("six")), Swap::Lost(Some(rewritten.clone())));
    assert_eq!(cell.load(), Observed::Record(rewritten));
    assert_eq!(cell.snapshot().map(|live| *live.value()), Some("five"));
}

#[test]
fn g1_the_same_nonce_in_another_record_is_lost() {
    let permit = || {
        see(&live(5), Standing::new(g(HEAD)))
            .permit(&plan(7), APPLY, Nonce::new(1), &actor("me"))
            .expect("permitted")
    };
    let (mut floored, mut frozen, mut renamed) = (live(5), live(5), live(5));
    floored.floor = g(8);
    frozen.freeze = Some(FreezeId::new(1));
    renamed.by = actor("other");
    for record in [floored, frozen, renamed, live(6)] {
        let cell = Fenced::restored(record.clone(), "there");
        assert_eq!(cell.swap(permit(), Edit::Put("seven")), Swap::Lost(Some(record)));
    }
    assert_eq!(Fenced::new().swap(permit(), Edit::Put("seven")), Swap::Lost(None));
}

#[test]
fn g3_a_pinned_tree_outlives_its_reap_and_an_unpinned_one_does_not() {
    let cell = two_trees();
    let pin = cell.snapshot_of(g(1)).expect("kept");
    assert_eq!(cell.kept(), [pinned(1, 1), pinned(2, 0)]);
    assert_eq!(cell.reapable(), []);
    assert_eq!(write(&cell, &plan(2), Move::Reap(g(1)), 3, Edit::Keep), Ok(Swap::Won));
    assert_eq!(cell.snapshot_of(g(1)).map(|tree| *tree.value()), Some("one"), "it is being read");

    let second = pin.clone();
    drop(pin);
    assert_eq!((cell.reapable(), *second.value(), second.generation()), (vec![], "one", g(1)));
    drop(second);
    assert_eq!(cell.reapable(), [g(1)]);
    assert_eq!(write(&cell, &plan(2), Move::Reap(g(1)), 4, Edit::Keep), Ok(Swap::Won));
    assert!(cell.snapshot_of(g(1)).is_none());
    assert_eq!(cell.kept(), [pinned(2, 0)]);
}

fn pinned(generation: u64, readers: usize) -> Pinned {
    Pinned { generation: g(generation), readers }
}

#[test]
fn g3_the_live_tree_is_never_reapable() {
    let cell = two_trees();
    assert!(write(&cell, &plan(2), Move::Reap(g(2)), 3, Edit::Keep).is_err());
    assert_eq!(write(&cell, &plan(9), Move::RaiseFloor(g(9)), 4, Edit::Keep), Ok(Swap::Won));
    assert_eq!(cell.reapable(), [g(1)], "a floor above the live tree does not make it reapable");
    assert!(write(&cell, &plan(9), Move::Reap(g(2)), 5, Edit::Keep).is_err());
}

#[test]
fn a_commit_that_fails_changes_nothing() {
    let cell = Fenced::restored(live(5), "five");
    let permit = || {
        see(&live(5), Standing::new(g(HEAD)))
            .permit(&plan(6), APPLY, Nonce::new(1), &actor("me"))
            .expect("permitted")
    };
    let failed = cell.swap_after(permit(), Edit::Put("six"), |_| Err("disk full"));
    assert_eq!(failed, Err("disk full"));
    assert_eq!(cell.load(), Observed::Record(live(5)));
    assert_eq!(cell.kept(), [pinned(5, 0)]);

    let committed = cell.swap_after(permit(), Edit::Put("six"), |next| {
        assert_eq!(next.generation, g(6));
        Ok::<(), &str>(())
    });
    assert_eq!(committed, Ok(Swap::Won));
    let lost = cell.swap_after(permit(), Edit::Put("six"), |_| -> Result<(), &str> {
        panic!("what is lost is not committed")
    });
    assert!(matches!(lost, Ok(Swap::Lost(Some(_)))), "{lost:?}");
}

#[test]
fn a_stage_is_put_beside_the_live_tree_and_a_flip_publishes_it() {
    let cell = Fenced::restored(live(5), "five");
    let read = |cell: &Fenced<&'static str>| cell.snapshot().map(|live| (live.generation(), *live.value()));
    let first = write(&cell, &plan(6), Move::Stage(part(0, 2)), 1, Edit::Keep);
    assert_eq!((first, read(&cell)), (Ok(Swap::Won), Some((g(5), "five"))));
    let second = write(&cell, &plan(6), Move::Stage(part(1, 2)), 2, Edit::Put("six"));
    assert_eq!((second, read(&cell)), (Ok(Swap::Won), Some((g(5), "five"))));
    let flip = write(&cell, &plan(6), Move::Flip(Part::ONLY), 3, Edit::Keep);
    assert_eq!((flip, read(&cell)), (Ok(Swap::Won), Some((g(6), "six"))));
    let repair = write(&cell, &plan(6), Move::Repair, 4, Edit::Put("six, repaired"));
    assert_eq!((repair, read(&cell)), (Ok(Swap::Won), Some((g(6), "six, repaired"))));
}

#[test]
fn g7_a_write_that_puts_no_plan_in_place_puts_no_tree() {
    let cell = two_trees();
    let seen = cell.load();
    let head = seen.witness().answered(Standing::new(g(HEAD)));
    let sighting = seen.sight(head).expect("a record is there");
    let freeze = sighting.freeze(FreezeId::new(1), Nonce::new(3), &actor("me"));
    assert_eq!(cell.swap(freeze, Edit::Put("by a freeze")), Swap::Won);
    assert_eq!(cell.snapshot().map(|live| *live.value()), Some("two"));

    let cell = two_trees();
    for (action, nonce) in [(Move::Reap(g(1)), 3), (Move::RaiseFloor(g(7)), 4)] {
        assert_eq!(write(&cell, &plan(7), action, nonce, Edit::Put("seven")), Ok(Swap::Won));
        assert_eq!(cell.snapshot().map(|live| *live.value()), Some("two"), "{action:?}");
    }
    assert_eq!(cell.kept(), [pinned(2, 0)]);
}

#[test]
fn a_cell_restored_without_its_tree_keeps_the_record_and_is_repaired() {
    let cell = Fenced::recorded(live(5));
    assert_eq!(cell.load(), Observed::Record(live(5)));
    assert!(cell.snapshot().is_none());
    assert!(write(&cell, &plan(4), APPLY, 1, Edit::Put("four")).is_err(), "still fenced");
    assert_eq!(write(&cell, &plan(5), Move::Repair, 2, Edit::Put("five")), Ok(Swap::Won));
    assert_eq!(cell.snapshot().map(|live| *live.value()), Some("five"));
}

#[test]
fn g2_a_move_that_would_leave_readers_with_nothing_is_lost() {
    let cell = Fenced::restored(live(5), "five");
    let lost = write(&cell, &plan(6), APPLY, 1, Edit::Keep);
    assert_eq!(lost, Ok(Swap::Lost(Some(live(5)))), "generation 6 has no tree here, and none is put");
    assert_eq!(cell.snapshot().map(|live| *live.value()), Some("five"));
    // A staged tree is one.
    assert_eq!(write(&cell, &plan(6), Move::Stage(Part::ONLY), 2, Edit::Put("six")), Ok(Swap::Won));
    assert_eq!(write(&cell, &plan(6), Move::Flip(Part::ONLY), 3, Edit::Keep), Ok(Swap::Won));
    assert_eq!(cell.snapshot().map(|live| *live.value()), Some("six"));
}
