//! What changes cost, and what one batch may cost.
//!
//! Source: Route 53 developer guide, "Quotas"; API reference, ChangeResourceRecordSets.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use crate::record::{Body, Change, RecordSet};

/// What Route 53 takes. Some of them can be raised for an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// What one batch may cost.
    pub(crate) batch: Cost,
    /// How many characters of a batch are set aside for each of the two fence records in it, and how long a fence may
    /// be. A record without owner names set aside has less than 500; this leaves room for sixteen of 90 characters, and
    /// for as many that a chain inherits.
    pub(crate) fence: usize,
    /// Weighted or multivalue record sets of one name and type.
    pub(crate) group: usize,
    /// Values of one record set.
    pub(crate) values: usize,
    /// Characters of one value.
    pub(crate) value: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let batch = Cost { elements: 1000, characters: 32_000 };
        Self { batch, fence: 3600, group: 100, values: 400, value: 4000 }
    }
}

impl Limits {
    /// What a batch may cost beside the fence, which is deleted and created in every one.
    pub(crate) const fn beside_fence(&self) -> Cost {
        Cost {
            elements: self.batch.elements.saturating_sub(2),
            characters: self.batch.characters.saturating_sub(2 * self.fence),
        }
    }
}

/// What is counted of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Cost {
    /// Values and aliases; those of an UPSERT count twice.
    pub(crate) elements: usize,
    /// Characters of values; those of an UPSERT count twice.
    pub(crate) characters: usize,
}

impl Cost {
    /// Nothing.
    pub(crate) const ZERO: Self = Self { elements: 0, characters: 0 };

    /// What creating or deleting a record set costs.
    pub(crate) fn of_set(set: &RecordSet) -> Self {
        let values = set.values();
        let elements = if matches!(set.body, Body::Values { .. }) { values.len() } else { 1 };
        Self { elements, characters: values.iter().map(|value| value.text().len()).sum() }
    }

    /// What a change costs.
    pub(crate) fn of(change: &Change) -> Self {
        let once = Self::of_set(change.record_set());
        if matches!(change, Change::Upsert(_)) { once.twice() } else { once }
    }

    /// What changes cost.
    pub(crate) fn of_all<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Self {
        changes.into_iter().map(Self::of).sum()
    }

    /// Double.
    pub(crate) const fn twice(self) -> Self {
        Self { elements: 2 * self.elements, characters: 2 * self.characters }
    }

    /// Whether it is not above another one in any way.
    pub(crate) const fn fits(self, room: Self) -> bool {
        self.elements <= room.elements && self.characters <= room.characters
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { elements: self.elements + other.elements, characters: self.characters + other.characters }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::ZERO, Self::add)
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} record elements and {} characters", self.elements, self.characters)
    }
}
