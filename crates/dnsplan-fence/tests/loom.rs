//! Every interleaving of the cell's users, explored by loom: `RUSTFLAGS="--cfg loom" cargo test -p dnsplan-fence --release
//! --test loom -- --nocapture` prints how many executions each model has.
//!
//! 1. No bound: neither preemptions nor permutations nor time are limited, whatever the environment says, so a model
//!    that returns was explored to the end.
//! 2. A model that cannot reach what it is about proves nothing: each one says which outcomes it must have met in some
//!    execution ([`Met`]), and fails where one is missing.
//! 3. The two broken versions stay here, each on a cell of its own, and must fail by the assertion that names the damage.
//!
//! loom's `Arc` orders a reference count that is read against clones, but not against drops; models in which that matters
//! put a locked operation on both sides of the drop, which loom does order.
#![cfg(loom)]

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use dnsplan_fence::{
    Actor, Digest, Edit, Fenced, Generation, Move, Nonce, Offer, OfferedGeneration, Part, Record, Refused,
    Sighting, Standing, Swap,
};
// The handle itself is not what is modelled: std's counts no steps.
use std::sync::Arc;


/// What the store's head is in every model.
const HEAD: u64 = 3;

/// The executions of one model, and the outcomes met in them.
struct Met {
    executions: AtomicUsize,
    outcomes: AtomicU32,
}

impl Met {
    const fn nothing() -> Self {
        Self { executions: AtomicUsize::new(0), outcomes: AtomicU32::new(0) }
    }

    fn note(&self, outcome: u32) {
        self.outcomes.fetch_or(1 << outcome, Ordering::Relaxed);
    }

    fn has(&self, outcome: u32) -> bool {
        self.outcomes.load(Ordering::Relaxed) & (1 << outcome) != 0
    }
}

/// Explores `model` to the end and prints the number of executions.
fn exhaust(name: &str, met: &'static Met, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = None;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.max_branches = 10_000;
    builder.check(move || {
        if met.executions.fetch_add(1, Ordering::Relaxed) % 100_000 == 0 { println!("{}", met.executions.load(Ordering::Relaxed)) }
        model();
    });
    println!("loom {name}: {} executions, exhaustive", met.executions.load(Ordering::Relaxed));
}

/// A plan whose content is its own number.
struct Plan(u64);

impl Offer for Plan {
    fn offered(&self) -> OfferedGeneration {
        OfferedGeneration::granted(Generation::new(self.0))
    }
    fn digest(&self) -> Digest {
        Digest::new([u8::try_from(self.0).expect("a small number"); 32])
    }
}

/// One user of the cell, with nonces that nobody else uses.
struct User {
    cell: Arc<Fenced<u64>>,
    actor: Actor,
    nonces: u128,
}

impl User {
    fn new(cell: &Arc<Fenced<u64>>, number: u8) -> Self {
        let actor = Actor::new(&format!("user-{number}")).expect("a name");
        Self { cell: Arc::clone(cell), actor, nonces: u128::from(number) << 64 }
    }

    fn nonce(&mut self) -> Nonce {
        self.nonces += 1;
        Nonce::new(self.nonces)
    }

    /// A load, and the head that the store answered to its witness.
    fn sight(&self) -> Sighting<()> {
        let seen = self.cell.load();
        let head = seen.witness().answered(Standing::new(Generation::new(HEAD)));
        seen.sight(head).expect("a record is there")
    }

    fn swap(&mut self, sighting: &Sighting<()>, plan: &Plan, action: Move) -> Result<Swap<()>, Refused> {
        let attempt = self.nonce();
        let edit = if matches!(action, Move::Apply(_)) { Edit::Put(plan.0) } else { Edit::Keep };
        let permit = sighting.permit(plan, action, attempt, &self.actor)?;
        Ok(self.cell.swap(permit, edit))
    }

    /// Puts `plan` in place, at most `attempts` times.
    fn enact(&mut self, plan: &Plan, attempts: u32) -> Enacted {
        for _ in 0..attempts {
            let sighting = self.sight();
            match self.swap(&sighting, plan, Move::Apply(Part::ONLY)) {
                Ok(Swap::Won) => return Enacted::Won,
                Ok(Swap::Lost(_)) => {}
                Ok(Swap::Unknown) => unreachable!("a cell knows"),
                Err(Refused::Stale { .. } | Refused::BelowFloor { .. }) => return Enacted::Refused,
                Err(other) => panic!("refused for another reason: {other}"),
            }
        }
        Enacted::GaveUp
    }

    /// Raises the floor to what it saw live, then deletes what the record allows to be deleted.
    fn reap(&mut self) -> usize {
        let sighting = self.sight();
        let live = Plan(Generation::from(sighting.generation()).get());
        if self.swap(&sighting, &live, Move::RaiseFloor) != Ok(Swap::Won) {
            return 0;
        }
        let mut reaped = 0;
        let mut candidate = 1;
        loop {
            let sighting = self.sight();
            let newest = Generation::from(sighting.generation()).get();
            let Some(generation) = (candidate..newest).map(Generation::new).find(|g| sighting.record().is_reapable(*g)) else { break };
            candidate = generation.get() + 1;
            reaped += usize::from(self.swap(&sighting, &Plan(newest), Move::Reap(generation)) == Ok(Swap::Won));
        }
        reaped
    }

    /// What a reader gets: the live tree's generation. Never nothing, never another generation's tree.
    fn read(&self) -> u64 {
        let snapshot = self.cell.snapshot().expect("a reader found nothing");
        assert_eq!(*snapshot.value(), snapshot.generation().get(), "a reader got another generation's tree");
        snapshot.generation().get()
    }
}

struct End { cell: Arc<Fenced<u64>>, f: Box<dyn Fn(&Fenced<u64>) + Send + Sync> }
impl Drop for End { fn drop(&mut self) { if !std::thread::panicking() { (self.f)(&self.cell) } } }
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Enacted {
    Won,
    Refused,
    GaveUp,
}

/// A cell in which generation 1 is live.
fn cell_at_one() -> Arc<Fenced<u64>> {
    let cell = Arc::new(Fenced::new());
    let mut user = User::new(&cell, 0);
    let attempt = user.nonce();
    let genesis = cell.load().genesis(attempt, &user.actor, ()).expect("nothing was there");
    assert_eq!(cell.create(genesis), Swap::Won);
    let seen = cell.load();
    let head = seen.witness().answered(Standing::new(Generation::new(1)));
    let sighting = seen.sight(head).expect("a record is there");
    assert_eq!(user.swap(&sighting, &Plan(1), Move::Apply(Part::ONLY)), Ok(Swap::Won));
    cell
}

fn record(cell: &Fenced<u64>) -> Record<()> {
    cell.load().record().expect("a record is there").clone()
}

/// The empty-record race of October 2025: a slow enactor with an older plan, a newer one, clean-up, and somebody who asks.
#[test]
fn g1_g3_two_enactors_reaper_reader() {
    const OLD_WON: u32 = 0;
    const OLD_REFUSED: u32 = 1;
    const NEW_WON: u32 = 2;
    const REAPED: u32 = 3;
    const READ: u32 = 4;
    static MET: Met = Met::nothing();
    exhaust("two_enactors_reaper_reader", &MET, || {
        let cell = cell_at_one();
        let (mut older, mut newer, mut reaper) =
            (User::new(&cell, 1), User::new(&cell, 2), User::new(&cell, 3));
        let reader = User::new(&cell, 4);
        let results = Arc::new(std::sync::Mutex::new((Enacted::GaveUp, Enacted::GaveUp, 0usize)));
        let end = Arc::new(End { cell: Arc::clone(&cell), f: {let results = Arc::clone(&results); Box::new(move |cell: &Fenced<u64>| {
          let (older, newer, _reaped) = *results.lock().unwrap();
          let last = record(cell);
          let newest_won = match (older, newer) {
            (_, Enacted::Won) => 3,
            (Enacted::Won, _) => 2,
            _ => 1,
          };
          assert_eq!(last.generation, Generation::new(newest_won), "{older:?}, {newer:?}");
        })} });
        let (r, e) = (Arc::clone(&results), Arc::clone(&end));
        loom::thread::spawn(move || { let x = older.enact(&Plan(2), OLDER_ATTEMPTS); r.lock().unwrap().0 = x; drop(e); });
        let (r, e) = (Arc::clone(&results), Arc::clone(&end));
        loom::thread::spawn(move || { let x = newer.enact(&Plan(3), NEWER_ATTEMPTS); r.lock().unwrap().1 = x; drop(e); });
        let (r, e) = (Arc::clone(&results), Arc::clone(&end));
        loom::thread::spawn(move || { let x = reaper.reap(); r.lock().unwrap().2 = x; drop(e); });
        let first = cell.snapshot().expect("none");
        let second = cell.snapshot().expect("none");
        assert!(first.generation() <= second.generation(), "a reader went backwards");
        let (older, newer, reaped) = *results.lock().unwrap();
        let second = second.generation().get();
        for (outcome, met) in [
            (OLD_WON, older == Enacted::Won),
            (OLD_REFUSED, older == Enacted::Refused),
            (NEW_WON, newer == Enacted::Won),
            (REAPED, reaped > 0),
        ] {
            if met {
                MET.note(outcome);
            }
        }
        MET.note(READ + u32::try_from(second).expect("a small number"));
    });
    for outcome in [OLD_WON, OLD_REFUSED, NEW_WON, REAPED, READ + 1, READ + 2, READ + 3] {
        assert!(MET.has(outcome), "no execution met outcome {outcome}");
    }
}
const OLDER_ATTEMPTS: u32 = 1;
const NEWER_ATTEMPTS: u32 = 1;

use std::sync::Mutex;
struct E2 { cell: Arc<Fenced<u64>>, snaps: Mutex<Vec<Option<dnsplan_fence::Snapshot<u64>>>> }
impl Drop for E2 { fn drop(&mut self) { if !std::thread::panicking() { let _ = self.cell.load(); } } }
fn variant(name: &'static str, met: &'static Met, o: u32, n: u32, r: u32, reads: u32) {
    exhaust(name, met, move || {
        let cell = cell_at_one();
        let end = Arc::new(E2 { cell: Arc::clone(&cell), snaps: Mutex::new(vec![]) });
        let (mut older, mut newer, mut reaper) =
            (User::new(&cell, 1), User::new(&cell, 2), User::new(&cell, 3));
        drop(cell);
        let e = end.clone();
        if o > 0 { loom::thread::spawn(move || {older.enact(&Plan(2), o);drop(older); drop(e); }); }
        let e = end.clone();
        if n > 0 { loom::thread::spawn(move || {newer.enact(&Plan(3), n);drop(newer); drop(e);}); }
        let e = end.clone();
        if r > 0 { loom::thread::spawn(move || { reaper.reap();drop(reaper); drop(e);}); }
        for _ in 0..reads {
          let s = end.cell.snapshot();
          end.snaps.lock().unwrap().push(s);
        }
    });
}
#[test]
fn variants() {
    static A: Met = Met::nothing(); static B: Met = Met::nothing(); static C: Met = Met::nothing(); static D: Met = Met::nothing(); static E: Met = Met::nothing(); static F: Met = Met::nothing();
    variant("o1 n1", &A, 1, 1, 0, 0);
    variant("o1 n1 reap", &B, 1, 1, 1, 0);
    variant("o1 n1 r1", &C, 1, 1, 0, 1);
    variant("o1 n1 r2", &D, 1, 1, 0, 2);
    variant("o1 n1 reap r1", &E, 1, 1, 1, 1);
    variant("o1 n1 reap r2", &F, 1, 1, 1, 2);
}
