//! Chains at a metered target: by what they are cut, when they are cut anew, and that no owner name is lost in between.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use common::bed::{
    Worker, apply, assert_is_all, but, config, doctored, flip, grow, grown, is_part, live, metered, process,
    stage,
};
use common::metered::Metered;
use common::{block_on, generation, origin, owner, publish};
use dnsplan_enactor::conformance::World;
use dnsplan_enactor::{Layout, TargetError};
use dnsplan_fence::Move;
use dnsplan_plan::{PlanStore, StoreError};

fn too_large() -> TargetError {
    TargetError::TooLarge("a fault was asked for".to_owned())
}

/// Parts of chains, from 1, of so many.
type Parts = &'static [(u32, u32)];

/// The first plan is live, and so is what an enactor knows of it; the second one is the head.
fn one_behind(layout: Layout) -> (World<Metered>, Worker) {
    let world = metered(layout);
    let mut enactor = world.enactor_at(&world.target, "e1").with_config(config());
    assert_eq!(block_on(enactor.pass()), live(1));
    grow(&world, 2);
    world.target.trace();
    world.target.guesses();
    (world, enactor)
}

/// Polls a pass until it has written something, and drops it.
fn crash_after_a_write(world: &World<Metered>, name: &str) -> Vec<String> {
    let mut enactor = world.enactor_at(&world.target, name).with_config(config());
    let mut pass = pin!(enactor.pass());
    let mut context = Context::from_waker(Waker::noop());
    loop {
        let polled = pass.as_mut().poll(&mut context);
        let trace = world.target.trace();
        if polled.is_ready() || !trace.is_empty() {
            return trace;
        }
    }
}

#[test]
fn a_chain_is_cut_by_what_was_there_when_it_began() {
    let world = metered(Layout::InPlace);
    let mut enactor = world.enactor_at(&world.target, "e1").with_config(config());
    assert_eq!(block_on(enactor.pass()), live(1));
    assert_eq!(world.target.trace(), apply(1, 3, 0), "nobody knows what was there before the first plan");
    grow(&world, 2);
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), apply(2, 2, 1));
    let third = grow(&world, 3);
    assert_eq!(block_on(enactor.pass()), live(3));
    assert_eq!(world.target.trace(), apply(3, 3, 2), "six hosts come and six go");
    assert_is_all(&world.target, &third);
}

#[test]
fn a_tree_is_cut_by_what_was_there_when_its_chain_began() {
    let world = metered(Layout::Tree);
    let mut enactor = world.enactor_at(&world.target, "e1").with_config(config());
    assert_eq!(block_on(enactor.pass()), live(1));
    assert_eq!(world.target.trace(), [stage(1, 4), flip(1, 4, 0)].concat());
    let second = grow(&world, 2);
    assert_eq!(block_on(enactor.pass()), live(2));
    let rest = ["floor 2", "reap 1", "reap 1"].map(str::to_owned).to_vec();
    assert_eq!(world.target.trace(), [stage(2, 4), flip(2, 6, 1), rest].concat());
    assert_is_all(&world.target, &second);
}

#[test]
fn whoever_goes_on_with_a_chain_cuts_it_as_it_was_begun() {
    let (world, _) = one_behind(Layout::InPlace);
    let written: Vec<String> = (0..2).flat_map(|_| crash_after_a_write(&world, "e2")).collect();
    assert_eq!(written, apply(2, 2, 1));
    assert_eq!(world.target.guesses(), [(Some(1), vec![]), (Some(1), vec![2])], "by the plan at the base");
    let third = grow(&world, 3);
    let written: Vec<String> = (0..3).flat_map(|_| crash_after_a_write(&world, "e3")).collect();
    assert_eq!(written, apply(3, 3, 2));
    assert_eq!(world.target.guesses(), [(Some(2), vec![]), (Some(2), vec![3]), (Some(2), vec![3])]);
    assert_is_all(&world.target, &third);
}

#[test]
fn a_target_that_is_not_metered_is_not_told_of_older_plans() {
    let world = World::around(Metered::unmetered(Layout::InPlace, 4));
    block_on(publish(&world, grown(1)));
    let mut enactor = world.enactor_at(&world.target, "e1").with_config(config());
    assert_eq!(block_on(enactor.pass()), live(1));
    world.target.trace();
    world.target.guesses();
    let second = grow(&world, 2);
    assert_eq!(block_on(enactor.pass()), live(2));
    let written = [apply(2, 3, 1), vec!["floor 2".to_owned()]].concat();
    assert_eq!(world.target.trace(), written);
    assert!(world.target.guesses().iter().all(|guess| *guess == (None, vec![])));
    assert_is_all(&world.target, &second);
    // It does not ask to have a chain cut anew, and none is.
    let third = grow(&world, 3);
    world.target.refuse(1, is_part(2, 6), too_large());
    assert_eq!(block_on(enactor.pass()), live(3));
    let rest = [&apply(3, 6, 2)[1..], &["floor 3".to_owned()]].concat();
    assert_eq!(world.target.trace(), [but(apply(3, 6, 2), 2, "too large"), rest].concat());
    assert_is_all(&world.target, &third);
}

#[test]
fn where_more_is_there_than_was_thought_the_chain_is_cut_for_the_worst_case() {
    let (world, mut enactor) = one_behind(Layout::InPlace);
    let node = world.target.answer(&owner("info")).unwrap();
    // Left over from a history that nobody knows: all four hosts of the first part.
    world.target.edit(|contents| {
        contents.nodes.extend((0..4).map(|host| (owner(&format!("host-2-{host}")), Arc::clone(&node))));
    });
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), [but(apply(2, 2, 1), 1, "too large"), apply(2, 3, 1)].concat());
    let third = grow(&world, 3);
    assert_eq!(block_on(enactor.pass()), live(3));
    assert_eq!(world.target.trace(), apply(3, 3, 2), "the next one is cut by a guess again");
    assert_is_all(&world.target, &third);
}

#[test]
fn a_part_that_is_too_large_is_cut_finer_until_there_is_no_finer_way() {
    let (world, mut enactor) = one_behind(Layout::InPlace);
    for (part, of) in [(2, 2), (3, 3), (4, 6)] {
        world.target.refuse(1, is_part(part, of), too_large());
    }
    assert_eq!(block_on(enactor.pass()), Err(too_large().into()));
    let tried = [(2, 2), (3, 3), (4, 6)].map(|(at, of)| but(apply(2, of, 1), at, "too large"));
    assert_eq!(world.target.trace(), tried.concat());
    // Somebody else goes on where that one has come to.
    assert_eq!(block_on(world.enactor_at(&world.target, "e2").with_config(config()).pass()), live(2));
    assert_eq!(world.target.trace(), apply(2, 6, 1)[3..]);
    assert_is_all(&world.target, &block_on(world.store.head(&origin())).unwrap().unwrap());
}

#[test]
fn in_a_tree_each_way_to_cut_is_kept_to_the_end() {
    // The first part of a flip is still cut as what was staged; a tree that is too large to flip so is staged anew.
    let cases: [(Parts, Vec<String>); 3] = [
        (&[(3, 4)], [but(stage(2, 4), 3, "too large"), stage(2, 7), flip(2, 7, 1)].concat()),
        (
            &[(1, 4), (4, 7)],
            [
                but(stage(2, 4), 1, "too large"),
                but(stage(2, 7), 4, "too large"),
                stage(2, 13),
                flip(2, 13, 1),
            ]
            .concat(),
        ),
        (
            &[(2, 6), (5, 7)],
            [
                stage(2, 4),
                but(flip(2, 6, 1), 2, "too large"),
                but(flip(2, 7, 1), 5, "too large"),
                flip(2, 13, 1),
            ]
            .concat(),
        ),
    ];
    for (refused, written) in cases {
        for name in ["e1", "e2"] {
            let (world, mut enactor) = one_behind(Layout::Tree);
            for (part, of) in refused {
                world.target.refuse(1, is_part(*part, *of), too_large());
            }
            if name == "e1" {
                assert_eq!(block_on(enactor.pass()), live(2));
            } else {
                // Whoever comes next knows how it is cut by the number of parts alone.
                world.target.refuse(1, is_part(2, 7), TargetError::Unavailable("for now".to_owned()));
                world.target.refuse(1, is_part(2, 13), TargetError::Unavailable("for now".to_owned()));
                while block_on(world.enactor_at(&world.target, "e2").with_config(config()).pass()).is_err() {}
            }
            let mut trace = world.target.trace();
            trace
                .retain(|line| !line.contains("failed") && !line.contains("reap") && !line.contains("floor"));
            assert_eq!(trace, written, "{name}");
            assert_is_all(&world.target, &block_on(world.store.head(&origin())).unwrap().unwrap());
        }
    }
}

#[test]
fn a_chain_is_cut_anew_only_as_long_as_the_record_stays() {
    let (world, mut enactor) = one_behind(Layout::InPlace);
    // It learns that the first part is too large, and fails before it can write another one.
    world.target.refuse(1, is_part(1, 2), too_large());
    world.target.refuse(1, is_part(1, 3), TargetError::Unavailable("for now".to_owned()));
    assert!(block_on(enactor.pass()).is_err());
    world.target.trace();
    // Meanwhile somebody else begins the chain: it is gone on with, as they have cut it.
    assert_eq!(crash_after_a_write(&world, "e2"), apply(2, 2, 1)[..1]);
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), apply(2, 2, 1)[1..]);
}

#[test]
fn a_chain_that_is_to_be_cut_anew_is_so_at_the_next_pass_too() {
    let (world, mut enactor) = one_behind(Layout::InPlace);
    world.target.refuse(1, is_part(2, 2), too_large());
    world.target.refuse(1, is_part(1, 3), TargetError::Unavailable("for now".to_owned()));
    assert!(block_on(enactor.pass()).is_err());
    assert_eq!(block_on(enactor.pass()), live(2));
    let tried = [but(apply(2, 2, 1), 2, "too large"), but(apply(2, 3, 1), 1, "failed"), apply(2, 3, 1)];
    assert_eq!(world.target.trace(), tried.concat());
}

#[test]
fn g5_a_plan_that_does_not_fit_in_any_way_gives_way_to_the_next_one() {
    for layout in [Layout::InPlace, Layout::Tree] {
        let (world, mut enactor) = one_behind(layout);
        let is_of_two = if layout == Layout::Tree { [4, 7, 13] } else { [2, 3, 6] };
        for of in is_of_two {
            world.target.refuse(100, is_part(2, of), too_large());
        }
        assert_eq!(block_on(enactor.pass()), Err(too_large().into()), "{layout:?}");
        let tried = world.target.trace().iter().filter(|line| line.contains("too large")).count();
        assert_eq!(tried, 3, "each way once ({layout:?})");
        let third = grow(&world, 3);
        for _ in 0..2 {
            assert_eq!(block_on(enactor.pass()), Err(too_large().into()), "{layout:?}");
        }
        world.target.refuse_nothing();
        assert_eq!(block_on(enactor.pass()), live(3), "{layout:?}");
        assert_is_all(&world.target, &third);
    }
}

#[test]
fn g4_a_chain_that_supersedes_another_holds_the_base_until_its_own_end() {
    let (world, mut enactor) = one_behind(Layout::InPlace);
    let failed = || TargetError::Misconfigured("not now".to_owned());
    world.target.refuse(100, is_part(2, 2), failed());
    assert_eq!(block_on(enactor.pass()), Err(failed().into()));
    let third = grow(&world, 3);
    for _ in 0..2 {
        assert_eq!(block_on(enactor.pass()), Err(failed().into()));
    }
    world.target.refuse_nothing();
    world.target.trace();
    world.target.guesses();
    assert_eq!(block_on(enactor.pass()), live(3));
    // By the plan at the base there is nothing to take away, and there are four hosts of the second plan.
    assert_eq!(world.target.trace(), [but(apply(3, 2, 1), 2, "too large"), apply(3, 6, 1)].concat());
    let guesses = world.target.guesses();
    assert_eq!(guesses[0], (Some(1), vec![2]), "the base, and what was begun on it");
    assert!(guesses[1..].iter().all(|guess| *guess == (Some(1), vec![3, 2])), "{guesses:?}");
    assert_is_all(&world.target, &third);
}

/// The second plan is half in place.
fn halfway() -> World<Metered> {
    let (world, mut enactor) = one_behind(Layout::InPlace);
    world.target.refuse(1, is_part(2, 2), TargetError::Unavailable("for now".to_owned()));
    assert!(block_on(enactor.pass()).is_err());
    world.target.trace();
    world
}

#[test]
fn a_plan_at_the_base_that_cannot_be_read_is_done_without_but_one_that_cannot_be_had_is_waited_for() {
    let world = halfway();
    let (store, mut enactor) = doctored(&world);
    store.withholds_plan.store(1, Ordering::Relaxed);
    for _ in 0..2 {
        let away = StoreError::Unavailable("a plan".to_owned());
        assert_eq!(block_on(enactor.pass()), Err(away.into()));
        assert!(world.target.trace().is_empty(), "nothing is written in the meantime");
    }
    store.withholds_plan.store(0, Ordering::Relaxed);
    store.hides_plan.store(1, Ordering::Relaxed);
    assert_eq!(block_on(enactor.pass()), live(2));
    assert_eq!(world.target.trace(), apply(2, 3, 1), "for the worst case");
    assert_is_all(&world.target, &block_on(world.store.head(&origin())).unwrap().unwrap());
}

#[test]
fn a_superseded_plan_that_cannot_be_had_now_is_waited_for() {
    let (world, _) = one_behind(Layout::InPlace);
    let failed = || TargetError::Misconfigured("not now".to_owned());
    world.target.refuse(5, is_part(2, 2), failed());
    let mut enactor = world.enactor_at(&world.target, "e2").with_config(config());
    assert!(block_on(enactor.pass()).is_err());
    let third = grow(&world, 3);
    // The second plan is given up at its third failure, and the first part of the third one is all that fits before the next.
    while world.target.record().generation != third.generation() {
        assert!(block_on(enactor.pass()).is_err());
    }
    world.target.refuse_nothing();
    let (store, mut enactor) = doctored(&world);
    world.target.trace();
    store.withholds_plan.store(2, Ordering::Relaxed);
    let away = StoreError::Unavailable("a plan".to_owned());
    assert_eq!(block_on(enactor.pass()), Err(away.into()));
    assert!(world.target.trace().is_empty(), "nothing is written in the meantime");
    store.withholds_plan.store(0, Ordering::Relaxed);
    assert_eq!(block_on(enactor.pass()), live(3));
    assert_is_all(&world.target, &third);
}

#[test]
fn g4_a_history_that_cannot_be_had_now_is_waited_for_and_one_that_is_gone_is_done_without() {
    for away in [StoreError::Unavailable("busy".to_owned()), StoreError::Unknown("lost".to_owned())] {
        let world = halfway();
        let (store, mut enactor) = doctored(&world);
        *store.history_fails.lock().unwrap() = Some(away.clone());
        for _ in 0..2 {
            assert_eq!(block_on(enactor.pass()), Err(away.clone().into()));
            assert!(world.target.trace().is_empty(), "nothing is written in the meantime");
        }
        *store.history_fails.lock().unwrap() = None;
        assert_eq!(block_on(enactor.pass()), live(2));
        assert_eq!(world.target.trace(), apply(2, 2, 1)[1..]);
    }
    for gone in [StoreError::Corrupt("a plan".to_owned()), StoreError::NotFound("plan".to_owned())] {
        let world = halfway();
        let (store, mut enactor) = doctored(&world);
        *store.history_fails.lock().unwrap() = Some(gone);
        assert_eq!(block_on(enactor.pass()), live(2));
        assert_eq!(
            world.target.trace(),
            apply(2, 2, 1)[1..],
            "what neither plan has otherwise costs nothing"
        );
    }
}

#[test]
fn g4_a_history_that_is_pruned_in_the_midst_of_a_chain_leaves_nothing_behind() {
    let (world, mut enactor) = one_behind(Layout::InPlace);
    let mut zone = grown(3);
    zone.clear(&owner("host-1")).expect("it was there");
    let third = block_on(publish(&world, zone));
    world.target.refuse(1, is_part(2, 2), TargetError::Unavailable("for now".to_owned()));
    assert!(block_on(enactor.pass()).is_err());
    assert_eq!(world.target.trace(), but(apply(3, 2, 1), 2, "failed"));
    let pruned = block_on(world.store.prune(&origin(), generation(3))).unwrap();
    assert_eq!(pruned.plans, 0, "the chain goes by them");
    assert_eq!(block_on(enactor.pass()), live(3));
    assert_eq!(world.target.trace(), apply(3, 2, 1)[1..]);
    assert_is_all(&world.target, &third);
}

#[test]
fn a_history_that_was_pruned_before_a_chain_began_is_made_up_for_by_what_is_live() {
    let (world, mut enactor) = one_behind(Layout::InPlace);
    let third = grow(&world, 3);
    block_on(world.store.prune(&origin(), generation(3))).unwrap();
    assert_eq!(block_on(enactor.pass()), live(3));
    assert_eq!(world.target.trace(), apply(3, 2, 1), "all that either has, from the first part to the last");
    assert_eq!(world.target.guesses(), [(Some(1), vec![]), (Some(1), vec![3])]);
    assert_is_all(&world.target, &third);
}

#[test]
fn a_part_is_told_of_the_last_few_plans_that_were_begun_on_the_base() {
    let (world, _) = one_behind(Layout::InPlace);
    let faults = || TargetError::Misconfigured("not now".to_owned());
    let mut begun = Vec::new();
    for number in 2..14 {
        if number > 2 {
            grow(&world, number);
        }
        // Each plan gets as far as its first part, and is given up for the next one.
        let (mut enactor, target) = process(&world, "e2");
        world.target.guesses();
        target.refuse(usize::MAX, |action| matches!(action, Move::Apply(part) if !part.is_first()), faults());
        while world.target.record().generation != generation(number) {
            drop(block_on(enactor.pass()));
        }
        let guesses = world.target.guesses();
        assert!(guesses.iter().all(|(from, _)| *from == Some(1)), "{guesses:?}");
        begun.push(guesses.into_iter().next_back().unwrap().1);
    }
    // The one that is live, and eight below it.
    let expected: Vec<Vec<u64>> =
        (2..14_u64).map(|number| (2.max(number.saturating_sub(9))..number).rev().collect()).collect();
    assert_eq!(begun, expected);
}
