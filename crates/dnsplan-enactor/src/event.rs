//! What an enactor has to say, for logs, metrics and tests.

use std::collections::BTreeSet;
use std::fmt;

use dnsplan_fence::{FreezeId, Generation, Move, Refused, Settled};
use dnsplan_plan::{OwnerName, StoreError, Violation};

use crate::{EnactError, TreeName};

/// Something that happened. A lost or refused write is a normal event: another enactor was there first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A first record was created at the target.
    Bootstrapped,
    /// A conditional write took effect.
    Wrote {
        /// On behalf of which plan.
        generation: Generation,
        /// What it did.
        action: Move,
    },
    /// The record had moved on: nothing was written.
    Lost {
        /// On behalf of which plan.
        generation: Generation,
        /// What it would have done.
        action: Move,
        /// What is live now, where the target can tell.
        now: Option<Generation>,
    },
    /// The reply was lost; this is what a fresh look says.
    Settled(Settled),
    /// There was no permit.
    Fenced(Refused),
    /// The freeze is in the record.
    Frozen(FreezeId),
    /// The target is ahead of the store.
    TargetAhead {
        /// The highest generation that the record speaks of.
        seen: Generation,
        /// The store's newest.
        head: Generation,
    },
    /// The target went back behind what was confirmed there.
    Rewound {
        /// What is live.
        live: Generation,
        /// What had been confirmed.
        confirmed: Generation,
    },
    /// A generation exists with two contents; a higher one was demanded.
    Rejected(Generation),
    /// The target rejects more of a plan than may be set aside; another plan was demanded.
    TooManyRejected(Generation),
    /// The target rejects what a plan protects; the rest is in place, and another plan was demanded.
    ProtectedRejected {
        /// The plan.
        generation: Generation,
        /// The owner names that are protected and were set aside.
        owners: BTreeSet<OwnerName>,
    },
    /// Guards refuse the step from what is live; another plan was demanded.
    Guarded {
        /// The plan.
        generation: Generation,
        /// What they say.
        violations: Vec<Violation>,
    },
    /// The target rejects owner names; the rest goes on.
    Quarantined {
        /// The plan.
        generation: Generation,
        /// The owner names.
        owners: BTreeSet<OwnerName>,
        /// The target's reason.
        reason: String,
    },
    /// Owner names were not as the live plan says, and were restored.
    Repaired(BTreeSet<OwnerName>),
    /// The store could not say or take down something that nothing waits for.
    StoreTrouble(StoreError),
    /// A pass failed; what is live stays live, and the next pass goes on.
    Failed(EnactError),
    /// A generation is in place whole.
    Confirmed(Generation),
    /// A tree that can never be live again was deleted.
    Reaped(TreeName),
    /// Nobody answered a demand; the head was appended again under a new generation.
    Reissued {
        /// What was the head.
        from: Generation,
        /// What is the head now.
        to: Generation,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bootstrapped => f.write_str("created a fence record; it grants nothing yet"),
            Self::Wrote { generation, action } => {
                write!(f, "generation {generation}: {} done", name(*action))
            }
            Self::Lost { generation, action, now: Some(now) } => {
                write!(f, "generation {generation}: {} refused by the target, {now} is live", name(*action))
            }
            Self::Lost { generation, action, now: None } => {
                write!(f, "generation {generation}: {} refused by the target", name(*action))
            }
            Self::Settled(Settled::Won) => f.write_str("a reply was lost; the write had taken effect"),
            Self::Settled(Settled::Pending) => f.write_str("a reply was lost; the write may yet take effect"),
            Self::Settled(Settled::Dead) => {
                f.write_str("a reply was lost; the write is dead or was superseded")
            }
            Self::Fenced(refused) => write!(f, "no permit: {refused}"),
            Self::Frozen(id) => write!(f, "freeze {id} is in the fence record"),
            Self::TargetAhead { seen, head } => {
                write!(
                    f,
                    "the target knows generation {seen}, the store only {head}; a plan above {seen} is demanded"
                )
            }
            Self::Rewound { live, confirmed } => write!(
                f,
                "the target was rewound: {live} is live, {confirmed} had been confirmed; the newest plan follows"
            ),
            Self::Rejected(generation) => {
                write!(f, "generation {generation} exists with other content; a higher one is demanded")
            }
            Self::TooManyRejected(generation) => {
                write!(f, "the target rejects too much of generation {generation}; another plan is demanded")
            }
            Self::ProtectedRejected { generation, owners } => write!(
                f,
                "generation {generation} is in place but for {}, which it protects and the target rejects; another plan is demanded",
                list(owners)
            ),
            Self::Guarded { generation, violations } => {
                write!(f, "generation {generation} is not put in place: ")?;
                violations.iter().try_for_each(|violation| write!(f, "{violation}; "))?;
                f.write_str("another plan is demanded")
            }
            Self::Quarantined { generation, owners, reason } => {
                write!(f, "generation {generation}: {} set aside, the target says: {reason}", list(owners))
            }
            Self::Repaired(owners) => write!(f, "restored {}", list(owners)),
            Self::StoreTrouble(error) => write!(f, "going on without the store's help: {error}"),
            Self::Failed(error) => write!(f, "cannot go on for now: {error}"),
            Self::Confirmed(generation) => write!(f, "generation {generation} is live, whole and verified"),
            Self::Reaped(tree) => write!(f, "deleted the tree of generation {}", tree.generation),
            Self::Reissued { from, to } => {
                write!(f, "nobody answered: the content of generation {from} is generation {to} now")
            }
        }
    }
}

fn name(action: Move) -> String {
    let part =
        |verb: &str, part: dnsplan_fence::Part| format!("{verb} part {} of {}", part.index() + 1, part.of());
    match action {
        Move::Stage(k) => part("staging", k),
        Move::Flip(k) => part("flipping", k),
        Move::Apply(k) => part("applying", k),
        Move::Repair => "repair".to_owned(),
        Move::RaiseFloor(floor) => format!("raising the floor to {floor}"),
        Move::Reap(generation) => format!("deleting the tree of {generation}"),
        Move::Freeze(id) => format!("freeze {id}"),
    }
}

fn list(owners: &BTreeSet<OwnerName>) -> String {
    let shown: Vec<String> = owners.iter().take(5).map(ToString::to_string).collect();
    match owners.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
