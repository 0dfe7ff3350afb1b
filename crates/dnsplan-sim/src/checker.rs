//! The verdict: what must hold, looked at after every step at which anything may have changed, in what the targets hold and answer.
//!
//! What somebody did by hand (and a restored backup) is not held against the engine: the checker takes down what is there then, and
//! judges from there on.

use std::collections::BTreeMap;
use std::sync::Arc;

use dnsplan_enactor::conformance::{Contents, MemoryTarget};
use dnsplan_enactor::{FenceRecord, Layout, Target, TreeName};
use dnsplan_fence::{Digest, Generation};
use dnsplan_plan::{Node, Plan, RRsetKey};

use crate::exec::Core;
use crate::log::Log;
use crate::registry::Registry;
use crate::target::Place;
use crate::trace::{Breach, Invariant, Sample};

/// What is known of one target.
#[derive(Default)]
struct Watch {
    /// The highest generation that each endpoint is known to have been answered from.
    marks: Vec<Generation>,
    /// Which endpoints had an answer.
    filled: Vec<bool>,
    /// The highest generation that was live.
    live: Generation,
    digests: BTreeMap<Generation, Digest>,
    /// Something was done by hand: owner names from before may be left over, until an audit finds them.
    has_history: bool,
}

/// Watches all targets.
pub(crate) struct Checker {
    core: Core,
    log: Log,
    registry: Arc<Registry>,
    endpoints: Vec<RRsetKey>,
    watches: Vec<Watch>,
    client: Arc<str>,
    pub(crate) breaches: Vec<Breach>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) looks: u64,
}

type Broken = Vec<(Invariant, String)>;

impl Checker {
    pub(crate) fn new(
        core: &Core,
        log: &Log,
        registry: &Arc<Registry>,
        endpoints: Vec<RRsetKey>,
        targets: usize,
    ) -> Self {
        let watch = || Watch {
            marks: vec![Generation::ZERO; endpoints.len()],
            filled: vec![false; endpoints.len()],
            ..Watch::default()
        };
        Self {
            core: core.clone(),
            log: log.clone(),
            registry: Arc::clone(registry),
            watches: (0..targets).map(|_| watch()).collect(),
            endpoints,
            client: "client".into(),
            breaches: Vec::new(),
            samples: Vec::new(),
            looks: 0,
        }
    }

    /// Looks at everything.
    pub(crate) fn look(&mut self, places: &[Arc<Place>], head: Generation) {
        self.looks += 1;
        for (index, place) in places.iter().enumerate() {
            let contents = place.target.contents();
            let mut broken = self.judge(index, place, &contents);
            if let Some(wrong) = self.registry.wrong() {
                broken.push((Invariant::NothingLost, wrong));
            }
            for (invariant, text) in broken {
                self.breach(invariant, text);
            }
            if index == 0 && self.log.is_kept() {
                self.sample(&contents, head);
            }
        }
    }

    /// Takes down that an invariant broke, where it is the first time.
    pub(crate) fn breach(&mut self, invariant: Invariant, text: String) {
        if self.breaches.iter().any(|breach| breach.invariant == invariant) {
            return;
        }
        let (step, at_ms) = (self.core.step(), self.core.now());
        self.log.say(&self.client, "broken", None, || format!("{}: {text}", invariant.failure()));
        let october = october(invariant);
        if let Some(october) = october {
            self.log.october(october);
        }
        self.breaches.push(Breach { invariant, step, at_ms, text, october });
    }

    /// Something was done by hand, or a backup was put back: what is there now is what counts from here on.
    pub(crate) fn forgive(&mut self, places: &[Arc<Place>], index: usize) {
        if let Some(place) = places.get(index) {
            let contents = place.target.contents();
            let record = contents.record();
            let answers: Vec<_> =
                self.endpoints.iter().map(|key| self.generations(key, &place.target, &contents)).collect();
            let watch = &mut self.watches[index];
            watch.live = record.as_ref().map_or(Generation::ZERO, |record| record.generation);
            watch.digests.clear();
            watch.has_history = true;
            for (endpoint, answer) in answers.into_iter().enumerate() {
                watch.filled[endpoint] = answer.is_some();
                let lowest = answer.and_then(|generations| generations.first().copied());
                watch.marks[endpoint] = lowest.unwrap_or(Generation::ZERO);
            }
        }
    }

    /// The store was put back, or has forgotten plans that a target may still be at: nobody knows any more which owner names were
    /// ours.
    pub(crate) fn history_lost(&mut self) {
        self.watches.iter_mut().for_each(|watch| watch.has_history = true);
    }

    fn judge(&mut self, index: usize, place: &Place, contents: &Contents) -> Broken {
        let mut broken = Vec::new();
        let record = contents.record();
        settle_damage(place, contents);
        for endpoint in 0..self.endpoints.len() {
            self.judge_answer(index, endpoint, place, contents, &mut broken);
        }
        if let Some(record) = &record {
            self.judge_record(index, record, &mut broken);
            self.judge_contents(index, place, contents, record, &mut broken);
        }
        broken
    }

    /// What a client does: it asks for an endpoint and looks at the records.
    fn judge_answer(
        &mut self,
        index: usize,
        endpoint: usize,
        place: &Place,
        contents: &Contents,
        broken: &mut Broken,
    ) {
        let key = &self.endpoints[endpoint];
        let answer = self.generations(key, &place.target, contents);
        let watch = &mut self.watches[index];
        let owner = &key.owner;
        let Some(generations) = answer else {
            let is_excused = is_damaged(place, contents, key);
            if watch.filled[endpoint] && !is_excused {
                let before = watch.marks[endpoint];
                broken.push((
                    Invariant::NeverEmpty,
                    format!("{owner} has no answer, after generation {before}"),
                ));
            }
            watch.filled[endpoint] = false;
            return;
        };
        watch.filled[endpoint] = true;
        let mark = watch.marks[endpoint];
        let Some(highest) = generations.last() else {
            broken.push((Invariant::Whole, format!("{owner} is answered from no plan")));
            return;
        };
        if *highest < mark {
            let text = format!("{owner} is answered from generation {highest} after {mark}");
            broken.push((Invariant::NeverBackwards, text));
        }
        let lowest = generations.iter().find(|generation| **generation >= mark).unwrap_or(highest);
        if *lowest != mark && endpoint == 0 && index == 0 {
            self.log.say(&self.client, "answered", *lowest, || {
                format!("{owner} is answered from generation {lowest}")
            });
        }
        watch.marks[endpoint] = *lowest;
    }

    /// From which plans' generations an endpoint may be answered; `None` where there is no answer.
    fn generations(
        &self,
        key: &RRsetKey,
        target: &MemoryTarget,
        contents: &Contents,
    ) -> Option<Vec<Generation>> {
        let node = answer(target, contents, key)?;
        if target.layout() == Layout::Tree {
            let pointed = contents.pointers.get(&key.owner).map(|name| name.generation);
            return Some(pointed.into_iter().collect());
        }
        let is_from = |plan: &Plan| plan.zone().node(&key.owner) == Some(&node);
        Some(self.registry.generations(Generation::ZERO, Generation::new(u64::MAX), is_from))
    }

    fn judge_record(&mut self, index: usize, record: &FenceRecord, broken: &mut Broken) {
        let watch = &mut self.watches[index];
        let generation = record.generation;
        if generation.is_zero() {
            return;
        }
        if generation < watch.live {
            let text = format!("the fence record went from generation {} to {generation}", watch.live);
            broken.push((Invariant::NeverBackwards, text));
        }
        watch.live = generation;
        let known = watch.digests.entry(generation).or_insert(record.digest);
        if *known != record.digest {
            broken
                .push((Invariant::OneContent, format!("generation {generation} was live with two contents")));
        }
        if self.registry.plan(generation, record.digest).is_none() {
            broken.push((
                Invariant::OnlyPlans,
                format!("no plan is generation {generation} with that content"),
            ));
        }
    }

    fn judge_contents(
        &self,
        index: usize,
        place: &Place,
        contents: &Contents,
        record: &FenceRecord,
        broken: &mut Broken,
    ) {
        let (base, live) = (record.base, record.generation);
        if live.is_zero() {
            return;
        }
        let lowest = if self.watches[index].has_history { Generation::ZERO } else { base };
        if place.target.layout() != Layout::Tree {
            for (owner, node) in &contents.nodes {
                let is_from = |plan: &Plan| plan.zone().node(owner) == Some(node);
                if self.registry.generations(lowest, live, is_from).is_empty() {
                    broken.push((Invariant::Whole, format!("{owner} is of no plan from {lowest} to {live}")));
                }
            }
            return;
        }
        let name = TreeName { generation: live, digest: record.digest };
        if !contents.trees.contains_key(&name) {
            broken.push((Invariant::LivePlanKept, format!("the tree of the live generation {live} is gone")));
        }
        let plan = self.registry.plan(live, record.digest);
        let is_planned = |owner| plan.as_ref().is_some_and(|plan| plan.zone().node(owner).is_some());
        for (owner, name) in &contents.pointers {
            // What was left over when the record or the history was lost goes with the next audit, and nothing keeps its tree.
            let is_placed = is_planned(owner) && !record.payload.owners.contains(owner);
            if self.watches[index].has_history && !is_placed {
                continue;
            }
            let generation = name.generation;
            if generation < lowest || generation > live {
                let text = format!("{owner} is at generation {generation}, outside {lowest} to {live}");
                broken.push((Invariant::Whole, text));
            }
            let Some(tree) = contents.trees.get(name) else {
                let text =
                    format!("{owner} points at the tree of generation {generation}, which was deleted");
                broken.push((Invariant::LivePlanKept, text));
                continue;
            };
            let planned = self.registry.plan(generation, name.digest);
            let wanted = planned.as_deref().and_then(|plan| plan.zone().node(owner));
            let is_damaged = place.damaged().contains(&(Some(*name), owner.clone()));
            if tree.get(owner) != wanted && !is_damaged {
                broken.push((Invariant::Whole, format!("{owner} is not as generation {generation} has it")));
            }
        }
    }

    fn sample(&mut self, contents: &Contents, head: Generation) {
        let watch = &self.watches[0];
        let filled = watch.filled.iter().zip(&watch.marks);
        let answers = filled.map(|(filled, mark)| filled.then_some(*mark)).collect();
        let live = contents.record().map(|record| record.generation);
        let sample = Sample { at_ms: self.core.now(), live, head, answers };
        let is_news = self.samples.last().is_none_or(|last| {
            (last.live, last.head, &last.answers) != (sample.live, sample.head, &sample.answers)
        });
        if is_news {
            self.samples.push(sample);
        }
    }
}

/// What a client is answered, where there is an answer.
pub(crate) fn answer(target: &MemoryTarget, contents: &Contents, key: &RRsetKey) -> Option<Arc<Node>> {
    let node = contents.answered(target.layout(), &key.owner)?;
    node.get(key.record_type).is_some().then_some(node)
}

/// What has been put right since is nobody's fault any more.
fn settle_damage(place: &Place, contents: &Contents) {
    let mut damaged = place.damaged();
    if damaged.is_empty() {
        return;
    }
    damaged.retain(|(tree, owner)| match tree {
        Some(tree) => contents.trees.get(tree).is_some_and(|tree| !tree.contains_key(owner)),
        None => !contents.nodes.contains_key(owner),
    });
}

fn is_damaged(place: &Place, contents: &Contents, key: &RRsetKey) -> bool {
    let tree = contents.pointers.get(&key.owner).copied();
    let damaged = place.damaged();
    !damaged.is_empty()
        && (damaged.contains(&(tree, key.owner.clone())) || damaged.contains(&(None, key.owner.clone())))
}

/// The fact of 20 October 2025 that a failure mirrors.
const fn october(invariant: Invariant) -> Option<&'static str> {
    match invariant {
        Invariant::NeverBackwards => {
            Some("the slow enactor's much older plan overwrote the newer one at the endpoint")
        }
        Invariant::NeverEmpty => {
            Some("all addresses of the regional endpoint were removed at once: NOERROR, no answers")
        }
        Invariant::LivePlanKept => {
            Some("the clean-up deleted the old plan because it was old, although it was live")
        }
        Invariant::EventuallyNewest => {
            Some("no enactor could apply any later plan; operators had to repair it by hand, hours later")
        }
        _ => None,
    }
}
