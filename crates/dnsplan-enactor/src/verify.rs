//! What is live: looked at for drift, restored, confirmed, and cleaned up after.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_fence::{Generation, Move};
use dnsplan_plan::{DemandReason, OwnerName, Plan, PlanStore, Timestamp};

use crate::act::{Put, protected_aside, set_aside};
use crate::enactor::Next;
use crate::partition::order;
use crate::report::live_state;
use crate::view::View;
use crate::{
    Arrival, Audit, Clock, EnactError, Enactor, Event, FenceRecord, Nonces, Rest, Rider, Target, TargetError,
    TreeName,
};

/// How many writes a newer plan waits for while what is live is verified.
const VERIFY_STEPS: u32 = 16;

impl<S: PlanStore, T: Target, C: Clock, N: Nonces> Enactor<S, T, C, N> {
    /// Verifies what is live. A newer plan waits for that only so long.
    pub(crate) async fn verify_in_turn(&mut self, view: &View) -> Result<Next, EnactError> {
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

    /// Restores what differs, in the order in which clients need it, as much as fits one write. What the target rejects is
    /// set aside here too: else one owner name that cannot be restored would keep all others from it.
    async fn repair(&mut self, view: &View, differing: &BTreeSet<OwnerName>) -> Result<Next, EnactError> {
        let limit = self.target.repair_limit().max(1);
        let ordered = order(view.plan().zone(), differing);
        let some = |aside: &BTreeSet<OwnerName>| -> BTreeSet<OwnerName> {
            ordered.iter().filter(|owner| !aside.contains(*owner)).take(limit).cloned().collect()
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
                let restored = some(&aside);
                // Where the target rejects all of them, the record says so now, and nothing was restored.
                if !restored.is_empty() {
                    self.emit(&Event::Repaired(restored));
                }
            }
            Put::NotWon => {}
            Put::Instead(next) => return Ok(next),
        }
        Ok(Next::Again)
    }
}
