//! Route 53 as a target, fenced by Route 53 itself.
//!
//! The fence record is a TXT record in the zone, and every change batch begins with a DELETE of exactly the record that was loaded and a
//! CREATE of the next one: where anybody was faster, Route 53 refuses the batch whole. Nothing else guards a write; no lock is taken.
//!
//! [`Route53Target`] puts plans in place in one of two layouts: in place, where RRsets are at their own owner names, or as a tree per
//! generation that endpoints point at by aliases. docs/route53.md describes both, the calls they take, and the IAM policy.
//!
//! ```no_run
//! # async fn target() -> Result<(), Box<dyn std::error::Error>> {
//! use dnsplan_route53::{Route53Target, Settings, client};
//! use dnsplan_plan::TargetId;
//!
//! let (zone, id) = ("example.com.".parse()?, TargetId::new("route53:Z0123456789"));
//! let target = Route53Target::open(client(None).await, "Z0123456789", &zone, id, &Settings::default()).await?;
//! # Ok(())
//! # }
//! ```

mod api;
mod bisect;
mod changes;
mod client;
mod compare;
mod cost;
mod cut;
mod cuts;
mod fence;
mod import;
mod known;
mod markers;
mod messages;
mod name;
mod pace;
mod part;
mod present;
mod record;
mod rehearsal;
mod sdk;
mod target;
#[cfg(test)]
mod testing;
mod trouble;
mod value;
mod wanted;
mod write;
mod zone_map;

pub use aws_sdk_route53::Client;
pub use client::client;
pub use import::import;
pub use pace::{Pace, Rate};
pub use target::{Calls, Route53Target, Settings};
