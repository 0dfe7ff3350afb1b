//! Processes that are killed at random moments and started again.
//!
//! A life is measured in calls that the zone gets, of whomever: on a machine that is slow or busy it takes longer, and as much
//! happens in it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::harness::Daemon;

/// A seeded source of numbers: a counter through the `SplitMix64` finalizer.
pub(super) struct Random(u64);

impl Random {
    /// From `DNSPLAN_TEST_SEED`, or another one each time. It is printed.
    pub(super) fn new(what: &str) -> Self {
        let given = std::env::var("DNSPLAN_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()));
        println!("{what}: DNSPLAN_TEST_SEED={seed}");
        Self(seed)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Another source, which hangs on the same seed.
    pub(super) fn another(&mut self) -> Self {
        Self(self.number())
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }
}

/// Where enactors work.
pub(super) trait Workplace {
    /// Starts one that looks often and waits for nobody long.
    fn enactor(&self) -> Daemon;

    /// How many calls there were so far.
    fn calls(&self) -> u64;
}

/// So many enactors at any time.
pub(super) struct Crew<'p> {
    place: &'p dyn Workplace,
    lives: Vec<Life>,
    longest: u64,
    kills: u32,
}

struct Life {
    process: Daemon,
    /// At so many calls.
    ends: u64,
}

impl<'p> Crew<'p> {
    /// Starts them. None lives for more than `longest` calls.
    pub(super) fn start(place: &'p dyn Workplace, count: usize, longest: u64, random: &mut Random) -> Self {
        let mut crew = Self { place, lives: Vec::new(), longest, kills: 0 };
        crew.lives = (0..count).map(|_| crew.life(random)).collect();
        crew
    }

    fn life(&self, random: &mut Random) -> Life {
        Life { process: self.place.enactor(), ends: self.place.calls() + random.below(self.longest) }
    }

    /// Kills those whose time has come, and starts others in their place.
    pub(super) fn turn_over(&mut self, random: &mut Random) {
        let now = self.place.calls();
        for index in 0..self.lives.len() {
            if self.lives[index].ends < now {
                self.replace(index, random);
            }
        }
    }

    /// Kills one before its time.
    pub(super) fn kill_one(&mut self, random: &mut Random) {
        let index = random.number() as usize % self.lives.len();
        self.replace(index, random);
    }

    fn replace(&mut self, index: usize, random: &mut Random) {
        // None of them ends by itself.
        self.lives[index].process.assert_alive();
        self.lives[index].process.kill();
        self.kills += 1;
        self.lives[index] = self.life(random);
    }

    pub(super) const fn kills(&self) -> u32 {
        self.kills
    }

    /// What they say, for whoever looks into a failure.
    pub(super) fn words(&self) -> String {
        self.lives.iter().map(|life| life.process.err()).collect::<Vec<_>>().join("\n--\n")
    }
}
