//! Reading a scenario.

use std::sync::Arc;

use dnsplan_enactor::Layout;
use dnsplan_plan::OwnerName;
use serde::Deserialize;
use toml::Spanned;

use crate::Library;
use crate::content::{health, unknown_health};
use crate::world::History;

use super::step::{Millis, Step};

/// The scenario that `simulate --delayed-enactor` plays.
const DELAYED_ENACTOR: &str = include_str!("../../scenarios/delayed-enactor.toml");

/// What keeps a file from being a scenario.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ScenarioError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do about it.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    seed: u64,
    world: Option<Spanned<World>>,
    #[serde(rename = "step", default)]
    steps: Vec<Spanned<toml::Table>>,
}

/// Who takes part, and with what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct World {
    layout: LayoutName,
    pub(crate) batch: usize,
    pub(crate) enactors: u32,
    pub(crate) planners: u32,
    pub(crate) targets: usize,
    pub(crate) poll: Millis,
    pub(crate) audit_every: Millis,
    pub(crate) patience: u32,
    /// There is a clean-up that wants to delete trees so many generations old.
    pub(crate) clean_up_age: Option<u64>,
    /// How many plans came before the story.
    pub(crate) history: u32,
    spec: Option<String>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            layout: LayoutName::Tree,
            batch: 3,
            enactors: 3,
            planners: 1,
            targets: 1,
            poll: Millis(200),
            audit_every: Millis(2_000),
            patience: 10,
            clean_up_age: None,
            history: 1,
            spec: None,
        }
    }
}

impl World {
    pub(crate) const fn layout(&self) -> Layout {
        match self.layout {
            LayoutName::Tree => Layout::Tree,
            LayoutName::InPlace => Layout::InPlace,
            LayoutName::Whole => Layout::Whole,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LayoutName {
    Tree,
    InPlace,
    Whole,
}

/// A scenario, read and checked.
#[derive(Clone)]
pub struct Scenario {
    pub(crate) title: String,
    pub(crate) about: String,
    seed: u64,
    pub(crate) world: World,
    pub(crate) library: Arc<Library>,
    pub(crate) steps: Vec<Step>,
    /// The plans from before the story.
    pub(crate) history: Arc<History>,
}

impl Scenario {
    /// Reads a scenario. docs/scenarios.md describes the format.
    ///
    /// # Errors
    /// [`ScenarioError`] names the line and says what to do.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            ScenarioError { line: line(text, at), what: error.message().to_owned() }
        })?;
        let at = file.world.as_ref().map_or(0, |world| world.span().start);
        let world = file.world.map(Spanned::into_inner).unwrap_or_default();
        let wrong = |what: String| ScenarioError { line: line(text, at), what };
        let library = match &world.spec {
            None => Library::default(),
            Some(spec) => Library::new(spec).map_err(|error| wrong(error.to_string()))?,
        };
        if world.enactors == 0 || world.planners == 0 || world.targets == 0 || world.batch == 0 {
            return Err(wrong("enactors, planners, targets and batch must be at least 1".to_owned()));
        }
        if world.enactors > CROWD || world.planners > CROWD || world.targets > CROWD as usize {
            return Err(wrong(format!("there can be at most {CROWD} enactors, planners and targets each")));
        }
        if world.history > MANY {
            return Err(wrong(format!("there can be at most {MANY} plans before the story")));
        }
        for text in [&file.title, &file.about] {
            printable(text).map_err(wrong)?;
        }
        if library.endpoints().is_empty() {
            return Err(wrong("the spec has no protected endpoint: there is nothing to watch".to_owned()));
        }
        let history = Arc::new(History::new(&library, world.history).map_err(wrong)?);
        let mut steps = Vec::new();
        for step in file.steps {
            let at = step.span().start;
            let read: Result<Step, _> = step.into_inner().try_into();
            let read = read.map_err(|error: toml::de::Error| ScenarioError {
                line: line(text, at),
                what: error.message().to_owned(),
            })?;
            check(&read, &world, &library)
                .and_then(|()| check_backup(&read, &steps))
                .map_err(|what| ScenarioError { line: line(text, at), what })?;
            steps.push(read);
        }
        let (title, about, seed, library) =
            (file.title, file.about.trim().to_owned(), file.seed, Arc::new(library));
        Ok(Self { title, about, seed, world, library, steps, history })
    }

    /// The October race: an enactor is delayed, another one overtakes it, clean-up comes in between.
    ///
    /// # Panics
    /// Never: it is checked by a test.
    #[must_use]
    pub fn delayed_enactor() -> Self {
        Self::parse(DELAYED_ENACTOR).expect("invariant: the built-in scenario is valid")
    }

    /// The seed that it is played with where none is asked for.
    #[must_use]
    pub const fn default_seed(&self) -> u64 {
        self.seed
    }

    /// What it is about, in one line.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Everybody who makes calls, in order: enactors, planners, the clean-up.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        names(&self.world).into_iter().map(Arc::from).collect()
    }
}

fn names(world: &World) -> Vec<String> {
    let enactors = (1..=world.enactors).map(|index| format!("enactor-{index}"));
    let planners = (1..=world.planners).map(|index| format!("planner-{index}"));
    let cleaner = world.clean_up_age.map(|_| "clean-up".to_owned());
    enactors.chain(planners).chain(cleaner).collect()
}

/// How many enactors, planners or targets there can be.
const CROWD: u32 = 64;
/// How many plans one step, or the time before the story, can have.
const MANY: u32 = 100_000;
/// The calls that can be held back.
const CALLS: [&str; 20] = [
    "load",
    "create",
    "stage",
    "flip",
    "apply",
    "repair",
    "floor",
    "reap",
    "freeze",
    "audit",
    "delete",
    "head",
    "head-after",
    "get",
    "append",
    "find",
    "touched",
    "report",
    "confirm",
    "targets",
];

/// What the timeline says, so that it can be waited for: the kinds of its lines.
const KINDS: [&str; 45] = [
    "answered",
    "applied",
    "backup",
    "bootstrapped",
    "broken",
    "clock-jump",
    "confirmed",
    "corrupted-fence",
    "cut",
    "damaged",
    "delayed",
    "deleted",
    "deleted-fence",
    "down",
    "failed",
    "flipped",
    "floor-raised",
    "frozen",
    "guarded",
    "health",
    "in-vain",
    "no-permit",
    "not-published",
    "pruned",
    "published",
    "quarantined",
    "reaped",
    "refused",
    "reissued",
    "rejected",
    "repaired",
    "reply-lost",
    "rewound",
    "rolled-back",
    "said",
    "staged",
    "stalled",
    "store-trouble",
    "target-ahead",
    "throttled",
    "too-many-rejected",
    "unfrozen",
    "up",
    "woke",
    "wrote",
];

/// A terminal is shown nothing that it would obey.
fn printable(text: &str) -> Result<(), String> {
    match text.chars().find(|c| c.is_control() && *c != '\n') {
        Some(c) => Err(format!("the control character {c:?} is not shown: take it out")),
        None => Ok(()),
    }
}

/// What can never happen is not waited for, and nothing is held that nobody sends.
fn check_values(step: &Step, library: &Library) -> Result<(), String> {
    match step {
        Step::Publish { count, .. } if *count == 0 || *count > MANY => {
            Err(format!("count must be from 1 to {MANY}"))
        }
        Step::Hold { call, .. } if !CALLS.contains(&call.as_str()) => {
            Err(format!("there is no call {call:?}: it is one of {}", CALLS.join(", ")))
        }
        Step::Wait { kind, .. } if !KINDS.contains(&kind.as_str()) => {
            Err(format!("nothing of kind {kind:?} is ever said: it is one of {}", KINDS.join(", ")))
        }
        Step::Hold { part: Some(0), .. } => Err("parts are numbered from 1".to_owned()),
        Step::Damage { owner } => OwnerName::relative(owner, &library.origin())
            .map(drop)
            .map_err(|error| format!("{owner:?} is no owner name: {error}")),
        Step::Health { unknown: true, down, .. } if !down.is_empty() => {
            Err("what cannot be asked says of no member that it is down: take `down` or `unknown` out"
                .to_owned())
        }
        Step::Health { pool, down, unknown } => {
            down.iter().chain([pool]).try_for_each(|text| printable(text))?;
            let reading = if *unknown { unknown_health(pool) } else { health(pool, down) };
            library.unasked(&reading).map_or(Ok(()), |note| Err(note.to_string()))
        }
        Step::Say { actor, text } => printable(actor).and_then(|()| printable(text)),
        Step::October { fact } => printable(fact),
        _ => Ok(()),
    }
}

/// What only makes sense together.
fn check(step: &Step, world: &World, library: &Library) -> Result<(), String> {
    check_values(step, library)?;
    let actor = match step {
        Step::WaitHeld { actor, .. }
        | Step::Hold { actor, .. }
        | Step::Pause { actor }
        | Step::Release { actor }
        | Step::Stop { actor }
        | Step::Start { actor }
        | Step::Cut { actor, .. }
        | Step::ClockJump { actor, .. } => Some(actor),
        _ => None,
    };
    let names = names(world);
    if let Some(actor) = actor.filter(|actor| !names.contains(actor)) {
        return Err(format!("there is no {actor:?}: it is one of {}", names.join(", ")));
    }
    let target = match step {
        Step::Backup { target, .. } | Step::Restore { target, .. } => *target,
        _ => 1,
    };
    if target == 0 || target > world.targets {
        return Err(format!("there is no target {target}: targets are numbered from 1 to {}", world.targets));
    }
    Ok(())
}

/// Only what was backed up before can be put back.
fn check_backup(step: &Step, before: &[Step]) -> Result<(), String> {
    let Step::Restore { end, target } = step else { return Ok(()) };
    let is_its =
        |step: &Step| matches!(step, Step::Backup { end: of, target: at } if (of, at) == (end, target));
    if before.iter().any(is_its) {
        return Ok(());
    }
    Err("there is no backup to put back: a `backup` step of the same end and target comes first".to_owned())
}

fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
