//! Writing: one batch for a permit, from the best guess at what is there; where Route 53 says that the guess was wrong, nothing was
//! written, what is there is looked up, and the batch is made anew.

use std::collections::BTreeSet;
use std::sync::MutexGuard;

use dnsplan_enactor::{Arrival, Layout, Quarantine, Rider, Target, TargetError};
use dnsplan_fence::{Permit, Swap};
use dnsplan_plan::OwnerName;

use crate::api::{ChangeId, Cursor, Sent};
use crate::changes::{all_anew, batch, changes};
use crate::cost::Cost;
use crate::fence;
use crate::known::{ChainName, Flight, Known, Pending, Written};
use crate::messages::{Kind, Problem, parse};
use crate::part::{Place, Reader, Unit, Work};
use crate::present::{Hitch, Looked, rejected};
use crate::record::{Change, RecordSet};
use crate::target::Route53Target;

/// How often a batch is made anew.
const TRIES: u32 = 5;
/// Above so many names the whole zone is listed.
const NAMES: usize = 8;

impl Route53Target {
    pub(crate) async fn write(
        &self,
        permit: Permit<Quarantine>,
        rider: Rider,
    ) -> Result<Swap<Quarantine>, TargetError> {
        let work = self.reader().work(&permit, &rider)?;
        self.check_chain(&work, &permit).await?;
        if work.tree.is_some() {
            self.check_flight().await?;
        }
        match self.write_work(work, &permit, &rider).await {
            // What is in the way may have been put there by whoever has written since.
            Err(TargetError::Rejected { .. }) if self.is_stale(&permit).await? => Ok(Swap::Lost(None)),
            done => done,
        }
    }

    fn reader(&self) -> Reader<'_> {
        Reader { wanted: &self.wanted, layout: self.layout, cuts: &self.cuts }
    }

    async fn is_stale(&self, permit: &Permit<Quarantine>) -> Result<bool, TargetError> {
        let now = self.at_fence().await?;
        Ok(now != Some(fence::record_set(&self.wanted.names, permit.expected())))
    }

    async fn write_work(
        &self,
        mut work: Work,
        permit: &Permit<Quarantine>,
        rider: &Rider,
    ) -> Result<Swap<Quarantine>, TargetError> {
        let mut looked = Looked::new();
        for _ in 0..TRIES {
            let batch = match self.batch(&work, permit, &looked) {
                Ok(batch) => batch,
                Err(Hitch::Refused(error)) => return Err(error),
                Err(Hitch::Unlisted) => {
                    self.look(&work, &mut looked).await?;
                    continue;
                }
            };
            match self.api.change(&batch).await? {
                Sent::Applied(id) => {
                    self.note(&work, permit, &batch, id);
                    return Ok(Swap::Won);
                }
                Sent::Unknown => {
                    let (expected, attempt) = (permit.expected().attempt, permit.next().attempt);
                    let mut known = self.known();
                    // A chain is begun anew where a reply was lost; what else leads somewhere in a tree is only known by its id.
                    known.flight.is_lost |=
                        self.layout == Layout::Tree && work.chain.is_none() && !work.units.is_empty();
                    known.lost_reply(Pending { expected, attempt, changes: batch });
                    return Ok(Swap::Unknown);
                }
                Sent::Refused(messages) => {
                    tracing::debug!(zone = self.api.zone_id(), "refused: {messages}");
                    self.restage(&messages, &mut work, rider)?;
                    if let Some(swap) = self.refused(&messages, &work, &batch, &mut looked).await? {
                        return Ok(swap);
                    }
                }
            }
        }
        Err(TargetError::Unavailable("somebody else keeps changing what this write is about".to_owned()))
    }

    /// In a tree: only who wrote the parts before knows whether they have arrived everywhere.
    async fn check_chain(&self, work: &Work, permit: &Permit<Quarantine>) -> Result<(), TargetError> {
        let Some((name, index, is_last)) = work.chain.filter(|(_, index, _)| *index > 0) else {
            return Ok(());
        };
        let flying = self.flying(name, index, permit)?;
        if !is_last {
            return Ok(());
        }
        let mut left = 0;
        for (part, change) in flying {
            if self.api.is_in_sync(&change).await? {
                self.arrived(name, part);
            } else {
                left += 1;
            }
        }
        if left == 0 {
            return Ok(());
        }
        let what = if name.is_stage { "staged" } else { "pointed at" };
        Err(TargetError::Pending(format!(
            "{} is {what}, and {left} of {} changes are still on their way to the edges",
            name.generation,
            name.parts.saturating_sub(1)
        )))
    }

    /// What a repair has led away from a tree may still be sent there by an edge that does not have the repair yet.
    async fn check_flight(&self) -> Result<(), TargetError> {
        self.known().flight.asked = 0;
        if self.arrival().await? == Arrival::Everywhere {
            return Ok(());
        }
        Err(TargetError::Pending("what was repaired is still on its way to the edges".to_owned()))
    }

    /// The changes of a chain that are not known to have arrived.
    fn flying(
        &self,
        name: ChainName,
        index: u32,
        permit: &Permit<Quarantine>,
    ) -> Result<Vec<(usize, ChangeId)>, TargetError> {
        let known = self.known();
        let is_mine = |chain: &&Written| {
            chain.of == name
                && chain.changes.len() == index as usize
                && chain.last == permit.expected().attempt
        };
        let chain = known.chain.as_ref().filter(is_mine).ok_or(TargetError::Unproven)?;
        let flying = chain.changes.iter().enumerate();
        Ok(flying.filter_map(|(part, change)| change.clone().map(|change| (part, change))).collect())
    }

    fn arrived(&self, name: ChainName, part: usize) {
        if let Some(chain) = self.known().chain.as_mut().filter(|chain| chain.of == name)
            && let Some(change) = chain.changes.get_mut(part)
        {
            *change = None;
        }
    }

    /// The batch, from what is known, looked up or guessed.
    fn batch(&self, work: &Work, permit: &Permit<Quarantine>, looked: &Looked) -> Result<Vec<Change>, Hitch> {
        let known = self.known();
        let names = &self.wanted.names;
        let old = fence::record_set(names, permit.expected());
        let new = fence::record_set(names, permit.next());
        let room = self.wanted.limits.beside_fence();
        let (mut all, mut spent) = (Vec::new(), Cost::ZERO);
        let mut add = |changes: Vec<Change>| {
            let cost = spent + Cost::of_all(&changes);
            let fits = cost.fits(room);
            if fits || !work.is_partial {
                spent = cost;
                all.extend(changes);
            }
            fits || !work.is_partial
        };
        for unit in &work.units {
            let now = self.now(unit, work, permit, &known, looked)?;
            let least = changes(&now, &unit.wanted, room)
                .map_err(|taken| rejected(&unit.owner, taken.to_string()))?;
            let changes = asserted(unit, least);
            let fits = Cost::of_all(&changes).fits(room);
            let changes = if fits { changes } else { all_anew(&now, &unit.wanted) };
            let cost = Cost::of_all(&changes);
            if work.is_partial && !cost.fits(room) {
                return Err(rejected(
                    &unit.owner,
                    format!("it costs {cost} to restore, one batch takes {room}"),
                ));
            }
            if !add(changes) {
                break;
            }
        }
        if let Some(tree) = &work.tree {
            let root = names.tree_root(tree);
            let there = match (looked.get(&root), known.zone(permit.expected().attempt)) {
                (Some(sets), _) => sets.clone(),
                (None, Some(zone)) => zone.under(&root).cloned().collect(),
                (None, None) => return Err(Hitch::Unlisted),
            };
            // What points into the tree from within goes first.
            let (aliases, rest): (Vec<_>, Vec<_>) = there.into_iter().partition(|set| set.target().is_some());
            for set in aliases.into_iter().chain(rest) {
                if !add(vec![Change::Delete(set)]) {
                    break;
                }
            }
        }
        batch(Some(old), new, all, &self.wanted.limits)
            .map_err(|error| Hitch::Refused(TargetError::TooLarge(error.to_string())))
    }

    /// What a refusal says: the answer, or nothing where the batch is to be made anew.
    async fn refused(
        &self,
        messages: &str,
        work: &Work,
        batch: &[Change],
        looked: &mut Looked,
    ) -> Result<Option<Swap<Quarantine>>, TargetError> {
        let problems = parse(messages);
        let fence = self.wanted.names.fence();
        let is_surprise = |problem: &&Problem| {
            matches!(problem.kind, Kind::NotFound | Kind::ValuesDiffer | Kind::AlreadyExists)
        };
        if let Some(problem) = problems.iter().find(|problem| problem.name.as_ref() == Some(fence)) {
            self.known().written = None;
            if is_surprise(&problem) {
                return Ok(Some(Swap::Lost(None)));
            }
            return Err(TargetError::Misconfigured(format!("Route 53 refuses the fence record: {messages}")));
        }
        let surprises: BTreeSet<OwnerName> =
            problems.iter().filter(is_surprise).filter_map(|problem| problem.name.clone()).collect();
        // What was looked up does not say that it is in the way: it came or went since.
        let is_race = |problem: &Problem| match (&problem.kind, &problem.name) {
            (Kind::NotFound | Kind::ValuesDiffer, _) => true,
            (Kind::AlreadyExists, Some(name)) => !looked.values().flatten().any(|set| set.name == *name),
            _ => false,
        };
        let is_new = surprises.iter().any(|name| !self.looked_at(name, work, looked));
        if !surprises.is_empty() && (is_new || problems.iter().any(is_race)) {
            self.look(work, looked).await?;
            return Ok(None);
        }
        let is_restaged = |problem: &Problem| {
            problem.kind == Kind::AliasTargetMissing
                && problem.name.as_ref().is_some_and(|name| !self.looked_at(name, work, looked))
        };
        if problems.iter().any(is_restaged) {
            self.look(work, looked).await?;
            return Ok(None);
        }
        let named: BTreeSet<OwnerName> = problems
            .iter()
            .filter_map(|problem| problem.name.as_ref())
            .filter_map(|name| self.unit_of(name, work))
            .map(|unit| unit.owner.clone())
            .collect();
        let owners = if named.is_empty() { self.bisect(work, batch).await? } else { named };
        if owners.is_empty() {
            return Err(TargetError::Misconfigured(format!("Route 53 refuses the batch: {messages}")));
        }
        Err(TargetError::Rejected { owners, reason: messages.to_owned() })
    }

    /// What is missing from a tree that is flipped to is staged in the same batch: no edge has the pointer without it.
    fn restage(&self, messages: &str, work: &mut Work, rider: &Rider) -> Result<(), TargetError> {
        if work.chain.is_none_or(|(name, ..)| name.is_stage) {
            return Ok(());
        }
        let problems = parse(messages);
        let missing = problems.iter().filter(|problem| problem.kind == Kind::AliasTargetMissing);
        let is_staged = |owner: &OwnerName| {
            work.units.iter().any(|unit| unit.owner == *owner && unit.place != Place::Own)
        };
        let owners: BTreeSet<OwnerName> = missing
            .filter_map(|problem| self.unit_of(problem.name.as_ref()?, work))
            .map(|unit| unit.owner.clone())
            .filter(|owner| !is_staged(owner))
            .collect();
        let restaged = self.reader().restaged(rider, &owners)?;
        work.units.splice(0..0, restaged);
        Ok(())
    }

    pub(crate) fn unit_of<'w>(&self, name: &OwnerName, work: &'w Work) -> Option<&'w Unit> {
        let staged = self.wanted.names.parse_staged(name).map(|staged| staged.owner);
        let owner = staged.as_ref().unwrap_or(name);
        work.units.iter().find(|unit| unit.owner == *owner)
    }

    fn looked_at(&self, name: &OwnerName, work: &Work, looked: &Looked) -> bool {
        let staged = self.wanted.names.parse_staged(name).map(|staged| staged.owner);
        let owner = staged.as_ref().unwrap_or(name);
        let mut units = work.units.iter().filter(|unit| unit.owner == *owner);
        match &work.tree {
            Some(tree) => looked.contains_key(&self.wanted.names.tree_root(tree)),
            None => units.all(|unit| self.place(unit).is_ok_and(|place| looked.contains_key(&place))),
        }
    }

    /// Looks up what this write is about: name by name, or the whole zone where that takes fewer calls.
    async fn look(&self, work: &Work, looked: &mut Looked) -> Result<(), TargetError> {
        if let Some(tree) = &work.tree {
            let root = self.wanted.names.tree_root(tree);
            let sets = self.api.list(Some(Cursor::at(&root, None)), |set| set.name.is_in(&root)).await?;
            looked.insert(root, sets);
            return Ok(());
        }
        let places: Vec<(OwnerName, Place)> = work
            .units
            .iter()
            .filter_map(|unit| self.place(unit).ok().map(|name| (name, unit.place)))
            .collect();
        // Where nobody knows what is ours, other tools' markers matter, which may be at other names.
        let is_adoption = !work.is_known && work.units.iter().any(|unit| unit.place == Place::Own);
        if places.len() > NAMES || is_adoption {
            self.list_all().await?;
            let known = self.known();
            for (name, place) in places {
                let sets = known.listed_at(&name, place != Place::Own);
                looked.insert(name, sets);
            }
            return Ok(());
        }
        for (name, place) in places {
            let is_there = |set: &RecordSet| match place {
                Place::Own => set.name == name,
                Place::Tree(_) => set.name.is_in(&name),
            };
            let sets = self.api.list(Some(Cursor::at(&name, None)), is_there).await?;
            looked.insert(name, sets);
        }
        Ok(())
    }

    fn note(&self, work: &Work, permit: &Permit<Quarantine>, batch: &[Change], id: ChangeId) {
        let mut known = self.known();
        known.wrote(permit.expected().attempt, permit.next(), batch);
        let Some((name, index, is_last)) = work.chain else {
            if work.units.is_empty() {
                return;
            }
            // In a tree the record itself says what has arrived.
            known.flight.changes.push(id);
            known.flight.asked = 0;
            return;
        };
        // Every pointer was written by this chain, and has arrived: what was repaired before is of no account any more.
        if is_last && !name.is_stage {
            known.flight = Flight::default();
        }
        match known.chain.as_mut().filter(|chain| chain.of == name && index > 0) {
            Some(chain) => {
                chain.changes.push(Some(id));
                chain.last = permit.next().attempt;
            }
            None => {
                known.chain =
                    Some(Written { of: name, changes: vec![Some(id)], last: permit.next().attempt });
            }
        }
    }

    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("invariant: nothing panics while it is locked")
    }
}

/// What is there already is written again, so that this change's arrival at the edges speaks for all of the part.
fn asserted(unit: &Unit, mut changes: Vec<Change>) -> Vec<Change> {
    if unit.is_asserted {
        let written: BTreeSet<_> = changes.iter().map(|change| change.record_set().key()).collect();
        let kept = unit.wanted.iter().filter(|set| !written.contains(&set.key()));
        changes.extend(kept.cloned().map(Change::Upsert));
    }
    changes
}
