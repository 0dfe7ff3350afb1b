//! Enactors as processes of their own that work on one hosted zone, at a fake that loses, delays and doubles what they send.
//!
//! 1. What clients are answered is read at the edges all the while, and afterwards once more from the log of what was written, where
//!    no moment is missed.
//! 2. All that is random hangs on a seed, which is printed; `DNSPLAN_TEST_SEED` sets it. When processes run is not repeatable.
//! 3. A race is about 200 plans, or as many as `DNSPLAN_RACE_GENERATIONS` says (at most 65,535):
//!    `DNSPLAN_RACE_GENERATIONS=2000 cargo test -p dnsplan-cli --test cli processes::race -- --nocapture`

mod crew;
mod judge;
mod october;
mod place;
mod race;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Each of these tests keeps the machine busy by itself.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static BUSY: Mutex<()> = Mutex::new(());
    BUSY.lock().unwrap_or_else(PoisonError::into_inner)
}
