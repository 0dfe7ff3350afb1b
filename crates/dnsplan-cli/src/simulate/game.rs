//! What is played: a scenario or random schedules, with any seed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use dnsplan_sim::random::{self, Options};
use dnsplan_sim::scenario::{self, Scenario};
use dnsplan_sim::shrink::shrink;
use dnsplan_sim::{Invariant, Key, Library, Outcome, Weak};

use crate::args::{Faults, Simulate};
use crate::failure::Failure;

use super::many::Sum;
use super::{Cut, Failed};

/// What is played.
pub(super) struct Game {
    what: What,
    without: BTreeSet<Weak>,
}

enum What {
    /// A scenario, and what says so on the command line.
    Scenario(Scenario, String),
    Random {
        library: Arc<Library>,
        faults: Faults,
        keep: Option<BTreeSet<Key>>,
    },
}

/// A run.
pub(super) struct Ran {
    pub(super) outcome: Outcome,
    /// How many writes were refused.
    pub(super) refused: u64,
    /// How many decisions of its schedule could be left out.
    pub(super) decisions: usize,
}

impl From<Ran> for Sum<Invariant> {
    fn from(ran: Ran) -> Self {
        let Ran { outcome, refused, .. } = ran;
        let broken = outcome.breaches.iter().map(|breach| breach.invariant).collect();
        let (steps, looks, virtual_ms, holds) =
            (outcome.steps, outcome.looks, outcome.elapsed_ms, outcome.holds());
        Self { steps, looks, refused, virtual_ms, broken, holds }
    }
}

impl Game {
    /// What the command line asks for.
    pub(super) fn of(args: &Simulate) -> Result<Self, Failure> {
        let what = match &args.mode.scenario {
            Some(path) => What::Scenario(read(path)?, format!("--scenario {}", quoted(path))),
            None if args.mode.delayed_enactor => {
                What::Scenario(Scenario::delayed_enactor(), "--delayed-enactor".to_owned())
            }
            None => {
                let faults = args.faults.unwrap_or_default();
                let keep = args.keep.as_ref().map(|keys| keys.0.clone());
                What::Random { library: Arc::default(), faults, keep }
            }
        };
        Ok(Self { what, without: args.without_of_plans() })
    }

    /// The seed where none is asked for.
    pub(super) const fn default_seed(&self) -> u64 {
        match &self.what {
            What::Scenario(scenario, _) => scenario.default_seed(),
            What::Random { .. } => 0,
        }
    }

    /// What many runs of it are called.
    pub(super) fn title(&self) -> String {
        match &self.what {
            What::Scenario(scenario, _) => scenario.title().to_owned(),
            What::Random { faults, .. } => format!("random schedules, faults: {}", faults.name()),
        }
    }

    /// What is switched off.
    pub(super) const fn without(&self) -> &BTreeSet<Weak> {
        &self.without
    }

    /// Plays it. `is_kept` says whether anybody reads the timeline.
    pub(super) fn play(&self, seed: u64, is_kept: bool) -> Ran {
        match &self.what {
            What::Scenario(scenario, _) => {
                let outcome = scenario::play(scenario, seed, &self.without);
                Ran { refused: outcome.refusals.len() as u64, decisions: 0, outcome }
            }
            What::Random { library, faults, keep } => {
                let played = random::play(library, &self.options(seed, *faults, keep.clone()), is_kept);
                Ran { decisions: played.keys.len(), refused: played.refused, outcome: played.outcome }
            }
        }
    }

    /// A run that broke, as short as it gets.
    pub(super) fn failure(&self, seed: u64) -> Failed {
        self.cut_down(seed).unwrap_or_else(|| {
            let outcome = self.play(seed, true).outcome;
            Failed { outcome, cut: None, command: self.command(seed, None) }
        })
    }

    /// A random run that broke, cut down to what it takes. `None` where there is nothing to cut: a scenario is as long as
    /// somebody made it, and what `--keep` names has been chosen.
    pub(super) fn cut_down(&self, seed: u64) -> Option<Failed> {
        let What::Random { library, faults, keep: None } = &self.what else { return None };
        let shrunk = shrink(library, &self.options(seed, *faults, None))?;
        let keys = shrunk.options.keep.as_ref().unwrap_or(&shrunk.played.keys);
        let keep = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let command = self.command(shrunk.options.seed, Some(&keep));
        let of = self.play(seed, false).decisions;
        let cut = Cut { keep, kept: keys.len(), of, tries: shrunk.tries };
        Some(Failed { outcome: shrunk.played.outcome, cut: Some(cut), command })
    }

    fn options(&self, seed: u64, faults: Faults, keep: Option<BTreeSet<Key>>) -> Options {
        Options { seed, mix: faults.mix(), without: self.without.clone(), keep }
    }

    /// The command that plays one run of it.
    fn command(&self, seed: u64, keep: Option<&str>) -> String {
        let mut command = match &self.what {
            What::Scenario(_, mode) => format!("dnsplan simulate {mode} --seed {seed}"),
            What::Random { faults, .. } => {
                format!("dnsplan simulate --random --seed {seed} --faults {}", faults.name())
            }
        };
        for weak in &self.without {
            command += &format!(" --without {weak}");
        }
        if let Some(keep) = keep {
            command += &format!(" --keep \"{keep}\"");
        }
        command
    }
}

fn read(path: &Path) -> Result<Scenario, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::unreadable(path, &error))?;
    Scenario::parse(&text).map_err(|error| Failure::error(format!("{}: {error}", path.display())))
}

/// A path for a shell.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}
