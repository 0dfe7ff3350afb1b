//! The enactor: takes the newest plan to a target, and keeps it there.
//!
//! [`decide`](decide()) is the table of what to do, [`Enactor`] the one loop that does it, over any [`PlanStore`], [`Target`] and
//! [`Clock`]. There is no runtime in this crate: production drives the loop with tokio, tests and simulation with an
//! executor of their own, and all of them run the very same code.
//!
//! A target passes the suite in `conformance` (feature `conformance`), which also has an in-memory target to try things on.
//!
//! [`PlanStore`]: dnsplan_plan::PlanStore

mod act;
mod chain;
mod clock;
pub mod codec;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decide;
mod demand;
mod enactor;
mod event;
mod observe;
pub mod partition;
mod report;
mod target;
mod verify;
mod view;

pub use clock::{Clock, Nonces};
pub use decide::{Aim, Decision, Situation, Step, Wait, aim_at, decide};
pub use enactor::{Config, EnactError, Enactor, Observer, Rest};
pub use event::Event;
pub use target::{
    Arrival, Audit, Basis, Cut, FenceRecord, Layout, Outline, Quarantine, Rider, Target, TargetError,
    TreeName,
};
