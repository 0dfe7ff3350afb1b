//! Reading the target's record, and the store's head after it.

use dnsplan_fence::{Generation, HeadAfter, Observed};
use dnsplan_plan::PlanStore;

use crate::{Clock, EnactError, Enactor, Nonces, Quarantine, Target};

impl<S: PlanStore, T: Target, C: Clock, N: Nonces> Enactor<S, T, C, N> {
    /// The record, and the head as of after it. Where every call costs, a plan that is newer than what the last pass has left
    /// live is begun on the record it left, once: the write compares it, as it would after a load that took long.
    pub(crate) async fn observe(
        &mut self,
        confirmed: Generation,
    ) -> Result<(Observed<Quarantine>, HeadAfter), EnactError> {
        let zone = self.target.zone().clone();
        // What was confirmed above it is somebody else's doing, and no rewind.
        let left = self.memory.left.take();
        let left = left.filter(|left| self.target.is_metered() && confirmed <= left.generation);
        if let Some(left) = left {
            let (generation, observed) = (left.generation, Observed::Record(left));
            let head = self.store.head_after(&zone, observed.witness()).await?;
            if head.head() > generation {
                return Ok((observed, head));
            }
        }
        let observed = self.target.load().await?;
        let head = self.store.head_after(&zone, observed.witness()).await?;
        Ok((observed, head))
    }
}
