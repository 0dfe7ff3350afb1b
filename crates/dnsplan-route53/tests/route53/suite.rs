//! The suite that every target must pass.

use dnsplan_enactor::Layout;
use dnsplan_enactor::conformance;
use dnsplan_route53_fake::Options;

use crate::common::AtFake;

async fn passes(layout: Layout) {
    let harness = AtFake::new(layout, Options::default());
    let passed = conformance::all(&harness).await;
    assert!(passed.contains(&"enactors_race_under_faults"), "{passed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g3_g5_in_place_passes_the_suite() {
    passes(Layout::InPlace).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g3_g5_a_tree_passes_the_suite() {
    passes(Layout::Tree).await;
}
