//! A role that moves between real servers: the steward's steps one by one, with a register in this process and an endpoint that does as
//! it is told. `dnsplan-cli`'s tests have the whole of it, under load and with faults.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

mod bed;
mod fitness;
mod opened;
mod steps;
