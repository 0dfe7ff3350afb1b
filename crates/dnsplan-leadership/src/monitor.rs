//! Watches who takes itself for the writer, beside the record that says who is. Pure: from what one poll has found and from
//! what was found before to the alarms; whoever polls brings the time, and sends them.
//!
//! | alarm | where | raised |
//! |---|---|---|
//! | [`Alarm::TwoWriters`] | several instances claim to be the writer | in that poll |
//! | [`Alarm::Reverted`] | the writer went from the holder to another node and back, and no epoch was granted | in that poll |
//! | [`Alarm::Unexplained`] | the writer is not the record's holder, nor who it is being handed to after the seal | after [`Limits::skew`] |
//! | [`Alarm::Backwards`] | the epoch of the register, or of one instance, is below what it was | in that poll |
//! | [`Alarm::Stuck`] | one hand-off is still neither granted nor rolled back | after [`Limits::stuck`] |
//! | [`Alarm::SilentStale`] | poll after poll has new refusals of one client's writes under one epoch | after [`Limits::stale`] |
//!
//! 1. An alarm is told once, and once more when it is over. It is over in the first poll that does not find it; `Reverted`
//!    once a new epoch is granted.
//! 2. A poll asks all instances at the same time, and reads the register last: what an instance claims is then never
//!    newer than the record.
//! 3. Where the register does not answer, what it said last counts.
//! 4. It changes nothing. What is safe is up to the resource; this is how people hear that something behaves as it should
//!    not.

mod alarm;
mod trail;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dnsplan_fence::Generation;

use crate::{Epoch, HandoffId, Intent, Node, Phase, Seen};
use trail::Trail;

pub use alarm::{Alarm, Sign};

/// How long what is ordinary in a hand-off may last. Zero is no tolerance at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// For how long claims and answers may lag behind the record: a resolver's TTL, a poll's length.
    pub skew: Duration,
    /// How long a hand-off may take from its freeze to its grant.
    pub stuck: Duration,
    /// For how long a client may go on being refused before somebody has to look at it.
    pub stale: Duration,
}

/// What one poll has found.
#[derive(Clone, Copy, Debug)]
pub struct Poll<'a> {
    /// When, on the caller's clock that only goes forward, from whatever start.
    pub at: Duration,
    /// Every instance that could claim to be the writer.
    pub instances: &'a [Instance],
    /// Whose instance the endpoint's name leads to, asked where no two caches answer in turn; `None` where it leads to none
    /// that is known.
    pub advertised: Option<&'a Node>,
    /// How many writes were refused since their counters began, by client and by the epoch that they came under.
    pub refused: &'a [Refusals],
    /// What the register holds, read after all the rest.
    pub register: Register<'a>,
}

/// What one instance says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    /// Which node it is.
    pub node: Node,
    /// What it claims to be.
    pub claim: Claim,
}

/// What an instance claims to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// It would take writes, under this epoch where it can tell.
    Writer(Option<Generation>),
    /// It would not.
    Reader,
    /// It did not answer.
    Unreachable,
}

/// A counter of refused writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusals {
    /// Whose writes.
    pub client: String,
    /// The epoch that they came under.
    pub epoch: Generation,
    /// How many so far. A counter that fell was set back, and one that was not there at the last poll is a new one.
    pub total: u64,
}

/// What the register answered.
#[derive(Clone, Copy, Debug)]
pub enum Register<'a> {
    /// A record.
    Record(&'a Seen),
    /// There is none, or none that can be read.
    Absent,
    /// It did not answer.
    Unknown,
}

/// What a poll has changed.
#[must_use = "an alarm is told once"]
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct News {
    /// What was not so before.
    pub raised: Vec<Alarm>,
    /// What is over.
    pub cleared: Vec<Alarm>,
}

/// What was found so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Monitor {
    limits: Limits,
    known: Known,
    trails: [Trail; 2],
    /// The highest epoch that each has shown; the register under `None`.
    highest: BTreeMap<Option<Node>, Generation>,
    /// The counters of refusals at the last poll; `None` before the first.
    totals: Option<BTreeMap<(String, Generation), u64>>,
    /// What is found, since when.
    since: BTreeMap<Alarm, Duration>,
    active: BTreeSet<Alarm>,
}

/// What the register said last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Known {
    /// The generation in it; zero where it held nothing. `None` before it has said anything.
    number: Option<Generation>,
    /// Whether it has ever held a record.
    is_read: bool,
    epoch: Option<Epoch>,
    holder: Option<Node>,
    handoff: Option<HandoffId>,
    /// Who may be the writer before the grant: where something else than this record promotes, it does so after the seal.
    successor: Option<Node>,
}

/// What is found now, each with how long it may last.
type Found = BTreeMap<Alarm, Duration>;

impl Monitor {
    /// A monitor that has seen nothing.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            known: Known::default(),
            trails: [Trail::new(Sign::Claimed), Trail::new(Sign::Advertised)],
            highest: BTreeMap::new(),
            totals: None,
            since: BTreeMap::new(),
            active: BTreeSet::new(),
        }
    }

    /// What is wrong now.
    #[must_use]
    pub const fn active(&self) -> &BTreeSet<Alarm> {
        &self.active
    }

    /// Takes in one poll, and says what it has changed.
    pub fn observe(&mut self, poll: &Poll<'_>) -> News {
        let mut found = Found::new();
        self.register(poll, &mut found);
        self.writers(poll, &mut found);
        self.instances(poll, &mut found);
        self.refusals(poll, &mut found);
        self.since.retain(|alarm, _| found.contains_key(alarm));
        let mut now = BTreeSet::new();
        for (alarm, tolerated) in found {
            let since = *self.since.entry(alarm.clone()).or_insert(poll.at);
            if poll.at.saturating_sub(since) >= tolerated {
                now.insert(alarm);
            }
        }
        let raised = now.difference(&self.active).cloned().collect();
        let cleared = self.active.difference(&now).cloned().collect();
        self.active = now;
        News { raised, cleared }
    }

    fn register(&mut self, poll: &Poll<'_>, found: &mut Found) {
        match poll.register {
            Register::Record(seen) => self.known = Known::of(seen),
            // Who led until it was gone is all there is to judge by.
            Register::Absent => self.known.number = Some(Generation::ZERO),
            Register::Unknown => {}
        }
        if let Some(number) = self.known.number {
            self.climb(None, number, found);
        }
        if let (Some(epoch), Some(handoff)) = (self.known.epoch, self.known.handoff) {
            found.insert(Alarm::Stuck { epoch, handoff }, self.limits.stuck);
        }
    }

    /// Each shows epochs that only grow.
    fn climb(&mut self, instance: Option<Node>, number: Generation, found: &mut Found) {
        let highest = self.highest.entry(instance.clone()).or_insert(number);
        if number < *highest {
            found.insert(Alarm::Backwards { instance, from: *highest }, Duration::ZERO);
        }
        *highest = number.max(*highest);
    }

    /// Who is taken for the writer, by either sign.
    fn writers(&mut self, poll: &Poll<'_>, found: &mut Found) {
        let claiming = |one: &&Instance| matches!(one.claim, Claim::Writer(_));
        let mut claim: Vec<&Node> = poll.instances.iter().filter(claiming).map(|one| &one.node).collect();
        claim.sort_unstable();
        let alone = if let [alone] = claim[..] { Some(alone) } else { None };
        for (trail, node) in self.trails.iter_mut().zip([alone, poll.advertised]) {
            trail.enter(self.known.epoch);
            if let Some(node) = node {
                trail.follow(node, self.known.holder.as_ref());
            }
            found.extend(trail.reverted().map(|alarm| (alarm, Duration::ZERO)));
        }
        let signs = claim.iter().map(|node| (Sign::Claimed, *node));
        for (sign, node) in signs.chain(poll.advertised.map(|node| (Sign::Advertised, node))) {
            if !self.known.explains(node) {
                found.insert(Alarm::Unexplained { sign, node: node.clone() }, self.limits.skew);
            }
        }
        if claim.len() > 1 {
            found.insert(Alarm::TwoWriters(claim.into_iter().cloned().collect()), Duration::ZERO);
        }
    }

    fn instances(&mut self, poll: &Poll<'_>, found: &mut Found) {
        for one in poll.instances {
            if let Claim::Writer(Some(number)) = one.claim {
                self.climb(Some(one.node.clone()), number, found);
            }
        }
    }

    fn refusals(&mut self, poll: &Poll<'_>, found: &mut Found) {
        let key = |one: &Refusals| (one.client.clone(), one.epoch);
        let totals: BTreeMap<_, _> = poll.refused.iter().map(|one| (key(one), one.total)).collect();
        // What was counted before the first poll says nothing of now.
        if let Some(before) = &self.totals {
            let is_new = |key, total| total > 0 && before.get(key) != Some(&total);
            for (key, _) in totals.iter().filter(|(key, total)| is_new(key, **total)) {
                let (client, epoch) = key.clone();
                found.insert(Alarm::SilentStale { client, epoch }, self.limits.stale);
            }
        }
        self.totals = Some(totals);
    }
}

impl Known {
    fn of(seen: &Seen) -> Self {
        let term = seen.term();
        let successor = match term.phase() {
            Phase::Sealed(intent, _) => Some(intent.successor().clone()),
            Phase::Open | Phase::Freezing(_) => None,
        };
        let holder = term.holder().map(|holder| holder.node.clone());
        let handoff = term.intent().map(Intent::id);
        let number = Some(seen.record().generation);
        Self { number, is_read: true, epoch: seen.epoch(), holder, handoff, successor }
    }

    /// Whether that node may be the writer, as far as the register has said anything at all.
    fn explains(&self, node: &Node) -> bool {
        !self.is_read || self.holder.as_ref() == Some(node) || self.successor.as_ref() == Some(node)
    }
}
