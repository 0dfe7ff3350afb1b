//! Reading plans: the nearest plan that is known whole, and the deltas from there.
//!
//! 1. A plan that was read has the digest that its append stored.
//! 2. What the cache knows is the start where it can be: the new plan then shares its structure, and costs the deltas.
//! 3. Where the cache does not lead there, the newest checkpoint below does, or the zone's first plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_fence::{Digest, Generation, Nonce, Offer, OfferedGeneration, ParentGeneration};
use dnsplan_plan::{Delta, Entry, OwnerName, Plan, Proposal, Provenance, Zone};
use rusqlite::{OptionalExtension, Row, params};

use crate::number::Number;
use crate::session::{Fault, Session};

/// A zone's row.
#[derive(Clone)]
pub(crate) struct ZoneRow {
    pub(crate) id: i64,
    pub(crate) origin: OwnerName,
    pub(crate) granted: Generation,
    pub(crate) floor: Generation,
}

impl Session<'_> {
    pub(crate) fn revision(&self) -> Result<u64, Fault> {
        let Number(revision) = self.sql.query_row("SELECT revision FROM store", [], |row| row.get(0))?;
        Ok(revision)
    }

    pub(crate) fn zones(&self) -> Result<Vec<OwnerName>, Fault> {
        let with_plans =
            "SELECT origin FROM zone WHERE EXISTS (SELECT 1 FROM plan WHERE plan.zone = zone.id)";
        let mut statement = self.sql.prepare_cached(with_plans)?;
        let texts: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let parsed = texts.iter().map(|text| text.parse::<OwnerName>());
        let mut zones: Vec<_> =
            parsed.collect::<Result<_, _>>().map_err(|error| Fault::Damaged(error.to_string()))?;
        zones.sort();
        Ok(zones)
    }

    pub(crate) fn zone(&self, origin: &OwnerName) -> Result<Option<ZoneRow>, Fault> {
        let sql = "SELECT id, granted, floor FROM zone WHERE origin = ?1";
        let mut statement = self.sql.prepare_cached(sql)?;
        let row = |row: &Row<'_>| {
            let (granted, floor): (Number, Number) = (row.get(1)?, row.get(2)?);
            Ok(ZoneRow {
                id: row.get(0)?,
                origin: origin.clone(),
                granted: granted.into(),
                floor: floor.into(),
            })
        };
        Ok(statement.query_row([key(origin)], row).optional()?)
    }

    pub(crate) fn zone_or_new(&self, origin: &OwnerName) -> Result<ZoneRow, Fault> {
        if let Some(zone) = self.zone(origin)? {
            return Ok(zone);
        }
        self.sql.execute("INSERT INTO zone (origin) VALUES (?1)", [key(origin)])?;
        let (granted, floor) = (Generation::ZERO, Generation::ZERO);
        Ok(ZoneRow { id: self.sql.last_insert_rowid(), origin: origin.clone(), granted, floor })
    }

    pub(crate) fn head_generation(&self, zone: &ZoneRow) -> Result<Generation, Fault> {
        let sql = "SELECT max(generation) FROM plan WHERE zone = ?1";
        let head: Option<Number> = self.sql.prepare_cached(sql)?.query_row([zone.id], |row| row.get(0))?;
        Ok(head.map_or(Generation::ZERO, Generation::from))
    }

    pub(crate) fn head(&self, zone: &ZoneRow) -> Result<Option<Arc<Plan>>, Fault> {
        match self.head_generation(zone)? {
            Generation::ZERO => Ok(None),
            generation => self.plan(zone, generation),
        }
    }

    pub(crate) fn plan(&self, zone: &ZoneRow, generation: Generation) -> Result<Option<Arc<Plan>>, Fault> {
        let Some(entry) = self.entry(zone, generation)? else { return Ok(None) };
        let cached = self.cache.nearest(&zone.origin, generation);
        let hit = |plan: &Arc<Plan>| plan.generation() == generation && plan.digest() == entry.digest;
        let plan = match cached.filter(hit) {
            Some(plan) => plan,
            None => {
                let content = self.content(zone, generation, entry.digest)?;
                let proposal = Proposal { zone: content, provenance: entry.provenance };
                Arc::new(Plan::granted(OfferedGeneration::granted(generation), entry.parent, proposal))
            }
        };
        self.cache.keep(&plan);
        Ok(Some(plan))
    }

    fn entry(&self, zone: &ZoneRow, generation: Generation) -> Result<Option<Entry>, Fault> {
        Ok(self.entries(zone, generation, 1)?.pop().filter(|entry| entry.generation == generation))
    }

    pub(crate) fn history(&self, zone: &ZoneRow, limit: usize) -> Result<Vec<Entry>, Fault> {
        self.entries(zone, self.head_generation(zone)?, limit)
    }

    /// The newest `limit` plans that are not newer than `upto`.
    fn entries(&self, zone: &ZoneRow, upto: Generation, limit: usize) -> Result<Vec<Entry>, Fault> {
        let sql = "SELECT generation, parent, digest, changed_owners, provenance FROM plan
                   WHERE zone = ?1 AND generation <= ?2 ORDER BY generation DESC LIMIT ?3";
        let mut statement = self.sql.prepare_cached(sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![zone.id, Number::from(upto), limit])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(entry(zone, row)?);
        }
        Ok(entries)
    }

    /// The content of a plan that is there.
    fn content(&self, zone: &ZoneRow, generation: Generation, digest: Digest) -> Result<Zone, Fault> {
        if let Some(start) = self.cache.nearest(&zone.origin, generation)
            && let Some(content) = self.roll(zone, start.zone().clone(), start.generation(), generation)?
            && content.digest() == digest
        {
            return Ok(content);
        }
        let (start, from) = self.start(zone, generation)?;
        let origin = &zone.origin;
        match self.roll(zone, start, from, generation)? {
            Some(content) if content.digest() == digest => Ok(content),
            Some(content) => Err(Fault::Damaged(format!(
                "generation {generation} of zone {origin} has the digest {}, but was appended with {}",
                content.digest().short(),
                digest.short()
            ))),
            None => Err(Fault::Damaged(format!(
                "generation {generation} of zone {origin} cannot be read: a plan after {from} that it builds on is gone"
            ))),
        }
    }

    /// The newest checkpoint that is not newer than `generation`, or the empty zone.
    fn start(&self, zone: &ZoneRow, generation: Generation) -> Result<(Zone, Generation), Fault> {
        let sql = "SELECT generation, content FROM checkpoint WHERE zone = ?1 AND generation <= ?2
                   ORDER BY generation DESC LIMIT 1";
        let row = |row: &Row<'_>| Ok((row.get::<_, Number>(0)?, row.get::<_, Vec<u8>>(1)?));
        let mut statement = self.sql.prepare_cached(sql)?;
        let found = statement.query_row(params![zone.id, Number::from(generation)], row).optional()?;
        let mut content = Zone::empty(zone.origin.clone());
        let Some((at, bytes)) = found else { return Ok((content, Generation::ZERO)) };
        self.apply(zone, at.into(), &bytes, &mut content)?;
        Ok((content, at.into()))
    }

    /// Goes on from the content of generation `from` to that of `upto`. `None` where no chain of plans leads there.
    fn roll(
        &self,
        zone: &ZoneRow,
        mut content: Zone,
        from: Generation,
        upto: Generation,
    ) -> Result<Option<Zone>, Fault> {
        let sql = "SELECT generation, parent, delta FROM plan WHERE zone = ?1 AND generation > ?2
                   AND generation <= ?3 ORDER BY generation";
        let mut statement = self.sql.prepare_cached(sql)?;
        let mut rows = statement.query(params![zone.id, Number::from(from), Number::from(upto)])?;
        let mut at = from;
        while let Some(row) = rows.next()? {
            let (generation, parent): (Number, Number) = (row.get(0)?, row.get(1)?);
            if Generation::from(parent) != at {
                return Ok(None);
            }
            at = generation.into();
            self.apply(zone, at, row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?, &mut content)?;
        }
        Ok((at == upto).then_some(content))
    }

    fn apply(
        &self,
        zone: &ZoneRow,
        generation: Generation,
        bytes: &[u8],
        content: &mut Zone,
    ) -> Result<(), Fault> {
        decode(zone, generation, bytes)?
            .apply(content)
            .map_err(|error| unreadable(zone, generation, &error))?;
        #[cfg(test)]
        self.cache.applied.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn find(&self, zone: &ZoneRow, attempt: Nonce) -> Result<Option<Generation>, Fault> {
        let sql = "SELECT generation FROM plan WHERE zone = ?1 AND attempt = ?2";
        let mut statement = self.sql.prepare_cached(sql)?;
        let found = statement.query_row(params![zone.id, attempt.get().to_be_bytes()], |row| row.get(0));
        Ok(found.optional()?.map(|number: Number| number.into()))
    }

    pub(crate) fn touched(
        &self,
        zone: &ZoneRow,
        after: Generation,
        upto: Generation,
    ) -> Result<Option<BTreeSet<OwnerName>>, Fault> {
        let sql = "SELECT generation, parent, delta FROM plan WHERE zone = ?1 AND generation > ?2
                   AND generation <= ?3 ORDER BY generation DESC";
        let mut statement = self.sql.prepare_cached(sql)?;
        let mut rows = statement.query(params![zone.id, Number::from(after), Number::from(upto)])?;
        let mut owners = BTreeSet::new();
        let mut at = upto;
        while let Some(row) = rows.next()? {
            let (generation, parent): (Number, Number) = (row.get(0)?, row.get(1)?);
            if Generation::from(generation) != at {
                return Ok(None);
            }
            let delta = decode(zone, at, row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            owners.extend(delta.owners().cloned());
            at = parent.into();
        }
        Ok((at == after).then_some(owners))
    }
}

/// A zone's name in the file: in ASCII, so that it can be parsed again whatever its labels mean to people.
pub(crate) fn key(origin: &OwnerName) -> String {
    origin.to_name().to_ascii()
}

fn entry(zone: &ZoneRow, row: &Row<'_>) -> Result<Entry, Fault> {
    let (generation, parent, changed_owners): (Number, Number, Number) =
        (row.get(0)?, row.get(1)?, row.get(3)?);
    let generation = Generation::from(generation);
    let provenance: String = row.get(4)?;
    let provenance: Provenance =
        serde_json::from_str(&provenance).map_err(|error| unreadable(zone, generation, &error))?;
    Ok(Entry {
        generation,
        parent: ParentGeneration::recorded(parent.into()),
        digest: Digest::new(row.get(2)?),
        provenance,
        changed_owners: changed_owners.0,
    })
}

fn decode(zone: &ZoneRow, generation: Generation, bytes: &[u8]) -> Result<Delta, Fault> {
    Delta::decode(bytes).map_err(|error| unreadable(zone, generation, &error))
}

fn unreadable(zone: &ZoneRow, generation: Generation, error: &impl std::fmt::Display) -> Fault {
    Fault::Damaged(format!("generation {generation} of zone {} cannot be read: {error}", zone.origin))
}
