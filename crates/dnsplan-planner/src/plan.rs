//! The planner itself: intent, health and what was planned before, to the next proposal.

use std::collections::BTreeSet;

use dnsplan_plan::{
    Input, InvalidRRset, Override, OwnerName, Plan, Proposal, Provenance, RRsetKey, Timestamp, Zone,
};

use crate::content::content;
use crate::guards::{Case, GuardRefusal, timestamp};
use crate::health::{Health, Reading};
use crate::intent::ZoneIntent;
use crate::members::Standings;
use crate::note::Note;

/// Who plans, when, why and from what. The planner has no clock, so the caller says what time it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context {
    /// Who.
    pub author: String,
    /// When. Overrides expire against this.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// From what: the spec's file and its digest, say. The planner adds the health it was given.
    pub inputs: Vec<Input>,
}

impl Context {
    /// A context without inputs.
    pub fn new(author: impl Into<String>, at: Timestamp, reason: impl Into<String>) -> Self {
        Self { author: author.into(), at, reason: reason.into(), inputs: Vec::new() }
    }
}

/// A proposal that every guard let through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// To append to a plan store.
    pub proposal: Proposal,
    /// What a person should know about it, in order and without repetition.
    pub notes: Vec<Note>,
}

/// Why there is no proposal. What is live stays.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    /// Guards refused it.
    #[error("{}", joined(.0))]
    Guarded(Vec<GuardRefusal>),
    /// The plan before is one of another zone.
    #[error("the spec's zone is {intent}, the plan before is of {previous}: pass that zone's plan")]
    WrongZone {
        /// The zone of the spec.
        intent: Box<OwnerName>,
        /// The zone of the plan before.
        previous: Box<OwnerName>,
    },
    /// Records make no RRset.
    #[error("{key}: {source}")]
    Invalid {
        /// Which ones.
        key: RRsetKey,
        /// Why.
        source: InvalidRRset,
    },
}

fn joined(refusals: &[GuardRefusal]) -> String {
    let refusals: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    refusals.join("\n")
}

/// Makes the next plan of a zone out of what is wanted, how the pools stand, and what was planned before.
///
/// The same arguments make the same bytes.
///
/// # Errors
/// [`PlanError::Guarded`] names everything that guards refused, each with what to do about it.
pub fn plan(
    intent: &ZoneIntent,
    health: &Health,
    previous: Option<&Plan>,
    context: &Context,
) -> Result<Planned, PlanError> {
    let before = previous.map(Plan::zone);
    if let Some(zone) = before.filter(|zone| *zone.origin() != intent.origin) {
        return Err(PlanError::WrongZone {
            intent: Box::new(intent.origin.clone()),
            previous: Box::new(zone.origin().clone()),
        });
    }
    let mut notes = BTreeSet::new();
    let standings = Standings::new(intent, health, &mut notes);
    let content = content(intent, &standings, before, &mut notes)
        .map_err(|error| PlanError::Invalid { key: error.key, source: error.source })?;
    let provenance = provenance(intent, health, context, &mut notes);
    let case = Case { intent, standings: &standings, before, content: &content, provenance: &provenance };
    let refusals = case.refusals();
    if !refusals.is_empty() {
        return Err(PlanError::Guarded(refusals));
    }
    let zone: Zone = content.zone;
    Ok(Planned { proposal: Proposal { zone, provenance }, notes: notes.into_iter().collect() })
}

fn provenance(
    intent: &ZoneIntent,
    health: &Health,
    context: &Context,
    notes: &mut BTreeSet<Note>,
) -> Provenance {
    let (live, expired): (Vec<&Override>, Vec<&Override>) =
        intent.overrides.iter().partition(|lifted| lifted.expires > context.at);
    notes.extend(expired.into_iter().map(|lifted| Note::OverrideExpired {
        guard: lifted.guard.clone(),
        expired: timestamp(lifted.expires),
    }));
    let explained = notes.iter().filter(|note| note.explains()).map(ToString::to_string);
    let reason: Vec<String> = std::iter::once(context.reason.clone()).chain(explained).collect();
    let readings = health.readings().map(|(pool, reading)| Input {
        name: format!("health of pool {pool}"),
        version: match reading {
            Reading::Known(members) => format!("{} members", members.len()),
            Reading::Unknown => "unknown".to_owned(),
        },
    });
    Provenance {
        author: context.author.clone(),
        at: context.at,
        reason: reason.join("; "),
        inputs: context.inputs.iter().cloned().chain(readings).collect(),
        overrides: live.into_iter().cloned().collect(),
    }
}
