//! What a write does to the zone beside the record: the owner names it is about, and what they want.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_enactor::partition::order;
use dnsplan_enactor::{Basis, Layout, Quarantine, Rider, TargetError, TreeName};
use dnsplan_fence::{Generation, Move, Offer, Permit};
use dnsplan_plan::{OwnerName, Plan, RRset, RecordType};

use crate::cut::tree_of;
use crate::cuts::Cuts;
use crate::known::ChainName;
use crate::record::RecordSet;
use crate::wanted::{Unfit, Wanted};

/// Where record sets of an owner name are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// At the owner name itself.
    Own,
    /// In a tree.
    Tree(TreeName),
}

/// One owner name at one place, changed as a unit.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) owner: OwnerName,
    pub(crate) place: Place,
    pub(crate) wanted: Vec<RecordSet>,
    /// What was there when the chain began, as far as a plan says.
    pub(crate) guess: Option<Vec<RecordSet>>,
    /// What is there has to be looked up, whatever the guess.
    pub(crate) is_doubtful: bool,
    /// A chain before has set this owner name aside: what is there may be somebody else's.
    pub(crate) is_aside: bool,
    /// What chains that did not come to their ends may have put there since.
    pub(crate) begun: Vec<RecordSet>,
    /// The types at the owner name that a plan has or had: those of others are left alone.
    pub(crate) types: BTreeSet<RecordType>,
    /// What is wanted is written even where it is there already, so that this batch's way to the edges says that it is there.
    pub(crate) is_asserted: bool,
}

impl Unit {
    fn new(owner: &OwnerName, place: Place) -> Self {
        let (wanted, begun, types) = (Vec::new(), Vec::new(), BTreeSet::new());
        let (is_doubtful, is_aside, is_asserted) = (false, false, false);
        Self {
            owner: owner.clone(),
            place,
            wanted,
            guess: None,
            is_doubtful,
            is_aside,
            begun,
            types,
            is_asserted,
        }
    }
}

/// Everything that a write does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    pub(crate) units: Vec<Unit>,
    /// The tree to be deleted.
    pub(crate) tree: Option<TreeName>,
    /// In a tree: which part of which chain it is, and whether the part only says that the parts before it have arrived.
    pub(crate) chain: Option<(ChainName, u32, bool)>,
    /// As much as fits one batch is enough.
    pub(crate) is_partial: bool,
    /// There is a record that grants something, and the plan at its base is known: what no plan is known to have put there is somebody
    /// else's.
    pub(crate) is_known: bool,
}

/// Reads riders.
pub(crate) struct Reader<'a> {
    pub(crate) wanted: &'a Wanted,
    pub(crate) layout: Layout,
    pub(crate) cuts: &'a Cuts,
}

impl Reader<'_> {
    /// What a permit's write does.
    ///
    /// # Errors
    /// [`TargetError::Rejected`] for what Route 53 cannot have; [`TargetError::Misconfigured`] where the rider is another move's.
    pub(crate) fn work(&self, permit: &Permit<Quarantine>, rider: &Rider) -> Result<Work, TargetError> {
        let is_tree = self.layout == Layout::Tree;
        match (permit.action(), rider) {
            (Move::RaiseFloor(_) | Move::Freeze(_), Rider::Nothing) => Ok(Work::default()),
            (action @ (Move::Stage(_) | Move::Flip(_)), Rider::Part { plan, basis, set_aside })
                if is_tree =>
            {
                self.part(action, plan, basis, set_aside, permit)
            }
            (action @ Move::Apply(_), Rider::Part { plan, basis, set_aside }) if !is_tree => {
                self.part(action, plan, basis, set_aside, permit)
            }
            (Move::Repair, Rider::Repair { plan, owners }) => self.repair(plan, owners),
            (Move::Reap(generation), Rider::Reap { tree }) if tree.generation == generation => {
                Ok(Work { tree: Some(*tree), is_partial: true, ..Work::default() })
            }
            (action, _) => Err(TargetError::Misconfigured(format!("the rider does not fit {action:?}"))),
        }
    }

    fn part(
        &self,
        action: Move,
        plan: &Arc<Plan>,
        basis: &Basis,
        set_aside: &BTreeSet<OwnerName>,
        permit: &Permit<Quarantine>,
    ) -> Result<Work, TargetError> {
        let (Move::Stage(part) | Move::Flip(part) | Move::Apply(part)) = action else {
            return Err(TargetError::Misconfigured(format!("{action:?} has no parts")));
        };
        let is_stage = matches!(action, Move::Stage(_));
        let cut = self.cuts.of(self.wanted, self.layout, plan, basis);
        let parts = if is_stage { &cut.stage } else { &cut.place };
        let owners = parts.get(part.index() as usize);
        let (from, begun) = match basis {
            Basis::Changed { from, begun, .. } => (from.as_deref(), begun.as_slice()),
            Basis::Unknown => (None, [].as_slice()),
        };
        let expected = permit.expected();
        let whole = from.map_or(Generation::ZERO, |from| from.generation());
        let (mut units, mut unfit) = (Vec::new(), Vec::new());
        for owner in owners.into_iter().flatten().filter(|owner| !set_aside.contains(*owner)) {
            let unit = if is_stage { self.staged(plan, owner) } else { self.own(plan, from, owner) };
            match unit {
                Ok(unit) => {
                    let is_aside = expected.payload.is_doubtful(owner);
                    let is_asserted = self.layout == Layout::Tree;
                    // What was set aside may be of any plan since the record's base.
                    let begun = begun.iter().filter(|begun| is_aside || begun.generation() > whole);
                    let begun =
                        begun.filter_map(|begun| self.at_owner(begun, owner).ok()).flatten().collect();
                    units.push(Unit { is_asserted, is_aside, begun, ..unit });
                }
                Err(error) => unfit.push(error),
            }
        }
        rejected(&unfit)?;
        if let Some(from) = from.filter(|_| !expected.is_settled()) {
            units.iter_mut().for_each(|unit| doubt(unit, plan, from));
        }
        units.iter_mut().for_each(|unit| unit.is_doubtful |= unit.is_aside && unit.place == Place::Own);
        let name =
            ChainName { generation: plan.generation(), digest: plan.digest(), is_stage, parts: part.of() };
        let chain =
            (self.layout == Layout::Tree).then(|| (name, part.index(), part.index() as usize >= parts.len()));
        let is_known = !expected.generation.is_zero() && from.is_some();
        Ok(Work { units, chain, is_known, ..Work::default() })
    }

    fn repair(&self, plan: &Arc<Plan>, owners: &BTreeSet<OwnerName>) -> Result<Work, TargetError> {
        let (mut units, mut unfit) = (Vec::new(), Vec::new());
        for owner in &order(plan.zone(), owners) {
            let staged = (self.layout == Layout::Tree).then(|| self.staged(plan, owner));
            for unit in staged.into_iter().chain([self.own(plan, None, owner)]) {
                match unit {
                    Ok(unit) => units.push(unit),
                    Err(error) => unfit.push(error),
                }
            }
        }
        rejected(&unfit)?;
        Ok(Work { units, is_partial: true, ..Work::default() })
    }

    /// What the tree of a rider's plan has for these owner names, wherever something of it is missing.
    ///
    /// # Errors
    /// [`TargetError::Rejected`] for what Route 53 cannot have.
    pub(crate) fn restaged(
        &self,
        rider: &Rider,
        owners: &BTreeSet<OwnerName>,
    ) -> Result<Vec<Unit>, TargetError> {
        let Rider::Part { plan, .. } = rider else { return Ok(Vec::new()) };
        let (mut units, mut unfit) = (Vec::new(), Vec::new());
        for owner in owners {
            match self.staged(plan, owner) {
                Ok(unit) => units.push(Unit { guess: None, ..unit }),
                Err(error) => unfit.push(error),
            }
        }
        rejected(&unfit)?;
        Ok(units)
    }

    fn staged(&self, plan: &Plan, owner: &OwnerName) -> Result<Unit, Unfit> {
        let tree = tree_of(plan);
        let wanted = match plan.zone().node(owner) {
            Some(node) => self.wanted.staged(owner, node, &tree)?,
            None => Vec::new(),
        };
        Ok(Unit { wanted, guess: Some(Vec::new()), ..Unit::new(owner, Place::Tree(tree)) })
    }

    /// What is at the owner name itself: its records, or what points into the tree.
    fn own(&self, plan: &Plan, from: Option<&Plan>, owner: &OwnerName) -> Result<Unit, Unfit> {
        let wanted = self.at_owner(plan, owner)?;
        // What a former plan had there was put there, or it could not be rendered, and then it was not.
        let guess = from.map(|from| self.at_owner(from, owner).unwrap_or_default());
        let nodes = [Some(plan), from].into_iter().flatten().filter_map(|plan| plan.zone().node(owner));
        let types = nodes.flat_map(|node| node.rrsets()).map(RRset::record_type);
        let types = types.filter(|record_type| !self.wanted.is_route53s(owner, *record_type)).collect();
        Ok(Unit { wanted, guess, types, ..Unit::new(owner, Place::Own) })
    }

    fn at_owner(&self, plan: &Plan, owner: &OwnerName) -> Result<Vec<RecordSet>, Unfit> {
        match plan.zone().node(owner) {
            None => Ok(Vec::new()),
            Some(node) if self.layout == Layout::Tree => self.wanted.pointers(owner, node, &tree_of(plan)),
            Some(node) => self.wanted.in_place(owner, node),
        }
    }
}

/// An owner name that is as it was at the base is here because some plan in between had it otherwise. Where that one may have been
/// superseded half-way, a guess by the base would change nothing, whatever is there.
fn doubt(unit: &mut Unit, plan: &Plan, from: &Plan) {
    let is_written = unit.is_asserted && !unit.wanted.is_empty();
    let is_back = || plan.zone().node(&unit.owner) == from.zone().node(&unit.owner);
    unit.is_doubtful = unit.place == Place::Own && !is_written && is_back();
}

fn rejected(unfit: &[Unfit]) -> Result<(), TargetError> {
    let Some(first) = unfit.first() else { return Ok(()) };
    let owners = unfit.iter().map(|unfit| unfit.owner.clone()).collect();
    Err(TargetError::Rejected { owners, reason: first.to_string() })
}
