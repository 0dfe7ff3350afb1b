//! `docs/architecture.md` lists the crates and the dependencies there are.
//!
//! The format: under `## Crates` a table whose first column is `` `crate` ``, a row for every package of the workspace;
//! under `## Dependencies` a line ``- `name`: why`` for each thing that a product crate depends on. Dependencies of tests
//! and automation may be listed too.

use std::collections::BTreeSet;

use crate::violation::Violation;
use crate::workspace::Package;

const AT: &str = "docs/architecture.md";

pub(crate) fn check(document: &str, packages: &[Package]) -> Vec<Violation> {
    let mut found = Vec::new();
    let members: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let rows = section(document, "## Crates").filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    compare("## Crates", &rows.collect(), &members, &members, &mut found);

    let mut listed = BTreeSet::new();
    for line in section(document, "## Dependencies") {
        let Some((name, rest)) = line.strip_prefix("- `").and_then(|line| line.split_once('`')) else {
            continue;
        };
        listed.insert(name);
        if rest.strip_prefix(':').is_none_or(|why| why.trim().is_empty()) {
            found.push(Violation::new(
                AT,
                format!("`{name}` under `## Dependencies` has no reason: \"- `{name}`: why\""),
            ));
        }
    }
    let foreign = |all: bool| {
        let declared = packages.iter().filter(move |package| all || package.is_product());
        let declared = declared.flat_map(|package| &package.dependencies).filter(move |dep| all || !dep.dev);
        declared.map(|dep| dep.name.as_str()).filter(|name| !members.contains(name)).collect::<BTreeSet<_>>()
    };
    compare("## Dependencies", &listed, &foreign(false), &foreign(true), &mut found);
    found
}

/// The lines between a heading and the next one of its kind.
fn section<'a>(document: &'a str, heading: &'a str) -> impl Iterator<Item = &'a str> {
    let after = document.lines().skip_while(move |line| *line != heading).skip(1);
    after.take_while(|line| !line.starts_with("## "))
}

fn compare(
    heading: &str,
    listed: &BTreeSet<&str>,
    needed: &BTreeSet<&str>,
    possible: &BTreeSet<&str>,
    found: &mut Vec<Violation>,
) {
    let missing = needed.difference(listed).map(|name| format!("`{name}` is missing under `{heading}`"));
    let stale = listed.difference(possible).map(|name| format!("`{name}` under `{heading}` does not exist"));
    found.extend(missing.chain(stale).map(|what| Violation::new(AT, what)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::expect_one;
    use crate::workspace::Dependency;

    const GOOD: &str = "# A\n## Crates\n\n| crate | what |\n|---|---|\n| `a` | x |\n| `tests` | y |\n\n\
                        ## Dependencies\n\n- `serde`: to read\n\n## More\n\n- `none`\n";

    fn packages() -> Vec<Package> {
        let dependency = |name: &str, dev| Dependency { name: name.to_owned(), dev, target: None };
        vec![
            Package {
                name: "a".to_owned(),
                dir: "crates/a".to_owned(),
                dependencies: vec![dependency("serde", false), dependency("proptest", true)],
            },
            Package {
                name: "tests".to_owned(),
                dir: "tests".to_owned(),
                dependencies: vec![dependency("a", false), dependency("toml", false)],
            },
        ]
    }

    #[test]
    fn a_complete_document_is_fine_with_or_without_the_dependencies_of_tests() {
        assert_eq!(check(GOOD, &packages()), []);
        let more = GOOD.replace("- `serde`", "- `proptest`: to test\n- `toml`: to test\n- `serde`");
        assert_eq!(check(&more, &packages()), []);
    }

    #[test]
    fn a_missing_and_a_stale_crate_are_found() {
        expect_one(&check(&GOOD.replace("| `a` | x |\n", ""), &packages()), "`a` is missing");
        let stale = GOOD.replace("| `a` |", "| `gone` | z |\n| `a` |");
        expect_one(&check(&stale, &packages()), "`gone` under `## Crates`");
    }

    #[test]
    fn a_missing_a_stale_and_an_unexplained_dependency_are_found() {
        expect_one(&check(&GOOD.replace("- `serde`: to read\n", ""), &packages()), "`serde` is missing");
        let stale = GOOD.replace("- `serde`", "- `gone`: before\n- `serde`");
        expect_one(&check(&stale, &packages()), "`gone` under `## Dependencies`");
        expect_one(&check(&GOOD.replace(": to read", ""), &packages()), "no reason");
    }
}
