//! The check that a resource makes in the very step that writes. Whoever holds it (a row, a key, a manifest, a lock in this
//! process) reads, checks and writes it in one atomic step.
//!
//! 1. A write is accepted where its epoch is not below the floor, and accepting it raises the floor to its epoch.
//! 2. Sealing an epoch raises the floor above it. Sealing again, or sealing an older one, changes nothing.
//! 3. The floor never falls, and is never forgotten.

use dnsplan_fence::Generation;

use crate::Epoch;

/// The lowest epoch that a resource still accepts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Floor(Generation);

/// A write came under an epoch that the resource accepts no more. It has definitely not taken effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "epoch {mine} is over: the resource accepts nothing below {floor}; load the record and send the write to its holder"
)]
pub struct BelowFloor {
    /// The write's epoch.
    pub mine: Epoch,
    /// The lowest that is still accepted.
    pub floor: Generation,
}

impl Floor {
    /// A resource that was never written under any epoch.
    pub const NONE: Self = Self(Generation::ZERO);

    /// A floor as a resource has stored it.
    #[must_use]
    pub const fn recorded(lowest: Generation) -> Self {
        Self(lowest)
    }

    /// The lowest epoch that is still accepted, to be stored.
    #[must_use]
    pub const fn lowest(self) -> Generation {
        self.0
    }

    /// The floor after a write under `epoch` is accepted.
    ///
    /// # Errors
    /// [`BelowFloor`] where it must not be.
    pub fn admit(self, epoch: Epoch) -> Result<Self, BelowFloor> {
        let number = Generation::from(epoch);
        if number < self.0 { Err(BelowFloor { mine: epoch, floor: self.0 }) } else { Ok(Self(number)) }
    }

    /// The floor after `epoch` is sealed.
    #[must_use]
    pub fn seal(self, epoch: Epoch) -> Self {
        // The last number there is: it was sealed, and nothing can follow it.
        let above = Generation::from(epoch).next().unwrap_or(Generation::new(u64::MAX));
        Self(self.0.max(above))
    }
}
