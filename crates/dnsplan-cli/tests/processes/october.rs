//! The October race with three processes: what a slow one has sent is on its way while the others overtake it and clean up.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use dnsplan_route53_fake::{Action, Change, Fake, Fault, Operation, Options, Received, RecordSet};

use super::crew::{Crew, Random, Workplace};
use super::judge::{FENCE, Readers, Story, Wrong, edges, is_fenced, writer};
use super::one_at_a_time;
use super::place::{ASKED, Place, until};
use crate::harness::{Daemon, Hosted};

/// The plans that go live while the slow one's request is on its way. The last of them has the names of the first plan, so that in
/// place nothing but the fence refuses what was made for plan 2.
const OVERTAKING: RangeInclusive<u16> = 3..=4;
/// The plan that is published after all that.
const LAST: u16 = 5;
/// None of the others lives for more calls.
const LONGEST: u64 = 200;

/// What becomes of the slow process while its request is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waits,
    Killed,
}

/// Which step of plan 2 it is that the slow process's request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// Its tree is written.
    Stages,
    /// It is put in place: its own record sets, or aliases to its tree.
    Puts,
    /// The tree of the plan before it is deleted.
    Deletes,
    /// The record alone is written.
    Notes,
}

impl Step {
    fn of(request: &Received) -> Self {
        let others = request.changes.iter().filter(|change| change.record_set.name != FENCE);
        let in_trees: Vec<&Change> = others.clone().filter(|change| is_in_tree(&change.record_set)).collect();
        match (in_trees.first().map(|change| change.action), others.count() > in_trees.len()) {
            (_, true) => Self::Puts,
            (Some(Action::Delete), false) => Self::Deletes,
            (Some(_), false) => Self::Stages,
            (None, false) => Self::Notes,
        }
    }
}

fn is_in_tree(set: &RecordSet) -> bool {
    set.name.ends_with(&format!(".{FENCE}"))
}

/// What came of it.
struct Outcome {
    /// The request that was held back, as it was decided.
    late: Received,
    /// What readers have seen.
    seen: Result<(), Wrong>,
    story: Story,
}

fn faults(fake: &Fake) {
    for (fault, fraction) in [(Fault::Throttled, 0.1), (Fault::ReplyLost, 0.1), (Fault::RequestLost, 0.05)] {
        fake.inject(fault.fraction(fraction).on(Operation::ChangeResourceRecordSets));
    }
    fake.inject(Fault::Throttled.fraction(0.05).on(Operation::ListResourceRecordSets));
}

/// As whom a process signs.
fn name(process: &Daemon) -> String {
    let line = process.wait_err("enactor=");
    let name = line.split("enactor=").nth(1).unwrap();
    name.split_whitespace().next().unwrap().to_owned()
}

/// Whether there is one tree at most: that of the plan that is live.
fn is_clean(place: &Place) -> bool {
    let Hosted { fake, zone_id, .. } = &place.hosted;
    let fence = place.hosted.fence();
    let live = fence.split(" g=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let mut trees = fake.record_sets(zone_id).into_iter().filter(is_in_tree);
    trees.all(|set| set.name.contains(&format!(".g{live}-")))
}

/// One slow process, two others, and readers.
struct Scene<'p> {
    place: &'p Place,
    readers: Readers,
    slow: Daemon,
    slow_name: String,
    others: Crew<'p>,
    random: Random,
}

impl<'p> Scene<'p> {
    /// Holds the slow process's `nth` change request for plan 2 back.
    fn start(place: &'p Place, nth: u64, mut random: Random) -> Self {
        let fake = &place.hosted.fake;
        place.publish(1);
        let readers = Readers::start(edges(fake));
        let slow = place.enactor();
        until("the first plan to be live", || slow.out().contains("generation 1 is live"));
        let slow_name = name(&slow);
        fake.inject(Fault::Held.next(1).on(Operation::ChangeResourceRecordSets).after(nth));
        place.publish(2);
        place.until_held(1);
        // What strikes the held one was decided when it came in.
        faults(fake);
        let others = Crew::start(place, 2, LONGEST, &mut random);
        Self { place, readers, slow, slow_name, others, random }
    }

    fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        until(what, || {
            self.others.turn_over(&mut self.random);
            holds(self)
        });
    }

    fn go_live(&mut self, mark: u16) {
        self.place.publish(mark);
        self.until("a newer plan to be live", |scene| {
            scene.readers.have_given_up() || scene.readers.newest() == mark
        });
    }

    /// Newer plans go live, while one of those who put them in place is killed, and what is old is deleted.
    fn overtake(&mut self) {
        for mark in OVERTAKING {
            if mark == OVERTAKING.start() + 1 {
                self.others.kill_one(&mut self.random);
            }
            self.go_live(mark);
        }
        self.until("what is old to be deleted", |scene| is_clean(scene.place));
    }

    /// Lets the request that was held back go on, and returns it as it was decided.
    fn release(&mut self) -> Received {
        let fake = &self.place.hosted.fake;
        let before = fake.log().len();
        let is_late = |entry: &Received| {
            entry.number >= before && writer(entry).as_deref() == Some(self.slow_name.as_str())
        };
        let mut late = None;
        fake.release();
        until("the late request to be decided", || {
            late = fake.log().into_iter().find(is_late);
            late.is_some()
        });
        late.unwrap()
    }

    fn end(mut self, late: Received) -> Outcome {
        self.slow.assert_alive();
        let Self { place, readers, slow, others, .. } = self;
        drop((slow, others));
        Outcome { late, seen: readers.end().map(drop), story: Story::of(&place.hosted.fake.log()) }
    }
}

/// Lets others overtake the slow process, whose `nth` change request for plan 2 is held back. Where there is to be no fence, there is
/// none from the moment on when that request goes on.
fn overtaken(layout: &'static str, nth: u64, fate: Fate, is_fenced: bool) -> Outcome {
    let what = format!("{layout}, request {nth} held back, the slow process: {fate:?}, fenced: {is_fenced}");
    let mut random = Random::new(&what);
    let place = Place::new(layout, Options { seed: random.number(), edges: 2, ..Options::default() });
    let mut scene = Scene::start(&place, nth, random);
    scene.overtake();
    if fate == Fate::Killed {
        scene.slow.kill();
    }
    place.hosted.fake.set_unfenced(!is_fenced);
    let late = scene.release();
    if fate == Fate::Killed {
        scene.slow = place.enactor();
    }
    scene.go_live(LAST);
    let outcome = scene.end(late);
    let Outcome { late, seen, story } = &outcome;
    println!("{what} ({:?}): seen at the edges: {seen:?}; {story}", Step::of(late));
    outcome
}

fn assert_refused(fate: Fate) {
    let _busy = one_at_a_time();
    for (layout, requests) in [("in-place", 1), ("tree", 6)] {
        let mut steps = BTreeSet::new();
        for nth in 0..requests {
            let Outcome { late, seen, story } = overtaken(layout, nth, fate, true);
            assert!(is_fenced(&late), "{layout}, request {nth}: {late:#?}");
            assert_eq!((seen, story.wrong), (Ok(()), None), "{layout}, request {nth}");
            assert_eq!(story.live.last(), Some(&LAST), "{layout}, request {nth}");
            assert!(story.writers.len() > 1, "{layout}, request {nth}: {:?}", story.writers);
            steps.insert(Step::of(&late));
        }
        let all = [Step::Stages, Step::Puts, Step::Deletes, Step::Notes];
        let expected = if layout == "tree" { &all[..] } else { &all[1..2] };
        assert_eq!(steps, expected.iter().copied().collect(), "{layout}");
    }
}

#[test]
fn g1_g2_g3_what_a_delayed_process_has_sent_is_refused_by_route_53() {
    assert_refused(Fate::Waits);
}

#[test]
fn g1_g2_g3_what_a_process_has_sent_before_it_was_killed_is_refused_by_route_53() {
    assert_refused(Fate::Killed);
}

/// The negative control.
#[test]
fn without_the_fence_in_the_batch_the_delayed_process_takes_dns_back() {
    let _busy = one_at_a_time();
    let Outcome { late, story, .. } = overtaken("in-place", 0, Fate::Waits, false);
    assert!(late.is_accepted(), "{late:#?}");
    let back = Wrong::Backwards { name: ASKED[0], from: *OVERTAKING.end(), to: 2 };
    assert_eq!(story.wrong, Some((late.number, back)));
}
