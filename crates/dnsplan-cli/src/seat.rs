//! A planner's seat: of the planners on one store, one leads. Whoever does not stands by.
//!
//! 1. Who leads is the role's record; what refuses a deposed planner is the store, in the append itself.
//! 2. Nobody who is there is deposed for being slow to plan. A planner is taken for gone that has given no sign of life, on the
//!    clock of who asks: for a moment, if its process has ended (it held a lock on a file, and somebody else can take it); for as
//!    long as was asked for, if not.
//! 3. Whoever was deposed is another holder from then on, and may lead again under a later epoch.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dnsplan::RandomNonces;
use dnsplan::enactor::Nonces;
use dnsplan::fence::{Nonce, Register};
use dnsplan::leadership::{
    Beliefs, Candidate, Coordinator, HandoffId, Holder, Incarnation, Leadership, Node, Scope, Seen, Stance,
    Step, attend,
};
use dnsplan::store::{Beat, EmbeddedRole};
use tokio::time::Instant;

use crate::args;
use crate::failure::Failure;
use crate::session::Session;

/// How often who leads says that it is there.
const BEAT: Duration = Duration::from_millis(500);

/// After how long without a sign of life it is looked whether its process has ended.
const QUIET: Duration = Duration::from_millis(1500);

/// A hand-off takes four turns: freeze, seal, record, grant. The first record takes one more.
const TURNS: usize = 8;

/// Whether this planner leads.
pub(crate) enum Standing {
    /// It does.
    Leads(Arc<Leadership<EmbeddedRole>>),
    /// Somebody else does, or nobody yet.
    Follows(Option<Holder>),
}

/// One planner among those on a store.
pub(crate) struct Seat {
    role: EmbeddedRole,
    coordinator: Coordinator<EmbeddedRole, EmbeddedRole>,
    me: Holder,
    nonces: RandomNonces,
    lead: Option<Arc<Leadership<EmbeddedRole>>>,
    lock: PathBuf,
    locked: Option<File>,
    last_beat: Option<Instant>,
    /// What the others were last seen to do, and when.
    seen: Option<((Beat, Nonce), Instant)>,
    patience: Duration,
}

/// The role of all planners on one store.
fn scope() -> Scope {
    Scope::new("planner").expect("invariant: it is a name")
}

impl Seat {
    pub(crate) fn new(session: &Session, args: &args::Planner) -> Self {
        let named = || Node::new(&format!("planner-{}", std::process::id()));
        let node = args.node.clone().unwrap_or_else(|| named().expect("invariant: it is a name"));
        let role = session.store.role(scope());
        let coordinator = Coordinator::new(role.clone(), role.clone(), node.actor().clone());
        let nonces = RandomNonces;
        Self {
            role,
            coordinator,
            me: Holder { node, incarnation: incarnation(&nonces) },
            nonces,
            lead: None,
            lock: session.data.join("planner.lock"),
            locked: None,
            last_beat: None,
            seen: None,
            patience: Duration::from_secs(args.take_over_after),
        }
    }

    pub(crate) const fn node(&self) -> &Node {
        &self.me.node
    }

    /// Looks at who leads; takes over where nobody does.
    pub(crate) async fn look(&mut self) -> Result<Standing, Failure> {
        let seen = Seen::of(&self.role.load().await?);
        if let Some(lead) = self.lead.clone() {
            seen.iter().for_each(|seen| lead.attend(seen));
            if !lead.is_stopped() {
                self.take_lock();
                self.beat().await?;
                return Ok(Standing::Leads(lead));
            }
            // Another life: what the last one was granted is over.
            (self.lead, self.locked) = (None, None);
            self.me.incarnation = incarnation(&self.nonces);
        }
        let gone = match &seen {
            Some(seen) => self.gone(seen).await?,
            None => None,
        };
        self.coordinate(gone).await
    }

    /// Says goodbye, so that nobody waits for a sign of life.
    pub(crate) async fn leave(self) {
        if let Some(lead) = self.lead {
            lead.stop();
            lead.drained().await;
            if let Err(error) = self.role.beat(None).await {
                tracing::warn!("the others wait for a sign of life: {error}");
            }
        }
    }

    async fn beat(&mut self) -> Result<(), Failure> {
        if self.last_beat.is_none_or(|at| at.elapsed() >= BEAT) {
            self.role.beat(Some(self.me.to_string())).await?;
            self.last_beat = Some(Instant::now());
        }
        Ok(())
    }

    /// Who leads, or is in the midst of a hand-off, and is taken for gone.
    async fn gone(&mut self, seen: &Seen) -> Result<Option<Holder>, Failure> {
        let Some(holder) = seen.term().holder() else { return Ok(None) };
        let beat = self.role.last_beat().await?;
        let has_left = beat.count > 0 && beat.by.is_none();
        let now = (beat, seen.record().attempt);
        let since = match &self.seen {
            Some((before, since)) if *before == now => *since,
            _ => Instant::now(),
        };
        self.seen = Some((now, since));
        let silent = since.elapsed();
        let is_gone = has_left || silent >= self.patience || silent >= QUIET && self.take_lock();
        Ok((is_gone && *holder != self.me).then(|| holder.clone()))
    }

    async fn coordinate(&mut self, gone: Option<Holder>) -> Result<Standing, Failure> {
        let failover = HandoffId::new(self.nonces.next().get());
        for _ in 0..TURNS {
            let candidates = [Candidate { holder: self.me.clone(), applied: self.role.applied().await? }];
            let beliefs = Beliefs {
                demand: None,
                failover,
                gone: gone.as_ref(),
                is_abandoned: gone.is_some(),
                is_drained: gone.is_some(),
                is_overdue: gone.is_some(),
                candidates: &candidates,
                proven: None,
                published: None,
            };
            let attempt = self.nonces.next();
            let turn = self.coordinator.turn(&beliefs, attempt).await;
            let turn = turn.map_err(|error| Failure::error(error.to_string()))?;
            if matches!(turn.step, Step::Bootstrap | Step::Write(_) | Step::Seal(_)) {
                continue;
            }
            let Some(seen) = turn.seen else { break };
            if matches!(attend(&seen, &self.me, Stance::Follows), Stance::Leads(_)) {
                return self.take_up(&seen).await;
            }
            // The lock is for who leads.
            self.locked = None;
            return Ok(Standing::Follows(seen.term().holder().cloned()));
        }
        Ok(Standing::Follows(None))
    }

    async fn take_up(&mut self, seen: &Seen) -> Result<Standing, Failure> {
        let Ok(lead) = Leadership::take_up(seen, scope(), self.me.clone(), self.role.clone()) else {
            return Ok(Standing::Follows(None));
        };
        let lead = Arc::new(lead);
        self.lead = Some(Arc::clone(&lead));
        self.last_beat = None;
        self.beat().await?;
        Ok(Standing::Leads(lead))
    }

    /// Who leads holds the lock for as long as its process is there. It keeps nobody from leading: it says who has ended.
    fn take_lock(&mut self) -> bool {
        if self.locked.is_none() {
            self.locked = File::create(&self.lock).ok().filter(|file| file.try_lock().is_ok());
        }
        self.locked.is_some()
    }
}

fn incarnation(nonces: &RandomNonces) -> Incarnation {
    let [.., a, b, c, d, e, f, g, h] = nonces.next().get().to_be_bytes();
    Incarnation::new(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}
