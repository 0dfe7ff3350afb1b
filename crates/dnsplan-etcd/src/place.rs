//! Where a role is, and its keys.

use dnsplan_leadership::{Epoch, Holder, Scope, WriteId};
use etcd_client::{Client, Compare, CompareOp, Txn, TxnOp};

use crate::{Error, EtcdRegister, EtcdResource};

/// One role at one etcd cluster.
#[derive(Clone)]
pub struct Place {
    pub(crate) client: Client,
    prefix: String,
    scope: Scope,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Place").field(&self.under("")).finish()
    }
}

impl Place {
    /// A role below a prefix that nobody else writes below.
    #[must_use]
    pub fn new(client: Client, prefix: &str, scope: Scope) -> Self {
        Self { client, prefix: prefix.trim_end_matches('/').to_owned(), scope }
    }

    /// Prepares a role that nobody has led yet. To do so again changes nothing.
    ///
    /// # Errors
    /// [`Error::FloorLost`] where the role was led already and its floor is gone.
    pub async fn install(&self) -> Result<(), Error> {
        let absent = |key: String| Compare::create_revision(key, CompareOp::Equal, 0);
        let first = Txn::new()
            .when([absent(self.floor()), absent(self.record())])
            .and_then([TxnOp::put(self.floor(), digits(0), None)])
            .or_else([TxnOp::get(self.floor(), None)]);
        let answer = self.client.kv_client().txn(first).await?;
        let has_floor = answer.succeeded() || !crate::resource::got(&answer, 0)?.is_empty();
        if has_floor { Ok(()) } else { Err(Error::FloorLost(self.under(""))) }
    }

    /// Its register.
    #[must_use]
    pub fn register(&self) -> EtcdRegister {
        EtcdRegister::new(self.clone())
    }

    /// Its resource: keys of the same cluster, outside the role's own.
    #[must_use]
    pub fn resource(&self) -> EtcdResource {
        EtcdResource::new(self.clone())
    }

    fn under(&self, key: &str) -> String {
        format!("{}/{}/{key}", self.prefix, self.scope)
    }

    /// Whether a key is the role's own, or could be.
    pub(crate) fn is_reserved(&self, key: &[u8]) -> bool {
        key.starts_with(self.under("").as_bytes())
    }

    pub(crate) fn record(&self) -> String {
        self.under("record")
    }

    pub(crate) fn floor(&self) -> String {
        self.under("floor")
    }

    pub(crate) fn last(&self) -> String {
        self.under("last")
    }

    pub(crate) fn write(&self, epoch: Epoch, id: WriteId) -> String {
        self.under(&format!("writes/{}/{id}", digits(epoch.get())))
    }

    pub(crate) fn writes(&self, epoch: u64) -> String {
        self.under(&format!("writes/{}/", digits(epoch)))
    }

    pub(crate) fn node(&self, holder: &Holder) -> String {
        self.under(&format!("nodes/{holder}"))
    }
}

/// A number that etcd, which compares bytes, compares as a number.
pub(crate) fn digits(number: u64) -> String {
    format!("{number:020}")
}
