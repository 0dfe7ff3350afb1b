//! The embedded store keeps the contract of every plan store, in either kind of runtime.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::cell::Cell;

use dnsplan_plan::conformance;
use dnsplan_store::EmbeddedStore;
use tempfile::TempDir;

/// A new store on each call, each in a file of its own.
async fn all() {
    let directory = TempDir::new().unwrap();
    let made = Cell::new(0);
    conformance::all(async || {
        made.set(made.get() + 1);
        EmbeddedStore::open(directory.path().join(format!("{}.sqlite", made.get()))).unwrap()
    })
    .await;
}

#[tokio::test]
async fn the_embedded_store_conforms_in_a_current_thread_runtime() {
    all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_conforms_in_a_multi_thread_runtime() {
    all().await;
}
