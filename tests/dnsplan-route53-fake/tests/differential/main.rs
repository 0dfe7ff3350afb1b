//! The fake against two others, through the SDK: `ministack`, with thousands of random batches, and `moto`, for the form of
//! requests and responses only.
//!
//! Both are Python packages: `requirements.txt` beside this file. Where they are not installed the tests fail and say how to
//! get them.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[path = "../common/mod.rs"]
mod common;

mod batches;
mod known;
mod program;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use aws_sdk_route53::Client;
use dnsplan_route53_fake::{Change, Fake, Name, Options, Outcome, RecordSet, Refusal};
use proptest::collection::vec;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::Runtime;

use crate::batches::{HEALTH_CHECK, OWN_ZONE, Part, batch, parts};
use crate::common::{client, list, send};
use crate::program::Program;

/// How many zones, and batches in each.
const ZONES: u32 = 120;
const BATCHES: usize = 30;

/// One of the two systems.
struct System {
    client: Client,
    zone: String,
}

impl System {
    /// Sends a batch, with the zone's id in place of [`OWN_ZONE`].
    async fn send(&self, changes: &[Change]) -> Result<String, (String, String)> {
        let mut changes = changes.to_vec();
        let aliases = changes.iter_mut().filter_map(|change| change.record_set.alias.as_mut());
        aliases
            .filter(|alias| alias.zone_id == OWN_ZONE)
            .for_each(|alias| alias.zone_id.clone_from(&self.zone));
        send(&self.client, &self.zone, &changes).await
    }

    /// The listing, in the form of [`in_one_form`].
    async fn list(&self) -> Vec<RecordSet> {
        in_one_form(list(&self.client, &self.zone, 300).await, &self.zone)
    }
}

/// A zone's content with names in the fake's form, [`OWN_ZONE`] in place of the zone's id, and without the apex's own.
fn in_one_form(sets: Vec<RecordSet>, zone: &str) -> Vec<RecordSet> {
    let canonical = |name: &str| Name::parse(name).unwrap().to_string();
    let is_apex = |set: &RecordSet| set.name == "a.test." && matches!(set.record_type.as_str(), "NS" | "SOA");
    let sets = sets.into_iter().filter(|set| !is_apex(set));
    sets.map(|mut set| {
        set.name = canonical(&set.name);
        if let Some(alias) = &mut set.alias {
            alias.dns_name = canonical(&alias.dns_name);
            assert_eq!(alias.zone_id, zone);
            OWN_ZONE.clone_into(&mut alias.zone_id);
        }
        set
    })
    .collect()
}

/// The fake and another one, with one new zone each.
struct Pair {
    fake: System,
    other: System,
}

impl Pair {
    async fn new(fake: &Fake, other: &Client, number: usize) -> Self {
        let reference = format!("zone {number}");
        let created =
            other.create_hosted_zone().name("a.test").caller_reference(reference).send().await.unwrap();
        let zone = created.hosted_zone().unwrap().id().trim_start_matches("/hostedzone/").to_owned();
        let other = System { client: other.clone(), zone };
        Self {
            fake: System { client: client(fake.endpoint_url(), 1), zone: fake.create_zone("a.test") },
            other,
        }
    }

    /// What the fake holds, without a call.
    fn content(&self, fake: &Fake) -> Vec<RecordSet> {
        in_one_form(fake.record_sets(&self.fake.zone), &self.fake.zone)
    }

    /// Makes `ministack`, which takes anything, hold what the fake holds.
    async fn bring_together(&self, fake: &Fake) {
        let (right, wrong) = (self.content(fake), self.other.list().await);
        let doomed = wrong.iter().filter(|set| !right.contains(set)).map(|set| Change::delete(plain(set)));
        let missing = right.iter().filter(|set| !wrong.contains(set)).map(|set| Change::create(plain(set)));
        let changes: Vec<Change> = doomed.chain(missing).collect();
        if !changes.is_empty() {
            self.other.send(&changes).await.unwrap();
        }
    }
}

/// A listed record set in the form in which batches are generated: `ministack` knows no escapes.
fn plain(set: &RecordSet) -> RecordSet {
    RecordSet { name: set.name.replace(r"\052", "*"), ..set.clone() }
}

/// What came out, by kind.
#[derive(Debug, Default)]
struct Tally {
    accepted: usize,
    refused: usize,
    explained: BTreeMap<&'static str, usize>,
}

/// Sends one batch to both, and says whether they agree.
async fn compare(fake: &Fake, pair: &Pair, changes: &[Change], tally: &RefCell<Tally>) -> Result<(), String> {
    let (ours, theirs) = (pair.fake.send(changes).await, pair.other.send(changes).await);
    let differences = differences(fake);
    let is_strict = differences.iter().all(Option::is_none);
    match (&ours, &theirs) {
        (Ok(_), Ok(_)) => tally.borrow_mut().accepted += 1,
        (Err((code, text)), Err((their_code, their_text))) => {
            tally.borrow_mut().refused += usize::from(is_strict);
            // A schema is checked before anything else, where there is one.
            if code != their_code && is_strict {
                return Err(format!("other codes: {ours:?}, {theirs:?}"));
            }
            let is_comparable = their_text.starts_with("Tried to delete") && !text.contains("set-identifier");
            if is_comparable && is_strict && !text.replace(r"\052", "*").contains(their_text.as_str()) {
                return Err(format!("other texts: {ours:?}, {theirs:?}"));
            }
        }
        (Err(_), Ok(_)) => {
            for name in differences {
                let Some(name) = name else { return Err(format!("refused by the fake alone: {ours:?}")) };
                *tally.borrow_mut().explained.entry(name).or_default() += 1;
            }
            pair.bring_together(fake).await;
        }
        (Ok(_), Err(_)) => return Err(format!("refused by ministack alone: {theirs:?}")),
    }
    let (ours, theirs) = (pair.content(fake), pair.other.list().await);
    if ours == theirs {
        Ok(())
    } else {
        Err(format!("other listings:\n{}\nand\n{}", lines(&ours), lines(&theirs)))
    }
}

/// For each message of the last batch's refusal, the known difference that it falls under.
fn differences(fake: &Fake) -> Vec<Option<&'static str>> {
    let messages = match fake.last().unwrap().outcome {
        Outcome::Refused(Refusal::InvalidChangeBatch(messages)) => messages,
        Outcome::Refused(other) => vec![other.to_string()],
        Outcome::Accepted(_) | Outcome::Lost => Vec::new(),
    };
    messages.iter().map(|message| known::of(message).map(|difference| difference.name)).collect()
}

fn lines<T: std::fmt::Debug>(items: &[T]) -> String {
    items.iter().map(|item| format!("    {item:?}\n")).collect()
}

#[test]
fn the_fake_agrees_with_ministack_on_thousands_of_batches() {
    let runtime = Runtime::new().unwrap();
    let program = Program::ministack();
    let fake = runtime.block_on(Fake::start(Options::default())).unwrap();
    fake.add_health_check(HEALTH_CHECK);
    let ministack = client(program.endpoint(), 1);
    let (tally, zones) = (RefCell::new(Tally::default()), Cell::new(0));

    let config =
        Config { cases: ZONES, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let run = async |zone: &[Vec<Part>]| -> Result<(), String> {
        zones.set(zones.get() + 1);
        let pair = Pair::new(&fake, &ministack, zones.get()).await;
        for parts in zone {
            let there: Vec<RecordSet> = pair.content(&fake).iter().map(plain).collect();
            let changes = batch(parts, &there);
            if !changes.is_empty() {
                let agreed = compare(&fake, &pair, &changes, &tally).await;
                agreed.map_err(|difference| {
                    format!("{difference}\nafter\n{}\non\n{}", lines(&changes), lines(&there))
                })?;
            }
        }
        let listed = pair.fake.list().await;
        assert_eq!(listed, pair.content(&fake));
        Ok(())
    };
    let outcome = TestRunner::new_with_rng(config, rng)
        .run(&vec(parts(), BATCHES), |zone| runtime.block_on(run(&zone)).map_err(TestCaseError::fail));
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(other) => panic!("{other}"),
    }
    let tally = tally.into_inner();
    println!("{tally:?}");
    assert!(tally.accepted > 1_000 && tally.refused > 500, "too few that compare: {tally:?}");
}

#[test]
fn each_known_difference_is_one() {
    let runtime = Runtime::new().unwrap();
    let program = Program::ministack();
    runtime.block_on(async {
        let fake = Fake::start(Options::default()).await.unwrap();
        let ministack = client(program.endpoint(), 1);
        for (number, difference) in known::ALL.iter().enumerate() {
            let (name, reason) = (difference.name, difference.reason);
            let pair = Pair::new(&fake, &ministack, number).await;
            let changes = (difference.example)();
            let ours = pair.fake.send(&changes).await.expect_err(name);
            assert!(differences(&fake).iter().all(|found| *found == Some(name)), "{ours:?}");
            let theirs = pair.other.send(&changes).await;
            assert!(
                theirs.is_ok(),
                "{name}: ministack no longer does what is said of it ({reason}): {theirs:?}"
            );
        }
    });
}

#[test]
fn moto_takes_the_same_requests() {
    let runtime = Runtime::new().unwrap();
    let program = Program::moto();
    runtime.block_on(async {
        let fake = Fake::start(Options::default()).await.unwrap();
        let moto = client(program.endpoint(), 1);
        let pair = Pair::new(&fake, &moto, 0).await;
        let set = RecordSet::new("x.a.test.", "TXT").ttl(60).value("\"a & b\" \"c\"").value("\"d\"");
        for system in [&pair.fake, &pair.other] {
            let id = system.send(&[Change::create(set.clone())]).await.unwrap();
            assert_eq!(system.list().await, std::slice::from_ref(&set));
            let change = system.client.get_change().id(id).send().await.unwrap();
            assert_eq!(change.change_info().unwrap().status().as_str(), "INSYNC");
            system.send(&[Change::delete(set.clone())]).await.unwrap();
            assert_eq!(system.list().await, []);
        }
    });
}
