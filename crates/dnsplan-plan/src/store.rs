//! The plan store: linear history under compare-and-swap, and what people and enactors say beside it.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use dnsplan_fence::{Digest, FreezeId, Generation, HeadAfter, Nonce, ParentGeneration, Witness};
use serde::{Deserialize, Serialize};

use crate::absolute::{Violation, append_violations_of};
use crate::check::check_owners;
use crate::{Diff, Finding, OwnerName, Plan, Proposal, Provenance, Severity, Timestamp, Zone};

/// Names one target: the place where plans of a zone take effect.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetId(String);

impl TargetId {
    /// A target id from its text, such as `hickory:127.0.0.1:5300`.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for TargetId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Changes whenever anything in the store does. Watching a store is asking for it again and again: it is cheap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Revision(pub u64);

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached or is busy; nothing was changed. Try again; what is live stays live.
    #[error("the plan store is not available: {0}")]
    Unavailable(String),
    /// It may or may not have done it. Settle it: look the nonce up with [`PlanStore::find`].
    #[error("the plan store did not answer, and may have done it: {0}")]
    Unknown(String),
    /// What it holds cannot be read. It is left as it is.
    #[error("the plan store holds something unreadable: {0}")]
    Corrupt(String),
    /// There is no such zone, plan, pin or freeze.
    #[error("the plan store has no {0}")]
    NotFound(String),
    /// What was asked for would break a promise that the store has made.
    #[error("the plan store refuses: {0}")]
    Refused(String),
}

/// Why a plan was not appended.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended first; plan again on the new head.
    #[error(
        "stale: planned on generation {parent}, but {author} has appended {head} since; plan again on {head}"
    )]
    Stale {
        /// What the plan was made on.
        parent: ParentGeneration,
        /// What is the head now.
        head: Generation,
        /// Who appended it.
        author: String,
    },
    /// Absolute guards refuse the plan.
    #[error("refused by {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  and by "))]
    Guarded(Vec<Violation>),
    /// The linter found errors in what the plan changes.
    #[error("not a valid plan: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Finding>),
    /// A freeze is in force.
    #[error("frozen by {} (freeze {}): {}; `unfreeze` lifts it", .0.by, .0.id, .0.reason)]
    Frozen(Freeze),
    /// The content is that of the head: there is nothing to append.
    #[error("nothing to do: generation {0} has this very content")]
    Unchanged(Generation),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One freeze.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Freeze {
    /// Its id.
    #[serde(serialize_with = "display")]
    pub id: FreezeId,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// One pin: a plan that must be kept, here and at the targets that have trees.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Pin {
    /// What is kept.
    #[serde(serialize_with = "display")]
    pub generation: Generation,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

fn display<S: serde::Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    match value.to_string().parse::<u64>() {
        Ok(number) => serializer.serialize_u64(number),
        Err(_) => serializer.collect_str(value),
    }
}

/// One line of a zone's history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The plan's generation.
    pub generation: Generation,
    /// What it was made on.
    pub parent: ParentGeneration,
    /// Its content.
    pub digest: Digest,
    /// Who, when, why, from what.
    pub provenance: Provenance,
    /// How many owner names it changed.
    pub changed_owners: u64,
}

/// What an enactor says about a target. The store keeps the last word of each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetReport {
    /// What the record says is live (or being put in place).
    pub live: Generation,
    /// The lowest generation that anything there may still be at.
    pub base: Generation,
    /// Its floor.
    pub floor: Generation,
    /// The highest generation that the record speaks of: the store hands out none that is not above it.
    pub highest: Generation,
    /// One line for people: `live`, `staging 17, part 2 of 5`, `frozen`, an error.
    pub state: String,
    /// The last event worth a person's attention, with its remedy.
    pub note: Option<String>,
    /// The freeze in the record.
    pub freeze: Option<FreezeId>,
    /// Who says so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What the store knows of a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetStatus {
    /// Which one.
    pub target: TargetId,
    /// The last report.
    pub report: TargetReport,
    /// The highest generation that was ever confirmed: put in place whole, and verified.
    pub confirmed: Generation,
}

/// Why an enactor needs a plan that is newer than a generation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DemandReason {
    /// The target is ahead of the store.
    TargetAhead,
    /// The generation exists with other content.
    DigestConflict,
    /// A guard refuses the step from what is live.
    Guard,
    /// The provider rejected too many records.
    Rejected,
    /// What was set aside is to be tried again.
    Again,
}

impl DemandReason {
    /// Whether the same content under a higher number answers it: not the content is in the way.
    #[must_use]
    pub const fn is_met_by_the_same_content(self) -> bool {
        matches!(self, Self::TargetAhead | Self::DigestConflict | Self::Again)
    }
}

/// A wish for a plan above a generation. It is open while the head is not above it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Demand {
    /// The plan must be above this.
    #[serde(serialize_with = "display")]
    pub above: Generation,
    /// Why.
    pub reason: DemandReason,
    /// In words, for people and the planner.
    pub detail: String,
    /// Who wants it.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

/// What a prune took away.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pruned {
    /// How many plans.
    pub plans: u64,
    /// The lowest generation that can still be read.
    pub lowest: Generation,
}

/// Linear history of complete plans, per zone.
///
/// # Contract
/// * `append` is a compare-and-swap on the head. It has acknowledged only what survives a crash at any instant.
/// * A generation is granted once. It is above the head and above every generation and floor that was ever reported from
///   a target, and it is never handed out again, whatever is pruned.
/// * Absolute guards and the linter judge what an append changes, before it is granted.
/// * Nothing here depends on a clock; times are the callers', for people.
pub trait PlanStore: Send + Sync {
    /// Changes whenever anything in the store does.
    fn revision(&self) -> impl Future<Output = Result<Revision, StoreError>> + Send;

    /// The zones that have plans, in canonical order.
    fn zones(&self) -> impl Future<Output = Result<Vec<OwnerName>, StoreError>> + Send;

    /// The newest plan.
    fn head(&self, zone: &OwnerName) -> impl Future<Output = Result<Option<Arc<Plan>>, StoreError>> + Send;

    /// The newest generation and the freezes, read after the witness's load: see [`Witness`].
    fn head_after(
        &self,
        zone: &OwnerName,
        witness: Witness,
    ) -> impl Future<Output = Result<HeadAfter, StoreError>> + Send;

    /// One plan, or `None` where there is none (any more).
    fn get(
        &self,
        zone: &OwnerName,
        generation: Generation,
    ) -> impl Future<Output = Result<Option<Arc<Plan>>, StoreError>> + Send;

    /// Appends a plan made on `parent`, if `parent` is still the head. `attempt` settles a lost reply.
    fn append(
        &self,
        parent: ParentGeneration,
        proposal: Proposal,
        attempt: Nonce,
    ) -> impl Future<Output = Result<Arc<Plan>, AppendError>> + Send;

    /// The generation that the append with this nonce was granted, if it was.
    fn find(
        &self,
        zone: &OwnerName,
        attempt: Nonce,
    ) -> impl Future<Output = Result<Option<Generation>, StoreError>> + Send;

    /// The newest `limit` plans' lines, newest first.
    fn history(
        &self,
        zone: &OwnerName,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Entry>, StoreError>> + Send;

    /// Every owner name that some plan above `after`, up to and including `upto`, changed. `None` where the history
    /// between the two is not there.
    fn touched(
        &self,
        zone: &OwnerName,
        after: Generation,
        upto: Generation,
    ) -> impl Future<Output = Result<Option<BTreeSet<OwnerName>>, StoreError>> + Send;

    /// Takes down what an enactor saw at a target.
    fn report(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        report: TargetReport,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes down that a generation is in place whole at a target. A maximum: it never falls.
    fn confirm(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        generation: Generation,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// All that is known of the zone's targets, by id.
    fn targets(&self, zone: &OwnerName)
    -> impl Future<Output = Result<Vec<TargetStatus>, StoreError>> + Send;

    /// Asks for a plan above a generation.
    fn demand(&self, zone: &OwnerName, demand: Demand)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The open demands, oldest first.
    fn demands(&self, zone: &OwnerName) -> impl Future<Output = Result<Vec<Demand>, StoreError>> + Send;

    /// Before an enactor raises a target's floor: says how far it may, which is not above any pin or the head. From then
    /// on nothing below can be pinned.
    fn allow_floor(
        &self,
        zone: &OwnerName,
        wanted: Generation,
    ) -> impl Future<Output = Result<Generation, StoreError>> + Send;

    /// Keeps a plan. Refused below a floor that was allowed already.
    fn pin(&self, zone: &OwnerName, pin: Pin) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends a pin; false where there was none.
    fn unpin(
        &self,
        zone: &OwnerName,
        generation: Generation,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The pins, by generation.
    fn pins(&self, zone: &OwnerName) -> impl Future<Output = Result<Vec<Pin>, StoreError>> + Send;

    /// Freezes everything: planning, enacting, clean-up, for all zones. Where a freeze is in force, that one is returned.
    fn freeze(
        &self,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> impl Future<Output = Result<Freeze, StoreError>> + Send;

    /// Lifts the active freeze and every one that a target's record still carries. Returns what it lifted.
    fn unfreeze(
        &self,
        by: &str,
        at: Timestamp,
    ) -> impl Future<Output = Result<Vec<FreezeId>, StoreError>> + Send;

    /// The freeze in force.
    fn frozen(&self) -> impl Future<Output = Result<Option<Freeze>, StoreError>> + Send;

    /// Forgets plans below `floor`, but never the head, a pin, or what any target reports live (or as its base); nor, while
    /// what a target reports live is not confirmed yet, any plan since the one that it came from: the chain goes by what these
    /// changed. Deletes no DNS, and frees no generation.
    fn prune(
        &self,
        zone: &OwnerName,
        floor: Generation,
    ) -> impl Future<Output = Result<Pruned, StoreError>> + Send;
}

/// What every store checks before it grants an append: that the parent is the head, that something changes (or somebody
/// demands the same under a higher number), and that the absolute guards and the linter allow the change. Returns what the
/// plan changes.
///
/// # Errors
/// The [`AppendError`] to answer with.
pub fn admit(
    parent: ParentGeneration,
    head: Option<&Plan>,
    proposal: &Proposal,
    demanded: bool,
) -> Result<Diff, AppendError> {
    let head_generation = head.map_or(Generation::ZERO, Plan::generation);
    if Generation::from(parent) != head_generation {
        let author = head.map_or_else(|| "nobody".to_owned(), |plan| plan.provenance().author.clone());
        return Err(AppendError::Stale { parent, head: head_generation, author });
    }
    let empty = Zone::empty(proposal.zone.origin().clone());
    let before = head.map(Plan::zone);
    let diff = before.unwrap_or(&empty).diff(&proposal.zone);
    if diff.is_empty() && head.is_some() && !demanded {
        return Err(AppendError::Unchanged(head_generation));
    }
    let change = before.map(|before| (before, &diff));
    let violations = append_violations_of(change, &proposal.zone, &proposal.provenance);
    if !violations.is_empty() {
        return Err(AppendError::Guarded(violations));
    }
    let mut findings = check_owners(&proposal.zone, diff.nodes.iter().map(|change| &change.owner));
    findings.retain(|finding| finding.severity == Severity::Error);
    if !findings.is_empty() {
        return Err(AppendError::Invalid(findings));
    }
    Ok(diff)
}
