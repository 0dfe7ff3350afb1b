//! The target at the fake, through the real SDK.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

mod chains;
mod common;
mod edges;
mod october;
mod others;
mod owners;
mod race;
mod suite;
mod world;
