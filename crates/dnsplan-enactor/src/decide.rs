//! The decision: from what was observed to the one next step. Pure and total; the first row that matches wins.
//!
//! | observed at the target | step |
//! |---|---|
//! | no record, or one that cannot be read | [`Step::Bootstrap`] |
//! | frozen, and the record does not say so yet | [`Step::MarkFreeze`] |
//! | frozen | [`Step::StandBy`] |
//! | no plan in the store, and nothing at the target | [`Step::StandBy`] |
//! | the record (or, where it grants nothing, a tree that is there) speaks of a generation above the store's head | [`Step::TargetAhead`] |
//! | the plan aimed at is not in the store | [`Step::Reload`] |
//! | generation, or floor, above the plan's | [`Step::Reload`] |
//! | the fence has no permit for the plan: it is above the head, or not the head while nothing was granted yet | [`Step::Reload`] |
//! | a newer tree than the plan's is being staged | [`Step::Reload`] |
//! | the plan's generation (live or staged) with another digest | [`Step::Reject`] |
//! | the plan's generation, and all parts are there | [`Step::Verify`] |
//! | parts of the plan are missing, and a guard refuses to begin | [`Step::Refuse`] |
//! | parts of the plan are missing | [`Step::Write`] |
//!
//! That a target was rewound (its generation is below the highest ever confirmed there) changes nothing in what is done:
//! it is noticed beside the step ([`Decision::rewound`]) and healed by the same rows.

use dnsplan_fence::{Digest, FreezeId, Generation, Move, Part, Progress, Sighting};

use crate::{FenceRecord, Layout, Outline, Quarantine};

/// The plan that an enactor means to put in place, as far as a decision needs to know it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aim {
    /// Its generation.
    pub generation: Generation,
    /// Its content.
    pub digest: Digest,
    /// The parts that the target cuts it into.
    pub outline: Outline,
    /// Whether a guard refuses to begin it on top of what is live.
    pub guarded: bool,
}

/// Everything a decision is made from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Situation<'a> {
    /// The record and the store's head, or nothing where there is no readable record.
    pub sighting: Option<&'a Sighting<Quarantine>>,
    /// The plan aimed at; `None` where the store does not have it.
    pub aim: Option<Aim>,
    /// The highest generation ever confirmed at this target.
    pub confirmed: Generation,
    /// The highest generation of a tree at the target, where the record grants nothing and so says nothing of what is there.
    pub found: Generation,
    /// How the target changes what it answers.
    pub layout: Layout,
}

/// The one next thing to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Create a record that grants nothing, and look again.
    Bootstrap,
    /// Write the freeze into the record, so that whatever is in flight fails.
    MarkFreeze(FreezeId),
    /// Do nothing until something changes.
    StandBy(Wait),
    /// The target knows a generation that the store does not: the store must go above it.
    TargetAhead {
        /// The highest generation that the record speaks of, or that a tree is of.
        seen: Generation,
        /// The store's newest.
        head: Generation,
    },
    /// What we hold is out of date: look again.
    Reload,
    /// This generation exists with other content: it is lost, and a higher one is needed.
    Reject(Generation),
    /// A guard refuses to begin this plan on top of what is live: another one is needed.
    Refuse(Generation),
    /// Make this conditional write.
    Write(Move),
    /// All parts are in place: look for drift, confirm, clean up.
    Verify,
}

/// What an enactor that stands by waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// The end of a freeze.
    Frozen(FreezeId),
    /// A first plan.
    NoPlan,
}

/// A step, and what else is worth a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// What to do.
    pub step: Step,
    /// The target was rewound below this confirmed generation.
    pub rewound: Option<Generation>,
}

/// Decides; see the module for the table.
#[must_use]
pub fn decide(situation: &Situation<'_>) -> Decision {
    let Some(sighting) = situation.sighting else {
        return Decision { step: Step::Bootstrap, rewound: None };
    };
    let record = sighting.record();
    let is_behind = !record.generation.is_zero() && record.generation < situation.confirmed;
    let rewound = is_behind.then_some(situation.confirmed);
    Decision { step: step(sighting, situation), rewound }
}

fn step(sighting: &Sighting<Quarantine>, situation: &Situation<'_>) -> Step {
    let (record, head) = (sighting.record(), sighting.head());
    if let Some(id) = head.frozen() {
        let is_marked = record.freeze == Some(id);
        return if is_marked { Step::StandBy(Wait::Frozen(id)) } else { Step::MarkFreeze(id) };
    }
    let seen = record.highest().max(situation.found);
    if seen > head.head() {
        return Step::TargetAhead { seen, head: head.head() };
    }
    if head.head().is_zero() {
        return Step::StandBy(Wait::NoPlan);
    }
    let Some(aim) = situation.aim else { return Step::Reload };
    if is_out_of_date(record, &aim, head.head()) || is_overtaken(record, &aim, situation.layout) {
        return Step::Reload;
    }
    if conflicts(record, &aim) {
        return Step::Reject(aim.generation);
    }
    let is_live = aim.generation == record.generation;
    if is_live && record.flip.is_complete() {
        return Step::Verify;
    }
    let has_begun = is_live || record.stage.is_some_and(|stage| stage.generation == aim.generation);
    if aim.guarded && !has_begun {
        return Step::Refuse(aim.generation);
    }
    Step::Write(next_part(record, &aim, situation.layout))
}

/// The plan that the fence would refuse whatever the move.
fn is_out_of_date(record: &FenceRecord, aim: &Aim, head: Generation) -> bool {
    let is_old = aim.generation < record.generation.max(record.floor);
    // Where nothing was granted yet, nobody knows what is there: only the newest plan may follow.
    let is_not_head = record.generation.is_zero() && aim.generation != head;
    is_old || is_not_head || aim.generation > head || aim.generation.is_zero()
}

fn is_overtaken(record: &FenceRecord, aim: &Aim, layout: Layout) -> bool {
    let is_newer_staged = record.stage.is_some_and(|stage| stage.generation > aim.generation);
    layout == Layout::Tree && is_newer_staged && aim.generation > record.generation
}

fn conflicts(record: &FenceRecord, aim: &Aim) -> bool {
    let live = aim.generation == record.generation && aim.digest != record.digest;
    let staged =
        record.stage.is_some_and(|stage| stage.generation == aim.generation && stage.digest != aim.digest);
    live || staged
}

fn next_part(record: &FenceRecord, aim: &Aim, layout: Layout) -> Move {
    let is_live = aim.generation == record.generation;
    let outline = Outline { stage: aim.outline.stage.max(1), place: aim.outline.place.max(1) };
    let place = after(if is_live { record.flip } else { Progress::NONE }, outline.place);
    if layout != Layout::Tree {
        return Move::Apply(place);
    }
    if is_live {
        return Move::Flip(place);
    }
    let stage = record.stage.filter(|stage| stage.generation == aim.generation);
    let progress = stage.map_or(Progress::NONE, |stage| stage.progress);
    if progress.of() == outline.stage && progress.is_complete() {
        Move::Flip(place)
    } else {
        Move::Stage(after(progress, outline.stage))
    }
}

/// The part that comes next. A chain that was cut into another number of parts starts again: a part done twice changes
/// nothing.
fn after(progress: Progress, of: u32) -> Part {
    let index = if progress.of() == of && !progress.is_complete() { progress.done() } else { 0 };
    Part::new(index, of).unwrap_or(Part::ONLY)
}

/// Which plan to put in place: the newest, but a chain of parts that was begun is finished first. Without that, plans
/// that come faster than a chain takes would abandon every one of them half-way, for ever. Where nothing was granted yet
/// the fence lets only the newest in, so a tree that was begun there counts for nothing once there is a newer plan.
#[must_use]
pub fn aim_at(record: Option<&FenceRecord>, head: Generation) -> Generation {
    let Some(record) = record.filter(|record| !record.generation.is_zero()) else { return head };
    let placing = (!record.flip.is_complete()).then_some(record.generation);
    let staging = record.stage.filter(|stage| stage.progress.done() > 0).map(|stage| stage.generation);
    let begun = placing.or(staging).filter(|begun| *begun <= head && *begun >= record.floor);
    begun.unwrap_or(head)
}
