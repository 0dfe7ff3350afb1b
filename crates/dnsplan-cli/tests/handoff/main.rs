//! `dnsplan handoff` and `dnsplan steward` with a real pair of PostgreSQL servers, a register of its own, and clients that write all the
//! while and find the writer by the endpoint's name.
//!
//! Faults come at every step: `DNSPLAN_HANDOFFS` says how many hand-offs (12 unless it is set), and `DNSPLAN_TEST_SEED` in which order.
//! The full size is 72, each victim with each fault at each step once:
//! `DNSPLAN_HANDOFFS=72 cargo test -p dnsplan-cli --test handoff faults -- --nocapture`

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

mod answers;
mod bed;
mod faults;
#[expect(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the command line, which use more of it"
)]
#[path = "../cli/harness/mod.rs"]
mod harness;
mod load;
