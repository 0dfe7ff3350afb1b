//! The edges: name servers to which a batch comes late, and in another order than other batches.
//!
//! 1. A batch reaches an edge whole or not at all.
//! 2. An edge that gets batch 7 before batch 6 keeps, for each record set, what the later batch said: the last writer by number of
//!    batch wins. So all edges end up the same, in whatever order they were reached.
//! 3. A change is `INSYNC` once every edge has its batch.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::Name;
use crate::record::Key;
use crate::zone::{Edit, Zone};

/// How accepted batches get to the edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// At once: a change is `INSYNC` when its reply is read.
    #[default]
    Immediate,
    /// Only when the test says so: [`Fake::propagate`](crate::Fake::propagate) and its siblings.
    Manual,
    /// One batch to one edge, both at random, in every interval of this length.
    Ticking(std::time::Duration),
}

/// A batch that some edges do not have yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The change it belongs to. Edits by hand and rewinds have ids as well, but no caller ever sees those.
    pub change_id: String,
    /// The edges that do not have it.
    pub edges: BTreeSet<usize>,
}

/// One edge.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edge {
    zones: BTreeMap<String, Copy>,
}

#[derive(Clone, Debug)]
struct Copy {
    zone: Zone,
    /// The number of the batch that wrote a record set last.
    written: BTreeMap<Key, u64>,
}

impl Edge {
    pub(crate) fn serve(&mut self, zone: Zone) {
        self.zones.insert(zone.id.clone(), Copy { zone, written: BTreeMap::new() });
    }

    /// The zone that a name belongs to: the one with the longest name.
    pub(crate) fn zone_of(&self, name: &Name) -> Option<&Zone> {
        let zones = self.zones.values().map(|copy| &copy.zone).filter(|zone| name.is_within(&zone.name));
        zones.max_by_key(|zone| zone.name.as_str().len())
    }

    fn take(&mut self, batch: &Batch) {
        let Some(copy) = self.zones.get_mut(&batch.zone_id) else { return };
        for (key, set) in &batch.edits {
            let written = copy.written.entry(key.clone()).or_default();
            if *written < batch.number {
                *written = batch.number;
                copy.zone.set(key.clone(), set.clone());
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Batch {
    number: u64,
    zone_id: String,
    edits: Vec<Edit>,
    pending: Pending,
}

/// All edges, and what is on its way to them.
#[derive(Clone, Debug)]
pub(crate) struct Edges {
    edges: Vec<Edge>,
    on_their_way: Vec<Batch>,
}

impl Edges {
    pub(crate) fn new(count: usize) -> Self {
        Self { edges: vec![Edge::default(); count], on_their_way: Vec::new() }
    }

    pub(crate) fn get(&self, edge: usize) -> Option<&Edge> {
        self.edges.get(edge)
    }

    pub(crate) fn serve(&mut self, zone: &Zone) {
        self.edges.iter_mut().for_each(|edge| edge.serve(zone.clone()));
    }

    /// Sends a batch on its way. Numbers start at 1.
    pub(crate) fn send(&mut self, number: u64, change_id: String, zone_id: String, edits: Vec<Edit>) {
        let pending = Pending { change_id, edges: (0..self.edges.len()).collect() };
        if !pending.edges.is_empty() {
            self.on_their_way.push(Batch { number, zone_id, edits, pending });
        }
    }

    pub(crate) fn pending(&self) -> Vec<Pending> {
        self.on_their_way.iter().map(|batch| batch.pending.clone()).collect()
    }

    pub(crate) fn is_pending(&self, change_id: &str) -> bool {
        self.on_their_way.iter().any(|batch| batch.pending.change_id == change_id)
    }

    /// Lets one edge have one batch. False where there is no such batch on its way there.
    pub(crate) fn deliver(&mut self, edge: usize, change_id: &str) -> bool {
        let on_its_way =
            |batch: &Batch| batch.pending.change_id == change_id && batch.pending.edges.contains(&edge);
        let at = self.on_their_way.iter().position(on_its_way);
        at.is_some_and(|at| self.arrive(at, edge))
    }

    /// In how many ways one batch can reach one edge now.
    pub(crate) fn ways(&self) -> usize {
        self.on_their_way.iter().map(|batch| batch.pending.edges.len()).sum()
    }

    /// Lets one edge have one batch: the `way`th of all that are possible.
    pub(crate) fn deliver_way(&mut self, way: usize) -> bool {
        let mut rest = way;
        for (at, batch) in self.on_their_way.iter().enumerate() {
            if let Some(edge) = batch.pending.edges.iter().nth(rest).copied() {
                return self.arrive(at, edge);
            }
            rest -= batch.pending.edges.len();
        }
        false
    }

    fn arrive(&mut self, at: usize, edge: usize) -> bool {
        let batch = &mut self.on_their_way[at];
        self.edges[edge].take(batch);
        let arrived = batch.pending.edges.remove(&edge);
        if batch.pending.edges.is_empty() {
            self.on_their_way.remove(at);
        }
        arrived
    }

    pub(crate) fn deliver_all(&mut self) {
        for batch in self.on_their_way.drain(..) {
            batch.pending.edges.iter().for_each(|edge| self.edges[*edge].take(&batch));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordSet;

    fn key(name: &str) -> Key {
        Key::first(&Name::parse(name).unwrap(), "TXT")
    }

    fn edit(name: &str, value: Option<&str>) -> Edit {
        (key(name), value.map(|value| RecordSet::new(name, "TXT").ttl(1).value(value)))
    }

    fn at(edges: &Edges, edge: usize, name: &str) -> Option<String> {
        let zone = edges.get(edge).unwrap().zone_of(&Name::parse(name).unwrap()).unwrap();
        zone.get(&key(name)).map(|set| set.values[0].clone())
    }

    fn three() -> Edges {
        let mut edges = Edges::new(2);
        edges.serve(&Zone::new("Z1".to_owned(), Name::parse("a.test").unwrap()));
        let mut send = |number, id: &str, edits| edges.send(number, id.to_owned(), "Z1".to_owned(), edits);
        send(1, "C1", vec![edit("x.a.test", Some("1")), edit("y.a.test", Some("1"))]);
        send(2, "C2", vec![edit("x.a.test", Some("2"))]);
        send(3, "C3", vec![edit("y.a.test", None)]);
        edges
    }

    #[test]
    fn the_last_writer_by_number_wins_for_each_record_set() {
        let mut edges = three();
        assert!(edges.deliver(0, "C2"));
        assert_eq!(at(&edges, 0, "x.a.test").as_deref(), Some("2"));
        assert_eq!(at(&edges, 1, "x.a.test"), None);
        assert!(edges.deliver(0, "C3"));
        assert!(edges.deliver(0, "C1"));
        // Batch 1 came last and is older than both.
        assert_eq!(at(&edges, 0, "x.a.test").as_deref(), Some("2"));
        assert_eq!(at(&edges, 0, "y.a.test"), None);
    }

    #[test]
    fn a_change_is_pending_until_every_edge_has_it() {
        let mut edges = three();
        assert!(edges.deliver(0, "C1"));
        assert!(!edges.deliver(0, "C1"), "it has arrived there");
        assert!(edges.is_pending("C1"));
        assert!(edges.deliver(1, "C1"));
        assert!(!edges.is_pending("C1"));
        assert!(edges.is_pending("C2"));
        assert_eq!(edges.pending().len(), 2);
    }

    #[test]
    fn every_way_is_one_batch_to_one_edge() {
        for way in 0..6 {
            let mut edges = three();
            assert_eq!(edges.ways(), 6);
            assert!(edges.deliver_way(way));
            assert_eq!(edges.ways(), 5);
            let id = ["C1", "C2", "C3"][way / 2];
            assert!(!edges.deliver(way % 2, id), "it has arrived");
        }
        assert!(!three().deliver_way(6));
    }

    #[test]
    fn without_edges_nothing_is_on_its_way() {
        let mut edges = Edges::new(0);
        edges.send(1, "C1".to_owned(), "Z1".to_owned(), vec![]);
        assert!(!edges.is_pending("C1"));
    }

    #[test]
    fn every_order_ends_the_same() {
        let orders = [["C1", "C2", "C3"], ["C1", "C3", "C2"], ["C2", "C1", "C3"], ["C3", "C2", "C1"]];
        for order in orders {
            let mut edges = three();
            for id in order {
                assert!(edges.deliver(0, id));
            }
            edges.deliver_all();
            for edge in 0..2 {
                assert_eq!(at(&edges, edge, "x.a.test").as_deref(), Some("2"), "{order:?}");
                assert_eq!(at(&edges, edge, "y.a.test"), None, "{order:?}");
            }
            assert_eq!(edges.pending(), []);
        }
    }
}
