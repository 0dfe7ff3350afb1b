//! A damaged file, a full disk, a lock that is not let go: what the store says, and that it changes nothing.

use dnsplan_fence::{Generation, Nonce, ParentGeneration};
use dnsplan_plan::conformance::{appended, origin, proposal, with_address};
use dnsplan_plan::{AppendError, PlanStore, StoreError};
use rusqlite::{TransactionBehavior, ffi};

use super::{File, found, large, meddle};
use crate::session::Fault;

/// Meddles with the third of four plans; the others must stay readable as far as they do not build on it.
async fn damaged(sql: &str) -> String {
    let file = File::new();
    let store = file.open();
    for nonce in 1..=4 {
        appended(&store, nonce, |zone| with_address(&zone, &format!("h{nonce}"), 1)).await;
    }
    meddle(&store, sql);
    let other = file.open();
    assert!(other.get(&origin(), Generation::new(2)).await.unwrap().is_some(), "what lies below can be read");
    let error = other.head(&origin()).await.expect_err("the head builds on it");
    let StoreError::Corrupt(message) = error else { panic!("corrupt, not {error}") };
    assert!(message.contains(file.path.to_str().unwrap()), "it names the file: {message}");
    assert!(message.contains("restore the file from a backup"), "it says what to do: {message}");
    assert_eq!(other.get(&origin(), Generation::new(2)).await.map(|plan| plan.is_some()), Ok(true));
    message
}

#[tokio::test]
async fn g6_content_other_than_what_was_appended_is_reported_and_not_returned() {
    let message =
        damaged("UPDATE plan SET delta = (SELECT delta FROM plan WHERE generation = 2) WHERE generation = 3");
    let message = message.await;
    assert!(message.contains("generation 4 of zone conformance.example."), "{message}");
    assert!(message.contains("but was appended with"), "{message}");
}

#[tokio::test]
async fn a_delta_that_cannot_be_decoded_is_reported() {
    for broken in ["x'00'", "substr(delta, 1, 20)", "CAST(delta || x'00' AS BLOB)"] {
        let message = damaged(&format!("UPDATE plan SET delta = {broken} WHERE generation = 3")).await;
        assert!(message.contains("generation 3 of zone conformance.example. cannot be read"), "{message}");
    }
}

#[tokio::test]
async fn a_plan_that_is_gone_is_reported_where_another_builds_on_it() {
    let message = damaged("DELETE FROM plan WHERE generation = 3").await;
    assert!(message.contains("a plan after 0 that it builds on is gone"), "{message}");
}

#[tokio::test]
async fn a_full_disk_changes_nothing_and_says_so() {
    let file = File::new();
    let store = file.open();
    let first = appended(&store, 1, |zone| zone).await;
    let pages: i64 = found(&store, "PRAGMA page_count");
    store.shared.write(|session| Ok(session.sql.pragma_update(None, "max_page_count", pages)?)).unwrap();
    let append =
        store.append(ParentGeneration::of(&first), proposal(large(2_000), "me"), Nonce::new(2)).await;
    let Err(AppendError::Store(StoreError::Unavailable(message))) = append else {
        panic!("unavailable, not {append:?}")
    };
    assert!(message.contains("make room on the disk"), "{message}");
    assert_eq!(store.head(&origin()).await, Ok(Some(first)), "nothing was appended");
}

#[tokio::test]
async fn a_lock_that_is_not_let_go_is_reported_and_reads_go_on() {
    let file = File::new();
    let store = file.open();
    let first = appended(&store, 1, |zone| zone).await;
    store.shared.write(|session| Ok(session.sql.busy_timeout(std::time::Duration::ZERO)?)).unwrap();
    let holder = rusqlite::Connection::open(&file.path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let more = || proposal(with_address(first.zone(), "a", 1), "me");
    let on = ParentGeneration::of(&first);
    let append = store.append(on, more(), Nonce::new(2)).await;
    let Err(AppendError::Store(StoreError::Unavailable(message))) = append else {
        panic!("unavailable, not {append:?}")
    };
    assert!(message.contains("locked by another process; try again"), "{message}");
    assert_eq!(store.head(&origin()).await, Ok(Some(first.clone())), "a reader waits for no writer");
    holder.execute_batch("ROLLBACK").unwrap();
    store.append(on, more(), Nonce::new(2)).await.expect("nothing had been changed");
}

/// A commit that failed may have happened; a statement that failed has not.
#[test]
fn an_error_of_the_commit_is_unknown_and_one_before_it_is_not() {
    let file = File::new();
    let store = file.open();
    let failure = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
    let outcome = |fault: Fault| store.shared.read(|_| Err::<(), _>(fault)).unwrap_err();
    let commit = |code| outcome(Fault::Commit(failure(code)));
    let statement = |code| outcome(Fault::Sql(failure(code)));
    assert!(matches!(commit(ffi::SQLITE_IOERR), StoreError::Unknown(_)));
    assert!(matches!(commit(ffi::SQLITE_FULL), StoreError::Unknown(_)));
    assert!(matches!(commit(ffi::SQLITE_BUSY), StoreError::Unavailable(_)));
    assert!(matches!(statement(ffi::SQLITE_IOERR), StoreError::Unavailable(_)));
    assert!(matches!(statement(ffi::SQLITE_CORRUPT), StoreError::Corrupt(_)));
    assert!(matches!(statement(ffi::SQLITE_NOTADB), StoreError::Corrupt(_)));
}

/// A killed process loses nothing that the kernel has; a power cut loses what was not synced. 2 is FULL.
#[test]
fn g8_commits_reach_the_disk_before_they_are_acknowledged() {
    let file = File::new();
    let store = file.open();
    let settings = |sql: &rusqlite::Connection| {
        let number = |pragma| sql.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let mode: String = sql.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        Ok((number("synchronous")?, number("foreign_keys")?, mode))
    };
    let expected = Ok((2, 1, "wal".to_owned()));
    assert_eq!(store.shared.read(|session| settings(session.sql)), expected);
    assert_eq!(store.shared.write(|session| settings(session.sql)), expected);
    assert_eq!(store.shared.journal(TransactionBehavior::Deferred, settings), expected);
}
