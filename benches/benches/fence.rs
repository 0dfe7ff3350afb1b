//! The fence in one process: what it costs to be granted a write, to lose one, to read what is live, and to pass the gate.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use dnsplan::fence::{
    Actor, Digest, Edit, Fenced, Gate, Generation, Move, Nonce, Offer, OfferedGeneration, Part, Standing,
    Swap,
};

type Cell = Fenced<Arc<[u8]>>;

struct Plan(u64);

impl Offer for Plan {
    fn offered(&self) -> OfferedGeneration {
        OfferedGeneration::granted(Generation::new(self.0))
    }

    fn digest(&self) -> Digest {
        Digest::new([7; 32])
    }
}

fn actor() -> Actor {
    Actor::new("bench").expect("a valid name")
}

/// Loads, asks for the head, gets a permit and swaps: a whole fenced write.
fn write(cell: &Cell, plan: &Plan, action: Move, nonce: u128, me: &Actor, tree: &Arc<[u8]>) -> Swap<()> {
    let seen = cell.load();
    let head = seen.witness().answered(Standing::new(Generation::new(plan.0)));
    let sighting = seen.sight(head).expect("a record");
    let permit = sighting.permit(plan, action, Nonce::new(nonce), me).expect("a permit");
    cell.swap(permit, Edit::Put(Arc::clone(tree)))
}

/// A cell in which generation 1 is live.
fn live(me: &Actor, tree: &Arc<[u8]>) -> Cell {
    let cell = Cell::new();
    let genesis = cell.load().genesis(Nonce::new(1), me, ()).expect("nothing was there");
    assert_eq!(cell.create(genesis), Swap::Won);
    assert_eq!(write(&cell, &Plan(1), Move::Apply(Part::ONLY), 2, me, tree), Swap::Won);
    cell
}

fn swaps(c: &mut Criterion) {
    let (me, tree) = (actor(), Arc::from([0_u8; 64]));
    let mut group = c.benchmark_group("fence");
    group.bench_function("apply the next generation", |bencher| {
        bencher.iter_batched_ref(
            || live(&me, &tree),
            |cell| assert_eq!(write(cell, &Plan(2), Move::Apply(Part::ONLY), 3, &me, &tree), Swap::Won),
            BatchSize::SmallInput,
        );
    });
    // A repair is a swap like any other, but puts its tree in place of the live one: nothing has to be reaped.
    let cell = live(&me, &tree);
    // No nonce comes twice: a record that is the same in every field would be the expected one again.
    let mut nonces = 10_u128..;
    let mut next = || nonces.next().expect("there are more than 2^64 of them");
    group.bench_function("replace the live tree", |bencher| {
        bencher.iter(|| assert_eq!(write(&cell, &Plan(1), Move::Repair, next(), &me, &tree), Swap::Won));
    });
    group.bench_function("refuse a stale permit", |bencher| {
        let seen = cell.load();
        let head = seen.witness().answered(Standing::new(Generation::new(1)));
        let sighting = seen.sight(head).expect("a record");
        assert_eq!(write(&cell, &Plan(1), Move::Repair, next(), &me, &tree), Swap::Won);
        let late = Nonce::new(next());
        bencher.iter(|| {
            let permit = sighting.permit(&Plan(1), Move::Repair, late, &me).expect("a permit");
            assert!(matches!(cell.swap(permit, Edit::Put(Arc::clone(&tree))), Swap::Lost(_)));
        });
    });
    group.bench_function("snapshot", |bencher| bencher.iter(|| black_box(cell.snapshot())));
    group.bench_function("load", |bencher| bencher.iter(|| black_box(cell.load())));
    group.bench_function("two writers, each write won", |bencher| {
        bencher.iter_custom(|wins| contended(&cell, next() << 64, &me, &tree, wins));
    });
    group.finish();
}

/// Two writers repeat what they lose, until `wins` writes were won between them. Their nonces lie above `base`.
fn contended(cell: &Cell, base: u128, me: &Actor, tree: &Arc<[u8]>, wins: u64) -> Duration {
    let (won, begun) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        for writer in 1..=2 {
            let won = &won;
            scope.spawn(move || {
                let mut nonce = base + writer;
                while won.load(Ordering::Relaxed) < wins {
                    nonce += 2;
                    if write(cell, &Plan(1), Move::Repair, nonce, me, tree) == Swap::Won {
                        won.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    begun.elapsed()
}

fn gates(c: &mut Criterion) {
    let first = Generation::new(1);
    let gate = Gate::new();
    gate.open(first).expect("it is new");
    let mut group = c.benchmark_group("gate");
    group.bench_function("enter and leave", |bencher| {
        bencher.iter(|| drop(black_box(gate.enter(first).expect("open"))));
    });
    group.bench_function("enter and leave, beside another thread that does", |bencher| {
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    drop(black_box(gate.enter(first).expect("open")));
                }
            });
            bencher.iter(|| drop(black_box(gate.enter(first).expect("open"))));
            is_done.store(true, Ordering::Relaxed);
        });
    });
    gate.close(first);
    group.bench_function("be turned away", |bencher| bencher.iter(|| black_box(gate.enter(first).is_err())));
    let mut generations = (2..).map(Generation::new);
    group.bench_function("open and close", |bencher| {
        bencher.iter(|| {
            let next = generations.next().expect("there are more than 2^39 of them");
            gate.open(next).expect("it was drained");
            gate.close(next);
        });
    });
    group.finish();
}

fn short() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = short(); targets = swaps, gates }
criterion_main!(benches);
