//! Finding out which owner name Route 53 does not take, where its messages do not say.
//!
//! Halves of the batch are tried together with a change that can never succeed, so that nothing is ever written: a half that is refused
//! for more than that has it.

use std::collections::BTreeSet;

use dnsplan_enactor::TargetError;
use dnsplan_plan::OwnerName;

use crate::api::Sent;
use crate::fence;
use crate::messages::parse;
use crate::part::{Unit, Work};
use crate::record::Change;
use crate::target::Route53Target;

impl Route53Target {
    /// One owner name of a batch that was refused, which is refused by itself; none where there is no such name.
    pub(crate) async fn bisect(
        &self,
        work: &Work,
        batch: &[Change],
    ) -> Result<BTreeSet<OwnerName>, TargetError> {
        let of = |unit: &Unit| -> Vec<Change> {
            let is_its = |change: &&Change| {
                let name = &change.record_set().name;
                self.unit_of(name, work).is_some_and(|other| other.owner == unit.owner)
            };
            batch.iter().filter(is_its).cloned().collect()
        };
        let mut suspects: Vec<(OwnerName, Vec<Change>)> =
            work.units.iter().map(|unit| (unit.owner.clone(), of(unit))).collect();
        suspects.dedup_by(|left, right| left.0 == right.0);
        if suspects.is_empty() {
            return Ok(BTreeSet::new());
        }
        while suspects.len() > 1 {
            let other = suspects.split_off(suspects.len() / 2);
            let half: Vec<Change> = suspects.iter().flat_map(|(_, changes)| changes.clone()).collect();
            if !self.is_refused(half).await? {
                suspects = other;
            }
        }
        // Where it is taken by itself, nothing is wrong with any name: the zone refuses them together.
        let alone: Vec<Change> = suspects.iter().flat_map(|(_, changes)| changes.clone()).collect();
        if !self.is_refused(alone).await? {
            return Ok(BTreeSet::new());
        }
        Ok(suspects.into_iter().map(|(owner, _)| owner).collect())
    }

    async fn is_refused(&self, changes: Vec<Change>) -> Result<bool, TargetError> {
        let poison = fence::poison(&self.wanted.names);
        let mut batch = vec![Change::Delete(poison)];
        batch.extend(changes);
        match self.api.change(&batch).await? {
            Sent::Applied(_) => Err(TargetError::Misconfigured(
                "Route 53 took a batch that deletes what is not there: this is no Route 53".to_owned(),
            )),
            Sent::Unknown => Err(TargetError::Unavailable("no answer from Route 53".to_owned())),
            Sent::Refused(messages) => {
                let fence = self.wanted.names.fence();
                let problems = parse(&messages);
                Ok(problems.is_empty() || problems.iter().any(|problem| problem.name.as_ref() != Some(fence)))
            }
        }
    }
}
