//! What is there now, and whose it is.

use std::collections::{BTreeMap, BTreeSet};

use dnsplan_enactor::{Quarantine, TargetError};
use dnsplan_fence::Permit;
use dnsplan_plan::OwnerName;

use crate::known::Known;
use crate::markers::{claimed, marker};
use crate::part::{Place, Unit, Work};
use crate::record::RecordSet;
use crate::target::Route53Target;

/// Why there is no batch yet.
pub(crate) enum Hitch {
    /// Nobody knows what is there.
    Unlisted,
    /// That is the answer.
    Refused(TargetError),
}

/// What was looked up for this write.
pub(crate) type Looked = BTreeMap<OwnerName, Vec<RecordSet>>;

impl Route53Target {
    /// What is there now that belongs to a unit.
    pub(crate) fn now(
        &self,
        unit: &Unit,
        work: &Work,
        permit: &Permit<Quarantine>,
        known: &Known,
        looked: &Looked,
    ) -> Result<Vec<RecordSet>, Hitch> {
        let place = self.place(unit)?;
        let zone = known.zone(permit.expected().attempt);
        let there: Vec<RecordSet> = match (looked.get(&place), zone, &unit.guess) {
            (Some(sets), ..) => sets.clone(),
            (None, Some(zone), _) if unit.place == Place::Own => zone.at(&place).cloned().collect(),
            (None, Some(zone), _) => zone.under(&place).cloned().collect(),
            (None, None, Some(guess)) if !unit.is_doubtful => return Ok(guess.clone()),
            (None, None, _) => return Err(Hitch::Unlisted),
        };
        if let Place::Tree(_) = unit.place {
            let is_its = |set: &RecordSet| {
                self.wanted.names.parse_staged(&set.name).is_some_and(|staged| staged.owner == unit.owner)
            };
            return Ok(there.into_iter().filter(is_its).collect());
        }
        self.ours(unit, work, known, there)
    }

    pub(crate) fn place(&self, unit: &Unit) -> Result<OwnerName, Hitch> {
        match &unit.place {
            Place::Own => Ok(unit.owner.clone()),
            Place::Tree(tree) => self
                .wanted
                .names
                .staged(&unit.owner, tree)
                .map_err(|error| rejected(&unit.owner, error.to_string())),
        }
    }

    /// Of what is at an owner name, what a plan has put there. Where a plan wants the place of something that none has put there, it
    /// is refused; but for a zone whose record, or the plan at its base, was lost or never there: what a plan names is taken over
    /// then, unless it says that another tool owns it.
    fn ours(
        &self,
        unit: &Unit,
        work: &Work,
        known: &Known,
        there: Vec<RecordSet>,
    ) -> Result<Vec<RecordSet>, Hitch> {
        // A name that goes with this one may say so as well, where the zone is known.
        let tool = marker(&there).or_else(|| claimed(known.listing()?, &unit.owner));
        let mut ours = Vec::new();
        for set in there {
            let record_type = set.record_type;
            if self.wanted.is_route53s(&unit.owner, record_type) {
                continue;
            }
            let points = set.target().is_some_and(|alias| self.wanted.names.is_reserved(&alias.target));
            let is_it = |old: &RecordSet| old.record_type == record_type && (!unit.is_aside || *old == set);
            let is_guessed = unit.guess.iter().flatten().any(is_it);
            let is_known =
                tool.is_none() && !unit.is_aside && known.ours.contains(&(unit.owner.clone(), record_type));
            // To the letter: what others have there is their own.
            let is_begun = tool.is_none() && unit.begun.contains(&set);
            let is_ours = points || is_guessed || is_known || is_begun;
            // What was set aside and is not wanted any more stays whoever's it is.
            let is_gone = unit.is_aside && !unit.wanted.iter().any(|set| set.record_type == record_type);
            let is_wanted = unit.types.contains(&record_type) && !is_gone;
            if is_ours || unit.wanted.contains(&set) {
                ours.push(set);
            } else if is_wanted && (work.is_known || tool.is_some()) {
                let by = tool.unwrap_or_else(|| "no plan has put it there".to_owned());
                let reason = format!("{} {record_type} is somebody else's: {by}", unit.owner);
                return Err(rejected(&unit.owner, reason));
            } else if is_wanted {
                ours.push(set);
            }
        }
        Ok(ours)
    }
}

pub(crate) fn rejected(owner: &OwnerName, reason: String) -> Hitch {
    Hitch::Refused(TargetError::Rejected { owners: BTreeSet::from([owner.clone()]), reason })
}
