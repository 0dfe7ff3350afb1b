//! House rules for the text of the files themselves.

use crate::violation::Violation;
use crate::workspace::File;

/// No Rust file is longer than this.
const LONGEST: usize = 600;
/// Nor is one that holds no tests only longer than this.
const LONGEST_PRODUCT: usize = 400;

/// A file that may be longer than [`LONGEST_PRODUCT`].
pub(crate) struct Long {
    path: &'static str,
    /// Why it is better read as one.
    reason: &'static str,
}

/// The exceptions. Split a file before adding to this.
pub(crate) const LONG: &[Long] = &[];

// Written in pieces, so that this file keeps its own rules.
const WORDS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const UNFINISHED: [&str; 3] =
    [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore")];
const ALLOWS: [&str; 2] = [concat!("#[", "allow("), concat!("#![", "allow(")];
const UNWRAP: &str = concat!(".unwrap", "()");
const MACHINE_PATHS: [&str; 3] = [concat!("/", "work/"), concat!("/", "root/"), concat!("/", "home/")];

/// Checks the lines of one file.
pub(crate) fn check(file: &File) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut in_tests = file.is_test();
    let mut lines = file.text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let mut broken =
            |what: String| found.push(Violation::new(format!("{}:{}", file.path, number + 1), what));
        if file.path != "Cargo.lock"
            && let Some(path) = MACHINE_PATHS.iter().find(|path| holds_path(line, path))
        {
            broken(format!("names a path of one machine, `{path}`: make it relative"));
        }
        if !file.is_rust() {
            continue;
        }
        if let Some(word) = WORDS.iter().find(|word| holds_word(line, word)) {
            broken(format!("`{word}`: do it, or write an issue"));
        }
        if let Some(mark) = UNFINISHED.iter().find(|mark| line.contains(**mark)) {
            broken(format!("`{mark}`: unfinished code and tests that do not run are not kept"));
        }
        if let Some(allow) = ALLOWS.iter().find(|allow| line.contains(**allow)) {
            broken(format!("`{allow}..)]`: use `expect` with a reason"));
        }
        if !in_tests && line.contains(UNWRAP) {
            broken(format!("`{UNWRAP}` outside tests: return the error, or `expect(\"invariant: ..\")`"));
        }
        if opens_tests(line, lines.peek().map(|(_, next)| *next)) {
            in_tests = true;
        } else if line == "}" {
            in_tests = file.is_test();
        }
    }
    found
}

/// Formatted code ends a module at the margin, so the first `}` there ends the tests.
fn opens_tests(line: &str, next: Option<&str>) -> bool {
    let is_module = next.is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
    line.starts_with("#[cfg(") && line.contains("test") && is_module
}

fn holds_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part))
}

/// An absolute path, and not the tail of another one or of an address.
fn holds_path(line: &str, path: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "._-~}".contains(c);
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(is_part))
}

/// Checks the lengths of all files against the table of exceptions, and the table against the files.
pub(crate) fn check_lengths(files: &[File], exceptions: &[Long]) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let excepted = exceptions.iter().any(|long| long.path == file.path);
        let limit = if file.is_test() || excepted { LONGEST } else { LONGEST_PRODUCT };
        let lines = file.text.lines().count();
        if lines > limit {
            found.push(Violation::new(&file.path, format!("has {lines} lines, more than {limit}: split it")));
        }
    }
    for long in exceptions {
        let is_needed = |file: &&File| file.path == long.path && file.text.lines().count() > LONGEST_PRODUCT;
        if long.reason.is_empty() || !files.iter().any(|file| is_needed(&file)) {
            found.push(Violation::new(
                long.path,
                "an exception without need or reason: remove it from tidy's `sources`",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::expect_one;

    fn lines(count: usize) -> String {
        "// one\n".repeat(count)
    }

    #[test]
    fn ordinary_code_is_fine() {
        let text = "//! A `todo` list.\nfn f() { g().unwrap_or_default() }\n// an address: https://a.example/wor\u{6b}/\n";
        assert_eq!(check(&File::new("crates/a/src/lib.rs", text)), []);
    }

    #[test]
    fn each_forbidden_text_is_found_with_its_line() {
        let texts = WORDS.iter().chain(&UNFINISHED).chain(&ALLOWS).chain([&UNWRAP]).chain(&MACHINE_PATHS);
        for text in texts {
            expect_one(
                &check(&File::new("crates/a/src/lib.rs", &format!("//! a\nlet b = c {text}"))),
                "lib.rs:2",
            );
        }
    }

    #[test]
    fn a_machine_path_is_found_in_any_text_but_the_lock_file() {
        let text = format!("see \"{}x\"", MACHINE_PATHS[1]);
        expect_one(&check(&File::new("README.md", &text)), "machine");
        assert_eq!(check(&File::new("Cargo.lock", &text)), []);
    }

    #[test]
    fn unwrapping_is_for_tests_alone() {
        let call = format!("    f(){UNWRAP};\n");
        assert_eq!(check(&File::new("crates/a/src/b/tests.rs", &call)), []);
        assert_eq!(check(&File::new("tests/src/lib.rs", &call)), []);
        let module = format!("#[cfg(test)]\nmod tests {{\n{call}}}\n");
        assert_eq!(check(&File::new("crates/a/src/lib.rs", &module)), []);
        expect_one(&check(&File::new("crates/a/src/lib.rs", &format!("{module}{call}"))), "lib.rs:5");
    }

    #[test]
    fn long_files_are_found_and_tests_may_be_longer() {
        let product = File::new("crates/a/src/lib.rs", &lines(LONGEST_PRODUCT + 1));
        expect_one(&check_lengths(&[product], &[]), "more than 400");
        let test = File::new("crates/a/tests/b.rs", &lines(LONGEST));
        assert_eq!(check_lengths(&[test], &[]), []);
        let test = File::new("crates/a/tests/b.rs", &lines(LONGEST + 1));
        expect_one(&check_lengths(&[test], &[]), "more than 600");
    }

    #[test]
    fn an_exception_counts_only_with_a_need_and_a_reason() {
        let long = |reason| [Long { path: "crates/a/src/lib.rs", reason }];
        let product = |count| [File::new("crates/a/src/lib.rs", &lines(count))];
        assert_eq!(check_lengths(&product(LONGEST_PRODUCT + 1), &long("one table")), []);
        expect_one(&check_lengths(&product(LONGEST_PRODUCT), &long("one table")), "exception");
        expect_one(&check_lengths(&product(LONGEST_PRODUCT + 1), &long("")), "exception");
    }
}
