//! What is wrong with a spec, collected: one run names every problem it can, each with its place and its remedy.

use std::fmt;

/// One problem of a spec.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
#[error("{line}:{column}: error: {message}\n  help: {remedy}")]
pub struct SpecError {
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl SpecError {
    /// The error as compilers print it: `file:line:column: error: ...`, and a line that begins with `help:`.
    #[must_use]
    pub fn render(&self, file: &str) -> String {
        format!("{file}:{self}")
    }
}

/// Everything that is wrong with a spec, in the order of its lines; at least one problem.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpecErrors(Vec<SpecError>);

impl SpecErrors {
    /// The problems, in the order of the lines.
    #[must_use]
    pub fn errors(&self) -> &[SpecError] {
        &self.0
    }

    /// All of them as compilers print them, one after the other.
    #[must_use]
    pub fn render(&self, file: &str) -> String {
        let rendered: Vec<String> = self.0.iter().map(|error| error.render(file)).collect();
        rendered.join("\n")
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render("spec"))
    }
}

impl std::error::Error for SpecErrors {}

/// A place in the text: a byte offset.
pub(super) type At = usize;

/// Collects problems.
pub(super) struct Problems<'a> {
    text: &'a str,
    line_starts: Vec<usize>,
    found: Vec<SpecError>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, line_starts: std::iter::once(0).chain(after_newlines).collect(), found: Vec::new() }
    }

    pub(super) fn add(&mut self, at: At, message: impl Into<String>, remedy: impl Into<String>) {
        let (line, column) = self.position(at);
        self.found.push(SpecError { line, column, message: message.into(), remedy: remedy.into() });
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, at: At) -> usize {
        self.position(at).0
    }

    fn position(&self, at: At) -> (usize, usize) {
        let at = at.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= at);
        let start = self.line_starts[line - 1];
        let before = self.text.get(start..at).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// Itself as long as there is no problem, else the problems.
    pub(super) fn unless_any(mut self) -> Result<Self, SpecErrors> {
        self.found.sort();
        self.found.dedup();
        if self.found.is_empty() { Ok(self) } else { Err(SpecErrors(self.found)) }
    }
}
