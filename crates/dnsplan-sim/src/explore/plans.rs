//! The plans of an exploration, and what the plan store holds of them at a point in time.
//!
//! 1. The zone is as small as the guards allow: the apex and `api` are protected endpoints, and every address says its
//!    plan.
//! 2. There are two lines of plans. The second is what a store that was put back hands out: the same numbers, other
//!    content.
//! 3. [`Store`] answers as `dnsplan_plan::PlanStore` would: head, plan by number, owner names touched, next number.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use dnsplan_enactor::TreeName;
use dnsplan_fence::{Generation, Offer, OfferedGeneration, ParentGeneration};
use dnsplan_plan::{
    Node, OwnerName, Plan, Proposal, Provenance, RData, RRset, RRsetKey, RecordType, Timestamp, Ttl, Zone,
    rdata,
};

/// Indexes [`Plans::all`].
pub(super) type PlanId = u8;

/// Every plan that can come about, and the owner names in them.
pub(super) struct Plans {
    /// The first line's, then the second's.
    pub(super) all: Vec<Arc<Plan>>,
    /// The endpoints come first.
    pub(super) owners: Vec<OwnerName>,
    /// How many owner names are endpoints.
    pub(super) endpoints: usize,
    generations: u8,
}

/// What the store holds. A bit `g` of a line says that it has the line's plan of generation `g`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Store {
    lines: [u8; 2],
    /// The highest generation granted, or seen at the target.
    granted: u8,
    /// It was put back: what is appended now is of the second line.
    is_second: bool,
}

impl Plans {
    pub(super) fn new(generations: u8, lines: u8, comes_and_goes: bool) -> Self {
        let origin: OwnerName = "example.".parse().expect("invariant: a valid name");
        let relative = |name: &str| OwnerName::relative(name, &origin).expect("invariant: a valid name");
        let mut owners = vec![origin.clone(), relative("api")];
        let endpoints = owners.len();
        owners.extend(comes_and_goes.then(|| relative("guest")));
        let numbers = (0..lines).flat_map(|line| (1..=generations + line).map(move |number| (line, number)));
        let all = numbers.map(|(line, number)| Arc::new(plan(&owners, endpoints, line, number))).collect();
        Self { all, owners, endpoints, generations }
    }

    pub(super) fn get(&self, id: PlanId) -> &Arc<Plan> {
        &self.all[usize::from(id)]
    }

    /// The plan whose tree has this name.
    pub(super) fn named(&self, name: TreeName) -> Option<&Arc<Plan>> {
        self.all.iter().find(|plan| plan.generation() == name.generation && plan.digest() == name.digest)
    }

    fn id(&self, line: usize, number: u8) -> PlanId {
        u8::try_from(line).expect("invariant: two lines") * self.generations + number - 1
    }
}

fn plan(owners: &[OwnerName], endpoints: usize, line: u8, number: u8) -> Plan {
    let origin = owners[0].clone();
    let ttl = Ttl::new(60).expect("invariant: a valid TTL");
    let simple = |data: RData| RRset::simple(ttl, [data]).expect("invariant: a valid RRset");
    let fixed =
        |kind: &str, text: &str| simple(rdata(kind, text, &origin).expect("invariant: valid record data"));
    let mut zone = Zone::empty(origin.clone());
    let soa = fixed("SOA", "ns.elsewhere. hostmaster 0 300 60 86400 30");
    let ns = fixed("NS", "ns.elsewhere.");
    let apex: Node = [soa, ns].into_iter().collect();
    zone.set(origin, apex).expect("invariant: the apex lies in the zone");
    // A guest is there in every other plan.
    let here = owners.iter().enumerate().filter(|(index, _)| *index < endpoints || number.is_multiple_of(2));
    for (index, owner) in here {
        let third = u8::try_from(index).expect("invariant: a handful of owner names");
        let address = Ipv4Addr::new(10, line, third, number);
        zone.set_rrset(owner.clone(), simple(RData::A(address.into())))
            .expect("invariant: it lies in the zone");
    }
    for owner in &owners[..endpoints] {
        zone.protect(RRsetKey::new(owner.clone(), RecordType::A), 1);
    }
    let generation = Generation::new(u64::from(number));
    let parent = ParentGeneration::recorded(Generation::new(u64::from(number) - 1));
    let provenance = Provenance::new("explorer", Timestamp::from_millis(0), format!("number {number}"));
    Plan::granted(OfferedGeneration::granted(generation), parent, Proposal { zone, provenance })
}

impl Store {
    pub(super) const EMPTY: Self = Self { lines: [0; 2], granted: 0, is_second: false };

    /// The newest generation; 0 where there is none.
    pub(super) fn head(self) -> u8 {
        highest(self.lines[0] | self.lines[1])
    }

    pub(super) fn head_generation(self) -> Generation {
        Generation::new(u64::from(self.head()))
    }

    /// The plan of a generation, where the store has it.
    pub(super) fn get(self, plans: &Plans, number: u8) -> Option<PlanId> {
        let line = (0..2).find(|line| self.lines[*line] >> number & 1 == 1)?;
        (number > 0).then(|| plans.id(line, number))
    }

    /// The owner names that the plans above `after` changed, up to `upto`: `PlanStore::touched`.
    pub(super) fn touched(self, plans: &Plans, after: u8, upto: u8) -> Option<BTreeSet<OwnerName>> {
        let mut owners = BTreeSet::new();
        let mut at = upto;
        while at > after {
            let zone = plans.get(self.get(plans, at)?).zone();
            at = highest((self.lines[0] | self.lines[1]) & ((1 << at) - 1));
            let parent = self.get(plans, at).map(|id| plans.get(id).zone());
            let empty = Zone::empty(zone.origin().clone());
            let diff = parent.unwrap_or(&empty).diff(zone);
            owners.extend(diff.nodes.into_iter().map(|change| change.owner));
        }
        (at == after).then_some(owners)
    }

    /// The store after another append, where its number does not pass `most`; the second line goes one further, so that
    /// it can always get above the first. `heeds` is whether it stays clear of what was seen at the target.
    pub(super) fn appended(mut self, most: u8, heeds: bool) -> Option<Self> {
        let number = 1 + if heeds { self.head().max(self.granted) } else { self.head() };
        (number <= most + u8::from(self.is_second)).then_some(())?;
        self.lines[usize::from(self.is_second)] |= 1 << number;
        self.granted = self.granted.max(number);
        Some(self)
    }

    /// The store after it was told that the target knows `seen`.
    pub(super) fn told(mut self, seen: u8) -> Self {
        self.granted = self.granted.max(seen);
        self
    }

    /// The store after it was put back to before its newest plan, once.
    pub(super) fn put_back(mut self) -> Option<Self> {
        let head = self.head();
        (head > 0 && !self.is_second).then_some(())?;
        self.lines[0] &= !(1 << head);
        self.granted = self.head();
        self.is_second = true;
        Some(self)
    }

    /// Whether `self` may have been the store at some time between `from` and `to`, where `to` came later.
    pub(super) fn is_between(self, from: Self, to: Self) -> bool {
        let within = from.head() <= self.head() && self.head() <= to.head();
        let same_line = from.is_second == to.is_second && self.is_second == to.is_second;
        self == from || self == to || (same_line && !self.is_second && within)
    }
}

/// The place of the highest bit; bit 0 stands for nothing.
fn highest(bits: u8) -> u8 {
    u8::try_from(bits.checked_ilog2().unwrap_or(0)).expect("invariant: eight bits")
}
