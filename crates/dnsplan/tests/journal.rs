//! The in-process target's record in the plan store: what it is opened on, and what it is not.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

use std::sync::Arc;

use dnsplan::fence::Generation;
use dnsplan::plan::{OwnerName, StoreError, TargetId};
use dnsplan::store::EmbeddedStore;

const LATER: &str = "dnsplan2 whatever=it-says c=c0d198716548f025";

/// Opens the target on this text, and says what is there after it.
async fn opened_on(text: &str) -> (Result<(), StoreError>, Option<String>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(EmbeddedStore::open(directory.path().join("plans.db")).unwrap());
    let (zone, id): (OwnerName, _) = ("example.com.".parse().unwrap(), TargetId::new("local"));
    store.save_fence(&zone, &id, None, text, Generation::ZERO).unwrap();
    let opened = dnsplan::open_target(&store, &zone, &id).await.map(drop);
    (opened, store.load_fence(&zone, &id).unwrap())
}

/// An older program, started where a newer one has served, must not begin anew over what only the newer can read.
#[tokio::test]
async fn g5_a_record_of_a_later_format_is_left_alone_and_a_scribble_is_not_in_the_way() {
    let (opened, after) = opened_on(LATER).await;
    let Err(StoreError::Refused(why)) = opened else { panic!("{opened:?}") };
    assert!(why.contains("format 2") && why.contains("upgrade"), "{why}");
    assert_eq!(after.as_deref(), Some(LATER));
    for heals in ["edited by hand", "dnsplan2 whatever=it-says"] {
        assert_eq!(opened_on(heals).await.0, Ok(()), "{heals}");
    }
}
