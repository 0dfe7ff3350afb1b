//! The scenario holds for every seed, and the checker sees it where there is no fence.

use std::collections::BTreeSet;

use dnsplan_enactor::conformance::MemoryTarget;

use super::invariants::Invariant;
use super::{Options, Report, run, scenario};

const SEEDS: u64 = 200;
const UNFENCED_SEEDS: u64 = 60;

fn unfenced(seed: u64) -> Report {
    scenario::play(seed, MemoryTarget::unfenced)
}

/// Whether an actor has an entry of that kind.
fn has(report: &Report, actor: &str, kind: &str) -> bool {
    report.entries.iter().any(|entry| entry.actor == actor && entry.kind == kind)
}

#[test]
fn same_seed_same_bytes() {
    let both = || {
        let report = run(&Options { seed: 42 });
        (report.render_text(true), report.render_text(false), report.to_json().to_string())
    };
    assert_eq!(both(), both());
}

#[test]
fn every_seed_holds_and_is_the_race() {
    let mut timelines = BTreeSet::new();
    let (mut late_first, mut woken_first) = (0, 0);
    for seed in 0..SEEDS {
        let report = run(&Options { seed });
        assert!(report.holds(), "{}", report.render_text(false));
        // The race took place: both of the slow enactor's writes of the old plan arrived, and both were refused.
        let old =
            |refusal: &&super::log::Refusal| refusal.actor == "enactor-1" && refusal.offered.get() == 146;
        let refused: Vec<_> = report.refusals.iter().filter(old).collect();
        assert_eq!(refused.len(), 2, "seed {seed}");
        assert!(refused.iter().all(|refusal| refusal.live.get() > 157 && refusal.live_by == "enactor-2"));
        assert!(has(&report, "enactor-1", "refused") && has(&report, "enactor-1", "rested"), "seed {seed}");
        assert!(has(&report, "enactor-3", "rested"), "seed {seed}");
        let at = |kind| report.entries.iter().position(|entry| entry.kind == kind);
        if at("arrived") < at("woke") {
            late_first += 1
        } else {
            woken_first += 1
        }
        let json = report.to_json();
        timelines.insert(json["events"].to_string());
    }
    assert_eq!(timelines.len() as u64, SEEDS, "each seed is another interleaving");
    assert!(late_first > 20 && woken_first > 20, "both orders: {late_first}, {woken_first}");
}

#[test]
fn without_a_fence_it_breaks_and_the_checker_says_where() {
    let mut broken = BTreeSet::new();
    for seed in 0..UNFENCED_SEEDS {
        let report = unfenced(seed);
        assert!(!report.holds(), "seed {seed}: the old plan came over the new one, and nobody noticed");
        let json = report.to_json();
        assert_eq!((&json["holds"], &json["invariants"]["never_backwards"]), (&false.into(), &false.into()));
        let text = report.render_text(false);
        for (invariant, breach) in &report.checker.breaches {
            broken.insert(*invariant);
            let named = format!("BROKEN {} at step {}, ", invariant.name(), breach.step);
            assert!(text.contains(&named) && text.contains(&breach.text), "{named:?} is not in:\n{text}");
        }
        assert!(!text.contains("never empty, never backwards:"), "no good verdict on a broken run");
    }
    // Both failures of October: DNS went backwards, and the endpoint went empty.
    for invariant in [Invariant::NeverEmpty, Invariant::NeverBackwards, Invariant::LivePlanKept] {
        assert!(broken.contains(&invariant), "{invariant:?} never broke: {broken:?}");
    }
}

#[test]
fn text_ends_with_the_verdict_and_the_seed() {
    let report = run(&Options { seed: 42 });
    let text = report.render_text(false);
    let tail: Vec<&str> = text.lines().rev().take(2).collect();
    assert_eq!(tail[0], "seed 42; the same seed prints the same bytes");
    assert!(tail[1].starts_with("never empty, never backwards: "), "{}", tail[1]);
    assert!(!text.contains('\u{1b}'), "no colour where none is wanted");
    assert!(report.render_text(true).contains('\u{1b}'));
}

#[test]
fn json_has_a_stable_schema() {
    let report = run(&Options { seed: 7 });
    let json = report.to_json();
    assert_eq!(json["schema"], "dnsplan.simulate/1");
    assert_eq!((&json["seed"], &json["holds"]), (&7.into(), &true.into()));
    for invariant in Invariant::ALL {
        assert_eq!(json["invariants"][invariant.key()], true);
    }
    let keys = |value: &serde_json::Value| -> BTreeSet<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    let of = |names: &[&str]| -> BTreeSet<String> { names.iter().map(ToString::to_string).collect() };
    let event = ["at_ms", "actor", "kind", "generation", "text", "october"];
    assert_eq!(keys(&json["events"][0]), of(&event));
    let refused = ["at_ms", "actor", "action", "offered", "expected", "live", "live_by", "text"];
    assert_eq!(keys(&json["refused"][0]), of(&refused));
}
