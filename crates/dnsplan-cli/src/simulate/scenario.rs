//! The beats: who is slow and when. What happens in them is up to the enactors.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use dnsplan::fence::{Actor, Generation, Swap};
use dnsplan::plan::{MemoryStore, OwnerName, Plan, PlanStore, Timestamp};
use dnsplan_enactor::conformance::{
    CountedNonces, Fault, Faulty, MemoryTarget, Schedule, Task, block_on, yield_once,
};
use dnsplan_enactor::{Basis, Config, Enactor, Event, Layout, Target};

use super::events;
use super::invariants::{Checker, Invariant};
use super::log::Log;
use super::report::Report;
use super::world::{ActorClock, Link, origin, planner, publish};

/// The plan that is live when the story begins.
const FIRST: u64 = 145;
/// The plan that the delayed enactor takes.
const TAKEN: Generation = Generation::new(FIRST + 1);
/// Polls after which a beat counts as stuck: many times what one takes.
const STEP_LIMIT: u64 = 20_000;

const E1: usize = 0;
const E2: usize = 1;
const E3: usize = 2;
const PLANNER: usize = 3;
const NETWORK: usize = 4;
const ENACTORS: [&str; 3] = ["enactor-1", "enactor-2", "enactor-3"];

/// Makes the target: (zone, layout, owner names a part).
pub(super) type MakeTarget = fn(OwnerName, Layout, usize) -> MemoryTarget;

/// Plays the whole story.
pub(super) fn play(seed: u64, make: MakeTarget) -> Report {
    let mut scenario = Scenario::new(seed, make);
    let beats = [
        ("the first plan goes live", Scenario::begin as fn(&mut Scenario) -> bool),
        ("an enactor is delayed", Scenario::delay),
        ("another one overtakes it", Scenario::overtake),
        ("the late write and the clean-up", Scenario::collide),
        ("the next plan", Scenario::go_on),
    ];
    for (beat, run) in beats {
        if !run(&mut scenario) {
            let (text, step) = (format!("no rest in the beat \"{beat}\""), scenario.step);
            scenario.checker.breach(Invariant::EventuallyNewest, step, text, &scenario.log);
            break;
        }
    }
    let Scenario { log, checker, step, batch, parts, .. } = scenario;
    Report { seed, batch, parts, steps: step, entries: log.entries(), refusals: log.refusals(), checker }
}

struct Scenario {
    schedule: Schedule,
    log: Arc<Log>,
    store: Arc<MemoryStore>,
    target: Arc<MemoryTarget>,
    batch: usize,
    parts: u32,
    link: Arc<Link>,
    faulty: Arc<Faulty<Link>>,
    clocks: Vec<ActorClock>,
    /// The enactors, the planner and the network, in the order of the constants; `None` once done.
    tasks: Vec<Option<Task<'static>>>,
    wanted: Arc<AtomicU64>,
    arrives: Arc<AtomicBool>,
    checker: Checker,
    step: u64,
    is_watched: bool,
}

impl Scenario {
    fn new(seed: u64, make: MakeTarget) -> Self {
        let mut schedule = Schedule::new(seed);
        let batch = [2, 3, 16][schedule.below(3)];
        let (log, store, nonces) = (Arc::new(Log::default()), Arc::default(), Arc::default());
        let target = Arc::new(make(origin(), Layout::Tree, batch));
        let first = history(&store, &nonces);
        let outline = target.outline(&first, &Basis::Unknown);
        // Enactor 1 gets as far as this flip, which gets stuck on its way; it is the next one that is held back.
        let stuck = outline.stage as usize + schedule.below(outline.place as usize);
        let faults = std::iter::repeat_n(Fault::None, stuck).chain([Fault::Delay]);
        let link = Arc::new(Link::new(&target, ENACTORS[E1], &log, Some(stuck)));
        let slow = Arc::new(Faulty::new(Arc::clone(&link), faults));
        let clocks: Vec<_> = ENACTORS.iter().map(|_| ActorClock::new(&log.time)).collect();
        let mut tasks = Vec::new();
        for (index, name) in ENACTORS.into_iter().enumerate() {
            let line = if index == E1 {
                Arc::clone(&slow)
            } else {
                Arc::new(Faulty::new(Arc::new(Link::new(&target, name, &log, None)), []))
            };
            tasks.push(Some(enactor(name, &store, &line, &clocks[index], &nonces, &log)));
        }
        let wanted = Arc::new(AtomicU64::new(FIRST));
        let rests = (0..64).map(|_| 5 + schedule.below(40) as u64).collect();
        let plans = planner(
            Arc::clone(&store),
            nonces,
            Arc::clone(&wanted),
            ActorClock::new(&log.time),
            Arc::clone(&log),
            rests,
        );
        tasks.push(Some(Box::pin(plans)));
        let arrives = Arc::default();
        tasks.push(Some(Box::pin(network(Arc::clone(&slow), Arc::clone(&arrives), Arc::clone(&log)))));
        Self {
            schedule,
            log,
            store,
            target,
            batch,
            parts: outline.place,
            link,
            faulty: slow,
            clocks,
            tasks,
            wanted,
            arrives,
            checker: Checker::default(),
            step: 0,
            is_watched: false,
        }
    }

    /// Polls one of `who`, lets some time pass, and looks at everything.
    fn poll(&mut self, who: &[usize]) {
        let chosen = who[self.schedule.below(who.len())];
        self.step += 1;
        self.log.time.advance(1 + self.schedule.below(9) as u64);
        if let Some(task) = &mut self.tasks[chosen]
            && task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
        {
            self.tasks[chosen] = None;
        }
        if let Some(record) = self.target.contents().record() {
            self.log.place(record.generation, record.by.as_str());
        }
        if self.is_watched {
            self.checker.look(self.step, &self.target, &self.store, &self.log);
        }
    }

    /// Polls `who` until `done`; false where that takes for ever.
    fn until(&mut self, who: &[usize], done: impl Fn(&Self) -> bool) -> bool {
        let limit = self.step + STEP_LIMIT;
        while !done(self) {
            if self.step == limit {
                return false;
            }
            self.poll(who);
        }
        true
    }

    fn head(&self) -> Generation {
        let head = block_on(self.store.head(&origin())).expect("invariant: a store in memory answers");
        head.map_or(Generation::ZERO, |head| head.generation())
    }

    fn live(&self) -> Generation {
        self.target.contents().record().map_or(Generation::ZERO, |record| record.generation)
    }

    /// The newest plan is in place.
    fn is_newest(&self) -> bool {
        let head = self.head();
        let record = self.target.contents().record();
        record.is_some_and(|record| record.generation == head && record.is_settled())
    }

    /// The newest plan is in place, and there is nothing else.
    fn is_clean(&self) -> bool {
        let contents = self.target.contents();
        self.is_newest()
            && contents.trees.len() == 1
            && contents.record().is_some_and(|record| record.floor == record.generation)
    }

    /// Lets the planner publish up to a generation.
    fn want(&self, generation: u64) {
        self.wanted.store(generation, Ordering::Relaxed);
    }

    fn begin(&mut self) -> bool {
        let text = format!("generation {FIRST} is the newest; {} came before it", FIRST - 1);
        self.log.say("planner", events::PUBLISHED, Generation::new(FIRST), text, None);
        let installer = [E2, E3][self.schedule.below(2)];
        let is_live = self.until(&[installer], |this| this.is_clean() && this.clocks[installer].rests() > 0);
        self.is_watched = true;
        is_live
    }

    fn delay(&mut self) -> bool {
        self.want(TAKEN.get());
        let is_delayed = self.until(&[PLANNER], |this| this.head() == TAKEN)
            && self.until(&[E1], |this| this.faulty.delayed() > 0);
        if !is_delayed {
            return false;
        }
        let text = format!("a flip to generation {TAKEN} from enactor-1 is stuck on its way");
        let october = "one enactor met unusually high delays and had to retry on several endpoints";
        self.log.say("network", "delayed", TAKEN, text, Some(october));
        if !self.until(&[E1], |this| this.link.is_holding()) {
            return false;
        }
        let text = format!("retries, and stalls with the plan {TAKEN} and a permit for it in hand");
        let october = "its check that the plan was newer had been made once, at the start";
        self.log.say(ENACTORS[E1], "stalled", TAKEN, text, Some(october));
        true
    }

    fn overtake(&mut self) -> bool {
        let newest = TAKEN.get() + 12 + self.schedule.below(24) as u64;
        self.want(newest);
        let text = format!("{} newer plans are on their way", newest - TAKEN.get());
        let october = "the planner went on and produced many newer generations";
        self.log.say("planner", "burst", Generation::new(newest), text, Some(october));
        let newest = Generation::new(newest);
        let is_newest = |this: &Self| this.is_newest() && this.log.has(ENACTORS[E2], "confirmed", newest);
        if !self.until(&[PLANNER, E2], is_newest) {
            return false;
        }
        let text = format!("has put generation {newest} in place everywhere, and begins to clean up");
        let october = "a second enactor applied a newer plan to all endpoints, then ran the clean-up";
        self.log.say(ENACTORS[E2], "overtook", newest, text, Some(october));
        true
    }

    /// Clean-up, a third enactor, the late flip and the late retry, all at once.
    fn collide(&mut self) -> bool {
        let (late, wake) = (self.schedule.below(40), self.schedule.below(40));
        let before: Vec<u64> = self.clocks.iter().map(ActorClock::rests).collect();
        let mut has_rested = [false; 3];
        let mut who = vec![E2, E3];
        for turn in 0..STEP_LIMIT {
            if turn == late as u64 {
                self.arrives.store(true, Ordering::Relaxed);
                who.push(NETWORK);
            }
            if turn == wake as u64 {
                self.link.release();
                who.push(E1);
                let text = format!("wakes up; its retry of generation {TAKEN} goes out at last");
                let october = "the slow enactor went on with a plan that was many generations old by then";
                self.log.say(ENACTORS[E1], "woke", TAKEN, text, Some(october));
            }
            self.poll(&who);
            for index in [E1, E2, E3] {
                if self.clocks[index].rests() > before[index] && !has_rested[index] {
                    has_rested[index] = true;
                    self.say_rest(index);
                }
            }
            if has_rested == [true; 3] && self.tasks[NETWORK].is_none() && self.is_clean() {
                return self.everybody_rests() && self.say_kept();
            }
        }
        false
    }

    /// Every enactor says what it has to say.
    fn everybody_rests(&mut self) -> bool {
        let before: Vec<u64> = self.clocks.iter().map(ActorClock::rests).collect();
        self.until(&[E1, E2, E3], |this| {
            this.clocks.iter().zip(&before).all(|(clock, before)| clock.rests() > *before)
        })
    }

    fn say_rest(&self, index: usize) {
        let live = self.live();
        let text = match index {
            E1 => format!("looks again and stands down: generation {live} is live, and is the newest"),
            _ => format!("has nothing left to do: generation {live} is live"),
        };
        self.log.say(ENACTORS[index], "rested", live, text, None);
    }

    fn say_kept(&self) -> bool {
        let live = self.live();
        let text = format!("holds one tree, that of generation {live}, and the endpoint points at it");
        let october =
            "the clean-up deleted the old plan that had just become live, and with it every address";
        self.log.say("target", "kept", live, text, Some(october));
        true
    }

    fn go_on(&mut self) -> bool {
        let next = self.head().get() + 1;
        self.want(next);
        let everybody = [E1, E2, E3, PLANNER];
        let is_live = self.until(&everybody, |this| this.head().get() == next && this.is_clean());
        if !is_live || !self.everybody_rests() {
            return false;
        }
        let text = format!("the next plan, generation {next}, went live with nobody's help");
        let october = "no enactor could make progress any more; people had to repair it by hand";
        self.log.say("target", "went-on", Generation::new(next), text, Some(october));
        true
    }
}

/// Everything up to the first plan of the story.
fn history(store: &MemoryStore, nonces: &CountedNonces) -> Arc<Plan> {
    let mut newest = block_on(publish(store, nonces, Timestamp::from_millis(0)));
    while newest.generation().get() < FIRST {
        newest = block_on(publish(store, nonces, Timestamp::from_millis(0)));
    }
    newest
}

/// The production loop of one enactor.
fn enactor(
    name: &'static str,
    store: &Arc<MemoryStore>,
    line: &Arc<Faulty<Link>>,
    clock: &ActorClock,
    nonces: &Arc<CountedNonces>,
    log: &Arc<Log>,
) -> Task<'static> {
    let me = Actor::new(name).expect("invariant: a valid actor name");
    let (store, line, nonces, log) =
        (Arc::clone(store), Arc::clone(line), Arc::clone(nonces), Arc::clone(log));
    let observer = Arc::new(move |event: &Event| events::record(&log, name, event));
    let (poll, audit_every) = (Duration::from_millis(200), Duration::from_secs(2));
    let config = Config { poll, audit_every, ..Config::default() };
    let enactor = Enactor::new(store, line, Arc::new(clock.clone()), nonces, me);
    let mut enactor = enactor.with_config(config).with_observer(observer);
    Box::pin(async move { enactor.run().await })
}

/// Keeps the delayed write until it is to arrive, then lets it.
async fn network(faulty: Arc<Faulty<Link>>, arrives: Arc<AtomicBool>, log: Arc<Log>) {
    while !arrives.load(Ordering::Relaxed) {
        yield_once().await;
    }
    let text = match faulty.deliver().await {
        Ok(Some(Swap::Lost(_))) => "arrives at last, and the target refuses it",
        Ok(Some(Swap::Won)) => "arrives at last, and takes effect",
        _ => "gets lost",
    };
    let text = format!("enactor-1's delayed flip to generation {TAKEN} {text}");
    let october = "the old plan reached the regional endpoint and overwrote the newer one";
    log.say("network", "arrived", TAKEN, text, Some(october));
}
