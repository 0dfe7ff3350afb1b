//! What can be wrong, and which answers leave no doubt that nothing was written.

use dnsplan_leadership::text::Malformed;
use object_store::Error as Store;

/// Why something did definitely not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store refused it, or was not reached for a read.
    #[error("{0}; nothing was written: see that the store can be reached and allows it, and try again")]
    Store(#[source] Box<Store>),
    /// The store has no conditional puts.
    #[error(
        "{0}; without puts that are conditional on a version nothing is fenced: take a store that has them"
    )]
    Unconditional(#[source] Box<Store>),
    /// The store does not say which version was read.
    #[error("the store says no version (ETag) of {0}: take one that does")]
    NoVersion(String),
    /// A newer program wrote the record.
    #[error(transparent)]
    Later(#[from] Malformed),
    /// Nobody has installed the role, or its manifest was deleted.
    #[error(
        "there is no manifest at {0}: nothing is written. Install the role, or put back what was deleted by hand"
    )]
    NoManifest(String),
    /// Somebody else has written there.
    #[error("{0} is no manifest of format 1: nothing is written. See who wrote it")]
    BadManifest(String),
    /// There is a record without a manifest.
    #[error(
        "{0} has a record and no manifest: its floor was lost, and to begin at 0 would let every old epoch write again. Put the \
         manifest back by hand"
    )]
    ManifestLost(String),
    /// Others have replaced the manifest again and again.
    #[error("others replace {0} all the time: nothing was written; try again")]
    Contended(String),
}

impl From<Store> for Error {
    fn from(error: Store) -> Self {
        match error {
            Store::NotImplemented { .. } | Store::NotSupported { .. } => Self::Unconditional(Box::new(error)),
            _ => Self::Store(Box::new(error)),
        }
    }
}

/// What a conditional put came to.
pub(crate) enum Put {
    Done,
    /// Another version was there; or this very put, sent twice, was.
    Refused,
    /// It may or may not have happened, or may yet happen.
    Unknown,
}

/// Reads the answer to a conditional put.
pub(crate) fn put<T>(answer: Result<T, Store>) -> Result<Put, Error> {
    match answer {
        Ok(_) => Ok(Put::Done),
        Err(Store::Precondition { .. } | Store::AlreadyExists { .. } | Store::NotFound { .. }) => {
            Ok(Put::Refused)
        }
        Err(
            certain @ (Store::NotImplemented { .. }
            | Store::NotSupported { .. }
            | Store::InvalidPath { .. }
            | Store::PermissionDenied { .. }
            | Store::Unauthenticated { .. }),
        ) => Err(certain.into()),
        Err(_) => Ok(Put::Unknown),
    }
}
