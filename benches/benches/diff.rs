//! Two versions of a zone: making the second by an edit, telling them apart, and encoding what differs.

use std::cell::LazyCell;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dnsplan::plan::Delta;
use dnsplan_benches::{SIZES, edited, size_name, zone};

const CHANGES: [u32; 3] = [1, 10, 1_000];

fn versions(c: &mut Criterion) {
    for hosts in SIZES {
        // Built only where a benchmark that needs it is asked for.
        let before = LazyCell::new(|| zone(hosts));
        let size = size_name(hosts);
        let mut group = c.benchmark_group("diff");
        for rrsets in CHANGES {
            group.throughput(Throughput::Elements(u64::from(rrsets)));
            let after = LazyCell::new(|| edited(&before, hosts, rrsets, 1));
            let id = |what: &str| BenchmarkId::new(format!("{what}/{size}"), rrsets);
            // The edit keeps the digest's set hash in step; the digest itself is measured below.
            group.bench_function(id("edit"), |bencher| {
                bencher.iter(|| black_box(edited(&before, hosts, rrsets, 1)));
            });
            group.bench_function(id("diff"), |bencher| {
                let (before, after) = (&*before, &*after);
                assert_eq!(before.diff(after).nodes.len(), rrsets as usize);
                bencher.iter(|| black_box(before.diff(after)));
            });
            group.bench_function(id("delta"), |bencher| {
                let (before, after) = (&*before, &*after);
                bencher.iter(|| black_box(Delta::between(before, after).encode()));
            });
        }
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("digest/{size}"), |bencher| {
            let before = &*before;
            bencher.iter(|| black_box(before.digest()));
        });
        group.finish();
    }
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
}

criterion_group! { name = benches; config = short(); targets = versions }
criterion_main!(benches);
