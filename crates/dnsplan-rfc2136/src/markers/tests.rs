use dnsplan_plan::RecordType;

use super::Markers;
use crate::content::{Content, Node, Set};
use crate::testing::{name, simple};

fn claimed(marker: &str, text: &str, owner: &str) -> Option<String> {
    let mut content = Content::default();
    let rrset = simple("TXT", &[&format!("\"{text}\"")]);
    let set = Set::new(60, rrset.data()).expect("it can be encoded");
    content.put(&name(marker), [], &Node::from_iter([(RecordType::TXT, set)]));
    Markers::of(&content).claimed(&name(owner))
}

#[test]
fn the_markers_of_other_tools_are_known() {
    let heritage = "heritage=external-dns,external-dns/owner=x";
    for (marker, text, owner, tool) in [
        ("www", heritage, "www", "external-dns"),
        ("a-www", heritage, "www", "external-dns"),
        ("cname-www", heritage, "www", "external-dns"),
        ("_txt.www", heritage, "www", "external-dns"),
        ("_owner.a.www", "*octodns*", "www", "octoDNS"),
        ("_owner.a._wildcard.www", "*octodns*", "*.www", "octoDNS"),
        ("octodns-meta", "provider=x", "octodns-meta", "octoDNS"),
    ] {
        let claimed = claimed(marker, text, owner).unwrap_or_else(|| panic!("{marker} does not count"));
        assert!(claimed.contains(tool) && claimed.contains(&name(marker).to_string()), "{claimed}");
    }
    assert_eq!(claimed("www", "v=spf1 -all", "www"), None);
    assert_eq!(claimed("a-www", heritage, "web"), None);
}
