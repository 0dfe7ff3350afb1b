//! Takes a role through a hand-off between servers, or finishes what another steward left behind. Any number of them may do so at
//! once, on any machine: what counts is the record, and each of them may end at any moment.

use std::future::Future;
use std::time::Duration;

use dnsplan_fence::{Actor, Generation, Nonce, Register};
use dnsplan_leadership::{
    Beliefs, Candidate, Coordinator, Demand, Epoch, HandoffId, Holder, Incarnation, Intent, Node, Phase,
    Position, Receipt, Seen, Step, Term, Turn, TurnFailed, Wait,
};
use tokio::time::{Instant, timeout};

use super::fitness::unfit;
use super::{Look, Member, Progress, Servers, Stopped, Unfit};
use crate::Error;

/// How long a seal may take: it gives transactions under way their time, several times over.
const SEAL: Duration = Duration::from_secs(15);

/// How long things may take, and how much may be missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How many bytes of the log a replica may have to replay yet when a hand-off to it begins.
    pub lag: u64,
    /// How long the successor may take to replay the seal and to be promoted, before the role goes back.
    pub catch_up: Duration,
    /// For how long a hand-off of somebody else's has not moved, before anybody may finish it.
    pub abandoned: Duration,
    /// How long a server may take to answer.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { lag: 16 << 20, catch_up: seconds(15), abandoned: seconds(5), answer: seconds(3) }
    }
}

/// The name that clients connect to the writer by.
pub trait Endpoint: Sync {
    /// Why it cannot be asked or changed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// What a client finds at the address of a node; `None` where it has none.
    fn look(&self, node: &Node) -> impl Future<Output = Result<Option<Look>, Self::Error>> + Send;

    /// The newest epoch that it was published for; 0 where it never was.
    fn published(&self) -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// Has it lead to a node, for that epoch. It comes late or twice, and must not take the place of what a later epoch published.
    fn publish(&self, epoch: Epoch, holder: &Holder) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Where it leads to now; `None` where that is none of the servers.
    fn resolved(&self) -> impl Future<Output = Result<Option<Node>, Self::Error>> + Send;
}

/// What came of something that can stop a steward.
type Done<T, R, E> = Result<T, Stopped<<R as Register>::Error, <E as Endpoint>::Error>>;

/// Whoever takes the steps of hand-offs between servers.
#[derive(Debug)]
pub struct Steward<R, E, N> {
    coordinator: Coordinator<R, Servers>,
    endpoint: E,
    nonces: N,
    limits: Limits,
    failover: HandoffId,
    /// The record's last attempt, and since when it has been that.
    unmoved: Option<(Nonce, Instant)>,
}

/// A look at each server, as far as they answer.
pub(super) type Looks = Vec<(Member, Result<Look, String>)>;

impl<R, E, N> Steward<R, E, N>
where
    R: Register<Payload = Term, Rider = ()>,
    E: Endpoint,
    N: FnMut() -> Nonce,
{
    /// A steward that signs as `by`; `nonces` never gives the same one twice.
    pub fn new(register: R, servers: Servers, endpoint: E, by: Actor, limits: Limits, mut nonces: N) -> Self {
        let failover = HandoffId::new(nonces().get());
        let coordinator = Coordinator::new(register, servers, by);
        Self { coordinator, endpoint, nonces, limits, failover, unmoved: None }
    }

    /// The servers.
    #[must_use]
    pub const fn servers(&self) -> &Servers {
        self.coordinator.resource()
    }

    /// The endpoint.
    #[must_use]
    pub const fn endpoint(&self) -> &E {
        &self.endpoint
    }

    /// The record, as it is now.
    ///
    /// # Errors
    /// [`Stopped`] where the register does not answer.
    pub async fn seen(&self) -> Done<Option<Seen>, R, E> {
        let load = timeout(self.limits.answer, self.coordinator.register().load());
        let observed = load.await.map_err(|_| Stopped::Late("the register"))?;
        Ok(Seen::of(&observed.map_err(TurnFailed::Register)?))
    }

    /// Looks at every server at the same time.
    pub async fn looks(&self) -> Looks {
        let scope = self.servers().scope().clone();
        let ask = |member: Member| {
            let (scope, limit) = (scope.clone(), self.limits.answer);
            async move {
                let look = match timeout(limit, member.look(&scope)).await {
                    Ok(look) => look.map_err(|error| error.to_string()),
                    Err(_) => Err("no answer in time".to_owned()),
                };
                (member, look)
            }
        };
        futures_util::future::join_all(self.servers().members().iter().cloned().map(ask)).await
    }

    /// Looks at everything, and takes the one step that follows: towards what is `wanted`, or towards the end of what was begun.
    /// Before the first epoch, `first` says who is to get it.
    ///
    /// # Errors
    /// [`Stopped`] says what did not answer; the next tick begins anew.
    pub async fn tick(&mut self, wanted: Option<&Demand>, first: Option<&Node>) -> Done<Progress, R, E> {
        // In this order: what is published was open before that, and what is open was granted before that. Others go on meanwhile.
        let published = self.endpoint.published().await.map_err(Stopped::Endpoint)?;
        let looks = self.looks().await;
        let seen = self.seen().await?;
        let since = self.since(seen.as_ref());
        self.put_back(seen.as_ref(), &looks, published)?;
        let (open, waited) = (in_force(seen.as_ref()), since.elapsed());
        let (is_abandoned, is_overdue) = (waited >= self.limits.abandoned, waited >= self.limits.catch_up);
        if first.is_none() && seen.as_ref().is_none_or(|seen| seen.epoch().is_none()) {
            return Ok(Progress::Waits(Wait::Candidate));
        }
        if let Some(unfit) = unfit(seen.as_ref(), wanted, first, &looks, self.limits.lag) {
            return Ok(Progress::Unfit(unfit));
        }
        let begins = wanted
            .filter(|wanted| open.is_some() && seen.as_ref().is_some_and(|seen| seen.is_about(*wanted)));
        let begins = begins.map(Demand::successor).or_else(|| first.filter(|_| open.is_none()));
        if let Some(node) = begins
            && let Some(unfit) = self.unreached(node, &looks).await
        {
            return Ok(Progress::Unfit(unfit));
        }
        let handed = handed(seen.as_ref());
        let is_mine = |intent: &Intent| wanted.is_some_and(|wanted| wanted.id() == intent.id());
        if let Some((intent, receipt)) = handed.filter(|(intent, _)| is_mine(intent) || is_abandoned)
            && !is_overdue
            && let Some(member) = ready(&looks, intent.successor(), receipt)
        {
            return self.promote(member, self.limits.catch_up.saturating_sub(waited)).await;
        }
        let candidates = match (handed, wanted, &open) {
            (Some((_, receipt)), ..) => having(&looks, receipt),
            // It was found to be fit; which life of it is granted anything is not known before it is promoted.
            (None, Some(wanted), Some(_)) => vec![unborn(wanted.successor())],
            (None, ..) => first.and_then(|first| primary(&looks, first)).into_iter().collect(),
        };
        if let Some((epoch, holder)) = &open {
            data_put_back(*epoch, holder, &looks, published, begins.is_some())?;
        }
        let open = open.filter(|_| begins.is_none());
        let proven = match &open {
            Some((epoch, holder)) => self.proven(*epoch, holder, &looks).await?,
            None => None,
        };
        let published = open.map(|(epoch, _)| epoch).filter(|epoch| published >= epoch.get());
        let beliefs = Beliefs {
            demand: wanted,
            failover: self.failover,
            gone: None,
            is_abandoned,
            // The seal waits for the transactions under way by itself, and those that come after it wait for the seal.
            is_drained: true,
            is_overdue,
            candidates: &candidates,
            proven,
            published,
        };
        let attempt = (self.nonces)();
        let turn = timeout(SEAL + self.limits.answer, self.coordinator.turn(&beliefs, attempt));
        let turn = turn.await.map_err(|_| Stopped::Late("the register or the server of the holder"))??;
        self.follow(turn, wanted).await
    }

    async fn promote(&self, member: &Member, wait: Duration) -> Done<Progress, R, E> {
        let promoted = timeout(self.limits.answer + wait, member.promote(wait)).await;
        promoted.map_err(|_| Stopped::Late("a promotion"))?.map_err(|error| at(member, error))?;
        Ok(Progress::Promoted(member.node().clone()))
    }

    /// What follows from a turn.
    async fn follow(&self, turn: Turn, wanted: Option<&Demand>) -> Done<Progress, R, E> {
        let held = turn.seen.as_ref().and_then(|seen| seen.term().holder()).cloned();
        match (turn.step, held) {
            (Step::Canary(epoch), Some(holder)) => {
                let member = self
                    .servers()
                    .of(&holder)
                    .map_err(|error| Stopped::Server(holder.node.clone(), error))?;
                let open = member.open(self.servers().scope(), epoch, holder.incarnation);
                let open =
                    timeout(self.limits.answer, open).await.map_err(|_| Stopped::Late("the new writer"))?;
                open.map_err(|error| at(member, error))?;
                Ok(Progress::Opened(epoch, holder))
            }
            (Step::Publish(epoch), Some(holder)) => {
                self.endpoint.publish(epoch, &holder).await.map_err(Stopped::Endpoint)?;
                Ok(Progress::Published(epoch, holder))
            }
            (Step::Settled { epoch, handoff }, Some(holder)) => {
                let resolved = self.endpoint.resolved().await.map_err(Stopped::Endpoint)?;
                let is_reached = resolved.as_ref() == Some(&holder.node);
                Ok(Progress::Settled { epoch, holder, handoff, is_reached })
            }
            (Step::Wait(wait), _) => Ok(Progress::Waits(wait)),
            (Step::NotQualified(node), _) => {
                let away = "it was there a moment ago".to_owned();
                Ok(Progress::Unfit(Unfit::Away(
                    wanted.map_or(node, |wanted| wanted.successor().clone()),
                    away,
                )))
            }
            (step, _) => Ok(Progress::Took(step)),
        }
    }

    /// Since when the record has been what it is, on this clock.
    fn since(&mut self, seen: Option<&Seen>) -> Instant {
        let Some(attempt) = seen.map(|seen| seen.record().attempt) else { return Instant::now() };
        match self.unmoved {
            Some((before, since)) if before == attempt => since,
            _ => self.unmoved.insert((attempt, Instant::now())).1,
        }
    }

    /// Whether anything has been at a later epoch than the record.
    fn put_back(&self, seen: Option<&Seen>, looks: &Looks, published: u64) -> Done<(), R, E> {
        let record = seen.and_then(Seen::epoch).map_or(0, Epoch::get);
        let shown = |(member, look): &(Member, Result<Look, String>)| {
            let look = look.as_ref().ok()?;
            let numbers = [look.opened.map(|(epoch, _)| epoch), look.sealed.map(|(epoch, _)| epoch)];
            let lowest = look.lowest.map_or(0, |lowest| lowest.get().saturating_sub(1));
            let epoch = numbers.into_iter().flatten().map(Generation::get).max().unwrap_or(0).max(lowest);
            Some((member.node().to_string(), epoch))
        };
        let endpoint = ("the endpoint".to_owned(), published);
        let found = looks.iter().filter_map(shown).chain([endpoint]).find(|(_, epoch)| *epoch > record);
        found.map_or(Ok(()), |(who, epoch)| Err(Stopped::PutBack { record, who, epoch }))
    }

    /// Whether clients would reach another server at the address of a node, or none.
    async fn unreached(&self, node: &Node, looks: &Looks) -> Option<Unfit> {
        let unreached = |why: &str| Some(Unfit::Unreached(node.clone(), why.to_owned()));
        let started = started(node, looks)?;
        match timeout(self.limits.answer, self.endpoint.look(node)).await {
            Err(_) => unreached("no answer in time"),
            Ok(Err(error)) => unreached(&error.to_string()),
            Ok(Ok(None)) => unreached("it has none"),
            Ok(Ok(Some(look))) if look.started != started => unreached("another server answers there"),
            Ok(Ok(Some(_))) => None,
        }
    }

    /// The epoch, where its canary is read at the address that the endpoint leads to, or will.
    async fn proven(&self, epoch: Epoch, holder: &Holder, looks: &Looks) -> Done<Option<Epoch>, R, E> {
        let found = looks.iter().find(|(member, _)| *member.node() == holder.node);
        let Some((member, look)) = found else {
            return Err(Stopped::Server(holder.node.clone(), Error::Unlisted(holder.node.clone())));
        };
        // Without a look at its data nothing is opened there.
        let look = look.as_ref().map_err(|why| Stopped::Away(member.node().clone(), why.clone()))?;
        let number = Some(Generation::from(epoch));
        if look.open() != number {
            return self.behind_nobody(epoch, member, looks).await.map(|()| None);
        }
        if look.canary != number {
            return Ok(None);
        }
        let read = timeout(self.limits.answer, self.endpoint.look(&holder.node)).await;
        let read =
            read.map_err(|_| Stopped::Late("the address of the new writer"))?.map_err(Stopped::Endpoint)?;
        let is_it =
            |there: &Look| there.started == look.started && there.open() == number && there.canary == number;
        Ok(read.is_some_and(|there| is_it(&there)).then_some(epoch))
    }

    /// Before an epoch is opened again: no replica has more of it than its holder, whose log only grows.
    async fn behind_nobody(&self, epoch: Epoch, holder: &Member, looks: &Looks) -> Done<(), R, E> {
        let now = timeout(self.limits.answer, holder.look(self.servers().scope())).await;
        let now = now.map_err(|_| Stopped::Late("the holder"))?.map_err(|error| at(holder, error))?;
        let has_more = |(_, look): &(Member, Result<Look, String>)| {
            look.as_ref().is_ok_and(|look| {
                let is_its =
                    look.system == now.system && look.opened == now.opened && look.timeline().is_none();
                is_its && look.at > now.at
            })
        };
        if now.opened.map(|(epoch, _)| epoch) == Some(epoch.into()) && looks.iter().any(has_more) {
            return Err(Stopped::DataPutBack { node: holder.node().clone(), epoch });
        }
        Ok(())
    }
}

/// Whether the holder's data is from before an epoch that its endpoint was published for. Whoever begins a hand-off may have sealed
/// by hand what it lacks, and so accepted the loss; opened it is not again.
fn data_put_back<R: std::error::Error, E: std::error::Error>(
    epoch: Epoch,
    holder: &Holder,
    looks: &Looks,
    published: u64,
    begins: bool,
) -> Result<(), Stopped<R, E>> {
    let look = looks.iter().find(|(member, _)| *member.node() == holder.node);
    let Some((_, Ok(look))) = look.filter(|_| published >= epoch.get()) else { return Ok(()) };
    let number = Generation::from(epoch);
    let lacks =
        if begins { look.lowest < Some(number) } else { look.opened.map(|(epoch, _)| epoch) != Some(number) };
    if lacks { Err(Stopped::DataPutBack { node: holder.node.clone(), epoch }) } else { Ok(()) }
}

/// When a server was started, if it answers.
fn started<'a>(node: &Node, looks: &'a Looks) -> Option<&'a str> {
    let (_, look) = looks.iter().find(|(member, _)| member.node() == node)?;
    look.as_ref().ok().map(|look| look.started.as_str())
}

/// The epoch that is open, and its holder.
pub(super) fn in_force(seen: Option<&Seen>) -> Option<(Epoch, Holder)> {
    let seen = seen.filter(|seen| *seen.term().phase() == Phase::Open)?;
    Some((seen.epoch()?, seen.term().holder()?.clone()))
}

/// The hand-off whose epoch is sealed.
fn handed(seen: Option<&Seen>) -> Option<(&Intent, Receipt)> {
    match seen?.term().phase() {
        Phase::Sealed(intent, receipt) => Some((intent, *receipt)),
        Phase::Open | Phase::Freezing(_) => None,
    }
}

/// The successor, where it has everything and is a replica still.
fn ready<'a>(looks: &'a Looks, successor: &Node, receipt: Receipt) -> Option<&'a Member> {
    looks.iter().find_map(|(member, look)| {
        let look = look.as_ref().ok().filter(|_| member.node() == successor)?;
        (look.has(receipt) && look.timeline().is_none()).then_some(member)
    })
}

/// The primaries that have everything up to a seal.
fn having(looks: &Looks, receipt: Receipt) -> Vec<Candidate> {
    let answering = looks.iter().filter_map(|(member, look)| Some((member, look.as_ref().ok()?)));
    let found = answering.filter(|(_, look)| look.has(receipt));
    found.filter_map(|(member, look)| member.candidate(look, receipt.position())).collect()
}

/// The one that is to get the first epoch.
fn primary(looks: &Looks, first: &Node) -> Option<Candidate> {
    let (member, look) = looks.iter().find(|(member, _)| member.node() == first)?;
    member.candidate(look.as_ref().ok()?, Position::START)
}

fn unborn(node: &Node) -> Candidate {
    let holder = Holder { node: node.clone(), incarnation: Incarnation::new(0) };
    Candidate { holder, applied: Position::START }
}

fn at<R: std::error::Error, E: std::error::Error>(member: &Member, error: Error) -> Stopped<R, E> {
    Stopped::Server(member.node().clone(), error)
}
