//! What the store is told of generations that it did not hand out: whatever the record speaks of is never granted again.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use common::{block_on, generation, origin, record, world};
use dnsplan_enactor::{Layout, Rest, Target, codec};
use dnsplan_fence::{Progress, Stage};
use dnsplan_plan::PlanStore;

#[test]
fn a_generation_that_is_only_staged_is_reported_and_not_granted_again() {
    let world = world(Layout::Tree, 3);
    block_on(world.publish(1));
    assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(1))));
    // Staged from plans that the store does not have any more.
    let mut begun = record(&world.target);
    let progress = Progress::new(1, 2).unwrap();
    begun.stage = Some(Stage { generation: generation(5), digest: begun.digest, progress });
    world.target.edit(|contents| contents.fence = Some(codec::encode(&begun)));
    assert_eq!(block_on(world.pass("e1")), Ok(Rest::Demanded(generation(5))));
    let report = block_on(world.store.targets(&origin())).unwrap().remove(0).report;
    assert_eq!((report.live, report.floor, report.highest), (generation(1), generation(1), generation(5)));
    // The report alone is enough, where the demand got lost.
    let told = world.with_another_store();
    block_on(told.store.report(&origin(), world.target.id(), report)).unwrap();
    assert_eq!(block_on(told.publish(2)).generation(), generation(6));
}
