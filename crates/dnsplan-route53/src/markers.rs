//! How other tools mark what is theirs, with TXT records.
//!
//! * external-dns: a text that begins with `heritage=external-dns`, at the name itself, or at a name made of the
//!   record's type and the name (`cname-www.example.com.`). A prefix of the user's own choice cannot be told from a
//!   name. Source: external-dns documentation, "The TXT registry".
//! * octoDNS: `*octodns*` at `_owner.<type>.<name>`, or the record of its own at `octodns-meta`. Source: octoDNS,
//!   `OwnershipProcessor`.

use dnsplan_plan::{OwnerName, RecordType};

use crate::name::{from_api, octal, to_api};
use crate::record::RecordSet;
use crate::zone_map::ZoneMap;

const EXTERNAL_DNS: &[u8] = b"heritage=external-dns";
const OCTODNS: &[u8] = b"*octodns*";
/// The types that external-dns manages.
const TYPES: [&str; 8] = ["a", "aaaa", "cname", "ns", "mx", "srv", "naptr", "txt"];

/// Which other tool says that it owns what is at one name, of which these are the record sets.
pub(crate) fn marker(sets: &[RecordSet]) -> Option<String> {
    sets.iter().find_map(tool).map(|(tool, name)| format!("{tool} says so at {name}"))
}

/// Which other tool says that it owns what is at an owner name, there or at one of the names that go with it.
pub(crate) fn claimed(zone: &ZoneMap, owner: &OwnerName) -> Option<String> {
    let names = marker_names(owner);
    let sets: Vec<RecordSet> = names.iter().flat_map(|name| zone.at(name)).cloned().collect();
    marker(&sets)
}

fn tool(set: &RecordSet) -> Option<(&'static str, &OwnerName)> {
    if set.record_type != RecordType::TXT {
        return None;
    }
    let says = |text: &[u8]| {
        set.values().iter().any(|value| value.txt_content().is_some_and(|content| content.starts_with(text)))
    };
    let tool = if says(EXTERNAL_DNS) {
        "external-dns"
    } else if says(OCTODNS) || set.name.to_string().starts_with("octodns-meta.") {
        "octoDNS"
    } else {
        return None;
    };
    Some((tool, &set.name))
}

/// Where markers for an owner name would be.
fn marker_names(owner: &OwnerName) -> Vec<OwnerName> {
    let text = to_api(owner);
    let shown = text.replace(&octal(b'*'), "_wildcard");
    let prefixed = TYPES.iter().flat_map(|kind| {
        [format!("{kind}-{text}"), format!("_txt.{kind}-{text}"), format!("_owner.{kind}.{shown}")]
    });
    let names = prefixed.chain([format!("_txt.{text}")]).filter_map(|name| from_api(&name));
    std::iter::once(owner.clone()).chain(names).collect()
}

#[cfg(test)]
mod tests;
