//! Every interleaving of the users of the cell and of the gate, explored by loom: `RUSTFLAGS="--cfg loom" cargo test -p dnsplan-fence --release
//! --test loom -- --nocapture` prints how many executions each model has.
//!
//! 1. No bound: neither preemptions nor permutations nor time are limited, whatever the environment says, so a model
//!    that returns was explored to the end.
//! 2. A model that cannot reach what it is about proves nothing: each one names the outcomes it must have met in some
//!    execution ([`Met`]), and fails where one is missing.
//! 3. The broken versions stay here, each on a cell of its own, and must fail by the assertion that names the damage.
//! 4. Users hand their results to [`AtEnd`] through `std`, which loom does not see; nobody acts on them before the end.
//!    Joining the threads instead would multiply the executions and show nothing more.
#![cfg(loom)]

mod broken;
mod broken_gate;
mod explore;
mod gate;
mod race;
mod users;

use std::sync::{Arc, Mutex};

use dnsplan_fence::{Fenced, Generation, Move, Part, Record, Snapshot, Swap};
use explore::{Met, explore};
use users::{Enacted, Plan, User, cell_at_one};

/// Explores `model` to the end and prints the number of executions.
fn exhaust(name: &str, met: &'static Met, model: impl Fn() + Send + Sync + 'static) {
    explore(name, None, met, model);
}

/// What the users of one execution report.
#[derive(Default)]
struct Reports {
    older: Option<Enacted>,
    newer: Option<Enacted>,
    /// Held to the end, so that every tree that was read stays pinned.
    reads: Vec<Snapshot<u64>>,
}

/// Shared by all users of one execution; whoever ends last judges it.
struct AtEnd {
    cell: Arc<Fenced<u64>>,
    reports: Mutex<Reports>,
    judge: fn(Record<()>, &Fenced<u64>, &Reports),
}

impl AtEnd {
    fn new(cell: Arc<Fenced<u64>>, judge: fn(Record<()>, &Fenced<u64>, &Reports)) -> Arc<Self> {
        Arc::new(Self { cell, reports: Mutex::default(), judge })
    }

    fn report(&self, report: impl FnOnce(&mut Reports)) {
        report(&mut self.reports.lock().expect("nobody panicked"));
    }
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let last = self.cell.load().record().expect("a record is there").clone();
            (self.judge)(last, &self.cell, &self.reports.lock().expect("nobody panicked"));
        }
    }
}

/// Two enactors, an older plan and a newer one, and clean-up; each enactor tries so many times.
fn spawn_race(end: &Arc<AtEnd>, older_attempts: u32, newer_attempts: u32) {
    let (mut older, mut newer, mut reaper) =
        (User::new(&end.cell, 1), User::new(&end.cell, 2), User::new(&end.cell, 3));
    let (at_end, of_newer, of_reaper) = (Arc::clone(end), Arc::clone(end), Arc::clone(end));
    loom::thread::spawn(move || {
        let enacted = older.enact(&Plan(2), older_attempts);
        at_end.report(|reports| reports.older = Some(enacted));
    });
    loom::thread::spawn(move || {
        let enacted = newer.enact(&Plan(3), newer_attempts);
        of_newer.report(|reports| reports.newer = Some(enacted));
    });
    loom::thread::spawn(move || {
        reaper.reap();
        drop(of_reaper);
    });
}

/// What must hold when two enactors and clean-up are done, whatever happened.
fn judge_race(last: Record<()>, cell: &Fenced<u64>, reports: &Reports) -> (Enacted, Enacted, bool) {
    let older = reports.older.expect("the older enactor ended");
    let newer = reports.newer.expect("the newer enactor ended");
    let newest = match (older, newer) {
        (_, Enacted::Won) => 3,
        (Enacted::Won, _) => 2,
        _ => 1,
    };
    assert_eq!(last.generation, Generation::new(newest), "older {older:?}, newer {newer:?}");
    assert_ne!(newer, Enacted::Refused, "nothing is newer than 3");
    let live = cell.snapshot().expect("the live tree is gone");
    assert_eq!((live.generation(), *live.value()), (last.generation, newest));
    let first_is_gone = cell.snapshot_of(Generation::new(1)).is_none();
    assert!(!first_is_gone || last.is_reapable(Generation::new(1)), "deleted, but not reapable");
    (older, newer, first_is_gone)
}

const OLDER_WON: u32 = 0;
const OLDER_REFUSED: u32 = 1;
const OLDER_LOST: u32 = 2;
const NEWER_WON: u32 = 3;
const NEWER_LOST: u32 = 4;
const REAPED: u32 = 5;
const READ: u32 = 6;

fn note_race(met: &Met, (older, newer, reaped): (Enacted, Enacted, bool)) {
    met.note(OLDER_WON, older == Enacted::Won);
    met.note(OLDER_REFUSED, older == Enacted::Refused);
    met.note(OLDER_LOST, older == Enacted::GaveUp);
    met.note(NEWER_WON, newer == Enacted::Won);
    met.note(NEWER_LOST, newer == Enacted::GaveUp);
    met.note(REAPED, reaped);
}

/// The empty-record race of October 2025: a slow enactor, a quick one, clean-up, and somebody who asks. Each enactor has
/// one attempt, which keeps this exhaustive in reasonable time; the next model has the retries.
#[test]
fn g1_g3_two_enactors_reaper_reader() {
    static MET: Met = Met::nothing();
    exhaust("two_enactors_reaper_reader", &MET, || {
        let end = AtEnd::new(cell_at_one(), |last, cell, reports| {
            let [read] = &reports.reads[..] else { panic!("one read") };
            assert!(read.generation() <= last.generation, "DNS went backwards after the read");
            assert_eq!(*read.value(), read.generation().get(), "another generation's tree");
            assert!(cell.snapshot_of(read.generation()).is_some(), "a pinned tree was reaped");
            MET.note(READ + u32::try_from(*read.value()).expect("a small number"), true);
            note_race(&MET, judge_race(last, cell, reports));
        });
        spawn_race(&end, 1, 1);
        let read = end.cell.snapshot().expect("a reader found nothing");
        end.report(|reports| reports.reads.push(read));
    });
    MET.must_have(&[OLDER_WON, OLDER_REFUSED, OLDER_LOST, NEWER_WON, NEWER_LOST, REAPED]);
    MET.must_have(&[READ + 1, READ + 2, READ + 3]);
}

/// The same without the reader, but with retries: the newer enactor tries once more than others can get in its way, and
/// so always wins.
#[test]
fn g1_g3_two_enactors_retry_against_a_reaper() {
    static MET: Met = Met::nothing();
    exhaust("two_enactors_retry_against_a_reaper", &MET, || {
        let end = AtEnd::new(cell_at_one(), |last, cell, reports| {
            let outcome = judge_race(last, cell, reports);
            assert_eq!(outcome.1, Enacted::Won, "the newest plan did not get through");
            note_race(&MET, outcome);
        });
        spawn_race(&end, 2, 5);
    });
    MET.must_have(&[OLDER_WON, OLDER_REFUSED, NEWER_WON, REAPED]);
}

/// Two writers with the same observation: exactly one of them wins, and what it wrote is there.
#[test]
fn g1_fence_swap() {
    static MET: Met = Met::nothing();
    exhaust("fence_swap", &MET, || {
        let cell = cell_at_one();
        let (mut older, mut newer) = (User::new(&cell, 1), User::new(&cell, 2));
        let (of_older, of_newer) = (older.sight(), newer.sight());
        let apply = Move::Apply(Part::ONLY);
        let older = loom::thread::spawn(move || older.swap(&of_older, &Plan(2), apply));
        let newer = newer.swap(&of_newer, &Plan(3), apply).expect("permitted");
        let older = older.join().expect("no panic").expect("permitted");
        let newest = match (&older, &newer) {
            (Swap::Won, Swap::Lost(Some(found))) => found.generation,
            (Swap::Lost(Some(found)), Swap::Won) => found.generation,
            both => panic!("not exactly one winner: {both:?}"),
        };
        let live = cell.snapshot().expect("live");
        assert_eq!((live.generation(), *live.value()), (newest, newest.get()));
        MET.note(OLDER_WON, older == Swap::Won);
        MET.note(NEWER_WON, newer == Swap::Won);
    });
    MET.must_have(&[OLDER_WON, NEWER_WON]);
}

/// A tree that is read is not reaped, however the reader and the reaper meet; once it is let go, it can be.
///
/// loom does not order a drop of an `Arc` against an earlier look at its count. It does order locks, so the reader takes
/// the lock again right after the drop: both orders are explored.
#[test]
fn g3_pin_against_reap() {
    const KEPT: u32 = 0;
    const GONE_BEFORE: u32 = 1;
    const GONE_AFTER: u32 = 2;
    static MET: Met = Met::nothing();
    exhaust("pin_against_reap", &MET, || {
        let cell = cell_at_one();
        let mut enactor = User::new(&cell, 1);
        assert_eq!(enactor.enact(&Plan(2), 1), Enacted::Won);
        let mut reaper = User::new(&cell, 2);
        let of_reader = Arc::clone(&cell);
        let reader = loom::thread::spawn(move || {
            let first = Generation::new(1);
            let Some(pinned) = of_reader.snapshot_of(first) else { return false };
            let kept = of_reader.kept();
            assert!(kept.iter().any(|tree| tree.generation == first), "a pinned tree was reaped");
            assert_eq!(*pinned.value(), 1);
            drop(pinned);
            let _ = of_reader.load();
            true
        });
        let sighting = reaper.sight();
        assert_eq!(reaper.swap(&sighting, &Plan(2), Move::RaiseFloor(Generation::new(2))), Ok(Swap::Won));
        let sighting = reaper.sight();
        assert_eq!(reaper.swap(&sighting, &Plan(2), Move::Reap(Generation::new(1))), Ok(Swap::Won));
        let gone = cell.snapshot_of(Generation::new(1)).is_none();
        let was_read = reader.join().expect("no panic");
        assert!(gone || was_read, "kept, though nobody read it");
        MET.note(KEPT, !gone);
        MET.note(GONE_BEFORE, gone && !was_read);
        MET.note(GONE_AFTER, gone && was_read);
        if !gone {
            let sighting = reaper.sight();
            assert_eq!(reaper.swap(&sighting, &Plan(2), Move::Reap(Generation::new(1))), Ok(Swap::Won));
            assert!(cell.snapshot_of(Generation::new(1)).is_none(), "let go, and still not reaped");
        }
        assert_eq!(cell.snapshot().map(|live| *live.value()), Some(2));
    });
    MET.must_have(&[KEPT, GONE_BEFORE, GONE_AFTER]);
}
