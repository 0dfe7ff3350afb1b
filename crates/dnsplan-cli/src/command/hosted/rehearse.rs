//! `plan SPEC --target route53:ZONEID --change-batches`: what enacting would send, without sending it.

use std::sync::Arc;

use dnsplan::enactor;
use dnsplan::enactor::{Event, Rest, Wait};
use dnsplan::fence::{Actor, Register};
use dnsplan::plan::{MemoryStore, PlanStore};
use dnsplan::planner::{Health, ZoneIntent, plan as make_plan};
use serde_json::{Value, json};

use super::HostedZone;
use super::apply::NAME;
use super::enact::trouble;
use crate::args;
use crate::failure::{Code, Failure};
use crate::preview::Preview;
use crate::render;
use crate::session::{Session, author};
use crate::spec::Spec;

/// How often the enactor may rest before a rehearsal gives up: nothing changes in the meantime.
const RESTS: u32 = 8;

/// Prints the change batches.
pub(crate) async fn change_batches(
    common: &args::Common,
    id: &args::ZoneId,
    args: &args::Plan,
) -> Result<Code, Failure> {
    let spec = Spec::read(&args.spec)?;
    let zone = HostedZone::find(id, &args.hosted, common.zone.as_ref()).await?;
    let intent = zone.intent(&spec)?;
    let author = author(common);
    // A preview makes no store.
    let batches = match Session::find(common)? {
        Some(session) => rehearse(&zone, session.store, &spec, intent, &author).await?,
        None => rehearse(&zone, Arc::new(MemoryStore::new()), &spec, intent, &author).await?,
    };
    if common.format == args::Format::Json {
        let (zone, target) = (&zone.name, id.target());
        render::print_json(&json!({
            "schema": "dnsplan.change-batches/1",
            "zone": zone,
            "target": target,
            "hosted_zone_id": id.as_str(),
            "batches": batches,
        }));
    } else {
        batches.iter().for_each(|batch| outln!("{batch}"));
        let count = batches.len();
        errln!("{count} change batches for hosted zone {id}; nothing was sent.");
    }
    Ok(if args.detailed_exitcode && !batches.is_empty() { Code::Changes } else { Code::Done })
}

/// Enacts the plan that publishing would append, by the production loop, on a copy of the hosted zone.
async fn rehearse<S: PlanStore + 'static>(
    zone: &HostedZone,
    store: Arc<S>,
    spec: &Spec,
    intent: &ZoneIntent,
    author: &str,
) -> Result<Vec<Value>, Failure> {
    let head = store.head(&zone.name).await?;
    let context = spec.context(author, "previewed");
    let planned = make_plan(intent, &Health::from_spec(), head.as_deref(), &context)?;
    let preview = Preview::of(Arc::clone(&store), planned.proposal).await?;
    let target = Arc::new(zone.target().await?.into_rehearsal().await?);
    let observed = target.load().await?;
    let in_record = observed.record().and_then(|record| record.freeze);
    if let Some(id) = store.head_after(&zone.name, observed.witness()).await?.frozen() {
        let message = format!("freeze {id} is in the fence record; `dnsplan unfreeze` lifts it");
        return Err(Failure::new(Code::Stale, message));
    }
    let preview = Arc::new(preview.having_lifted(in_record));
    let me = Actor::new(NAME).map_err(|error| Failure::error(error.to_string()))?;
    let observer: dnsplan::ZoneObserver = Arc::new(|zone, _, event| match event {
        Event::Wrote { .. } | Event::Confirmed(_) | Event::Bootstrapped => {
            tracing::debug!(%zone, "rehearsed: {event}")
        }
        _ => tracing::info!(%zone, "rehearsed: {event}"),
    });
    let mut enactor = enactor(&preview, &target, me, &observer);
    for _ in 0..RESTS {
        match enactor.pass().await {
            Ok(Rest::Live(live)) if live >= preview.plan().generation() => return Ok(target.rehearsed()),
            Ok(Rest::Live(_) | Rest::Stale | Rest::Waiting(Wait::NoPlan)) => {}
            Ok(Rest::Waiting(Wait::Frozen(_)) | Rest::Demanded(_)) => break,
            Err(error) => return Err(Failure::error(trouble(error))),
        }
    }
    Err(Failure::error(
        "the plan would not be put in place as it is: the lines above say why; `dnsplan publish` and `dnsplan status` go on from there",
    ))
}
