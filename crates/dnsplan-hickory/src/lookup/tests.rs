use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dnsplan_fence::{Generation, OfferedGeneration, ParentGeneration};
use dnsplan_plan::{
    Candidate, Member, OwnerName, Plan, Proposal, Provenance, RRset, Timestamp, Ttl, Zone, rdata,
};

use super::*;

mod oracle;

const SOA: &str = "@ SOA ns ops 0 300 60 86400 30";

/// A zone `example.` from lines of owner, type and data. Lines of one owner and type make one RRset; a line whose type
/// ends in `*N` makes a member of weight N of a weighted one, a line whose type ends in `+` a candidate of a multivalue one.
fn served(lines: &[&str]) -> Served {
    let origin: OwnerName = "example.".parse().unwrap();
    let ttl = Ttl::new(60).unwrap();
    let mut simple: Vec<((OwnerName, String), Vec<RData>)> = Vec::new();
    let mut weighted: Vec<((OwnerName, String), Vec<Member>)> = Vec::new();
    let mut multivalue: Vec<((OwnerName, String), Vec<Candidate>)> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let [owner, kind, text] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
        let owner = OwnerName::relative(owner, &origin).unwrap();
        if let Some(kind) = kind.strip_suffix('+') {
            let data = rdata(kind, text, &origin).unwrap();
            let candidate = Candidate { id: format!("{number:03}").into(), health_check: None, data };
            group(&mut multivalue, (owner, kind.to_owned()), candidate);
            continue;
        }
        let (kind, weight) = kind.split_once('*').map_or((kind, None), |(kind, weight)| (kind, Some(weight)));
        let data = rdata(kind, text, &origin).unwrap();
        match weight {
            None => group(&mut simple, (owner, kind.to_owned()), data),
            Some(weight) => {
                let member =
                    Member { id: text.into(), weight: weight.parse().unwrap(), health_check: None, data };
                group(&mut weighted, (owner, kind.to_owned()), member);
            }
        }
    }
    let mut zone = Zone::empty(origin);
    for ((owner, _), data) in simple {
        zone.set_rrset(owner, RRset::simple(ttl, data).unwrap()).unwrap();
    }
    for ((owner, _), members) in weighted {
        zone.set_rrset(owner, RRset::weighted(ttl, members).unwrap()).unwrap();
    }
    for ((owner, _), candidates) in multivalue {
        zone.set_rrset(owner, RRset::multivalue(ttl, candidates).unwrap()).unwrap();
    }
    let provenance = Provenance::new("test", Timestamp::from_millis(0), "a test");
    let granted = OfferedGeneration::granted(Generation::new(42));
    Served::new(Arc::new(Plan::granted(granted, ParentGeneration::NONE, Proposal { zone, provenance })))
}

fn group<K: PartialEq, V>(groups: &mut Vec<(K, Vec<V>)>, key: K, value: V) {
    match groups.iter_mut().find(|(other, _)| *other == key) {
        Some((_, values)) => values.push(value),
        None => groups.push((key, vec![value])),
    }
}

/// Chooses in turn.
#[derive(Default)]
struct InTurn(AtomicU64);

impl Chooser for InTurn {
    fn number(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// The sections that are not empty, each as its records without TTL and origin.
fn show(answer: &Answer) -> String {
    let mut shown = format!("{:?}{}", answer.code, if answer.authoritative { " aa" } else { "" });
    let sections = [
        (" = ", &answer.answers),
        (" / ", &answer.authorities),
        (" + ", &answer.glue),
        (" ~ ", &answer.extras),
    ];
    for (mark, records) in sections {
        let records = records.iter().map(|record| {
            let text = format!("{} {} {}", record.name, record.record_type(), record.data);
            text.replace(".example.", "").replace("example.", "@")
        });
        let records: Vec<_> = records.collect();
        if !records.is_empty() {
            shown.push_str(mark);
            shown.push_str(&records.join(", "));
        }
    }
    shown
}

fn ask(served: &Served, question: &str) -> String {
    let (name, qtype) = question.split_once(' ').unwrap();
    let name = if name.ends_with('.') { name.to_owned() } else { format!("{name}.example.") };
    let name = Name::from_ascii(if name == "@.example." { "example." } else { &name }).unwrap();
    show(&served.lookup(&name, qtype.parse().unwrap(), &InTurn::default()))
}

fn expect(lines: &[&str], cases: &[(&str, &str)]) {
    let served = served(lines);
    for (question, expected) in cases {
        // `SOA` stands for the proof of a negative answer.
        let expected = expected.replace("SOA!", "@ SOA ns ops 42 300 60 86400 30");
        assert_eq!(ask(&served, question), expected, "{question}");
    }
}

#[test]
fn exact_names_no_data_and_no_such_name() {
    expect(
        &[
            SOA,
            "@ NS ns",
            "ns A 192.0.2.1",
            "www A 192.0.2.2",
            "www A 192.0.2.3",
            "www TXT hi",
            "a.b.ent A 192.0.2.4",
        ],
        &[
            ("www A", "NoError aa = www A 192.0.2.2, www A 192.0.2.3"),
            ("www TXT", "NoError aa = www TXT hi"),
            ("www AAAA", "NoError aa / SOA!"),
            ("nope A", "NXDomain aa / SOA!"),
            ("x.www A", "NXDomain aa / SOA!"),
            ("ent A", "NoError aa / SOA!"),
            ("b.ent A", "NoError aa / SOA!"),
            ("c.ent A", "NXDomain aa / SOA!"),
            ("@ A", "NoError aa / SOA!"),
            ("@ SOA", "NoError aa = @ SOA ns ops 42 300 60 86400 30"),
            ("@ NS", "NoError aa = @ NS ns ~ ns A 192.0.2.1"),
            ("@ DS", "NoError aa / SOA!"),
            ("www.other. A", "Refused"),
            (". A", "Refused"),
        ],
    );
}

#[test]
fn case_is_ignored_and_the_spelling_of_the_question_kept() {
    expect(
        &[SOA, "@ NS ns", "www CNAME web", "web A 192.0.2.1", "*.w A 192.0.2.2"],
        &[
            ("WEB A", "NoError aa = WEB A 192.0.2.1"),
            ("wWw A", "NoError aa = wWw CNAME web, web A 192.0.2.1"),
            ("aBc.W A", "NoError aa = aBc.W A 192.0.2.2"),
        ],
    );
    let soa =
        served(&[SOA]).lookup(&Name::from_ascii("EXAMPLE.").unwrap(), RecordType::SOA, &InTurn::default());
    assert!(soa.answers[0].name.to_string() == "EXAMPLE.", "{soa:?}");
}

#[test]
fn the_soa_of_a_negative_answer_lives_no_longer_than_its_minimum() {
    let live = served(&[SOA]);
    let ask = |qtype| live.lookup(&Name::from_ascii("example.").unwrap(), qtype, &InTurn::default());
    assert_eq!(ask(RecordType::SOA).answers[0].ttl, 60);
    assert_eq!(ask(RecordType::A).authorities[0].ttl, 30);
    let short = served(&["@ SOA ns ops 0 300 60 86400 900"]);
    let answer = short.lookup(&Name::from_ascii("example.").unwrap(), RecordType::A, &InTurn::default());
    assert_eq!(answer.authorities[0].ttl, 60);
}

#[test]
fn aliases_are_followed_within_the_zone_and_not_beyond() {
    expect(
        &[
            SOA,
            "@ NS ns",
            "a CNAME b",
            "b CNAME c",
            "c A 192.0.2.1",
            "gone CNAME nowhere",
            "out CNAME www.other.",
            "loop CNAME pool",
            "pool CNAME loop",
            "self CNAME self",
            "data CNAME ns",
            "ns A 192.0.2.2",
        ],
        &[
            ("a A", "NoError aa = a CNAME b, b CNAME c, c A 192.0.2.1"),
            ("a AAAA", "NoError aa = a CNAME b, b CNAME c / SOA!"),
            ("a CNAME", "NoError aa = a CNAME b"),
            ("a ANY", "NoError aa = a CNAME b"),
            ("gone A", "NXDomain aa = gone CNAME nowhere / SOA!"),
            ("out A", "NoError aa = out CNAME www.other."),
            ("loop A", "NoError aa = loop CNAME pool, pool CNAME loop"),
            ("self A", "NoError aa = self CNAME self"),
            ("data TXT", "NoError aa = data CNAME ns / SOA!"),
        ],
    );
}

#[test]
fn a_chain_ends_after_so_many_aliases() {
    let lines: Vec<String> =
        (0..40).map(|n| format!("c{n} CNAME c{}", n + 1)).chain(["c40 A 192.0.2.1".into()]).collect();
    let lines: Vec<&str> = std::iter::once(SOA).chain(lines.iter().map(String::as_str)).collect();
    let served = served(&lines);
    let answer = served.lookup(&Name::from_ascii("c0.example.").unwrap(), RecordType::A, &InTurn::default());
    assert_eq!((answer.code, answer.answers.len()), (ResponseCode::NoError, LONGEST_CHAIN + 1));
    assert!(answer.authorities.is_empty(), "it is not denied what was not looked up");
    let near = served.lookup(&Name::from_ascii("c24.example.").unwrap(), RecordType::A, &InTurn::default());
    assert_eq!(near.answers.last().unwrap().record_type(), RecordType::A);
}

/// The zone of RFC 4592 section 2.2.1 and its examples, and what else can lie beside a wildcard.
#[test]
fn wildcards() {
    expect(
        &[
            SOA,
            "@ NS ns",
            "* TXT wild",
            "* MX 10 host1",
            "sub.* TXT below",
            "host1 A 192.0.2.1",
            "_ssh._tcp.host1 SRV 1 1 22 host1",
            "_ssh._tcp.host2 SRV 1 1 22 host1",
            "subdel NS ns.other.",
            "*.alias CNAME host1",
            "x.*.ent A 192.0.2.9",
        ],
        &[
            ("host3 MX", "NoError aa = host3 MX 10 host1 ~ host1 A 192.0.2.1"),
            ("host3 A", "NoError aa / SOA!"),
            ("foo.bar TXT", "NoError aa = foo.bar TXT wild"),
            ("host1 MX", "NoError aa / SOA!"),
            ("sub.* MX", "NoError aa / SOA!"),
            ("_telnet._tcp.host1 SRV", "NXDomain aa / SOA!"),
            ("host2 MX", "NoError aa / SOA!"),
            ("host.subdel A", "NoError / subdel NS ns.other."),
            ("ghost.* MX", "NXDomain aa / SOA!"),
            ("* TXT", "NoError aa = * TXT wild"),
            ("x.alias A", "NoError aa = x.alias CNAME host1, host1 A 192.0.2.1"),
            ("x.y.alias CNAME", "NoError aa = x.y.alias CNAME host1"),
            ("alias A", "NoError aa / SOA!"),
            // A wildcard that is an empty non-terminal is a source of synthesis all the same (section 4.9).
            ("y.ent A", "NoError aa / SOA!"),
        ],
    );
}

#[test]
fn delegations() {
    expect(
        &[
            SOA,
            "@ NS ns",
            "ns A 192.0.2.1",
            "sub NS ns.sub",
            "sub NS ns",
            "sub NS ns.other.",
            "ns.sub A 192.0.2.2",
            "ns.sub AAAA 2001:db8::2",
            "www.sub A 192.0.2.3",
            "deep.sub NS ns",
            "*.sub TXT hidden",
            "to CNAME www.sub",
            "*.wild.x A 192.0.2.5",
            "wild NS ns",
        ],
        &[
            (
                "sub A",
                "NoError / sub NS ns.sub, sub NS ns.other., sub NS ns + ns.sub A 192.0.2.2, ns.sub AAAA 2001:db8::2, ns A 192.0.2.1",
            ),
            (
                "sub NS",
                "NoError / sub NS ns.sub, sub NS ns.other., sub NS ns + ns.sub A 192.0.2.2, ns.sub AAAA 2001:db8::2, ns A 192.0.2.1",
            ),
            (
                "www.sub A",
                "NoError / sub NS ns.sub, sub NS ns.other., sub NS ns + ns.sub A 192.0.2.2, ns.sub AAAA 2001:db8::2, ns A 192.0.2.1",
            ),
            (
                "x.deep.sub DS",
                "NoError / sub NS ns.sub, sub NS ns.other., sub NS ns + ns.sub A 192.0.2.2, ns.sub AAAA 2001:db8::2, ns A 192.0.2.1",
            ),
            (
                "any.sub TXT",
                "NoError / sub NS ns.sub, sub NS ns.other., sub NS ns + ns.sub A 192.0.2.2, ns.sub AAAA 2001:db8::2, ns A 192.0.2.1",
            ),
            ("sub DS", "NoError aa / SOA!"),
            ("wild ANY", "NoError / wild NS ns + ns A 192.0.2.1"),
            (
                "to A",
                "NoError aa = to CNAME www.sub / sub NS ns.sub, sub NS ns.other., sub NS ns + ns.sub A 192.0.2.2, ns.sub AAAA 2001:db8::2, ns A 192.0.2.1",
            ),
        ],
    );
}

#[test]
fn any_gets_one_rrset() {
    let served = served(&[SOA, "@ NS ns", "www A 192.0.2.1", "www A 192.0.2.2", "www TXT hi"]);
    assert_eq!(ask(&served, "www ANY"), "NoError aa = www A 192.0.2.1, www A 192.0.2.2");
    assert_eq!(ask(&served, "nope ANY"), "NXDomain aa / @ SOA ns ops 42 300 60 86400 30");
}

#[test]
fn a_weighted_rrset_answers_with_one_member() {
    let served = served(&[
        SOA,
        "api A*2 192.0.2.1",
        "api A*0 192.0.2.2",
        "api A*1 192.0.2.3",
        "w CNAME*1 api",
        "w CNAME*1 x",
    ]);
    let name = Name::from_ascii("api.example.").unwrap();
    let turns = InTurn::default();
    let mut tally = [0; 3];
    for _ in 0..300 {
        let answer = served.lookup(&name, RecordType::A, &turns);
        let [record] = &answer.answers[..] else { panic!("{answer:?}") };
        let RData::A(address) = record.data else { panic!("{record:?}") };
        tally[usize::from(address.0.octets()[3] - 1)] += 1;
    }
    assert_eq!(tally, [200, 0, 100]);
    assert_eq!(ask(&served, "w A"), "NoError aa = w CNAME api, api A 192.0.2.1");
}

#[test]
fn a_multivalue_rrset_answers_with_up_to_eight_candidates() {
    let few: Vec<String> = (1..=8).map(|n| format!("few A+ 192.0.2.{n}")).collect();
    let many: Vec<String> = (1..=20).map(|n| format!("many A+ 192.0.2.{n}")).collect();
    let lines: Vec<&str> =
        [SOA, "a CNAME few"].into_iter().chain(few.iter().chain(&many).map(String::as_str)).collect();
    let served = served(&lines);
    let hosts = |name: &str, chooser: &dyn Chooser| -> Vec<u8> {
        let answer = served.lookup(&Name::from_ascii(name).unwrap(), RecordType::A, chooser);
        assert!(answer.authoritative && answer.code == ResponseCode::NoError);
        let host = |record: &Record| match record.data {
            RData::A(address) => Some(address.0.octets()[3]),
            _ => None,
        };
        answer.answers.iter().filter_map(host).collect()
    };
    let sorted = |mut hosts: Vec<u8>| {
        hosts.sort_unstable();
        hosts
    };
    let numbers = crate::SplitMix64::seeded(1);
    let mut tally = [0_u32; 20];
    for _ in 0..10_000 {
        assert_eq!(sorted(hosts("few.example.", &numbers)), [1, 2, 3, 4, 5, 6, 7, 8]);
        let drawn = hosts("many.example.", &numbers);
        assert_eq!(drawn.len(), 8);
        drawn.iter().for_each(|host| tally[usize::from(host - 1)] += 1);
    }
    // Eight of twenty each time: 4,000 are expected of each, five standard deviations are 245.
    assert!(tally.iter().all(|count| count.abs_diff(4_000) < 245), "{tally:?}");
    let again = |seed| hosts("many.example.", &crate::SplitMix64::seeded(seed));
    assert_eq!(again(7), again(7));
    assert_ne!(again(7), again(8));
    assert_eq!(hosts("a.example.", &numbers).len(), 8, "through an alias too");
}

#[test]
fn candidates_answer_for_every_type_and_for_each_datum_once() {
    expect(
        &[
            SOA,
            "two A+ 192.0.2.1",
            "two A+ 192.0.2.1",
            "text TXT+ hi",
            "mail MX+ 10 two",
            "*.w AAAA+ 2001:db8::1",
            "w TXT there",
        ],
        &[
            ("two A", "NoError aa = two A 192.0.2.1"),
            ("two ANY", "NoError aa = two A 192.0.2.1"),
            ("two AAAA", "NoError aa / SOA!"),
            ("text TXT", "NoError aa = text TXT hi"),
            ("mail MX", "NoError aa = mail MX 10 two ~ two A 192.0.2.1"),
            ("x.w AAAA", "NoError aa = x.w AAAA 2001:db8::1"),
        ],
    );
}

#[test]
fn hosts_named_twice_are_added_once() {
    expect(
        &[SOA, "@ MX 10 mx", "@ MX 20 mx", "mx A 192.0.2.1", "s SRV 0 0 443 mx", "n SRV 0 0 443 mx.other."],
        &[
            ("@ MX", "NoError aa = @ MX 10 mx, @ MX 20 mx ~ mx A 192.0.2.1"),
            ("s SRV", "NoError aa = s SRV 0 0 443 mx ~ mx A 192.0.2.1"),
            ("n SRV", "NoError aa = n SRV 0 0 443 mx.other."),
        ],
    );
}

#[test]
fn a_zone_without_an_soa_still_answers() {
    expect(
        &["www A 192.0.2.1"],
        &[("www A", "NoError aa = www A 192.0.2.1"), ("x A", "NXDomain aa"), ("@ A", "NoError aa")],
    );
}
