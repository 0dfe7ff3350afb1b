//! What came out, for programs. Fields are added, never renamed or removed, within a version.

use dnsplan::fence::Generation;
use dnsplan_sim::Entry;
use dnsplan_sim::failover::{Breach, Handover, Invariant, Outcome, Refusal};
use serde_json::{Map, Value, json};

use super::super::json::told;
use super::super::many::Runs;
use super::{Failed, Game, Told};

/// One run: `dnsplan.simulate-failover/1`.
pub(super) fn once(told: &Told, failed: Option<&Failed>) -> Value {
    let mut value = run(&told.outcome);
    value["aborted_with_drain"] = told.with_drain.into();
    value["cut_down"] = failed.map_or(Value::Null, failure);
    value
}

/// Many runs: `dnsplan.simulate-failover-runs/1`. Times that pass outside are here and nowhere else.
pub(super) fn many(game: &Game, runs: &Runs<Invariant>, failed: Option<&Failed>) -> Value {
    let tally = &runs.tally;
    let broken: Map<String, Value> =
        tally.broken.iter().map(|(invariant, runs)| (invariant.key().to_owned(), (*runs).into())).collect();
    json!({
        "schema": "dnsplan.simulate-failover-runs/1",
        "faults": game.faults.name(),
        "without": game.without.iter().map(|weak| weak.key()).collect::<Vec<_>>(),
        "seed": runs.first,
        "asked": runs.asked,
        "runs": tally.runs,
        "steps": tally.steps,
        "looks": tally.looks,
        "aborted": tally.refused,
        "virtual_ms": tally.virtual_ms,
        "threads": runs.threads,
        "wall_ms": u64::try_from(runs.wall.as_millis()).unwrap_or(u64::MAX),
        "schedules_per_second": runs.per_second(),
        "simulated_to_real": runs.speed(),
        "broken": broken,
        "holds": runs.failed.is_none(),
        "failed": failed.map(failure),
    })
}

fn failure(failed: &Failed) -> Value {
    told(failed, failed.outcome.seed, run(&failed.outcome))
}

fn run(outcome: &Outcome) -> Value {
    let is_kept = |invariant| outcome.looks > 0 && outcome.breach(invariant).is_none();
    let invariants: Map<String, Value> = Invariant::ALL
        .into_iter()
        .map(|invariant| (invariant.key().to_owned(), is_kept(invariant).into()))
        .collect();
    json!({
        "schema": "dnsplan.simulate-failover/1",
        "title": outcome.title,
        "seed": outcome.seed,
        "without": outcome.without.iter().map(|weak| weak.key()).collect::<Vec<_>>(),
        "lanes": outcome.lanes.iter().map(|lane| &**lane).collect::<Vec<_>>(),
        "steps": outcome.steps,
        "looks": outcome.looks,
        "elapsed_ms": outcome.elapsed_ms,
        "events": outcome.entries.iter().map(event).collect::<Vec<_>>(),
        "handoffs": outcome.handovers.iter().map(handover).collect::<Vec<_>>(),
        "refused": outcome.refusals.iter().map(refusal).collect::<Vec<_>>(),
        "acknowledged": outcome.writes.acknowledged,
        "accepted": outcome.writes.accepted,
        "aborted": outcome.writes.aborted,
        "alarms": outcome.alarms,
        "invariants": invariants,
        "broken": outcome.breaches.iter().map(breach).collect::<Vec<_>>(),
        "holds": outcome.holds(),
    })
}

fn event(entry: &Entry) -> Value {
    json!({
        "step": entry.step,
        "at_ms": entry.at_ms,
        "actor": &*entry.actor,
        "kind": entry.kind,
        "epoch": entry.generation.map(Generation::get),
        "text": entry.text,
        "mirrors": entry.october,
        "detail": entry.is_detail,
    })
}

fn handover(one: &Handover) -> Value {
    let ended = one.ended.as_ref();
    json!({
        "ends": one.ends,
        "from": one.from,
        "successor": one.successor,
        "began_ms": one.began_ms,
        "epoch": ended.map(|(epoch, ..)| epoch),
        "holder": ended.map(|(_, holder, _)| holder),
        "outcome": ended.map(|(.., outcome)| outcome.to_string()),
        "pause_ms": one.pause_ms,
        "aborted": one.aborted,
    })
}

fn refusal(one: &Refusal) -> Value {
    json!({
        "at_ms": one.at_ms,
        "until_ms": one.until_ms,
        "actor": &*one.actor,
        "epoch": one.epoch,
        "writes": one.writes,
        "why": one.why,
    })
}

fn breach(breach: &Breach) -> Value {
    json!({
        "invariant": breach.invariant.key(),
        "step": breach.step,
        "at_ms": breach.at_ms,
        "text": breach.text,
        "mirrors": breach.fact,
    })
}
