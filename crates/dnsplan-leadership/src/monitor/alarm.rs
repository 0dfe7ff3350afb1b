//! What can be wrong, and what to do about it.

use std::fmt;

use dnsplan_fence::Generation;

use crate::{Epoch, HandoffId, Node};

/// By which of its signs a node was taken for the writer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sign {
    /// It alone claims to be.
    Claimed,
    /// The endpoint's name leads to it.
    Advertised,
}

/// Something that should not be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Alarm {
    /// These claim to be the writer at the same time, in order; a name comes twice where two instances share it.
    TwoWriters(Vec<Node>),
    /// The writer was `holder`, then `by_way_of`, then `holder` again, and no epoch was granted in between: a promotion
    /// that has undone itself.
    Reverted {
        /// What showed it.
        sign: Sign,
        /// Who was the writer, and is again.
        holder: Node,
        /// Who was in between.
        by_way_of: Node,
    },
    /// The writer is this node, and the record does not say so.
    Unexplained {
        /// What showed it.
        sign: Sign,
        /// Who it is.
        node: Node,
    },
    /// An epoch has fallen: of this instance, or of the register.
    Backwards {
        /// Whose; `None` is the register.
        instance: Option<Node>,
        /// What it was.
        from: Generation,
    },
    /// A hand-off does not end.
    Stuck {
        /// The epoch that was to end.
        epoch: Epoch,
        /// The hand-off.
        handoff: HandoffId,
    },
    /// A client does not stop writing under an epoch that is over.
    SilentStale {
        /// Whose writes are refused.
        client: String,
        /// The epoch that they come under.
        epoch: Generation,
    },
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Claimed => "by what the instances claim",
            Self::Advertised => "by what the endpoint's name leads to",
        })
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoWriters(nodes) => {
                let names: Vec<String> = nodes.iter().map(Node::to_string).collect();
                let names = names.join(" and ");
                write!(f, "{names} claim to be the writer at once: stop those that the record does not name")
            }
            Self::Reverted { sign, holder, by_way_of } => write!(
                f,
                "the writer went from {holder} to {by_way_of} and back without a new epoch, {sign}: \
                 grant a new epoch to whoever is to write"
            ),
            Self::Unexplained { sign, node } => {
                write!(
                    f,
                    "{node} is the writer, {sign}, and the record names another: find out who made it so"
                )
            }
            Self::Backwards { instance, from } => {
                match instance {
                    Some(node) => write!(f, "the epoch of {node} fell below {from}")?,
                    None => write!(f, "the register's epoch fell below {from}")?,
                }
                f.write_str(": something was put back; keep what is there now and look into it")
            }
            Self::Stuck { epoch, handoff } => {
                write!(f, "hand-off {handoff} of epoch {epoch} does not end: resume it from any node")
            }
            Self::SilentStale { client, epoch } => {
                write!(
                    f,
                    "{client} keeps writing under epoch {epoch}, which is over: restart or reconnect it"
                )
            }
        }
    }
}
