//! A scheduler of the caller's choice: futures are polled in an order that a seed determines, so that every await of an
//! enactor, a target or a store is a point where another one may come in between.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dnsplan_fence::Nonce;
use dnsplan_plan::Timestamp;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Clock, Nonces};

/// A task of [`interleave`].
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A reproducible sequence of numbers (SplitMix64, Steele, Lea and Flood 2014): a schedule, not a source of randomness.
#[derive(Clone, Debug)]
pub struct Schedule(u64);

impl Schedule {
    /// The schedule of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number below `bound` (0 where that is 0).
    pub const fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }
}

/// Comes back once before it is done: a point where another task may come in.
pub async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            Poll::Ready(())
        } else {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// Polls `tasks` in the order that `schedule` says, until all are done or `steps` polls were made; the rest are dropped,
/// which is what a crash is. Returns how many were done.
pub async fn interleave(schedule: &mut Schedule, mut tasks: Vec<Task<'_>>, steps: usize) -> usize {
    let all = tasks.len();
    let mut left = steps;
    std::future::poll_fn(|context| {
        if tasks.is_empty() || left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        let chosen = schedule.below(tasks.len());
        if tasks[chosen].as_mut().poll(context).is_ready() {
            drop(tasks.swap_remove(chosen));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    all - tasks.len()
}

/// Drives a future whose every wait ends by being polled again, as all of this module's do. Needs no runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Virtual time: a sleep ends when it is polled again, and moves the clock on.
#[derive(Debug, Default)]
pub struct VirtualClock(AtomicU64);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    async fn sleep(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(millis, Ordering::Relaxed);
        yield_once().await;
    }
}

/// Nonces that count up.
#[derive(Debug, Default)]
pub struct CountedNonces(AtomicU64);

impl Nonces for CountedNonces {
    fn next(&self) -> Nonce {
        Nonce::new(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1)
    }
}
