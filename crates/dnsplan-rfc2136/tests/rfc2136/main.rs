//! Against real servers: BIND, Knot and PowerDNS, each on loopback, with TSIG.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

mod common;
mod held;
mod large;
mod later;
mod october;
mod others;
mod race;
mod suite;
mod trouble;
