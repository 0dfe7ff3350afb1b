//! How many calls Route 53 gets for one new plan, counted by the fake that receives them, beside the least that the layout can do with.
//!
//! `cargo xtask route53-calls` runs it; it fails where more than 1.1 times the least were made, or a batch was over a limit.
//!
//! The least, for M changed owner names with one address each in a zone of N:
//!
//! | layout | calls |
//! |---|---|
//! | in place | one read of the fence, and batches of 998 elements beside the fence; an update costs 2, a creation 1 |
//! | tree | one read; the whole zone staged, a creation each; the record that it has arrived; all pointers, 2 each, or 1 where new; the record that they have arrived; the floor; the tree before deleted, 1 each |
//!
//! Polls with `GetChange` come on top, one or more for every batch of a tree.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::Arc;

use aws_sdk_route53::Client;
use aws_sdk_route53::config::{BehaviorVersion, Credentials, Region};
use comfy_table::Table;
use dnsplan::enactor::conformance::{CountedNonces, VirtualClock};
use dnsplan::enactor::{Config, Enactor, Layout, Nonces, Rest};
use dnsplan::fence::{Actor, ParentGeneration};
use dnsplan::plan::{
    MemoryStore, OwnerName, PlanStore, Proposal, Provenance, RData, RRset, TargetId, Timestamp, Ttl, Zone,
    rdata,
};
use dnsplan::route53::{Pace, Rate, Route53Target, Settings};
use dnsplan_route53_fake::{Fake, Limits, Operation, Options};

type Error = Box<dyn std::error::Error>;

const SIZES: [u32; 3] = [100, 1_000, 10_000];
const CHANGES: [u32; 6] = [0, 1, 10, 100, 1_000, 10_000];
/// What a batch may hold beside the fence.
const ROOM: u32 = 998;
/// Days, so that no scheduled audit comes in between.
const NEVER: std::time::Duration = std::time::Duration::from_secs(1_000_000);

/// What is changed of a zone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Updates,
    Creations,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Updates => "update",
            Self::Creations => "create",
        }
    }
}

/// One row of the table.
struct Row {
    layout: Layout,
    size: u32,
    kind: Kind,
    changes: u32,
    calls: u64,
    polls: u64,
    least: u64,
    elements: usize,
    characters: usize,
}

impl Row {
    fn is_good(&self) -> bool {
        self.calls * 10 <= self.least * 11 && self.elements <= 1_000 && self.characters <= 32_000
    }
}

/// A zone at a fake, and an enactor that has put it in place.
struct Bed {
    fake: Fake,
    store: Arc<MemoryStore>,
    nonces: Arc<CountedNonces>,
    enactor: Enactor<MemoryStore, Route53Target, VirtualClock, CountedNonces>,
}

fn origin() -> Result<OwnerName, Error> {
    Ok("bench.example.".parse()?)
}

/// `size` hosts with an address each: of the first `changed` another one.
fn zone(size: u32, changed: u32) -> Result<Zone, Error> {
    let origin = origin()?;
    let mut zone = Zone::empty(origin.clone());
    let ttl = Ttl::new(60).ok_or("a TTL")?;
    for (record_type, text) in [("SOA", "ns1 hostmaster 0 300 60 86400 30"), ("NS", "ns.example.net.")] {
        zone.set_rrset(origin.clone(), RRset::simple(ttl, [rdata(record_type, text, &origin)?])?)?;
    }
    for host in 0..size {
        let address = Ipv4Addr::from(0x0a00_0000 + host + if host < changed { 0x0100_0000 } else { 0 });
        let rrset = RRset::simple(ttl, [RData::A(address.into())])?;
        zone.set_rrset(OwnerName::relative(&format!("h{host:05}"), &origin)?, rrset)?;
    }
    Ok(zone)
}

fn client(fake: &Fake) -> Client {
    let config = aws_sdk_route53::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(fake.endpoint_url())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new("AK", "SK", None, None, "bench"))
        .region(Region::new("us-east-1"))
        .build();
    Client::from_conf(config)
}

impl Bed {
    async fn new(layout: Layout, size: u32) -> Result<Self, Error> {
        let limits = Limits { record_sets_per_zone: 1_000_000, ..Limits::default() };
        let fake = Fake::start(Options { limits, ..Options::default() }).await?;
        let origin = origin()?;
        let zone_id = fake.create_zone(&origin.to_string());
        let many = Rate { burst: NonZeroU32::MAX, per_second: NonZeroU32::MAX };
        let settings = Settings { layout, pace: Pace { requests: many, changes: many } };
        let id = TargetId::new("route53:bench");
        let target = Arc::new(Route53Target::open(client(&fake), &zone_id, &origin, id, &settings).await?);
        let (store, nonces) = (Arc::new(MemoryStore::new()), Arc::new(CountedNonces::default()));
        let config = Config { audit_every: NEVER, ..Config::default() };
        let (clock, me) = (Arc::new(VirtualClock::default()), Actor::new("bench")?);
        let enactor =
            Enactor::new(Arc::clone(&store), target, clock, Arc::clone(&nonces), me).with_config(config);
        let mut bed = Self { fake, store, nonces, enactor };
        bed.publish(zone(size, 0)?).await?;
        bed.settle().await?;
        Ok(bed)
    }

    async fn publish(&self, zone: Zone) -> Result<(), Error> {
        let head = self.store.head(zone.origin()).await?;
        let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
        let provenance = Provenance::new("bench", Timestamp::from_millis(0), "calls");
        self.store.append(parent, Proposal { zone, provenance }, self.nonces.next()).await?;
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Error> {
        for _ in 0..100 {
            if matches!(self.enactor.pass().await?, Rest::Live(_)) {
                return Ok(());
            }
        }
        Err("the plan does not become live".into())
    }

    async fn measure(&mut self, layout: Layout, size: u32, kind: Kind, changes: u32) -> Result<Row, Error> {
        if changes > 0 {
            self.publish(match kind {
                Kind::Updates => zone(size, changes)?,
                Kind::Creations => zone(size + changes, 0)?,
            })
            .await?;
        }
        self.fake.reset_counters();
        self.settle().await?;
        let counters = self.fake.counters();
        let calls = counters.calls(Operation::ChangeResourceRecordSets)
            + counters.calls(Operation::ListResourceRecordSets);
        let largest = counters.largest;
        Ok(Row {
            layout,
            size,
            kind,
            changes,
            calls,
            polls: counters.calls(Operation::GetChange),
            least: least(layout, size, kind, changes),
            elements: largest.elements,
            characters: largest.characters,
        })
    }
}

/// The least that the layout can do with; see the head of this file.
fn least(layout: Layout, size: u32, kind: Kind, changes: u32) -> u64 {
    if changes == 0 {
        return 1;
    }
    let batches = |elements: u32| u64::from(elements.div_ceil(ROOM));
    let created = if kind == Kind::Creations { changes } else { 0 };
    match layout {
        Layout::Tree => batches(size + created) + batches(2 * size + created) + batches(size) + 4,
        Layout::InPlace | Layout::Whole => 1 + batches(2 * (changes - created) + created),
    }
}

async fn rows() -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for layout in [Layout::InPlace, Layout::Tree] {
        for size in SIZES {
            for kind in [Kind::Updates, Kind::Creations] {
                for changes in CHANGES {
                    let is_known = changes == 0 && kind == Kind::Creations;
                    if is_known || kind == Kind::Updates && changes > size {
                        continue;
                    }
                    let mut bed = Bed::new(layout, size).await?;
                    rows.push(bed.measure(layout, size, kind, changes).await?);
                }
            }
        }
    }
    Ok(rows)
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header([
        "layout",
        "zone",
        "M",
        "what",
        "calls",
        "least",
        "ratio",
        "polls",
        "elements",
        "characters",
        "",
    ]);
    for row in rows {
        let ratio = row.calls as f64 / row.least as f64;
        table.add_row([
            if row.layout == Layout::Tree { "tree" } else { "in place" }.to_owned(),
            row.size.to_string(),
            row.changes.to_string(),
            if row.changes == 0 { "nothing" } else { row.kind.name() }.to_owned(),
            row.calls.to_string(),
            row.least.to_string(),
            format!("{ratio:.2}"),
            row.polls.to_string(),
            row.elements.to_string(),
            row.characters.to_string(),
            if row.is_good() { "" } else { "OVER" }.to_owned(),
        ]);
    }
    table
}

#[tokio::main]
async fn main() -> Result<ExitCode, Error> {
    let rows = rows().await?;
    println!("{}", table(&rows));
    let over = rows.iter().filter(|row| !row.is_good()).count();
    if over == 0 {
        println!("never more than 1.1 times the least, and no batch over a limit");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{over} rows are over: more than 1.1 times the least, or a batch over a limit");
    Ok(ExitCode::FAILURE)
}
