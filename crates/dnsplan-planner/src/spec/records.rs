//! `[[record]]`: static RRsets.

use std::net::{Ipv4Addr, Ipv6Addr};

use dnsplan_plan::{OwnerName, RData, RRset, RRsetKey, RecordType, rdata};
use hickory_proto::rr::rdata::TXT;

use super::fields::{Fields, Value, at, tables, texts};
use super::problems::{At, Problems};
use super::units::seconds;
use super::zones::Zones;

/// The types that a spec may hold, with an example of each one's data.
const TYPES: &[(RecordType, &str)] = &[
    (RecordType::A, "192.0.2.1"),
    (RecordType::AAAA, "2001:db8::1"),
    (RecordType::CAA, "0 issue \\\"ca.example.net\\\""),
    (RecordType::CNAME, "www"),
    (RecordType::HTTPS, "1 . alpn=h2"),
    (RecordType::MX, "10 mail"),
    (RecordType::NAPTR, "100 10 \\\"u\\\" \\\"E2U+sip\\\" \\\"!^.*$!sip:info@example.com!\\\" ."),
    (RecordType::NS, "ns1.example.net."),
    (RecordType::PTR, "host.example.net."),
    (RecordType::SRV, "10 60 5060 sip"),
    (RecordType::SSHFP, "4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789"),
    (RecordType::SVCB, "1 . port=8443"),
    (RecordType::TLSA, "3 1 1 92003ba34942dc74152e2f2c408d29eca5a520e7f2e06bb944f4dca346baf63c"),
    (RecordType::TXT, "any text"),
];

pub(super) fn read(value: Option<Value<'_, '_>>, zones: &mut Zones, problems: &mut Problems<'_>) {
    for fields in tables("record", value, problems) {
        record(fields, zones, problems);
    }
}

fn record(mut fields: Fields<'_, '_>, zones: &mut Zones, problems: &mut Problems<'_>) {
    let placed = zones.place(&mut fields, problems);
    let kind = fields.required_text("type", "\"A\"", problems);
    let kind = kind.and_then(|(text, at)| Some((record_type(text, at, problems)?, at)));
    let data = fields.required("data", "[\"192.0.2.1\"]", problems);
    let data = data.and_then(|value| Some((texts("`data`", value, problems)?, at(value))));
    let ttl = fields.optional("ttl").and_then(|value| seconds("`ttl`", value, problems));
    let is_protected = fields.flag("protected", problems).unwrap_or(false);
    let at_least = fields.number("at_least", 1..=u16::MAX.into(), problems);
    if at_least.is_some() && !is_protected {
        problems.add(
            fields.at(),
            "`at_least` without `protected = true`",
            "protect the record, or leave at_least out",
        );
    }
    fields.finish(problems);
    let (Some(placed), Some((record_type, type_at)), Some((texts, data_at))) = (placed, kind, data) else {
        return;
    };
    if record_type == RecordType::NS && placed.owner == placed.zone {
        let remedy = format!("put them into `ns = [...]` under [zone.\"{}\"]", placed.zone);
        problems.add(type_at, "the name servers of the zone itself are no record", remedy);
        return;
    }
    if texts.is_empty() {
        problems.add(data_at, "the record has no data", "give it some, or remove the record");
        return;
    }
    if record_type == RecordType::CNAME && texts.len() > 1 {
        problems.add(data_at, "a CNAME has one target", "keep one, or use an endpoint with a pool");
    }
    let parsed: Vec<Option<RData>> =
        texts.iter().map(|(text, at)| datum(record_type, text, *at, &placed.zone, problems)).collect();
    let draft = zones.draft_mut(&placed.zone);
    let key = RRsetKey::new(placed.owner, record_type);
    let is_new = draft.claim(&key, placed.at, problems);
    let Some(parsed) = parsed.into_iter().collect::<Option<Vec<_>>>() else { return };
    match RRset::simple(ttl.unwrap_or(draft.ttl), parsed) {
        Ok(rrset) if is_new => {
            if is_protected {
                let at_least = at_least.and_then(|number| u16::try_from(number).ok()).unwrap_or(1);
                draft.intent.protected.insert(key.clone(), at_least);
            }
            draft.intent.records.insert(key, rrset);
        }
        Ok(_) => {}
        Err(error) => problems.add(data_at, error.to_string(), example(record_type)),
    }
}

fn record_type(text: &str, at: At, problems: &mut Problems<'_>) -> Option<RecordType> {
    let known = TYPES.iter().map(|(known, _)| *known).find(|known| known.to_string() == text);
    if known.is_none() {
        let names: Vec<String> = TYPES.iter().map(|(known, _)| known.to_string()).collect();
        let remedy = match text {
            "SOA" => "its values go under `soa = { ... }` of the zone".to_owned(),
            _ if names.contains(&text.to_ascii_uppercase()) => {
                format!("write {:?}", text.to_ascii_uppercase())
            }
            _ => format!("use one of {}", names.join(", ")),
        };
        problems.add(at, format!("{text:?} is no record type for a spec"), remedy);
    }
    known
}

fn example(record_type: RecordType) -> String {
    let example = TYPES.iter().find(|(known, _)| *known == record_type).map_or("", |(_, example)| example);
    format!("write data that fits the type, such as \"{example}\"")
}

/// One record's data. Addresses and texts are read here, as hickory's reader passes over what follows an address and
/// splits an unquoted text at its spaces.
fn datum(
    record_type: RecordType,
    text: &str,
    at: At,
    origin: &OwnerName,
    problems: &mut Problems<'_>,
) -> Option<RData> {
    let words = text.split_whitespace().count();
    let parsed = match record_type {
        RecordType::A => text.parse::<Ipv4Addr>().map(RData::from).ok(),
        RecordType::AAAA => text.parse::<Ipv6Addr>().map(RData::from).ok(),
        RecordType::TXT if !text.starts_with('"') => Some(RData::TXT(plain_text(text))),
        RecordType::CNAME | RecordType::NS | RecordType::PTR if words != 1 => None,
        RecordType::MX if words != 2 => None,
        RecordType::SRV if words != 4 => None,
        _ => match rdata(&record_type.to_string(), text, origin) {
            Ok(data) => Some(data),
            Err(error) => {
                problems.add(at, error.to_string(), example(record_type));
                return None;
            }
        },
    };
    if parsed.is_none() {
        problems.add(at, format!("{text:?} is no {record_type} data"), example(record_type));
    }
    parsed
}

/// A text as it is, cut into strings of at most 255 bytes (RFC 1035 section 3.3).
fn plain_text(text: &str) -> TXT {
    match text.is_empty() {
        true => TXT::from_bytes(vec![&[]]),
        false => TXT::from_bytes(text.as_bytes().chunks(255).collect()),
    }
}
