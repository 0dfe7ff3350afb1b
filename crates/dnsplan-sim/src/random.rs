//! Random schedules: a world, plans, faults and incidents, all from one number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use dnsplan_enactor::conformance::block_on;
use dnsplan_enactor::{Config, Layout};
use dnsplan_fence::Generation;
use dnsplan_plan::{OwnerName, PlanStore, Timestamp};
use dnsplan_planner::Health;

use crate::content::{Library, health, unknown_health};
use crate::fault::{Incident, Mix, span};
use crate::run::{Run, Title};
use crate::schedule::{Dice, Key, Schedule};
use crate::target::Backup;
use crate::trace::{Outcome, Weak};
use crate::wire::Peer;
use crate::world::{Plot, Targets, World};

/// For how long anything goes wrong, in virtual milliseconds.
const TROUBLE: u64 = 12_000;
/// For how long nothing does before the newest plan must be live.
const PATIENCE: u64 = 120_000;

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Determines everything.
    pub seed: u64,
    /// How much goes wrong.
    pub mix: Mix,
    /// What is switched off.
    pub without: BTreeSet<Weak>,
    /// Only what these keys name takes part; everything where it is `None`.
    pub keep: Option<BTreeSet<Key>>,
}

/// A run, and the keys of everything that took part in it.
#[derive(Clone, Debug)]
pub struct Played {
    /// What came out.
    pub outcome: Outcome,
    /// Everything that could be left out.
    pub keys: BTreeSet<Key>,
    /// How much the target or the fence refused.
    pub refused: u64,
}

/// What happens at a moment.
enum Beat {
    Wish,
    Happen(u32, Incident),
    Back(u32),
    Health(Health),
    Thaw,
    Unforeign(usize, OwnerName),
}

/// Plays one schedule. `is_kept` says whether anybody reads the timeline.
#[must_use]
pub fn play(library: &Arc<Library>, options: &Options, is_kept: bool) -> Played {
    Random::new(library, options, is_kept).play()
}

struct Random {
    run: Run,
    seed: u64,
    dice: Dice,
    beats: Vec<(u64, Beat)>,
    backups: BTreeMap<u32, Saved>,
    number: u32,
}

/// What an incident puts back.
enum Saved {
    Target(usize, Backup),
    Store(dnsplan_plan::MemoryStore),
}

impl Random {
    fn new(library: &Arc<Library>, options: &Options, is_kept: bool) -> Self {
        let mut dice = Dice::new(options.seed, 7);
        let layout = *dice.pick(&[
            Layout::Tree,
            Layout::Tree,
            Layout::Tree,
            Layout::InPlace,
            Layout::InPlace,
            Layout::Whole,
        ]);
        let targets = Targets {
            number: if dice.chance(1, 4) { 2 } else { 1 },
            layout,
            batch: *dice.pick(&[1, 2, 3, 16]),
        };
        let (enactors, planners) = (2 + dice.below(2) as u32, 1 + dice.below(2) as u32);
        let mut names: Vec<Arc<str>> =
            (1..=enactors).map(|index| format!("enactor-{index}").into()).collect();
        names.extend((1..=planners).map(|index| Arc::from(format!("planner-{index}"))));
        names.push("cleaner".into());
        let actors = names.len() as u32;
        let config = Config {
            poll: Duration::from_millis(1_000),
            audit_every: Duration::from_millis(*dice.pick(&[0, 2_000, 5_000])),
            patience: 4,
            ..Config::default()
        };
        let schedule = Schedule::new(options.seed, options.mix, options.keep.clone(), TROUBLE);
        let (library, without) = (Arc::clone(library), options.without.clone());
        let world = World::new(Plot { library, schedule, targets, actors: names, config, without, is_kept });
        let mut this = Self {
            run: Run::new(world),
            seed: options.seed,
            dice,
            beats: Vec::new(),
            backups: BTreeMap::new(),
            number: 0,
        };
        this.cast(enactors, planners, targets.number);
        this.write_beats(actors, layout == Layout::Tree);
        this
    }

    /// Who takes part.
    fn cast(&mut self, enactors: u32, planners: u32, targets: usize) {
        let all = enactors + planners + 1;
        for actor in 0..all {
            let delay = self.dice.below(300);
            // The first enactor of each target and the first planner always do: somebody has to.
            let is_needed = actor < targets as u32 || actor == enactors;
            if !is_needed && !self.run.world.net.schedule.keeps(Key::Actor(actor)) {
                continue;
            }
            let target = actor as usize % targets;
            let world = self.run.world.clone();
            self.run.join(actor, delay, move || {
                let poll = Duration::from_millis(700);
                if actor < enactors {
                    world.enactor(actor, target)
                } else if actor < enactors + planners {
                    world.planner(actor, poll)
                } else {
                    world.cleaner(actor, 0, 2, poll)
                }
            });
        }
    }

    /// What happens when.
    fn write_beats(&mut self, actors: u32, has_trees: bool) {
        self.beats.push((0, Beat::Wish));
        let plans = 2 + self.dice.below(6) as u32;
        for plan in 2..2 + plans {
            let at = self.dice.below(TROUBLE);
            if self.run.world.net.schedule.keeps(Key::Plan(plan)) {
                self.beats.push((at, Beat::Wish));
            }
        }
        let incidents = self.run.world.net.schedule.incidents(actors);
        let loses_fence = |(_, incident): &(u64, Incident)| {
            matches!(incident, Incident::DeleteFence | Incident::CorruptFence)
        };
        let is_blind = !has_trees && incidents.iter().any(loses_fence);
        for (index, (at, incident)) in (0..).zip(incidents) {
            // With the record and the history both gone, only the names of trees tell what was live: where there are none, nobody
            // can know.
            if is_blind && matches!(incident, Incident::RewindStore { .. }) {
                continue;
            }
            let from = match incident {
                Incident::RewindTarget { by } | Incident::RewindStore { by } => at.saturating_sub(by),
                _ => at,
            };
            self.beats.push((from, Beat::Happen(index, incident)));
            if from < at || matches!(incident, Incident::RewindTarget { .. } | Incident::RewindStore { .. }) {
                self.beats.push((at, Beat::Back(index)));
            }
        }
        self.beats.sort_by_key(|(at, _)| *at);
        self.beats.reverse();
    }

    fn play(mut self) -> Played {
        while let Some((at, beat)) = self.beats.pop() {
            self.run.until(at);
            self.beat(at, beat);
        }
        self.run.until(TROUBLE);
        self.run.world.net.mend();
        // A target that was put back may have brought somebody else's records back, too.
        for target in 0..self.run.world.places.len() {
            let place = Arc::clone(&self.run.world.places[target]);
            if !place.target.contents().foreign.is_empty() {
                place.target.edit(|contents| contents.foreign.clear());
                self.run.forgive(target);
            }
        }
        // Whoever froze everything sees that it still is, where the store was put back in between, and lifts it again.
        for later in [3_000, 8_000, 13_000] {
            self.run.until(TROUBLE + later);
            self.beat(TROUBLE, Beat::Thaw);
        }
        // In half of all runs what is there has to do; in the other half another plan follows.
        if self.dice.chance(1, 2) {
            self.beat(TROUBLE, Beat::Wish);
        }
        self.run.settle(PATIENCE);
        let (keys, refused) = (self.run.world.net.schedule.met(), self.run.world.net.log.refused());
        let title =
            Title { title: format!("random schedule {}", self.seed), about: String::new(), seed: self.seed };
        Played { outcome: self.run.finish(title), keys, refused }
    }

    fn later(&mut self, at: u64, beat: Beat) {
        let index = self.beats.iter().position(|(when, _)| *when <= at).unwrap_or(self.beats.len());
        self.beats.insert(index, (at, beat));
    }

    fn say(&self, kind: &'static str, text: impl FnOnce() -> String) {
        self.run.world.net.log.say(&self.run.network, kind, None, text);
    }

    fn beat(&mut self, at: u64, beat: Beat) {
        let world = &self.run.world;
        match beat {
            Beat::Wish => {
                self.number += 1;
                world.wishes.want(self.number);
            }
            Beat::Health(health) => world.wishes.set_health(health),
            Beat::Thaw => {
                let lifted = block_on(world.store.unfreeze("operator", Timestamp::from_millis(at)));
                if lifted.is_ok_and(|lifted| !lifted.is_empty()) {
                    self.say("unfrozen", || "the freeze is lifted".to_owned());
                }
            }
            Beat::Unforeign(target, owner) => {
                self.run.world.places[target].target.edit(|contents| {
                    contents.foreign.remove(&owner);
                });
                self.run.forgive(target);
            }
            Beat::Back(index) => self.put_back(index),
            Beat::Happen(index, incident) => self.happen(at, index, incident),
        }
    }

    fn put_back(&mut self, index: u32) {
        match self.backups.remove(&index) {
            Some(Saved::Target(target, backup)) => {
                self.run.world.places[target].restore(backup);
                self.say("rewound", || format!("target-{} is put back to an earlier state", target + 1));
                self.run.forgive(target);
            }
            Some(Saved::Store(store)) => {
                self.run.world.store.restore(&store);
                self.run.world.registry.store_rewound();
                self.run.checker.history_lost();
                self.say("rewound", || "the plan store is put back to an earlier state".to_owned());
                self.run.world.core.touch();
            }
            None => {}
        }
    }

    fn happen(&mut self, at: u64, index: u32, incident: Incident) {
        let target = index as usize % self.run.world.places.len();
        match incident {
            Incident::RewindTarget { .. } => {
                let backup = self.run.world.places[target].backup();
                self.backups.insert(index, Saved::Target(target, backup));
            }
            Incident::RewindStore { .. } => {
                let backup = (*self.run.world.store).clone();
                self.backups.insert(index, Saved::Store(backup));
            }
            Incident::DeleteFence
            | Incident::CorruptFence
            | Incident::Damage { .. }
            | Incident::Foreign { .. } => {
                self.by_hand(at, target, incident);
            }
            Incident::Partition { actor, from_store, millis } => {
                let peers =
                    if from_store { vec![Peer::Store] } else { vec![Peer::Target(0), Peer::Target(1)] };
                peers.into_iter().for_each(|peer| self.run.world.net.cut(actor, peer, millis));
                let (name, peer) = (self.name(actor), if from_store { "the store" } else { "the target" });
                self.say("partition", || format!("{name} cannot reach {peer} for {}", span(millis)));
            }
            Incident::ClockJump { actor, forward } => {
                self.run.world.jump(actor, forward);
                let (name, way) = (self.name(actor), if forward { "forward" } else { "back" });
                self.say("clock-jump", || format!("the clock of {name} jumps an hour {way}"));
            }
            Incident::Flap { members } => self.flap(at, members),
            Incident::Unknown { millis } => {
                self.say("unknown-health", || {
                    format!("the health of pool blue cannot be asked for {}", span(millis))
                });
                self.run.world.wishes.set_health(unknown_health("blue"));
                self.later(at + millis, Beat::Health(Health::from_spec()));
            }
            Incident::Freeze { millis } => self.freeze(at, millis),
            Incident::Prune => self.prune(),
            Incident::Rollback => self.roll_back(),
        }
    }

    fn name(&self, actor: u32) -> Arc<str> {
        Arc::clone(&self.run.world.net.actors[actor as usize].name)
    }

    fn by_hand(&mut self, at: u64, target: usize, incident: Incident) {
        let place = Arc::clone(&self.run.world.places[target]);
        let named = |number: u64| {
            let names = ["api", "api-fips", "www", "ns1", "@", "host-0", "host-1", "host-2"];
            let name = names[number as usize % names.len()];
            OwnerName::relative(name, &self.run.world.origin).expect("invariant: a valid name")
        };
        match incident {
            Incident::DeleteFence => {
                place.target.edit(|contents| contents.fence = None);
                self.say("deleted-fence", || "somebody deletes the fence record".to_owned());
            }
            Incident::CorruptFence => {
                place.target.edit(|contents| contents.fence = Some("edited by hand".to_owned()));
                self.say("corrupted-fence", || "somebody overwrites the fence record".to_owned());
            }
            Incident::Damage { owner } => {
                let owner = named(owner);
                place.damage(&owner);
                self.say("damaged", || format!("somebody deletes everything of {owner}"));
            }
            Incident::Foreign { owner, millis } => {
                let owner = named(owner);
                let Some(node) = self
                    .run
                    .world
                    .head()
                    .and_then(|head| head.zone().nodes().next().map(|(_, node)| Arc::clone(node)))
                else {
                    return;
                };
                place.target.edit(|contents| {
                    contents.foreign.insert(owner.clone(), node);
                });
                self.say("foreign", || format!("somebody else's records turn up at {owner}"));
                self.later((at + millis).min(TROUBLE), Beat::Unforeign(target, owner));
            }
            _ => {}
        }
        self.run.forgive(target);
    }

    /// Health checks change their minds, and change them back.
    fn flap(&mut self, at: u64, members: u64) {
        let all = ["moving", "b2", "b3", "b4"];
        let bits = all.iter().enumerate().filter(|(index, _)| members >> index & 1 == 1);
        let down: Vec<String> = bits.map(|(_, id)| (*id).to_owned()).collect();
        self.say("health", || format!("health checks say that {} are down", down.join(", ")));
        self.run.world.wishes.set_health(health("blue", &down));
        self.later(at + 700, Beat::Health(Health::from_spec()));
        self.later(at + 1_400, Beat::Health(health("blue", &down)));
        self.later(at + 2_100, Beat::Health(Health::from_spec()));
    }

    fn freeze(&mut self, at: u64, millis: u64) {
        let store = Arc::clone(&self.run.world.store);
        drop(block_on(store.freeze("operator", "an incident", Timestamp::from_millis(at))));
        self.say("frozen", || format!("somebody freezes everything for {}", span(millis)));
        self.later((at + millis).min(TROUBLE), Beat::Thaw);
    }

    fn prune(&mut self) {
        let head = self.run.world.head_generation();
        let store = Arc::clone(&self.run.world.store);
        if block_on(store.prune(&self.run.world.origin, head)).is_ok() {
            self.run.world.registry.prune_below(head);
        }
        self.run.checker.history_lost();
        self.say("pruned", || format!("plans below {head} are forgotten"));
    }

    fn roll_back(&mut self) {
        let head = self.run.world.head_generation();
        let Some(to) = head.get().checked_sub(2).filter(|to| *to > 0) else { return };
        let rolled_back = self.run.world.roll_back(Generation::new(to));
        if let Some(plan) = rolled_back {
            let generation = plan.generation();
            self.say("rolled-back", || format!("an operator publishes the content of {to} as {generation}"));
        }
        self.run.world.core.touch();
    }
}
