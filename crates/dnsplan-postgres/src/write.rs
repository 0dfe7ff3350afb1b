//! What is done in one transaction.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use deadpool_postgres::ClientWrapper;
use tokio_postgres::types::ToSql;

/// The statements of a write, under way.
pub type Work<'a> =
    Pin<Box<dyn Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// The isolation level of a write's transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    #[default]
    ReadCommitted,
    /// The transaction sees one snapshot. The first write after a seal may fail with SQLSTATE 40001.
    RepeatableRead,
    /// As if transactions ran one after the other. They fail with SQLSTATE 40001 where that cannot be.
    Serializable,
}

impl Isolation {
    /// As PostgreSQL writes it.
    pub(crate) const fn sql(self) -> &'static str {
        match self {
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}

/// One transaction's statements. All of them take effect, or none.
pub struct Write {
    pub(crate) work: Box<dyn for<'a> FnOnce(&'a ClientWrapper) -> Work<'a> + Send>,
    pub(crate) isolation: Isolation,
}

impl Write {
    /// Whatever the closure does with the connection, which is inside a transaction that has entered the epoch. An error rolls
    /// it back. The connection derefs to [`tokio_postgres::Client`].
    ///
    /// It must not commit or roll back: that is noticed, and the write fails, but what the closure itself has committed stays.
    #[must_use]
    pub fn new(work: impl for<'a> FnOnce(&'a ClientWrapper) -> Work<'a> + Send + 'static) -> Self {
        Self { work: Box::new(work), isolation: Isolation::default() }
    }

    /// One statement with its parameters.
    #[must_use]
    pub fn statement(sql: impl Into<String>, params: Vec<Box<dyn ToSql + Sync + Send>>) -> Self {
        let sql = sql.into();
        Self::new(move |client| {
            Box::pin(async move {
                let statement = client.prepare_cached(&sql).await?;
                let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| &**param as _).collect();
                client.execute(&statement, &params).await?;
                Ok(())
            })
        })
    }

    /// At another isolation level than READ COMMITTED.
    #[must_use]
    pub const fn at(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write").field("isolation", &self.isolation).finish_non_exhaustive()
    }
}
