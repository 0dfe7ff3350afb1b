//! The planner from the outside: a spec in, a plan or the reason why not out.

mod common;
mod documents;
mod guards;
mod planning;
mod properties;
mod spec_errors;
