//! What the data of each type consists of, read and written by one table.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str;

use dnsplan_plan::{OwnerName, RecordType};

use super::tokens::{Token, tokens};
use super::{SPF, STRING_MAX, params, quoted};
use crate::name::{from_api, to_api};

/// One field of a record's data.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    U8,
    U16,
    U32,
    Ip4,
    Ip6,
    Name,
    /// A character-string in quotation marks.
    Text,
    /// As many of them as there are; at least one.
    Texts,
    /// A character-string without quotation marks.
    Tag,
    /// All that is left, in quotation marks.
    Rest,
    /// All that is left, in hexadecimal.
    Hex,
    /// All that is left: service parameters (RFC 9460 section 2.1).
    Params,
}

/// The fields of a type that Route 53 has.
pub(super) const fn of(record_type: RecordType) -> Option<&'static [Field]> {
    use Field::{Hex, Ip4, Ip6, Name, Params, Rest, Tag, Text, Texts, U8, U16, U32};
    Some(match record_type {
        RecordType::A => &[Ip4],
        RecordType::AAAA => &[Ip6],
        RecordType::CAA => &[U8, Tag, Rest],
        RecordType::CNAME | RecordType::NS | RecordType::PTR => &[Name],
        RecordType::DS => &[U16, U8, U8, Hex],
        RecordType::HTTPS | RecordType::SVCB => &[U16, Name, Params],
        RecordType::MX => &[U16, Name],
        RecordType::NAPTR => &[U16, U16, Text, Text, Text, Name],
        RecordType::SOA => &[Name, Name, U32, U32, U32, U32, U32],
        RecordType::SRV => &[U16, U16, U16, Name],
        RecordType::SSHFP => &[U8, U8, Hex],
        RecordType::TLSA => &[U8, U8, U8, Hex],
        RecordType::TXT | SPF => &[Texts],
        _ => return None,
    })
}

/// The text of data in wire form; `None` where Route 53 does not have it.
pub(super) fn to_text(record_type: RecordType, wire: &[u8]) -> Option<String> {
    let mut words = Vec::new();
    let mut rest = wire;
    for field in of(record_type)? {
        rest = write(*field, rest, &mut words)?;
    }
    rest.is_empty().then(|| words.join(" "))
}

/// The wire form of a text; `None` where it is no data of the type.
pub(super) fn from_text(record_type: RecordType, text: &str) -> Option<Vec<u8>> {
    let tokens = tokens(text)?;
    let mut rest = &tokens[..];
    let mut wire = Vec::new();
    for field in of(record_type)? {
        rest = read(*field, rest, &mut wire)?;
    }
    rest.is_empty().then_some(wire)
}

/// Writes one field to `words`, and gives back what follows it.
fn write<'w>(field: Field, wire: &'w [u8], words: &mut Vec<String>) -> Option<&'w [u8]> {
    let (word, rest) = match field {
        Field::U8 => number(wire, 1)?,
        Field::U16 => number(wire, 2)?,
        Field::U32 => number(wire, 4)?,
        Field::Ip4 => {
            let (octets, rest) = wire.split_first_chunk::<4>()?;
            (Ipv4Addr::from(*octets).to_string(), rest)
        }
        Field::Ip6 => {
            let (octets, rest) = wire.split_first_chunk::<16>()?;
            (Ipv6Addr::from(*octets).to_string(), rest)
        }
        Field::Name => {
            let (name, rest) = name(wire)?;
            (to_api(&name), rest)
        }
        Field::Text => {
            let (text, rest) = string(wire)?;
            (quoted(text), rest)
        }
        // Neither is ever empty in a record.
        Field::Texts | Field::Hex if wire.is_empty() => return None,
        Field::Texts => {
            let mut rest = wire;
            let mut texts = Vec::new();
            while !rest.is_empty() {
                let (text, after) = string(rest)?;
                texts.push(quoted(text));
                rest = after;
            }
            (texts.join(" "), rest)
        }
        Field::Tag => {
            let (tag, rest) = string(wire)?;
            let is_word = !tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric);
            (is_word.then(|| str::from_utf8(tag).ok())??.to_owned(), rest)
        }
        Field::Rest => (quoted(wire), &[][..]),
        Field::Hex => (wire.iter().map(|byte| format!("{byte:02x}")).collect(), &[][..]),
        Field::Params => (params::to_text(wire)?, &[][..]),
    };
    // Nothing is left of a record without parameters.
    if !word.is_empty() {
        words.push(word);
    }
    Some(rest)
}

/// Reads one field into `wire`, and gives back the tokens that follow it.
fn read<'t>(field: Field, tokens: &'t [Token], wire: &mut Vec<u8>) -> Option<&'t [Token]> {
    match field {
        Field::Texts => {
            tokens.iter().try_for_each(|token| push_string(quoted_token(token)?, wire))?;
            return (!tokens.is_empty()).then_some(&[]);
        }
        Field::Hex => {
            for token in tokens {
                wire.extend(bytes(word_token(token)?)?);
            }
            return (!tokens.is_empty()).then_some(&[]);
        }
        Field::Params => {
            let words: Vec<&[u8]> = tokens.iter().map(word_token).collect::<Option<_>>()?;
            wire.extend(params::from_text(&words)?);
            return Some(&[]);
        }
        _ => {}
    }
    let (token, rest) = tokens.split_first()?;
    let parsed = || str::from_utf8(word_token(token)?).ok();
    match field {
        Field::U8 => wire.push(parsed()?.parse().ok()?),
        Field::U16 => wire.extend(parsed()?.parse::<u16>().ok()?.to_be_bytes()),
        Field::U32 => wire.extend(parsed()?.parse::<u32>().ok()?.to_be_bytes()),
        Field::Ip4 => wire.extend(parsed()?.parse::<Ipv4Addr>().ok()?.octets()),
        Field::Ip6 => wire.extend(parsed()?.parse::<Ipv6Addr>().ok()?.octets()),
        Field::Name => wire.extend(from_api(parsed()?)?.to_wire()),
        Field::Text => push_string(quoted_token(token)?, wire)?,
        Field::Tag => push_string(word_token(token)?, wire)?,
        Field::Rest => wire.extend(quoted_token(token)?),
        Field::Texts | Field::Hex | Field::Params => return None,
    }
    Some(rest)
}

fn number(wire: &[u8], length: usize) -> Option<(String, &[u8])> {
    let (bytes, rest) = wire.split_at_checked(length)?;
    let number = bytes.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte));
    Some((number.to_string(), rest))
}

/// An uncompressed name, and what follows it.
fn name(wire: &[u8]) -> Option<(OwnerName, &[u8])> {
    let mut end = 0;
    loop {
        let length = usize::from(*wire.get(end)?);
        end += 1 + length;
        if length == 0 {
            break;
        }
    }
    let (name, rest) = wire.split_at_checked(end)?;
    // Lengths are no letters.
    OwnerName::from_wire(&name.to_ascii_lowercase()).map(|name| (name, rest))
}

fn string(wire: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = wire.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

fn push_string(string: &[u8], wire: &mut Vec<u8>) -> Option<()> {
    (string.len() <= STRING_MAX).then(|| {
        wire.push(string.len() as u8);
        wire.extend_from_slice(string);
    })
}

/// The bytes of hexadecimal digits.
fn bytes(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |pair: &[u8; 2]| {
        let digits = pair.iter().all(u8::is_ascii_hexdigit).then_some(pair)?;
        u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
    };
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

fn quoted_token(token: &Token) -> Option<&[u8]> {
    match token {
        Token::Quoted(string) => Some(string),
        Token::Word(_) => None,
    }
}

fn word_token(token: &Token) -> Option<&[u8]> {
    match token {
        Token::Word(word) => Some(word),
        Token::Quoted(_) => None,
    }
}
