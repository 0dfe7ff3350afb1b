//! The rules of permits, records and the in-process cell, each in a test named for it. Tests that begin with `g1_`, `g3_`,
//! `g6_`, `g7_` or `g9_` are this crate's share of that guarantee.

mod bootstrap;
mod cell;
mod chains;
mod enumerated;
mod floor;
mod freeze;
mod gate;
mod refusals;
mod support;
mod texts;
