//! The choice of one member of a weighted RRset.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use dnsplan_plan::Member;

/// Where the choice among weighted members comes from.
pub trait Chooser: Send + Sync {
    /// A number, evenly distributed over all of `u64`.
    fn number(&self) -> u64;
}

/// A counter through the `SplitMix64` finalizer: even, fast, shared by all threads. Not for secrets.
#[derive(Debug)]
pub struct SplitMix64(AtomicU64);

/// 2^64 divided by the golden ratio, the increment of the published generator.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl SplitMix64 {
    /// A sequence that is the same for the same seed.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Default for SplitMix64 {
    /// A sequence that differs from process to process.
    fn default() -> Self {
        Self::seeded(RandomState::new().hash_one(STEP))
    }
}

impl Chooser for SplitMix64 {
    fn number(&self) -> u64 {
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// One member, in proportion to the weights; evenly where all of them are 0.
pub(crate) fn choose<'a>(members: &'a [Member], chooser: &dyn Chooser) -> Option<&'a Member> {
    let total: u64 = members.iter().map(|member| u64::from(member.weight)).sum();
    if total == 0 {
        let count = u64::try_from(members.len()).ok().filter(|count| *count > 0)?;
        return usize::try_from(chooser.number() % count).ok().and_then(|index| members.get(index));
    }
    // Totals are below 2^24, so the remainder favours nobody by more than one in 2^40.
    let mut rest = chooser.number() % total;
    members.iter().find(|member| {
        let weight = u64::from(member.weight);
        let hit = rest < weight;
        rest = rest.saturating_sub(weight);
        hit
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dnsplan_plan::rdata;

    struct Count(AtomicU64);

    impl Chooser for Count {
        fn number(&self) -> u64 {
            self.0.fetch_add(1, Ordering::Relaxed)
        }
    }

    fn members(weights: &[u8]) -> Vec<Member> {
        let data = rdata("A", "192.0.2.1", &".".parse().unwrap()).unwrap();
        let member = |(id, weight): (usize, &u8)| Member {
            id: id.to_string().into(),
            weight: *weight,
            data: data.clone(),
        };
        weights.iter().enumerate().map(member).collect()
    }

    fn tally(weights: &[u8], rounds: u64, chooser: &dyn Chooser) -> Vec<u64> {
        let members = members(weights);
        let mut tally = vec![0; weights.len()];
        for _ in 0..rounds {
            let chosen = choose(&members, chooser).unwrap();
            tally[chosen.id.parse::<usize>().unwrap()] += 1;
        }
        tally
    }

    #[test]
    fn each_member_gets_exactly_its_share_of_even_numbers() {
        assert_eq!(tally(&[3, 0, 1], 400, &Count(AtomicU64::new(0))), [300, 0, 100]);
        assert_eq!(tally(&[255], 10, &Count(AtomicU64::new(0))), [10]);
    }

    #[test]
    fn where_all_weights_are_zero_the_choice_is_even() {
        assert_eq!(tally(&[0, 0], 100, &Count(AtomicU64::new(7))), [50, 50]);
    }

    #[test]
    fn the_default_source_is_even_and_a_seed_repeats_it() {
        let of = |seed| tally(&[128, 64, 64, 0], 40_000, &SplitMix64::seeded(seed));
        let tally = of(1);
        assert_eq!(tally, of(1));
        assert_ne!(tally, of(2));
        for (got, share) in tally.iter().zip([20_000_u64, 10_000, 10_000, 0]) {
            // Five standard deviations of a binomial distribution are below 500 here.
            assert!(got.abs_diff(share) < 500, "{tally:?}");
        }
    }

    #[test]
    fn the_published_sequence_comes_out() {
        // The first outputs of SplitMix64 for seed 1234567, as published with the xoshiro generators.
        let source = SplitMix64::seeded(1_234_567);
        assert_eq!(
            [source.number(), source.number()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }
}
