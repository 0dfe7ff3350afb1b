//! Who says that it is there. A failure detector may go by it: no write does.

use dnsplan_leadership::Holder;
use etcd_client::{LeaseKeepAliveStream, LeaseKeeper, PutOptions};

use crate::{Error, Place};

/// One life of a node, announced for as long as it is renewed.
pub struct Presence {
    keeper: LeaseKeeper,
    answers: LeaseKeepAliveStream,
}

impl std::fmt::Debug for Presence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presence").field("lease", &self.keeper.id()).finish_non_exhaustive()
    }
}

impl Presence {
    /// Announces a life of a node, until it is not renewed for `seconds`.
    ///
    /// # Errors
    /// [`Error`] where etcd was not reached.
    pub async fn announce(place: &Place, holder: &Holder, seconds: u32) -> Result<Self, Error> {
        let mut leases = place.client.lease_client();
        let lease = leases.grant(seconds.into(), None).await?.id();
        let options = PutOptions::new().with_lease(lease);
        place.client.kv_client().put(place.node(holder), "", Some(options)).await?;
        let (keeper, answers) = leases.keep_alive(lease).await?;
        Ok(Self { keeper, answers })
    }

    /// Renews it. `false`: it has ended, and only another life may be announced.
    ///
    /// # Errors
    /// [`Error`] where etcd was not reached.
    pub async fn renew(&mut self) -> Result<bool, Error> {
        self.keeper.keep_alive().await?;
        Ok(self.answers.message().await?.is_some_and(|answer| answer.ttl() > 0))
    }

    /// Whether a life of a node is announced.
    ///
    /// # Errors
    /// [`Error`] where etcd was not reached.
    pub async fn is_there(place: &Place, holder: &Holder) -> Result<bool, Error> {
        let answer = place.client.kv_client().get(place.node(holder), None).await?;
        Ok(!answer.kvs().is_empty())
    }
}
