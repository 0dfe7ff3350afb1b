//! The world of one run: store, targets, wires, and the things that happen to them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dnsplan_enactor::conformance::{Contents, MemoryTarget, block_on};
use dnsplan_enactor::{Config, FenceRecord, Layout, Nonces, Target, TreeName};
use dnsplan_fence::{Generation, Nonce, ParentGeneration};
use dnsplan_plan::{MemoryStore, OwnerName, Plan, PlanStore, RRsetKey, Timestamp};
use dnsplan_planner::{Context, Health, publish};

use crate::actors::{Counted, Skews, Wishes};
use crate::content::Library;
use crate::exec::Core;
use crate::log::Log;
use crate::registry::Registry;
use crate::schedule::Schedule;
use crate::target::Place;
use crate::trace::Weak;
use crate::wire::Net;

/// Everything that is there. A clone is another handle on it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) net: Arc<Net>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) places: Vec<Arc<Place>>,
    pub(crate) library: Arc<Library>,
    pub(crate) origin: OwnerName,
    pub(crate) endpoints: Vec<RRsetKey>,
    pub(crate) wishes: Arc<Wishes>,
    pub(crate) nonces: Arc<Counted>,
    pub(crate) skews: Skews,
    pub(crate) config: Config,
    pub(crate) without: BTreeSet<Weak>,
}

/// Plans from before a story, made once for all of its runs.
pub(crate) struct History {
    store: MemoryStore,
    plans: Vec<(Nonce, Arc<Plan>)>,
}

impl History {
    /// So many plans, numbered from 1.
    pub(crate) fn new(library: &Library, plans: u32) -> Result<Self, String> {
        let (store, nonces) = (MemoryStore::new(), Counted::default());
        let plan = |number: u32| {
            let intent = library.intent(number).map_err(|error| error.to_string())?;
            let zone = intent.zones().next().expect("invariant: a spec has a zone");
            let context = Context::new("planner", Timestamp::from_millis(0), format!("number {number}"));
            let attempt = nonces.next();
            let published = block_on(publish(&store, zone, &Health::from_spec(), &context, attempt));
            let refused = |error| format!("number {number} of the spec cannot be published: {error}");
            Ok((attempt, published.map_err(refused)?.plan))
        };
        let plans = (1..=plans).map(plan).collect::<Result<_, String>>()?;
        Ok(Self { store, plans })
    }
}

/// How the targets are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Targets {
    pub(crate) number: usize,
    pub(crate) layout: Layout,
    /// Owner names in one write.
    pub(crate) batch: usize,
}

/// What a world is made from.
pub(crate) struct Plot {
    pub(crate) library: Arc<Library>,
    pub(crate) schedule: Schedule,
    pub(crate) targets: Targets,
    pub(crate) actors: Vec<Arc<str>>,
    pub(crate) config: Config,
    pub(crate) without: BTreeSet<Weak>,
    pub(crate) is_kept: bool,
}

impl World {
    pub(crate) fn new(plot: Plot) -> Self {
        let core = Core::default();
        let log = Log::new(&core, plot.is_kept);
        let (origin, endpoints) = (plot.library.origin(), plot.library.endpoints());
        let place = |index: usize| {
            let Targets { layout, batch, .. } = plot.targets;
            let target = MemoryTarget::new(origin.clone(), layout, batch);
            Arc::new(Place::new(&format!("target-{}", index + 1), target, plot.without.clone()))
        };
        let places = (0..plot.targets.number).map(place).collect();
        let skews = plot.actors.iter().map(|_| Arc::new(AtomicI64::new(0))).collect();
        Self {
            net: Arc::new(Net::new(&core, &log, plot.schedule, &plot.actors)),
            core,
            store: Arc::default(),
            registry: Arc::default(),
            places,
            library: plot.library,
            origin,
            endpoints,
            wishes: Arc::default(),
            nonces: Arc::default(),
            skews,
            config: plot.config,
            without: plot.without,
        }
    }

    /// The store's newest plan.
    pub(crate) fn head(&self) -> Option<Arc<Plan>> {
        block_on(self.store.head(&self.origin)).expect("invariant: a store in memory answers")
    }

    /// Its generation.
    pub(crate) fn head_generation(&self) -> Generation {
        self.head().map_or(Generation::ZERO, |head| head.generation())
    }

    /// Begins with the plans from before the story.
    pub(crate) fn begin(&self, history: &History) {
        self.store.restore(&history.store);
        for (attempt, plan) in &history.plans {
            self.registry.granted(*attempt, plan);
            self.nonces.use_up(*attempt);
        }
        self.wishes.want(history.plans.len() as u32);
    }

    /// A plan with the content of an older one, as `rollback` makes it.
    pub(crate) fn roll_back(&self, to: Generation) -> Option<Arc<Plan>> {
        let head = self.head()?;
        let old = block_on(self.store.get(&self.origin, to)).ok().flatten()?;
        let provenance = dnsplan_plan::Provenance::new("operator", Timestamp::from_millis(0), "rollback");
        let proposal = dnsplan_plan::Proposal { zone: old.zone().clone(), provenance };
        let attempt = self.nonces.next();
        let plan = block_on(self.store.append(ParentGeneration::of(&head), proposal, attempt)).ok()?;
        self.registry.granted(attempt, &plan);
        Some(plan)
    }

    /// Lets an actor's clock jump by an hour.
    pub(crate) fn jump(&self, actor: u32, forward: bool) {
        let hour = if forward { 3_600_000 } else { -3_600_000 };
        self.skews[actor as usize].fetch_add(hour, Ordering::Relaxed);
    }

    /// Whether the newest plan is in place at a target, whole and settled, and nothing else of ours is; says what is not.
    pub(crate) fn is_newest(&self, place: &Place) -> Result<(), String> {
        let Some(head) = self.head() else { return Ok(()) };
        let contents = place.target.contents();
        let Some(record) = contents.record() else {
            return Err("there is no readable fence record".to_owned());
        };
        let live = record.generation;
        if live != head.generation() {
            return Err(format!("generation {live} is live, {} is the newest", head.generation()));
        }
        if record.freeze.is_some() && block_on(self.store.frozen()).is_ok_and(|freeze| freeze.is_some()) {
            return Err("everything is frozen".to_owned());
        }
        // What the target rejected waits for the next plan; what it holds on to is kept.
        let aside = &record.payload.owners;
        if !record.flip.is_complete() || (aside.is_empty() && !record.is_settled()) {
            return Err(format!("generation {live} is only partly in place"));
        }
        for (owner, node) in head.zone().nodes().filter(|(owner, _)| !aside.contains(owner)) {
            if contents.answered(place.target.layout(), owner).as_ref() != Some(node) {
                return Err(format!("{owner} is not as the newest plan has it"));
            }
        }
        self.leftovers(place, &contents, &head, &record)
    }

    fn leftovers(
        &self,
        place: &Place,
        contents: &Contents,
        head: &Plan,
        record: &FenceRecord,
    ) -> Result<(), String> {
        let aside = &record.payload.owners;
        let is_tree = place.target.layout() == Layout::Tree;
        let ours: Vec<&OwnerName> =
            if is_tree { contents.pointers.keys().collect() } else { contents.nodes.keys().collect() };
        let is_strange = |owner: &&&OwnerName| head.zone().node(owner).is_none() && !aside.contains(**owner);
        if let Some(owner) = ours.iter().find(is_strange) {
            return Err(format!("{owner} is left over"));
        }
        let is_live = |tree: &&TreeName| tree.generation == record.generation;
        if aside.is_empty()
            && let Some(tree) = contents.trees.keys().find(|tree| !is_live(tree))
        {
            return Err(format!("the tree of generation {} is left over", tree.generation));
        }
        Ok(())
    }
}
