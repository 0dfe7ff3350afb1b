//! Hand-offs under load at a real server, back and forth between two nodes, and what comes of them.
//!
//! How late rows are told: each row has its epoch. The very transaction that raises the floor counts the rows of the epoch that
//! it ends, by a trigger on the floor. Once all writers have ended, exactly those may be there. Where a form is to leak, the rows
//! are counted by the statement that follows the seal's COMMIT, so that what comes on top came after the seal beyond doubt.

mod arena;
mod form;
mod report;
mod run;
mod writers;

pub(crate) use form::{Form, LEAKING, SHIPPED};
pub(crate) use report::{HEADER, Report};
pub(crate) use run::{Plan, run};

/// What goes wrong in a load: it ends it.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
