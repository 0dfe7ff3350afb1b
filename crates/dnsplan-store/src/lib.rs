//! The embedded plan store: one SQLite file, no server, safe for several processes on one machine at once.
//!
//! ```
//! use dnsplan_fence::{Nonce, ParentGeneration};
//! use dnsplan_plan::{OwnerName, PlanStore, Proposal, Provenance, RRset, Timestamp, Ttl, Zone, rdata};
//! use dnsplan_store::EmbeddedStore;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("plans.sqlite");
//! let store = EmbeddedStore::open(&path)?;
//!
//! let origin: OwnerName = "example.".parse()?;
//! let ttl = Ttl::new(60).expect("a valid TTL");
//! let mut zone = Zone::empty(origin.clone());
//! zone.set_rrset(origin.clone(), RRset::simple(ttl, [rdata("SOA", "ns1 ops 0 300 60 86400 30", &origin)?])?)?;
//! zone.set_rrset(origin.clone(), RRset::simple(ttl, [rdata("NS", "ns1.example.net.", &origin)?])?)?;
//! let provenance = Provenance::new("me", Timestamp::from_millis(0), "the first plan");
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let plan = store.append(ParentGeneration::NONE, Proposal { zone, provenance }, Nonce::new(1)).await?;
//! // Acknowledged is durable: another process sees it, and so does this one after a crash.
//! let elsewhere = EmbeddedStore::open(&path)?;
//! assert_eq!(elsewhere.head(&origin).await?, Some(plan));
//! # Ok(())
//! # })
//! # }
//! ```

mod append;
mod cache;
mod fence;
mod freeze;
mod keep;
mod number;
mod open;
mod plans;
mod prune;
mod role;
mod session;
mod store;
mod targets;

pub use open::OpenError;
pub use role::{Append, Beat, EmbeddedRole};
pub use store::EmbeddedStore;

#[cfg(test)]
mod tests;
