//! Exhaustive exploration of hand-offs: every interleaving of small configurations, with the production code deciding.
//!
//! 1. Two nodes that crash and start again, coordinators that remember nothing but a view of any age and a receipt, a
//!    register and a resource that are separate. Swaps and data writes are in the network: they outlive their senders, and
//!    are late, lost or delivered twice. Replies are lost. The accepted writes reach each node one by one.
//! 2. Nothing decides but production; it is asked for everything that could be known or believed about nodes and clocks:
//!    which candidates answer and in which order, whether time is up, whether somebody demands a hand-off.
//! 3. I1 to I4 are judged on every step. I5 is AG EF "a live node leads, and the resource accepts its writes": from
//!    every state it can be reached without another fault, without another demand, and with one live node.
//! 4. A [`Rule`] that is left out must break something; those are the negative controls.
//!
//! Not modelled: reads, more than two nodes, several resources
//! under one scope, and time.

pub(crate) mod config;
mod kernel;
mod search;
mod state;
mod steps;
mod tell;

use std::fmt;

pub(crate) use config::{Config, INVARIANTS, Invariant, NAMED, RULES};

/// What came of an exploration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Report {
    /// Distinct states.
    pub(crate) states: u64,
    /// Distinct states among them but for what coordinators have in their hands.
    pub(crate) places: u64,
    /// Steps between them.
    pub(crate) transitions: u64,
    /// Steps to the state that is farthest away.
    pub(crate) depth: u32,
    /// States under an epoch that a hand-off has given to its successor.
    pub(crate) promoted: u64,
    /// States under an epoch that a hand-off has given back.
    pub(crate) rolled_back: u64,
    /// The shortest way to something that must not be.
    pub(crate) violation: Option<Counterexample>,
    /// States from which no node ever leads again without another fault.
    pub(crate) stuck: u64,
}

/// How it came about that an invariant broke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Counterexample {
    /// Which one.
    pub(crate) invariant: Invariant,
    /// What was seen.
    pub(crate) what: String,
    /// The steps, in order; there is no shorter way.
    pub(crate) steps: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, places, transitions, depth, promoted, rolled_back, stuck, .. } = self;
        write!(
            f,
            "{states} states, {places} but for views, {transitions} steps between them, at most {depth} steps away, "
        )?;
        write!(f, "{promoted} after a promotion, {rolled_back} after a roll-back: ")?;
        match &self.violation {
            None => f.write_str("all that was judged holds"),
            Some(violation) if *stuck > 0 => write!(f, "{stuck} states are stuck\n{violation}"),
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

/// Explores a configuration, and stops at the first broken invariant. A state takes about 60 bytes.
pub(crate) fn explore(config: &Config) -> Report {
    search::Search::new(*config).run()
}
