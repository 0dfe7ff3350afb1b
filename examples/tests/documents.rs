//! The programs that the documents show are the ones that are run.

const EMBEDDING: &str = include_str!("../../docs/embedding.md");
const LEAD: &str = include_str!("../src/bin/lead.rs");

/// A program without the line that says what it is for: the document does.
fn program(source: &str) -> &str {
    source.split_once("\n\n").expect("a doc line, and the program").1
}

/// The lines of `main` that do something.
fn body(source: &str) -> usize {
    let (_, main) = source.split_once("async fn main()").expect("a program");
    let lines = main.lines().skip(1).take_while(|line| *line != "}").map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn embedding_shows_the_program_that_leads_a_role_as_it_is_and_it_has_20_lines() {
    let shown = format!("## Lead a role in 20 lines\n\n```rust\n{}```\n", program(LEAD));
    assert!(EMBEDDING.contains(&shown), "docs/embedding.md does not show examples/src/bin/lead.rs as it is");
    assert!(body(LEAD) <= 20, "{} lines", body(LEAD));
}
