//! The steps of the test command, in one table: a name to select it by, and the commands it runs.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::run::{Failed, cargo, run as run_command, target_dir};

/// One step of `cargo xtask test`, in the order in which they run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Step {
    /// Formatting
    Fmt,
    /// Lints, with every warning an error
    Clippy,
    /// Unit, integration and documentation tests
    Unit,
    /// The documentation builds without a warning
    Doc,
    /// Exhaustive interleavings of the fence
    Loom,
    /// Dependency direction, purity, sources, docs in step with the code
    Tidy,
    /// The delayed-enactor race on the production loop
    Simulate,
    /// What of `unit` has to do with real name servers, alone: updates to BIND, Knot and PowerDNS, secondaries, and races of
    /// processes that are killed
    Rfc2136,
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().expect("invariant: no step is hidden").get_name().to_owned()
    }

    /// What it runs, one after the other.
    fn commands(self) -> Vec<Command> {
        let command = match self {
            Self::Fmt => cargo(&["fmt", "--all", "--check"]),
            Self::Clippy => {
                cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
            }
            Self::Unit => cargo(&["test", "--workspace", "--all-features"]),
            Self::Doc => {
                let mut command = cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
                command.env("RUSTDOCFLAGS", "-D warnings");
                command
            }
            Self::Loom => {
                let mut command = cargo(&["test", "-p", "dnsplan-fence", "--release", "--test", "loom"]);
                // Its own directory: other flags would otherwise rebuild the workspace's dependencies each time.
                command.args(["--", "--nocapture"]);
                command.env("RUSTFLAGS", "--cfg loom").env("CARGO_TARGET_DIR", target_dir().join("loom"));
                command
            }
            // The whole workspace is selected so that features resolve as in the step `unit`, and nothing is rebuilt.
            Self::Tidy => cargo(&["test", "--workspace", "--all-features", "--test", "tidy"]),
            // As in the step `unit`, so that nothing is rebuilt.
            Self::Simulate => {
                let build = cargo(&["build", "--workspace", "--all-features", "--bin", "dnsplan"]);
                let mut simulate = Command::new(target_dir().join("debug").join("dnsplan"));
                simulate.args(["simulate", "--delayed-enactor"]);
                return vec![build, simulate];
            }
            // As in the step `unit`, so that nothing is rebuilt.
            Self::Rfc2136 => {
                let test = ["test", "--workspace", "--all-features"];
                return vec![
                    cargo(&[&test[..], &["--test", "rfc2136", "--test", "transfer"]].concat()),
                    cargo(&[&test[..], &["--test", "processes", "name_servers"]].concat()),
                ];
            }
        };
        vec![command]
    }
}

/// Runs the selected steps, or all when none is named. Headings and the summary go to standard error, so that standard
/// output holds the tools' own lines and nothing else.
pub(crate) fn run(selected: &[Step], keep_going: bool) -> Result<(), Failed> {
    let mut summary = String::from("\n== summary\n");
    let mut failed = Vec::new();
    for step in chosen(selected) {
        eprintln!("\n== {}", step.name());
        let started = Instant::now();
        let outcome = step.commands().iter_mut().try_for_each(run_command);
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        push_line(&mut summary, &step.name(), verdict, started.elapsed());
        if let Err(error) = outcome {
            eprintln!("xtask: {error}");
            failed.push(step);
            if !keep_going {
                break;
            }
        }
    }
    eprint!("{summary}");
    if failed.is_empty() { Ok(()) } else { Err(rerun(&failed)) }
}

/// The selection in the order of the full run.
fn chosen(selected: &[Step]) -> Vec<Step> {
    // What is in another step already is not run twice.
    let wanted =
        |step: &Step| selected.contains(step) || selected.is_empty() && !matches!(step, Step::Rfc2136);
    Step::value_variants().iter().copied().filter(wanted).collect()
}

fn push_line(summary: &mut String, name: &str, verdict: &str, took: Duration) {
    writeln!(summary, "   {name:<10} {verdict:<7} {:>7.1} s", took.as_secs_f64())
        .expect("invariant: writing to a string does not fail");
}

fn rerun(failed: &[Step]) -> Failed {
    let names: Vec<String> = failed.iter().map(|step| step.name()).collect();
    Failed(format!("failed: {}; run again with `cargo xtask test {}`", names.join(", "), names.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_every_step_in_order() {
        let all = chosen(&[]);
        let alone: Vec<&Step> = Step::value_variants().iter().filter(|step| !all.contains(step)).collect();
        assert_eq!(alone, [&Step::Rfc2136], "it is part of `unit`");
        assert!(all.is_sorted_by_key(|step| *step as usize));
    }

    #[test]
    fn named_steps_keep_the_order_of_the_full_run() {
        assert_eq!(chosen(&[Step::Loom, Step::Fmt]), [Step::Fmt, Step::Loom]);
    }

    #[test]
    fn the_step_for_name_servers_runs_the_races_of_processes_too() {
        let commands = Step::Rfc2136.commands();
        let words =
            commands.iter().map(|command| command.get_args().map(|word| word.to_string_lossy()).collect());
        let words: Vec<Vec<_>> = words.collect();
        assert!(
            words.iter().any(|words| words.ends_with(&["processes".into(), "name_servers".into()])),
            "{words:?}"
        );
        assert!(
            words.iter().any(|words| words.contains(&"rfc2136".into()) && words.contains(&"transfer".into()))
        );
    }

    #[test]
    fn a_failure_names_the_command_that_repeats_it() {
        assert!(rerun(&[Step::Unit]).0.ends_with("`cargo xtask test unit`"));
    }
}
