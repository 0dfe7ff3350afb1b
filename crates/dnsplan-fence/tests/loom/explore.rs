//! Runs a model to its end, and knows what was met on the way.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The executions of one model, and the outcomes met in them.
pub(crate) struct Met {
    executions: AtomicUsize,
    outcomes: AtomicU32,
}

impl Met {
    pub(crate) const fn nothing() -> Self {
        Self { executions: AtomicUsize::new(0), outcomes: AtomicU32::new(0) }
    }

    pub(crate) fn note(&self, outcome: u32, met: bool) {
        self.outcomes.fetch_or(u32::from(met) << outcome, Ordering::Relaxed);
    }

    pub(crate) fn must_have(&self, outcomes: &[u32]) {
        let met = self.outcomes.load(Ordering::Relaxed);
        for outcome in outcomes {
            assert!(met & (1 << outcome) != 0, "no execution met outcome {outcome}");
        }
    }
}

/// Explores those executions of `model` in which threads are interrupted at most so many times, or all.
pub(crate) fn explore(
    name: &str,
    interruptions: Option<usize>,
    met: &'static Met,
    model: impl Fn() + Send + Sync + 'static,
) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = interruptions;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.max_branches = 10_000;
    builder.check(move || {
        met.executions.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let bound =
        interruptions.map_or_else(|| "exhaustive".to_owned(), |most| format!("at most {most} interruptions"));
    println!("loom {name}: {} executions, {bound}", met.executions.load(Ordering::Relaxed));
}
