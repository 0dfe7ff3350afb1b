//! What each package's directory holds besides code: lints, a documented root, and clippy's settings.

use toml::Table;

use crate::violation::Violation;
use crate::workspace::{Package, read, read_if_there};

/// The packages that may touch the world. They alone carry a `clippy.toml`, which replaces the strict one at the root.
const WORLDLY: &[&str] = &[
    "dnsplan-benches",
    "dnsplan-cli",
    "dnsplan-etcd",
    "dnsplan-examples",
    "dnsplan-hickory",
    "dnsplan-name-servers",
    "dnsplan-object-store",
    "dnsplan-postgres",
    "dnsplan-postgres-server",
    "dnsplan-rfc2136",
    "dnsplan-route53",
    "dnsplan-route53-fake",
    "dnsplan-store",
    "dnsplan-tests",
    "xtask",
];

/// What the root's `clippy.toml` sets for every package, and a replacement has to repeat.
const KEPT: &[&str] = &["allow-unwrap-in-tests", "allow-expect-in-tests", "too-many-lines-threshold"];

/// A package's files, as far as they matter here.
pub(crate) struct Read {
    name: String,
    manifest: String,
    root: Option<String>,
    clippy: Option<String>,
}

impl Read {
    pub(crate) fn from_disk(package: &Package) -> Self {
        let file = |name: &str| format!("{}/{name}", package.dir);
        Self {
            name: package.name.clone(),
            manifest: read(&file("Cargo.toml")),
            root: read_if_there(&file("src/lib.rs")).or_else(|| read_if_there(&file("src/main.rs"))),
            clippy: read_if_there(&file("clippy.toml")),
        }
    }
}

/// `strict` is the root's `clippy.toml`.
pub(crate) fn check(package: &Read, strict: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut broken = |what: &str| found.push(Violation::new(&package.name, what));
    let manifest = table(&package.manifest);
    let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    if lints.and_then(toml::Value::as_bool) != Some(true) {
        broken("does not take the workspace's lints: add `[lints] workspace = true`");
    }
    if !package.root.as_ref().is_some_and(|root| root.starts_with("//!")) {
        broken("its src/lib.rs (or src/main.rs) does not begin with a `//!` line that says what it is for");
    }
    match (&package.clippy, WORLDLY.contains(&package.name.as_str())) {
        (None, true) => broken("touches the world but has no clippy.toml of its own"),
        (Some(_), false) => broken("must not replace the root's clippy.toml: it may not touch the world"),
        (Some(own), true) => {
            let (own, strict) = (table(own), table(strict));
            for key in KEPT.iter().filter(|key| own.get(**key) != strict.get(**key)) {
                broken(&format!("its clippy.toml differs from the root's in `{key}`"));
            }
        }
        (None, false) => {}
    }
    found
}

fn table(text: &str) -> Table {
    text.parse().expect("manifests and clippy's settings are TOML")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::expect_one;

    const STRICT: &str = "allow-unwrap-in-tests = true\ntoo-many-lines-threshold = 70\n";

    fn package(name: &str, clippy: Option<&str>) -> Read {
        Read {
            name: name.to_owned(),
            manifest: "[lints]\nworkspace = true\n".to_owned(),
            root: Some("//! What it is for.\n".to_owned()),
            clippy: clippy.map(str::to_owned),
        }
    }

    #[test]
    fn a_pure_and_a_worldly_package_are_fine() {
        assert_eq!(check(&package("dnsplan-plan", None), STRICT), []);
        assert_eq!(check(&package("dnsplan-store", Some(STRICT)), STRICT), []);
    }

    #[test]
    fn a_package_without_the_lints_or_without_documentation_is_found() {
        let bare = Read { manifest: "[lints]\n".to_owned(), ..package("dnsplan-plan", None) };
        expect_one(&check(&bare, STRICT), "lints");
        let silent = Read { root: Some("mod a;\n".to_owned()), ..package("dnsplan-plan", None) };
        expect_one(&check(&silent, STRICT), "//!");
    }

    #[test]
    fn settings_that_are_missing_weaker_or_out_of_place_are_found() {
        expect_one(&check(&package("dnsplan-store", None), STRICT), "no clippy.toml");
        expect_one(&check(&package("dnsplan-plan", Some(STRICT)), STRICT), "must not replace");
        let weaker = "allow-unwrap-in-tests = true\ntoo-many-lines-threshold = 900\n";
        expect_one(&check(&package("dnsplan-store", Some(weaker)), STRICT), "too-many-lines-threshold");
    }
}
