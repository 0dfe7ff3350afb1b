//! An authoritative DNS server in this process, as a target of dnsplan: it answers from the live plan's snapshot.
//!
//! A [`HickoryTarget`] is one zone. The enactor writes to it through its fence; a [`Handler`] takes one snapshot of it per
//! query; a [`DnsServer`] listens on UDP and TCP. With [`Transfers`], secondaries follow: they are told of each plan (NOTIFY), and
//! transfer the zone or what has changed of it (AXFR, IXFR).
//!
//! ```
//! use dnsplan_enactor::{Quarantine, Rider};
//! # use dnsplan_enactor::Basis;
//! use dnsplan_fence::{Actor, Generation, Move, Nonce, Part, Register, Standing};
//! use dnsplan_hickory::{DnsServer, Handler, HickoryTarget, NoJournal};
//! # use dnsplan_fence::{OfferedGeneration, ParentGeneration};
//! # use dnsplan_plan::{OwnerName, Plan, Proposal, Provenance, RRset, TargetId, Timestamp, Ttl, Zone, rdata};
//! # fn plan() -> Result<Plan, Box<dyn std::error::Error>> {
//! #     let origin: OwnerName = "example.".parse()?;
//! #     let mut zone = Zone::empty(origin.clone());
//! #     let ttl = Ttl::new(60).ok_or("ttl")?;
//! #     for (kind, text) in [("SOA", "ns ops 0 300 60 86400 30"), ("NS", "ns"), ("A", "192.0.2.1")] {
//! #         zone.set_rrset(origin.clone(), RRset::simple(ttl, [rdata(kind, text, &origin)?])?)?;
//! #     }
//! #     let provenance = Provenance::new("doc", Timestamp::from_millis(0), "an example");
//! #     let granted = OfferedGeneration::granted(Generation::new(1));
//! #     Ok(Plan::granted(granted, ParentGeneration::NONE, Proposal { zone, provenance }))
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let target = HickoryTarget::new(TargetId::new("here"), "example.".parse()?, NoJournal);
//! let server = DnsServer::bind("127.0.0.1:0".parse()?, Handler::new([target.clone()])?).await?;
//!
//! // What the enactor's loop does with a target, by hand: create the record, then put a plan under it.
//! let (plan, me) = (std::sync::Arc::new(plan()?), Actor::new("doc")?);
//! let genesis = target.load().await?.genesis(Nonce::new(1), &me, Quarantine::default());
//! let _ = target.create(genesis.ok_or("a record is there")?).await?;
//! let seen = target.load().await?;
//! let head = seen.witness().answered(Standing::new(Generation::new(1)));
//! let sighting = seen.sight(head).ok_or("no record is there")?;
//! let permit = sighting.permit(&plan, Move::Apply(Part::ONLY), Nonce::new(2), &me)?;
//! let basis = std::sync::Arc::new(Basis::Unknown);
//! let _ = target.swap(permit, Rider::Part { plan, basis, set_aside: Default::default() }).await?;
//!
//! let live = target.snapshot().ok_or("nothing is live")?;
//! assert_eq!(live.generation(), Generation::new(1));
//! println!("dig @127.0.0.1 -p {} example. A", server.local_addr().port());
//! server.shutdown().await?;
//! # Ok(())
//! # })
//! # }
//! ```

mod choose;
mod find;
mod handler;
mod journal;
mod lookup;
mod notify;
mod respond;
mod served;
mod server;
mod shares;
mod stream;
mod target;
mod transfer;

pub use choose::{Chooser, SplitMix64};
pub use handler::{DuplicateZone, Handler};
pub use journal::{Journal, JournalError, NoJournal};
pub use lookup::Answer;
pub use served::Served;
pub use server::{DnsServer, ServerError};
pub use target::{HickoryTarget, RestoreError};
pub use transfer::{TransferCounts, Transfers, TransfersError};
