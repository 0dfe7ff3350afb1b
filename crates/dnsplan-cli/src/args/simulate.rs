//! What `simulate` takes.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use dnsplan_sim::explore::{Named, named};
use dnsplan_sim::{InvalidKey, Key, Mix, Weak, failover};

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    #[command(flatten)]
    pub(crate) mode: Mode,
    /// Seed; the same seed prints the same bytes [default: the scenario's own, else 0]
    #[arg(long, value_name = "N", conflicts_with = "explore")]
    pub(crate) seed: Option<u64>,
    /// How many seeds to play, from --seed on; stops at the first that breaks [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "explore")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) runs: Option<u64>,
    /// How much goes wrong in random schedules [default: normal]
    #[arg(long, value_enum, value_name = "MIX", conflicts_with_all = NOT_RANDOM)]
    pub(crate) faults: Option<Faults>,
    /// Switch something off, to see what it is for; may be given several times
    #[arg(long, value_name = "WHAT", value_parser = without(), conflicts_with = "explore")]
    pub(crate) without: Vec<Without>,
    /// Of a random schedule play only what these keys name, as a run that was cut down prints them
    #[arg(long, value_name = "KEY,KEY,...", conflicts_with = "runs", conflicts_with_all = NOT_RANDOM)]
    pub(crate) keep: Option<Keys>,
    /// Write the run as a page for a browser; of many runs, the one that broke
    #[arg(long, value_name = "FILE", conflicts_with_all = ["explore", "failover"])]
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
    /// A writer role is handed over while the signal to its holder is lost, and taken back; with --runs, in random schedules
    #[arg(long)]
    pub(crate) failover: bool,
    /// Explore every interleaving of a small configuration; some take minutes and gigabytes
    #[arg(long, value_name = "NAME", value_parser = configuration())]
    pub(crate) explore: Option<Named>,
}

/// How much goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Faults {
    /// Nothing
    None,
    /// Some calls fail, and there are up to three incidents
    #[default]
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

/// What can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    /// Of the fence of plans.
    Plan(Weak),
    /// Of the hand-off of a role.
    Role(failover::Weak),
}

impl Without {
    const fn key(self) -> &'static str {
        match self {
            Self::Plan(weak) => weak.key(),
            Self::Role(weak) => weak.key(),
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        Weak::ALL.into_iter().map(Self::Plan).chain(failover::Weak::ALL.into_iter().map(Self::Role))
    }
}

impl Simulate {
    /// What is switched off of the fence of plans.
    pub(crate) fn without_of_plans(&self) -> BTreeSet<Weak> {
        let of_plans = |without: &Without| if let Without::Plan(weak) = without { Some(*weak) } else { None };
        self.without.iter().filter_map(of_plans).collect()
    }

    /// What is switched off of the hand-off of a role.
    pub(crate) fn without_of_role(&self) -> BTreeSet<failover::Weak> {
        let of_role = |without: &Without| if let Without::Role(weak) = without { Some(*weak) } else { None };
        self.without.iter().filter_map(of_role).collect()
    }

    /// What does not go together, where that hangs on what is played.
    pub(super) fn conflict(&self) -> Option<String> {
        let is_role = self.mode.failover;
        let fits = |without: &Without| matches!(without, Without::Role(_)) == is_role;
        if let Some(strange) = self.without.iter().find(|without| !fits(without)) {
            let fitting: Vec<&str> = Without::all().filter(fits).map(Without::key).collect();
            let (this, other) = ("--failover", "--delayed-enactor, --scenario and --random");
            let of = if is_role { other } else { this };
            let (strange, fitting) = (strange.key(), fitting.join(", "));
            return Some(format!(
                "--without {strange} is for {of}; what can be switched off here: {fitting}"
            ));
        }
        let is_story = is_role && self.runs.is_none() && self.keep.is_none();
        (is_story && self.faults.is_some()).then(|| {
            "--faults is for random schedules, and --failover alone plays a story: give --runs N as well"
                .to_owned()
        })
    }
}

fn without() -> impl TypedValueParser<Value = Without> {
    let named = |key: String| Without::all().find(|without| without.key() == key);
    PossibleValuesParser::new(Without::all().map(Without::key))
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
