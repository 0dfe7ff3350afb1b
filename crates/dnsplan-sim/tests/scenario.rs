//! The October race holds for every seed, breaks in its own way for every switch, and scenarios that are none say why.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use dnsplan_sim::scenario::{Scenario, play};
use dnsplan_sim::{Invariant, Outcome, Weak};

const SEEDS: u64 = 60;

fn delayed(seed: u64, without: &[Weak]) -> Outcome {
    // Its specs are parsed once for all tests.
    static SCENARIO: LazyLock<Scenario> = LazyLock::new(Scenario::delayed_enactor);
    play(&SCENARIO, seed, &without.iter().copied().collect())
}

fn broken(outcome: &Outcome) -> Vec<Invariant> {
    outcome.breaches.iter().map(|breach| breach.invariant).collect()
}

#[test]
fn every_seed_of_the_october_race_holds_and_is_the_race() {
    let mut timelines = BTreeSet::new();
    for seed in 0..SEEDS {
        let outcome = delayed(seed, &[]);
        assert!(outcome.holds(), "seed {seed}: {:?}", outcome.breaches);
        // Both of the slow enactor's writes of the old plan arrived, and both were refused.
        let old: Vec<_> = outcome
            .refusals
            .iter()
            .filter(|refusal| {
                &*refusal.actor == "enactor-1" && refusal.offered.get() == 146 && refusal.is_stale()
            })
            .collect();
        assert_eq!(old.len(), 2, "seed {seed}: {old:?}");
        assert!(old.iter().all(|refusal| refusal.live.get() == 170));
        // The clean-up wanted what was live at the endpoint that lagged, and was refused.
        let kept =
            |refusal: &&dnsplan_sim::Refusal| &*refusal.actor == "clean-up" && refusal.offered.get() == 170;
        assert!(outcome.refusals.iter().any(|refusal| kept(&refusal)), "seed {seed}");
        timelines.insert(format!("{:?}", outcome.entries));
    }
    assert_eq!(timelines.len() as u64, SEEDS, "each seed is another interleaving");
}

#[test]
fn without_the_apply_fence_dns_goes_backwards_and_nothing_else_is_lost() {
    for seed in 0..SEEDS {
        let broken = broken(&delayed(seed, &[Weak::ApplyFence]));
        assert!(broken.contains(&Invariant::NeverBackwards), "seed {seed}: {broken:?}");
        for other in [Invariant::NeverEmpty, Invariant::EventuallyNewest] {
            assert!(!broken.contains(&other), "seed {seed}: {broken:?}");
        }
    }
}

#[test]
fn without_the_cleanup_fence_the_live_endpoint_goes_empty_and_dns_does_not_go_backwards() {
    for seed in 0..SEEDS {
        let broken = broken(&delayed(seed, &[Weak::CleanupFence]));
        for own in [Invariant::NeverEmpty, Invariant::LivePlanKept] {
            assert!(broken.contains(&own), "seed {seed}: {broken:?}");
        }
        assert!(!broken.contains(&Invariant::NeverBackwards), "seed {seed}: {broken:?}");
    }
}

#[test]
fn without_repair_the_system_cannot_heal_and_nothing_else_breaks() {
    for seed in 0..SEEDS {
        let broken = broken(&delayed(seed, &[Weak::Repair]));
        assert_eq!(broken, [Invariant::EventuallyNewest], "seed {seed}");
    }
}

#[test]
fn with_all_fences_off_october_happens_beat_by_beat() {
    for seed in 0..SEEDS {
        let outcome = delayed(seed, &Weak::ALL);
        let at = |invariant| {
            let breach = outcome.breach(invariant);
            let breach =
                breach.unwrap_or_else(|| panic!("seed {seed}: {invariant} holds: {:?}", broken(&outcome)));
            assert!(breach.october.is_some_and(|fact| !fact.is_empty()), "{invariant} mirrors October");
            breach.step
        };
        let beats = [
            at(Invariant::NeverBackwards),
            at(Invariant::NeverEmpty),
            at(Invariant::LivePlanKept),
            at(Invariant::EventuallyNewest),
        ];
        assert!(beats.is_sorted(), "seed {seed}: {beats:?}");
        let last = outcome.samples.last().expect("there are samples");
        assert_eq!(last.answers[0], None, "seed {seed}: the endpoint stays empty");
    }
}

#[test]
fn same_seed_same_run() {
    for without in [&[][..], &Weak::ALL] {
        let run = || format!("{:?}", delayed(7, without));
        assert_eq!(run(), run());
    }
}

fn error(text: &str) -> String {
    Scenario::parse(text).err().expect("no scenario").to_string()
}

#[test]
fn what_is_no_scenario_says_where_and_why() {
    let unknown = error("title = \"x\"\n\n[[step]]\ndo = \"settle\"\n\n[[step]]\ndo = \"explode\"\n");
    assert!(unknown.starts_with("line 6: unknown variant `explode`, expected one of `publish`"), "{unknown}");
    let field = error("title = \"x\"\n[[step]]\ndo = \"release\"\nactor = \"enactor-1\"\nwhen = 1\n");
    assert!(field.starts_with("line 2: unknown field `when`"), "{field}");
    let duration = error("title = \"x\"\n[[step]]\ndo = \"pass\"\ntime = \"soon\"\n");
    assert_eq!(duration, "line 2: \"soon\" is no duration: write \"40ms\", \"2s\" or \"5min\"");
    let actor = error("title = \"x\"\n[[step]]\ndo = \"stop\"\nactor = \"enactor-9\"\n");
    assert_eq!(
        actor,
        "line 2: there is no \"enactor-9\": it is one of enactor-1, enactor-2, enactor-3, planner-1"
    );
    let target = error("title = \"x\"\n[[step]]\ndo = \"backup\"\nend = \"target\"\ntarget = 2\n");
    assert_eq!(target, "line 2: there is no target 2: targets are numbered from 1 to 1");
    let world = error("title = \"x\"\n[world]\nenactors = 0\n");
    assert_eq!(world, "line 2: enactors, planners, targets and batch must be at least 1");
    for (step, what) in [
        ("do = \"publish\"\ncount = 0", "count must be from 1 to 100000"),
        (
            "do = \"hold\"\nactor = \"enactor-1\"\ncall = \"flipp\"",
            "there is no call \"flipp\": it is one of load, create, stage",
        ),
        (
            "do = \"wait\"\nkind = \"confrimed\"",
            "nothing of kind \"confrimed\" is ever said: it is one of answered",
        ),
        ("do = \"restore\"\nend = \"store\"", "there is no backup to put back"),
        ("do = \"hold\"\nactor = \"enactor-1\"\ncall = \"flip\"\npart = 0", "parts are numbered from 1"),
        ("do = \"damage\"\nowner = \"no..such\"", "\"no..such\" is no owner name"),
        (
            "do = \"health\"\npool = \"bleu\"",
            "health was reported for pool bleu, which the spec does not have",
        ),
        (
            "do = \"health\"\npool = \"blue\"\ndown = [\"b2\", \"b5\"]",
            "health was reported for b5, which pool blue does not have",
        ),
        (
            "do = \"health\"\npool = \"bleu\"\nunknown = true",
            "health was reported for pool bleu, which the spec does not have",
        ),
        ("do = \"health\"\npool = \"blue\"\ndown = [\"b2\"]\nunknown = true", "what cannot be asked says of"),
        ("do = \"health\"\npool = \"\\u001b[2J\"", "the control character '\\u{1b}' is not shown"),
        ("do = \"pass\"\ntime = \"9999999999999999s\"", "\"9999999999999999s\" is too long"),
        (
            "do = \"say\"\nactor = \"x\"\ntext = \"\\u001b[2J\"",
            "the control character '\\u{1b}' is not shown",
        ),
    ] {
        let said = error(&format!("title = \"x\"\n[[step]]\n{step}\n"));
        assert!(said.starts_with(&format!("line 2: {what}")), "{said}");
    }
    let crowd = error("title = \"x\"\n[world]\nenactors = 4000000000\n");
    assert_eq!(crowd, "line 2: there can be at most 64 enactors, planners and targets each");
    let key = error("title = \"x\"\nlayout = \"tree\"\n");
    assert!(key.starts_with("line 2: unknown field `layout`"), "{key}");
    let spec = error("title = \"x\"\n[world]\nspec = \"nonsense = 1\"\n");
    assert!(spec.starts_with("line 2: the scenario's spec is not valid:\nspec:1:1: error:"), "{spec}");
    let later = error(
        "title = \"x\"\n[world]\nhistory = 300\nspec = \"\"\"\n[zone.\"x.\"]\nns = [\"ns.y.\"]\n\
        [pool.p]\nmembers = [{ id = \"a\", ipv4 = \"10.0.0.{n}\" }]\n\
        [[endpoint]]\nname = \"e\"\npools = { p = 1 }\n\"\"\"\n",
    );
    assert!(later.starts_with("line 2: the scenario's spec is not valid:\nspec of number 256:"), "{later}");
}

#[test]
fn a_wait_that_is_in_vain_is_a_verdict() {
    let text = "title = \"x\"\n[[step]]\ndo = \"wait\"\nkind = \"rewound\"\nwithin = \"1s\"\n";
    let outcome = play(&Scenario::parse(text).expect("valid"), 1, &BTreeSet::new());
    assert_eq!(broken(&outcome), [Invariant::CameToItsEnd], "nothing is wrong with the engine");
    let breach = outcome.breach(Invariant::CameToItsEnd).expect("nothing is ever rewound");
    assert_eq!(breach.october, None);
    assert_eq!(breach.text, "waited 1.000 s for \"rewound\" of anybody in vain");
}

#[test]
fn who_is_stopped_before_it_has_begun_does_not_begin() {
    let text = "title = \"x\"\n[world]\nenactors = 2\n[[step]]\ndo = \"stop\"\nactor = \"enactor-1\"\n\
        [[step]]\ndo = \"stop\"\nactor = \"enactor-2\"\n[[step]]\ndo = \"pass\"\ntime = \"5s\"\n\
        [[step]]\ndo = \"say\"\nactor = \"story\"\ntext = \"now\"\n\
        [[step]]\ndo = \"start\"\nactor = \"enactor-2\"\n[[step]]\ndo = \"settle\"\n";
    let outcome = play(&Scenario::parse(text).expect("valid"), 1, &BTreeSet::new());
    assert!(outcome.holds(), "{:?}", outcome.breaches);
    let now = outcome.entries.iter().position(|entry| entry.text == "now").expect("it was said");
    let wrote = |entry: &dnsplan_sim::Entry| entry.actor.starts_with("enactor") && entry.kind != "down";
    assert!(!outcome.entries[..now].iter().any(wrote), "nobody is there");
    assert!(outcome.entries[now..].iter().all(|entry| &*entry.actor != "enactor-1"));
}
