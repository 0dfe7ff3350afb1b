//! What happened, in order, with the virtual time at which it did.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use dnsplan::fence::Generation;

const UNPOISONED: &str = "invariant: nothing panics while it is locked";

/// Virtual time: it goes on only where the scheduler says so.
#[derive(Debug, Default)]
pub(super) struct Time(AtomicU64);

impl Time {
    pub(super) fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn advance(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

/// One line of the timeline.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) at_ms: u64,
    pub(super) actor: &'static str,
    pub(super) kind: &'static str,
    pub(super) generation: Option<Generation>,
    pub(super) text: String,
    /// What happened at this point in October 2025.
    pub(super) october: Option<&'static str>,
    /// In the JSON, not in the text.
    pub(super) is_detail: bool,
}

/// A write that the target refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) at_ms: u64,
    pub(super) actor: &'static str,
    pub(super) action: String,
    /// On behalf of which plan.
    pub(super) offered: Generation,
    /// What was live in the record that the write was made for.
    pub(super) expected: Generation,
    /// What was live when it arrived.
    pub(super) live: Generation,
    /// Who put that in place.
    pub(super) live_by: String,
}

impl Refusal {
    /// Whether it was for an older plan than what is live: not a race for the same work.
    pub(super) fn is_stale(&self) -> bool {
        self.offered < self.live
    }

    pub(super) fn text(&self) -> String {
        let Self { action, offered, expected, live, live_by, .. } = self;
        let why = if expected == live {
            format!("the record of generation {live} has been rewritten since it was read")
        } else {
            format!("made for a record at {expected}; {live} is live, put in place by {live_by}")
        };
        format!("generation {offered}, {action}: {why}")
    }
}

/// The log that every actor writes to.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) time: Arc<Time>,
    entries: Mutex<Vec<Entry>>,
    refusals: Mutex<Vec<Refusal>>,
    placed: Mutex<BTreeMap<Generation, String>>,
}

impl Log {
    pub(super) fn push(&self, entry: Entry) {
        self.entries.lock().expect(UNPOISONED).push(entry);
    }

    /// A line of the text and the JSON, now.
    pub(super) fn say(
        &self,
        actor: &'static str,
        kind: &'static str,
        generation: impl Into<Option<Generation>>,
        text: impl Into<String>,
        october: Option<&'static str>,
    ) {
        let (generation, text) = (generation.into(), text.into());
        let at_ms = self.time.now_ms();
        self.push(Entry { at_ms, actor, kind, generation, text, october, is_detail: false });
    }

    pub(super) fn refuse(&self, refusal: Refusal) {
        self.refusals.lock().expect(UNPOISONED).push(refusal);
    }

    /// Takes down who wrote the record that was the first to grant a generation.
    pub(super) fn place(&self, generation: Generation, by: &str) {
        self.placed.lock().expect(UNPOISONED).entry(generation).or_insert_with(|| by.to_owned());
    }

    /// Who put a generation in place.
    pub(super) fn placed_by(&self, generation: Generation) -> String {
        let placed = self.placed.lock().expect(UNPOISONED);
        placed.get(&generation).map_or_else(|| "nobody".to_owned(), Clone::clone)
    }

    /// Whether an actor said that of a generation.
    pub(super) fn has(&self, actor: &str, kind: &str, generation: Generation) -> bool {
        let entries = self.entries.lock().expect(UNPOISONED);
        entries
            .iter()
            .any(|entry| entry.actor == actor && entry.kind == kind && entry.generation == Some(generation))
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().expect(UNPOISONED).clone()
    }

    pub(super) fn refusals(&self) -> Vec<Refusal> {
        self.refusals.lock().expect(UNPOISONED).clone()
    }
}
