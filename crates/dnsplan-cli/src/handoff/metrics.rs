//! What a steward sees, for Prometheus.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use dnsplan::leadership::monitor::{Alarm, Claim, Poll};
use dnsplan::leadership::postgres::servers::{Look, Member};
use dnsplan::leadership::{Epoch, Phase, Scope, Seen};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::failure::Failure;
use crate::handoff::watch::kind;

/// Every alarm there is, so that one that was never raised is told as 0.
const ALARMS: [&str; 6] = ["two-writers", "reverted", "unexplained", "backwards", "stuck", "silent-stale"];

/// Answers on an address for as long as this process is there.
pub(super) fn listen(at: SocketAddr) -> Result<(), Failure> {
    let installed = PrometheusBuilder::new().with_http_listener(at).install();
    installed.map_err(|error| {
        Failure::error(format!("cannot answer Prometheus on {at}: {error}; choose another --metrics"))
    })?;
    describe_counter!("dnsplan_role_polls_total", "Looks at all servers and the record");
    describe_gauge!("dnsplan_role_epoch", "The epoch in force");
    describe_gauge!("dnsplan_role_phase", "0: open, 1: freezing, 2: sealed");
    describe_gauge!("dnsplan_role_holder", "1 for the node that the record names");
    describe_gauge!("dnsplan_role_writer", "1 for a node that takes itself for the writer");
    describe_gauge!("dnsplan_role_open", "1 for a node that accepts writes of the role");
    describe_gauge!("dnsplan_role_advertised", "1 for the node that the endpoint's name leads to");
    describe_gauge!("dnsplan_role_reachable", "1 for a node that answers");
    describe_gauge!("dnsplan_role_position_bytes", "How far a node's log has come, or been replayed");
    describe_counter!(
        "dnsplan_role_refused_total",
        "Writes that a node refused: their epoch is over, or open elsewhere"
    );
    describe_gauge!("dnsplan_role_alarm", "1 while an alarm is raised");
    Ok(())
}

/// What one poll has found.
pub(super) fn poll(
    role: &Scope,
    poll: &Poll<'_>,
    seen: Option<&Seen>,
    looks: &[(Member, Result<Look, String>)],
) {
    let name = role.to_string();
    counter!("dnsplan_role_polls_total", "role" => name.clone()).increment(1);
    if let Some(seen) = seen {
        gauge!("dnsplan_role_epoch", "role" => name.clone()).set(seen.epoch().map_or(0, Epoch::get) as f64);
        let phase = match seen.term().phase() {
            Phase::Open => 0.0,
            Phase::Freezing(_) => 1.0,
            Phase::Sealed(..) => 2.0,
        };
        gauge!("dnsplan_role_phase", "role" => name.clone()).set(phase);
    }
    let holder = seen.and_then(|seen| seen.term().holder());
    for (instance, (member, look)) in poll.instances.iter().zip(looks) {
        let labels = [("role", name.clone()), ("node", member.node().to_string())];
        let is = |truth: bool| if truth { 1.0 } else { 0.0 };
        gauge!("dnsplan_role_writer", &labels).set(is(matches!(instance.claim, Claim::Writer(_))));
        gauge!("dnsplan_role_advertised", &labels).set(is(poll.advertised == Some(member.node())));
        gauge!("dnsplan_role_reachable", &labels).set(is(look.is_ok()));
        if seen.is_some() {
            gauge!("dnsplan_role_holder", &labels)
                .set(is(holder.is_some_and(|holder| holder.node == *member.node())));
        }
        if let Ok(look) = look {
            gauge!("dnsplan_role_open", &labels).set(is(look.open().is_some()));
            gauge!("dnsplan_role_position_bytes", &labels).set(look.at.get() as f64);
            counter!("dnsplan_role_refused_total", &labels).absolute(look.refused);
        }
    }
}

/// What is wrong now.
pub(super) fn alarms(role: &Scope, active: &BTreeSet<Alarm>) {
    for name in ALARMS {
        let is_raised = active.iter().any(|alarm| kind(alarm) == name);
        let labels = [("role", role.to_string()), ("alarm", name.to_owned())];
        gauge!("dnsplan_role_alarm", &labels).set(if is_raised { 1.0 } else { 0.0 });
    }
}
