//! A planner's seat: of the planners on one store, one leads. Whoever does not stands by.
//!
//! 1. Who leads is the role's record; what refuses a deposed planner is the store, in the append itself.
//! 2. Nobody who is there is deposed for being slow to plan. A planner is taken for gone that has given no sign of life, on the
//!    clock of who asks: for a moment, if its process has ended (it held a lock on a file, and somebody else can take it); for as
//!    long as was asked for, if not.
//! 3. A goodbye is about the very holder who has said it. Who was granted the next epoch may not have given a sign of life yet, and
//!    is not taken for gone on the goodbye of the one before.
//! 4. Whoever was deposed is another holder from then on, and may lead again under a later epoch.

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
        let (role, patience) = (session.store.role(scope()), Duration::from_secs(args.take_over_after));
        Self::at(role, node, session.data.join("planner.lock"), patience)
    }

    fn at(role: EmbeddedRole, node: Node, lock: PathBuf, patience: Duration) -> Self {
        let coordinator = Coordinator::new(role.clone(), role.clone(), node.actor().clone());
        let nonces = RandomNonces;
        Self {
            role,
            coordinator,
            me: Holder { node, incarnation: incarnation(&nonces) },
            nonces,
            lead: None,
            lock,
            locked: None,
            last_beat: None,
            seen: None,
            patience,
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
        let Some(seen) = self.coordinate(gone).await? else { return Ok(Standing::Follows(None)) };
        if matches!(attend(&seen, &self.me, Stance::Follows), Stance::Leads(_)) {
            return self.take_up(&seen).await;
        }
        // The lock is for who leads.
        self.locked = None;
        Ok(Standing::Follows(seen.term().holder().cloned()))
    }

    /// Says goodbye, so that nobody waits for a sign of life.
    pub(crate) async fn leave(self) {
        if let Some(lead) = self.lead {
            lead.stop();
            lead.drained().await;
            if let Err(error) = self.role.say_goodbye(&self.me).await {
                tracing::warn!("the others wait for a sign of life: {error}");
            }
        }
    }

    async fn beat(&mut self) -> Result<(), Failure> {
        if self.last_beat.is_none_or(|at| at.elapsed() >= BEAT) {
            self.role.beat(&self.me).await?;
            self.last_beat = Some(Instant::now());
        }
        Ok(())
    }

    /// Who leads, or is in the midst of a hand-off, and is taken for gone.
    async fn gone(&mut self, seen: &Seen) -> Result<Option<Holder>, Failure> {
        let Some(holder) = seen.term().holder() else { return Ok(None) };
        let beat = self.role.last_beat().await?;
        let has_left = beat.is_goodbye_of(holder);
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

    /// Takes the role over from who is gone, or takes up what nobody has led. The record as it is then; `None` where it does not come
    /// to rest.
    async fn coordinate(&mut self, gone: Option<Holder>) -> Result<Option<Seen>, Failure> {
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
            if !matches!(turn.step, Step::Bootstrap | Step::Write(_) | Step::Seal(_)) {
                return Ok(turn.seen);
            }
        }
        Ok(None)
    }

    async fn take_up(&mut self, seen: &Seen) -> Result<Standing, Failure> {
        let Ok(lead) = Leadership::take_up(seen, scope(), self.me.clone(), self.role.clone()) else {
            return Ok(Standing::Follows(None));
        };
        let lead = Arc::new(lead);
        self.lead = Some(Arc::clone(&lead));
        self.last_beat = None;
        // Until it looks again it may plan for longer than anybody waits for a sign of life.
        self.take_lock();
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

#[cfg(test)]
mod tests {
    use dnsplan::store::EmbeddedStore;
    use tempfile::TempDir;

    use super::*;

    /// A planner's seat, as a process of its own would have it, that waits without end for a sign of life.
    fn seat(data: &TempDir, name: &str) -> Seat {
        let store = EmbeddedStore::open(data.path().join("plans.sqlite")).unwrap();
        let lock = data.path().join("planner.lock");
        Seat::at(store.role(scope()), Node::new(name).unwrap(), lock, Duration::MAX)
    }

    async fn led_by(seat: &mut Seat) -> Holder {
        match seat.look().await.unwrap() {
            Standing::Leads(lead) => lead.token().holder().clone(),
            Standing::Follows(holder) => holder.expect("somebody leads"),
        }
    }

    #[tokio::test]
    async fn the_goodbye_of_one_planner_deposes_none_that_was_granted_the_role_after_it() {
        let data = TempDir::new().unwrap();
        let [mut first, mut second, mut third] = ["first", "second", "third"].map(|name| seat(&data, name));
        let gone = first.me.clone();
        assert_eq!(led_by(&mut first).await, gone);
        assert_eq!(led_by(&mut third).await, gone);
        first.leave().await;
        // It has been granted the role, and has not come to saying that it is there.
        let granted = second.coordinate(Some(gone)).await.unwrap().unwrap();
        assert_eq!(granted.term().holder(), Some(&second.me));
        assert_eq!(led_by(&mut third).await, second.me, "it is deposed before its first sign of life");
        assert_eq!(led_by(&mut second).await, second.me);
        // Once it has left itself, the next one waits for nothing.
        second.leave().await;
        assert_eq!(led_by(&mut third).await, third.me);
    }

    #[tokio::test]
    async fn a_planner_that_was_deposed_and_leaves_takes_nobody_with_it() {
        let data = TempDir::new().unwrap();
        let [mut first, mut second, mut third] = ["first", "second", "third"].map(|name| seat(&data, name));
        let gone = led_by(&mut first).await;
        second.coordinate(Some(gone)).await.unwrap();
        assert_eq!(led_by(&mut second).await, second.me);
        first.leave().await;
        assert_eq!(led_by(&mut third).await, second.me);
    }

    #[tokio::test]
    async fn who_has_taken_up_the_role_holds_the_lock_before_it_plans() {
        let data = TempDir::new().unwrap();
        let [mut first, mut second] = ["first", "second"].map(|name| seat(&data, name));
        assert_eq!(led_by(&mut first).await, first.me);
        assert!(!second.take_lock());
        first.leave().await;
        assert!(second.take_lock());
    }
}
