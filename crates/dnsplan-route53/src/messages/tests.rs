use std::slice;

use dnsplan_plan::RecordType;
use proptest::prelude::*;

use super::{Kind, Problem, parse};
use crate::testing::name;

fn problem(owner: &str, record_type: RecordType, kind: Kind) -> Problem {
    Problem { name: Some(name(owner)), record_type: Some(record_type), kind }
}

#[test]
fn each_text_that_tools_have_reported() {
    let (a, cname) = (RecordType::A, RecordType::CNAME);
    for (text, expected) in [
        (
            "Tried to delete resource record set [name='x.example.com.', type='A'] but the values provided do not match the \
             current values",
            problem("x", a, Kind::ValuesDiffer),
        ),
        (
            "Tried to delete resource record set [name='\\052.example.com.', type='A'] but it was not found",
            problem("*", a, Kind::NotFound),
        ),
        (
            "Tried to create resource record set [name='x.example.com.', type='A', set-identifier='m, 1'] but it already exists",
            problem("x", a, Kind::AlreadyExists),
        ),
        (
            "Tried to create an alias that targets t.example.com., type A in zone Z1, but that target was not found",
            problem("t", a, Kind::AliasTargetMissing),
        ),
        (
            "RRSet of type CNAME with DNS name x.example.com. is not permitted as it conflicts with other records with the same \
             DNS name in zone example.com.",
            problem("x", cname, Kind::AlreadyExists),
        ),
        (
            "RRSet of type A with DNS name x.example.com. is not permitted because a conflicting RRSet of type  CNAME with the \
             same DNS name already exists in zone example.com.",
            problem("x", a, Kind::AlreadyExists),
        ),
        (
            "RRSet with DNS name x.example.com., type CNAME cannot be created as other RRSets exist with the same name and type.",
            problem("x", cname, Kind::AlreadyExists),
        ),
        (
            "RRSet with DNS name x.example.com. and type A, SetIdentifier m cannot be created as weighted sets must contain the \
             same TTL.",
            problem("x", a, Kind::AlreadyExists),
        ),
    ] {
        assert_eq!(parse(text), slice::from_ref(&expected), "{text}");
        assert_eq!(parse(&format!("[{text}]")), slice::from_ref(&expected), "{text}");
    }
}

#[test]
fn a_list_is_taken_apart_at_its_texts() {
    let list = "[Tried to delete resource record set [name='_dnsplan.example.com.', type='TXT'] but it was not found, Tried to \
                create resource record set [name='a.example.com.', type='A', set-identifier='a, b, c'] but it already exists, \
                Invalid Resource Record: 'FATAL problem: TXTRDATATooLong, Tried (Value is too long) encountered with \
                '\"x, y\"'', RRSet with DNS name b.example.org. is not permitted in zone example.com.]";
    let problems = parse(list);
    let [fence, exists, invalid, outside] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(*fence, problem("_dnsplan", RecordType::TXT, Kind::NotFound));
    assert_eq!(*exists, problem("a", RecordType::A, Kind::AlreadyExists));
    assert_eq!((&invalid.name, &invalid.record_type), (&None, &None));
    assert!(matches!(&invalid.kind, Kind::Other(text) if text.ends_with("'\"x, y\"''")), "{invalid:?}");
    assert_eq!((&outside.name, &outside.record_type), (&Some(name("b.example.org.")), &None));
    assert!(matches!(&outside.kind, Kind::Other(_)));
}

#[test]
fn what_is_not_understood_is_passed_on() {
    let repeated =
        "The request contains an invalid set of changes for a resource record set 'A x.example.com.'";
    assert_eq!(parse(repeated), [problem("x", RecordType::A, Kind::Other(repeated.to_owned()))]);
    let outside = "Tried to create an alias that targets t.example.com., type A in zone Z1, but the alias target name does not \
                   lie within the target zone";
    assert_eq!(parse(outside), [problem("t", RecordType::A, Kind::Other(outside.to_owned()))]);
    let unknown = "something new";
    let expected = Problem { name: None, record_type: None, kind: Kind::Other(unknown.to_owned()) };
    assert_eq!(parse(unknown), [expected]);
    assert_eq!(parse("[]"), []);
    assert_eq!(parse(""), []);
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "(\\[|, |Tried to |RRSet |DNS name |type |'|[a-z.\\\\0-9é]{0,3}){0,30}") {
        let shown: usize = parse(&text).len();
        prop_assert!(shown <= text.matches(", ").count() + 1);
    }
}
