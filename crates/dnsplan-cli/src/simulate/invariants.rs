//! What must hold, looked at after every poll, in what the target holds and answers.

use std::collections::BTreeMap;

use dnsplan::fence::{Generation, Offer};
use dnsplan::plan::{MemoryStore, PlanStore, RecordType};
use dnsplan_enactor::TreeName;
use dnsplan_enactor::conformance::{Contents, MemoryTarget, block_on};

use super::log::Log;
use super::world::{ENDPOINTS, generation_of, origin, owner};

/// An invariant, named as in docs/guarantees.md.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Invariant {
    /// Every protected endpoint has an answer with addresses in it.
    NeverEmpty,
    /// Neither an answer nor the live generation is ever older than one that was seen before.
    NeverBackwards,
    /// Every tree that something points at is there, and so is the tree of the live plan.
    LivePlanKept,
    /// Every RRset is exactly that of one plan that the fence record says may be in effect.
    Whole,
    /// The scenario comes to rest with the newest plan live.
    EventuallyNewest,
}

impl Invariant {
    pub(super) const ALL: [Self; 5] =
        [Self::NeverEmpty, Self::NeverBackwards, Self::LivePlanKept, Self::Whole, Self::EventuallyNewest];

    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::NeverEmpty => "never_empty",
            Self::NeverBackwards => "never_backwards",
            Self::LivePlanKept => "live_plan_kept",
            Self::Whole => "whole",
            Self::EventuallyNewest => "eventually_newest",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NeverEmpty => "never empty",
            Self::NeverBackwards => "never backwards",
            Self::LivePlanKept => "live plan kept",
            Self::Whole => "whole",
            Self::EventuallyNewest => "eventually newest",
        }
    }
}

/// Where an invariant broke first.
#[derive(Clone, Debug)]
pub(super) struct Breach {
    pub(super) step: u64,
    pub(super) at_ms: u64,
    pub(super) text: String,
}

/// Watches from the moment at which the first plan is live.
#[derive(Default)]
pub(super) struct Checker {
    /// The highest generation that each endpoint was answered from.
    answered: BTreeMap<&'static str, Generation>,
    /// The highest generation that was live.
    live: Generation,
    /// What was there at the last look.
    seen: Option<Contents>,
    pub(super) breaches: BTreeMap<Invariant, Breach>,
    pub(super) looks: u64,
}

impl Checker {
    /// Looks at everything.
    pub(super) fn look(&mut self, step: u64, target: &MemoryTarget, store: &MemoryStore, log: &Log) {
        self.looks += 1;
        let contents = target.contents();
        // The same contents give the same answers, and the same verdict.
        if self.seen.as_ref() == Some(&contents) {
            return;
        }
        let mut broken = Vec::new();
        for name in ENDPOINTS {
            self.read(name, target, log, &mut broken);
        }
        self.check_record(&contents, &mut broken);
        check_trees(&contents, store, &mut broken);
        for (invariant, text) in broken {
            self.breach(invariant, step, text, log);
        }
        self.seen = Some(contents);
    }

    /// Takes down that an invariant broke, where it is the first time.
    pub(super) fn breach(&mut self, invariant: Invariant, step: u64, text: String, log: &Log) {
        let at_ms = log.time.now_ms();
        self.breaches.entry(invariant).or_insert_with(|| {
            log.say("client", "broken", None, format!("{} is broken: {text}", invariant.name()), None);
            Breach { step, at_ms, text }
        });
    }

    /// What a client does: it asks for an endpoint and looks at the addresses.
    fn read(&mut self, name: &'static str, target: &MemoryTarget, log: &Log, broken: &mut Broken) {
        let answer = target.answer(&owner(name));
        let Some(node) = answer.filter(|node| node.get(RecordType::A).is_some()) else {
            let before = self.answered.get(name).copied().unwrap_or(Generation::ZERO);
            broken.push((Invariant::NeverEmpty, format!("{name} has no answer, after generation {before}")));
            return;
        };
        let Some(generation) = generation_of(&node) else {
            broken.push((Invariant::Whole, format!("{name} is answered from no single plan")));
            return;
        };
        let before = self.answered.insert(name, generation).unwrap_or(Generation::ZERO);
        if generation < before {
            let text = format!("{name} is answered from generation {generation} after {before}");
            broken.push((Invariant::NeverBackwards, text));
        }
        if generation != before && name == ENDPOINTS[0] {
            let text = format!("{name} is answered from generation {generation}");
            log.say("client", "answered", generation, text, None);
        }
    }

    fn check_record(&mut self, contents: &Contents, broken: &mut Broken) {
        let Some(record) = contents.record() else {
            broken.push((Invariant::LivePlanKept, "the fence record cannot be read".to_owned()));
            return;
        };
        if record.generation < self.live {
            let text =
                format!("the fence record went from generation {} to {}", self.live, record.generation);
            broken.push((Invariant::NeverBackwards, text));
        }
        self.live = record.generation;
        let is_live = |name: &TreeName| name.generation == record.generation && name.digest == record.digest;
        if !contents.trees.keys().any(is_live) {
            let text = format!("the tree of the live generation {} is gone", record.generation);
            broken.push((Invariant::LivePlanKept, text));
        }
        for (owner, tree) in &contents.pointers {
            if tree.generation < record.base || tree.generation > record.generation {
                let (base, live) = (record.base, record.generation);
                let text = format!("{owner} is at generation {}, outside {base} to {live}", tree.generation);
                broken.push((Invariant::Whole, text));
            }
        }
    }
}

type Broken = Vec<(Invariant, String)>;

/// Every pointer leads to a tree that is there, and to exactly what the plan of that tree says.
fn check_trees(contents: &Contents, store: &MemoryStore, broken: &mut Broken) {
    let zone = origin();
    for (owner, name) in &contents.pointers {
        let generation = name.generation;
        let Some(tree) = contents.trees.get(name) else {
            let text = format!("{owner} points at the tree of generation {generation}, which was deleted");
            broken.push((Invariant::LivePlanKept, text));
            continue;
        };
        let plan = block_on(store.get(&zone, generation)).ok().flatten();
        let planned = plan.as_deref().filter(|plan| plan.digest() == name.digest);
        if tree.get(owner).is_none() || tree.get(owner) != planned.and_then(|plan| plan.zone().node(owner)) {
            broken.push((Invariant::Whole, format!("{owner} is not as generation {generation} has it")));
        }
    }
}
