//! A plan store of one's own: a log of who changed what, around any other store. Where plans live elsewhere (a database
//! that a control plane has already), the methods talk to that instead; `dnsplan::plan::admit` holds the rules that every
//! append is judged by. The suite at the end of this file is the contract in executable form.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Display;
use std::sync::{Arc, Mutex};

use dnsplan::enactor::{Clock as _, Nonces as _};
use dnsplan::fence::{FreezeId, Generation, HeadAfter, Nonce, ParentGeneration, Witness};
use dnsplan::plan::{
    AppendError, Demand, Entry, Freeze, MemoryStore, OwnerName, Pin, Plan, PlanStore, Proposal, Pruned,
    Revision, StoreError, TargetId, TargetReport, TargetStatus, Timestamp,
};
use dnsplan::planner::{Context, Health, Intent};
use dnsplan::{RandomNonces, SystemClock, publish};
use dnsplan_examples::spec;

/// A store that keeps a log of what people and planners changed in another one.
struct Audited<S> {
    inner: S,
    log: Mutex<Vec<String>>,
}

impl<S> Audited<S> {
    fn new(inner: S) -> Self {
        Self { inner, log: Mutex::default() }
    }

    fn note<T, E: Display>(&self, what: &str, outcome: Result<T, E>) -> Result<T, E> {
        let line = match &outcome {
            Ok(_) => format!("{what}: done"),
            Err(error) => format!("{what}: {error}"),
        };
        self.log.lock().expect("invariant: nothing panics while the log is locked").push(line);
        outcome
    }

    fn into_log(self) -> Vec<String> {
        self.log.into_inner().expect("invariant: nothing panics while the log is locked")
    }
}

/// What people and planners change is logged; what enactors report, and what is only read, goes through.
impl<S: PlanStore> PlanStore for Audited<S> {
    async fn append(
        &self,
        parent: ParentGeneration,
        proposal: Proposal,
        attempt: Nonce,
    ) -> Result<Arc<Plan>, AppendError> {
        let what = format!("append by {} on {parent}", proposal.provenance.author);
        self.note(&what, self.inner.append(parent, proposal, attempt).await)
    }

    async fn pin(&self, zone: &OwnerName, pin: Pin) -> Result<(), StoreError> {
        let what = format!("pin of {} by {}", pin.generation, pin.by);
        self.note(&what, self.inner.pin(zone, pin).await)
    }

    async fn unpin(&self, zone: &OwnerName, generation: Generation) -> Result<bool, StoreError> {
        self.note(&format!("unpin of {generation}"), self.inner.unpin(zone, generation).await)
    }

    async fn freeze(&self, by: &str, reason: &str, at: Timestamp) -> Result<Freeze, StoreError> {
        self.note(&format!("freeze by {by} ({reason})"), self.inner.freeze(by, reason, at).await)
    }

    async fn unfreeze(&self, by: &str, at: Timestamp) -> Result<Vec<FreezeId>, StoreError> {
        self.note(&format!("unfreeze by {by}"), self.inner.unfreeze(by, at).await)
    }

    async fn prune(&self, zone: &OwnerName, floor: Generation) -> Result<Pruned, StoreError> {
        self.note(&format!("prune below {floor}"), self.inner.prune(zone, floor).await)
    }

    async fn revision(&self) -> Result<Revision, StoreError> {
        self.inner.revision().await
    }

    async fn zones(&self) -> Result<Vec<OwnerName>, StoreError> {
        self.inner.zones().await
    }

    async fn head(&self, zone: &OwnerName) -> Result<Option<Arc<Plan>>, StoreError> {
        self.inner.head(zone).await
    }

    async fn head_after(&self, zone: &OwnerName, witness: Witness) -> Result<HeadAfter, StoreError> {
        self.inner.head_after(zone, witness).await
    }

    async fn get(&self, zone: &OwnerName, generation: Generation) -> Result<Option<Arc<Plan>>, StoreError> {
        self.inner.get(zone, generation).await
    }

    async fn find(&self, zone: &OwnerName, attempt: Nonce) -> Result<Option<Generation>, StoreError> {
        self.inner.find(zone, attempt).await
    }

    async fn history(&self, zone: &OwnerName, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.history(zone, limit).await
    }

    async fn touched(
        &self,
        zone: &OwnerName,
        after: Generation,
        upto: Generation,
    ) -> Result<Option<BTreeSet<OwnerName>>, StoreError> {
        self.inner.touched(zone, after, upto).await
    }

    async fn report(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        report: TargetReport,
    ) -> Result<(), StoreError> {
        self.inner.report(zone, target, report).await
    }

    async fn confirm(
        &self,
        zone: &OwnerName,
        target: &TargetId,
        generation: Generation,
    ) -> Result<(), StoreError> {
        self.inner.confirm(zone, target, generation).await
    }

    async fn targets(&self, zone: &OwnerName) -> Result<Vec<TargetStatus>, StoreError> {
        self.inner.targets(zone).await
    }

    async fn demand(&self, zone: &OwnerName, demand: Demand) -> Result<(), StoreError> {
        self.inner.demand(zone, demand).await
    }

    async fn demands(&self, zone: &OwnerName) -> Result<Vec<Demand>, StoreError> {
        self.inner.demands(zone).await
    }

    async fn allow_floor(&self, zone: &OwnerName, wanted: Generation) -> Result<Generation, StoreError> {
        self.inner.allow_floor(zone, wanted).await
    }

    async fn pins(&self, zone: &OwnerName) -> Result<Vec<Pin>, StoreError> {
        self.inner.pins(zone).await
    }

    async fn frozen(&self) -> Result<Option<Freeze>, StoreError> {
        self.inner.frozen().await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Audited::new(MemoryStore::new());
    let now = SystemClock.now();
    let context = Context::new("example", now, "an example");
    for hosts in [&[11, 12][..], &[11, 12, 13]] {
        let intent = Intent::parse(&spec(hosts))?;
        for zone in intent.zones() {
            publish(&store, zone, &Health::from_spec(), &context, RandomNonces.next()).await?;
        }
    }
    store.freeze("the person on call", "to show what is refused then", now).await?;
    let intent = Intent::parse(&spec(&[11]))?;
    for zone in intent.zones() {
        let refused = publish(&store, zone, &Health::from_spec(), &context, RandomNonces.next()).await;
        refused.err().ok_or("a frozen store took a plan")?;
    }
    store.into_log().iter().for_each(|line| println!("{line}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use dnsplan_plan::conformance;

    use super::*;

    #[tokio::test]
    async fn the_store_conforms() {
        conformance::all(async || Audited::new(MemoryStore::new())).await;
    }
}
