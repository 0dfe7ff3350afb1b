//! The guards: each refuses, each but never-empty can be lifted alone, and an override ends.

use crate::common::{NOW, first, guards, name, planned, pool, records, refused, spec, try_plan};
use dnsplan_plan::{RRsetKey, RecordType};
use dnsplan_planner::{Health, PlanError, Removal, RemovalLimits, removals};

const ENDPOINT: &str = "[[endpoint]]\nname = \"api\"\npools = { blue = 1 }\n";

fn text(count: u16) -> String {
    (0..count).map(|n| format!("[[record]]\nname = \"r{n}\"\ntype = \"TXT\"\ndata = \"{n}\"\n")).collect()
}

fn lifted(guard: &str, expires: &str) -> String {
    format!("[[override]]\nguard = \"{guard}\"\nreason = \"ticket 1\"\nexpires = \"{expires}\"\n")
}

/// The remedy's TOML, added to the spec.
fn with_remedy(spec: &str, remedy: &str) -> String {
    let at = remedy.find("[[").expect("the remedy has TOML");
    format!("{spec}\n{}\n", &remedy[at..])
}

#[test]
fn g2_an_endpoint_that_vanishes_from_the_spec_is_kept_until_it_is_retired_by_name() {
    let with = spec(&format!("{}{ENDPOINT}families = [\"ipv4\", \"ipv6\"]", pool("blue", 2, &[true, true])));
    let without = spec("");
    let before = first(&with);
    let refusals = refused(&without, Some(&before));
    assert_eq!(guards(&refusals), ["never-empty"]);
    assert!(refusals[0].what.contains("api.example. (A, AAAA)"), "{refusals:?}");
    assert!(PlanError::Guarded(refusals.clone()).to_string().contains("never-empty: the protected endpoint"));
    // What it proposes is what works.
    let (after, notes) =
        planned(&with_remedy(&without, &refusals[0].remedy), &Health::from_spec(), Some(&before));
    assert_eq!(records(after.zone(), "api.example.", RecordType::A), [""; 0]);
    assert!(after.zone().is_retired(&RRsetKey::new(name("api.example."), RecordType::A)));
    assert_eq!(
        notes,
        ["api.example. A is retired: why it goes", "api.example. AAAA is retired: why it goes"]
    );
    assert!(after.provenance().reason.contains("api.example. A is retired: why it goes"));
    // The lines may stay or go, and the endpoint may come back.
    let (again, notes) =
        planned(&with_remedy(&without, &refusals[0].remedy), &Health::from_spec(), Some(&after));
    assert_eq!((again.zone(), notes.len()), (after.zone(), 0));
    assert_eq!(planned(&without, &Health::from_spec(), Some(&after)).0.zone(), after.zone());
    assert_eq!(planned(&with, &Health::from_spec(), Some(&after)).0.zone(), before.zone());
}

#[test]
fn g2_no_way_of_emptying_an_endpoint_in_the_spec_passes() {
    let with = spec(&format!("{}{ENDPOINT}", pool("blue", 2, &[true, true])));
    let before = first(&with);
    let emptied = [
        ("no members", spec(&format!("[pool.blue]\nmembers = []\n{ENDPOINT}"))),
        ("members drained", with.replace("id =", "weight = 0, id =")),
        ("pool drained", with.replace("blue = 1 }", "blue = 0 }")),
        ("no longer protected", format!("{with}protected = false\n")),
        ("another type", spec("[[record]]\nname = \"api\"\ntype = \"TXT\"\ndata = \"x\"\n")),
        (
            "a CNAME instead",
            spec("[[record]]\nname = \"api\"\ntype = \"CNAME\"\ndata = \"www.example.net.\"\n"),
        ),
    ];
    for (how, text) in emptied {
        assert_eq!(guards(&refused(&text, Some(&before))), ["never-empty"], "{how}");
        // No override lifts it, and nothing else on the list does.
        for guard in ["at-least-n", "max-removal", "root-ns", "ttl-bounds"] {
            let text = format!("{text}\n{}", lifted(guard, "2026-12-01T00:00:00Z"));
            assert_eq!(guards(&refused(&text, Some(&before))), ["never-empty"], "{how}, {guard} lifted");
        }
    }
    // An endpoint that never had an address is refused too, protected or not.
    let never = spec(&format!("[pool.blue]\nmembers = []\n{ENDPOINT}protected = false\n"));
    assert_eq!(guards(&refused(&never, None)), ["never-empty"]);
}

#[test]
fn retiring_what_is_not_protected_is_noted() {
    let (_, notes) = planned(
        &spec("[[retire]]\nname = \"ap\"\nreason = \"r\"\n"),
        &Health::from_spec(),
        Some(&first(&spec(""))),
    );
    assert_eq!(notes, ["ap.example.: nothing of that name is protected, so there is nothing to retire"]);
}

#[test]
fn a_protection_can_be_retired_while_the_records_stay() {
    let with = spec(&format!("{}{ENDPOINT}", pool("blue", 2, &[true, true])));
    let lifted =
        format!("{with}protected = false\n[[retire]]\nname = \"api\"\ntypes = [\"A\"]\nreason = \"r\"\n");
    let (after, _) = planned(&lifted, &Health::from_spec(), Some(&first(&with)));
    assert_eq!(records(after.zone(), "api.example.", RecordType::A).len(), 2);
    assert_eq!(after.zone().protected().count(), 0);
}

#[test]
fn at_least_n_refuses_and_can_be_lifted_down_to_one() {
    let with = spec(&format!("{}{ENDPOINT}at_least = 2\n", pool("blue", 2, &[true, true])));
    let before = first(&with);
    let fewer = spec(&format!("{}{ENDPOINT}at_least = 2\n", pool("blue", 2, &[true])));
    let refusals = refused(&fewer, Some(&before));
    assert_eq!(guards(&refusals), ["at-least-n"]);
    let (after, _) = planned(&with_remedy(&fewer, &refusals[0].remedy), &Health::from_spec(), Some(&before));
    assert_eq!(after.provenance().overrides[0].guard, "at-least-n");
    assert_eq!(records(after.zone(), "api.example.", RecordType::A).len(), 1);
}

#[test]
fn root_ns_refuses_and_can_be_lifted() {
    let before = first(&spec(""));
    let moved = spec("").replace("ns1.example.net.", "ns9.example.net.");
    let refusals = refused(&moved, Some(&before));
    assert_eq!(guards(&refusals), ["root-ns"]);
    let (after, _) = planned(&with_remedy(&moved, &refusals[0].remedy), &Health::from_spec(), Some(&before));
    assert_eq!(records(after.zone(), "example.", RecordType::NS), ["ns9.example.net."]);
}

#[test]
fn ttl_bounds_refuse_and_can_be_lifted() {
    let text = |ttl: u32| {
        spec(&format!("[[record]]\nname = \"a\"\ntype = \"A\"\nttl = {ttl}\ndata = \"192.0.2.1\"\n"))
    };
    for ttl in [0, 604_801] {
        let refusals = refused(&text(ttl), None);
        assert_eq!(guards(&refusals), ["ttl-bounds"]);
        assert!(refusals[0].what.contains(&format!("a.example. A has TTL {ttl}")), "{refusals:?}");
        planned(&with_remedy(&text(ttl), &refusals[0].remedy), &Health::from_spec(), None);
        let own = format!("{}[guards]\nttl_bounds = {{ min = 0, max = \"4w\" }}\n", text(ttl));
        planned(&own, &Health::from_spec(), None);
    }
    let minimum = "[zone.\"example.\"]\nns = [\"ns1\"]\nsoa = { minimum = 0 }\n";
    assert!(refused(minimum, None)[0].what.contains("SOA has minimum 0"));
    let record = |n: u8| format!("[[record]]\nname = \"m{n}\"\ntype = \"TXT\"\ndata = \"x\"\nttl = 0\n");
    let refusals = refused(&spec(&(0..8).map(record).collect::<String>()), None);
    assert!(refusals[0].what.ends_with("and 3 more"), "{refusals:?}");
    let refusals = refused(&spec(&(0..5).map(record).collect::<String>()), None);
    assert_eq!(refusals[0].what.matches(" has TTL 0, bounds are 1 to 604800").count(), 5, "{refusals:?}");
    assert!(!refusals[0].what.contains("more"), "five are all of them: {refusals:?}");
}

#[test]
fn max_removal_in_a_zone_of_three() {
    let before = first(&spec(&text(3)));
    for kept in [1, 2] {
        planned(&spec(&text(kept)), &Health::from_spec(), Some(&before));
    }
    let refusals = refused(&spec(""), Some(&before));
    assert_eq!(guards(&refusals), ["max-removal"]);
    assert_eq!(refusals[0].what, "3 of 3 RRsets would go at once, 2 may");
    let (after, _) =
        planned(&with_remedy(&spec(""), &refusals[0].remedy), &Health::from_spec(), Some(&before));
    assert_eq!(after.zone().rrset_count(), 2);
    // One of one may go.
    planned(&spec(""), &Health::from_spec(), Some(&first(&spec(&text(1)))));
}

#[test]
fn max_removal_in_a_zone_of_a_thousand() {
    let before = first(&spec(&text(1_000)));
    planned(&spec(&text(700)), &Health::from_spec(), Some(&before));
    let refusals = refused(&spec(&text(699)), Some(&before));
    assert_eq!(refusals[0].what, "301 of 1000 RRsets would go at once, 300 may");
    let own = format!("{}[guards]\nmax_removal = {{ share = 0, count = 9 }}\n", spec(&text(990)));
    assert_eq!(guards(&refused(&own, Some(&before))), ["max-removal"]);
    planned(&own.replace("count = 9", "count = 10"), &Health::from_spec(), Some(&before));
}

#[test]
fn max_removal_counts_the_addresses_of_endpoints() {
    let of = |count: usize| spec(&format!("{}{ENDPOINT}", pool("blue", 2, &vec![true; count])));
    let before = first(&of(10));
    planned(&of(5), &Health::from_spec(), Some(&before));
    let refusals = refused(&of(4), Some(&before));
    assert_eq!(refusals[0].what, "6 of 10 records of api.example. A would go at once, 5 may");
    // All of them replaced at once is all of them gone.
    let moved = spec(&format!("{}{ENDPOINT}", pool("blue", 3, &[true; 10])));
    assert_eq!(guards(&refused(&moved, Some(&before))), ["max-removal"]);
    // The unhealthy are bounded by their pool's failing open, so that this guard never keeps the dead in the answers.
    let sick: Vec<bool> = (0..20).map(|n| n < 10).collect();
    let sick = spec(&format!("{}{ENDPOINT}", pool("blue", 2, &sick)));
    let (after, notes) = planned(&sick, &Health::from_spec(), Some(&first(&of(20))));
    assert_eq!((records(after.zone(), "api.example.", RecordType::A).len(), notes.len()), (10, 0));
}

#[test]
fn candidates_count_as_records_to_every_guard() {
    let of = |count: usize| {
        let endpoint = format!("{ENDPOINT}policy = \"multivalue\"\nat_least = 3\n");
        spec(&format!("{}{endpoint}", pool("blue", 2, &vec![true; count])))
    };
    let before = first(&of(10));
    planned(&of(5), &Health::from_spec(), Some(&before));
    let refusals = refused(&of(4), Some(&before));
    assert_eq!(guards(&refusals), ["max-removal"]);
    assert_eq!(refusals[0].what, "6 of 10 records of api.example. A would go at once, 5 may");
    assert_eq!(guards(&refused(&of(2), Some(&first(&of(3))))), ["at-least-n"]);
    // Another policy with the same addresses takes nothing away.
    for policy in ["weighted", "all"] {
        planned(&of(10).replace("multivalue", policy), &Health::from_spec(), Some(&before));
    }
    let drained = of(3).replace("id =", "weight = 0, id =");
    assert_eq!(guards(&refused(&drained, Some(&first(&of(3))))), ["never-empty"]);
}

#[test]
fn what_is_retired_by_name_is_no_removal() {
    let endpoint = |n: u8| format!("[[endpoint]]\nname = \"e{n}\"\npools = {{ blue = 1 }}\n");
    let blue = pool("blue", 2, &[true]);
    let all: String = (0..4).map(endpoint).collect();
    let before = first(&spec(&format!("{blue}{all}")));
    let retired: String = (0..4).map(|n| format!("[[retire]]\nname = \"e{n}\"\nreason = \"r\"\n")).collect();
    let (after, _) = planned(&spec(&format!("{blue}{retired}")), &Health::from_spec(), Some(&before));
    assert_eq!(after.zone().rrset_count(), 2);
}

#[test]
fn an_override_counts_until_it_expires_and_for_its_guard_and_zone_alone() {
    let before = first(&spec(&text(3)));
    let with = |guard: &str, expires: &str| format!("{}{}", spec(""), lifted(guard, expires));
    let (after, notes) =
        planned(&with("max-removal", "2026-11-20T00:00:00.001Z"), &Health::from_spec(), Some(&before));
    assert_eq!(notes, [""; 0]);
    let recorded = &after.provenance().overrides;
    assert_eq!(
        (recorded.len(), recorded[0].reason.as_str(), recorded[0].expires.as_millis()),
        (1, "ticket 1", NOW + 1)
    );
    for expired in ["2026-11-20T00:00:00Z", "2026-11-20T00:59:59+01:00"] {
        let refusals = refused(&with("max-removal", expired), Some(&before));
        assert_eq!(guards(&refusals), ["max-removal"]);
        assert!(refusals[0].remedy.contains("in the spec expired at 2026-11-"), "{refusals:?}");
        assert!(refusals[0].remedy.ends_with("expires = \"2026-11-20T01:00:00Z\""), "{refusals:?}");
    }
    let (unneeded, notes) = planned(
        &format!("{}{}", spec(&text(3)), lifted("root-ns", "2020-01-01T00:00:00Z")),
        &Health::from_spec(),
        Some(&before),
    );
    assert_eq!(
        notes,
        [
            "the override of root-ns expired at 2020-01-01T00:00:00Z and counts no more: remove it from the spec"
        ]
    );
    assert!(unneeded.provenance().overrides.is_empty());
    assert_eq!(guards(&refused(&with("ttl-bounds", "2027-01-01T00:00:00Z"), Some(&before))), ["max-removal"]);
    let elsewhere = format!(
        "[zone.\"other.example.\"]\nns = [\"ns1\"]\n{}zone = \"other.example.\"\n",
        with("max-removal", "2027-01-01T00:00:00Z")
    );
    assert_eq!(guards(&refused(&elsewhere, Some(&before))), ["max-removal"]);
}

#[test]
fn the_remedy_speaks_of_an_expired_override_of_this_guard_only() {
    let before = first(&spec(&text(3)));
    let of_another = format!("{}{}", spec(""), lifted("root-ns", "2026-11-19T00:00:00Z"));
    let refusals = refused(&of_another, Some(&before));
    assert_eq!(guards(&refusals), ["max-removal"]);
    assert!(!refusals[0].remedy.contains("expired"), "{refusals:?}");
    // So what is proposed is an override of its own, and it works.
    planned(&with_remedy(&of_another, &refusals[0].remedy), &Health::from_spec(), Some(&before));
    let own = format!("{of_another}{}", lifted("max-removal", "2026-11-19T00:00:00Z"));
    assert!(refused(&own, Some(&before))[0].remedy.contains("max-removal in the spec expired"));
}

#[test]
fn removals_can_be_asked_for_before_anything_is_planned() {
    let (before, after) = (first(&spec(&text(3))), first(&spec("")));
    let limits = RemovalLimits::default();
    let found = removals(before.zone(), after.zone(), limits);
    assert_eq!(found, [Removal { key: None, removed: 3, total: 3, allowed: 2 }]);
    assert_eq!(
        removals(before.zone(), after.zone(), RemovalLimits { count: 6, ..limits }),
        found,
        "half at most"
    );
    assert_eq!(removals(before.zone(), before.zone(), limits), []);
    let endpoint = |count: usize| first(&spec(&format!("{}{ENDPOINT}", pool("blue", 2, &vec![true; count]))));
    let found = removals(endpoint(10).zone(), endpoint(4).zone(), limits);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to_string(), "6 of 10 records of api.example. A would go at once, 5 may");
}

#[test]
fn every_guard_is_judged_in_one_run() {
    let with = spec(&format!("{}{ENDPOINT}{}", pool("blue", 2, &[true]), text(8)));
    let hurt = "[zone.\"example.\"]\nns = [\"ns9\"]\nttl = 0\n";
    let refusals = refused(hurt, Some(&first(&with)));
    assert_eq!(guards(&refusals), ["never-empty", "root-ns", "max-removal", "ttl-bounds"]);
    assert!(try_plan(hurt, &Health::from_spec(), None).is_err());
}
