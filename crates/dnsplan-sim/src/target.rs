//! A target at the end of a wire, and what the weak switches take away from it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use dnsplan_enactor::conformance::{Contents, MemoryTarget, Request};
use dnsplan_enactor::{
    Audit, Basis, FenceRecord, Layout, Outline, Quarantine, Rider, Target, TargetError, TreeName,
};
use dnsplan_fence::{Generation, Genesis, Move, Observed, Permit, Register, Swap};
use dnsplan_plan::{OwnerName, Plan, TargetId};

use crate::log::Log;
use crate::trace::{Refusal, Weak};
use crate::wire::{Loss, Op, Wire};

/// What somebody did by hand: nobody blames the engine for these owner names until it has put them right.
pub(crate) type Damaged = BTreeSet<(Option<TreeName>, OwnerName)>;

/// A target, as the world sees it.
pub(crate) struct Place {
    pub(crate) id: TargetId,
    pub(crate) target: MemoryTarget,
    without: BTreeSet<Weak>,
    damaged: Mutex<Damaged>,
}

/// A backup of a target.
#[derive(Clone)]
pub(crate) struct Backup {
    contents: Contents,
    damaged: Damaged,
}

impl Place {
    pub(crate) fn new(id: &str, target: MemoryTarget, without: BTreeSet<Weak>) -> Self {
        Self { id: TargetId::new(id), target, without, damaged: Mutex::default() }
    }

    /// What was damaged by hand and has not been put right.
    pub(crate) fn damaged(&self) -> MutexGuard<'_, Damaged> {
        self.damaged.lock().expect("invariant: nothing panics while it is locked")
    }

    pub(crate) fn backup(&self) -> Backup {
        Backup { contents: self.target.contents(), damaged: self.damaged().clone() }
    }

    pub(crate) fn restore(&self, backup: Backup) {
        self.target.replace(backup.contents);
        *self.damaged() = backup.damaged;
    }

    /// Deletes by hand whatever we have at an owner name.
    pub(crate) fn damage(&self, owner: &OwnerName) {
        let mut damaged = self.damaged();
        let is_tree = self.target.layout() == Layout::Tree;
        self.target.edit(|contents| {
            if is_tree {
                for (name, tree) in &mut contents.trees {
                    tree.remove(owner);
                    damaged.insert((Some(*name), owner.clone()));
                }
            } else {
                contents.nodes.remove(owner);
                damaged.insert((None, owner.clone()));
            }
        });
    }

    fn is_without(&self, weak: Weak) -> bool {
        self.without.contains(&weak)
    }

    /// A conditional write arrives.
    fn receive(&self, request: &Request) -> Result<Swap<Quarantine>, TargetError> {
        let is_placing = matches!(request.action, Move::Stage(_) | Move::Flip(_) | Move::Apply(_));
        if self.is_without(Weak::Repair) {
            self.needs_its_books(request)?;
        }
        if self.is_without(Weak::ApplyFence)
            && is_placing
            && let Some(expected) = self.target.contents().record()
        {
            return self.target.receive(&Request { expected, ..request.clone() });
        }
        self.target.receive(request)
    }

    /// The wedge of October: the transaction that flips also points a rollback record at what was active; where that is
    /// missing, the whole transaction fails. And nothing is ever repaired.
    fn needs_its_books(&self, request: &Request) -> Result<(), TargetError> {
        let refuse = |why: &str| Err(TargetError::Misconfigured(why.to_owned()));
        if request.action == Move::Repair {
            return refuse("there is no repair: a plan is applied once");
        }
        let contents = self.target.contents();
        let is_missing =
            |name: &TreeName| contents.trees.get(name).is_none_or(std::collections::BTreeMap::is_empty);
        if matches!(request.action, Move::Flip(_) | Move::Apply(_))
            && contents.pointers.values().any(is_missing)
        {
            return refuse("the rollback record cannot be pointed at the active plan: it is missing");
        }
        Ok(())
    }

    fn begin(&self, replaces: Option<&[u8]>, record: &FenceRecord) -> Result<Swap<Quarantine>, TargetError> {
        let is_first = self.target.contents() == Contents::default();
        if self.is_without(Weak::Repair) && !is_first {
            return Err(TargetError::Misconfigured("the record of what is live is missing".to_owned()));
        }
        Ok(self.target.begin(replaces, record))
    }
}

/// One actor's way to a target.
pub(crate) struct WiredTarget {
    pub(crate) wire: Wire,
    pub(crate) place: Arc<Place>,
}

impl Register for WiredTarget {
    type Payload = Quarantine;
    type Rider = Rider;
    type Error = TargetError;

    async fn load(&self) -> Result<Observed<Quarantine>, TargetError> {
        let place = Arc::clone(&self.place);
        self.wire.call(Op::read("load"), move || place.target.found(), |loss| Err(loss.at_target())).await
    }

    async fn create(&self, genesis: Genesis<Quarantine>) -> Result<Swap<Quarantine>, TargetError> {
        let (place, core) = (Arc::clone(&self.place), self.wire.net.core.clone());
        let effect = move || {
            core.touch();
            place.begin(genesis.replaces(), genesis.record())
        };
        self.wire.call(Op::write("create"), effect, unsettled).await
    }

    async fn swap(&self, permit: Permit<Quarantine>, rider: Rider) -> Result<Swap<Quarantine>, TargetError> {
        let request = Request::new(permit, rider);
        let op = self.op(&request);
        let (place, net, name) =
            (Arc::clone(&self.place), Arc::clone(&self.wire.net), Arc::clone(self.wire.name()));
        let effect = move || {
            net.core.touch();
            let swap = place.receive(&request)?;
            match &swap {
                Swap::Won => net.log.place(request.next.generation, request.next.by.as_str()),
                Swap::Lost(now) => {
                    net.log.refuse(|| refusal(&net.log, &name, &request, now.as_ref(), &net.core))
                }
                Swap::Unknown => {}
            }
            Ok(swap)
        };
        self.wire.call(op, effect, unsettled).await
    }
}

impl WiredTarget {
    /// Deletes a tree without asking anybody: what a clean-up without a fence does.
    pub(crate) async fn delete_unasked(&self, generation: Generation) {
        let (place, core) = (Arc::clone(&self.place), self.wire.net.core.clone());
        let effect = move || {
            core.touch();
            place.target.edit(|contents| contents.trees.retain(|name, _| name.generation != generation));
        };
        self.wire.call(Op::write("delete"), effect, |_| ()).await;
    }

    fn op(&self, request: &Request) -> Op {
        let text = if self.wire.net.log.is_kept() {
            format!("generation {}, {},", request.offered(), action(request.action))
        } else {
            String::new()
        };
        let part = match request.action {
            Move::Stage(part) | Move::Flip(part) | Move::Apply(part) => Some(part.index() + 1),
            _ => None,
        };
        Op { text, generation: Some(request.offered()), part, ..Op::write(kind(request.action)) }
    }
}

/// A write without a reply: who was told that it is too busy knows that nothing happened, anybody else knows nothing.
fn unsettled(loss: Loss) -> Result<Swap<Quarantine>, TargetError> {
    match loss {
        Loss::TimedOut => Ok(Swap::Unknown),
        Loss::Throttled => Err(loss.at_target()),
    }
}

fn refusal(
    log: &Log,
    actor: &Arc<str>,
    request: &Request,
    now: Option<&FenceRecord>,
    core: &crate::exec::Core,
) -> Refusal {
    let expected = request.expected.generation;
    let live = now.map_or(Generation::ZERO, |now| now.generation);
    let live_by = log.placed_by(live);
    let why = if now.is_none() {
        format!("made for a record at {expected}; there is no readable record any more")
    } else if expected == live {
        format!("the record of generation {live} has been rewritten since it was read")
    } else {
        format!("made for a record at {expected}; {live} is live, put in place by {live_by}")
    };
    Refusal {
        step: core.step(),
        at_ms: core.now(),
        actor: Arc::clone(actor),
        action: action(request.action),
        offered: request.offered(),
        expected,
        live,
        live_by,
        why,
        was_sent: true,
    }
}

/// The kind of a write, as scenarios name it.
pub(crate) const fn kind(action: Move) -> &'static str {
    match action {
        Move::Stage(_) => "stage",
        Move::Flip(_) => "flip",
        Move::Apply(_) => "apply",
        Move::Repair => "repair",
        Move::RaiseFloor(_) => "floor",
        Move::Reap(_) => "reap",
        Move::Freeze(_) => "freeze",
    }
}

/// What a write does, in words.
pub(crate) fn action(action: Move) -> String {
    let of = |part: dnsplan_fence::Part| format!("part {} of {}", part.index() + 1, part.of());
    match action {
        Move::Stage(part) => format!("staging {}", of(part)),
        Move::Flip(part) => format!("flip {}", of(part)),
        Move::Apply(part) => format!("apply {}", of(part)),
        Move::Repair => "repair".to_owned(),
        Move::RaiseFloor(floor) => format!("floor {floor}"),
        Move::Reap(generation) => format!("deletion of the tree of {generation}"),
        Move::Freeze(id) => format!("freeze {id}"),
    }
}

impl Target for WiredTarget {
    fn id(&self) -> &TargetId {
        &self.place.id
    }

    fn zone(&self) -> &OwnerName {
        self.place.target.zone()
    }

    fn layout(&self) -> Layout {
        self.place.target.layout()
    }

    fn outline(&self, plan: &Plan, basis: &Basis) -> Outline {
        self.place.target.outline(plan, basis)
    }

    fn repair_limit(&self) -> usize {
        self.place.target.repair_limit()
    }

    async fn audit(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Result<Audit, TargetError> {
        let (place, plan, set_aside) = (Arc::clone(&self.place), plan.clone(), set_aside.clone());
        let effect = move || Ok(place.target.inspect(&plan, &set_aside));
        self.wire.call(Op::read("audit"), effect, |loss| Err(loss.at_target())).await
    }
}
