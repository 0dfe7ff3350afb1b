//! What a write does to the zone beside the record: the owner names it is about, and what they want.

use std::collections::BTreeSet;

use dnsplan_enactor::partition::order;
use dnsplan_enactor::{Basis, Quarantine, Rider, TargetError};
use dnsplan_fence::{Generation, Move, Permit};
use dnsplan_plan::{OwnerName, Plan};

use crate::content::Node;
use crate::cut::Cuts;
use crate::known::Known;
use crate::unit::Unit;
use crate::wanted::{Unfit, Wanted};

/// Everything that a write does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    pub(crate) units: Vec<Unit>,
    /// As much as fits one message is enough.
    pub(crate) is_partial: bool,
    /// What is at its names was looked up.
    pub(crate) is_looked: bool,
    /// There is a record that grants something, and the plan at its base is known: what no plan is known to have put there is somebody
    /// else's.
    pub(crate) is_settled: bool,
}

impl Work {
    /// Whether it has to be looked up what is there.
    pub(crate) fn is_blind(&self) -> bool {
        !self.is_looked
            && (!self.is_settled && !self.units.is_empty() || self.units.iter().any(Unit::is_blind))
    }
}

/// Reads riders.
pub(crate) struct Reader<'a> {
    pub(crate) wanted: &'a Wanted,
    pub(crate) cuts: &'a Cuts,
    pub(crate) known: &'a Known,
}

impl Reader<'_> {
    /// What a permit's write does.
    ///
    /// # Errors
    /// [`TargetError::Rejected`] for what a server cannot have; [`TargetError::Misconfigured`] where the rider is another move's.
    pub(crate) fn work(&self, permit: &Permit<Quarantine>, rider: &Rider) -> Result<Work, TargetError> {
        match (permit.action(), rider) {
            (Move::RaiseFloor(_) | Move::Freeze(_), Rider::Nothing) => Ok(Work::default()),
            (Move::Apply(part), Rider::Part { plan, basis, set_aside }) => {
                let parts = self.cuts.of(self.wanted, plan, basis);
                let owners = parts.get(part.index() as usize).into_iter().flatten();
                let owners = owners.filter(|owner| !set_aside.contains(*owner));
                let (from, begun) = match &**basis {
                    Basis::Changed { from, begun, .. } => (from.as_deref(), begun.as_slice()),
                    Basis::Unknown => (None, [].as_slice()),
                };
                let expected = permit.expected();
                // What this very plan has put there is what is wanted, and needs no hint.
                let is_other = |begun: &&Plan| begun.generation() != plan.generation();
                let begun = begun.iter().map(|begun| &**begun).filter(is_other).collect();
                let aside = Some(&expected.payload);
                let past = Past { wanted: self.wanted.spreading(), from, begun, aside };
                let units = self.units(plan, &past, owners)?;
                let is_settled = !expected.generation.is_zero() && from.is_some();
                Ok(Work { units, is_settled, ..Work::default() })
            }
            (Move::Repair, Rider::Repair { plan, owners }) => {
                let wanted = self.wanted.spreading();
                let past = Past { wanted, from: None, begun: Vec::new(), aside: None };
                let owners = order(plan.zone(), owners);
                Ok(Work { units: self.units(plan, &past, &owners)?, is_partial: true, ..Work::default() })
            }
            (action, _) => Err(TargetError::Misconfigured(format!("the rider does not fit {action:?}"))),
        }
    }

    fn units<'o>(
        &self,
        plan: &Plan,
        past: &Past<'_>,
        owners: impl IntoIterator<Item = &'o OwnerName>,
    ) -> Result<Vec<Unit>, TargetError> {
        let (mut units, mut unfit) = (Vec::new(), Vec::new());
        for owner in owners {
            match self.unit(plan, past, owner) {
                Ok(unit) => units.push(unit),
                Err(error) => unfit.push(error),
            }
        }
        let Some(first) = unfit.first() else { return Ok(units) };
        let reason = first.to_string();
        Err(TargetError::Rejected { owners: unfit.into_iter().map(|unfit| unfit.owner).collect(), reason })
    }

    fn unit(&self, plan: &Plan, past: &Past<'_>, owner: &OwnerName) -> Result<Unit, Unfit> {
        let wanted = match plan.zone().node(owner) {
            Some(node) => self.wanted.node(owner, node)?,
            None => Node::new(),
        };
        // What the server could not have was never put there, whatever was said of weights then.
        let before = |plan: &Plan| {
            plan.zone().node(owner).and_then(|node| past.wanted.node(owner, node).ok()).unwrap_or_default()
        };
        // A chain before has set it aside: what is there may be somebody else's, or of any plan since the record's base.
        let is_doubtful = past.aside.is_some_and(|aside| aside.is_doubtful(owner));
        let whole = past.from.map_or(Generation::ZERO, |from| from.generation());
        let begun = past.begun.iter().copied().filter(|begun| is_doubtful || begun.generation() > whole);
        let hints: Vec<Node> = begun.map(before).collect();
        let mut ours = BTreeSet::new();
        if !is_doubtful {
            ours.extend(past.from.map(before).unwrap_or_default().keys());
            ours.extend(self.known.ours().at(owner));
        }
        ours.retain(|record_type| !self.wanted.is_servers(owner, *record_type));
        Ok(Unit { owner: owner.clone(), wanted, ours, hints, looked: None })
    }
}

/// What was put there before, as far as plans say.
struct Past<'p> {
    /// How a plan's content was put there at most.
    wanted: Wanted,
    /// What everything was at when the chain began, but for what was set aside.
    from: Option<&'p Plan>,
    /// Plans since the record's base, of which some may be there.
    begun: Vec<&'p Plan>,
    /// What chains before have set aside.
    aside: Option<&'p Quarantine>,
}

#[cfg(test)]
mod tests;
