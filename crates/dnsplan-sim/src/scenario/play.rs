//! Playing a scenario.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dnsplan_enactor::Config;
use dnsplan_enactor::conformance::block_on;
use dnsplan_fence::Generation;
use dnsplan_plan::{MemoryStore, OwnerName, PlanStore, Timestamp};

use crate::content::{health, unknown_health};
use crate::exec::TaskId;
use crate::fault::span;
use crate::run::{Run, Title};
use crate::schedule::Schedule;
use crate::target::Backup;
use crate::trace::{Invariant, Outcome, Weak};
use crate::wire::{Hold, Peer};
use crate::world::{Plot, Targets, World};

use super::Scenario;
use super::step::{End, Millis, Step};

/// For how long a step waits, in virtual milliseconds, unless it says otherwise.
const WAIT: u64 = 10_000;
/// For how long the newest plan may take at the end.
const PATIENCE: u64 = 20_000;
/// How often planners look.
const PLANNER_POLL: Duration = Duration::from_millis(20);
/// How often the clean-up looks.
const CLEANER_POLL: Duration = Duration::from_millis(150);

/// Plays a scenario to its end.
#[must_use]
pub fn play(scenario: &Scenario, seed: u64, without: &BTreeSet<Weak>) -> Outcome {
    let mut stage = Stage::new(scenario, seed, without);
    for step in &scenario.steps {
        if step.is_act() {
            stage.since = stage.run.world.net.log.len();
        }
        stage.step(step);
    }
    stage.run.world.net.mend();
    stage.run.settle(PATIENCE);
    let (title, about) = (scenario.title.clone(), scenario.about.clone());
    stage.run.finish(Title { title, about, seed })
}

struct Stage {
    run: Run,
    names: Vec<Arc<str>>,
    tasks: Vec<TaskId>,
    /// How many lines there were when the last thing was done.
    since: usize,
    /// The last wait was in vain.
    is_in_vain: bool,
    targets: Vec<Option<Backup>>,
    store: Option<MemoryStore>,
}

impl Stage {
    fn new(scenario: &Scenario, seed: u64, without: &BTreeSet<Weak>) -> Self {
        let (world, names) = (&scenario.world, scenario.names());
        let config = Config {
            poll: Duration::from_millis(world.poll.0),
            audit_every: Duration::from_millis(world.audit_every.0),
            patience: world.patience,
            ..Config::default()
        };
        let targets = Targets { number: world.targets, layout: world.layout(), batch: world.batch };
        let made = World::new(Plot {
            library: Arc::clone(&scenario.library),
            schedule: Schedule::calm(seed),
            targets,
            actors: names.clone(),
            config,
            without: without.clone(),
            is_kept: true,
        });
        made.begin(&scenario.history);
        let mut stage = Self {
            run: Run::new(made),
            names,
            tasks: Vec::new(),
            since: 0,
            is_in_vain: false,
            targets: (0..world.targets).map(|_| None).collect(),
            store: None,
        };
        stage.cast(world.enactors, world.planners, world.clean_up_age);
        if world.history > 0 {
            let (log, newest) = (&stage.run.world.net.log, Generation::new(u64::from(world.history)));
            let planner = Arc::clone(&stage.names[world.enactors as usize]);
            log.say(&planner, "published", newest, || {
                format!("generation {newest} is the newest plan of the story so far")
            });
        }
        stage
    }

    fn cast(&mut self, enactors: u32, planners: u32, age: Option<u64>) {
        let targets = self.run.world.places.len();
        for actor in 0..self.names.len() as u32 {
            let world = self.run.world.clone();
            let task = self.run.join(actor, u64::from(actor), move || {
                if actor < enactors {
                    world.enactor(actor, actor as usize % targets)
                } else if actor < enactors + planners {
                    world.planner(actor, PLANNER_POLL)
                } else {
                    world.cleaner(actor, 0, age.unwrap_or(u64::MAX), CLEANER_POLL)
                }
            });
            self.tasks.push(task);
        }
    }

    fn actor(&self, name: &str) -> u32 {
        let index = self.names.iter().position(|known| **known == *name);
        index.expect("invariant: the names of a scenario are checked") as u32
    }

    fn say(&self, who: &str, kind: &'static str, text: impl FnOnce() -> String) {
        self.run.world.net.log.say(&Arc::from(who), kind, None, text);
    }

    /// Lets things happen until `done`, or for so long; says whether it was done.
    fn until(&mut self, limit: u64, done: impl Fn(&Run) -> bool) -> bool {
        let limit = self.run.world.core.now().saturating_add(limit);
        while !done(&self.run) {
            if !self.run.turn(limit) {
                return false;
            }
        }
        true
    }

    /// The same; where it is in vain the story has not come to its end. With something switched off it may well be.
    fn must(&mut self, limit: u64, what: impl FnOnce() -> String, done: impl Fn(&Run) -> bool) {
        self.is_in_vain = !self.until(limit, done);
        if self.is_in_vain {
            let text = format!("waited {} for {} in vain", span(limit), what());
            if self.run.world.without.is_empty() {
                self.run.checker.breach(Invariant::CameToItsEnd, text);
            } else {
                self.say("story", "in-vain", || text);
            }
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Publish { count, every } => self.publish(*count, *every),
            Step::Wait { actor, kind, generation, within } => {
                let from = self.since;
                let is_meant = |entry: &crate::Entry| {
                    actor.as_ref().is_none_or(|actor| *entry.actor == **actor)
                        && entry.kind == kind
                        && generation.is_none_or(|wanted| entry.generation == Some(Generation::new(wanted)))
                };
                let limit = within.map_or(WAIT, |within| within.0);
                let what = || format!("{kind:?} of {}", actor.as_deref().unwrap_or("anybody"));
                self.must(limit, what, |run| run.world.net.log.has(from, is_meant));
            }
            Step::WaitHeld { actor, calls } => {
                let number = self.actor(actor);
                let what = || format!("{calls} calls of {actor} to be held back");
                self.must(WAIT, what, |run| run.world.net.held(number) >= *calls as usize);
            }
            Step::Settle => {
                self.must(
                    WAIT,
                    || "the newest plan to be live everywhere".to_owned(),
                    |run| run.settled().is_ok(),
                );
            }
            Step::Pass { time } => {
                let until = self.run.world.core.now() + time.0;
                self.run.until(until);
            }
            // What a story says of how things stand is true only where it did not wait for it in vain.
            Step::Say { actor, text } if !self.is_in_vain => self.say(actor, "said", || text.clone()),
            Step::Say { .. } => {}
            Step::October { fact } => self.run.world.net.log.october(fact),
            step => self.happen(step),
        }
    }

    fn publish(&mut self, count: u32, every: Option<Millis>) {
        for _ in 0..count {
            let (wishes, number) = (&self.run.world.wishes, self.run.world.wishes.wanted() + 1);
            wishes.want(number);
            let before = self.run.world.head_generation();
            self.must(
                WAIT,
                || "a plan to be published".to_owned(),
                |run| run.world.head_generation() > before,
            );
            let pause = self.run.world.core.now() + every.map_or(0, |every| every.0);
            self.run.until(pause);
        }
    }

    fn happen(&mut self, step: &Step) {
        match step {
            Step::Hold { .. }
            | Step::Pause { .. }
            | Step::Release { .. }
            | Step::Stop { .. }
            | Step::Start { .. } => {
                self.slow(step);
            }
            Step::Cut { actor, from, time } => {
                let number = self.actor(actor);
                let peers = match from {
                    End::Store => vec![Peer::Store],
                    End::Target => (0..self.targets.len()).map(Peer::Target).collect(),
                };
                peers.into_iter().for_each(|peer| self.run.world.net.cut(number, peer, time.0));
                self.say("network", "cut", || {
                    format!("{actor} cannot reach the {} for {}", end(*from), span(time.0))
                });
            }
            Step::Throttle { end: at, time } => {
                let peer = if *at == End::Store { Peer::Store } else { Peer::Target(0) };
                self.run.world.net.throttle(peer, time.0);
                self.say("network", "throttled", || {
                    format!("the {} refuses everything for {}", end(*at), span(time.0))
                });
            }
            Step::Backup { .. } | Step::Restore { .. } => self.rewind(step),
            Step::DeleteFence | Step::CorruptFence | Step::Damage { .. } => self.by_hand(step),
            Step::Health { pool, down, unknown } => {
                let reading = if *unknown { unknown_health(pool) } else { health(pool, down) };
                self.run.world.wishes.set_health(reading);
                self.say("health", "health", || match (unknown, down.is_empty()) {
                    (true, _) => format!("the health of pool {pool} cannot be asked"),
                    (false, true) => format!("all of pool {pool} is healthy"),
                    (false, false) => format!("{} of pool {pool} fail their health checks", down.join(", ")),
                });
            }
            Step::ClockJump { actor, back } => {
                self.run.world.jump(self.actor(actor), !back);
                let way = if *back { "back" } else { "forward" };
                self.say(actor, "clock-jump", || format!("its clock jumps an hour {way}"));
            }
            step => self.operate(step),
        }
    }

    fn slow(&mut self, step: &Step) {
        match step {
            Step::Hold { actor, call, generation, part, gives_up } => {
                let (number, generation) = (self.actor(actor), generation.map(Generation::new));
                let (op, part, gives_up) = (call.clone(), *part, *gives_up);
                self.run.world.net.hold(Hold { actor: number, op: Some(op), generation, part, gives_up });
            }
            Step::Pause { actor } => {
                let number = self.actor(actor);
                self.run.world.net.hold(Hold {
                    actor: number,
                    op: None,
                    generation: None,
                    part: None,
                    gives_up: false,
                });
            }
            Step::Release { actor } => {
                let number = self.actor(actor);
                let released = self.run.world.net.release(number);
                if released > 0 {
                    self.say(actor, "woke", || "goes on; what was held back is on its way again".to_owned());
                }
            }
            Step::Stop { actor } => {
                let task = self.tasks[self.actor(actor) as usize];
                self.run.executor.stop(task);
                self.say(actor, "down", || "crashes".to_owned());
            }
            Step::Start { actor } => {
                let task = self.tasks[self.actor(actor) as usize];
                self.run.executor.start(task, 1);
                self.say(actor, "up", || "is up again, and remembers nothing".to_owned());
            }
            _ => {}
        }
    }

    fn rewind(&mut self, step: &Step) {
        match step {
            Step::Backup { end: End::Target, target } => {
                self.targets[target - 1] = Some(self.run.world.places[target - 1].backup());
                self.say("operator", "backup", || format!("a backup of target-{target} is made"));
            }
            Step::Backup { end: End::Store, .. } => {
                self.store = Some((*self.run.world.store).clone());
                self.say("operator", "backup", || "a backup of the plan store is made".to_owned());
            }
            Step::Restore { end: End::Target, target } => {
                if let Some(backup) = self.targets[target - 1].clone() {
                    self.run.world.places[target - 1].restore(backup);
                    let live = crate::run::live(&self.run.world);
                    self.say("operator", "rewound", || {
                        format!("target-{target} is put back to its backup: {live} is live")
                    });
                    self.run.forgive(target - 1);
                }
            }
            Step::Restore { end: End::Store, .. } => {
                if let Some(backup) = &self.store {
                    self.run.world.store.restore(backup);
                    self.run.world.registry.store_rewound();
                    self.run.checker.history_lost();
                    self.run.world.core.touch();
                    let head = self.run.world.head_generation();
                    self.say("operator", "rewound", || {
                        format!("the plan store is put back: {head} is its newest plan")
                    });
                }
            }
            _ => {}
        }
    }

    fn by_hand(&mut self, step: &Step) {
        let place = Arc::clone(&self.run.world.places[0]);
        match step {
            Step::DeleteFence => {
                place.target.edit(|contents| contents.fence = None);
                self.say("somebody", "deleted-fence", || "deletes the fence record by hand".to_owned());
            }
            Step::CorruptFence => {
                place.target.edit(|contents| contents.fence = Some("edited by hand".to_owned()));
                self.say("somebody", "corrupted-fence", || "overwrites the fence record by hand".to_owned());
            }
            Step::Damage { owner } => {
                if let Ok(owner) = OwnerName::relative(owner, &self.run.world.origin) {
                    place.damage(&owner);
                    self.say("somebody", "damaged", || format!("deletes everything of {owner} by hand"));
                }
            }
            _ => {}
        }
        self.run.forgive(0);
    }

    fn operate(&mut self, step: &Step) {
        let world = &self.run.world;
        let now = Timestamp::from_millis(world.core.now());
        match step {
            Step::Freeze => {
                drop(block_on(world.store.freeze("operator", "an incident", now)));
                self.say("operator", "frozen", || "freezes everything".to_owned());
            }
            Step::Unfreeze => {
                drop(block_on(world.store.unfreeze("operator", now)));
                self.say("operator", "unfrozen", || "lifts the freeze".to_owned());
            }
            Step::Prune => {
                let head = world.head_generation();
                if block_on(world.store.prune(&world.origin, head)).is_ok() {
                    world.registry.prune_below(head);
                }
                self.run.checker.history_lost();
                self.say("operator", "pruned", || format!("lets the store forget plans older than {head}"));
            }
            Step::RollBack { to } => {
                if let Some(plan) = world.roll_back(Generation::new(*to)) {
                    let generation = plan.generation();
                    let text = || format!("rolls back: the content of {to} is generation {generation} now");
                    self.say("operator", "rolled-back", text);
                }
                self.run.world.core.touch();
            }
            _ => {}
        }
        self.run.look();
    }
}

const fn end(end: End) -> &'static str {
    match end {
        End::Store => "store",
        End::Target => "target",
    }
}
