//! Leadership: taken up from the record alone, and over for good after the first refusal.

use std::sync::atomic::Ordering;

use dnsplan_leadership::{Fenced, Leadership, NotSent, Position, Scope, Seen, Write, WriteId, Written};

use crate::support::{Log, after, block_on, candidate, demand, freezing, life, open, sealed};

const ONE: WriteId = WriteId::new(1);

fn take_up<'a>(seen: &Seen, name: &str, log: &'a Log) -> Option<Leadership<&'a Log>> {
    Leadership::take_up(seen, Scope::new("orders").expect("valid"), life(name, 1), log).ok()
}

#[test]
fn only_the_holder_of_an_open_epoch_takes_it_up() {
    let log = Log::default();
    assert!(take_up(&open(), "b", &log).is_none());
    assert!(take_up(&freezing(), "a", &log).is_none() && take_up(&sealed(), "a", &log).is_none());
    let mine = take_up(&open(), "a", &log).unwrap();
    let token = mine.token();
    assert_eq!((token.scope().as_str(), Some(token.epoch())), ("orders", open().epoch()));
    assert_eq!(token.holder(), &life("a", 1));
}

#[test]
fn a_sealed_leader_is_refused_and_never_writes_again() {
    let log = Log::default();
    let mine = take_up(&open(), "a", &log).unwrap();
    assert_eq!(block_on(mine.write(ONE, "x")).unwrap(), Written::Applied(Position::new(1)));
    let receipt = block_on(log.seal(freezing().order().unwrap())).unwrap();
    assert_eq!(receipt.position(), Position::new(1));
    let Written::Fenced(below) = block_on(mine.write(ONE, "y")).unwrap() else { panic!("it is sealed") };
    assert_eq!((below.mine.get(), below.floor.get()), (1, 2));
    let stopped = block_on(mine.write(ONE, "z")).unwrap_err();
    assert_eq!(stopped, NotSent::Stopped(open().epoch().unwrap()));
    assert!(mine.is_stopped() && stopped.to_string().contains("epoch 1 has stopped"));
    assert_eq!(log.accepted(), ["x"]);
}

#[test]
fn a_lost_reply_is_unknown_and_stops_nothing() {
    let log = Log::default();
    let mine = take_up(&open(), "a", &log).unwrap();
    log.is_mute.store(true, Ordering::Relaxed);
    assert_eq!(block_on(mine.write(ONE, "x")).unwrap(), Written::Unknown(ONE));
    assert!(!mine.is_stopped());
}

#[test]
fn a_leader_that_hears_of_the_end_begins_no_new_write() {
    let log = Log::default();
    for seen in [freezing(), sealed()] {
        let mine = take_up(&open(), "a", &log).unwrap();
        mine.attend(&open());
        assert!(!mine.is_stopped());
        mine.attend(&seen);
        mine.attend(&open());
        assert!(mine.is_stopped() && block_on(mine.write(ONE, "x")).is_err());
    }
    assert_eq!(log.accepted(), [""; 0]);
}

/// Rolled back, a node leads under a new epoch; its old leadership stays over.
#[test]
fn a_rolled_back_node_leads_under_a_new_epoch_alone() {
    let log = Log::default();
    let before = take_up(&open(), "a", &log).unwrap();
    let receipt = block_on(log.seal(freezing().order().unwrap())).unwrap();
    let recorded = after(&freezing(), &Write::Record(receipt)).unwrap();
    let back = after(&recorded, &Write::Grant(candidate(life("a", 1), 0))).unwrap();
    before.attend(&back);
    assert!(before.is_stopped());
    let again = take_up(&back, "a", &log).unwrap();
    assert_eq!(block_on(again.write(ONE, "x")).unwrap(), Written::Applied(Position::new(1)));
    assert!(back.is_about(&demand(&back, "b")));
}
