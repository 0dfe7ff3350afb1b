use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use dnsplan_enactor::{Basis, Cut, Layout};
use dnsplan_plan::{Node, OwnerName, Plan};
use proptest::prelude::*;

use super::{place, stage, tree_of};
use crate::changes::{batch, changes};
use crate::cost::{Cost, Limits};
use crate::record::{Change, RecordSet};
use crate::testing::{addresses, any_node, name, placed, plan, simple, submit, wanted, weighted};
use crate::value::Value;
use crate::wanted::Wanted;
use crate::zone_map::ZoneMap;

fn changed(from: &Plan, to: &Plan) -> Basis {
    let owners = from.zone().diff(to.zone()).nodes.into_iter().map(|change| change.owner).collect();
    Basis::Changed { owners, from: Some(Arc::new(from.clone())), begun: Vec::new(), cut: Cut::Guessed }
}

fn sizes(parts: &[Vec<OwnerName>]) -> Vec<usize> {
    parts.iter().map(Vec::len).collect()
}

/// A plan of that many names with an address each.
fn many(generation: u64, count: usize, address: usize) -> Plan {
    let node = |index| (name(&format!("h{index:05}")), Node::new().with(addresses(address, 1)));
    plan(generation, (0..count).map(node))
}

#[test]
fn parts_are_filled_to_the_last_element() {
    let wanted = wanted();
    let (old, new) = (many(1, 1500, 0), many(2, 1500, 1));
    assert_eq!(sizes(&place(&wanted, Layout::InPlace, &new, &changed(&old, &new))), [499, 499, 499, 3]);
    let created = changed(&plan(1, []), &new);
    assert_eq!(sizes(&place(&wanted, Layout::InPlace, &new, &created)), [998, 502]);
    let removed = changed(&old, &plan(2, []));
    assert_eq!(sizes(&place(&wanted, Layout::InPlace, &plan(2, []), &removed)), [998, 502]);
    // The apex has nothing of ours: it comes along for nothing.
    assert_eq!(sizes(&stage(&wanted, &new, &changed(&old, &new))), [999, 502]);
    assert_eq!(sizes(&stage(&wanted, &new, &Basis::Unknown)), [500, 499, 499, 3]);
    assert_eq!(sizes(&place(&wanted, Layout::Tree, &new, &changed(&old, &new))), [500, 499, 499, 3]);
}

#[test]
fn there_is_always_a_part() {
    let (wanted, plan) = (wanted(), plan(1, []));
    assert_eq!(sizes(&place(&wanted, Layout::InPlace, &plan, &changed(&plan, &plan))), [0]);
    assert_eq!(sizes(&stage(&wanted, &plan, &Basis::Unknown)), [1]);
    assert_eq!(sizes(&place(&wanted, Layout::Tree, &plan, &Basis::Unknown)), [1]);
}

#[test]
fn characters_count_too() {
    let text = format!("\"{}\"", "x".repeat(250));
    let node = |index| (name(&format!("t{index:03}")), Node::new().with(simple("TXT", 60, &[&text])));
    let new = plan(2, (0..300).map(node));
    let parts = place(&wanted(), Layout::InPlace, &new, &changed(&plan(1, []), &new));
    // 24,800 characters beside the fence, 252 each.
    assert_eq!(sizes(&parts), [98, 98, 98, 6]);
}

#[test]
fn without_a_guess_everything_may_be_over_something_else() {
    let wanted = wanted();
    let new = many(2, 998, 0);
    let mut owners: BTreeSet<OwnerName> = new.zone().nodes().map(|(owner, _)| owner.clone()).collect();
    owners.extend((0..10).map(|index| name(&format!("gone{index}"))));
    let basis = Basis::Changed { owners, from: None, begun: Vec::new(), cut: Cut::Guessed };
    // What the plan no longer has comes last, and nobody knows how much it is.
    assert_eq!(sizes(&place(&wanted, Layout::InPlace, &new, &basis)), [500, 499, 8, 2]);
    assert_eq!(sizes(&place(&wanted, Layout::Tree, &new, &basis)), [500, 499, 8, 2]);
    assert_eq!(sizes(&place(&wanted, Layout::InPlace, &new, &Basis::Unknown)), [500, 499]);
}

#[test]
fn what_fits_no_batch_is_alone_and_what_is_unfit_costs_nothing() {
    let large = |count| Node::new().with(addresses(0, count));
    let hinfo = Node::new().with(simple("HINFO", 60, &["\"a\" \"b\""])).with(addresses(0, 300));
    let nodes = [
        (name("a"), large(400)),
        (name("b"), large(400)),
        (name("c"), hinfo.clone()),
        (name("d"), hinfo.clone()),
        (name("e"), hinfo),
        (name("f"), large(198)),
    ];
    let new = plan(2, nodes);
    let parts = place(&wanted(), Layout::InPlace, &new, &changed(&plan(1, []), &new));
    assert_eq!(sizes(&parts), [6]);
    let from_others = changed(&plan(1, [(name("a"), large(399)), (name("b"), large(399))]), &new);
    assert_eq!(sizes(&place(&wanted(), Layout::InPlace, &new, &from_others)), [1, 5]);
}

#[test]
fn where_nobody_can_say_what_is_there_a_tree_costs_twice() {
    let large = Node::new().with(addresses(0, 400));
    let small = (name("a"), Node::new().with(addresses(0, 1)));
    let plan = plan(2, [(name("@"), large.clone()), small, (name("b"), large)]);
    assert_eq!(sizes(&stage(&wanted(), &plan, &Basis::Unknown)), [2, 1]);
    assert_eq!(sizes(&stage(&wanted(), &plan, &changed(&plan, &plan))), [3]);
}

/// Five addresses give way to one name: that costs six elements, more than the two of putting the name over something.
#[test]
fn a_guess_above_the_worst_case_has_its_own_number_of_parts() {
    let wanted = wanted();
    let with_aliases = |generation: u64, aliases: Range<usize>, all: usize| {
        let node = |index: usize| {
            let alias = Node::new().with(simple("CNAME", 60, &["t.example.net."]));
            let node = if aliases.contains(&index) { alias } else { Node::new().with(addresses(0, 5)) };
            (name(&format!("h{index:03}")), node)
        };
        plan(generation, (0..all).map(node))
    };
    let everything = |old: &Plan| {
        let owners = old.zone().nodes().map(|(owner, _)| owner.clone()).filter(|owner| *owner != name("@"));
        Basis::Changed {
            owners: owners.collect(),
            from: Some(Arc::new(old.clone())),
            begun: Vec::new(),
            cut: Cut::Guessed,
        }
    };
    let sizes_of = |changed: Range<usize>, all: usize| {
        let (old, new) = (with_aliases(1, 0..0, all), with_aliases(2, changed, all));
        let basis = everything(&old);
        let worst = place(&wanted, Layout::InPlace, &new, &basis.cut(&new, Cut::Worst));
        (sizes(&place(&wanted, Layout::InPlace, &new, &basis)), sizes(&worst))
    };
    // Two parts are one more than the worst case has, three are not.
    assert_eq!(sizes_of(0..330, 330), (vec![166, 164, 0], vec![330]));
    // As many parts, but others: two empty ones tell them apart.
    assert_eq!(sizes_of(0..250, 300), (vec![166, 134, 0, 0], vec![299, 1]));
    // As many parts, and those of the worst case will do.
    assert_eq!(sizes_of(80..250, 250), (vec![179, 71], vec![179, 71]));
}

#[test]
fn where_nobody_can_have_put_what_is_guessed_the_worst_is_assumed() {
    let hinfo = simple("HINFO", 60, &["\"a\" \"b\""]);
    let node = |index: usize| (name(&format!("h{index:03}")), Node::new().with(addresses(0, 1)));
    let old = plan(1, (0..600).map(node).map(|(owner, node)| (owner, node.with(hinfo.clone()))));
    let new = plan(2, (0..600).map(node));
    assert_eq!(sizes(&place(&wanted(), Layout::InPlace, &new, &changed(&old, &new))), [499, 101]);
}

#[test]
fn flips_cost_what_the_pointers_do() {
    let wanted = wanted();
    let node = || Node::new().with(weighted(60, &[1; 3], false)).with(simple("TXT", 60, &["\"x\""]));
    let old = plan(1, (0..400).map(|index| (name(&format!("h{index:03}")), node())));
    let nodes = (100..400).map(|index| (name(&format!("h{index:03}")), node()));
    let servers = Node::new().with(simple("NS", 60, &["ns1.example.net.", "ns2.example.net."]));
    let new = plan(2, nodes.chain([(name("sub"), servers)]));
    let parts = place(&wanted, Layout::Tree, &new, &changed(&old, &new));
    // Two pointers each are moved (4), then two are deleted (2): 249 * 4, 51 * 4 + 2 + 100 * 2.
    assert_eq!(sizes(&parts), [250, 51 + 1 + 100]);
}

#[test]
fn a_tree_is_created_only() {
    let node = || Node::new().with(weighted(60, &[1; 300], false)).with(simple("TXT", 60, &["\"x\""]));
    let plan = plan(2, (0..7).map(|index| (name(&format!("h{index}")), node())));
    // 300 members, 3 aliases and a text each; the apex has nothing.
    assert_eq!(sizes(&stage(&wanted(), &plan, &changed(&plan, &plan))), [4, 3, 1]);
    assert_eq!(sizes(&stage(&wanted(), &plan, &Basis::Unknown)), [2, 1, 1, 1, 1, 1, 1]);
}

/// What a chain does with the zone, part by part.
fn carry_out(
    wanted: &Wanted,
    zone: ZoneMap,
    plan: &Plan,
    parts: &[Vec<OwnerName>],
) -> Result<ZoneMap, String> {
    let limits = wanted.limits;
    let longest = Value::txt(&"x".repeat(limits.fence - 48));
    let fence = || {
        let values = vec![longest.clone()];
        RecordSet::simple(wanted.names.fence().clone(), dnsplan_plan::RecordType::TXT, 60, values)
    };
    parts.iter().try_fold(zone, |mut zone, part| {
        let mut all = Vec::new();
        for owner in part {
            let now: Vec<RecordSet> = zone.at(owner).cloned().collect();
            let node = plan.zone().node(owner);
            let then = node.map_or(Ok(Vec::new()), |node| wanted.in_place(owner, node)).expect("it fits");
            all.extend(changes(&now, &then, limits.beside_fence()).map_err(|error| error.to_string())?);
        }
        zone = submit(&zone, &all)?;
        batch(Some(fence()), fence(), all, &limits).map_err(|error| error.to_string())?;
        Ok(zone)
    })
}

fn any_nodes() -> impl Strategy<Value = Vec<(OwnerName, Node)>> {
    let owner = (0..25usize).prop_map(|index| name(&format!("h{index}")));
    prop::collection::btree_map(owner, any_node(), 0..25).prop_map(|nodes| nodes.into_iter().collect())
}

/// So small that a few names fill a batch; each of them fits.
fn small() -> Wanted {
    let limits = Limits { batch: Cost { elements: 40, characters: 9200 }, ..Limits::default() };
    Wanted { limits, ..wanted() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_part_fits_where_the_guess_is_right(before in any_nodes(), after in any_nodes()) {
        let (old, new) = (plan(1, before), plan(2, after));
        let wanted = small();
        let parts = place(&wanted, Layout::InPlace, &new, &changed(&old, &new));
        prop_assert_eq!(carry_out(&wanted, placed(&old), &new, &parts), Ok(placed(&new)));
    }

    #[test]
    fn the_number_of_parts_says_how_they_were_cut(before in any_nodes(), after in any_nodes(), is_tree: bool) {
        let (old, new, wanted) = (plan(1, before), plan(2, after), small());
        let layout = if is_tree { Layout::Tree } else { Layout::InPlace };
        let basis = changed(&old, &new);
        let guessed = place(&wanted, layout, &new, &basis);
        let worst = place(&wanted, layout, &new, &basis.cut(&new, Cut::Worst));
        prop_assert!(guessed == worst || ![worst.len(), worst.len() + 1].contains(&guessed.len()));
        let single = place(&wanted, layout, &new, &basis.cut(&new, Cut::Single));
        prop_assert!(single.len() > guessed.len().max(worst.len() + 1));
        prop_assert!(single.iter().all(|part| part.len() <= 1));
        let all = |parts: &[Vec<OwnerName>]| parts.concat();
        prop_assert_eq!(all(&guessed), all(&worst), "the same names in the same order");
        prop_assert_eq!(all(&single), all(&worst));
    }

    #[test]
    fn no_two_parts_would_fit_one(before in any_nodes(), after in any_nodes()) {
        let (old, new, wanted) = (plan(1, before), plan(2, after), small());
        let parts = place(&wanted, Layout::InPlace, &new, &changed(&old, &new));
        let room = wanted.limits.beside_fence();
        let sets = |plan: &Plan, owner: &OwnerName| {
            plan.zone().node(owner).map(|node| wanted.in_place(owner, node)).transpose()
        };
        let cost = |owner: &OwnerName| {
            let (Ok(now), Ok(then)) = (sets(&old, owner), sets(&new, owner)) else { return None };
            let changes: Vec<Change> = changes(&now.unwrap_or_default(), &then.unwrap_or_default(), room).ok()?;
            Some(Cost::of_all(&changes))
        };
        let total = |owners: &[OwnerName]| owners.iter().map(cost).sum::<Option<Cost>>();
        let worst = place(&wanted, Layout::InPlace, &new, &changed(&old, &new).cut(&new, Cut::Worst));
        for [left, right] in parts.array_windows().filter(|[_, right]| !right.is_empty()) {
            let both = [&left[..], &right[..1]].concat();
            prop_assert!(parts == worst || total(&both).is_none_or(|cost| !cost.fits(room)));
        }
    }

    #[test]
    fn trees_are_staged_in_parts_that_fit(nodes in any_nodes()) {
        let (wanted, plan) = (small(), plan(7, nodes));
        let basis = changed(&plan, &plan);
        let guessed = stage(&wanted, &plan, &basis);
        let worst = stage(&wanted, &plan, &basis.cut(&plan, Cut::Worst));
        prop_assert!(guessed == worst || ![worst.len(), worst.len() + 1].contains(&guessed.len()));
        prop_assert_eq!(guessed.concat(), worst.concat());
        prop_assert_eq!(guessed.concat().len(), plan.zone().len());
        for part in guessed {
            let sets = part.iter().map(|owner| {
                wanted.staged(owner, plan.zone().node(owner).unwrap(), &tree_of(&plan)).unwrap_or_default()
            });
            let cost = sets.flatten().map(|set| Cost::of_set(&set)).sum::<Cost>();
            prop_assert!(cost.fits(wanted.limits.beside_fence()));
        }
    }
}
