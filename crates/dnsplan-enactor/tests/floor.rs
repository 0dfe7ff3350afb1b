//! How far an enactor raises the floor: as far as the store allows, and no further.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use common::{block_on, generation, origin, record, world};
use dnsplan_enactor::{Layout, Rest};
use dnsplan_fence::Generation;
use dnsplan_plan::{Pin, PlanStore, Timestamp};

fn pin(number: u64) -> Pin {
    let (reason, by) = ("kept".to_owned(), "test".to_owned());
    Pin { generation: generation(number), reason, by, at: Timestamp::from_millis(0) }
}

#[test]
fn a_pin_above_the_floor_and_below_what_is_live_stops_the_floor() {
    for layout in [Layout::Tree, Layout::InPlace, Layout::Whole] {
        let world = world(layout, 3);
        let standing = |numbers: [u64; 3]| {
            let record = record(&world.target);
            assert_eq!(
                [record.generation, record.base, record.floor],
                numbers.map(Generation::new),
                "{layout:?}"
            );
        };
        block_on(world.publish(1));
        assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(1))));
        standing([1, 1, 1]);
        block_on(world.publish(2));
        block_on(world.store.pin(&origin(), pin(2))).unwrap();
        block_on(world.publish(3));
        // From 1 to 3 at once: the floor rises, but only to the pin.
        assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(3))));
        standing([3, 3, 2]);
        assert!(block_on(world.store.unpin(&origin(), generation(2))).unwrap());
        assert_eq!(block_on(world.pass("e1")), Ok(Rest::Live(generation(3))));
        standing([3, 3, 3]);
    }
}
