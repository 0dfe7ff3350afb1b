//! Random schedules: hand-offs that are asked for, faults and incidents, all from one number.

use std::collections::BTreeSet;

use super::outcome::{Outcome, Weak};
use super::play::Play;
use super::world::{A, B, COORDINATORS, ENDPOINT, PROVIDER};
use crate::fault::{Mix, span};
use crate::schedule::{Dice, Key, Schedule};
use crate::shrink::smallest;
use crate::wire::Peer;

/// For how long anything goes wrong, in virtual milliseconds.
const TROUBLE: u64 = 12_000;
/// For how long nothing does before clients must write again.
const PATIENCE: u64 = 60_000;

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Determines everything.
    pub seed: u64,
    /// How much goes wrong.
    pub mix: Mix,
    /// What is switched off.
    pub without: BTreeSet<Weak>,
    /// Only what these keys name takes part; everything where it is `None`.
    pub keep: Option<BTreeSet<Key>>,
}

/// A run, and the keys of everything that took part in it.
#[derive(Clone, Debug)]
pub struct Played {
    /// What came out.
    pub outcome: Outcome,
    /// Everything that could be left out.
    pub keys: BTreeSet<Key>,
}

/// What happens at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Beat {
    /// The provider asks for a hand-off to a node, or says that it takes one back.
    Demand {
        to: usize,
        is_reversal: bool,
    },
    /// The provider lets nobody promote a node for so long.
    Unfit {
        node: usize,
        millis: u64,
    },
    /// It does again.
    Fit {
        node: usize,
    },
    /// The provider moves the endpoint, and moves it back after so long; nobody is granted anything.
    Flip {
        node: usize,
        millis: u64,
    },
    FlipBack {
        node: usize,
    },
    Crash {
        node: usize,
        millis: u64,
    },
    CrashBoth {
        millis: u64,
    },
    /// A node is stopped with everything that it was about to do.
    Stop {
        node: usize,
        millis: u64,
    },
    /// A coordinator is ended, and begins anew.
    Restart {
        actor: u32,
        millis: u64,
    },
    /// An actor cannot reach something.
    Cut {
        actor: u32,
        peer: Peer,
        millis: u64,
    },
}

/// Plays one schedule. `is_kept` says whether anybody reads the timeline.
#[must_use]
pub fn play(options: &Options, is_kept: bool) -> Played {
    let schedule = Schedule::new(options.seed, options.mix, options.keep.clone(), TROUBLE);
    let mut beats = beats(&schedule, options);
    let mut play = Play::new(schedule, &options.without, is_kept);
    while let Some(next) =
        beats.iter().enumerate().min_by_key(|(index, (at, _))| (*at, *index)).map(|(index, _)| index)
    {
        let (at, beat) = beats.remove(next);
        play.until(at);
        beats.extend(happen(&mut play, at, beat));
    }
    play.until(TROUBLE);
    play.settle(PATIENCE);
    let keys = play.world.net.schedule.met();
    Played { outcome: play.finish("a writer role in a random schedule".to_owned()), keys }
}

/// The smallest schedule that breaks what this one breaks first, and after how many tries; `None` where it breaks nothing.
#[must_use]
pub fn shrink(options: &Options) -> Option<(Options, Played, u64)> {
    let whole = play(options, false);
    let wanted = whole.outcome.breaches.first()?.invariant;
    let of = |keep: BTreeSet<Key>| Options { keep: Some(keep), ..options.clone() };
    let (keep, tries) = smallest(whole.keys, |keep| {
        let played = play(&of(keep), false);
        played.outcome.breach(wanted).is_some().then_some(played.keys)
    });
    let options = of(keep);
    let played = play(&options, true);
    Some((options, played, tries))
}

/// What happens when.
fn beats(schedule: &Schedule, options: &Options) -> Vec<(u64, Beat)> {
    let mut dice = Dice::new(options.seed, 0x7_0000_0000);
    // Hand-offs there are even where nothing goes wrong.
    let (demands, incidents) = (1 + dice.below(3) as u32, options.mix.incidents(&mut dice));
    let one = |index: u32| {
        let mut dice = Dice::new(options.seed, 0x8_0000_0000 + u64::from(index));
        let at = 500 + dice.below(TROUBLE - 500);
        let node = dice.below(2) as usize;
        let beat = if index < demands {
            Beat::Demand { to: node, is_reversal: dice.chance(1, 3) }
        } else {
            incident(&mut dice, node)
        };
        (at, beat)
    };
    (0..demands + incidents).filter(|index| schedule.keeps(Key::Incident(*index))).map(one).collect()
}

fn incident(dice: &mut Dice, node: usize) -> Beat {
    let millis = 100 + dice.below(*dice.clone().pick(&[500, 2_000, 6_000]));
    match dice.below(12) {
        0 | 1 => Beat::Crash { node, millis },
        2 => Beat::CrashBoth { millis },
        3 | 4 => Beat::Stop { node, millis },
        5 => Beat::Restart { actor: COORDINATORS.start + node as u32, millis },
        6 => Beat::Unfit { node, millis: millis + 5_000 },
        7 => Beat::Flip { node, millis },
        8 | 9 => Beat::Cut { actor: node as u32, peer: Peer::Register, millis },
        10 => Beat::Cut { actor: node as u32, peer: Peer::Log, millis },
        _ => {
            let peer =
                *dice.pick(&[Peer::Register, Peer::Storage, Peer::Node(A), Peer::Node(B), Peer::Endpoint]);
            Beat::Cut { actor: dice.below(7) as u32, peer, millis }
        }
    }
}

/// Lets it happen; what follows from it later.
fn happen(play: &mut Play, at: u64, beat: Beat) -> Option<(u64, Beat)> {
    let world = play.world.clone();
    let name = |index: usize| world.nodes[index].name.clone();
    match beat {
        Beat::Demand { to, is_reversal } => {
            if world.demand(to, is_reversal) {
                let what = if is_reversal {
                    "takes it back: the role is to go to"
                } else {
                    "asks for a hand-off to"
                };
                world.say(PROVIDER, "demanded", None, || format!("{what} {}", name(to)));
            }
        }
        Beat::Unfit { node, millis } => {
            world.wishes().unfit[node] = true;
            world.say(PROVIDER, "unfit", None, || {
                format!("lets nobody promote {} for {}", name(node), span(millis))
            });
            return Some((at + millis, Beat::Fit { node }));
        }
        Beat::Fit { node } => world.wishes().unfit[node] = false,
        Beat::Flip { node, millis } => {
            let before = std::mem::replace(&mut world.endpoint().node, node);
            if before != node {
                world.say(ENDPOINT, "flipped", None, || {
                    format!("the provider lets it lead to {}", name(node))
                });
                return Some((at + millis, Beat::FlipBack { node: before }));
            }
        }
        Beat::FlipBack { node } => {
            world.endpoint().node = node;
            world.say(ENDPOINT, "flipped", None, || {
                format!("the provider lets it lead to {} again", name(node))
            });
        }
        Beat::Crash { node, millis } => play.crash(node, millis),
        Beat::CrashBoth { millis } => [A, B].into_iter().for_each(|node| play.crash(node, millis)),
        Beat::Stop { node, millis } => play.stop(node, millis),
        Beat::Restart { actor, millis } => play.restart(actor, millis),
        Beat::Cut { actor, peer, millis } => {
            world.net.cut(actor, peer, millis);
            let (from, name) = (peer_name(peer), &world.net.actors[actor as usize].name);
            world.log.say(name, "cut-off", None, || format!("cannot reach {from} for {}", span(millis)));
        }
    }
    None
}

const fn peer_name(peer: Peer) -> &'static str {
    match peer {
        Peer::Register => "the register",
        Peer::Storage => "the storage",
        Peer::Log => "the log of what was written",
        Peer::Node(A) => "a",
        Peer::Node(_) => "b",
        Peer::Endpoint => "the endpoint's name",
        Peer::Store | Peer::Target(_) => "another world",
    }
}
