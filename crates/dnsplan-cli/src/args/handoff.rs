//! What `handoff` and `steward` take.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use dnsplan::leadership::Node;

#[derive(Debug, Args)]
pub(crate) struct Handoff {
    /// File with the role, its servers and its endpoint (TOML; see docs/handoff.md)
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) deed: Deed,
    /// How long it may take, in seconds; what is not done by then is left to --resume or to a steward
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
}

/// What to do. Without any of them, show who leads, and how far a hand-off has come.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Deed {
    /// Hand the role over to this node; where nobody ever led, have it lead
    #[arg(long, value_name = "NODE", value_parser = super::node)]
    pub(crate) to: Option<Node>,
    /// Finish a hand-off that somebody else began and left
    #[arg(long)]
    pub(crate) resume: bool,
    /// Install the schema at the primary and at the register, and guard the tables that the file lists
    #[arg(long)]
    pub(crate) install: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Steward {
    /// File with the role, its servers and its endpoint (TOML; see docs/handoff.md)
    pub(crate) file: PathBuf,
    /// How often to look, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub(crate) poll: u64,
    /// Address to answer Prometheus on, at /metrics [default: none]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) metrics: Option<SocketAddr>,
}
