//! The story of `--failover`: a planned hand-off under load whose demotion signal is lost, reversed by the provider; then one without
//! trouble, and a writer that crashes. What follows from it is up to the protocol; what is switched off decides what breaks.

use std::collections::BTreeSet;

use dnsplan_leadership::Phase;

use super::facts;
use super::node::WORKERS;
use super::outcome::{Invariant, Outcome, Weak};
use super::play::Play;
use super::world::{A, B, PROVIDER, STORAGE, STORY, World};
use crate::schedule::Schedule;
use crate::wire::{Hold, Peer};

/// The seed where none is asked for.
pub const DEFAULT_SEED: u64 = 55;
/// How long the story waits for anything, in milliseconds.
const WAIT: u64 = 10_000;
/// How long the world has to come to rest, in milliseconds.
const PATIENCE: u64 = 30_000;

/// Plays the story. `seed` chooses the delays.
#[must_use]
pub fn story(seed: u64, without: &BTreeSet<Weak>) -> Outcome {
    let mut story = Story { play: Play::new(Schedule::calm(seed), without, true), is_in_vain: false };
    story.lost_signal();
    story.reversal();
    story.quiet();
    story.crash();
    let Story { mut play, .. } = story;
    play.settle(PATIENCE);
    play.finish(
        "a planned failover under load, as at Aurora in October 2025: signal lost, promoted, reversed"
            .to_owned(),
    )
}

struct Story {
    play: Play,
    /// The last wait was in vain: what is said of how things stand may not be so.
    is_in_vain: bool,
}

impl Story {
    /// a hands over to b; a never hears of it, and has writes in flight.
    fn lost_signal(&mut self) {
        self.expect("a to lead, and clients to write", |world| {
            leads(world, A).is_some() && written(world, A) >= 40
        });
        let world = self.play.world.clone();
        self.say(PROVIDER, "demanded", "a planned failover: a is to hand over to b, under load", None);
        world.net.cut(A as u32, Peer::Register, 12_000);
        self.say(
            "a",
            "cut-off",
            "cannot reach the register: the freeze, which is its signal to stop, is lost",
            Some(facts::SIGNAL),
        );
        world.net.cut(B as u32, Peer::Log, 2_300);
        self.say("b", "cut-off", "cannot copy what is written, and falls behind", None);
        let before = accepted(&world);
        self.expect("writes that b does not have", move |world| accepted(world) >= before + 10);
        self.hold(A, WORKERS);
        world.demand(B, false);
        self.expect("b to lead, and clients to write", |world| {
            leads(world, B).is_some() && written(world, B) >= 20
        });
        self.pass(1_200);
        let goes_on = "its writes arrive, long after; it still takes itself for the writer";
        self.say("a", "resumed", goes_on, Some(facts::BOTH).filter(|_| world.is_without(Weak::Seal)));
        world.net.release(A as u32);
        self.pass(800);
        if self.play.judge.is_broken(Invariant::Monotone) {
            self.say(STORAGE, "crashed", "has two writers, and ends both", Some(facts::CRASHED));
            self.play.crash(A, 400);
            self.play.crash(B, 400);
            world.net.mend();
            self.expect("a leader", |world| leads(world, A).or_else(|| leads(world, B)).is_some());
            if leads(&world, A).is_some() {
                self.say(
                    PROVIDER,
                    "reversed",
                    "the failover has reversed itself: a is the writer again",
                    Some(facts::REVERSED),
                );
            }
        }
        world.net.mend();
        self.pass(700);
    }

    /// The provider takes it back: the endpoint first, and only then does it ask for the role. b has writes in flight.
    fn reversal(&mut self) {
        self.expect("a leader at rest", |world| leads(world, A).or_else(|| leads(world, B)).is_some());
        let world = self.play.world.clone();
        if leads(&world, B).is_none() {
            return;
        }
        self.hold(B, 2);
        world.endpoint().node = A;
        let reversed =
            "reverses the failover: the endpoint leads to a again, and nobody has granted a anything";
        self.say(PROVIDER, "reversed", reversed, Some(facts::REVERSED));
        self.pass(300);
        world.demand(A, true);
        self.expect("the seal", |world| !matches!(phase(world), Some(Phase::Open | Phase::Freezing(_))));
        self.say("b", "released", "one of its writes arrives that it sent before the seal", None);
        world.net.release_one(B as u32);
        self.expect("a to lead, and clients to write", |world| {
            leads(world, A).is_some() && written_now(world) >= 20
        });
        world.say("b", "released", None, || "another one arrives, long after".to_owned());
        let answered = |world: &World| accepted(world) + world.storage().refused.len();
        let (before, released) = (answered(&world), world.net.release(B as u32));
        self.pass(20);
        if released > 0 && answered(&world) == before {
            world.say(STORAGE, "known", None, || "has that write already, and does nothing".to_owned());
        }
        self.pass(1_000);
    }

    /// Nothing goes wrong.
    fn quiet(&mut self) {
        let world = self.play.world.clone();
        let (from, to) = if leads(&world, B).is_some() { (B, A) } else { (A, B) };
        let (before, after) = (&world.nodes[from].name, &world.nodes[to].name);
        let text = format!(
            "the same again, and nothing is in its way: {before} is to hand over to {after}, under load"
        );
        self.say(PROVIDER, "demanded", &text, None);
        world.demand(to, false);
        let what = format!("{after} to lead, and clients to write");
        self.expect(&what, move |world| leads(world, to).is_some() && written_now(world) >= 40);
    }

    /// Who leads crashes with writes in flight, and is back before anybody has missed it.
    fn crash(&mut self) {
        let world = self.play.world.clone();
        let Some(index) = [A, B].into_iter().find(|index| leads(&world, *index).is_some()) else { return };
        self.hold(index, 1);
        self.play.crash(index, 300);
        world.net.release(index as u32);
        self.pass(2_000);
    }

    fn say(&self, lane: &'static str, kind: &'static str, text: &str, fact: Option<&str>) {
        // What a story says of how things stand is true only where it did not wait for it in vain.
        if !self.is_in_vain {
            self.play.world.say(lane, kind, None, || text.to_owned());
            fact.into_iter().for_each(|fact| self.play.world.log.october(fact));
        }
    }

    fn expect(&mut self, what: &str, is_so: impl Fn(&World) -> bool) {
        self.is_in_vain = !self.play.wait(WAIT, is_so);
        if self.is_in_vain {
            let (world, text) = (&self.play.world, format!("waited for {what} in vain"));
            world.say(STORY, "waited", None, || text.clone());
            // Where a rule is switched off, that is what it is switched off for.
            if world.without.is_empty() {
                self.play.judge.breach(world, Invariant::CameToItsEnd, text);
            }
        }
    }

    fn pass(&mut self, millis: u64) {
        let until = self.play.world.core.now() + millis;
        self.play.until(until);
    }

    /// So many of the next writes of a node are held back in the network.
    fn hold(&mut self, index: usize, writes: usize) {
        let actor = index as u32;
        for _ in 0..writes {
            let op = Some("write".to_owned());
            self.play.world.net.hold(Hold { actor, op, generation: None, part: None, gives_up: false });
        }
        self.expect("writes in flight", move |world| world.net.held(actor) >= writes);
    }
}

/// The epoch under which a node leads, where the record and the node agree.
fn leads(world: &World, index: usize) -> Option<u64> {
    let seen = world.seen()?;
    let is_it =
        seen.term().holder() == Some(&world.nodes[index].holder()) && *seen.term().phase() == Phase::Open;
    let epoch = seen.epoch().filter(|_| is_it)?;
    (world.nodes[index].state().claims() == Some(epoch)).then_some(epoch.get())
}

fn phase(world: &World) -> Option<Phase> {
    Some(world.seen()?.term().phase().clone())
}

fn accepted(world: &World) -> usize {
    world.storage().log.len()
}

/// How many writes of a node were accepted.
fn written(world: &World, index: usize) -> usize {
    world.storage().log.iter().filter(|write| write.by.node == index).count()
}

/// How many writes were accepted under the epoch that is in force.
fn written_now(world: &World) -> usize {
    let Some(epoch) = world.seen().and_then(|seen| seen.epoch()) else { return 0 };
    world.storage().log.iter().rev().take_while(|write| write.epoch == epoch).count()
}
