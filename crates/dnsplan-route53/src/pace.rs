//! The two token buckets that Route 53 refills: requests, and changes within them.
//!
//! "Throttling" in the developer guide: the request rate counts calls of an account, the change throughput single record changes.
//! Both are configuration, since an account can have others.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// How many seconds fill a bucket, as it is with Route 53's own.
const BURST: NonZeroU32 = NonZeroU32::new(5).expect("invariant: five is not zero");
/// Half of what an account has.
const REQUESTS: NonZeroU32 = NonZeroU32::new(5).expect("invariant: five is not zero");
const CHANGES: NonZeroU32 = NonZeroU32::new(200).expect("invariant: 200 is not zero");

/// One bucket: `burst` at once, then `per_second`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// How many at once.
    pub burst: NonZeroU32,
    /// How many a second after that.
    pub per_second: NonZeroU32,
}

/// How fast to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Calls of any kind.
    pub requests: Rate,
    /// Single changes, over all batches.
    pub changes: Rate,
}

impl Rate {
    /// So many a second, and at once as many as five seconds bring.
    #[must_use]
    pub const fn steady(per_second: NonZeroU32) -> Self {
        Self { burst: per_second.saturating_mul(BURST), per_second }
    }

    fn limiter(self) -> DefaultDirectRateLimiter {
        RateLimiter::direct(Quota::per_second(self.per_second).allow_burst(self.burst))
    }
}

impl Default for Pace {
    /// Half of the 50 and 10 a second that an account has for each action, so that other tools of the account find room; and 1,000
    /// changes at once and 200 a second after that.
    fn default() -> Self {
        Self { requests: Rate::steady(REQUESTS), changes: Rate::steady(CHANGES) }
    }
}

/// The buckets of one target.
pub(crate) struct Buckets {
    requests: DefaultDirectRateLimiter,
    changes: DefaultDirectRateLimiter,
    changes_burst: NonZeroU32,
}

impl Buckets {
    pub(crate) fn new(pace: &Pace) -> Self {
        let (requests, changes) = (pace.requests.limiter(), pace.changes.limiter());
        Self { requests, changes, changes_burst: pace.changes.burst }
    }

    /// Waits until a call may be made.
    pub(crate) async fn request(&self) {
        take(&self.requests, NonZeroU32::MIN).await;
    }

    /// Waits until so many changes may be made; a batch larger than the bucket waits until it is full.
    pub(crate) async fn changes(&self, count: usize) {
        let count = u32::try_from(count).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        take(&self.changes, count.min(self.changes_burst)).await;
    }
}

async fn take(limiter: &DefaultDirectRateLimiter, count: NonZeroU32) {
    while let Ok(Err(not_yet)) = limiter.check_n(count) {
        let wait = not_yet.wait_time_from(DefaultClock::default().now());
        tokio::time::sleep(wait).await;
    }
}
