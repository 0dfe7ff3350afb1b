//! Explores hand-offs exhaustively, and prints what came of it: see `docs/leadership.md`.

#[path = "../tests/explore/model/mod.rs"]
mod model;

use std::process::ExitCode;

use model::{Config, INVARIANTS, NAMED, RULES};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(config) = read(&arguments) else {
        let (names, rules) = (NAMED.map(|(known, _)| known), RULES.map(|(known, _)| known));
        eprintln!("usage: explore {} [{} [I1|I2|I3|I4|I5]]", names.join("|"), rules.join("|"));
        return ExitCode::from(64);
    };
    println!("{config:?}");
    let report = model::explore(&config);
    println!("{report}");
    ExitCode::from(if report.violation.is_some() { 5 } else { 0 })
}

/// The name of a configuration, then a rule to leave out, then the one invariant to judge.
fn read(arguments: &[String]) -> Option<Config> {
    let mut config = NAMED.iter().find(|(known, _)| arguments.first() == Some(&(*known).to_owned()))?.1;
    if let Some(rule) = arguments.get(1) {
        config.without = Some(RULES.iter().find(|(known, _)| known == rule)?.1);
    }
    if let Some(invariant) = arguments.get(2) {
        config.only =
            Some(INVARIANTS.into_iter().find(|one| one.to_string().split(' ').next() == Some(invariant))?);
    }
    (arguments.len() <= 3).then_some(config)
}
