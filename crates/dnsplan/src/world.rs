//! The clock and the randomness that the pure crates are given.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dnsplan_enactor::{Clock, Nonces};
use dnsplan_fence::Nonce;
use dnsplan_plan::Timestamp;

/// The system's clock, and tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 is no reason to stop: times are for people only.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Nonces from the system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomNonces;

impl Nonces for RandomNonces {
    fn next(&self) -> Nonce {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("invariant: the system has a random source");
        Nonce::new(u128::from_le_bytes(bytes))
    }
}
