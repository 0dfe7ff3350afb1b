use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_enactor::{Basis, Cut, FenceRecord, Quarantine, Rider};
use dnsplan_fence::{
    Actor, Digest, Generation, Move, Nonce, Observed, Offer, Part, Permit, Progress, Standing,
};
use dnsplan_plan::{Node, OwnerName, Plan};

use super::{Reader, Work};
use crate::cut::Cuts;
use crate::known::Known;
use crate::testing::{name, plan, simple, wanted};

fn at(label: &str, record_type: &str, text: &str) -> (OwnerName, Node) {
    (name(label), Node::new().with(simple(record_type, &[text])))
}

/// A record that says that `live` is in place but for `aside`, at which it is `base`.
fn record(live: &Plan, base: u64, aside: &[&str]) -> FenceRecord {
    FenceRecord {
        generation: live.generation(),
        digest: live.digest(),
        base: Generation::new(base),
        floor: Generation::ZERO,
        flip: Progress::new(1, 1).expect("a progress"),
        stage: None,
        freeze: None,
        attempt: Nonce::new(1),
        by: Actor::new("e1").expect("a name"),
        payload: Quarantine {
            owners: aside.iter().map(|label| name(label)).collect(),
            effective: Digest::new([8; 32]),
            ..Quarantine::default()
        },
    }
}

fn permit(record: FenceRecord, plan: &Plan, action: Move) -> Permit<Quarantine> {
    let observed = Observed::Record(record);
    let answer = observed.witness().answered(Standing::new(Generation::from(plan.offered())));
    let sighting = observed.sight(answer).expect("a record");
    sighting.permit(plan, action, Nonce::new(2), &Actor::new("e1").expect("a name")).expect("it is the head")
}

fn work(permit: &Permit<Quarantine>, rider: &Rider) -> Work {
    let (wanted, cuts, known) = (wanted(), Cuts::default(), Known::default());
    Reader { wanted: &wanted, cuts: &cuts, known: &known }.work(permit, rider).expect("it can be served")
}

/// A repair that does not fit one message puts its first half there: what is pointed at.
#[test]
fn a_repair_begins_with_what_is_pointed_at() {
    let points = [at("a", "CNAME", "b"), at("b", "CNAME", "c"), at("c", "A", "192.0.2.1")];
    let live = plan(1, points);
    let owners: BTreeSet<OwnerName> = ["a", "b", "c"].map(name).into();
    let permit = permit(record(&live, 1, &[]), &live, Move::Repair);
    let work = work(&permit, &Rider::Repair { plan: Arc::new(live), owners });
    let order: Vec<OwnerName> = work.units.into_iter().map(|unit| unit.owner).collect();
    assert_eq!(order, ["c", "b", "a"].map(name));
}

/// What was set aside is still as the record's base has it: ours to the letter, and nothing else there is.
#[test]
fn what_was_set_aside_may_be_of_the_plan_at_the_base() {
    let with = |number, address: &str| plan(number, [at("x", "A", address), at("y", "A", address)]);
    let (base, live, next) = (with(1, "192.0.2.1"), with(2, "192.0.2.2"), with(3, "192.0.2.3"));
    let hint = |plan: &Plan| wanted().node(&name("x"), plan.zone().node(&name("x")).expect("it is there"));
    let basis = Basis::Changed {
        owners: ["x", "y"].map(name).into(),
        from: Some(Arc::new(live.clone())),
        begun: vec![Arc::new(base.clone()), Arc::new(live.clone())],
        cut: Cut::Guessed,
    };
    let permit = permit(record(&live, 1, &["x"]), &next, Move::Apply(Part::ONLY));
    let rider = Rider::Part { plan: Arc::new(next), basis: Arc::new(basis), set_aside: BTreeSet::new() };
    let units = work(&permit, &rider).units;
    assert_eq!(units.iter().map(|unit| &unit.owner).collect::<Vec<_>>(), [&name("x"), &name("y")]);
    assert_eq!(units[0].hints, [hint(&base), hint(&live)].map(|node| node.expect("it can be served")));
    assert!(units[0].ours.is_empty() && units[0].is_blind());
    assert!(units[1].hints.is_empty() && !units[1].ours.is_empty());
}
