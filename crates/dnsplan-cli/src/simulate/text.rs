//! What came out, for people. Colours are always in it; whoever prints it takes them out where nobody wants them.

use anstyle::{AnsiColor, Style};
use dnsplan_sim::{Breach, Entry, Invariant, Outcome, Refusal, Weak};

use crate::render::{BOLD, YELLOW, styled};

use super::game::Game;
use super::many::Runs;
use super::{Cut, Failed};

pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Kinds of entries that come in rows: those that are alike make one line.
const ROWS: [&str; 2] = ["published", "reaped"];

/// One run, and what it takes where it broke and was cut down. Ends with a line feed.
pub(super) fn once(outcome: &Outcome, failed: Option<&Failed>) -> String {
    let mut lines = whole(outcome);
    if let Some(failed) = failed {
        lines.push(String::new());
        lines.extend(failure(failed));
    }
    lines.push(format!("seed {}; the same seed prints the same bytes", outcome.seed));
    page(&lines)
}

/// Many runs, and the one that broke. Ends with a line feed.
pub(super) fn many(game: &Game, runs: &Runs<Invariant>, failed: Option<&Failed>) -> String {
    let mut lines = vec![styled(BOLD, game.title())];
    lines.extend(switched_off(game.without()));
    lines.extend(sums(runs, broken));
    match failed {
        Some(failed) => {
            lines.extend(lowest(runs));
            lines.extend(failure(failed));
        }
        None if !game.without().is_empty() => lines.push("nothing broke with these seeds".to_owned()),
        None => lines.push(format!("{}: every run holds", styled(GOOD, "never empty, never backwards"))),
    }
    page(&lines)
}

/// What many runs come to. `broken` tells of an invariant.
pub(super) fn sums<I: Copy>(runs: &Runs<I>, broken: impl Fn(I) -> String) -> Vec<String> {
    let tally = &runs.tally;
    let mut lines = vec![format!(
        "{}, seeds {} to {}",
        count(tally.runs, "run"),
        runs.first,
        runs.first + (tally.runs - 1)
    )];
    let (steps, looks, refused) = (tally.steps, tally.looks, tally.refused);
    lines.push(format!("{steps} steps, looked at {looks} times; {refused} writes refused"));
    lines.push(format!(
        "{:.1} h of virtual time in {:.1} s on {}: {:.0} schedules/s, {:.0} times as fast as real time",
        tally.virtual_ms as f64 / 3_600_000.0,
        runs.wall.as_secs_f64(),
        count(runs.threads as u64, "thread"),
        runs.per_second(),
        runs.speed()
    ));
    lines.push(String::new());
    for (invariant, of) in &tally.broken {
        lines.push(format!("{} in {of} of {}", broken(*invariant), count(tally.runs, "run")));
    }
    lines
}

/// Heads the lowest seed that broke.
pub(super) fn lowest<I>(runs: &Runs<I>) -> [String; 2] {
    let last = runs.first + (runs.tally.runs - 1);
    [String::new(), styled(BOLD, format_args!("seed {last}, the lowest that broke"))]
}

pub(super) fn page(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

pub(super) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// A run that broke, and how to see it again.
fn failure(failed: &Failed) -> Vec<String> {
    let mut lines = failed.cut.as_ref().map_or_else(Vec::new, cut_down);
    lines.extend(whole(&failed.outcome));
    lines.push(format!("again: {}", failed.command));
    lines
}

/// Heads a run that was cut down.
pub(super) fn cut_down(Cut { kept, of, tries, .. }: &Cut) -> Vec<String> {
    let text = format!("what it takes: {kept} of {of} decisions, found in {tries} tries");
    vec![styled(BOLD, text), String::new()]
}

/// Everything about one run but how to see it again.
fn whole(outcome: &Outcome) -> Vec<String> {
    let mut lines = head(outcome);
    lines.push(String::new());
    lines.extend(timeline(outcome));
    lines.push(String::new());
    lines.extend(refused(outcome));
    lines.push(String::new());
    lines.extend(verdict(outcome));
    lines
}

fn head(outcome: &Outcome) -> Vec<String> {
    let endpoints = match outcome.endpoints.as_slice() {
        [one] => format!("protected endpoint {one}"),
        all => format!("protected endpoints {}", all.join(", ")),
    };
    vec![styled(BOLD, &outcome.title), format!("zone {}, {endpoints}", outcome.zone)]
}

fn timeline(outcome: &Outcome) -> Vec<String> {
    let shown: Vec<&Entry> = outcome.entries.iter().filter(|entry| !entry.is_detail).collect();
    let width = width(outcome);
    let mut lines = Vec::new();
    for row in shown.chunk_by(|one, two| is_alike(one, two)) {
        let (Some(first), Some(last)) = (row.first(), row.last()) else { continue };
        let text = if row.len() == 1 { last.text.clone() } else { in_one(first, row) };
        let text = match last.kind {
            "refused" | "arrived" => styled(YELLOW, text),
            "broken" => styled(BAD, text),
            _ => text,
        };
        lines.push(format!("{}  {:<width$}  {text}", time(last.at_ms), last.actor));
        lines.extend(last.october.as_deref().map(|fact| october(fact, width)));
    }
    lines
}

/// Whether two entries, one after the other, make one line: they differ in nothing but the generation.
fn is_alike(one: &Entry, two: &Entry) -> bool {
    let without_number = |entry: &Entry| entry.text.replace(&number(entry), "");
    let is_same = one.kind == two.kind && one.actor == two.actor && one.october.is_none();
    is_same
        && one.generation.is_some()
        && ROWS.contains(&one.kind)
        && without_number(one) == without_number(two)
}

/// Entries that differ in nothing but the generation, as one.
fn in_one(first: &Entry, row: &[&Entry]) -> String {
    let text = first.text.replacen("the tree of", "the trees of", 1);
    text.replacen(&format!("generation {}", number(first)), &format!("generations {}", numbers(row)), 1)
}

fn numbers(row: &[&Entry]) -> String {
    let all: Vec<u64> = row.iter().filter_map(|entry| Some(entry.generation?.get())).collect();
    match all.as_slice() {
        [first, _, .., last] if all.is_sorted_by(|one, two| one + 1 == *two) => format!("{first} to {last}"),
        all => all.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn number(entry: &Entry) -> String {
    entry.generation.map_or_else(String::new, |generation| generation.to_string())
}

fn refused(outcome: &Outcome) -> Vec<String> {
    let (sent, unsent): (Vec<_>, Vec<_>) = outcome.refusals.iter().partition(|refusal| refusal.was_sent);
    let (stale, races): (Vec<_>, Vec<_>) = sent.into_iter().partition(|refusal| refusal.is_stale());
    let width = width(outcome);
    let line = |refusal: &&Refusal| {
        let Refusal { at_ms, actor, offered, action, why, .. } = refusal;
        format!("{}  {actor:<width$}  generation {offered}, {action}: {why}", time(*at_ms))
    };
    let mut lines = vec![styled(BOLD, "refused by the target, in the write itself")];
    lines.extend(stale.iter().map(line));
    if stale.is_empty() {
        lines.push("no write of an older plan".to_owned());
    }
    match races.len() {
        0 => {}
        1 => lines.push("and a write that lost a race for the same work".to_owned()),
        several => lines.push(format!("and {several} writes that lost a race for the same work")),
    }
    if !unsent.is_empty() {
        lines.push(styled(BOLD, "refused by the fence, before anything was sent"));
        lines.extend(unsent.iter().map(line));
    }
    lines
}

fn verdict(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    for Breach { invariant, step, at_ms, text, october: fact } in &outcome.breaches {
        let broken = broken(*invariant);
        lines.push(format!("{broken} at step {step}, {}: {text}", time(*at_ms).trim_start()));
        lines.extend(fact.map(|fact| format!("  {}", styled(DIM, format_args!("in October: {fact}")))));
    }
    if outcome.holds() {
        let verdict = if outcome.without.is_empty() {
            styled(GOOD, "never empty, never backwards")
        } else {
            styled(YELLOW, "nothing broke with this seed")
        };
        lines.push(format!("{verdict}: looked at {} times in {} steps", outcome.looks, outcome.steps));
    } else if outcome.looks == 0 {
        lines.push(format!("{}: nothing was ever looked at", styled(BAD, "no verdict")));
    }
    lines.extend(switched_off(&outcome.without));
    lines
}

fn broken(invariant: Invariant) -> String {
    format!("{} ({})", styled(BAD, format_args!("BROKEN {invariant}")), invariant.failure())
}

fn switched_off<'a>(without: impl IntoIterator<Item = &'a Weak>) -> Option<String> {
    let keys: Vec<&str> = without.into_iter().map(|weak| weak.key()).collect();
    (!keys.is_empty()).then(|| format!("switched off: {}", keys.join(", ")))
}

fn october(fact: &str, width: usize) -> String {
    let indent = time(0).len() + 2 + width + 2;
    format!("{:indent$}{}", "", styled(DIM, format_args!("in October: {fact}")))
}

/// Of the column of actors.
fn width(outcome: &Outcome) -> usize {
    outcome.lanes.iter().map(|lane| lane.len()).max().unwrap_or_default()
}

/// Seconds since the start, aligned.
pub(super) fn time(millis: u64) -> String {
    format!("{:>4}.{:03} s", millis / 1000, millis % 1000)
}
