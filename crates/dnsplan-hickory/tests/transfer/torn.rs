//! Transfers while plans become live a thousand times a second: each is of one generation.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use dnsplan_hickory::Transfers;
use dnsplan_plan::{RData, Zone};
use hickory_proto::rr::Record;

use crate::wire::{Connection, HOME, Transfer, axfr, ixfr, serial_of};
use crate::{Served, ZONE, hosts, local, put};

/// So many names make several messages, and every so many of them bear the mark of their generation.
const NAMES: usize = 3_000;
const EVERY: usize = 300;
const MARKS: usize = NAMES / EVERY;
const FLIPS: u64 = 3_000;
/// Transfers have to meet this many generations, so that they and flips overlapped for certain.
const MEETINGS: usize = 30;

fn mark(zone: &mut Zone, generation: u64) {
    for number in (0..NAMES).step_by(EVERY) {
        put(zone, &format!("host-{number}"), "TXT", &[&format!("{generation}")]);
    }
}

/// The generation of all records of a whole zone, or what is wrong with them.
fn generation(records: &[Record]) -> Result<u64, String> {
    let mut found = BTreeSet::new();
    let mut count = 0;
    for record in records {
        match &record.data {
            RData::TXT(text) => {
                count += 1;
                found.insert(text.to_string().trim_matches('"').parse::<u64>().unwrap());
            }
            _ => found.extend(serial_of(record).map(u64::from)),
        }
    }
    match (found.len(), count) {
        (1, MARKS) => Ok(*found.first().unwrap()),
        _ => Err(format!("{count} marks of the generations {found:?}")),
    }
}

/// Makes the next generation live.
fn flip(served: &Served, zone: &mut Zone, generation: u64) {
    mark(zone, generation);
    served.publish(generation, zone);
}

fn whole(served: &Served) -> Transfer {
    let mut connection = Connection::narrow(served.address(), HOME, Some(4_096));
    connection.send(&axfr(ZONE));
    connection.collect(None).unwrap()
}

/// Ends the flips, however the reader ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn g4_transfers_amid_flips_are_of_one_generation() {
    let served = Served::new(Transfers { history: 4, ..local() });
    let mut zone = hosts(NAMES);
    flip(&served, &mut zone, 1);
    let enough = AtomicBool::new(false);
    let (served, enough, zone) = (&served, &enough, &mut zone);
    std::thread::scope(|scope| {
        let flipper = scope.spawn(|| {
            let mut at = 1;
            while !enough.load(Ordering::Relaxed) || at < FLIPS {
                at += 1;
                flip(served, zone, at);
            }
            at
        });
        let over = Over(enough);
        let mut met: BTreeSet<u64> = BTreeSet::new();
        while met.len() < MEETINGS {
            let transfer = whole(served);
            assert!(transfer.sizes.len() > 2, "it takes several messages");
            let generation = generation(&transfer.records).unwrap();
            assert!(met.last().is_none_or(|last| *last <= generation), "it went back to {generation}");
            met.insert(generation);
        }
        drop(over);
        assert!(flipper.join().unwrap() >= FLIPS);
    });
}

/// The check itself: two transfers with a flip in between, spliced, are found out.
#[test]
fn a_transfer_of_two_generations_would_be_noticed() {
    let served = Served::new(local());
    let mut zone = hosts(NAMES);
    flip(&served, &mut zone, 1);
    let before = whole(&served).records;
    flip(&served, &mut zone, 2);
    let after = whole(&served).records;
    assert_eq!((generation(&before), generation(&after)), (Ok(1), Ok(2)));
    let half = before.len() / 2;
    let spliced = [&before[..half], &after[half..]].concat();
    assert!(generation(&spliced).unwrap_err().contains("{1, 2}"));
    assert!(generation(&before[..half]).is_err());
    // And a difference is known by its two serials.
    let mut connection = Connection::open(served.address(), HOME);
    connection.send(&ixfr(ZONE, 1));
    assert_eq!(connection.collect(None).unwrap().serials(), [2, 1, 2, 2]);
}
