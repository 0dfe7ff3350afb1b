//! RRsets, names and record data: canonical forms, and what is refused.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

use hickory_proto::rr::Name;

use dnsplan_plan::{
    Candidate, InvalidRRset, Member, OwnerName, RData, RRset, RecordType, Records, Ttl, rdata,
};

fn origin() -> OwnerName {
    "example.".parse().unwrap()
}

fn data(record_type: &str, text: &str) -> RData {
    rdata(record_type, text, &origin()).unwrap()
}

fn ttl() -> Ttl {
    Ttl::new(60).unwrap()
}

fn simple(record_type: &str, texts: &[&str]) -> RRset {
    RRset::simple(ttl(), texts.iter().map(|text| data(record_type, text))).unwrap()
}

fn member(id: &str, weight: u8, text: &str) -> Member {
    Member { id: id.into(), weight, health_check: None, data: data("A", text) }
}

fn candidate(id: &str, record_type: &str, text: &str) -> Candidate {
    Candidate { id: id.into(), health_check: None, data: data(record_type, text) }
}

#[test]
fn order_and_duplicates_do_not_matter() {
    let sorted = simple("A", &["192.0.2.1", "192.0.2.2", "192.0.2.10"]);
    assert_eq!(simple("A", &["192.0.2.10", "192.0.2.1", "192.0.2.2", "192.0.2.1"]), sorted);
    assert_eq!(sorted.len(), 3);
    let texts: Vec<String> = sorted.data().map(ToString::to_string).collect();
    assert_eq!(texts, ["192.0.2.1", "192.0.2.2", "192.0.2.10"], "by their bytes (RFC 4034 section 6.3)");
}

#[test]
fn names_in_record_data_are_lower_case() {
    // RFC 4034 section 6.2 (3), as RFC 6840 section 5.1 has it.
    for (record_type, upper, lower) in [
        ("NS", "NS1.Example.", "ns1.example."),
        ("CNAME", "API.EXAMPLE.", "api.example."),
        ("MX", "10 Mail.Example.", "10 mail.example."),
        ("SRV", "1 2 53 Host.Example.", "1 2 53 host.example."),
        ("SOA", "NS1.Example. Ops.Example. 0 300 60 86400 30", "ns1.example. ops.example. 0 300 60 86400 30"),
    ] {
        assert_eq!(simple(record_type, &[upper]), simple(record_type, &[lower]), "{record_type}");
        assert_eq!(simple(record_type, &[upper, lower]).len(), 1, "{record_type}");
    }
    assert_ne!(simple("TXT", &["Text"]), simple("TXT", &["text"]), "a text keeps its case");
}

#[test]
fn what_makes_no_rrset_is_refused() {
    assert_eq!(RRset::simple(ttl(), []), Err(InvalidRRset::Empty));
    assert_eq!(RRset::weighted(ttl(), []), Err(InvalidRRset::Empty));
    let mixed = RRset::simple(ttl(), [data("A", "192.0.2.1"), data("TXT", "x")]);
    assert!(matches!(mixed, Err(InvalidRRset::MixedTypes(..))), "{mixed:?}");
    let addresses = (0..=65_535_u32).map(|number| RData::A(std::net::Ipv4Addr::from(number).into()));
    assert_eq!(RRset::simple(ttl(), addresses), Err(InvalidRRset::TooMany(65_536)));
    let twins = RRset::weighted(ttl(), [member("a", 1, "192.0.2.1"), member("a", 2, "192.0.2.2")]);
    assert_eq!(twins, Err(InvalidRRset::DuplicateMember("a".into())));
    for id in ["", &"x".repeat(129)] {
        let nameless = RRset::weighted(ttl(), [member(id, 1, "192.0.2.1")]);
        assert_eq!(nameless, Err(InvalidRRset::InvalidMember(id.into())));
    }
    assert!(RRset::weighted(ttl(), [member(&"x".repeat(128), 1, "192.0.2.1")]).is_ok());
}

#[test]
fn members_are_ordered_by_their_ids_and_keep_equal_data() {
    let (a, b) = (member("a", 0, "192.0.2.9"), member("b", 255, "192.0.2.9"));
    let weighted = RRset::weighted(ttl(), [b.clone(), a.clone()]).unwrap();
    assert_eq!(*weighted.records(), Records::Weighted([a, b].into()));
    assert_eq!((weighted.len(), weighted.record_type()), (2, RecordType::A));
}

#[test]
fn candidates_are_ordered_by_their_ids_and_keep_equal_data() {
    let (a, b) = (candidate("a", "MX", "10 Mail"), candidate("b", "MX", "10 mail"));
    let spread = RRset::multivalue(ttl(), [b.clone(), a]).unwrap();
    let canonical = candidate("a", "MX", "10 mail");
    assert_eq!(*spread.records(), Records::Multivalue([canonical, b].into()));
    assert_eq!((spread.len(), spread.record_type()), (2, RecordType::MX));
    assert_eq!(spread.data().map(ToString::to_string).collect::<Vec<_>>(), ["10 mail.example."; 2]);
}

#[test]
fn what_makes_no_multivalue_rrset_is_refused() {
    assert_eq!(RRset::multivalue(ttl(), []), Err(InvalidRRset::Empty));
    let spread = |candidates: &[Candidate]| RRset::multivalue(ttl(), candidates.iter().cloned());
    let (a, b) = (candidate("a", "A", "192.0.2.1"), candidate("b", "TXT", "x"));
    assert_eq!(spread(&[a.clone(), b]), Err(InvalidRRset::MixedTypes(RecordType::TXT, RecordType::A)));
    let twins = [a.clone(), candidate("b", "A", "192.0.2.2"), candidate("a", "A", "192.0.2.3")];
    assert_eq!(spread(&twins), Err(InvalidRRset::DuplicateMember("a".into())));
    for id in ["", &"x".repeat(129)] {
        let nameless = Candidate { id: id.into(), ..a.clone() };
        assert_eq!(spread(&[nameless]), Err(InvalidRRset::InvalidMember(id.into())));
    }
    let soa = "ns1 hostmaster 0 300 60 86400 30";
    for (record_type, text) in [("CNAME", "www"), ("NS", "ns1"), ("SOA", soa)] {
        let error = spread(&[candidate("a", record_type, text)]).unwrap_err();
        assert_eq!(error, InvalidRRset::NotMultivalue(record_type.parse().unwrap()));
        assert!(error.to_string().starts_with(&format!("a {record_type} RRset cannot be multivalue")));
    }
    let addresses = (0..=65_535_u32).map(|number| Candidate {
        id: number.to_string().into(),
        health_check: None,
        data: RData::A(std::net::Ipv4Addr::from(number).into()),
    });
    assert_eq!(RRset::multivalue(ttl(), addresses), Err(InvalidRRset::TooMany(65_536)));
}

#[test]
fn the_id_of_a_health_check_has_1_to_64_bytes() {
    let weighted = |check: &str| {
        let checked = Member { health_check: Some(check.into()), ..member("a", 1, "192.0.2.1") };
        RRset::weighted(ttl(), [checked])
    };
    let spread = |check: &str| {
        let checked = Candidate { health_check: Some(check.into()), ..candidate("a", "A", "192.0.2.1") };
        RRset::multivalue(ttl(), [checked])
    };
    let longest = "x".repeat(64);
    assert!(weighted(&longest).is_ok() && spread(&longest).is_ok());
    for bad in ["", &"x".repeat(65)] {
        assert_eq!(weighted(bad), Err(InvalidRRset::InvalidHealthCheck(bad.into())));
        assert_eq!(spread(bad), Err(InvalidRRset::InvalidHealthCheck(bad.into())));
    }
}

#[test]
fn a_ttl_has_31_bits() {
    assert_eq!(Ttl::new(i32::MAX as u32), Some(Ttl::MAX));
    assert_eq!(Ttl::new(i32::MAX as u32 + 1), None);
}

#[test]
fn record_data_is_read_relative_to_the_origin() {
    assert_eq!(data("CNAME", "api").to_string(), "api.example.");
    assert_eq!(data("cname", "api.other.").to_string(), "api.other.");
    assert_eq!(data("A", " 192.0.2.1 ").to_string(), "192.0.2.1");
}

#[test]
fn what_is_no_record_data_is_refused_with_its_text() {
    for (record_type, text) in [
        ("A", "192.0.2"),
        ("A", "192.0.2.256"),
        ("A", "2001:db8::1"),
        ("A", ""),
        ("A", "  "),
        ("A", "192.0.2.1\nevil 60 IN A 192.0.2.2"),
        ("A", "192.0.2.1\r"),
        ("AAAA", "192.0.2.1"),
        ("MX", "mail"),
        ("SOA", "ns1 ops 0 1 2"),
        ("CNAME", "a..b"),
        ("NOSUCHTYPE", "x"),
        ("A B", "192.0.2.1"),
        ("", "192.0.2.1"),
    ] {
        let error = rdata(record_type, text, &origin()).expect_err(text).to_string();
        assert!(error.contains(&format!("{text:?} is no {record_type} record: ")), "{error}");
    }
}

#[test]
fn names_are_absolute_and_compared_without_case() {
    let name: OwnerName = "WWW.Example.".parse().unwrap();
    assert_eq!(name, "www.example".parse().unwrap());
    assert_eq!(name.to_string(), "www.example.");
    assert_eq!(OwnerName::relative("www", &origin()), Ok(name.clone()));
    assert_eq!(OwnerName::relative("www.example.", &origin()), Ok(name.clone()));
    assert_eq!(OwnerName::relative("@", &origin()), Ok(origin()));
    assert_eq!(name.parent(), origin());
    assert!(origin().parent().is_root() && origin().parent().parent().is_root());
    assert!(name.is_in(&origin()) && origin().is_in(&origin()) && !origin().is_in(&name));
    assert!(!"notexample.".parse::<OwnerName>().unwrap().is_in(&origin()));
    assert_eq!(origin().wildcard_child().map(|name| name.to_string()), Some("*.example.".to_owned()));
    assert!("*.example.".parse::<OwnerName>().unwrap().is_wildcard());
    for bad in ["", "a..example.", &format!("{}.example.", "x".repeat(64)), &"x.".repeat(128)] {
        assert!(bad.parse::<OwnerName>().is_err(), "{bad:?}");
    }
}

#[test]
fn names_are_in_canonical_order() {
    // RFC 4034 section 6.1's example, without the escapes.
    let sorted = [
        "example.",
        "a.example.",
        "yljkjljk.a.example.",
        "z.a.example.",
        "zabc.a.example.",
        "z.example.",
        "*.z.example.",
    ];
    let names: Vec<OwnerName> = sorted.iter().map(|name| name.parse().unwrap()).collect();
    assert!(names.is_sorted_by(|left, right| left < right), "{names:?}");
}

/// Every pair of short names over the bytes that could go wrong, against the comparison of labels.
#[test]
fn names_order_and_nest_as_their_labels_do() {
    let bytes = [0, 1, 2, b'*', b'A', b'b', 255];
    let mut labels: Vec<Vec<u8>> = bytes.iter().map(|byte| vec![*byte]).collect();
    labels.extend(bytes.iter().flat_map(|first| [0, 1, b'b'].map(|second| vec![*first, second])));
    let ones = labels.iter().map(|label| vec![label.clone()]);
    let twos =
        labels.iter().flat_map(|first| labels.iter().map(|second| vec![first.clone(), second.clone()]));
    let all = ones.chain(twos).chain([vec![]]).map(|labels| Name::from_labels(labels).unwrap());
    let all: Vec<(Name, OwnerName)> = all.map(|name| (name.clone(), OwnerName::new(&name))).collect();
    for (left, left_owner) in &all {
        for (right, right_owner) in &all {
            assert_eq!(left_owner.cmp(right_owner), left.cmp(right), "{left} {right}");
            assert_eq!(left_owner == right_owner, left == right, "{left} {right}");
            assert_eq!(left_owner.is_in(right_owner), right.zone_of(left), "{left} {right}");
        }
        assert_eq!(left_owner.is_root(), left.is_root());
    }
}
