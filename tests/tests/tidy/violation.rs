//! What a check returns: where a rule is broken, and what to do.

use std::fmt;

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    at: String,
    what: String,
}

impl Violation {
    pub(crate) fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at: at.into(), what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// Fails with one line for each violation.
#[track_caller]
pub(crate) fn report(violations: &[Violation]) {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} violation(s):\n{}", lines.len(), lines.join("\n"));
}

/// For the unit tests of the checks: exactly one violation, whose text holds `part`.
#[track_caller]
pub(crate) fn expect_one(violations: &[Violation], part: &str) {
    let [only] = violations else { panic!("expected one violation, found {violations:#?}") };
    assert!(only.to_string().contains(part), "`{only}` does not mention `{part}`");
}
