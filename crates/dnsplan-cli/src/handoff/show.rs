//! `handoff` alone: who leads, and how far a hand-off has come.

use dnsplan::fence::Generation;
use dnsplan::leadership::postgres::servers::{Endpoint, Look, Member, Standing};
use dnsplan::leadership::{Epoch, Phase, Seen};
use serde_json::{Value, json};

use crate::failure::{Code, Failure};
use crate::handoff::{Stewarding, trouble};
use crate::render::{self, BOLD, styled};
use crate::session::Session;

pub(super) async fn show(session: &Session, steward: &Stewarding) -> Result<Code, Failure> {
    let (seen, looks) = (steward.seen().await, steward.looks().await);
    let (role, name) = (steward.servers().scope(), steward.endpoint().name());
    let state = match &seen {
        Ok(Some(seen)) => state(seen),
        Ok(None) => "nobody ever led; have a node lead with --to NODE".to_owned(),
        Err(ended) => trouble(ended).message,
    };
    let resolved = steward.endpoint().resolved().await?;
    let published = steward.endpoint().published().await?;
    let record = seen.as_ref().ok().and_then(Option::as_ref);
    let notes = looks
        .iter()
        .filter_map(|(member, look)| note(record?, &member.node().to_string(), look.as_ref().ok()?));
    let notes: Vec<String> = notes.collect();
    if session.is_json() {
        let nodes: Vec<Value> = looks.iter().map(node_json).collect();
        render::print_json(&json!({
            "schema": "dnsplan.handoff.status/1", "role": role.as_str(), "state": state, "phase": record.map(phase),
            "epoch": record.and_then(Seen::epoch).map(Epoch::get),
            "holder": record.and_then(|seen| seen.term().holder()).map(ToString::to_string),
            "endpoint": name, "leads_to": resolved.map(|node| node.to_string()), "published_epoch": published,
            "nodes": nodes, "notes": notes
        }));
        return Ok(Code::Done);
    }
    outln!("{}", styled(BOLD, format!("Role {role}")));
    outln!("{state}");
    let leads_to = resolved.map_or_else(|| "none of the nodes".to_owned(), |node| node.to_string());
    outln!("{name} leads to {leads_to}; its plan is of generation {published}");
    let rows = looks.iter().map(|(member, look)| vec![member.node().to_string(), standing(look)]).collect();
    outln!("{}", render::table(&["NODE", "STATE"], rows));
    notes.iter().for_each(|note| outln!("note: {note}"));
    Ok(Code::Done)
}

const fn phase(seen: &Seen) -> &'static str {
    match seen.term().phase() {
        Phase::Open => "open",
        Phase::Freezing(_) => "freezing",
        Phase::Sealed(..) => "sealed",
    }
}

/// What a record says, in one line.
pub(super) fn state(seen: &Seen) -> String {
    let epoch = seen.epoch().map_or(0, Epoch::get);
    let holder = seen.term().holder().map_or_else(|| "nobody".to_owned(), ToString::to_string);
    match seen.term().phase() {
        Phase::Open if epoch == 0 => "nobody ever led; have a node lead with --to NODE".to_owned(),
        Phase::Open => match (seen.term().origin(), seen.term().outcome()) {
            (Some(origin), Some(outcome)) => {
                format!("{holder} has epoch {epoch} ({outcome}; it was {}'s)", origin.from())
            }
            _ => format!("{holder} has epoch {epoch}"),
        },
        Phase::Freezing(intent) => {
            format!(
                "epoch {epoch} of {holder} is to end, for {} (hand-off {})",
                intent.successor(),
                intent.id()
            )
        }
        Phase::Sealed(intent, receipt) => format!(
            "epoch {epoch} of {holder} is sealed at position {}, for {} (hand-off {})",
            receipt.position(),
            intent.successor(),
            intent.id()
        ),
    }
}

fn standing(look: &Result<Look, String>) -> String {
    match look {
        Err(why) => format!("does not answer: {why}"),
        Ok(look) => {
            let at = look.at;
            match (look.standing, look.open()) {
                (Standing::Primary(timeline), Some(epoch)) => {
                    format!("takes writes under epoch {epoch}, on timeline {timeline}, at position {at}")
                }
                (Standing::Primary(timeline), None) => {
                    let why = match (look.opened, look.lowest) {
                        (None, _) => "the role is not installed there".to_owned(),
                        (Some((Generation::ZERO, _)), _) => "no epoch was opened yet".to_owned(),
                        (Some((epoch, _)), Some(lowest)) if epoch < lowest => {
                            format!("nothing below epoch {lowest}")
                        }
                        (Some((epoch, _)), _) => {
                            format!("epoch {epoch} was opened elsewhere, or before it was started")
                        }
                    };
                    format!(
                        "a primary that takes no writes of the role ({why}), on timeline {timeline}, at position {at}"
                    )
                }
                (Standing::Replica { fed: Some(_), .. }, _) => format!("a replica, at position {at}"),
                (Standing::Replica { fed: None, .. }, _) => {
                    format!("a replica that gets nothing from a primary, at position {at}")
                }
            }
        }
    }
}

fn node_json((member, look): &(Member, Result<Look, String>)) -> Value {
    let mut node =
        json!({ "node": member.node().to_string(), "state": standing(look), "answers": look.is_ok() });
    if let Ok(look) = look {
        node["timeline"] = json!(look.timeline());
        node["position"] = json!(look.at.get());
        node["open_epoch"] = json!(look.open().map(Generation::get));
        node["lowest_epoch"] = json!(look.lowest.map(Generation::get));
    }
    node
}

/// What is not as the record says, with what to do about it.
fn note(seen: &Seen, node: &str, look: &Look) -> Option<String> {
    let (epoch, holder) = (seen.epoch()?, seen.term().holder()?);
    let is_holder = holder.node.to_string() == node;
    let is_sealed = look.lowest.is_some_and(|lowest| lowest.get() > epoch.get());
    let is_open = *seen.term().phase() == Phase::Open;
    match look.timeline() {
        None if is_holder => Some(format!(
            "{node}, which has to seal epoch {epoch}, is a replica now: make it the primary that it was, with the data that it had; nobody else \
             has its last writes for sure"
        )),
        Some(_) if is_open && is_holder && is_sealed => Some(format!(
            "{node} refuses epoch {epoch}, though the record grants it: somebody else has sealed it; hand over to another node, which \
             begins a new epoch"
        )),
        Some(timeline) if is_open && is_holder && timeline != holder.incarnation.get() => Some(format!(
            "{node} was promoted since it was granted epoch {epoch}, and takes no writes: hand over to another node"
        )),
        Some(timeline) if is_open && !is_holder => Some(format!(
            "{node} is a primary, on timeline {timeline}, and does not lead: make it a replica of {} (pg_rewind)",
            holder.node
        )),
        Some(_) if is_open && is_holder && look.open().is_none() => Some(format!(
            "{node} leads, and accepts nothing: it was started anew, or is to be opened yet; run a steward, or --resume"
        )),
        _ => None,
    }
}
