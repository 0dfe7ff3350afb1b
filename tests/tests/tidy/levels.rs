//! Dependency direction: a crate depends on crates of a lower level, never on a neighbour.

use crate::violation::Violation;
use crate::workspace::Package;

/// The levels of `docs/architecture.md`.
const LEVELS: &[(&str, u8)] = &[
    ("dnsplan-fence", 0),
    ("dnsplan-plan", 0),
    ("dnsplan-planner", 1),
    ("dnsplan-enactor", 1),
    ("dnsplan-leadership", 1),
    ("dnsplan-tsig", 1),
    ("dnsplan-store", 2),
    ("dnsplan-etcd", 2),
    ("dnsplan-object-store", 2),
    ("dnsplan-hickory", 2),
    ("dnsplan-postgres", 2),
    ("dnsplan-rfc2136", 2),
    ("dnsplan-route53", 2),
    ("dnsplan-sim", 2),
    ("dnsplan", 3),
    ("dnsplan-cli", 4),
];

/// The one edge inside a level: a plan is what the fence's permits are made from.
const INSIDE_A_LEVEL: (&str, &str) = ("dnsplan-plan", "dnsplan-fence");

/// Dev-dependencies are exempt: they do not reach who uses the crate.
pub(crate) fn check(packages: &[Package]) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in packages.iter().filter(|package| package.is_product()) {
        let Some(level) = level(&package.name) else {
            found.push(Violation::new(&package.name, "has no level: add it to the table in tidy's `levels`"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            if !packages.iter().any(|other| other.name == dependency.name) {
                continue;
            }
            let allowed = self::level(&dependency.name).is_some_and(|below| below < level)
                || (package.name.as_str(), dependency.name.as_str()) == INSIDE_A_LEVEL;
            if !allowed {
                let what =
                    format!("(level {level}) must not depend on `{}`: not a lower level", dependency.name);
                found.push(Violation::new(&package.name, what));
            }
        }
    }
    let gone = LEVELS.iter().filter(|(name, _)| !packages.iter().any(|package| package.name == *name));
    found.extend(
        gone.map(|(name, _)| Violation::new(*name, "has a level but does not exist: remove it from tidy")),
    );
    found
}

fn level(name: &str) -> Option<u8> {
    LEVELS.iter().find(|(known, _)| *known == name).map(|(_, level)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::expect_one;
    use crate::workspace::Dependency;

    /// A whole, correct workspace, plus one edge.
    fn with_edge(from: &str, to: &str, dev: bool) -> Vec<Package> {
        let edge = || Dependency { name: to.to_owned(), dev, target: None };
        let package = |name: &str, dir: &str| Package {
            name: name.to_owned(),
            dir: format!("{dir}/{name}"),
            dependencies: if name == from { vec![edge()] } else { Vec::new() },
        };
        let mut packages: Vec<_> = LEVELS.iter().map(|(name, _)| package(name, "crates")).collect();
        packages.push(package("dnsplan-tests", "tests"));
        packages
    }

    #[test]
    fn downward_and_foreign_edges_are_fine() {
        for (from, to) in [
            ("dnsplan-store", "dnsplan-plan"),
            INSIDE_A_LEVEL,
            ("dnsplan-tests", "dnsplan-cli"),
            ("dnsplan", "serde"),
        ] {
            assert_eq!(check(&with_edge(from, to, false)), []);
        }
    }

    #[test]
    fn an_upward_edge_is_found_unless_it_is_for_tests() {
        expect_one(&check(&with_edge("dnsplan-fence", "dnsplan-plan", false)), "dnsplan-fence");
        assert_eq!(check(&with_edge("dnsplan-fence", "dnsplan-plan", true)), []);
    }

    #[test]
    fn neighbours_and_unpublished_packages_are_found() {
        expect_one(&check(&with_edge("dnsplan-hickory", "dnsplan-store", false)), "`dnsplan-store`");
        expect_one(&check(&with_edge("dnsplan-cli", "dnsplan-tests", false)), "`dnsplan-tests`");
    }

    #[test]
    fn a_crate_without_a_level_and_a_level_without_a_crate_are_found() {
        let mut packages = with_edge("", "", false);
        packages[0].name = "dnsplan-new".to_owned();
        let found = check(&packages);
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
