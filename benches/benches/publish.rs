//! From append to live: the embedded store with its fsyncs, the record made durable, one pass of the production enactor.
//!
//! `DNSPLAN_BENCH_DIR` says where the store lies; on a memory disk the fsyncs cost nothing and the code is what is left.

use std::cell::{LazyCell, RefCell};
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dnsplan_benches::{Bed, SIZES, size_name};

fn publishing(c: &mut Criterion) {
    for hosts in SIZES {
        // Built only where a benchmark that needs it is asked for.
        let bed = LazyCell::new(|| RefCell::new(Bed::new(hosts)));
        let mut group = c.benchmark_group("publish");
        for rrsets in [1, 10, 100, 1_000] {
            group.throughput(Throughput::Elements(u64::from(rrsets)));
            group.bench_function(BenchmarkId::new(size_name(hosts), rrsets), |bencher| {
                let bed = &*bed;
                // One plan at a time: each is made on the one before.
                bencher.iter_batched(
                    || bed.borrow_mut().next(rrsets),
                    |next| bed.borrow_mut().publish(next),
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! { name = benches; config = short(); targets = publishing }
criterion_main!(benches);
