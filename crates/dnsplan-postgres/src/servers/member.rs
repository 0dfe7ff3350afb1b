//! One server, and what can be seen of it.

use std::time::Duration;

use deadpool_postgres::Pool;
use dnsplan_fence::Generation;
use dnsplan_leadership::{Candidate, Epoch, Holder, Incarnation, Node, Position, Receipt, Scope};
use tokio_postgres::types::PgLsn;

use crate::Error;
use crate::session::Session;

/// How many seconds a promotion is waited for at a time; a statement may take a little longer.
const PROMOTION: i32 = 20;

/// A server, under the name that the record knows it by.
#[derive(Clone, Debug)]
pub struct Member {
    node: Node,
    pool: Pool,
}

/// What a server is, at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Look {
    /// Which cluster it belongs to: the same for a primary and its replicas.
    pub system: String,
    /// When it was started: no two servers have the same.
    pub started: String,
    /// Whether it takes writes at all, and on which timeline.
    pub standing: Standing,
    /// How far its log has come, or been replayed.
    pub at: Position,
    /// The lowest epoch that it accepts; `None` where nothing is known of the scope.
    pub lowest: Option<Generation>,
    /// The epoch that was opened last, and the timeline that it was opened on; 0 before the first. A replica has its primary's, and
    /// `None` is a role that does not move between servers.
    pub opened: Option<(Generation, u64)>,
    /// Whether that epoch is accepted here: it was opened on this server, since it was started, and not sealed since.
    pub is_open: bool,
    /// The prepared transactions that are in a seal's way.
    pub prepared: Vec<String>,
    /// The newest seal that it has, and its position.
    pub sealed: Option<(Generation, Position)>,
    /// The epoch of the newest canary that it has.
    pub canary: Option<Generation>,
    /// How many writes it has refused, as their epoch was over or open elsewhere. All roles of the database count.
    pub refused: u64,
}

/// What a server is to the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It takes writes, on this timeline. Which of them, the floor says.
    Primary(u64),
    /// It replays what a primary writes.
    Replica {
        /// The timeline that its primary sends to it; `None` where nobody sends.
        fed: Option<u64>,
        /// Whether it replays later than it could: paused, or delayed by its configuration.
        is_held: bool,
    },
}

impl Look {
    /// The epoch that this server accepts writes under, if any.
    #[must_use]
    pub fn open(&self) -> Option<Generation> {
        let (epoch, _) = self.opened?;
        self.is_open.then_some(epoch)
    }

    /// The life that it leads as a writer, if it is one.
    #[must_use]
    pub fn timeline(&self) -> Option<u64> {
        match self.standing {
            Standing::Primary(timeline) => Some(timeline),
            Standing::Replica { .. } => None,
        }
    }

    /// Whether it has everything up to a seal, and the seal.
    #[must_use]
    pub fn has(&self, receipt: Receipt) -> bool {
        self.sealed == Some((receipt.epoch().into(), receipt.position()))
    }
}

impl Member {
    /// A server of a name. The pool leads to this very server, whatever it is at the moment.
    #[must_use]
    pub const fn new(node: Node, pool: Pool) -> Self {
        Self { node, pool }
    }

    /// Its name.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What it is now.
    ///
    /// # Errors
    /// [`Error`] where it does not answer, or the schema is not there.
    pub async fn look(&self, scope: &Scope) -> Result<Look, Error> {
        let session = Session::begin(&self.pool).await?;
        let statement = session.prepare_cached("SELECT * FROM dnsplan_fence.look($1)").await?;
        let row = session.query_one(&statement, &[&scope.as_str()]).await?;
        session.end();
        let number =
            |name: &str| row.try_get::<_, Option<i64>>(name).map(|number| number.map(i64::cast_unsigned));
        let lsn =
            |name: &str| row.try_get::<_, Option<PgLsn>>(name).map(|lsn| lsn.map(crate::resource::position));
        let generation = |name: &str| number(name).map(|number| number.map(Generation::new));
        let standing = match (row.try_get("is_replica")?, number("timeline")?) {
            (false, Some(timeline)) => Standing::Primary(timeline),
            (_, timeline) => {
                let is_fed: bool = row.try_get("is_fed")?;
                Standing::Replica { fed: timeline.filter(|_| is_fed), is_held: row.try_get("is_held")? }
            }
        };
        Ok(Look {
            system: row.try_get("system")?,
            started: row.try_get("started")?,
            standing,
            at: lsn("at")?.unwrap_or(Position::START),
            lowest: generation("lowest")?,
            opened: generation("open_epoch")?.zip(number("open_timeline")?),
            sealed: generation("sealed_epoch")?.zip(lsn("sealed_at")?),
            canary: generation("canary")?,
            is_open: row.try_get::<_, Option<bool>>("is_open")?.unwrap_or_default(),
            prepared: row.try_get("prepared")?,
            refused: number("refused")?.unwrap_or_default(),
        })
    }

    /// Makes a primary of a replica, which has everything that it is to have. It grants nothing. Whether it has become one is for
    /// the next look to say.
    ///
    /// # Errors
    /// [`Error`] where it does not answer, or refuses.
    pub async fn promote(&self, wait: Duration) -> Result<(), Error> {
        let session = Session::begin(&self.pool).await?;
        let seconds = i32::try_from(wait.as_secs()).unwrap_or(i32::MAX).clamp(1, PROMOTION);
        let sql = "SELECT pg_catalog.pg_promote(true, $1)";
        let row = session.query_one(sql, &[&seconds]).await?;
        session.end();
        if row.try_get(0)? { Ok(()) } else { Err(Error::NotPromoted) }
    }

    /// Opens an epoch that the record grants to the present life of this server, for as long as the server runs, and writes a canary
    /// under it. After a start it is opened again by the same.
    ///
    /// # Errors
    /// [`Error`] where it does not answer, or the epoch is not to be opened here: it is over, or was granted to another life.
    pub async fn open(&self, scope: &Scope, epoch: Epoch, life: Incarnation) -> Result<(), Error> {
        let session = Session::begin(&self.pool).await?;
        let epoch = crate::resource::bigint(epoch)?;
        let timeline = i64::try_from(life.get()).map_err(|_| Error::TooLarge(life.get()))?;
        session
            .query_one("SELECT dnsplan_fence.open($1, $2, $3)", &[&scope.as_str(), &epoch, &timeline])
            .await?;
        session.query_one("SELECT dnsplan_fence.sing($1, $2)", &[&scope.as_str(), &epoch]).await?;
        session.end();
        Ok(())
    }

    /// This server as a candidate, with what a look has found: a primary only.
    pub(crate) fn candidate(&self, look: &Look, applied: Position) -> Option<Candidate> {
        let incarnation = Incarnation::new(look.timeline()?);
        Some(Candidate { holder: Holder { node: self.node.clone(), incarnation }, applied })
    }
}
