//! One run: events, incidents and the checker, to the verdict.

use std::sync::Arc;

use dnsplan_enactor::conformance::block_on;
use dnsplan_fence::{Generation, Offer};
use dnsplan_plan::PlanStore;

use crate::checker::Checker;
use crate::exec::{Did, Executor, TaskId};
use crate::trace::{Invariant, Outcome};
use crate::world::World;

/// A world, who takes part in it, and who watches.
pub(crate) struct Run {
    pub(crate) world: World,
    pub(crate) executor: Executor,
    pub(crate) checker: Checker,
    /// The actor that each task is.
    tasks: Vec<u32>,
    pub(crate) network: Arc<str>,
}

/// What a run is called.
pub(crate) struct Title {
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) seed: u64,
}

impl Run {
    pub(crate) fn new(world: World) -> Self {
        let (core, log) = (&world.core, &world.net.log);
        let checker = Checker::new(core, log, &world.registry, world.endpoints.clone(), world.places.len());
        let executor = Executor::new(core);
        Self { checker, executor, tasks: Vec::new(), network: "network".into(), world }
    }

    /// Lets an actor take part.
    pub(crate) fn join(
        &mut self,
        actor: u32,
        delay: u64,
        make: impl FnMut() -> crate::exec::Task + Send + 'static,
    ) -> TaskId {
        let id = self.executor.spawn(delay, make);
        self.tasks.push(actor);
        id
    }

    /// The next event, if it is not after `until`; false where there is none.
    pub(crate) fn turn(&mut self, until: u64) -> bool {
        let Some(did) = self.executor.turn(until) else { return false };
        if let Did::Crashed(task, downtime) = did {
            let name = &self.world.net.actors[self.tasks[task] as usize].name;
            let text = || format!("has crashed, and is back in {}", crate::fault::span(downtime));
            self.world.net.log.detail(name, "down", None, text);
        }
        self.look();
        true
    }

    /// Looks at everything, where anything may have changed.
    pub(crate) fn look(&mut self) {
        if self.world.core.take_dirty() {
            let head = self.world.head_generation();
            self.checker.look(&self.world.places, head);
        }
    }

    /// Something was done to a target past the engine.
    pub(crate) fn forgive(&mut self, target: usize) {
        self.checker.forgive(&self.world.places, target);
        self.world.core.touch();
        self.look();
    }

    /// Everything that happens up to a moment.
    pub(crate) fn until(&mut self, moment: u64) {
        while self.turn(moment) {}
    }

    /// Without any further fault: until the newest plan is live everywhere and nothing is on its way any more. What keeps it from
    /// that for `patience` milliseconds is a breach.
    pub(crate) fn settle(&mut self, patience: u64) {
        let mut limit = self.world.core.now() + patience;
        let (mut looked_at, mut trees) = (u64::MAX, usize::MAX);
        loop {
            let now = self.world.core.now();
            // Looked at once in a while: most events change nothing about it.
            if now / 100 != looked_at {
                looked_at = now / 100;
                if self.settled().is_ok() {
                    break;
                }
                // A long clean-up is no standstill.
                let left = self.world.places.iter().map(|place| place.target.contents().trees.len()).sum();
                if left < trees {
                    (trees, limit) = (left, self.world.core.now() + patience);
                }
            }
            if !self.turn(limit) {
                break;
            }
        }
        if let Err(why) = self.settled() {
            let text = format!("{} after anything got better, {why}", crate::fault::span(patience));
            self.checker.breach(Invariant::EventuallyNewest, text);
        }
        self.nothing_lost();
    }

    /// Whether everything is as it should be for good.
    pub(crate) fn settled(&self) -> Result<(), String> {
        for place in &self.world.places {
            self.world.is_newest(place)?;
        }
        if self.world.core.awaits_latecomers() {
            Err("requests are still on their way".to_owned())
        } else {
            Ok(())
        }
    }

    /// Every plan that a planner was told of is in the store, unless it was pruned.
    fn nothing_lost(&mut self) {
        let world = &self.world;
        let newest = world.head_generation();
        for plan in world.registry.all_acknowledged() {
            let generation = plan.generation();
            let stored = block_on(world.store.get(&world.origin, generation)).ok().flatten();
            let is_kept = stored.is_some_and(|stored| stored.digest() == plan.digest());
            if !is_kept && generation >= world.registry.pruned_below() || generation > newest {
                let text = format!("generation {generation} was acknowledged and is not in the store");
                self.checker.breach(Invariant::NothingLost, text);
                return;
            }
        }
    }

    /// What came out.
    pub(crate) fn finish(self, title: Title) -> Outcome {
        let (entries, refusals) = self.world.net.log.take();
        let mut lanes: Vec<Arc<str>> =
            self.world.net.actors.iter().map(|actor| Arc::clone(&actor.name)).collect();
        for entry in &entries {
            if !lanes.contains(&entry.actor) {
                lanes.push(Arc::clone(&entry.actor));
            }
        }
        lanes.retain(|lane| entries.iter().any(|entry| entry.actor == *lane));
        Outcome {
            title: title.title,
            about: title.about,
            seed: title.seed,
            without: self.world.without.clone(),
            zone: self.world.origin.to_string(),
            endpoints: self.world.endpoints.iter().map(|key| key.owner.to_string()).collect(),
            lanes,
            entries,
            refusals,
            samples: self.checker.samples,
            breaches: self.checker.breaches,
            steps: self.world.core.step(),
            looks: self.checker.looks,
            elapsed_ms: self.world.core.now(),
        }
    }
}

/// The generation that the record at the first target grants.
pub(crate) fn live(world: &World) -> Generation {
    world.places[0].target.contents().record().map_or(Generation::ZERO, |record| record.generation)
}
