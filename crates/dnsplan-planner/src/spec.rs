//! The spec: TOML that people write. `docs/spec.md` is its reference.
//!
//! 1. A spec with any problem makes no intent at all; nobody plans from half of one.
//! 2. Every problem that can be found is named in one run, with its line and what to do about it.
//!
//! Rejected: serde's derived deserialisation. It ends at the first problem, and a person then mends a spec line by line.

mod endpoints;
mod fields;
mod pools;
mod problems;
mod records;
mod rules;
mod units;
mod zones;

pub use problems::{SpecError, SpecErrors};

use std::sync::Arc;

use toml::de::DeTable;

use crate::intent::Intent;
use fields::Fields;
use problems::Problems;
use zones::Zones;

/// Reads a spec.
pub(crate) fn parse(text: &str) -> Result<Intent, SpecErrors> {
    let mut problems = Problems::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        let remedy =
            "mend the TOML: texts are in quotes, a name is given once, tables begin with [name] or [[name]]";
        let found = error.span().and_then(|span| text.get(span)).unwrap_or_default().trim();
        let found =
            if found.is_empty() || found.contains('\n') { String::new() } else { format!(" at `{found}`") };
        problems.add(at, format!("syntax: {}{found}", error.message()), remedy);
    }
    // What recovery makes of broken syntax would only raise problems that are not there.
    let mut problems = problems.unless_any()?;
    let mut document = Fields::document(document.get_ref());
    let pools = Arc::new(pools::read(document.optional("pool"), &mut problems));
    let guards = rules::guards(document.optional("guards"), &mut problems);
    let mut zones = Zones::read(document.optional("zone"), &pools, guards, &mut problems);
    endpoints::read(document.optional("endpoint"), &mut zones, &mut problems);
    records::read(document.optional("record"), &mut zones, &mut problems);
    rules::retirements(document.optional("retire"), &mut zones, &mut problems);
    rules::overrides(document.optional("override"), &mut zones, &mut problems);
    document.finish(&mut problems);
    zones.check(&mut problems);
    problems.unless_any()?;
    Ok(Intent::new(zones.into_intents()))
}
