//! The resource: transactions that enter an epoch, and the seal.

use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::Pool;
use dnsplan_fence::Generation;
use dnsplan_leadership::{
    BelowFloor, Epoch, Fenced, Order, Position, Receipt, Scope, Token, WriteId, Written,
};
use futures_util::TryStreamExt;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::PgLsn;

use crate::error::{FENCED, KNOWN, is_certain, refusal};
use crate::session::{Session, last_value};
use crate::{Error, Write};

/// How long a seal waits for the transactions under way before it ends them.
const GRACE: Duration = Duration::from_secs(2);

/// How long a transaction may wait for its own client. A client that hangs is ended by the server, and not by a seal only.
const IDLE: Duration = Duration::from_secs(10);

/// How often a seal ends the transactions that it waits for. Those are new ones each time.
const EVICTIONS: u32 = 5;

/// The tables of a scope in a PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresResource {
    pool: Pool,
    scope: Scope,
    grace: Duration,
    idle: Duration,
}

/// What became of a write whose reply was lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// It took effect.
    Applied(Position),
    /// It has not, and never will: its id is used up.
    Never,
}

impl PostgresResource {
    /// The tables that are guarded under a scope. The pool leads to the primary.
    #[must_use]
    pub const fn new(pool: Pool, scope: Scope) -> Self {
        Self { pool, scope, grace: GRACE, idle: IDLE }
    }

    /// How long a seal waits for the transactions under way (2 s where this is not set). Then it ends their sessions: what they
    /// have not committed does not happen.
    #[must_use]
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long the server waits for the next statement of a write before it rolls it back (10 s where this is not set).
    #[must_use]
    pub const fn with_idle_limit(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Everything up to here, the server that the pool leads to has. Of a replica, it is what it has replayed.
    ///
    /// # Errors
    /// [`Error`] where the server does not answer.
    pub async fn applied(&self) -> Result<Position, Error> {
        let session = Session::begin(&self.pool).await?;
        let sql = "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() \
                   ELSE pg_catalog.pg_current_wal_insert_lsn() END";
        let statement = session.prepare_cached(sql).await?;
        let row = session.query_one(&statement, &[]).await?;
        session.end();
        Ok(position(row.try_get(0)?))
    }

    /// Settles a write that ended as [`Written::Unknown`], for good. Where a transaction has the id in hand at this moment, it
    /// waits for it, up to the idle limit.
    ///
    /// # Errors
    /// [`Error`] where the server does not answer, or what became of the epoch's writes was deleted.
    pub async fn lookup(&self, token: &Token, id: WriteId) -> Result<Found, Error> {
        let epoch = self.admit(token)?;
        let session = Session::begin(&self.pool).await?;
        let (scope, limit) = (&self.scope, self.idle.as_millis());
        let sql = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = {limit}; \
             SELECT dnsplan_fence.lookup('{scope}', {epoch}, '{id}')::text; COMMIT"
        );
        let messages = run(&session, &sql).await;
        let messages = match messages {
            Ok(messages) => messages,
            Err(error) => {
                session.roll_back().await;
                return Err(error.into());
            }
        };
        let is_applied = last_value(&messages) == Some("true");
        session.end();
        if is_applied { Ok(Found::Applied(self.applied().await?)) } else { Ok(Found::Never) }
    }

    /// Forgets the ids of the writes of all epochs below `below`, which have to be over. How many it has forgotten.
    ///
    /// # Errors
    /// [`Error`] where they are not over, or the server does not answer.
    pub async fn prune(&self, below: Epoch) -> Result<u64, Error> {
        let session = Session::begin(&self.pool).await?;
        let below = bigint(below)?;
        let sql = "SELECT dnsplan_fence.prune($1, $2)";
        let row = session.query_one(sql, &[&self.scope.as_str(), &below]).await?;
        session.end();
        Ok(u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or_default())
    }

    fn admit(&self, token: &Token) -> Result<i64, Error> {
        if *token.scope() == self.scope {
            bigint(token.epoch())
        } else {
            Err(Error::OtherScope { theirs: token.scope().clone(), ours: self.scope.clone() })
        }
    }

    /// What a refusal to enter comes to.
    async fn not_entered(
        &self,
        session: Session,
        error: tokio_postgres::Error,
        mine: Epoch,
        id: WriteId,
    ) -> Result<Written, Error> {
        session.roll_back().await;
        if let Some(fenced) = refusal(&error, FENCED) {
            let floor = fenced.detail().and_then(|floor| floor.parse().ok());
            let floor = floor.map(Generation::new).ok_or_else(|| Error::Answer(fenced.to_string()))?;
            return Ok(Written::Fenced(BelowFloor { mine, floor }));
        }
        match refusal(&error, KNOWN).map(|known| known.detail() == Some("applied")) {
            // Not an error: it did happen.
            Some(true) => Ok(self.applied().await.map_or(Written::Unknown(id), Written::Applied)),
            Some(false) => Err(Error::GivenUp(id)),
            None => Err(error.into()),
        }
    }

    /// One try to raise the floor. Where transactions under way hold it up for too long, they are ended.
    async fn raise(&self, session: &Session, epoch: i64) -> Result<Raised, Error> {
        let (scope, grace) = (&self.scope, self.grace.as_millis().max(1));
        let sql = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = {grace}; \
             SELECT dnsplan_fence.seal('{scope}', {epoch}); COMMIT"
        );
        let Err(error) = run(session, &sql).await else { return Ok(Raised::Done) };
        session.batch_execute("ROLLBACK").await?;
        if error.code() != Some(&SqlState::LOCK_NOT_AVAILABLE) {
            return Err(error.into());
        }
        let row = session.query_one("SELECT dnsplan_fence.evict($1)", &[&scope.as_str()]).await?;
        let prepared: Vec<String> = row.try_get(0)?;
        if prepared.is_empty() { Ok(Raised::Evicted(error)) } else { Err(Error::Prepared(prepared)) }
    }
}

/// What a try to raise the floor has come to.
enum Raised {
    Done,
    Evicted(tokio_postgres::Error),
}

impl Fenced for PostgresResource {
    type Write = Write;
    type Error = Error;

    async fn write(&self, token: &Token, id: WriteId, write: Write) -> Result<Written, Error> {
        let epoch = self.admit(token)?;
        let session = Session::begin(&self.pool).await?;
        let (scope, isolation, idle) = (&self.scope, write.isolation.sql(), self.idle.as_millis());
        let enter = format!(
            "BEGIN ISOLATION LEVEL {isolation} READ WRITE; SET LOCAL idle_in_transaction_session_timeout = {idle}; \
             SELECT dnsplan_fence.enter('{scope}', {epoch}, '{id}')"
        );
        if let Err(error) = run(&session, &enter).await {
            return self.not_entered(session, error, token.epoch(), id).await;
        }
        if let Err(error) = (write.work)(&session).await {
            session.roll_back().await;
            return Err(Error::Work(error));
        }
        commit(session, scope, id).await
    }

    async fn seal(&self, order: Order) -> Result<Receipt, Error> {
        let epoch = bigint(order.epoch())?;
        let session = Session::begin(&self.pool).await?;
        let mut evictions = 0;
        while let Raised::Evicted(error) = self.raise(&session, epoch).await? {
            evictions += 1;
            if evictions == EVICTIONS {
                session.end();
                return Err(error.into());
            }
        }
        // A statement of its own: it says where the log is after the seal was committed.
        let sealed = session.prepare_cached("SELECT dnsplan_fence.sealed($1, $2)").await?;
        let row = session.query_one(&sealed, &[&self.scope.as_str(), &epoch]).await?;
        session.end();
        Ok(order.done(position(row.try_get(0)?)))
    }
}

/// Commits, and says where the log is then: in one message, so that the lock is held no longer than it takes.
async fn commit(session: Session, scope: &Scope, id: WriteId) -> Result<Written, Error> {
    let sql = format!(
        "SELECT dnsplan_fence.require_entered('{scope}'); COMMIT; SELECT pg_catalog.pg_current_wal_insert_lsn()"
    );
    let (mut done, mut answer) = (0, None);
    let replies = session.simple_query_raw(&sql).await;
    let ended = match replies {
        Ok(replies) => {
            let mut replies = pin!(replies);
            loop {
                match replies.try_next().await {
                    Ok(Some(SimpleQueryMessage::CommandComplete(_))) => done += 1,
                    Ok(Some(SimpleQueryMessage::Row(row))) => answer = row.get(0).map(str::to_owned),
                    Ok(Some(_)) => {}
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            }
        }
        Err(error) => Err(error),
    };
    match ended {
        Ok(()) => {
            session.end();
            let position = answer.and_then(|lsn| lsn.parse().ok()).map(position);
            Ok(position.map_or(Written::Unknown(id), Written::Applied))
        }
        // What comes after COMMIT (the second to be done) says nothing about it.
        Err(error) if done < 2 && is_certain(&error) => {
            session.roll_back().await;
            Err(error.into())
        }
        Err(_) => Ok(Written::Unknown(id)),
    }
}

async fn run(session: &Session, sql: &str) -> Result<Vec<SimpleQueryMessage>, tokio_postgres::Error> {
    session.simple_query(sql).await
}

pub(crate) fn position(lsn: PgLsn) -> Position {
    Position::new(lsn.into())
}

pub(crate) fn bigint(epoch: Epoch) -> Result<i64, Error> {
    // The floor is one above.
    i64::try_from(epoch.get()).ok().filter(|epoch| *epoch < i64::MAX).ok_or(Error::TooLarge(epoch.get()))
}
