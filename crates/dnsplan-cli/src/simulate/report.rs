//! What came out, for people and for programs.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::events::{PUBLISHED, REAPED};
use super::invariants::{Checker, Invariant};
use super::log::{Entry, Refusal};
use super::world::{ENDPOINTS, origin, owner};

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default();

/// A run of the scenario.
pub(crate) struct Report {
    pub(super) seed: u64,
    pub(super) batch: usize,
    pub(super) parts: u32,
    pub(super) steps: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) refusals: Vec<Refusal>,
    pub(super) checker: Checker,
}

impl Report {
    /// Whether every invariant held at every step, and the scenario came to its end.
    pub(crate) fn holds(&self) -> bool {
        self.checker.looks > 0 && self.checker.breaches.is_empty()
    }

    /// The timeline, what was refused, and the verdict. Ends with a line feed.
    pub(crate) fn render_text(&self, color: bool) -> String {
        let mut text = String::new();
        self.write_text(&mut text, Paint(color)).expect("invariant: writing to a String does not fail");
        text
    }

    /// The same, in the schema `dnsplan.simulate/1`.
    pub(crate) fn to_json(&self) -> Value {
        let events: Vec<Value> = self.entries.iter().map(event).collect();
        let refused: Vec<Value> = self.refusals.iter().map(refusal).collect();
        let invariants: serde_json::Map<String, Value> = Invariant::ALL
            .into_iter()
            .map(|invariant| (invariant.key().to_owned(), (!self.is_broken(invariant)).into()))
            .collect();
        let broken = self.checker.breaches.iter().map(|(invariant, breach)| {
            json!({
                "invariant": invariant.key(), "step": breach.step, "at_ms": breach.at_ms, "text": breach.text,
            })
        });
        json!({
            "schema": "dnsplan.simulate/1",
            "seed": self.seed,
            "steps": self.steps,
            "events": events,
            "refused": refused,
            "invariants": invariants,
            "broken": broken.collect::<Vec<_>>(),
            "holds": self.holds(),
        })
    }

    fn is_broken(&self, invariant: Invariant) -> bool {
        self.checker.looks == 0 || self.checker.breaches.contains_key(&invariant)
    }

    fn write_text(&self, text: &mut String, paint: Paint) -> std::fmt::Result {
        let flips = if self.parts == 1 { "one write".to_owned() } else { format!("{} writes", self.parts) };
        writeln!(text, "{}", paint.with(BOLD, "a delayed enactor, as on 20 October 2025"))?;
        writeln!(text, "zone {}, protected endpoint {}", origin(), owner(ENDPOINTS[0]))?;
        let batch = self.batch;
        writeln!(
            text,
            "3 enactors, one target that flips a plan in {flips} of at most {batch} owner names\n"
        )?;
        self.write_timeline(text, paint)?;
        self.write_refused(text, paint)?;
        self.write_verdict(text, paint)
    }

    fn write_timeline(&self, text: &mut String, paint: Paint) -> std::fmt::Result {
        let shown: Vec<&Entry> = self.entries.iter().filter(|entry| !entry.is_detail).collect();
        // Plans that come one after the other, and trees that go, make one line.
        let is_alike = |one: &&Entry, two: &&Entry| {
            one.kind == two.kind && one.actor == two.actor && [PUBLISHED, REAPED].contains(&one.kind)
        };
        for run in shown.chunk_by(is_alike) {
            let [.., last] = run else { continue };
            let numbers: Vec<String> =
                run.iter().filter_map(|entry| Some(entry.generation?.to_string())).collect();
            let line = match (run.len(), last.kind) {
                (1, _) => last.text.clone(),
                (_, REAPED) => format!("cleans up: deletes the trees of generations {}", numbers.join(", ")),
                _ => format!("publishes generations {}", numbers.join(", ")),
            };
            write_line(text, last, &line, paint)?;
        }
        Ok(())
    }

    fn write_refused(&self, text: &mut String, paint: Paint) -> std::fmt::Result {
        let (stale, races): (Vec<_>, Vec<_>) = self.refusals.iter().partition(|refusal| refusal.is_stale());
        writeln!(text, "\n{}", paint.with(BOLD, "refused by the target, in the write itself"))?;
        for refusal in &stale {
            writeln!(text, "{}  {:<9}  {}", time(refusal.at_ms), refusal.actor, refusal.text())?;
        }
        if stale.is_empty() {
            writeln!(text, "no write of an older plan")?;
        }
        if !races.is_empty() {
            writeln!(text, "and {} writes that lost a race for the same work", races.len())?;
        }
        Ok(())
    }

    fn write_verdict(&self, text: &mut String, paint: Paint) -> std::fmt::Result {
        writeln!(text)?;
        for (invariant, breach) in &self.checker.breaches {
            let line = format!("BROKEN {}", invariant.name());
            writeln!(
                text,
                "{} at step {}, {}: {}",
                paint.with(BAD, &line),
                breach.step,
                time(breach.at_ms).trim_start(),
                breach.text
            )?;
        }
        if self.holds() {
            let verdict = paint.with(GOOD, "never empty, never backwards");
            writeln!(text, "{verdict}: looked at after each of {} steps", self.checker.looks)?;
        } else if self.checker.looks == 0 {
            writeln!(text, "{}: nothing ever went live", paint.with(BAD, "no verdict"))?;
        }
        writeln!(text, "seed {}; the same seed prints the same bytes", self.seed)
    }
}

fn write_line(text: &mut String, entry: &Entry, line: &str, paint: Paint) -> std::fmt::Result {
    let line = match entry.kind {
        "refused" | "arrived" => paint.with(NOTE, line),
        "broken" => paint.with(BAD, line),
        _ => line.to_owned(),
    };
    writeln!(text, "{}  {:<9}  {line}", time(entry.at_ms), entry.actor)?;
    match entry.october {
        Some(october) => {
            let october = format!("in October: {october}");
            writeln!(text, "{:>22}{}", "", paint.with(DIM, &october))
        }
        None => Ok(()),
    }
}

/// Seconds since the start, aligned.
fn time(millis: u64) -> String {
    format!("{:>4}.{:03} s", millis / 1000, millis % 1000)
}

fn event(entry: &Entry) -> Value {
    json!({
        "at_ms": entry.at_ms,
        "actor": entry.actor,
        "kind": entry.kind,
        "generation": entry.generation.map(dnsplan::fence::Generation::get),
        "text": entry.text,
        "october": entry.october,
    })
}

fn refusal(refusal: &Refusal) -> Value {
    json!({
        "at_ms": refusal.at_ms,
        "actor": refusal.actor,
        "action": refusal.action,
        "offered": refusal.offered.get(),
        "expected": refusal.expected.get(),
        "live": refusal.live.get(),
        "live_by": refusal.live_by,
        "text": refusal.text(),
    })
}

/// Whether to colour.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{}{text}{}", style.render(), style.render_reset()) } else { text.to_owned() }
    }
}
