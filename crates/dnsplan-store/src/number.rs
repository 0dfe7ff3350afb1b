//! Unsigned numbers in SQLite's signed columns.

use dnsplan_fence::{FreezeId, Generation};
use dnsplan_plan::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// A generation, a time or an id as a column holds it: 0 to 2^63 - 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(pub(crate) u64);

#[derive(Debug, thiserror::Error)]
#[error("{0} is too large: the embedded store's numbers end at 2^63 - 1, and no store grants one so high")]
struct TooLarge(u64);

impl ToSql for Number {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let too_large = |_| rusqlite::Error::ToSqlConversionFailure(Box::new(TooLarge(self.0)));
        i64::try_from(self.0).map(ToSqlOutput::from).map_err(too_large)
    }
}

impl FromSql for Number {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = i64::column_result(value)?;
        u64::try_from(number).map(Self).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

impl From<Generation> for Number {
    fn from(generation: Generation) -> Self {
        Self(generation.get())
    }
}

impl From<Number> for Generation {
    fn from(number: Number) -> Self {
        Self::new(number.0)
    }
}

impl From<FreezeId> for Number {
    fn from(id: FreezeId) -> Self {
        Self(id.get())
    }
}

impl From<Number> for FreezeId {
    fn from(number: Number) -> Self {
        Self::new(number.0)
    }
}

impl From<Timestamp> for Number {
    fn from(at: Timestamp) -> Self {
        Self(at.as_millis())
    }
}

impl From<Number> for Timestamp {
    fn from(number: Number) -> Self {
        Self::from_millis(number.0)
    }
}
