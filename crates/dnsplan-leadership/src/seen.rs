//! From a loaded record to the conditional writes that may follow it. There is no other way to a leadership permit.
//!
//! | step of the protocol | offered to the fence | its move | refused |
//! |---|---|---|---|
//! | first use of a scope | nothing | `genesis` with [`Term::vacant`], generation 0 | where a record is there |
//! | first grant | epoch 1, the holder | [`Move::Apply`] of the only part | unless generation is 0 |
//! | freeze | the epoch that the demand wants to end, and its holder | [`Move::Repair`]: same generation, other payload | another epoch is live (`Stale`, `OutOfOrder`), the epoch is another holder's (`DigestConflict`), a hand-off is under way |
//! | drain, seal | no write of the record; an [`Order`] comes from a freezing record only | | nothing is freezing |
//! | record the seal | **the receipt**: the epoch that it sealed | [`Move::Repair`] | a receipt of another epoch (`Stale`, `OutOfOrder`); nothing is freezing |
//! | grant, to the successor or back | epoch + 1, the new holder | [`Move::Apply`] of the only part | not sealed; the candidate lacks accepted writes; any other number (`Stale`, `NotHead`) |
//!
//! 1. Every write is offered on behalf of something that names its epoch: a demand, a receipt, a grant. The number that
//!    was just read is none of them.
//! 2. There is no plan store behind a leadership record. The head that the fence asks for is the one epoch that may
//!    follow, so that epochs are neither skipped nor repeated.
//! 3. There is no move from `Freezing` or `Sealed` back to `Open` at the same epoch: rolling back is a grant.
//! 4. Whatever moved the record in between makes the swap lose: the fence compares the whole of it, nonce included.

use dnsplan_fence::{
    Actor, Digest, Generation, Move, Nonce, Observed, Offer, OfferedGeneration, Part, Permit, Record,
    Sighting, Standing,
};

use crate::{Epoch, HandoffId, Holder, Intent, Node, Order, Origin, Phase, Position, Receipt, Term};

/// A leadership record as it was loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    sighting: Sighting<Term>,
}

/// Asks for a hand-off of one epoch. It names what it wants to end, so that one that comes late ends nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Demand {
    ends: Epoch,
    held_by: Holder,
    successor: Node,
    id: HandoffId,
}

impl Demand {
    /// The epoch that is to end.
    #[must_use]
    pub const fn ends(&self) -> Epoch {
        self.ends
    }

    /// Who is meant to lead next.
    #[must_use]
    pub const fn successor(&self) -> &Node {
        &self.successor
    }

    /// The hand-off's id.
    #[must_use]
    pub const fn id(&self) -> HandoffId {
        self.id
    }
}

impl Offer for Demand {
    fn offered(&self) -> OfferedGeneration {
        OfferedGeneration::granted(self.ends.into())
    }
    fn digest(&self) -> Digest {
        self.held_by.digest()
    }
}

/// A node that could lead: it was reached, and said what it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The node, in its present life.
    pub holder: Holder,
    /// Everything up to here that the resource accepted, it has.
    pub applied: Position,
}

/// A conditional write of the record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Write {
    /// The epoch is meant to end.
    Freeze(Demand),
    /// The resource refuses the epoch.
    Record(Receipt),
    /// The next epoch is this candidate's.
    Grant(Candidate),
}

/// Why a record does not allow a write. Each says what to do next.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// The fence: another epoch, another holder, a freeze.
    #[error("{0}; load the record again")]
    Fence(#[from] dnsplan_fence::Refused),
    /// A hand-off is under way already.
    #[error("hand-off {0} of this epoch is under way; wait for its outcome, or finish it")]
    UnderWay(HandoffId),
    /// The record does not say that the epoch is to end.
    #[error("epoch {0} is not meant to end; demand a hand-off first")]
    NotFreezing(Generation),
    /// The record does not say that the epoch is sealed.
    #[error(
        "epoch {0} is not sealed at the resource; seal it and record the receipt before anything is granted"
    )]
    NotSealed(Generation),
    /// The candidate lacks writes that were accepted.
    #[error(
        "{candidate} has the writes up to {applied} only, and {position} was accepted; wait, or grant to another node"
    )]
    Behind {
        /// Who.
        candidate: Holder,
        /// What it has.
        applied: Position,
        /// What was accepted last.
        position: Position,
    },
}

/// The next term, offered to the fence.
struct Next<'a> {
    generation: Generation,
    holder: &'a Holder,
}

impl Offer for Next<'_> {
    fn offered(&self) -> OfferedGeneration {
        OfferedGeneration::granted(self.generation)
    }
    fn digest(&self) -> Digest {
        self.holder.digest()
    }
}

impl Seen {
    /// What a load found; `None` where there is no readable record, so that the next thing is
    /// [`Observed::genesis`](dnsplan_fence::Observed::genesis) with [`Term::vacant`].
    #[must_use]
    pub fn of(observed: &Observed<Term>) -> Option<Self> {
        let generation = observed.record()?.generation;
        // Past the last number there is nothing to grant: offered again, the fence refuses it.
        let head = generation.next().unwrap_or(generation);
        let answer = observed.witness().answered(Standing::new(head));
        let sighting = observed.clone().sight(answer)?;
        Some(Self { sighting })
    }

    /// The record.
    #[must_use]
    pub const fn record(&self) -> &Record<Term> {
        self.sighting.record()
    }

    /// The epoch; `None` where nothing was ever granted.
    #[must_use]
    pub const fn epoch(&self) -> Option<Epoch> {
        Epoch::of(self.record())
    }

    /// The payload.
    #[must_use]
    pub const fn term(&self) -> &Term {
        &self.record().payload
    }

    /// A demand to end what is in force here; `None` where nothing was ever granted.
    #[must_use]
    pub fn demand(&self, successor: Node, id: HandoffId) -> Option<Demand> {
        let (ends, held_by) = (self.epoch()?, self.term().holder()?.clone());
        Some(Demand { ends, held_by, successor, id })
    }

    /// The order to seal the epoch at the resource; `None` unless the record says that the epoch is to end.
    #[must_use]
    pub fn order(&self) -> Option<Order> {
        match &self.term().phase {
            Phase::Freezing(_) => {
                let (epoch, held_by) = (self.epoch()?, self.term().holder()?.clone());
                Some(Order { epoch, held_by })
            }
            Phase::Open | Phase::Sealed(..) => None,
        }
    }

    /// Whether a demand or a receipt is of the very term that is in force here: its epoch, and its holder.
    #[must_use]
    pub fn is_about(&self, offer: &impl Offer) -> bool {
        Generation::from(offer.offered()) == self.record().generation
            && offer.digest() == self.record().digest
    }

    /// Permission for one conditional write.
    ///
    /// # Errors
    /// [`Refused`] says why this record does not allow it.
    pub fn permit(&self, write: &Write, attempt: Nonce, by: &Actor) -> Result<Permit<Term>, Refused> {
        match write {
            Write::Freeze(demand) => self.freeze(demand, attempt, by),
            Write::Record(receipt) => self.record_seal(*receipt, attempt, by),
            Write::Grant(candidate) => self.grant(candidate, attempt, by),
        }
    }

    fn freeze(&self, demand: &Demand, attempt: Nonce, by: &Actor) -> Result<Permit<Term>, Refused> {
        // The fence first: of a demand that is out of date, what is under way now says nothing.
        let permit = self.sighting.permit(demand, Move::Repair, attempt, by)?;
        if let Some(intent) = self.term().intent() {
            return Err(Refused::UnderWay(intent.id));
        }
        let intent = Intent { id: demand.id, successor: demand.successor.clone() };
        Ok(permit.carrying(Term { phase: Phase::Freezing(intent), ..self.term().clone() }))
    }

    fn record_seal(&self, receipt: Receipt, attempt: Nonce, by: &Actor) -> Result<Permit<Term>, Refused> {
        let permit = self.sighting.permit(&receipt, Move::Repair, attempt, by)?;
        let Phase::Freezing(intent) = &self.term().phase else {
            return Err(Refused::NotFreezing(self.record().generation));
        };
        let phase = Phase::Sealed(intent.clone(), receipt);
        Ok(permit.carrying(Term { phase, ..self.term().clone() }))
    }

    fn grant(&self, candidate: &Candidate, attempt: Nonce, by: &Actor) -> Result<Permit<Term>, Refused> {
        let origin = self.origin_for(candidate)?;
        let generation = self.sighting.head().head();
        let next = Next { generation, holder: &candidate.holder };
        let permit = self.sighting.permit(&next, Move::Apply(Part::ONLY), attempt, by)?;
        let holder = Some(candidate.holder.clone());
        Ok(permit.carrying(Term { holder, phase: Phase::Open, origin }))
    }

    /// How a term that is granted to the candidate now came about.
    fn origin_for(&self, candidate: &Candidate) -> Result<Option<Origin>, Refused> {
        let generation = self.record().generation;
        let Some(from) = self.term().holder() else { return Ok(None) };
        let Phase::Sealed(handoff, receipt) = &self.term().phase else {
            return Err(Refused::NotSealed(generation));
        };
        let position = receipt.position();
        if candidate.applied < position {
            let (candidate, applied) = (candidate.holder.clone(), candidate.applied);
            return Err(Refused::Behind { candidate, applied, position });
        }
        Ok(Some(Origin { handoff: handoff.clone(), from: from.clone() }))
    }
}
