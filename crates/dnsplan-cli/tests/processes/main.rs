//! Enactors as processes of their own that work on one zone: at a fake of Route 53 that loses, delays and doubles what they send, and
//! at real name servers behind a proxy that does so.
//!
//! 1. What clients are answered is read at the edges, or at the server, all the while, and afterwards once more from the log of what
//!    was written, where no moment is missed.
//! 2. All that is random hangs on a seed, which is printed; `DNSPLAN_TEST_SEED` sets it. When processes run is not repeatable.
//! 3. A race is about 40 plans, 200 at a name server, or as many as `DNSPLAN_RACE_GENERATIONS` says. The full size is 200:
//!    `DNSPLAN_RACE_GENERATIONS=200 cargo test -p dnsplan-cli --test processes race -- --nocapture --test-threads=1`

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

mod crew;
#[expect(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the command line, which use more of it"
)]
#[path = "../cli/harness/mod.rs"]
mod harness;
mod judge;
mod name_servers;
mod october;
mod place;
mod race;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many plans a race is about: so many unless `DNSPLAN_RACE_GENERATIONS` says otherwise.
fn generations(usual: u16) -> u16 {
    let given = std::env::var("DNSPLAN_RACE_GENERATIONS").ok();
    given.map_or(usual, |number| number.parse().expect("a number of generations"))
}

/// Each of these tests keeps the machine busy by itself.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static BUSY: Mutex<()> = Mutex::new(());
    BUSY.lock().unwrap_or_else(PoisonError::into_inner)
}
