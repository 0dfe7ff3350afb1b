//! Roles whose resource compares nothing: what the wait keeps apart, what it does not, and what goes with every write.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use dnsplan_fence::{Genesis, Nonce, Observed, Permit, Register, Swap};
use dnsplan_leadership::unfenceable::{LockDelay, MayBeLate, NotSent, Sent, Unfenceable, Unfenced};
use dnsplan_leadership::{
    Beliefs, Candidate, Coordinator, HandoffId, Holder, Scope, Seen, Step, Term, Token, Turn, WriteId,
};

use crate::support::{Faulty, ID, block_on, candidate, demand, life, me};

/// A clock that stands until it is set, in milliseconds.
#[derive(Default)]
struct Clock(AtomicU64);

impl Clock {
    fn set(&self, millis: u64) {
        self.0.store(millis, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn read(&self) -> Duration {
        Duration::from_millis(self.get())
    }
}

/// A relay that takes everything, and delivers it a while later.
struct Relay<'a> {
    clock: &'a Clock,
    /// How long a delivery takes, in milliseconds.
    takes: AtomicU64,
    is_mute: AtomicBool,
    /// When each arrives, of which epoch it is, its id, and what it says.
    sent: Mutex<Vec<(u64, u64, WriteId, &'static str)>>,
}

impl<'a> Relay<'a> {
    const fn new(clock: &'a Clock) -> Self {
        let sent = Mutex::new(Vec::new());
        Self { clock, takes: AtomicU64::new(0), is_mute: AtomicBool::new(false), sent }
    }

    /// When the first one of an epoch arrives.
    fn arrival(&self, epoch: u64) -> Option<u64> {
        self.sent.lock().unwrap().iter().find(|sent| sent.1 == epoch).map(|sent| sent.0)
    }
}

impl Unfenced for Relay<'_> {
    type Write = &'static str;
    type Error = std::num::TryFromIntError;

    async fn send(&self, token: &Token, id: WriteId, write: &'static str) -> Result<Sent, Self::Error> {
        u8::try_from(write.len())?;
        let at = self.clock.get() + self.takes.load(Ordering::Relaxed);
        self.sent.lock().unwrap().push((at, token.epoch().get(), id, write));
        Ok(if self.is_mute.load(Ordering::Relaxed) { Sent::Unknown(id) } else { Sent::Taken })
    }
}

/// Whose hand-off it is does not matter here, and the holder has had its time to drain.
const NOTHING: Beliefs<'static> = Beliefs { is_abandoned: true, is_drained: true, ..Beliefs::new(ID, &[]) };

const fn delay(look: u64, flight: u64) -> LockDelay {
    LockDelay { look: Duration::from_millis(look), flight: Duration::from_millis(flight) }
}

fn both() -> Vec<Candidate> {
    vec![candidate(life("a", 1), 0), candidate(life("b", 1), 0)]
}

/// A role, its register, its clock and its relay.
struct Bed<'a> {
    register: &'a Faulty,
    clock: &'a Clock,
    relay: &'a Relay<'a>,
    delay: LockDelay,
    attempts: AtomicU64,
}

/// Runs a scene on a role that was never led.
fn with<T>(delay: LockDelay, scene: impl FnOnce(&Bed<'_>) -> T) -> T {
    let (register, clock) = (Faulty::default(), Clock::default());
    let relay = Relay::new(&clock);
    let attempts = AtomicU64::new(0);
    scene(&Bed { register: &register, clock: &clock, relay: &relay, delay, attempts })
}

impl<'a> Bed<'a> {
    fn unfenceable(&self) -> Unfenceable<&'a Relay<'a>, impl Fn() -> Duration + use<'a>> {
        let clock = self.clock;
        Unfenceable::new(self.relay, self.delay, move || clock.read())
    }

    fn coordinator(
        &self,
    ) -> Coordinator<&'a Faulty, Unfenceable<&'a Relay<'a>, impl Fn() -> Duration + use<'a>>> {
        Coordinator::new(self.register, self.unfenceable(), me())
    }

    fn nonce(&self) -> Nonce {
        Nonce::new(u128::from(self.attempts.fetch_add(1, Ordering::Relaxed)))
    }

    /// Turns until one is left to the caller, or waits.
    fn on<C: Fn() -> Duration>(
        &self,
        coordinator: &mut Coordinator<&'a Faulty, Unfenceable<&'a Relay<'a>, C>>,
        beliefs: &Beliefs<'_>,
    ) -> Turn {
        for _ in 0..10 {
            let turn = block_on(coordinator.turn_by_lock_delay(beliefs, self.nonce())).unwrap();
            let is_waiting = matches!(turn.step, Step::Seal(_))
                && coordinator.resource().due().is_some_and(|due| due > self.clock.read());
            if is_waiting || !matches!(turn.step, Step::Bootstrap | Step::Write(_) | Step::Seal(_)) {
                return turn;
            }
        }
        panic!("it does not come to an end")
    }

    fn take_up(&self, holder: Holder) -> Option<MayBeLate<&'a Relay<'a>, impl Fn() -> Duration + use<'a>>> {
        let scope = Scope::new("mail").unwrap();
        block_on(MayBeLate::take_up(&self.register, scope, holder, self.unfenceable())).unwrap()
    }

    fn seen(&self) -> Seen {
        Seen::of(&block_on(self.register.load()).unwrap()).unwrap()
    }

    /// The first life of `a` leads, and has looked at the record now.
    fn led(&self) -> MayBeLate<&'a Relay<'a>, impl Fn() -> Duration + use<'a>> {
        self.on(&mut self.coordinator(), &Beliefs { candidates: &both(), ..NOTHING });
        self.take_up(life("a", 1)).unwrap()
    }

    /// What hands over to `b`, from the freeze on.
    fn frozen(&self) -> Coordinator<&'a Faulty, Unfenceable<&'a Relay<'a>, impl Fn() -> Duration + use<'a>>> {
        let mut coordinator = self.coordinator();
        let demand = demand(&self.seen(), "b");
        let asked = Beliefs { demand: Some(&demand), candidates: &both(), ..NOTHING };
        let turn = block_on(coordinator.turn_by_lock_delay(&asked, self.nonce())).unwrap();
        assert!(matches!(turn.step, Step::Write(_)), "{turn:?}");
        coordinator
    }

    /// Goes on until `b` leads, looking at the record in every millisecond. When that is.
    fn granted<C: Fn() -> Duration>(
        &self,
        coordinator: &mut Coordinator<&'a Faulty, Unfenceable<&'a Relay<'a>, C>>,
    ) -> u64 {
        for now in self.clock.get()..1_000 {
            self.clock.set(now);
            let turn = self.on(coordinator, &Beliefs { candidates: &both(), ..NOTHING });
            if turn.seen.unwrap().term().holder() == Some(&life("b", 1)) {
                return now;
            }
        }
        panic!("nothing is granted")
    }
}

/// One hand-over: `a` begins a write at `begun` that takes so long; when it arrives, and when `b` is granted the next
/// epoch.
fn hand_over(delay: LockDelay, looked: u64, frozen: u64, begun: u64, takes: u64) -> Option<(u64, u64)> {
    with(delay, |bed| {
        let late = bed.led();
        let mut coordinator = None;
        for now in 0..=begun.max(frozen) {
            bed.clock.set(now);
            if now == looked {
                block_on(late.look(&bed.register)).unwrap();
            }
            if now == frozen {
                coordinator = Some(bed.frozen());
                // The next turn is the first that finds it frozen.
                bed.on(coordinator.as_mut().unwrap(), &NOTHING);
            }
            if now == begun {
                bed.relay.takes.store(takes, Ordering::Relaxed);
                // One that it may not begin any more arrives never.
                let _ = block_on(late.send(WriteId::new(1), "x"));
            }
        }
        bed.clock.set(frozen);
        let granted = bed.granted(coordinator.as_mut().unwrap());
        bed.relay.arrival(1).map(|arrival| (arrival, granted))
    })
}

/// All moments of a small hand-over: what takes no longer than `flight` arrives before the grant, and the wait is no
/// longer than that needs.
#[test]
fn what_takes_effect_in_time_takes_effect_before_the_grant_whenever_it_was_begun() {
    for (look, flight) in [(1, 0), (1, 2), (3, 0), (3, 2), (2, 3)] {
        let mut closest = u64::MAX;
        for looked in 0..4 {
            for frozen in looked..5 {
                for begun in 0..10 {
                    for takes in 0..=flight {
                        let delay = delay(look, flight);
                        let Some((arrives, granted)) = hand_over(delay, looked, frozen, begun, takes) else {
                            continue;
                        };
                        let what = format!(
                            "look {look}, flight {flight}: seen at {looked}, frozen at {frozen}, begun at {begun}, \
                             takes {takes}"
                        );
                        assert!(arrives < granted, "{what}: arrives at {arrives}, granted at {granted}");
                        closest = closest.min(granted - arrives);
                    }
                }
            }
        }
        assert_eq!(closest, 1, "look {look}, flight {flight}: it waits for longer than it has to");
    }
}

#[test]
fn without_the_delay_a_late_write_lands_after_the_grant() {
    // Nothing is waited for, and `a` has 5 ms after its look.
    with(delay(0, 0), |bed| {
        bed.led();
        let holder = Bed { delay: delay(5, 0), attempts: AtomicU64::new(100), ..*bed };
        let late = holder.take_up(life("a", 1)).unwrap();
        bed.relay.takes.store(3, Ordering::Relaxed);
        assert_eq!(block_on(late.send(WriteId::new(1), "x")), Ok(Sent::Taken));
        let granted = bed.granted(&mut bed.frozen());
        assert_eq!((bed.relay.arrival(1), granted), (Some(3), 0));
    });
    // With it, it lands before.
    let (arrives, granted) = hand_over(delay(5, 3), 0, 0, 0, 3).unwrap();
    assert!(arrives < granted, "{arrives} {granted}");
}

/// The limit that no delay removes.
#[test]
fn with_the_delay_a_write_that_is_late_for_longer_lands_after_the_grant_all_the_same() {
    let (arrives, granted) = hand_over(delay(5, 3), 0, 0, 4, 4).unwrap();
    assert_eq!((arrives, granted), (8, 8));
    with(delay(5, 3), |bed| {
        let first = bed.led();
        bed.relay.takes.store(60, Ordering::Relaxed);
        assert_eq!(block_on(first.send(WriteId::new(1), "from a")).unwrap(), Sent::Taken);
        bed.granted(&mut bed.frozen());
        bed.relay.takes.store(1, Ordering::Relaxed);
        let second = bed.take_up(life("b", 1)).unwrap();
        assert_eq!(block_on(second.send(WriteId::new(2), "from b")).unwrap(), Sent::Taken);
        assert!(bed.relay.arrival(2) < bed.relay.arrival(1), "the order is lost, and nobody hears of it");
    });
}

#[test]
fn the_id_of_a_write_goes_with_it_under_every_epoch() {
    with(delay(5, 3), |bed| {
        let first = bed.led();
        bed.relay.is_mute.store(true, Ordering::Relaxed);
        let id = WriteId::new(0x5eed);
        assert_eq!(block_on(first.send(id, "x")).unwrap(), Sent::Unknown(id));
        bed.granted(&mut bed.frozen());
        let second = bed.take_up(life("b", 1)).unwrap();
        assert_eq!(block_on(second.send(id, "x")).unwrap(), Sent::Unknown(id));
        assert_eq!(second.token().epoch().get(), 2);
        let sent = bed.relay.sent.lock().unwrap();
        let keys: Vec<_> = sent.iter().map(|(_, epoch, id, what)| (*epoch, *id, *what)).collect();
        assert_eq!(keys, [(1, id, "x"), (2, id, "x")], "a receiver that knows ids takes it once");
    });
}

#[test]
fn who_has_not_looked_for_too_long_begins_nothing_until_it_looks_again() {
    with(delay(5, 3), |bed| {
        let late = bed.led();
        let send = |number| block_on(late.send(WriteId::new(number), "x"));
        bed.clock.set(4);
        assert_eq!(send(1), Ok(Sent::Taken));
        bed.clock.set(5);
        let (epoch, age) = (late.token().epoch(), Duration::from_millis(5));
        let refused = send(2).unwrap_err();
        assert_eq!(refused, NotSent::Outdated { epoch, age });
        assert!(
            refused.to_string().contains("5ms") && refused.to_string().contains("look again"),
            "{refused}"
        );
        assert!(!late.is_stopped(), "it is not over");
        block_on(late.look(&bed.register)).unwrap();
        assert_eq!(send(3), Ok(Sent::Taken));
        bed.frozen();
        assert_eq!(send(4), Ok(Sent::Taken), "it has not heard of it");
        block_on(late.look(&bed.register)).unwrap();
        assert_eq!(send(5), Err(NotSent::Stopped(epoch)));
        assert!(late.is_stopped() && late.is_drained());
        assert_eq!(bed.relay.sent.lock().unwrap().len(), 3);
    });
}

#[test]
fn only_the_holder_of_an_open_epoch_takes_it_up_and_what_is_refused_is_told() {
    with(delay(5, 3), |bed| {
        let late = bed.led();
        assert!(bed.take_up(life("b", 1)).is_none() && bed.take_up(life("a", 2)).is_none());
        let long = "x".repeat(256).leak();
        assert!(matches!(block_on(late.send(WriteId::new(1), long)), Err(NotSent::Resource(_))));
        bed.frozen();
        assert!(bed.take_up(life("a", 1)).is_none());
        late.stop();
        assert!(late.is_stopped());
        assert_eq!(format!("{late:?}"), format!("MayBeLate({:?})", late.token()));
        assert!(format!("{:?}", bed.unfenceable()).contains("flight: 3ms"));
    });
}

/// A register whose answers take a while, in which the clock goes on, and whose record may be an older one.
struct Slow<'a> {
    inner: &'a Faulty,
    clock: &'a Clock,
    takes: u64,
    answers: Option<Observed<Term>>,
}

impl Register for Slow<'_> {
    type Payload = Term;
    type Rider = ();
    type Error = Infallible;

    async fn load(&self) -> Result<Observed<Term>, Infallible> {
        let observed = self.inner.load().await;
        self.clock.set(self.clock.get() + self.takes);
        self.answers.clone().map_or(observed, Ok)
    }

    async fn create(&self, genesis: Genesis<Term>) -> Result<Swap<Term>, Infallible> {
        self.inner.create(genesis).await
    }

    async fn swap(&self, permit: Permit<Term>, (): ()) -> Result<Swap<Term>, Infallible> {
        self.inner.swap(permit, ()).await
    }
}

#[test]
fn a_look_counts_from_its_beginning_and_a_wait_from_the_answer() {
    with(delay(5, 3), |bed| {
        bed.led();
        let slow = |answers| Slow { inner: bed.register, clock: bed.clock, takes: 4, answers };
        let scope = Scope::new("mail").unwrap();
        let taken = block_on(MayBeLate::take_up(&slow(None), scope, life("a", 1), bed.unfenceable()));
        let late = taken.unwrap().unwrap();
        let send = || block_on(late.send(WriteId::new(1), "x")).is_ok();
        assert_eq!((bed.clock.get(), send()), (4, true));
        block_on(late.look(&slow(None))).unwrap();
        assert_eq!((bed.clock.get(), send()), (8, true));
        bed.clock.set(9);
        assert!(!send(), "the look began at 4");
        // What is older than what it knows, or nothing, is no look at all, and does not stop it either.
        for answer in [Observed::Absent, Observed::Record(crate::support::vacant().record().clone())] {
            block_on(late.look(&slow(Some(answer)))).unwrap();
            assert!(!send() && !late.is_stopped());
        }
        bed.frozen();
        let mut coordinator = Coordinator::new(slow(None), bed.unfenceable(), me());
        let (before, beliefs) = (bed.clock.get(), Beliefs { candidates: &both(), ..NOTHING });
        let turn = block_on(coordinator.turn_by_lock_delay(&beliefs, bed.nonce())).unwrap();
        assert!(matches!(turn.step, Step::Seal(_)));
        assert_eq!(coordinator.resource().due(), Some(Duration::from_millis(before + 4 + 8)));
    });
}

#[test]
fn each_term_is_waited_out_from_the_beginning_by_each_coordinator_and_not_before_the_drain() {
    with(delay(5, 3), |bed| {
        bed.led();
        let mut first = bed.frozen();
        assert_eq!(first.resource().due(), None, "it has not found it frozen yet");
        let undrained = Beliefs { candidates: &both(), is_drained: false, ..NOTHING };
        for now in [0, 7, 8, 9] {
            bed.clock.set(now);
            let turn = bed.on(&mut first, &undrained);
            assert!(matches!(turn.step, Step::Wait(_)), "{turn:?}");
        }
        let mut second = bed.coordinator();
        let abandoned = Beliefs { candidates: &both(), ..NOTHING };
        assert!(matches!(bed.on(&mut second, &abandoned).step, Step::Seal(_)), "it begins to wait at 9");
        assert_eq!(bed.granted(&mut first), 9, "it has waited while the holder drained");
        // The next term: not a moment of the first wait counts.
        let gone = Beliefs { gone: Some(&life("b", 1)), failover: HandoffId::new(99), ..abandoned };
        bed.clock.set(20);
        assert!(matches!(bed.on(&mut first, &gone).step, Step::Seal(_)));
        assert_eq!(first.resource().due(), Some(Duration::from_millis(28)));
        bed.clock.set(28);
        let turn = bed.on(&mut first, &gone);
        assert_eq!(turn.seen.unwrap().term().holder(), Some(&life("a", 1)));
        assert_eq!(bed.seen().term().origin().map(|origin| origin.from().clone()), Some(life("b", 1)));
    });
}
