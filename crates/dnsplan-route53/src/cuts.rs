//! Cuts that were made already: an enactor asks for the same ones at every look, and a large plan takes long to cut.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use dnsplan_enactor::{Basis, Cut as Way, Layout};
use dnsplan_fence::{Digest, Generation, Offer};
use dnsplan_plan::{OwnerName, Plan};

use crate::cut;
use crate::wanted::Wanted;

/// How many are kept: the ways to cut one plan, and those of the plan before.
const KEPT: usize = 8;

/// The parts of a plan.
pub(crate) struct Cut {
    pub(crate) stage: Vec<Vec<OwnerName>>,
    pub(crate) place: Vec<Vec<OwnerName>>,
}

/// All that a cut depends on.
#[derive(PartialEq, Eq)]
struct Key {
    plan: (Generation, Digest),
    owners: Option<BTreeSet<OwnerName>>,
    from: Option<(Generation, Digest)>,
    way: Way,
}

impl Key {
    fn is_of(&self, plan: &Plan, basis: &Basis) -> bool {
        let (owners, from, way) = read(basis);
        self.plan == name(plan)
            && self.way == way
            && self.from == from.map(name)
            && self.owners.as_ref() == owners
    }
}

/// The cuts made last.
#[derive(Default)]
pub(crate) struct Cuts(Mutex<VecDeque<(Key, Arc<Cut>)>>);

impl Cuts {
    /// The parts of a plan on a basis.
    pub(crate) fn of(&self, wanted: &Wanted, layout: Layout, plan: &Plan, basis: &Basis) -> Arc<Cut> {
        let mut kept = self.0.lock().expect("invariant: nothing panics while it is locked");
        if let Some((_, cut)) = kept.iter().find(|(key, _)| key.is_of(plan, basis)) {
            return Arc::clone(cut);
        }
        let stage = if layout == Layout::Tree { cut::stage(wanted, plan, basis) } else { Vec::new() };
        let cut = Arc::new(Cut { stage, place: cut::place(wanted, layout, plan, basis) });
        let (owners, from, way) = read(basis);
        let key = Key { plan: name(plan), owners: owners.cloned(), from: from.map(name), way };
        kept.push_front((key, Arc::clone(&cut)));
        kept.truncate(KEPT);
        cut
    }
}

fn name(plan: &Plan) -> (Generation, Digest) {
    (plan.generation(), plan.digest())
}

fn read(basis: &Basis) -> (Option<&BTreeSet<OwnerName>>, Option<&Plan>, Way) {
    match basis {
        Basis::Changed { owners, from, cut, .. } => (Some(owners), from.as_deref(), *cut),
        Basis::Unknown => (None, None, Way::Worst),
    }
}
