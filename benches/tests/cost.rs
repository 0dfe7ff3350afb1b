//! No step from append to live walks the zone. Counted and not timed: what copies or collects a zone's nodes allocates for
//! them, and a plan allocates as much in a zone twenty times as large. A walk that only looks at nodes allocates nothing;
//! the `publish_cost` program is for that.

use dnsplan_benches::Bed;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Allocations and allocated bytes of one plan of ten RRsets, from edit to live.
fn cost(hosts: u32) -> (u64, u64) {
    let mut bed = Bed::new(hosts);
    // The first plans fill caches of prepared statements and the like.
    for _ in 0..3 {
        let next = bed.next(10);
        bed.publish(next);
    }
    let profiler = dhat::Profiler::builder().testing().build();
    let next = bed.next(10);
    bed.publish(next);
    let stats = dhat::HeapStats::get();
    drop(profiler);
    (stats.total_blocks, stats.total_bytes)
}

#[test]
fn a_plan_allocates_the_same_in_a_small_and_in_a_large_zone() {
    let (small, large) = (cost(1_000), cost(20_000));
    println!("allocations and bytes: {small:?} at 1,000 hosts, {large:?} at 20,000");
    // The persistent map is one level deeper at most; a walk would add 19,000 to the one and a multiple to the other.
    assert!(large.0 < small.0 + small.0 / 4, "{large:?} allocations and bytes, {small:?} in the small zone");
    assert!(large.1 < small.1 + small.1 / 2, "{large:?} allocations and bytes, {small:?} in the small zone");
}
