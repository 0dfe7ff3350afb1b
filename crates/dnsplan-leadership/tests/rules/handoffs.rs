//! Hand-offs as types, on the in-process register: every step, every lost reply, and whoever goes on.

use dnsplan_fence::{Nonce, Register, Swap};
use dnsplan_leadership::{
    Ended, Failed, Fenced, Frozen, Handoff, Leadership, Outcome, Phase, Position, Qualified, Refused,
    Resumed, Scope, Seen, Term, Write, WriteId, Written,
};

use crate::support::{Fault, Faulty, ID, Log, block_on, candidate, life, me};

fn nonce(number: u128) -> Nonce {
    Nonce::new(number)
}

/// A register that has granted epoch 1 to the first life of `a`.
fn granted() -> Faulty {
    let register = Faulty::default();
    block_on(async {
        let genesis =
            register.load().await.expect("valid").genesis(nonce(1), &me(), Term::vacant()).expect("valid");
        assert_eq!(register.create(genesis).await.expect("valid"), Swap::Won);
        let first = Write::Grant(candidate(life("a", 1), 0));
        let permit = loaded(&register).permit(&first, nonce(2), &me()).expect("valid");
        assert_eq!(register.swap(permit, ()).await.expect("valid"), Swap::Won);
    });
    register
}

fn loaded(register: &Faulty) -> Seen {
    Seen::of(&block_on(register.load()).expect("valid")).expect("valid")
}

fn qualified<'a>(register: &'a Faulty, log: &'a Log) -> Handoff<'a, Faulty, Log, Qualified> {
    let to = candidate(life("b", 1), 0);
    block_on(Handoff::qualify(register, log, me(), &to, ID)).expect("valid")
}

fn frozen<'a>(register: &'a Faulty, log: &'a Log) -> Handoff<'a, Faulty, Log, Frozen> {
    block_on(qualified(register, log).freeze(nonce(10))).expect("valid")
}

#[test]
fn g9_a_planned_hand_off_loses_nothing_and_deposes_the_holder() {
    let (register, log) = (granted(), &Log::default());
    let scope = Scope::new("orders").unwrap();
    let old = Leadership::take_up(&loaded(&register), scope.clone(), life("a", 1), log).unwrap();
    assert_eq!(block_on(old.write(WriteId::new(1), "x")).unwrap(), Written::Applied(Position::new(1)));
    let sealed = block_on(frozen(&register, log).seal(nonce(11))).unwrap();
    assert_eq!(sealed.position(), Position::new(1));
    assert!(matches!(sealed.seen().term().phase(), Phase::Sealed(..)));
    assert!(matches!(block_on(old.write(WriteId::new(2), "y")).unwrap(), Written::Fenced(_)));
    let ended = block_on(sealed.grant(&candidate(life("b", 1), 1), nonce(12))).unwrap();
    let Ended { epoch, holder, outcome } = ended;
    assert_eq!((epoch.get(), holder, outcome), (2, life("b", 1), Outcome::Promoted));
    let new = Leadership::take_up(&loaded(&register), scope, life("b", 1), log).unwrap();
    assert_eq!(block_on(new.write(WriteId::new(3), "z")).unwrap(), Written::Applied(Position::new(2)));
    assert_eq!(log.accepted(), ["x", "z"]);
}

#[test]
fn g9_a_hand_off_that_fails_is_rolled_back_under_a_new_epoch() {
    let (register, log) = (granted(), &Log::default());
    let sealed = block_on(frozen(&register, log).seal(nonce(11))).unwrap();
    let ended = block_on(sealed.grant(&candidate(life("a", 1), 0), nonce(12))).unwrap();
    assert_eq!((ended.epoch.get(), ended.outcome), (2, Outcome::RolledBack));
}

#[test]
fn a_candidate_that_lacks_writes_is_granted_nothing() {
    let (register, log) = (granted(), &Log::default());
    let old =
        Leadership::take_up(&loaded(&register), Scope::new("orders").unwrap(), life("a", 1), log).unwrap();
    assert_eq!(block_on(old.write(WriteId::new(1), "x")).unwrap(), Written::Applied(Position::new(1)));
    let sealed = block_on(frozen(&register, log).seal(nonce(11))).unwrap();
    let failed = block_on(sealed.grant(&candidate(life("b", 1), 0), nonce(12))).unwrap_err();
    assert!(matches!(failed, Failed::Refused(Refused::Behind { .. })), "{failed}");
}

#[test]
fn g9_a_lost_reply_is_settled_and_a_lost_request_is_pending() {
    let (register, log) = (granted(), &Log::default());
    let lose = |fault| *register.next.lock().unwrap() = Some(fault);
    lose(Fault::LoseRequest);
    let failed = block_on(qualified(&register, log).freeze(nonce(20))).unwrap_err();
    assert!(matches!(failed, Failed::Pending), "{failed}");
    lose(Fault::LoseReply);
    let frozen = block_on(qualified(&register, log).freeze(nonce(21))).unwrap();
    lose(Fault::LoseReply);
    let sealed = block_on(frozen.seal(nonce(22))).unwrap();
    lose(Fault::LoseReply);
    let ended = block_on(sealed.grant(&candidate(life("b", 1), 0), nonce(23))).unwrap();
    assert_eq!(ended.outcome, Outcome::Promoted);
}

#[test]
fn g9_whoever_is_overtaken_goes_on_from_what_there_is() {
    [Fault::Overtake, Fault::OvertakeUnheard].into_iter().for_each(overtaken_by);
}

fn overtaken_by(fault: Fault) {
    let (register, log) = (granted(), &Log::default());
    let frozen = frozen(&register, log);
    *register.next.lock().expect("unpoisoned") = Some(fault);
    let failed = block_on(frozen.seal(nonce(30))).expect_err("overtaken");
    assert!(matches!(failed, Failed::Overtaken), "{failed}");
    let Resumed::Sealed(sealed) = block_on(Handoff::resume(&register, log, me())).expect("a record") else {
        panic!("somebody else has recorded the seal")
    };
    assert_eq!(sealed.position(), Position::new(99));
    *register.next.lock().expect("unpoisoned") = Some(fault);
    let failed = block_on(sealed.grant(&candidate(life("b", 1), 99), nonce(31))).expect_err("overtaken");
    assert!(matches!(failed, Failed::Overtaken), "{failed}");
    let Resumed::None(seen) = block_on(Handoff::resume(&register, log, me())).expect("a record") else {
        panic!("somebody else has granted the epoch")
    };
    assert_eq!(seen.term().outcome(), Some(Outcome::Diverted));
}

#[test]
fn g9_an_abandoned_hand_off_is_finished_by_anybody() {
    let (register, log) = (granted(), &Log::default());
    drop(frozen(&register, log));
    let Resumed::Frozen(frozen) = block_on(Handoff::resume(&register, log, me())).unwrap() else {
        panic!("it is frozen")
    };
    let first = block_on(log.seal(frozen.seen().order().unwrap())).unwrap();
    let sealed = block_on(frozen.seal(nonce(40))).unwrap();
    assert_eq!(sealed.position(), first.position(), "sealing again answers the same");
    let ended = block_on(sealed.grant(&candidate(life("b", 1), 0), nonce(41))).unwrap();
    assert_eq!(ended.outcome, Outcome::Promoted);
}

#[test]
fn a_second_hand_off_at_once_and_one_of_nothing_are_clear_answers() {
    let (register, log) = (granted(), &Log::default());
    let second = qualified(&register, log);
    let first = frozen(&register, log);
    let failed = block_on(second.freeze(nonce(50))).unwrap_err();
    assert!(matches!(failed, Failed::Overtaken), "{failed}");
    drop(first);
    let failed = block_on(qualified(&register, log).freeze(nonce(51))).unwrap_err();
    assert!(matches!(failed, Failed::Refused(Refused::UnderWay(ID))), "{failed}");
    let empty = Faulty::default();
    let to = candidate(life("b", 1), 0);
    let failed = block_on(Handoff::qualify(&empty, log, me(), &to, ID)).unwrap_err();
    assert!(matches!(failed, Failed::Vacant), "{failed}");
    assert!(matches!(block_on(Handoff::resume(&empty, log, me())), Err(Failed::Vacant)));
}
