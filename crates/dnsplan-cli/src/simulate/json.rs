//! What came out, for programs. Fields are added, never renamed or removed, within a version.

use dnsplan::fence::Generation;
use dnsplan_sim::{Breach, Entry, Invariant, Outcome, Refusal, Sample, Weak};
use serde_json::{Map, Value, json};

use super::Failed;
use super::game::Game;
use super::many::Runs;

/// One run: `dnsplan.simulate/2`.
pub(super) fn once(outcome: &Outcome, cut_down: Option<&Failed>) -> Value {
    let mut value = run(outcome);
    value["cut_down"] = cut_down.map_or(Value::Null, failure);
    value
}

/// Many runs: `dnsplan.simulate-runs/1`. Times that pass outside are here and nowhere else.
pub(super) fn many(game: &Game, runs: &Runs<Invariant>, failed: Option<&Failed>) -> Value {
    let tally = &runs.tally;
    let broken: Map<String, Value> =
        tally.broken.iter().map(|(invariant, runs)| (invariant.key().to_owned(), (*runs).into())).collect();
    json!({
        "schema": "dnsplan.simulate-runs/1",
        "title": game.title(),
        "without": keys(game.without()),
        "seed": runs.first,
        "asked": runs.asked,
        "runs": tally.runs,
        "steps": tally.steps,
        "looks": tally.looks,
        "refused": tally.refused,
        "virtual_ms": tally.virtual_ms,
        "threads": runs.threads,
        "wall_ms": u64::try_from(runs.wall.as_millis()).unwrap_or(u64::MAX),
        "schedules_per_second": runs.per_second(),
        "simulated_to_real": runs.speed(),
        "broken": broken,
        "holds": failed.is_none(),
        "failed": failed.map(failure),
    })
}

fn failure(failed: &Failed) -> Value {
    told(failed, failed.outcome.seed, run(&failed.outcome))
}

/// A run that broke, of whatever game.
pub(super) fn told<O>(failed: &Failed<O>, seed: u64, outcome: Value) -> Value {
    let cut = failed.cut.as_ref();
    json!({
        "seed": seed,
        "keep": cut.map(|cut| cut.keep.as_str()),
        "kept": cut.map(|cut| cut.kept),
        "decisions": cut.map(|cut| cut.of),
        "tries": cut.map(|cut| cut.tries),
        "command": failed.command,
        "outcome": outcome,
    })
}

fn run(outcome: &Outcome) -> Value {
    let is_kept = |invariant| outcome.looks > 0 && outcome.breach(invariant).is_none();
    let invariants: Map<String, Value> = Invariant::ALL
        .into_iter()
        .map(|invariant| (invariant.key().to_owned(), is_kept(invariant).into()))
        .collect();
    json!({
        "schema": "dnsplan.simulate/2",
        "title": outcome.title,
        "about": outcome.about,
        "seed": outcome.seed,
        "without": keys(&outcome.without),
        "zone": outcome.zone,
        "endpoints": outcome.endpoints,
        "lanes": outcome.lanes.iter().map(|lane| &**lane).collect::<Vec<_>>(),
        "steps": outcome.steps,
        "looks": outcome.looks,
        "elapsed_ms": outcome.elapsed_ms,
        "events": outcome.entries.iter().map(event).collect::<Vec<_>>(),
        "refused": outcome.refusals.iter().map(refusal).collect::<Vec<_>>(),
        "samples": outcome.samples.iter().map(sample).collect::<Vec<_>>(),
        "invariants": invariants,
        "broken": outcome.breaches.iter().map(breach).collect::<Vec<_>>(),
        "holds": outcome.holds(),
    })
}

fn keys<'a>(without: impl IntoIterator<Item = &'a Weak>) -> Vec<&'static str> {
    without.into_iter().map(|weak| weak.key()).collect()
}

fn event(entry: &Entry) -> Value {
    json!({
        "step": entry.step,
        "at_ms": entry.at_ms,
        "actor": &*entry.actor,
        "kind": entry.kind,
        "generation": entry.generation.map(Generation::get),
        "text": entry.text,
        "october": entry.october,
        "detail": entry.is_detail,
    })
}

fn refusal(refusal: &Refusal) -> Value {
    json!({
        "step": refusal.step,
        "at_ms": refusal.at_ms,
        "actor": &*refusal.actor,
        "action": refusal.action,
        "offered": refusal.offered.get(),
        "expected": refusal.expected.get(),
        "live": refusal.live.get(),
        "live_by": &*refusal.live_by,
        "why": refusal.why,
        "stale": refusal.is_stale(),
        "sent": refusal.was_sent,
    })
}

fn sample(sample: &Sample) -> Value {
    let answers: Vec<_> = sample.answers.iter().map(|answer| answer.map(Generation::get)).collect();
    json!({
        "at_ms": sample.at_ms,
        "live": sample.live.map(Generation::get),
        "head": sample.head.get(),
        "answers": answers,
    })
}

fn breach(breach: &Breach) -> Value {
    json!({
        "invariant": breach.invariant.key(),
        "step": breach.step,
        "at_ms": breach.at_ms,
        "text": breach.text,
        "october": breach.october,
    })
}
