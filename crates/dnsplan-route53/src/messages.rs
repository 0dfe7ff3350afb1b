//! What Route 53 says of a batch that it refuses.
//!
//! Its error code is the same whether the fence is lost, what is there is not what was thought, or a record is none at
//! all. Only the text says which, and names the record set: one text for each bad change, alone or as a list in
//! brackets.
//!
//! The texts are from error reports of tools that people use with Route 53, and so neither complete nor promised: what
//! is not understood is [`Kind::Other`], and a text that names nothing has no name here either.

use dnsplan_plan::{OwnerName, RecordType};

use crate::name::from_api;
use crate::value::type_of;

/// What is wrong with a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// There is no such record set to be deleted.
    NotFound,
    /// The record set to be deleted is another one.
    ValuesDiffer,
    /// It is there already, or something is that cannot be beside it.
    AlreadyExists,
    /// An alias points at a name that has no record set of its type. The problem's name is that one.
    AliasTargetMissing,
    /// Anything else: the text.
    Other(String),
}

/// One change that Route 53 refuses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Problem {
    /// The name of the record set.
    pub(crate) name: Option<OwnerName>,
    /// Its type.
    pub(crate) record_type: Option<RecordType>,
    pub(crate) kind: Kind,
}

/// How a text begins.
const BEGINNINGS: [&str; 9] =
    ["Tried to ", "RRSet ", "Invalid ", "Duplicate ", "Cannot ", "The ", "A ", "InvalidCharacter", "FATAL "];

/// What it says where the record set is not the only one, or there is another one in its place.
const CONFLICTS: [&str; 6] = [
    "already exists",
    "conflicting RRSet",
    "conflicts with",
    "exist with the same name",
    "exists with the same name",
    "must contain the same TTL",
];

/// The problems that an InvalidChangeBatch tells of.
pub(crate) fn parse(message: &str) -> Vec<Problem> {
    let message = message.trim();
    let list = message.strip_prefix('[').and_then(|list| list.strip_suffix(']')).unwrap_or(message);
    texts(list).into_iter().map(problem).collect()
}

/// The texts of a list. They are separated by a comma, which they may have too: each begins in a known way.
fn texts(list: &str) -> Vec<&str> {
    let mut from = 0;
    let mut texts = Vec::new();
    for (at, _) in list.match_indices(", ") {
        let next = at + ", ".len();
        if BEGINNINGS.iter().any(|beginning| list[next..].starts_with(beginning)) {
            texts.push(&list[from..at]);
            from = next;
        }
    }
    texts.push(&list[from..]);
    texts.retain(|text| !text.is_empty());
    texts
}

fn problem(text: &str) -> Problem {
    // Other names may follow: the zone's, or what a value says.
    let quoted = || between(text, "[name='", "'").zip(between(text, "type='", "'"));
    let plain = || Some((word(text, "DNS name ")?, word(text, "type ")?));
    let targeted = || Some((word(text, "alias that targets ")?, word(text, "type ")?));
    let repeated = || {
        between(text, "for a resource record set '", "'")?.split_once(' ').map(|(kind, name)| (name, kind))
    };
    let named = quoted().or_else(plain).or_else(targeted).or_else(repeated);
    let name = named.or_else(|| Some((word(text, "DNS name ")?, "")));
    Problem {
        name: name.and_then(|(name, _)| from_api(name)),
        record_type: name.and_then(|(_, kind)| type_of(kind)),
        kind: kind(text),
    }
}

fn kind(text: &str) -> Kind {
    if text.contains("but it was not found") {
        Kind::NotFound
    } else if text.contains("do not match the current values") {
        Kind::ValuesDiffer
    } else if text.contains("but that target was not found") {
        Kind::AliasTargetMissing
    } else if CONFLICTS.iter().any(|conflict| text.contains(conflict)) {
        Kind::AlreadyExists
    } else {
        Kind::Other(text.to_owned())
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inner, _)| inner)
}

/// The word after `before`, without the punctuation that follows it.
fn word<'t>(text: &'t str, before: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    let word = rest.split_whitespace().next()?;
    Some(word.trim_end_matches(','))
}

#[cfg(test)]
mod tests;
