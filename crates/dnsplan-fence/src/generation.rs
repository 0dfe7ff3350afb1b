//! Generations, and the roles in which they are used.
//!
//! 1. A generation only grows; nothing in this crate can make a smaller one out of a larger one.
//! 2. Each role is its own type. A role can be read as a plain [`Generation`] (for display and look-ups); a plain
//!    generation never turns into a role except in the one place that has the right to it.
//!
//! Rejected: one type for all. A well-known system documented its fence and compared the wrong number for 28 months,
//! because the number it had just read and the number the plan was made for had the same type.

use std::fmt;

/// A point in a zone's (or a writer role's) history. `0` means "nothing was ever granted".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(u64);

impl Generation {
    /// The generation before the first: nothing has been granted.
    pub const ZERO: Self = Self(0);

    /// A generation from its number, as read from a store, a record or a user.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The one after this, or `None` at the end of `u64`.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }

    /// Whether nothing was ever granted.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.0)
    }
}

macro_rules! role {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Generation);

        impl From<$name> for Generation {
            fn from(role: $name) -> Self {
                role.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

role! {
    /// The generation a plan was made on top of: what an append compares with the store's head.
    ParentGeneration
}
role! {
    /// The generation a record at a target showed. Never a reason to write.
    ObservedGeneration
}
role! {
    /// The generation a plan carries, handed out by the plan store.
    OfferedGeneration
}

impl ParentGeneration {
    /// The parent of the first plan.
    pub const NONE: Self = Self(Generation::ZERO);

    /// The plan that the next one will be made on.
    pub fn of(plan: &impl Offer) -> Self {
        Self(plan.offered().0)
    }

    /// A parent read back from a stored plan.
    #[must_use]
    pub const fn recorded(generation: Generation) -> Self {
        Self(generation)
    }
}

impl ObservedGeneration {
    pub(crate) const fn at_target(generation: Generation) -> Self {
        Self(generation)
    }
}

impl OfferedGeneration {
    /// For plan stores only: the number that an append granted, or that a stored plan was granted.
    #[must_use]
    pub const fn granted(generation: Generation) -> Self {
        Self(generation)
    }
}

/// Something that may be enacted: a plan, or a term of leadership. The only source of a permit's generation and digest.
pub trait Offer {
    /// The generation that the store granted.
    fn offered(&self) -> OfferedGeneration;
    /// The digest of the content, equal exactly where the content is.
    fn digest(&self) -> Digest;
}

use crate::Digest;

impl<T: Offer + ?Sized> Offer for &T {
    fn offered(&self) -> OfferedGeneration {
        (**self).offered()
    }
    fn digest(&self) -> Digest {
        (**self).digest()
    }
}

impl<T: Offer + ?Sized> Offer for std::sync::Arc<T> {
    fn offered(&self) -> OfferedGeneration {
        (**self).offered()
    }
    fn digest(&self) -> Digest {
        (**self).digest()
    }
}
