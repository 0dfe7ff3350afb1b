//! Zones, plans and the plan store: what is to be enacted, complete and immutable.
//!
//! ```
//! use dnsplan_plan::{MemoryStore, OwnerName, PlanStore, Proposal, Provenance, RRset, Timestamp, Ttl, Zone, rdata};
//! use dnsplan_fence::{Nonce, ParentGeneration};
//!
//! let origin: OwnerName = "example.".parse()?;
//! let ttl = Ttl::new(60).expect("a valid TTL");
//! let mut zone = Zone::empty(origin.clone());
//! zone.set_rrset(origin.clone(), RRset::simple(ttl, [rdata("SOA", "ns1.example. ops.example. 0 300 60 86400 30", &origin)?])?)?;
//! zone.set_rrset(origin.clone(), RRset::simple(ttl, [rdata("NS", "ns1", &origin)?])?)?;
//! zone.set_rrset("ns1.example.".parse()?, RRset::simple(ttl, [rdata("A", "192.0.2.1", &origin)?])?)?;
//!
//! let store = MemoryStore::new();
//! let why = Provenance::new("me", Timestamp::from_millis(0), "the first plan");
//! # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
//! # fn block_on<F: Future>(future: F) -> F::Output {
//! #     let Poll::Ready(done) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else { panic!("it waits") };
//! #     done
//! # }
//! let plan = block_on(store.append(ParentGeneration::NONE, Proposal { zone, provenance: why }, Nonce::new(1)))?;
//! assert_eq!(plan.generation().get(), 1);
//! assert!(dnsplan_plan::check(&plan).is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod absolute;
mod check;
#[cfg(feature = "conformance")]
pub mod conformance;
mod delta;
mod diff;
mod import;
mod memory;
mod name;
mod node;
mod plan;
mod presentation;
mod rrset;
mod set_hash;
mod store;
mod wire;
mod zone;

pub use absolute::{AbsoluteGuard, Violation, append_violations, live_violations, violations};
pub use check::{Finding, Severity, check, check_owners, check_zone, target};
pub use delta::{Delta, WrongZone};
pub use diff::{Diff, NodeChange, ProtectionChange, RRsetChange};
pub use import::{Import, LeftOut};
pub use memory::MemoryStore;
pub use name::{InvalidName, OwnerName};
pub use node::Node;
pub use plan::{Input, Override, Plan, Proposal, Provenance, Timestamp};
pub use presentation::{InvalidRdata, rdata};
pub use rrset::{Candidate, InvalidRRset, Member, RRset, Records, Ttl};
pub use store::{
    AppendError, Demand, DemandReason, Entry, Freeze, Pin, PlanStore, Pruned, Revision, StoreError, TargetId,
    TargetReport, TargetStatus, admit,
};
pub use wire::DecodeError;
pub use zone::{OutOfZone, RRsetKey, Zone};

pub use hickory_proto::rr::{RData, RecordType};
