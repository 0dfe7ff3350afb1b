//! The suite on what is in memory, and on doubles that break one rule each: each of those it must fail.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use dnsplan_fence::{Genesis, Observed, Permit, Record, Register, Swap};
use dnsplan_leadership::conformance::{self, Harness, Role};
use dnsplan_leadership::{Fenced, Floor, Order, Position, Receipt, Scope, Term, Token, WriteId, Written};

/// The rule that a double breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Broken {
    Nothing,
    /// A first record takes any record's place.
    BeginsAnew,
    /// A swap compares the epoch alone.
    ComparesTheEpoch,
    /// A swap compares nothing.
    ComparesNothing,
    /// Every process reads what it has written itself.
    ReadsItself,
    /// A write is accepted whatever the floor.
    NoFloor,
    /// An accepted write does not raise the floor.
    FloorStays,
    /// What is refused takes effect all the same.
    RefusesLate,
    /// A seal says where it would be with one write more, each time.
    SealsAnew,
    /// An order for an older epoch seals the newest one.
    SealsAll,
    /// All writes are at the same position.
    OnePosition,
}

#[derive(Default, Debug)]
struct State {
    record: Option<Record<Term>>,
    floor: Floor,
    numbers: Vec<u64>,
    seals: u64,
}

#[derive(Clone, Debug)]
struct Double {
    broken: Broken,
    shared: Arc<Mutex<State>>,
    own: Arc<Mutex<Option<Record<Term>>>>,
}

impl Double {
    fn elsewhere(&self) -> Self {
        Self { own: Arc::default(), ..self.clone() }
    }

    fn put(&self, next: &Record<Term>, is_expected: impl Fn(Option<&Record<Term>>) -> bool) -> Swap<Term> {
        let mut shared = self.shared.lock().unwrap();
        if !is_expected(shared.record.as_ref()) {
            return Swap::Lost(shared.record.clone());
        }
        shared.record = Some(next.clone());
        *self.own.lock().unwrap() = Some(next.clone());
        Swap::Won
    }
}

impl Register for Double {
    type Payload = Term;
    type Rider = ();
    type Error = Infallible;

    async fn load(&self) -> Result<Observed<Term>, Infallible> {
        let record = match self.broken {
            Broken::ReadsItself => self.own.lock().unwrap().clone(),
            _ => self.shared.lock().unwrap().record.clone(),
        };
        Ok(record.map_or(Observed::Absent, Observed::Record))
    }

    async fn create(&self, genesis: Genesis<Term>) -> Result<Swap<Term>, Infallible> {
        let anew = self.broken == Broken::BeginsAnew;
        Ok(self.put(genesis.record(), |there| anew || there.is_none()))
    }

    async fn swap(&self, permit: Permit<Term>, (): ()) -> Result<Swap<Term>, Infallible> {
        let expected = permit.expected();
        Ok(self.put(permit.next(), |there| match self.broken {
            Broken::ComparesNothing => true,
            Broken::ComparesTheEpoch => there.is_some_and(|there| there.generation == expected.generation),
            _ => there == Some(expected),
        }))
    }
}

impl Fenced for Double {
    type Write = u64;
    type Error = Infallible;

    async fn write(&self, token: &Token, _: WriteId, number: u64) -> Result<Written, Infallible> {
        let mut state = self.shared.lock().unwrap();
        let admitted = state.floor.admit(token.epoch());
        if admitted.is_ok() || matches!(self.broken, Broken::RefusesLate | Broken::NoFloor) {
            state.numbers.push(number);
        }
        match admitted {
            Ok(floor) if self.broken != Broken::FloorStays => state.floor = floor,
            Err(below) if self.broken != Broken::NoFloor => return Ok(Written::Fenced(below)),
            _ => {}
        }
        let at = if self.broken == Broken::OnePosition { 1 } else { state.numbers.len() as u64 };
        Ok(Written::Applied(Position::new(at)))
    }

    async fn seal(&self, order: Order) -> Result<Receipt, Infallible> {
        let mut state = self.shared.lock().unwrap();
        state.floor = match self.broken {
            Broken::SealsAll => Floor::recorded(state.floor.seal(order.epoch()).lowest().next().unwrap()),
            _ => state.floor.seal(order.epoch()),
        };
        state.seals += u64::from(self.broken == Broken::SealsAnew);
        let at = state.numbers.len() as u64 + state.seals;
        Ok(order.done(Position::new(at)))
    }
}

struct InMemory {
    broken: Broken,
    made: AtomicU64,
}

impl Harness for InMemory {
    type Register = Double;
    type Resource = Double;

    async fn make(&self) -> Role<Self> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let double = Double { broken: self.broken, shared: Arc::default(), own: Arc::default() };
        Role::new(Scope::new(&format!("role-{number}")).unwrap(), double.clone(), double)
    }

    async fn register(&self, role: &Role<Self>) -> Double {
        role.register.elsewhere()
    }

    async fn resource(&self, role: &Role<Self>) -> Double {
        role.resource.elsewhere()
    }

    fn write(&self, _: &Role<Self>, number: u64) -> u64 {
        number
    }

    async fn written(&self, role: &Role<Self>) -> Vec<u64> {
        role.resource.shared.lock().unwrap().numbers.clone()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn run(broken: Broken) {
    block_on(conformance::all(&InMemory { broken, made: AtomicU64::new(0) }));
}

#[test]
fn what_breaks_nothing_passes() {
    run(Broken::Nothing);
}

#[test]
fn whatever_breaks_a_rule_fails() {
    let all = [
        Broken::BeginsAnew,
        Broken::ComparesTheEpoch,
        Broken::ComparesNothing,
        Broken::ReadsItself,
        Broken::NoFloor,
        Broken::FloorStays,
        Broken::RefusesLate,
        Broken::SealsAnew,
        Broken::SealsAll,
        Broken::OnePosition,
    ];
    for broken in all {
        assert!(catch_unwind(AssertUnwindSafe(|| run(broken))).is_err(), "{broken:?} passes");
    }
}
