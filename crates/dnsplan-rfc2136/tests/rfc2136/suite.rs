//! The suite that every target must pass, at every server; once with plans that fit a message, and once with plans that do not.

use dnsplan_enactor::conformance;
use dnsplan_name_servers::Software;

use crate::common::{AtServer, SMALL};

async fn passes(software: Software, message_limit: u16) {
    let passed = conformance::all(&AtServer::new(software, message_limit)).await;
    assert!(passed.contains(&"enactors_race_under_faults"), "{passed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_bind_passes_the_suite() {
    passes(Software::Bind, u16::MAX).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_bind_passes_the_suite_in_parts() {
    passes(Software::Bind, SMALL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_knot_passes_the_suite() {
    passes(Software::Knot, u16::MAX).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_knot_passes_the_suite_in_parts() {
    passes(Software::Knot, SMALL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_powerdns_passes_the_suite() {
    passes(Software::PowerDns, u16::MAX).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g5_powerdns_passes_the_suite_in_parts() {
    passes(Software::PowerDns, SMALL).await;
}
