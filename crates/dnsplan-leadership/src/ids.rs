//! Who leads what, since when: nodes and their incarnations, scopes, epochs, positions, hand-offs, writes, tokens.

use std::fmt;
use std::num::NonZeroU64;

use dnsplan_fence::{Actor, Digest, Generation, InvalidActor, Nonce, Record};

use crate::Term;

/// Types that are written as what they hold.
macro_rules! displayed {
    ($($name:ident),+) => {
        $(impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        })+
    };
}

/// A type of names that are a nonce each.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(Nonce);

        impl $name {
            /// An id from its bits; the caller brings them, so that this crate has no random source.
            #[must_use]
            pub const fn new(bits: u128) -> Self {
                Self(Nonce::new(bits))
            }

            /// Its bits.
            #[must_use]
            pub const fn get(self) -> u128 {
                self.0.get()
            }
        }
    };
}

displayed!(Epoch, HandoffId, Incarnation, Node, Position, Scope, WriteId);

/// The generation of a leadership record: which term of authority a write belongs to.
///
/// An epoch comes out of a record ([`Epoch::of`]) and from nowhere else, and there is no arithmetic on it: the only next
/// one is what a grant puts into the register.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Epoch(NonZeroU64);

impl Epoch {
    /// The epoch that a record grants; `None` where nothing was ever granted.
    #[must_use]
    pub const fn of(record: &Record<Term>) -> Option<Self> {
        Self::at(record.generation)
    }

    pub(crate) const fn at(generation: Generation) -> Option<Self> {
        match NonZeroU64::new(generation.get()) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Its number, to be compared inside a resource.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl From<Epoch> for Generation {
    fn from(epoch: Epoch) -> Self {
        Self::new(epoch.get())
    }
}

/// A machine or process that may lead, under a name that outlives its restarts: 1 to 32 characters of `a-z`, `0-9`, `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Node(Actor);

impl Node {
    /// A node from its name.
    ///
    /// # Errors
    /// [`InvalidActor`] where the name is not 1 to 32 characters of `a-z`, `0-9` and `-`.
    pub fn new(name: &str) -> Result<Self, InvalidActor> {
        Actor::new(name).map(Self)
    }

    /// Its name, as the writer of a record.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.0
    }
}

/// One life of a node, from start to crash. Every start brings another one; no two starts of a node share one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Incarnation(u64);

impl Incarnation {
    /// An incarnation from its number: a durable count of starts, or 64 random bits.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// One life of one node: what an epoch is granted to. A node that starts again is another holder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Holder {
    /// Which node.
    pub node: Node,
    /// Which of its lives.
    pub incarnation: Incarnation,
}

impl Holder {
    /// The content of a term, in 32 bytes: not a hash, so that two holders never share one. Six bits for each of up to 32
    /// characters, then the incarnation.
    pub(crate) fn digest(&self) -> Digest {
        let mut bytes = [0; 32];
        let code = |byte: u8| match byte {
            b'a'..=b'z' => byte - b'a' + 1,
            b'0'..=b'9' => byte - b'0' + 27,
            _ => 37,
        };
        for (group, four) in bytes.chunks_exact_mut(3).zip(self.node.0.as_str().as_bytes().chunks(4)) {
            let at = |index: usize| four.get(index).map_or(0, |byte| u32::from(code(*byte)));
            let packed = at(0) << 18 | at(1) << 12 | at(2) << 6 | at(3);
            group.copy_from_slice(&packed.to_be_bytes()[1..]);
        }
        bytes[24..].copy_from_slice(&self.incarnation.get().to_be_bytes());
        Digest::new(bytes)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.incarnation)
    }
}

/// What is led: one writer role, with one register and one resource.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Scope(Actor);

impl Scope {
    /// A scope from its name.
    ///
    /// # Errors
    /// [`InvalidActor`] where the name is not 1 to 32 characters of `a-z`, `0-9` and `-`.
    pub fn new(name: &str) -> Result<Self, InvalidActor> {
        Actor::new(name).map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

id! {
    /// Names one hand-off: 128 bits that no other one uses. Whoever asked finds its outcome under it.
    HandoffId
}
id! {
    /// Names one write: 128 bits that no other one uses. A resource that keeps them can say later what became of it.
    WriteId
}

/// A place in the resource's order of accepted writes: a log sequence number, a revision, an offset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position(u64);

impl Position {
    /// Before the first write.
    pub const START: Self = Self(0);

    /// A position from its number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What a write carries: the resource compares its epoch with the floor in the step that writes.
///
/// It proves nothing by itself and may outlive the authority it came from; that is what the comparison is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    scope: Scope,
    epoch: Epoch,
    holder: Holder,
}

impl Token {
    pub(crate) const fn new(scope: Scope, epoch: Epoch, holder: Holder) -> Self {
        Self { scope, epoch, holder }
    }

    /// What it is for.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The epoch that it was granted.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Who it was granted to.
    #[must_use]
    pub const fn holder(&self) -> &Holder {
        &self.holder
    }
}
