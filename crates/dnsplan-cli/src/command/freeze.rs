//! `freeze` and `unfreeze`: one switch for planning, enacting and clean-up.

use dnsplan::plan::PlanStore;
use serde_json::json;

use crate::args;
use crate::failure::{Code, Failure};
use crate::render;
use crate::session::Session;

pub(crate) async fn freeze(session: &Session, args: &args::Freeze) -> Result<Code, Failure> {
    let freeze = session.store.freeze(&session.author, &args.reason, session.now()).await?;
    if session.is_json() {
        render::print_json(&json!({ "schema": "dnsplan.freeze/1", "freeze": freeze }));
    } else {
        outln!("Frozen by {} (freeze {}): {}", freeze.by, freeze.id, freeze.reason);
        outln!("What is live stays live. `dnsplan unfreeze` lifts it.");
    }
    Ok(Code::Done)
}

pub(crate) async fn unfreeze(session: &Session) -> Result<Code, Failure> {
    let lifted = session.store.unfreeze(&session.author, session.now()).await?;
    let ids: Vec<String> = lifted.iter().map(ToString::to_string).collect();
    if session.is_json() {
        render::print_json(&json!({ "schema": "dnsplan.unfreeze/1", "lifted": ids }));
    } else if ids.is_empty() {
        outln!("Nothing was frozen.");
    } else {
        outln!("Lifted freeze {}.", ids.join(", "));
    }
    Ok(Code::Done)
}
