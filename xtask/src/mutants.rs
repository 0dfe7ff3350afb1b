//! `cargo xtask mutants`: every mutant of `tests/mutants.toml` is applied to a copy of the workspace, one at a time, and the tests
//! that judge it must kill it.
//!
//! 1. The copy is `target/mutants/tree`, built into `target/mutants/build`, incrementally: what a mutant costs is mostly its build.
//! 2. The unmutated copy must pass first.
//! 3. A count of states that is off, or a kind of fault that no longer comes up, is no kill: it takes a broken invariant, a state that
//!    never heals, or another failed assertion.

mod registry;
mod suite;
mod tree;
mod verdict;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::run::Failed;
use registry::Mutant;
use suite::build;
use tree::Tree;
use verdict::{Kill, Verdict};

/// What became of one mutant.
struct Judged<'a> {
    mutant: &'a Mutant,
    verdict: Verdict,
    took: Duration,
}

/// Judges the mutants named, or all, until `enough` suites have killed each.
pub(crate) fn run(names: &[String], enough: usize) -> Result<(), Failed> {
    let registry = registry::read()?;
    let mutants = registry::chosen(&registry, names)?;
    let packages: BTreeSet<&str> = registry.iter().flat_map(Mutant::packages).collect();
    let tree = Tree::copy()?;
    let started = Instant::now();
    check_unmutated(&tree, &packages, &mutants)?;
    let mut judged = Vec::new();
    for (index, mutant) in mutants.iter().enumerate() {
        let before = Instant::now();
        let applied = tree.apply(mutant)?;
        let verdict = judge(&tree, &packages, mutant, enough);
        applied.undo()?;
        let done = Judged { mutant, verdict: verdict?, took: before.elapsed() };
        eprintln!("{:>3} of {}: {}", index + 1, mutants.len(), row(&done));
        judged.push(done);
    }
    print!("{}", table(&judged));
    eprintln!("{} mutants in {:.0} s", judged.len(), started.elapsed().as_secs_f64());
    survivors(&judged)
}

/// Without a mutant every suite passes; otherwise nothing can be told from a failure.
fn check_unmutated(tree: &Tree, packages: &BTreeSet<&str>, mutants: &[&Mutant]) -> Result<(), Failed> {
    eprintln!("without a mutant: the judging tests must pass");
    let judging: BTreeSet<&str> = mutants.iter().flat_map(|mutant| mutant.packages()).collect();
    for suites in judging.iter().map(|package| suite::of(tree, package)) {
        let suites = suites?;
        let tests =
            build(tree, packages, &suites)?.map_err(|errors| Failed(format!("does not build: {errors}")))?;
        for suite in &suites {
            let ran = suite.run(&tests)?;
            if ran.is_hung || !ran.failures.is_empty() {
                let names: Vec<&str> = ran.failures.iter().map(|failure| failure.test.as_str()).collect();
                let what = names.join(", ");
                return Err(Failed(format!("without a mutant {suite} fails ({what}): mend that first")));
            }
            if ran.passed == 0 && suite.must_run() {
                return Err(Failed(format!(
                    "{suite} runs no test: its names in `xtask/src/mutants` are out of date"
                )));
            }
        }
    }
    Ok(())
}

/// Runs suite after suite until `enough` have killed it.
fn judge(tree: &Tree, packages: &BTreeSet<&str>, mutant: &Mutant, enough: usize) -> Result<Verdict, Failed> {
    let mut kills: Vec<Kill> = Vec::new();
    for package in mutant.packages() {
        if kills.len() >= enough {
            break;
        }
        let suites = suite::of(tree, package)?;
        let tests = match build(tree, packages, &suites)? {
            Ok(tests) => tests,
            Err(errors) => return Ok(Verdict::NoMutant(errors)),
        };
        for suite in &suites {
            kills.extend(verdict::kill(suite, &suite.run(&tests)?));
            if kills.len() >= enough {
                break;
            }
        }
    }
    Ok(if kills.is_empty() { Verdict::Survived } else { Verdict::Killed(kills) })
}

fn row(judged: &Judged<'_>) -> String {
    let Judged { mutant, verdict, took } = judged;
    let secs = took.as_secs();
    format!("| {} | {} | {} | {verdict} | {secs} s |", mutant.rule, mutant.name, mutant.what)
}

fn table(judged: &[Judged<'_>]) -> String {
    let head = "| rule | mutant | what is gone | killed by | took |\n|---|---|---|---|---|\n".to_owned();
    judged.iter().fold(head, |table, judged| table + &row(judged) + "\n")
}

fn survivors(judged: &[Judged<'_>]) -> Result<(), Failed> {
    let alive = judged.iter().filter(|judged| !matches!(judged.verdict, Verdict::Killed(_)));
    let names: Vec<&str> = alive.map(|judged| judged.mutant.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Failed(format!(
        "not killed: {}; write the test that is missing, then run `cargo xtask mutants {}`",
        names.join(", "),
        names.join(" ")
    )))
}
