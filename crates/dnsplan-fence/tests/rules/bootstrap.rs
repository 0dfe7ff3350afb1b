//! The two swaps of a bootstrap, and what a fresh load says about a write whose reply was lost.

use dnsplan_fence::{
    Digest, Edit, Fenced, Generation, Move, Nonce, Observed, Part, Progress, Settled, Standing, Swap, settle,
};

use crate::support::{HEAD, actor, g, live, plan, write};

#[test]
fn genesis_grants_nothing_and_names_what_it_replaces() {
    let bytes: Box<[u8]> = (*b"not a record").into();
    for (seen, replaces) in [(Observed::Absent, None), (Observed::Unreadable(bytes.clone()), Some(&*bytes))] {
        let genesis = seen.genesis(Nonce::new(1), &actor("me"), ()).expect("no record");
        assert_eq!(genesis.replaces(), replaces);
        let record = genesis.record();
        assert_eq!((record.generation, record.base, record.floor), (g(0), g(0), g(0)));
        assert_eq!((record.digest, record.flip), (Digest::ZERO, Progress::NONE));
        assert_eq!((record.stage, record.freeze, record.attempt), (None, None, Nonce::new(1)));
        assert_eq!(record.highest(), Generation::ZERO);
    }
}

#[test]
fn g1_a_record_is_never_reset() {
    assert_eq!(Observed::Record(live(5)).genesis(Nonce::new(1), &actor("me"), ()), None);
}

#[test]
fn bootstrap_is_two_swaps_and_the_first_changes_nothing_else() {
    let cell = Fenced::new();
    assert_eq!(cell.load(), Observed::Absent);
    let genesis = cell.load().genesis(Nonce::new(1), &actor("me"), ()).expect("nothing was there");
    assert_eq!(cell.create(genesis), Swap::Won);
    assert!(cell.snapshot().is_none() && cell.kept().is_empty());

    let stale = write(&cell, &plan(HEAD - 1), Move::Apply(Part::ONLY), 2, Edit::Put("stale"));
    assert!(stale.is_err(), "not the head: {stale:?}");
    assert_eq!(write(&cell, &plan(HEAD), Move::Apply(Part::ONLY), 3, Edit::Put("head")), Ok(Swap::Won));
    assert_eq!(cell.snapshot().map(|live| *live.value()), Some("head"));
}

#[test]
fn g1_create_where_a_record_is_present_is_lost() {
    let cell = Fenced::restored(live(5), "five");
    let genesis = Observed::Absent.genesis(Nonce::new(1), &actor("me"), ()).expect("absent");
    assert_eq!(cell.create(genesis), Swap::Lost(Some(live(5))));
    assert_eq!(cell.load(), Observed::Record(live(5)));
}

#[test]
fn a_create_whose_commit_fails_changes_nothing() {
    let cell: Fenced<()> = Fenced::new();
    let genesis = || cell.load().genesis(Nonce::new(1), &actor("me"), ()).expect("absent");
    assert_eq!(cell.create_after(genesis(), |_| Err("disk full")), Err("disk full"));
    assert_eq!(cell.load(), Observed::Absent);
    assert_eq!(cell.create_after(genesis(), |_| Ok::<(), &str>(())), Ok(Swap::Won));
}

#[test]
fn create_over_bytes_that_are_not_there_is_lost() {
    let cell: Fenced<()> = Fenced::new();
    let bytes: Box<[u8]> = (*b"not a record").into();
    let genesis = Observed::Unreadable(bytes).genesis(Nonce::new(1), &actor("me"), ()).expect("no record");
    assert_eq!(cell.create(genesis), Swap::Lost(None));
    assert_eq!(cell.load(), Observed::Absent);
}

#[test]
fn a_lost_reply_is_settled_by_the_nonce_that_is_there() {
    let nonce = Nonce::new;
    let holding = |bits| {
        let mut record = live(5);
        record.attempt = nonce(bits);
        Observed::Record(record)
    };
    let (mine, expected) = (nonce(7), Some(nonce(6)));
    assert_eq!(settle(mine, expected, &holding(7)), Settled::Won);
    assert_eq!(settle(mine, expected, &holding(6)), Settled::Pending, "pending is not lost");
    assert_eq!(settle(mine, expected, &holding(8)), Settled::Dead);
    assert_eq!(settle(mine, expected, &Observed::<()>::Absent), Settled::Dead);
    assert_eq!(settle(mine, None, &Observed::<()>::Absent), Settled::Pending, "a create under way");
    assert_eq!(settle(mine, None, &holding(7)), Settled::Won);
    assert_eq!(settle(mine, None, &holding(8)), Settled::Dead);
}

#[test]
fn a_witness_carries_the_records_freeze_to_the_store() {
    let mut record = live(5);
    record.freeze = Some(dnsplan_fence::FreezeId::new(2));
    let head = Observed::Record(record).witness().answered(Standing::new(g(HEAD)));
    assert_eq!((head.head(), head.frozen()), (g(HEAD), Some(dnsplan_fence::FreezeId::new(2))));
}
