//! What a person should know about a plan that was made all the same.

use std::fmt;

use dnsplan_plan::{OwnerName, RRsetKey};

/// A remark on a plan.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Note {
    /// Too few members of a pool are healthy, so all of them answer.
    PoolFailsOpen {
        /// The pool.
        pool: String,
        /// How many are healthy.
        healthy: usize,
        /// Of how many that are not drained.
        total: usize,
    },
    /// Healthy members alone would leave an endpoint with too few addresses, so all members of its pools answer.
    EndpointFailsOpen {
        /// The endpoint's RRset.
        key: RRsetKey,
        /// How many healthy addresses it has.
        healthy: usize,
        /// How many it must have.
        at_least: u16,
    },
    /// A pool's health is not known, so an endpoint keeps the addresses that it had.
    Held {
        /// The endpoint's RRset.
        key: RRsetKey,
        /// The pool.
        pool: String,
    },
    /// A pool's health is not known and there is nothing to keep, so its members count as the spec says.
    AssumedHealthy {
        /// The endpoint's RRset.
        key: RRsetKey,
        /// The pool.
        pool: String,
    },
    /// A reading of health names a pool or a member that the spec does not have.
    Unasked {
        /// The pool.
        pool: String,
        /// The member; `None` where there is no such pool.
        member: Option<String>,
    },
    /// A protected RRset is taken away by name.
    Retired {
        /// The RRset.
        key: RRsetKey,
        /// Why, as the spec says.
        reason: String,
    },
    /// A retirement that retires nothing: nothing of that name is protected.
    NothingToRetire {
        /// The name.
        owner: OwnerName,
    },
    /// An override that counts no more.
    OverrideExpired {
        /// The guard.
        guard: String,
        /// When it expired.
        expired: String,
    },
}

impl Note {
    /// Whether it explains the plan's content, and so goes into the plan's reason.
    pub(crate) const fn explains(&self) -> bool {
        !matches!(self, Self::Unasked { .. } | Self::NothingToRetire { .. } | Self::OverrideExpired { .. })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PoolFailsOpen { pool, healthy, total } => {
                write!(f, "pool {pool}: {healthy} of {total} healthy, failing open to all")
            }
            Self::EndpointFailsOpen { key, healthy, at_least } => {
                write!(f, "{key}: {healthy} healthy of at least {at_least} addresses, failing open to all")
            }
            Self::Held { key, pool } => {
                write!(f, "{key}: the health of pool {pool} is not known, its addresses stay as they are")
            }
            Self::AssumedHealthy { key, pool } => {
                write!(f, "{key}: the health of pool {pool} is not known, its members count as the spec says")
            }
            Self::Unasked { pool, member: Some(member) } => {
                write!(f, "health was reported for {member}, which pool {pool} does not have")
            }
            Self::Unasked { pool, member: None } => {
                write!(f, "health was reported for pool {pool}, which the spec does not have")
            }
            Self::Retired { key, reason } => write!(f, "{key} is retired: {reason}"),
            Self::NothingToRetire { owner } => {
                write!(f, "{owner}: nothing of that name is protected, so there is nothing to retire")
            }
            Self::OverrideExpired { guard, expired } => {
                write!(
                    f,
                    "the override of {guard} expired at {expired} and counts no more: remove it from the spec"
                )
            }
        }
    }
}
