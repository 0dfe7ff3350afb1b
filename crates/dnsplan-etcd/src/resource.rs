//! The resource: one transaction compares the floor, raises it, and writes.

use dnsplan_fence::Generation;
use dnsplan_leadership::{BelowFloor, Epoch, Fenced, Order, Position, Receipt, Token, WriteId, Written};
use etcd_client::{Compare, CompareOp, DeleteOptions, KeyValue, Txn, TxnOp, TxnOpResponse, TxnResponse};

use crate::error::is_certain;
use crate::place::digits;
use crate::{Error, Place, Write};

/// Keys of an etcd cluster, written under a token.
#[derive(Clone, Debug)]
pub struct EtcdResource {
    place: Place,
}

/// What became of a write whose reply was lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// It took effect, here.
    Applied(Position),
    /// It has not, and never will: its epoch is over.
    Never,
    /// It has not, and may yet: its epoch is in force.
    NotYet,
}

impl EtcdResource {
    pub(crate) const fn new(place: Place) -> Self {
        Self { place }
    }

    /// Where the last accepted write is, in revisions of the cluster. Every member has everything up to there.
    ///
    /// # Errors
    /// [`Error`] where etcd was not reached.
    pub async fn applied(&self) -> Result<Position, Error> {
        let answer = self.place.client.kv_client().get(self.place.last(), None).await?;
        position(answer.kvs())
    }

    /// What became of a write, by its id.
    ///
    /// # Errors
    /// [`Error`] where etcd was not reached, or there is no floor.
    pub async fn lookup(&self, token: &Token, id: WriteId) -> Result<Found, Error> {
        let keys = [self.place.write(token.epoch(), id), self.place.floor()];
        let request = Txn::new().and_then(keys.map(|key| TxnOp::get(key, None)));
        let answer = self.place.client.kv_client().txn(request).await?;
        let (write, floor) = (got(&answer, 0)?, self.floor(&got(&answer, 1)?)?);
        Ok(match write.first() {
            Some(pair) => Found::Applied(revision(pair.mod_revision())?),
            None if Generation::from(token.epoch()) < floor => Found::Never,
            None => Found::NotYet,
        })
    }

    /// Forgets the writes of the epochs below one, which can be looked up no more. Gives how many.
    ///
    /// # Errors
    /// [`Error`] where etcd was not reached.
    pub async fn prune(&self, below: Epoch) -> Result<u64, Error> {
        let range = DeleteOptions::new().with_range(self.place.writes(below.get()));
        let answer = self.place.client.kv_client().delete(self.place.writes(0), Some(range)).await?;
        Ok(u64::try_from(answer.deleted()).unwrap_or_default())
    }

    fn floor(&self, found: &[KeyValue]) -> Result<Generation, Error> {
        let pair = found.first().ok_or_else(|| Error::NoFloor(self.place.floor()))?;
        let text = pair.value_str().ok().filter(|text| text.len() == 20);
        let number = text.and_then(|text| text.parse().ok());
        number.map(Generation::new).ok_or_else(|| Error::BadFloor(self.place.floor()))
    }

    /// That the floor is at most `epoch`.
    fn admits(&self, epoch: Epoch) -> Compare {
        match epoch.get().checked_add(1) {
            Some(next) => Compare::value(self.place.floor(), CompareOp::Less, digits(next)),
            None => Compare::value(self.place.floor(), CompareOp::Equal, digits(epoch.get())),
        }
    }
}

impl Fenced for EtcdResource {
    type Write = Write;
    type Error = Error;

    async fn write(&self, token: &Token, id: WriteId, write: Write) -> Result<Written, Error> {
        let Write { mut when, mut then, keys } = write;
        if let Some(key) = keys.iter().find(|key| self.place.is_reserved(key)) {
            return Err(Error::Reserved(String::from_utf8_lossy(key).into_owned()));
        }
        let epoch = token.epoch();
        when.push(self.admits(epoch));
        then.push(TxnOp::put(self.place.floor(), digits(epoch.get()), None));
        then.push(TxnOp::put(self.place.last(), id.to_string(), None));
        then.push(TxnOp::put(self.place.write(epoch, id), "", None));
        let request = Txn::new().when(when).and_then(then).or_else([TxnOp::get(self.place.floor(), None)]);
        match self.place.client.kv_client().txn(request).await {
            Ok(answer) if answer.succeeded() => Ok(match answer.header() {
                Some(header) => Written::Applied(revision(header.revision())?),
                None => Written::Unknown(id),
            }),
            Ok(answer) => match self.floor(&got(&answer, 0)?)? {
                floor if Generation::from(epoch) < floor => {
                    Ok(Written::Fenced(BelowFloor { mine: epoch, floor }))
                }
                _ => Err(Error::Unmet),
            },
            Err(error) if is_certain(&error) => Err(error.into()),
            Err(_) => Ok(Written::Unknown(id)),
        }
    }

    async fn seal(&self, order: Order) -> Result<Receipt, Error> {
        let epoch = order.epoch();
        let above = epoch.get().saturating_add(1);
        let [floor, last] = [self.place.floor(), self.place.last()].map(|key| TxnOp::get(key, None));
        let request = Txn::new()
            .when([self.admits(epoch)])
            .and_then([TxnOp::put(self.place.floor(), digits(above), None), last.clone()])
            .or_else([floor, last]);
        let answer = self.place.client.kv_client().txn(request).await?;
        if !answer.succeeded() {
            self.floor(&got(&answer, 0)?)?;
        }
        Ok(order.done(position(&got(&answer, 1)?)?))
    }
}

/// What the get at this place of a transaction found.
pub(crate) fn got(answer: &TxnResponse, at: usize) -> Result<Vec<KeyValue>, Error> {
    match answer.op_responses().into_iter().nth(at) {
        Some(TxnOpResponse::Get(mut found)) => Ok(found.take_kvs()),
        _ => Err(Error::Answer("what a transaction was to read")),
    }
}

/// Where the last accepted write is, by the key that each of them touches.
fn position(last: &[KeyValue]) -> Result<Position, Error> {
    last.first().map_or(Ok(Position::START), |pair| revision(pair.mod_revision()))
}

fn revision(number: i64) -> Result<Position, Error> {
    u64::try_from(number).map(Position::new).map_err(|_| Error::Answer("a revision"))
}
