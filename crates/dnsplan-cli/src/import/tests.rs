use std::collections::BTreeMap;

use dnsplan::plan::{Import, LeftOut, Member, OwnerName, RData, RRset, RRsetKey, RecordType, Ttl, rdata};
use dnsplan::planner::Intent;

use super::{Draft, Left, Source};

const ZONE: &str = "example.org.";

fn zone() -> OwnerName {
    ZONE.parse().unwrap()
}

fn ttl(seconds: u32) -> Ttl {
    Ttl::new(seconds).unwrap()
}

fn import(rrsets: impl IntoIterator<Item = (OwnerName, RRset)>) -> Import {
    let keyed = |(owner, rrset): (OwnerName, RRset)| (RRsetKey::new(owner, rrset.record_type()), rrset);
    let rrsets: BTreeMap<RRsetKey, RRset> = rrsets.into_iter().map(keyed).collect();
    let name_servers = vec!["ns-1.awsdns-01.org.".parse().unwrap()];
    Import { zone: zone(), name_servers, is_managed: false, rrsets, left_out: Vec::new() }
}

fn draft(rrsets: impl IntoIterator<Item = (OwnerName, RRset)>) -> Draft {
    Draft::of(&import(rrsets)).unwrap()
}

fn address(last: u8) -> RData {
    rdata("A", &format!("192.0.2.{last}"), &zone()).unwrap()
}

fn a(last: u8) -> RRset {
    RRset::simple(ttl(60), [address(last)]).unwrap()
}

fn weighted(members: &[(&str, u8, u8)]) -> RRset {
    let member = |(id, weight, last): &(&str, u8, u8)| Member {
        id: (*id).into(),
        weight: *weight,
        health_check: None,
        data: address(*last),
    };
    RRset::weighted(ttl(60), members.iter().map(member)).unwrap()
}

fn reasons(draft: &Draft) -> Vec<&str> {
    draft.left_out.iter().map(|left| left.reason.as_str()).collect()
}

fn name(text: &str) -> OwnerName {
    OwnerName::relative(text, &zone()).unwrap()
}

/// A name below the zone of these labels, whatever bytes they are.
fn of_labels(labels: &[&[u8]]) -> OwnerName {
    let mut wire: Vec<u8> = labels.iter().flat_map(|label| [&[label.len() as u8], *label].concat()).collect();
    wire.extend(zone().to_wire());
    OwnerName::from_wire(&wire).unwrap()
}

#[test]
fn names_of_every_kind_are_read_back_or_left_out() {
    for (labels, is_taken) in [
        (&[][..], true),
        (&[&b"www"[..]], true),
        (&[b"*"], true),
        (&[b"*", b"x"], true),
        (&[b"_dmarc"], true),
        (&[b"example", b"org"], true),
        (&[b"org"], true),
        (&[b"a.b"], true),
        (&[b"with space"], false),
        (&[b"-"], false),
        (&[b"q\"uote"], false),
        (&[b"\xff"], false),
    ] {
        let draft = draft([(of_labels(labels), a(1))]);
        assert_eq!(draft.taken() == 1, is_taken, "{labels:?}: {:?}", reasons(&draft));
    }
}

/// A TXT record of these strings, whatever bytes they are.
fn txt(strings: &[Vec<u8>]) -> RData {
    let RData::TXT(mut txt) = rdata("TXT", "x", &zone()).unwrap() else { panic!("a TXT record") };
    txt.txt_data = strings.iter().map(|one| one.clone().into_boxed_slice()).collect();
    RData::TXT(txt)
}

#[test]
fn texts_of_every_kind_are_read_back_or_left_out() {
    let long = |length: usize| "x".repeat(length).into_bytes();
    for (strings, is_taken) in [
        (vec![b"plain".to_vec()], true),
        (vec![b"v=DKIM1; k=rsa; p=".to_vec(), long(200)], true),
        (vec![long(255), long(3)], true),
        (vec![long(255)], true),
        (vec![long(255), long(255), b"tail".to_vec()], true),
        (vec![b"\"quoted\"".to_vec()], true),
        (vec![b"back\\slash".to_vec(), b"and \"more\"".to_vec()], true),
        (vec!["\u{fc}ber".into()], true),
        (vec![b"tab\tand\x01".to_vec()], true),
        (vec![b"  spaces  ".to_vec()], true),
        // What is no UTF-8 is no text of a spec.
        (vec![vec![0xff, 0xfe]], false),
    ] {
        let draft = draft([(name("t"), RRset::simple(ttl(60), [txt(&strings)]).unwrap())]);
        assert_eq!(draft.taken() == 1, is_taken, "{strings:?}: {:?}", reasons(&draft));
    }
}

#[test]
fn names_that_share_pools_share_them_only_where_all_of_them_stay_as_they_are() {
    let both = [
        (name("one"), weighted(&[("p/a", 2, 1), ("p/b", 1, 2), ("q/c", 3, 3)])),
        (name("two"), weighted(&[("p/a", 2, 1), ("p/b", 1, 2)])),
    ];
    assert_eq!(reasons(&draft(both.clone())), [""; 0]);
    for (other, reason) in [
        (weighted(&[("p/a", 1, 1), ("p/b", 1, 2)]), "another name has p/a with other"),
        (weighted(&[("p/a", 2, 9), ("p/b", 1, 2)]), "another name has p/a with other"),
        (weighted(&[("p/a", 1, 1)]), "another name has p/a with other"),
        (weighted(&[("p/a", 2, 1), ("p/b", 1, 2), ("p/z", 1, 9)]), "it shares a pool with another name"),
    ] {
        let draft = draft(both.clone().into_iter().chain([(name("zoo"), other)]));
        let [left] = &draft.left_out[..] else { panic!("{:?}", reasons(&draft)) };
        assert_eq!((&left.owner, draft.taken()), (&name("zoo"), 2));
        assert!(left.reason.contains(reason), "{}", left.reason);
    }
}

#[test]
fn what_is_proposed_is_a_spec() {
    let draft = draft([
        (name("*.api"), weighted(&[("us-east-1 (a)", 10, 1), ("us-west-2 (b)", 250, 2)])),
        (name("@"), weighted(&[("x", 7, 3)])),
    ]);
    assert_eq!(draft.taken(), 0);
    let source = Source { text: "hosted zone Z1 of Route 53".to_owned(), owner: "Route 53" };
    let text = draft.text(&import([]), &source);
    let proposed: Vec<&Left> = draft.left_out.iter().filter(|left| left.proposal.is_some()).collect();
    assert_eq!(proposed.len(), 2, "{text}");
    let (_, commented) = text.split_once("# With these in place").unwrap();
    let tables = commented.lines().skip(2).filter(|line| !line.ends_with("example.org.:"));
    let tables: String =
        tables.map(|line| format!("{}\n", line.trim_start_matches("# ").trim_start_matches('#'))).collect();
    let intent = Intent::parse(&format!("{}{tables}", draft.head.text()))
        .unwrap_or_else(|errors| panic!("{errors}\n{tables}"));
    assert_eq!(intent.zones().len(), 1);
}

#[test]
fn what_the_linter_refuses_is_left_out() {
    let cname = |target: &str| RRset::simple(ttl(60), [rdata("CNAME", target, &zone()).unwrap()]).unwrap();
    let draft =
        draft([(name("a"), cname("b")), (name("b"), cname("a")), (name("c"), cname("www.example.net."))]);
    assert_eq!(draft.taken(), 1);
    assert!(reasons(&draft).iter().all(|reason| reason.starts_with("cname-loop: ")), "{:?}", reasons(&draft));
    let source = Source { text: "hosted zone Z1 of Route 53".to_owned(), owner: "Route 53" };
    assert!(draft.text(&import([]), &source).contains("# a.example.org. CNAME\n#   cname-loop: "));
}

#[test]
fn hostile_names_and_reasons_stay_in_comments() {
    let evil = "\n[[record]]\nname = \"evil\"\ntype = \"A\"\ndata = \"192.0.2.66\"\n";
    let labels: [&[u8]; 7] =
        [b"\x00", b"\x08", b"with space", b"\n[x]", b"\r\n[[record]]\nname=\"e\"", b"a.b\x7f\xff", b"\x85"];
    let mut import = import(labels.map(|label| (of_labels(&[label]), a(1))));
    import.rrsets.insert(RRsetKey::new(name("www"), RecordType::A), a(2));
    import.rrsets.insert(RRsetKey::new(name("set"), RecordType::A), weighted(&[(evil, 1, 1)]));
    let target: OwnerName = of_labels(&[b"\x00\n[[record]]\n"]);
    let RData::CNAME(mut cname) = rdata("CNAME", "x", &zone()).unwrap() else { panic!("a CNAME record") };
    cname.0 = target.to_name();
    let alias = RRset::simple(ttl(60), [RData::CNAME(cname)]).unwrap();
    import.rrsets.insert(RRsetKey::new(name("alias"), RecordType::CNAME), alias);
    for text in [evil, "\0", "\r[[record]]", "tab\t\u{85}\u{1b}[31m"] {
        let owner = of_labels(&text.to_lowercase().as_bytes().chunks(63).collect::<Vec<_>>());
        import.left_out.push(LeftOut { owner, record_type: text.to_owned(), reason: text.to_owned() });
    }
    let source = Source { text: format!("the name server {evil}"), owner: "the server" };
    let draft = Draft::of(&import).unwrap();
    let text = draft.text(&import, &source);
    let stray = text.chars().find(|character| character.is_control() && *character != '\n');
    assert_eq!(stray, None, "{text}");
    Intent::parse(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let live: Vec<&str> = text.lines().filter(|line| line.starts_with('[')).collect();
    let names: Vec<&str> = text.lines().filter(|line| line.starts_with("name = ")).collect();
    assert_eq!(
        (live, names),
        (vec!["[zone.\"example.org.\"]", "[[record]]"], vec!["name = \"www\""]),
        "{text}"
    );
    for name in [
        "# \\000.example.org. A\n",
        "# with\\032space.example.org. A\n",
        "# a\\.b\\127\\255.example.org. A\n",
    ] {
        assert!(text.contains(name), "{name} {text}");
    }
}
