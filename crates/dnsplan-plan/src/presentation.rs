//! Record data in presentation format (RFC 1035 section 5.1), read by hickory's zone file parser.

use hickory_proto::rr::RData;
use hickory_proto::serialize::txt::Parser;

use crate::OwnerName;

/// A text is no record data of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {record_type} record: {reason}")]
pub struct InvalidRdata {
    record_type: String,
    text: String,
    reason: String,
}

/// The data of one record, as in a zone file: names in it are relative to `origin` unless they end in a dot.
///
/// # Errors
/// [`InvalidRdata`] says what is wrong with the text.
pub fn rdata(record_type: &str, text: &str, origin: &OwnerName) -> Result<RData, InvalidRdata> {
    let invalid =
        |reason: String| InvalidRdata { record_type: record_type.to_owned(), text: text.to_owned(), reason };
    let is_type = record_type.bytes().all(|c| c.is_ascii_alphanumeric());
    if record_type.is_empty() || !is_type {
        return Err(invalid("its type is no word such as A, AAAA or TXT".to_owned()));
    }
    // One line: a second one could hold another record or a directive.
    if text.contains(['\n', '\r']) {
        return Err(invalid("it has more than one line".to_owned()));
    }
    if text.trim().is_empty() {
        return Err(invalid("it is empty".to_owned()));
    }
    let line = format!("@ 0 IN {} {text}\n", record_type.to_ascii_uppercase());
    let parsed = Parser::new(line, None, Some(origin.to_name())).parse();
    let (_, rrsets) = parsed.map_err(|error| invalid(error.to_string()))?;
    let mut records = rrsets.values().flat_map(|rrset| rrset.records_without_rrsigs());
    match (records.next(), records.next()) {
        (Some(record), None) => Ok(record.data.clone()),
        _ => Err(invalid("it does not make exactly one record".to_owned())),
    }
}
