//! Service parameters of SVCB and HTTPS records (RFC 9460 sections 2 and 7). `ech` is not read or written.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str;

use super::{quoted, unquoted};

/// By number, from 0. Source: RFC 9460 section 14.3.2.
const KEYS: [&str; 7] = ["mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint"];
const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4_HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6_HINT: u16 = 6;

/// The parameters as `key=value`, with blanks between them.
pub(super) fn to_text(wire: &[u8]) -> Option<String> {
    let mut rest = wire;
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_first_chunk::<2>()?;
        let (length, after) = after.split_first_chunk::<2>()?;
        let (value, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        words.push(param(u16::from_be_bytes(*key), value)?);
        rest = after;
    }
    Some(words.join(" "))
}

fn param(key: u16, value: &[u8]) -> Option<String> {
    let name = key_text(key);
    let shown = match key {
        MANDATORY => joined::<2>(value, |key| key_text(u16::from_be_bytes(key)))?,
        ALPN => format!("\"{}\"", protocols(value)?),
        NO_DEFAULT_ALPN => return value.is_empty().then_some(name),
        PORT => u16::from_be_bytes(value.try_into().ok()?).to_string(),
        IPV4_HINT => joined::<4>(value, |octets| Ipv4Addr::from(octets).to_string())?,
        ECH => return None,
        IPV6_HINT => joined::<16>(value, |octets| Ipv6Addr::from(octets).to_string())?,
        _ if value.is_empty() => return Some(name),
        _ => quoted(value),
    };
    Some(format!("{name}={shown}"))
}

/// The wire form of parameters, in the order of their keys.
pub(super) fn from_text(words: &[&[u8]]) -> Option<Vec<u8>> {
    let mut params = words.iter().map(|word| parse(word)).collect::<Option<Vec<_>>>()?;
    params.sort();
    if params.array_windows().any(|[(left, _), (right, _)]| left == right) {
        return None;
    }
    let mut wire = Vec::new();
    for (key, value) in params {
        wire.extend(key.to_be_bytes());
        wire.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
        wire.extend(value);
    }
    Some(wire)
}

fn parse(word: &[u8]) -> Option<(u16, Vec<u8>)> {
    let split = word.iter().position(|byte| *byte == b'=');
    let (name, value) = match split {
        Some(at) => (&word[..at], bare(&word[at + 1..])?),
        None => (word, Vec::new()),
    };
    let key = key_of(str::from_utf8(name).ok()?)?;
    let items = || str::from_utf8(&value).ok().map(|text| text.split(','));
    let wire = match key {
        MANDATORY => {
            let mut keys = items()?.map(key_of).collect::<Option<Vec<u16>>>()?;
            keys.sort_unstable();
            keys.into_iter().flat_map(u16::to_be_bytes).collect()
        }
        ALPN => {
            let mut wire = Vec::new();
            for protocol in items()? {
                wire.push(u8::try_from(protocol.len()).ok()?);
                wire.extend(protocol.bytes());
            }
            wire
        }
        NO_DEFAULT_ALPN => return value.is_empty().then_some((key, value)),
        PORT => str::from_utf8(&value).ok()?.parse::<u16>().ok()?.to_be_bytes().to_vec(),
        IPV4_HINT => addresses(items()?, |address: Ipv4Addr| address.octets())?,
        ECH => return None,
        IPV6_HINT => addresses(items()?, |address: Ipv6Addr| address.octets())?,
        _ => value,
    };
    Some((key, wire))
}

/// A parameter's value, with or without quotation marks.
fn bare(value: &[u8]) -> Option<Vec<u8>> {
    if value.first() != Some(&b'"') {
        return Some(value.to_vec());
    }
    let (value, rest) = unquoted(value)?;
    rest.is_empty().then_some(value)
}

fn addresses<A: str::FromStr, const N: usize>(
    items: str::Split<'_, char>,
    octets: impl Fn(A) -> [u8; N],
) -> Option<Vec<u8>> {
    let addresses = items.map(|item| item.parse().ok().map(&octets)).collect::<Option<Vec<_>>>()?;
    Some(addresses.concat())
}

fn joined<const N: usize>(value: &[u8], shown: impl Fn([u8; N]) -> String) -> Option<String> {
    let (items, rest) = value.as_chunks::<N>();
    let is_list = !items.is_empty() && rest.is_empty();
    is_list.then(|| items.iter().map(|item| shown(*item)).collect::<Vec<_>>().join(","))
}

/// The protocol ids of `alpn`. Those that would need escapes of their own are not written.
fn protocols(mut value: &[u8]) -> Option<String> {
    let mut ids = Vec::new();
    while let Some((length, rest)) = value.split_first() {
        let (id, rest) = rest.split_at_checked(usize::from(*length))?;
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./+".contains(byte);
        let id =
            str::from_utf8(id).ok().filter(|id| !id.is_empty() && id.bytes().all(|byte| is_plain(&byte)))?;
        ids.push(id);
        value = rest;
    }
    (!ids.is_empty()).then(|| ids.join(","))
}

fn key_text(key: u16) -> String {
    KEYS.get(usize::from(key)).map_or_else(|| format!("key{key}"), |name| (*name).to_owned())
}

fn key_of(name: &str) -> Option<u16> {
    if let Some(key) = KEYS.iter().position(|key| *key == name) {
        return u16::try_from(key).ok();
    }
    name.strip_prefix("key")?.parse().ok()
}
