//! `[zone."NAME"]`, and where in which zone a name belongs.

use std::collections::BTreeMap;
use std::sync::Arc;

use dnsplan_plan::{OwnerName, RData, RRset, RRsetKey, RecordType, Ttl};
use hickory_proto::rr::rdata::SOA;

use super::fields::{Fields, Value, at, entries, texts};
use super::problems::{At, Problems};
use super::rules::Guards;
use super::units::seconds;
use crate::intent::{Pool, ZoneIntent};

const DEFAULT_TTL: u32 = 300;

/// The zones as they fill.
pub(super) struct Zones {
    drafts: BTreeMap<OwnerName, Draft>,
}

/// One zone as it fills.
pub(super) struct Draft {
    pub(super) ttl: Ttl,
    pub(super) intent: ZoneIntent,
    /// Where each RRset was asked for.
    places: BTreeMap<RRsetKey, At>,
}

/// A name of the spec, resolved.
pub(super) struct Placed {
    pub(super) zone: OwnerName,
    pub(super) owner: OwnerName,
    pub(super) at: At,
}

impl Zones {
    pub(super) fn read(
        value: Option<Value<'_, '_>>,
        pools: &Arc<BTreeMap<String, Pool>>,
        guards: Guards,
        problems: &mut Problems<'_>,
    ) -> Self {
        if value.is_none() {
            problems.add(
                0,
                "the spec has no zone",
                "begin it with `[zone.\"example.org.\"]` and its name servers",
            );
        }
        let mut drafts: BTreeMap<OwnerName, Draft> = BTreeMap::new();
        for (name, place, value) in entries("zone", value, problems) {
            let origin = match absolute(name).parse::<OwnerName>() {
                Ok(origin) if !origin.is_wildcard() => origin,
                _ => {
                    problems.add(
                        place,
                        format!("{name:?} is no zone's name"),
                        "write a domain name such as \"example.org.\"",
                    );
                    continue;
                }
            };
            let Some(fields) = Fields::of(format!("zone {name:?}"), value, problems) else { continue };
            let draft = draft(&origin, fields, pools, guards, problems);
            if drafts.insert(origin.clone(), draft).is_some() {
                problems.add(place, format!("the zone {origin} is there twice"), "join the two tables");
            }
        }
        Self { drafts }
    }

    pub(super) fn drafts_mut(&mut self) -> impl Iterator<Item = &mut Draft> {
        self.drafts.values_mut()
    }

    pub(super) fn draft_mut(&mut self, zone: &OwnerName) -> &mut Draft {
        self.drafts.get_mut(zone).expect("invariant: names are placed in zones that are there")
    }

    /// The zone under `zone = "..."`, where the key is there and right.
    pub(super) fn named(
        &self,
        fields: &mut Fields<'_, '_>,
        problems: &mut Problems<'_>,
    ) -> Result<Option<OwnerName>, Misplaced> {
        let Some((text, at)) = fields.text("zone", problems) else { return Ok(None) };
        let origin =
            absolute(text).parse::<OwnerName>().ok().filter(|origin| self.drafts.contains_key(origin));
        if origin.is_none() {
            let zones: Vec<String> = self.drafts.keys().map(ToString::to_string).collect();
            let remedy = format!("zones of this spec: {}", zones.join(", "));
            problems.add(at, format!("the spec has no zone {text:?}"), remedy);
        }
        origin.map(Some).ok_or(Misplaced)
    }

    /// The owner name under `name = "..."`: relative to the zone, `@` for its apex, or absolute with a final dot.
    pub(super) fn place(&self, fields: &mut Fields<'_, '_>, problems: &mut Problems<'_>) -> Option<Placed> {
        let name = fields.required_text("name", "\"www\"", problems);
        let named = self.named(fields, problems);
        let ((text, at), Ok(named)) = (name?, named) else { return None };
        let zone = named.or_else(|| self.zone_of(text));
        let Some(zone) = zone else {
            if !self.drafts.is_empty() {
                problems.add(at, self.homeless(text), self.homeless_remedy(text));
            }
            return None;
        };
        if !text.ends_with('.') && format!("{text}.").ends_with(&format!(".{zone}")) {
            let message = format!("{text:?} has no final dot, so it means {text}.{zone}");
            problems.add(
                at,
                message,
                format!("write {:?}, or the name relative to the zone", format!("{text}.")),
            );
            return None;
        }
        match OwnerName::relative(text, &zone) {
            Ok(owner) if owner.is_in(&zone) => Some(Placed { zone, owner, at }),
            Ok(owner) => {
                let remedy = "use a name in the zone: relative without a final dot, or absolute with it";
                problems.add(at, format!("{owner} lies outside the zone {zone}"), remedy);
                None
            }
            Err(error) => {
                problems.add(
                    at,
                    error.to_string(),
                    "write labels of 1 to 63 characters with dots between them",
                );
                None
            }
        }
    }

    /// The only zone, or for an absolute name the longest that holds it.
    fn zone_of(&self, text: &str) -> Option<OwnerName> {
        let mut zones = self.drafts.keys();
        if let (Some(only), None) = (zones.next(), zones.next()) {
            return Some(only.clone());
        }
        let name: OwnerName = text.ends_with('.').then(|| text.parse().ok())??;
        let holding = self.drafts.keys().filter(|zone| name.is_in(zone));
        holding.max_by_key(|zone| zone.to_name().num_labels()).cloned()
    }

    fn homeless(&self, text: &str) -> String {
        match text.ends_with('.') {
            true => format!("{text} lies outside every zone of this spec"),
            false => format!("{text:?} may belong to any of {} zones", self.drafts.len()),
        }
    }

    fn homeless_remedy(&self, text: &str) -> String {
        let example = self.drafts.keys().next().map(ToString::to_string).unwrap_or_default();
        match text.ends_with('.') {
            true => "use a name in one of the zones, or add its zone".to_owned(),
            false => format!("add `zone = \"{example}\"`, or write the name in full with a final dot"),
        }
    }

    /// What only shows once everything is read.
    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        for draft in self.drafts.values() {
            draft.check_cnames(problems);
        }
    }

    pub(super) fn into_intents(self) -> BTreeMap<OwnerName, ZoneIntent> {
        self.drafts.into_iter().map(|(origin, draft)| (origin, draft.intent)).collect()
    }
}

/// A table names a zone that is not there; the problem was noted.
pub(super) struct Misplaced;

impl Draft {
    /// Notes that `key` is asked for at `at`; `false` (and a problem) where it already was.
    pub(super) fn claim(&mut self, key: &RRsetKey, at: At, problems: &mut Problems<'_>) -> bool {
        let Some(first) = self.places.get(key) else {
            self.places.insert(key.clone(), at);
            return true;
        };
        let line = problems.line(*first);
        let remedy = "remove one of the two, or put all data into one: data = [\"...\", \"...\"]";
        problems.add(at, format!("duplicate: {key} is already in line {line}"), remedy);
        false
    }

    pub(super) fn place(&self, key: &RRsetKey) -> Option<At> {
        self.places.get(key).copied()
    }

    /// RFC 1034 section 3.6.2: a CNAME stands alone.
    fn check_cnames(&self, problems: &mut Problems<'_>) {
        for (key, at) in self.places.iter().filter(|(key, _)| key.record_type == RecordType::CNAME) {
            let first = RRsetKey::new(key.owner.clone(), RecordType::from(0));
            let here = self.places.range(first..).take_while(|(other, _)| other.owner == key.owner);
            if let Some((other, beside)) = here.into_iter().find(|(other, _)| *other != key) {
                let (at, line) = (*at.max(beside), problems.line(*at.min(beside)));
                let message = format!(
                    "a CNAME stands alone: {} has a CNAME and {} (line {line})",
                    key.owner, other.record_type
                );
                problems.add(at, message, "remove the CNAME, or the other records of this name");
            }
        }
    }
}

/// A zone's name is absolute, with or without its final dot.
fn absolute(name: &str) -> String {
    if name.ends_with('.') { name.to_owned() } else { format!("{name}.") }
}

fn draft(
    origin: &OwnerName,
    mut fields: Fields<'_, '_>,
    pools: &Arc<BTreeMap<String, Pool>>,
    guards: Guards,
    problems: &mut Problems<'_>,
) -> Draft {
    let at = fields.at();
    let fallback = Ttl::new(DEFAULT_TTL).expect("invariant: a few minutes are a TTL");
    let ttl = fields.optional("ttl").and_then(|value| seconds("`ttl`", value, problems)).unwrap_or(fallback);
    let ns_ttl =
        fields.optional("ns_ttl").and_then(|value| seconds("`ns_ttl`", value, problems)).unwrap_or(ttl);
    let servers = name_servers(origin, &mut fields, problems);
    let soa = fields.optional("soa").and_then(|value| Fields::of("`soa`", value, problems));
    let (soa, soa_ttl) = soa_record(origin, servers.first(), ttl, soa, problems);
    fields.finish(problems);
    let mut draft = Draft {
        ttl,
        intent: ZoneIntent {
            origin: origin.clone(),
            records: BTreeMap::new(),
            protected: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            pools: Arc::clone(pools),
            retire: BTreeMap::new(),
            removal: guards.removal,
            ttls: guards.ttls,
            overrides: Vec::new(),
        },
        places: BTreeMap::new(),
    };
    let servers = servers.iter().map(|name| RData::NS(hickory_proto::rr::rdata::NS(name.to_name())));
    for (record_type, rrset) in [
        (RecordType::SOA, RRset::simple(soa_ttl, [RData::SOA(soa)])),
        (RecordType::NS, RRset::simple(ns_ttl, servers)),
    ] {
        let key = RRsetKey::new(origin.clone(), record_type);
        draft.claim(&key, at, problems);
        // An NS RRset without servers is no RRset; that they are missing was noted.
        if let Ok(rrset) = rrset {
            draft.intent.records.insert(key, rrset);
        }
    }
    draft
}

fn name_servers(
    origin: &OwnerName,
    fields: &mut Fields<'_, '_>,
    problems: &mut Problems<'_>,
) -> Vec<OwnerName> {
    let Some(value) = fields.required("ns", "[\"ns1\", \"ns2\"]", problems) else { return Vec::new() };
    let Some(texts) = texts("`ns`", value, problems) else { return Vec::new() };
    if texts.is_empty() {
        problems.add(
            at(value),
            format!("the zone {origin} has no name server"),
            "write `ns = [\"ns1\", \"ns2\"]`",
        );
    }
    texts.into_iter().filter_map(|(text, at)| name("a name server", text, at, origin, problems)).collect()
}

/// A name in data: relative to the zone, or absolute with a final dot.
fn name(
    what: &str,
    text: &str,
    at: At,
    origin: &OwnerName,
    problems: &mut Problems<'_>,
) -> Option<OwnerName> {
    let found = OwnerName::relative(text, origin);
    if let Err(error) = &found {
        problems.add(at, format!("{what}: {error}"), "write a domain name, relative or with a final dot");
    }
    found.ok()
}

/// The SOA record, with serial 0: the serial is the generation's, and a target fills it in.
fn soa_record(
    origin: &OwnerName,
    first_server: Option<&OwnerName>,
    ttl: Ttl,
    mut fields: Option<Fields<'_, '_>>,
    problems: &mut Problems<'_>,
) -> (SOA, Ttl) {
    let mut duration = |key: &'static str, default: u32, problems: &mut Problems<'_>| -> u32 {
        let value = fields.as_mut().and_then(|fields| fields.optional(key));
        let given = value.and_then(|value| seconds(&format!("`{key}`"), value, problems));
        given.map_or(default, Ttl::seconds)
    };
    let refresh = duration("refresh", 3_600, problems);
    let retry = duration("retry", 600, problems);
    let expire = duration("expire", 604_800, problems);
    let minimum = duration("minimum", 60, problems);
    let own_ttl = Ttl::new(duration("ttl", ttl.seconds(), problems)).unwrap_or(ttl);
    let mut server = |key: &'static str, problems: &mut Problems<'_>| -> Option<OwnerName> {
        let (text, at) = fields.as_mut().and_then(|fields| fields.text(key, problems))?;
        if key == "rname" && text.contains('@') {
            problems.add(
                at,
                format!("{text:?} is a mail address"),
                format!("write {:?}: a dot for the @", text.replacen('@', ".", 1) + "."),
            );
            return None;
        }
        name(&format!("`{key}`"), text, at, origin, problems)
    };
    let mname = server("mname", problems).or_else(|| first_server.cloned()).unwrap_or_else(|| origin.clone());
    let rname = server("rname", problems).or_else(|| OwnerName::relative("hostmaster", origin).ok());
    let rname = rname.unwrap_or_else(|| origin.clone());
    if let Some(fields) = fields {
        fields.finish(problems);
    }
    let signed = |seconds: u32| i32::try_from(seconds).unwrap_or(i32::MAX);
    let soa = SOA::new(
        mname.to_name(),
        rname.to_name(),
        0,
        signed(refresh),
        signed(retry),
        signed(expire),
        minimum,
    );
    (soa, own_ttl)
}
