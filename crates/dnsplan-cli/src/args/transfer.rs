//! Who follows a DNS server in this process.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use dnsplan::hickory::Transfers;
use ipnet::IpNet;

use super::primary;
use crate::failure::Failure;

/// Under which the help has it.
const HEADING: &str = "Secondaries (zone transfer)";

/// Who may transfer the zones.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Transfer {
    /// Network that may transfer the zones, ADDR or ADDR/LENGTH; any number of them [default: any, where there is a key]
    #[arg(long, value_name = "NET", value_parser = network, help_heading = HEADING)]
    pub(crate) allow_transfer: Vec<IpNet>,
    /// File with a TSIG key that transfers must be signed with, as `tsig-keygen` or `keymgr -t` writes it; notifications are signed
    /// with the first one
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub(crate) transfer_key_file: Vec<PathBuf>,
    /// Secondary to be told of each plan, ADDR or ADDR:PORT; any number of them
    #[arg(long, value_name = "ADDR:PORT", value_parser = secondary, help_heading = HEADING)]
    pub(crate) notify: Vec<SocketAddr>,
    /// How many transfers are sent at once; one client gets a fourth of them, rounded up [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = HEADING)]
    pub(crate) transfer_slots: Option<u16>,
    /// How long a transfer waits for its turn, in seconds; then it is answered SERVFAIL [default: 60]
    #[arg(long, value_name = "SECONDS", help_heading = HEADING)]
    pub(crate) transfer_wait: Option<u32>,
    /// How long a secondary may take nothing in the midst of a transfer, in seconds; then it ends [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..), help_heading = HEADING)]
    pub(crate) transfer_stall: Option<u32>,
    /// How many bytes a second a secondary must take of a transfer; 0: any number [default: 16384]
    #[arg(long, value_name = "BYTES", help_heading = HEADING)]
    pub(crate) transfer_slowest: Option<u32>,
}

impl Transfer {
    /// Each option, and whether it was given.
    pub(crate) const fn given(&self) -> [(&'static str, bool); 7] {
        [
            ("--allow-transfer", !self.allow_transfer.is_empty()),
            ("--transfer-key-file", !self.transfer_key_file.is_empty()),
            ("--notify", !self.notify.is_empty()),
            ("--transfer-slots", self.transfer_slots.is_some()),
            ("--transfer-wait", self.transfer_wait.is_some()),
            ("--transfer-stall", self.transfer_stall.is_some()),
            ("--transfer-slowest", self.transfer_slowest.is_some()),
        ]
    }

    /// The settings, where anything was said.
    pub(crate) fn settings(&self) -> Result<Option<Transfers>, Failure> {
        if self.given().iter().all(|(_, is_given)| !is_given) {
            return Ok(None);
        }
        let keys = self.transfer_key_file.iter().map(|path| primary::key("--transfer-key-file", path));
        let usual = Transfers::default();
        let seconds =
            |given: Option<u32>, usual| given.map_or(usual, |given| Duration::from_secs(given.into()));
        let transfers = Transfers {
            allow: self.allow_transfer.clone(),
            keys: keys.collect::<Result<_, _>>()?,
            notify: self.notify.clone(),
            at_once: self.transfer_slots.map_or(usual.at_once, usize::from),
            wait: seconds(self.transfer_wait, usual.wait),
            stall: seconds(self.transfer_stall, usual.stall),
            slowest: self.transfer_slowest.unwrap_or(usual.slowest),
            history: usual.history,
        };
        transfers.check().map_err(|error| {
            Failure::error(format!("{error} (--allow-transfer, --transfer-key-file, --notify)"))
        })?;
        Ok(Some(transfers))
    }
}

fn secondary(text: &str) -> Result<SocketAddr, String> {
    primary::address(text).ok_or_else(|| {
        "write the address of the secondary, with its port where that is not 53: 192.0.2.54, 192.0.2.54:5353 or \
         [2001:db8::54]:5353; names are not resolved, as the engine may manage them"
            .to_owned()
    })
}

fn network(text: &str) -> Result<IpNet, String> {
    let alone = || text.parse().ok().map(|address: IpAddr| address.into());
    text.parse()
        .ok()
        .or_else(alone)
        .ok_or_else(|| "write 192.0.2.53, 192.0.2.0/24 or 2001:db8::/48".to_owned())
}
