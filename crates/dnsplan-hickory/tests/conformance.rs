//! The suite that every target must pass.

use std::sync::Arc;

use dnsplan_enactor::conformance::{self, Harness, Tamper, block_on};
use dnsplan_hickory::{HickoryTarget, NoJournal};
use dnsplan_plan::{Node, OwnerName, TargetId};

struct InProcess;

impl Harness for InProcess {
    type Target = HickoryTarget;

    async fn make(&self, zone: &OwnerName) -> Arc<HickoryTarget> {
        Arc::new(HickoryTarget::new(TargetId::new("hickory"), zone.clone(), NoJournal))
    }

    async fn answer(&self, target: &HickoryTarget, owner: &OwnerName) -> Option<Arc<Node>> {
        target.snapshot()?.value().plan().zone().node(owner).cloned()
    }

    /// Nobody reaches past the fence of a target in this process.
    async fn tamper(&self, _: &HickoryTarget, _: Tamper) -> bool {
        false
    }
}

#[test]
fn it_conforms() {
    let passed = block_on(conformance::all(&InProcess));
    assert!(passed.contains(&"stale_enactor_is_refused"), "{passed:?}");
}
