//! The decision: row by row, then every situation of a small world, and its agreement with the fence.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

use dnsplan_enactor::{
    Aim, Decision, FenceRecord, Layout, Outline, Quarantine, Situation, Step, Wait, aim_at, decide,
};
use dnsplan_fence::{
    Actor, Digest, FreezeId, Generation, Move, Nonce, Observed, Offer, OfferedGeneration, Part, Progress,
    Record, Sighting, Stage, Standing,
};

const LAYOUTS: [Layout; 3] = [Layout::Tree, Layout::InPlace, Layout::Whole];
const FREEZE: FreezeId = FreezeId::new(7);

fn me() -> Actor {
    Actor::new("e1").unwrap()
}

fn generation(number: u64) -> Generation {
    Generation::new(number)
}

/// The content of a generation, as the store has it.
fn ours(number: u64) -> Digest {
    if number == 0 { Digest::ZERO } else { Digest::new([u8::try_from(number).unwrap(); 32]) }
}

fn theirs(number: u64) -> Digest {
    Digest::new([0x80 | u8::try_from(number).unwrap(); 32])
}

fn progress(done: u32, of: u32) -> Progress {
    Progress::new(done, of).unwrap()
}

fn part(index: u32, of: u32) -> Part {
    Part::new(index, of).unwrap()
}

/// Settled at `number`, with nothing else to say.
fn record(number: u64) -> FenceRecord {
    Record {
        generation: generation(number),
        digest: ours(number),
        base: generation(number),
        floor: Generation::ZERO,
        flip: if number == 0 { Progress::NONE } else { progress(1, 1) },
        stage: None,
        freeze: None,
        attempt: Nonce::new(1),
        by: me(),
        payload: Quarantine::default(),
    }
}

fn staged(number: u64, digest: Digest, done: u32, of: u32) -> Option<Stage> {
    Some(Stage { generation: generation(number), digest, progress: progress(done, of) })
}

fn sight(record: FenceRecord, standing: Standing) -> Sighting<Quarantine> {
    let observed = Observed::Record(record);
    let head = observed.witness().answered(standing);
    observed.sight(head).unwrap()
}

fn aim(number: u64) -> Aim {
    let outline = Outline { stage: 2, place: 2 };
    Aim { generation: generation(number), digest: ours(number), outline, guarded: false }
}

fn decided(record: FenceRecord, head: u64, aim: Option<Aim>, layout: Layout) -> Decision {
    let sighting = sight(record, Standing::new(generation(head)));
    decide(&Situation {
        sighting: Some(&sighting),
        aim,
        confirmed: Generation::ZERO,
        found: Generation::ZERO,
        layout,
    })
}

fn step(record: FenceRecord, head: u64, aim: Option<Aim>, layout: Layout) -> Step {
    decided(record, head, aim, layout).step
}

#[test]
fn no_record_is_bootstrapped() {
    for layout in LAYOUTS {
        let situation = Situation {
            sighting: None,
            aim: Some(aim(1)),
            confirmed: generation(3),
            found: Generation::ZERO,
            layout,
        };
        assert_eq!(decide(&situation), Decision { step: Step::Bootstrap, rewound: None });
    }
}

#[test]
fn a_freeze_is_marked_once_and_goes_before_everything_else() {
    for layout in LAYOUTS {
        for number in 0..4 {
            let frozen = Standing::new(generation(2)).frozen_by(Some(FREEZE));
            let decide_on = |record| {
                let sighting = sight(record, frozen.clone());
                let confirmed = Generation::ZERO;
                decide(&Situation {
                    sighting: Some(&sighting),
                    aim: Some(aim(2)),
                    confirmed,
                    found: Generation::ZERO,
                    layout,
                })
                .step
            };
            assert_eq!(decide_on(record(number)), Step::MarkFreeze(FREEZE));
            let other = FenceRecord { freeze: Some(FreezeId::new(6)), ..record(number) };
            assert_eq!(decide_on(other), Step::MarkFreeze(FREEZE), "another freeze's mark is not this one's");
            let marked = FenceRecord { freeze: Some(FREEZE), ..record(number) };
            assert_eq!(decide_on(marked), Step::StandBy(Wait::Frozen(FREEZE)));
        }
    }
}

#[test]
fn a_mark_holds_until_the_store_lifts_it() {
    let marked = FenceRecord { freeze: Some(FREEZE), ..record(1) };
    let on = |standing: Standing| {
        let sighting = sight(marked.clone(), standing);
        let (aim, confirmed) = (Some(aim(2)), Generation::ZERO);
        decide(&Situation {
            sighting: Some(&sighting),
            aim,
            confirmed,
            found: Generation::ZERO,
            layout: Layout::InPlace,
        })
        .step
    };
    assert_eq!(on(Standing::new(generation(2))), Step::StandBy(Wait::Frozen(FREEZE)));
    let lifted = Standing::new(generation(2)).having_lifted([FREEZE].into());
    assert_eq!(on(lifted), Step::Write(Move::Apply(part(0, 2))));
}

#[test]
fn nothing_in_the_store_and_nothing_at_the_target_is_a_wait() {
    assert_eq!(step(record(0), 0, None, Layout::Tree), Step::StandBy(Wait::NoPlan));
}

#[test]
fn whatever_the_record_speaks_of_above_the_head_is_ahead() {
    let ahead = |seen| Step::TargetAhead { seen: generation(seen), head: generation(2) };
    let floor = FenceRecord { floor: generation(5), ..record(1) };
    let stage = FenceRecord { stage: staged(4, ours(4), 1, 2), ..record(1) };
    for layout in LAYOUTS {
        for seen in [None, Some(aim(2))] {
            assert_eq!(step(record(3), 2, seen, layout), ahead(3));
            assert_eq!(step(floor.clone(), 2, seen, layout), ahead(5));
            assert_eq!(step(stage.clone(), 2, seen, layout), ahead(4));
        }
    }
    let empty = Step::TargetAhead { seen: generation(3), head: Generation::ZERO };
    assert_eq!(step(record(3), 0, None, Layout::Tree), empty, "an empty store is behind too");
}

#[test]
fn what_is_out_of_date_is_looked_at_again() {
    let floor = FenceRecord { floor: generation(2), ..record(1) };
    let newer = FenceRecord { stage: staged(3, ours(3), 1, 2), ..record(1) };
    for layout in LAYOUTS {
        assert_eq!(step(record(1), 2, None, layout), Step::Reload, "its plan is not in the store");
        assert_eq!(step(record(2), 3, Some(aim(1)), layout), Step::Reload, "older than what is live");
        assert_eq!(step(floor.clone(), 2, Some(aim(1)), layout), Step::Reload, "below the floor");
        assert_eq!(step(record(1), 2, Some(aim(3)), layout), Step::Reload, "above the head");
        assert_eq!(
            step(record(0), 3, Some(aim(2)), layout),
            Step::Reload,
            "nothing granted, and not the head"
        );
    }
    assert_eq!(
        step(newer.clone(), 3, Some(aim(2)), Layout::Tree),
        Step::Reload,
        "a newer tree is being staged"
    );
    assert_eq!(step(newer, 3, Some(aim(2)), Layout::InPlace), Step::Write(Move::Apply(part(0, 2))));
}

#[test]
fn g6_same_generation_with_another_digest_is_rejected() {
    let staged = FenceRecord { stage: staged(2, theirs(2), 1, 2), ..record(1) };
    for layout in LAYOUTS {
        for flip in [progress(1, 2), progress(1, 1)] {
            let live = FenceRecord { digest: theirs(2), flip, ..record(2) };
            let reject = Step::Reject(generation(2));
            assert_eq!(step(live, 2, Some(aim(2)), layout), reject, "never `already applied`");
            assert_eq!(step(staged.clone(), 2, Some(Aim { guarded: true, ..aim(2) }), layout), reject);
        }
    }
}

#[test]
fn a_plan_that_is_all_there_is_verified() {
    for layout in LAYOUTS {
        // However it was cut, and whatever a guard says: it is live.
        for guarded in [false, true] {
            assert_eq!(step(record(2), 2, Some(Aim { guarded, ..aim(2) }), layout), Step::Verify);
        }
        let half = FenceRecord { flip: progress(1, 2), ..record(2) };
        assert_ne!(step(half, 2, Some(aim(2)), layout), Step::Verify);
    }
}

#[test]
fn a_guard_refuses_to_begin_but_not_to_go_on() {
    let guarded = Some(Aim { guarded: true, ..aim(2) });
    for layout in LAYOUTS {
        assert_eq!(step(record(1), 2, guarded, layout), Step::Refuse(generation(2)));
        let half = FenceRecord { flip: progress(1, 2), ..record(2) };
        assert!(matches!(step(half, 2, guarded, layout), Step::Write(_)), "half of it is live: go on");
        let staged = FenceRecord { stage: staged(2, ours(2), 1, 2), ..record(1) };
        assert!(matches!(step(staged, 2, guarded, layout), Step::Write(_)));
    }
}

#[test]
fn in_place_the_parts_are_applied_one_after_the_other() {
    for layout in [Layout::InPlace, Layout::Whole] {
        assert_eq!(step(record(1), 2, Some(aim(2)), layout), Step::Write(Move::Apply(part(0, 2))));
        let half = FenceRecord { flip: progress(1, 2), ..record(2) };
        assert_eq!(step(half.clone(), 2, Some(aim(2)), layout), Step::Write(Move::Apply(part(1, 2))));
        // Cut into another number of parts: from the start.
        let thirds = Aim { outline: Outline { stage: 0, place: 3 }, ..aim(2) };
        assert_eq!(step(half, 2, Some(thirds), layout), Step::Write(Move::Apply(part(0, 3))));
    }
}

#[test]
fn a_tree_is_staged_whole_before_any_pointer_is_flipped() {
    let with = |stage| FenceRecord { stage, ..record(1) };
    let next = |record| step(record, 2, Some(aim(2)), Layout::Tree);
    assert_eq!(next(record(1)), Step::Write(Move::Stage(part(0, 2))));
    assert_eq!(next(with(staged(2, ours(2), 1, 2))), Step::Write(Move::Stage(part(1, 2))));
    assert_eq!(next(with(staged(2, ours(2), 2, 2))), Step::Write(Move::Flip(part(0, 2))));
    assert_eq!(
        next(with(staged(2, ours(2), 3, 3))),
        Step::Write(Move::Stage(part(0, 2))),
        "cut otherwise: again"
    );
    let half = FenceRecord { flip: progress(1, 2), ..record(2) };
    assert_eq!(next(half), Step::Write(Move::Flip(part(1, 2))));
}

#[test]
fn a_rewind_is_noticed_beside_the_step() {
    let rewound = |record, confirmed| {
        let sighting = sight(record, Standing::new(generation(3)));
        decide(&Situation {
            sighting: Some(&sighting),
            aim: Some(aim(3)),
            confirmed,
            found: Generation::ZERO,
            layout: Layout::InPlace,
        })
        .rewound
    };
    assert_eq!(rewound(record(1), generation(2)), Some(generation(2)));
    assert_eq!(rewound(record(2), generation(2)), None);
    assert_eq!(rewound(record(0), generation(2)), None, "a fence that was lost is no rewind");
}

#[test]
fn g5_a_chain_that_was_begun_is_finished_first() {
    let half = FenceRecord { flip: progress(1, 2), ..record(2) };
    assert_eq!(aim_at(Some(&half), generation(9)), generation(2));
    let staging = FenceRecord { stage: staged(3, ours(3), 1, 2), ..record(2) };
    assert_eq!(aim_at(Some(&staging), generation(9)), generation(3));
    let both = FenceRecord { stage: staged(3, ours(3), 1, 2), ..half };
    assert_eq!(aim_at(Some(&both), generation(9)), generation(2), "what is half live goes first");
    assert_eq!(aim_at(None, generation(9)), generation(9));
    assert_eq!(aim_at(Some(&record(2)), generation(9)), generation(9));
    assert_eq!(aim_at(Some(&staging), generation(2)), generation(2), "never above the head");
    let floor = FenceRecord { floor: generation(5), ..staging };
    assert_eq!(aim_at(Some(&floor), generation(9)), generation(9), "never below the floor");
    let nothing = FenceRecord { stage: staged(3, ours(3), 1, 2), ..record(0) };
    assert_eq!(
        aim_at(Some(&nothing), generation(9)),
        generation(9),
        "where nothing is granted only the head may follow"
    );
}

struct Offered(Aim);

impl Offer for Offered {
    fn offered(&self) -> OfferedGeneration {
        OfferedGeneration::granted(self.0.generation)
    }
    fn digest(&self) -> Digest {
        self.0.digest
    }
}

/// Every record of a small world, reachable or not: what people write by hand is not reachable.
fn records() -> Vec<FenceRecord> {
    let flips = [Progress::NONE, progress(0, 2), progress(1, 2), progress(2, 2), progress(1, 1)];
    let mut stages = vec![None];
    for number in 1..4 {
        for digest in [ours(number), theirs(number)] {
            stages
                .extend([(0, 2), (1, 2), (2, 2), (1, 1)].map(|(done, of)| staged(number, digest, done, of)));
        }
    }
    let mut records = Vec::new();
    for number in 0..4 {
        for base in 0..=number {
            for floor in 0..4 {
                for flip in flips {
                    for stage in &stages {
                        let (base, floor) = (generation(base), generation(floor));
                        records.push(FenceRecord { base, floor, flip, stage: *stage, ..record(number) });
                    }
                }
            }
        }
    }
    records
}

fn aims() -> Vec<Option<Aim>> {
    let mut aims = vec![None];
    for number in 0..4 {
        for digest in [ours(number), theirs(number)] {
            for (stage, place) in [(1, 1), (2, 2), (0, 0)] {
                for guarded in [false, true] {
                    let outline = Outline { stage, place };
                    aims.push(Some(Aim { generation: generation(number), digest, outline, guarded }));
                }
            }
        }
    }
    aims
}

/// One situation: a step, without a panic, that the fence agrees with.
fn judge(sighting: &Sighting<Quarantine>, aim: Option<Aim>, layout: Layout) -> bool {
    let (record, head) = (sighting.record(), sighting.head());
    let decision = decide(&Situation {
        sighting: Some(sighting),
        aim,
        confirmed: generation(2),
        found: Generation::ZERO,
        layout,
    });
    let what = || format!("{decision:?} on {record:?}, head {head:?}, {aim:?}, {layout:?}");
    let is_behind = !record.generation.is_zero() && record.generation < generation(2);
    assert_eq!(decision.rewound.is_some(), is_behind, "{}", what());
    let frozen = head.frozen().is_some();
    assert_eq!(
        frozen,
        matches!(decision.step, Step::MarkFreeze(_) | Step::StandBy(Wait::Frozen(_))),
        "{}",
        what()
    );
    match (decision.step, aim) {
        (Step::Write(action), Some(aim)) => {
            assert!(aim.generation >= record.generation.max(record.floor), "backwards: {}", what());
            let permit = sighting.permit(&Offered(aim), action, Nonce::new(2), &me());
            let permit =
                permit.unwrap_or_else(|refused| panic!("the fence refuses ({refused:?}): {}", what()));
            assert!(permit.next().generation >= record.generation, "{}", what());
            true
        }
        (Step::Verify, Some(aim)) => {
            let same = (aim.generation, aim.digest) == (record.generation, record.digest);
            assert!(same && record.flip.is_complete() && !record.generation.is_zero(), "{}", what());
            false
        }
        (Step::Write(_) | Step::Verify | Step::Reject(_) | Step::Refuse(_), None) => {
            panic!("no plan: {}", what())
        }
        (Step::Bootstrap, _) => panic!("a record is there: {}", what()),
        _ => false,
    }
}

#[test]
fn g1_every_situation_has_one_step_and_the_fence_agrees() {
    let aims = aims();
    let (mut situations, mut writes) = (0_u64, 0_u64);
    for record in records() {
        for head in 0..4 {
            let sighting = sight(record.clone(), Standing::new(generation(head)));
            for aim in &aims {
                for layout in LAYOUTS {
                    situations += 1;
                    writes += u64::from(judge(&sighting, *aim, layout));
                }
            }
        }
    }
    println!("{situations} situations, {writes} of them write");
    assert_eq!((situations, writes), (2_940_000, 110_178));
}

#[test]
fn every_frozen_situation_stands_by() {
    let standings = [
        Standing::new(generation(3)).frozen_by(Some(FREEZE)),
        Standing::new(generation(3)).having_lifted([FREEZE].into()),
        Standing::new(generation(3)),
    ];
    let mut situations = 0_u64;
    for record in records() {
        for freeze in [None, Some(FREEZE), Some(FreezeId::new(6))] {
            for standing in &standings {
                let sighting = sight(FenceRecord { freeze, ..record.clone() }, standing.clone());
                for layout in LAYOUTS {
                    situations += 1;
                    judge(&sighting, Some(aim(3)), layout);
                }
            }
        }
    }
    assert_eq!(situations, 135_000);
}

/// Takes the steps from a record for as long as they write, as one enactor alone would; says which step ended it.
fn walk(mut record: FenceRecord, head: u64, layout: Layout) -> Step {
    for _ in 0..32 {
        let aimed = aim_at(Some(&record), generation(head));
        let aim = aim(aimed.get());
        let sighting = sight(record.clone(), Standing::new(generation(head)));
        let confirmed = Generation::ZERO;
        match decide(&Situation {
            sighting: Some(&sighting),
            aim: Some(aim),
            confirmed,
            found: Generation::ZERO,
            layout,
        })
        .step
        {
            Step::Write(action) => {
                let permit = sighting.permit(&Offered(aim), action, Nonce::new(2), &me()).unwrap();
                let next = permit.into_next();
                assert!(next.generation >= record.generation && next.base <= next.generation);
                record = next;
            }
            step => {
                assert!(step != Step::Verify || record.generation == generation(head), "verified {record:?}");
                return step;
            }
        }
    }
    panic!("no end of writes: {record:?}, head {head}, {layout:?}");
}

#[test]
fn g5_from_every_record_the_newest_plan_is_reached() {
    let mut walks = 0_u64;
    for record in records() {
        let is_ours = record.stage.is_none_or(|stage| stage.digest == ours(stage.generation.get()));
        // What permits never leave behind: a granted generation without parts, a stage that is not newer, or without parts.
        let flip_fits = record.generation.is_zero() == (record.flip == Progress::NONE);
        let stage_fits = record.stage.is_none_or(|stage| {
            stage.generation > record.generation
                && stage.generation >= record.floor
                && stage.progress.done() > 0
        });
        if !(is_ours && flip_fits && stage_fits) {
            continue;
        }
        for layout in LAYOUTS {
            walks += 1;
            assert_eq!(walk(record.clone(), 3, layout), Step::Verify, "{record:?} {layout:?}");
        }
    }
    assert_eq!(walks, 1_461);
}

#[test]
fn a_tree_of_which_nothing_is_there_does_not_keep_the_newest_plan_waiting() {
    let nothing = FenceRecord { stage: staged(3, ours(3), 0, 2), ..record(2) };
    assert_eq!(aim_at(Some(&nothing), generation(9)), generation(9));
    let at_the_floor = FenceRecord { stage: staged(3, ours(3), 1, 2), floor: generation(3), ..record(2) };
    assert_eq!(aim_at(Some(&at_the_floor), generation(9)), generation(3), "a floor is not above itself");
    assert_eq!(aim_at(Some(&at_the_floor), generation(3)), generation(3), "nor is the head");
}
