//! Owner names: absolute, lower case, in canonical order (RFC 4034 section 6.1).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use hickory_proto::rr::{LowerName, Name};
use hickory_proto::serialize::binary::BinDecodable;
use tinyvec::TinyVec;

/// An absolute domain name that owns RRsets. Compared without regard to case (RFC 4343); ordered canonically, so that a
/// name is followed by everything below it.
///
/// Cheap to clone and to compare: copies share the name, and the order is that of bytes.
#[derive(Clone)]
pub struct OwnerName(Arc<Ordered>);

struct Ordered {
    /// Orders as the name does, byte by byte: labels from the root down, each ended by a zero. In place for most names, as
    /// every comparison reads it.
    key: TinyVec<[u8; 46]>,
    name: LowerName,
}

/// A text is no domain name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no domain name: {reason}")]
pub struct InvalidName {
    text: String,
    reason: String,
}

impl OwnerName {
    /// The owner name of a hickory name, taken as absolute.
    #[must_use]
    pub fn new(name: &Name) -> Self {
        let mut name = name.clone();
        name.set_fqdn(true);
        Self::absolute(LowerName::new(&name))
    }

    fn absolute(name: LowerName) -> Self {
        Self(Arc::new(Ordered { key: key(&name), name }))
    }

    /// The owner name of a lower-case hickory name, as a query carries it. A relative one is taken as absolute.
    #[must_use]
    pub fn from_lower(name: &LowerName) -> Self {
        if name.is_fqdn() { Self::absolute(name.clone()) } else { Self::new(&Name::from(name)) }
    }

    /// A name written relative to `origin` (`@` is the origin itself), or absolute with a final dot.
    ///
    /// # Errors
    /// [`InvalidName`] says what is wrong with it.
    pub fn relative(text: &str, origin: &Self) -> Result<Self, InvalidName> {
        match text {
            "@" => Ok(origin.clone()),
            _ if text.ends_with('.') => text.parse(),
            _ => format!("{text}.{origin}").parse(),
        }
    }

    /// The name as hickory wants it.
    #[must_use]
    pub fn as_lower(&self) -> &LowerName {
        &self.0.name
    }

    /// The name as hickory wants it, for records.
    #[must_use]
    pub fn to_name(&self) -> Name {
        Name::from(&self.0.name)
    }

    /// Its wire form: uncompressed, lower case (RFC 4034 section 6.2).
    #[must_use]
    pub fn to_wire(&self) -> Vec<u8> {
        crate::wire::name(self)
    }

    /// The name that a wire form stands for, if it is one and no more.
    #[must_use]
    pub fn from_wire(bytes: &[u8]) -> Option<Self> {
        let owner = Name::from_bytes(bytes).ok().map(|name| Self::new(&name))?;
        (owner.to_wire() == bytes).then_some(owner)
    }

    /// Whether it is `zone` or below it.
    #[must_use]
    pub fn is_in(&self, zone: &Self) -> bool {
        self.0.key.starts_with(&zone.0.key)
    }

    /// The name without its first label; the root's parent is the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self::absolute(self.0.name.base_name())
    }

    /// Whether it is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.key.is_empty()
    }

    /// Whether its first label is `*` (RFC 4592).
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.name.is_wildcard()
    }

    /// The wildcard directly below it: `*.` and the name. `None` where that is too long for a name.
    #[must_use]
    pub fn wildcard_child(&self) -> Option<Self> {
        self.to_name().prepend_label("*").ok().map(|name| Self::new(&name))
    }
}

/// Zeros end labels, so those inside of one are written as 1 1, and ones as 1 2: what is shorter still comes first.
fn key(name: &LowerName) -> TinyVec<[u8; 46]> {
    let mut key = TinyVec::with_capacity(name.len());
    for label in name.iter().rev() {
        for byte in label {
            match byte {
                0 | 1 => key.extend_from_slice(&[1, byte + 1]),
                _ => key.push(*byte),
            }
        }
        key.push(0);
    }
    key
}

impl PartialEq for OwnerName {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.key == other.0.key
    }
}

impl Eq for OwnerName {}

impl PartialOrd for OwnerName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OwnerName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl Hash for OwnerName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl FromStr for OwnerName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = |reason: String| InvalidName { text: text.to_owned(), reason };
        if text.is_empty() {
            return Err(invalid("it is empty".to_owned()));
        }
        let name = Name::from_ascii(text).map_err(|error| invalid(error.to_string()))?;
        Ok(Self::new(&name))
    }
}

impl From<Name> for OwnerName {
    fn from(name: Name) -> Self {
        Self::new(&name)
    }
}

/// In ASCII, internationalised labels in their `xn--` form (RFC 5890): a name that was parsed can be parsed again. One that was
/// made of other bytes is shown, but only its wire form stands for it.
impl fmt::Display for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_name().to_ascii())
    }
}

impl fmt::Debug for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for OwnerName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
