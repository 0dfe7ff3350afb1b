//! `rollback` and `reap`.

use dnsplan::enactor::Nonces;
use dnsplan::fence::{Generation, ParentGeneration};
use dnsplan::plan::{AppendError, Plan, PlanStore, Proposal, Provenance};
use serde_json::json;

use crate::args;
use crate::command::publish::counts;
use crate::failure::{Code, Failure};
use crate::render;
use crate::session::Session;
use crate::spec;

/// Appends old content under a new generation: nothing ever goes back to an old number.
pub(crate) async fn rollback(session: &Session, args: &args::Rollback) -> Result<Code, Failure> {
    let zone = session.zone().await?;
    let (old, head) = (session.plan(&zone, args.generation).await?, session.head(&zone).await?);
    let reason = format!("content of generation {}: {}", args.generation, args.reason);
    let mut provenance = Provenance::new(session.author.clone(), session.now(), reason);
    // The spec has been planned already: a restart must not plan it again over the rollback.
    provenance.inputs = spec::rolled_back(&head);
    let proposal = Proposal { zone: old.zone().clone(), provenance };
    let appended =
        dnsplan::append(&*session.store, ParentGeneration::of(&head), proposal, session.nonces().next())
            .await;
    let plan = match appended {
        Ok(plan) => plan,
        Err(AppendError::Unchanged(generation)) => {
            let same = session.plan(&zone, generation.get()).await?;
            if session.is_json() {
                print_json(&same, args.generation, false);
            } else {
                outln!(
                    "{zone}: nothing to do, generation {generation} has the content of {}.",
                    args.generation
                );
            }
            return Ok(Code::Done);
        }
        Err(error) => return Err(error.into()),
    };
    if session.is_json() {
        print_json(&plan, args.generation, true);
        return Ok(Code::Done);
    }
    let counts = counts(session, &plan).await?;
    outln!(
        "{zone} generation {} has the content of {} ({}).",
        plan.generation(),
        args.generation,
        counts.done()
    );
    outln!("It stays until the spec is edited: bring the spec back, too.");
    Ok(Code::Done)
}

fn print_json(plan: &Plan, content_of: u64, is_new: bool) {
    let mut value = render::plan_json(plan);
    value["schema"] = json!("dnsplan.rollback/1");
    value["content_of"] = json!(content_of);
    value["is_new"] = json!(is_new);
    render::print_json(&value);
}

/// Forgets old plans.
pub(crate) async fn reap(session: &Session, args: &args::Reap) -> Result<Code, Failure> {
    if let Some(freeze) = session.store.frozen().await? {
        return Err(AppendError::Frozen(freeze).into());
    }
    let mut zones = Vec::new();
    for zone in session.zones().await? {
        let kept = session.store.history(&zone, args.keep.max(1)).await?;
        let floor = kept.last().map_or(Generation::ZERO, |entry| entry.generation);
        let pruned = session.store.prune(&zone, floor).await?;
        if session.is_json() {
            zones.push(json!({ "zone": zone, "forgotten": pruned.plans, "lowest": pruned.lowest.get() }));
        } else {
            outln!("{zone}: forgot {} plans; the oldest is {} now.", pruned.plans, pruned.lowest);
        }
    }
    if session.is_json() {
        render::print_json(&json!({ "schema": "dnsplan.reap/1", "zones": zones }));
    }
    Ok(Code::Done)
}
