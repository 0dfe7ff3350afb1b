//! Domain names as Route 53 writes them: lower case, a final dot, and octal escapes for everything but letters, digits,
//! hyphen and underscore (`*` is `\052`).

use std::fmt;

/// A domain name in Route 53's own form.
///
/// Names are ordered as `ListResourceRecordSets` orders them: the text with its labels reversed and a final dot
/// (`com.example.www.`), compared byte by byte. `a-b.example.com.` therefore comes before `a.example.com.`, because a
/// hyphen comes before a dot in ASCII.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    // The order of the fields is the order of names.
    reversed: String,
    text: String,
}

/// Why a text is no domain name. The texts are Route 53's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("FATAL problem: {problem} encountered with '{text}'")]
pub struct InvalidName {
    problem: &'static str,
    text: String,
}

impl Name {
    /// Reads a name, with or without a final dot, in any case, escaped or not.
    ///
    /// # Errors
    /// [`InvalidName`] where a label is empty or longer than 63 bytes, the name is longer than 255 bytes, or an escape or a
    /// character is not supported.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let invalid = |problem| InvalidName { problem, text: text.to_owned() };
        let mut labels = labels(text).map_err(invalid)?;
        if labels.last().is_some_and(Vec::is_empty) {
            labels.pop();
        }
        if labels.iter().any(Vec::is_empty) {
            return Err(invalid("DomainLabelEmpty (Domain label is empty)"));
        }
        if labels.iter().any(|label| label.len() > 63) {
            return Err(invalid("DomainLabelTooLong (Domain label is too long)"));
        }
        if labels.iter().map(|label| label.len() + 1).sum::<usize>() + 1 > 255 {
            return Err(invalid("DomainNameTooLong (Domain name is too long)"));
        }
        let labels: Vec<String> = labels.iter().map(|label| escape(label)).collect();
        Ok(Self::of_labels(&labels))
    }

    fn of_labels(labels: &[String]) -> Self {
        let text: String = labels.iter().map(|label| format!("{label}.")).collect();
        let reversed: String = labels.iter().rev().map(|label| format!("{label}.")).collect();
        Self { reversed, text: if text.is_empty() { ".".to_owned() } else { text } }
    }

    /// The name, with its final dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is `other` or below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        // Escaped labels hold no dot, so a common prefix of the reversed text that ends in a dot is one of labels.
        self.reversed.starts_with(&other.reversed)
    }

    /// The name without its first label. `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let labels: Vec<String> = self.text.split_terminator('.').skip(1).map(str::to_owned).collect();
        (self.text != ".").then(|| Self::of_labels(&labels))
    }

    /// The wildcard directly below this name.
    #[must_use]
    pub fn wildcard(&self) -> Self {
        let below = self.text.split_terminator('.').map(str::to_owned);
        let labels: Vec<String> = std::iter::once(escape(b"*")).chain(below).collect();
        Self::of_labels(&labels)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The labels as bytes, in lower case. The last one is empty where the text ends in a dot.
fn labels(text: &str) -> Result<Vec<Vec<u8>>, &'static str> {
    const UNSUPPORTED: &str = "UnsupportedCharacter (Value contains unsupported characters)";
    if text.is_empty() {
        return Err("DomainNameEmpty (Domain name is empty)");
    }
    if text == "." {
        return Ok(vec![Vec::new()]);
    }
    let mut labels = vec![Vec::new()];
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let byte = match byte {
            b'.' => {
                labels.push(Vec::new());
                continue;
            }
            b'\\' => {
                let (digits, after) = rest.split_at_checked(3).ok_or(UNSUPPORTED)?;
                rest = after;
                octal(digits).ok_or(UNSUPPORTED)?
            }
            b'!'..=b'~' => byte,
            _ => return Err(UNSUPPORTED),
        };
        if let Some(label) = labels.last_mut() {
            label.push(byte.to_ascii_lowercase());
        }
    }
    Ok(labels)
}

/// The byte that three octal digits stand for.
pub(crate) fn octal(digits: &[u8]) -> Option<u8> {
    let text =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    u8::from_str_radix(text, 8).ok()
}

fn escape(label: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    label
        .iter()
        .map(|&byte| if plain(byte) { char::from(byte).to_string() } else { format!("\\{byte:03o}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn names_are_folded_escaped_and_dotted() {
        let cases = [
            ("WWW.Example.com", "www.example.com."),
            ("*.example.com.", r"\052.example.com."),
            (r"\052.EXAMPLE.com.", r"\052.example.com."),
            (r"\101.com", "a.com."),
            ("_dnsplan.x-y.com.", "_dnsplan.x-y.com."),
            (r"a\056b.com.", r"a\056b.com."),
            ("a@b.com", r"a\100b.com."),
            (".", "."),
        ];
        for (given, stored) in cases {
            assert_eq!(name(given).as_str(), stored, "{given}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_reason() {
        let long = "a".repeat(64);
        let longest = vec!["a".repeat(63); 4].join(".");
        let cases = [
            ("", "DomainNameEmpty"),
            ("a..b", "DomainLabelEmpty"),
            (".a", "DomainLabelEmpty"),
            (long.as_str(), "DomainLabelTooLong"),
            (longest.as_str(), "DomainNameTooLong"),
            ("a b.com", "UnsupportedCharacter"),
            (r"a\4x.com", "UnsupportedCharacter"),
            (r"a\4", "UnsupportedCharacter"),
            ("ü.com", "UnsupportedCharacter"),
        ];
        for (given, problem) in cases {
            let error = Name::parse(given).unwrap_err().to_string();
            assert!(error.contains(problem), "{given}: {error}");
        }
        // 63 + 63 + 63 + 61 bytes with four length bytes and the root's make 255.
        let of = |last| Name::parse(&[63, 63, 63, last].map(|length| "a".repeat(length)).join("."));
        assert!(of(61).is_ok());
        assert!(of(62).is_err());
    }

    #[test]
    fn the_order_is_that_of_reversed_labels() {
        let sorted = [
            "example.com.",
            "-.example.com.",
            "0.example.com.",
            r"\052.example.com.",
            "_dnsplan.example.com.",
            "a-b.example.com.",
            "a.example.com.",
            "z.a.example.com.",
            "b.example.com.",
        ];
        assert!(sorted.map(name).is_sorted(), "{:?}", sorted.map(name));
    }

    #[test]
    fn what_lies_within_shares_whole_labels() {
        assert!(name("a.example.com.").is_within(&name("example.com")));
        assert!(name("example.com.").is_within(&name("example.com")));
        assert!(!name("badexample.com.").is_within(&name("example.com")));
        assert!(!name("com.").is_within(&name("example.com")));
        assert!(name("com.").is_within(&name(".")));
    }

    #[test]
    fn parents_and_wildcards() {
        assert_eq!(name("a.b.com").parent(), Some(name("b.com")));
        assert_eq!(name("com").parent(), Some(name(".")));
        assert_eq!(name(".").parent(), None);
        assert_eq!(name("b.com").wildcard(), name("*.b.com"));
    }
}
