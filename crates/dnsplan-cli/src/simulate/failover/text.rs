//! What came out, for people.

use dnsplan_sim::Entry;
use dnsplan_sim::failover::{Breach, Handover, Invariant, Outcome, Refusal, Weak};

use crate::render::{BOLD, YELLOW, styled};

use super::super::many::Runs;
use super::super::text::{BAD, DIM, GOOD, count, cut_down, lowest, page, sums, time};
use super::{Failed, Game, Told};

/// One run, and what it takes where it broke and was cut down. Ends with a line feed.
pub(super) fn once(told: &Told, failed: Option<&Failed>) -> String {
    let mut lines = whole(&told.outcome);
    lines.extend(told.with_drain.map(|with| drain(told.outcome.writes.aborted, with)));
    if let Some(failed) = failed {
        lines.push(String::new());
        lines.extend(failure(failed));
    }
    lines.push(format!("seed {}; the same seed prints the same bytes", told.outcome.seed));
    page(&lines)
}

/// Many runs, and the one that broke. Ends with a line feed.
pub(super) fn many(game: &Game, runs: &Runs<Invariant>, failed: Option<&Failed>) -> String {
    let title = format!("a writer role in random schedules, faults: {}", game.faults.name());
    let mut lines = vec![styled(BOLD, title)];
    lines.extend(switched_off(&game.without));
    lines.extend(sums(runs, broken));
    match failed {
        Some(failed) => {
            lines.extend(lowest(runs));
            lines.extend(failure(failed));
        }
        None if !game.without.is_empty() => lines.push("nothing broke with these seeds".to_owned()),
        None => lines.push(format!("{}: every run holds", styled(GOOD, "never two writers, nothing lost"))),
    }
    page(&lines)
}

fn failure(failed: &Failed) -> Vec<String> {
    let mut lines = failed.cut.as_ref().map_or_else(Vec::new, cut_down);
    lines.extend(whole(&failed.outcome));
    lines.push(format!("again: {}", failed.command));
    lines
}

/// Everything about one run but how to see it again.
fn whole(outcome: &Outcome) -> Vec<String> {
    let mut lines = vec![styled(BOLD, &outcome.title), String::new()];
    let width = outcome.lanes.iter().map(|lane| lane.len()).max().unwrap_or_default();
    for entry in outcome.entries.iter().filter(|entry| !entry.is_detail) {
        lines.push(line(entry, width));
        lines.extend(entry.october.as_deref().map(|fact| mirrors(fact, time(0).len() + 2 + width + 2)));
    }
    lines.extend([String::new(), styled(BOLD, "hand-offs, by the record")]);
    lines.extend(outcome.handovers.iter().map(handover));
    lines.extend([String::new(), styled(BOLD, "refused by the storage, in the write itself")]);
    lines.extend(outcome.refusals.iter().map(refusal));
    if outcome.refusals.is_empty() {
        lines.push("nothing".to_owned());
    }
    lines.push(String::new());
    lines.extend(verdict(outcome));
    lines
}

fn line(entry: &Entry, width: usize) -> String {
    let text = match entry.kind {
        "refused" | "alarm" => styled(YELLOW, &entry.text),
        "broken" => styled(BAD, &entry.text),
        _ => entry.text.clone(),
    };
    format!("{}  {:<width$}  {text}", time(entry.at_ms), entry.actor)
}

fn mirrors(fact: &str, indent: usize) -> String {
    format!("{:indent$}{}", "", styled(DIM, format_args!("mirrors {fact}")))
}

fn handover(one: &Handover) -> String {
    let Handover { ends, from, successor, began_ms, ended, pause_ms, aborted } = one;
    let what = match ended {
        Some((epoch, holder, outcome)) => format!("{outcome}, {holder} leads under epoch {epoch}"),
        None => "has not ended".to_owned(),
    };
    let pause = pause_ms.map_or_else(
        || "nothing was written after it".to_owned(),
        |pause| format!("{pause} ms without a write"),
    );
    let aborted = count(*aborted, "write");
    format!(
        "{}  epoch {ends} of {from}, for {successor}: {what}; {pause}, {aborted} aborted",
        time(*began_ms)
    )
}

fn refusal(one: &Refusal) -> String {
    let Refusal { at_ms, actor, epoch, writes, why, .. } = one;
    format!("{}  {} of {actor} under epoch {epoch}: {why}", time(*at_ms), count(*writes, "write"))
}

fn verdict(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    for Breach { invariant, step, at_ms, text, fact } in &outcome.breaches {
        lines.push(format!("{} at step {step}, {}: {text}", broken(*invariant), time(*at_ms).trim_start()));
        lines.extend(fact.map(|fact| mirrors(fact, 2)));
    }
    if !outcome.alarms.is_empty() {
        let alarms: Vec<&str> = outcome.alarms.iter().copied().collect();
        lines.push(format!("the monitor raised {}", alarms.join(", ")));
    }
    let (writes, steps, looks) = (outcome.writes, outcome.steps, outcome.looks);
    lines.push(format!(
        "{}; {} aborted",
        [count(writes.accepted, "write") + " accepted", format!("{} acknowledged", writes.acknowledged)]
            .join(", "),
        writes.aborted
    ));
    if outcome.holds() {
        lines.push(format!(
            "{}: looked at {looks} times in {steps} steps",
            styled(GOOD, "never two writers, nothing lost")
        ));
    } else if looks == 0 {
        lines.push(format!("{}: nothing was ever looked at", styled(BAD, "no verdict")));
    }
    lines.extend(switched_off(&outcome.without));
    lines
}

/// What the drain is for.
fn drain(without: u64, with: u64) -> String {
    format!(
        "without the drain {} aborted, with it {with}; all of them were sent again: the drain keeps nothing safe, it is politeness",
        if without == 1 { "1 write was".to_owned() } else { format!("{without} writes were") }
    )
}

fn broken(invariant: Invariant) -> String {
    format!("{} ({})", styled(BAD, format_args!("BROKEN {invariant}")), invariant.failure())
}

fn switched_off<'a>(without: impl IntoIterator<Item = &'a Weak>) -> Option<String> {
    let keys: Vec<&str> = without.into_iter().map(|weak| weak.key()).collect();
    (!keys.is_empty()).then(|| format!("switched off: {}", keys.join(", ")))
}
