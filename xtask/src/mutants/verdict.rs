//! What a failing test says of a mutant: which invariant broke, and in how many steps.

use std::fmt;

use super::suite::Suite;

/// The name under which a suite fails of which no test says that it failed: it was aborted.
const ABORTED: &str = "aborted";
/// A longer line of an assertion says too much for a table.
const LONGEST: usize = 80;

/// What a suite said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) passed: usize,
    pub(crate) failures: Vec<Failure>,
    pub(crate) is_hung: bool,
}

/// A test that failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) test: String,
    said: String,
}

/// How a suite killed a mutant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kill {
    suite: String,
    how: String,
}

/// What became of a mutant.
pub(crate) enum Verdict {
    Killed(Vec<Kill>),
    Survived,
    /// It does not compile: the registry is wrong.
    NoMutant(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(kills) => {
                let kills: Vec<String> =
                    kills.iter().map(|Kill { suite, how }| format!("{suite}: {how}")).collect();
                f.write_str(&kills.join("; "))
            }
            Self::Survived => f.write_str("**SURVIVED**"),
            Self::NoMutant(errors) => {
                let error = errors.lines().find(|line| line.starts_with("error")).unwrap_or_default();
                write!(f, "**DOES NOT COMPILE**: {error}")
            }
        }
    }
}

/// Reads what the test harness printed.
pub(crate) fn read(said: &str, is_success: bool, is_hung: bool) -> Ran {
    let passed = said.lines().filter(|line| line.starts_with("test ") && line.ends_with(" ... ok")).count();
    let mut failures = Vec::new();
    // After the last test's own lines comes the list of all that failed.
    let details = said.split_once("\nfailures:\n").map_or("", |(_, rest)| rest);
    let details = details.split("\nfailures:\n").next().unwrap_or_default();
    for block in details.split("\n---- ").skip(1) {
        let (test, said) = block.split_once(" stdout ----\n").unwrap_or((block, ""));
        failures.push(Failure { test: test.to_owned(), said: said.to_owned() });
    }
    if failures.is_empty() && !is_success && !is_hung {
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        failures.push(Failure { test: ABORTED.to_owned(), said: last.to_owned() });
    }
    Ran { passed, failures, is_hung }
}

/// How the suite killed the mutant, if it did: the shortest way to what broke, or else the first assertion.
pub(crate) fn kill(suite: &Suite, ran: &Ran) -> Option<Kill> {
    let how = |how| Some(Kill { suite: suite.to_string(), how });
    if ran.is_hung {
        return how("hangs".to_owned());
    }
    let counted = ran.failures.iter().filter(|failure| !is_count(&failure.said));
    let found: Vec<(Option<u64>, String)> = counted.map(read_failure).collect();
    let fewest = found.iter().filter(|(steps, _)| steps.is_some()).min_by_key(|(steps, _)| *steps);
    how(fewest.or_else(|| found.first())?.1.clone())
}

/// Whether nothing broke: the explorer found another number of states, or the schedules no longer show every kind of fault.
fn is_count(said: &str) -> bool {
    let counts =
        ["all invariants hold, and every state heals", "all that was judged holds", " never came up: "];
    counts.iter().any(|count| said.contains(count))
}

fn read_failure(Failure { test, said }: &Failure) -> (Option<u64>, String) {
    let name = test.rsplit("::").next().unwrap_or(test);
    if let Some((invariant, steps)) = explored(said) {
        return (Some(steps), format!("`{name}`, {invariant} in {steps} steps"));
    }
    if let Some((seed, invariant, step)) = played(said) {
        return (Some(step), format!("`{name}`, {invariant} at step {step} of seed {seed}"));
    }
    (None, said_by_assertion(said).map_or_else(|| format!("`{name}`"), |why| format!("`{name}` ({why})")))
}

/// What an assertion says of the mutant, without the values that it compared.
fn said_by_assertion(said: &str) -> Option<String> {
    let line = said.lines().skip_while(|line| !line.contains("panicked at ")).nth(1)?;
    let line = line.strip_prefix("assertion `left == right` failed: ").unwrap_or(line);
    let why = line.split(": ").next().unwrap_or(line).replace('|', "/");
    let is_telling = !why.starts_with("assertion ") && !why.starts_with("called `") && why.len() <= LONGEST;
    is_telling.then_some(why)
}

/// `never-backwards: what was seen (11 steps)`, at the head of a counterexample.
fn explored(said: &str) -> Option<(&str, u64)> {
    said.lines().find_map(|line| {
        let (line, steps) = line.strip_suffix(" steps)")?.rsplit_once(" (")?;
        let invariant = line.split_once(": ")?.0;
        Some((invariant, steps.parse().ok()?))
    })
}

/// `seed 3: [Breach { invariant: NeverBackwards, step: 120, ...`.
fn played(said: &str) -> Option<(u64, &str, u64)> {
    let (seed, rest) = said.split_once("seed ")?.1.split_once(": [Breach { invariant: ")?;
    let (invariant, rest) = rest.split_once(", step: ")?;
    Some((seed.parse().ok()?, invariant, rest.split_once(',')?.0.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPLORED: &str = "\nrunning 3 tests\ntest holds::quick_small_holds ... FAILED\ntest holds::quick_store_holds ... FAILED\n\
        test holds::quick_whole_holds ... ok\n\nfailures:\n\n\
        ---- holds::quick_small_holds stdout ----\nthread panicked at a.rs:1:2:\n\
        assertion `left == right` failed: 9 states, at most 2 steps away: all invariants hold, and every state heals\n\n\
        ---- holds::quick_store_holds stdout ----\nthread panicked at a.rs:1:2:\n\
        store: 7 states, 9 steps between them, at most 3 steps away: broken\nnever-backwards: it was 2, and is 1 (11 steps)\n\
        \n   1 plan 1 is published\n\n\nfailures:\n    holds::quick_small_holds\n    holds::quick_store_holds\n\n\
        test result: FAILED. 1 passed; 2 failed\n";

    fn said(ran: &Ran) -> Vec<String> {
        ran.failures
            .iter()
            .filter(|failure| !is_count(&failure.said))
            .map(|failure| read_failure(failure).1)
            .collect()
    }

    #[test]
    fn a_broken_invariant_is_told_with_its_steps_and_a_count_alone_is_no_kill() {
        let ran = read(EXPLORED, false, false);
        assert_eq!((ran.passed, ran.failures.len()), (1, 2));
        assert_eq!(said(&ran), ["`quick_store_holds`, never-backwards in 11 steps"]);
    }

    #[test]
    fn a_broken_schedule_is_told_with_its_seed() {
        let line = "seed 17: [Breach { invariant: NeverEmpty, step: 120, at_ms: 5, text: \"x (3 steps)\" }]";
        let text = format!("\nfailures:\n\n---- seeded stdout ----\n{line}\n\n\nfailures:\n    seeded\n");
        assert_eq!(said(&read(&text, false, false)), ["`seeded`, NeverEmpty at step 120 of seed 17"]);
    }

    #[test]
    fn so_it_is_of_hand_offs() {
        let text = |said: &str| {
            format!("\nfailures:\n\n---- holds::deaf stdout ----\n{said}\n\n\nfailures:\n    holds::deaf\n")
        };
        let counted =
            text("deaf: 7 states, 9 steps between them, 2 after a promotion: all that was judged holds");
        assert!(said(&read(&counted, false, false)).is_empty());
        let broken = text(
            "deaf: 7 states, 9 steps between them, 2 after a promotion: broken\nI3 nothing lost: it lacks one (11 steps)",
        );
        assert_eq!(said(&read(&broken, false, false)), ["`deaf`, I3 nothing lost in 11 steps"]);
    }

    #[test]
    fn a_kind_of_fault_that_does_not_come_up_is_no_kill() {
        let text = "\nfailures:\n\n---- seeded stdout ----\n\"reaped\" never came up: {}\n\n\nfailures:\n    seeded\n";
        assert!(said(&read(text, false, false)).is_empty());
    }

    #[test]
    fn a_failed_assertion_an_abortion_and_success_are_told_apart() {
        let text = "\nfailures:\n\n---- rules::a stdout ----\nboom\n\n\nfailures:\n    rules::a\n";
        assert_eq!(said(&read(text, false, false)), ["`a`"]);
        let text =
            text.replace("boom", "thread 'rules::a' (1) panicked at a.rs:1:2:\nnever above the head: Ok(1)");
        assert_eq!(said(&read(&text, false, false)), ["`a` (never above the head)"]);
        assert_eq!(said(&read("memory allocation failed\n", false, false)), ["`aborted`"]);
        assert_eq!(read("test a ... ok\n", true, false), Ran { passed: 1, ..Ran::default() });
        assert!(read("test a ...", false, true).failures.is_empty());
    }
}
