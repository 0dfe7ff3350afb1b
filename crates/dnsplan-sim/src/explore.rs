//! Exhaustive exploration: every interleaving of small configurations, with the production code deciding.
//!
//! 1. Nothing decides here but production: `decide`, `aim_at`, `Sighting::permit`, `Observed::{witness, sight,
//!    genesis}`, `Record::is_reapable`, and the target semantics of `conformance::MemoryTarget`. They are asked once
//!    for every distinct question (a record but for its nonce, a store, contents) and the answers are remembered, so
//!    that a step costs about a microsecond.
//! 2. Enactors may crash, sleep or lose a reply at any point; writes may be lost, delayed past any number of
//!    generations, and delivered again. Hands may delete, corrupt and damage; the target and the store may be put back.
//! 3. Safety (G1 to G4, G6, G7) is judged on every step. Liveness is AG EF "the newest plan is live, whole and
//!    settled": from every state it can be reached by enactors, planner and network alone. States from which it cannot
//!    are counted as stuck.
//! 4. A [`Rule`] that is left out must break something; those are the negative controls.
//!
//! What makes it small enough: an enactor that can go on from a fresh look can do all that an idle one can, so every
//! enactor always holds some observation; a reply only makes an enactor look again, which is what a crash or a lost
//! reply does as well; and what can never match again is dropped (`state`). The tests compare what is reached with a
//! plain exploration that does none of that.
//!
//! Not modelled: freezes, pins, pruning, quarantine and records of others, several zones, a rewind of a part of the
//! target, old fence texts written back by hand, a plan that the store loses between two reads of one look, and time.

mod check;
mod config;
mod kernel;
mod moves;
mod named;
mod plans;
mod search;
mod state;
mod steps;
mod tell;
mod weak;

use std::fmt;

use crate::Invariant;

pub use config::{Config, Deciding, Rule};
pub use named::{Named, named};

/// What came of an exploration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Distinct states.
    pub states: u64,
    /// Distinct (contents of the target, fence record but for its nonce, plans in the store) among them.
    pub places: u64,
    /// Steps between them.
    pub transitions: u64,
    /// Steps to the state that is farthest away.
    pub depth: u32,
    /// The shortest way to something that must not be: a step that breaks an invariant, or else the first stuck state.
    pub violation: Option<Counterexample>,
    /// States from which the newest plan can never go live without another fault.
    pub stuck: u64,
    /// Whether every state was looked at, and liveness decided.
    pub complete: bool,
}

/// How it came about that an invariant broke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counterexample {
    /// Which one.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
    /// The steps, in order; there is no shorter way.
    pub steps: Vec<String>,
}

impl Report {
    /// Whether every state was looked at, nothing broke, and everything heals.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.complete && self.violation.is_none() && self.stuck == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, transitions, depth, stuck, .. } = self;
        write!(f, "{states} states, {transitions} steps between them, at most {depth} steps away: ")?;
        match &self.violation {
            None if self.complete => f.write_str("all invariants hold, and every state heals"),
            None => f.write_str("cut short; nothing broke so far"),
            Some(violation) if *stuck > 0 => write!(f, "{stuck} states never heal\n{violation}"),
            Some(violation) => write!(f, "broken\n{violation}"),
        }
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} ({} steps)", self.invariant, self.what, self.steps.len())?;
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>4} {step}", index + 1)?;
        }
        Ok(())
    }
}

/// Explores a configuration, and stops at the first broken invariant or once there are more than `limit` states.
///
/// Numbers out of the range that [`Config`] names are taken as the nearest in it. A state takes about 70 bytes.
#[must_use]
pub fn explore(config: &Config, limit: usize) -> Report {
    search::Search::new(config).run(limit)
}
