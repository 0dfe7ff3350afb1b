//! How other tools mark what is theirs, with TXT records.
//!
//! * external-dns: a text that begins with `heritage=external-dns`, at the name itself, or at a name made of the record's type and the
//!   name (`cname-www.example.com.`). A prefix of the user's own choice cannot be told from a name. Source: external-dns
//!   documentation, "The TXT registry".
//! * octoDNS: `*octodns*` at `_owner.<type>.<name>`, or the record of its own at `octodns-meta`. Source: octoDNS, `OwnershipProcessor`.

use std::collections::BTreeMap;

use dnsplan_plan::{OwnerName, RecordType};

use crate::content::{Content, Node};

const EXTERNAL_DNS: &[u8] = b"heritage=external-dns";
const OCTODNS: &[u8] = b"*octodns*";

/// The types that external-dns manages.
const TYPES: [&str; 8] = ["a", "aaaa", "cname", "ns", "mx", "srv", "naptr", "txt"];

/// The markers in a zone: what other tools say that they own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Markers(BTreeMap<OwnerName, &'static str>);

impl Markers {
    /// Those of a zone.
    pub(crate) fn of(content: &Content) -> Self {
        let marker = |(name, node): (&OwnerName, &Node)| Some((name.clone(), tool(name, node)?));
        Self(content.nodes().filter_map(marker).collect())
    }

    /// Which other tool says that it owns what is at an owner name, there or at one of the names that go with it.
    pub(crate) fn claimed(&self, owner: &OwnerName) -> Option<String> {
        // Most zones have none, and there are many names that a marker could have.
        if self.0.is_empty() {
            return None;
        }
        let mut names = std::iter::once(owner.clone()).chain(marker_names(owner));
        names.find_map(|name| self.0.get(&name).map(|tool| format!("{tool} says so at {name}")))
    }
}

fn tool(name: &OwnerName, node: &Node) -> Option<&'static str> {
    let texts = node.get(&RecordType::TXT)?;
    // The first byte is the length of the first string.
    let says = |text: &[u8]| {
        texts.data.iter().any(|data| data.get(1..).is_some_and(|content| content.starts_with(text)))
    };
    if says(EXTERNAL_DNS) {
        Some("external-dns")
    } else if says(OCTODNS) || name.to_string().starts_with("octodns-meta.") {
        Some("octoDNS")
    } else {
        None
    }
}

/// Where markers for an owner name would be.
fn marker_names(owner: &OwnerName) -> impl Iterator<Item = OwnerName> {
    let text = owner.to_string();
    let shown = text.strip_prefix("*.").map_or_else(|| text.clone(), |rest| format!("_wildcard.{rest}"));
    let prefixed = TYPES.into_iter().flat_map({
        let text = text.clone();
        move |kind| {
            [format!("{kind}-{text}"), format!("_txt.{kind}-{text}"), format!("_owner.{kind}.{shown}")]
        }
    });
    prefixed.chain([format!("_txt.{text}")]).filter_map(|name| name.parse().ok())
}

#[cfg(test)]
mod tests;
