//! Random schedules hold; without a fence they break, and shrink to a few faults that break it again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dnsplan_sim::random::{Options, Played, play};
use dnsplan_sim::shrink::shrink;
use dnsplan_sim::{Invariant, Key, Library, Mix, Weak};

fn library() -> Arc<Library> {
    Arc::default()
}

fn options(seed: u64, mix: Mix, without: &[Weak]) -> Options {
    Options { seed, mix, without: without.iter().copied().collect(), keep: None }
}

/// What came up in the runs whose timelines are kept, by kind and by the words that tell faults of one kind apart.
fn assert_holds(seeds: std::ops::Range<u64>, mix: Mix) -> BTreeMap<String, u64> {
    let library = library();
    let mut said = BTreeMap::new();
    for seed in seeds {
        let played = play(&library, &options(seed, mix, &[]), seed % 8 == 0);
        assert!(played.outcome.holds(), "seed {seed}: {:?}", played.outcome.breaches);
        assert!(played.outcome.looks > 0);
        for entry in &played.outcome.entries {
            *said.entry(entry.kind.to_owned()).or_insert(0) += 1;
            for words in WORDS.iter().filter(|words| entry.text.contains(**words)) {
                *said.entry((*words).to_owned()).or_insert(0) += 1;
            }
        }
    }
    said
}

const KINDS: [&str; 21] = [
    "crashed",
    "lost",
    "delayed",
    "doubled",
    "stalled",
    "throttled",
    "partition",
    "rewound",
    "deleted-fence",
    "corrupted-fence",
    "damaged",
    "foreign",
    "clock-jump",
    "health",
    "unknown-health",
    "frozen",
    "pruned",
    "rolled-back",
    "refused",
    "reaped",
    "repaired",
];

/// Faults that share a kind, and who takes part.
const WORDS: [&str; 14] = [
    "gets lost on its way",
    "takes effect, and the reply gets lost",
    "is not sent: the sender crashes",
    "is sent, and the sender crashes",
    "the plan store is put back",
    "target-1 is put back",
    "target-2 is put back",
    "cannot reach the store",
    "cannot reach the target",
    "an hour forward",
    "an hour back",
    "puts generation",
    "flips to generation",
    "arrives, and once more",
];

/// The faults really happen, singly and together.
fn assert_came_up(said: &BTreeMap<String, u64>) {
    for what in KINDS.iter().chain(&WORDS) {
        assert!(said.contains_key(*what), "{what:?} never came up: {said:?}");
    }
}

#[test]
fn seeded_schedules_with_random_faults_hold() {
    let said = assert_holds(0..1_600, Mix::Normal);
    assert_came_up(&said);
    for what in ["target-ahead", "quarantined"] {
        assert!(said.contains_key(what), "{what:?} never came up: {said:?}");
    }
}

/// The store was put back while something was set aside, and a newer tree was staged over half a flip.
#[test]
fn the_seed_that_forgot_what_half_a_flip_had_set_aside_holds() {
    assert_holds(170_214..170_215, Mix::Normal);
}

#[test]
fn a_stronger_mix_still_ends_with_the_newest_plan() {
    let heavy = assert_holds(0..400, Mix::Heavy);
    assert_came_up(&heavy);
    let normal = assert_holds(0..400, Mix::Normal);
    for what in ["lost", "crashed", "rewound"] {
        assert!(heavy[what] > 2 * normal[what], "{what}: {} against {}", heavy[what], normal[what]);
    }
}

/// Up to so many seeds until something breaks.
fn first_broken(without: &[Weak], runs: u64) -> (Options, Played) {
    let library = library();
    let broken = (0..runs).find_map(|seed| {
        let options = options(seed, Mix::Normal, without);
        let played = play(&library, &options, false);
        (!played.outcome.holds()).then_some((options, played))
    });
    broken.unwrap_or_else(|| panic!("{runs} schedules hold without {without:?}"))
}

#[test]
fn each_weak_switch_is_found_within_a_thousand_schedules() {
    for weak in Weak::ALL {
        let (_, played) = first_broken(&[weak], 1_000);
        let broken: BTreeSet<Invariant> =
            played.outcome.breaches.iter().map(|breach| breach.invariant).collect();
        let own = match weak {
            Weak::ApplyFence => {
                [Invariant::NeverBackwards, Invariant::Whole, Invariant::NeverEmpty].as_slice()
            }
            Weak::CleanupFence => [Invariant::NeverEmpty, Invariant::LivePlanKept].as_slice(),
            Weak::Repair => [Invariant::EventuallyNewest].as_slice(),
        };
        assert!(own.iter().any(|invariant| broken.contains(invariant)), "{weak}: {broken:?}");
    }
}

#[test]
fn a_broken_schedule_shrinks_and_replays_byte_for_byte() {
    let library = library();
    let (options, played) = first_broken(&[Weak::ApplyFence], 1_000);
    let shrunk = shrink(&library, &options).expect("it breaks");
    let keep = shrunk.options.keep.clone().expect("shrunk to a set of keys");
    assert!(keep.len() * 2 < played.keys.len(), "{} of {} keys are left", keep.len(), played.keys.len());
    let broken = played.outcome.breaches[0].invariant;
    assert!(shrunk.played.outcome.breach(broken).is_some(), "it breaks the same");
    // None of them can be left out.
    for key in &keep {
        let rest: BTreeSet<Key> = keep.iter().copied().filter(|other| other != key).collect();
        let smaller = Options { keep: Some(rest), ..options.clone() };
        let outcome = play(&library, &smaller, false).outcome;
        assert!(outcome.breach(broken).is_none(), "{key} is not needed");
    }
    // What is printed leads back to the same run.
    let text: Vec<String> = keep.iter().map(ToString::to_string).collect();
    let parsed = text.iter().map(|key| key.parse()).collect::<Result<BTreeSet<Key>, _>>();
    let again = play(&library, &Options { keep: parsed.ok(), ..options }, true);
    assert_eq!(format!("{:?}", again.outcome), format!("{:?}", shrunk.played.outcome));
    assert!(
        shrink(&library, &Options { keep: Some(keep), without: BTreeSet::new(), ..shrunk.options }).is_none()
    );
}

#[test]
fn same_seed_same_run_and_another_seed_another_run() {
    let library = library();
    let run = |seed| format!("{:?}", play(&library, &options(seed, Mix::Heavy, &[]), true).outcome);
    let runs: BTreeSet<String> = (0..40).map(run).collect();
    assert_eq!(runs.len(), 40);
    assert!((0..40).all(|seed| runs.contains(&run(seed))));
}

#[test]
fn a_key_that_is_none_says_what_one_looks_like() {
    let error = "call:x:1".parse::<Key>().expect_err("no key");
    assert_eq!(
        error.to_string(),
        "\"call:x:1\" is no key of a schedule: use actor:N, plan:N, incident:N or call:ACTOR:N, as a shrunk run prints them"
    );
}
