//! What every register and every resource of a writer role must do, as a suite that their own tests run. Behind the feature
//! `conformance`.
//!
//! 1. One function per rule, on a role that was never led. It panics with the rule that was broken.
//! 2. Nothing here knows how they work: what a crash, a lost reply or another client does to them is for their own tests.
//! 3. Two handles on one role are two processes: what one of them has written, the other one finds.

mod register;
mod resource;
mod role;

use std::future::Future;

use dnsplan_fence::Register;

use crate::{Fenced, Term};

pub use role::Role;

/// Makes roles that were never led, and handles on them.
pub trait Harness {
    /// The register.
    type Register: Register<Payload = Term, Rider = ()>;
    /// The resource.
    type Resource: Fenced;

    /// Another role, with a register and a resource of its own.
    fn make(&self) -> impl Future<Output = Role<Self>>;

    /// Another register of the same role, as another process would have one.
    fn register(&self, role: &Role<Self>) -> impl Future<Output = Self::Register>;

    /// Another resource of the same role, as another process would have one.
    fn resource(&self, role: &Role<Self>) -> impl Future<Output = Self::Resource>;

    /// A write that adds this number to what was written.
    fn write(&self, role: &Role<Self>, number: u64) -> <Self::Resource as Fenced>::Write;

    /// The numbers that took effect, in order.
    fn written(&self, role: &Role<Self>) -> impl Future<Output = Vec<u64>>;
}

macro_rules! rules {
    ($($module:ident::$rule:ident,)*) => {
        $(pub use $module::$rule;)*

        /// All rules, each on a role of its own.
        ///
        /// # Panics
        /// Where one is broken.
        pub async fn all<H: Harness>(harness: &H) {
            $($rule(harness).await;)*
        }
    };
}

rules! {
    register::nothing_is_there_at_first,
    register::only_the_first_record_begins,
    register::what_was_written_is_read_by_everybody,
    register::a_swap_takes_effect_once,
    register::of_two_swaps_of_one_record_one_wins,
    register::the_whole_record_is_compared,
    register::a_hand_off_goes_through,
    resource::what_is_accepted_takes_effect,
    resource::what_is_sealed_takes_effect_no_more,
    resource::sealing_again_says_the_same,
    resource::a_newer_epoch_ends_an_older_one,
    resource::sealing_an_older_epoch_changes_nothing,
    resource::positions_rise,
    resource::a_leader_that_was_refused_sends_nothing_more,
}
