//! Eight processes race for one hosted zone, and are killed and started again, while calls are lost, delayed, doubled and throttled.

use std::time::{Duration, Instant};

use dnsplan_route53_fake::{Fake, Fault, Operation, Options, Propagation};

use super::crew::{Crew, Random};
use super::judge::{Readers, Story, Wrong, edges};
use super::place::{Place, until};
use super::{generations, one_at_a_time};

const ENACTORS: usize = 8;
/// How many plans there are usually.
const GENERATIONS: u16 = 40;
/// How far plans may run ahead of what is live, at most.
const AHEAD: u64 = 5;

/// How many calls of all eight a process lives for at most: many do not live to see what the zone holds, and some live long enough for
/// all requests of a plan, of which a tree takes several.
fn longest(layout: &str) -> u64 {
    if layout == "tree" { 500 } else { 150 }
}

fn faults(fake: &Fake) {
    let changes = |fault: Fault, fraction| {
        fake.inject(fault.fraction(fraction).on(Operation::ChangeResourceRecordSets));
    };
    changes(Fault::Throttled, 0.05);
    changes(Fault::PriorRequestNotComplete, 0.05);
    changes(Fault::ReplyLost, 0.05);
    changes(Fault::RequestLost, 0.05);
    changes(Fault::Delayed(Duration::from_millis(300)), 0.1);
    changes(Fault::Duplicated { after: 5 }, 0.05);
    fake.inject(Fault::Throttled.fraction(0.02).on(Operation::ListResourceRecordSets));
    fake.inject(Fault::Throttled.fraction(0.02).on(Operation::GetChange));
}

/// What became of a race.
struct Outcome {
    seen: Result<usize, Wrong>,
    story: Story,
    kills: u32,
}

fn race(layout: &'static str, is_fenced: bool, generations: u16) -> Outcome {
    let _busy = one_at_a_time();
    let mut random = Random::new(&format!("{layout}, fenced: {is_fenced}"));
    let propagation = Propagation::Ticking(Duration::from_millis(5));
    let place =
        Place::new(layout, Options { seed: random.number(), edges: 2, propagation, ..Options::default() });
    let fake = &place.hosted.fake;
    fake.set_unfenced(!is_fenced);
    let start = Instant::now();
    let readers = Readers::start(edges(fake));
    place.publish(1);
    let mut crew = Crew::start(&place, ENACTORS, longest(layout), &mut random);
    until("the first plan to be live", || readers.newest() == 1);
    faults(fake);
    let is_over = || readers.have_given_up() || (!is_fenced && Story::of(&fake.log()).wrong.is_some());
    for mark in 2..=generations {
        place.publish(mark);
        let ahead = u16::try_from(random.below(AHEAD + 1)).unwrap();
        until("plans to be live", || {
            crew.turn_over(&mut random);
            readers.have_given_up() || readers.newest() + ahead >= mark
        });
        if is_over() {
            break;
        }
    }
    until("the newest plan to be live", || {
        crew.turn_over(&mut random);
        is_over() || readers.newest() == generations
    });
    let (kills, words) = (crew.kills(), crew.words());
    drop(crew);
    if is_fenced {
        // All that was ever sent arrives once more, and finds that the fence has moved on.
        (0..fake.log().len()).for_each(|number| drop(fake.deliver_again(number)));
    }
    let outcome =
        Outcome { seen: readers.end().map(|seen| seen.len()), story: Story::of(&fake.log()), kills };
    let Outcome { seen, story, .. } = &outcome;
    println!(
        "{layout}, fenced: {is_fenced}: {kills} kills in {:?}, seen at the edges: {seen:?}; {story}",
        start.elapsed()
    );
    if is_fenced && (seen.is_err() || story.wrong.is_some()) {
        println!("{words}");
    }
    outcome
}

fn assert_holds(layout: &'static str) {
    let generations = generations(GENERATIONS);
    let Outcome { seen, story, kills } = race(layout, true, generations);
    assert!(seen.is_ok(), "{seen:?}");
    assert_eq!((&story.wrong, story.twice), (&None, 0));
    assert_eq!(story.live.last(), Some(&generations));
    // It was a race.
    assert!(story.live.len() > usize::from(generations) / 8, "{story}");
    assert!(kills > 8 && story.fenced > 8 && story.writers.len() > 8, "{kills} kills, {story}");
}

#[test]
fn g1_g2_g5_eight_processes_that_are_killed_race_in_place() {
    assert_holds("in-place");
}

#[test]
fn g1_g2_g5_eight_processes_that_are_killed_race_for_trees() {
    assert_holds("tree");
}

/// The negative control: the same, at a Route 53 that takes a batch though the fence has moved on.
#[test]
fn without_the_fence_in_the_batch_the_same_race_does_not_hold() {
    for layout in ["in-place", "tree"] {
        let Outcome { seen, story, .. } = race(layout, false, generations(GENERATIONS));
        assert!(seen.is_err() || story.wrong.is_some(), "{layout}: {story}");
    }
}
