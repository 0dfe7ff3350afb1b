//! A gate in front of writes: which generation may enter, whether it still may, and how many are inside, in one word.
//!
//! ```text
//! | 40 bits: generation | 1 bit: closed | 23 bits: inside |
//! ```
//!
//! 1. Who enters is counted by the very step that finds the gate open. After a close, nobody is added; once the count was
//!    0 after that, no write of the generation is between its entry and its exit, and none ever will be.
//! 2. The generation only grows. A gate that was closed for one never opens for it again, nor for one before it.
//! 3. It opens only where nobody is inside: what is counted belongs to the generation in the word, or to one before a
//!    [`Gate::close`] that came early.
//! 4. Nothing wraps: a generation that does not fit is not opened, and a writer too many is not let in.
//! 5. It is no fence: it keeps this process from sending what a register or resource would refuse. What was sent may still
//!    arrive after the drain.
//!
//! Rejected: a flag beside a counter. Between the look at the one and the change of the other the gate can be closed and
//! found empty; loom finds that at once.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem::take;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use crate::Generation;
use crate::sync::{AtomicU64, Mutex, Ordering};

const INSIDE_BITS: u32 = 23;
const CLOSED: u64 = 1 << INSIDE_BITS;
const GENERATION_SHIFT: u32 = INSIDE_BITS + 1;

/// Lets writes of one generation in, counts them, and says when the last one has left.
///
/// ```
/// # use dnsplan_fence::{Gate, Generation};
/// let (gate, first) = (Gate::new(), Generation::new(1));
/// gate.open(first)?;
/// let pass = gate.enter(first)?;
/// gate.close(first);
/// assert!(gate.enter(first).is_err() && !gate.is_drained(first));
/// drop(pass);
/// assert!(gate.is_drained(first));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Gate {
    word: AtomicU64,
    /// Who waits for the last one to leave.
    waiting: Mutex<Vec<Waker>>,
}

/// Somebody is inside for as long as this exists. One that is leaked keeps the gate from ever being drained.
///
/// ```compile_fail,E0505
/// # use dnsplan_fence::{Gate, Generation};
/// let gate = Gate::new();
/// let pass = gate.enter(Generation::new(1));
/// drop(gate);
/// drop(pass); // a pass does not outlive its gate
/// ```
#[must_use = "whoever drops it is outside again"]
pub struct Pass<'a> {
    gate: &'a Gate,
}

/// Why a gate did not let somebody in. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotEntered {
    /// It is closed for that generation, or was never open for it.
    Closed,
    /// So many are inside that one more could not be counted.
    Full,
}

impl fmt::Display for NotEntered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the gate is closed for this generation; look who may write now"),
            Self::Full => write!(f, "{} are inside already; try again when some have left", Gate::MOST),
        }
    }
}

impl std::error::Error for NotEntered {}

/// Why a gate did not open. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotOpened {
    /// It was open or closed for this generation, or a later one, before.
    NotNewer(Generation),
    /// It is open for an earlier generation.
    StillOpen(Generation),
    /// So many are still inside.
    NotDrained(u32),
    /// It cannot count that far.
    OutOfRange,
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNewer(at) => {
                write!(f, "the gate has seen generation {at}; it opens for later ones only")
            }
            Self::StillOpen(at) => write!(f, "the gate is open for generation {at}; close that first"),
            Self::NotDrained(inside) => write!(f, "{inside} are still inside; wait until they have left"),
            Self::OutOfRange => write!(f, "the gate counts to generation {} only", Gate::HIGHEST),
        }
    }
}

impl std::error::Error for NotOpened {}

/// What the word says.
#[derive(Clone, Copy)]
struct State {
    generation: u64,
    is_closed: bool,
    inside: u64,
}

impl State {
    const fn of(word: u64) -> Self {
        Self {
            generation: word >> GENERATION_SHIFT,
            is_closed: word & CLOSED != 0,
            inside: word & (CLOSED - 1),
        }
    }

    const fn word(self) -> u64 {
        let closed = if self.is_closed { CLOSED } else { 0 };
        (self.generation << GENERATION_SHIFT) + closed + self.inside
    }

    fn enter(self, generation: Generation) -> Result<Self, NotEntered> {
        if self.is_closed || self.generation != generation.get() {
            return Err(NotEntered::Closed);
        }
        if self.inside == u64::from(Gate::MOST) {
            return Err(NotEntered::Full);
        }
        Ok(Self { inside: self.inside + 1, ..self })
    }

    fn open(self, generation: Generation) -> Result<Self, NotOpened> {
        if generation > Gate::HIGHEST {
            return Err(NotOpened::OutOfRange);
        }
        let at = Generation::new(self.generation);
        if generation <= at {
            return Err(NotOpened::NotNewer(at));
        }
        if !self.is_closed {
            return Err(NotOpened::StillOpen(at));
        }
        if self.inside > 0 {
            return Err(NotOpened::NotDrained(self.in_flight()));
        }
        Ok(Self { generation: generation.get(), is_closed: false, inside: 0 })
    }

    /// `None` where that generation is over already.
    fn close(self, generation: Generation) -> Option<Self> {
        let generation = generation.min(Gate::HIGHEST).get();
        let is_over = self.generation > generation || self.generation == generation && self.is_closed;
        (!is_over).then_some(Self { generation, is_closed: true, ..self })
    }

    const fn is_drained(self, generation: Generation) -> bool {
        let generation = generation.get();
        if self.is_closed {
            self.generation >= generation && self.inside == 0
        } else {
            // It was empty when it opened, and none of an earlier generation has come in since.
            self.generation > generation
        }
    }

    fn in_flight(self) -> u32 {
        u32::try_from(self.inside).expect("invariant: 23 bits")
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// The last generation that it can be opened for. Handed over a thousand times a second, that takes 34 years.
    pub const HIGHEST: Generation = Generation::new((1 << (64 - GENERATION_SHIFT)) - 1);
    /// How many can be inside at once.
    pub const MOST: u32 = (1 << INSIDE_BITS) - 1;

    /// A gate that has never been open.
    #[must_use]
    pub fn new() -> Self {
        let never = State { generation: 0, is_closed: true, inside: 0 };
        Self { word: AtomicU64::new(never.word()), waiting: Mutex::new(Vec::new()) }
    }

    /// Opens it for a generation later than any before.
    ///
    /// # Errors
    /// [`NotOpened`] says what is in the way.
    pub fn open(&self, generation: Generation) -> Result<(), NotOpened> {
        let open = |word| State::of(word).open(generation).ok().map(State::word);
        match self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, open) {
            Ok(_) => {
                self.wake();
                Ok(())
            }
            Err(word) => State::of(word).open(generation).map(|_| ()),
        }
    }

    /// Goes in, to write under a generation; out again when the pass is dropped.
    ///
    /// # Errors
    /// [`NotEntered`] where it is not open for that very generation, or too many are inside.
    pub fn enter(&self, generation: Generation) -> Result<Pass<'_>, NotEntered> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let next = State::of(word).enter(generation)?.word();
            match self.word.compare_exchange_weak(word, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(Pass { gate: self }),
                Err(found) => word = found,
            }
        }
    }

    /// Lets nobody in under that generation any more, nor under one before it: for good. Those inside stay until they leave.
    pub fn close(&self, generation: Generation) {
        let close = |word| State::of(word).close(generation).map(State::word);
        let before = self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, close);
        if before.is_ok_and(|word| State::of(word).inside == 0) {
            self.wake();
        }
    }

    /// Whether it is open for that generation now. Only [`Gate::enter`] can rely on it.
    #[must_use]
    pub fn is_open(&self, generation: Generation) -> bool {
        let state = self.state();
        !state.is_closed && state.generation == generation.get()
    }

    /// How many are inside.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.state().in_flight()
    }

    /// Whether that generation is over here, and the last of those inside has left. Where the gate was closed for a later
    /// generation since, those that came in under the later one are waited for too.
    #[must_use]
    pub fn is_drained(&self, generation: Generation) -> bool {
        self.state().is_drained(generation)
    }

    /// The same, for a task that is woken when it may have changed.
    pub fn poll_drained(&self, generation: Generation, context: &mut Context<'_>) -> Poll<()> {
        if self.is_drained(generation) {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if !waiting.iter().any(|one| one.will_wake(&waker)) {
                waiting.push(waker);
            }
        }
        // Whoever left between the first look and the lock has woken nobody.
        if self.is_drained(generation) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Waits until that generation is over here and the last of those inside has left. It closes nothing.
    pub fn drained(&self, generation: Generation) -> impl Future<Output = ()> + Send + '_ {
        poll_fn(move |context| self.poll_drained(generation, context))
    }

    fn state(&self) -> State {
        State::of(self.word.load(Ordering::Acquire))
    }

    fn wake(&self) {
        let waiting = take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let before = State::of(self.gate.word.fetch_sub(1, Ordering::AcqRel));
        if before.is_closed && before.inside == 1 {
            self.gate.wake();
        }
    }
}

impl fmt::Debug for Pass<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pass")
    }
}
