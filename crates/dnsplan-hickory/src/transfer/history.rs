//! Versions of a zone: what a transfer is made from, and the last few, which differences are made from.
//!
//! Versions share what they have in common, and none of them pins a tree: what is reaped stays reaped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use dnsplan_fence::Generation;
use dnsplan_plan::Zone;
use hickory_proto::rr::Record;

use crate::served::{Served, serial};

/// One generation of a zone, complete.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) generation: Generation,
    /// The SOA of the apex, with its serial.
    pub(crate) soa: Record,
    pub(crate) zone: Zone,
}

impl Version {
    /// What is served. `None` without an SOA: that is no zone that anybody could follow.
    pub(crate) fn of(served: &Served) -> Option<Self> {
        let soa = served.soa()?.clone();
        Some(Self { generation: served.generation(), soa, zone: served.zone().clone() })
    }

    pub(crate) fn serial(&self) -> u32 {
        serial(self.generation)
    }
}

/// The newest versions of one zone.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// How many, the live one included. 0: none is kept.
    most: usize,
    versions: BTreeMap<Generation, Arc<Version>>,
}

impl History {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("invariant: nothing panics while the history is locked")
    }

    /// From now on keeps `earlier` versions beside the live one, unless more are kept already.
    pub(crate) fn keep(&self, earlier: usize, live: Option<&Served>) {
        let mut kept = self.lock();
        kept.most = kept.most.max(earlier.saturating_add(1));
        kept.add(live);
    }

    /// Writes down what has become live.
    pub(crate) fn add(&self, live: &Served) {
        self.lock().add(Some(live));
    }

    /// The version of that serial.
    pub(crate) fn find(&self, serial: u32) -> Option<Arc<Version>> {
        self.lock().versions.values().rev().find(|version| version.serial() == serial).cloned()
    }
}

impl Kept {
    /// Writers may come out of order, so the newest are kept and not the last to come.
    fn add(&mut self, live: Option<&Served>) {
        if self.most == 0 {
            return;
        }
        if let Some(version) = live.and_then(Version::of) {
            self.versions.insert(version.generation, Arc::new(version));
        }
        while self.versions.len() > self.most {
            self.versions.pop_first();
        }
    }
}
