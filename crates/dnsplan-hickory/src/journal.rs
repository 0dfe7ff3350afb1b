//! Journals: what makes a target's record survive the process.
//!
//! 1. A record is persisted before anybody can see what it grants, so a restart never goes back behind an answer.
//! 2. A record that could not be persisted changes nothing: not the record in memory, not what is answered.

use std::error::Error;

use dnsplan_enactor::FenceRecord;

/// Keeps the newest record of one target.
pub trait Journal: Send + Sync {
    /// Makes `record` durable in place of what was there. Called one at a time: other writers wait for it, queries do not.
    ///
    /// # Errors
    /// [`JournalError`] where it is not certain to be durable. The write that it belongs to does not happen then.
    fn persist(&self, record: &FenceRecord) -> Result<(), JournalError>;
}

/// A record could not be made durable.
#[derive(Debug, thiserror::Error)]
#[error("the record was not made durable, so nothing was changed: {0}")]
pub struct JournalError(#[source] Box<dyn Error + Send + Sync>);

impl JournalError {
    /// The error of a journal whose storage says `cause`.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// Keeps nothing: after a restart the target is bootstrapped anew, from the newest plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn persist(&self, _: &FenceRecord) -> Result<(), JournalError> {
        Ok(())
    }
}
