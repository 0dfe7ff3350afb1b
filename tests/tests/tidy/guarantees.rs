//! `docs/guarantees.md` lists, for each guarantee, the tests that show it, and lists them all.
//!
//! The format: a heading `### G1 monotone` for each guarantee, and below it lines
//! ``- `path/from/the/root.rs::test_name`: what it shows``.

use std::collections::BTreeSet;

use crate::violation::Violation;
use crate::workspace::File;

const AT: &str = "docs/guarantees.md";
const GUARANTEES: [&str; 9] = ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9"];

/// A line of the document: which guarantee, which file, which test.
struct Listed<'a> {
    guarantee: &'a str,
    path: &'a str,
    test: &'a str,
}

pub(crate) fn check(document: &str, files: &[File]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut broken = |what: String| found.push(Violation::new(AT, what));
    let tests = tests(files);
    let listed = listed(document);
    for Listed { path, test, .. } in listed.iter().filter(|line| !tests.contains(&(line.path, line.test))) {
        broken(format!("`{path}::{test}` is not a test in that file"));
    }
    for guarantee in GUARANTEES {
        let prefix = format!("{}_", guarantee.to_lowercase());
        if !listed.iter().any(|line| line.guarantee == guarantee && line.test.starts_with(&prefix)) {
            broken(format!("`### {guarantee}` lists no test whose name starts with `{prefix}`"));
        }
        let unlisted = |(path, test): &&(&str, &str)| {
            test.starts_with(&prefix)
                && !listed
                    .iter()
                    .any(|line| (line.guarantee, line.path, line.test) == (guarantee, *path, *test))
        };
        for (path, test) in tests.iter().filter(unlisted) {
            broken(format!("`{path}::{test}` is not listed under `### {guarantee}`"));
        }
    }
    found
}

fn listed(document: &str) -> Vec<Listed<'_>> {
    let mut guarantee = "";
    let mut listed = Vec::new();
    for line in document.lines() {
        if line.starts_with('#') {
            guarantee = line.strip_prefix("### ").and_then(|title| title.split(' ').next()).unwrap_or("");
        }
        let token = line.strip_prefix("- `").and_then(|line| line.split('`').next());
        if let Some((path, test)) = token.and_then(|token| token.split_once("::")) {
            listed.push(Listed { guarantee, path, test });
        }
    }
    listed
}

/// Every test function of the workspace: a function with a `test` attribute among the lines directly above it.
fn tests(files: &[File]) -> BTreeSet<(&str, &str)> {
    let mut tests = BTreeSet::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let mut marked = false;
        for line in file.text.lines().map(str::trim) {
            let code = line.strip_prefix("async ").unwrap_or(line);
            if line.starts_with("#[") {
                marked |= line.contains("test]") || line.contains("test(");
            } else if let Some((name, _)) = code.strip_prefix("fn ").and_then(|code| code.split_once('(')) {
                if std::mem::take(&mut marked) {
                    tests.insert((file.path.as_str(), name));
                }
            } else if !line.starts_with("//") {
                marked = false;
            }
        }
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::expect_one;

    /// A tree and a document in which each guarantee has its one test.
    fn good() -> (String, Vec<File>) {
        let number = |guarantee: &str| guarantee.to_lowercase();
        let sections =
            GUARANTEES.map(|g| format!("### {g} name\n\n- `tests/a.rs::{}_x`: shows it\n", number(g)));
        let functions = GUARANTEES.map(|g| format!("#[test]\nfn {}_x() {{}}\n", number(g)));
        (sections.join("\n"), vec![File::new("tests/a.rs", &functions.join("\n"))])
    }

    #[test]
    fn a_document_in_step_with_the_tests_is_fine() {
        let (document, files) = good();
        assert_eq!(check(&document, &files), []);
    }

    #[test]
    fn a_listed_function_has_to_be_a_test_of_that_file() {
        let (document, mut files) = good();
        let more = format!("{document}- `tests/a.rs::helper`: no test\n");
        files[0].text.push_str("\nfn helper() {}\n");
        expect_one(&check(&more, &files), "`tests/a.rs::helper` is not a test");
        let gone = format!("{document}- `tests/gone.rs::g8_x`: no file\n");
        expect_one(&check(&gone, &files), "`tests/gone.rs::g8_x` is not a test");
    }

    #[test]
    fn a_guarantee_needs_a_test_named_after_it_in_its_own_section() {
        let (document, mut files) = good();
        files[0].text = files[0].text.replace("fn g4_x", "fn other");
        let document = document.replace("g4_x", "other");
        expect_one(&check(&document, &files), "`### G4` lists no test");
    }

    #[test]
    fn a_test_named_after_a_guarantee_has_to_be_listed_whatever_its_attributes() {
        for attributes in ["#[test]", "#[tokio::test(start_paused = true)]\n// why\n#[should_panic]"] {
            let (document, mut files) = good();
            files.push(File::new("crates/a/src/b.rs", &format!("{attributes}\nasync fn g2_more() {{}}\n")));
            expect_one(
                &check(&document, &files),
                "`crates/a/src/b.rs::g2_more` is not listed under `### G2`",
            );
        }
    }
}
