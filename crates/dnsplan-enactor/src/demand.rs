//! Demands: what an enactor asks for where no write of its own can help.

use dnsplan_fence::{Generation, ParentGeneration};
use dnsplan_plan::{AppendError, Demand, DemandReason, PlanStore, Proposal, Provenance};

use crate::enactor::Next;
use crate::view::View;
use crate::{Clock, EnactError, Enactor, Event, Nonces, Rest, Target};

impl<S: PlanStore, T: Target, C: Clock, N: Nonces> Enactor<S, T, C, N> {
    /// Whether this plan was given up, and it is not time yet to see whether the target has changed its mind.
    pub(crate) fn rests_from(&self, generation: Generation) -> bool {
        let patience = self.config.patience.max(1);
        let is_early = |(above, rests): (Generation, u32)| above == generation && (rests + 1) % patience != 0;
        self.memory.given_up.contains(&generation) && self.memory.demanded.is_some_and(is_early)
    }

    /// The target rejects too much of a plan. Its chain stays as it is; a newer plan goes over it.
    pub(crate) async fn give_up(&mut self, view: &View, generation: Generation) -> Result<Next, EnactError> {
        self.memory.given_up.insert(generation);
        if view.sighting().head().head() > generation {
            return Ok(Next::Again);
        }
        self.demand(view, generation, DemandReason::Rejected, Event::TooManyRejected(generation)).await
    }

    /// Asks for a plan above `above`. Where nobody answers for long, and only a number is in the way, the head's content
    /// is appended again above it.
    pub(crate) async fn demand(
        &mut self,
        view: &View,
        above: Generation,
        reason: DemandReason,
        event: Event,
    ) -> Result<Next, EnactError> {
        let rests = match self.memory.demanded {
            Some((same, rests)) if same == above => rests + 1,
            _ => 0,
        };
        self.memory.demanded = Some((above, rests));
        self.tell(view, event.to_string(), Some(event.to_string())).await;
        // Now and then again: the store may have been put back to where it did not know.
        if rests % self.config.patience.max(1) == 0 {
            let (by, at) = (self.me.to_string(), self.clock.now());
            let demand = Demand { above, reason, detail: event.to_string(), by, at };
            let demanded = self.store.demand(self.target.zone(), demand).await;
            self.lenient(demanded);
        }
        if rests == 0 {
            self.emit(&event);
        }
        if reason.is_met_by_the_same_content() && rests >= self.config.patience {
            return self.reissue(above).await;
        }
        Ok(Next::Rest(Rest::Demanded(above)))
    }

    async fn reissue(&mut self, above: Generation) -> Result<Next, EnactError> {
        let Some(head) = self.store.head(self.target.zone()).await? else {
            return Ok(Next::Rest(Rest::Demanded(above)));
        };
        let reason = format!(
            "generation {} again: no planner answered the demand for a plan above {above}",
            head.generation()
        );
        let mut provenance = Provenance::new(self.me.as_str(), self.clock.now(), reason);
        provenance.inputs.clone_from(&head.provenance().inputs);
        provenance.overrides.clone_from(&head.provenance().overrides);
        let proposal = Proposal { zone: head.zone().clone(), provenance };
        let appended = self.store.append(ParentGeneration::of(&head), proposal, self.nonces.next()).await;
        match appended {
            Ok(plan) => {
                self.emit(&Event::Reissued { from: head.generation(), to: plan.generation() });
                Ok(Next::Again)
            }
            // Somebody else appended: that is the answer. A frozen or failing store is asked again later.
            Err(AppendError::Store(error)) => Err(error.into()),
            Err(_) => Ok(Next::Rest(Rest::Stale)),
        }
    }
}
