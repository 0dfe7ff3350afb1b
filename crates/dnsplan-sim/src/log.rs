//! The log that everybody writes to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use dnsplan_fence::Generation;

use crate::exec::Core;
use crate::trace::{Entry, Refusal};

/// What is taken down of a run.
#[derive(Clone)]
pub(crate) struct Log {
    core: Core,
    /// Whether texts are wanted at all: of a million runs, nobody reads them.
    is_kept: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    refusals: Vec<Refusal>,
    refused: u64,
    placed: BTreeMap<Generation, Arc<str>>,
}

impl Log {
    pub(crate) fn new(core: &Core, is_kept: bool) -> Self {
        Self { core: core.clone(), is_kept, state: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("invariant: nothing panics while it is locked")
    }

    /// Whether anybody reads the texts.
    pub(crate) const fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// A line of the timeline, now.
    pub(crate) fn say(
        &self,
        actor: &Arc<str>,
        kind: &'static str,
        generation: impl Into<Option<Generation>>,
        text: impl FnOnce() -> String,
    ) {
        self.push(actor, kind, generation.into(), false, text);
    }

    /// The same, of interest to programs only.
    pub(crate) fn detail(
        &self,
        actor: &Arc<str>,
        kind: &'static str,
        generation: impl Into<Option<Generation>>,
        text: impl FnOnce() -> String,
    ) {
        self.push(actor, kind, generation.into(), true, text);
    }

    fn push(
        &self,
        actor: &Arc<str>,
        kind: &'static str,
        generation: Option<Generation>,
        is_detail: bool,
        text: impl FnOnce() -> String,
    ) {
        if self.is_kept {
            let (step, at_ms, text) = (self.core.step(), self.core.now(), text());
            let actor = Arc::clone(actor);
            let entry = Entry { step, at_ms, actor, kind, generation, text, october: None, is_detail };
            self.lock().entries.push(entry);
        }
    }

    /// Says of the newest line what happened at this point in October.
    pub(crate) fn october(&self, fact: &str) {
        if let Some(entry) = self.lock().entries.last_mut() {
            entry.october = Some(fact.to_owned());
        }
    }

    /// A write was refused: by the target, or by the fence before it was sent.
    pub(crate) fn refuse(&self, refusal: impl FnOnce() -> Refusal) {
        self.lock().refused += 1;
        if self.is_kept {
            let refusal = refusal();
            self.lock().refusals.push(refusal);
        }
    }

    /// How much was refused.
    pub(crate) fn refused(&self) -> u64 {
        self.lock().refused
    }

    /// Takes down who wrote the record that was the first to grant a generation.
    pub(crate) fn place(&self, generation: Generation, by: &str) {
        if self.is_kept {
            self.lock().placed.entry(generation).or_insert_with(|| by.into());
        }
    }

    /// Who put a generation in place.
    pub(crate) fn placed_by(&self, generation: Generation) -> Arc<str> {
        self.lock().placed.get(&generation).map_or_else(|| "nobody".into(), Arc::clone)
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether an entry from `from` on satisfies `wanted`.
    pub(crate) fn has(&self, from: usize, wanted: impl Fn(&Entry) -> bool) -> bool {
        self.lock().entries.iter().skip(from).any(wanted)
    }

    pub(crate) fn take(&self) -> (Vec<Entry>, Vec<Refusal>) {
        let mut state = self.lock();
        (std::mem::take(&mut state.entries), std::mem::take(&mut state.refusals))
    }
}
