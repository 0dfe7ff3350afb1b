//! What can be wrong, and which answers leave no doubt that nothing was written.

use dnsplan_leadership::text::Malformed;

/// Why something did definitely not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// etcd refused it, or was not reached for a read.
    #[error("etcd: {0}; nothing was written: see that etcd can be reached and allows it, and try again")]
    Etcd(#[source] Box<etcd_client::Error>),
    /// A newer program wrote the record.
    #[error(transparent)]
    Later(#[from] Malformed),
    /// Nobody has installed the role, or its floor was deleted.
    #[error(
        "there is no floor at {0}: nothing is written. Install the role, or put back the floor that was deleted by hand"
    )]
    NoFloor(String),
    /// The floor was edited.
    #[error(
        "the floor at {0} is no number of 20 digits: nothing is written. Put back one that is not lower than it was"
    )]
    BadFloor(String),
    /// There is a record without a floor.
    #[error(
        "{0} has a record and no floor: the floor was lost, and to begin at 0 would let every old epoch write again. Put the \
         floor back by hand, at the record's epoch or above"
    )]
    FloorLost(String),
    /// What the write was to find is not so.
    #[error("the epoch is in force, but what the write asks for is not so: read again, and write anew")]
    Unmet,
    /// A key that the role keeps for itself.
    #[error("{0} is kept for the role: give the data another prefix")]
    Reserved(String),
    /// etcd answered something else than it was asked.
    #[error("etcd's answer lacks {0}: see that the server is etcd 3.4 or newer")]
    Answer(&'static str),
}

impl From<etcd_client::Error> for Error {
    fn from(error: etcd_client::Error) -> Self {
        Self::Etcd(Box::new(error))
    }
}

/// Whether an error says that the request did nothing. All others leave it open, as a reply that is lost does.
pub(crate) fn is_certain(error: &etcd_client::Error) -> bool {
    use etcd_client::Error as Etcd;
    match error {
        Etcd::InvalidArgs(_) | Etcd::InvalidUri(_) | Etcd::InvalidMetadataValue(_) => true,
        // Codes of requests that etcd turns down before it proposes them (etcd's `rpctypes`).
        Etcd::GRpcStatus(status) => matches!(
            i32::from(status.code()),
            INVALID_ARGUMENT | PERMISSION_DENIED | FAILED_PRECONDITION | OUT_OF_RANGE | UNAUTHENTICATED
        ),
        _ => false,
    }
}

// gRPC's numbers. Source: grpc.io, "Status codes and their use in gRPC".
const INVALID_ARGUMENT: i32 = 3;
const PERMISSION_DENIED: i32 = 7;
const FAILED_PRECONDITION: i32 = 9;
const OUT_OF_RANGE: i32 = 11;
const UNAUTHENTICATED: i32 = 16;
