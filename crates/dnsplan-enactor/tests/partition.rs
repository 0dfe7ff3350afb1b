//! Cutting a plan into parts: what is pointed at goes first, what the plan no longer has goes last, nothing is left out.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::collections::BTreeSet;

use common::{origin, owner, owners, set};
use dnsplan_enactor::partition::{order, part, parts};
use dnsplan_plan::{OwnerName, Zone};

fn zone(records: &[(&str, &str, &str)]) -> Zone {
    let mut zone = Zone::empty(origin());
    records.iter().for_each(|(label, record_type, text)| set(&mut zone, label, record_type, &[text]));
    zone
}

/// The order in which `labels` are put in place.
fn ordered<const N: usize>(zone: &Zone, labels: [&str; N]) -> Vec<OwnerName> {
    order(zone, &owners(labels))
}

#[test]
fn what_is_pointed_at_goes_before_what_points_at_it() {
    let chain = zone(&[
        ("a", "CNAME", "b"),
        ("b", "CNAME", "c"),
        ("c", "CNAME", "d"),
        ("d", "A", "192.0.2.1"),
        ("mail", "MX", "10 c"),
        ("z", "TXT", "x"),
    ]);
    let expected = ["d", "z", "c", "b", "mail", "a"].map(owner);
    assert_eq!(ordered(&chain, ["a", "b", "c", "d", "mail", "z"]), expected);
    // The way there counts, also where what lies between is not to be changed.
    assert_eq!(ordered(&chain, ["a", "d", "mail"]), ["d", "mail", "a"].map(owner));
}

#[test]
fn what_the_plan_no_longer_has_goes_last() {
    let zone = zone(&[("x", "CNAME", "y"), ("y", "A", "192.0.2.1")]);
    assert_eq!(ordered(&zone, ["aa", "x", "y", "zz"]), ["y", "x", "aa", "zz"].map(owner));
}

#[test]
fn what_points_out_of_the_zone_or_at_itself_waits_for_nothing() {
    let zone = zone(&[
        ("a", "CNAME", "lb.other.test."),
        ("b", "CNAME", "b"),
        ("c", "A", "192.0.2.1"),
        ("d", "MX", "10 gone"),
    ]);
    assert_eq!(ordered(&zone, ["a", "b", "c", "d"]), ["a", "b", "c", "d"].map(owner));
}

#[test]
fn names_that_point_at_each_other_in_a_circle_are_all_put_in_place() {
    let circle = zone(&[("a", "CNAME", "b"), ("b", "CNAME", "c"), ("c", "CNAME", "a"), ("d", "CNAME", "a")]);
    let found = ordered(&circle, ["a", "b", "c", "d"]);
    assert_eq!(found.len(), 4);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), owners(["a", "b", "c", "d"]));
}

#[test]
fn the_parts_of_a_cut_are_everything_once_and_none_is_larger_than_the_batch() {
    let names: Vec<OwnerName> = (0..10).map(|index| owner(&format!("n{index}"))).collect();
    for count in 0..=names.len() {
        for size in 0..12 {
            let what = format!("{count} owner names, {size} at a time");
            let names = &names[..count];
            let cut: Vec<&[OwnerName]> =
                (0..parts(count, size)).map(|index| part(names, size, index)).collect();
            assert_eq!(cut.concat(), names, "{what}");
            assert!(cut.iter().all(|part| part.len() <= size.max(1)), "{what}");
            assert!(count == 0 || cut.iter().all(|part| !part.is_empty()), "no part for nothing: {what}");
            assert!(part(names, size, parts(count, size)).is_empty(), "beyond the end: {what}");
        }
    }
    assert_eq!([parts(0, 3), parts(9, 3), parts(10, 3), parts(10, 0)], [1, 3, 4, 10]);
    assert_eq!(part(&names, usize::MAX, 0), names, "one part holds all");
    assert!(part(&names, usize::MAX, 1).is_empty(), "and there is no second");
}
