//! Record data as Route 53's API writes it, one text per value.
//!
//! 1. Two values are equal where they mean the same, however they are written: what Route 53 returns is read into wire
//!    form and written again our way. What cannot be read is equal to the very same text only.
//! 2. The text itself is kept: a DELETE gives it back as it was found.
//!
//! Source: Route 53 developer guide, "Supported DNS record types".

use std::cmp::Ordering;

use dnsplan_plan::{RData, RecordType};
use hickory_proto::serialize::binary::{BinDecoder, BinEncodable, BinEncoder, NameEncoding, Restrict};

use crate::name::{octal, unescaped};

mod fields;
mod params;
mod tokens;

use fields::{from_text, to_text};

/// The type of SPF records (RFC 7208 section 3.1 gave it up): Route 53 has it, hickory does not name it.
const SPF: RecordType = RecordType::Unknown(99);

/// RFC 1035 section 3.3: a character-string's length is one byte.
const STRING_MAX: usize = 255;

/// Route 53 has no such record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Route 53 has no {record_type} record like {data}: leave it out, or serve the zone elsewhere")]
pub(crate) struct Unsupported {
    record_type: String,
    data: String,
}

/// One value of a record set.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    text: Box<str>,
    /// The same, written our way; `None` where the text is written so.
    normal: Option<Box<str>>,
}

impl Value {
    /// The value of a record's data.
    ///
    /// # Errors
    /// [`Unsupported`] where Route 53 has no such type, or the data cannot be written for it.
    pub(crate) fn of(data: &RData) -> Result<Self, Unsupported> {
        let text = wire(data).and_then(|wire| to_text(data.record_type(), &wire));
        match text {
            Some(text) => Ok(Self { text: text.into(), normal: None }),
            None => Err(Unsupported { record_type: type_text(data.record_type()), data: data.to_string() }),
        }
    }

    /// The value that Route 53 returned.
    pub(crate) fn returned(record_type: RecordType, text: &str) -> Self {
        let normal = from_text(record_type, text).and_then(|wire| to_text(record_type, &wire));
        Self { normal: normal.filter(|normal| normal != text).map(Into::into), text: text.into() }
    }

    /// The value of a TXT record that says `text`, in as many strings as it takes.
    pub(crate) fn txt(text: &str) -> Self {
        let strings: Vec<String> = text.as_bytes().chunks(STRING_MAX).map(quoted).collect();
        let text = if strings.is_empty() { quoted(b"") } else { strings.join(" ") };
        Self { text: text.into(), normal: None }
    }

    /// The data that the value stands for; `None` where it cannot be read.
    pub(crate) fn data(&self, record_type: RecordType) -> Option<RData> {
        let wire = from_text(record_type, &self.text)?;
        let length = Restrict::new(u16::try_from(wire.len()).ok()?);
        RData::read(&mut BinDecoder::new(&wire), record_type, length).ok()
    }

    /// What a TXT value says, its strings put together; `None` where it is no TXT value.
    pub(crate) fn txt_content(&self) -> Option<Vec<u8>> {
        let mut rest = &from_text(RecordType::TXT, &self.text)?[..];
        let mut content = Vec::new();
        while let Some((length, after)) = rest.split_first() {
            let (string, after) = after.split_at_checked(usize::from(*length))?;
            content.extend_from_slice(string);
            rest = after;
        }
        Some(content)
    }

    /// As the API has it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn meaning(&self) -> &str {
        self.normal.as_deref().unwrap_or(&self.text)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.meaning().cmp(other.meaning())
    }
}

/// A type as the API names it.
pub(crate) fn type_text(record_type: RecordType) -> String {
    if record_type == SPF { "SPF".to_owned() } else { record_type.to_string() }
}

/// The type that the API names; `None` where it is none of those that Route 53 had when this was written.
pub(crate) fn type_of(text: &str) -> Option<RecordType> {
    let record_type = if text == "SPF" { SPF } else { text.parse().ok()? };
    fields::of(record_type).is_some().then_some(record_type)
}

/// The canonical wire form of a record's data.
fn wire(data: &RData) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(64);
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_canonical_form(true);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder).ok()?;
    Some(bytes)
}

/// A character-string in quotation marks, with octal escapes for what is not printable, for `"` and for `\`.
fn quoted(string: &[u8]) -> String {
    let mut text = String::with_capacity(string.len() + 2);
    text.push('"');
    for byte in string {
        match byte {
            b'"' | b'\\' => text.push_str(&octal(*byte)),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => text.push_str(&octal(*byte)),
        }
    }
    text.push('"');
    text
}

/// The string that stands at the start of `text`, in quotation marks, and what follows.
fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut string = Vec::new();
    loop {
        let (byte, after) = rest.split_first()?;
        match byte {
            b'"' => return Some((string, after)),
            b'\\' => {
                let (value, after) = unescaped(after)?;
                string.push(value);
                rest = after;
            }
            _ => {
                string.push(*byte);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests;
