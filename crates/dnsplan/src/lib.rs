//! An embeddable DNS plan/enact engine with generation fencing.
//!
//! A planner emits versioned, complete DNS plans; enactors apply them under a monotonic generation fence that is checked at
//! the target, in the write itself. This crate is the one dependency of an embedder: it brings the parts together with tokio,
//! and has a feature per store (`embedded`), per target (`hickory`, `rfc2136`, `route53`), and per place of a writer role
//! (`leadership-etcd`, `leadership-object-store`, `leadership-postgres`). [`Enactors`] runs enactors on any target, `Engine` is store,
//! server and enactors in one.
//!
//! ```
//! # #[cfg(all(feature = "embedded", feature = "hickory"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let data = directory.path();
//! use dnsplan::{Engine, planner::Intent};
//!
//! let spec = r#"
//!     [zone."example."]
//!     ns = ["ns1"]
//!     [pool.blue]
//!     members = [{ id = "blue-1", ipv4 = "192.0.2.11" }, { id = "blue-2", ipv4 = "192.0.2.12" }]
//!     [[endpoint]]
//!     name = "api"
//!     protected = true
//!     pools = { blue = 1 }
//!     [[record]]
//!     name = "ns1"
//!     type = "A"
//!     data = "192.0.2.53"
//! "#;
//! let intent = Intent::parse(spec)?;
//! let engine = Engine::start(data.join("plans.sqlite"), "127.0.0.1:0".parse()?, &intent, 3).await?;
//! let published = engine.publish(&intent, "the first plan").await?;
//! engine.wait_until_live(&published).await;
//! println!("answering on {}", engine.local_addr());
//! engine.stop().await?;
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "embedded", feature = "hickory")))]
//! # fn main() {}
//! ```

#![cfg_attr(doctest, doc = include_str!("../../../README.md"))]

mod enactors;
#[cfg(all(feature = "embedded", feature = "hickory"))]
mod engine;
#[cfg(all(feature = "embedded", feature = "hickory"))]
mod journal;
pub mod leadership;
mod world;

pub use dnsplan_enactor as enactor;
pub use dnsplan_fence as fence;
#[cfg(feature = "hickory")]
pub use dnsplan_hickory as hickory;
pub use dnsplan_plan as plan;
pub use dnsplan_planner as planner;
#[cfg(feature = "rfc2136")]
pub use dnsplan_rfc2136 as rfc2136;
#[cfg(feature = "route53")]
pub use dnsplan_route53 as route53;
#[cfg(feature = "embedded")]
pub use dnsplan_store as store;
#[cfg(any(feature = "hickory", feature = "rfc2136"))]
pub use dnsplan_tsig as tsig;

pub use dnsplan_planner::{PublishError, Published, append, publish};
pub use enactors::{Enactors, SystemEnactor, ZoneObserver, enactor};
#[cfg(all(feature = "embedded", feature = "hickory"))]
pub use engine::{Engine, EngineConfig, EngineError};
#[cfg(all(feature = "embedded", feature = "hickory"))]
pub use journal::{StoreJournal, open_target};
pub use world::{RandomNonces, SystemClock};
