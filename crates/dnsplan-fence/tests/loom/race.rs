//! Writers at a gate, and who closes it. A write is two stores between its entry and its exit, without any order of their
//! own: what a freezer may rely on comes from the gate alone.

use std::sync::{Arc, Mutex};

use dnsplan_fence::{Gate, Generation};
use loom::sync::atomic::{AtomicUsize, Ordering};

use crate::explore::{Met, explore};

pub(crate) const FIRST: Generation = Generation::new(1);

const NOTHING: usize = 0;
const BEGUN: usize = 1;
const WHOLE: usize = 2;

/// A gate, and a place for each writer. Whoever ends last judges: joining the threads would only multiply the executions.
pub(crate) struct Race {
    pub(crate) gate: Gate,
    places: Vec<AtomicUsize>,
    reports: Mutex<Reports>,
    judge: fn(&Reports),
}

/// What the threads of one execution report, through `std`, which loom does not see.
#[derive(Default)]
pub(crate) struct Reports {
    /// The writers that were let in, and have left again.
    pub(crate) wrote: Vec<usize>,
    /// What each writer had written when the gate was found drained.
    pub(crate) at_the_drain: Option<Vec<usize>>,
}

impl Reports {
    /// What a drain is for: every write is whole by then or never happens. So many are whole; `None` where nobody saw one.
    fn drained(&self) -> Option<usize> {
        let seen = self.at_the_drain.as_ref()?;
        for (writer, written) in seen.iter().enumerate() {
            let in_the_end = if self.wrote.contains(&writer) { WHOLE } else { NOTHING };
            assert_eq!(*written, in_the_end, "a write was inside a drained gate, or came after the drain");
        }
        Some(self.wrote.len())
    }
}

impl Race {
    /// The gate is open for the first generation.
    pub(crate) fn new(writers: usize, judge: fn(&Reports)) -> Arc<Self> {
        let places = (0..writers).map(|_| AtomicUsize::new(NOTHING)).collect();
        let race = Self { gate: Gate::new(), places, reports: Mutex::default(), judge };
        race.gate.open(FIRST).expect("it is new");
        Arc::new(race)
    }

    pub(crate) fn spawn(self: &Arc<Self>, run: impl FnOnce(&Self) + 'static) {
        let race = Arc::clone(self);
        loom::thread::spawn(move || run(&race));
    }

    fn report(&self, report: impl FnOnce(&mut Reports)) {
        report(&mut self.reports.lock().expect("nobody panicked"));
    }

    pub(crate) fn write(&self, writer: usize, generation: Generation) {
        let Ok(pass) = self.gate.enter(generation) else { return };
        self.places[writer].store(BEGUN, Ordering::Relaxed);
        self.places[writer].store(WHOLE, Ordering::Relaxed);
        drop(pass);
        self.report(|reports| reports.wrote.push(writer));
    }

    /// The gate was found drained.
    pub(crate) fn look(&self) {
        let seen = self.places.iter().map(|place| place.load(Ordering::Relaxed)).collect();
        self.report(|reports| reports.at_the_drain = Some(seen));
    }
}

impl Drop for Race {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            (self.judge)(&self.reports.lock().expect("nobody panicked"));
        }
    }
}

pub(crate) const DRAINED: u32 = 0;
pub(crate) const NOT_DRAINED: u32 = 8;

/// So many writers, and a freezer who closes the gate and looks once.
pub(crate) fn writers_and_freezer(writers: usize, judge: fn(&Reports)) {
    let race = Race::new(writers, judge);
    (0..writers).for_each(|writer| race.spawn(move |race| race.write(writer, FIRST)));
    race.gate.close(FIRST);
    if race.gate.is_drained(FIRST) {
        race.look();
    }
}

/// Notes how many writes were whole at a drain; the first outcomes are their numbers.
pub(crate) fn note(met: &Met, reports: &Reports) {
    match reports.drained() {
        Some(whole) => met.note(DRAINED + u32::try_from(whole).expect("a small number"), true),
        None => met.note(NOT_DRAINED, true),
    }
}

/// Three writers are too many to go through all interleavings in a test run.
pub(crate) fn three_writers(interruptions: Option<usize>) {
    static MET: Met = Met::nothing();
    let model = || writers_and_freezer(3, |reports| note(&MET, reports));
    explore("three_writers_and_a_freezer", interruptions, &MET, model);
    MET.must_have(&[DRAINED, DRAINED + 1, DRAINED + 2, DRAINED + 3, NOT_DRAINED]);
}
