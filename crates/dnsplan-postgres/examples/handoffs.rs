//! Hand-offs of a writer role at a real PostgreSQL server under load, the shipped form beside forms that leak.
//!
//! It fails where the shipped form leaves a late row, loses or doubles one, or aborts a write although it drains; and where a form
//! that is to leak does not, for then the load shows nothing. No timing makes it fail without `--strict-timing`.
//! `cargo xtask handoff-postgres` runs it.

#[path = "../tests/handoffs/load/mod.rs"]
mod load;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use comfy_table::Table;
use dnsplan_postgres_server::Server;
use load::{Error, HEADER, LEAKING, Plan, SHIPPED};

/// Hands a writer role of a PostgreSQL server back and forth under load, and counts rows that come after a seal.
#[derive(Parser)]
struct Cli {
    /// Hand-offs in the shipped form, with the gate and as many without
    #[arg(long, default_value_t = 1000)]
    handoffs: u64,
    /// Hand-offs in the other forms and at the other isolation levels
    #[arg(long, default_value_t = 100)]
    others: u64,
    /// Up to how many hand-offs a form that is to leak gets
    #[arg(long, default_value_t = 2000)]
    bound: u64,
    /// Writers, with a connection each at either node
    #[arg(long, default_value_t = 8)]
    writers: u64,
    /// Fail where writers pause for longer than this with the gate, at the 99th percentile
    #[arg(long, value_name = "MILLISECONDS", num_args = 0..=1, default_missing_value = "50")]
    strict_timing: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Error> {
    let cli = Cli::parse();
    let [read_committed, others @ ..] = SHIPPED;
    let mut plans = vec![(read_committed, true, cli.handoffs), (read_committed, false, cli.handoffs)];
    plans.extend(others.into_iter().chain(LEAKING).map(|form| (form, false, cli.others)));
    let limit = cli.strict_timing.map(Duration::from_millis);
    let server = Server::start(&[])?;
    let (mut table, mut broken) = (Table::new(), Vec::new());
    table.set_header(HEADER);
    for (form, drains, handoffs) in plans {
        let until_leak = (!form.is_shipped()).then_some(cli.bound);
        let plan = Plan { form, drains, handoffs, until_leak, writers: cli.writers };
        let report = load::run(server.address(), plan).await?;
        broken.extend(report.faults(limit));
        table.add_row(report.cells());
        eprintln!("{form}: {} hand-offs", report.handoffs);
    }
    println!("{table}");
    for what in &broken {
        eprintln!("handoffs: {what}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(5) })
}
