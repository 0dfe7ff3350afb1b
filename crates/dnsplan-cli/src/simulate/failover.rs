//! `simulate --failover`: the story of a writer role that is handed over, and random schedules of one.

mod json;
mod text;

use std::collections::BTreeSet;

use dnsplan_sim::Key;
use dnsplan_sim::failover::{self, Invariant, Options, Outcome, Weak};

use crate::args::{Faults, Format, Simulate};
use crate::failure::{Code, Failure};
use crate::render::print_json;

use super::many::{self, Sum};
use super::{Cut, code, threads};

/// Runs the command.
pub(super) fn run(args: &Simulate, format: Format) -> Result<Code, Failure> {
    let without = args.without_of_role();
    if args.runs.is_none() && args.keep.is_none() {
        return Ok(story(args.seed.unwrap_or(failover::DEFAULT_SEED), &without, format));
    }
    let first = args.seed.unwrap_or_default();
    let runs = super::runs(args, first)?;
    let keep = args.keep.as_ref().map(|keys| keys.0.clone());
    let game = Game { faults: args.faults.unwrap_or_default(), without, keep };
    Ok(if runs == 1 { once(&game, first, format) } else { many(&game, first, runs, format) })
}

/// A run of the story, and what it is compared with.
struct Told {
    outcome: Outcome,
    /// How many writes are aborted by the same story with the drain.
    with_drain: Option<u64>,
}

fn story(seed: u64, without: &BTreeSet<Weak>, format: Format) -> Code {
    let outcome = failover::story(seed, without);
    let is_politeness = without.iter().eq([&Weak::Drain]);
    let with_drain = is_politeness.then(|| failover::story(seed, &BTreeSet::new()).writes.aborted);
    let told = Told { outcome, with_drain };
    match format {
        Format::Json => print_json(&json::once(&told, None)),
        Format::Text => out!("{}", text::once(&told, None)),
    }
    code(told.outcome.holds())
}

/// Random schedules.
struct Game {
    faults: Faults,
    without: BTreeSet<Weak>,
    keep: Option<BTreeSet<Key>>,
}

/// A run that broke, and how to see it again.
type Failed = super::Failed<Outcome>;

impl Game {
    fn options(&self, seed: u64) -> Options {
        Options { seed, mix: self.faults.mix(), without: self.without.clone(), keep: self.keep.clone() }
    }

    fn sum(&self, seed: u64) -> Sum<Invariant> {
        let outcome = failover::play(&self.options(seed), false).outcome;
        Sum {
            steps: outcome.steps,
            looks: outcome.looks,
            refused: outcome.writes.aborted,
            virtual_ms: outcome.elapsed_ms,
            broken: outcome.breaches.iter().map(|breach| breach.invariant).collect(),
            holds: outcome.holds(),
        }
    }

    /// A run that broke, cut down to what it takes; `None` where nothing breaks, or `--keep` has chosen already.
    fn cut_down(&self, seed: u64) -> Option<Failed> {
        if self.keep.is_some() {
            return None;
        }
        let (options, played, tries) = failover::shrink(&self.options(seed))?;
        let keys = options.keep.as_ref().unwrap_or(&played.keys);
        let keep = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let of = failover::play(&self.options(seed), false).keys.len();
        let mut command =
            format!("dnsplan simulate --failover --seed {seed} --faults {}", self.faults.name());
        for weak in &self.without {
            command += &format!(" --without {weak}");
        }
        command += &format!(" --keep \"{keep}\"");
        let cut = Cut { keep, kept: keys.len(), of, tries };
        Some(Failed { outcome: played.outcome, cut: Some(cut), command })
    }
}

fn once(game: &Game, seed: u64, format: Format) -> Code {
    let told = Told { outcome: failover::play(&game.options(seed), true).outcome, with_drain: None };
    let failed = game.cut_down(seed);
    match format {
        Format::Json => print_json(&json::once(&told, failed.as_ref())),
        Format::Text => out!("{}", text::once(&told, failed.as_ref())),
    }
    code(told.outcome.holds())
}

fn many(game: &Game, first: u64, asked: u64, format: Format) -> Code {
    let runs = many::play(first, asked, threads(), |seed| game.sum(seed));
    let failed = runs.failed.and_then(|seed| game.cut_down(seed));
    match format {
        Format::Json => print_json(&json::many(game, &runs, failed.as_ref())),
        Format::Text => out!("{}", text::many(game, &runs, failed.as_ref())),
    }
    code(runs.failed.is_none())
}
