use hickory_proto::op::ResponseCode;

use super::suspects;
use crate::testing::{name, plan, simple, wanted};
use crate::unit::Unit;
use dnsplan_plan::{Node, RRset};

fn is_suspect(owner: &str, rrset: RRset, code: ResponseCode) -> bool {
    is_suspect_without(&[], owner, rrset, code)
}

fn is_suspect_without(aside: &[&str], owner: &str, rrset: RRset, code: ResponseCode) -> bool {
    let node = Node::new().with(rrset);
    let wanted = wanted().node(&name(owner), &node).expect("it fits");
    let unit = Unit { owner: name(owner), wanted, ours: Default::default(), hints: Vec::new(), looked: None };
    let mail = (name("mail"), Node::new().with(simple("A", &["192.0.2.25"])));
    let plan = plan(1, [(name(owner), node), mail]);
    let aside = aside.iter().copied().map(name).collect();
    !suspects(&[unit], plan.zone(), &aside, code).is_empty()
}

#[test]
fn names_that_are_no_hosts_are_suspects_where_a_host_has_to_be() {
    let refused =
        |owner: &str, kind: &str, text: &str| is_suspect(owner, simple(kind, &[text]), ResponseCode::Refused);
    for (owner, kind, text) in [
        ("no_host", "A", "192.0.2.1"),
        ("x_", "AAAA", "::1"),
        ("x", "MX", "10 _host"),
        ("no_host", "MX", "10 mail"),
        ("x", "NS", "_host.example.net."),
        ("_sip._tcp", "SRV", "1 2 3 _host"),
        ("x", "MX", "10 nowhere"),
    ] {
        assert!(refused(owner, kind, text), "{owner} {kind} {text}");
    }
    for (owner, kind, text) in [
        ("www-1.x", "A", "192.0.2.1"),
        ("*.x", "A", "192.0.2.1"),
        ("x", "MX", "10 mail"),
        ("x", "MX", "10 nowhere.example.net."),
        ("_sip._tcp", "SRV", "1 2 3 mail"),
        ("_x", "TXT", "y"),
        ("_x", "CNAME", "_y"),
    ] {
        assert!(!refused(owner, kind, text), "{owner} {kind} {text}");
    }
}

#[test]
fn mail_whose_host_is_set_aside_is_lost() {
    for (aside, is_lost) in [(&[][..], false), (&["mail"], true), (&["other"], false)] {
        let mail = simple("MX", &["10 mail"]);
        assert_eq!(is_suspect_without(aside, "x", mail, ResponseCode::Refused), is_lost, "{aside:?}");
    }
}

#[test]
fn large_rrsets_are_suspects_where_the_server_fails() {
    let many = |count: usize| {
        let texts: Vec<String> = (0..count).map(|index| format!("192.0.2.{index}")).collect();
        simple("A", &texts.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(is_suspect("x", many(101), ResponseCode::ServFail));
    assert!(!is_suspect("x", many(100), ResponseCode::ServFail));
    assert!(!is_suspect("x", many(101), ResponseCode::Refused));
    assert!(!is_suspect("x", many(101), ResponseCode::NotAuth));
}
