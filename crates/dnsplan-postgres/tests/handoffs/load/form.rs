//! How a write is fenced: the shipped way at each isolation level, and ways that are in use elsewhere and leak.

use std::fmt;

use deadpool_postgres::Pool;
use dnsplan_fence::Generation;
use dnsplan_leadership::{BelowFloor, Fenced, Order, Position, Receipt, Token, WriteId, Written};
use dnsplan_postgres::{Isolation, PostgresResource, Write};
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::types::PgLsn;

use super::Error;

/// A row of the load, under the epoch of the token that it comes with.
const INSERT: &str = "INSERT INTO rows (epoch) VALUES ($1)";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Shipped(Isolation),
    /// A SELECT of the floor before the row is written.
    PlainSelect,
    /// The same with a row lock that does not conflict with an UPDATE that leaves the key as it is.
    ForKeyShare,
    /// The lock of the shipped form under one snapshot, which is taken before the lock is had.
    AdvisoryRepeatableRead,
}

pub(crate) const SHIPPED: [Form; 3] = [
    Form::Shipped(Isolation::ReadCommitted),
    Form::Shipped(Isolation::RepeatableRead),
    Form::Shipped(Isolation::Serializable),
];
pub(crate) const LEAKING: [Form; 3] = [Form::PlainSelect, Form::ForKeyShare, Form::AdvisoryRepeatableRead];

impl Form {
    pub(crate) const fn is_shipped(self) -> bool {
        matches!(self, Self::Shipped(_))
    }

    /// The beginning of a transaction whose last row is the floor.
    const fn look(self) -> &'static str {
        match self {
            Self::Shipped(_) | Self::PlainSelect => {
                "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT lowest FROM toy"
            }
            Self::ForKeyShare => "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT lowest FROM toy FOR KEY SHARE",
            Self::AdvisoryRepeatableRead => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_advisory_xact_lock_shared(7); SELECT lowest FROM toy"
            }
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shipped(Isolation::ReadCommitted) => "shipped, READ COMMITTED",
            Self::Shipped(Isolation::RepeatableRead) => "shipped, REPEATABLE READ",
            Self::Shipped(Isolation::Serializable) => "shipped, SERIALIZABLE",
            Self::PlainSelect => "plain SELECT, READ COMMITTED",
            Self::ForKeyShare => "SELECT FOR KEY SHARE, READ COMMITTED",
            Self::AdvisoryRepeatableRead => "advisory lock, SELECT, REPEATABLE READ",
        })
    }
}

/// One node's way to the tables.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) form: Form,
    pub(crate) pool: Pool,
    pub(crate) shipped: PostgresResource,
}

impl Fenced for Resource {
    type Write = ();
    type Error = NotDone;

    async fn write(&self, token: &Token, id: WriteId, (): ()) -> Result<Written, NotDone> {
        let epoch = i64::try_from(token.epoch().get()).map_err(|error| NotDone(error.into()))?;
        let Form::Shipped(isolation) = self.form else {
            return self.write_leaking(token, epoch).await.map_err(NotDone);
        };
        let write = Write::statement(INSERT, vec![Box::new(epoch)]).at(isolation);
        self.shipped.write(token, id, write).await.map_err(|error| NotDone(error.into()))
    }

    async fn seal(&self, order: Order) -> Result<Receipt, NotDone> {
        if self.form.is_shipped() {
            return self.shipped.seal(order).await.map_err(|error| NotDone(error.into()));
        }
        let position = self.seal_leaking(order.epoch().get()).await.map_err(NotDone)?;
        Ok(order.done(position))
    }
}

impl Resource {
    async fn write_leaking(&self, token: &Token, epoch: i64) -> Result<Written, Error> {
        let client = self.pool.get().await?;
        let insert = client.prepare_cached(INSERT).await?;
        let floor = last(&client.simple_query(self.form.look()).await?).ok_or("no floor")?.parse::<u64>()?;
        if token.epoch().get() < floor {
            client.batch_execute("ROLLBACK").await?;
            let floor = Generation::new(floor);
            return Ok(Written::Fenced(BelowFloor { mine: token.epoch(), floor }));
        }
        client.execute(&insert, &[&epoch]).await?;
        let done = client.simple_query("COMMIT; SELECT pg_current_wal_insert_lsn()").await?;
        Ok(Written::Applied(position(last(&done))?))
    }

    async fn seal_leaking(&self, epoch: u64) -> Result<Position, Error> {
        let client = self.pool.get().await?;
        let raise = format!(
            "BEGIN; SELECT pg_advisory_xact_lock(7); UPDATE toy SET lowest = greatest(lowest, {epoch} + 1); COMMIT; \
             INSERT INTO counted SELECT {epoch}, count(*) FROM rows WHERE epoch = {epoch} ON CONFLICT DO NOTHING; \
             SELECT pg_current_wal_insert_lsn()"
        );
        position(last(&client.simple_query(&raise).await?))
    }
}

fn last(messages: &[SimpleQueryMessage]) -> Option<&str> {
    messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    })
}

fn position(lsn: Option<&str>) -> Result<Position, Error> {
    let lsn = lsn.and_then(|lsn| lsn.parse::<PgLsn>().ok()).ok_or("no position")?;
    Ok(Position::new(lsn.into()))
}

/// A write that has definitely not happened, with the reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotDone(Error);
