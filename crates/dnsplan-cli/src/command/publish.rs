//! `validate`, `plan`, `publish`, `apply`: from a spec to a plan that is live.

use std::time::Duration;

use dnsplan::fence::{Generation, ParentGeneration};
use dnsplan::plan::{OwnerName, Plan, PlanStore, Severity, Zone, check_zone};
use dnsplan::planner::{Context, Health, Planned, ZoneIntent, plan as make_plan};
use dnsplan::{Published, SystemClock};
use serde_json::{Value, json};

use crate::args;
use crate::failure::{Code, Failure};
use crate::render::{self, BOLD, styled};
use crate::session::{Session, author};
use crate::spec::Spec;

/// How long `apply` waits for the targets, in seconds.
const TIMEOUT: u64 = 30;

/// Checks a spec by itself: well formed, sound as DNS, and let through by every guard that needs no history.
pub(crate) fn validate(spec: &Spec, common: &args::Common) -> Result<Code, Failure> {
    let context = Context::new("validate", dnsplan::enactor::Clock::now(&SystemClock), "validated");
    let mut zones = Vec::new();
    for zone in spec.intent.zones() {
        let planned = make_plan(zone, &Health::from_spec(), None, &context)?;
        let findings = check_zone(&planned.proposal.zone);
        let is_bad = findings.iter().any(|finding| finding.severity == Severity::Error);
        let listed: Vec<String> = findings.iter().map(ToString::to_string).collect();
        if is_bad {
            return Err(Failure::error(format!("the spec makes no sound zone:\n{}", listed.join("\n"))));
        }
        let rrsets = planned.proposal.zone.rrset_count();
        zones.push((zone.origin().clone(), rrsets, listed, planned.notes));
    }
    if common.format == args::Format::Json {
        let zones: Vec<Value> = zones
            .iter()
            .map(|(zone, rrsets, findings, notes)| {
                let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
                json!({ "zone": zone, "rrset_count": rrsets, "findings": findings, "notes": notes })
            })
            .collect();
        render::print_json(&json!({ "schema": "dnsplan.validate/1", "zones": zones }));
        return Ok(Code::Done);
    }
    for (zone, rrsets, findings, notes) in zones {
        outln!("{zone} is valid: {rrsets} RRsets");
        findings.iter().for_each(|finding| outln!("  {finding}"));
        notes.iter().for_each(|note| outln!("  note: {note}"));
    }
    Ok(Code::Done)
}

/// Shows what publishing would change.
pub(crate) async fn plan(common: &args::Common, args: &args::Plan) -> Result<Code, Failure> {
    let spec = Spec::read(&args.spec)?;
    // A preview makes no store.
    let (session, is_json) = (Session::find(common)?, common.format == args::Format::Json);
    let (mut shown, mut changes) = (Vec::new(), 0);
    for zone in spec.zones(common.zone.as_ref())? {
        let head = match &session {
            Some(session) => session.store.head(zone.origin()).await?,
            None => None,
        };
        let context = spec.context(&author(common), "previewed");
        let planned = make_plan(zone, &Health::from_spec(), head.as_deref(), &context)?;
        let empty = Zone::empty(zone.origin().clone());
        let before = head.as_deref().map_or(&empty, Plan::zone);
        let (text, counts) = render::diff(before, &planned.proposal.zone);
        let is_changed = *before != planned.proposal.zone;
        changes += usize::from(is_changed);
        let base = head.as_ref().map_or(Generation::ZERO, |head| head.generation());
        if is_json {
            let mut value = render::diff_json(before, &planned.proposal.zone, counts);
            value["zone"] = json!(zone.origin());
            value["base_generation"] = json!(base.get());
            value["notes"] = json!(planned.notes.iter().map(ToString::to_string).collect::<Vec<_>>());
            shown.push(value);
        } else {
            preview(zone.origin(), base, is_changed.then_some((&text, counts.to_do())), &planned);
        }
    }
    if is_json {
        render::print_json(&json!({ "schema": "dnsplan.plan/1", "zones": shown }));
    }
    Ok(if args.detailed_exitcode && changes > 0 { Code::Changes } else { Code::Done })
}

fn preview(zone: &OwnerName, base: Generation, change: Option<(&String, String)>, planned: &Planned) {
    match change {
        Some((text, counts)) => {
            outln!("{}", styled(BOLD, format!("Zone {zone}")));
            outln!("{text}");
            outln!("Plan: {counts} (on generation {base}).");
        }
        None => outln!("{zone}: nothing to do, generation {base} has this content."),
    }
    planned.notes.iter().for_each(|note| outln!("note: {note}"));
}

/// Appends the plan. Who was overtaken is told who won, and changes nothing.
pub(crate) async fn publish(session: &Session, args: &args::Publish) -> Result<Code, Failure> {
    let published = publish_all(session, args).await?;
    if session.is_json() {
        let plans: Vec<Value> = published.iter().map(published_json).collect();
        render::print_json(&json!({ "schema": "dnsplan.publish/1", "plans": plans }));
    }
    Ok(Code::Done)
}

pub(crate) fn published_json(published: &Published) -> Value {
    let mut value = render::plan_json(&published.plan);
    value["is_new"] = json!(published.is_new);
    value["notes"] = json!(published.notes.iter().map(ToString::to_string).collect::<Vec<_>>());
    value
}

async fn publish_all(session: &Session, args: &args::Publish) -> Result<Vec<Published>, Failure> {
    let spec = Spec::read(&args.spec)?;
    let mut all = Vec::new();
    for zone in spec.zones(session.zone.as_ref())? {
        let published = publish_zone(session, &spec, zone, &args.reason).await?;
        if !session.is_json() {
            tell(session, &published).await?;
        }
        all.push(published);
    }
    Ok(all)
}

pub(crate) async fn publish_zone(
    session: &Session,
    spec: &Spec,
    zone: &ZoneIntent,
    reason: &str,
) -> Result<Published, Failure> {
    spec.publish(session, zone, reason).await.map_err(|failure| match failure.code {
        Code::Stale => Failure::new(Code::Stale, format!("{}: {}", zone.origin(), failure.message)),
        _ => failure,
    })
}

/// One line about a plan that was published, and its notes.
pub(crate) async fn tell(session: &Session, published: &Published) -> Result<(), Failure> {
    let plan = &published.plan;
    let (zone, generation) = (plan.zone().origin(), plan.generation());
    if published.is_new {
        let counts = counts(session, plan).await?;
        outln!("{zone} generation {generation}: {} ({})", counts.done(), plan.provenance().reason);
    } else {
        outln!("{zone}: nothing to do, generation {generation} has this content.");
    }
    published.notes.iter().for_each(|note| outln!("note: {note}"));
    Ok(())
}

/// What a plan changed on its parent.
pub(crate) async fn counts(session: &Session, plan: &Plan) -> Result<render::Counts, Failure> {
    let zone = plan.zone().origin();
    let parent = match plan.parent() {
        ParentGeneration::NONE => None,
        parent => session.store.get(zone, parent.into()).await?,
    };
    let empty = Zone::empty(zone.clone());
    Ok(render::diff(parent.as_deref().map_or(&empty, Plan::zone), plan.zone()).1)
}

/// Publishes, and waits until every target that reports to the store has confirmed the plan or a newer one.
pub(crate) async fn apply(session: &Session, args: &args::Apply) -> Result<Code, Failure> {
    let published = publish_all(session, &args.publish).await?;
    let wait = async {
        for Published { plan, .. } in &published {
            confirmed(session, plan).await?;
        }
        Ok::<(), Failure>(())
    };
    let timeout = args.timeout.unwrap_or(TIMEOUT);
    match tokio::time::timeout(Duration::from_secs(timeout), wait).await {
        Ok(outcome) => outcome?,
        Err(_) => {
            let behind = behind(session, &published).await?;
            return Err(Failure::error(format!(
                "published, but after {timeout} s not confirmed by {behind}; `dnsplan status` says where it stands"
            )));
        }
    }
    for Published { plan, .. } in &published {
        let (zone, generation) = (plan.zone().origin(), plan.generation());
        if !session.is_json() {
            outln!("{zone} generation {generation} is live at every target.");
        }
    }
    if session.is_json() {
        let plans: Vec<Value> = published.iter().map(published_json).collect();
        render::print_json(&json!({ "schema": "dnsplan.apply/1", "plans": plans, "live": true }));
    }
    Ok(Code::Done)
}

/// The targets that have not confirmed what was published.
async fn behind(session: &Session, published: &[Published]) -> Result<String, Failure> {
    let mut names = Vec::new();
    for Published { plan, .. } in published {
        let targets = session.store.targets(plan.zone().origin()).await?;
        let late = targets.into_iter().filter(|target| target.confirmed < plan.generation());
        names.extend(late.map(|target| target.target.to_string()));
    }
    Ok(names.join(", "))
}

async fn confirmed(session: &Session, plan: &Plan) -> Result<(), Failure> {
    let (zone, generation) = (plan.zone().origin(), plan.generation());
    loop {
        if let Some(freeze) = session.store.frozen().await? {
            return Err(dnsplan::plan::AppendError::Frozen(freeze).into());
        }
        let targets = session.store.targets(zone).await?;
        if targets.is_empty() {
            return Err(Failure::error(format!(
                "generation {generation} of {zone} is published, but no target has reported to this store yet; start one \
                 with `dnsplan up SPEC` or `dnsplan enactor`, or name a hosted zone of Route 53 with --target"
            )));
        }
        if targets.iter().all(|target| target.confirmed >= generation) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
