use super::*;
use crate::record::Key;

fn zone(sets: &[RecordSet]) -> Zone {
    let mut zone = Zone::new("Z1".to_owned(), Name::parse("a.test").unwrap());
    for set in sets {
        let set = crate::batch::canonical(set).unwrap();
        zone.set(Key::of(Name::parse(&set.name).unwrap(), &set), Some(set));
    }
    zone
}

fn a(name: &str, last: u8) -> RecordSet {
    RecordSet::new(name, "A").ttl(60).value(format!("192.0.2.{last}"))
}

fn alias(name: &str, target: &str) -> RecordSet {
    RecordSet::new(name, "A").alias("Z1", target)
}

fn ask(sets: &[RecordSet], name: &str) -> Answer {
    resolve(&zone(sets), &Name::parse(name).unwrap(), "A")
}

/// The last parts of the addresses of each choice, with its probability.
fn choices(answer: &Answer) -> Vec<(String, f64)> {
    let lasts = |choice: &Choice| {
        let lasts: Vec<&str> = choice.values.iter().filter_map(|value| value.rsplit('.').next()).collect();
        (lasts.join(","), choice.probability)
    };
    answer.choices.iter().map(lasts).collect()
}

fn one(values: &str) -> Vec<(String, f64)> {
    vec![(values.to_owned(), 1.0)]
}

#[test]
fn a_record_set_answers_with_all_its_values() {
    let answer = ask(&[a("x.a.test", 1).value("192.0.2.2")], "X.a.test");
    assert_eq!(choices(&answer), one("1,2"));
    assert_eq!(answer.choices[0].ttl, Some(60));
    assert!(!answer.may_be_empty());
}

#[test]
fn names_that_are_not_there_and_names_without_the_type() {
    let sets = [RecordSet::new("x.y.a.test", "TXT").ttl(1).value("\"t\"")];
    assert_eq!(ask(&sets, "z.a.test"), Answer { name_exists: false, choices: vec![] });
    for name in ["x.y.a.test", "y.a.test"] {
        let answer = ask(&sets, name);
        assert!(answer.name_exists && answer.may_be_empty() && answer.choices.is_empty(), "{name}");
    }
}

#[test]
fn wildcards_answer_for_names_that_are_not_there() {
    let sets = [a("*.a.test", 1), a("x.b.a.test", 2)];
    assert_eq!(choices(&ask(&sets, "any.a.test")), one("1"));
    assert_eq!(choices(&ask(&sets, "any.thing.a.test")), one("1"));
    // The closest encloser is b.a.test, and it has no wildcard.
    assert!(!ask(&sets, "y.b.a.test").name_exists);
    assert_eq!(choices(&ask(&sets, "b.a.test")), []);
}

#[test]
fn aliases_are_followed_and_named() {
    let answer =
        ask(&[alias("x.a.test", "y.a.test"), alias("y.a.test", "z.a.test"), a("z.a.test", 1)], "x.a.test");
    assert_eq!(choices(&answer), one("1"));
    let from: Vec<&str> = answer.choices[0].from.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(from, ["x.a.test.", "y.a.test.", "z.a.test."]);
}

#[test]
fn an_alias_without_its_target_is_nodata() {
    for sets in [
        vec![alias("x.a.test", "y.a.test")],
        vec![alias("x.a.test", "y.a.test"), alias("y.a.test", "x.a.test")],
    ] {
        let answer = ask(&sets, "x.a.test");
        assert_eq!(choices(&answer), one(""), "{sets:?}");
        assert!(answer.name_exists && answer.may_be_empty());
        assert!(answer.choices[0].from.len() <= 3, "a loop is gone through once");
    }
}

#[test]
fn weights_make_choices_also_when_they_are_nested() {
    let sets = [
        alias("x.a.test", "left.a.test").weighted("l", 3),
        alias("x.a.test", "right.a.test").weighted("r", 1),
        alias("x.a.test", "gone.a.test").weighted("g", 4),
        a("left.a.test", 1).weighted("1", 1),
        a("left.a.test", 2).weighted("2", 2),
        a("left.a.test", 3).weighted("3", 0),
        a("right.a.test", 4),
    ];
    let answer = ask(&sets, "x.a.test");
    let mut found = choices(&answer);
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let shares = [("", 0.5), ("1", 0.125), ("2", 0.25), ("4", 0.125)];
    assert_eq!(found, shares.map(|(values, share)| (values.to_owned(), share)));
    assert!(answer.may_be_empty());
    assert_eq!(answer.values().len(), 4);
}

#[test]
fn weights_that_are_all_zero_are_equal() {
    let sets = [a("x.a.test", 1).weighted("1", 0), a("x.a.test", 2).weighted("2", 0)];
    assert_eq!(choices(&ask(&sets, "x.a.test")), [("1".to_owned(), 0.5), ("2".to_owned(), 0.5)]);
}

#[test]
fn candidates_are_one_choice_with_the_lowest_ttl() {
    let sets = [a("x.a.test", 1).multivalue("1").ttl(30), a("x.a.test", 2).multivalue("2")];
    let answer = ask(&sets, "x.a.test");
    assert_eq!(choices(&answer), one("1,2"));
    assert_eq!((answer.choices[0].ttl, answer.choices[0].from.len()), (Some(30), 2));
}

#[test]
fn a_cname_answers_for_other_types() {
    let answer = ask(&[RecordSet::new("x.a.test", "CNAME").ttl(1).value("y.a.test.")], "x.a.test");
    assert_eq!(answer.values(), [vec!["y.a.test.".to_owned()]].into());
    assert_eq!(answer.choices[0].from[0].record_type, "CNAME");
}
