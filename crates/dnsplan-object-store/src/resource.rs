//! The resource: the manifest, read, judged by its floor, and replaced where it is still that version.

use std::fmt;

use dnsplan_fence::Generation;
use dnsplan_leadership::{Fenced, Order, Position, Receipt, Token, WriteId, Written};
use object_store::UpdateVersion;

use crate::error::Put;
use crate::manifest::Manifest;
use crate::{Error, Place};

/// How often a manifest that others have replaced is read again. One leader writes, so more than a few are a fault.
const TRIES: usize = 16;

/// A manifest that is written under a token.
#[derive(Clone, Debug)]
pub struct ObjectResource {
    place: Place,
}

/// What a manifest is to say, made from what it says. It is asked again where somebody else has replaced it in between.
pub struct Write {
    change: Change,
}

type Change = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// What became of a write whose reply was lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// It took effect, as this version.
    Applied(Position),
    /// It has not, and never will: its epoch is over.
    Never,
    /// It has not, and may yet: its epoch is in force.
    NotYet,
    /// It is not among the last 32 writes: nobody can say any more.
    Forgotten,
}

impl Write {
    /// A write from what is there to what is to be there.
    pub fn new(change: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self { change: Box::new(change) }
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write").finish_non_exhaustive()
    }
}

impl ObjectResource {
    pub(crate) const fn new(place: Place) -> Self {
        Self { place }
    }

    /// What is led.
    ///
    /// # Errors
    /// [`Error`] where the store was not reached, or there is no manifest.
    pub async fn content(&self) -> Result<Vec<u8>, Error> {
        self.read().await.map(|(manifest, _)| manifest.content)
    }

    /// How many writes were accepted.
    ///
    /// # Errors
    /// [`Error`] where the store was not reached, or there is no manifest.
    pub async fn applied(&self) -> Result<Position, Error> {
        self.read().await.map(|(manifest, _)| manifest.position)
    }

    /// What became of a write, by its id.
    ///
    /// # Errors
    /// [`Error`] where the store was not reached, or there is no manifest.
    pub async fn lookup(&self, token: &Token, id: WriteId) -> Result<Found, Error> {
        let (manifest, _) = self.read().await?;
        let is_over = Generation::from(token.epoch()) < manifest.floor.lowest();
        Ok(match manifest.find(id) {
            Some(position) => Found::Applied(position),
            None if !manifest.is_complete() => Found::Forgotten,
            None if is_over => Found::Never,
            None => Found::NotYet,
        })
    }

    async fn read(&self) -> Result<(Manifest, UpdateVersion), Error> {
        let path = self.place.manifest();
        let read = self.place.read(&path).await?.ok_or_else(|| Error::NoManifest(path.to_string()))?;
        let manifest = Manifest::decode(&read.body).ok_or_else(|| Error::BadManifest(path.to_string()))?;
        Ok((manifest, read.version))
    }

    async fn put(&self, manifest: &Manifest, version: UpdateVersion) -> Result<Put, Error> {
        self.place.put(&self.place.manifest(), manifest.encode(), Some(version)).await
    }
}

impl Fenced for ObjectResource {
    type Write = Write;
    type Error = Error;

    async fn write(&self, token: &Token, id: WriteId, write: Write) -> Result<Written, Error> {
        for _ in 0..TRIES {
            let (manifest, version) = self.read().await?;
            // A put that was refused may have been its own, sent twice.
            if let Some(position) = manifest.find(id) {
                return Ok(Written::Applied(position));
            }
            let floor = match manifest.floor.admit(token.epoch()) {
                Ok(floor) => floor,
                Err(below) => return Ok(Written::Fenced(below)),
            };
            let content = (write.change)(&manifest.content);
            let next = manifest.accepting(floor, id, content);
            match self.put(&next, version).await? {
                Put::Done => return Ok(Written::Applied(next.position)),
                Put::Unknown => return Ok(Written::Unknown(id)),
                Put::Refused => {}
            }
        }
        Err(Error::Contended(self.place.manifest().to_string()))
    }

    async fn seal(&self, order: Order) -> Result<Receipt, Error> {
        for _ in 0..TRIES {
            let (manifest, version) = self.read().await?;
            let floor = manifest.floor.seal(order.epoch());
            if floor == manifest.floor {
                return Ok(order.done(manifest.position));
            }
            let sealed = Manifest { floor, ..manifest };
            if let Put::Done = self.put(&sealed, version).await? {
                return Ok(order.done(sealed.position));
            }
            // Whatever became of it: what is there now says so.
        }
        Err(Error::Contended(self.place.manifest().to_string()))
    }
}
