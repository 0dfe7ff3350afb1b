//! Whether a server can take part in a hand-off. It is asked before anything is begun, so that a freeze is short.

use std::fmt;

use dnsplan_leadership::{Demand, Node, Seen};

use super::steward::{Looks, in_force};
use super::{Look, Standing};

/// Why a server does not take part in a hand-off. Nothing was begun.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It does not answer.
    Away(Node, String),
    /// It leads already.
    Leads(Node),
    /// It takes writes itself.
    Primary(Node, u64),
    /// Before the first epoch: it takes no writes.
    Replica(Node),
    /// It has no connection to its primary.
    NotFed(Node),
    /// Its primary is on another timeline than the holder.
    Strays(Node),
    /// It is told to replay later than it could.
    Held(Node),
    /// Prepared transactions are in the way of a seal.
    Prepared(Node, Vec<String>),
    /// Clients do not reach it at its address.
    Unreached(Node, String),
    /// It has not replayed enough.
    Lags(Node, u64),
    /// It belongs to another cluster.
    Stranger(Node),
    /// It does not have the holder's epoch; or, before the first one, does not know that the role moves between servers.
    Ignorant(Node),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(node, why) => write!(f, "{node} does not answer ({why}): see to it, then try again"),
            Self::Leads(node) => write!(f, "{node} leads already: there is nothing to hand over"),
            Self::Primary(node, timeline) => write!(
                f,
                "{node} takes writes itself, on timeline {timeline}: make it a replica of the holder first (pg_rewind)"
            ),
            Self::Replica(node) => write!(f, "{node} is a replica: the first epoch is for the primary"),
            Self::Strays(node) => write!(
                f,
                "{node} follows another timeline than the holder's: make it a replica of the holder (pg_rewind)"
            ),
            Self::Held(node) => write!(
                f,
                "{node} is told to replay late: pg_wal_replay_resume(), and recovery_min_apply_delay = 0"
            ),
            Self::Prepared(node, names) => write!(
                f,
                "{node} has prepared transactions, which no seal ends: COMMIT PREPARED or ROLLBACK PREPARED {}",
                names.join(", ")
            ),
            Self::Unreached(node, why) => {
                write!(
                    f,
                    "clients would not reach {node} at its address ({why}): see to the address in the file"
                )
            }
            Self::NotFed(node) => write!(f, "{node} gets nothing from a primary: see to its replication"),
            Self::Lags(node, bytes) => {
                write!(f, "{node} has {bytes} bytes of the log to replay: try again when it has caught up")
            }
            Self::Stranger(node) => {
                write!(f, "{node} belongs to another database cluster: make it a replica of the holder")
            }
            Self::Ignorant(node) => write!(
                f,
                "{node} does not know of the role yet: install it (--install), and wait until the replica has replayed that"
            ),
        }
    }
}

/// What keeps the demanded hand-off, or the first grant, from being begun.
pub(super) fn unfit(
    seen: Option<&Seen>,
    wanted: Option<&Demand>,
    first: Option<&Node>,
    looks: &Looks,
    limit: u64,
) -> Option<Unfit> {
    let Some((epoch, holder)) = in_force(seen) else {
        let is_vacant = seen.is_none_or(|seen| seen.epoch().is_none());
        return first.filter(|_| is_vacant).and_then(|first| unfit_first(first, looks));
    };
    let wanted = wanted.filter(|wanted| seen.is_some_and(|seen| seen.is_about(*wanted)))?;
    let node = wanted.successor().clone();
    if node == holder.node {
        return Some(Unfit::Leads(node));
    }
    let (there, here) = match (find(&node, looks), find(&holder.node, looks)) {
        (Ok(there), Ok(here)) => (there, here),
        (Err(away), _) | (_, Err(away)) => return Some(away),
    };
    let lag = here.at.get().saturating_sub(there.at.get());
    match there.standing {
        _ if there.system != here.system => Some(Unfit::Stranger(node)),
        Standing::Primary(timeline) => Some(Unfit::Primary(node, timeline)),
        Standing::Replica { fed: None, .. } => Some(Unfit::NotFed(node)),
        Standing::Replica { fed, .. } if here.timeline().is_some() && fed != here.timeline() => {
            Some(Unfit::Strays(node))
        }
        _ if here.open() == Some(epoch.into()) && there.opened != here.opened => Some(Unfit::Ignorant(node)),
        _ if lag > limit => Some(Unfit::Lags(node, lag)),
        Standing::Replica { is_held: true, .. } => Some(Unfit::Held(node)),
        _ if !here.prepared.is_empty() => Some(Unfit::Prepared(holder.node, here.prepared.clone())),
        Standing::Replica { .. } => None,
    }
}

/// Before the first epoch: every server that answers has to know that nothing is accepted before one is opened.
fn unfit_first(first: &Node, looks: &Looks) -> Option<Unfit> {
    let knows = |look: &Look| look.opened.is_some();
    let ignorant = looks.iter().find(|(_, look)| look.as_ref().is_ok_and(|look| !knows(look)));
    match find(first, looks) {
        Err(away) => Some(away),
        Ok(look) if look.timeline().is_none() => Some(Unfit::Replica(first.clone())),
        Ok(_) => ignorant.map(|(member, _)| Unfit::Ignorant(member.node().clone())),
    }
}

fn find<'a>(node: &Node, looks: &'a Looks) -> Result<&'a Look, Unfit> {
    let away = |why: &str| Unfit::Away(node.clone(), why.to_owned());
    match looks.iter().find(|(member, _)| member.node() == node) {
        Some((_, Ok(look))) => Ok(look),
        Some((_, Err(why))) => Err(away(why)),
        None => Err(away("it is not one of the servers")),
    }
}
