//! Purity of the crates that hold the protocol: what they may declare, and what they may reach.
//!
//! 1. A pure crate declares only what its row allows. A new dependency is a decision, made here.
//! 2. On no path does it reach a runtime, a socket, an SDK or an operating system's random source, except where a
//!    *carrier* is known to bring one and the row says why that is bearable.

use crate::violation::Violation;
use crate::workspace::{Dependency, Package};

/// A pure crate and the dependencies it may declare.
pub(crate) struct Pure {
    pub(crate) name: &'static str,
    allowed: &'static [&'static str],
}

pub(crate) const PURE: &[Pure] = &[
    Pure { name: "dnsplan-fence", allowed: &[] },
    Pure {
        name: "dnsplan-plan",
        allowed: &["dnsplan-fence", "hickory-proto", "imbl", "blake3", "serde", "thiserror", "tinyvec"],
    },
    Pure {
        name: "dnsplan-planner",
        allowed: &["dnsplan-plan", "dnsplan-fence", "hickory-proto", "jiff", "serde", "toml", "thiserror"],
    },
    Pure {
        name: "dnsplan-enactor",
        allowed: &["dnsplan-fence", "dnsplan-plan", "hickory-proto", "blake3", "thiserror", "tracing"],
    },
    Pure { name: "dnsplan-leadership", allowed: &["dnsplan-fence", "thiserror"] },
    Pure {
        name: "dnsplan-sim",
        allowed: &[
            "dnsplan-fence",
            "dnsplan-plan",
            "dnsplan-planner",
            "dnsplan-enactor",
            "dnsplan-leadership",
            "indexmap",
            "rustc-hash",
            "serde",
            "thiserror",
            "toml",
        ],
    },
];

/// Allowed in every row, under this condition alone: the model checker, which replaces the standard library's own types.
const MODEL_CHECKER: (&str, &str) = ("loom", "cfg(loom)");

/// Never in a pure crate's tree. A trailing `*` stands for any ending.
const FORBIDDEN: &[&str] = &[
    "async-io",
    "async-std",
    "aws-*",
    "fastrand",
    "futures-executor",
    "getrandom",
    "h2",
    "hyper*",
    "mio",
    "polling",
    "quinn*",
    "rand*",
    "reqwest",
    "rusqlite",
    "smol",
    "socket2",
    "tokio*",
];

/// A dependency that brings something forbidden which the crates here never call.
struct Carrier {
    name: &'static str,
    /// `hickory-proto` draws message ids at random, for clients; `imbl` seeds a generator with zero to pick pivots.
    brings: &'static [&'static str],
}

const CARRIERS: &[Carrier] = &[
    Carrier { name: "hickory-proto", brings: &["getrandom", "rand", "rand_core"] },
    Carrier { name: "imbl", brings: &["rand_core", "rand_xoshiro"] },
];

/// Checks the manifests.
pub(crate) fn check_declared(packages: &[Package]) -> Vec<Violation> {
    let mut found = Vec::new();
    for pure in PURE {
        let Some(package) = packages.iter().find(|package| package.name == pure.name) else {
            found.push(Violation::new(
                pure.name,
                "is to be pure but does not exist: remove it from tidy's `purity`",
            ));
            continue;
        };
        let strange = package.dependencies.iter().filter(|dependency| !allowed(pure, dependency));
        found.extend(strange.map(|dependency| {
            let what = format!(
                "must not depend on `{}`: a pure crate's list is in tidy's `purity`",
                dependency.name
            );
            Violation::new(pure.name, what)
        }));
    }
    found
}

fn allowed(pure: &Pure, dependency: &Dependency) -> bool {
    let condition = dependency.target.as_deref();
    dependency.dev
        || (dependency.name.as_str(), condition) == (MODEL_CHECKER.0, Some(MODEL_CHECKER.1))
        || (pure.allowed.contains(&dependency.name.as_str()) && condition.is_none())
}

/// Checks one resolved tree: lines of a depth, a space, and a package; each package below the one it is reached through.
pub(crate) fn check_tree(tree: &str) -> Vec<Violation> {
    let mut found: Vec<Violation> = Vec::new();
    let mut path: Vec<&str> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let depth =
            words.next().and_then(|depth| depth.parse().ok()).expect("cargo tree puts the depth first");
        let name = words.next().expect("cargo tree names a package on each line");
        path.truncate(depth);
        path.push(name);
        if is_forbidden(name) && !is_carried(&path) {
            let violation = Violation::new(path[0], format!("reaches `{name}` as {}", path.join(" -> ")));
            // Trees repeat themselves: the same path can occur for several versions.
            if !found.contains(&violation) {
                found.push(violation);
            }
        }
    }
    found
}

fn is_forbidden(name: &str) -> bool {
    FORBIDDEN.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *pattern,
    })
}

fn is_carried(path: &[&str]) -> bool {
    let Some((last, before)) = path.split_last() else { return false };
    CARRIERS.iter().any(|carrier| before.contains(&carrier.name) && carrier.brings.contains(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::expect_one;

    fn packages(name: &str, dependency: Dependency) -> Vec<Package> {
        let package = |pure: &Pure| Package {
            name: pure.name.to_owned(),
            dir: String::new(),
            dependencies: Vec::new(),
        };
        let mut packages: Vec<_> = PURE.iter().map(package).collect();
        let place = packages.iter().position(|package| package.name == name).unwrap();
        packages[place].dependencies.push(dependency);
        packages
    }

    fn dependency(name: &str, target: Option<&str>) -> Dependency {
        Dependency { name: name.to_owned(), dev: false, target: target.map(str::to_owned) }
    }

    #[test]
    fn what_a_row_allows_and_what_tests_need_is_fine() {
        assert_eq!(check_declared(&packages("dnsplan-plan", dependency("imbl", None))), []);
        assert_eq!(check_declared(&packages("dnsplan-fence", dependency("loom", Some("cfg(loom)")))), []);
        let for_tests = Dependency { dev: true, ..dependency("tokio", None) };
        assert_eq!(check_declared(&packages("dnsplan-fence", for_tests)), []);
    }

    #[test]
    fn anything_else_declared_is_found() {
        expect_one(&check_declared(&packages("dnsplan-fence", dependency("serde", None))), "`serde`");
        expect_one(&check_declared(&packages("dnsplan-fence", dependency("loom", None))), "`loom`");
        expect_one(
            &check_declared(&packages("dnsplan-plan", dependency("imbl", Some("cfg(unix)")))),
            "`imbl`",
        );
    }

    #[test]
    fn a_random_source_is_bearable_only_through_its_carrier() {
        let carried = "0 dnsplan-plan v0.1.0\n1 hickory-proto v0.26.3\n2 rand v0.10.3\n3 getrandom v0.4.3\n";
        assert_eq!(check_tree(carried), []);
        let own = "0 dnsplan-plan v0.1.0\n1 hickory-proto v0.26.3\n1 rand v0.10.3\n";
        expect_one(&check_tree(own), "dnsplan-plan -> rand");
    }

    #[test]
    fn a_runtime_or_an_sdk_is_found_at_any_depth_even_through_a_carrier() {
        let runtime = "0 dnsplan-plan v0.1.0\n1 hickory-proto v0.26.3\n2 tokio v1.54.0\n";
        expect_one(&check_tree(runtime), "hickory-proto -> tokio");
        let sdk = "0 dnsplan-enactor v0.1.0\n1 tracing v0.1.44\n2 aws-config v1.13.0\n1 thiserror v2.0.21\n";
        expect_one(&check_tree(sdk), "tracing -> aws-config");
    }
}
