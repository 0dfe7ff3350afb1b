//! One server, and what can be seen of it.

use std::time::Duration;

use deadpool_postgres::Pool;
use dnsplan_fence::Generation;
use dnsplan_leadership::{Candidate, Epoch, Holder, Incarnation, Node, Position, Receipt, Scope};
use tokio_postgres::types::PgLsn;

use crate::Error;
use crate::session::Session;

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
    /// Whether it takes writes at all, and on which timeline.
    pub standing: Standing,
    /// How far its log has come, or been replayed.
    pub at: Position,
    /// The lowest epoch that it accepts; `None` where nothing is known of the scope.
    pub lowest: Option<Generation>,
    /// The epoch that was opened last, and the timeline that it was opened on. A replica has its primary's.
    pub opened: Option<(Generation, u64)>,
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
    /// It replays what a primary writes; `is_fed` where it is connected to one.
    Replica {
        /// Whether its primary sends to it.
        is_fed: bool,
    },
}

impl Look {
    /// The epoch that this server accepts writes under, if any.
    #[must_use]
    pub fn open(&self) -> Option<Generation> {
        let (epoch, timeline) = self.opened?;
        let is_here = self.standing == Standing::Primary(timeline);
        (is_here && Some(epoch) >= self.lowest).then_some(epoch)
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
            _ => Standing::Replica { is_fed: row.try_get("is_fed")? },
        };
        Ok(Look {
            system: row.try_get("system")?,
            standing,
            at: lsn("at")?.unwrap_or(Position::START),
            lowest: generation("lowest")?,
            opened: generation("open_epoch")?.zip(number("open_timeline")?),
            sealed: generation("sealed_epoch")?.zip(lsn("sealed_at")?),
            canary: generation("canary")?,
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
        let seconds = i32::try_from(wait.as_secs()).unwrap_or(i32::MAX).max(1);
        let sql = "SELECT pg_catalog.pg_promote(true, $1)";
        session.query_one(sql, &[&seconds]).await?;
        session.end();
        Ok(())
    }

    /// Opens an epoch that the record grants to the present life of this server, and writes a canary under it. To do so again
    /// changes nothing.
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
