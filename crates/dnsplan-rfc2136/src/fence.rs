//! The fence record: a TXT RRset of one record at `_dnsplan.<zone>`. Each update has the whole of it as a value-dependent prerequisite
//! (RFC 2136 section 2.4.2) and puts the next one in its place.

use dnsplan_enactor::codec::{self, LaterFormat, Malformed};
use dnsplan_enactor::{FenceRecord, Quarantine};
use dnsplan_fence::Observed;
use dnsplan_plan::{OwnerName, RData, RecordType};

use crate::message::{Received, Rr, data_bytes};

/// Seconds. Nobody resolves the fence to decide anything; a person who asks for it should see today's.
const TTL: u32 = 60;

/// The label that the fence has in the zone.
const LABEL: &str = "_dnsplan";

/// A string of a TXT record. Source: RFC 1035 section 3.3.
const STRING: usize = 255;

/// The name of a zone's fence; `None` where the zone's own name is too long for one below it.
pub(crate) fn name(zone: &OwnerName) -> Option<OwnerName> {
    zone.to_name().prepend_label(LABEL).ok().map(|name| OwnerName::new(&name))
}

/// The data of the TXT record that holds a record.
pub(crate) fn data(record: &FenceRecord) -> Vec<u8> {
    let text = codec::encode(record);
    let mut data = Vec::with_capacity(text.len() + text.len() / STRING + 1);
    for string in text.as_bytes().chunks(STRING) {
        data.push(u8::try_from(string.len()).expect("invariant: a chunk has 255 bytes at most"));
        data.extend(string);
    }
    data
}

/// What the TXT records at the fence's name say.
///
/// # Errors
/// Where one of them is a newer program's.
pub(crate) fn observed<'r>(
    found: impl Iterator<Item = &'r Received>,
) -> Result<Observed<Quarantine>, LaterFormat> {
    let values: Vec<Vec<u8>> = found.map(value).collect();
    let mut records = Vec::new();
    for value in &values {
        match codec::decode(&text(value)) {
            // In other strings than ours it would not be what the prerequisite says.
            Ok(record) if data(&record) == *value => records.push(record),
            Ok(_) | Err(Malformed::NotARecord(_)) => {}
            Err(Malformed::LaterFormat(later)) => return Err(later),
        }
    }
    Ok(match (&values[..], records.pop()) {
        ([], _) => Observed::Absent,
        ([_], Some(record)) => Observed::Record(record),
        _ => Observed::Unreadable(bytes(&values)),
    })
}

/// The prerequisite that exactly this record is there.
pub(crate) fn must_be(fence: &OwnerName, record: &FenceRecord) -> Rr {
    Rr::must_equal(fence.clone(), RecordType::TXT, data(record))
}

/// The prerequisites that exactly this unreadable RRset is there; `None` where the bytes are not of [`observed`]'s making.
pub(crate) fn must_be_bytes(fence: &OwnerName, bytes: &[u8]) -> Option<Vec<Rr>> {
    let mut rest = bytes;
    let mut prerequisites = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (value, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        prerequisites.push(Rr::must_equal(fence.clone(), RecordType::TXT, value.to_vec()));
        rest = after;
    }
    rest.is_empty().then_some(prerequisites)
}

/// The changes that put a record there, in place of whatever is.
pub(crate) fn put(fence: &OwnerName, record: &FenceRecord) -> [Rr; 2] {
    [Rr::delete(fence.clone(), RecordType::TXT), Rr::add(fence.clone(), RecordType::TXT, TTL, data(record))]
}

fn value(received: &Received) -> Vec<u8> {
    match &received.data {
        Ok(data @ RData::TXT(_)) => data_bytes(data).unwrap_or_default(),
        Ok(_) => Vec::new(),
        Err(raw) => raw.clone(),
    }
}

/// The strings of a TXT record, one after another; of one that is cut short, as far as it goes.
fn text(value: &[u8]) -> String {
    let mut text = Vec::new();
    let mut rest = value;
    while let Some((length, after)) = rest.split_first() {
        let (string, after) = after.split_at(after.len().min((*length).into()));
        text.extend(string);
        rest = after;
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// What names an RRset that holds no record: its values.
fn bytes(values: &[Vec<u8>]) -> Box<[u8]> {
    let mut values: Vec<&Vec<u8>> = values.iter().collect();
    values.sort();
    let mut bytes = Vec::new();
    for value in values {
        bytes.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(value);
    }
    bytes.into()
}

#[cfg(test)]
mod tests;
