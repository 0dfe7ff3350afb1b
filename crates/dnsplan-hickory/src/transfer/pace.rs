//! How long a client is waited for in the midst of a transfer.
//!
//! 1. A client that takes nothing for the longest time is given up.
//! 2. A client that takes less than the least rate is given up too, however steadily it takes that: what is waited for it is
//!    spent, and only what it takes buys time back, and never more than the longest time in all.
//! 3. A transfer is therefore waited for no longer than the longest time and its size divided by the least rate.

use std::time::Duration;

/// The time that is left for one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    longest: Duration,
    /// Bytes a second. 0: anything that is taken buys the longest time.
    least: u32,
    left: Duration,
}

/// A client takes nothing, or less than it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the client took nothing for {longest:?}, or less than {least} bytes a second: look at it and the network in between, or \
     let slower ones have their time (`stall` and `slowest` in the settings; --transfer-stall and --transfer-slowest on the \
     command line)"
)]
pub(crate) struct TooSlow {
    longest: Duration,
    least: u32,
}

impl Pace {
    pub(crate) const fn new(longest: Duration, least: u32) -> Self {
        Self { longest, least, left: longest }
    }

    /// How long the next bytes may be waited for.
    pub(crate) const fn left(&self) -> Duration {
        self.left
    }

    pub(crate) const fn too_slow(&self) -> TooSlow {
        TooSlow { longest: self.longest, least: self.least }
    }

    /// So many bytes were taken, after having been waited for.
    pub(crate) fn took(&mut self, bytes: usize, waited: Duration) -> Result<(), TooSlow> {
        let left = self.left.checked_sub(waited).ok_or_else(|| self.too_slow())?;
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let bought = Duration::from_secs(bytes).checked_div(self.least).unwrap_or(self.longest);
        self.left = left.saturating_add(bought).min(self.longest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(30);

    /// Takes `bytes` every so often until it is given up, and says when that is. `None`: not within a day.
    fn given_up(bytes: usize, every: Duration) -> Option<Duration> {
        let mut pace = Pace::new(LONGEST, 16_384);
        let mut at = Duration::ZERO;
        while at < Duration::from_secs(86_400) {
            at += every;
            if pace.took(bytes, every).is_err() {
                return Some(at);
            }
        }
        None
    }

    #[test]
    fn whoever_takes_nothing_for_the_longest_time_is_given_up() {
        let mut pace = Pace::new(LONGEST, 16_384);
        assert_eq!(pace.left(), LONGEST);
        assert_eq!(pace.took(1, LONGEST), Ok(()));
        let mut pace = Pace::new(LONGEST, 16_384);
        let late = LONGEST + Duration::from_nanos(1);
        assert_eq!(pace.took(usize::MAX, late), Err(TooSlow { longest: LONGEST, least: 16_384 }));
    }

    #[test]
    fn a_trickle_is_given_up_and_a_steady_client_is_not() {
        let second = Duration::from_secs(1);
        assert_eq!(given_up(1, second), Some(31 * second));
        assert_eq!(given_up(1, Duration::from_millis(1)).map(|at| at < 32 * second), Some(true));
        assert_eq!(given_up(8_192, second).map(|at| at < 62 * second), Some(true));
        assert_eq!(given_up(16_384, second), None);
        assert_eq!(given_up(16_384 * 29, 29 * second), None);
        assert_eq!(
            given_up(16_384 * 1_000, 31 * second),
            Some(31 * second),
            "none waits longer than the longest"
        );
    }

    #[test]
    fn what_was_taken_fast_buys_no_more_than_the_longest_time() {
        let mut pace = Pace::new(LONGEST, 16_384);
        pace.took(1 << 30, Duration::ZERO).unwrap();
        assert_eq!(pace.left(), LONGEST);
        pace.took(0, LONGEST / 2).unwrap();
        pace.took(16_384, Duration::ZERO).unwrap();
        assert_eq!(pace.left(), LONGEST / 2 + Duration::from_secs(1));
    }

    #[test]
    fn without_a_least_rate_any_byte_buys_the_longest_time() {
        let mut pace = Pace::new(LONGEST, 0);
        pace.took(1, LONGEST).unwrap();
        assert_eq!(pace.left(), LONGEST);
    }
}
