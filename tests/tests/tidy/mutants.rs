//! `tests/mutants.toml`, the registry of rule mutants, is in step with the code: every entry still fits the file that it changes, and
//! each rule of the protocol and each guarantee has a mutant.
//!
//! That each mutant is killed is shown by `cargo xtask mutants`, which takes too long to be part of every test run.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::violation::Violation;
use crate::workspace::File;

pub(crate) const AT: &str = "tests/mutants.toml";
const TEXTS: [&str; 6] = ["name", "rule", "what", "file", "find", "replace"];
const RULES: [&str; 19] = [
    "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "G1", "G2", "G3", "G4", "G5", "G6", "G7",
    "G8", "G9",
];

/// One entry, as far as it is checked.
struct Mutant<'a> {
    name: &'a str,
    rule: &'a str,
    what: &'a str,
    file: &'a str,
    find: &'a str,
    replace: &'a str,
}

pub(crate) fn check(registry: &str, files: &[File]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut broken = |what: String| found.push(Violation::new(AT, what));
    let table = match registry.parse::<Table>() {
        Ok(table) => table,
        Err(error) => return vec![Violation::new(AT, format!("is not TOML: {error}"))],
    };
    let entries = table.get("mutant").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut names = BTreeSet::new();
    let mut rules = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        let mutant = match read(entry) {
            Ok(mutant) => mutant,
            Err(what) => {
                broken(format!("entry {}: {what}", index + 1));
                continue;
            }
        };
        if !names.insert(mutant.name) {
            broken(format!("`{}` is there twice", mutant.name));
        }
        rules.insert(mutant.rule);
        judge(&mutant, files).into_iter().for_each(|what| broken(format!("`{}`: {what}", mutant.name)));
    }
    for rule in RULES.into_iter().filter(|rule| !rules.contains(rule)) {
        broken(format!("{rule} has no mutant"));
    }
    found
}

fn read(entry: &Value) -> Result<Mutant<'_>, String> {
    let entry = entry.as_table().ok_or("is no table")?;
    if let Some(key) = entry.keys().find(|key| !TEXTS.contains(&key.as_str()) && *key != "tests") {
        return Err(format!("has an unknown key `{key}`"));
    }
    let text =
        |key: &str| entry.get(key).and_then(Value::as_str).ok_or_else(|| format!("has no text `{key}`"));
    let tests = entry.get("tests").map(|tests| tests.as_array().map_or(&[][..], Vec::as_slice));
    if tests.is_some_and(|tests| tests.is_empty() || !tests.iter().all(Value::is_str)) {
        return Err("`tests` is no list of packages".to_owned());
    }
    Ok(Mutant {
        name: text("name")?,
        rule: text("rule")?,
        what: text("what")?,
        file: text("file")?,
        find: text("find")?,
        replace: text("replace")?,
    })
}

/// What is wrong with one entry.
fn judge(mutant: &Mutant<'_>, files: &[File]) -> Vec<String> {
    let Mutant { name, rule, what, file, find, replace } = mutant;
    let mut broken = Vec::new();
    if [name, rule, what].into_iter().any(|text| text.trim().is_empty() || text.contains(['\n', '|'])) {
        broken.push("`name`, `rule` and `what` are lines of a table: not empty, and without `|`".to_owned());
    }
    if find == replace {
        broken.push("`find` and `replace` are the same".to_owned());
    }
    match files.iter().find(|there| there.path == *file) {
        None => broken.push(format!("there is no {file}")),
        Some(there) if find.is_empty() || there.text.matches(find).count() != 1 => {
            let count = if find.is_empty() { 0 } else { there.text.matches(find).count() };
            broken
                .push(format!("`find` occurs {count} times in {file}, not once: follow what changed there"));
        }
        Some(_) => {}
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::expect_one;

    fn files() -> Vec<File> {
        vec![File::new("crates/a/src/b.rs", "if a < b {\n    c(c);\n}\n")]
    }

    /// A registry with one good entry for each rule.
    fn good() -> String {
        let entry = |rule: &&str| {
            format!(
                "[[mutant]]\nname = \"n-{rule}\"\nrule = \"{rule}\"\nwhat = \"a check\"\nfile = \"crates/a/src/b.rs\"\n\
                 find = \"a < b\"\nreplace = \"true\"\n"
            )
        };
        RULES.iter().map(entry).collect()
    }

    /// The registry with its first occurrence of `what` replaced.
    fn with(what: &str, by: &str) -> Vec<Violation> {
        check(&good().replacen(what, by, 1), &files())
    }

    #[test]
    fn a_registry_in_step_with_the_code_is_fine() {
        assert_eq!(check(&good(), &files()), []);
        assert_eq!(with("replace", "tests = [\"dnsplan-fence\"]\nreplace"), []);
    }

    #[test]
    fn the_text_has_to_be_there_exactly_once() {
        expect_one(&with("a < b", "a > b"), "`n-R1`: `find` occurs 0 times");
        expect_one(&with("a < b", "c"), "`find` occurs 2 times");
        expect_one(&with("a < b", ""), "`find` occurs 0 times");
        expect_one(&with("src/b.rs", "src/gone.rs"), "there is no crates/a/src/gone.rs");
    }

    #[test]
    fn a_mutant_changes_something_and_has_a_name_of_its_own() {
        expect_one(&with("\"true\"", "\"a < b\""), "the same");
        expect_one(&with("n-R2\"", "n-R1\""), "`n-R1` is there twice");
        expect_one(&with("a check", ""), "not empty");
    }

    #[test]
    fn every_rule_and_every_guarantee_has_a_mutant() {
        expect_one(&with("rule = \"R10\"", "rule = \"staging\""), "R10 has no mutant");
        expect_one(&with("rule = \"G7\"", "rule = \"G6\""), "G7 has no mutant");
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_found() {
        let more = |entry: &str| check(&format!("{}[[mutant]]\n{entry}\n", good()), &files());
        expect_one(&more("name = \"x\""), "entry 20: has no text `rule`");
        expect_one(&more("judges = []"), "unknown key `judges`");
        expect_one(&more("tests = []"), "no list of packages");
        expect_one(&check("[[mutant", &files()), "is not TOML");
    }
}
