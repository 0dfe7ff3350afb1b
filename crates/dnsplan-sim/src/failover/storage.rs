//! What is written: storage that both nodes share, with the floor beside the data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dnsplan_fence::Generation;
use dnsplan_leadership::{
    BelowFloor, Epoch, Fenced, Floor, Order, Position, Receipt, Token, WriteId, Written,
};

use super::outcome::Weak;
use super::register::Lost;
use super::world::World;
use crate::wire::{Loss, Op, Wire};

/// Which life of which node; true whatever that node says of itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Life {
    pub(super) node: usize,
    pub(super) number: u64,
}

/// A write that took effect. Its position is its place in the log, from 1.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    pub(super) epoch: Epoch,
    pub(super) by: Life,
    pub(super) id: WriteId,
    pub(super) at_ms: u64,
}

/// A write that did not.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) epoch: Epoch,
    pub(super) by: Life,
    pub(super) at_ms: u64,
    pub(super) why: BelowFloor,
}

/// Everything that is stored.
#[derive(Default)]
pub(super) struct Storage {
    pub(super) floor: Floor,
    pub(super) log: Vec<Accepted>,
    /// Where each write is: one that arrives again is not done again.
    places: BTreeMap<WriteId, Position>,
    /// The epochs that were ordered to be sealed, in order.
    pub(super) sealed: Vec<Epoch>,
    pub(super) refused: Vec<Refused>,
    /// By client and epoch, for the monitor.
    pub(super) counters: BTreeMap<(u32, Epoch), u64>,
    /// What a seal answered last, for those who take it for whatever epoch there is.
    answered: Option<Position>,
}

/// A write of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datum {
    pub(super) client: u32,
}

impl Storage {
    fn last(&self) -> Position {
        Position::new(self.log.len() as u64)
    }

    /// One atomic step.
    fn write(&mut self, is_checked: bool, write: Accepted, client: u32) -> Written {
        if let Some(position) = self.places.get(&write.id) {
            return Written::Applied(*position);
        }
        match self.floor.admit(write.epoch) {
            Ok(floor) => self.floor = floor,
            Err(why) if is_checked => {
                *self.counters.entry((client, write.epoch)).or_default() += 1;
                self.refused.push(Refused { epoch: write.epoch, by: write.by, at_ms: write.at_ms, why });
                return Written::Fenced(why);
            }
            Err(_) => {}
        }
        let id = write.id;
        self.log.push(write);
        self.places.insert(id, self.last());
        Written::Applied(self.last())
    }

    /// One atomic step.
    fn seal(&mut self, epoch: Epoch) -> Position {
        self.floor = self.floor.seal(epoch);
        if !self.sealed.contains(&epoch) {
            self.sealed.push(epoch);
        }
        self.answered = Some(self.last());
        self.last()
    }

    /// Accepts an epoch again.
    pub(super) fn reopen(&mut self, epoch: Generation) {
        self.floor = self.floor.min(Floor::recorded(epoch));
    }
}

/// The storage, as one actor reaches it.
pub(super) struct Device {
    pub(super) world: Arc<World>,
    pub(super) wire: Wire,
    /// Which life writes through it; `None` for coordinators, who seal.
    pub(super) life: Option<Life>,
}

impl Fenced for Device {
    type Write = Datum;
    type Error = Lost;

    async fn write(&self, token: &Token, id: WriteId, datum: Datum) -> Result<Written, Lost> {
        let by = self.life.ok_or(Lost)?;
        // What was decided on is sent when the process goes on, however much later that is.
        self.world.resumed(by.node).await;
        let (world, epoch) = (Arc::clone(&self.world), token.epoch());
        let is_checked = !world.is_without(Weak::Seal);
        let op = Op {
            text: format!("a write under epoch {epoch}"),
            generation: Some(epoch.into()),
            ..Op::write("write")
        };
        let effect = move || {
            let write = Accepted { epoch, by, id, at_ms: world.core.now() };
            world.core.touch();
            Ok(world.storage().write(is_checked, write, datum.client))
        };
        let lost = move |loss| match loss {
            Loss::Throttled => Err(Lost),
            Loss::TimedOut => Ok(Written::Unknown(id)),
        };
        self.wire.call(op, effect, lost).await
    }

    async fn seal(&self, order: Order) -> Result<Receipt, Lost> {
        let world = Arc::clone(&self.world);
        if world.is_without(Weak::ReceiptEpoch)
            && let Some(position) = world.storage().answered
        {
            return Ok(order.done(position));
        }
        let (epoch, mut order, mut receipt) = (order.epoch(), Some(order), None);
        let op = Op {
            text: format!("the order to seal epoch {epoch}"),
            generation: Some(epoch.into()),
            ..Op::write("seal")
        };
        let effect = move || {
            let position = world.storage().seal(epoch);
            world.core.touch();
            receipt = order.take().map(|order| order.done(position)).or(receipt);
            receipt.ok_or(Lost)
        };
        self.wire.call(op, effect, |_| Err(Lost)).await
    }
}

/// How often, when first and last, and why each life's writes under each epoch were refused.
pub(super) fn in_rows(refused: &[Refused]) -> Vec<(Life, Epoch, u64, u64, u64, BelowFloor)> {
    let keys: BTreeSet<(Epoch, Life)> = refused.iter().map(|one| (one.epoch, one.by)).collect();
    let row = |(epoch, by): (Epoch, Life)| {
        let of: Vec<&Refused> = refused.iter().filter(|one| (one.epoch, one.by) == (epoch, by)).collect();
        let (first, last) = (of.first()?, of.last()?);
        Some((by, epoch, first.at_ms, last.at_ms, of.len() as u64, first.why))
    };
    keys.into_iter().filter_map(row).collect()
}
