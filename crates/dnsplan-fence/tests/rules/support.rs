//! Plans, records and sightings in a few characters.

use std::collections::BTreeSet;

use dnsplan_fence::{
    Actor, Digest, Edit, Fenced, FreezeId, Generation, Move, Nonce, Observed, Offer, OfferedGeneration, Part,
    Progress, Record, Refused, Sighting, Stage, Standing, Swap,
};

/// The store's head where a test does not say otherwise.
pub(crate) const HEAD: u64 = 9;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Plan {
    pub(crate) generation: u64,
    pub(crate) content: u8,
}

impl Offer for Plan {
    fn offered(&self) -> OfferedGeneration {
        OfferedGeneration::granted(g(self.generation))
    }
    fn digest(&self) -> Digest {
        Digest::new([self.content; 32])
    }
}

/// A plan whose content is its own.
pub(crate) fn plan(generation: u64) -> Plan {
    Plan { generation, content: u8::try_from(generation).expect("a small number") }
}

/// A plan of that generation with other content.
pub(crate) fn rival(generation: u64) -> Plan {
    Plan { content: 200, ..plan(generation) }
}

pub(crate) const fn g(number: u64) -> Generation {
    Generation::new(number)
}

pub(crate) fn part(index: u32, of: u32) -> Part {
    Part::new(index, of).expect("such a part")
}

pub(crate) fn progress(done: u32, of: u32) -> Progress {
    Progress::new(done, of).expect("such a progress")
}

pub(crate) fn actor(name: &str) -> Actor {
    Actor::new(name).expect("an actor's name")
}

/// A record in which `generation` is live and nothing is going on.
pub(crate) fn live(generation: u64) -> Record<()> {
    Record {
        generation: g(generation),
        digest: plan(generation).digest(),
        base: g(generation),
        floor: Generation::ZERO,
        flip: progress(1, 1),
        stage: None,
        freeze: None,
        attempt: Nonce::new(100),
        by: actor("before"),
        payload: (),
    }
}

pub(crate) fn staged(plan: &Plan, progress: Progress) -> Option<Stage> {
    Some(Stage { generation: g(plan.generation), digest: plan.digest(), progress })
}

pub(crate) fn see(record: &Record<()>, standing: Standing) -> Sighting<()> {
    let seen = Observed::Record(record.clone());
    let head = seen.witness().answered(standing);
    seen.sight(head).expect("a record, and its own witness")
}

/// What `action` for `plan` would make of the record, with the head far ahead.
pub(crate) fn after(record: &Record<()>, plan: &Plan, action: Move) -> Result<Record<()>, Refused> {
    let attempt = Nonce::new(record.attempt.get() + 1);
    let permit = see(record, Standing::new(g(HEAD))).permit(plan, action, attempt, &actor("me"))?;
    assert_eq!((permit.expected(), permit.action()), (record, action));
    Ok(permit.into_next())
}

/// The record after a chain of moves of one plan, each of which must be permitted.
pub(crate) fn after_all(record: &Record<()>, plan: &Plan, actions: &[Move]) -> Record<()> {
    actions.iter().fold(record.clone(), |record, action| after(&record, plan, *action).expect("permitted"))
}

pub(crate) fn assert_out_of_order(record: &Record<()>, plan: &Plan, action: Move) {
    assert_eq!(after(record, plan, action), Err(Refused::OutOfOrder(action)), "of {record:?}");
}

pub(crate) fn lifting(freeze: FreezeId) -> Standing {
    Standing::new(g(HEAD)).having_lifted(BTreeSet::from([freeze]))
}

/// Makes one write of a cell, on a fresh sighting.
pub(crate) fn write<T>(
    cell: &Fenced<T>,
    plan: &Plan,
    action: Move,
    nonce: u128,
    edit: Edit<T>,
) -> Result<Swap<()>, Refused> {
    let seen = cell.load();
    let head = seen.witness().answered(Standing::new(g(HEAD)));
    let sighting = seen.sight(head).expect("a record is there");
    Ok(cell.swap(sighting.permit(plan, action, Nonce::new(nonce), &actor("me"))?, edit))
}
