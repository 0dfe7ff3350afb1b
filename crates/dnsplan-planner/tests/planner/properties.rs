//! Whatever the spec: a plan that is made keeps the absolute guards, is sound DNS, and does not depend on the order of lines.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{context, spec};
use dnsplan_fence::{Generation, OfferedGeneration, ParentGeneration};
use dnsplan_plan::{Delta, Plan, append_violations, check_zone};
use dnsplan_planner::{Health, Intent, MemberHealth, PlanError, Planned, Reading, plan};
use proptest::prelude::*;

const CELL: &str = include_str!("../../../../examples/cell.toml");
const POOLS: [&str; 3] = ["blue", "green", "red"];

#[derive(Clone, Debug)]
struct Lb {
    weight: u8,
    capacity: u32,
    healthy: bool,
    checked: bool,
    has_v4: bool,
    has_v6: bool,
}

#[derive(Clone, Debug)]
struct Ep {
    name: u8,
    weights: [u16; 3],
    both: bool,
    policy: &'static str,
    protected: bool,
    at_least: u8,
}

#[derive(Clone, Debug)]
struct World {
    pools: Vec<Vec<Lb>>,
    endpoints: Vec<Ep>,
    records: BTreeSet<u8>,
    health: Vec<Option<Vec<bool>>>,
    retire: BTreeSet<u8>,
    lift: bool,
}

fn lb() -> impl Strategy<Value = Lb> {
    let address = (any::<bool>(), any::<bool>()).prop_filter("an address", |(v4, v6)| *v4 || *v6);
    let weight = prop_oneof![Just(0), Just(1), any::<u8>()];
    (weight, 1..5_000u32, any::<bool>(), any::<bool>(), address).prop_map(
        |(weight, capacity, healthy, checked, (has_v4, has_v6))| Lb {
            weight,
            capacity,
            healthy,
            checked,
            has_v4,
            has_v6,
        },
    )
}

fn ep() -> impl Strategy<Value = Ep> {
    let weights = [0..=1_000u16, 0..=10u16, 0..=1u16];
    let policy = prop_oneof![Just("weighted"), Just("multivalue"), Just("all")];
    (0..4u8, weights, any::<bool>(), policy, any::<bool>(), 1..4u8).prop_map(
        |(name, weights, both, policy, protected, at_least)| Ep {
            name,
            weights,
            both,
            policy,
            protected,
            at_least,
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    (
        proptest::collection::vec(proptest::collection::vec(lb(), 0..6), 3),
        proptest::collection::vec(ep(), 0..5),
        proptest::collection::btree_set(any::<u8>(), 0..8),
        proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<bool>(), 6)), 3),
        proptest::collection::btree_set(0..4u8, 0..3),
        any::<bool>(),
    )
        .prop_map(|(pools, mut endpoints, records, health, retire, lift)| {
            let mut seen = BTreeSet::new();
            endpoints.retain(|endpoint| seen.insert(endpoint.name));
            World { pools, endpoints, records, health, retire, lift }
        })
}

impl World {
    /// The spec, its tables in either order.
    fn spec(&self, reversed: bool) -> String {
        let mut tables: Vec<String> = Vec::new();
        for (pool, (name, members)) in POOLS.iter().zip(&self.pools).enumerate() {
            let mut lines: Vec<String> =
                members.iter().enumerate().map(|(id, lb)| lb.line(pool, id)).collect();
            if reversed {
                lines.reverse();
            }
            tables.push(format!("[pool.{name}]\nmembers = [\n{}]\n", lines.concat()));
        }
        tables.extend(self.endpoints.iter().map(Ep::table));
        let record =
            |n: &u8| format!("[[record]]\nname = \"r{n}\"\ntype = \"A\"\ndata = \"203.0.113.{n}\"\n");
        tables.extend(self.records.iter().map(record));
        let is_kept =
            |name: &u8| self.endpoints.iter().any(|endpoint| endpoint.name == *name && endpoint.protected);
        let gone = self.retire.iter().filter(|name| !is_kept(name));
        tables.extend(gone.map(|name| format!("[[retire]]\nname = \"e{name}\"\nreason = \"r\"\n")));
        if self.lift {
            let lifted = ["at-least-n", "max-removal"];
            tables.extend(lifted.map(|guard| {
                format!("[[override]]\nguard = \"{guard}\"\nreason = \"r\"\nexpires = 2027-01-01T00:00:00Z\n")
            }));
        }
        if reversed {
            tables.reverse();
        }
        spec(&tables.concat())
    }

    fn health(&self) -> Health {
        let readings = POOLS.iter().zip(&self.health).enumerate().map(|(pool, (name, reading))| {
            let state =
                |healthy: &bool| if *healthy { MemberHealth::Healthy } else { MemberHealth::Unhealthy };
            let known = reading.as_ref().map(|states| {
                states
                    .iter()
                    .enumerate()
                    .map(|(id, healthy)| (format!("m{id}"), state(healthy)))
                    .collect::<BTreeMap<_, _>>()
            });
            (pool, name, known.map_or(Reading::Unknown, Reading::Known))
        });
        // The last pool has no health check at all.
        readings
            .filter(|(pool, ..)| *pool < 2)
            .fold(Health::from_spec(), |health, (_, name, reading)| health.with(*name, reading))
    }

    fn plan(&self, previous: Option<&Plan>, reversed: bool) -> Result<Planned, PlanError> {
        let intent = Intent::parse(&self.spec(reversed))
            .unwrap_or_else(|errors| panic!("{errors}\n{}", self.spec(reversed)));
        plan(intent.zones().next().expect("a zone"), &self.health(), previous, &context())
    }
}

impl Lb {
    fn line(&self, pool: usize, id: usize) -> String {
        let Self { weight, capacity, healthy, .. } = self;
        let v4 = if self.has_v4 { format!("ipv4 = \"192.0.{pool}.{id}\", ") } else { String::new() };
        let v6 = if self.has_v6 { format!("ipv6 = \"2001:db8:{pool}::{id}\", ") } else { String::new() };
        let check = if self.checked { format!("health_check = \"hc-{pool}-{id}\", ") } else { String::new() };
        format!(
            "{{ id = \"m{id}\", {v4}{v6}{check}weight = {weight}, capacity = {capacity}, healthy = {healthy} }},\n"
        )
    }
}

impl Ep {
    fn table(&self) -> String {
        let Self { name, weights: [blue, green, red], both, policy, protected, at_least } = self;
        let families = if *both { "[\"ipv4\", \"ipv6\"]" } else { "[\"ipv4\"]" };
        format!(
            "[[endpoint]]\nname = \"e{name}\"\npools = {{ blue = {blue}, green = {green}, red = {red} }}\n\
             families = {families}\npolicy = \"{policy}\"\nprotected = {protected}\nat_least = {at_least}\n"
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn g2_a_chain_of_plans_keeps_the_absolute_guards_and_is_sound_dns(
        worlds in proptest::collection::vec(world(), 1..6),
    ) {
        let mut previous: Option<Plan> = None;
        for world in &worlds {
            let made = world.plan(previous.as_ref(), false);
            prop_assert_eq!(&made, &world.plan(previous.as_ref(), true));
            let Ok(Planned { proposal, .. }) = made else { continue };
            let before = previous.as_ref().map(Plan::zone);
            prop_assert_eq!(append_violations(before, &proposal.zone, &proposal.provenance), []);
            prop_assert_eq!(check_zone(&proposal.zone), []);
            for (key, _) in before.into_iter().flat_map(|zone| zone.protected()) {
                let stays = proposal.zone.rrset(&key.owner, key.record_type).is_some();
                prop_assert!(stays || proposal.zone.is_retired(key), "{} is gone", key);
            }
            let bytes = Delta::checkpoint(&proposal.zone).encode();
            let mut read = dnsplan_plan::Zone::empty(proposal.zone.origin().clone());
            Delta::decode(&bytes).unwrap().apply(&mut read).unwrap();
            prop_assert_eq!(&read, &proposal.zone);
            let parent = previous.as_ref().map_or(Generation::ZERO, Plan::generation);
            let granted = OfferedGeneration::granted(parent.next().expect("a generation"));
            previous = Some(Plan::granted(granted, ParentGeneration::recorded(parent), proposal));
        }
    }

    #[test]
    fn a_damaged_spec_is_read_without_panic_and_errors_point_into_it(
        from in 0..CELL.len(),
        length in 0..40usize,
        put in "[\\[\\]{}a-z\"=., \n0-9#]{0,6}",
    ) {
        let upto = (from + length).min(CELL.len());
        let (head, tail) = (CELL.get(..from).unwrap_or_default(), CELL.get(upto..).unwrap_or_default());
        let text = format!("{head}{put}{tail}");
        if let Err(errors) = Intent::parse(&text) {
            prop_assert!(!errors.errors().is_empty());
            let lines = text.split('\n').count();
            for error in errors.errors() {
                prop_assert!((1..=lines).contains(&error.line), "{error}");
            }
        }
    }
}
