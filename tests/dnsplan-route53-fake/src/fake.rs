//! The handle that tests hold.

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::change::Limits;
use crate::edge::{Pending, Propagation};
use crate::fault::Rule;
use crate::http::{Shared, serve};
use crate::line::Lines;
use crate::log::{Counters, Outcome, Received};
use crate::name::Name;
use crate::record::{Key, RecordSet};
use crate::refusal::Refusal;
use crate::resolve::{Answer, resolve};
use crate::world::{Snapshot, World};

/// How a fake is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The seed of all that is random.
    pub seed: u64,
    /// The quotas.
    pub limits: Limits,
    /// How many edges there are.
    pub edges: usize,
    /// How batches get to the edges.
    pub propagation: Propagation,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 0, limits: Limits::default(), edges: 4, propagation: Propagation::Immediate }
    }
}

/// A running fake. Clones are handles to the same one; it stops with the last of them.
///
/// Zones are named by their id, with or without `/hostedzone/` before it. Methods that take one panic where there is no such
/// zone, or a name is none: that is a mistake in the test.
#[derive(Clone, Debug)]
pub struct Fake {
    shared: Arc<Shared>,
    server: Arc<Server>,
}

#[derive(Debug)]
struct Server {
    endpoint: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Fake {
    /// Starts a fake on a loopback port that the system chooses, in the runtime of the caller.
    ///
    /// # Errors
    /// What the system says where it has no port.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let Options { seed, limits, edges, propagation } = options;
        let shared = Arc::new(Shared::new(World::new(seed, limits, edges, propagation)));
        let mut tasks = vec![tokio::spawn(serve(Lines(listener), Arc::clone(&shared)))];
        if let Propagation::Ticking(interval) = propagation {
            let shared = Arc::clone(&shared);
            tasks.push(tokio::spawn(async move {
                loop {
                    tokio::time::sleep(interval).await;
                    shared.world().propagate_one();
                }
            }));
        }
        Ok(Self { shared, server: Arc::new(Server { endpoint, tasks }) })
    }

    /// The address for the SDK's `endpoint_url`, as in `http://127.0.0.1:41123`.
    #[must_use]
    pub fn endpoint_url(&self) -> &str {
        &self.server.endpoint
    }

    /// Creates a hosted zone, with its SOA and name servers, and returns its id (`Z...`).
    pub fn create_zone(&self, name: &str) -> String {
        self.shared.world().create_zone(parsed(name))
    }

    /// Lets record sets use a health check of this id; one that is not known is `NoSuchHealthCheck`.
    pub fn add_health_check(&self, id: &str) {
        self.shared.world().health_checks.insert(id.to_owned());
    }
}

/// What is in a zone.
impl Fake {
    /// All record sets of a zone as the control plane has them now, in the order of a listing.
    #[must_use]
    pub fn record_sets(&self, zone: &str) -> Vec<RecordSet> {
        let world = self.shared.world();
        let zone = known(world.zone(zone));
        zone.all().map(|(_, set)| set.clone()).collect()
    }

    /// The record sets of one name and type, by their identifiers.
    #[must_use]
    pub fn find(&self, zone: &str, name: &str, record_type: &str) -> Vec<RecordSet> {
        let world = self.shared.world();
        let zone = known(world.zone(zone));
        zone.group(&parsed(name), record_type).map(|(_, set)| set.clone()).collect()
    }

    /// Puts a record set by hand, past all rules, in place of the one with the same name, type and identifier.
    pub fn put_by_hand(&self, zone: &str, record_set: &RecordSet) {
        let put = self.shared.world().put(zone, record_set);
        assert_eq!(put, Ok(()), "the record set cannot be put by hand");
    }

    /// Removes all record sets of a name and type by hand, past all rules, and returns them.
    pub fn remove_by_hand(&self, zone: &str, name: &str, record_type: &str) -> Vec<RecordSet> {
        let name = parsed(name);
        let doomed = |key: &Key| key.name == name && key.record_type == record_type;
        known(self.shared.world().remove(zone, doomed))
    }

    /// The content of a zone, to be restored later.
    #[must_use]
    pub fn snapshot(&self, zone: &str) -> Snapshot {
        Snapshot(known(self.shared.world().zone(zone)).clone())
    }

    /// Rewinds a zone to what it was, as a failover of the control plane may. The edges get it like a batch.
    pub fn restore(&self, snapshot: &Snapshot) {
        known(self.shared.world().rewind(snapshot));
    }

    /// Takes the fence away, or puts it back: in batches, a DELETE of the TXT record set `_dnsplan.<zone>` always matches and
    /// a CREATE of it overwrites. With it a test shows that it would notice.
    pub fn set_unfenced(&self, unfenced: bool) {
        self.shared.world().unfenced = unfenced;
    }
}

/// What goes wrong.
impl Fake {
    /// Puts a rule in force, after those that are.
    pub fn inject(&self, rule: Rule) {
        self.shared.world().faults.add(rule);
    }

    /// Ends all faults. Calls that are held stay so.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// Waits until so many calls are held.
    pub async fn until_held(&self, calls: usize) {
        let mut held = self.shared.held.subscribe();
        held.wait_for(|held| *held >= calls).await.expect("invariant: the sender is held here");
    }

    /// Lets all held calls go on.
    pub fn release(&self) {
        self.shared.released.send_modify(|times| *times += 1);
    }

    /// Delivers a change request once more, by its number in [`Fake::log`], whatever came of it the first time.
    pub fn deliver_again(&self, number: usize) -> Outcome {
        let outcome = self.shared.world().deliver_again(number);
        outcome.expect("the log has a request of that number")
    }
}

/// What happened.
impl Fake {
    /// All change requests in the order in which they were decided.
    #[must_use]
    pub fn log(&self) -> Vec<Received> {
        self.shared.world().log().to_vec()
    }

    /// The change request that was decided last.
    #[must_use]
    pub fn last(&self) -> Option<Received> {
        self.shared.world().log().last().cloned()
    }

    /// The change requests that were done.
    #[must_use]
    pub fn accepted(&self) -> Vec<Received> {
        self.shared.world().log().iter().filter(|entry| entry.is_accepted()).cloned().collect()
    }

    /// What was counted since the start, or since the last reset.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.world().counters.clone()
    }

    /// Starts counting anew.
    pub fn reset_counters(&self) {
        self.shared.world().counters = Counters::default();
    }
}

/// The edges.
impl Fake {
    /// The batches that some edges do not have yet, in the order in which they were accepted.
    #[must_use]
    pub fn pending(&self) -> Vec<Pending> {
        self.shared.world().edges.pending()
    }

    /// Lets every edge have every batch.
    pub fn propagate(&self) {
        self.shared.world().edges.deliver_all();
    }

    /// Lets one edge have one batch, both chosen at random, so that batches overtake one another. False where none is pending.
    pub fn propagate_one(&self) -> bool {
        self.shared.world().propagate_one()
    }

    /// Lets one edge have the batch of one change. False where it has it already.
    pub fn propagate_to(&self, edge: usize, change_id: &str) -> bool {
        self.shared.world().edges.deliver(edge, crate::batch::bare_id(change_id))
    }

    /// One of the edges, from 0 on.
    #[must_use]
    pub fn edge(&self, index: usize) -> Edge {
        let edges = self.shared.world().edges.get(index).map(|_| ());
        assert!(edges.is_some(), "there is no edge {index}");
        Edge { fake: self.clone(), index }
    }

    /// All edges.
    #[must_use]
    pub fn edges(&self) -> Vec<Edge> {
        let all = |index: &usize| self.shared.world().edges.get(*index).is_some();
        (0..).take_while(all).map(|index| Edge { fake: self.clone(), index }).collect()
    }
}

/// An edge: a name server that has what has reached it.
#[derive(Clone, Debug)]
pub struct Edge {
    fake: Fake,
    index: usize,
}

impl Edge {
    /// What this edge may answer a question with now.
    #[must_use]
    pub fn resolve(&self, name: &str, record_type: &str) -> Answer {
        let name = parsed(name);
        let world = self.fake.shared.world();
        let zone = world.edges.get(self.index).and_then(|edge| edge.zone_of(&name));
        zone.map(|zone| resolve(zone, &name, record_type)).unwrap_or_default()
    }
}

fn parsed(name: &str) -> Name {
    Name::parse(name).unwrap_or_else(|error| panic!("{error}"))
}

fn known<T>(found: Result<T, Refusal>) -> T {
    found.unwrap_or_else(|refusal| panic!("{refusal}: create the zone first"))
}
