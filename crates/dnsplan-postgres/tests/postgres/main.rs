//! A real PostgreSQL server: what is refused, what is not, and what leaks without the rules.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

mod bed;
mod conformance;
mod guard;
mod isolation;
mod kinds;
mod register;
mod replicas;
mod roles;
mod seal;
mod unknown;
