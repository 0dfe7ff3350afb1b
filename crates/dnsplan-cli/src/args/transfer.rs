//! Who follows a DNS server in this process.

use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// File with a TSIG key that transfers must be signed with, as `tsig-keygen` writes it; notifications are signed with the first one
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub(crate) transfer_key_file: Vec<PathBuf>,
    /// Secondary to be told of each plan, ADDR or ADDR:PORT; any number of them
    #[arg(long, value_name = "ADDR:PORT", help_heading = HEADING)]
    pub(crate) notify: Vec<primary::Primary>,
}

impl Transfer {
    pub(crate) const fn is_given(&self) -> bool {
        !self.allow_transfer.is_empty() || !self.transfer_key_file.is_empty() || !self.notify.is_empty()
    }

    /// The settings, where anything was said.
    pub(crate) fn settings(&self) -> Result<Option<Transfers>, Failure> {
        if !self.is_given() {
            return Ok(None);
        }
        let keys = self.transfer_key_file.iter().map(|path| primary::key("--transfer-key-file", path));
        let notify: Vec<SocketAddr> = self.notify.iter().map(|secondary| secondary.0).collect();
        let transfers = Transfers {
            allow: self.allow_transfer.clone(),
            keys: keys.collect::<Result<_, _>>()?,
            notify,
            ..Transfers::default()
        };
        transfers.check().map_err(|error| {
            Failure::error(format!("{error} (--allow-transfer, --transfer-key-file, --notify)"))
        })?;
        Ok(Some(transfers))
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let alone = || text.parse().ok().map(|address: std::net::IpAddr| address.into());
    text.parse()
        .ok()
        .or_else(alone)
        .ok_or_else(|| "write 192.0.2.53, 192.0.2.0/24 or 2001:db8::/48".to_owned())
}
