//! Secondary servers that follow a primary: told by NOTIFY, fed by AXFR and IXFR.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use hickory_proto::rr::{Name, RecordType};
use tempfile::TempDir;

use crate::ask::{ask, serial};
use crate::process::{Guard, StartError};
use crate::{Key, secondary_config};

/// Which server follows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Follower {
    /// NSD.
    Nsd,
    /// Knot DNS.
    Knot,
    /// BIND 9.
    Bind,
}

impl Follower {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nsd, Self::Knot, Self::Bind];
}

impl fmt::Display for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nsd => "nsd",
            Self::Knot => "knot",
            Self::Bind => "bind",
        })
    }
}

/// Whom a secondary follows, and how.
#[derive(Clone, Copy, Debug)]
pub struct Following<'a> {
    /// The zone.
    pub zone: &'a str,
    /// The primary.
    pub primary: SocketAddr,
    /// What it signs with, and demands of a NOTIFY.
    pub key: Option<&'a Key>,
    /// Where its transfers come from, if not from any address.
    pub source: Option<IpAddr>,
}

/// A secondary server on loopback. Whoever is on this machine may transfer the zone from it. It ends when it is dropped.
#[derive(Debug)]
pub struct Secondary {
    guard: Guard,
    software: Follower,
    address: SocketAddr,
    zone: Name,
    _directory: TempDir,
}

impl Secondary {
    /// Starts a server at `address` (see [`crate::ports::free_address`]), which the primary may have been told before.
    ///
    /// # Errors
    /// [`StartError`] says what to install, or what the server said.
    pub fn start(
        software: Follower,
        address: SocketAddr,
        following: Following<'_>,
    ) -> Result<Self, StartError> {
        let directory = tempfile::Builder::new().prefix("dnsplan-").tempdir()?;
        let zone = Name::from_ascii(following.zone).map_err(std::io::Error::other)?;
        let mut guard = launch(software, directory.path(), address, following)?;
        guard.until("it answers", || ask(address, &zone, RecordType::SOA).is_some())?;
        Ok(Self { guard, software, address, zone, _directory: directory })
    }

    /// Which server it is.
    #[must_use]
    pub const fn software(&self) -> Follower {
        self.software
    }

    /// Where it listens, for UDP and TCP.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The serial of the zone that it serves, if it has one.
    #[must_use]
    pub fn serial(&self) -> Option<u32> {
        serial(self.address, &self.zone)
    }

    /// Waits until it serves this serial.
    ///
    /// # Errors
    /// [`StartError::Failed`] with what the server said.
    pub fn until_serial(&mut self, wanted: u32) -> Result<(), StartError> {
        let (address, zone) = (self.address, self.zone.clone());
        let what = format!("{} serves serial {wanted}", self.software);
        self.guard.until(&what, || serial(address, &zone) == Some(wanted))
    }

    /// What it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.guard.log()
    }
}

fn launch(
    software: Follower,
    directory: &Path,
    address: SocketAddr,
    following: Following<'_>,
) -> Result<Guard, StartError> {
    let (program, package, text, before): (_, _, _, &[&str]) = match software {
        Follower::Nsd => ("nsd", "nsd", secondary_config::nsd(directory, address, following), &["-d", "-c"]),
        Follower::Knot => ("knotd", "knot", secondary_config::knot(directory, address, following), &["-c"]),
        Follower::Bind => {
            let text = secondary_config::bind(directory, address, following);
            ("named", "bind9", text, &["-g", "-n", "1", "-c"])
        }
    };
    let path = directory.join("server.conf");
    std::fs::write(&path, text)?;
    let arguments = before.iter().map(|argument| argument.as_ref()).chain([path.as_os_str()]);
    Guard::start(program, package, arguments, &directory.join("log"))
}
