//! Many at once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::time::{Duration, Instant};

use dnsplan_fence::{Generation, Offer};
use dnsplan_plan::{OwnerName, PlanStore, conformance};
use dnsplan_store::EmbeddedStore;
use tempfile::TempDir;

use crate::children::{ATTEMPTS, appends_in_a_crowd, said, start, told};
use crate::linear_history;

const PROCESSES: usize = 10;

/// Every attempt of ten processes at once is granted a generation of its own or told who was first, and what was granted
/// is in the history, with the granted content.
#[tokio::test]
async fn g6_ten_processes_share_no_generation() {
    if let Some((store, number)) = told() {
        return appends_in_a_crowd(store, number).await;
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("plans.sqlite");
    let store = EmbeddedStore::open(&path).unwrap();
    let first = conformance::appended(&store, 0, |zone| zone).await;
    let mut children: Vec<_> = (1..=PROCESSES)
        .map(|number| start("crowd::g6_ten_processes_share_no_generation", &path, number))
        .collect();
    let mut outputs: Vec<_> =
        children.iter_mut().map(|child| BufReader::new(child.stdout.take().unwrap()).lines()).collect();
    for lines in &mut outputs {
        assert!(lines.any(|line| line.unwrap().contains("ready=")), "every process opens the file");
    }
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    let mut granted = BTreeMap::new();
    let mut stale = 0;
    for line in outputs.into_iter().flatten().map(Result::unwrap) {
        stale += usize::from(said(&line, "stale=").is_some());
        let words: Vec<_> = said(&line, "ack=").map(|rest| rest.split(' ').collect()).unwrap_or_default();
        if let [generation, digest, label] = words[..] {
            let generation = Generation::new(generation.parse().unwrap());
            let twice = granted.insert(generation, (digest.to_owned(), label.to_owned()));
            assert_eq!(twice, None, "generation {generation} was granted twice");
        }
    }
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()), "nobody fails");
    eprintln!("{} granted, {stale} stale", granted.len());
    assert_eq!(
        granted.len() + stale,
        PROCESSES * usize::try_from(ATTEMPTS).unwrap(),
        "every attempt has an answer"
    );
    let history = linear_history(&store).await;
    assert_eq!(history.len(), granted.len() + 1, "the history is what was granted");
    assert_eq!(history.last().unwrap().generation, first.generation());
    let head = store.head(&conformance::origin()).await.unwrap().unwrap();
    for entry in &history[..granted.len()] {
        let (digest, label) = &granted[&entry.generation];
        assert_eq!(entry.digest.to_string(), *digest, "with the content that was granted");
        let owner = OwnerName::relative(label, &conformance::origin()).unwrap();
        assert!(head.zone().node(&owner).is_some(), "no granted change was lost: {owner}");
    }
}

/// A reader with a handle of its own sees whole plans, each newer than the one before, while another one writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_sees_whole_plans_while_another_writes() {
    const PLANS: u64 = 150;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("plans.sqlite");
    let (writer, reader) = (EmbeddedStore::open(&path).unwrap(), EmbeddedStore::open(&path).unwrap());
    let writing = tokio::spawn(async move {
        for nonce in 0..PLANS {
            let label = format!("h{nonce}");
            conformance::appended(&writer, nonce.into(), |zone| conformance::with_address(&zone, &label, 1))
                .await;
        }
    });
    let deadline = Instant::now() + Duration::from_secs(60);
    let (mut last, mut seen) = (Generation::ZERO, 0);
    while last < Generation::new(PLANS) {
        assert!(Instant::now() < deadline, "the writer gets on, but only to {last}");
        let Some(head) = reader.head(&conformance::origin()).await.unwrap() else { continue };
        assert!(head.generation() >= last, "never backwards");
        assert_eq!(head.digest(), head.zone().digest(), "whole");
        assert_eq!(head.zone().len() as u64, head.generation().get() + 2, "one name more with each plan");
        seen += u32::from(head.generation() > last);
        last = head.generation();
    }
    writing.await.unwrap();
    assert!(seen > 1, "it read while the other wrote");
}
