//! `import`: a hosted zone as a spec that changes nothing.

use dnsplan_route53_fake::{Received, RecordSet};

use super::{LAYOUTS, wait_confirmed};
use crate::harness::Hosted;
use crate::spec::spec;

/// What people have in their zones.
fn fill(hosted: &Hosted) -> Vec<RecordSet> {
    let simple = |name: &str, kind: &str, values: &[&str]| {
        let set = RecordSet::new(format!("{name}example.org."), kind).ttl(300);
        values.iter().fold(set, |set, value| set.value(*value))
    };
    let of_pool = |name: &str, kind: &str, id: &str, value: &str| simple(name, kind, &[value]).multivalue(id);
    let weighted =
        |name: &str, id: &str, weight, value: &str| simple(name, "A", &[value]).weighted(id, weight);
    let mut sets = vec![
        simple("", "A", &["192.0.2.1", "192.0.2.2"]),
        simple("", "MX", &["10 mx1.example.net.", "20 mx2.example.net."]),
        simple(
            "",
            "TXT",
            &["\"v=spf1 mx -all\"", "\"two\" \"strings\"", "\"a \\\"quoted\\\" \\134 text; \\303\\274\""],
        ),
        simple("", "CAA", &["0 issue \"ca.example.net\"", "0 iodef \"mailto:ca@example.net\""]),
        simple("www.", "CNAME", &["example.org."]).ttl(60),
        simple("\\052.wild.", "A", &["192.0.2.9"]).ttl(0),
        simple("_sip._tcp.", "SRV", &["10 60 5060 sip.example.org."]),
        simple(
            "_443._tcp.www2.",
            "TLSA",
            &["3 1 1 92003ba34942dc74152e2f2c408d29eca5a520e7f2e06bb944f4dca346baf63c"],
        ),
        simple("host.", "SSHFP", &["4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789"]),
        simple("svc.", "HTTPS", &["1 . alpn=\"h2,h3\""]),
        simple("old.", "PTR", &["host.example.org."]).ttl(1_209_600),
        simple("naptr.", "NAPTR", &["100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:info@example.org!\" ."]),
        simple("v6.", "AAAA", &["2001:db8::1"]),
        of_pool("edge.", "A", "edge/one", "192.0.2.21").health_check("check-1"),
        of_pool("edge.", "A", "edge/two", "192.0.2.22"),
        of_pool("edge.", "AAAA", "edge/one", "2001:db8::21").health_check("check-1"),
    ];
    for (id, weight, address) in [("blue/b-1", 6, 11), ("blue/b-2", 3, 12), ("canary/c", 1, 13)] {
        sets.push(weighted("api.", id, weight, &format!("192.0.2.{address}")));
    }
    sets.push(weighted("api2.", "blue/b-1", 2, "192.0.2.11"));
    sets.push(weighted("api2.", "blue/b-2", 1, "192.0.2.12"));
    sets.iter().for_each(|set| hosted.fake.put_by_hand(&hosted.zone_id, set));
    sets
}

/// What no spec can say, or should.
fn foreign(hosted: &Hosted) -> Vec<RecordSet> {
    let new = |name: &str, kind: &str| RecordSet::new(format!("{name}.example.org."), kind);
    let sets = vec![
        new("lb", "A").alias("Z35SXDOTRQ7X7K", "dualstack.lb-1.us-east-1.elb.amazonaws.com."),
        new("sub", "NS").ttl(60).value("ns1.example.net."),
        new("ns1.sub", "A").ttl(60).value("192.0.2.77"),
        new("ext", "A").ttl(60).value("192.0.2.78"),
        new("ext", "TXT").ttl(60).value("\"heritage=external-dns,external-dns/owner=default\""),
        new("spf", "SPF").ttl(60).value("\"v=spf1 -all\""),
        new("split", "A").ttl(60).value("192.0.2.79").weighted("primary", 10),
        new("split", "A").ttl(60).value("192.0.2.80").weighted("secondary", 20),
        new("scaled", "A").ttl(60).value("192.0.2.81").weighted("s/one", 10),
        new("scaled", "A").ttl(60).value("192.0.2.82").weighted("s/two", 20),
        new("drained", "A").ttl(60).value("192.0.2.83").weighted("d/one", 0),
        new("names", "CNAME").ttl(60).value("www.example.org.").weighted("n/one", 1),
    ];
    sets.iter().for_each(|set| hosted.fake.put_by_hand(&hosted.zone_id, set));
    sets
}

fn is_fence_only(batch: &Received) -> bool {
    batch.changes.iter().all(|change| change.record_set.name == "_dnsplan.example.org.")
}

#[test]
fn an_imported_zone_is_put_in_place_without_a_change_but_the_fence() {
    let hosted = Hosted::new();
    let (ours, foreign) = (fill(&hosted), foreign(&hosted));
    let before = hosted.fake.record_sets(&hosted.zone_id);
    let said = hosted.ok(&["import", "route53", &hosted.zone_id, "-o", "imported.toml"]);
    let text = std::fs::read_to_string(hosted.cell.path("imported.toml")).unwrap();
    assert!(said.contains("17 RRsets in the spec, 10 left out; written to imported.toml"), "{said}\n{text}");
    assert_eq!(hosted.changes(), 0);
    hosted.cell.ok(&["validate", "imported.toml"]);
    let apply = ["apply", "imported.toml", "--target", &hosted.target];
    let rehearsed = hosted.ok(&["plan", "imported.toml", "--target", &hosted.target, "--change-batches"]);
    hosted.ok(&apply);
    let sent = hosted.fake.accepted();
    assert!(!sent.is_empty() && sent.iter().all(is_fence_only), "{sent:#?}\n{text}");
    assert_eq!(rehearsed.lines().count(), sent.len());
    let mut after = hosted.fake.record_sets(&hosted.zone_id);
    after.retain(|set| set.name != "_dnsplan.example.org.");
    assert_eq!(after, before);
    assert!(ours.iter().chain(&foreign).all(|set| after.contains(set)));
    // What is imported is the plan's from now on: what is edited is changed, and what is foreign stays.
    hosted.cell.save("imported.toml", &text.replace("192.0.2.9\"", "192.0.2.10\""));
    hosted.ok(&apply);
    assert_eq!(hosted.answer("any.wild.example.org", "A"), ["192.0.2.10"]);
    for set in foreign {
        let there = hosted.fake.find(&hosted.zone_id, &set.name, &set.record_type);
        assert!(there.contains(&set), "{set:?}");
    }
}

#[test]
fn what_is_left_out_is_listed_with_the_reason() {
    let hosted = Hosted::new();
    fill(&hosted);
    foreign(&hosted);
    let text = hosted.ok(&["import", "route53", &hosted.zone_id]);
    for (name, reason) in [
        ("lb.example.org. A", "an alias of dualstack\\056lb"),
        ("sub.example.org. NS", "sub.example.org. is delegated"),
        ("ns1.sub.example.org. A", "sub.example.org. is delegated"),
        ("ext.example.org. A", "another tool owns it: external-dns"),
        ("ext.example.org. TXT", "another tool owns it: external-dns"),
        ("spf.example.org. SPF", "SPF is no type that a plan has"),
        ("split.example.org. A", "its set identifier \"primary\" is not `pool/member`"),
        ("scaled.example.org. A", "s/one of weight 1 in place of s/one of weight 10"),
        ("drained.example.org. A", "\"d/one\" has weight 0"),
        ("names.example.org. CNAME", "for addresses only"),
    ] {
        let name = format!("# {name}\n#   ");
        let found = text.split_once(&name).unwrap_or_else(|| panic!("no {name:?} in\n{text}")).1;
        let line = found.lines().next().unwrap();
        assert!(line.contains(&reason.replace("\\056", ".")), "{line}\n{text}");
    }
    // The weights of two names that share a pool fit each other.
    for part in [
        "pools = { blue = 9, canary = 1 }",
        "pools = { blue = 1 }",
        "policy = \"multivalue\"",
        "health_check = \"check-1\"",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    assert!(text.contains("ttl_bounds = { min = 0, max = 1209600 }"), "{text}");
    assert!(text.contains("SOA and the NS records of example.org. itself are Route 53's own"), "{text}");
    let json = hosted.run(&["import", "route53", &hosted.zone_id, "--format", "json"]).expect(0).json();
    assert_eq!((&json["schema"], &json["spec"]), (&"dnsplan.import/1".into(), &text.as_str().into()));
    assert_eq!(json["left_out"].as_array().unwrap().len(), 10);
}

#[test]
fn what_is_proposed_takes_names_over_with_the_first_plan() {
    let hosted = Hosted::new();
    fill(&hosted);
    foreign(&hosted);
    let text = hosted.ok(&["import", "route53", &hosted.zone_id]);
    let (_, proposed) = text.split_once("# split.example.org.:\n").unwrap();
    let lines = proposed.lines().take_while(|line| !line.ends_with(".example.org.:"));
    let table: Vec<&str> = lines.map(|line| line.trim_start_matches("# ").trim_start_matches('#')).collect();
    hosted.cell.save("spec.toml", &format!("{text}\n{}\n", table.join("\n")));
    hosted.ok(&["apply", "spec.toml", "--target", &hosted.target]);
    let sets = hosted.fake.find(&hosted.zone_id, "split.example.org", "A");
    let found: Vec<(Option<&str>, Option<i64>)> =
        sets.iter().map(|set| (set.set_identifier.as_deref(), set.weight)).collect();
    assert_eq!(found, [(Some("split/primary"), Some(1)), (Some("split/secondary"), Some(2))]);
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let hosted = Hosted::new();
    hosted.cell.save("spec.toml", "mine");
    let run = hosted.run(&["import", "route53", &hosted.zone_id, "-o", "spec.toml"]).expect(1);
    run.says(&["spec.toml is there already", "-o"]);
    assert_eq!(std::fs::read_to_string(hosted.cell.path("spec.toml")).unwrap(), "mine");
}

#[test]
fn a_zone_of_ours_is_imported_as_such() {
    for layout in LAYOUTS {
        let hosted = Hosted::new();
        hosted.publish(&spec(1));
        let enactor = hosted.enactor(layout);
        wait_confirmed(&hosted, 1);
        drop(enactor);
        let text = hosted.ok(&["import", "route53", &hosted.zone_id]);
        assert!(text.contains("There is a fence record"), "{text}");
        assert!(!text.contains("[[record]]\nname = \"_dnsplan"), "{text}");
        match layout {
            "tree" => assert!(text.contains("answered from a tree of dnsplan's"), "{text}"),
            _ => assert!(text.contains("pools = { blue = 1 }") && !text.contains("Left out"), "{text}"),
        }
    }
}
