//! What a plan holds: weights, fail-open, unknown inputs, determinism, the shared structure.

use std::collections::BTreeMap;

use crate::common::{context, first, name, planned, pool, records, spec, try_plan};
use dnsplan_plan::{
    Candidate, Delta, Input, Member, Plan, RData, RRset, RRsetKey, RecordType, Records, check_zone,
};
use dnsplan_planner::{Health, Intent, MemberHealth, Note, PlanError, Reading, plan};

const ENDPOINT: &str = "[[endpoint]]\nname = \"api\"\npools = { blue = 1 }\n";

fn known(states: &[(&str, MemberHealth)]) -> Reading<BTreeMap<String, MemberHealth>> {
    Reading::Known(states.iter().map(|(id, state)| ((*id).to_owned(), *state)).collect())
}

fn addresses(spec: &str, health: &Health) -> (Vec<String>, Vec<String>) {
    let (plan, notes) = planned(spec, health, None);
    (records(plan.zone(), "api.example.", RecordType::A), notes)
}

#[test]
fn traffic_is_split_by_pool_then_by_weight_times_capacity() {
    let text = spec(
        "[pool.blue]\nmembers = [\n\
         { id = \"a\", ipv4 = \"192.0.2.1\", capacity = 200 },\n\
         { id = \"b\", ipv4 = \"192.0.2.2\", capacity = 50, weight = 2 },\n\
         { id = \"drained\", ipv4 = \"192.0.2.3\", capacity = 100, weight = 0 }]\n\
         [pool.canary]\nmembers = [{ id = \"c\", ipv4 = \"203.0.113.1\" }]\n\
         [pool.off]\nmembers = [{ id = \"d\", ipv4 = \"203.0.113.2\" }]\n\
         [[endpoint]]\nname = \"api\"\npools = { blue = 90, canary = 10, off = 0 }\n",
    );
    let (found, notes) = addresses(&text, &Health::from_spec());
    assert_eq!(found, ["blue/a=6:192.0.2.1", "blue/b=3:192.0.2.2", "canary/c=1:203.0.113.1"]);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn policy_all_answers_with_every_address_and_families_make_rrsets() {
    let text = spec(&format!(
        "{}{ENDPOINT}policy = \"all\"\nfamilies = [\"ipv4\", \"ipv6\"]\nat_least = 2\nttl = 5\n",
        pool("blue", 2, &[true, true])
    ));
    let plan = first(&text);
    assert_eq!(records(plan.zone(), "api.example.", RecordType::A), ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(records(plan.zone(), "api.example.", RecordType::AAAA), ["2001:db8:2::1", "2001:db8:2::2"]);
    for record_type in [RecordType::A, RecordType::AAAA] {
        assert_eq!(plan.zone().protection(&RRsetKey::new(name("api.example."), record_type)), Some(2));
        let rrset = plan.zone().rrset(&name("api.example."), record_type).expect("an RRset");
        assert_eq!(rrset.ttl().seconds(), 5);
    }
}

const CHECKED: &str = "[pool.blue]\nmembers = [\n\
    { id = \"a\", ipv4 = \"192.0.2.1\", ipv6 = \"2001:db8::1\", weight = 9, health_check = \"hc-a\" },\n\
    { id = \"b\", ipv4 = \"192.0.2.2\", ipv6 = \"2001:db8::2\", weight = 3 },\n\
    { id = \"drained\", ipv4 = \"192.0.2.3\", weight = 0, health_check = \"hc-d\" },\n\
    { id = \"sick\", ipv4 = \"192.0.2.4\", healthy = false, health_check = \"hc-s\" }]\n\
    [pool.off]\nmembers = [{ id = \"o\", ipv4 = \"192.0.2.5\" }]\n\
    [[endpoint]]\nname = \"api\"\npools = { blue = 1, off = 0 }\nfamilies = [\"ipv4\", \"ipv6\"]\n";

fn rrset(plan: &Plan, record_type: RecordType) -> RRset {
    plan.zone().rrset(&name("api.example."), record_type).expect("an RRset").clone()
}

fn data(text: &str) -> RData {
    match text.parse().expect("an address") {
        std::net::IpAddr::V4(address) => address.into(),
        std::net::IpAddr::V6(address) => address.into(),
    }
}

#[test]
fn policy_multivalue_makes_a_candidate_of_every_member_that_answers() {
    let plan = first(&spec(&format!("{CHECKED}policy = \"multivalue\"\nttl = 5\n")));
    for (record_type, addresses) in
        [(RecordType::A, ["192.0.2.1", "192.0.2.2"]), (RecordType::AAAA, ["2001:db8::1", "2001:db8::2"])]
    {
        let [a, b] = addresses.map(data);
        let candidates = [
            Candidate { id: "blue/a".into(), health_check: Some("hc-a".into()), data: a },
            Candidate { id: "blue/b".into(), health_check: None, data: b },
        ];
        let rrset = rrset(&plan, record_type);
        assert_eq!(*rrset.records(), Records::Multivalue(candidates.into()));
        assert_eq!(rrset.ttl().seconds(), 5);
    }
}

#[test]
fn multivalue_endpoints_fail_open_and_are_held_as_others_are() {
    let text =
        spec(&format!("{}{ENDPOINT}policy = \"multivalue\"\n", pool("blue", 2, &[true, false, false])));
    let (before, notes) = planned(&text, &Health::from_spec(), None);
    assert_eq!(
        records(before.zone(), "api.example.", RecordType::A),
        ["blue/blue-1:192.0.2.1", "blue/blue-2:192.0.2.2", "blue/blue-3:192.0.2.3"]
    );
    assert_eq!(notes, ["pool blue: 1 of 3 healthy, failing open to all"]);
    let two = text
        .replace("[pool.blue]", "[pool.blue]\nmin_healthy = 0")
        .replace("[[endpoint]]", "[[endpoint]]\nat_least = 2");
    let (found, notes) = addresses(&two, &Health::from_spec());
    assert_eq!(found.len(), 3);
    assert_eq!(notes, ["api.example. A: 1 healthy of at least 2 addresses, failing open to all"]);
    let unknown = Health::from_spec().with("blue", Reading::Unknown);
    let short = text.replace("[[endpoint]]", "[[endpoint]]\nttl = 5");
    let held = rrset(&planned(&short, &unknown, Some(&before)).0, RecordType::A);
    assert_eq!(held.records(), rrset(&before, RecordType::A).records());
    assert_eq!(held.ttl().seconds(), 5);
}

#[test]
fn a_weighted_record_has_its_members_health_check_and_a_simple_one_has_none() {
    let plan = first(&spec(CHECKED));
    let [a, b] = ["192.0.2.1", "192.0.2.2"].map(data);
    let members = [
        Member { id: "blue/a".into(), weight: 9, health_check: Some("hc-a".into()), data: a.clone() },
        Member { id: "blue/b".into(), weight: 3, health_check: None, data: b.clone() },
    ];
    assert_eq!(*rrset(&plan, RecordType::A).records(), Records::Weighted(members.into()));
    let plan = first(&spec(&format!("{CHECKED}policy = \"all\"\n")));
    assert_eq!(*rrset(&plan, RecordType::A).records(), Records::Simple([a, b].into()));
}

#[test]
fn the_unhealthy_leave_and_the_others_keep_their_weights() {
    let text = spec(&format!("{}{ENDPOINT}", pool("blue", 2, &[true, true, true, false])));
    let (found, notes) = addresses(&text, &Health::from_spec());
    assert_eq!(found, ["blue/blue-1=1:192.0.2.1", "blue/blue-2=1:192.0.2.2", "blue/blue-3=1:192.0.2.3"]);
    assert_eq!(notes, [""; 0]);
    let probed = Health::from_spec().with("blue", known(&[("blue-1", MemberHealth::Unhealthy)]));
    assert_eq!(addresses(&text, &probed).0, ["blue/blue-2=1:192.0.2.2", "blue/blue-3=1:192.0.2.3"]);
    // The spec's word stands against the probe's.
    let probed = Health::from_spec().with("blue", known(&[("blue-4", MemberHealth::Healthy)]));
    assert_eq!(addresses(&text, &probed).0.len(), 3);
}

#[test]
fn a_pool_with_too_few_healthy_members_fails_open() {
    let text = spec(&format!("{}{ENDPOINT}", pool("blue", 2, &[true, false, false, false])));
    let (plan, notes) = planned(&text, &Health::from_spec(), None);
    assert_eq!(records(plan.zone(), "api.example.", RecordType::A).len(), 4);
    assert_eq!(notes, ["pool blue: 1 of 4 healthy, failing open to all"]);
    assert_eq!(plan.provenance().reason, "a test; pool blue: 1 of 4 healthy, failing open to all");
    let lenient = text.replace("[pool.blue]", "[pool.blue]\nmin_healthy = 0");
    assert_eq!(addresses(&lenient, &Health::from_spec()).0.len(), 1);
    let none = lenient.replace("healthy = true", "healthy = false");
    assert_eq!(addresses(&none, &Health::from_spec()).0.len(), 4);
}

#[test]
fn an_endpoint_that_health_would_leave_with_too_few_fails_open() {
    let text = spec(&format!("{}{ENDPOINT}at_least = 2\n", pool("blue", 2, &[true, false])));
    let (found, notes) = addresses(&text, &Health::from_spec());
    assert_eq!(found.len(), 2);
    assert_eq!(notes, ["api.example. A: 1 healthy of at least 2 addresses, failing open to all"]);
}

#[test]
fn a_family_without_a_healthy_member_fails_open_alone() {
    let text = spec(
        "[pool.blue]\nmembers = [\n{ id = \"four\", ipv4 = \"192.0.2.1\" },\n\
         { id = \"six\", ipv6 = \"2001:db8::1\", healthy = false }]\n\
         [[endpoint]]\nname = \"api\"\npools = { blue = 1 }\nfamilies = [\"ipv4\", \"ipv6\"]\n",
    );
    let (plan, notes) = planned(&text, &Health::from_spec(), None);
    assert_eq!(records(plan.zone(), "api.example.", RecordType::AAAA), ["blue/six=1:2001:db8::1"]);
    assert_eq!(notes, ["api.example. AAAA: 0 healthy of at least 1 addresses, failing open to all"]);
    // Where another pool serves the family, the unhealthy stay away.
    let other = "[pool.green]\nmembers = [{ id = \"g\", ipv6 = \"2001:db8::2\" }]\n";
    let plan = first(&format!("{}{other}", text.replace("{ blue = 1 }", "{ blue = 1, green = 1 }")));
    assert_eq!(records(plan.zone(), "api.example.", RecordType::AAAA), ["green/g=1:2001:db8::2"]);
}

#[test]
fn unknown_health_holds_what_stood() {
    let text = spec(&format!("{}{ENDPOINT}", pool("blue", 2, &[true, true, true])));
    let down = Health::from_spec().with("blue", known(&[("blue-3", MemberHealth::Unhealthy)]));
    let (before, _) = planned(&text, &down, None);
    let unknown = Health::from_spec().with("blue", Reading::Unknown);
    let (after, notes) =
        planned(&text.replace("[[endpoint]]", "[[endpoint]]\nttl = 5"), &unknown, Some(&before));
    let held = records(after.zone(), "api.example.", RecordType::A);
    assert_eq!(held, records(before.zone(), "api.example.", RecordType::A));
    assert_eq!(held.len(), 2);
    assert_eq!(
        notes,
        ["api.example. A: the health of pool blue is not known, its addresses stay as they are"]
    );
    // The spec is known: what it says of the endpoint itself counts at once.
    let rrset = after.zone().rrset(&name("api.example."), RecordType::A).expect("an RRset");
    assert_eq!(rrset.ttl().seconds(), 5);
    let input = Input { name: "health of pool blue".to_owned(), version: "unknown".to_owned() };
    assert_eq!(after.provenance().inputs, [input]);
}

#[test]
fn unknown_health_with_nothing_to_hold_counts_as_the_spec_says() {
    let text = spec(&format!("{}{ENDPOINT}", pool("blue", 2, &[true, true, false])));
    let unknown = Health::from_spec().with("blue", Reading::Unknown);
    let (found, notes) = addresses(&text, &unknown);
    assert_eq!(found.len(), 2);
    assert_eq!(
        notes,
        ["api.example. A: the health of pool blue is not known, its members count as the spec says"]
    );
}

#[test]
fn an_empty_reading_and_a_strange_one_empty_nothing() {
    let text = spec(&format!("{}{ENDPOINT}", pool("blue", 2, &[true, true])));
    let empty = Health::from_spec().with("blue", known(&[]));
    assert_eq!(addresses(&text, &empty).0.len(), 2);
    let strange = Health::from_spec()
        .with("blue", known(&[("blue-9", MemberHealth::Unhealthy)]))
        .with("red", known(&[("red-1", MemberHealth::Unhealthy)]));
    let (found, notes) = addresses(&text, &strange);
    assert_eq!(found.len(), 2);
    assert_eq!(
        notes,
        [
            "health was reported for blue-9, which pool blue does not have",
            "health was reported for pool red, which the spec does not have"
        ]
    );
}

#[test]
fn the_same_input_makes_the_same_bytes_in_any_order_of_lines() {
    let members = [
        "{ id = \"a\", ipv4 = \"192.0.2.1\", weight = 7 }",
        "{ id = \"b\", ipv4 = \"192.0.2.2\", weight = 11 }",
    ];
    let tables = [
        "[[endpoint]]\nname = \"api\"\npools = { blue = 60, green = 41 }\n",
        "[[endpoint]]\nname = \"*.api\"\npools = { green = 1 }\n",
        "[[record]]\nname = \"t\"\ntype = \"TXT\"\ndata = [\"one\", \"two\"]\n",
        "[[record]]\nname = \"t\"\ntype = \"A\"\ndata = [\"192.0.2.9\", \"192.0.2.8\"]\n",
        "[pool.green]\nmembers = [{ id = \"g\", ipv4 = \"192.0.2.3\" }]\n",
    ];
    let forward = format!("[pool.blue]\nmembers = [{}]\n{}", members.join(", "), tables.concat());
    let backward = tables.iter().rev().copied().collect::<String>();
    let backward = format!("{backward}[pool.blue]\nmembers = [{}, {}]\n", members[1], members[0])
        .replace("\"one\", \"two\"", "\"two\", \"one\"")
        .replace("\"192.0.2.9\", \"192.0.2.8\"", "\"192.0.2.8\", \"192.0.2.9\"")
        .replace("blue = 60, green = 41", "green = 41, blue = 60");
    let bytes = |rest: &str| Delta::checkpoint(first(&spec(rest)).zone()).encode();
    assert_eq!(bytes(&forward), bytes(&forward));
    assert_eq!(bytes(&forward), bytes(&backward));
    assert_eq!(first(&spec(&forward)), first(&spec(&backward)));
}

#[test]
fn a_plan_on_a_plan_is_an_edit_and_an_unchanged_spec_changes_nothing() {
    let record = |n: u8| format!("[[record]]\nname = \"r{n}\"\ntype = \"A\"\ndata = \"192.0.2.{n}\"\n");
    let all: String = (0..100).map(record).collect();
    let before = first(&spec(&all));
    let (same, _) = planned(&spec(&all), &Health::from_spec(), Some(&before));
    assert!(before.zone().diff(same.zone()).is_empty());
    let edited = all.replace("192.0.2.7\"", "192.0.2.77\"").replace("\"r8\"", "\"r800\"");
    let (after, _) = planned(&spec(&edited), &Health::from_spec(), Some(&before));
    let changed: Vec<String> =
        Delta::between(before.zone(), after.zone()).owners().map(ToString::to_string).collect();
    assert_eq!(changed, ["r7.example.", "r8.example.", "r800.example."]);
    assert_eq!(after.zone(), first(&spec(&edited)).zone());
}

#[test]
fn zones_of_one_spec_are_planned_one_by_one() {
    let text = "[zone.\"a.example.\"]\nns = [\"ns\"]\n[zone.\"b.example.\"]\nns = [\"ns\"]\n\
                [[record]]\nname = \"ns.a.example.\"\ntype = \"A\"\ndata = \"192.0.2.1\"\n\
                [[record]]\nname = \"ns\"\nzone = \"b.example.\"\ntype = \"A\"\ndata = \"192.0.2.2\"\n";
    let intent = Intent::parse(text).unwrap();
    assert_eq!(intent.zones().len(), 2);
    for zone in intent.zones() {
        let planned = plan(zone, &Health::from_spec(), None, &context()).unwrap();
        assert_eq!(check_zone(&planned.proposal.zone), []);
        assert_eq!(planned.proposal.zone.rrset_count(), 3);
    }
    let before = first(&spec(""));
    let error =
        plan(intent.zone(&name("b.example.")).unwrap(), &Health::from_spec(), Some(&before), &context());
    assert!(matches!(error, Err(PlanError::WrongZone { .. })), "{error:?}");
}

#[test]
fn an_absolute_name_belongs_to_the_longest_zone_that_holds_it() {
    let text = "[zone.\"example.\"]\nns = [\"ns.example.net.\"]\n[zone.\"sub.example.\"]\nns = [\"ns.example.net.\"]\n\
                [[record]]\nname = \"www.sub.example.\"\ntype = \"A\"\ndata = \"192.0.2.1\"\n";
    let intent = Intent::parse(text).unwrap();
    let count = |zone: &str| {
        let zone = intent.zone(&name(zone)).expect("a zone");
        plan(zone, &Health::from_spec(), None, &context()).unwrap().proposal.zone.rrset_count()
    };
    assert_eq!((count("example."), count("sub.example.")), (2, 3));
}

#[test]
fn the_soa_carries_serial_zero_and_the_specs_values() {
    let text = "[zone.\"example.\"]\nttl = 60\nns = [\"ns1\", \"ns2.example.net.\"]\nns_ttl = \"1d\"\n\
                soa = { rname = \"dns.example.net.\", refresh = \"2h\", minimum = 30, ttl = 900 }\n";
    let plan = first(text);
    let soa = records(plan.zone(), "example.", RecordType::SOA);
    assert_eq!(soa, ["ns1.example. dns.example.net. 0 7200 600 604800 30"]);
    let ttl = |kind| plan.zone().rrset(&name("example."), kind).map(|rrset| rrset.ttl().seconds());
    assert_eq!((ttl(RecordType::SOA), ttl(RecordType::NS)), (Some(900), Some(86_400)));
}

#[test]
fn texts_are_taken_as_they_are_and_long_ones_are_cut() {
    let long = "x".repeat(300);
    let text =
        spec(&format!("[[record]]\nname = \"@\"\ntype = \"TXT\"\ndata = [\"v=spf1 -all\", \"{long}\"]"));
    let plan = first(&text);
    let rrset = plan.zone().rrset(&name("example."), RecordType::TXT).expect("a TXT RRset");
    let mut lengths: Vec<Vec<usize>> = Vec::new();
    for data in rrset.data() {
        if let RData::TXT(text) = data {
            lengths.push(text.txt_data.iter().map(|part| part.len()).collect());
        }
    }
    assert_eq!(lengths, [vec![11], vec![255, 45]]);
}

#[test]
fn notes_are_values_too() {
    let text = spec(&format!("{}{ENDPOINT}", pool("blue", 2, &[true, false, false])));
    let planned = try_plan(&text, &Health::from_spec(), None).unwrap();
    assert_eq!(planned.notes, [Note::PoolFailsOpen { pool: "blue".to_owned(), healthy: 1, total: 3 }]);
}
