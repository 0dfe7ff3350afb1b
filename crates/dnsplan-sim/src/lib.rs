//! The simulator: the production planner, enactor loop and store under a seeded executor with virtual time.
//!
//! 1. Nothing of the product is imitated. Enactors are [`Enactor::run`], plans come from [`dnsplan_planner::publish`], the fence is
//!    [`Sighting::permit`] and the target's own comparison. Made up are time, delays, faults, and who comes next.
//! 2. A seed determines everything: the same seed gives the same trace, byte for byte.
//! 3. The verdict is computed from what the target holds and answers after every step, never from what an enactor says.
//! 4. [`Weak`] switches take one fence away each. They exist here and nowhere else.
//!
//! Rejected: a model of the enactor, as quick as one likes and free to drift from what is deployed.
//!
//! [`Enactor::run`]: dnsplan_enactor::Enactor::run
//! [`Sighting::permit`]: dnsplan_fence::Sighting::permit

mod actors;
mod checker;
mod content;
mod events;
mod exec;
pub mod explore;
pub mod failover;
mod fault;
mod log;
pub mod random;
mod registry;
mod run;
pub mod scenario;
mod schedule;
pub mod shrink;
mod store;
mod target;
mod trace;
mod wire;
mod world;

pub use content::{InvalidSpec, Library};
pub use fault::Mix;
pub use schedule::{InvalidKey, Key};
pub use trace::{Breach, Entry, Invariant, Outcome, Refusal, Sample, Weak};
