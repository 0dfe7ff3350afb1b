//! Targets: the places where plans take effect.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use dnsplan_fence::{Digest, Generation, Record, Register};
use dnsplan_plan::{OwnerName, Plan, TargetId};

/// What a target's record says beside generation, base and floor: the owner names that the provider rejected and that
/// were set aside, so that every enactor agrees on what is in effect.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Quarantine {
    /// The owner names set aside, of the generation that the record grants.
    pub owners: BTreeSet<OwnerName>,
    /// The digest of the plan without them; [`Digest::ZERO`] where none is set aside.
    pub effective: Digest,
    /// While a chain is under way: the owner names that those before it had set aside, and that it has not. What is there may be
    /// somebody else's until the chain has come to its end, whichever part put something there.
    pub inherited: BTreeSet<OwnerName>,
    /// While a chain is under way: the generation that everything was at when it began, but for what was set aside, where that is
    /// not the record's base; else zero.
    pub whole: Generation,
}

impl Quarantine {
    /// The owner names of which the record says that what is there may be somebody else's.
    pub fn doubtful(&self) -> impl Iterator<Item = &OwnerName> {
        self.owners.union(&self.inherited)
    }

    /// Whether it is one of those.
    #[must_use]
    pub fn is_doubtful(&self, owner: &OwnerName) -> bool {
        self.owners.contains(owner) || self.inherited.contains(owner)
    }
}

/// The record at a target.
pub type FenceRecord = Record<Quarantine>;

/// How a target changes what it answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// One swap puts a whole plan in place.
    Whole,
    /// A plan's tree is staged where nobody sees it, then pointers are flipped to it, then older trees are reaped.
    Tree,
    /// Owner names are changed in place, each as a unit.
    InPlace,
}

/// How fine a target cuts a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// By what is guessed to be there.
    Guessed,
    /// For the worst that the plan's own records can cost.
    Worst,
    /// Each owner name by itself: whatever is there, it fits.
    Single,
}

/// What may differ between what a target has and a plan, known by induction from the record and the store's history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Basis {
    /// Only some owner names may.
    Changed {
        /// Those that some plan since the chain began has changed, and those that were set aside: the same for every part of a chain.
        owners: BTreeSet<OwnerName>,
        /// The plan that everything was at when the chain began, but for what was set aside, where the store has it; and so the
        /// same for every part of it. What is there may be newer, where one chain superseded another half-way: it is a first guess
        /// at what a part costs, and at what it replaces, and decides nothing. Without it parts are cut for the worst case.
        from: Option<Arc<Plan>>,
        /// Plans from the record's base up to the one that it grants, those of the last few that the store has. Of those above
        /// `from` some may be there, where their chains were superseded half-way; of all of them, where it was set aside since.
        begun: Vec<Arc<Plan>>,
        /// How the plan is cut.
        cut: Cut,
    },
    /// Nobody knows: every owner name of the plan is put in place.
    Unknown,
}

impl Basis {
    /// The same, cut in another way. Where nobody knows what is there, the worst is what is assumed anyway.
    #[must_use]
    pub fn cut(&self, plan: &Plan, way: Cut) -> Self {
        match self {
            Self::Changed { owners, from, begun, .. } => {
                Self::Changed { owners: owners.clone(), from: from.clone(), begun: begun.clone(), cut: way }
            }
            Self::Unknown if way == Cut::Single => {
                let owners = plan.zone().nodes().map(|(owner, _)| owner.clone()).collect();
                Self::Changed { owners, from: None, begun: Vec::new(), cut: way }
            }
            Self::Unknown => Self::Unknown,
        }
    }
}

/// Into how many parts a target cuts a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outline {
    /// Parts to stage where nobody sees them; 0 where the target has no tree.
    pub stage: u32,
    /// Parts to put in place (or to flip); at least 1.
    pub place: u32,
}

/// Names one tree at a target: generation and content, so that two plans that claim one number never share a tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TreeName {
    /// Its generation.
    pub generation: Generation,
    /// Its content.
    pub digest: Digest,
}

/// What is written in the same atomic step as the record. What is done with it is the permit's [`Move`], never the
/// rider's choice: a rider that does not fit the permit's move is refused by the target.
///
/// [`Move`]: dnsplan_fence::Move
#[derive(Clone, Debug)]
pub enum Rider {
    /// Nothing: the record only.
    Nothing,
    /// A part of a plan, staged, flipped or applied.
    Part {
        /// The plan.
        plan: Arc<Plan>,
        /// What may differ.
        basis: Arc<Basis>,
        /// Owner names to leave alone.
        set_aside: BTreeSet<OwnerName>,
    },
    /// Owner names to be restored to what the live plan says.
    Repair {
        /// The plan that is live.
        plan: Arc<Plan>,
        /// The owner names; never more than [`Target::repair_limit`].
        owners: BTreeSet<OwnerName>,
    },
    /// A tree to be deleted.
    Reap {
        /// Which one.
        tree: TreeName,
    },
}

/// What a look at a target found. It decides drift and clean-up, never whether something is ready.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Audit {
    /// Owner names of ours that are not as the plan says: missing, different, or left over.
    pub differing: BTreeSet<OwnerName>,
    /// The trees that are there; one that takes several writes to delete as often.
    pub trees: Vec<TreeName>,
    /// Those of them that some owner name is still answered from. By the record there are none below its base, but an owner name
    /// that was left over when the store lost its history is known to nobody else.
    pub held: BTreeSet<TreeName>,
}

/// Why a target did definitely not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It could not be reached, or was too busy. Try again later; what is live stays live.
    #[error("the target is not available: {0}")]
    Unavailable(String),
    /// It rejects some owner names; the rest can go on without them.
    #[error("the target rejects {}: {reason}", .owners.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Rejected {
        /// The owner names that it rejects.
        owners: BTreeSet<OwnerName>,
        /// Why, in its words.
        reason: String,
    },
    /// What was written before has not reached everybody who answers yet. Try again later.
    #[error("the target is still spreading what was written: {0}")]
    Pending(String),
    /// The parts before this one were written by somebody else, and only they know whether these have reached everybody who
    /// answers. Leave the chain to them, or begin it anew.
    #[error("only who wrote the earlier parts knows whether they have arrived everywhere")]
    Unproven,
    /// What is there is not what was thought, and the part does not fit one write. Cut the plan finer.
    #[error("the part does not fit one write: {0}")]
    TooLarge(String),
    /// It is not set up for this; a person has to change something.
    #[error("the target refuses: {0}")]
    Misconfigured(String),
}

/// How far what is live has come on its way to everybody who answers from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// All of them have it.
    Everywhere,
    /// Some do not have it yet.
    Underway,
    /// It was not said within the time that it should take.
    Unconfirmed,
}

/// A place where the plans of one zone take effect, fenced by the record that it holds.
///
/// # Contract
/// On top of [`Register`]'s: the conformance suite (`dnsplan_enactor::conformance`) is the contract in executable form.
/// * `outline` and the parts that a swap cuts are a pure function of (plan, basis) and the target's own limits.
/// * Where a target is metered, each two of the ways to cut a plan ([`Cut`]) give different numbers of parts, or the same parts, and none
///   gives one part more than another for the worst case: the number of parts says how a chain was cut. A part beyond the last one
///   writes nothing but the record. What may have been [begun](Basis::Changed::begun) decides nothing about the cut.
/// * An owner name changes as a unit, within one part.
/// * Owner names that are not of our making are never touched and never in an [`Audit`].
pub trait Target: Register<Payload = Quarantine, Rider = Rider, Error = TargetError> + Send {
    /// Names it, in the store and to people.
    fn id(&self) -> &TargetId;

    /// The zone that it serves.
    fn zone(&self) -> &OwnerName;

    /// How it changes what it answers.
    fn layout(&self) -> Layout;

    /// Into how many parts it cuts a plan.
    fn outline(&self, plan: &Plan, basis: &Basis) -> Outline;

    /// How many owner names one repair may restore; at least 1.
    fn repair_limit(&self) -> usize;

    /// Whether every call costs something. Then the floor is raised only where that lets a tree be deleted, between two audits
    /// the enactor goes by [`Target::recall`], a newer plan is begun on the record that was left, a live tree is verified before
    /// a newer one is staged, and chains are cut anew where [`TargetError::TooLarge`] or [`TargetError::Unproven`] asks for it.
    fn is_metered(&self) -> bool {
        false
    }

    /// How far this target's own writes have come. For people; nothing depends on it.
    fn arrival(&self) -> impl Future<Output = Result<Arrival, TargetError>> + Send {
        async { Ok(Arrival::Everywhere) }
    }

    /// What [`Target::audit`] would find, as far as the target knows without asking anybody: all that it does not know to differ is
    /// as it should be. `None` where it knows nothing, and has to be asked.
    fn recall(&self, record: &FenceRecord, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Option<Audit> {
        let _ = (record, plan, set_aside);
        None
    }

    /// Looks at everything that is ours: what differs from `plan` (but for the owner names set aside), and which trees
    /// there are.
    fn audit(
        &self,
        plan: &Plan,
        set_aside: &BTreeSet<OwnerName>,
    ) -> impl Future<Output = Result<Audit, TargetError>> + Send;
}
