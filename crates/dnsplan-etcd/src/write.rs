//! What is written in one transaction with the check of its epoch.

use etcd_client::{Compare, CompareOp, TxnOp};

/// Keys that are put or deleted together, if what is asked for is so. Each key once: etcd refuses two puts of one key.
#[derive(Clone, Debug, Default)]
pub struct Write {
    pub(crate) when: Vec<Compare>,
    pub(crate) then: Vec<TxnOp>,
    pub(crate) keys: Vec<Vec<u8>>,
}

impl Write {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// And a key gets this value.
    #[must_use]
    pub fn put(mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        let key = key.into();
        self.keys.push(key.clone());
        self.then.push(TxnOp::put(key, value, None));
        self
    }

    /// And a key goes.
    #[must_use]
    pub fn delete(mut self, key: impl Into<Vec<u8>>) -> Self {
        let key = key.into();
        self.keys.push(key.clone());
        self.then.push(TxnOp::delete(key, None));
        self
    }

    /// Only if a key has this value.
    #[must_use]
    pub fn if_value(mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.when.push(Compare::value(key, CompareOp::Equal, value));
        self
    }

    /// Only if a key is as of this revision; 0 for one that is not there.
    #[must_use]
    pub fn if_revision(mut self, key: impl Into<Vec<u8>>, revision: i64) -> Self {
        self.when.push(Compare::mod_revision(key, CompareOp::Equal, revision));
        self
    }
}
