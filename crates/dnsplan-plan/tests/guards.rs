//! The absolute guards, one by one.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

use dnsplan_plan::{
    AbsoluteGuard, Candidate, Override, OwnerName, Provenance, RRset, RRsetKey, RecordType, Timestamp, Ttl,
    Zone, append_violations, live_violations, rdata, violations,
};

fn origin() -> OwnerName {
    "example.".parse().unwrap()
}

fn owner(label: &str) -> OwnerName {
    OwnerName::relative(label, &origin()).unwrap()
}

fn set(zone: &mut Zone, label: &str, record_type: &str, texts: &[&str]) {
    let data = texts.iter().map(|text| rdata(record_type, text, &origin()).unwrap());
    zone.set_rrset(owner(label), RRset::simple(Ttl::new(60).unwrap(), data).unwrap()).unwrap();
}

fn api() -> RRsetKey {
    RRsetKey::new(owner("api"), RecordType::A)
}

fn good() -> Zone {
    let mut zone = Zone::empty(origin());
    set(&mut zone, "@", "SOA", &["ns1 ops 0 300 60 86400 30"]);
    set(&mut zone, "@", "NS", &["ns1"]);
    set(&mut zone, "ns1", "A", &["192.0.2.53"]);
    set(&mut zone, "api", "A", &["192.0.2.1", "192.0.2.2"]);
    zone.protect(api(), 2);
    zone
}

fn edited(edit: impl FnOnce(&mut Zone)) -> Zone {
    let mut zone = good();
    edit(&mut zone);
    zone
}

fn provenance() -> Provenance {
    Provenance::new("test", Timestamp::from_millis(0), "a test")
}

fn lifting(guard: &str) -> Provenance {
    let lifted =
        Override { guard: guard.into(), reason: "a drill".into(), expires: Timestamp::from_millis(1) };
    Provenance { overrides: vec![lifted], ..provenance() }
}

fn guards(before: Option<&Zone>, after: &Zone, provenance: &Provenance) -> Vec<AbsoluteGuard> {
    violations(before, after, provenance).into_iter().map(|violation| violation.guard).collect()
}

/// What both judges say about a step from the good zone, and about the same content on its own.
fn judged(after: &Zone) -> Vec<AbsoluteGuard> {
    guards(Some(&good()), after, &provenance())
}

#[test]
fn a_good_zone_passes_from_everywhere() {
    assert_eq!(judged(&good()), []);
    assert_eq!(guards(None, &good(), &provenance()), []);
    assert_eq!(guards(Some(&Zone::empty(origin())), &good(), &provenance()), []);
}

#[test]
fn g2_the_last_record_of_a_protected_rrset_stays() {
    let empty = edited(|zone| drop(zone.clear(&owner("api"))));
    assert_eq!(judged(&empty), [AbsoluteGuard::NeverEmpty]);
    assert_eq!(guards(None, &empty, &provenance()), [AbsoluteGuard::NeverEmpty]);
    for guard in ["never-empty", "at-least-n", "root-ns"] {
        assert_eq!(
            guards(Some(&good()), &empty, &lifting(guard)),
            [AbsoluteGuard::NeverEmpty],
            "{guard} lifts nothing"
        );
    }
    let other_type = edited(|zone| {
        zone.clear(&owner("api"));
        set(zone, "api", "AAAA", &["2001:db8::1"]);
    });
    assert_eq!(judged(&other_type), [AbsoluteGuard::NeverEmpty]);
}

#[test]
fn g2_a_protection_goes_only_where_the_endpoint_is_retired_by_name() {
    let dropped = edited(|zone| zone.unprotect(&api()));
    assert_eq!(judged(&dropped), [AbsoluteGuard::NeverEmpty]);
    let dropped_and_gone = edited(|zone| {
        zone.unprotect(&api());
        zone.clear(&owner("api"));
    });
    assert_eq!(judged(&dropped_and_gone), [AbsoluteGuard::NeverEmpty]);
    let retired = edited(|zone| {
        zone.retire(api());
        zone.clear(&owner("api"));
    });
    assert_eq!(judged(&retired), []);
    // An enactor that skipped the plan in between still sees the retirement.
    let mut later = retired.clone();
    set(&mut later, "new", "A", &["192.0.2.9"]);
    assert_eq!(judged(&later), []);
    let mut back = later;
    back.protect(api(), 2);
    assert_eq!(
        guards(Some(&retired), &back, &provenance()),
        [AbsoluteGuard::NeverEmpty],
        "protected again, and empty"
    );
    set(&mut back, "api", "A", &["192.0.2.1", "192.0.2.2"]);
    assert_eq!(guards(Some(&retired), &back, &provenance()), []);
}

#[test]
fn at_least_n_can_be_lifted_but_not_to_nothing() {
    let one = edited(|zone| set(zone, "api", "A", &["192.0.2.1"]));
    assert_eq!(judged(&one), [AbsoluteGuard::AtLeastN]);
    assert_eq!(guards(Some(&good()), &one, &lifting("at-least-n")), []);
    assert_eq!(guards(Some(&good()), &one, &lifting("never-empty")), [AbsoluteGuard::AtLeastN]);
    let raised = edited(|zone| zone.protect(api(), 3));
    assert_eq!(judged(&raised), [AbsoluteGuard::AtLeastN], "a protection that rises is judged too");
    let message = violations(Some(&good()), &one, &provenance())[0].to_string();
    assert!(
        message
            .starts_with("at-least-n: protected RRset api.example. A would have 1 of at least 2 records; ")
    );
}

#[test]
fn candidates_count_as_records() {
    let with = |addresses: &[&str]| {
        let candidate = |address: &&str| Candidate {
            id: (*address).into(),
            health_check: Some("check".into()),
            data: rdata("A", address, &origin()).unwrap(),
        };
        edited(|zone| {
            let rrset = RRset::multivalue(Ttl::new(60).unwrap(), addresses.iter().map(candidate)).unwrap();
            zone.set_rrset(owner("api"), rrset).unwrap();
        })
    };
    assert_eq!(judged(&with(&["192.0.2.1", "192.0.2.2"])), []);
    assert_eq!(judged(&with(&["192.0.2.1"])), [AbsoluteGuard::AtLeastN]);
    assert_eq!(guards(Some(&good()), &with(&["192.0.2.1"]), &lifting("at-least-n")), []);
}

#[test]
fn against_what_is_live_a_protected_rrset_keeps_one_record_whoever_lifted_what_in_between() {
    let live = |after: &Zone| -> Vec<AbsoluteGuard> {
        live_violations(Some(&good()), after).into_iter().map(|violation| violation.guard).collect()
    };
    let one = edited(|zone| set(zone, "api", "A", &["192.0.2.1"]));
    assert_eq!(live(&one), [], "at-least-n was judged when each plan was appended");
    let none = edited(|zone| drop(zone.clear(&owner("api"))));
    assert_eq!(live(&none), [AbsoluteGuard::NeverEmpty]);
    assert_eq!(live_violations(None, &none).len(), 1, "also where nobody knows what is live");
    let unprotected = edited(|zone| zone.unprotect(&api()));
    assert_eq!(live(&unprotected), [AbsoluteGuard::NeverEmpty]);
}

#[test]
fn what_was_let_in_under_an_override_is_not_held_against_changes_of_something_else() {
    let mut lowered = edited(|zone| set(zone, "api", "A", &["192.0.2.1"]));
    set(&mut lowered, "sub", "NS", &["ns.other."]);
    let unrelated = |edit: fn(&mut Zone)| {
        let mut zone = lowered.clone();
        edit(&mut zone);
        guards(Some(&lowered), &zone, &provenance())
    };
    assert_eq!(unrelated(|zone| set(zone, "new", "TXT", &["x"])), []);
    assert_eq!(unrelated(|zone| set(zone, "ns1", "A", &["192.0.2.54"])), []);
    assert_eq!(unrelated(|zone| set(zone, "sub", "NS", &["ns2.other."])), [], "it was delegated already");
    let touched = unrelated(|zone| set(zone, "api", "A", &["192.0.2.3"]));
    assert_eq!(touched, [AbsoluteGuard::AtLeastN], "a change of the endpoint itself wants its own override");
}

#[test]
fn a_cname_stands_in_for_a_protected_rrset() {
    let alias = edited(|zone| {
        zone.clear(&owner("api"));
        set(zone, "api", "CNAME", &["ns1"]);
    });
    assert_eq!(judged(&alias), []);
    assert_eq!(guards(None, &alias, &provenance()), []);
}

#[test]
fn every_type_of_a_protected_name_is_judged() {
    let types = ["A", "AAAA", "TXT", "MX"];
    let mut before = good();
    for (record_type, text) in types.iter().zip(["192.0.2.1", "2001:db8::1", "x", "10 ns1"]) {
        set(&mut before, "all", record_type, &[text]);
        before.protect(RRsetKey::new(owner("all"), record_type.parse().unwrap()), 1);
    }
    let mut after = before.clone();
    after.clear(&owner("all"));
    assert_eq!(guards(Some(&before), &after, &provenance()), [AbsoluteGuard::NeverEmpty; 4]);
}

#[test]
fn root_ns_keeps_the_apex_and_no_override_lifts_that() {
    for record_type in [RecordType::NS, RecordType::SOA] {
        let without = edited(|zone| {
            let mut apex = dnsplan_plan::Node::clone(zone.node(&origin()).unwrap());
            apex.remove(record_type);
            zone.set(origin(), apex).unwrap();
        });
        assert_eq!(judged(&without), [AbsoluteGuard::RootNs], "{record_type}");
        assert_eq!(guards(None, &without, &lifting("root-ns")), [AbsoluteGuard::RootNs], "{record_type}");
    }
}

#[test]
fn root_ns_wants_an_override_to_change_the_ns_rrset_at_append_only() {
    let moved = edited(|zone| set(zone, "@", "NS", &["ns1", "ns2.other."]));
    let appended = |provenance: &Provenance| append_violations(Some(&good()), &moved, provenance);
    assert_eq!(appended(&provenance()).len(), 1);
    assert_eq!(appended(&provenance())[0].guard, AbsoluteGuard::RootNs);
    assert_eq!(appended(&lifting("root-ns")), []);
    assert_eq!(append_violations(None, &moved, &provenance()), [], "a first plan changes nothing");
    assert_eq!(judged(&moved), [], "an enactor that skips plans cannot know who lifted it when");
}

#[test]
fn every_violation_says_what_to_do() {
    let bad = edited(|zone| {
        zone.clear(&owner("api"));
        zone.clear(&origin());
    });
    let found = violations(None, &bad, &provenance());
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(
        |violation| !violation.remedy.is_empty() && violation.to_string().contains(violation.guard.id())
    ));
}
