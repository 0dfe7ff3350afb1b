//! Health: what probes say about the members of pools, and whether anybody knows.
//!
//! 1. "Nobody knows" is a value of its own. It is never read as "all down", nor as "nothing there": either of them has
//!    emptied zones elsewhere.
//! 2. What the spec says is known: a member that it calls unhealthy is, whatever a probe says.

use std::collections::BTreeMap;

/// What a source said, or that it could not be asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reading<T> {
    /// The source answered.
    Known(T),
    /// It did not; what stood before goes on.
    Unknown,
}

/// What a probe says about one member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberHealth {
    /// It serves.
    Healthy,
    /// It does not.
    Unhealthy,
}

/// The readings of health by pool. A pool without a reading is as healthy as the spec says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Health {
    pools: BTreeMap<String, Reading<BTreeMap<String, MemberHealth>>>,
}

impl Health {
    /// No probes: what the spec says.
    #[must_use]
    pub fn from_spec() -> Self {
        Self::default()
    }

    /// The same, with the reading of one pool: its members' ids and their health. A member that the reading does not
    /// name is as healthy as the spec says.
    #[must_use]
    pub fn with(mut self, pool: impl Into<String>, reading: Reading<BTreeMap<String, MemberHealth>>) -> Self {
        self.pools.insert(pool.into(), reading);
        self
    }

    pub(crate) fn pool(&self, pool: &str) -> Option<&Reading<BTreeMap<String, MemberHealth>>> {
        self.pools.get(pool)
    }

    pub(crate) fn readings(
        &self,
    ) -> impl Iterator<Item = (&String, &Reading<BTreeMap<String, MemberHealth>>)> {
        self.pools.iter()
    }
}
