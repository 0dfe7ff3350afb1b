//! Opening the file: whose it is, which version wrote it, and what brings it up to this one.
//!
//! 1. A file that is not a plan store is left exactly as it is; so is one of a newer version.
//! 2. A version's step, once released, is never edited: the next version appends one. Each runs in the transaction that
//!    raises the version.
//! 3. The write-ahead log keeps readers and the writer apart, and `synchronous = FULL` has a commit on disk before it
//!    returns.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::EmbeddedStore;
use crate::session::{Shared, is_busy};

/// `dnsp` in ASCII: what tells a plan store from any other SQLite file.
const APPLICATION_ID: i32 = 0x646e_7370;

/// Step `n` (from 0) leads from version `n` to version `n + 1`.
const STEPS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

const NEWEST: i64 = STEPS.len() as i64;

/// How long a statement waits for another process's transaction.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the write-ahead log may keep on disk when nothing is in it.
const LOG_BYTES: i64 = 16 << 20;

/// Why a plan store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read or made.
    #[error("{} cannot be opened: {reason}; see that its directory exists and that this user may write there", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// It is something else.
    #[error("{} is not a dnsplan store, and was left as it is; name another file, or move this one away", path.display())]
    NotOurs {
        /// Which file.
        path: PathBuf,
    },
    /// A newer version wrote it.
    #[error(
        "{} has store format {found}, and this build knows formats up to {known}; use the newer dnsplan that wrote it",
        path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// Another process keeps it locked.
    #[error("{} is kept locked by another process; try again, or end the process that holds it", path.display())]
    Busy {
        /// Which file.
        path: PathBuf,
    },
}

/// What a file is.
enum Kind {
    Blank,
    Ours(usize),
}

impl EmbeddedStore {
    /// Opens the store in the file at `path`, and makes it where there is none. The directory must be there, on a local
    /// disk: processes share the write-ahead log beside the file through memory.
    ///
    /// Blocks for a moment, and for up to some seconds where another process is just writing.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way and what to do.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let deadline = Instant::now() + PATIENCE;
        let connection = loop {
            match connect(path).and_then(|mut connection| prepare(&mut connection, path).map(|()| connection))
            {
                // SQLite does not wait by itself where two processes turn on the write-ahead log at once.
                Err(Failure::Sql(error)) if is_busy(&error) && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                outcome => break outcome.map_err(|failure| failure.at(path))?,
            }
        };
        let another = || {
            let opened = connect(path).and_then(|connection| {
                configure(&connection)?;
                Ok(connection)
            });
            opened.map_err(|failure| failure.at(path))
        };
        let connections = [another()?, connection, another()?];
        Ok(Self { shared: Arc::new(Shared::new(path.to_owned(), connections)), lead: None })
    }
}

enum Failure {
    Sql(rusqlite::Error),
    Open(OpenError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Failure {
    fn at(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Open(error) => error,
            Self::Sql(error) if is_busy(&error) => OpenError::Busy { path },
            Self::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
                OpenError::NotOurs { path }
            }
            Self::Sql(error) => OpenError::Unusable { path, reason: error.to_string() },
        }
    }
}

fn connect(path: &Path) -> Result<Connection, Failure> {
    // Without SQLITE_OPEN_URI: a path is a path, whatever characters it has.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> Result<(), Failure> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A first plan or a checkpoint can be large; the log is cut back to this once it is copied into the file.
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Looks before it touches anything, then brings the file up to date.
fn prepare(connection: &mut Connection, path: &Path) -> Result<(), Failure> {
    // In one transaction: another process may just be making the file.
    kind(&*connection.transaction()?, path)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let reason =
            format!("there is no write-ahead log on this file system, but the journal mode {mode:?}");
        return Err(Failure::Open(OpenError::Unusable { path: path.to_owned(), reason }));
    }
    configure(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = match kind(&transaction, path)? {
        Kind::Ours(version) => version,
        Kind::Blank => {
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            0
        }
    };
    if version < STEPS.len() {
        for step in &STEPS[version..] {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", NEWEST)?;
        transaction.commit()?;
    }
    Ok(())
}

fn kind(connection: &Connection, path: &Path) -> Result<Kind, Failure> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (id, found) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let path = || path.to_owned();
    match usize::try_from(found) {
        Ok(0) if id == 0 && tables == 0 => Ok(Kind::Blank),
        _ if id != i64::from(APPLICATION_ID) => Err(Failure::Open(OpenError::NotOurs { path: path() })),
        Ok(version) if version <= STEPS.len() => Ok(Kind::Ours(version)),
        _ => Err(Failure::Open(OpenError::Newer { path: path(), found, known: NEWEST })),
    }
}
