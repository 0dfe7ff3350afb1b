//! Freezes: at most one is in force, and no id comes twice, not even one that only a target's record remembers.

use std::collections::BTreeSet;

use dnsplan_fence::{FreezeId, Generation, HeadAfter, Standing, Witness};
use dnsplan_plan::{Freeze, OwnerName, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use crate::number::Number;
use crate::session::{Fault, Session};

impl Session<'_> {
    pub(crate) fn frozen(&self) -> Result<Option<Freeze>, Fault> {
        let sql = "SELECT id, reason, by, at FROM freeze WHERE id NOT IN (SELECT id FROM lifted)
                   ORDER BY id DESC LIMIT 1";
        let freeze = |row: &Row<'_>| {
            let (id, at): (Number, Number) = (row.get(0)?, row.get(3)?);
            Ok(Freeze { id: id.into(), reason: row.get(1)?, by: row.get(2)?, at: at.into() })
        };
        Ok(self.sql.prepare_cached(sql)?.query_row([], freeze).optional()?)
    }

    pub(crate) fn freeze(&self, by: &str, reason: &str, at: Timestamp) -> Result<Freeze, Fault> {
        if let Some(freeze) = self.frozen()? {
            return Ok(freeze);
        }
        let sql = "INSERT INTO freeze (id, reason, by, at)
                   SELECT 1 + coalesce(max(id), 0), ?1, ?2, ?3
                   FROM (SELECT id FROM freeze UNION ALL SELECT id FROM lifted
                         UNION ALL SELECT freeze FROM target)
                   RETURNING id";
        let id: Number = self.sql.query_row(sql, params![reason, by, Number::from(at)], |row| row.get(0))?;
        self.changed();
        Ok(Freeze { id: id.into(), reason: reason.to_owned(), by: by.to_owned(), at })
    }

    pub(crate) fn unfreeze(&self, by: &str, at: Timestamp) -> Result<Vec<FreezeId>, Fault> {
        let sql =
            "SELECT id FROM (SELECT id FROM freeze UNION SELECT freeze FROM target WHERE freeze IS NOT NULL)
                   WHERE id NOT IN (SELECT id FROM lifted) ORDER BY id";
        let held: Vec<Number> =
            self.sql.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for id in &held {
            let sql = "INSERT INTO lifted (id, by, at) VALUES (?1, ?2, ?3)";
            self.sql.execute(sql, params![id, by, Number::from(at)])?;
            self.changed();
        }
        Ok(held.into_iter().map(FreezeId::from).collect())
    }

    fn lifted(&self) -> Result<BTreeSet<FreezeId>, Fault> {
        let mut statement = self.sql.prepare_cached("SELECT id FROM lifted")?;
        let ids = statement.query_map([], |row| row.get::<_, Number>(0).map(FreezeId::from))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// The instant of this transaction is after the witness came in.
    pub(crate) fn head_after(&self, origin: &OwnerName, witness: Witness) -> Result<HeadAfter, Fault> {
        let zone = self.zone(origin)?;
        let head = zone.map_or(Ok(Generation::ZERO), |zone| self.head_generation(&zone))?;
        let active = self.frozen()?.map(|freeze| freeze.id);
        let standing = Standing::new(head).frozen_by(active).having_lifted(self.lifted()?);
        Ok(witness.answered(standing))
    }
}
