//! `dnsplan simulate`: the production loop in a made-up world. What happens there is up to `dnsplan-sim`; this asks for
//! it and tells of it.
//!
//! 1. What one run prints is a function of the command line: no clock, no path and no thread has a say in it.
//! 2. Many runs take all cores. Which of them is reported does not depend on who was quicker.
//! 3. A random run that breaks is cut down to what it takes, and comes with the command that plays it again.

mod draft;
mod explore;
mod failover;
mod game;
mod html;
mod json;
mod many;
mod text;

use dnsplan_sim::Outcome;

use crate::args::{Format, Simulate};
use crate::failure::{Code, Failure};
use crate::render::print_json;

use draft::Draft;
use game::Game;

/// Runs the command.
pub(crate) fn run(args: &Simulate, format: Format) -> Result<Code, Failure> {
    if let Some(named) = &args.mode.explore {
        return Ok(explore::run(named, format));
    }
    if args.mode.failover {
        return failover::run(args, format);
    }
    let game = Game::of(args)?;
    let first = args.seed.unwrap_or_else(|| game.default_seed());
    let runs = runs(args, first)?;
    // At once, so that hours of simulation do not end at a directory that is not there.
    let draft = args.report.as_deref().map(Draft::begin).transpose()?;
    if runs == 1 { once(&game, first, draft, format) } else { many(&game, first, runs, draft, format) }
}

/// How many seeds there are to play.
fn runs(args: &Simulate, first: u64) -> Result<u64, Failure> {
    let runs = args.runs.unwrap_or(1);
    if first.checked_add(runs - 1).is_none() {
        let message = format!("--seed {first} --runs {runs}: seeds end at {}", u64::MAX);
        return Err(Failure::new(Code::Usage, message));
    }
    Ok(runs)
}

fn once(game: &Game, seed: u64, draft: Option<Draft>, format: Format) -> Result<Code, Failure> {
    let ran = game.play(seed, true);
    let failure = (!ran.outcome.holds()).then(|| game.cut_down(seed)).flatten();
    // The verdict first: it is not lost where the page cannot be written.
    match format {
        Format::Json => print_json(&json::once(&ran.outcome, failure.as_ref())),
        // anstream takes the colours out where nobody wants them.
        Format::Text => out!("{}", text::once(&ran.outcome, failure.as_ref())),
    }
    if let Some(draft) = draft {
        draft.finish(&html::page(&ran.outcome))?;
    }
    Ok(code(ran.outcome.holds()))
}

fn many(game: &Game, first: u64, runs: u64, draft: Option<Draft>, format: Format) -> Result<Code, Failure> {
    let runs = many::play(first, runs, threads(), |seed| game.play(seed, false).into());
    let failure = runs.failed.map(|seed| game.failure(seed));
    match format {
        Format::Json => print_json(&json::many(game, &runs, failure.as_ref())),
        Format::Text => out!("{}", text::many(game, &runs, failure.as_ref())),
    }
    match (draft, &failure) {
        (Some(draft), Some(failure)) => draft.finish(&html::page(&failure.outcome))?,
        (Some(_), None) => errln!("nothing broke: no report is written"),
        (None, _) => {}
    }
    Ok(code(failure.is_none()))
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

const fn code(holds: bool) -> Code {
    if holds { Code::Done } else { Code::Violated }
}

/// A run that broke, and how to see it again.
struct Failed<O = Outcome> {
    outcome: O,
    /// How it was cut down, where it is a random one.
    cut: Option<Cut>,
    /// Plays just that.
    command: String,
}

/// What was left out of a random schedule.
struct Cut {
    /// What still takes part, as `--keep` takes it.
    keep: String,
    /// How many decisions that is, and of how many.
    kept: usize,
    of: usize,
    /// In how many tries.
    tries: u64,
}
