//! The hand-off of a writer role, played: two nodes with their lives, two coordinators, a register, the storage that is written, an
//! endpoint that clients follow with a lag, a provider who promotes and reverses, and a monitor.
//!
//! 1. Nothing of the product is imitated. Coordinators are [`Coordinator::turn`], nodes are [`attend`], [`Leadership`] and its permits, the
//!    storage keeps a [`Floor`], the monitor is [`Monitor::observe`]. Made up are time, delays, faults, and who wants what.
//! 2. The verdict is computed from what the register and the storage hold and from what clients were answered, after every step.
//! 3. [`Weak`] switches take one rule away each, around the product: in what the register and the storage do, or in what is believed.
//!
//! [`Coordinator::turn`]: dnsplan_leadership::Coordinator::turn
//! [`attend`]: dnsplan_leadership::attend()
//! [`Leadership`]: dnsplan_leadership::Leadership
//! [`Floor`]: dnsplan_leadership::Floor
//! [`Monitor::observe`]: dnsplan_leadership::monitor::Monitor::observe

mod client;
mod coordinator;
mod facts;
mod judge;
mod node;
mod outcome;
mod play;
mod random;
mod register;
mod storage;
mod story;
mod watch;
mod world;

pub use outcome::{Breach, Handover, Invariant, Outcome, Refusal, Weak, Writes};
pub use random::{Options, Played, play, shrink};
pub use story::{DEFAULT_SEED, story};
