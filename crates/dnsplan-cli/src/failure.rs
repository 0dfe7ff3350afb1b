//! Failures, and the exit codes that scripts can rely on.

use std::path::Path;
use std::process::ExitCode;

use dnsplan::plan::{AppendError, StoreError};
use dnsplan::planner::PlanError;
use dnsplan::{EngineError, PublishError};

/// How a command ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Code {
    /// Done, or nothing to do.
    Done = 0,
    /// Something went wrong.
    Error = 1,
    /// There is something to change (`plan --detailed-exitcode`).
    Changes = 2,
    /// Somebody else was there first, or a freeze is in force.
    Stale = 3,
    /// A guard refused.
    Guarded = 4,
    /// An invariant was violated.
    Violated = 5,
    /// The command line makes no sense.
    Usage = 64,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command did not do what it was asked, with what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// Whether time alone may mend it: what is tried again may succeed.
    pub(crate) may_pass: bool,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), may_pass: false }
    }

    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(Code::Error, message)
    }

    /// A file could not be read.
    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        let path = path.display();
        if error.kind() == std::io::ErrorKind::InvalidData {
            return Self::error(format!("{path} is not UTF-8 text; save it as UTF-8"));
        }
        Self::error(format!("cannot read {path}: {error}; check the path and its permissions"))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { may_pass: true, ..Self::error(error.to_string()) }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let code = if matches!(error, PlanError::Guarded(_)) { Code::Guarded } else { Code::Error };
        Self::new(code, format!("refused, nothing was changed: {error}"))
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        let code = match &error {
            AppendError::Stale { .. } | AppendError::Frozen(_) => Code::Stale,
            AppendError::Guarded(_) => Code::Guarded,
            AppendError::Invalid(_) | AppendError::Unchanged(_) | AppendError::Store(_) => Code::Error,
        };
        let may_pass =
            matches!(error, AppendError::Stale { .. } | AppendError::Frozen(_) | AppendError::Store(_));
        Self { may_pass, ..Self::new(code, error.to_string()) }
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Plan(error) => error.into(),
            PublishError::Append(error) => error.into(),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Publish(error) => error.into(),
            EngineError::Store(error) => error.into(),
            other => Self::error(other.to_string()),
        }
    }
}
