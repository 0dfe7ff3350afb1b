//! The look-up against an oracle that reads the RFCs literally and scans the whole zone for every question.

use super::*;

const LABELS: [&str; 3] = ["a", "b", "*"];
const CONTENTS: [&str; 4] = ["A 192.0.2.1", "CNAME b.a", "CNAME b", "NS ns.other."];
const TYPES: [&str; 5] = ["A", "CNAME", "NS", "DS", "ANY"];

/// Labels from the apex down: `["b", "a"]` is `a.b.example.`; the apex is empty.
type Path = Vec<&'static str>;

/// Owner and content, such as `A 192.0.2.1`.
type Content = (Path, &'static str);

/// What an answer comes to: code and AA, answers, and what the authority section is for.
type Gist = (ResponseCode, bool, Vec<String>, String);

struct Oracle<'a>(&'a [Content]);

impl Oracle<'_> {
    fn exists(&self, name: &[&str]) -> bool {
        name.is_empty() || self.0.iter().any(|(owner, _)| owner.starts_with(name))
    }

    fn at(&self, name: &[&str]) -> Vec<&'static str> {
        self.0.iter().filter(|(owner, _)| owner == name).map(|(_, content)| *content).collect()
    }

    fn answer(&self, question: &[&'static str], qtype: &str) -> Gist {
        let (mut answers, mut name, mut seen) = (Vec::new(), question.to_vec(), Vec::new());
        loop {
            let below_apex = (1..=name.len()).map(|count| &name[..count]);
            for cut in below_apex {
                let parents_side = qtype == "DS" && cut.len() == name.len();
                if !parents_side && self.at(cut).iter().any(|content| content.starts_with("NS ")) {
                    let aa = !answers.is_empty();
                    return (ResponseCode::NoError, aa, answers, format!("servers of {}", text(cut)));
                }
            }
            let source =
                if self.exists(&name) { Some(name.clone()) } else { self.source_of_synthesis(&name) };
            let Some(source) = source else {
                return (ResponseCode::NXDomain, true, answers, "soa".to_owned());
            };
            let mut there = self.at(&source);
            there.sort_by_key(|content| ["A", "CN", "NS"].iter().position(|kind| content.starts_with(kind)));
            let asked = |content: &&&str| content.starts_with(&format!("{qtype} "));
            let hit = if qtype == "ANY" { there.first() } else { there.iter().find(asked) };
            if let Some(hit) = hit {
                answers.push(format!("{} {hit}", text(&name)));
                return (ResponseCode::NoError, true, answers, String::new());
            }
            let Some(alias) = there.iter().find(|content| content.starts_with("CNAME ")) else {
                return (ResponseCode::NoError, true, answers, "soa".to_owned());
            };
            answers.push(format!("{} {alias}", text(&name)));
            let next: Path = alias["CNAME ".len()..].rsplit('.').collect();
            seen.push(std::mem::replace(&mut name, next));
            if seen.contains(&name) {
                return (ResponseCode::NoError, true, answers, String::new());
            }
        }
    }

    fn source_of_synthesis(&self, name: &[&'static str]) -> Option<Path> {
        let encloser = (0..name.len()).rev().map(|count| &name[..count]).find(|above| self.exists(above))?;
        let source = [encloser, &["*"]].concat();
        self.exists(&source).then_some(source)
    }
}

fn text(path: &[&str]) -> String {
    let labels: Vec<&str> = path.iter().rev().copied().collect();
    if labels.is_empty() { "@".to_owned() } else { labels.join(".") }
}

fn gist(answer: &Answer) -> Gist {
    let short = |text: String| text.replace(".example.", "").replace("example.", "@");
    let record = |record: &Record| {
        let text = format!("{} {} {}", record.name, record.record_type(), record.data);
        short(text)
    };
    let authority = match answer.authorities.first() {
        Some(first) if first.record_type() == RecordType::SOA => "soa".to_owned(),
        Some(first) => format!("servers of {}", short(first.name.to_string())),
        None => String::new(),
    };
    (answer.code, answer.authoritative, answer.answers.iter().map(record).collect(), authority)
}

fn paths(depth: usize) -> Vec<Path> {
    let mut all: Vec<Path> = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..depth {
        last = last.iter().flat_map(|path| LABELS.map(|label| [&path[..], &[label]].concat())).collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// Every question about one zone; how many there were.
fn compare(contents: &[Content], questions: &[(Path, Name)]) -> usize {
    let lines: Vec<String> =
        contents.iter().map(|(owner, content)| format!("{} {content}", text(owner))).collect();
    let lines: Vec<&str> = std::iter::once(SOA).chain(lines.iter().map(String::as_str)).collect();
    let served = served(&lines);
    for (path, name) in questions {
        // The apex owns an SOA, which is no part of what the oracle knows.
        for qtype in TYPES.iter().filter(|qtype| !path.is_empty() || **qtype != "ANY") {
            let answer = served.lookup(name, qtype.parse().unwrap(), &InTurn::default());
            let expected = Oracle(contents).answer(path, qtype);
            assert_eq!(gist(&answer), expected, "{} {qtype} of {lines:?}", text(path));
        }
    }
    questions.len() * TYPES.len() - 1
}

fn is_zone(contents: &[Content]) -> bool {
    let alone = |(owner, content): &Content| {
        !content.starts_with("CNAME") || contents.iter().filter(|(other, _)| other == owner).count() == 1
    };
    contents.iter().all(alone)
}

#[test]
fn it_answers_as_the_oracle_does() {
    let spell = |path: Path| {
        let text = if path.is_empty() { "example.".to_owned() } else { format!("{}.example.", text(&path)) };
        (path, Name::from_ascii(text).unwrap())
    };
    let questions: Vec<(Path, Name)> = paths(3).into_iter().map(spell).collect();
    let owners = paths(2).into_iter().skip(1);
    let pool: Vec<Content> =
        owners.flat_map(|owner| CONTENTS.map(|content| (owner.clone(), content))).collect();
    let (mut zones, mut compared) = (0, 0);
    let mut check = |contents: &[Content]| {
        if is_zone(contents) {
            zones += 1;
            compared += compare(contents, &questions);
        }
    };
    // All zones of up to two RRsets, and every so many of those of three and four.
    check(&[]);
    for (first, one) in pool.iter().enumerate() {
        check(std::slice::from_ref(one));
        for (second, two) in pool.iter().enumerate().skip(first + 1) {
            check(&[one.clone(), two.clone()]);
            if (first * 31 + second * 17) % 23 == 0 {
                let three = &pool[(first * 7 + second * 13) % pool.len()];
                let four = &pool[(first * 29 + second * 5) % pool.len()];
                let mut more = vec![one.clone(), two.clone()];
                more.extend([three, four].into_iter().filter(|extra| ![one, two].contains(extra)).cloned());
                more.dedup();
                check(&more);
            }
        }
    }
    assert!(zones > 1_000 && compared > 150_000, "{compared} questions about {zones} zones");
}
