//! One run: a first grant, hand-offs back and forth under load, and the counts at the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use dnsplan_fence::{Actor, Nonce, Observed, Register, Swap};
use dnsplan_leadership::{
    Candidate, Handoff, HandoffId, Holder, Incarnation, Leadership, Node, Outcome, Position, Seen, Term,
    Write,
};
use dnsplan_postgres::PostgresRegister;
use tokio::sync::watch;

use super::arena::Arena;
use super::form::Resource;
use super::writers::{Leader, Writers};
use super::{Error, Form, Report};

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) form: Form,
    /// Whether the holder hears of the freeze, begins no new writes, and is waited for.
    pub(crate) drains: bool,
    pub(crate) handoffs: u64,
    /// Goes on, up to so many hand-offs, until a late row was seen.
    pub(crate) until_leak: Option<u64>,
    pub(crate) writers: u64,
}

/// The two nodes, and how far the role has come.
struct Role {
    arena: Arena,
    register: PostgresRegister,
    nodes: [(Holder, Resource); 2],
    by: Actor,
    nonces: u128,
}

/// Runs it, and says what has come of it.
pub(crate) async fn run(at: SocketAddr, plan: Plan) -> Result<Report, Error> {
    let arena = Arena::new(at, plan.form).await?;
    let connections = usize::try_from(plan.writers)? + 1;
    let nodes = [("a", 1), ("b", 2)].map(|(name, number)| {
        let node = Node::new(name).map(|node| Holder { node, incarnation: Incarnation::new(number) });
        node.map(|holder| (holder, arena.node(connections)))
    });
    let [a, b] = nodes;
    let register = arena.register();
    let mut role = Role { arena, register, nodes: [a?, b?], by: Actor::new("coordinator")?, nonces: 0 };
    let mut now = role.begin().await?;
    let (leader, followed) = watch::channel(Some(Arc::clone(&now)));
    let writers = Writers::start(plan.writers, &followed);
    let mut report = Report::new(plan);
    loop {
        writers.write_more(3 * plan.writers).await?;
        now = role.hand_over(plan, &now, &leader, &mut report).await?;
        report.handoffs += 1;
        let ended = report.handoffs;
        if plan.until_leak.is_some() && ended > 1 {
            // Of the epoch before: its writers have heard of the next one since.
            report.late += role.arena.late(ended - 1).await?;
        }
        let goes_on = plan.until_leak.is_some_and(|most| report.late == 0 && ended < most);
        if ended >= plan.handoffs && !goes_on {
            break;
        }
    }
    writers.write_more(3 * plan.writers).await?;
    leader.send_replace(None);
    now.stop();
    let seen = writers.end().await?;
    report.judge(&role.arena, seen).await?;
    Ok(report)
}

impl Role {
    fn nonce(&mut self) -> Nonce {
        self.nonces += 1;
        Nonce::new(self.nonces)
    }

    /// The record is created, and its first epoch is granted to the first node.
    async fn begin(&mut self) -> Result<Arc<Leadership<Resource>>, Error> {
        let genesis = Observed::Absent.genesis(self.nonce(), &self.by, Term::vacant()).ok_or("no genesis")?;
        won(self.register.create(genesis).await?)?;
        let (holder, _) = &self.nodes[0];
        let grant = Write::Grant(Candidate { holder: holder.clone(), applied: Position::START });
        let attempt = self.nonce();
        let permit = self.seen().await?.permit(&grant, attempt, &self.by)?;
        won(self.register.swap(permit, ()).await?)?;
        self.take_up(0).await
    }

    async fn seen(&self) -> Result<Seen, Error> {
        Ok(Seen::of(&self.register.load().await?).ok_or("no record")?)
    }

    async fn take_up(&self, node: usize) -> Result<Arc<Leadership<Resource>>, Error> {
        let (holder, resource) = self.nodes[node].clone();
        let taken = Leadership::take_up(&self.seen().await?, self.arena.scope.clone(), holder, resource);
        Ok(Arc::new(taken.map_err(|_| "the record grants nothing to this node")?))
    }

    /// One hand-off to the node that does not lead.
    async fn hand_over(
        &mut self,
        plan: Plan,
        now: &Leadership<Resource>,
        leader: &watch::Sender<Leader>,
        report: &mut Report,
    ) -> Result<Arc<Leadership<Resource>>, Error> {
        let to = usize::from(now.token().holder() == &self.nodes[0].0);
        let (nonces, by) = ([self.nonce(), self.nonce(), self.nonce()], self.by.clone());
        let (successor, theirs) = &self.nodes[to];
        let ready = Candidate { holder: successor.clone(), applied: Position::START };
        let id = HandoffId::new(nonces[0].get());
        let handoff = Handoff::qualify(&self.register, theirs, by, &ready, id).await?;
        let frozen = handoff.freeze(nonces[0]).await?;
        let begun = Instant::now();
        if plan.drains {
            now.attend(frozen.seen());
            now.drained().await;
        }
        let drained = Instant::now();
        let sealed = frozen.seal(nonces[1]).await?;
        report.drains.push(drained - begun);
        report.seals.push(drained.elapsed());
        let applied = theirs.shipped.applied().await?;
        if applied < sealed.position() {
            return Err("the primary does not have what it has accepted".into());
        }
        let ended = sealed.grant(&Candidate { applied, ..ready }, nonces[2]).await?;
        if ended.outcome != Outcome::Promoted {
            return Err(format!("it was {}", ended.outcome).into());
        }
        let next = self.take_up(to).await?;
        leader.send_replace(Some(Arc::clone(&next)));
        report.took.push(begun.elapsed());
        Ok(next)
    }
}

fn won(swap: Swap<Term>) -> Result<(), Error> {
    if swap == Swap::Won { Ok(()) } else { Err("somebody else has written the record".into()) }
}
