//! What cannot be had is asked for at the pace of the loop, not in a hot loop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dnsplan_enactor::conformance::{MemoryTarget, World, block_on};
use dnsplan_enactor::{Audit, Basis, Config, Layout, Outline, Quarantine, Rest, Rider, Target, TargetError};
use dnsplan_fence::{Genesis, Observed, Permit, Register, Swap};
use dnsplan_plan::{OwnerName, Plan, TargetId};

/// Counts swaps, and always finds one owner name different.
struct Stubborn {
    inner: MemoryTarget,
    swaps: AtomicUsize,
    differs: Option<OwnerName>,
}

impl Stubborn {
    fn new(differs: Option<&str>) -> Arc<Self> {
        let origin: OwnerName = "example.".parse().expect("a valid name");
        let differs = differs.map(|name| name.parse().expect("a valid name"));
        Arc::new(Self {
            inner: MemoryTarget::new(origin, Layout::InPlace, 1),
            swaps: AtomicUsize::new(0),
            differs,
        })
    }

    fn swaps(&self) -> usize {
        self.swaps.swap(0, Ordering::Relaxed)
    }
}

impl Register for Stubborn {
    type Payload = Quarantine;
    type Rider = Rider;
    type Error = TargetError;

    async fn load(&self) -> Result<Observed<Quarantine>, TargetError> {
        self.inner.load().await
    }

    async fn create(&self, genesis: Genesis<Quarantine>) -> Result<Swap<Quarantine>, TargetError> {
        self.inner.create(genesis).await
    }

    async fn swap(&self, permit: Permit<Quarantine>, rider: Rider) -> Result<Swap<Quarantine>, TargetError> {
        self.swaps.fetch_add(1, Ordering::Relaxed);
        self.inner.swap(permit, rider).await
    }
}

impl Target for Stubborn {
    fn id(&self) -> &TargetId {
        self.inner.id()
    }

    fn zone(&self) -> &OwnerName {
        self.inner.zone()
    }

    fn layout(&self) -> Layout {
        self.inner.layout()
    }

    fn outline(&self, plan: &Plan, basis: &Basis) -> Outline {
        self.inner.outline(plan, basis)
    }

    fn repair_limit(&self) -> usize {
        self.inner.repair_limit()
    }

    async fn audit(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Result<Audit, TargetError> {
        let mut audit = self.inner.audit(plan, set_aside).await?;
        audit.differing.extend(self.differs.clone());
        Ok(audit)
    }
}

#[test]
fn what_does_not_stay_as_it_is_put_is_put_once_a_pass() {
    let target = Stubborn::new(Some("info.example."));
    let world = World::around(Arc::clone(&target));
    block_on(async {
        world.publish(1).await;
        let mut enactor = world.enactor_at(&target, "e1");
        assert_eq!(enactor.pass().await, Ok(Rest::Stale));
        for _ in 0..3 {
            target.swaps();
            assert_eq!(enactor.pass().await, Ok(Rest::Stale));
            assert_eq!(target.swaps(), 1, "one repair, then a rest");
        }
    });
}

#[test]
fn a_plan_that_was_given_up_is_tried_again_only_now_and_then() {
    let target = Stubborn::new(None);
    let world = World::around(Arc::clone(&target));
    block_on(async {
        let plan = world.publish(1).await;
        target.inner.reject(plan.zone().nodes().map(|(owner, _)| owner.clone()).collect());
        let config = Config { patience: 10, quarantine_limit: 2, ..Config::default() };
        let mut enactor = world.enactor_at(&target, "e1").with_config(config);
        assert_eq!(enactor.pass().await, Ok(Rest::Demanded(plan.generation())));
        target.swaps();
        let mut tries = 0;
        for _ in 0..40 {
            assert_eq!(enactor.pass().await, Ok(Rest::Demanded(plan.generation())));
            tries += usize::from(target.swaps() > 0);
        }
        assert_eq!(tries, 4, "once in ten rests");
        target.inner.reject(BTreeSet::new());
        let mut rest = enactor.pass().await;
        for _ in 0..10 {
            rest = enactor.pass().await;
        }
        assert_eq!(
            rest,
            Ok(Rest::Live(plan.generation())),
            "it is found out when the target changes its mind"
        );
    });
}
