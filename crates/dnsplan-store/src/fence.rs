//! The journal of in-process targets: the fence record of each, on disk before anybody can see what it grants.

use dnsplan_fence::Generation;
use dnsplan_plan::{OwnerName, StoreError, TargetId};
use rusqlite::{OptionalExtension, TransactionBehavior, params};

use crate::EmbeddedStore;
use crate::number::Number;
use crate::plans::key;

impl EmbeddedStore {
    /// Makes the fence record of an in-process target durable, if the one on disk is still `expected` (`None`: there is
    /// none). From then on `prune` keeps the plan `live`, and the store grants nothing that is not above it.
    ///
    /// It can be called from any thread, returns when the record is on disk, and waits for no reader, only for a write
    /// that is under way in the file. What `record` says is its owner's affair.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where another record is on disk: somebody else serves under this name. [`StoreError::Unknown`]
    /// where the commit itself failed: load the fence again. After any other error the fence is as it was.
    pub fn save_fence(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        expected: Option<&str>,
        record: &str,
        live: Generation,
    ) -> Result<(), StoreError> {
        let saved = self.shared.journal(TransactionBehavior::Immediate, |sql| {
            let live = Number::from(live);
            let raise = "INSERT INTO zone (origin, granted) VALUES (?1, ?2)
                         ON CONFLICT (origin) DO UPDATE SET granted = max(granted, ?2) RETURNING id";
            let id: i64 = sql.prepare_cached(raise)?.query_row(params![key(zone), live], |row| row.get(0))?;
            let rows = match expected {
                None => {
                    let save = "INSERT INTO fence (zone, target, record, live) VALUES (?1, ?2, ?3, ?4)
                                ON CONFLICT (zone, target) DO NOTHING";
                    sql.prepare_cached(save)?.execute(params![id, target.as_str(), record, live])?
                }
                Some(expected) => {
                    let save = "UPDATE fence SET record = ?3, live = ?4
                                WHERE zone = ?1 AND target = ?2 AND record = ?5";
                    sql.prepare_cached(save)?.execute(params![id, target.as_str(), record, live, expected])?
                }
            };
            Ok(rows == 1)
        })?;
        let taken =
            || format!("another process serves as {target}; stop one of them, or give it another name");
        if saved { Ok(()) } else { Err(StoreError::Refused(taken())) }
    }

    /// The fence record that was saved last, if any was.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`] where the file cannot be read.
    pub fn load_fence(&self, zone: &OwnerName, target: &TargetId) -> Result<Option<String>, StoreError> {
        self.shared.journal(TransactionBehavior::Deferred, |sql| {
            let load = "SELECT record FROM fence JOIN zone ON zone.id = fence.zone WHERE origin = ?1 AND target = ?2";
            let mut statement = sql.prepare_cached(load)?;
            Ok(statement.query_row(params![key(zone), target.as_str()], |row| row.get(0)).optional()?)
        })
    }
}
