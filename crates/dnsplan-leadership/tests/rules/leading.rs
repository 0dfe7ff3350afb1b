//! Leadership: taken up from the record alone, and over for good after the first refusal.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::mem::forget;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use dnsplan_fence::Gate;
use dnsplan_leadership::{
    Fenced, Leadership, NotSent, Order, Position, Receipt, Scope, Seen, Situation, Step, Token, Wait, Write,
    WriteId, Written, decide, text,
};

use crate::support::{ID, Log, after, block_on, candidate, demand, freezing, life, open, sealed, seen};

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
fn g9_a_sealed_leader_is_refused_and_never_writes_again() {
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
fn g9_a_rolled_back_node_leads_under_a_new_epoch_alone() {
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

/// A resource to which a write takes a while.
#[derive(Debug, Default)]
struct Slow {
    log: Log,
    arrives: AtomicBool,
}

impl Fenced for Slow {
    type Write = &'static str;
    type Error = Infallible;

    async fn write(&self, token: &Token, id: WriteId, write: &'static str) -> Result<Written, Infallible> {
        let arrives = |_: &mut Context<'_>| {
            if self.arrives.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        };
        poll_fn(arrives).await;
        self.log.write(token, id, write).await
    }

    async fn seal(&self, order: Order) -> Result<Receipt, Infallible> {
        self.log.seal(order).await
    }
}

fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What a coordinator does about a freezing record.
fn next(mine: &Leadership<&Slow>) -> Step {
    let frozen = freezing();
    decide(&Situation {
        seen: Some(&frozen),
        demand: None,
        failover: ID,
        gone: None,
        is_abandoned: false,
        is_drained: mine.is_drained(),
        receipt: None,
        is_overdue: false,
        candidates: &[],
        proven: None,
        published: None,
    })
}

/// One hand-off with one write in flight: what became of the write, where the coordinator waits for the drain and where it
/// does not.
fn hand_off_beside_a_write(is_waited_for: bool) -> Written {
    let slow = Slow::default();
    let scope = Scope::new("orders").expect("valid");
    let mine = Leadership::take_up(&open(), scope, life("a", 1), &slow).expect("it leads");
    let mut write = pin!(mine.write(ONE, "x"));
    assert_eq!(poll(write.as_mut()), Poll::Pending);
    mine.attend(&freezing());
    let mut drained = pin!(mine.drained());
    assert_eq!((poll(drained.as_mut()), mine.in_flight(), mine.is_drained()), (Poll::Pending, 1, false));
    assert_eq!(next(&mine), Step::Wait(Wait::Drain));
    let seal = || block_on(slow.seal(freezing().order().expect("freezing"))).expect("infallible");
    if !is_waited_for {
        let _: Receipt = seal();
    }
    slow.arrives.store(true, Ordering::Relaxed);
    let Poll::Ready(Ok(written)) = poll(write.as_mut()) else { panic!("it has arrived") };
    assert_eq!((poll(drained.as_mut()), mine.in_flight()), (Poll::Ready(()), 0));
    assert_eq!(next(&mine), Step::Seal(mine.token().epoch()));
    let _: Receipt = seal();
    written
}

#[test]
fn g9_a_drain_waits_for_the_write_in_flight() {
    assert_eq!(hand_off_beside_a_write(true), Written::Applied(Position::new(1)));
    // Without the wait it is just as safe, and the write is aborted.
    assert!(matches!(hand_off_beside_a_write(false), Written::Fenced(_)));
}

#[test]
fn g9_no_permit_is_had_after_the_end_and_one_had_before_still_writes() {
    let log = Log::default();
    let mine = take_up(&open(), "a", &log).unwrap();
    let before = mine.permit().unwrap();
    mine.stop();
    assert_eq!(mine.permit().unwrap_err(), NotSent::Stopped(mine.token().epoch()));
    assert!(mine.is_stopped() && !mine.is_drained());
    assert_eq!(block_on(before.write(ONE, "x")), Ok(Written::Applied(Position::new(1))));
    assert!(mine.is_drained());
}

#[test]
fn g9_after_the_first_refusal_no_permit_sends_anything() {
    let log = Log::default();
    let mine = take_up(&open(), "a", &log).unwrap();
    let [one, two] = [mine.permit().unwrap(), mine.permit().unwrap()];
    let _: Receipt = block_on(log.seal(freezing().order().unwrap())).unwrap();
    assert!(matches!(block_on(one.write(ONE, "x")), Ok(Written::Fenced(_))));
    let refused = log.refused();
    assert_eq!(block_on(two.write(ONE, "y")), Err(NotSent::Stopped(mine.token().epoch())));
    assert_eq!((log.refused(), mine.is_drained()), (refused, true));
    assert_eq!(mine.permit().unwrap_err(), NotSent::Stopped(mine.token().epoch()));
}

#[test]
fn a_write_that_nobody_waits_for_is_no_longer_in_flight() {
    let slow = Slow::default();
    let mine = Leadership::take_up(&open(), Scope::new("orders").unwrap(), life("a", 1), &slow).unwrap();
    {
        let mut write = pin!(mine.write(ONE, "x"));
        assert!(poll(write.as_mut()).is_pending() && mine.in_flight() == 1);
    }
    assert_eq!(mine.in_flight(), 0);
    let unused = mine.permit().unwrap();
    assert!(format!("{unused:?}").starts_with("Permit(Token") && mine.in_flight() == 1);
    drop(unused);
    assert!(mine.in_flight() == 0 && !mine.is_drained(), "it leads");
}

#[test]
fn more_writes_than_can_be_counted_are_not_sent() {
    let log = Log::default();
    let mine = take_up(&open(), "a", &log).unwrap();
    (0..Gate::MOST).for_each(|_| forget(mine.permit().expect("not full")));
    let full = block_on(mine.write(ONE, "x")).unwrap_err();
    assert_eq!(full, NotSent::Full(mine.token().epoch()));
    assert!(full.to_string().starts_with("8388607 writes of epoch 1 are in flight") && !mine.is_stopped());
    assert_eq!(log.accepted(), [""; 0]);
}

#[test]
fn an_epoch_that_no_gate_counts_to_is_not_taken_up() {
    let (log, back) = (Log::default(), after(&sealed(), &Write::Grant(candidate(life("a", 1), 5))).unwrap());
    for (epoch, is_taken_up) in [(Gate::HIGHEST.get(), true), (Gate::HIGHEST.get() + 1, false)] {
        let text = text::write(back.record()).replace("epoch=2", &format!("epoch={epoch}"));
        let seen = seen(text::read(&text).unwrap());
        assert_eq!(take_up(&seen, "a", &log).is_some(), is_taken_up, "{epoch}");
    }
}
