//! Batches at random, from so few names, types, values and identifiers that conflicts are frequent.

use dnsplan_route53_fake::{Change, RecordSet};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Stands for the zone's own id, which differs from system to system.
pub(crate) const OWN_ZONE: &str = "ZOWN";

/// A health check that both systems know.
pub(crate) const HEALTH_CHECK: &str = "check";

/// A part of a batch. What it is exactly depends on what is in the zone before the batch.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Create(RecordSet),
    Upsert(RecordSet),
    Delete(RecordSet),
    /// Deletes what is there, shown in one way or another.
    DeleteThere(usize, Shown),
    /// Deletes what is there, shown in one way or another, and creates it with another content: compare and swap.
    Swap(usize, Shown, RecordSet),
}

/// How a record set that is there is shown in a DELETE.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown {
    AsItIs,
    /// With its values in the other order.
    Turned,
    /// With something else in one field: which one, of those it has.
    Other(usize),
}

impl Shown {
    fn apply(self, mut set: RecordSet) -> RecordSet {
        match self {
            Self::AsItIs => {}
            Self::Turned => set.values.reverse(),
            Self::Other(field) => other(&mut set, field),
        }
        set
    }
}

/// Changes one field.
fn other(set: &mut RecordSet, field: usize) {
    let RecordSet { alias, ttl, values, weight, health_check_id, .. } = set;
    match (field % 3, alias, weight) {
        (0, Some(alias), _) => alias.evaluate_target_health ^= true,
        (1, Some(alias), _) => alias.dns_name.insert_str(0, "other."),
        (0, None, _) => *ttl = ttl.map(|ttl| ttl + 1),
        (1, None, _) => values.extend(values.last().cloned()),
        (_, _, Some(weight)) => *weight = 255 - *weight,
        (_, _, None) => {
            *health_check_id = if health_check_id.is_none() { Some(HEALTH_CHECK.to_owned()) } else { None };
        }
    }
}

/// The batch that the parts make of a zone's content.
pub(crate) fn batch(parts: &[Part], there: &[RecordSet]) -> Vec<Change> {
    let pick = |index: usize| there.get(index % there.len().max(1)).cloned();
    let mut changes = Vec::new();
    for part in parts {
        match part {
            Part::Create(set) => changes.push(Change::create(set.clone())),
            Part::Upsert(set) => changes.push(Change::upsert(set.clone())),
            Part::Delete(set) => changes.push(Change::delete(set.clone())),
            Part::DeleteThere(index, shown) => {
                changes.extend(pick(*index).map(|set| Change::delete(shown.apply(set))));
            }
            Part::Swap(index, shown, content) => {
                if let Some(set) = pick(*index) {
                    let mut next = set.clone();
                    if next.alias.is_none() {
                        next.ttl = content.ttl.or(next.ttl);
                    }
                    if next.record_type == content.record_type
                        && content.alias.is_none() == next.alias.is_none()
                    {
                        next.values = content.values.iter().take(set.values.len()).cloned().collect();
                        next.alias.clone_from(&content.alias);
                    }
                    changes.push(Change::delete(shown.apply(set)));
                    changes.push(Change::create(next));
                }
            }
        }
    }
    changes
}

/// The parts of one batch.
pub(crate) fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = prop_oneof![
        3 => record_set().prop_map(Part::Create),
        2 => record_set().prop_map(Part::Upsert),
        1 => record_set().prop_map(Part::Delete),
        4 => (any::<usize>(), shown()).prop_map(|(index, shown)| Part::DeleteThere(index, shown)),
        6 => (any::<usize>(), shown(), record_set()).prop_map(|(index, shown, set)| Part::Swap(index, shown, set)),
    ];
    vec(part, 1..4)
}

fn shown() -> impl Strategy<Value = Shown> {
    prop_oneof![
        10 => Just(Shown::AsItIs),
        3 => Just(Shown::Turned),
        4 => any::<usize>().prop_map(Shown::Other),
    ]
}

fn record_set() -> impl Strategy<Value = RecordSet> {
    let name = prop_oneof![
        40 => select(vec!["a.test", "x.a.test", "y.a.test", "*.a.test", "_dnsplan.a.test", "z.y.a.test", "xy.a.test"]),
        1 => Just("b.test"),
    ];
    let ttl = prop_oneof![10 => Just(60), 3 => Just(300)];
    let content = prop_oneof![
        6 => values("A", &["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
        4 => values("TXT", &["\"1\"", "\"2\"", "\"2\" \"3\""]),
        2 => values("AAAA", &["2001:db8::1", "2001:db8::2"]),
        1 => values("MX", &["10 x.a.test."]),
        1 => values("CNAME", &["x.a.test."]),
        6 => alias(),
        1 => values("A", &["nowhere", "192.0.2.1"]),
    ];
    (name, ttl, content, routing(), prop::bool::weighted(0.1)).prop_map(
        |(name, ttl, content, routing, checked)| {
            let mut set = RecordSet { name: name.to_owned(), ..content };
            set.ttl = if set.alias.is_none() { Some(ttl) } else { None };
            set = match routing {
                // One value is all that a weight may have.
                Some((id, Some(weight))) => {
                    set.values.truncate(1);
                    set.weighted(id, weight)
                }
                Some((id, None)) if set.alias.is_none() => set.multivalue(id),
                _ => set,
            };
            if checked { set.health_check(HEALTH_CHECK) } else { set }
        },
    )
}

/// No routing policy, or an identifier, and a weight where it is not a multivalue answer.
fn routing() -> impl Strategy<Value = Option<(&'static str, Option<i64>)>> {
    let id = || select(vec!["1", "2"]);
    prop_oneof![
        6 => Just(None),
        3 => (id(), select(vec![0, 1, 255])).prop_map(|(id, weight)| Some((id, Some(weight)))),
        1 => id().prop_map(|id| Some((id, None))),
    ]
}

fn values(record_type: &'static str, values: &'static [&'static str]) -> BoxedStrategy<RecordSet> {
    let most = values.len().min(2);
    let values = proptest::sample::subsequence(values, 1..=most).prop_shuffle();
    values
        .prop_map(move |values| {
            values.iter().fold(RecordSet::new("", record_type), |set, value| set.value(*value))
        })
        .boxed()
}

fn alias() -> BoxedStrategy<RecordSet> {
    let target = select(vec!["x.a.test.", "y.a.test.", "z.y.a.test."]);
    (target, any::<bool>())
        .prop_map(|(target, evaluates)| {
            let mut set = RecordSet::new("", "A").alias(OWN_ZONE, target);
            if let Some(alias) = &mut set.alias {
                alias.evaluate_target_health = evaluates;
            }
            set
        })
        .boxed()
}
