use dnsplan_plan::{RData, RRsetKey, RecordType, rdata};

use super::read;
use crate::message::Received;
use crate::testing::{name, simple, wanted};

fn record(owner: &str, ttl: u32, kind: &str, text: &str) -> Received {
    let data: RData = rdata(kind, text, &name("@")).expect("record data");
    Received { owner: name(owner), record_type: data.record_type(), ttl, data: Ok(data) }
}

#[test]
fn what_a_plan_can_say_is_read_and_the_rest_is_left_out_with_the_reason() {
    let unknown =
        |kind| Received { owner: name("odd"), record_type: kind, ttl: 60, data: Err(vec![1, 2, 3]) };
    let import = read(
        &wanted(),
        vec![
            record("@", 60, "SOA", "ns hostmaster 1 2 3 4 5"),
            record("@", 60, "NS", "ns.example.net."),
            record("@", 60, "MX", "10 mail"),
            record("www", 60, "A", "192.0.2.2"),
            record("www", 60, "A", "192.0.2.1"),
            record("mixed", 60, "A", "192.0.2.1"),
            record("mixed", 61, "A", "192.0.2.2"),
            record("sub", 60, "NS", "ns.sub"),
            record("ns.sub", 60, "A", "192.0.2.9"),
            record("shop", 60, "A", "192.0.2.8"),
            record("shop", 60, "TXT", "\"heritage=external-dns,x\""),
            record("_dnsplan", 60, "TXT", "\"whatever\""),
            unknown(RecordType::from(65400)),
            unknown(RecordType::CAA),
            unknown(RecordType::RRSIG),
        ],
    );
    assert!(import.is_managed);
    assert_eq!(import.name_servers, ["ns.example.net.".parse().unwrap()]);
    let key = |owner: &str, record_type| RRsetKey::new(name(owner), record_type);
    let read: Vec<_> = import.rrsets.keys().cloned().collect();
    assert_eq!(read, [key("@", RecordType::MX), key("www", RecordType::A)]);
    assert_eq!(import.rrsets[&key("www", RecordType::A)], simple("A", &["192.0.2.1", "192.0.2.2"]));
    let left: Vec<(String, &str)> =
        import.left_out.iter().map(|left| (left.owner.to_string(), left.reason.as_str())).collect();
    let expected = [
        ("mixed.", "different TTLs"),
        ("odd.", "cannot be read"),
        ("odd.", "no type that a plan has"),
        ("shop.", "external-dns"),
        ("shop.", "external-dns"),
        ("sub.", "delegated"),
        ("ns.sub.", "delegated"),
    ];
    assert_eq!(left.len(), expected.len(), "{left:?}");
    for ((owner, reason), (label, text)) in left.iter().zip(expected) {
        assert!(owner.starts_with(label) && reason.contains(text), "{owner} {reason}");
    }
}
