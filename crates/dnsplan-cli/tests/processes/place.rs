//! A hosted zone, the store that plans for it are in, and what clients ask.

use std::time::{Duration, Instant};

use dnsplan::enactor::{Clock, Nonces};
use dnsplan::planner::{Context, Health, Intent};
use dnsplan::store::EmbeddedStore;
use dnsplan::{RandomNonces, SystemClock, publish};
use dnsplan_route53_fake::{Operation, Options};
use tokio::runtime::Runtime;

use super::crew::Workplace;
use crate::harness::{Cell, Daemon, Hosted};

/// What readers ask for: a protected endpoint whose members are weighted, and a record.
pub(super) const ASKED: [&str; 2] = ["api.example.org.", "web.example.org."];

/// No wait for a single thing takes longer, on the slowest of machines.
const DEADLINE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(5);

/// A store.
pub(super) struct Plans {
    store: EmbeddedStore,
    runtime: Runtime,
}

/// A hosted zone, and a store.
pub(super) struct Place {
    pub(super) hosted: Hosted,
    layout: &'static str,
    plans: Plans,
}

impl Plans {
    /// Those that the processes in a directory enact.
    pub(super) fn of(cell: &Cell) -> Self {
        let data = cell.path("data");
        std::fs::create_dir_all(&data).unwrap();
        let store = EmbeddedStore::open(data.join("plans.sqlite")).unwrap();
        Self { store, runtime: Runtime::new().unwrap() }
    }

    /// Appends a plan whose addresses have `mark` in them, and returns its generation.
    pub(super) fn publish(&self, mark: u16) -> u64 {
        let intent = Intent::parse(&spec(mark)).unwrap();
        let zone = intent.zones().next().unwrap();
        let context = Context::new("race", SystemClock.now(), format!("mark {mark}"));
        let health = Health::from_spec();
        let plan = publish(&self.store, zone, &health, &context, RandomNonces.next());
        let published = self.runtime.block_on(plan).unwrap();
        assert!(published.is_new, "{published:?}");
        published.plan.generation().get()
    }

    pub(super) const fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

impl Place {
    pub(super) fn new(layout: &'static str, options: Options) -> Self {
        let hosted = Hosted::with(options);
        let plans = Plans::of(&hosted.cell);
        Self { hosted, layout, plans }
    }

    /// Appends a plan, and returns its generation.
    pub(super) fn publish(&self, mark: u16) -> u64 {
        self.plans.publish(mark)
    }

    /// Waits until so many calls are held.
    pub(super) fn until_held(&self, calls: usize) {
        let held = self.hosted.fake.until_held(calls);
        let held = self.plans.runtime.block_on(async { tokio::time::timeout(DEADLINE, held).await });
        held.expect("calls that are held");
    }
}

impl Workplace for Place {
    fn enactor(&self) -> Daemon {
        let target = &self.hosted.target;
        let pace = ["--poll", "0.05", "--takeover", "0.5", "--audit-every", "2"];
        self.hosted.start(&[&["enactor", "--target", target, "--layout", self.layout], &pace[..]].concat())
    }

    fn calls(&self) -> u64 {
        let counters = self.hosted.fake.counters();
        let all = [
            Operation::ChangeResourceRecordSets,
            Operation::ListResourceRecordSets,
            Operation::GetChange,
            Operation::GetHostedZone,
        ];
        all.into_iter().map(|operation| counters.calls(operation)).sum()
    }
}

/// Looks until something holds. Whoever looks may do something meanwhile.
#[track_caller]
pub(super) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for {what}");
        std::thread::sleep(LOOK);
    }
}

/// A spec with `mark` in every address that is asked for, and a name that comes and goes: every third plan has the same one.
fn spec(mark: u16) -> String {
    let [high, low] = mark.to_be_bytes();
    let turn = mark % 3;
    format!(
        r#"
[zone."example.org."]
ns = ["ns1"]
ttl = 5

[guards]
max_removal = {{ share = 1.0, count = 9 }}

[pool.blue]
members = [
  {{ id = "blue-1", ipv4 = "10.1.{high}.{low}", weight = 3 }},
  {{ id = "blue-2", ipv4 = "10.2.{high}.{low}" }},
]

[[endpoint]]
name = "api"
pools = {{ blue = 1 }}

[[record]]
name = "ns1"
type = "A"
data = "192.0.2.53"

[[record]]
name = "web"
type = "A"
data = "10.0.{high}.{low}"

[[record]]
name = "turn-{turn}"
type = "A"
data = "10.3.0.{turn}"
"#
    )
}

/// The mark in an address.
pub(super) fn mark(address: &str) -> u16 {
    let octets: std::net::Ipv4Addr = address.parse().unwrap();
    let [_, _, high, low] = octets.octets();
    u16::from_be_bytes([high, low])
}
