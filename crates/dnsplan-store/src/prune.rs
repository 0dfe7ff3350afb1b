//! Forgetting plans, and the checkpoints that make it possible.
//!
//! 1. A plan that is kept can be read: where the plan below it goes, it has a checkpoint of its own before that.
//! 2. The head, pins, what a target reports live, as its base or confirmed, and what a saved fence record says is live
//!    are kept. Numbers are not freed: `zone.granted` stays.
//! 3. Content is put together while others write; only the decision and the deletion happen in one transaction.
//! 4. A checkpoint is due where the deltas since the last one have grown larger than it. So checkpoints take no more room
//!    than the deltas do, and reading a plan costs at most twice its content.

use std::collections::{BTreeMap, BTreeSet};

use dnsplan_fence::Generation;
use dnsplan_plan::{Delta, OwnerName, Plan, Pruned, StoreError};
use rusqlite::{OptionalExtension, params};

use crate::number::Number;
use crate::plans::ZoneRow;
use crate::session::{Fault, Session, Shared};

/// What an attempt at pruning came to.
enum Attempt {
    Done(Pruned),
    /// These plans are to be kept and what they build on is to go: they need checkpoints first.
    Needs(Vec<Generation>),
}

type Contents = BTreeMap<Generation, Vec<u8>>;

impl Shared {
    pub(crate) fn prune(&self, origin: &OwnerName, floor: Generation) -> Result<Pruned, StoreError> {
        let mut contents = Contents::new();
        let pruned = loop {
            let attempt = self.write(|session| match session.zone(origin)? {
                Some(zone) => session.prune(&zone, floor, &contents),
                None => Ok(Attempt::Done(Pruned::default())),
            })?;
            match attempt {
                Attempt::Done(pruned) => break pruned,
                // A plan that is gone by now is needed no more: the next attempt sees that, too.
                Attempt::Needs(generations) => contents.extend(self.contents(origin, generations)?),
            }
        };
        self.checkpoint(origin)?;
        Ok(pruned)
    }

    /// Writes a checkpoint of the head where one is due; says whether it did.
    pub(crate) fn checkpoint(&self, origin: &OwnerName) -> Result<bool, StoreError> {
        let due = self.read(|session| match session.zone(origin)? {
            Some(zone) => session.due(&zone),
            None => Ok(None),
        })?;
        let contents = self.contents(origin, due)?;
        if contents.is_empty() {
            return Ok(false);
        }
        self.write(|session| {
            let Some(zone) = session.zone(origin)? else { return Ok(false) };
            session.save(&zone, &contents)
        })
    }

    fn contents(
        &self,
        origin: &OwnerName,
        generations: impl IntoIterator<Item = Generation>,
    ) -> Result<Contents, StoreError> {
        let mut contents = Contents::new();
        for generation in generations {
            let plan = self.read(|session| match session.zone(origin)? {
                Some(zone) => session.plan(&zone, generation),
                None => Ok(None),
            })?;
            contents.extend(plan.map(|plan| (generation, content(&plan))));
        }
        Ok(contents)
    }
}

fn content(plan: &Plan) -> Vec<u8> {
    Delta::checkpoint(plan.zone()).encode()
}

impl Session<'_> {
    fn prune(&self, zone: &ZoneRow, floor: Generation, contents: &Contents) -> Result<Attempt, Fault> {
        let kept = self.held(zone)?;
        let plans = self.parents(zone)?;
        let stays = |generation: &Generation| *generation >= floor || kept.contains(generation);
        let (keep, go): (BTreeMap<_, _>, BTreeMap<_, _>) =
            plans.into_iter().partition(|(generation, _)| stays(generation));
        let lowest = keep.keys().next().copied().unwrap_or(Generation::ZERO);
        if go.is_empty() {
            return Ok(Attempt::Done(Pruned { plans: 0, lowest }));
        }
        let isolated =
            keep.iter().filter(|(_, parent)| go.contains_key(parent)).map(|(generation, _)| *generation);
        let checkpoints = self.checkpoints(zone)?;
        let bare: Vec<_> = isolated.filter(|generation| !checkpoints.contains(generation)).collect();
        if bare.iter().any(|generation| !contents.contains_key(generation)) {
            return Ok(Attempt::Needs(bare));
        }
        self.save(zone, contents)?;
        let mut delete = self.sql.prepare("DELETE FROM plan WHERE zone = ?1 AND generation = ?2")?;
        for generation in go.keys() {
            delete.execute(params![zone.id, Number::from(*generation)])?;
        }
        self.changed();
        Ok(Attempt::Done(Pruned { plans: go.len() as u64, lowest }))
    }

    /// What must not go, whatever the floor.
    fn held(&self, zone: &ZoneRow) -> Result<BTreeSet<Generation>, Fault> {
        let sql = "SELECT max(generation) FROM plan WHERE zone = ?1 HAVING max(generation) IS NOT NULL
                   UNION SELECT generation FROM pin WHERE zone = ?1
                   UNION SELECT live FROM target WHERE zone = ?1
                   UNION SELECT base FROM target WHERE zone = ?1
                   UNION SELECT confirmed FROM target WHERE zone = ?1
                   UNION SELECT live FROM fence WHERE zone = ?1
                   UNION SELECT plan.generation FROM plan JOIN target ON target.zone = plan.zone
                       WHERE plan.zone = ?1 AND target.confirmed < target.live
                       AND plan.generation >= max(target.base, target.confirmed)";
        self.generations(zone, sql)
    }

    fn checkpoints(&self, zone: &ZoneRow) -> Result<BTreeSet<Generation>, Fault> {
        self.generations(zone, "SELECT generation FROM checkpoint WHERE zone = ?1")
    }

    fn generations(&self, zone: &ZoneRow, sql: &str) -> Result<BTreeSet<Generation>, Fault> {
        let mut statement = self.sql.prepare_cached(sql)?;
        let generations = statement.query_map([zone.id], |row| row.get::<_, Number>(0))?;
        Ok(generations.map(|number| number.map(Generation::from)).collect::<Result<_, _>>()?)
    }

    /// Every plan with its parent.
    fn parents(&self, zone: &ZoneRow) -> Result<BTreeMap<Generation, Generation>, Fault> {
        let mut statement = self.sql.prepare_cached("SELECT generation, parent FROM plan WHERE zone = ?1")?;
        let pairs = statement.query_map([zone.id], |row| {
            let (generation, parent): (Number, Number) = (row.get(0)?, row.get(1)?);
            Ok((generation.into(), parent.into()))
        })?;
        Ok(pairs.collect::<Result<_, _>>()?)
    }

    /// Writes checkpoints of plans that are there; says whether any was new.
    fn save(&self, zone: &ZoneRow, contents: &Contents) -> Result<bool, Fault> {
        let sql = "INSERT OR IGNORE INTO checkpoint (zone, generation, content)
                   SELECT zone, generation, ?3 FROM plan WHERE zone = ?1 AND generation = ?2";
        let mut insert = self.sql.prepare_cached(sql)?;
        let mut written = 0;
        for (generation, content) in contents {
            written += insert.execute(params![zone.id, Number::from(*generation), content])?;
        }
        if written > 0 {
            self.changed();
        }
        Ok(written > 0)
    }

    /// The head, where the deltas that lead to it have outgrown what they start from. Reads sizes, not content.
    fn due(&self, zone: &ZoneRow) -> Result<Option<Generation>, Fault> {
        let newest = "SELECT generation, length(content) FROM checkpoint WHERE zone = ?1
                      ORDER BY generation DESC LIMIT 1";
        let first = "SELECT generation, length(delta) FROM plan WHERE zone = ?1 ORDER BY generation LIMIT 1";
        let size = |sql: &str| {
            let pair = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Number>(0)?, row.get::<_, Number>(1)?));
            self.sql.query_row(sql, [zone.id], pair).optional()
        };
        let Some((start, content)) = size(newest)?.map_or_else(|| size(first), |found| Ok(Some(found)))?
        else {
            return Ok(None);
        };
        let sql = "SELECT coalesce(sum(length(delta)), 0) FROM plan WHERE zone = ?1 AND generation > ?2";
        let since: Number = self.sql.query_row(sql, params![zone.id, start], |row| row.get(0))?;
        Ok(if since > content { Some(self.head_generation(zone)?) } else { None })
    }
}
