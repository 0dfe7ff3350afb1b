//! What `simulate` takes.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use dnsplan_sim::explore::{Named, named};
use dnsplan_sim::{InvalidKey, Key, Mix, Weak};

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
