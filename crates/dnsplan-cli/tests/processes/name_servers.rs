//! Eight processes race for one zone at a real name server, and are killed and started again, while connections are cut and updates
//! come late.

mod site;
mod story;

use std::time::{Duration, Instant};

use dnsplan_name_servers::{Fault, Key, Software};
use hickory_proto::op::ResponseCode;

use super::crew::{Crew, Random};
use super::judge::{Readers, Wrong};
use super::place::until;
use super::{generations, one_at_a_time};
use site::Site;
use story::Story;

const ENACTORS: usize = 8;
/// How many plans there are usually: about 8 s for each server.
const GENERATIONS: u16 = 200;
/// How far plans may run ahead of what is live, at most.
const AHEAD: u64 = 5;
/// How many requests of all eight a process lives for at most: many do not live to see what the zone holds.
const LONGEST: u64 = 100;
/// How late updates come that come late: others look for newer plans several times meanwhile.
const LATE: Duration = Duration::from_millis(150);
/// How often the race without prerequisites is run: chance decides whether a late update meets a newer plan.
const TRIES: usize = 5;

/// What became of a race.
struct Outcome {
    seen: Result<usize, Wrong>,
    story: Story,
    kills: u32,
    /// How many updates were done when they arrived once more.
    again: usize,
}

fn race(software: Software, key: Option<&Key>, is_fenced: bool, generations: u16) -> Outcome {
    let what = format!("{software}, key: {}, prerequisites: {is_fenced}", key.is_some());
    let mut random = Random::new(&what);
    let site = Site::new(software, key);
    if !is_fenced {
        site.proxy.rob();
    }
    let start = Instant::now();
    let readers = Readers::start(site.views());
    site.plans.publish(1);
    let mut crew = Crew::start(&site, ENACTORS, LONGEST, &mut random);
    until("the first plan to be live", || readers.newest() == 1);
    let mut draw = random.another();
    let faults = vec![(5, Fault::CutBefore), (5, Fault::CutAfter), (10, Fault::Delay(LATE))];
    site.proxy.at_random(faults, move || draw.below(100) as usize);
    for mark in 2..=generations {
        site.plans.publish(mark);
        let ahead = u16::try_from(random.below(AHEAD + 1)).unwrap();
        until("plans to be live", || {
            crew.turn_over(&mut random);
            readers.have_given_up() || readers.newest() + ahead >= mark
        });
        if readers.have_given_up() {
            break;
        }
    }
    let is_wrong = || !is_fenced && Story::of(&site.proxy.log()).wrong.is_some();
    until("the newest plan to be live", || {
        crew.turn_over(&mut random);
        readers.have_given_up() || readers.newest() == generations || is_wrong()
    });
    let (kills, words) = (crew.kills(), crew.words());
    drop(crew);
    until("what is late to arrive", || site.proxy.log().iter().all(|passed| passed.is_over));
    let again = if is_fenced { deliver_again(&site) } else { 0 };
    let seen = readers.end().map(|seen| seen.len());
    let outcome = Outcome { seen, story: Story::of(&site.proxy.log()), kills, again };
    let Outcome { seen, story, .. } = &outcome;
    println!("{what}: {kills} kills in {:?}, seen by clients: {seen:?}; {story}", start.elapsed());
    if is_fenced && (seen.is_err() || story.wrong.is_some()) {
        println!("{words}\n{}", site.words());
    }
    outcome
}

/// All that was ever sent arrives once more, and finds that the fence has moved on. Returns how much of it was done.
fn deliver_again(site: &Site) -> usize {
    let replies = site.plans.runtime().block_on(site.proxy.deliver_again()).unwrap();
    assert_eq!(replies.len(), site.proxy.log().len());
    replies.into_iter().filter(|code| *code == ResponseCode::NoError).count()
}

fn assert_holds(software: Software, key: Option<&Key>) {
    let _busy = one_at_a_time();
    let generations = generations(GENERATIONS);
    let Outcome { seen, story, kills, again } = race(software, key, true, generations);
    assert!(seen.is_ok(), "{seen:?}");
    assert_eq!((&story.wrong, story.forks, story.apart, again), (&None, 0, 0, 0), "{story}");
    assert_eq!(story.live.last(), Some(&generations));
    // It was a race.
    assert!(story.live.len() > usize::from(generations) / 8, "{story}");
    assert!(kills > 8 && story.fenced > 8 && story.writers.len() > 8, "{kills} kills, {story}");
}

fn key() -> Key {
    Key::sample("hmac-sha256")
}

#[test]
fn g1_g2_g5_eight_processes_that_are_killed_race_at_bind() {
    assert_holds(Software::Bind, Some(&key()));
}

#[test]
fn g1_g2_g5_eight_processes_that_are_killed_race_at_knot() {
    assert_holds(Software::Knot, Some(&key()));
}

#[test]
fn g1_g2_g5_eight_processes_that_are_killed_race_at_powerdns() {
    assert_holds(Software::PowerDns, Some(&key()));
}

/// The same without a key: what the negative control is compared with.
#[test]
fn g1_g2_g5_eight_processes_that_are_killed_race_without_a_key() {
    assert_holds(Software::Bind, None);
}

/// The negative control: the same, but the proxy takes the prerequisites out of the updates, which it can where they are not signed.
#[test]
fn without_the_prerequisites_the_same_race_does_not_hold() {
    let _busy = one_at_a_time();
    for software in Software::ALL {
        let fails = || {
            let Outcome { seen, story, .. } = race(software, None, false, generations(GENERATIONS));
            seen.is_err() || story.wrong.is_some()
        };
        assert!((0..TRIES).any(|_| fails()), "{software}");
    }
}
