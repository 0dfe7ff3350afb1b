//! Permits: the only way to write, made from (plan, observation) and from nothing else.
//!
//! 1. [`Observed`] comes from a load. [`Observed::witness`] is handed to the plan store, whose answer ([`HeadAfter`]) is
//!    therefore younger than the load: under an unknown record a head that was read earlier could take DNS backwards.
//! 2. [`Sighting`] is both together. [`Sighting::permit`] is the only constructor of a [`Permit`], and takes generation
//!    and digest from an [`Offer`], never from the sighting.
//! 3. A permit relies only on what is inside the record. What is staged and what has moved is read off its progress.
//! 4. The permit carries the whole record it expects. It is checked again, in the write, by the register.

use std::fmt;

use crate::{
    Actor, Digest, FreezeId, Generation, HeadAfter, Nonce, ObservedGeneration, Offer, OfferedGeneration,
    Part, Progress, Record, Stage,
};

/// A record, and the store's head as it was after the record was read.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting<P> {
    record: Record<P>,
    head: HeadAfter,
}

/// What one conditional write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Move {
    /// Builds a part of the plan's tree where nobody sees it.
    Stage(Part),
    /// Points a part of the endpoints at the plan's staged tree.
    Flip(Part),
    /// Puts a part of the plan in place at once, where the target has no tree.
    Apply(Part),
    /// Restores what differs from the live plan.
    Repair,
    /// Raises the floor, at most to the plan: nothing below it may be applied any more.
    RaiseFloor(Generation),
    /// Deletes the tree of a generation that can never be live again.
    Reap(Generation),
    /// Writes a freeze into the record and nothing else.
    Freeze(FreezeId),
}

impl Move {
    /// Whether it writes the record and nothing else.
    #[must_use]
    pub const fn is_record_only(self) -> bool {
        matches!(self, Self::RaiseFloor(_) | Self::Freeze(_))
    }
}

/// Why there is no permit. Both sides are named, so that an operator can read who fenced whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Something newer is live.
    Stale {
        /// What was offered.
        offered: OfferedGeneration,
        /// What is live.
        live: ObservedGeneration,
        /// Who put it there.
        by: Actor,
    },
    /// The floor was raised above it.
    BelowFloor {
        /// What was offered.
        offered: OfferedGeneration,
        /// The lowest that may still be applied.
        floor: Generation,
        /// Who wrote the record.
        by: Actor,
    },
    /// The same generation is there with other content. That generation is lost; a higher one is needed.
    DigestConflict {
        /// The generation that both claim.
        offered: OfferedGeneration,
        /// The content offered.
        ours: Digest,
        /// The content there.
        theirs: Digest,
        /// Who put it there.
        by: Actor,
    },
    /// A freeze is in force.
    Frozen(FreezeId),
    /// The store's head, read after the record, is not the plan that a record of generation 0 needs, or is older than
    /// the offer.
    NotHead {
        /// What was offered.
        offered: OfferedGeneration,
        /// The store's newest.
        head: Generation,
    },
    /// The record does not say that this is the next thing to do.
    OutOfOrder(Move),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { offered, live, by } => {
                write!(f, "generation {offered} is stale: {live} is live, put there by {by}")
            }
            Self::BelowFloor { offered, floor, by } => {
                write!(f, "generation {offered} is below the floor {floor} that {by} set")
            }
            Self::DigestConflict { offered, ours, theirs, by } => write!(
                f,
                "generation {offered} exists with other content (offered {}, there {} by {by})",
                ours.short(),
                theirs.short()
            ),
            Self::Frozen(id) => write!(f, "frozen by freeze {id}"),
            Self::NotHead { offered, head } => {
                write!(f, "generation {offered} is not the store's head {head}, read after the record")
            }
            Self::OutOfOrder(action) => write!(f, "the record does not allow {action:?} now"),
        }
    }
}

impl std::error::Error for Refused {}

/// The right to make one conditional write. It is used up by the write, and there is no other way to make one than
/// [`Sighting::permit`] and [`Sighting::freeze`].
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Permit<P> {
    expected: Record<P>,
    next: Record<P>,
    action: Move,
}

impl<P> Permit<P> {
    /// The record that must be there, whole and unchanged.
    #[must_use]
    pub const fn expected(&self) -> &Record<P> {
        &self.expected
    }

    /// The record that the write leaves.
    #[must_use]
    pub const fn next(&self) -> &Record<P> {
        &self.next
    }

    /// What the write does.
    #[must_use]
    pub const fn action(&self) -> Move {
        self.action
    }

    /// The record that the write leaves, by value.
    #[must_use]
    pub fn into_next(self) -> Record<P> {
        self.next
    }

    /// The same with another payload.
    pub fn carrying(mut self, payload: P) -> Self {
        self.next.payload = payload;
        self
    }

    /// The same, but the base stays where it was: something is left behind at an older generation.
    pub fn holding_base(mut self) -> Self {
        self.next.base = self.expected.base;
        self
    }
}

impl<P> Sighting<P> {
    pub(crate) const fn new(record: Record<P>, head: HeadAfter) -> Self {
        Self { record, head }
    }
}

impl<P: Clone> Sighting<P> {
    /// The generation that was observed.
    #[must_use]
    pub const fn generation(&self) -> ObservedGeneration {
        self.record.observed()
    }

    /// The record that was observed.
    #[must_use]
    pub const fn record(&self) -> &Record<P> {
        &self.record
    }

    /// The store's head, read after the record.
    #[must_use]
    pub const fn head(&self) -> &HeadAfter {
        &self.head
    }

    /// Permission to make `action` on behalf of `plan`.
    ///
    /// # Errors
    /// [`Refused`] says which of the two sides is in the way.
    pub fn permit(
        &self,
        plan: &impl Offer,
        action: Move,
        attempt: Nonce,
        by: &Actor,
    ) -> Result<Permit<P>, Refused> {
        if let Some(id) = self.head.frozen() {
            return Err(Refused::Frozen(id));
        }
        self.fence(plan)?;
        let mut next = Record { attempt, by: by.clone(), freeze: None, ..self.record.clone() };
        if self.advance(plan, action, &mut next) {
            Ok(Permit { expected: self.record.clone(), next, action })
        } else {
            Err(Refused::OutOfOrder(action))
        }
    }

    /// Permission to write a freeze into the record, and nothing else. Needs no plan: it grants nothing.
    pub fn freeze(&self, freeze: FreezeId, attempt: Nonce, by: &Actor) -> Permit<P> {
        let next = Record { attempt, by: by.clone(), freeze: Some(freeze), ..self.record.clone() };
        Permit { expected: self.record.clone(), next, action: Move::Freeze(freeze) }
    }

    /// The fence proper: offered against observed.
    fn fence(&self, plan: &impl Offer) -> Result<(), Refused> {
        let (offered, record) = (plan.offered(), &self.record);
        let number = Generation::from(offered);
        let by = || record.by.clone();
        if number < record.generation {
            return Err(Refused::Stale { offered, live: record.observed(), by: by() });
        }
        if number < record.floor {
            return Err(Refused::BelowFloor { offered, floor: record.floor, by: by() });
        }
        let claims = [
            (record.generation, record.digest),
            record.stage.map_or((Generation::ZERO, Digest::ZERO), |stage| (stage.generation, stage.digest)),
        ];
        let ours = plan.digest();
        for (generation, theirs) in claims {
            if !generation.is_zero() && number == generation && ours != theirs {
                return Err(Refused::DigestConflict { offered, ours, theirs, by: by() });
            }
        }
        let head = self.head.head();
        if number.is_zero() || number > head || (record.generation.is_zero() && number != head) {
            return Err(Refused::NotHead { offered, head });
        }
        Ok(())
    }

    /// Writes into `next` what `action` does to the record; false where the record does not allow it now.
    fn advance(&self, plan: &impl Offer, action: Move, next: &mut Record<P>) -> bool {
        let (offered, digest, record) = (Generation::from(plan.offered()), plan.digest(), &self.record);
        let is_live = offered == record.generation;
        match action {
            Move::Stage(part) => {
                let begun = record.stage.filter(|stage| stage.generation >= offered);
                let progress = match begun {
                    Some(stage) if stage.generation > offered => return false,
                    Some(stage) => stage.progress,
                    None => Progress::NONE,
                };
                next.stage = Some(Stage { generation: offered, digest, progress: part.done() });
                !is_live && progress.admits(part)
            }
            Move::Flip(part) => {
                let staged =
                    record.stage.is_some_and(|s| s.generation == offered && s.progress.is_complete());
                (is_live || staged) && self.put_in_place(offered, digest, part, next)
            }
            Move::Apply(part) => self.put_in_place(offered, digest, part, next),
            Move::Repair => is_live && record.flip.is_complete(),
            // A record that grants nothing says nothing of what is there: it proves of no tree that it is not live.
            Move::RaiseFloor(_) | Move::Reap(_) if record.generation.is_zero() => false,
            Move::RaiseFloor(floor) => {
                next.floor = floor;
                next.stage = next.stage.filter(|stage| stage.generation >= floor);
                record.floor < floor && floor <= offered
            }
            Move::Reap(generation) => record.is_reapable(generation),
            Move::Freeze(_) => false,
        }
    }

    fn put_in_place(&self, offered: Generation, digest: Digest, part: Part, next: &mut Record<P>) -> bool {
        let record = &self.record;
        let is_live = offered == record.generation;
        let progress = if is_live { record.flip } else { Progress::NONE };
        next.generation = offered;
        next.digest = digest;
        next.flip = part.done();
        next.stage = record.stage.filter(|stage| stage.generation > offered);
        if part.is_last() {
            next.base = offered;
        }
        let already_complete = is_live && record.flip.is_complete();
        !already_complete && progress.admits(part)
    }
}
