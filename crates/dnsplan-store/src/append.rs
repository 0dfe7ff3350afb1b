//! Appending: the compare-and-swap on the head, in one transaction.
//!
//! 1. What an append costs is what it changes: the head comes from the cache, the row holds the delta, and no checkpoint
//!    is written here.
//! 2. The plan that is returned is the head's content with the stored delta applied: just what a later read makes of it.
//! 3. A number is granted in the transaction that stores the plan; both are on disk, or neither.

use std::sync::Arc;

use dnsplan_fence::{Generation, Nonce, Offer, OfferedGeneration, ParentGeneration};
use dnsplan_plan::{AppendError, Delta, Plan, Proposal, StoreError, admit};
use rusqlite::{OptionalExtension, params};

use crate::number::Number;
use crate::plans::ZoneRow;
use crate::session::{Fault, Session, Shared};

impl Shared {
    pub(crate) fn append(
        &self,
        parent: ParentGeneration,
        proposal: Proposal,
        attempt: Nonce,
    ) -> Result<Arc<Plan>, AppendError> {
        self.read_ahead(&proposal)?;
        let plan = self.write(|session| session.append(parent, proposal, attempt))??;
        self.cache.keep(&plan);
        Ok(plan)
    }

    /// Whatever this process has not read yet, it reads before it keeps others from writing.
    pub(crate) fn read_ahead(&self, proposal: &Proposal) -> Result<(), StoreError> {
        let head = |session: &Session<'_>| {
            session.zone(proposal.zone.origin())?.map_or(Ok(None), |zone| session.head(&zone))
        };
        self.read(head).map(|_| ())
    }
}

impl Session<'_> {
    /// Refusals are an answer and not a fault: the transaction has changed nothing then.
    pub(crate) fn append(
        &self,
        parent: ParentGeneration,
        proposal: Proposal,
        attempt: Nonce,
    ) -> Result<Result<Arc<Plan>, AppendError>, Fault> {
        if let Some(freeze) = self.frozen()? {
            return Ok(Err(AppendError::Frozen(freeze)));
        }
        let zone = self.zone_or_new(proposal.zone.origin())?;
        let head = self.head(&zone)?;
        let demanded = self.demands(&zone)?.iter().any(|open| open.reason.is_met_by_the_same_content());
        let diff = match admit(parent, head.as_deref(), &proposal, demanded) {
            Ok(diff) => diff,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let changed_owners = diff.nodes.len() as u64;
        if let Some(generation) = self.find(&zone, attempt)? {
            let used = format!("this attempt was granted generation {generation} already; take a new nonce");
            return Err(StoreError::Refused(used).into());
        }
        let generation = self.next(&zone)?;
        let delta = Delta::of(&zone.origin, diff).encode();
        let proposal = shared(&delta, head.as_deref(), proposal)?;
        let plan = Plan::granted(OfferedGeneration::granted(generation), parent, proposal);
        self.insert(&zone, &plan, attempt, changed_owners, &delta)?;
        self.changed();
        Ok(Ok(Arc::new(plan)))
    }

    /// The generation to grant: above everything granted, seen at a target or demanded.
    fn next(&self, zone: &ZoneRow) -> Result<Generation, Fault> {
        let sql = "SELECT max(above) FROM demand WHERE zone = ?1";
        let demanded: Option<Number> =
            self.sql.query_row(sql, [zone.id], |row| row.get(0)).optional()?.flatten();
        let highest = demanded.map_or(Generation::ZERO, Generation::from).max(zone.granted);
        let full = || StoreError::Refused("the last generation has been granted".to_owned());
        Ok(highest.next().ok_or_else(full)?)
    }

    fn insert(
        &self,
        zone: &ZoneRow,
        plan: &Plan,
        attempt: Nonce,
        changed_owners: u64,
        delta: &[u8],
    ) -> Result<(), Fault> {
        let provenance = serde_json::to_string(plan.provenance())
            .map_err(|error| StoreError::Refused(format!("the provenance cannot be stored: {error}")))?;
        let generation = Number::from(plan.generation());
        let sql =
            "INSERT INTO plan (zone, generation, parent, digest, attempt, changed_owners, provenance, delta)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.sql.prepare_cached(sql)?.execute(params![
            zone.id,
            generation,
            Number::from(Generation::from(plan.parent())),
            plan.digest().as_bytes(),
            attempt.get().to_be_bytes(),
            Number(changed_owners),
            provenance,
            delta,
        ])?;
        self.sql.execute("UPDATE zone SET granted = ?2 WHERE id = ?1", params![zone.id, generation])?;
        self.sql
            .execute("DELETE FROM demand WHERE zone = ?1 AND above < ?2", params![zone.id, generation])?;
        Ok(())
    }
}

/// The proposal with the content that the stored delta leads to: equal to what was proposed, and sharing all that it did not
/// change with the head, however the proposal came about.
fn shared(bytes: &[u8], head: Option<&Plan>, proposal: Proposal) -> Result<Proposal, Fault> {
    let Some(head) = head else { return Ok(proposal) };
    let mut content = head.zone().clone();
    let delta = Delta::decode(bytes).map_err(|error| StoreError::Refused(error.to_string()))?;
    delta.apply(&mut content).map_err(|error| StoreError::Refused(error.to_string()))?;
    if content != proposal.zone {
        let what = format!("zone {}: the plan would not be read back as it was proposed", content.origin());
        return Err(StoreError::Refused(what).into());
    }
    Ok(Proposal { zone: content, provenance: proposal.provenance })
}
