//! Where a role is, and its two objects.

use std::sync::Arc;

use bytes::Bytes;
use dnsplan_leadership::Scope;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion};

use crate::error::{Put, put};
use crate::manifest::Manifest;
use crate::{Error, ObjectRegister, ObjectResource};

/// One role in one object store.
#[derive(Clone, Debug)]
pub struct Place {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

/// An object as it was read.
pub(crate) struct Read {
    pub(crate) body: Bytes,
    pub(crate) version: UpdateVersion,
}

impl Place {
    /// A role below a prefix that nobody else writes below.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str, scope: Scope) -> Self {
        Self { store, prefix: Path::from(format!("{prefix}/{scope}")) }
    }

    /// Prepares a role that nobody has led yet. To do so again changes nothing.
    ///
    /// # Errors
    /// [`Error::ManifestLost`] where the role was led already and its manifest is gone; [`Error::Unconditional`] where the store
    /// has no conditional puts.
    pub async fn install(&self) -> Result<(), Error> {
        let manifest = self.manifest();
        if self.read(&manifest).await?.is_none() {
            if self.read(&self.record()).await?.is_some() {
                return Err(Error::ManifestLost(self.prefix.to_string()));
            }
            let body = Manifest::empty().encode();
            if let Put::Unknown = self.put(&manifest, body, None).await? {
                return Err(Error::NoManifest(manifest.to_string()));
            }
        }
        // What cannot be replaced under a condition is said before anybody relies on it.
        let read = self.read(&manifest).await?.ok_or_else(|| Error::NoManifest(manifest.to_string()))?;
        let _: Put = self.put(&manifest, read.body.to_vec(), Some(read.version)).await?;
        Ok(())
    }

    /// Its register.
    #[must_use]
    pub fn register(&self) -> ObjectRegister {
        ObjectRegister::new(self.clone())
    }

    /// Its resource.
    #[must_use]
    pub fn resource(&self) -> ObjectResource {
        ObjectResource::new(self.clone())
    }

    pub(crate) fn record(&self) -> Path {
        self.prefix.clone().join("record")
    }

    pub(crate) fn manifest(&self) -> Path {
        self.prefix.clone().join("manifest")
    }

    /// An object, and which version of it; `None` where there is none.
    pub(crate) async fn read(&self, path: &Path) -> Result<Option<Read>, Error> {
        let found = match self.store.get(path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        if version.e_tag.is_none() && version.version.is_none() {
            return Err(Error::NoVersion(path.to_string()));
        }
        Ok(Some(Read { body: found.bytes().await?, version }))
    }

    /// Puts a body where that version is, or (`None`) where there is nothing.
    pub(crate) async fn put(
        &self,
        path: &Path,
        body: Vec<u8>,
        expected: Option<UpdateVersion>,
    ) -> Result<Put, Error> {
        let mode = expected.map_or(PutMode::Create, PutMode::Update);
        let options = PutOptions { mode, ..PutOptions::default() };
        put(self.store.put_opts(path, body.into(), options).await)
    }
}
