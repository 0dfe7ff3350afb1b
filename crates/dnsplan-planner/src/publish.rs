//! From intent to an acknowledged plan: read the head, plan on it, append on it. Needs a store, and no runtime.

use std::sync::Arc;

use dnsplan_fence::{Nonce, ParentGeneration};
use dnsplan_plan::{AppendError, Plan, PlanStore, Proposal, StoreError};

use crate::{Context, Health, Note, PlanError, ZoneIntent, plan};

/// What became of an intent.
#[derive(Clone, Debug)]
pub struct Published {
    /// The newest plan: the one appended, or the head where nothing was to be changed.
    pub plan: Arc<Plan>,
    /// Whether it was appended now.
    pub is_new: bool,
    /// What a person should know about it.
    pub notes: Vec<Note>,
}

/// Why an intent did not become a plan. What is live stays.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PublishError {
    /// Planning failed, or a guard refused.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The store refused, or somebody else appended first.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl From<StoreError> for PublishError {
    fn from(error: StoreError) -> Self {
        Self::Append(error.into())
    }
}

/// Plans `intent` on the store's head and appends the plan, once: who was overtaken is told so. `attempt` must never have been
/// used before; it settles a lost reply.
///
/// # Errors
/// [`PublishError`] says what is in the way.
pub async fn publish(
    store: &impl PlanStore,
    intent: &ZoneIntent,
    health: &Health,
    context: &Context,
    attempt: Nonce,
) -> Result<Published, PublishError> {
    let head = store.head(intent.origin()).await?;
    let planned = plan(intent, health, head.as_deref(), context)?;
    let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
    match append(store, parent, planned.proposal, attempt).await {
        Ok(plan) => Ok(Published { plan, is_new: true, notes: planned.notes }),
        Err(AppendError::Unchanged(generation)) => {
            let plan = store.get(intent.origin(), generation).await?;
            let gone = || StoreError::NotFound(format!("plan {generation}, which was the head a moment ago"));
            Ok(Published { plan: plan.ok_or_else(gone)?, is_new: false, notes: planned.notes })
        }
        Err(error) => Err(error.into()),
    }
}

/// Appends a proposal, and settles a lost reply by looking its nonce up. `attempt` must never have been used before.
///
/// # Errors
/// The store's.
pub async fn append(
    store: &impl PlanStore,
    parent: ParentGeneration,
    proposal: Proposal,
    attempt: Nonce,
) -> Result<Arc<Plan>, AppendError> {
    let zone = proposal.zone.origin().clone();
    let lost = match store.append(parent, proposal, attempt).await {
        Err(AppendError::Store(lost @ StoreError::Unknown(_))) => lost,
        outcome => return outcome,
    };
    // Whatever keeps the store from saying so: it may have been appended.
    let granted = store.find(&zone, attempt).await.ok().flatten().ok_or(lost)?;
    let gone = || StoreError::NotFound(format!("plan {granted}, which was appended a moment ago"));
    store.get(&zone, granted).await?.ok_or_else(|| gone().into())
}
