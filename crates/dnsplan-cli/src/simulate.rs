//! `dnsplan simulate --delayed-enactor`: the race of October 2025, on the enactor loop that production runs.
//!
//! 1. Nothing of the product is imitated: enactors are [`Enactor::run`], the fence is the target's, the store is a plan
//!    store. Made up are the time, the delays, and who is polled next.
//! 2. The scenario fixes who is slow and when; the seed fixes everything else. The same seed gives the same bytes.
//! 3. The verdict is computed from what the target holds and answers after every single poll, never from what an enactor
//!    says. The tests run the same scenario against a target without a fence, where the verdict must be bad.
//!
//! Rejected: a model of the enactor, as quick as one likes and free to drift from what is deployed.
//!
//! [`Enactor::run`]: dnsplan_enactor::Enactor::run

mod events;
mod invariants;
mod log;
mod report;
mod scenario;
#[cfg(test)]
mod tests;
mod world;

use dnsplan_enactor::conformance::MemoryTarget;

pub(crate) use report::Report;

/// What to simulate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Determines the interleaving, the delays and how the target cuts plans.
    pub(crate) seed: u64,
}

/// Runs the scenario to its end.
pub(crate) fn run(options: &Options) -> Report {
    scenario::play(options.seed, MemoryTarget::new)
}
