//! Outcomes for the tests: the race of October as the simulator plays it, and the same race lost.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan::fence::Generation;
use dnsplan_sim::{Breach, Entry, Invariant, Outcome, Refusal, Sample, Weak};

/// One entry a line: step, milliseconds, actor, kind, generation, whether it is a detail, text, October.
const ENTRIES: &str = include_str!("fixture.txt");
/// When the late write arrives.
const LATE_MS: u64 = 1_159;

/// The race, fences on: the delayed enactor is refused, twice.
pub(super) fn october() -> Outcome {
    let entries: Vec<Entry> = ENTRIES.lines().map(entry).collect();
    let names = ["enactor-1", "enactor-2", "enactor-3", "planner", "network", "target", "client"];
    let endpoints = ["api", "api-fips", "account-1.api"];
    let refusals = vec![
        refusal(207, LATE_MS, "enactor-1", "flip part 1 of 3", [146, 145, 160]),
        refusal(208, 1_160, "enactor-3", "deletion of the tree of 150", [160, 160, 160]),
        refusal(215, 1_222, "enactor-1", "flip part 1 of 3", [146, 145, 160]),
        refusal(224, 1_267, "enactor-2", "deletion of the tree of 150", [160, 160, 160]),
    ];
    Outcome {
        title: "a delayed enactor, as on 20 October 2025".to_owned(),
        about: "Three enactors share one target. The first takes plan 146 and stalls with a permit for it in hand. \
                Meanwhile another puts newer plans in place and cleans up behind itself. Then the old write arrives."
            .to_owned(),
        seed: 7,
        without: BTreeSet::new(),
        zone: "us-test-1.example.".to_owned(),
        endpoints: endpoints.map(|name| format!("{name}.us-test-1.example.")).to_vec(),
        lanes: names.map(Arc::from).to_vec(),
        samples: samples(&entries),
        entries,
        refusals,
        breaches: Vec::new(),
        steps: 503,
        looks: 467,
        elapsed_ms: 2_476,
    }
}

/// The race without fences: the old plan comes over the new one, and clean-up deletes it.
pub(super) fn broken() -> Outcome {
    let mut outcome = october();
    outcome.without = BTreeSet::from([Weak::ApplyFence, Weak::CleanupFence]);
    outcome.refusals.clear();
    outcome.entries.retain(|entry| entry.at_ms < LATE_MS);
    outcome.samples.retain(|sample| sample.at_ms < LATE_MS);
    for line in [
        "207|1159|enactor-1|flipped|146||flips to generation 146, part 1 of 3|",
        "208|1166|client|broken|146||api is answered from generation 146 after 160|",
        "215|1297|enactor-2|reaped|146||cleans up: deletes the tree of generation 146|",
        "216|1304|client|broken|146||api has no answer|",
        "300|1480|target|stuck|160||no enactor makes progress any more|",
    ] {
        outcome.entries.push(entry(line));
    }
    let sample = |at_ms, live, api| {
        let (newest, live) = (Generation::new(160), Some(Generation::new(live)));
        let answers = vec![Option::map(api, Generation::new), Some(newest), Some(newest)];
        Sample { at_ms, live, head: newest, answers }
    };
    outcome.samples.extend([
        sample(LATE_MS, 146, Some(146)),
        sample(1_297, 146, None),
        sample(1_420, 160, Some(160)),
    ]);
    outcome.breaches = vec![
        breach(
            Invariant::NeverBackwards,
            208,
            1_166,
            "api was answered from generation 160, and is now answered from 146",
            "the old plan reached the regional endpoint and overwrote the newer one",
        ),
        breach(
            Invariant::NeverEmpty,
            216,
            1_304,
            "api.us-test-1.example. has no address in its answer",
            "the clean-up deleted the old plan that had just become live, and with it every address",
        ),
    ];
    (outcome.steps, outcome.looks, outcome.elapsed_ms) = (312, 280, 1_480);
    outcome
}

/// Nothing happened, and nothing was looked at.
pub(super) fn nothing() -> Outcome {
    Outcome {
        entries: Vec::new(),
        refusals: Vec::new(),
        samples: Vec::new(),
        lanes: Vec::new(),
        endpoints: Vec::new(),
        looks: 0,
        ..october()
    }
}

fn entry(line: &'static str) -> Entry {
    let [step, at_ms, actor, kind, generation, detail, text, october] =
        line.splitn(8, '|').collect::<Vec<_>>()[..]
    else {
        panic!("eight fields in {line:?}");
    };
    let number = |text: &str| text.parse::<u64>().expect("a number");
    Entry {
        step: number(step),
        at_ms: number(at_ms),
        actor: actor.into(),
        kind,
        generation: (!generation.is_empty()).then(|| Generation::new(number(generation))),
        text: text.to_owned(),
        october: (!october.is_empty()).then(|| october.to_owned()),
        is_detail: detail == "detail",
    }
}

/// `of`: the generations offered, expected and live.
fn refusal(step: u64, at_ms: u64, actor: &str, action: &str, of: [u64; 3]) -> Refusal {
    let [offered, expected, live] = of.map(Generation::new);
    let why = if expected == live {
        format!("the record of generation {live} has been rewritten since it was read")
    } else {
        format!("made for a record at {expected}; {live} is live, put in place by enactor-2")
    };
    let (actor, live_by) = (actor.into(), "enactor-2".into());
    let action = action.to_owned();
    Refusal { step, at_ms, actor, action, offered, expected, live, live_by, why, was_sent: true }
}

fn breach(invariant: Invariant, step: u64, at_ms: u64, text: &str, october: &'static str) -> Breach {
    Breach { invariant, step, at_ms, text: text.to_owned(), october: Some(october) }
}

/// What clients see of these entries: the n-th flip of a plan moves the n-th endpoint.
fn samples(entries: &[Entry]) -> Vec<Sample> {
    let mut now = Sample { at_ms: 0, live: None, head: Generation::ZERO, answers: vec![None; 3] };
    let mut samples = Vec::new();
    for entry in entries {
        match (entry.kind, entry.generation) {
            ("published", Some(generation)) => now.head = generation,
            ("flipped", Some(generation)) => {
                let part = (0..3).find(|part| entry.text.contains(&format!("part {} of 3", part + 1)));
                now.answers[part.expect("a part")] = Some(generation);
                now.live = Some(generation);
            }
            _ => continue,
        }
        now.at_ms = entry.at_ms;
        samples.push(now.clone());
    }
    samples
}
