//! The linter: for every rule a zone that breaks it, and only it, and one that just does not.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

use dnsplan_plan::{
    Candidate, Finding, Member, OwnerName, RRset, RRsetKey, RecordType, Severity, Ttl, Zone, check_owners,
    check_zone, rdata,
};

fn origin() -> OwnerName {
    "example.".parse().unwrap()
}

fn owner(label: &str) -> OwnerName {
    OwnerName::relative(label, &origin()).unwrap()
}

fn rrset(record_type: &str, ttl: u32, texts: &[&str]) -> RRset {
    let data = texts.iter().map(|text| rdata(record_type, text, &origin()).unwrap());
    RRset::simple(Ttl::new(ttl).unwrap(), data).unwrap()
}

/// A clean zone and these RRsets.
fn zone(more: &[(&str, &str, &[&str])]) -> Zone {
    let mut zone = Zone::empty(origin());
    let apex: [(&str, &str, &[&str]); 3] =
        [("@", "SOA", &["ns1 ops 0 300 60 86400 30"]), ("@", "NS", &["ns1"]), ("ns1", "A", &["192.0.2.53"])];
    for (label, record_type, texts) in apex.iter().chain(more) {
        zone.set_rrset(owner(label), rrset(record_type, 60, texts)).unwrap();
    }
    zone
}

fn rules(zone: &Zone) -> Vec<(Severity, &'static str, OwnerName)> {
    check_zone(zone).into_iter().map(|finding| (finding.severity, finding.rule, finding.owner)).collect()
}

#[track_caller]
fn one(zone: &Zone, severity: Severity, rule: &'static str, label: &str) {
    assert_eq!(rules(zone), [(severity, rule, owner(label))]);
}

#[test]
fn a_clean_zone_has_no_findings() {
    let clean = zone(&[
        ("www", "CNAME", &["ns1"]),
        ("mail", "MX", &["10 ns1", "20 mail.other."]),
        ("_sip._tcp", "SRV", &["1 2 53 ns1", "1 2 53 ."]),
        ("*.wild", "A", &["192.0.2.1"]),
        ("to-wild", "CNAME", &["some.thing.wild"]),
        ("sub", "NS", &["ns.sub", "ns1"]),
        ("ns.sub", "A", &["192.0.2.54"]),
        ("into-sub", "CNAME", &["host.sub"]),
    ]);
    assert_eq!(rules(&clean), []);
}

#[test]
fn missing_soa_and_missing_ns() {
    let mut without = zone(&[]);
    without.clear(&origin());
    assert_eq!(
        rules(&without),
        [(Severity::Error, "missing-ns", origin()), (Severity::Error, "missing-soa", origin())]
    );
}

#[test]
fn several_soa() {
    let two: &[&str] = &["ns1 ops 0 300 60 86400 30", "ns1 ops 0 301 60 86400 30"];
    one(&zone(&[("@", "SOA", two)]), Severity::Error, "several-soa", "@");
}

#[test]
fn soa_below_apex() {
    one(&zone(&[("sub", "SOA", &["ns1 ops 0 300 60 86400 30"])]), Severity::Error, "soa-below-apex", "sub");
}

#[test]
fn cname_and_other_data() {
    let both = zone(&[("www", "CNAME", &["ns1"]), ("www", "TXT", &["x"])]);
    one(&both, Severity::Error, "cname-and-other-data", "www");
}

#[test]
fn several_cnames_but_not_weighted_ones() {
    one(&zone(&[("www", "CNAME", &["ns1", "api.other."])]), Severity::Error, "several-cnames", "www");
    let member = |id: &str, text| Member {
        id: id.into(),
        weight: 1,
        health_check: None,
        data: rdata("CNAME", text, &origin()).unwrap(),
    };
    let weighted =
        RRset::weighted(Ttl::new(60).unwrap(), [member("a", "ns1"), member("b", "api.other.")]).unwrap();
    let mut fine = zone(&[]);
    fine.set_rrset(owner("www"), weighted).unwrap();
    assert_eq!(rules(&fine), []);
}

#[test]
fn cname_loop() {
    let circle = zone(&[("a", "CNAME", &["b"]), ("b", "CNAME", &["c"]), ("c", "CNAME", &["a"])]);
    let expected = ["a", "b", "c"].map(|label| (Severity::Error, "cname-loop", owner(label)));
    assert_eq!(rules(&circle), expected);
    one(&zone(&[("a", "CNAME", &["a"])]), Severity::Error, "cname-loop", "a");
}

#[test]
fn ttl_mix() {
    let mut mixed = zone(&[("api", "A", &["192.0.2.1"])]);
    mixed.set_rrset(owner("api"), rrset("AAAA", 61, &["2001:db8::1"])).unwrap();
    one(&mixed, Severity::Warning, "ttl-mix", "api");
    mixed.set_rrset(owner("api"), rrset("AAAA", 60, &["2001:db8::1"])).unwrap();
    assert_eq!(rules(&mixed), []);
}

#[test]
fn zero_weights() {
    let member = |id: &str, weight| Member {
        id: id.into(),
        weight,
        health_check: None,
        data: rdata("A", "192.0.2.1", &origin()).unwrap(),
    };
    let weighted = |weights: [u8; 2]| {
        let members = [member("a", weights[0]), member("b", weights[1])];
        let mut zone = zone(&[]);
        zone.set_rrset(owner("api"), RRset::weighted(Ttl::new(60).unwrap(), members).unwrap()).unwrap();
        zone
    };
    one(&weighted([0, 0]), Severity::Warning, "zero-weights", "api");
    assert_eq!(rules(&weighted([0, 1])), []);
}

#[test]
fn too_large() {
    // 255 characters a string: a record of n strings takes 256 n bytes and 12 beside them, a message holds 65,000.
    let text = |strings: usize, mark: usize| {
        let parts: Vec<String> = (0..strings).map(|_| format!("\"{}{mark:03}\"", "x".repeat(252))).collect();
        rdata("TXT", &parts.join(" "), &origin()).unwrap()
    };
    let of = |rrset: RRset| {
        let mut zone = zone(&[]);
        zone.set_rrset(owner("text"), rrset).unwrap();
        zone
    };
    let ttl = Ttl::new(60).unwrap();
    let simple = |count: usize| of(RRset::simple(ttl, (0..count).map(|mark| text(31, mark))).unwrap());
    assert_eq!(rules(&simple(8)), []);
    one(&simple(9), Severity::Error, "too-large", "text");
    let spread = |count: usize, strings: usize| {
        let candidate =
            |mark| Candidate { id: format!("c{mark}").into(), health_check: None, data: text(strings, mark) };
        of(RRset::multivalue(ttl, (0..count).map(candidate)).unwrap())
    };
    assert_eq!(rules(&spread(20, 31)), [], "an answer holds eight of them");
    assert_eq!(rules(&spread(7, 32)), []);
    one(&spread(8, 32), Severity::Error, "too-large", "text");
}

#[test]
fn below_delegation() {
    let hidden = zone(&[("sub", "NS", &["ns1"]), ("www.sub", "TXT", &["x"])]);
    one(&hidden, Severity::Warning, "below-delegation", "www.sub");
}

#[test]
fn dangling_target() {
    for (record_type, text) in [("CNAME", "gone"), ("MX", "10 gone"), ("SRV", "1 2 53 gone"), ("NS", "gone")]
    {
        one(&zone(&[("x", record_type, &[text])]), Severity::Warning, "dangling-target", "x");
    }
    let mut endpoint = zone(&[("api", "CNAME", &["gone"])]);
    endpoint.protect(RRsetKey::new(owner("api"), RecordType::A), 1);
    one(&endpoint, Severity::Error, "dangling-target", "api");
}

#[test]
fn empty_protected() {
    let mut empty = zone(&[]);
    empty.protect(RRsetKey::new(owner("api"), RecordType::A), 1);
    one(&empty, Severity::Error, "empty-protected", "api");
    empty.set_rrset(owner("api"), rrset("CNAME", 60, &["ns1"])).unwrap();
    assert_eq!(rules(&empty), [], "a CNAME stands in for it");
}

#[test]
fn some_owner_names_only() {
    let bad = zone(&[("a", "CNAME", &["gone"]), ("b", "CNAME", &["gone"])]);
    let found: Vec<Finding> = check_owners(&bad, [&owner("b"), &owner("not-there")]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].to_string(),
        "warning: b.example.: dangling-target: CNAME points at gone.example., which this zone does not have"
    );
}
