//! What the server says, and what of it is certain.

use deadpool_postgres::PoolError;
use dnsplan_leadership::text::Malformed;
use dnsplan_leadership::{Node, Scope, WriteId};
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Why something did definitely not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There was no connection to be had.
    #[error("no connection to PostgreSQL: {}", chain(.0))]
    Connect(#[from] PoolError),
    /// The server refused, or went away before it was told to commit.
    #[error("PostgreSQL: {}", said(.0))]
    Server(#[source] tokio_postgres::Error),
    /// What was to be done in the transaction failed; the transaction was rolled back.
    #[error("the transaction was rolled back: {0}")]
    Work(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A look-up has decided that this write never happens.
    #[error("write {0} was given up by a look-up before it began; write again under another id")]
    GivenUp(WriteId),
    /// The token is for something else.
    #[error("the token is for {theirs}, and this resource is {ours}; use the resource of that scope")]
    OtherScope {
        /// What the token is for.
        theirs: Scope,
        /// What this is.
        ours: Scope,
    },
    /// A seal waits for prepared transactions.
    #[error(
        "the seal waits for prepared transactions: COMMIT PREPARED or ROLLBACK PREPARED {}, then seal again",
        .0.join(", ")
    )]
    Prepared(Vec<String>),
    /// The record was written by a later version.
    #[error(transparent)]
    Record(#[from] Malformed),
    /// An epoch that PostgreSQL's `bigint` does not hold.
    #[error("epoch {0} is more than a PostgreSQL bigint holds; no hand-over leads there")]
    TooLarge(u64),
    /// A promotion that did not come about in time.
    #[error("the server is not promoted yet; look again")]
    NotPromoted,
    /// A holder that is none of the servers.
    #[error("{0} is none of the servers that are known here; list it with the others")]
    Unlisted(Node),
    /// A reply that the functions of this crate do not give.
    #[error("PostgreSQL answered {0:?}: install this version's schema")]
    Answer(String),
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

/// An error and what it came of.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut said: Vec<String> = causes.map(ToString::to_string).collect();
    // Some say what their cause says.
    said.dedup_by(|cause, before| before.ends_with(cause.as_str()));
    said.join(": ")
}

/// What the server said, and what it says to do.
fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(database) => {
            let hint = database.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("{} ({}){hint}", database.message(), database.code().code())
        }
        None => chain(error),
    }
}

/// Whether a statement that failed so has certainly not taken effect, even if it was COMMIT.
///
/// An error is sent before anything is committed, or the server would have stopped. Whatever ends the connection may come after.
pub(crate) fn is_certain(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|database| {
        let code = database.code();
        let may_be_done =
            *code == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN || code.code().starts_with("08");
        database.parsed_severity() == Some(Severity::Error) && !may_be_done
    })
}

/// The refusal with one of the schema's own codes, if it is that.
pub(crate) fn refusal<'a>(error: &'a tokio_postgres::Error, code: &str) -> Option<&'a DbError> {
    error.as_db_error().filter(|database| database.code().code() == code)
}

/// A write of an epoch that is over.
pub(crate) const FENCED: &str = "FE001";
/// A write whose id is known already.
pub(crate) const KNOWN: &str = "FE003";
