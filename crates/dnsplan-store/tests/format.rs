//! The file: last version's can be read and written, and what is not this version's store is left alone.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::path::{Path, PathBuf};

use dnsplan_fence::{FreezeId, Generation, Offer};
use dnsplan_plan::{Pin, PlanStore, TargetId, TargetReport, Timestamp, conformance};
use dnsplan_store::{EmbeddedStore, OpenError};
use rusqlite::Connection;
use tempfile::TempDir;

/// The head of the file that version 1 wrote, and its content.
const V1_HEAD: Generation = Generation::new(6);
const V1_DIGEST: &str = "5516a262a5799e3973ca7986b8581f5721d615b9ba616040dc1210f149ff1216";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1.sqlite")
}

/// A copy that may be written to.
fn copied(directory: &TempDir) -> PathBuf {
    let path = directory.path().join("plans.sqlite");
    std::fs::copy(fixture(), &path).unwrap();
    path
}

fn target() -> TargetId {
    TargetId::new("hickory:127.0.0.1:5300")
}

/// A file like the fixture, as this version writes it: what becomes the fixture of this version when there is a next one.
async fn written(directory: &TempDir) -> PathBuf {
    let path = directory.path().join("plans.sqlite");
    let (store, origin) = (EmbeddedStore::open(&path).unwrap(), conformance::origin());
    for number in 1..=5 {
        let label = format!("h{number}");
        conformance::appended(&store, number.into(), |zone| conformance::with_address(&zone, &label, number))
            .await;
    }
    let (by, at) = ("op".to_owned(), Timestamp::from_millis(1));
    let pin = Pin { generation: Generation::new(2), reason: "known good".to_owned(), by: by.clone(), at };
    store.pin(&origin, pin).await.unwrap();
    let [live, base, highest] = [4, 4, 4].map(Generation::new);
    let (state, note) = ("live".to_owned(), Some("a note".to_owned()));
    let freeze = Some(FreezeId::new(7));
    let report = TargetReport { live, base, floor: base, highest, state, note, freeze, by, at };
    store.report(&origin, &target(), report).await.unwrap();
    store.confirm(&origin, &target(), live).await.unwrap();
    store.save_fence(&origin, &target(), None, "a record", live).unwrap();
    store.prune(&origin, Generation::new(4)).await.unwrap();
    conformance::appended(&store, u128::MAX, |zone| conformance::with_address(&zone, "last", 9)).await;
    let freeze = store.freeze("op", "maintenance", at).await.unwrap();
    assert_eq!(freeze.id, FreezeId::new(8));
    drop(store);
    // Everything in one file, and no log beside it.
    let connection = Connection::open(&path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    connection.execute_batch("VACUUM").unwrap();
    connection.close().unwrap();
    path
}

#[tokio::test]
async fn a_file_of_version_1_is_read_and_written() {
    let directory = TempDir::new().unwrap();
    use_store(&copied(&directory)).await;
}

#[tokio::test]
async fn a_file_of_this_version_is_read_and_written() {
    let directory = TempDir::new().unwrap();
    use_store(&written(&directory).await).await;
}

/// Reads everything that is in the file, and goes on with it.
async fn use_store(path: &Path) {
    let (store, origin) = (EmbeddedStore::open(path).unwrap(), conformance::origin());
    let head = store.head(&origin).await.unwrap().unwrap();
    assert_eq!((head.generation(), head.digest().to_string().as_str()), (V1_HEAD, V1_DIGEST));
    let kept = store.history(&origin, usize::MAX).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|entry| entry.generation.get()).collect();
    assert_eq!(kept, [6, 5, 4, 2]);
    for generation in kept {
        assert!(store.get(&origin, Generation::new(generation)).await.unwrap().is_some(), "{generation}");
    }
    assert_eq!(store.pins(&origin).await.unwrap()[0].reason, "known good");
    let status = store.targets(&origin).await.unwrap().remove(0);
    assert_eq!((status.target, status.confirmed), (target(), Generation::new(4)));
    assert_eq!(status.report.freeze, Some(FreezeId::new(7)));
    assert_eq!(store.load_fence(&origin, &target()), Ok(Some("a record".to_owned())));
    let lifted = store.unfreeze("op", Timestamp::from_millis(2)).await;
    assert_eq!(lifted, Ok(vec![FreezeId::new(7), FreezeId::new(8)]));
    let next = conformance::appended(&store, 77, |zone| conformance::with_address(&zone, "new", 1)).await;
    assert_eq!(next.generation(), Generation::new(7));
}

/// Opens `path`, and sees that the file is as it was.
fn refused(path: &Path) -> OpenError {
    let before = std::fs::read(path).unwrap();
    let error = EmbeddedStore::open(path).expect_err("it is refused");
    assert_eq!(std::fs::read(path).unwrap(), before, "it was left as it is");
    error
}

#[test]
fn what_is_no_store_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let text = directory.path().join("notes.txt");
    std::fs::write(&text, "not a database, however long this line may be, and it is long ".repeat(20))
        .unwrap();
    let other = directory.path().join("other.sqlite");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE notes (text)").unwrap();
    for path in [text, other] {
        let error = refused(&path);
        assert!(matches!(error, OpenError::NotOurs { .. }), "{error:?}");
        assert!(error.to_string().contains("name another file"), "it says what to do: {error}");
    }
    let nowhere = EmbeddedStore::open(directory.path().join("no/such/directory.sqlite"));
    let error = nowhere.expect_err("there is no such directory");
    assert!(matches!(error, OpenError::Unusable { .. }), "{error:?}");
    assert!(error.to_string().contains("see that its directory exists"), "it says what to do: {error}");
}

#[test]
fn a_newer_version_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = copied(&directory);
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 3).unwrap();
    newer.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).unwrap();
    drop(newer);
    let error = refused(&path);
    assert!(matches!(error, OpenError::Newer { found: 3, known: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("use the newer dnsplan"), "it says what to do: {error}");
}

/// However many processes are the first ones, one makes the file and the others find it made.
#[test]
fn many_may_open_a_new_file_at_once() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("plans.sqlite");
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..8).map(|_| scope.spawn(|| EmbeddedStore::open(&path))).collect();
        for store in opened {
            store.join().unwrap().unwrap();
        }
    });
}
