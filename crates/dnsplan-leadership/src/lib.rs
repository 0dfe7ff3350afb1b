//! Hand-off of a writer role, planned or after a failure, on the fence record of [`dnsplan_fence`]. Pure: no clock, no
//! randomness, no runtime.
//!
//! One register holds a [`Record<Term>`](dnsplan_fence::Record): its generation is the [`Epoch`], its payload says who
//! holds it and how far a hand-off has come. One resource holds a [`Floor`] and refuses, in the write itself, what is below
//! it.
//!
//! freeze (record) -> drain (holder) -> **seal (resource): the demotion** -> record the seal -> catch up (successor) ->
//! **grant epoch + 1 (record), to the successor or back: the outcome** -> canary -> publish -> report.
//!
//! 1. No message, timer or error changes authority; only a won swap does.
//! 2. Rolling back is a step forward: the node that led before gets a *new* epoch.
//! 3. After a failure the path is the same, without the drain. There is no other.
//! 4. How the steps map onto the fence's moves, and what refuses the wrong ones: [`Seen`]. Who does what next: [`decide`]
//!    for coordinators, [`attend`] for nodes. As types: [`Handoff`], [`Leadership`]. As a line of text: [`mod@text`].
//! 5. What cannot compare an epoch in the write is led in another way, which promises less: [`unfenceable`].
//!
//! # What the compiler refuses
//!
//! An epoch out of thin air, or by arithmetic:
//!
//! ```compile_fail,E0423
//! let first = dnsplan_leadership::Epoch(std::num::NonZeroU64::MIN);
//! ```
//!
//! ```compile_fail,E0369
//! # fn f(epoch: dnsplan_leadership::Epoch) {
//! let _ = epoch - epoch;
//! # }
//! ```
//!
//! A receipt that no resource has given, or an order to seal what is not to end:
//!
//! ```compile_fail,E0451
//! # use dnsplan_leadership::*;
//! # fn f(receipt: Receipt, epoch: Epoch) {
//! let _ = Receipt { epoch, ..receipt };
//! # }
//! ```
//!
//! ```compile_fail,E0451
//! # use dnsplan_leadership::*;
//! # fn f(epoch: Epoch, held_by: Holder) {
//! let _ = Order { epoch, held_by };
//! # }
//! ```
//!
//! A term that nobody was granted:
//!
//! ```compile_fail,E0451
//! # use dnsplan_leadership::*;
//! # fn f(term: Term, me: Holder) {
//! let _ = Term { holder: Some(me), ..term };
//! # }
//! ```

mod attend;
mod cell;
#[cfg(feature = "conformance")]
pub mod conformance;
mod coordinator;
mod decide;
mod floor;
mod handoff;
mod ids;
mod lead;
pub mod monitor;
mod resource;
mod seen;
mod term;
pub mod text;
pub mod unfenceable;

pub use attend::{Stance, attend};
pub use cell::Cell;
pub use coordinator::{Beliefs, Coordinator, Turn, TurnFailed};
pub use decide::{Situation, Step, Wait, decide};
pub use floor::{BelowFloor, Floor};
pub use handoff::{Done, Ended, Failed, Frozen, Handoff, Qualified, Resumed, Sealed};
pub use ids::{Epoch, HandoffId, Holder, Incarnation, Node, Position, Scope, Token, WriteId};
pub use lead::{Leadership, NotSent, Permit};
pub use resource::{Fenced, Written};
pub use seen::{Candidate, Demand, Refused, Seen, Write};
pub use term::{Intent, Order, Origin, Outcome, Phase, Receipt, Term};
