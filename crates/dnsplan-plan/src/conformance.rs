//! What every [`PlanStore`] must do, as a suite that a store's own tests run. Behind the feature `conformance`.
//!
//! 1. One function per rule. It takes a store that is empty, and panics with the rule that was broken.
//! 2. Nothing here knows how a store works: what a crash does to it is for its own tests.
//!
//! Rejected: a trait with one test per method for each store to fill in, which can be left half filled.
//!
//! ```
//! # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
//! # fn block_on<F: Future>(future: F) -> F::Output {
//! #     let Poll::Ready(done) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else { panic!("it waits") };
//! #     done
//! # }
//! use dnsplan_plan::{MemoryStore, conformance};
//!
//! block_on(conformance::all(async || MemoryStore::new()));
//! ```

mod append;
mod fixtures;
mod keep;
mod standing;
mod targets;

use crate::PlanStore;

pub use fixtures::{appended, origin, proposal, with_address, zone};

macro_rules! rules {
    ($($module:ident::$rule:ident,)*) => {
        $(pub use $module::$rule;)*

        /// All rules, each on a store of its own.
        ///
        /// # Panics
        /// Where the store breaks one.
        pub async fn all<S: PlanStore>(make: impl AsyncFn() -> S) {
            $($rule(&make().await).await;)*
        }
    };
}

rules! {
    append::what_was_appended_is_read_back,
    append::append_is_a_compare_and_swap,
    append::history_is_linear,
    append::generations_rise_above_all_that_was_seen,
    append::a_lost_reply_is_settled_by_the_nonce,
    append::unchanged_content_needs_a_demand,
    append::guards_refuse_with_a_remedy,
    append::an_endpoint_retired_by_name_may_go,
    append::the_linter_refuses,
    targets::the_last_report_counts,
    targets::a_confirmation_never_falls,
    targets::demands_are_open_until_met,
    targets::the_revision_follows_changes,
    standing::a_freeze_stops_appends,
    standing::a_freeze_in_a_record_is_lifted_by_unfreeze,
    standing::no_freeze_id_comes_twice,
    standing::the_head_is_read_after_the_record,
    keep::a_pin_bounds_the_floor_and_the_floor_bounds_pins,
    keep::prune_keeps_what_is_needed,
    keep::prune_keeps_what_is_live_at_a_target_that_was_put_back,
    keep::prune_frees_no_generation,
    keep::touched_tells_every_change_or_nothing,
}
