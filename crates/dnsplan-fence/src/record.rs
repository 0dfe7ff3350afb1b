//! The fence record: the one thing at a target that says what is live there.
//!
//! 1. `base <= generation`. `base` is the lowest generation that any pointer or RRset may still be at; it becomes
//!    `generation` only in the part that moves the last of them.
//! 2. Nothing below `floor` may ever be applied.
//! 3. A [`Stage`] is newer than `generation` and not below `floor`.
//! 4. Progress is true by induction: the very swap that did part `k` wrote `k`. No listing of the target is needed to
//!    know what is staged or which pointers moved, and none may be used for it (a listing plus a rewound target flips to
//!    half a tree).
//! 5. A record is never deleted and never reset; every write puts a new nonce into it.

use std::num::NonZeroU32;

use crate::{Actor, Digest, FreezeId, Generation, Nonce, ObservedGeneration};

/// Part `index` (from 0) of `of` of a chain of writes that together put one generation in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    index: u32,
    of: NonZeroU32,
}

impl Part {
    /// The only part of a chain of one.
    pub const ONLY: Self = Self { index: 0, of: NonZeroU32::MIN };

    /// Part `index` of `of`, or `None` where there is no such part.
    #[must_use]
    pub fn new(index: u32, of: u32) -> Option<Self> {
        let of = NonZeroU32::new(of)?;
        (index < of.get()).then_some(Self { index, of })
    }

    /// Its place in the chain, from 0.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// How many parts the chain has.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.of.get()
    }

    /// Whether it begins the chain.
    #[must_use]
    pub const fn is_first(self) -> bool {
        self.index == 0
    }

    /// Whether it ends the chain.
    #[must_use]
    pub const fn is_last(self) -> bool {
        self.index + 1 == self.of.get()
    }

    /// The progress once this part is done.
    pub(crate) const fn done(self) -> Progress {
        Progress { done: self.index + 1, of: self.of.get() }
    }
}

/// How many parts of a chain are done. `0 of 0` is a chain without parts: nothing was ever begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Progress {
    done: u32,
    of: u32,
}

impl Progress {
    /// A chain without parts.
    pub const NONE: Self = Self { done: 0, of: 0 };

    /// `done` of `of` parts, or `None` where that is more than all.
    #[must_use]
    pub const fn new(done: u32, of: u32) -> Option<Self> {
        if done <= of { Some(Self { done, of }) } else { None }
    }

    /// Parts done.
    #[must_use]
    pub const fn done(self) -> u32 {
        self.done
    }

    /// Parts in all.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.of
    }

    /// Whether none is missing.
    #[must_use]
    pub const fn is_complete(self) -> bool {
        self.done == self.of
    }

    /// Whether `part` is the one that comes next: the part after the last one done, or the first of a chain that is cut
    /// into another number of parts than the one begun (it starts again; doing a part twice changes nothing).
    #[must_use]
    pub(crate) const fn admits(self, part: Part) -> bool {
        if part.of.get() == self.of { part.index == self.done } else { part.index == 0 }
    }
}

/// A tree under construction where nobody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Whose tree it is; newer than what the record says is live.
    pub generation: Generation,
    /// The content it is being built from.
    pub digest: Digest,
    /// The parts that are there.
    pub progress: Progress,
}

/// What a register holds; see the module for its invariants. `P` is what the owner of the register adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<P> {
    /// The newest generation granted here.
    pub generation: Generation,
    /// The content of `generation`.
    pub digest: Digest,
    /// The lowest generation that anything here may still be at.
    pub base: Generation,
    /// Nothing below it may ever be applied.
    pub floor: Generation,
    /// The pointers moved to `generation`.
    pub flip: Progress,
    /// A newer tree under construction.
    pub stage: Option<Stage>,
    /// A freeze that every writer must respect until the store lifts it.
    pub freeze: Option<FreezeId>,
    /// The write that put this record here.
    pub attempt: Nonce,
    /// Who made that write.
    pub by: Actor,
    /// What the owner of the register adds.
    pub payload: P,
}

impl<P> Record<P> {
    /// The generation as something that was *observed*.
    #[must_use]
    pub const fn observed(&self) -> ObservedGeneration {
        ObservedGeneration::at_target(self.generation)
    }

    /// The highest generation this record speaks of; a store must never hand out one that is not above it.
    #[must_use]
    pub fn highest(&self) -> Generation {
        let staged = self.stage.map_or(Generation::ZERO, |stage| stage.generation);
        self.generation.max(self.floor).max(staged)
    }

    /// Whether every pointer is at `generation`.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.flip.is_complete() && self.base == self.generation
    }

    /// Whether the tree of `generation` may be deleted: it can never be live again.
    #[must_use]
    pub fn is_reapable(&self, generation: Generation) -> bool {
        let superseded = generation < self.base.min(self.floor);
        let abandoned = self.generation < generation && generation < self.floor;
        superseded || abandoned
    }
}
