//! The payload of a leadership record: who holds the epoch, and how far a hand-off of it has come.
//!
//! The fields can be read and not written: a term is made by [`Seen::permit`](crate::Seen::permit) alone.

use std::fmt;

use dnsplan_fence::{Digest, Generation, Offer, OfferedGeneration};

use crate::{Epoch, HandoffId, Holder, Node, Position};

/// What a leadership record says beside its generation, which is the epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Term {
    pub(crate) holder: Option<Holder>,
    pub(crate) phase: Phase,
    pub(crate) origin: Option<Origin>,
}

/// How far a hand-off of the epoch has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Phase {
    /// None: the holder writes.
    Open,
    /// It is meant to end. The holder drains if it hears of it; its writes are still accepted.
    Freezing(Intent),
    /// The resource has refused this epoch since the receipt was given. The next thing is a grant, to whomever.
    Sealed(Intent, Receipt),
}

/// What a hand-off is meant to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Intent {
    pub(crate) id: HandoffId,
    pub(crate) successor: Node,
}

impl Intent {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> HandoffId {
        self.id
    }

    /// Who is meant to lead next.
    #[must_use]
    pub const fn successor(&self) -> &Node {
        &self.successor
    }
}

/// How a term came about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    pub(crate) handoff: Intent,
    pub(crate) from: Holder,
}

impl Origin {
    /// The hand-off that ended in this term.
    #[must_use]
    pub const fn handoff(&self) -> &Intent {
        &self.handoff
    }

    /// Who held the term before.
    #[must_use]
    pub const fn from(&self) -> &Holder {
        &self.from
    }
}

/// How a hand-off ended. Every one ends in a grant, so in one of these.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The successor leads.
    Promoted,
    /// The node that led before leads again, under a new epoch.
    RolledBack,
    /// A third node leads.
    Diverted,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled back",
            Self::Diverted => "diverted",
        })
    }
}

impl Term {
    /// The term of a record that grants nothing: for [`Observed::genesis`](dnsplan_fence::Observed::genesis).
    #[must_use]
    pub const fn vacant() -> Self {
        Self { holder: None, phase: Phase::Open, origin: None }
    }

    /// Who holds the epoch; `None` where nothing was ever granted.
    #[must_use]
    pub const fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// How far a hand-off has come.
    #[must_use]
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// How the term came about; `None` for the first.
    #[must_use]
    pub const fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The hand-off that is under way.
    #[must_use]
    pub const fn intent(&self) -> Option<&Intent> {
        match &self.phase {
            Phase::Open => None,
            Phase::Freezing(intent) | Phase::Sealed(intent, _) => Some(intent),
        }
    }

    /// How the hand-off that led to this term ended; `None` for the first.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        let (origin, holder) = (self.origin.as_ref()?, self.holder.as_ref()?);
        Some(if holder.node == origin.handoff.successor {
            Outcome::Promoted
        } else if holder.node == origin.from.node {
            Outcome::RolledBack
        } else {
            Outcome::Diverted
        })
    }
}

/// An order to seal an epoch at the resource. It comes from a record that says that the epoch is to end
/// ([`Seen::order`](crate::Seen::order)), so an open term cannot be sealed by mistake.
#[must_use = "nothing is sealed until the resource has answered"]
#[derive(PartialEq, Eq, Debug)]
pub struct Order {
    pub(crate) epoch: Epoch,
    pub(crate) held_by: Holder,
}

impl Order {
    /// The epoch: everything up to it is to be refused from now on.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Who holds it. Where each node writes a place of its own, that one's is to be sealed.
    #[must_use]
    pub const fn held_by(&self) -> &Holder {
        &self.held_by
    }

    /// For resources only: the floor is above the epoch now, and `position` was accepted last.
    #[must_use]
    pub fn done(self, position: Position) -> Receipt {
        Receipt { epoch: self.epoch, of: self.held_by.digest(), position }
    }
}

/// What a resource answers to an [`Order`]: which epoch it refuses from now on, and what it accepted last.
///
/// It names the epoch that it sealed, and it is what the fence is offered when the seal is recorded: a receipt of an
/// earlier hand-off is stale, as an old plan is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    epoch: Epoch,
    of: Digest,
    position: Position,
}

impl Receipt {
    /// One that a record holds: it was given, or it would not have been recorded.
    pub(crate) const fn recorded(epoch: Epoch, of: Digest, position: Position) -> Self {
        Self { epoch, of, position }
    }

    /// The epoch that was sealed.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The last position that was accepted before.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }
}

impl Offer for Receipt {
    fn offered(&self) -> OfferedGeneration {
        OfferedGeneration::granted(Generation::from(self.epoch))
    }
    fn digest(&self) -> Digest {
        self.of
    }
}
