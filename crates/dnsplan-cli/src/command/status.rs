//! `status`: what is wanted, applied and confirmed, per target.

use dnsplan::plan::{Demand, OwnerName, Plan, PlanStore, TargetStatus};
use serde_json::{Value, json};

use crate::failure::{Code, Failure};
use crate::render::{self, BOLD, RED, YELLOW, styled};
use crate::session::Session;

pub(crate) async fn status(session: &Session) -> Result<Code, Failure> {
    let freeze = session.store.frozen().await?;
    if let (Some(freeze), false) = (&freeze, session.is_json()) {
        let at = render::time(freeze.at);
        let line = format!("FROZEN by {} at {at} (freeze {}): {}", freeze.by, freeze.id, freeze.reason);
        outln!("{}", styled(RED, line));
    }
    let mut zones = Vec::new();
    for zone in session.zones().await? {
        let head = session.head(&zone).await?;
        let targets = session.store.targets(&zone).await?;
        let demands = session.store.demands(&zone).await?;
        if session.is_json() {
            zones.push(zone_json(&head, &targets, &demands));
        } else {
            print(&zone, &head, &targets, &demands);
        }
    }
    if session.is_json() {
        render::print_json(&json!({ "schema": "dnsplan.status/1", "freeze": freeze, "zones": zones }));
    } else if session.zones().await?.is_empty() {
        outln!("The store has no plan yet; append one with `dnsplan publish SPEC`.");
    }
    Ok(Code::Done)
}

fn print(zone: &OwnerName, head: &Plan, targets: &[TargetStatus], demands: &[Demand]) {
    let provenance = head.provenance();
    let (at, rrsets) = (render::time(provenance.at), head.zone().rrset_count());
    outln!("{}", styled(BOLD, format!("Zone {zone}")));
    outln!(
        "wanted: generation {} ({rrsets} RRsets), {} at {at}: {}",
        head.generation(),
        provenance.author,
        provenance.reason
    );
    if targets.is_empty() {
        outln!("No target has reported yet; start one with `dnsplan up SPEC` or `dnsplan enactor`.");
        return;
    }
    let rows = targets
        .iter()
        .map(|status| {
            let report = &status.report;
            vec![
                status.target.to_string(),
                report.live.to_string(),
                status.confirmed.to_string(),
                report.floor.to_string(),
                render::time(report.at),
                report.by.clone(),
                match head.generation().get().saturating_sub(status.confirmed.get()) {
                    0 => report.state.clone(),
                    behind => format!("{}; {behind} behind", report.state),
                },
            ]
        })
        .collect();
    let header = ["TARGET", "LIVE", "CONFIRMED", "FLOOR", "SINCE", "BY", "STATE"];
    outln!("{}", render::table(&header, rows));
    for note in targets.iter().filter_map(|status| status.report.note.as_ref()) {
        outln!("{}", styled(YELLOW, format!("note: {note}")));
    }
    for demand in demands {
        let line = format!("demanded by {}: a plan above {}: {}", demand.by, demand.above, demand.detail);
        outln!("{}", styled(YELLOW, line));
    }
}

fn zone_json(head: &Plan, targets: &[TargetStatus], demands: &[Demand]) -> Value {
    let targets: Vec<Value> = targets
        .iter()
        .map(|status| {
            let report = &status.report;
            json!({
                "target": status.target,
                "live": report.live.get(),
                "base": report.base.get(),
                "floor": report.floor.get(),
                "confirmed": status.confirmed.get(),
                "state": report.state,
                "note": report.note,
                "by": report.by,
                "time": render::time(report.at),
            })
        })
        .collect();
    let mut value = render::plan_json(head);
    value["targets"] = json!(targets);
    value["demands"] = json!(demands);
    value
}
