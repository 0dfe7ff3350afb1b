//! The register: one key, compared whole in the transaction that replaces it.

use dnsplan_fence::{Genesis, Observed, Permit, Register, Swap};
use dnsplan_leadership::Term;
use dnsplan_leadership::text::{self, Malformed};
use etcd_client::{Compare, CompareOp, Txn, TxnOp};

use crate::error::is_certain;
use crate::resource::got;
use crate::{Error, Place};

/// A leadership record in etcd.
#[derive(Clone, Debug)]
pub struct EtcdRegister {
    place: Place,
}

impl EtcdRegister {
    pub(crate) const fn new(place: Place) -> Self {
        Self { place }
    }

    /// Puts `next` there where that compares, or nothing.
    async fn put(&self, compare: Compare, next: String) -> Result<Swap<Term>, Error> {
        let key = self.place.record();
        let request = Txn::new()
            .when([compare])
            .and_then([TxnOp::put(key.clone(), next, None)])
            .or_else([TxnOp::get(key, None)]);
        match self.place.client.kv_client().txn(request).await {
            Ok(answer) if answer.succeeded() => Ok(Swap::Won),
            Ok(answer) => {
                let there = got(&answer, 0)?;
                let text = there.first().and_then(|pair| pair.value_str().ok());
                Ok(Swap::Lost(text.and_then(|text| text::read(text).ok())))
            }
            Err(error) if is_certain(&error) => Err(error.into()),
            Err(_) => Ok(Swap::Unknown),
        }
    }
}

impl Register for EtcdRegister {
    type Payload = Term;
    type Rider = ();
    type Error = Error;

    async fn load(&self) -> Result<Observed<Term>, Error> {
        // Linearizable unless it is asked to be serializable: etcd asks a majority.
        let answer = self.place.client.kv_client().get(self.place.record(), None).await?;
        let Some(pair) = answer.kvs().first() else { return Ok(Observed::Absent) };
        match pair.value_str().map(text::read) {
            Ok(Ok(record)) => Ok(Observed::Record(record)),
            Ok(Err(later @ Malformed::LaterFormat(_))) => Err(later.into()),
            Ok(Err(Malformed::NotARecord(_))) | Err(_) => Ok(Observed::Unreadable(pair.value().into())),
        }
    }

    async fn create(&self, genesis: Genesis<Term>) -> Result<Swap<Term>, Error> {
        let key = self.place.record();
        let compare = match genesis.replaces() {
            None => Compare::create_revision(key, CompareOp::Equal, 0),
            Some(unreadable) => Compare::value(key, CompareOp::Equal, unreadable),
        };
        self.put(compare, text::write(genesis.record())).await
    }

    async fn swap(&self, permit: Permit<Term>, (): ()) -> Result<Swap<Term>, Error> {
        let expected = text::write(permit.expected());
        let compare = Compare::value(self.place.record(), CompareOp::Equal, expected);
        self.put(compare, text::write(permit.next())).await
    }
}
