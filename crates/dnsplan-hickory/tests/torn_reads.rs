//! G4: readers flat out during ten thousand flips see whole generations only, never nothing, never an older one.

// Helpers are tests too, as clippy sees it.
#![cfg(test)]

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use dnsplan_enactor::{Rider, Target};
use dnsplan_fence::{Generation, Move, Register};
use dnsplan_hickory::{Handler, HickoryTarget, NoJournal, SplitMix64};
use dnsplan_plan::{OwnerName, Plan, RData, RRset, RRsetKey, RecordType, TargetId, Ttl, Zone, rdata};
use hickory_proto::rr::rdata::{CNAME, MX, TXT};
use hickory_proto::rr::{Name, Record};

use common::{PATIENCE, Running, client, exchange, now, permit, plan, publish, question};

mod common;

const FLIPS: u64 = 10_000;
/// Each reader has to meet this many generations, so that reads and flips overlapped for certain.
const MEETINGS: u64 = 200;
const ADDRESSES: u8 = 8;

/// Each with the number of records that bear the mark of its generation.
const QUESTIONS: [(&str, RecordType, usize); 7] = [
    ("api.example.", RecordType::A, ADDRESSES as usize),
    ("api.example.", RecordType::TXT, 1),
    ("www.example.", RecordType::A, 2),
    ("example.", RecordType::MX, 2),
    ("x.wild.example.", RecordType::TXT, 1),
    ("nope.example.", RecordType::A, 1),
    ("example.", RecordType::SOA, 1),
];

fn address(first: u8, generation: u64) -> RData {
    let [_, a, b, c] = u32::try_from(generation).unwrap().to_be_bytes();
    RData::A(Ipv4Addr::new(first, a, b, c).into())
}

/// What is the same in every generation.
fn frame() -> Zone {
    let origin: OwnerName = "example.".parse().unwrap();
    let mut zone = Zone::empty(origin.clone());
    for (kind, text) in [("SOA", "ns ops 0 300 60 86400 30"), ("NS", "ns.other.")] {
        let data = rdata(kind, text, &origin).unwrap();
        zone.set_rrset(origin.clone(), RRset::simple(Ttl::new(60).unwrap(), [data]).unwrap()).unwrap();
    }
    zone
}

/// The content of a generation, made of that of the one before: every name bears its mark.
fn content(zone: &mut Zone, generation: u64) {
    let host = |generation: u64| -> OwnerName { format!("host-{generation}.example.").parse().unwrap() };
    let mut put = |owner: OwnerName, data: Vec<RData>| {
        zone.set_rrset(owner, RRset::simple(Ttl::new(60).unwrap(), data).unwrap()).unwrap();
    };
    let name = |text: &str| -> OwnerName { text.parse().unwrap() };
    let text = || vec![RData::TXT(TXT::new(vec![format!("g-{generation}")]))];
    put(name("example."), vec![RData::MX(MX::new(10, host(generation).to_name()))]);
    put(name("api.example."), (1..=ADDRESSES).map(|first| address(first, generation)).collect());
    put(name("api.example."), text());
    put(name("www.example."), vec![RData::CNAME(CNAME(host(generation).to_name()))]);
    put(host(generation), vec![address(9, generation)]);
    put(name("*.wild.example."), text());
    zone.clear(&host(generation - 1));
}

/// The generation that a record bears.
fn mark(record: &Record) -> u64 {
    let last_number = |text: &str| {
        let digits = text.split('.').next().unwrap().rsplit('-').next().unwrap();
        digits.trim_matches('"').parse().unwrap_or_else(|_| panic!("{text:?} bears a number"))
    };
    match &record.data {
        RData::A(address) => {
            let [_, a, b, c] = address.0.octets();
            u32::from_be_bytes([0, a, b, c]).into()
        }
        RData::SOA(soa) => soa.serial.into(),
        RData::CNAME(name) => last_number(&name.0.to_string()),
        RData::MX(mx) => last_number(&mx.exchange.to_string()),
        RData::TXT(txt) => last_number(std::str::from_utf8(&txt.txt_data[0]).unwrap()),
        other => panic!("{other:?} bears no mark"),
    }
}

/// What the readers and the writer know of each other: one reader of snapshots, two over UDP.
struct Course {
    target: HickoryTarget,
    over: AtomicBool,
    met: [AtomicU64; 3],
}

impl Course {
    /// Reads until the flips are over: `ask` gets a question and returns all records of the answer.
    fn read(&self, reader: usize, mut ask: impl FnMut(&str, RecordType) -> Vec<Record>) {
        let mut newest = 0;
        let mut questions = QUESTIONS.iter().cycle();
        while !self.over.load(Ordering::Relaxed) {
            let (name, qtype, count) = questions.next().unwrap();
            let records = ask(name, *qtype);
            assert_eq!(records.len(), *count, "{name} {qtype} is not whole: {records:?}");
            let marks: BTreeSet<u64> = records.iter().map(mark).collect();
            assert_eq!(marks.len(), 1, "{name} {qtype} mixes generations: {records:?}");
            let generation = *marks.first().unwrap();
            assert!(generation >= newest, "{name} {qtype} went back from {newest} to {generation}");
            if generation > newest {
                self.met[reader].fetch_add(1, Ordering::Relaxed);
            }
            newest = generation;
        }
    }

    fn everybody_met_enough(&self) -> bool {
        self.met.iter().all(|met| met.load(Ordering::Relaxed) >= MEETINGS)
    }

    /// Raises the floor to the live plan and reaps what it leaves behind, as an enactor does.
    fn clean_up(&self, plan: &Arc<Plan>) {
        let target = &self.target;
        let raise = permit(target, plan, Move::RaiseFloor(plan.generation()));
        let _ = now(target.swap(raise, Rider::Nothing)).unwrap();
        for tree in now(target.audit(plan, &BTreeSet::new())).unwrap().trees {
            if tree.generation < plan.generation() {
                let reap = permit(target, plan, Move::Reap(tree.generation));
                let _ = now(target.swap(reap, Rider::Reap { tree })).unwrap();
            }
        }
    }

    fn flip(&self) -> u64 {
        let mut zone = frame();
        zone.protect(RRsetKey::new("api.example.".parse().unwrap(), RecordType::A), 1);
        let begun = Instant::now();
        for generation in 1.. {
            content(&mut zone, generation);
            let plan = plan(generation, zone.clone());
            publish(&self.target, &plan);
            if generation % 100 == 0 {
                self.clean_up(&plan);
            }
            let enough = generation >= FLIPS && self.everybody_met_enough();
            if enough || begun.elapsed() > 6 * PATIENCE {
                return generation;
            }
        }
        unreachable!("the generations do not end")
    }
}

#[test]
fn g4_torn_reads_flat_out() {
    let target = HickoryTarget::new(TargetId::new("torn"), "example.".parse().unwrap(), NoJournal);
    let server = Running::start(Handler::new([target.clone()]).unwrap());
    let course = Course { target, over: AtomicBool::new(false), met: [const { AtomicU64::new(0) }; 3] };
    let chooser = SplitMix64::seeded(1);

    let flips = std::thread::scope(|scope| {
        let (course, chooser, server) = (&course, &chooser, &server);
        let flipper = scope.spawn(|| course.flip());
        while course.target.snapshot().is_none() {
            std::thread::yield_now();
        }
        scope.spawn(move || {
            course.read(0, |name, qtype| {
                let live = course.target.snapshot().expect("never nothing");
                let answer = live.value().lookup(&Name::from_ascii(name).unwrap(), qtype, chooser);
                [answer.answers, answer.authorities, answer.glue, answer.extras].concat()
            });
        });
        for reader in 1..3 {
            scope.spawn(move || {
                let socket = client(server.address);
                course.read(reader, |name, qtype| {
                    let response = exchange(&socket, &question(name, qtype));
                    assert!(!response.metadata.truncation, "{response}");
                    [response.answers, response.authorities, response.additionals].concat()
                });
            });
        }
        // However it ends: a flipper that failed must not leave the readers running.
        let flips = flipper.join();
        course.over.store(true, Ordering::Relaxed);
        flips.unwrap()
    });

    let met = course.met.map(AtomicU64::into_inner);
    println!("{flips} flips; generations met by each reader: {met:?}");
    assert!(flips >= FLIPS);
    assert!(met.iter().all(|met| *met >= MEETINGS), "reads and flips did not overlap: {met:?}");
    assert_eq!(course.target.snapshot().unwrap().generation(), Generation::new(flips));
}
