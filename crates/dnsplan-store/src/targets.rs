//! What enactors say of targets, and what they ask for.

use dnsplan_fence::Generation;
use dnsplan_plan::{Demand, StoreError, TargetId, TargetReport, TargetStatus};
use rusqlite::{Row, params};

use crate::number::Number;
use crate::plans::ZoneRow;
use crate::session::{Fault, Session};

impl Session<'_> {
    /// What was seen stays seen: a generation once at a target is never granted again.
    pub(crate) fn seen(&self, zone: &ZoneRow, highest: Generation) -> Result<(), Fault> {
        let sql = "UPDATE zone SET granted = max(granted, ?2) WHERE id = ?1";
        self.sql.prepare_cached(sql)?.execute(params![zone.id, Number::from(highest)])?;
        Ok(())
    }

    pub(crate) fn report(
        &self,
        zone: &ZoneRow,
        target: &TargetId,
        report: TargetReport,
    ) -> Result<(), Fault> {
        let known = self.targets(zone)?.into_iter().find(|status| status.target == *target);
        if known.is_some_and(|status| status.report == report) {
            return Ok(());
        }
        self.seen(zone, report.highest.max(report.live).max(report.base).max(report.floor))?;
        let sql = "INSERT INTO target (zone, id, live, base, floor, highest, state, note, freeze, by, at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                   ON CONFLICT (zone, id) DO UPDATE SET live = ?3, base = ?4, floor = ?5, highest = ?6,
                   state = ?7, note = ?8, freeze = ?9, by = ?10, at = ?11";
        self.sql.prepare_cached(sql)?.execute(params![
            zone.id,
            target.as_str(),
            Number::from(report.live),
            Number::from(report.base),
            Number::from(report.floor),
            Number::from(report.highest),
            report.state,
            report.note,
            report.freeze.map(Number::from),
            report.by,
            Number::from(report.at),
        ])?;
        self.changed();
        Ok(())
    }

    pub(crate) fn confirm(
        &self,
        zone: &ZoneRow,
        target: &TargetId,
        generation: Generation,
    ) -> Result<(), Fault> {
        let known = self.targets(zone)?.into_iter().find(|status| status.target == *target);
        let Some(known) = known else { return Err(unreported(target).into()) };
        if known.confirmed < generation {
            let sql = "UPDATE target SET confirmed = ?3 WHERE zone = ?1 AND id = ?2";
            self.sql.execute(sql, params![zone.id, target.as_str(), Number::from(generation)])?;
            self.seen(zone, generation)?;
            self.changed();
        }
        Ok(())
    }

    pub(crate) fn targets(&self, zone: &ZoneRow) -> Result<Vec<TargetStatus>, Fault> {
        let sql = "SELECT id, live, base, floor, highest, state, note, freeze, by, at, confirmed
                   FROM target WHERE zone = ?1 ORDER BY id";
        let mut statement = self.sql.prepare_cached(sql)?;
        let statuses = statement.query_map([zone.id], status)?.collect::<Result<_, _>>()?;
        Ok(statuses)
    }

    pub(crate) fn demand(&self, zone: &ZoneRow, demand: &Demand) -> Result<(), Fault> {
        // A demand that the head is above already is met.
        if demand.above < self.head_generation(zone)? {
            return Ok(());
        }
        let sql = "INSERT OR IGNORE INTO demand (zone, above, reason, detail, by, at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let reason = serde_json::to_string(&demand.reason)
            .map_err(|error| StoreError::Refused(format!("the reason cannot be stored: {error}")))?;
        let (above, at) = (Number::from(demand.above), Number::from(demand.at));
        let added = self.sql.execute(sql, params![zone.id, above, reason, demand.detail, demand.by, at])?;
        if added > 0 {
            self.changed();
        }
        Ok(())
    }

    pub(crate) fn demands(&self, zone: &ZoneRow) -> Result<Vec<Demand>, Fault> {
        let sql = "SELECT above, reason, detail, by, at FROM demand WHERE zone = ?1 ORDER BY id";
        let mut statement = self.sql.prepare_cached(sql)?;
        let mut rows = statement.query([zone.id])?;
        let mut demands = Vec::new();
        while let Some(row) = rows.next()? {
            let (above, at): (Number, Number) = (row.get(0)?, row.get(4)?);
            let reason: String = row.get(1)?;
            let reason = serde_json::from_str(&reason)
                .map_err(|error| Fault::Damaged(format!("a demand has the reason {reason}: {error}")))?;
            let (detail, by) = (row.get(2)?, row.get(3)?);
            demands.push(Demand { above: above.into(), reason, detail, by, at: at.into() });
        }
        Ok(demands)
    }
}

pub(crate) fn unreported(target: &TargetId) -> StoreError {
    StoreError::NotFound(format!("target {target}; report on it before confirming"))
}

fn status(row: &Row<'_>) -> rusqlite::Result<TargetStatus> {
    let generation = |column: usize| row.get::<_, Number>(column).map(Generation::from);
    let report = TargetReport {
        live: generation(1)?,
        base: generation(2)?,
        floor: generation(3)?,
        highest: generation(4)?,
        state: row.get(5)?,
        note: row.get(6)?,
        freeze: row.get::<_, Option<Number>>(7)?.map(Into::into),
        by: row.get(8)?,
        at: row.get::<_, Number>(9)?.into(),
    };
    Ok(TargetStatus { target: TargetId::new(row.get::<_, String>(0)?), report, confirmed: generation(10)? })
}
