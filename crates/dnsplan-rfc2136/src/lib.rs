//! Any RFC 2136 server as a target: BIND, Knot, PowerDNS and their like, fenced by the update message itself.
//!
//! The fence record is a TXT record in the zone. Every update has exactly the record that was loaded as a value-dependent
//! prerequisite, and puts the next one in its place together with its changes: where anybody was faster, the server refuses the
//! message whole. Nothing else guards a write; no lock is taken.
//!
//! Messages go over TCP, once, and are signed with TSIG; the replies must be. docs/rfc2136.md says how to set up a server.
//!
//! ```no_run
//! # async fn target() -> Result<(), Box<dyn std::error::Error>> {
//! use dnsplan_rfc2136::{Rfc2136Target, Settings};
//! use dnsplan_plan::TargetId;
//!
//! let key = std::fs::read_to_string("/etc/dnsplan/update.key")?.parse()?;
//! let settings = Settings::new("192.0.2.53:53".parse()?, "example.com.".parse()?).with_key(key);
//! let target = Rfc2136Target::connect(TargetId::new("rfc2136:192.0.2.53"), settings).await?;
//! # Ok(())
//! # }
//! ```

mod client;
mod compare;
mod connection;
mod content;
mod cut;
mod fence;
pub mod import;
mod known;
mod markers;
mod message;
mod settings;
mod suspects;
mod target;
#[cfg(test)]
mod testing;
mod trouble;
mod tsig;
mod unit;
mod wanted;
mod work;
mod write;

pub use settings::{Settings, Weights};
pub use target::Rfc2136Target;
