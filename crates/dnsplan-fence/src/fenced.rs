//! A register in this process: a cell that publishes a value under its record.
//!
//! 1. The record, the trees and the choice of the live one change together, under one lock, in one swap.
//!    Writers queue at a lock of their own, held from the comparison to the change, so that nobody who reads waits while a
//!    record is made durable.
//! 2. A reader's snapshot is the live tree at one instant, and pins it: the tree is not reaped while it is read.
//! 3. A tree is reaped only where the record allows it *and* nobody reads it, both judged under that same lock.
//!
//! Rejected: a lock-free pointer swap. loom cannot see into such crates, and an uncontended lock costs a few nanoseconds
//! against the microseconds of a query.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, ready};

use crate::sync::{Arc, Mutex, RwLock};
use crate::{Generation, Genesis, Move, Observed, Permit, Record, Register, Swap};

/// What a swap does to the trees, beside the record.
#[derive(Debug)]
pub enum Edit<T> {
    /// Nothing.
    Keep,
    /// Puts a tree: the staged one's, or the live one's. Under a move that puts no plan in place (a floor, a reap, a
    /// freeze) it puts nothing: such a permit does not speak for any tree.
    Put(T),
}

/// A cell that holds a [`Record`] and the trees it speaks of. Readers see the live tree or nothing, never a mixture.
pub struct Fenced<T, P = ()> {
    /// The record once more, for the writer whose turn it is.
    writer: Mutex<Option<Record<P>>>,
    state: RwLock<State<T, P>>,
}

struct State<T, P> {
    record: Option<Record<P>>,
    trees: BTreeMap<Generation, Arc<T>>,
}

/// What was live at one instant. While it exists, its tree is not reaped.
pub struct Snapshot<T> {
    generation: Generation,
    value: Arc<T>,
}

impl<T> Snapshot<T> {
    /// Which generation it is.
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// The tree.
    pub fn value(&self) -> &T {
        &self.value
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self { generation: self.generation, value: Arc::clone(&self.value) }
    }
}

impl<T> fmt::Debug for Snapshot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// A tree that may not be reaped now because somebody reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Whose tree it is.
    pub generation: Generation,
    /// How many snapshots of it there are.
    pub readers: usize,
}

const UNPOISONED: &str = "invariant: nothing panics while the cell is locked";

impl<T, P: Clone + PartialEq> Default for Fenced<T, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, P: Clone + PartialEq> Fenced<T, P> {
    /// An empty cell: no record, no tree.
    #[must_use]
    pub fn new() -> Self {
        Self::holding(None, BTreeMap::new())
    }

    fn holding(record: Option<Record<P>>, trees: BTreeMap<Generation, Arc<T>>) -> Self {
        Self { writer: Mutex::new(record.clone()), state: RwLock::new(State { record, trees }) }
    }

    /// A cell as it was left: the record that was made durable, and the tree that was live under it.
    #[must_use]
    pub fn restored(record: Record<P>, live: T) -> Self {
        let trees = BTreeMap::from([(record.generation, Arc::new(live))]);
        Self::holding(Some(record), trees)
    }

    /// A cell whose record was made durable but whose tree is not at hand: nothing is live until a repair or a newer
    /// tree is put.
    #[must_use]
    pub fn recorded(record: Record<P>) -> Self {
        Self::holding(Some(record), BTreeMap::new())
    }

    /// The live tree, pinned. `None` before the first one.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot<T>> {
        let state = self.state.read().expect(UNPOISONED);
        let generation = state.record.as_ref()?.generation;
        let value = Arc::clone(state.trees.get(&generation)?);
        Some(Snapshot { generation, value })
    }

    /// The tree of one generation, pinned, live or not. `None` where it is not kept.
    #[must_use]
    pub fn snapshot_of(&self, generation: Generation) -> Option<Snapshot<T>> {
        let state = self.state.read().expect(UNPOISONED);
        let value = Arc::clone(state.trees.get(&generation)?);
        Some(Snapshot { generation, value })
    }

    /// The record.
    pub fn load(&self) -> Observed<P> {
        match &self.state.read().expect(UNPOISONED).record {
            Some(record) => Observed::Record(record.clone()),
            None => Observed::Absent,
        }
    }

    /// The generations whose trees are kept, each with the number of snapshots that pin it.
    #[must_use]
    pub fn kept(&self) -> Vec<Pinned> {
        let state = self.state.read().expect(UNPOISONED);
        state.trees.iter().map(|(generation, tree)| pins(*generation, tree)).collect()
    }

    /// Puts a first record; it grants nothing.
    pub fn create(&self, genesis: Genesis<P>) -> Swap<P> {
        let outcome = self.create_after(genesis, |_| Ok::<(), Infallible>(()));
        match outcome {
            Ok(swap) => swap,
            Err(never) => match never {},
        }
    }

    /// The same, with a step that must succeed before anybody can see the record. Other writers wait for it, readers do not.
    ///
    /// # Errors
    /// What `commit` says; nothing was changed then.
    pub fn create_after<E>(
        &self,
        genesis: Genesis<P>,
        commit: impl FnOnce(&Record<P>) -> Result<(), E>,
    ) -> Result<Swap<P>, E> {
        let mut found = self.writer.lock().expect(UNPOISONED);
        if found.is_some() || genesis.replaces().is_some() {
            return Ok(Swap::Lost(found.clone()));
        }
        commit(genesis.record())?;
        *found = Some(genesis.into_record());
        self.state.write().expect(UNPOISONED).record.clone_from(&found);
        Ok(Swap::Won)
    }

    /// The conditional write: compares the whole record, and changes record and trees together. A move that would point
    /// readers at a tree that is not there is lost, whatever the record says.
    pub fn swap(&self, permit: Permit<P>, edit: Edit<T>) -> Swap<P> {
        let outcome = self.swap_after(permit, edit, |_| Ok::<(), Infallible>(()));
        match outcome {
            Ok(swap) => swap,
            Err(never) => match never {},
        }
    }

    /// The same, with a step that must succeed between the comparison and the change: the place to make the record
    /// durable before anybody can see what it grants. Other writers wait for it, readers do not.
    ///
    /// # Errors
    /// What `commit` says; nothing was changed then.
    pub fn swap_after<E>(
        &self,
        permit: Permit<P>,
        edit: Edit<T>,
        commit: impl FnOnce(&Record<P>) -> Result<(), E>,
    ) -> Result<Swap<P>, E> {
        let mut found = self.writer.lock().expect(UNPOISONED);
        if found.as_ref() != Some(permit.expected()) {
            return Ok(Swap::Lost(found.clone()));
        }
        if self.would_empty(&permit, &edit) {
            return Ok(Swap::Lost(found.clone()));
        }
        commit(permit.next())?;
        // Writers queue: what was compared is still there.
        *found = Some(permit.next().clone());
        let replaced = self.state.write().expect(UNPOISONED).change(permit, edit);
        // A large tree takes a while to free; readers do not wait for it.
        drop(replaced);
        Ok(Swap::Won)
    }

    /// Whether the move points readers at a generation whose tree is neither here nor put.
    fn would_empty(&self, permit: &Permit<P>, edit: &Edit<T>) -> bool {
        let points = matches!(permit.action(), Move::Flip(_) | Move::Apply(_));
        let is_put = matches!(edit, Edit::Put(_));
        points
            && !is_put
            && !self.state.read().expect(UNPOISONED).trees.contains_key(&permit.next().generation)
    }

    /// The trees that `record` allows to be reaped and that nobody reads.
    #[must_use]
    pub fn reapable(&self) -> Vec<Generation> {
        let state = self.state.read().expect(UNPOISONED);
        let Some(record) = &state.record else { return Vec::new() };
        let unread = |(generation, tree): (&Generation, &Arc<T>)| {
            (record.is_reapable(*generation) && pins(*generation, tree).readers == 0).then_some(*generation)
        };
        state.trees.iter().filter_map(unread).collect()
    }
}

impl<T, P> State<T, P> {
    fn change(&mut self, permit: Permit<P>, edit: Edit<T>) -> Option<Arc<T>> {
        let action = permit.action();
        let next = permit.into_next();
        let tree = match action {
            Move::Stage(_) => next.stage.map(|stage| stage.generation),
            Move::Flip(_) | Move::Apply(_) | Move::Repair => Some(next.generation),
            Move::RaiseFloor(_) | Move::Reap(_) | Move::Freeze(_) => None,
        };
        self.record = Some(next);
        if let (Edit::Put(value), Some(generation)) = (edit, tree) {
            return self.trees.insert(generation, Arc::new(value));
        }
        match action {
            Move::Reap(generation)
                if self.trees.get(&generation).is_some_and(|tree| pins(generation, tree).readers == 0) =>
            {
                self.trees.remove(&generation)
            }
            _ => None,
        }
    }
}

/// The cell holds one reference of its own; every other one is a snapshot. New snapshots need the lock that the caller
/// holds, so a count of zero stays zero until it is released.
fn pins<T>(generation: Generation, tree: &Arc<T>) -> Pinned {
    Pinned { generation, readers: Arc::strong_count(tree) - 1 }
}

impl<T, P: fmt::Debug + Clone + PartialEq> fmt::Debug for Fenced<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fenced").field("record", &self.load()).finish_non_exhaustive()
    }
}

impl<T, P> Register for Fenced<T, P>
where
    T: Send + Sync,
    P: Clone + PartialEq + Send + Sync,
{
    type Payload = P;
    type Rider = Edit<T>;
    type Error = Infallible;

    fn load(&self) -> impl Future<Output = Result<Observed<P>, Infallible>> + Send {
        ready(Ok(Self::load(self)))
    }

    fn create(&self, genesis: Genesis<P>) -> impl Future<Output = Result<Swap<P>, Infallible>> + Send {
        ready(Ok(Self::create(self, genesis)))
    }

    fn swap(
        &self,
        permit: Permit<P>,
        edit: Edit<T>,
    ) -> impl Future<Output = Result<Swap<P>, Infallible>> + Send {
        ready(Ok(Self::swap(self, permit, edit)))
    }
}
