//! Scenarios: who is slow, what breaks and when, as files that people can read. What follows from it is up to the enactors.
//!
//! A scenario is a list of steps, done one after the other; docs/scenarios.md describes the format. The seed decides every delay that the
//! scenario does not.

mod parse;
mod play;
mod step;

pub use parse::{Scenario, ScenarioError};
pub use play::play;
