//! What can be said on the command line.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use dnsplan::plan::OwnerName;
use dnsplan_sim::explore::{Named, named};
use dnsplan_sim::{InvalidKey, Key, Mix, Weak};

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
    /// Run a DNS server and its enactors only: put the store's newest plans in place
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
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:5300")]
    pub(crate) dns: SocketAddr,
    /// How many enactors work on each zone
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) enactors: u32,
    /// Name of this server in the store [default: hickory:ADDR:PORT]
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Planner {
    /// Spec file
    pub(crate) spec: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Enactor {
    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Spec file
    pub(crate) spec: PathBuf,
    /// Exit with 2 where there is something to change
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
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
    /// How long to wait for the targets, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) timeout: u64,
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
pub(crate) struct Simulate {
    #[command(flatten)]
    pub(crate) mode: Mode,
    /// Seed; the same seed prints the same bytes [default: the scenario's own, else 0]
    #[arg(long, value_name = "N", conflicts_with = "explore")]
    pub(crate) seed: Option<u64>,
    /// How many seeds to play, from --seed on; stops at the first that breaks
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "explore")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) runs: u64,
    /// How much goes wrong in random schedules
    #[arg(long, value_enum, value_name = "MIX", default_value_t = Faults::Normal)]
    #[arg(conflicts_with_all = NOT_RANDOM)]
    pub(crate) faults: Faults,
    /// Switch something off, to see what it is for; may be given several times
    #[arg(long, value_name = "WHAT", value_parser = weak(), conflicts_with = "explore")]
    pub(crate) without: Vec<Weak>,
    /// Of a random schedule play only what these keys name, as a run that was cut down prints them
    #[arg(long, value_name = "KEY,KEY,...", conflicts_with = "runs", conflicts_with_all = NOT_RANDOM)]
    pub(crate) keep: Option<Keys>,
    /// Write the run as a page for a browser; of many runs, the one that broke
    #[arg(long, value_name = "FILE", conflicts_with = "explore")]
    pub(crate) report: Option<PathBuf>,
}

/// Whatever has no random schedule.
const NOT_RANDOM: [&str; 3] = ["delayed_enactor", "scenario", "explore"];

/// What to simulate.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Mode {
    /// A slow enactor's old plan arrives after newer ones and after their clean-up
    #[arg(long)]
    pub(crate) delayed_enactor: bool,
    /// Play a scenario (TOML; see docs/scenarios.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Play a random schedule of plans, delays, crashes and incidents
    #[arg(long)]
    pub(crate) random: bool,
    /// Explore every interleaving of a small configuration; some take minutes and gigabytes
    #[arg(long, value_name = "NAME", value_parser = configuration())]
    pub(crate) explore: Option<Named>,
}

/// How much goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Faults {
    /// Nothing
    None,
    /// Some calls fail, and there are up to three incidents
    Normal,
    /// Many calls fail, and there are up to ten incidents
    Heavy,
}

impl Faults {
    /// What the simulator calls it.
    pub(crate) const fn mix(self) -> Mix {
        match self {
            Self::None => Mix::None,
            Self::Normal => Mix::Normal,
            Self::Heavy => Mix::Heavy,
        }
    }

    /// What the command line calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Normal => "normal",
            Self::Heavy => "heavy",
        }
    }
}

fn weak() -> impl TypedValueParser<Value = Weak> {
    let named = |key: String| Weak::ALL.into_iter().find(|weak| weak.key() == key);
    PossibleValuesParser::new(Weak::ALL.map(Weak::key))
        .map(move |key| named(key).expect("invariant: one of the possible values"))
}

fn configuration() -> impl TypedValueParser<Value = Named> {
    let find = |name: String| named().into_iter().find(|named| named.name == name);
    let names = named().into_iter().map(|named| PossibleValue::new(named.name).help(named.about));
    PossibleValuesParser::new(names)
        .map(move |name| find(name).expect("invariant: one of the possible values"))
}

/// Keys of a random schedule, divided by commas; an empty text is none.
#[derive(Clone, Debug)]
pub(crate) struct Keys(pub(crate) BTreeSet<Key>);

impl FromStr for Keys {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let keys = text.split(',').filter(|_| !text.is_empty());
        Ok(Self(keys.map(str::parse).collect::<Result<_, _>>()?))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
