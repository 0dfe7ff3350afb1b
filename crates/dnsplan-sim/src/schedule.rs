//! Schedules: what goes wrong, and when. A pure function of a seed, cut down by name.
//!
//! 1. Every decision has a [`Key`]: the n-th call of an actor, the n-th incident, the n-th plan. What the seed says of a key does not
//!    depend on any other key, so that leaving one out leaves the others as they were. This is what makes shrinking work.
//! 2. Delays of a few milliseconds come from the seed alone and have no key: they are the interleaving, not a fault.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;

use crate::fault::{CallFault, Incident, Mix};

/// Names one decision of a schedule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// Whether this actor takes part: `actor:2`.
    Actor(u32),
    /// Whether this plan is published: `plan:3`.
    Plan(u32),
    /// Whether this incident happens: `incident:1`.
    Incident(u32),
    /// What goes wrong with this call of this actor: `call:2:17`.
    Call(u32, u32),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Actor(actor) => write!(f, "actor:{actor}"),
            Self::Plan(plan) => write!(f, "plan:{plan}"),
            Self::Incident(incident) => write!(f, "incident:{incident}"),
            Self::Call(actor, call) => write!(f, "call:{actor}:{call}"),
        }
    }
}

/// Not a key of a schedule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{0:?} is no key of a schedule: use actor:N, plan:N, incident:N or call:ACTOR:N, as a shrunk run prints them"
)]
pub struct InvalidKey(String);

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let invalid = || InvalidKey(text.to_owned());
        let mut words = text.split(':');
        let kind = words.next().ok_or_else(invalid)?;
        let numbers: Vec<u32> =
            words.map(|word| word.parse().map_err(|_| invalid())).collect::<Result<_, _>>()?;
        match (kind, numbers.as_slice()) {
            ("actor", [actor]) => Ok(Self::Actor(*actor)),
            ("plan", [plan]) => Ok(Self::Plan(*plan)),
            ("incident", [incident]) => Ok(Self::Incident(*incident)),
            ("call", [actor, call]) => Ok(Self::Call(*actor, *call)),
            _ => Err(invalid()),
        }
    }
}

/// Mixes numbers into one (the finaliser of SplitMix64; Steele, Lea and Flood 2014).
pub(crate) const fn mix(seed: u64, salt: u64) -> u64 {
    let mut z =
        seed.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Numbers of one decision.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64, salt: u64) -> Self {
        Self(mix(seed, salt))
    }

    /// A number below `bound`.
    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        self.0 = mix(self.0, 1);
        if bound == 0 { 0 } else { self.0 % bound }
    }

    /// True `count` times in `of`.
    pub(crate) const fn chance(&mut self, count: u64, of: u64) -> bool {
        self.below(of) < count
    }

    /// One of `all`.
    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }
}

/// What goes wrong in one run.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    mix: Mix,
    keep: Option<BTreeSet<Key>>,
    /// The keys that made a difference.
    met: Mutex<BTreeSet<Key>>,
    /// No call fails from here on, in virtual milliseconds.
    until: u64,
}

impl Schedule {
    pub(crate) fn new(seed: u64, mix: Mix, keep: Option<BTreeSet<Key>>, until: u64) -> Self {
        Self { seed, mix, keep, met: Mutex::default(), until }
    }

    /// No fault at all.
    pub(crate) fn calm(seed: u64) -> Self {
        Self::new(seed, Mix::None, None, 0)
    }

    /// Whether what the seed says of this key is to happen. Takes it down.
    pub(crate) fn keeps(&self, key: Key) -> bool {
        let kept = self.keep.as_ref().is_none_or(|keep| keep.contains(&key));
        if kept {
            self.met.lock().expect("invariant: nothing panics while it is locked").insert(key);
        }
        kept
    }

    /// The keys that made a difference.
    pub(crate) fn met(&self) -> BTreeSet<Key> {
        self.met.lock().expect("invariant: nothing panics while it is locked").clone()
    }

    /// What goes wrong with a call that is made now.
    pub(crate) fn call(&self, actor: u32, call: u32, is_write: bool, now: u64) -> CallFault {
        if now >= self.until {
            return CallFault::None;
        }
        let mut dice = Dice::new(self.seed, 0x1_0000_0000 + (u64::from(actor) << 20) + u64::from(call));
        let fault = self.mix.call(&mut dice, is_write);
        if fault == CallFault::None || !self.keeps(Key::Call(actor, call)) {
            return CallFault::None;
        }
        fault
    }

    /// How long one leg of a call takes, in milliseconds.
    pub(crate) const fn leg(&self, actor: u32, call: u32, leg: u64) -> u64 {
        let salt = 0x2_0000_0000 + ((actor as u64) << 24) + ((call as u64) << 1) + leg;
        1 + mix(self.seed, salt) % 12
    }

    /// The incidents and their moments.
    pub(crate) fn incidents(&self, actors: u32) -> Vec<(u64, Incident)> {
        let number = self.mix.incidents(&mut Dice::new(self.seed, 0x3_0000_0000));
        let one = |index: u32| {
            let mut dice = Dice::new(self.seed, 0x4_0000_0000 + u64::from(index));
            let incident = self.mix.incident(&mut dice, actors, self.until);
            (dice.below(self.until), incident)
        };
        (0..number).filter(|index| self.keeps(Key::Incident(*index))).map(one).collect()
    }
}
