//! The processes that the tests beside this start: the same test again, told by its environment to be the other process.

use std::io::{BufRead, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dnsplan_fence::{Generation, Nonce, Offer, ParentGeneration};
use dnsplan_plan::{AppendError, PlanStore, conformance};
use dnsplan_store::EmbeddedStore;

const STORE: &str = "DNSPLAN_TEST_STORE";
const NUMBER: &str = "DNSPLAN_TEST_NUMBER";

/// Attempts of one process of the crowd.
pub(crate) const ATTEMPTS: u128 = 12;
/// The endless appender prunes after so many plans, and keeps so many.
const PRUNES_EVERY: u64 = 40;
pub(crate) const KEEPS: u64 = 20;

/// Starts the test `name` in a process of its own, which the caller kills or waits for.
pub(crate) fn start(name: &str, store: &Path, number: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(STORE, store)
        .env(NUMBER, number.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What one line of a child says, without what the test harness printed before it on the same line.
pub(crate) fn said<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    line.split_once(word).map(|(_, rest)| rest.trim())
}

/// The store and the number that this process was started with, where it is not the one that starts the others.
pub(crate) fn told() -> Option<(EmbeddedStore, u128)> {
    let path = std::env::var_os(STORE)?;
    let number = std::env::var(NUMBER).unwrap().parse().unwrap();
    Some((EmbeddedStore::open(path).unwrap(), number))
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// Says each nonce before it tries it and each generation after it was acknowledged, until it is killed.
pub(crate) async fn appends_until_killed(store: EmbeddedStore, round: u128) {
    for count in 0_u128.. {
        let nonce = (round << 64) | count;
        say(&format!("try= {nonce}"));
        let label = format!("h{}", count % 200);
        let last = u8::try_from((round + count) % 251).unwrap();
        let plan = conformance::appended(&store, nonce, |zone| {
            // The same address again would be no change.
            let other = conformance::with_address(&zone, &label, last);
            if other == zone { conformance::with_address(&zone, &label, 255) } else { other }
        });
        let plan = plan.await;
        say(&format!("ack= {} {nonce} {}", plan.generation(), plan.digest()));
        let generation = plan.generation().get();
        if generation.is_multiple_of(PRUNES_EVERY) {
            let floor = Generation::new(generation.saturating_sub(KEEPS));
            store.prune(&conformance::origin(), floor).await.unwrap();
        }
    }
}

/// Waits for a line, then appends as fast as it can beside the others, and says what came of each attempt.
pub(crate) async fn appends_in_a_crowd(store: EmbeddedStore, number: u128) {
    say("ready=");
    std::io::stdin().lock().read_line(&mut String::new()).unwrap();
    for count in 0..ATTEMPTS {
        let head = store.head(&conformance::origin()).await.unwrap().unwrap();
        let label = format!("h{number}-{count}");
        let content = conformance::with_address(head.zone(), &label, 1);
        let author = format!("process-{number}");
        let proposal = conformance::proposal(content, &author);
        let attempt = Nonce::new((number << 64) | count);
        match store.append(ParentGeneration::of(&head), proposal, attempt).await {
            Ok(plan) => say(&format!("ack= {} {} {label}", plan.generation(), plan.digest())),
            Err(AppendError::Stale { head, author, .. }) => say(&format!("stale= {head} {author}")),
            Err(other) => panic!("appended or stale, not {other}"),
        }
    }
}
