//! Every sequence of moves of two plans and a rival, to a depth that contains whole chains, against the invariants of
//! records.

use std::collections::BTreeSet;

use dnsplan_fence::{Edit, Fenced, Move, Record, Swap};

use crate::support::{Plan, after, g, live, part, plan, rival, write};

fn alphabet() -> Vec<(Plan, Move)> {
    let moves = [
        Move::Stage(part(0, 2)),
        Move::Stage(part(1, 2)),
        Move::Flip(part(0, 2)),
        Move::Flip(part(1, 2)),
        Move::Apply(part(0, 1)),
        Move::RaiseFloor(g(2)),
        Move::RaiseFloor(g(3)),
        Move::Repair,
        Move::Reap(g(1)),
        Move::Reap(g(2)),
    ];
    let plans = [plan(2), plan(3), rival(2)];
    plans.iter().flat_map(|plan| moves.iter().map(|action| (*plan, *action))).collect()
}

fn holds_alone(record: &Record<()>) {
    assert!(record.base <= record.generation, "1: {record:?}");
    if let Some(stage) = record.stage {
        assert!(stage.generation > record.generation && stage.generation >= record.floor, "3: {record:?}");
        assert!(!record.is_reapable(stage.generation), "a stage is being enacted: {record:?}");
    }
    for generation in record.base.get()..=record.generation.get() {
        assert!(!record.is_reapable(g(generation)), "something may be at {generation}: {record:?}");
    }
    assert_eq!(record.is_settled(), record.flip.is_complete(), "the last part moves the base: {record:?}");
}

fn holds_between(before: &Record<()>, next: &Record<()>, (plan, action): (Plan, Move)) {
    let what = format!("{plan:?} {action:?}: {before:?} to {next:?}");
    assert!(before.generation <= next.generation, "G1: {what}");
    assert!(before.base <= next.base && before.floor <= next.floor, "{what}");
    assert!(before.generation != next.generation || before.digest == next.digest, "G6: {what}");
    let puts = matches!(action, Move::Apply(_) | Move::Flip(_));
    assert!(before.generation == next.generation || (puts && next.generation >= before.floor), "2: {what}");
    assert_ne!(before.attempt, next.attempt, "5: {what}");
}

/// Makes every move that is permitted, and goes on from each.
fn walk(record: &Record<()>, depth: u32, permitted: &mut BTreeSet<(Plan, Move)>, steps: &mut u64) {
    if depth == 0 {
        return;
    }
    for (plan, action) in alphabet() {
        if let Ok(next) = after(record, &plan, action) {
            holds_between(record, &next, (plan, action));
            holds_alone(&next);
            permitted.insert((plan, action));
            *steps += 1;
            assert!(*steps < 1_000_000, "nearly everything is permitted");
            walk(&next, depth - 1, permitted, steps);
        }
    }
}

#[test]
fn g1_g6_every_sequence_of_moves_keeps_the_records_invariants() {
    let (mut permitted, mut steps) = (BTreeSet::new(), 0);
    walk(&live(1), 6, &mut permitted, &mut steps);
    let never: BTreeSet<_> = alphabet().into_iter().filter(|step| !permitted.contains(step)).collect();
    let of_plan_two = |action| [(plan(2), action), (rival(2), action)];
    let beyond = [of_plan_two(Move::RaiseFloor(g(3))), of_plan_two(Move::Reap(g(2)))].concat();
    let beyond: BTreeSet<_> = beyond.into_iter().collect();
    assert_eq!(
        never, beyond,
        "plan 2 neither raises the floor above itself nor reaps itself; all else occurs"
    );
    assert!(steps > 10_000, "only {steps} steps");
}

#[test]
fn g3_no_sequence_of_moves_takes_the_live_tree_away() {
    let alphabet = alphabet();
    let mut chosen = [0; 4];
    let mut reaped = 0;
    loop {
        reaped += u32::from(replay(chosen.iter().map(|index| alphabet[*index])));
        let Some(place) = chosen.iter().position(|index| index + 1 < alphabet.len()) else { break };
        chosen[..place].fill(0);
        chosen[place] += 1;
    }
    assert!(reaped > 0, "no sequence reaped anything");
}

/// Plays the sequence on a cell; whatever is refused is left out. Says whether a tree was reaped.
fn replay(sequence: impl Iterator<Item = (Plan, Move)>) -> bool {
    let cell = Fenced::restored(live(1), plan(1));
    for (nonce, (plan, action)) in (0..).zip(sequence) {
        let edit = match action {
            Move::Stage(_) | Move::Apply(_) => Edit::Put(plan),
            _ => Edit::Keep,
        };
        let before = cell.snapshot().expect("the live tree").generation();
        let outcome = write(&cell, &plan, action, nonce, edit);
        assert!(!matches!(outcome, Ok(Swap::Lost(_) | Swap::Unknown)), "nobody else writes: {outcome:?}");
        let live = cell.snapshot().expect("the live tree is there");
        assert!(before <= live.generation(), "G1");
        let record = cell.load().record().expect("a record").clone();
        let tree = *live.value();
        assert_eq!(
            (g(tree.generation), dnsplan_fence::Offer::digest(&tree)),
            (record.generation, record.digest)
        );
    }
    cell.snapshot_of(g(1)).is_none()
}
