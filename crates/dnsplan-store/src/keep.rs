//! Pins and the floor: each is decided in view of the other, so that nothing pinned is ever below an allowed floor.

use dnsplan_fence::Generation;
use dnsplan_plan::{Pin, StoreError};
use rusqlite::params;

use crate::number::Number;
use crate::plans::ZoneRow;
use crate::session::{Fault, Session};

impl Session<'_> {
    pub(crate) fn allow_floor(&self, zone: &ZoneRow, wanted: Generation) -> Result<Generation, Fault> {
        let sql = "SELECT min(generation) FROM pin WHERE zone = ?1";
        let pinned: Option<Number> = self.sql.query_row(sql, [zone.id], |row| row.get(0))?;
        let allowed = wanted.min(pinned.map_or(wanted, Generation::from)).min(self.head_generation(zone)?);
        if allowed > zone.floor {
            let sql = "UPDATE zone SET floor = ?2 WHERE id = ?1";
            self.sql.execute(sql, params![zone.id, Number::from(allowed)])?;
            self.changed();
        }
        Ok(allowed)
    }

    pub(crate) fn pin(&self, zone: &ZoneRow, pin: &Pin) -> Result<(), Fault> {
        let (generation, floor) = (pin.generation, zone.floor);
        let at = Number::from(generation);
        let sql = "SELECT EXISTS (SELECT 1 FROM plan WHERE zone = ?1 AND generation = ?2)";
        let is_there: bool = self.sql.query_row(sql, params![zone.id, at], |row| row.get(0))?;
        if !is_there {
            return Err(no_plan(generation).into());
        }
        if generation < floor {
            let reason =
                format!("generation {generation} may be gone from targets already, the floor is {floor}");
            return Err(StoreError::Refused(reason).into());
        }
        let sql = "INSERT INTO pin (zone, generation, reason, by, at) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (zone, generation) DO UPDATE SET reason = ?3, by = ?4, at = ?5";
        self.sql.execute(sql, params![zone.id, at, pin.reason, pin.by, Number::from(pin.at)])?;
        self.changed();
        Ok(())
    }

    pub(crate) fn unpin(&self, zone: &ZoneRow, generation: Generation) -> Result<bool, Fault> {
        let sql = "DELETE FROM pin WHERE zone = ?1 AND generation = ?2";
        let ended = self.sql.execute(sql, params![zone.id, Number::from(generation)])? > 0;
        if ended {
            self.changed();
        }
        Ok(ended)
    }

    pub(crate) fn pins(&self, zone: &ZoneRow) -> Result<Vec<Pin>, Fault> {
        let sql = "SELECT generation, reason, by, at FROM pin WHERE zone = ?1 ORDER BY generation";
        let mut statement = self.sql.prepare_cached(sql)?;
        let pins = statement.query_map([zone.id], |row| {
            let (generation, at): (Number, Number) = (row.get(0)?, row.get(3)?);
            Ok(Pin { generation: generation.into(), reason: row.get(1)?, by: row.get(2)?, at: at.into() })
        })?;
        Ok(pins.collect::<Result<_, _>>()?)
    }
}

pub(crate) fn no_plan(generation: Generation) -> StoreError {
    StoreError::NotFound(format!("plan {generation}"))
}
