//! What comes of a tick.

use dnsplan_leadership::{Epoch, HandoffId, Holder, Node, Outcome, Step, TurnFailed, Wait};

use super::Unfit;
use crate::Error;

/// What one tick came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// A step was taken: look again at once.
    Took(Step),
    /// The successor was promoted. Nobody writes yet.
    Promoted(Node),
    /// The epoch was opened at its holder's, and its canary was read back.
    Opened(Epoch, Holder),
    /// The endpoint was published for it.
    Published(Epoch, Holder),
    /// Nothing can be done before something happens.
    Waits(Wait),
    /// The demanded hand-off was not begun.
    Unfit(Unfit),
    /// All is done, and whoever connects by the endpoint's name reaches the holder, or not yet.
    Settled {
        /// The epoch in force.
        epoch: Epoch,
        /// Who holds it.
        holder: Holder,
        /// The hand-off that led to it.
        handoff: Option<(HandoffId, Outcome)>,
        /// Whether the endpoint's name leads to the holder.
        is_reached: bool,
    },
}

/// Why a tick ended early. Nothing is half-done that a later one does not finish.
#[derive(Debug, thiserror::Error)]
pub enum Stopped<R: std::error::Error + 'static, E: std::error::Error + 'static> {
    /// The register or a server did not answer.
    #[error(transparent)]
    Turn(#[from] TurnFailed<R, Error>),
    /// A server did not answer.
    #[error("{0}: {1}")]
    Server(Node, #[source] Error),
    /// Something has been at a later epoch than the record. Nothing is done until somebody has looked into that.
    #[error(
        "the record is at epoch {record}, and {who} has been at {epoch}: the register was put back, or is another role's; bring back the \
         newest record, nothing is done before"
    )]
    PutBack {
        /// The record's epoch; 0 where there is none.
        record: u64,
        /// Who shows a later one.
        who: String,
        /// The later one.
        epoch: u64,
    },
    /// The holder's data is from before what it was known to have. Nothing is opened there.
    #[error(
        "what {node} has is from before what it had under epoch {epoch}: its data was put back; bring back the newer data. To accept the \
         loss, seal each epoch that it lacks by hand (SELECT dnsplan_fence.seal(ROLE, N), up to {epoch} - 1), make another node its \
         replica, and hand over to that"
    )]
    DataPutBack {
        /// The holder.
        node: Node,
        /// The epoch that it was granted.
        epoch: Epoch,
    },
    /// The holder did not answer.
    #[error("{0} does not answer: {1}")]
    Away(Node, String),
    /// Something took too long.
    #[error("{0} did not answer in time")]
    Late(&'static str),
    /// The endpoint.
    #[error("the endpoint: {0}")]
    Endpoint(#[source] E),
}
