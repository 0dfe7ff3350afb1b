//! The gate, step by step; how its steps interleave is for loom.

use std::mem::forget;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use dnsplan_fence::{Gate, Generation, NotEntered, NotOpened, Pass};

fn g(number: u64) -> Generation {
    Generation::new(number)
}

fn opened(number: u64) -> Gate {
    let gate = Gate::new();
    gate.open(g(number)).expect("new");
    gate
}

#[test]
fn g9_a_gate_that_was_never_open_lets_nobody_in() {
    let gate = Gate::default();
    for number in [0, 1, Gate::HIGHEST.get(), u64::MAX] {
        assert_eq!(gate.enter(g(number)).unwrap_err(), NotEntered::Closed);
        assert!(!gate.is_open(g(number)));
    }
    assert_eq!((gate.in_flight(), gate.is_drained(g(0)), gate.is_drained(g(1))), (0, true, false));
}

#[test]
fn g9_only_the_very_generation_enters() {
    let gate = opened(5);
    let pass = gate.enter(g(5)).unwrap();
    for number in [0, 4, 6, 5 + (1 << 40), u64::MAX] {
        assert_eq!(gate.enter(g(number)).unwrap_err(), NotEntered::Closed, "{number}");
    }
    assert!(gate.is_open(g(5)) && !gate.is_open(g(4)) && gate.in_flight() == 1);
    drop(pass);
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn g9_a_closed_gate_is_drained_once_the_last_has_left() {
    let gate = opened(5);
    let passes = [gate.enter(g(5)).unwrap(), gate.enter(g(5)).unwrap()];
    assert!(!gate.is_drained(g(5)), "open");
    gate.close(g(5));
    gate.close(g(5));
    assert_eq!(gate.enter(g(5)).unwrap_err(), NotEntered::Closed);
    let [first, last] = passes;
    drop(first);
    assert!(!gate.is_drained(g(5)) && gate.in_flight() == 1);
    assert_eq!(gate.open(g(6)), Err(NotOpened::NotDrained(1)));
    drop(last);
    assert!(gate.is_drained(g(5)) && gate.in_flight() == 0 && !gate.is_drained(g(6)));
}

#[test]
fn g9_a_gate_opens_only_for_what_is_later_than_ever_before() {
    let gate = opened(5);
    assert_eq!(gate.open(g(5)), Err(NotOpened::NotNewer(g(5))));
    assert_eq!(gate.open(g(6)), Err(NotOpened::StillOpen(g(5))));
    gate.close(g(5));
    for number in [0, 4, 5] {
        assert_eq!(gate.open(g(number)), Err(NotOpened::NotNewer(g(5))), "{number}");
    }
    assert_eq!(gate.open(g(7)), Ok(()));
    // What comes late for an earlier one changes nothing.
    gate.close(g(6));
    assert!(gate.is_open(g(7)) && gate.is_drained(g(6)) && gate.is_drained(g(5)));
}

/// A close that comes before its generation was opened holds all the same.
#[test]
fn g9_what_was_closed_early_never_opens() {
    let gate = opened(5);
    let pass = gate.enter(g(5)).unwrap();
    gate.close(g(9));
    assert_eq!(gate.enter(g(5)).unwrap_err(), NotEntered::Closed);
    assert!(!gate.is_drained(g(9)) && !gate.is_drained(g(5)));
    drop(pass);
    assert!(gate.is_drained(g(9)) && gate.is_drained(g(5)));
    assert_eq!(gate.open(g(9)), Err(NotOpened::NotNewer(g(9))));
    assert_eq!(gate.open(g(10)), Ok(()));
}

#[test]
fn g9_a_generation_that_does_not_fit_is_refused_and_nothing_wraps() {
    assert_eq!(Gate::HIGHEST, g((1 << 40) - 1));
    let gate = opened(1);
    gate.close(g(1));
    for number in [1 << 40, (1 << 40) + 2, u64::MAX] {
        assert_eq!(gate.open(g(number)), Err(NotOpened::OutOfRange), "{number}");
    }
    gate.open(Gate::HIGHEST).unwrap();
    let pass = gate.enter(Gate::HIGHEST).unwrap();
    gate.close(g(u64::MAX));
    assert_eq!((gate.enter(Gate::HIGHEST).unwrap_err(), gate.in_flight()), (NotEntered::Closed, 1));
    drop(pass);
    assert!(gate.is_drained(Gate::HIGHEST));
    assert_eq!(gate.open(Gate::HIGHEST), Err(NotOpened::NotNewer(Gate::HIGHEST)));
}

#[test]
fn g9_a_full_gate_refuses_and_nothing_wraps() {
    let gate = opened(1);
    (1..Gate::MOST).for_each(|_| forget(gate.enter(g(1)).expect("not full")));
    let last = gate.enter(g(1)).unwrap();
    assert_eq!(gate.in_flight(), Gate::MOST);
    assert_eq!(gate.enter(g(1)).unwrap_err(), NotEntered::Full);
    assert!(gate.is_open(g(1)) && gate.in_flight() == Gate::MOST);
    drop(last);
    let again = gate.enter(g(1)).unwrap();
    gate.close(g(1));
    drop(again);
    assert_eq!(gate.in_flight(), Gate::MOST - 1);
    assert_eq!(gate.open(g(2)), Err(NotOpened::NotDrained(Gate::MOST - 1)));
}

#[test]
fn what_is_refused_says_what_to_do() {
    let said = [NotEntered::Closed, NotEntered::Full].map(|refused| refused.to_string());
    assert!(said[0].contains("look who may write now") && said[1].starts_with("8388607 are inside"));
    for (refused, says) in [
        (NotOpened::NotNewer(g(5)), "generation 5; it opens for later ones only"),
        (NotOpened::StillOpen(g(5)), "open for generation 5; close that first"),
        (NotOpened::NotDrained(3), "3 are still inside; wait"),
        (NotOpened::OutOfRange, "to generation 1099511627775 only"),
    ] {
        assert!(refused.to_string().contains(says), "{refused}");
    }
    assert_eq!(format!("{:?}", opened(1).enter(g(1))), "Ok(Pass)");
}

/// Counts how often it was woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Bell {
    fn rung(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn g9_everybody_who_waits_is_woken_once_by_the_last_that_leaves() {
    let gate = opened(1);
    let bells = [Arc::new(Bell::default()), Arc::new(Bell::default())];
    let [mut one, mut two] = [pin!(gate.drained(g(1))), pin!(gate.drained(g(1)))];
    let wakers = bells.clone().map(Waker::from);
    let [mut first, mut second] = [Context::from_waker(&wakers[0]), Context::from_waker(&wakers[1])];
    let passes = [(); 3].map(|()| gate.enter(g(1)).unwrap());
    for _ in 0..2 {
        assert_eq!(one.as_mut().poll(&mut first), Poll::Pending, "open");
        assert_eq!(two.as_mut().poll(&mut second), Poll::Pending, "open");
    }
    let [early, late, last] = passes;
    drop(early);
    gate.close(g(1));
    drop(late);
    assert_eq!(bells.each_ref().map(|bell| bell.rung()), [0, 0], "one is still inside");
    drop(last);
    assert_eq!(bells.each_ref().map(|bell| bell.rung()), [1, 1]);
    assert_eq!(one.as_mut().poll(&mut first), Poll::Ready(()));
    assert_eq!(two.as_mut().poll(&mut second), Poll::Ready(()));
}

#[test]
fn g9_who_waits_is_woken_by_the_close_of_an_empty_gate() {
    let gate = opened(1);
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    assert_eq!(gate.poll_drained(g(1), &mut context), Poll::Pending);
    gate.close(g(1));
    assert_eq!((bell.rung(), gate.poll_drained(g(1), &mut context)), (1, Poll::Ready(())));
}

/// A generation that the gate is never opened for is over once a later one begins.
#[test]
fn g9_who_waits_for_what_is_skipped_is_woken_by_the_opening() {
    let gate = Gate::new();
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    assert_eq!(gate.poll_drained(g(3), &mut context), Poll::Pending);
    gate.open(g(4)).unwrap();
    assert_eq!((bell.rung(), gate.poll_drained(g(3), &mut context)), (1, Poll::Ready(())));
}

/// The gate beside a list of who is inside, every sequence of eight steps.
#[test]
fn g9_every_sequence_of_steps_agrees_with_a_list_of_who_is_inside() {
    const STEPS: usize = 8;
    const LENGTH: u32 = 6;
    for sequence in 0..STEPS.pow(LENGTH) {
        let gate = Gate::new();
        let mut inside: Vec<(u64, Pass<'_>)> = Vec::new();
        let (mut highest, mut is_open) = (0, false);
        for place in 0..LENGTH {
            match sequence / STEPS.pow(place) % STEPS {
                step @ 0..=2 => {
                    let number = step as u64 + 1;
                    let may = number > highest && !is_open && inside.is_empty();
                    assert_eq!(gate.open(g(number)).is_ok(), may, "{sequence}");
                    (highest, is_open) = if may { (number, true) } else { (highest, is_open) };
                }
                step @ 3..=4 => {
                    let number = step as u64 - 2;
                    let entered = gate.enter(g(number));
                    assert_eq!(entered.is_ok(), is_open && number == highest, "{sequence}");
                    inside.extend(entered.ok().map(|pass| (number, pass)));
                }
                step @ 5..=6 => {
                    let number = step as u64 - 4;
                    gate.close(g(number));
                    (highest, is_open) = if number >= highest { (number, false) } else { (highest, is_open) };
                }
                _ => drop((!inside.is_empty()).then(|| inside.remove(0))),
            }
            assert_eq!(gate.in_flight() as usize, inside.len(), "{sequence}");
            for number in 1..=3 {
                assert_eq!(gate.is_open(g(number)), is_open && number == highest, "{sequence}");
                let is_over = if is_open { number < highest } else { number <= highest };
                let is_anybody_inside = inside.iter().any(|(theirs, _)| *theirs <= number);
                let is_drained = gate.is_drained(g(number));
                assert!(
                    !is_drained || is_over && !is_anybody_inside,
                    "{sequence}: {number} is said to be drained"
                );
                assert!(is_drained || !is_over || !inside.is_empty(), "{sequence}: {number} is drained");
            }
        }
    }
}
