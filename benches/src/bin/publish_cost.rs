//! Publishes plans of one size to a small and to a large zone, in turns, and compares the medians: what a plan costs must
//! not depend on the zone. Exits with code 1 where the ratio is above `--max-ratio`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use dnsplan_benches::{Bed, size_name};

/// Compares what a plan costs in a small and in a large zone.
#[derive(Parser)]
struct Cli {
    /// How many plans each zone gets
    #[arg(long, default_value_t = 300)]
    plans: usize,
    /// How many RRsets a plan changes
    #[arg(long, default_value_t = 10)]
    rrsets: u32,
    /// Hosts of the small zone
    #[arg(long, default_value_t = 10_000)]
    small: u32,
    /// Hosts of the large zone
    #[arg(long, default_value_t = 1_000_000)]
    large: u32,
    /// The highest ratio of the medians that is accepted
    #[arg(long)]
    max_ratio: Option<f64>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut zones = [cli.small, cli.large].map(|hosts| (hosts, Bed::new(hosts), Vec::new()));
    // In turns, so that what else the machine does falls on both alike; the first few warm up.
    for plan in 0..cli.plans + 10 {
        for (_, bed, times) in &mut zones {
            let begun = Instant::now();
            let next = bed.next(cli.rrsets);
            let made = begun.elapsed();
            bed.publish(next);
            if plan >= 10 {
                times.push((made, begun.elapsed() - made));
            }
        }
    }
    println!("{} plans of {} RRsets each, in turns; medians:", cli.plans, cli.rrsets);
    let medians = zones.map(|(hosts, _, times)| {
        let edit = median(times.iter().map(|(edit, _)| *edit));
        let live = median(times.iter().map(|(_, live)| *live));
        println!("  {:>5}: edit {edit:.1?}, append to live {live:.1?}", size_name(hosts));
        edit + live
    });
    let ratio = medians[1].as_secs_f64() / medians[0].as_secs_f64();
    println!("  ratio large : small, edit to live: {ratio:.2}");
    match cli.max_ratio {
        Some(limit) if ratio > limit => {
            eprintln!("the ratio is above {limit}: profile a run with `--small {0} --large {0}`", cli.large);
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
