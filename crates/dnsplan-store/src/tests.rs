//! What only the inside shows: how much was read, what was stored, and what happens when the file or the disk fails.

mod cost;
mod faults;
mod keep;

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use dnsplan_plan::Zone;
use dnsplan_plan::conformance::{origin, with_address, zone};
use rusqlite::types::FromSql;
use tempfile::TempDir;

use crate::EmbeddedStore;
use crate::session::Session;

/// A file in a directory that goes with it.
struct File {
    _directory: TempDir,
    path: PathBuf,
}

impl File {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("plans.sqlite");
        Self { _directory: directory, path }
    }

    /// A handle with an empty cache, as another process has it.
    fn open(&self) -> EmbeddedStore {
        EmbeddedStore::open(&self.path).unwrap()
    }
}

/// How many deltas and checkpoints the handle has applied.
fn applied(store: &EmbeddedStore) -> u64 {
    store.shared.cache.applied.load(Ordering::Relaxed)
}

/// What a query finds in the file.
fn found<T: FromSql>(store: &EmbeddedStore, sql: &str) -> T {
    store.shared.read(|session| Ok(session.sql.query_row(sql, [], |row| row.get(0))?)).unwrap()
}

/// Does something to the file that no store does.
fn meddle(store: &EmbeddedStore, sql: &str) {
    let change = |session: &Session<'_>| {
        session.sql.execute_batch(sql)?;
        session.changed();
        Ok(())
    };
    store.shared.write(change).unwrap();
}

/// The zone with `count` names of one address each.
fn large(count: u32) -> Zone {
    let plain = with_address(&zone(), "n0", 1);
    let template = plain.node(&owner("n0")).unwrap().clone();
    (1..count).fold(plain, |mut zone, number| {
        zone.set(owner(&format!("n{number}")), template.clone()).unwrap();
        zone
    })
}

/// Another address at ten names spread over the zone.
fn ten_changes(zone: Zone, last: u8) -> Zone {
    (0..10).fold(zone, |zone, number| with_address(&zone, &format!("n{}", number * 90), last))
}

fn owner(label: &str) -> dnsplan_plan::OwnerName {
    dnsplan_plan::OwnerName::relative(label, &origin()).unwrap()
}
