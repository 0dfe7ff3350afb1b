//! What a run leaves behind: the timeline, what was refused, what clients were answered, and what broke.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use dnsplan_fence::Generation;

/// An invariant, by the guarantee of docs/guarantees.md that it checks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Invariant {
    /// G1: neither an answer nor the live generation is ever older than one that was seen before.
    NeverBackwards,
    /// G2: every protected endpoint has an answer with addresses in it.
    NeverEmpty,
    /// G3: every tree that something points at is there, and so is the tree of the live plan.
    LivePlanKept,
    /// G4: every RRset is exactly that of one plan that the fence record says may be in effect.
    Whole,
    /// G5: once faults stop, the newest plan goes live with nobody's help.
    EventuallyNewest,
    /// G6: a generation is never live with two contents.
    OneContent,
    /// G7: whatever the fence record grants is a plan that the store granted.
    OnlyPlans,
    /// G8: a plan that the store acknowledged is in the store, and a planner is never told wrong.
    NothingLost,
    /// No guarantee: whatever the story waited for has happened. Where it has not, the story may be wrong.
    CameToItsEnd,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::NeverBackwards,
        Self::NeverEmpty,
        Self::LivePlanKept,
        Self::Whole,
        Self::EventuallyNewest,
        Self::OneContent,
        Self::OnlyPlans,
        Self::NothingLost,
        Self::CameToItsEnd,
    ];

    /// Its name in JSON and in scenario files, such as `never-empty`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::NeverBackwards => "never-backwards",
            Self::NeverEmpty => "never-empty",
            Self::LivePlanKept => "live-plan-kept",
            Self::Whole => "whole",
            Self::EventuallyNewest => "eventually-newest",
            Self::OneContent => "one-content",
            Self::OnlyPlans => "only-plans",
            Self::NothingLost => "nothing-lost",
            Self::CameToItsEnd => "came-to-its-end",
        }
    }

    /// What it means that it broke, in words for people.
    #[must_use]
    pub const fn failure(self) -> &'static str {
        match self {
            Self::NeverBackwards => "DNS went backwards",
            Self::NeverEmpty => "the live endpoint went empty",
            Self::LivePlanKept => "a live plan was deleted",
            Self::Whole => "an answer is of no plan that may be live",
            Self::EventuallyNewest => "the system cannot heal",
            Self::OneContent => "one generation was live with two contents",
            Self::OnlyPlans => "something was granted that no plan authorised",
            Self::NothingLost => "an acknowledged plan was lost",
            Self::CameToItsEnd => "the story did not come to its end",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// Something that is switched off, to see what it is for. There is no such switch outside the simulator.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Weak {
    /// Writes that put a plan in place are not compared with the record: the staleness check made earlier has to do.
    ApplyFence,
    /// Clean-up deletes by age and asks nobody.
    CleanupFence,
    /// Bookkeeping is a precondition: nothing is repaired, a missing record or tree stops everything.
    Repair,
}

impl Weak {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ApplyFence, Self::CleanupFence, Self::Repair];

    /// Its name on the command line.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::ApplyFence => "apply-fence",
            Self::CleanupFence => "cleanup-fence",
            Self::Repair => "repair",
        }
    }
}

impl fmt::Display for Weak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// One line of the timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// After how many events of the executor.
    pub step: u64,
    /// Virtual time since the start, in milliseconds.
    pub at_ms: u64,
    /// Who: one of [`Outcome::lanes`].
    pub actor: Arc<str>,
    /// What kind of thing, such as `published`, `flipped`, `refused`, `crashed`.
    pub kind: &'static str,
    /// The generation that it is about.
    pub generation: Option<Generation>,
    /// In words.
    pub text: String,
    /// What happened at this point on 20 October 2025.
    pub october: Option<String>,
    /// Of interest to programs, too fine for people.
    pub is_detail: bool,
}

/// A write that the target or the fence refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// After how many events of the executor.
    pub step: u64,
    /// Virtual time since the start, in milliseconds.
    pub at_ms: u64,
    /// Whose write: one of [`Outcome::lanes`].
    pub actor: Arc<str>,
    /// What it would have done, such as `flip part 1 of 2`.
    pub action: String,
    /// On behalf of which plan (for clean-up: the tree that would have been deleted).
    pub offered: Generation,
    /// What was live in the record that the write was made for.
    pub expected: Generation,
    /// What was live when it arrived.
    pub live: Generation,
    /// Who put that in place.
    pub live_by: Arc<str>,
    /// Why, in words.
    pub why: String,
    /// Whether it was sent, and refused by the target in the write itself. Else the fence gave no permit, and nothing was sent.
    pub was_sent: bool,
}

impl Refusal {
    /// Whether it was for an older plan than what is live: not a race for the same work.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.offered < self.live
    }
}

/// What clients were answered from a moment on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Virtual time since the start, in milliseconds.
    pub at_ms: u64,
    /// What the fence record says is live; `None` where there is no readable record.
    pub live: Option<Generation>,
    /// The store's newest.
    pub head: Generation,
    /// From which generation each of [`Outcome::endpoints`] was answered; `None` is an empty answer.
    pub answers: Vec<Option<Generation>>,
}

/// Where an invariant broke first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    /// Which one.
    pub invariant: Invariant,
    /// After how many events of the executor.
    pub step: u64,
    /// Virtual time since the start, in milliseconds.
    pub at_ms: u64,
    /// What was seen.
    pub text: String,
    /// The fact of 20 October 2025 that it mirrors, where there is one.
    pub october: Option<&'static str>,
}

/// A run, from its beginning to its verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What was played, in one line.
    pub title: String,
    /// What it is about, in a few sentences; may be empty.
    pub about: String,
    /// What determined it.
    pub seed: u64,
    /// What was switched off.
    pub without: BTreeSet<Weak>,
    /// The zone.
    pub zone: String,
    /// The protected endpoints, as owner names.
    pub endpoints: Vec<String>,
    /// Everybody who has entries, in the order in which they are shown.
    pub lanes: Vec<Arc<str>>,
    /// The timeline, in order.
    pub entries: Vec<Entry>,
    /// What was refused, in order.
    pub refusals: Vec<Refusal>,
    /// What clients were answered, in order; each holds until the next.
    pub samples: Vec<Sample>,
    /// What broke, each invariant once, in the order in which they broke.
    pub breaches: Vec<Breach>,
    /// How many events there were.
    pub steps: u64,
    /// After how many of them everything was looked at. Nothing is said of a run that was never looked at.
    pub looks: u64,
    /// Virtual time at the end, in milliseconds.
    pub elapsed_ms: u64,
}

impl Outcome {
    /// Whether every invariant held at every step, and the run came to its end.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.looks > 0 && self.breaches.is_empty()
    }

    /// Where an invariant broke first, where it did.
    #[must_use]
    pub fn breach(&self, invariant: Invariant) -> Option<&Breach> {
        self.breaches.iter().find(|breach| breach.invariant == invariant)
    }
}
