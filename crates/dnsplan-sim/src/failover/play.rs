//! A run: the world, who takes part in it, and who watches.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::client::write_on;
use super::coordinator::coordinate;
use super::judge::Judge;
use super::node::{WORKERS, watch, work};
use super::outcome::{Invariant, Outcome, Refusal, Weak, Writes};
use super::storage::in_rows;
use super::watch::{Raised, poll_on};
use super::world::{A, B, CLIENTS, COORDINATORS, LANES, World};
use crate::exec::{Did, Executor, TaskId};
use crate::fault::span;
use crate::schedule::Schedule;

/// Who a task is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Member {
    Node(usize),
    /// A coordinator or a client.
    Actor(u32),
    Monitor,
}

/// One run.
pub(super) struct Play {
    pub(super) world: Arc<World>,
    pub(super) judge: Judge,
    executor: Executor,
    members: Vec<Member>,
    raised: Raised,
}

impl Play {
    pub(super) fn new(schedule: Schedule, without: &BTreeSet<Weak>, is_kept: bool) -> Self {
        let world = Arc::new(World::new(schedule, without.clone(), is_kept));
        let executor = Executor::new(&world.core);
        let raised = Arc::new(Mutex::default());
        let mut play = Self { world, judge: Judge::default(), executor, members: Vec::new(), raised };
        [A, B].into_iter().for_each(|index| play.add_node(index));
        for actor in COORDINATORS {
            let world = Arc::clone(&play.world);
            play.executor.spawn(u64::from(actor), move || Box::pin(coordinate(Arc::clone(&world), actor)));
            play.members.push(Member::Actor(actor));
        }
        for actor in CLIENTS {
            let world = Arc::clone(&play.world);
            play.executor.spawn(u64::from(actor), move || Box::pin(write_on(Arc::clone(&world), actor)));
            play.members.push(Member::Actor(actor));
        }
        let (world, raised) = (Arc::clone(&play.world), Arc::clone(&play.raised));
        play.executor.spawn(0, move || Box::pin(poll_on(Arc::clone(&world), Arc::clone(&raised))));
        play.members.push(Member::Monitor);
        play
    }

    fn add_node(&mut self, index: usize) {
        let world = Arc::clone(&self.world);
        self.executor.spawn(1, move || {
            world.boot(index);
            Box::pin(watch(Arc::clone(&world), index))
        });
        self.members.push(Member::Node(index));
        for _ in 0..WORKERS {
            let world = Arc::clone(&self.world);
            self.executor.spawn(1, move || Box::pin(work(Arc::clone(&world), index)));
            self.members.push(Member::Node(index));
        }
    }

    /// The next event, if it is not after `until`; false where there is none.
    fn turn(&mut self, until: u64) -> bool {
        let Some(did) = self.executor.turn(until) else { return false };
        if let Did::Crashed(task, downtime) = did {
            match self.members[task] {
                Member::Node(index) => self.crash(index, downtime),
                Member::Actor(actor) => {
                    let name = &self.world.net.actors[actor as usize].name;
                    self.world.log.detail(name, "down", None, || format!("is back in {}", span(downtime)));
                }
                Member::Monitor => {}
            }
        }
        if self.world.core.take_dirty() {
            self.judge.look(&self.world);
        }
        true
    }

    /// A node crashes, wherever it is, and starts again after so long.
    pub(super) fn crash(&mut self, index: usize, downtime: u64) {
        let tasks: Vec<TaskId> =
            (0..self.members.len()).filter(|task| self.members[*task] == Member::Node(index)).collect();
        self.world.nodes[index].crash();
        self.world.core.touch();
        for task in tasks {
            self.executor.stop(task);
            self.executor.start(task, downtime);
        }
        let name = &self.world.nodes[index].name;
        self.world.log.say(name, "crashed", None, || format!("crashes, for {}", span(downtime)));
    }

    /// A coordinator is ended, and begins anew after so long.
    pub(super) fn restart(&mut self, actor: u32, downtime: u64) {
        if let Some(task) = self.members.iter().position(|member| *member == Member::Actor(actor)) {
            self.executor.stop(task);
            self.executor.start(task, downtime);
            let name = &self.world.net.actors[actor as usize].name;
            self.world.log.say(name, "crashed", None, || format!("crashes, for {}", span(downtime)));
        }
    }

    /// A node is stopped with everything that it was about to do, for so long or until it is let go on.
    pub(super) fn stop(&self, index: usize, millis: u64) {
        self.world.nodes[index].state().stopped_until = self.world.core.now() + millis;
        let name = &self.world.nodes[index].name;
        self.world
            .log
            .say(name, "stopped", None, || "is stopped, with whatever it was about to do".to_owned());
    }

    /// Everything that happens up to a moment.
    pub(super) fn until(&mut self, moment: u64) {
        while self.turn(moment) {}
    }

    /// Everything that happens until something is so; false where it is not within `patience` milliseconds.
    pub(super) fn wait(&mut self, patience: u64, is_so: impl Fn(&World) -> bool) -> bool {
        let limit = self.world.core.now() + patience;
        while !is_so(&self.world) {
            if !self.turn(limit) {
                return is_so(&self.world);
            }
        }
        true
    }

    /// Without any further fault: until every hand-off has ended, a live node leads and clients write. What keeps it from that for
    /// `patience` milliseconds is a breach.
    pub(super) fn settle(&mut self, patience: u64) {
        self.world.net.mend();
        self.world.wishes().unfit = [false; 2];
        let (calm, mut looked_at) = (self.world.core.now(), u64::MAX);
        let limit = calm + patience;
        loop {
            let now = self.world.core.now();
            // Looked at once in a while: most events change nothing about it.
            if now / 50 != looked_at {
                looked_at = now / 50;
                if Judge::settled(&self.world, calm).is_ok() {
                    break;
                }
            }
            if !self.turn(limit) {
                break;
            }
        }
        if let Err(why) = Judge::settled(&self.world, calm) {
            let text = format!("{} after anything got better, {why}", span(patience));
            self.judge.breach(&self.world, Invariant::Completes, text);
        }
    }

    /// What came out.
    pub(super) fn finish(self, title: String) -> Outcome {
        let world = &self.world;
        let (entries, _) = world.log.take();
        let lanes: Vec<Arc<str>> = LANES.into_iter().map(Arc::from).collect();
        let lanes =
            lanes.into_iter().filter(|lane| entries.iter().any(|entry| entry.actor == *lane)).collect();
        let handovers = self.judge.handovers(world);
        let storage = world.storage();
        let refusals =
            in_rows(&storage.refused).into_iter().map(|(by, epoch, at_ms, until_ms, writes, why)| Refusal {
                at_ms,
                until_ms,
                actor: Arc::clone(&world.nodes[by.node].name),
                epoch: epoch.get(),
                writes,
                why: why.to_string(),
            });
        let writes = Writes {
            acknowledged: world.book().order.len() as u64,
            accepted: storage.log.len() as u64,
            aborted: storage.refused.len() as u64,
        };
        Outcome {
            title,
            seed: world.net.schedule.seed,
            without: world.without.clone(),
            lanes,
            entries,
            refusals: refusals.collect(),
            handovers,
            writes,
            alarms: self.raised.lock().expect("invariant: nothing panics while it is locked").clone(),
            breaches: self.judge.breaches,
            steps: world.core.step(),
            looks: self.judge.looks,
            elapsed_ms: world.core.now(),
        }
    }
}
