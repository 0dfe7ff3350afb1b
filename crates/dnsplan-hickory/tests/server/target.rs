//! The target: its fence, its journal, its trees, and how it comes back after a restart.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use dnsplan_enactor::{
    Basis, FenceRecord, Layout, Outline, Quarantine, Rider, Target, TargetError, TreeName,
};
use dnsplan_fence::{FreezeId, Generation, Move, Observed, Offer, Part, Register, Swap};
use dnsplan_hickory::{Handler, HickoryTarget, Journal, JournalError, NoJournal, RestoreError};
use dnsplan_plan::{OwnerName, Plan, TargetId};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::common::{Running, me, nonce, now, part, permit, plan, publish, question, sighting};
use crate::{empty_target, over_udp, zone};

/// A journal that can be made to fail.
#[derive(Clone, Default)]
struct Disk {
    records: Arc<Mutex<Vec<FenceRecord>>>,
    is_full: Arc<AtomicBool>,
}

impl Disk {
    fn last(&self) -> FenceRecord {
        self.records.lock().unwrap().last().expect("a record").clone()
    }
}

impl Journal for Disk {
    fn persist(&self, record: &FenceRecord) -> Result<(), JournalError> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(JournalError::new("the disk is full"));
        }
        self.records.lock().unwrap().push(record.clone());
        Ok(())
    }
}

fn on_disk(disk: &Disk) -> HickoryTarget {
    HickoryTarget::new(TargetId::new("t"), "example.".parse().unwrap(), disk.clone())
}

fn restored(record: FenceRecord, live: Option<Arc<Plan>>) -> Result<HickoryTarget, RestoreError> {
    HickoryTarget::restored(TargetId::new("t"), "example.".parse().unwrap(), record, live, NoJournal)
}

/// The plan of a generation, with an address that tells which.
fn numbered(generation: u8) -> Arc<Plan> {
    plan(generation.into(), zone("example.", &[&format!("www A 192.0.2.{generation}")]))
}

fn live(target: &HickoryTarget) -> Option<u64> {
    target.snapshot().map(|live| live.generation().get())
}

fn record(target: &HickoryTarget) -> FenceRecord {
    match now(target.load()).unwrap() {
        Observed::Record(record) => record,
        other => panic!("{other:?}"),
    }
}

fn names(target: &HickoryTarget, plan: &Plan) -> Vec<u64> {
    let trees = now(target.audit(plan, &BTreeSet::new())).unwrap().trees;
    trees.into_iter().map(|tree| tree.generation.get()).collect()
}

#[test]
fn it_says_what_it_is() {
    let target = empty_target("example.");
    assert_eq!((target.id().as_str(), target.zone().to_string()), ("example.", "example.".to_owned()));
    assert_eq!(target.layout(), Layout::Whole);
    assert_eq!(target.outline(&numbered(1), &Basis::Unknown), Outline { stage: 0, place: 1 });
    assert!(target.repair_limit() > 1_000_000);
}

#[test]
fn what_cannot_be_made_durable_is_never_visible() {
    let disk = Disk::default();
    let target = on_disk(&disk);
    disk.is_full.store(true, Ordering::Relaxed);
    let genesis = now(target.load()).unwrap().genesis(nonce(), &me(), Quarantine::default()).unwrap();
    let failed = now(target.create(genesis));
    assert!(
        matches!(&failed, Err(TargetError::Unavailable(why)) if why.contains("disk is full")),
        "{failed:?}"
    );
    assert_eq!(now(target.load()), Ok(Observed::Absent));

    disk.is_full.store(false, Ordering::Relaxed);
    publish(&target, &numbered(1));
    disk.is_full.store(true, Ordering::Relaxed);
    let (before, second) = (record(&target), numbered(2));
    let failed = now(target.swap(permit(&target, &second, Move::Apply(Part::ONLY)), part(&second)));
    assert!(matches!(failed, Err(TargetError::Unavailable(_))), "{failed:?}");
    assert_eq!((live(&target), record(&target)), (Some(1), before));
    assert_eq!(names(&target, &numbered(1)), [1]);

    disk.is_full.store(false, Ordering::Relaxed);
    publish(&target, &second);
    assert_eq!(live(&target), Some(2));
}

#[test]
fn every_record_that_is_granted_is_in_the_journal() {
    let disk = Disk::default();
    let target = on_disk(&disk);
    publish(&target, &numbered(1));
    publish(&target, &numbered(3));
    let third = numbered(3);
    let raise = permit(&target, &third, Move::RaiseFloor(Generation::new(3)));
    assert_eq!(now(target.swap(raise, Rider::Nothing)), Ok(Swap::Won));
    assert_eq!(disk.last(), record(&target));
    let freeze = sighting(&target, 3).freeze(FreezeId::new(5), nonce(), &me());
    assert_eq!(now(target.swap(freeze, Rider::Nothing)), Ok(Swap::Won));
    assert_eq!(disk.last(), record(&target));
    let generations: Vec<u64> =
        disk.records.lock().unwrap().iter().map(|record| record.generation.get()).collect();
    assert_eq!(generations, [0, 1, 3, 3, 3]);
}

#[test]
fn a_record_is_durable_before_anybody_sees_it() {
    /// The generation that was being made durable, and the live one.
    type Seen = (u64, Option<u64>);
    /// Looks at what is live while a record is being made durable.
    #[derive(Clone, Default)]
    struct Looking {
        target: Arc<OnceLock<HickoryTarget>>,
        seen: Arc<Mutex<Vec<Seen>>>,
    }
    impl Journal for Looking {
        fn persist(&self, record: &FenceRecord) -> Result<(), JournalError> {
            let live = live(self.target.get().expect("the target is there"));
            self.seen.lock().unwrap().push((record.generation.get(), live));
            Ok(())
        }
    }
    let journal = Looking::default();
    let target = HickoryTarget::new(TargetId::new("t"), "example.".parse().unwrap(), journal.clone());
    journal.target.set(target.clone()).expect("it is set once");
    publish(&target, &numbered(1));
    publish(&target, &numbered(2));
    assert_eq!(*journal.seen.lock().unwrap(), [(0, None), (1, None), (2, Some(1))]);
}

#[test]
fn a_lost_swap_is_not_journaled() {
    let disk = Disk::default();
    let target = on_disk(&disk);
    let (first, second) = (numbered(1), numbered(2));
    let _ = sighting(&target, 1);
    let late = permit(&target, &first, Move::Apply(Part::ONLY));
    publish(&target, &second);
    let lost = now(target.swap(late, part(&first))).unwrap();
    assert_eq!(lost, Swap::Lost(Some(record(&target))));
    assert_eq!((live(&target), disk.last().generation), (Some(2), Generation::new(2)));
}

#[test]
fn g8_a_restart_goes_on_where_the_journal_ends() {
    let disk = Disk::default();
    let before = on_disk(&disk);
    publish(&before, &numbered(1));
    publish(&before, &numbered(4));
    drop(before);

    let target = restored(disk.last(), Some(numbered(4))).unwrap();
    let server = Running::start(Handler::new([target.clone()]).unwrap());
    let response = over_udp(server.address, &question("www.example.", RecordType::A));
    assert_eq!(response.answers[0].data.to_string(), "192.0.2.4");
    let seen = sighting(&target, 9);
    let stale = seen.permit(&numbered(3), Move::Apply(Part::ONLY), nonce(), &me());
    assert!(stale.is_err(), "an older plan gets no permit: {stale:?}");
    publish(&target, &numbered(5));
    assert_eq!(live(&target), Some(5));
}

#[test]
fn a_restart_without_the_plan_fails_until_it_is_repaired() {
    let disk = Disk::default();
    publish(&on_disk(&disk), &numbered(4));
    let (target, plan) = (restored(disk.last(), None).unwrap(), numbered(4));
    let server = Running::start(Handler::new([target.clone()]).unwrap());
    let ask = || over_udp(server.address, &question("www.example.", RecordType::A)).metadata.response_code;
    assert_eq!(ask(), ResponseCode::ServFail);
    let audit = now(target.audit(&plan, &BTreeSet::new())).unwrap();
    assert_eq!((audit.differing.len(), audit.trees.len()), (plan.zone().len(), 0));
    let repair = Rider::Repair { plan: Arc::clone(&plan), owners: audit.differing };
    assert_eq!(now(target.swap(permit(&target, &plan, Move::Repair), repair)), Ok(Swap::Won));
    assert_eq!(ask(), ResponseCode::NoError);
    assert!(now(target.audit(&plan, &BTreeSet::new())).unwrap().differing.is_empty());
}

#[test]
fn it_is_not_restored_with_a_plan_that_the_record_does_not_grant() {
    let disk = Disk::default();
    publish(&on_disk(&disk), &numbered(4));
    let other_content = plan(4, zone("example.", &["www A 192.0.2.99"]));
    for wrong in [numbered(3), numbered(5), other_content] {
        let refused = restored(disk.last(), Some(wrong)).unwrap_err();
        assert!(matches!(refused, RestoreError::OtherPlan { .. }), "{refused}");
    }
    let refused = restored(disk.last(), Some(plan(4, zone("other.", &[])))).unwrap_err();
    assert!(matches!(refused, RestoreError::OtherZone { .. }), "{refused}");
}

#[test]
fn an_audit_names_what_differs_and_which_trees_there_are() {
    let target = empty_target("example.");
    let lines = ["www A 192.0.2.1", "old A 192.0.2.2", "same A 192.0.2.3"];
    let first = plan(1, zone("example.", &lines));
    publish(&target, &first);
    let second = plan(2, zone("example.", &["www A 192.0.2.9", "same A 192.0.2.3", "new A 192.0.2.4"]));
    let owner = |name: &str| -> OwnerName { format!("{name}.example.").parse().unwrap() };
    let audit = now(target.audit(&second, &BTreeSet::new())).unwrap();
    assert_eq!(audit.differing, ["www", "old", "new"].map(owner).into());
    let audit = now(target.audit(&second, &[owner("www")].into())).unwrap();
    assert_eq!(audit.differing, ["old", "new"].map(owner).into());
    publish(&target, &second);
    let audit = now(target.audit(&second, &BTreeSet::new())).unwrap();
    assert!(audit.differing.is_empty());
    let tree = |plan: &Plan| TreeName { generation: plan.generation(), digest: plan.digest() };
    assert_eq!(audit.trees, [tree(&first), tree(&second)]);
}

#[test]
fn g3_a_tree_that_is_read_outlives_its_reaping() {
    let target = empty_target("example.");
    let plans = [1, 2, 3].map(numbered);
    publish(&target, &plans[0]);
    let reader = target.snapshot().unwrap();
    publish(&target, &plans[1]);
    publish(&target, &plans[2]);
    let newest = &plans[2];
    let raise = permit(&target, newest, Move::RaiseFloor(Generation::new(3)));
    assert_eq!(now(target.swap(raise, Rider::Nothing)), Ok(Swap::Won));
    let reap = |plan: &Plan| {
        let tree = TreeName { generation: plan.generation(), digest: plan.digest() };
        let permit = permit(&target, newest, Move::Reap(plan.generation()));
        assert_eq!(now(target.swap(permit, Rider::Reap { tree })), Ok(Swap::Won));
    };
    reap(&plans[0]);
    reap(&plans[1]);
    assert_eq!(names(&target, newest), [1, 3], "what is read stays");
    drop(reader);
    reap(&plans[0]);
    assert_eq!((names(&target, newest), live(&target)), (vec![3], Some(3)));
}

#[test]
fn a_rider_that_does_not_fit_its_permit_changes_nothing() {
    let target = empty_target("example.");
    let (first, second) = (numbered(1), numbered(2));
    publish(&target, &first);
    let tree =
        |generation, plan: &Plan| TreeName { generation: Generation::new(generation), digest: plan.digest() };
    let apply = Move::Apply(Part::ONLY);
    let in_two = Move::Apply(Part::new(0, 2).unwrap());
    let aside = Rider::Part {
        plan: Arc::clone(&second),
        basis: Arc::new(Basis::Unknown),
        set_aside: ["www.example.".parse().unwrap()].into(),
    };
    let repair = |plan: &Arc<Plan>| Rider::Repair { plan: Arc::clone(plan), owners: BTreeSet::new() };
    let misfits = [
        (&second, apply, Rider::Nothing),
        (&second, apply, part(&first)),
        (&second, apply, part(&plan(2, zone("example.", &[])))),
        (&second, apply, part(&plan(2, zone("other.", &[])))),
        (&second, apply, repair(&second)),
        (&second, apply, aside),
        (&second, in_two, part(&second)),
        (&second, Move::Stage(Part::ONLY), part(&second)),
        (&first, Move::Repair, part(&first)),
        (&first, Move::Repair, repair(&second)),
        (&first, Move::Repair, Rider::Nothing),
        (&first, Move::RaiseFloor(Generation::new(1)), part(&first)),
    ];
    for (offered, action, rider) in misfits {
        let (before, shown) = (record(&target), format!("{action:?} with {rider:?}"));
        let refused = now(target.swap(permit(&target, offered, action), rider));
        assert!(matches!(refused, Err(TargetError::Misconfigured(_))), "{shown}: {refused:?}");
        assert_eq!((live(&target), record(&target)), (Some(1), before), "{shown}");
    }

    publish(&target, &second);
    let raise = permit(&target, &second, Move::RaiseFloor(Generation::new(2)));
    assert_eq!(now(target.swap(raise, Rider::Nothing)), Ok(Swap::Won));
    for rider in
        [Rider::Nothing, Rider::Reap { tree: tree(2, &second) }, Rider::Reap { tree: tree(1, &second) }]
    {
        let refused = now(target.swap(permit(&target, &second, Move::Reap(Generation::new(1))), rider));
        assert!(matches!(refused, Err(TargetError::Misconfigured(_))), "{refused:?}");
    }
    assert_eq!(names(&target, &second), [1, 2]);
}
