use clap::Parser;
use dnsplan::plan::{Demand, DemandReason};
use tempfile::TempDir;

use super::*;
use crate::args::{Cli, Command};
use crate::command;
use crate::failure::Code;

const SPEC_TOML: &str =
    "[zone.\"example.org.\"]\nns = [\"ns1.example.net.\"]\n\n[[record]]\nname = \"www\"\ntype = \"A\"\n";

/// A directory, and a planner that has planned `192.0.2.1` and then `192.0.2.2`.
async fn planned() -> (TempDir, Session, Watcher) {
    let dir = tempfile::tempdir().unwrap();
    let session = Session::create(&cli(&dir, &["status"]).common).unwrap();
    let mut watcher = Watcher::new(&dir.path().join("spec.toml"));
    for last in [1, 2] {
        edit(&dir, last);
        watcher.start(&session).await;
    }
    (dir, session, watcher)
}

fn edit(dir: &TempDir, last: u8) {
    let text = format!("{SPEC_TOML}data = \"192.0.2.{last}\"\n");
    std::fs::write(dir.path().join("spec.toml"), text).unwrap();
}

fn cli(dir: &TempDir, args: &[&str]) -> Cli {
    let data = dir.path().display().to_string();
    Cli::parse_from([&["dnsplan", "--data", &data], args].concat())
}

async fn head(session: &Session) -> Arc<Plan> {
    let zone = session.zone().await.unwrap();
    session.head(&zone).await.unwrap()
}

async fn rollback(dir: &TempDir) {
    let cli = cli(dir, &["rollback", "1"]);
    assert!(matches!(cli.command, Command::Rollback(_)));
    assert_eq!(command::run(cli).await, Ok(Code::Done));
}

async fn demand(session: &Session, reason: DemandReason) {
    let (above, detail) = (head(session).await.generation(), "a reason".to_owned());
    let demand = Demand { above, reason, detail, by: "enactor-1".to_owned(), at: session.now() };
    session.store.demand(&session.zone().await.unwrap(), demand).await.unwrap();
}

#[tokio::test]
async fn a_number_in_the_way_of_a_rollback_does_not_undo_it() {
    let (dir, session, mut watcher) = planned().await;
    rollback(&dir).await;
    for number in [4, 5] {
        let before = head(&session).await;
        demand(&session, DemandReason::TargetAhead).await;
        let news = watcher.look(&session).await;
        assert!(matches!(&news[..], [News::Planned(_)]));
        let after = head(&session).await;
        assert_eq!((after.generation(), after.zone()), (Generation::new(number), before.zone()));
    }
    // Nor does a restart, now as before.
    Watcher::new(&dir.path().join("spec.toml")).start(&session).await;
    assert_eq!(head(&session).await.generation(), Generation::new(5));
}

#[tokio::test]
async fn a_guard_in_the_way_of_a_rollback_brings_the_spec_back() {
    let (dir, session, mut watcher) = planned().await;
    let wanted = head(&session).await;
    rollback(&dir).await;
    demand(&session, DemandReason::Guard).await;
    watcher.look(&session).await;
    let after = head(&session).await;
    assert_eq!((after.generation(), after.zone()), (Generation::new(4), wanted.zone()));
}

#[tokio::test]
async fn a_number_in_the_way_of_the_spec_is_answered_from_the_spec() {
    let (dir, session, mut watcher) = planned().await;
    demand(&session, DemandReason::TargetAhead).await;
    edit(&dir, 3);
    // The edit was seen once only, so it does not count yet.
    watcher.look(&session).await;
    assert_eq!(head(&session).await.generation(), Generation::new(3));
    watcher.look(&session).await;
    assert_eq!(head(&session).await.generation(), Generation::new(4));
}
