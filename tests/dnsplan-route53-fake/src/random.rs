//! A seeded source of numbers.

/// A counter through the `SplitMix64` finalizer.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

/// 2^64 divided by the golden ratio, the increment of the published generator.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// A sequence that is the same for the same seed.
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("invariant: a usize has at most 64 bits");
        usize::try_from(self.number() % bound).expect("invariant: it is below a usize")
    }

    /// True with a probability of `fraction`.
    pub(crate) fn chance(&mut self, fraction: f64) -> bool {
        let top = u32::try_from(self.number() >> 32).expect("invariant: 32 bits are left");
        f64::from(top) < fraction * (f64::from(u32::MAX) + 1.0)
    }
}
