//! Everything that is there, and the things that happen to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use dnsplan_leadership::{Demand, Epoch, HandoffId, Position, Scope, Seen};

use super::node::Node;
use super::outcome::Weak;
use super::register::Shelf;
use super::storage::Storage;
use crate::exec::Core;
use crate::log::Log;
use crate::schedule::Schedule;
use crate::wire::{Net, Peer, Wire};

/// The two nodes, as numbers.
pub(super) const A: usize = 0;
pub(super) const B: usize = 1;
/// The first coordinator and the first client, as actors; nodes are actors 0 and 1.
pub(super) const COORDINATORS: std::ops::Range<u32> = 2..4;
pub(super) const CLIENTS: std::ops::Range<u32> = 4..7;

/// Names of those who make no calls.
pub(super) const RECORD: &str = "record";
pub(super) const STORAGE: &str = "storage";
pub(super) const ENDPOINT: &str = "endpoint";
pub(super) const PROVIDER: &str = "provider";
pub(super) const MONITOR: &str = "monitor";
pub(super) const STORY: &str = "story";
pub(super) const VERDICT: &str = "verdict";

/// The order in which everybody is shown.
pub(super) const LANES: [&str; 14] = [
    PROVIDER,
    "coordinator-1",
    "coordinator-2",
    RECORD,
    STORAGE,
    "a",
    "b",
    ENDPOINT,
    "client-1",
    "client-2",
    "client-3",
    MONITOR,
    STORY,
    VERDICT,
];

/// What the endpoint's name leads to.
#[derive(Default)]
pub(super) struct Endpoint {
    /// The newest epoch that it was published for.
    pub(super) epoch: Option<Epoch>,
    /// Where it leads now, whoever has moved it.
    pub(super) node: usize,
}

/// What clients were told.
#[derive(Default)]
pub(super) struct Book {
    /// Each acknowledged write's position, who was told, and when; in the order in which they were told.
    pub(super) order: Vec<(Position, u32, u64)>,
}

/// What the provider wants.
#[derive(Default)]
pub(super) struct Wishes {
    /// The hand-off that it has asked for last.
    pub(super) demand: Option<Demand>,
    /// Those that it asked for to undo another one.
    pub(super) reversals: BTreeSet<HandoffId>,
    /// Which nodes it lets nobody promote.
    pub(super) unfit: [bool; 2],
}

/// Everything that is there.
pub(super) struct World {
    pub(super) core: Core,
    pub(super) log: Log,
    pub(super) net: Arc<Net>,
    pub(super) scope: Scope,
    pub(super) nodes: [Node; 2],
    pub(super) without: BTreeSet<Weak>,
    lanes: BTreeMap<&'static str, Arc<str>>,
    shelf: Mutex<Shelf>,
    storage: Mutex<Storage>,
    endpoint: Mutex<Endpoint>,
    book: Mutex<Book>,
    wishes: Mutex<Wishes>,
    numbers: AtomicU64,
}

impl World {
    pub(super) fn new(schedule: Schedule, without: BTreeSet<Weak>, is_kept: bool) -> Self {
        let core = Core::default();
        let log = Log::new(&core, is_kept);
        let lanes: BTreeMap<&str, Arc<str>> = LANES.into_iter().map(|name| (name, name.into())).collect();
        let actors = ["a", "b", "coordinator-1", "coordinator-2", "client-1", "client-2", "client-3"];
        let names: Vec<Arc<str>> = actors.iter().map(|name| Arc::clone(&lanes[name])).collect();
        Self {
            net: Arc::new(Net::new(&core, &log, schedule, &names)),
            core,
            log,
            scope: Scope::new("orders").expect("invariant: a valid name"),
            nodes: ["a", "b"].map(Node::new),
            without,
            lanes,
            shelf: Mutex::default(),
            storage: Mutex::default(),
            endpoint: Mutex::default(),
            book: Mutex::default(),
            wishes: Mutex::default(),
            numbers: AtomicU64::new(1),
        }
    }

    pub(super) fn is_without(&self, weak: Weak) -> bool {
        self.without.contains(&weak)
    }

    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        locked(&self.shelf)
    }

    pub(super) fn storage(&self) -> MutexGuard<'_, Storage> {
        locked(&self.storage)
    }

    pub(super) fn endpoint(&self) -> MutexGuard<'_, Endpoint> {
        locked(&self.endpoint)
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        locked(&self.book)
    }

    pub(super) fn wishes(&self) -> MutexGuard<'_, Wishes> {
        locked(&self.wishes)
    }

    /// One end of a wire.
    pub(super) fn wire(&self, actor: u32, peer: Peer) -> Wire {
        Wire { net: Arc::clone(&self.net), actor, peer }
    }

    /// A number that nobody else gets.
    pub(super) fn number(&self) -> u128 {
        self.numbers.fetch_add(1, Ordering::Relaxed).into()
    }

    /// The record, past every wire: for those who watch, and for the provider's people.
    pub(super) fn seen(&self) -> Option<Seen> {
        let record = self.shelf().record.clone()?;
        Seen::of(&dnsplan_fence::Observed::Record(record))
    }

    /// A line of the timeline.
    pub(super) fn say(
        &self,
        lane: &'static str,
        kind: &'static str,
        epoch: Option<Epoch>,
        text: impl FnOnce() -> String,
    ) {
        self.log.say(&self.lanes[lane], kind, epoch.map(Into::into), text);
    }

    /// Asks for a hand-off of what is in force now; false where nothing is, or a hand-off is under way.
    pub(super) fn demand(&self, successor: usize, is_reversal: bool) -> bool {
        let Some(seen) = self.seen() else { return false };
        let id = HandoffId::new(self.number());
        let demand = seen.demand(self.nodes[successor].node.clone(), id);
        let is_open = seen.term().intent().is_none();
        let is_new = seen.term().holder().is_some_and(|holder| holder.node != self.nodes[successor].node);
        if !is_open || !is_new {
            return false;
        }
        let mut wishes = self.wishes();
        wishes.demand = demand;
        if is_reversal {
            wishes.reversals.insert(id);
        }
        true
    }

    /// Publishes the endpoint for an epoch; refused where it was published for a later one.
    pub(super) fn publish(&self, epoch: Epoch, node: usize) -> bool {
        let mut endpoint = self.endpoint();
        if endpoint.epoch > Some(epoch) {
            return false;
        }
        if (endpoint.epoch, endpoint.node) != (Some(epoch), node) {
            (endpoint.epoch, endpoint.node) = (Some(epoch), node);
            drop(endpoint);
            let name = &self.nodes[node].name;
            self.say(ENDPOINT, "published", Some(epoch), || format!("leads to {name}, for epoch {epoch}"));
        }
        true
    }

    /// Which node a holder's is.
    pub(super) fn index(&self, node: &dnsplan_leadership::Node) -> usize {
        usize::from(self.nodes[B].node == *node)
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("invariant: nothing panics while it is locked")
}
