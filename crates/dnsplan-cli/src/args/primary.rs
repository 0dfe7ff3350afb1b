//! What can be said about a zone at a name server that takes updates (RFC 2136).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use dnsplan::plan::TargetId;
use dnsplan::rfc2136;
use dnsplan::tsig::TsigKey;

use crate::failure::Failure;

/// Under which the help has what is about name servers.
const HEADING: &str = "Zones at name servers (RFC 2136)";

/// What every name of one begins with.
pub(super) const PREFIX: &str = "rfc2136:";

/// Where name servers answer unless told otherwise.
const PORT: u16 = 53;

/// The primary server of a zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Primary(pub(crate) SocketAddr);

impl Primary {
    /// Its name in the store.
    pub(crate) fn target(self) -> TargetId {
        TargetId::new(format!("{PREFIX}{self}"))
    }
}

impl fmt::Display for Primary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The address of a name server, with port 53 where none is given.
pub(crate) fn address(text: &str) -> Option<SocketAddr> {
    let with_port = || text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, PORT));
    text.parse().ok().or_else(with_port)
}

impl FromStr for Primary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        address(text).map(Self).ok_or_else(|| {
            "write the address of the primary server, with its port where that is not 53: 192.0.2.53, 192.0.2.53:5353 or \
             [2001:db8::53]:5353; names are not resolved, as the engine may manage them"
                .to_owned()
        })
    }
}

/// How requests to a name server are signed.
#[derive(Clone, Debug, Args)]
pub(crate) struct Signing {
    /// File with the TSIG key that signs requests and replies, as `tsig-keygen` or `keymgr -t` writes it, or as ALGORITHM:NAME:SECRET
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub(crate) key_file: Option<PathBuf>,
}

/// How to work on a zone at a name server.
#[derive(Clone, Debug, Args)]
pub(crate) struct AtPrimary {
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// What becomes of weighted answers, which such a server does not have [default: refuse]
    #[arg(long, value_enum, value_name = "HOW", help_heading = HEADING)]
    pub(crate) weights: Option<Weights>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Weights {
    /// The name is set aside, and the rest goes on
    Refuse,
    /// All members above weight 0 are answered, each as often as any other
    Spread,
}

/// Reads a key from its file.
pub(super) fn key(option: &str, path: &Path) -> Result<TsigKey, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::error(format!(
            "cannot read the TSIG key in {shown}: {error}; name another file with {option}"
        ))
    })?;
    text.parse().map_err(|error| Failure::error(format!("{shown}: {error}")))
}

impl Signing {
    /// The key that was given.
    pub(crate) fn key(&self) -> Result<Option<TsigKey>, Failure> {
        self.key_file.as_deref().map(|path| key("--key-file", path)).transpose()
    }
}

impl AtPrimary {
    pub(crate) const fn weights(&self) -> rfc2136::Weights {
        match self.weights {
            Some(Weights::Spread) => rfc2136::Weights::Spread,
            Some(Weights::Refuse) | None => rfc2136::Weights::Refuse,
        }
    }
}
