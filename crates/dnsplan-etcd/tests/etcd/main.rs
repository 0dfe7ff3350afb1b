//! At a real etcd.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

mod asleep;
mod bed;
mod role;
mod rules;
