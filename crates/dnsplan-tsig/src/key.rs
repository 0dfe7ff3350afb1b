//! A key, as the servers' own tools write it.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use dnsplan_plan::OwnerName;
use hickory_proto::rr::TSigner;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;

/// How far the clocks of the two sides may be apart, in seconds. Source: RFC 8945 section 10, "The RECOMMENDED fudge value is 300".
const FUDGE: u16 = 300;

/// The MACs that are taken. RFC 8945 section 6 has HMAC-MD5 and HMAC-SHA1 for old servers only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Algorithm {
    /// `hmac-sha256`.
    #[default]
    HmacSha256,
    /// `hmac-sha384`.
    HmacSha384,
    /// `hmac-sha512`.
    HmacSha512,
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::HmacSha256, Self::HmacSha384, Self::HmacSha512];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
        }
    }

    const fn to_hickory(self) -> TsigAlgorithm {
        match self {
            Self::HmacSha256 => TsigAlgorithm::HmacSha256,
            Self::HmacSha384 => TsigAlgorithm::HmacSha384,
            Self::HmacSha512 => TsigAlgorithm::HmacSha512,
        }
    }
}

/// A key that this side and the server share.
#[derive(Clone)]
pub struct TsigKey {
    name: OwnerName,
    algorithm: Algorithm,
    signer: TSigner,
}

/// A text is no TSIG key. It does not show the text: that may be the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; `tsig-keygen -a hmac-sha256 dnsplan` writes a key in a form that is read here")]
pub struct InvalidKey(String);

impl TsigKey {
    /// A key from its parts. The secret is its bytes, not their base64.
    ///
    /// # Errors
    /// [`InvalidKey`] where the secret is empty, or the name is the root's.
    pub fn new(
        name: OwnerName,
        algorithm: Algorithm,
        secret: impl Into<Box<[u8]>>,
    ) -> Result<Self, InvalidKey> {
        let secret = secret.into();
        if name.is_root() {
            return Err(InvalidKey("the key has no name".to_owned()));
        }
        if secret.is_empty() {
            return Err(InvalidKey(format!("the secret of the key {name} is empty")));
        }
        let signer = TSigner::new(secret.into_vec(), algorithm.to_hickory(), name.to_name(), FUDGE);
        let signer = signer.expect("invariant: hickory knows these three algorithms");
        Ok(Self { name, algorithm, signer })
    }

    /// Its name, which the other side knows it by.
    #[must_use]
    pub const fn name(&self) -> &OwnerName {
        &self.name
    }

    /// How MACs are made with it.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What makes and checks MACs with it; two clocks may be 300 seconds apart.
    #[must_use]
    pub const fn signer(&self) -> &TSigner {
        &self.signer
    }

    fn from_texts(name: &str, algorithm: &str, secret: &str) -> Result<Self, InvalidKey> {
        let absolute = format!("{}.", name.trim_end_matches('.'));
        let name: OwnerName =
            absolute.parse().map_err(|error| InvalidKey(format!("the key's name: {error}")))?;
        let is_called =
            |known: &Algorithm| known.name().eq_ignore_ascii_case(algorithm.trim_end_matches('.'));
        let Some(algorithm) = Algorithm::ALL.into_iter().find(is_called) else {
            return Err(InvalidKey(format!(
                "the algorithm {algorithm:?} of the key {name} is none of hmac-sha256, hmac-sha384 and hmac-sha512"
            )));
        };
        let secret = BASE64.decode(secret.as_bytes());
        let secret = secret.map_err(|_| InvalidKey(format!("the secret of the key {name} is no base64")))?;
        Self::new(name, algorithm, secret)
    }
}

/// Reads what `tsig-keygen` writes (`key "NAME" { algorithm ALGORITHM; secret "BASE64"; };`), what `keymgr -t` writes (`key:`,
/// and lines with `id`, `algorithm` and `secret`), or what `dig -y` and `nsupdate -y` take (`[ALGORITHM:]NAME:BASE64`, with
/// `hmac-sha256` where none is named). Empty lines and lines that begin with `#`, `//` or `;` are passed over.
impl FromStr for TsigKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let is_said = |line: &&str| {
            !line.is_empty() && !["#", "//", ";"].iter().any(|comment| line.starts_with(comment))
        };
        let lines: Vec<&str> = text.lines().map(str::trim).filter(is_said).collect();
        if let Some(("key:", fields)) = lines.split_first().map(|(first, rest)| (*first, rest)) {
            return knot_key(fields);
        }
        let text = lines.join("\n");
        if let Some(clause) = text.strip_prefix("key").filter(|rest| rest.contains('{')) {
            return clause_key(clause);
        }
        let parts: Vec<&str> = text.split(':').collect();
        match parts[..] {
            [name, secret] => Self::from_texts(name, Algorithm::HmacSha256.name(), secret),
            [algorithm, name, secret] => Self::from_texts(name, algorithm, secret),
            _ => Err(InvalidKey("this is neither a `key` clause nor ALGORITHM:NAME:BASE64".to_owned())),
        }
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// A line of a `key` clause without the comment at its end. In quotes there is none: base64 may have `//`.
fn uncommented(line: &str) -> &str {
    let mut is_quoted = false;
    let begins_comment = |(at, character): &(usize, char)| {
        is_quoted ^= *character == '"';
        !is_quoted && (*character == '#' || line[*at..].starts_with("//"))
    };
    line.char_indices().find(begins_comment).map_or(line, |(at, _)| &line[..at])
}

/// What follows `key`.
fn clause_key(clause: &str) -> Result<TsigKey, InvalidKey> {
    let clause = clause.lines().map(uncommented).collect::<Vec<_>>().join("\n");
    let (name, rest) = clause.split_once('{').unwrap_or((&clause, ""));
    let (body, _) = rest.split_once('}').unwrap_or((rest, ""));
    let field = |name: &str| {
        let mut statements = body.split(';').map(str::trim);
        let value = statements.find_map(|statement| statement.strip_prefix(name));
        value.map(unquoted).ok_or_else(|| InvalidKey(format!("the `key` clause has no {name}")))
    };
    TsigKey::from_texts(unquoted(name), field("algorithm")?, field("secret")?)
}

/// The lines that follow `key:`. There is one key.
fn knot_key(lines: &[&str]) -> Result<TsigKey, InvalidKey> {
    let field = |name: &str| {
        let fields = lines.iter().filter_map(|line| line.trim_start_matches("- ").split_once(':'));
        let mut values = fields.filter(|(field, _)| field.trim() == name).map(|(_, value)| value);
        // Base64 has no `#`: what follows one is a comment.
        let value = values.next().map(|value| unquoted(value.split('#').next().unwrap_or(value)));
        let value = value.ok_or_else(|| InvalidKey(format!("the section `key:` has no {name}")))?;
        match values.next() {
            Some(_) => Err(InvalidKey("there are several keys: leave one in the file".to_owned())),
            None => Ok(value),
        }
    };
    TsigKey::from_texts(field("id")?, field("algorithm")?, field("secret")?)
}

impl PartialEq for TsigKey {
    fn eq(&self, other: &Self) -> bool {
        let of = |key: &Self| (key.name.clone(), key.algorithm, key.signer.key().to_vec());
        of(self) == of(other)
    }
}

impl Eq for TsigKey {}

/// Without the secret.
impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TsigKey")
            .field("name", &self.name)
            .field("algorithm", &self.algorithm.name())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "c2VjcmV0IHNlY3JldCBzZWNyZXQ=";

    #[test]
    fn the_forms_of_the_servers_tools_are_read() {
        let clause = format!("key \"Planner\" {{\n\talgorithm hmac-sha512;\n\tsecret \"{SECRET}\";\n}};\n");
        let long: TsigKey = clause.parse().unwrap();
        let short: TsigKey = format!("hmac-sha512:planner:{SECRET}").parse().unwrap();
        assert_eq!(long, short);
        assert_eq!(long.name.to_string(), "planner.");
        assert_eq!(long.signer().key(), b"secret secret secret");
        let plain: TsigKey = format!("planner.:{SECRET}").parse().unwrap();
        assert_eq!(plain.algorithm, Algorithm::HmacSha256);
    }

    #[test]
    fn comments_and_what_keymgr_writes_are_read() {
        let wanted: TsigKey = format!("planner:{SECRET}").parse().unwrap();
        let clause = format!(
            "key \"planner\" {{ // whose\n  algorithm hmac-sha256; # a MAC\n  secret \"{SECRET}\"; // ours\n}};"
        );
        let short = format!("planner:{SECRET}");
        let knot = format!(
            "# hmac-sha256:planner:{SECRET}\nkey:\n  - id: planner.\n    algorithm: hmac-sha256\n    secret: {SECRET} # ours\n"
        );
        for body in [&clause, &short, &knot] {
            for comment in ["", "# key \"x\" {\n", "// planner:x\r\n", "; made today\n\n\t# for the fleet\n"]
            {
                let text = format!("{comment}{body}\n\n# the end\n");
                assert_eq!(text.parse().as_ref(), Ok(&wanted), "{text}");
            }
        }
        // A secret may look like a comment, but for its place.
        let slashes: TsigKey =
            "key \"planner\" {\n\talgorithm hmac-sha256;\n\tsecret \"//8=\";\n};".parse().unwrap();
        assert_eq!(slashes.signer().key(), [0xff, 0xff]);
    }

    #[test]
    fn what_is_wrong_is_named_and_the_secret_is_not() {
        for (text, reason) in [
            ("", "neither"),
            ("planner:****", "no base64"),
            ("hmac-md5:planner:c2VjcmV0", "none of hmac-sha256"),
            ("planner:", "empty"),
            (".:c2VjcmV0", "no name"),
            ("key \"planner\" { secret \"c2VjcmV0\"; };", "no algorithm"),
            ("# planner:c2VjcmV0", "neither"),
            ("key:\n  - id: planner\n    secret: c2VjcmV0", "no algorithm"),
            ("key:\n  - id: a\n    secret: c2VjcmV0\n  - id: b\n    secret: c2VjcmV0", "several keys"),
        ] {
            let error = text.parse::<TsigKey>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        let key: TsigKey = format!("planner:{SECRET}").parse().unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains("planner") && !shown.contains("secret"), "{shown}");
    }
}
