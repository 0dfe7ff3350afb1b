//! `history`, `show`, `diff`: the audit trail.

use dnsplan::fence::Generation;
use dnsplan::plan::PlanStore;
use serde_json::{Value, json};

use crate::args;
use crate::failure::{Code, Failure};
use crate::render::{self, BOLD, styled};
use crate::session::Session;

pub(crate) async fn history(session: &Session, args: &args::History) -> Result<Code, Failure> {
    let mut zones = Vec::new();
    for zone in session.zones().await? {
        let entries = session.store.history(&zone, args.limit).await?;
        if session.is_json() {
            let entries: Vec<Value> = entries.iter().map(render::entry_json).collect();
            zones.push(json!({ "zone": zone, "plans": entries }));
            continue;
        }
        outln!("{}", styled(BOLD, format!("Zone {zone}")));
        let rows = entries
            .iter()
            .map(|entry| {
                vec![
                    entry.generation.to_string(),
                    entry.parent.to_string(),
                    render::time(entry.provenance.at),
                    entry.provenance.author.clone(),
                    entry.changed_owners.to_string(),
                    entry.digest.short(),
                    entry.provenance.reason.clone(),
                ]
            })
            .collect();
        let header = ["GENERATION", "ON", "TIME", "AUTHOR", "NAMES", "DIGEST", "REASON"];
        outln!("{}", render::table(&header, rows));
    }
    if session.is_json() {
        render::print_json(&json!({ "schema": "dnsplan.history/1", "zones": zones }));
    }
    Ok(Code::Done)
}

pub(crate) async fn show(session: &Session, args: &args::Show) -> Result<Code, Failure> {
    let zone = session.zone().await?;
    let plan = session.plan(&zone, args.generation).await?;
    if session.is_json() {
        let mut value = render::plan_json(&plan);
        value["schema"] = json!("dnsplan.show/1");
        value["content"] = render::zone_json(plan.zone());
        render::print_json(&value);
        return Ok(Code::Done);
    }
    let provenance = plan.provenance();
    let on = Generation::from(plan.parent());
    outln!("{}", styled(BOLD, format!("{zone} generation {} (on {on})", plan.generation())));
    outln!("digest   {}", dnsplan::fence::Offer::digest(&*plan));
    outln!("author   {}, {}", provenance.author, render::time(provenance.at));
    outln!("reason   {}", provenance.reason);
    for input in &provenance.inputs {
        outln!("input    {} {}", input.name, input.version);
    }
    for lifted in &provenance.overrides {
        let until = render::time(lifted.expires);
        outln!("override {} until {until}: {}", lifted.guard, lifted.reason);
    }
    outln!("{}", render::zone(plan.zone()));
    Ok(Code::Done)
}

pub(crate) async fn diff(session: &Session, args: &args::Diff) -> Result<Code, Failure> {
    let zone = session.zone().await?;
    let (before, after) = (session.plan(&zone, args.before).await?, session.plan(&zone, args.after).await?);
    let (text, counts) = render::diff(before.zone(), after.zone());
    if session.is_json() {
        let mut value = render::diff_json(before.zone(), after.zone(), counts);
        value["schema"] = json!("dnsplan.diff/1");
        value["zone"] = json!(zone);
        value["before_generation"] = json!(args.before);
        value["after_generation"] = json!(args.after);
        render::print_json(&value);
    } else if counts.is_zero() && before.zone() == after.zone() {
        outln!("{zone}: generations {} and {} have the same content.", args.before, args.after);
    } else {
        outln!("{}", styled(BOLD, format!("Zone {zone}, generation {} to {}", args.before, args.after)));
        outln!("{text}");
        outln!("{}.", counts.done());
    }
    Ok(Code::Done)
}
