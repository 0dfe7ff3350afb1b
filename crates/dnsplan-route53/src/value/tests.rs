use dnsplan_plan::{OwnerName, RData, RecordType, rdata};
use proptest::prelude::*;

use super::{Value, from_text, to_text, type_of, type_text};

fn origin() -> OwnerName {
    "example.com.".parse().expect("a name")
}

fn data(record_type: &str, text: &str) -> RData {
    rdata(record_type, text, &origin()).expect("record data")
}

fn text_of(record_type: &str, text: &str) -> String {
    Value::of(&data(record_type, text)).expect("a type of Route 53's").text().to_owned()
}

/// Every type, as a zone file has it and as the API wants it.
#[test]
fn every_type_of_route_53() {
    for (record_type, zone_file, api) in [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:db8:0:0::1", "2001:db8::1"),
        ("CNAME", "WWW", "www.example.com."),
        ("NS", "ns1.example.net.", "ns1.example.net."),
        ("PTR", "host", "host.example.com."),
        ("MX", "10 mail", "10 mail.example.com."),
        ("TXT", "\"one two\" three", "\"one two\" \"three\""),
        ("SRV", "1 2 443 Host", "1 2 443 host.example.com."),
        ("CAA", "0 issue \"ca.example.net; account=1\"", "0 issue \"ca.example.net; account=1\""),
        ("SSHFP", "4 2 123456789ABCDEF0", "4 2 123456789abcdef0"),
        ("TLSA", "3 1 1 0123456789ABCDEF", "3 1 1 0123456789abcdef"),
        ("SOA", "ns ops 1 2 3 4 5", "ns.example.com. ops.example.com. 1 2 3 4 5"),
        ("NAPTR", "100 10 U E2U+sip \"!^.*$!sip:i@x!\" .", "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:i@x!\" ."),
        ("SVCB", "0 pool.example.com.", "0 pool.example.com."),
        (
            "HTTPS",
            "1 . alpn=h2,h3 port=443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1",
            "1 . alpn=\"h2,h3\" port=443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1",
        ),
    ] {
        assert_eq!(text_of(record_type, zone_file), api);
        let record_type = type_of(record_type).expect("a type of Route 53's");
        assert_eq!(
            from_text(record_type, api).and_then(|wire| to_text(record_type, &wire)).as_deref(),
            Some(api)
        );
    }
}

#[test]
fn types_that_hickory_does_not_read() {
    let ds = type_of("DS").unwrap();
    let wire = from_text(ds, "12345 13 2 ABCD ef01").unwrap();
    assert_eq!(wire, [0x30, 0x39, 13, 2, 0xab, 0xcd, 0xef, 0x01]);
    assert_eq!(to_text(ds, &wire).as_deref(), Some("12345 13 2 abcdef01"));
    let spf = type_of("SPF").unwrap();
    assert_eq!((type_text(spf), type_text(RecordType::A)), ("SPF".to_owned(), "A".to_owned()));
    assert_eq!(Value::returned(spf, "\"v=spf1 -all\"").text(), "\"v=spf1 -all\"");
}

#[test]
fn what_means_the_same_is_equal_and_keeps_its_text() {
    for (record_type, ours, theirs) in [
        ("AAAA", "2001:db8::1", "2001:0DB8:0:0:0:0:0:1"),
        ("CNAME", "www.example.com.", "WWW.example.com"),
        ("MX", "10 mail.example.com.", "010  mail.example.com"),
        ("TXT", "\"a\\042\\134\\303\\251\"", "  \"a\\\"\\\\\u{e9}\""),
        ("TXT", "\"a\" \"b\"", "\"a\"\"b\""),
        ("SSHFP", "4 2 abcdef", "4 2 AB CDEF"),
        ("HTTPS", "1 . alpn=\"h2\" port=443", "1 . port=\"443\" alpn=h2"),
        ("HTTPS", "1 . mandatory=alpn,port alpn=\"h2\" port=1", "1 . mandatory=port,alpn port=1 alpn=h2"),
    ] {
        let kind = type_of(record_type).unwrap();
        let (ours, found) = (Value::returned(kind, ours), Value::returned(kind, theirs));
        assert_eq!(ours, found);
        assert_eq!(found.text(), theirs);
        assert_eq!(ours.normal, None, "{}", ours.text());
    }
    let txt = |text| Value::returned(RecordType::TXT, text);
    assert_ne!(txt("\"ab\""), txt("\"a\" \"b\""), "strings are not put together");
    assert_ne!(txt("\"A\""), txt("\"a\""));
}

#[test]
fn what_cannot_be_read_is_equal_to_itself_only() {
    for (record_type, text) in [
        (RecordType::A, "192.0.2.256"),
        (RecordType::A, "192.0.2.1 192.0.2.2"),
        (RecordType::TXT, "no quotes"),
        (RecordType::TXT, "\"open"),
        (RecordType::MX, "10"),
        (RecordType::MX, "65536 mail."),
        (RecordType::SSHFP, "4 2 abc"),
        (RecordType::SSHFP, "4 2 +a"),
        (RecordType::HTTPS, "1 . port=1 port=2"),
        (RecordType::HTTPS, "1 . ech=AAAA"),
        (RecordType::HTTPS, "1 . unknown=1"),
    ] {
        assert_eq!(from_text(record_type, text), None, "{text}");
        let value = Value::returned(record_type, text);
        assert_eq!(value, Value::returned(record_type, text));
        assert_ne!(value, Value::returned(record_type, &format!("{text} ")));
    }
}

#[test]
fn a_type_that_route_53_does_not_have_is_refused_by_name() {
    let error = Value::of(&data("HINFO", "\"a\" \"b\"")).unwrap_err();
    assert!(error.to_string().contains("HINFO"), "{error}");
    assert!(Value::of(&data("HTTPS", "1 . ech=AAAA")).is_err());
    assert_eq!(type_of("HINFO"), None);
    assert_eq!(type_of("a"), None);
}

#[test]
fn long_texts_are_cut_into_strings() {
    let value = Value::txt(&"x".repeat(600));
    let lengths: Vec<usize> = value.text().split(' ').map(|string| string.len() - 2).collect();
    assert_eq!(lengths, [255, 255, 90]);
    assert_eq!(Value::txt("").text(), "\"\"");
    let string = |length| from_text(RecordType::TXT, &format!("\"{}\"", "x".repeat(length)));
    assert!(string(255).is_some() && string(256).is_none(), "one string holds no more");
    assert_eq!(Value::returned(RecordType::TXT, "none").txt_content(), None);
}

fn any_wire() -> impl Strategy<Value = (RecordType, Vec<u8>)> {
    let name = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..5), 0..4).prop_map(|labels| {
        let mut wire: Vec<u8> = Vec::new();
        for label in labels {
            wire.push(label.len() as u8);
            wire.extend(label.to_ascii_lowercase());
        }
        wire.push(0);
        wire
    });
    let string =
        || prop::collection::vec(any::<u8>(), 0..20).prop_map(|text| [vec![text.len() as u8], text].concat());
    let fixed = |length: usize| prop::collection::vec(any::<u8>(), length);
    let hex = || prop::collection::vec(any::<u8>(), 1..20);
    let key = (7..20u16, prop::collection::vec(any::<u8>(), 0..9)).prop_map(|(key, value)| {
        let length = value.len() as u16;
        [&key.to_be_bytes()[..], &length.to_be_bytes(), &value].concat()
    });
    let typed = |record_type| move |wire| (record_type, wire);
    prop_oneof![
        fixed(4).prop_map(typed(RecordType::A)),
        fixed(16).prop_map(typed(RecordType::AAAA)),
        name.clone().prop_map(typed(RecordType::CNAME)),
        (fixed(6), name.clone()).prop_map(|(head, name)| (RecordType::SRV, [head, name].concat())),
        (name.clone(), name.clone(), fixed(20)).prop_map(|(a, b, c)| (RecordType::SOA, [a, b, c].concat())),
        prop::collection::vec(string(), 1..5).prop_map(|texts| (RecordType::TXT, texts.concat())),
        (fixed(4), string(), string(), string(), name.clone())
            .prop_map(|(a, b, c, d, e)| (RecordType::NAPTR, [a, b, c, d, e].concat())),
        (any::<u8>(), hex()).prop_map(|(flags, rest)| {
            (RecordType::CAA, [vec![flags, 5], b"issue".to_vec(), rest].concat())
        }),
        (fixed(4), hex()).prop_map(|(head, hex)| (RecordType::DS, [head, hex].concat())),
        (fixed(2), name, key).prop_map(|(head, name, key)| (RecordType::SVCB, [head, name, key].concat())),
    ]
}

proptest! {
    #[test]
    fn data_leads_to_text_and_back((record_type, wire) in any_wire()) {
        let text = to_text(record_type, &wire).expect("valid data");
        prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", text);
        prop_assert_eq!(from_text(record_type, &text), Some(wire));
        prop_assert_eq!(Value::returned(record_type, &text).normal, None);
    }

    #[test]
    fn texts_of_any_length_lead_back(text in "\\PC{0,700}") {
        let value = Value::txt(&text);
        prop_assert_eq!(value.txt_content(), Some(text.into_bytes()));
        prop_assert_eq!(Value::returned(RecordType::TXT, value.text()), value);
    }

    #[test]
    fn no_text_is_too_strange(text in "[\\x00-\\x7f]{0,40}", index in 0..8usize) {
        let record_type = ["A", "TXT", "HTTPS", "CAA", "NAPTR", "SOA", "MX", "DS"][index];
        let value = Value::returned(type_of(record_type).unwrap(), &text);
        prop_assert_eq!(value.text(), &text);
    }
}
