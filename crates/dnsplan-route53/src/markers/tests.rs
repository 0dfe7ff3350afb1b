use dnsplan_plan::RecordType;

use super::{claimed, marker};
use crate::name::from_api;
use crate::record::RecordSet;
use crate::testing::name;
use crate::value::Value;
use crate::zone_map::ZoneMap;

fn txt(owner: &str, text: &str) -> RecordSet {
    let owner = from_api(&format!("{owner}.example.com.")).expect("a name");
    RecordSet::simple(owner, RecordType::TXT, 300, vec![Value::returned(RecordType::TXT, text)])
}

#[test]
fn markers_are_recognised_where_they_are() {
    let external =
        "\"heritage=external-dns,external-dns/owner=default,external-dns/resource=ingress/default/x\"";
    for (owner, at, text) in [
        ("www", "www", external),
        ("www", "a-www", external),
        ("www", "cname-www", external),
        ("*", "cname-*", external),
        ("www", "_txt.www", external),
        ("www", "_owner.a.www", "\"*octodns*\""),
        ("*", "_owner.CNAME._wildcard", "\"*octodns*\""),
        ("@", "_owner.mx", "\"*octodns*\""),
        ("octodns-meta", "octodns-meta", "\"time=2026-01-01\""),
    ] {
        let zone: ZoneMap = [txt(at, text), txt("other", "\"x\"")].into_iter().collect();
        let by = claimed(&zone, &name(owner)).unwrap_or_else(|| panic!("{owner} is marked at {at}"));
        assert!(by.contains(at.to_lowercase().trim_end_matches('*')), "{by}");
        assert_eq!(claimed(&zone, &name("another")), None);
    }
}

#[test]
fn other_texts_mark_nothing() {
    let sets =
        [txt("www", "\"v=spf1 -all\""), txt("www", "\"x heritage=external-dns\""), txt("www", "unquoted")];
    assert_eq!(marker(&sets), None);
    let other = RecordSet { record_type: RecordType::CAA, ..txt("www", "\"*octodns*\"") };
    assert_eq!(marker(&[other]), None, "only TXT records mark");
}
