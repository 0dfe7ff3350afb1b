//! A coordinator: the production one, and what it believes of the world.

use std::sync::Arc;

use dnsplan_fence::{Actor, Nonce};
use dnsplan_leadership::{
    Beliefs, Candidate, Coordinator, Epoch, HandoffId, Holder, Phase, Position, Seen, Step, WriteId,
};

use super::client::ask;
use super::node::{Answer, Report};
use super::outcome::Weak;
use super::register::Remote;
use super::storage::Device;
use super::world::World;
use crate::wire::{Op, Peer};

/// Between two turns, in milliseconds.
const TURNS: u64 = 60;
/// How long the holder has for its last writes, in milliseconds.
const DRAIN: u64 = 1_000;
/// How long the successor has to catch up, in milliseconds.
const CATCH_UP: u64 = 4_000;
/// Who has not answered for so long is taken for gone, in milliseconds.
const GONE: u64 = 3_000;
/// A hand-off that has not moved for so long is anybody's, in milliseconds.
const ABANDONED: u64 = 6_000;

/// What a coordinator remembers. None of it makes a write legal.
struct Memory {
    /// The record as it was last looked at, and since when it has been that one.
    seen: Option<Seen>,
    since: u64,
    /// When each node answered last.
    answered: [u64; 2],
    proven: Option<Epoch>,
    published: Option<Epoch>,
}

impl Memory {
    fn note(&mut self, seen: Option<Seen>, now: u64) {
        let attempt = |seen: &Option<Seen>| seen.as_ref().map(|seen| seen.record().attempt);
        if attempt(&seen) != attempt(&self.seen) {
            (self.seen, self.since) = (seen, now);
        }
    }

    fn holder(&self) -> Option<&Holder> {
        self.seen.as_ref()?.term().holder()
    }
}

/// Looks, decides and acts, for ever.
pub(super) async fn coordinate(world: Arc<World>, actor: u32) {
    let by = Actor::new(&world.net.actors[actor as usize].name).expect("invariant: a valid name");
    let register = Remote { wire: world.wire(actor, Peer::Register), world: Arc::clone(&world) };
    let device = Device { wire: world.wire(actor, Peer::Storage), world: Arc::clone(&world), life: None };
    let mut coordinator = Coordinator::new(register, device, by);
    let now = world.core.now();
    let mut memory = Memory { seen: None, since: now, answered: [now; 2], proven: None, published: None };
    loop {
        coordinator.register().wire.sleep(TURNS).await;
        let reports = [probe(&world, actor, 0).await, probe(&world, actor, 1).await];
        memory.published = published(&world, actor, &memory).await;
        let now = world.core.now();
        for (answered, _) in memory.answered.iter_mut().zip(&reports).filter(|(_, report)| report.is_some()) {
            *answered = now;
        }
        let believed = Believed::of(&world, actor, &memory, &reports);
        let attempt = Nonce::new(world.number());
        let Ok(turn) = coordinator.turn(&believed.beliefs(&memory), attempt).await else { continue };
        memory.note(turn.seen, world.core.now());
        match turn.step {
            Step::Canary(epoch) => canary(&world, actor, epoch, &mut memory).await,
            Step::Publish(epoch) => publish(&world, actor, epoch, &memory).await,
            _ => {}
        }
    }
}

/// What one turn goes by.
struct Believed {
    demand: Option<dnsplan_leadership::Demand>,
    failover: HandoffId,
    gone: Option<Holder>,
    is_abandoned: bool,
    is_drained: bool,
    is_overdue: bool,
    candidates: Vec<Candidate>,
}

impl Believed {
    fn of(world: &World, actor: u32, memory: &Memory, reports: &[Option<Report>; 2]) -> Self {
        let waited = world.core.now() - memory.since;
        let holder = memory.holder();
        let of_holder = holder.and_then(|holder| {
            let index = world.index(&holder.node);
            Some((holder, reports[index].as_ref()?))
        });
        let is_gone = |holder: &&Holder| match &reports[world.index(&holder.node)] {
            Some(report) => report.holder != **holder,
            None => world.core.now() - memory.answered[world.index(&holder.node)] > GONE,
        };
        let phase = memory.seen.as_ref().map(|seen| seen.term().phase());
        let epoch = memory.seen.as_ref().and_then(Seen::epoch);
        let has_drained = of_holder.is_some_and(|(holder, report)| {
            report.holder == *holder && report.drained.is_some() && report.drained == epoch
        });
        let is_sealed = matches!(phase, Some(Phase::Sealed(..)));
        let is_freezing = matches!(phase, Some(Phase::Freezing(_)));
        let wishes = world.wishes();
        let fit = reports.iter().enumerate().filter(|(index, _)| !wishes.unfit[*index]);
        let is_any = world.is_without(Weak::CatchUp);
        let candidate = |report: &Report| Candidate {
            holder: report.holder.clone(),
            applied: if is_any { Position::new(u64::MAX) } else { report.applied },
        };
        Self {
            demand: wishes.demand.clone(),
            // One for each coordinator and epoch, the same after a restart.
            failover: HandoffId::new(u128::from(actor) << 96 | u128::from(epoch.map_or(0, Epoch::get))),
            gone: holder.filter(is_gone).cloned(),
            is_abandoned: waited > ABANDONED,
            is_drained: world.is_without(Weak::Drain) || has_drained || (is_freezing && waited > DRAIN),
            is_overdue: is_sealed && waited > CATCH_UP,
            candidates: fit.filter_map(|(_, report)| report.as_ref()).map(candidate).collect(),
        }
    }

    fn beliefs(&self, memory: &Memory) -> Beliefs<'_> {
        Beliefs {
            demand: self.demand.as_ref(),
            failover: self.failover,
            gone: self.gone.as_ref(),
            is_abandoned: self.is_abandoned,
            is_drained: self.is_drained,
            is_overdue: self.is_overdue,
            candidates: &self.candidates,
            proven: memory.proven,
            published: memory.published,
        }
    }
}

async fn probe(world: &Arc<World>, actor: u32, index: usize) -> Option<Report> {
    let there = Arc::clone(world);
    world.wire(actor, Peer::Node(index)).call(Op::read("probe"), move || there.report(index), |_| None).await
}

/// The epoch that the endpoint was published for, where it still leads to the holder.
async fn published(world: &Arc<World>, actor: u32, memory: &Memory) -> Option<Epoch> {
    let node = world.index(&memory.holder()?.node);
    let there = Arc::clone(world);
    let ask = move || {
        let endpoint = there.endpoint();
        endpoint.epoch.filter(|_| endpoint.node == node)
    };
    world.wire(actor, Peer::Endpoint).call(Op::read("resolve"), ask, |_| None).await
}

/// Has the holder write, and sees what is answered.
async fn canary(world: &Arc<World>, actor: u32, epoch: Epoch, memory: &mut Memory) {
    let Some(node) = memory.holder().map(|holder| world.index(&holder.node)) else { return };
    let id = WriteId::new(world.number());
    if let Answer::Done(_, under) = ask(world, actor, node, id).await
        && under == epoch
    {
        memory.proven = Some(epoch);
    }
}

async fn publish(world: &Arc<World>, actor: u32, epoch: Epoch, memory: &Memory) {
    let Some(node) = memory.holder().map(|holder| world.index(&holder.node)) else { return };
    let there = Arc::clone(world);
    let op = Op {
        text: format!("the publication for epoch {epoch}"),
        generation: Some(epoch.into()),
        ..Op::write("publish")
    };
    let effect = move || there.publish(epoch, node);
    let _is_published = world.wire(actor, Peer::Endpoint).call(op, effect, |_| false).await;
}
