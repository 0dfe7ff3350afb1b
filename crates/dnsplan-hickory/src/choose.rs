//! The choice among the records of an RRset: one member of a weighted one, up to eight candidates of a multivalue one.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use dnsplan_plan::{Candidate, Member};

/// Where the choice among members or candidates comes from.
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

/// Up to eight candidates in random order, every one as likely as every other at every place.
///
/// A shuffle (Fisher and Yates) that stops after eight: its cost does not grow with the number of candidates, as only the
/// places that were swapped are written down.
pub(crate) fn draw<'a>(
    candidates: &'a [Candidate],
    chooser: &dyn Chooser,
) -> impl Iterator<Item = &'a Candidate> {
    let count = candidates.len().min(Candidate::MAX_ANSWERS);
    let mut swapped: Vec<(usize, usize)> = Vec::with_capacity(count);
    (0..count).filter_map(move |place| {
        // The last pair counts: a place may be swapped more than once.
        let at = |swapped: &[(usize, usize)], wanted: usize| {
            swapped.iter().rev().find(|(from, _)| *from == wanted).map_or(wanted, |(_, to)| *to)
        };
        let left = u64::try_from(candidates.len() - place).ok()?;
        let other = place + usize::try_from(chooser.number() % left).ok()?;
        let (drawn, moved) = (at(&swapped, other), at(&swapped, place));
        swapped.push((other, moved));
        candidates.get(drawn)
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
            health_check: None,
            data: data.clone(),
        };
        weights.iter().enumerate().map(member).collect()
    }

    fn candidates(count: usize) -> Vec<Candidate> {
        let data = rdata("A", "192.0.2.1", &".".parse().unwrap()).unwrap();
        let candidate =
            |id: usize| Candidate { id: id.to_string().into(), health_check: None, data: data.clone() };
        (0..count).map(candidate).collect()
    }

    fn drawn(candidates: &[Candidate], chooser: &dyn Chooser) -> Vec<usize> {
        draw(candidates, chooser).map(|candidate| candidate.id.parse().unwrap()).collect()
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
    fn up_to_eight_candidates_are_drawn_as_from_a_shuffled_deck() {
        for (seed, count) in (0..2_000_u64).zip((0..40).cycle()) {
            let numbers = SplitMix64::seeded(seed);
            let mut deck: Vec<usize> = (0..count).collect();
            for place in 0..count.min(8) {
                let left = u64::try_from(count - place).unwrap();
                deck.swap(place, place + usize::try_from(numbers.number() % left).unwrap());
            }
            deck.truncate(8);
            let candidates = candidates(count);
            assert_eq!(drawn(&candidates, &SplitMix64::seeded(seed)), deck, "{count} from seed {seed}");
            let distinct: std::collections::BTreeSet<usize> = deck.iter().copied().collect();
            assert_eq!(distinct.len(), count.min(8));
        }
    }

    #[test]
    fn every_order_of_the_candidates_is_as_likely_as_every_other() {
        struct Given(u64, AtomicU64);
        impl Chooser for Given {
            fn number(&self) -> u64 {
                // The digits of a number from 0 to 5: the first has three values, the second two.
                [self.0 % 3, self.0 / 3, 0][usize::try_from(self.1.fetch_add(1, Ordering::Relaxed)).unwrap()]
            }
        }
        let candidates = candidates(3);
        let mut orders: Vec<Vec<usize>> =
            (0..6).map(|number| drawn(&candidates, &Given(number, AtomicU64::new(0)))).collect();
        orders.sort();
        assert_eq!(orders, [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]);
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
