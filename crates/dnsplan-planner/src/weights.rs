//! Shares of traffic to the weights of a weighted RRset: whole numbers from 1 to 255.
//!
//! 1. Small exact ratios stay exact: 60, 30 and 10 become 6, 3 and 1, which people can read.
//! 2. Otherwise the largest share becomes 255 and the others are rounded to the nearest, off by half a unit at most; but
//!    no share that is not zero becomes a weight of zero, as that would take a member out of service by rounding.
//!
//! Rejected: largest remainder. It makes the sum exact, for which nobody asks, and lets one member's change move the
//! weight of another.

/// A share as a fraction; its denominator is not zero.
#[derive(Clone, Copy)]
pub(crate) struct Fraction {
    pub(crate) numerator: u128,
    pub(crate) denominator: u128,
}

const MAX: u128 = u8::MAX as u128;

/// The weights of `shares`, none of which is zero.
pub(crate) fn weights(shares: &[Fraction]) -> Vec<u8> {
    let larger = |left: &&Fraction, right: &&Fraction| {
        (left.numerator * right.denominator).cmp(&(right.numerator * left.denominator))
    };
    let Some(largest) = shares.iter().max_by(larger) else { return Vec::new() };
    let ratios: Vec<Fraction> = shares.iter().map(|share| share.over(largest)).collect();
    let common = ratios.iter().try_fold(1, |common, ratio| {
        let multiple = common / gcd(common, ratio.denominator) * ratio.denominator;
        (multiple <= MAX).then_some(multiple)
    });
    let scale = common.unwrap_or(MAX);
    let weight = |ratio: &Fraction| (ratio.numerator * scale + ratio.denominator / 2) / ratio.denominator;
    ratios.iter().map(|ratio| u8::try_from(weight(ratio).max(1)).unwrap_or(u8::MAX)).collect()
}

impl Fraction {
    /// Itself divided by the largest share, in lowest terms.
    const fn over(&self, largest: &Self) -> Self {
        let numerator = self.numerator * largest.denominator;
        let denominator = self.denominator * largest.numerator;
        let divisor = gcd(numerator, denominator);
        Self { numerator: numerator / divisor, denominator: denominator / divisor }
    }
}

const fn gcd(left: u128, right: u128) -> u128 {
    let (mut left, mut right) = (left, right);
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::{Fraction, weights};

    fn of(shares: &[(u128, u128)]) -> Vec<u8> {
        let fraction = |(numerator, denominator): &(u128, u128)| Fraction {
            numerator: *numerator,
            denominator: *denominator,
        };
        weights(&shares.iter().map(fraction).collect::<Vec<_>>())
    }

    #[test]
    fn small_ratios_are_exact() {
        assert_eq!(of(&[(60, 1), (30, 1), (10, 1)]), [6, 3, 1]);
        assert_eq!(of(&[(60, 3), (60, 3), (60, 3), (30, 2), (30, 2), (10, 1)]), [4, 4, 4, 3, 3, 2]);
        assert_eq!(of(&[(7, 7)]), [1]);
        assert_eq!(of(&[]), [0; 0]);
    }

    #[test]
    fn large_ratios_are_rounded_but_never_to_zero() {
        assert_eq!(of(&[(1_000, 1), (1, 1)]), [255, 1]);
        assert_eq!(of(&[(1_000_000, 1), (500_001, 1), (1, 1)]), [255, 128, 1]);
    }
}
