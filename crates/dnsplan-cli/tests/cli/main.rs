//! The command line from end to end: the real binary, real files, real sockets, `dig` as the client.
//!
//! 1. Every test has a directory and processes of its own, and ends them, whatever becomes of it.
//! 2. Ports are ephemeral; where a server listens is read from its ready line.
//! 3. Nothing waits for time to pass: conditions are polled, with a deadline.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

mod answers;
mod apply;
mod daemons;
mod edits;
mod failover;
mod guards;
mod harness;
mod operate;
mod output;
mod primaries;
mod races;
mod report;
mod restarts;
mod route53;
mod scenarios;
mod secondaries;
mod simulate;
mod spec;
mod stores;
