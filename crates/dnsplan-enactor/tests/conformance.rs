//! The suite against the target in memory, in both layouts and with parts of one owner name: every plan is a chain.

use std::sync::Arc;

use dnsplan_enactor::Layout;
use dnsplan_enactor::conformance::{self, Harness, MemoryTarget, Tamper, block_on};
use dnsplan_plan::{Node, OwnerName};

struct Memory {
    layout: Layout,
    batch: usize,
    is_fenced: bool,
}

impl Harness for Memory {
    type Target = MemoryTarget;

    async fn make(&self, zone: &OwnerName) -> Arc<MemoryTarget> {
        let make = if self.is_fenced { MemoryTarget::new } else { MemoryTarget::unfenced };
        Arc::new(make(zone.clone(), self.layout, self.batch))
    }

    async fn answer(&self, target: &MemoryTarget, owner: &OwnerName) -> Option<Arc<Node>> {
        target.answer(owner)
    }

    async fn tamper(&self, target: &MemoryTarget, tamper: Tamper) -> bool {
        conformance::tamper_memory(target, tamper)
    }
}

fn run(layout: Layout, batch: usize) {
    let passed = block_on(conformance::all(&Memory { layout, batch, is_fenced: true }));
    assert_eq!(passed.len(), 15);
}

#[test]
fn tree_of_single_records() {
    run(Layout::Tree, 1);
}

#[test]
fn tree_of_three_records_a_part() {
    run(Layout::Tree, 3);
}

#[test]
fn in_place_one_owner_name_at_a_time() {
    run(Layout::InPlace, 1);
}

#[test]
fn in_place_three_owner_names_at_a_time() {
    run(Layout::InPlace, 3);
}

#[test]
fn whole() {
    run(Layout::Whole, 1);
}

#[test]
#[should_panic(expected = "must not let a write through")]
fn a_target_without_a_fence_fails_the_suite() {
    let unfenced = Memory { layout: Layout::InPlace, batch: 1, is_fenced: false };
    block_on(conformance::all(&unfenced));
}
