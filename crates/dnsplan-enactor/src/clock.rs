//! The clock that an enactor is given: it paces the loop and dates what people read. No write depends on it.

use std::future::Future;
use std::time::Duration;

use dnsplan_fence::Nonce;
use dnsplan_plan::Timestamp;

/// Time, from outside.
pub trait Clock: Sync {
    /// The time of day, for people.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// Nonces, from outside: 128 bits that no other attempt ever uses.
pub trait Nonces: Sync {
    /// The next one.
    fn next(&self) -> Nonce;
}
