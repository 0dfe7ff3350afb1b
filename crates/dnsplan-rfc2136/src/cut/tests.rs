use dnsplan_enactor::{Basis, Cut};
use dnsplan_plan::{Node, OwnerName, Plan};
use proptest::prelude::*;

use super::cut;
use crate::testing::{any_plans, changed, name, plan, simple, wanted, wanted_with_room};

fn hosts(generation: u64, count: usize, number: u8) -> Plan {
    let address = |index: usize| simple("A", &[&format!("10.{number}.{}.{}", index >> 8, index & 255)]);
    plan(
        generation,
        (0..count).map(|index| (name(&format!("h{index:05}")), Node::new().with(address(index)))),
    )
}

#[test]
fn parts_are_filled_as_far_as_a_message_goes() {
    let (old, new) = (hosts(1, 3000, 1), hosts(2, 3000, 2));
    let parts = cut(&wanted(), &new, &changed(&old, &new, Cut::Guessed));
    // An owner name of 20 bytes: one prerequisite and one deletion of 30 each, and a record of 34.
    let each = wanted().room / 94;
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>()[..4], [each; 4]);
    let worst = cut(&wanted(), &new, &changed(&old, &new, Cut::Worst));
    assert_eq!(worst[0].len(), wanted().room / (4 * 30 + 34));
}

#[test]
fn what_is_taken_away_comes_last_and_what_is_pointed_at_first() {
    let old = plan(1, [(name("a"), Node::new().with(simple("A", &["192.0.2.1"])))]);
    let new = plan(
        2,
        [
            (name("b"), Node::new().with(simple("CNAME", &["c"]))),
            (name("c"), Node::new().with(simple("A", &["192.0.2.1"]))),
        ],
    );
    let parts = cut(&wanted(), &new, &changed(&old, &new, Cut::Guessed));
    assert_eq!(parts, [[name("c"), name("b"), name("a")]]);
}

#[test]
fn what_the_server_cannot_have_costs_nothing_and_what_fits_no_message_is_a_part_of_its_own() {
    let nodes = [
        (name("_dnsplan"), Node::new().with(simple("A", &["192.0.2.1"]))),
        (name("a"), Node::new().with(simple("A", &["192.0.2.1"]))),
    ];
    let parts = cut(&wanted_with_room(160), &plan(1, nodes), &Basis::Unknown);
    assert_eq!(parts, [[name("_dnsplan"), name("a")]]);
}

proptest! {
    #[test]
    fn the_number_of_parts_says_which_cut_it_is((old, new) in any_plans()) {
        let wanted = wanted_with_room(700);
        let of = |way| cut(&wanted, &new, &changed(&old, &new, way));
        let (guessed, worst, single) = (of(Cut::Guessed), of(Cut::Worst), of(Cut::Single));
        prop_assert!(guessed == worst || ![worst.len(), worst.len() + 1].contains(&guessed.len()));
        prop_assert!(single.len() > guessed.len().max(worst.len() + 1));
        prop_assert!(single.iter().all(|part| part.len() <= 1));
        let all = |parts: &[Vec<OwnerName>]| parts.concat();
        prop_assert_eq!(all(&guessed), all(&worst), "the same names in the same order");
        prop_assert_eq!(all(&single), all(&worst));
    }
}
