//! What the values of a record set look like, by type.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::name::{Name, octal};

/// What is wrong with one value, in Route 53's words where they are known.
pub(crate) fn problem(record_type: &str, value: &str) -> Option<String> {
    let fatal = |what: &str| Some(format!("FATAL problem: {what} encountered with '{value}'"));
    match record_type {
        "A" if value.parse::<Ipv4Addr>().is_err() => {
            fatal("ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)")
        }
        "AAAA" if value.parse::<Ipv6Addr>().is_err() => {
            fatal("AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)")
        }
        "A" | "AAAA" => None,
        "TXT" | "SPF" => character_strings(value).err().and_then(fatal),
        "CNAME" | "NS" | "PTR" => Name::parse(value).err().map(|error| error.to_string()),
        "MX" => exchange(value).err().and_then(fatal),
        _ if value.trim().is_empty() => fatal("RRDATAEmpty (Value is empty)"),
        _ => None,
    }
}

/// One or more quoted strings of at most 255 bytes each, with blanks between them.
fn character_strings(value: &str) -> Result<(), &'static str> {
    const UNQUOTED: &str = "InvalidCharacterString (Value should be enclosed in quotation marks)";
    let mut rest = value;
    if rest.is_empty() {
        return Err(UNQUOTED);
    }
    loop {
        let opened = rest.strip_prefix('"').ok_or(UNQUOTED)?;
        let (length, after) = character_string(opened)?;
        if length > 255 {
            return Err("CharacterStringTooLong (Value is too long)");
        }
        if after.is_empty() {
            return Ok(());
        }
        rest = after.trim_start_matches([' ', '\t']);
        if rest.len() == after.len() {
            return Err(UNQUOTED);
        }
    }
}

/// The bytes in one string, up to its closing quote, and what follows it.
fn character_string(opened: &str) -> Result<(usize, &str), &'static str> {
    const UNSUPPORTED: &str = "UnsupportedCharacter (Value contains unsupported characters)";
    let mut length = 0;
    let mut bytes = opened.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Ok((length, &opened[at + 1..])),
            b'\\' => {
                let (_, next) = bytes.next().ok_or(UNSUPPORTED)?;
                if next.is_ascii_digit() {
                    let digits = opened.as_bytes().get(at + 1..at + 4).ok_or(UNSUPPORTED)?;
                    octal(digits).ok_or(UNSUPPORTED)?;
                    bytes.nth(1);
                }
            }
            b' '..=b'~' => {}
            _ => return Err(UNSUPPORTED),
        }
        length += 1;
    }
    Err("InvalidCharacterString (Value should be enclosed in quotation marks)")
}

fn exchange(value: &str) -> Result<(), &'static str> {
    const FIELDS: &str = "MXRRDATANotTwoFields (Value should have exactly two fields)";
    let (priority, host) = value.split_once([' ', '\t']).ok_or(FIELDS)?;
    let host = host.trim();
    if host.is_empty() || host.contains([' ', '\t']) {
        return Err(FIELDS);
    }
    priority.parse::<u16>().map_err(|_| "MXRRDATAInvalidPriority (Value is not a valid priority)")?;
    Name::parse(host).map(drop).map_err(|_| "MXRRDATAInvalidDomain (Value is not a valid domain name)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_values() {
        let long = format!("\"{}\"", "x".repeat(255));
        let escaped = format!("\"{}\"", r"\001".repeat(255));
        let cases = [
            ("A", "192.0.2.1"),
            ("AAAA", "2001:DB8::1"),
            ("TXT", r#""""#),
            ("TXT", r#""a" "b"   "c d""#),
            ("TXT", r#""quoted \" and \\ and \101""#),
            ("TXT", long.as_str()),
            ("SPF", escaped.as_str()),
            ("MX", "10 mail.example.com."),
            ("CNAME", "target.example.com"),
            ("NS", "ns.example.com."),
            ("SRV", "1 2 3 host."),
        ];
        for (record_type, value) in cases {
            assert_eq!(problem(record_type, value), None, "{record_type} {value}");
        }
    }

    #[test]
    fn bad_values() {
        let long = format!("\"{}\"", "x".repeat(256));
        let cases = [
            ("A", "192.0.2", "ARRDATAIllegalIPv4Address"),
            ("A", "192.0.2.01", "ARRDATAIllegalIPv4Address"),
            ("A", "2001:db8::1", "ARRDATAIllegalIPv4Address"),
            ("AAAA", "192.0.2.1", "AAAARRDATAIllegalIPv6Address"),
            ("TXT", "", "enclosed in quotation marks"),
            ("TXT", "bare", "enclosed in quotation marks"),
            ("TXT", r#""open"#, "enclosed in quotation marks"),
            ("TXT", r#""a" b"#, "enclosed in quotation marks"),
            ("TXT", r#""a""b""#, "enclosed in quotation marks"),
            ("TXT", r#""a" "#, "enclosed in quotation marks"),
            ("TXT", r#""a\9""#, "UnsupportedCharacter"),
            ("TXT", "\"a\u{7}\"", "UnsupportedCharacter"),
            ("TXT", "\"ü\"", "UnsupportedCharacter"),
            ("TXT", long.as_str(), "CharacterStringTooLong"),
            ("MX", "mail.example.com.", "NotTwoFields"),
            ("MX", "10 a b", "NotTwoFields"),
            ("MX", "70000 a", "InvalidPriority"),
            ("MX", "1 a..b", "InvalidDomain"),
            ("CNAME", "a..b", "DomainLabelEmpty"),
            ("CNAME", "", "DomainNameEmpty"),
            ("SRV", " ", "Empty"),
        ];
        for (record_type, value, expected) in cases {
            let found = problem(record_type, value).unwrap_or_default();
            assert!(found.contains(expected), "{record_type} {value}: {found}");
            assert!(found.ends_with(&format!("encountered with '{value}'")), "{found}");
        }
    }
}
