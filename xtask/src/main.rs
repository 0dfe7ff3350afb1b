//! The automation of this workspace: `cargo xtask test` is the whole test command, locally and in CI.

mod mutants;
mod run;
mod steps;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::run::{Failed, cargo};
use crate::steps::Step;

/// Automation of the dnsplan workspace. Runs from any directory inside it.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs what is missing, then runs every check of the project
    Test {
        /// Run only these steps, in the order of the full run
        #[arg(value_enum)]
        steps: Vec<Step>,
        /// Run the later steps too when one has failed
        #[arg(long)]
        keep_going: bool,
    },
    /// Runs the exhaustive interleaving tests of the fence
    Loom,
    /// Checks the house rules: dependency direction, purity, sources, docs in step with the code
    Tidy,
    /// Runs the benchmarks, all or those whose name contains FILTER
    Bench {
        /// Part of a benchmark's name
        filter: Option<String>,
    },
    /// Shows that each mutant of `tests/mutants.toml` is killed by a test: one check removed or weakened each
    Mutants {
        /// Only these
        names: Vec<String>,
        /// Go on to the next mutant once so many suites have killed it
        #[arg(long, default_value_t = 2)]
        enough: usize,
    },
    /// Counts the calls that Route 53 gets for one new plan, beside the least that it takes; fails above 1.1 times that
    Route53Calls,
    /// Puts the same plans into zones at a BIND, through dnsplan, by nsupdate and by bare and fenced messages in turns
    Rfc2136Cost,
    /// Hands a writer role of a PostgreSQL server back and forth under load, the shipped form beside forms that leak
    HandoffPostgres {
        /// Hand-offs in the shipped form, with the gate and as many without
        #[arg(long, default_value_t = 1000)]
        handoffs: u64,
        /// Fail where writers pause for longer than so many milliseconds with the gate, at the 99th percentile
        #[arg(long, value_name = "MILLISECONDS", num_args = 0..=1, default_missing_value = "50")]
        strict_timing: Option<u64>,
    },
    /// Prints what the pure crates depend on, as cargo resolves it
    Purity,
}

/// The crates that see no clock, randomness, socket or runtime.
const PURE: [&str; 6] = [
    "dnsplan-fence",
    "dnsplan-plan",
    "dnsplan-planner",
    "dnsplan-enactor",
    "dnsplan-leadership",
    "dnsplan-sim",
];

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Test { steps, keep_going } => tools::ensure().and_then(|()| steps::run(&steps, keep_going)),
        Command::Loom => steps::run(&[Step::Loom], false),
        Command::Tidy => steps::run(&[Step::Tidy], false),
        Command::Bench { filter } => bench(filter.as_deref()),
        Command::Mutants { names, enough } => mutants::run(&names, enough.max(1)),
        Command::Route53Calls => measure("route53_calls"),
        Command::Rfc2136Cost => measure("rfc2136_cost"),
        Command::HandoffPostgres { handoffs, strict_timing } => handoff_postgres(handoffs, strict_timing),
        Command::Purity => purity(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("xtask: {failed}");
            ExitCode::FAILURE
        }
    }
}

fn bench(filter: Option<&str>) -> Result<(), Failed> {
    run::run(cargo(&["bench", "-p", "dnsplan-benches"]).args(filter))
}

/// Runs one of the programs that measure.
fn measure(program: &str) -> Result<(), Failed> {
    let run = ["run", "--release", "--quiet", "-p", "dnsplan-benches", "--bin"];
    run::run(cargo(&run).arg(program))
}

fn handoff_postgres(handoffs: u64, strict_timing: Option<u64>) -> Result<(), Failed> {
    let mut command =
        cargo(&["run", "--release", "--quiet", "-p", "dnsplan-postgres", "--example", "handoffs", "--"]);
    command.arg(format!("--handoffs={handoffs}"));
    command.args(strict_timing.map(|limit| format!("--strict-timing={limit}")));
    run::run(&mut command)
}

fn purity() -> Result<(), Failed> {
    PURE.iter().try_for_each(|name| {
        eprintln!("\n== {name}");
        run::run(&mut cargo(&["tree", "-p", name, "-e", "normal", "--all-features"]))
    })
}
