//! Protected endpoints that somebody else's records answer for: CNAMEs, wildcards, delegations.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

use dnsplan_fence::{Generation, OfferedGeneration, ParentGeneration};
use dnsplan_plan::{
    AbsoluteGuard, AppendError, OwnerName, Plan, Proposal, Provenance, RRset, RRsetKey, RecordType,
    Timestamp, Ttl, Zone, admit, append_violations, rdata,
};

fn origin() -> OwnerName {
    "example.".parse().unwrap()
}

fn owner(label: &str) -> OwnerName {
    OwnerName::relative(label, &origin()).unwrap()
}

fn set(zone: &mut Zone, label: &str, record_type: &str, text: &str) {
    let data = rdata(record_type, text, &origin()).unwrap();
    zone.set_rrset(owner(label), RRset::simple(Ttl::new(60).unwrap(), [data]).unwrap()).unwrap();
}

fn frame() -> Zone {
    let mut zone = Zone::empty(origin());
    set(&mut zone, "@", "SOA", "ns1 hostmaster 0 300 60 86400 30");
    set(&mut zone, "@", "NS", "ns1");
    set(&mut zone, "ns1", "A", "192.0.2.53");
    zone
}

/// The frame and `records`, with `endpoint` protected.
fn protecting(endpoint: &str, records: &[(&str, &str, &str)]) -> Zone {
    let mut zone = frame();
    records.iter().for_each(|(label, record_type, text)| set(&mut zone, label, record_type, text));
    zone.protect(RRsetKey::new(owner(endpoint), RecordType::A), 1);
    zone
}

fn edited(before: &Zone, edit: impl FnOnce(&mut Zone)) -> Zone {
    let mut zone = before.clone();
    edit(&mut zone);
    zone
}

fn provenance() -> Provenance {
    Provenance::new("test", Timestamp::from_millis(0), "a test")
}

/// Both zones, one after the other, as a store lets them in.
fn step(before: &Zone, after: &Zone) -> Result<(), AppendError> {
    let proposal = |zone: &Zone| Proposal { zone: zone.clone(), provenance: provenance() };
    admit(ParentGeneration::NONE, None, &proposal(before), false).expect("what was before is let in");
    let granted = OfferedGeneration::granted(Generation::new(1));
    let plan = Plan::granted(granted, ParentGeneration::NONE, proposal(before));
    admit(ParentGeneration::of(&plan), Some(&plan), &proposal(after), false).map(drop)
}

fn assert_never_empty_refuses(before: &Zone, after: &Zone) {
    let guards: Vec<AbsoluteGuard> = append_violations(Some(before), after, &provenance())
        .into_iter()
        .map(|violation| violation.guard)
        .collect();
    assert_eq!(guards, [AbsoluteGuard::NeverEmpty]);
    assert!(step(before, after).is_err());
}

fn behind_a_cname() -> Zone {
    protecting("api", &[("api", "CNAME", "lb"), ("lb", "A", "192.0.2.1")])
}

#[test]
fn g2_the_name_that_an_endpoints_cname_leads_to_is_not_removed() {
    let before = behind_a_cname();
    assert_never_empty_refuses(&before, &edited(&before, |zone| drop(zone.clear(&owner("lb")))));
}

#[test]
fn g2_the_name_that_an_endpoints_cname_leads_to_keeps_the_type() {
    let before = behind_a_cname();
    let after = edited(&before, |zone| {
        zone.clear(&owner("lb"));
        set(zone, "lb", "TXT", "x");
    });
    assert_never_empty_refuses(&before, &after);
}

#[test]
fn g2_a_delegation_above_an_endpoint_is_refused() {
    let before = protecting("api.sub", &[("api.sub", "A", "192.0.2.1")]);
    assert_never_empty_refuses(&before, &edited(&before, |zone| set(zone, "sub", "NS", "ns.other.test.")));
}

#[test]
fn g2_a_delegation_of_an_endpoint_itself_is_refused() {
    let before = protecting("api", &[("api", "A", "192.0.2.1")]);
    assert_never_empty_refuses(&before, &edited(&before, |zone| set(zone, "api", "NS", "ns.other.test.")));
}

#[test]
fn an_endpoint_may_be_moved_behind_what_answers() {
    let chain = [("api", "CNAME", "a"), ("a", "CNAME", "b"), ("b", "CNAME", "lb"), ("lb", "A", "192.0.2.1")];
    let elsewhere = [("api", "CNAME", "lb.other.test.")];
    let wildcard = [("api", "CNAME", "x.pool"), ("*.pool", "A", "192.0.2.1")];
    let below_a_cut = [("api", "CNAME", "lb.sub"), ("sub", "NS", "ns.other.test.")];
    let before = protecting("api", &[("api", "A", "192.0.2.1")]);
    for records in [&chain[..], &elsewhere, &wildcard, &below_a_cut] {
        let after = protecting("api", records);
        assert_eq!(append_violations(Some(&before), &after, &provenance()), [], "{records:?}");
        step(&before, &after).unwrap_or_else(|error| panic!("{records:?}: {error}"));
    }
}

#[test]
fn g2_an_endpoint_is_not_moved_behind_what_does_not_answer() {
    let broken_chain = [("api", "CNAME", "a"), ("a", "CNAME", "b"), ("b", "TXT", "x")];
    let wildcard_of_another_type = [("api", "CNAME", "x.pool"), ("*.pool", "TXT", "x")];
    let before = protecting("api", &[("api", "A", "192.0.2.1")]);
    for records in [&broken_chain[..], &wildcard_of_another_type] {
        assert_never_empty_refuses(&before, &protecting("api", records));
    }
}

#[test]
fn g2_the_end_of_a_chain_of_cnames_is_not_removed() {
    let before = protecting(
        "api",
        &[("api", "CNAME", "a"), ("a", "CNAME", "b"), ("b", "CNAME", "lb"), ("lb", "A", "192.0.2.1")],
    );
    let after = edited(&before, |zone| {
        zone.clear(&owner("lb"));
        set(zone, "lb", "TXT", "x");
    });
    assert_never_empty_refuses(&before, &after);
}

/// `api` and `count - 1` more CNAMEs, each of which points at the next, the last one at `end`.
fn chained(count: u8, end: &str) -> Zone {
    let name = |place: u8| if place == 0 { "api".to_owned() } else { format!("c{place}") };
    let mut zone = protecting("api", &[("lb", "A", "192.0.2.1")]);
    for place in 0..count {
        let next = if place + 1 == count { end.to_owned() } else { name(place + 1) };
        set(&mut zone, &name(place), "CNAME", &next);
    }
    zone
}

#[test]
fn g2_an_endpoint_is_not_moved_behind_a_chain_that_nobody_follows_to_its_end() {
    let before = protecting("api", &[("api", "A", "192.0.2.1")]);
    for count in [1, 2, 15, 16] {
        let after = chained(count, "lb");
        assert_eq!(append_violations(Some(&before), &after, &provenance()), [], "{count} CNAMEs");
    }
    for count in [17, 18, 40] {
        assert_never_empty_refuses(&before, &chained(count, "lb"));
    }
    // Nor behind one that has no end.
    for count in [1, 2, 3, 16, 17] {
        let violations = append_violations(Some(&before), &chained(count, "api"), &provenance());
        let guards: Vec<AbsoluteGuard> = violations.iter().map(|violation| violation.guard).collect();
        assert_eq!(guards, [AbsoluteGuard::NeverEmpty], "{count} CNAMEs in a circle");
    }
}

#[test]
fn what_differs_and_what_the_digest_says_agree_about_the_case_of_names_in_data() {
    for (record_type, upper, lower) in [
        ("CNAME", "API", "api"),
        ("SRV", "1 1 53 NS1", "1 1 53 ns1"),
        ("MX", "10 NS1", "10 ns1"),
        ("NS", "NS1", "ns1"),
        ("SVCB", "1 NS1", "1 ns1"),
        ("HTTPS", "1 NS1.example.", "1 ns1.example."),
        ("NAPTR", "1 1 \"u\" \"E2U\" \"\" NS1", "1 1 \"u\" \"E2U\" \"\" ns1"),
        ("PTR", "NS1", "ns1"),
    ] {
        let [one, other] =
            [upper, lower].map(|text| edited(&frame(), |zone| set(zone, "c", record_type, text)));
        let is_same = one.diff(&other).is_empty();
        assert_eq!(is_same, one.digest() == other.digest(), "{record_type}");
        assert_eq!(is_same, one.node(&owner("c")) == other.node(&owner("c")), "{record_type}");
    }
}
