//! The verdict: what must hold, looked at after every step at which anything may have changed, in what the register and the storage hold
//! and in what clients were told.

use std::collections::{BTreeMap, BTreeSet};

use dnsplan_fence::{Nonce, Record};
use dnsplan_leadership::{Epoch, HandoffId, Holder, Phase, Position, Seen, Term};

use super::facts;
use super::outcome::{Breach, Handover, Invariant, Weak};
use super::storage::{Accepted, Life};
use super::world::{CLIENTS, RECORD, STORAGE, VERDICT, World};

/// A hand-off, as the record has told of it.
struct Told {
    id: HandoffId,
    ends: Epoch,
    from: Holder,
    successor: String,
    began_ms: u64,
    ended: Option<(Epoch, Holder, dnsplan_leadership::Outcome)>,
}

/// Watches everything.
#[derive(Default)]
pub(super) struct Judge {
    pub(super) breaches: Vec<Breach>,
    pub(super) looks: u64,
    /// The record that was looked at last.
    attempt: Option<Nonce>,
    /// How much of the log, of the orders to seal and of what clients were told was looked at.
    accepted: usize,
    orders: usize,
    told: usize,
    /// Who has written under each epoch.
    writers: BTreeMap<Epoch, Life>,
    /// The highest epoch that was written, sealed and granted.
    written: Option<Epoch>,
    sealed: Option<Epoch>,
    granted: Option<Epoch>,
    /// Up to where the log was with each holder when it was granted its epoch.
    begins: BTreeMap<Epoch, u64>,
    refused: BTreeSet<(Epoch, Life)>,
    handoffs: Vec<Told>,
    /// The acknowledged writes, each with its epoch: a holder that is not there yet may lack them.
    acknowledged: Vec<(Position, Epoch)>,
}

impl Judge {
    /// Looks at everything.
    pub(super) fn look(&mut self, world: &World) {
        self.looks += 1;
        self.look_at_orders(world);
        self.look_at_log(world);
        self.look_at_record(world);
        self.look_at_refusals(world);
        self.look_at_clients(world);
    }

    pub(super) fn is_broken(&self, invariant: Invariant) -> bool {
        self.breaches.iter().any(|breach| breach.invariant == invariant)
    }

    /// Takes down that an invariant broke, where it is the first time.
    pub(super) fn breach(&mut self, world: &World, invariant: Invariant, text: String) {
        if self.is_broken(invariant) {
            return;
        }
        let (step, at_ms) = (world.core.step(), world.core.now());
        world.say(VERDICT, "broken", None, || format!("{}: {text}", invariant.failure()));
        let is_told = |fact: &&str| self.breaches.iter().any(|breach| breach.fact == Some(*fact));
        let fact = facts::mirrored(invariant, &world.without).filter(|fact| !is_told(fact));
        if let Some(fact) = fact {
            world.log.october(fact);
        }
        self.breaches.push(Breach { invariant, step, at_ms, text, fact });
    }

    fn look_at_orders(&mut self, world: &World) {
        let (orders, last, floor) = {
            let storage = world.storage();
            (storage.sealed[self.orders..].to_vec(), storage.log.len(), storage.floor)
        };
        self.orders += orders.len();
        for epoch in orders {
            let lowest = floor.lowest();
            world.say(STORAGE, "sealed", Some(epoch), || {
                let does = if world.is_without(Weak::Seal) {
                    "and does not check".to_owned()
                } else {
                    format!("and accepts nothing below {lowest}")
                };
                format!("is told to refuse epoch {epoch}, {does}; write {last} was the last one before")
            });
            self.sealed = self.sealed.max(Some(epoch));
        }
    }

    fn look_at_log(&mut self, world: &World) {
        let new: Vec<Accepted> = world.storage().log[self.accepted..].to_vec();
        for write in new {
            self.accepted += 1;
            let broken = self.judge_write(world, &write, self.accepted as u64);
            for (invariant, text) in broken {
                self.breach(world, invariant, text);
            }
            self.writers.entry(write.epoch).or_insert(write.by);
            self.written = self.written.max(Some(write.epoch));
        }
    }

    fn judge_write(&self, world: &World, write: &Accepted, position: u64) -> Vec<(Invariant, String)> {
        let mut broken = Vec::new();
        let (epoch, life) = (write.epoch, name(world, write.by));
        if let Some(other) = self.writers.get(&epoch).filter(|other| **other != write.by) {
            let other = name(world, *other);
            let text = format!("{life} and {other} have both written under epoch {epoch}");
            broken.push((Invariant::OneWriter, text));
        }
        if let Some(later) = self.written.filter(|later| *later > epoch) {
            let text = format!(
                "write {position}, of {life} under epoch {epoch}, was accepted after one of epoch {later}"
            );
            broken.push((Invariant::Monotone, text));
        }
        if self.sealed >= Some(epoch) {
            let text = format!(
                "write {position}, of {life} under epoch {epoch}, was accepted after that epoch's seal"
            );
            broken.push((Invariant::SealHolds, text));
        }
        if let Some(granted) = self.granted.filter(|granted| *granted > epoch) {
            let text = format!(
                "the holder of epoch {granted} lacks write {position}, of {life} under epoch {epoch}"
            );
            broken.push((Invariant::NothingLost, text));
        }
        broken
    }

    fn look_at_record(&mut self, world: &World) {
        let Some(record) = world.shelf().record.clone() else { return };
        if self.attempt == Some(record.attempt) {
            return;
        }
        self.attempt = Some(record.attempt);
        let Some(epoch) = Epoch::of(&record) else {
            world.say(RECORD, "begun", None, || "grants nothing yet".to_owned());
            return;
        };
        match record.payload.phase() {
            Phase::Open => self.opened(world, &record, epoch),
            Phase::Freezing(intent) => {
                let (Some(from), successor) =
                    (record.payload.holder().cloned(), intent.successor().to_string())
                else {
                    return;
                };
                let by = &record.by;
                world.say(RECORD, "freezing", Some(epoch), || {
                    format!("epoch {epoch} of {from} is to end, for {successor} ({by})")
                });
                let began_ms = world.core.now();
                self.handoffs.push(Told {
                    id: intent.id(),
                    ends: epoch,
                    from,
                    successor,
                    began_ms,
                    ended: None,
                });
            }
            Phase::Sealed(_, receipt) => {
                let (position, by) = (receipt.position(), &record.by);
                world.say(RECORD, "recorded", Some(epoch), || {
                    format!("epoch {epoch} is sealed at {position} ({by})")
                });
                self.sealed = self.sealed.max(Some(epoch));
            }
        }
    }

    fn opened(&mut self, world: &World, record: &Record<Term>, epoch: Epoch) {
        let Some(holder) = record.payload.holder() else { return };
        let (by, outcome) = (&record.by, record.payload.outcome());
        if self.granted >= Some(epoch) {
            world.say(RECORD, "reopened", Some(epoch), || {
                format!("epoch {epoch} of {holder} is open again ({by})")
            });
            return;
        }
        self.granted = Some(epoch);
        let what = outcome.map_or_else(|| "the first".to_owned(), |outcome| outcome.to_string());
        world.say(RECORD, "granted", Some(epoch), || {
            format!("epoch {epoch} is granted to {holder}: {what} ({by})")
        });
        let handoff = record.payload.origin().map(|origin| origin.handoff().id());
        if let (Some(told), Some(outcome)) =
            (self.handoffs.iter_mut().find(|told| Some(told.id) == handoff), outcome)
        {
            told.ended = Some((epoch, holder.clone(), outcome));
        }
        let has = world.nodes[world.index(&holder.node)].state().applied;
        self.begins.insert(epoch, has);
        let lacks = world.storage().log.get(has as usize).map(|write| (write.epoch, write.by, has + 1));
        if let Some((of, by, position)) = lacks.filter(|(of, ..)| *of < epoch) {
            let by = name(world, by);
            let text = format!(
                "{holder} was granted epoch {epoch} and lacks write {position}, of {by} under epoch {of}"
            );
            self.breach(world, Invariant::NothingLost, text);
        }
        let acknowledged = std::mem::take(&mut self.acknowledged);
        acknowledged.iter().for_each(|(position, of)| self.judge_acknowledged(world, *position, *of));
        self.acknowledged = acknowledged;
    }

    fn look_at_refusals(&mut self, world: &World) {
        let new = world.storage().refused.len();
        if new == 0 {
            return;
        }
        let last = world.storage().refused.last().cloned();
        let Some(one) = last.filter(|one| self.refused.insert((one.epoch, one.by))) else { return };
        let life = name(world, one.by);
        world.say(STORAGE, "refused", Some(one.epoch), || {
            format!(
                "refuses a write of {life} under epoch {}: it accepts nothing below {}",
                one.epoch, one.why.floor
            )
        });
    }

    fn look_at_clients(&mut self, world: &World) {
        let new = world.book().order[self.told..].to_vec();
        for (position, ..) in new {
            self.told += 1;
            let epoch = world.storage().log.get(position.get() as usize - 1).map(|write| write.epoch);
            if let Some(epoch) = epoch {
                self.judge_acknowledged(world, position, epoch);
                self.acknowledged.push((position, epoch));
            }
        }
    }

    /// Whoever was granted a later epoch has it.
    fn judge_acknowledged(&mut self, world: &World, position: Position, of: Epoch) {
        let lacks = self.begins.range(of..).find(|(epoch, has)| **epoch > of && **has < position.get());
        if let Some((epoch, _)) = lacks {
            let text = format!(
                "write {position}, of epoch {of}, was acknowledged, and the holder of epoch {epoch} lacks it"
            );
            self.breach(world, Invariant::AcknowledgedKept, text);
        }
    }

    /// The hand-offs, with what they cost.
    pub(super) fn handovers(&self, world: &World) -> Vec<Handover> {
        let storage = world.storage();
        let one = |told: &Told| {
            let last = storage.log.iter().rev().find(|write| write.epoch == told.ends);
            let next = told
                .ended
                .as_ref()
                .and_then(|(epoch, ..)| storage.log.iter().find(|write| write.epoch >= *epoch));
            Handover {
                ends: told.ends.get(),
                from: told.from.to_string(),
                successor: told.successor.clone(),
                began_ms: told.began_ms,
                ended: told
                    .ended
                    .as_ref()
                    .map(|(epoch, holder, outcome)| (epoch.get(), holder.to_string(), *outcome)),
                pause_ms: last.zip(next).map(|(last, next)| next.at_ms.saturating_sub(last.at_ms)),
                aborted: storage.refused.iter().filter(|refused| refused.epoch == told.ends).count() as u64,
            }
        };
        self.handoffs.iter().map(one).collect()
    }

    /// Whether everything is as it should be for good: a live node leads under an open epoch, and every client was told since `calm`
    /// of a write under it.
    pub(super) fn settled(world: &World, calm: u64) -> Result<(), String> {
        let seen = world.seen().ok_or_else(|| "there is no record".to_owned())?;
        let (Some(epoch), Some(holder)) = (seen.epoch(), seen.term().holder()) else {
            return Err("nothing is granted".to_owned());
        };
        if *seen.term().phase() != Phase::Open {
            return Err(format!("the hand-off of epoch {epoch} has not ended"));
        }
        let node = &world.nodes[world.index(&holder.node)];
        if node.holder() != *holder || node.state().claims() != Some(epoch) {
            return Err(format!("epoch {epoch} is open, and {holder} does not lead"));
        }
        let book = world.book();
        let is_served = |client: u32| {
            book.order.iter().rev().take_while(|(_, _, at)| *at > calm).any(|(_, whose, _)| *whose == client)
        };
        if let Some(client) = CLIENTS.clone().find(|client| !is_served(*client)) {
            return Err(format!("client-{} writes in vain under epoch {epoch}", client - CLIENTS.start + 1));
        }
        if is_wanted(world, &seen) {
            return Err("a hand-off that was asked for has not begun".to_owned());
        }
        if world.core.awaits_latecomers() {
            Err("requests are still on their way".to_owned())
        } else {
            Ok(())
        }
    }
}

/// Whether the provider waits for a hand-off of what is in force.
fn is_wanted(world: &World, seen: &Seen) -> bool {
    let wishes = world.wishes();
    wishes.demand.as_ref().is_some_and(|demand| seen.is_about(demand))
}

fn name(world: &World, life: Life) -> String {
    format!("{}.{}", world.nodes[life.node].name, life.number)
}
