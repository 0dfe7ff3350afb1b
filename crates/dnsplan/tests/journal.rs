//! The in-process target's record in the plan store: whatever it says, the zone is served.

use std::sync::Arc;

use dnsplan::fence::{Generation, Observed, Register};
use dnsplan::plan::{OwnerName, TargetId};
use dnsplan::store::EmbeddedStore;

/// What the program that wrote it granted was in that process, which is gone: to refuse to serve would be an outage for nothing.
#[tokio::test]
async fn g5_a_record_that_cannot_be_read_keeps_no_zone_from_being_served() {
    for text in ["edited by hand", "dnsplan2 whatever=it-says c=c0d198716548f025"] {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(EmbeddedStore::open(directory.path().join("plans.db")).unwrap());
        let (zone, id): (OwnerName, _) = ("example.com.".parse().unwrap(), TargetId::new("local"));
        store.save_fence(&zone, &id, None, text, Generation::ZERO).unwrap();
        let target = dnsplan::open_target(&store, &zone, &id).await.unwrap();
        assert_eq!(target.load().await, Ok(Observed::Absent), "{text}");
    }
}
