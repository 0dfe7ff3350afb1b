//! Coordinators, turn by turn: what they send, and what they leave to their callers.

use dnsplan_fence::Nonce;
use dnsplan_leadership::{
    Beliefs, Candidate, Coordinator, Demand, Holder, Order, Outcome, Receipt, Step, Token, Turn, Wait,
    WriteId, Written,
};

use crate::support::{Fault, Faulty, ID, Log, block_on, candidate, demand, life, me};

const NOTHING: Beliefs<'static> = Beliefs::new(ID, &[]);

/// A coordinator, and how many turns it has taken.
struct Turns<'a>(Coordinator<&'a Faulty, &'a Log>, u128);

impl Turns<'_> {
    fn turn(&mut self, beliefs: &Beliefs<'_>) -> Turn {
        self.1 += 1;
        block_on(self.0.turn(beliefs, Nonce::new(self.1))).expect("nothing fails")
    }

    /// Turns until one is left to the caller.
    fn on(&mut self, beliefs: &Beliefs<'_>) -> Turn {
        for _ in 0..20 {
            let turn = self.turn(beliefs);
            if !matches!(turn.step, Step::Bootstrap | Step::Write(_) | Step::Seal(_)) {
                return turn;
            }
        }
        panic!("it does not come to an end")
    }
}

fn both() -> Vec<Candidate> {
    vec![candidate(life("a", 1), 9), candidate(life("b", 1), 9)]
}

/// From nothing to the first epoch, by one coordinator.
fn begun<'a>(register: &'a Faulty, log: &'a Log, number: u128) -> (Turns<'a>, Turn) {
    let mut turns = Turns(Coordinator::new(register, log, me()), number);
    let turn = turns.on(&Beliefs { candidates: &both(), ..NOTHING });
    (turns, turn)
}

fn wanted(turn: &Turn) -> Demand {
    demand(turn.seen.as_ref().expect("there is a record"), "b")
}

#[test]
fn a_role_that_nobody_led_goes_to_the_first_candidate() {
    let (register, log) = (Faulty::default(), Log::default());
    let (_, turn) = begun(&register, &log, 0);
    let seen = turn.seen.expect("there is a record");
    assert_eq!(seen.term().holder(), Some(&life("a", 1)));
    // What follows is the caller's: to write a canary.
    assert_eq!(turn.step, Step::Canary(seen.epoch().expect("granted")));
}

#[test]
fn a_planned_hand_off_waits_for_the_drain_and_not_without_end() {
    let (register, log) = (Faulty::default(), Log::default());
    let (mut turns, first) = begun(&register, &log, 0);
    let demand = wanted(&first);
    let asked = Beliefs { demand: Some(&demand), candidates: &both(), ..NOTHING };
    assert_eq!(turns.on(&asked).step, Step::Wait(Wait::Drain));
    assert_eq!(turns.on(&asked).step, Step::Wait(Wait::Drain));
    let turn = turns.on(&Beliefs { is_drained: true, ..asked });
    let seen = turn.seen.expect("there is a record");
    assert_eq!((seen.term().holder(), seen.term().outcome()), (Some(&life("b", 1)), Some(Outcome::Promoted)));
    let epoch = seen.epoch();
    let done = turns.on(&Beliefs { proven: epoch, published: epoch, ..asked });
    let handoff = Some((demand.id(), Outcome::Promoted));
    assert_eq!(done.step, Step::Settled { epoch: epoch.expect("granted"), handoff });
}

/// Each step by another coordinator, the one before having died.
#[test]
fn whoever_comes_next_finishes_what_is_abandoned() {
    let (register, log) = (Faulty::default(), Log::default());
    let (mut turns, first) = begun(&register, &log, 0);
    let demand = wanted(&first);
    let turn = turns.turn(&Beliefs { demand: Some(&demand), candidates: &both(), ..NOTHING });
    assert!(matches!(turn.step, Step::Write(_)), "it freezes, and dies");
    let failover = dnsplan_leadership::HandoffId::new(99);
    let others = Beliefs { failover, candidates: &both(), ..NOTHING };
    let mut number = 100;
    let mut last = None;
    for _ in 0..10 {
        let mut other = Turns(Coordinator::new(&register, &log, me()), number);
        number += 100;
        assert_eq!(other.turn(&others).step, Step::Wait(Wait::HandOff(demand.id())), "it is not its own");
        let abandoned = Beliefs { is_abandoned: true, is_drained: true, ..others };
        let turn = other.turn(&abandoned);
        if matches!(turn.step, Step::Seal(_)) {
            // Its receipt dies with a coordinator that does not record it; the next one seals again.
            assert!(matches!(other.turn(&abandoned).step, Step::Write(_)));
        }
        let seen = look(&register);
        if seen.term().holder() == Some(&life("b", 1)) {
            last = seen.term().outcome();
            break;
        }
    }
    assert_eq!(last, Some(Outcome::Promoted));
}

#[test]
fn what_became_of_a_write_the_next_turn_sees() {
    for fault in [Fault::LoseReply, Fault::LoseRequest] {
        let (register, log) = (Faulty::default(), Log::default());
        let (mut turns, first) = begun(&register, &log, 0);
        let demand = wanted(&first);
        let asked = Beliefs { demand: Some(&demand), is_drained: true, candidates: &both(), ..NOTHING };
        for _ in 0..4 {
            *register.next.lock().expect("unpoisoned") = Some(fault);
            turns.turn(&asked);
        }
        let seen = turns.on(&asked).seen.expect("there is a record");
        assert_eq!(seen.term().holder(), Some(&life("b", 1)), "{fault:?}");
        assert_eq!(seen.epoch().map(dnsplan_leadership::Epoch::get), Some(2), "{fault:?}: once");
    }
}

/// A resource that does not answer stops a hand-off where it is.
#[test]
fn what_does_not_answer_is_asked_again() {
    struct Mute;

    #[derive(Debug, thiserror::Error)]
    #[error("it does not answer")]
    struct NoAnswer;

    impl dnsplan_leadership::Fenced for Mute {
        type Write = ();
        type Error = NoAnswer;

        async fn write(&self, _: &Token, id: WriteId, (): ()) -> Result<Written, NoAnswer> {
            Ok(Written::Unknown(id))
        }

        async fn seal(&self, _: Order) -> Result<Receipt, NoAnswer> {
            Err(NoAnswer)
        }
    }

    let (register, log) = (Faulty::default(), Log::default());
    let (_, first) = begun(&register, &log, 0);
    let demand = wanted(&first);
    let asked = Beliefs { demand: Some(&demand), is_drained: true, candidates: &both(), ..NOTHING };
    let mut mute = Coordinator::new(&register, Mute, me());
    assert!(block_on(mute.turn(&asked, Nonce::new(50))).is_ok(), "it freezes");
    for number in 51..54 {
        let failed = block_on(mute.turn(&asked, Nonce::new(number))).expect_err("it cannot seal");
        assert!(failed.to_string().contains("the resource: it does not answer"), "{failed}");
    }
    let gone: Holder = life("a", 1);
    let answers = Beliefs { gone: Some(&gone), is_abandoned: true, ..asked };
    let seen = Turns(Coordinator::new(&register, &log, me()), 60).on(&answers).seen.expect("a record");
    assert_eq!(seen.term().holder(), Some(&life("b", 1)));
}

fn look(register: &Faulty) -> dnsplan_leadership::Seen {
    use dnsplan_fence::Register;
    let Ok(observed) = block_on(register.load());
    dnsplan_leadership::Seen::of(&observed).expect("there is a record")
}
