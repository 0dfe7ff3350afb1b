//! What people copy from works: the blocks of the reference, and the example.

use crate::common::{context, name, records};
use dnsplan_plan::{Delta, RRsetKey, RecordType, check_zone};
use dnsplan_planner::{Health, Intent, plan};

const REFERENCE: &str = include_str!("../../../../docs/spec.md");
const CELL: &str = include_str!("../../../../examples/cell.toml");

#[test]
fn every_block_of_the_reference_plans() {
    let blocks: Vec<&str> =
        REFERENCE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 6, "{} blocks", blocks.len());
    for block in blocks {
        let intent = Intent::parse(block)
            .unwrap_or_else(|errors| panic!("{}\n{block}", errors.render("docs/spec.md")));
        for zone in intent.zones() {
            let planned = plan(zone, &Health::from_spec(), None, &context());
            planned.unwrap_or_else(|error| panic!("{error}\n{block}"));
        }
    }
}

/// Each key of the reference's tables is one that the reader knows, and the other way round.
#[test]
fn the_reference_names_every_key() {
    let tables = ["zone.x", "pool.x", "endpoint", "record", "guards", "override", "retire"];
    for table in tables {
        let text = match table.split_once('.') {
            Some((outer, _)) => format!("[{outer}.\"x.\"]\nno-such-key = 1\n"),
            None if table == "guards" => "[guards]\nno-such-key = 1\n".to_owned(),
            None => format!("[[{table}]]\nno-such-key = 1\n"),
        };
        let errors = Intent::parse(&text).expect_err("there is no such key");
        let unknown = errors.errors().iter().find(|error| error.message.contains("no-such-key"));
        let remedy = &unknown.expect("the unknown key is named").remedy;
        let known = remedy.strip_prefix("known here: ").expect("all known keys are listed");
        for key in known.split(", ") {
            let documented = [format!("`{key}`"), format!("`{key}."), format!(".{key}`")];
            assert!(
                documented.iter().any(|form| REFERENCE.contains(form)),
                "docs/spec.md does not name `{key}`"
            );
        }
    }
}

#[test]
fn the_example_plans_and_the_linter_finds_nothing() {
    let intent = Intent::parse(CELL).unwrap_or_else(|errors| panic!("{}", errors.render("cell.toml")));
    let zone = intent.zones().next().expect("a zone");
    let planned =
        plan(zone, &Health::from_spec(), None, &context()).unwrap_or_else(|error| panic!("{error}"));
    let content = &planned.proposal.zone;
    assert_eq!(content.origin(), &name("us-test-1.example."));
    assert_eq!(check_zone(content), []);
    assert_eq!(planned.notes, []);
    let api = records(content, "api.us-test-1.example.", RecordType::A);
    let ids: Vec<&str> = api.iter().filter_map(|record| record.split('=').next()).collect();
    assert_eq!(
        ids,
        ["blue/blue-1", "blue/blue-2", "blue/blue-3", "canary/canary-1", "green/green-1", "green/green-2"]
    );
    for variant in ["api", "dualstack.api", "api-fips", "123456789012.api"] {
        let key = RRsetKey::new(name(&format!("{variant}.us-test-1.example.")), RecordType::A);
        assert!(content.protection(&key).is_some(), "{variant} is not protected");
    }
    let again = plan(zone, &Health::from_spec(), None, &context()).unwrap();
    assert_eq!(Delta::checkpoint(content).encode(), Delta::checkpoint(&again.proposal.zone).encode());
}

#[test]
fn the_examples_commented_lines_work() {
    let kept: String = CELL
        .lines()
        .filter(|line| !line.contains("To take") && !line.contains("To let"))
        .fold(String::new(), |all, line| {
            let is_table =
                line.starts_with("# [[") || line.starts_with("# name =") || line.starts_with("# reason =");
            let is_line = is_table || line.starts_with("# guard =") || line.starts_with("# expires =");
            all + if is_line { &line[2..] } else { line } + "\n"
        });
    let errors = Intent::parse(&kept).expect_err("api-fips is still an endpoint");
    assert_eq!(errors.errors().len(), 2, "{errors}");
    assert!(
        errors.errors().iter().all(|error| error.message.contains("is retired here and protected in line"))
    );
}
