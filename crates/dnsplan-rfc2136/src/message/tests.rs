use dnsplan_plan::{OwnerName, RecordType};

use super::{Rr, Update, name_len};

fn names() -> Vec<OwnerName> {
    let long = format!("{}.example.", ["a"; 120].join("."));
    let texts = [".", "example.", "*.a.example.", &long];
    let odd = [&b"\x03a.b\x07example\0"[..], b"\x02a\xff\x00"];
    let odd = odd.into_iter().map(|wire| OwnerName::from_wire(wire).unwrap());
    texts.iter().map(|text| text.parse().unwrap()).chain(odd).collect()
}

#[test]
fn a_name_takes_as_many_bytes_as_its_wire_form_has() {
    for name in names() {
        assert_eq!(name_len(&name), name.to_wire().len(), "{name}");
    }
}

#[test]
fn a_message_is_as_long_as_was_counted() {
    for zone in names() {
        let mut update = Update::default();
        for name in names() {
            assert_eq!(update.len(&zone), update.encode(7, &zone).len(), "{zone}: {update:?}");
            update.prerequisites.push(Rr::must_not_be(name.clone(), RecordType::CNAME));
            update.changes.push(Rr::add(name, RecordType::A, 60, vec![192, 0, 2, 1]));
        }
        assert_eq!(update.len(&zone), update.encode(7, &zone).len(), "{zone}: {update:?}");
    }
}
