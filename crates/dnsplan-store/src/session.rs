//! Transactions: every read sees one instant, every write is all or nothing and on disk before it is acknowledged.
//!
//! 1. Reads, writes and fence records have a connection each: a reader waits for no writer, and a fence record for
//!    no reader, only for a write that is under way in the file.
//! 2. A write begins with `BEGIN IMMEDIATE`, so what it reads is what it changes; nothing is ever upgraded from a read
//!    and refused half way.
//! 3. A write that changes what users of the trait can see raises the revision in the same transaction.
//! 4. An error of the commit itself leaves open what happened, and is reported so.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dnsplan_plan::StoreError;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::cache::Cache;

/// The file, as the tasks of one process share it.
pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) cache: Cache,
    reader: Mutex<Connection>,
    writer: Mutex<Connection>,
    fences: Mutex<Connection>,
}

/// One transaction.
pub(crate) struct Session<'a> {
    pub(crate) sql: &'a Connection,
    pub(crate) cache: &'a Cache,
    changed: Cell<bool>,
}

/// Why a transaction failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A statement failed: nothing was changed.
    Sql(rusqlite::Error),
    /// The commit failed.
    Commit(rusqlite::Error),
    /// A row that cannot be what was written.
    Damaged(String),
    /// The answer is an error of the trait.
    Store(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Nothing here leaves anything half done when it panics: the transaction is rolled back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(path: PathBuf, [reader, writer, fences]: [Connection; 3]) -> Self {
        let [reader, writer, fences] = [reader, writer, fences].map(Mutex::new);
        Self { path, cache: Cache::default(), reader, writer, fences }
    }

    /// Reads from one instant of the store.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.run(&self.reader, TransactionBehavior::Deferred, work)
    }

    /// Changes the store, or leaves it as it is where `work` fails or changes nothing.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.run(&self.writer, TransactionBehavior::Immediate, work)
    }

    /// Works on fence records, which no user of the trait sees: the revision stays.
    pub(crate) fn journal<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let attempt = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let answer = work(&transaction)?;
            transaction.commit().map_err(Fault::Commit)?;
            Ok(answer)
        };
        attempt(&mut lock(&self.fences)).map_err(|fault: Fault| fault.at(&self.path))
    }

    fn run<T>(
        &self,
        connection: &Mutex<Connection>,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Session<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let attempt = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let session = Session { sql: &transaction, cache: &self.cache, changed: Cell::new(false) };
            let answer = work(&session)?;
            if session.changed.get() {
                transaction.execute("UPDATE store SET revision = revision + 1", [])?;
                transaction.commit().map_err(Fault::Commit)?;
            }
            Ok(answer)
        };
        attempt(&mut lock(connection)).map_err(|fault: Fault| fault.at(&self.path))
    }
}

impl Session<'_> {
    /// This transaction changed something that users can see: it is to be committed.
    pub(crate) fn changed(&self) {
        self.changed.set(true);
    }
}

impl Fault {
    fn at(self, path: &Path) -> StoreError {
        let path = path.display();
        match self {
            Self::Store(error) => error,
            Self::Damaged(what) => StoreError::Corrupt(damaged(&path, &what)),
            Self::Commit(error) if is_busy(&error) => StoreError::Unavailable(busy(&path)),
            Self::Commit(error) => StoreError::Unknown(format!("{path}: the commit failed: {error}")),
            Self::Sql(error) if is_busy(&error) => StoreError::Unavailable(busy(&path)),
            Self::Sql(error) => sql(&path, &error),
        }
    }
}

fn sql(path: &impl std::fmt::Display, error: &rusqlite::Error) -> StoreError {
    use rusqlite::Error as E;
    match (error, error.sqlite_error_code()) {
        (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        | (E::FromSqlConversionFailure(..) | E::IntegralValueOutOfRange(..) | E::InvalidColumnType(..), _) => {
            StoreError::Corrupt(damaged(path, &error.to_string()))
        }
        (E::ToSqlConversionFailure(reason), _) => StoreError::Refused(reason.to_string()),
        (_, Some(ErrorCode::DiskFull)) => {
            StoreError::Unavailable(format!("{path}: {error}; make room on the disk and try again"))
        }
        _ => StoreError::Unavailable(format!("{path}: {error}")),
    }
}

fn damaged(path: &impl std::fmt::Display, what: &str) -> String {
    format!("{path}: {what}; what is live stays live: stop the writers and restore the file from a backup")
}

fn busy(path: &impl std::fmt::Display) -> String {
    format!("{path} is kept locked by another process; try again, or end the process that holds it")
}

pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
