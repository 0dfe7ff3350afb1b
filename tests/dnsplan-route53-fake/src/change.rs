//! Changes, and the limits on what one batch of them may hold.

use std::fmt;

use crate::RecordSet;

/// What a change does with its record set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Puts it; refused where there is one.
    Create,
    /// Removes it; refused where what is there is not exactly the same.
    Delete,
    /// Puts it, whatever is there.
    Upsert,
}

impl Action {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Create, Self::Delete, Self::Upsert].into_iter().find(|action| action.to_string() == text)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "CREATE",
            Self::Delete => "DELETE",
            Self::Upsert => "UPSERT",
        })
    }
}

/// One element of a change batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What to do.
    pub action: Action,
    /// With which record set.
    pub record_set: RecordSet,
}

impl Change {
    /// A `CREATE`.
    #[must_use]
    pub const fn create(record_set: RecordSet) -> Self {
        Self { action: Action::Create, record_set }
    }

    /// A `DELETE`.
    #[must_use]
    pub const fn delete(record_set: RecordSet) -> Self {
        Self { action: Action::Delete, record_set }
    }

    /// An `UPSERT`.
    #[must_use]
    pub const fn upsert(record_set: RecordSet) -> Self {
        Self { action: Action::Upsert, record_set }
    }
}

/// What a change batch costs against its [`Limits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// `ResourceRecord` elements. An alias counts as one; an UPSERT counts twice.
    pub elements: usize,
    /// Characters in all `Value` elements. An UPSERT counts twice.
    pub characters: usize,
}

impl Cost {
    /// What these changes cost together.
    #[must_use]
    pub fn of(changes: &[Change]) -> Self {
        let mut cost = Self::default();
        for Change { action, record_set } in changes {
            let times = if *action == Action::Upsert { 2 } else { 1 };
            let elements = record_set.values.len() + usize::from(record_set.alias.is_some());
            let characters: usize = record_set.values.iter().map(|value| value.chars().count()).sum();
            cost.elements += times * elements;
            cost.characters += times * characters;
        }
        cost
    }
}

/// The quotas. The default is what Route 53 documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Record sets in a hosted zone.
    pub record_sets_per_zone: usize,
    /// Elements in a change batch, counted as in [`Cost`].
    pub elements_per_batch: usize,
    /// Characters in a change batch, counted as in [`Cost`].
    pub characters_per_batch: usize,
    /// Values in a record set.
    pub values_per_record_set: usize,
    /// Weighted record sets of the same name and type.
    pub weighted_per_group: usize,
    /// Record sets in one page of a listing.
    pub page: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_sets_per_zone: 10_000,
            elements_per_batch: 1_000,
            characters_per_batch: 32_000,
            values_per_record_set: 400,
            weighted_per_group: 100,
            page: 300,
        }
    }
}

impl Limits {
    /// What a batch is refused with because of its size.
    pub(crate) fn exceeded_by(&self, cost: Cost) -> Vec<String> {
        let mut messages = Vec::new();
        if cost.elements > self.elements_per_batch {
            messages.push(format!("Number of records limit of {} exceeded.", self.elements_per_batch));
        }
        if cost.characters > self.characters_per_batch {
            messages.push(format!("RDATA character limit of {} exceeded.", self.characters_per_batch));
        }
        messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upsert_counts_twice_and_an_alias_once() {
        let two = RecordSet::new("a", "A").ttl(1).value("192.0.2.1").value("192.0.2.22");
        let alias = RecordSet::new("b", "A").alias("Z", "a");
        let cost = |changes: &[Change]| Cost::of(changes);
        assert_eq!(cost(&[Change::create(two.clone())]), Cost { elements: 2, characters: 19 });
        assert_eq!(cost(&[Change::delete(two.clone())]), Cost { elements: 2, characters: 19 });
        assert_eq!(cost(&[Change::upsert(two.clone())]), Cost { elements: 4, characters: 38 });
        assert_eq!(cost(&[Change::create(alias.clone())]), Cost { elements: 1, characters: 0 });
        assert_eq!(cost(&[Change::upsert(alias), Change::create(two)]), Cost { elements: 4, characters: 19 });
    }

    #[test]
    fn actions_have_their_names() {
        for (text, action) in
            [("CREATE", Action::Create), ("DELETE", Action::Delete), ("UPSERT", Action::Upsert)]
        {
            assert_eq!(Action::parse(text), Some(action));
        }
        assert_eq!(Action::parse("create"), None);
    }
}
