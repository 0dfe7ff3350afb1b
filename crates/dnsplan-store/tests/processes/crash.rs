//! Killed at any instant.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use dnsplan_fence::{Generation, Nonce, Offer};
use dnsplan_plan::{PlanStore, conformance};
use dnsplan_store::EmbeddedStore;
use tempfile::TempDir;

use crate::children::{KEEPS, appends_until_killed, said, start, told};
use crate::linear_history;

const ROUNDS: usize = 36;

/// Splitmix64: the moments of the kills, again for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// One acknowledgement.
struct Acknowledged {
    generation: Generation,
    nonce: Nonce,
    digest: String,
}

/// What a killed process had said.
#[derive(Default)]
struct Said {
    acknowledged: Vec<Acknowledged>,
    tried: Option<Nonce>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        if let Some(nonce) = said(line, "try=") {
            self.tried = nonce.parse().ok().map(Nonce::new);
        }
        let words: Vec<_> = said(line, "ack=").map(|rest| rest.split(' ').collect()).unwrap_or_default();
        if let [generation, nonce, digest] = words[..] {
            let generation = Generation::new(generation.parse().unwrap());
            let nonce = Nonce::new(nonce.parse().unwrap());
            self.acknowledged.push(Acknowledged { generation, nonce, digest: digest.to_owned() });
        }
    }
}

/// Lets a process append until it has acknowledged `count` plans and some microseconds have gone by, and kills it.
fn killed(store: &Path, round: usize, count: usize, then: Duration) -> Said {
    let mut child = start("crash::g8_acknowledged_plan_survives_kill", store, round);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard = Said::default();
    while heard.acknowledged.len() < count {
        heard.hear(&lines.next().expect("it goes on until it is killed").unwrap());
    }
    // Not a wait for anything: the kill is to hit any instant of what follows.
    std::thread::sleep(then);
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had said before it died counts; a line without an end does not.
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let whole = rest.iter().filter(|line| said(line, "ack=").is_none_or(|rest| rest.len() > 64));
    whole.for_each(|line| heard.hear(line));
    heard
}

#[tokio::test]
async fn g8_acknowledged_plan_survives_kill() {
    if let Some((store, round)) = told() {
        return appends_until_killed(store, round).await;
    }
    let given = std::env::var("DNSPLAN_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| getrandom::u64().unwrap());
    eprintln!("seed {seed}: run again with DNSPLAN_TEST_SEED={seed}");
    let mut random = Random(seed);
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("plans.sqlite");
    let (mut acknowledged, mut settled) = (0, 0);
    for round in 0..ROUNDS {
        let count = random.below(30) as usize;
        let heard = killed(&path, round, count, Duration::from_micros(random.below(3000)));
        acknowledged += heard.acknowledged.len();
        settled += usize::from(check(&path, &heard).await);
    }
    eprintln!(
        "{acknowledged} acknowledged plans in {ROUNDS} rounds; {settled} lost replies had taken effect"
    );
    assert!(acknowledged > ROUNDS, "the rounds acknowledged something");
}

/// A new process finds everything that was acknowledged. Says whether an attempt without a reply had taken effect.
async fn check(path: &Path, heard: &Said) -> bool {
    let store = EmbeddedStore::open(path).unwrap();
    let origin = conformance::origin();
    let history = linear_history(&store).await;
    let newest = history.first().map_or(Generation::ZERO, |entry| entry.generation);
    for Acknowledged { generation, nonce, digest } in &heard.acknowledged {
        if generation.get() + KEEPS < newest.get() {
            continue; // it may have been pruned
        }
        let plan = store.get(&origin, *generation).await.unwrap();
        let plan = plan.unwrap_or_else(|| panic!("{generation} was acknowledged and is gone"));
        assert_eq!(plan.digest().to_string(), *digest, "generation {generation} has other content");
        assert_eq!(store.find(&origin, *nonce).await, Ok(Some(*generation)), "its nonce leads to it");
    }
    for entry in &history {
        let plan = store.get(&origin, entry.generation).await.unwrap().unwrap();
        assert_eq!(plan.digest(), entry.digest, "every plan in the history can be read");
    }
    let without_reply =
        heard.tried.filter(|tried| heard.acknowledged.last().is_none_or(|last| last.nonce != *tried));
    let Some(tried) = without_reply else { return false };
    let found = store.find(&origin, tried).await.unwrap();
    assert!(found.is_none_or(|generation| generation == newest), "it took effect whole, or not at all");
    found.is_some()
}
