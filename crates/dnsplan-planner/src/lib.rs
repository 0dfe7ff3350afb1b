//! The planner: a spec that people write, and health, to the next complete plan of a zone.
//!
//! 1. Pure: no clock, no I/O, no randomness. The same arguments make the same bytes, whatever the order of the spec's lines.
//! 2. What nobody knows empties nothing: unknown health keeps what stood, and a pool with too few healthy members answers
//!    with all of them.
//! 3. Guards refuse what would hurt. Each names itself and what would lift it; nothing lifts them all.
//!
//! ```
//! use dnsplan_plan::Timestamp;
//! use dnsplan_planner::{Context, Health, Intent, PlanError, plan};
//!
//! let intent = Intent::parse(r#"
//!     [zone."example."]
//!     ns = ["ns1"]
//!
//!     [pool.blue]
//!     members = [{ id = "blue-1", ipv4 = "192.0.2.11" }, { id = "blue-2", ipv4 = "192.0.2.12", weight = 3 }]
//!
//!     [[endpoint]]
//!     name = "api"
//!     pools = { blue = 1 }
//!
//!     [[record]]
//!     name = "ns1"
//!     type = "A"
//!     data = "192.0.2.53"
//! "#)?;
//! let zone = intent.zones().next().expect("a spec has a zone");
//! let context = Context::new("me", Timestamp::from_millis(0), "the first plan");
//! let planned = plan(zone, &Health::from_spec(), None, &context)?;
//! assert_eq!(planned.proposal.zone.rrset_count(), 4);
//! assert!(dnsplan_plan::check_zone(&planned.proposal.zone).is_empty());
//!
//! let broken = Intent::parse("[zone.\"example.\"]\nns = [\"ns1\"]\nttk = 60\n").unwrap_err();
//! let expected = "cell.toml:3:1: error: unknown key `ttk` in zone \"example.\"\n  help: did you mean `ttl`?";
//! assert_eq!(broken.render("cell.toml"), expected);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod content;
mod guards;
mod health;
mod intent;
mod members;
mod note;
mod plan;
mod publish;
mod removal;
mod spec;
mod weights;

pub use guards::GuardRefusal;
pub use health::{Health, MemberHealth, Reading};
pub use intent::{Intent, Share, ZoneIntent};
pub use note::Note;
pub use plan::{Context, PlanError, Planned, plan};
pub use publish::{PublishError, Published, append, publish};
pub use removal::{Removal, RemovalLimits, removals};
pub use spec::{SpecError, SpecErrors};
