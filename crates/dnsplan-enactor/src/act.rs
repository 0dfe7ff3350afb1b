//! Acting on a decision. Every write is a swap of the record, made with a permit, once.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_fence::{Digest, FreezeId, Generation, Move, Nonce, Observed, Permit, Swap, settle};
use dnsplan_plan::{DemandReason, OwnerName, Plan, PlanStore};

use crate::chain::{Anew, whole};
use crate::codec::owners_len;
use crate::decide::{Step, Wait};
use crate::enactor::{LOST_LIMIT, Next};
use crate::view::{Seen, View};
use crate::{
    Clock, EnactError, Enactor, Event, FenceRecord, Nonces, Quarantine, Rest, Rider, Target, TargetError,
};

/// What became of a write.
pub(crate) enum Put {
    /// It took effect, without these owner names.
    Won(BTreeSet<OwnerName>),
    /// It did not, or nobody knows: the next look says.
    NotWon,
    /// There was none.
    Instead(Next),
}

impl Put {
    pub(crate) fn next(self) -> Next {
        match self {
            Self::Won(_) | Self::NotWon => Next::Again,
            Self::Instead(next) => next,
        }
    }
}

/// After how many failures in a row a begun chain gives way to a newer plan.
const FAILURES: u32 = 3;

/// How much text of a record owner names may be that are set aside: it must fit what a target takes, and so must those that a chain
/// inherits, beside them.
const QUARANTINE_TEXT: usize = 1488;

impl<S: PlanStore, T: Target, C: Clock, N: Nonces> Enactor<S, T, C, N> {
    pub(crate) async fn act(&mut self, step: Step, view: View) -> Result<Next, EnactError> {
        match step {
            Step::Bootstrap => self.bootstrap(view).await,
            Step::MarkFreeze(id) => self.mark_freeze(id, &view).await,
            Step::StandBy(wait) => {
                let state = match wait {
                    Wait::Frozen(id) => format!("frozen by freeze {id}"),
                    Wait::NoPlan => "waiting for a first plan".to_owned(),
                };
                self.tell(&view, state, None).await;
                Ok(Next::Rest(Rest::Waiting(wait)))
            }
            Step::Reload => Ok(Next::Rest(Rest::Stale)),
            Step::TargetAhead { seen, head } => {
                let event = Event::TargetAhead { seen, head };
                self.demand(&view, seen, DemandReason::TargetAhead, event).await
            }
            Step::Reject(generation) => {
                let event = Event::Rejected(generation);
                self.demand(&view, generation, DemandReason::DigestConflict, event).await
            }
            Step::Refuse(generation) => {
                let event = Event::Guarded { generation, violations: view.violations.clone() };
                self.demand(&view, generation, DemandReason::Guard, event).await
            }
            Step::Write(_) if self.rests_from(view.plan().generation()) => {
                self.give_up(&view, view.plan().generation()).await
            }
            Step::Write(action) => self.write_part(action, &view).await,
            Step::Verify => self.verify_in_turn(&view).await,
        }
    }

    /// The first of the two swaps of a bootstrap. It changes nothing; what is there is looked at afresh after it.
    async fn bootstrap(&mut self, view: View) -> Result<Next, EnactError> {
        let Seen::Nothing(observed) = view.seen else { return Ok(Next::Again) };
        let attempt = self.nonces.next();
        let Some(genesis) = observed.genesis(attempt, &self.me, Quarantine::default()) else {
            return Ok(Next::Again);
        };
        let swap = self.target.create(genesis).await?;
        if swap == Swap::Won {
            self.emit(&Event::Bootstrapped);
        }
        self.after_swap(swap, attempt, None).await?;
        Ok(Next::Again)
    }

    async fn mark_freeze(&mut self, id: FreezeId, view: &View) -> Result<Next, EnactError> {
        let sighting = view.sighting();
        let (attempt, expected) = (self.nonces.next(), sighting.record().attempt);
        let swap = self.target.swap(sighting.freeze(id, attempt, &self.me), Rider::Nothing).await?;
        if swap == Swap::Won {
            self.emit(&Event::Frozen(id));
        }
        self.after_swap(swap, attempt, Some(expected)).await?;
        Ok(Next::Again)
    }

    /// One part of a chain.
    async fn write_part(&mut self, action: Move, view: &View) -> Result<Next, EnactError> {
        let rider = |plan: &Arc<Plan>, aside: &BTreeSet<OwnerName>| Rider::Part {
            plan: Arc::clone(plan),
            basis: Arc::clone(&view.basis),
            set_aside: aside.clone(),
        };
        match self.put(action, view, rider).await? {
            Put::Won(_) => self.tell_progress(view, &view.plan(), action).await,
            Put::NotWon => {}
            Put::Instead(next) => return Ok(next),
        }
        Ok(Next::Again)
    }

    /// Writes owner names. What the target rejects is set aside by name, and the write is tried again without it.
    pub(crate) async fn put(
        &mut self,
        action: Move,
        view: &View,
        rider: impl Fn(&Arc<Plan>, &BTreeSet<OwnerName>) -> Rider,
    ) -> Result<Put, EnactError> {
        let plan = view.plan();
        let mut aside = set_aside(view, plan.generation());
        let record = view.sighting().record();
        let (inherited, whole) = (inherited(record, action), whole_after(record, action));
        loop {
            let attempt = self.nonces.next();
            let Some(permit) = self.permit(view, &plan, action, attempt) else {
                return Ok(Put::Instead(Next::Rest(Rest::Stale)));
            };
            let permit = permit.carrying(quarantine(view, &plan, &aside, &inherited, whole));
            // Something stays behind at an older generation: its trees must not be reaped.
            let permit = if aside.is_empty() { permit } else { permit.holding_base() };
            let rider = rider(&plan, &aside);
            match self.target.swap(permit, rider).await {
                Err(TargetError::Rejected { owners, reason }) if !owners.is_subset(&aside) => {
                    self.emit(&Event::Quarantined {
                        generation: plan.generation(),
                        owners: owners.clone(),
                        reason: reason.clone(),
                    });
                    aside.extend(owners);
                    if aside.len() > self.config.quarantine_limit || owners_len(&aside) > QUARANTINE_TEXT {
                        return self.give_up(view, plan.generation()).await.map(Put::Instead);
                    }
                }
                // Nothing failed: what was written is still on its way, or somebody else's to finish.
                Err(TargetError::Pending(reason)) => {
                    self.tell(view, reason, None).await;
                    return Ok(Put::Instead(Next::Rest(Rest::Stale)));
                }
                Err(TargetError::Unproven) if !self.is_left(view.sighting().record(), plan.generation()) => {
                    return Ok(Put::Instead(Next::Rest(Rest::Stale)));
                }
                Err(error) if self.begins_anew(view, &error) => return Ok(Put::Instead(Next::Again)),
                Err(error) => {
                    self.count_failure(view, plan.generation());
                    return Err(error.into());
                }
                Ok(swap) => {
                    self.memory.failed = None;
                    let won = self.settle_write(swap, attempt, view, &plan, action).await?;
                    return Ok(if won { Put::Won(aside) } else { Put::NotWon });
                }
            }
        }
    }

    /// Whether the chain begins anew, cut in another way.
    fn begins_anew(&mut self, view: &View, error: &TargetError) -> bool {
        let why = match error {
            TargetError::Unproven => Anew::Left,
            TargetError::TooLarge(_) => Anew::TooLarge,
            _ => return false,
        };
        self.memory.lost += 1;
        self.memory.lost <= LOST_LIMIT && self.begin_anew(view.sighting().record(), why)
    }

    /// A chain whose parts fail again and again does not keep a newer plan out.
    fn count_failure(&mut self, view: &View, generation: Generation) {
        let times = match self.memory.failed {
            Some((same, times)) if same == generation => times + 1,
            _ => 1,
        };
        self.memory.failed = Some((generation, times));
        if times >= FAILURES && view.sighting().head().head() > generation {
            self.memory.given_up.insert(generation);
        }
    }

    /// Writes what cannot be rejected; says whether it took effect for certain.
    pub(crate) async fn write(
        &mut self,
        view: &View,
        plan: &Plan,
        action: Move,
        rider: Rider,
    ) -> Result<Put, EnactError> {
        let attempt = self.nonces.next();
        let Some(permit) = self.permit(view, plan, action, attempt) else {
            return Ok(Put::Instead(Next::Rest(Rest::Stale)));
        };
        let swap = match self.target.swap(permit, rider).await {
            // The newest plan is live and whole; the rest can wait.
            Err(TargetError::Pending(_)) => {
                return Ok(Put::Instead(Next::Rest(Rest::Live(plan.generation()))));
            }
            swap => swap?,
        };
        let won = self.settle_write(swap, attempt, view, plan, action).await?;
        Ok(if won { Put::Won(BTreeSet::new()) } else { Put::NotWon })
    }

    fn permit(&self, view: &View, plan: &Plan, action: Move, attempt: Nonce) -> Option<Permit<Quarantine>> {
        match view.sighting().permit(plan, action, attempt, &self.me) {
            Ok(permit) => Some(permit),
            Err(refused) => {
                self.emit(&Event::Fenced(refused));
                None
            }
        }
    }

    async fn settle_write(
        &mut self,
        swap: Swap<Quarantine>,
        attempt: Nonce,
        view: &View,
        plan: &Plan,
        action: Move,
    ) -> Result<bool, EnactError> {
        let generation = plan.generation();
        let won = swap == Swap::Won;
        match &swap {
            Swap::Won => {
                self.memory.mine = Some(attempt);
                self.memory.found = self.memory.found.map(|(_, found)| (attempt, found));
                self.emit(&Event::Wrote { generation, action });
            }
            Swap::Lost(now) => {
                let now = now.as_ref().map(|record| record.generation);
                self.emit(&Event::Lost { generation, action, now });
            }
            Swap::Unknown => {}
        }
        self.after_swap(swap, attempt, Some(view.sighting().record().attempt)).await?;
        Ok(won)
    }

    /// A lost reply is settled by a fresh look, never guessed. The loop goes on from that look in any case: whatever it
    /// says, the next permit expects exactly what is there then.
    async fn after_swap(
        &mut self,
        swap: Swap<Quarantine>,
        attempt: Nonce,
        expected: Option<Nonce>,
    ) -> Result<(), EnactError> {
        self.memory.lost += u32::from(swap != Swap::Won);
        if swap == Swap::Unknown {
            let now: Observed<Quarantine> = self.target.load().await?;
            self.emit(&Event::Settled(settle(attempt, expected, &now)));
        }
        Ok(())
    }
}

/// The owner names that this generation's chain has set aside so far, as the record says. Where a newer tree is being staged
/// meanwhile, the record says what both have, and a name too many is set aside rather than one too few: its tree may lack it.
pub(crate) fn set_aside(view: &View, generation: Generation) -> BTreeSet<OwnerName> {
    let record = view.sighting().record();
    if newest(view) == generation {
        record.payload.owners.clone()
    } else if record.generation == generation {
        record.payload.doubtful().cloned().collect()
    } else {
        BTreeSet::new()
    }
}

/// The generation whose chain the record was last written by.
fn newest(view: &View) -> Generation {
    let record = view.sighting().record();
    record.stage.map_or(record.generation, |stage| stage.generation)
}

/// What a plan protects is part of why it exists: without it the plan is not in effect.
pub(crate) fn protected_aside(view: &View, plan: &Plan) -> BTreeSet<OwnerName> {
    let aside = set_aside(view, plan.generation());
    if aside.is_empty() {
        return aside;
    }
    let protected = plan.zone().protected().map(|(key, _)| &key.owner);
    protected.filter(|owner| aside.contains(*owner)).cloned().collect()
}

/// The owner names that earlier chains have set aside, for as long as this one has parts to come after this write.
fn inherited(record: &FenceRecord, action: Move) -> BTreeSet<OwnerName> {
    match action {
        Move::Apply(part) | Move::Flip(part) if part.is_last() => BTreeSet::new(),
        Move::Stage(_) | Move::Apply(_) | Move::Flip(_) => record.payload.doubtful().cloned().collect(),
        _ => record.payload.inherited.clone(),
    }
}

/// The generation that everything was at before this write's chain, where the record's base does not say it.
fn whole_after(record: &FenceRecord, action: Move) -> Generation {
    match action {
        Move::Apply(part) | Move::Flip(part) if part.is_last() => Generation::ZERO,
        Move::Apply(_) | Move::Flip(_) => {
            let whole = whole(record);
            if whole == record.base { Generation::ZERO } else { whole }
        }
        _ => record.payload.whole,
    }
}

/// What a write with `owners` set aside leaves in the record.
fn quarantine(
    view: &View,
    plan: &Plan,
    owners: &BTreeSet<OwnerName>,
    inherited: &BTreeSet<OwnerName>,
    whole: Generation,
) -> Quarantine {
    let (record, generation) = (view.sighting().record(), plan.generation());
    if newest(view) != generation && record.generation == generation {
        // What the tree that is being staged lacks stays known by name.
        let inherited = owners.difference(&record.payload.owners).cloned().collect();
        return Quarantine { inherited, whole, ..record.payload.clone() };
    }
    let effective = if owners.is_empty() { Digest::ZERO } else { plan.zone().digest_without(owners) };
    let inherited = inherited.difference(owners).cloned().collect();
    Quarantine { owners: owners.clone(), effective, inherited, whole }
}
