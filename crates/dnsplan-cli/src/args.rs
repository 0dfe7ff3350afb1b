//! What can be said on the command line.

mod handoff;
mod hosted;
mod primary;
mod simulate;
mod transfer;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use dnsplan::leadership::Node;
use dnsplan::plan::OwnerName;

pub(crate) use handoff::{Handoff, Steward};
pub(crate) use hosted::{Hosted, HostedPace, Remote, Target, ZoneId};
pub(crate) use primary::{AtPrimary, Primary, Signing, address as name_server};
pub(crate) use simulate::{Faults, Simulate};
pub(crate) use transfer::Transfer;

/// Plan, publish and enact DNS under a generation fence
///
/// A planner emits versioned, complete plans; enactors put the newest one in place under a fence that is checked at the
/// target, in the write itself.
///
/// Exit codes: 0 done or nothing to do, 1 error, 2 changes present (with --detailed-exitcode), 3 fenced or stale,
/// 4 a guard refused, 5 an invariant was violated, 64 usage.
#[derive(Debug, Parser)]
#[command(name = "dnsplan", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Directory of the plan store
    #[arg(long, global = true, value_name = "DIR", default_value = "dnsplan-data")]
    pub(crate) data: PathBuf,
    /// How to print results
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Zone to work on; not needed where there is only one
    #[arg(long, global = true, value_name = "ZONE")]
    pub(crate) zone: Option<OwnerName>,
    /// When to colour the output (NO_COLOR is honoured)
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    /// Who acts, for the audit trail [default: the user]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) author: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs; the schema is stable
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// Where a terminal is there
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plan, enact and answer on this machine: planner, enactors and DNS server in one process
    ///
    /// Edits to SPEC are planned and enacted while it runs. A broken or refused edit is reported, and the old answers stay.
    Up(Up),
    /// Run the planner only: watch SPEC, append plans to the store
    Planner(Planner),
    /// Run enactors only: put the store's newest plans in place, at a DNS server of its own or in a hosted zone of Route 53
    Enactor(Enactor),
    /// Show what publishing SPEC would change
    Plan(Plan),
    /// Plan SPEC and append the plan to the store
    Publish(Publish),
    /// Publish SPEC and wait until every target answers from it
    Apply(Apply),
    /// Show what is wanted, applied and confirmed, per target
    Status,
    /// Show the audit trail of plans, newest first
    History(History),
    /// Show one plan in full
    Show(Show),
    /// Show what differs between two plans
    Diff(Diff),
    /// Append the content of an old plan under a new generation
    Rollback(Rollback),
    /// Stop planning, enacting and clean-up until `unfreeze`
    Freeze(Freeze),
    /// Lift the freeze
    Unfreeze,
    /// Forget old plans that nothing needs; never the head, a pin or what a target reports
    Reap(Reap),
    /// Check SPEC without touching the store
    Validate(Validate),
    /// Write what a DNS provider has as a spec
    Import(Import),
    /// Hand a writer role over between PostgreSQL servers, and have its endpoint follow as a plan
    ///
    /// Freeze, seal, catch up, promote, grant, canary, publish: what each step is for, docs/leadership.md says. Ends promoted (exit 0)
    /// or rolled back under a new epoch (exit 1); 3 where another hand-off is under way, 4 where the node is not fit. May be killed at
    /// any moment: --resume, or a steward, goes on from what the record says.
    Handoff(Handoff),
    /// Finish hand-offs that were left, and say when somebody is the writer who should not be
    Steward(Steward),
    /// Play the October 2025 race, a scenario or random schedules on the production loop
    ///
    /// Time is virtual, and everything is looked at after every step. Exits with 5 where an invariant is violated, and says
    /// which and when.
    Simulate(Simulate),
    /// Print shell completions
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Spec file (TOML; see docs/spec.md)
    pub(crate) spec: PathBuf,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address to answer on, UDP and TCP
    #[arg(long, value_name = "ADDR:PORT", default_value = DNS)]
    pub(crate) dns: SocketAddr,
    /// How many enactors work on each zone
    #[arg(long, value_name = "N", default_value_t = ENACTORS, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) enactors: u32,
    /// Name of this server in the store [default: hickory:ADDR:PORT]
    #[arg(long, value_name = "NAME", value_parser = hosted::server)]
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) transfer: Transfer,
}

/// Where a server answers unless told otherwise.
const DNS: &str = "127.0.0.1:5300";
/// How many enactors a server has unless told otherwise.
const ENACTORS: u32 = 3;

#[derive(Debug, Args)]
pub(crate) struct Planner {
    /// Spec file
    pub(crate) spec: PathBuf,
    /// What this planner is called among those on the store, of which one plans [default: planner-PID]
    #[arg(long, value_name = "NAME", value_parser = node)]
    pub(crate) node: Option<Node>,
    /// Take over from a planner that shows no sign of life for so long, though its process is there
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..=3600))]
    pub(crate) take_over_after: u64,
}

fn node(name: &str) -> Result<Node, String> {
    Node::new(name).map_err(|error| error.to_string())
}

#[derive(Debug, Args)]
pub(crate) struct Enactor {
    /// A hosted zone of Route 53 (route53:ZONEID), a name server that takes updates (rfc2136:ADDR:PORT), or the name of this server in
    /// the store [default: hickory:ADDR:PORT]
    ///
    /// Any number of processes may work on one zone that is served elsewhere. Under the name of a server here there is one at a time.
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Option<Target>,
    /// Address to answer on, UDP and TCP [default: 127.0.0.1:5300]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) dns: Option<SocketAddr>,
    /// How many enactors work on each zone [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) enactors: Option<u32>,
    #[command(flatten)]
    pub(crate) transfer: Transfer,
    #[command(flatten)]
    pub(crate) hosted: Hosted,
    #[command(flatten)]
    pub(crate) primary: AtPrimary,
    #[command(flatten)]
    pub(crate) pace: HostedPace,
}

impl Enactor {
    /// How to serve, where the zone is not served elsewhere.
    pub(crate) fn serve(&self) -> Serve {
        let target = match &self.target {
            Some(Target::Server(name)) => Some(name.clone()),
            Some(Target::Remote(_)) | None => None,
        };
        let dns = self.dns.unwrap_or_else(|| DNS.parse().expect("invariant: an address"));
        let (enactors, transfer) = (self.enactors.unwrap_or(ENACTORS), self.transfer.clone());
        Serve { dns, enactors, target, transfer }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Spec file
    pub(crate) spec: PathBuf,
    /// Exit with 2 where there is something to change
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Print the change batches, one JSON document a line, that enacting would send to the hosted zone --target; nothing is sent
    #[arg(long, requires = "target")]
    pub(crate) change_batches: bool,
    /// Hosted zone of Route 53
    #[arg(long, value_name = "route53:ZONEID", value_parser = hosted::hosted_zone, requires = "change_batches")]
    pub(crate) target: Option<ZoneId>,
    #[command(flatten)]
    pub(crate) hosted: Hosted,
}

#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// Spec file
    pub(crate) spec: PathBuf,
    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT", default_value = "published by hand")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) publish: Publish,
    /// How long to wait for the targets, in seconds [default: 30; with --target 300]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// Put it into this hosted zone of Route 53 (route53:ZONEID), or into the zone at this name server (rfc2136:ADDR:PORT), from here,
    /// and wait for that alone
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Option<Remote>,
    #[command(flatten)]
    pub(crate) hosted: Hosted,
    #[command(flatten)]
    pub(crate) primary: AtPrimary,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// How many plans to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Generation to show
    pub(crate) generation: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// Generation before
    pub(crate) before: u64,
    /// Generation after
    pub(crate) after: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// Generation whose content is wanted again
    pub(crate) generation: u64,
    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT", default_value = "rolled back by hand")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Freeze {
    /// Why; everybody who meets the freeze is told
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Reap {
    /// How many of the newest plans to keep
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) keep: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// Spec file
    pub(crate) spec: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    pub(crate) from: ImportFrom,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportFrom {
    /// A hosted zone of Route 53; what a spec cannot say is listed in comments, and stays as it is
    Route53(ImportRoute53),
    /// A zone at a name server, by zone transfer (AXFR)
    Axfr(ImportAxfr),
}

#[derive(Debug, Args)]
pub(crate) struct ImportAxfr {
    /// Address of a server that lets this host transfer the zone named by --zone, ADDR or ADDR:PORT
    #[arg(value_name = "ADDR:PORT")]
    pub(crate) server: Primary,
    /// File to write; one that is there is left alone [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct ImportRoute53 {
    /// Id of the hosted zone
    #[arg(value_name = "ZONEID")]
    pub(crate) zone_id: ZoneId,
    /// File to write; one that is there is left alone [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Another server in place of Route 53, such as one for tests
    #[arg(long, value_name = "URL", value_parser = hosted::url)]
    pub(crate) endpoint_url: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
