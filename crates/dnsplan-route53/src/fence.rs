//! The fence record: a TXT record set at `_dnsplan.<zone>`, replaced in every batch by DELETE of the exact old one and CREATE of the
//! new one.

use dnsplan_enactor::codec::{self, LaterFormat, Malformed};
use dnsplan_enactor::{FenceRecord, Quarantine};
use dnsplan_fence::Observed;
use dnsplan_plan::RecordType;

use crate::name::Names;
use crate::record::{Change, RecordSet, to_json};
use crate::value::Value;

/// Seconds. Nobody resolves the fence to decide anything; a person who asks for it should see today's.
const TTL: u32 = 60;

/// The record set that holds a record.
pub(crate) fn record_set(names: &Names, record: &FenceRecord) -> RecordSet {
    let value = Value::txt(&codec::encode(record));
    RecordSet::simple(names.fence().clone(), RecordType::TXT, TTL, vec![value])
}

/// What the record set at the fence's name says. A text that is right in a record set that is not exactly ours is unreadable: its
/// DELETE would never match.
///
/// # Errors
/// Where one of its values is a newer program's.
pub(crate) fn observed(
    names: &Names,
    found: Option<&RecordSet>,
) -> Result<Observed<Quarantine>, LaterFormat> {
    let Some(set) = found else { return Ok(Observed::Absent) };
    let mut ours = None;
    for text in set.values().iter().filter_map(Value::txt_content) {
        match codec::decode(&String::from_utf8_lossy(&text)) {
            Ok(record) => ours = Some(record),
            Err(Malformed::NotARecord(_)) => {}
            Err(Malformed::LaterFormat(later)) => return Err(later),
        }
    }
    Ok(match ours.filter(|record| record_set(names, record) == *set) {
        Some(record) => Observed::Record(record),
        None => Observed::Unreadable(bytes(set)),
    })
}

/// What names a record set that holds no record: its content.
pub(crate) fn bytes(set: &RecordSet) -> Box<[u8]> {
    let json = to_json("", &[Change::Delete(set.clone())]);
    json.to_string().into_bytes().into()
}

/// A record set that is never there: to delete it fails, and so does every batch that does.
pub(crate) fn poison(names: &Names) -> RecordSet {
    let value = Value::txt("dnsplan: this was never here");
    RecordSet::simple(names.fence().clone(), RecordType::TXT, TTL, vec![value])
}

#[cfg(test)]
mod tests;
