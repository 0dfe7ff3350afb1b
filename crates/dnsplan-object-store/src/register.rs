//! The register: one object, whose body is compared whole by way of its version.

use dnsplan_fence::{Genesis, Nonce, Observed, Permit, Record, Register, Swap};
use dnsplan_leadership::Term;
use dnsplan_leadership::text::{self, Malformed};

use crate::error::Put;
use crate::place::Read;
use crate::{Error, Place};

/// A leadership record in an object.
#[derive(Clone, Debug)]
pub struct ObjectRegister {
    place: Place,
}

impl ObjectRegister {
    pub(crate) const fn new(place: Place) -> Self {
        Self { place }
    }

    /// Puts `next` there where the object is as `is_expected` says (`None`: where there is none), or nothing.
    async fn replace(
        &self,
        next: &Record<Term>,
        is_expected: impl Fn(Option<&[u8]>) -> bool,
    ) -> Result<Swap<Term>, Error> {
        let path = self.place.record();
        let there = self.place.read(&path).await?;
        if !is_expected(there.as_ref().map(|read| &*read.body)) {
            return Ok(Swap::Lost(there.and_then(|read| record(&read).ok())));
        }
        let version = there.map(|read| read.version);
        match self.place.put(&path, text::write(next).into_bytes(), version).await? {
            Put::Done => Ok(Swap::Won),
            Put::Unknown => Ok(Swap::Unknown),
            Put::Refused => self.refused(next.attempt).await,
        }
    }

    /// Whoever is told that another version was there: it may be this very put, sent twice by a client that lost the first reply.
    async fn refused(&self, attempt: Nonce) -> Result<Swap<Term>, Error> {
        // Nobody can say which of the two it was.
        let Ok(there) = self.place.read(&self.place.record()).await else { return Ok(Swap::Unknown) };
        Ok(match there.and_then(|read| record(&read).ok()) {
            Some(there) if there.attempt == attempt => Swap::Won,
            there => Swap::Lost(there),
        })
    }
}

fn record(read: &Read) -> Result<Record<Term>, Malformed> {
    let text = std::str::from_utf8(&read.body);
    text.map_err(|_| Malformed::NotARecord("bytes that are no text".into())).and_then(text::read)
}

impl Register for ObjectRegister {
    type Payload = Term;
    type Rider = ();
    type Error = Error;

    async fn load(&self) -> Result<Observed<Term>, Error> {
        let Some(read) = self.place.read(&self.place.record()).await? else { return Ok(Observed::Absent) };
        match record(&read) {
            Ok(record) => Ok(Observed::Record(record)),
            Err(Malformed::NotARecord(_)) => Ok(Observed::Unreadable((*read.body).into())),
            Err(later @ Malformed::LaterFormat(_)) => Err(later.into()),
        }
    }

    async fn create(&self, genesis: Genesis<Term>) -> Result<Swap<Term>, Error> {
        let replaces = genesis.replaces().map(<[u8]>::to_vec);
        self.replace(genesis.record(), |there| there == replaces.as_deref()).await
    }

    async fn swap(&self, permit: Permit<Term>, (): ()) -> Result<Swap<Term>, Error> {
        let expected = text::write(permit.expected());
        self.replace(permit.next(), |there| there == Some(expected.as_bytes())).await
    }
}
