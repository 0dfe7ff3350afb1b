//! The text of a spec.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dnsplan::plan::{Import, OwnerName, RData, RRset, RRsetKey, RecordType, Ttl};

use super::Left;
use super::endpoint::{Endpoint, Member, Pools};
use crate::failure::Failure;

/// The TTL of a spec's zone that names none, and the TTLs that its guards let through.
const TTL: u32 = 300;
const BOUNDS: [u32; 2] = [1, 604_800];

/// What every spec of the zone begins with.
pub(super) struct Head {
    pub(super) zone: OwnerName,
    ns: Vec<String>,
    ttl: Ttl,
    bounds: [u32; 2],
}

/// Where a zone was read.
pub(super) struct Source {
    /// In words.
    pub(super) text: String,
    /// Whose the SOA and the NS records of the apex are.
    pub(super) owner: &'static str,
}

/// What a document says in comments.
pub(super) struct Written<'d> {
    pub(super) source: &'d Source,
    pub(super) is_managed: bool,
    pub(super) left_out: &'d [Left],
}

impl Head {
    pub(super) fn of(import: &Import) -> Result<Self, Failure> {
        let ns: Vec<String> = import.name_servers.iter().map(ToString::to_string).collect();
        if ns.is_empty() {
            let zone = &import.zone;
            return Err(Failure::error(format!(
                "there are no NS records at {zone}, and a spec needs them: put them back first"
            )));
        }
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for rrset in import.rrsets.values() {
            *counts.entry(rrset.ttl().seconds()).or_default() += 1;
        }
        let [min, max] = BOUNDS;
        let bounds = [
            counts.keys().next().map_or(min, |ttl| min.min(*ttl)),
            counts.keys().next_back().map_or(max, |ttl| max.max(*ttl)),
        ];
        let common = counts.iter().max_by_key(|(_, count)| **count).map_or(TTL, |(ttl, _)| *ttl);
        let ttl = Ttl::new(common).ok_or_else(|| Failure::error(format!("{common} is no TTL")))?;
        Ok(Self { zone: import.zone.clone(), ns, ttl, bounds })
    }

    pub(super) fn text(&self) -> String {
        let ns: Vec<String> = self.ns.iter().map(|server| quoted(server)).collect();
        let mut text = format!(
            "[zone.{}]\nns = [{}]\nttl = {}\n",
            quoted(&self.zone.to_string()),
            ns.join(", "),
            self.ttl
        );
        let [min, max] = self.bounds;
        if self.bounds != BOUNDS {
            text.push_str(&format!("\n[guards]\nttl_bounds = {{ min = {min}, max = {max} }}\n"));
        }
        text
    }

    fn ttl_line(&self, ttl: Ttl) -> String {
        if ttl == self.ttl { String::new() } else { format!("ttl = {ttl}\n") }
    }
}

/// A whole spec.
pub(super) fn document(head: &Head, body: &str, written: &Written<'_>) -> String {
    let (Source { text: source, owner }, zone) = (written.source, shown(&head.zone));
    let mut text = String::new();
    comment(
        &mut text,
        &format!(
            "{zone} as {source} has it. To put this in place there changes nothing, but adds the fence\n\
             record _dnsplan.{zone}\n\n\
             The SOA and the NS records of {zone} itself are {owner}'s own: whatever a spec says of them, they stay as they are."
        ),
    );
    if written.is_managed {
        comment(
            &mut text,
            "\nThere is a fence record: dnsplan has a plan in place there already, and it is in that plan's store.",
        );
    }
    text.push('\n');
    text.push_str(&head.text());
    text.push_str(body);
    left_out(&mut text, written.left_out);
    text
}

fn left_out(text: &mut String, all: &[Left]) {
    if all.is_empty() {
        return;
    }
    text.push('\n');
    comment(text, "Left out. It stays as it is, as long as no plan has records of the same name and type:");
    for Left { owner, record_type, reason, .. } in all {
        comment(text, &format!("\n{} {record_type}\n  {reason}", shown(owner)));
    }
    let proposals = all.iter().filter_map(|left| left.proposal.as_ref().map(|proposal| (left, proposal)));
    for (index, (left, proposal)) in proposals.enumerate() {
        if index == 0 {
            text.push('\n');
            comment(
                text,
                "With these in place of what is left out above, dnsplan takes the names over, and writes their records anew in one\n\
                 batch. That is so with the first plan only: later ones touch nothing that no plan has put there.",
            );
        }
        comment(text, &format!("\n{}:\n{}", shown(&left.owner), proposal.trim_end_matches('\n')));
    }
}

/// Adds a comment of as many lines as `content` has. Names, reasons and health checks are whatever the server says: a control
/// character is no part of TOML, and one that ends a line would end the comment. They are written as DNS does, `\ddd` (RFC 1035
/// section 5.1).
fn comment(text: &mut String, content: &str) {
    for line in content.split('\n') {
        text.push_str(if line.is_empty() { "#" } else { "# " });
        for character in line.chars() {
            if character.is_control() {
                text.push_str(&format!("\\{:03}", u32::from(character)));
            } else {
                text.push(character);
            }
        }
        text.push('\n');
    }
}

/// A name as master files have it: what is no ordinary character of a label is escaped in decimal (RFC 1035 section 5.1).
fn shown(name: &OwnerName) -> String {
    if name.is_root() {
        return ".".to_owned();
    }
    let mut text = String::new();
    for label in name.to_name().iter() {
        for byte in label {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'*' | b'/' => {
                    text.push(char::from(*byte));
                }
                b'!'..=b'~' => text.extend(['\\', char::from(*byte)]),
                _ => text.push_str(&format!("\\{byte:03}")),
            }
        }
        text.push('.');
    }
    text
}

/// The table of a static RRset.
pub(super) fn record(head: &Head, key: &RRsetKey, rrset: &RRset) -> String {
    let data: Vec<String> = rrset.data().map(|data| quoted(&data_text(data))).collect();
    let data = match &data[..] {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    let (name, ttl) = (quoted(&relative(&key.owner, &head.zone)), head.ttl_line(rrset.ttl()));
    format!("\n[[record]]\nname = {name}\ntype = \"{}\"\ndata = {data}\n{ttl}", key.record_type)
}

/// The tables of endpoints and their pools.
pub(super) fn endpoints(head: &Head, pools: &Pools, endpoints: &[&Endpoint]) -> String {
    let mut text = String::new();
    for (pool, members) in &pools.0 {
        text.push_str(&format!("\n[pool.{}]\nmembers = [\n", key(pool)));
        members.iter().for_each(|(id, found)| text.push_str(&member(id, found)));
        text.push_str("]\n");
    }
    for endpoint in endpoints {
        let weights: Vec<String> =
            endpoint.pools.iter().map(|(pool, weight)| format!("{} = {weight}", key(pool))).collect();
        let name = quoted(&relative(&endpoint.owner, &head.zone));
        text.push_str(&format!("\n[[endpoint]]\nname = {name}\npools = {{ {} }}\n", weights.join(", ")));
        let is_there = |kind| endpoint.rrsets.iter().any(|rrset| rrset.record_type() == kind);
        match (is_there(RecordType::A), is_there(RecordType::AAAA)) {
            (true, true) => text.push_str("families = [\"ipv4\", \"ipv6\"]\n"),
            (false, _) => text.push_str("families = [\"ipv6\"]\n"),
            (true, false) => {}
        }
        if !endpoint.is_weighted {
            text.push_str("policy = \"multivalue\"\n");
        }
        text.push_str(&head.ttl_line(endpoint.ttl));
    }
    text
}

fn member(id: &str, member: &Member) -> String {
    let mut text = format!("  {{ id = {}", quoted(id));
    let texts = [("ipv4", &member.ipv4), ("ipv6", &member.ipv6), ("health_check", &member.health_check)];
    for (key, value) in texts.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
        text.push_str(&format!(", {key} = {}", quoted(value)));
    }
    if let Some(weight) = member.weight.filter(|weight| *weight != 1) {
        text.push_str(&format!(", weight = {weight}"));
    }
    text.push_str(" },\n");
    text
}

/// A name as a spec has it: relative to the zone where that is read back as the same name.
pub(super) fn relative(owner: &OwnerName, zone: &OwnerName) -> String {
    if owner == zone {
        return "@".to_owned();
    }
    let (owner_text, ending) = (owner.to_string(), format!(".{zone}"));
    let short = owner_text.strip_suffix(&ending);
    let is_same = |short: &&str| {
        !format!(".{short}.").ends_with(&ending)
            && OwnerName::relative(short, zone).is_ok_and(|read| read == *owner)
    };
    short.filter(is_same).map_or_else(|| owner_text.clone(), str::to_owned)
}

/// Data as in a zone file, but for texts that need no quotes.
fn data_text(data: &RData) -> String {
    let RData::TXT(txt) = data else { return data.to_string() };
    if let Some(text) = plain(&txt.txt_data) {
        return text;
    }
    let strings: Vec<String> = txt.txt_data.iter().map(|string| character_string(string)).collect();
    strings.join(" ")
}

/// A text without quotes is cut into strings of 255 bytes, the last of which may be shorter.
fn plain(strings: &[Box<[u8]>]) -> Option<String> {
    let (last, full) = strings.split_last()?;
    let is_cut = full.iter().all(|string| string.len() == 255) && !last.is_empty();
    let text = String::from_utf8(strings.concat()).ok()?;
    (is_cut && !text.starts_with('"')).then_some(text)
}

fn character_string(string: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in string {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => write!(text, "\\{byte:03}").expect("invariant: writing to a String does not fail"),
        }
    }
    text.push('"');
    text
}

/// A bare key where that is one.
fn key(name: &str) -> String {
    let is_bare = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_bare && !name.is_empty() { name.to_owned() } else { quoted(name) }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            c if c.is_control() => {
                write!(quoted, "\\u{:04X}", u32::from(c))
                    .expect("invariant: writing to a String does not fail");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
