//! Several processes on one file: what they acknowledged is there, whoever was killed and whoever else was writing.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod children;
mod crash;
mod crowd;

use dnsplan_fence::Generation;
use dnsplan_plan::{Entry, PlanStore, conformance};
use dnsplan_store::EmbeddedStore;

/// The whole history, newest first, after a check that it is linear: each plan's parent is the plan before it.
async fn linear_history(store: &EmbeddedStore) -> Vec<Entry> {
    let history = store.history(&conformance::origin(), usize::MAX).await.unwrap();
    for pair in history.windows(2) {
        assert_eq!(Generation::from(pair[0].parent), pair[1].generation, "history is linear");
    }
    history
}
