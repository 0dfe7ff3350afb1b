//! The primitive that refuses a stale writer **in the write itself**.
//!
//! A [`Register`] holds one [`Record`] under compare-and-swap. Whoever wants to write loads it, reads the newest plan
//! *after* that load ([`Observed::witness`]), and turns the two into a [`Permit`]; the register compares the permit's
//! expectation with what is there and writes record and data in the same atomic step. There is no other way to write.
//!
//! ```
//! use dnsplan_fence::{Actor, Digest, Edit, Fenced, Generation, Move, Nonce, Offer, OfferedGeneration, Part, Standing, Swap};
//!
//! struct Plan { generation: u64 }
//! impl Offer for Plan {
//!     fn offered(&self) -> OfferedGeneration { OfferedGeneration::granted(Generation::new(self.generation)) }
//!     fn digest(&self) -> Digest { Digest::new([self.generation as u8; 32]) }
//! }
//!
//! let me = Actor::new("enactor-1")?;
//! let cell: Fenced<&str> = Fenced::new();
//!
//! // First use: a record that grants nothing is created, and it changes nothing else.
//! let genesis = cell.load().genesis(Nonce::new(1), &me, ()).expect("nothing was there");
//! assert!(matches!(cell.create(genesis), Swap::Won));
//!
//! // Every later write: load, then ask for the head, then a permit from (plan, observation).
//! let plan = Plan { generation: 7 };
//! let seen = cell.load();
//! let head = seen.witness().answered(Standing::new(Generation::new(7)));
//! let sighting = seen.sight(head).expect("a record is there");
//! let permit = sighting.permit(&plan, Move::Apply(Part::ONLY), Nonce::new(2), &me)?;
//! assert!(matches!(cell.swap(permit, Edit::Put("seven")), Swap::Won));
//! assert_eq!(*cell.snapshot().expect("live").value(), "seven");
//!
//! // The same observation again: the record has moved on, so the write is lost, not merged.
//! let late = sighting.permit(&plan, Move::Apply(Part::ONLY), Nonce::new(3), &me)?;
//! assert!(matches!(cell.swap(late, Edit::Put("late")), Swap::Lost(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the compiler refuses (G7)
//!
//! A permit cannot be made from an observation alone:
//!
//! ```compile_fail,E0277
//! # use dnsplan_fence::*;
//! # fn f(sighting: Sighting<()>, me: Actor) {
//! let read_just_now = sighting.generation();
//! let _ = sighting.permit(&read_just_now, Move::Repair, Nonce::new(1), &me);
//! # }
//! ```
//!
//! nor from a plan's parent:
//!
//! ```compile_fail,E0277
//! # use dnsplan_fence::*;
//! # fn f(sighting: Sighting<()>, parent: ParentGeneration, me: Actor) {
//! let _ = sighting.permit(&parent, Move::Repair, Nonce::new(1), &me);
//! # }
//! ```
//!
//! and the three numbers do not stand in for one another:
//!
//! ```compile_fail,E0308
//! # use dnsplan_fence::*;
//! # fn f(sighting: Sighting<()>) -> OfferedGeneration {
//! sighting.generation() // what was observed is not what is offered
//! # }
//! ```
//!
//! ```compile_fail,E0308
//! # use dnsplan_fence::*;
//! # fn f(parent: ParentGeneration) -> OfferedGeneration {
//! parent // what a plan was made on is not what it offers
//! # }
//! ```
//!
//! ```compile_fail,E0308
//! # use dnsplan_fence::*;
//! # fn f(offered: OfferedGeneration) -> ObservedGeneration {
//! offered // what is offered has not been observed
//! # }
//! ```
//!
//! nor can a permit be written down by hand:
//!
//! ```compile_fail,E0451
//! # use dnsplan_fence::*;
//! # fn f(expected: Record<()>, next: Record<()>) {
//! let _ = Permit { expected, next, action: Move::Repair };
//! # }
//! ```

mod fenced;
mod gate;
mod generation;
mod ids;
mod observed;
mod permit;
mod record;
mod register;
mod sync;

pub use fenced::{Edit, Fenced, Pinned, Snapshot};
pub use gate::{Gate, NotEntered, NotOpened, Pass};
pub use generation::{Generation, ObservedGeneration, Offer, OfferedGeneration, ParentGeneration};
pub use ids::{Actor, Digest, FreezeId, InvalidActor, InvalidDigest, Nonce};
pub use observed::{Genesis, HeadAfter, Observed, Standing, Witness};
pub use permit::{Move, Permit, Refused, Sighting};
pub use record::{Part, Progress, Record, Stage};
pub use register::{Register, Settled, Swap, settle};
