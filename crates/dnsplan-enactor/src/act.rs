//! Acting on a decision. Every write is a swap of the record, made with a permit, once.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_fence::{FreezeId, Generation, Move, Nonce, Observed, Permit, Swap, settle};
use dnsplan_plan::{DemandReason, OwnerName, Plan, PlanStore, Timestamp};

use crate::chain::Anew;
use crate::decide::{Step, Wait};
use crate::enactor::{LOST_LIMIT, Next, Seen, View};
use crate::report::live_state;
use crate::{
    Arrival, Audit, Clock, EnactError, Enactor, Event, FenceRecord, Nonces, Quarantine, Rest, Rider, Target,
    TargetError, TreeName,
};

/// What became of a write.
enum Put {
    /// It took effect, without these owner names.
    Won(BTreeSet<OwnerName>),
    /// It did not, or nobody knows: the next look says.
    NotWon,
    /// There was none.
    Instead(Next),
}

impl Put {
    fn next(self) -> Next {
        match self {
            Self::Won(_) | Self::NotWon => Next::Again,
            Self::Instead(next) => next,
        }
    }
}

/// After how many failures in a row a begun chain gives way to a newer plan.
const FAILURES: u32 = 3;

/// How many writes a newer plan waits for while what is live is verified.
const VERIFY_STEPS: u32 = 16;

/// How much text of owner names may be set aside: the record must fit what a target takes.
const QUARANTINE_TEXT: usize = 1400;

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
    async fn put(
        &mut self,
        action: Move,
        view: &View,
        rider: impl Fn(&Arc<Plan>, &BTreeSet<OwnerName>) -> Rider,
    ) -> Result<Put, EnactError> {
        let plan = view.plan();
        let mut aside = set_aside(view, plan.generation());
        loop {
            let attempt = self.nonces.next();
            let Some(permit) = self.permit(view, &plan, action, attempt) else {
                return Ok(Put::Instead(Next::Rest(Rest::Stale)));
            };
            let permit = permit.carrying(quarantine(&plan, &aside));
            // Something stays behind at an older generation: its trees must not be reaped.
            let permit = if aside.is_empty() { permit } else { permit.holding_base() };
            match self.target.swap(permit, rider(&plan, &aside)).await {
                Err(TargetError::Rejected { owners, reason }) if !owners.is_subset(&aside) => {
                    self.emit(&Event::Quarantined {
                        generation: plan.generation(),
                        owners: owners.clone(),
                        reason: reason.clone(),
                    });
                    aside.extend(owners);
                    let text: usize = aside.iter().map(|owner| owner.to_string().len()).sum();
                    if aside.len() > self.config.quarantine_limit || text > QUARANTINE_TEXT {
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

    /// Verifies what is live. A newer plan waits for that only so long.
    async fn verify_in_turn(&mut self, view: &View) -> Result<Next, EnactError> {
        let generation = view.plan().generation();
        let steps =
            self.memory.verifying.filter(|(same, _)| *same == generation).map_or(1, |(_, steps)| steps + 1);
        // Until it has come to an end: a pass may end, or be cut short, at any await.
        self.memory.verifying = None;
        self.memory.verified = Some(generation);
        let next = self.verify(view).await?;
        match next {
            Next::Again if steps < VERIFY_STEPS => self.memory.verifying = Some((generation, steps)),
            Next::Rest(_) if view.sighting().head().head() > generation => return Ok(Next::Again),
            Next::Again | Next::Rest(_) => {}
        }
        Ok(next)
    }

    /// All parts are in place: restore what differs, confirm, raise the floor, delete what can never be live again.
    async fn verify(&mut self, view: &View) -> Result<Next, EnactError> {
        let plan = view.plan();
        let generation = plan.generation();
        if self.audit_is_due(generation) {
            let audit = self.inspect(view, &plan).await?;
            if !audit.differing.is_empty() {
                return self.repair(view, &audit.differing).await;
            }
            self.memory.audited = Some((generation, self.clock.now()));
            self.memory.repaired = None;
            self.memory.trees = audit.trees;
            self.memory.trees.retain(|tree| !audit.held.contains(tree));
            self.memory.mine = view.seen.record().map(|record| record.attempt);
        }
        // Nothing waits for it, and nothing fails of it.
        let arrival = self.target.arrival().await.unwrap_or(Arrival::Unconfirmed);
        let rejected = protected_aside(view, &plan);
        if !rejected.is_empty() {
            let event = Event::ProtectedRejected { generation, owners: rejected };
            return self.demand(view, generation, DemandReason::Rejected, event).await;
        }
        self.tell(view, live_state(view, generation, arrival), None).await;
        if view.confirmed < generation {
            match self.store.confirm(self.target.zone(), self.target.id(), generation).await {
                Ok(()) => self.emit(&Event::Confirmed(generation)),
                Err(error) => {
                    // A store that does not know the target (any more) is told of it again.
                    self.memory.told = None;
                    self.lenient(Err::<(), _>(error));
                }
            }
        }
        let record = view.sighting().record();
        // Somebody else wrote since: they are cleaning up, or the next audit will.
        if self.memory.mine != Some(record.attempt) {
            self.memory.trees.clear();
        }
        if record.floor < record.base && self.wants_floor(record) {
            let allowed = self.store.allow_floor(self.target.zone(), record.base).await;
            let allowed = self.lenient(allowed);
            if record.floor < allowed {
                return Ok(self.write(view, &plan, Move::RaiseFloor(allowed), Rider::Nothing).await?.next());
            }
        }
        while let Some(tree) = self.memory.trees.pop() {
            if record.is_reapable(tree.generation) {
                let put = self.write(view, &plan, Move::Reap(tree.generation), Rider::Reap { tree }).await?;
                match put {
                    Put::Won(_) => self.emit(&Event::Reaped(tree)),
                    // What the target does not delete yet is there at the next look.
                    Put::Instead(Next::Rest(Rest::Live(_))) => self.memory.trees.push(tree),
                    Put::Instead(_) | Put::NotWon => {}
                }
                return Ok(put.next());
            }
        }
        Ok(Next::Rest(Rest::Live(generation)))
    }

    fn audit_is_due(&self, generation: Generation) -> bool {
        self.memory.audited.is_none_or(|(audited, at)| audited != generation || self.is_old(at))
    }

    fn is_old(&self, audit: Timestamp) -> bool {
        let interval = u64::try_from(self.config.audit_every.as_millis()).unwrap_or(u64::MAX);
        self.clock.now().as_millis().abs_diff(audit.as_millis()) >= interval
    }

    /// A full look, or, between two of them, what the target knows by itself.
    async fn inspect(&mut self, view: &View, plan: &Plan) -> Result<Audit, TargetError> {
        let (record, aside) = (view.sighting().record(), set_aside(view, plan.generation()));
        let is_fresh = self.memory.listed.is_some_and(|at| !self.is_old(at));
        if let Some(audit) = self.target.recall(record, plan, &aside).filter(|_| is_fresh) {
            return Ok(audit);
        }
        let audit = self.target.audit(plan, &aside).await?;
        self.memory.listed = Some(self.clock.now());
        Ok(audit)
    }

    /// Where every write costs, the floor is raised for the sake of a tree that it lets go.
    fn wants_floor(&self, record: &FenceRecord) -> bool {
        let is_held = |tree: &TreeName| tree.generation < record.base && !record.is_reapable(tree.generation);
        !self.target.is_metered() || self.memory.trees.iter().any(is_held)
    }

    /// Restores what differs, as much as fits one write. What the target rejects is set aside here too: else one owner name
    /// that cannot be restored would keep all others from it.
    async fn repair(&mut self, view: &View, differing: &BTreeSet<OwnerName>) -> Result<Next, EnactError> {
        let limit = self.target.repair_limit().max(1);
        let some = |aside: &BTreeSet<OwnerName>| -> BTreeSet<OwnerName> {
            differing.difference(aside).take(limit).cloned().collect()
        };
        let rider = |plan: &Arc<Plan>, aside: &BTreeSet<OwnerName>| Rider::Repair {
            plan: Arc::clone(plan),
            owners: some(aside),
        };
        self.memory.audited = None;
        // Repaired and still not as it should be: whoever undoes it is not outrun, but met again after a rest.
        if self.memory.repaired.take().as_ref() == Some(differing) {
            let state = format!("live, but {} owner names do not stay as they are put", differing.len());
            self.tell(view, state, None).await;
            return Ok(Next::Rest(Rest::Stale));
        }
        match self.put(Move::Repair, view, rider).await? {
            Put::Won(aside) => {
                self.memory.repaired = Some(differing.clone());
                self.emit(&Event::Repaired(some(&aside)));
            }
            Put::NotWon => {}
            Put::Instead(next) => return Ok(next),
        }
        Ok(Next::Again)
    }

    /// Writes what cannot be rejected; says whether it took effect for certain.
    async fn write(
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

/// The owner names that this generation's chain has set aside so far, as the record says.
pub(crate) fn set_aside(view: &View, generation: Generation) -> BTreeSet<OwnerName> {
    let record = view.sighting().record();
    let newest = record.stage.map_or(record.generation, |stage| stage.generation);
    if newest == generation { record.payload.owners.clone() } else { BTreeSet::new() }
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

fn quarantine(plan: &Plan, owners: &BTreeSet<OwnerName>) -> Quarantine {
    if owners.is_empty() {
        return Quarantine::default();
    }
    Quarantine { owners: owners.clone(), effective: plan.zone().digest_without(owners) }
}
