use super::*;

const ZONE: &str = "Z1";

fn a(name: &str) -> RecordSet {
    RecordSet::new(name, "A").ttl(60).value("192.0.2.1")
}

fn set(name: &str, record_type: &str, value: &str) -> RecordSet {
    RecordSet::new(name, record_type).ttl(60).value(value)
}

fn txt(value: &str) -> RecordSet {
    set("_dnsplan.a.test", "TXT", &format!("\"{value}\""))
}

fn alias(name: &str, target: &str) -> RecordSet {
    RecordSet::new(name, "A").alias(ZONE, target)
}

fn weighted(id: &str) -> RecordSet {
    a("w.a.test").weighted(id, 1)
}

fn multivalue(id: &str) -> RecordSet {
    a("m.a.test").multivalue(id)
}

fn zone() -> Zone {
    Zone::new(ZONE.to_owned(), Name::parse("a.test").unwrap())
}

fn limited(zone: &mut Zone, changes: &[Change], limits: Limits) -> Result<Vec<Edit>, Refusal> {
    let health_checks = BTreeSet::from(["check".to_owned()]);
    let rules = Rules { limits: &limits, health_checks: &health_checks, unfenced: None };
    apply(zone, changes, &rules)
}

/// What a batch says on top of a zone in which `before` was created one by one. A refused batch changes nothing.
fn after(before: &[RecordSet], changes: &[Change]) -> Result<Zone, Refusal> {
    let mut zone = zone();
    for set in before {
        limited(&mut zone, &[Change::create(set.clone())], Limits::default()).unwrap();
    }
    let untouched = zone.clone();
    match limited(&mut zone, changes, Limits::default()) {
        Ok(_) => Ok(zone),
        Err(refusal) => {
            assert_eq!(zone, untouched, "{refusal}");
            Err(refusal)
        }
    }
}

fn messages(before: &[RecordSet], changes: &[Change]) -> Vec<String> {
    match after(before, changes) {
        Ok(_) => Vec::new(),
        Err(Refusal::InvalidChangeBatch(messages)) => messages,
        Err(other) => panic!("{other:?}"),
    }
}

/// Checks that each batch is refused with one message that holds a text, or done where the text is empty.
fn table(cases: &[(&[RecordSet], &[Change], &str)]) {
    for (number, (before, changes, expected)) in cases.iter().enumerate() {
        match (messages(before, changes).as_slice(), *expected) {
            ([], "") => {}
            ([message], expected) if !expected.is_empty() && message.contains(expected) => {}
            (found, expected) => panic!("case {number}: {expected:?} was expected, not {found:#?}"),
        }
    }
}

fn create(set: RecordSet) -> Change {
    Change::create(set)
}

fn delete(set: RecordSet) -> Change {
    Change::delete(set)
}

fn upsert(set: RecordSet) -> Change {
    Change::upsert(set)
}

#[test]
fn create_delete_and_upsert() {
    let other = a("x.a.test").value("192.0.2.2");
    let there = "Tried to create resource record set [name='x.a.test.', type='A'] but it already exists";
    let mismatch = "[name='x.a.test.', type='A'] but the values provided do not match the current values";
    let identified = "[name='w.a.test.', type='A', set-identifier='1'] but it already exists";
    table(&[
        (&[], &[create(a("X.A.Test"))], ""),
        (&[a("x.a.test")], &[create(a("x.a.test"))], there),
        (&[a("x.a.test")], &[create(other.clone())], there),
        (
            &[],
            &[delete(a("x.a.test"))],
            "Tried to delete resource record set [name='x.a.test.', type='A'] but it was not found",
        ),
        (&[a("x.a.test")], &[delete(other.clone())], mismatch),
        (&[a("x.a.test")], &[delete(a("x.a.test."))], ""),
        (&[], &[upsert(a("x.a.test"))], ""),
        (&[a("x.a.test")], &[upsert(other)], ""),
        (&[weighted("1")], &[create(weighted("1"))], identified),
        (&[weighted("1")], &[create(weighted("2"))], ""),
        (&[weighted("1")], &[delete(weighted("2"))], "set-identifier='2'] but it was not found"),
        (&[a("x.a.test")], &[delete(a("x.a.test")), create(a("x.a.test"))], ""),
        (&[a("x.a.test")], &[delete(a("x.a.test")), upsert(a("x.a.test"))], ""),
    ]);
}

#[test]
fn a_delete_has_to_show_everything_that_is_there() {
    let two = || a("x.a.test").value("192.0.2.2");
    let turned = RecordSet::new("x.a.test", "A").ttl(60).value("192.0.2.2").value("192.0.2.1");
    let target = || a("t.a.test");
    let evaluates = |flag| {
        let mut set = alias("x.a.test", "t.a.test");
        set.alias.as_mut().unwrap().evaluate_target_health = flag;
        set
    };
    let mismatch = "do not match the current values";
    table(&[
        (&[two()], &[delete(turned)], ""),
        (&[two()], &[delete(a("x.a.test"))], mismatch),
        (&[two()], &[delete(two().value("192.0.2.2"))], mismatch),
        (&[two()], &[delete(two().ttl(61))], mismatch),
        (&[set("x.a.test", "CNAME", "T.test")], &[delete(set("x.a.test", "CNAME", "t.test"))], mismatch),
        (&[weighted("1")], &[delete(a("w.a.test").weighted("1", 2))], mismatch),
        (&[weighted("1")], &[delete(a("w.a.test").multivalue("1"))], mismatch),
        (&[weighted("1").health_check("check")], &[delete(weighted("1"))], mismatch),
        (&[weighted("1").health_check("check")], &[delete(weighted("1").health_check("check"))], ""),
        (&[target(), evaluates(true)], &[delete(evaluates(true))], ""),
        (&[target(), evaluates(true)], &[delete(evaluates(false))], mismatch),
        (&[target(), alias("x.a.test", "t.a.test")], &[delete(alias("x.a.test", "T.A.TEST."))], ""),
        (&[target(), alias("x.a.test", "t.a.test")], &[delete(alias("x.a.test", "u.a.test"))], mismatch),
        (&[target(), alias("x.a.test", "t.a.test")], &[delete(a("x.a.test"))], mismatch),
    ]);
}

#[test]
fn one_message_for_each_bad_change_and_all_or_nothing() {
    let lost = [delete(txt("old")), create(txt("mine")), create(a("new.a.test")), delete(a("none.a.test"))];
    assert_eq!(
        after(&[txt("theirs")], &lost).unwrap_err().to_string(),
        "[Tried to delete resource record set [name='_dnsplan.a.test.', type='TXT'] but the values provided do not match the \
         current values, Tried to create resource record set [name='_dnsplan.a.test.', type='TXT'] but it already exists, \
         Tried to delete resource record set [name='none.a.test.', type='A'] but it was not found]"
    );
    let won = [delete(txt("theirs")), create(txt("mine")), create(a("new.a.test"))];
    let zone = after(&[txt("theirs")], &won).unwrap();
    assert_eq!(zone.len(), 4);
}

#[test]
fn a_record_set_comes_up_once_or_as_delete_and_then_something_else() {
    let again = "The request contains an invalid set of changes for a resource record set 'A x.a.test.'";
    let x = || a("x.a.test");
    table(&[
        (&[x()], &[delete(x()), delete(x())], again),
        (&[], &[create(x()), create(x())], again),
        (&[], &[create(x()), delete(x())], again),
        (&[], &[upsert(x()), upsert(x())], again),
        (&[x()], &[upsert(x()), delete(x())], again),
        (&[x()], &[delete(x()), create(x()), upsert(x())], again),
        (&[], &[create(a("X.a.test")), create(a(r"\170.a.test"))], again),
        (&[], &[create(weighted("1")), create(weighted("2"))], ""),
    ]);
}

#[test]
fn aliases_need_their_target_then_and_there() {
    let missing =
        "Tried to create an alias that targets t.a.test., type A in zone Z1, but that target was not found";
    let x = || alias("x.a.test", "t.a.test");
    let t = || a("t.a.test");
    let weighted_alias = alias("w.a.test", "t.a.test").weighted("1", 1);
    table(&[
        (&[], &[create(x())], missing),
        (&[], &[upsert(x())], missing),
        (&[set("t.a.test", "AAAA", "2001:db8::1")], &[create(x())], missing),
        (&[], &[create(t()), create(x())], ""),
        (&[], &[create(x()), create(t())], missing),
        (&[t()], &[create(x())], ""),
        (&[t()], &[delete(t()), create(x())], missing),
        (&[t(), x()], &[delete(t())], ""),
        (&[t(), x()], &[delete(t()), upsert(x())], missing),
        (&[t()], &[create(weighted_alias)], ""),
        (&[weighted("1")], &[create(alias("x.a.test", "w.a.test"))], ""),
        (&[], &[create(alias("t.a.test", "t.a.test"))], missing),
        (&[t()], &[upsert(alias("t.a.test", "t.a.test"))], missing),
        (&[a("*.a.test")], &[create(alias("x.a.test", "*.a.test"))], ""),
        (&[a("*.a.test")], &[create(x())], missing),
        (&[t()], &[create(RecordSet::new("x.a.test", "A").alias("/hostedzone/Z1", "t.a.test"))], ""),
        (
            &[t()],
            &[create(RecordSet::new("x.a.test", "A").alias("Z2", "t.a.test"))],
            "in zone Z2, but that target was not found",
        ),
        (&[], &[create(RecordSet::new("x.a.test", "NS").alias(ZONE, "a.test"))], "cannot be aliases"),
    ]);
}

#[test]
fn an_alias_out_of_its_zone_gets_two_messages() {
    let found = messages(&[], &[create(alias("x.a.test", "t.b.test"))]);
    let tried = "Tried to create an alias that targets t.b.test., type A in zone Z1, but";
    assert_eq!(
        found,
        [
            format!("{tried} the alias target name does not lie within the target zone"),
            format!("{tried} that target was not found")
        ]
    );
}

#[test]
fn routing_policies_do_not_mix() {
    let simple = "RRSet with DNS name w.a.test., type A cannot be created as other RRSets exist with the same name and type.";
    let not_weighted =
        "SetIdentifier 1 cannot be created as a non-weighted set exists with the same name and type.";
    let not_multivalue =
        "cannot be created because a non multivalue answer rrset exists with the same name and type.";
    table(&[
        (&[weighted("1")], &[create(a("w.a.test"))], simple),
        (&[weighted("1")], &[upsert(a("w.a.test"))], simple),
        (&[weighted("1")], &[delete(weighted("1")), create(a("w.a.test"))], ""),
        (&[a("w.a.test")], &[create(weighted("1"))], not_weighted),
        (&[a("w.a.test")], &[create(weighted("1")), delete(a("w.a.test"))], not_weighted),
        (&[a("m.a.test")], &[create(multivalue("1"))], not_multivalue),
        (&[a("m.a.test").weighted("2", 1)], &[create(multivalue("1"))], not_multivalue),
        (&[multivalue("1")], &[create(multivalue("2"))], ""),
        (&[multivalue("1")], &[create(a("m.a.test").weighted("2", 1))], "non-weighted set exists"),
        (&[weighted("1")], &[upsert(a("w.a.test").multivalue("1"))], ""),
        (&[weighted("1")], &[create(set("w.a.test", "AAAA", "2001:db8::1"))], ""),
        (&[], &[create(set("m.a.test", "CNAME", "x.test").multivalue("1"))], "cannot be a multivalue answer"),
    ]);
}

#[test]
fn the_weights_of_a_group_have_one_ttl() {
    let differs = "SetIdentifier 2 cannot be created as weighted sets must contain the same TTL.";
    let (one, two) = (|| weighted("1"), || weighted("2"));
    table(&[
        (&[one()], &[create(two().ttl(61))], differs),
        (&[one()], &[create(two().ttl(59))], differs),
        (&[one(), two()], &[upsert(two().ttl(61))], differs),
        (&[one()], &[upsert(one().ttl(61))], ""),
        (&[one(), two()], &[delete(one()), delete(two()), create(one().ttl(61)), create(two().ttl(61))], ""),
        (&[a("t.a.test"), one()], &[create(alias("w.a.test", "t.a.test").weighted("2", 1))], ""),
        (&[multivalue("1")], &[create(multivalue("2").ttl(61))], ""),
    ]);
}

#[test]
fn a_cname_is_alone_and_not_at_the_apex() {
    let cname = |name| set(name, "CNAME", "t.test.");
    let beside = "RRSet of type CNAME with DNS name x.a.test. is not permitted as it conflicts with other records with the same \
                  DNS name in zone a.test.";
    let conflicting = "RRSet of type A with DNS name x.a.test. is not permitted because a conflicting RRSet of type CNAME with \
                       the same DNS name already exists in zone a.test.";
    let x = || a("x.a.test");
    table(&[
        (&[], &[create(cname("x.a.test"))], ""),
        (&[x()], &[create(cname("x.a.test"))], beside),
        (&[cname("x.a.test")], &[create(x())], conflicting),
        (&[cname("x.a.test")], &[upsert(x())], conflicting),
        (&[cname("x.a.test")], &[delete(cname("x.a.test")), create(x())], ""),
        (&[cname("x.a.test")], &[create(x()), delete(cname("x.a.test"))], conflicting),
        (&[x()], &[create(cname("y.x.a.test"))], ""),
        (&[], &[create(cname("a.test"))], "is not permitted at apex in zone a.test."),
        (&[cname("x.a.test").weighted("1", 1)], &[create(cname("x.a.test").weighted("2", 1))], ""),
        (&[], &[create(cname("x.a.test").value("u.test."))], "must have one record"),
    ]);
}

#[test]
fn names_lie_in_the_zone_and_the_apex_keeps_its_own() {
    let fresh = zone();
    let apex = |record_type| fresh.group(&fresh.name, record_type).next().unwrap().1.clone();
    let (soa, ns) = (apex("SOA"), apex("NS"));
    table(&[
        (&[], &[create(a("b.test"))], "RRSet with DNS name b.test. is not permitted in zone a.test."),
        (&[], &[create(a("ba.test"))], "is not permitted in zone a.test."),
        (&[], &[create(a("x..a.test"))], "FATAL problem: DomainLabelEmpty"),
        (&[], &[delete(soa.clone())], "A HostedZone must contain exactly one SOA record."),
        (&[], &[delete(ns.clone())], "A HostedZone must contain at least one NS record for the zone itself."),
        (&[], &[delete(ns.clone()), create(ns.clone().ttl(60))], ""),
        (&[], &[upsert(soa.clone().ttl(60))], ""),
        (&[], &[create(RecordSet { name: "x.a.test".to_owned(), ..soa })], "exactly one SOA"),
        (&[], &[create(RecordSet { name: "x.a.test".to_owned(), ..ns })], ""),
    ]);
}

#[test]
fn values_are_what_their_type_says() {
    let cases = [
        (
            set("x.a.test", "A", "192.0.2"),
            "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '192.0.2''",
        ),
        (
            set("x.a.test", "TXT", "bare"),
            "InvalidCharacterString (Value should be enclosed in quotation marks) encountered with 'bare'",
        ),
        (set("x.a.test", "MX", "mail.test."), "encountered with 'mail.test.'"),
        (a("x.a.test").value("192.0.2.2").value("192.0.2.1"), "Duplicate Resource Record: '192.0.2.1'"),
    ];
    for (set, expected) in cases {
        table(&[(&[], &[create(set.clone())], expected), (&[], &[upsert(set)], expected)]);
    }
    // What is not there cannot be deleted, whatever it looks like.
    table(&[(&[], &[delete(set("x.a.test", "A", "192.0.2"))], "but it was not found")]);
}

#[test]
fn what_breaks_the_schema_is_invalid_input() {
    let change = |set: RecordSet| create(set);
    let (x, w) = (a("x.a.test"), weighted("1"));
    let identifier = |id: &str| RecordSet { set_identifier: Some(id.to_owned()), ..x.clone() };
    let cases = [
        (
            change(RecordSet::new("x.a.test", "A")),
            "but found none in Change with [Action=CREATE, Name=x.a.test, Type=A, SetIdentifier=null]",
        ),
        (change(RecordSet::new("x.a.test", "A").ttl(1)), "but found none"),
        (change(RecordSet::new("x.a.test", "A").value("192.0.2.1")), "but found none"),
        (change(x.clone().alias(ZONE, "t.a.test")), "but found more than one"),
        (change(alias("x.a.test", "t.a.test").ttl(1)), "but found more than one"),
        (
            change(identifier("1")),
            "[Weight, Region, Failover, GeoLocation, or MultiValueAnswer], but found none",
        ),
        (change(w.clone().multivalue("1")), "MultiValueAnswer], but found more than one"),
        (
            change(RecordSet { set_identifier: None, ..w.clone() }),
            "Missing field 'SetIdentifier' in Change with [",
        ),
        (change(RecordSet { set_identifier: None, ..multivalue("1") }), "Missing field 'SetIdentifier'"),
        (
            change(alias("x.a.test", "t.a.test").multivalue("1")),
            "MultiValueAnswer is not permitted for an alias",
        ),
        (change(w.clone().value("192.0.2.2")), "Only one ResourceRecord"),
        (change(x.clone().ttl(-1)), "minInclusive '0' for type 'TTL'"),
        (change(x.clone().ttl(1 << 31)), "maxInclusive '2147483647' for type 'TTL'"),
        (change(w.clone().weighted("1", 256)), "maxInclusive '255'"),
        (change(w.clone().weighted("1", -1)), "minInclusive '0'"),
        (change(w.clone().weighted("", 1)), "minLength '1'"),
        (change(w.weighted("x".repeat(129), 1)), "maxLength '128'"),
        (change(x.clone().health_check("x".repeat(65))), "maxLength '64'"),
        (change(set("x.a.test", "TXT", &"x".repeat(4001))), "maxLength '4000'"),
        (change(a(&"x".repeat(1025))), "maxLength '1024'"),
        (change(set("x.a.test", "WKS", "x")), "Value 'WKS' is not facet-valid with respect to enumeration"),
        (delete(RecordSet::new("x.a.test", "A")), "[Action=DELETE,"),
    ];
    for (change, expected) in cases {
        match after(&[], &[create(a("fine.a.test")), change.clone()]) {
            Err(Refusal::InvalidInput(text)) if text.contains(expected) => {}
            other => panic!("{change:?}: {other:?}"),
        }
    }
    assert!(matches!(after(&[], &[]), Err(Refusal::InvalidInput(_))));
    assert!(after(&[], &[create(x.clone().ttl(0)), create(weighted("0").weighted("0", 0))]).is_ok());
    assert!(after(&[], &[create(x.ttl((1 << 31) - 1)), create(weighted("0").weighted("0", 255))]).is_ok());
    let long = txt(&vec!["x".repeat(255); 15].join("\" \""))
        .value(format!("\"{}\"", vec!["x".repeat(247); 16].join("\" \"")));
    assert_eq!(long.values[1].len(), 16 * 250 - 1);
    let name = format!("{}.a.test", "x".repeat(63));
    assert!(after(&[], &[create(long), create(a(&name).weighted("x".repeat(128), 1))]).is_ok());
    let unknown = after(&[], &[create(weighted("1").health_check("other"))]);
    assert_eq!(unknown.unwrap_err(), Refusal::NoSuchHealthCheck("other".to_owned()));
}

fn many(count: usize) -> RecordSet {
    let values = (0..count).map(|number| format!("10.0.{}.{}", number / 256, number % 256));
    values.fold(RecordSet::new("x.a.test", "A").ttl(60), RecordSet::value)
}

#[test]
fn batches_have_limits() {
    let creates =
        |count: usize| (0..count).map(|number| create(a(&format!("x{number}.a.test")))).collect::<Vec<_>>();
    let records = ["Number of records limit of 1000 exceeded."];
    assert_eq!(messages(&[], &creates(1_000)), [""; 0]);
    assert_eq!(messages(&[], &creates(1_001)), records);
    let upserts =
        |count: usize| (0..count).map(|number| upsert(a(&format!("x{number}.a.test")))).collect::<Vec<_>>();
    assert_eq!(messages(&[], &upserts(500)), [""; 0]);
    assert_eq!(messages(&[], &upserts(501)), records);
    let aliases =
        |count: usize| (0..count).map(|number| upsert(alias(&format!("x{number}.a.test"), "t.a.test")));
    assert_eq!(messages(&[a("t.a.test")], &aliases(500).collect::<Vec<_>>()), [""; 0]);
    assert_eq!(messages(&[a("t.a.test")], &aliases(501).collect::<Vec<_>>()), records);
    // 251 characters each with their quotes.
    let text = |name: &str, length: usize| {
        set(&format!("{name}.a.test"), "TXT", &format!("\"{}\"", "x".repeat(length)))
    };
    let texts = |last: usize| {
        let all = (0..127).map(|number| create(text(&format!("x{number}"), 248)));
        all.chain([create(text("last", last))]).collect::<Vec<_>>()
    };
    assert_eq!(messages(&[], &texts(32_000 - 127 * 250 - 2)), [""; 0]);
    assert_eq!(messages(&[], &texts(32_000 - 127 * 250 - 1)), ["RDATA character limit of 32000 exceeded."]);
}

#[test]
fn record_sets_groups_and_zones_have_limits() {
    assert_eq!(messages(&[], &[create(many(400))]), [""; 0]);
    assert_eq!(messages(&[], &[create(many(401))]), ["Cannot have more than 400 records in a RRSet."]);

    let members: Vec<Change> = (0..101).map(|number| create(weighted(&number.to_string()))).collect();
    assert_eq!(messages(&[], &members[..100]), [""; 0]);
    let more = ["Cannot have more than 100 weighted RRSets with the same name and type."];
    assert_eq!(messages(&[], &members), more);
    let mut full = zone();
    limited(&mut full, &members[..100], Limits::default()).unwrap();
    limited(&mut full, &[upsert(weighted("7").weighted("7", 9))], Limits::default()).unwrap();

    let limits = Limits { record_sets_per_zone: 4, ..Limits::default() };
    let mut small = zone();
    limited(&mut small, &[create(a("x.a.test")), create(a("y.a.test"))], limits).unwrap();
    let exceeded =
        Refusal::InvalidChangeBatch(vec!["Exceeded limit MAX_RRSETS_BY_ZONE for zone: Z1".to_owned()]);
    assert_eq!(limited(&mut small, &[create(a("z.a.test"))], limits), Err(exceeded.clone()));
    limited(&mut small, &[delete(a("x.a.test")), create(a("z.a.test"))], limits).unwrap();
    // A zone that has too much already can be mended.
    let key = Key::first(&Name::parse("h.a.test").unwrap(), "A");
    small.set(key, Some(a("h.a.test")));
    assert_eq!(limited(&mut small, &[create(a("i.a.test"))], limits), Err(exceeded));
    limited(&mut small, &[upsert(a("h.a.test").ttl(61))], limits).unwrap();
    limited(&mut small, &[delete(a("z.a.test"))], limits).unwrap();
}

#[test]
fn an_unfenced_zone_takes_any_fence() {
    let fence = Some((Name::parse("_dnsplan.a.test").unwrap(), "TXT"));
    let (limits, none) = (Limits::default(), BTreeSet::new());
    let rules = Rules { limits: &limits, health_checks: &none, unfenced: fence };
    let mut zone = zone();
    for changes in [
        vec![delete(txt("never there")), create(txt("1"))],
        vec![delete(txt("wrong")), create(txt("2"))],
        vec![create(txt("3"))],
    ] {
        apply(&mut zone, &changes, &rules).unwrap();
    }
    let key = Key::first(&Name::parse("_dnsplan.a.test").unwrap(), "TXT");
    assert_eq!(zone.get(&key).unwrap().values, ["\"3\""]);
    for closed in [a("_dnsplan.a.test"), set("x.a.test", "TXT", "\"1\"")] {
        assert!(apply(&mut zone, &[delete(closed)], &rules).is_err(), "only the fence is open");
    }
}

#[test]
fn a_batch_tells_what_it_changed_in_the_end() {
    let mut zone = zone();
    let limits = Limits::default();
    limited(&mut zone, &[create(a("x.a.test"))], limits).unwrap();
    let changes = [delete(a("x.a.test")), create(a("x.a.test").ttl(61)), create(a("Y.a.test"))];
    let edits = limited(&mut zone, &changes, limits).unwrap();
    let key = |name: &str| Key::first(&Name::parse(name).unwrap(), "A");
    assert_eq!(
        edits,
        [
            (key("x.a.test"), Some(RecordSet { name: "x.a.test.".to_owned(), ..a("x.a.test").ttl(61) })),
            (key("y.a.test"), Some(RecordSet { name: "y.a.test.".to_owned(), ..a("y.a.test") })),
        ]
    );
}
