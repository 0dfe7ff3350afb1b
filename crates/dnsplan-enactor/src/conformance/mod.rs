//! The suite that every target must pass, and what it is made of: a scheduler, faults, a target in memory.
//!
//! A target's crate turns the feature on for its tests, implements [`Harness`], and runs [`all`]:
//!
//! ```
//! use std::sync::Arc;
//! use dnsplan_enactor::Layout;
//! use dnsplan_enactor::conformance::{self, Harness, MemoryTarget, Tamper, block_on};
//! use dnsplan_plan::{Node, OwnerName};
//!
//! struct InPlace;
//! impl Harness for InPlace {
//!     type Target = MemoryTarget;
//!     async fn make(&self, zone: &OwnerName) -> Arc<MemoryTarget> {
//!         Arc::new(MemoryTarget::new(zone.clone(), Layout::InPlace, 1))
//!     }
//!     async fn answer(&self, target: &MemoryTarget, owner: &OwnerName) -> Option<Arc<Node>> {
//!         target.answer(owner)
//!     }
//!     async fn tamper(&self, target: &MemoryTarget, tamper: Tamper) -> bool {
//!         conformance::tamper_memory(target, tamper)
//!     }
//! }
//! let passed = block_on(conformance::all(&InPlace));
//! assert!(passed.contains(&"stale_enactor_is_refused"));
//! ```

mod exec;
mod faulty;
mod fence;
mod heal;
mod memory;
mod race;
mod world;

use std::future::Future;
use std::sync::Arc;

use dnsplan_plan::{Node, OwnerName};

use crate::{Layout, Target};

pub use exec::{CountedNonces, Schedule, Task, VirtualClock, block_on, interleave, yield_once};
pub use faulty::{Fault, Faulty};
pub use memory::{Contents, MemoryTarget, Request};
pub use world::{World, sample_zone};

/// Something done to a target by hand, past every fence.
#[derive(Clone, Debug)]
pub enum Tamper {
    /// The fence record is deleted.
    DeleteFence,
    /// The fence record is overwritten with this text.
    WriteFence(&'static str),
    /// What we put at an owner name is deleted.
    Damage(OwnerName),
    /// Somebody else's records appear at an owner name.
    Foreign(OwnerName, Arc<Node>),
}

/// How the suite gets at a target.
pub trait Harness: Sync {
    /// The target.
    type Target: Target + 'static;

    /// A fresh, empty target for `zone`.
    fn make(&self, zone: &OwnerName) -> impl Future<Output = Arc<Self::Target>> + Send;

    /// What a client that asks for `owner` would be answered from.
    fn answer(
        &self,
        target: &Self::Target,
        owner: &OwnerName,
    ) -> impl Future<Output = Option<Arc<Node>>> + Send;

    /// Does something by hand; false where that cannot be done to this target, which is then no part of the suite for it.
    fn tamper(&self, target: &Self::Target, tamper: Tamper) -> impl Future<Output = bool> + Send;
}

/// Runs every check and returns their names.
///
/// # Panics
/// Where the target breaks the contract, with what it broke.
pub async fn all<H: Harness>(harness: &H) -> Vec<&'static str> {
    let mut passed = Vec::new();
    macro_rules! run {
        ($($module:ident::$check:ident),* $(,)?) => {$(
            $module::$check(harness).await;
            passed.push(stringify!($check));
        )*};
    }
    run!(
        fence::newest_is_installed_and_a_second_pass_writes_nothing,
        fence::stale_enactor_is_refused,
        fence::older_plan_gets_no_permit,
        fence::lost_replies_and_requests_are_settled,
        fence::late_delivery_is_refused,
        fence::other_content_under_the_same_number_is_rejected,
        heal::half_applied_plan_is_finished_by_another_enactor,
        heal::half_applied_plan_is_superseded,
        heal::deleted_or_corrupt_fence_heals,
        heal::fence_of_a_later_format_is_left_alone,
        heal::drift_is_repaired_and_foreign_records_are_left_alone,
        heal::target_ahead_of_the_store_is_overtaken,
        heal::what_cannot_be_live_again_is_reaped_but_pins_are_kept,
        heal::freeze_stops_what_is_in_flight,
        race::enactors_race_under_faults,
    );
    passed
}

/// [`Harness::tamper`] for a [`MemoryTarget`].
pub fn tamper_memory(target: &MemoryTarget, tamper: Tamper) -> bool {
    let is_tree = target.layout() == Layout::Tree;
    target.edit(|contents| match tamper {
        Tamper::DeleteFence => contents.fence = None,
        Tamper::WriteFence(text) => contents.fence = Some(text.to_owned()),
        Tamper::Damage(owner) if is_tree => contents.trees.values_mut().for_each(|tree| {
            tree.remove(&owner);
        }),
        Tamper::Damage(owner) => {
            contents.nodes.remove(&owner);
        }
        Tamper::Foreign(owner, node) => {
            contents.foreign.insert(owner, node);
        }
    });
    true
}
