//! The calls, through the AWS SDK: each once, at the pace of the two buckets.
//!
//! 1. A change batch is sent again only where Route 53 said that it did nothing with it (`Throttling`, `PriorRequestNotComplete`). The
//!    SDK's own retry is off for it: a batch that was committed and whose reply was lost would come back as a fence that was lost.
//! 2. Reads change nothing, and the SDK may repeat them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_route53::Client;
use aws_sdk_route53::config::retry::RetryConfig;
use aws_sdk_route53::types::{ChangeBatch, ChangeStatus, RrType};
use backon::{ExponentialBuilder, Retryable};
use dnsplan_enactor::TargetError;
use dnsplan_plan::{OwnerName, RecordType};

use crate::name::{from_api, to_api};
use crate::pace::{Buckets, Pace};
use crate::record::{Change, RecordSet, SetKey};
use crate::rehearsal::Rehearsal;
use crate::sdk;
use crate::trouble::{Trouble, trouble};
use crate::value::{type_of, type_text};

/// How many record sets a page of a listing has at most (`ListResourceRecordSets`).
const PAGE: i32 = 300;

/// What became of a change batch.
#[derive(Debug)]
pub(crate) enum Sent {
    /// It is in the zone; edges may not have it yet.
    Applied(ChangeId),
    /// Nothing of it is in the zone; the messages say why.
    Refused(String),
    /// It may be in the zone.
    Unknown,
}

/// Names a change batch, to ask whether it has reached all edges.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ChangeId(String);

/// Where a page of a listing begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cursor {
    name: String,
    record_type: Option<RrType>,
    id: Option<String>,
}

impl Cursor {
    /// At the record sets of a name, of one type or of all.
    pub(crate) fn at(name: &OwnerName, record_type: Option<RecordType>) -> Self {
        let record_type = record_type.map(|record_type| sdk::rr_type(&type_text(record_type)));
        Self { name: to_api(name), record_type, id: None }
    }

    /// At one record set.
    pub(crate) fn of(key: &SetKey) -> Self {
        Self { id: key.id.as_deref().map(str::to_owned), ..Self::at(&key.name, Some(key.record_type)) }
    }

    /// The record set that it is at, or would be.
    pub(crate) fn key(&self) -> Option<SetKey> {
        let record_type = self.record_type.as_ref().and_then(|found| type_of(found.as_str()));
        let (record_type, id) = (record_type.unwrap_or(RecordType::ZERO), self.id.as_deref().map(Into::into));
        Some(SetKey { name: from_api(&self.name)?, record_type, id })
    }
}

/// A hosted zone, as far as it matters here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct HostedZone {
    pub(crate) name: String,
    pub(crate) is_private: bool,
    pub(crate) name_servers: Vec<String>,
}

/// How many calls were made.
#[derive(Default)]
struct Counters {
    lists: AtomicU64,
    changes: AtomicU64,
    polls: AtomicU64,
}

/// One hosted zone.
pub(crate) struct Api {
    client: Client,
    zone_id: String,
    buckets: Buckets,
    counters: Counters,
    /// In place of Route 53, for everything but the hosted zone itself.
    pub(crate) rehearsal: Option<Rehearsal>,
}

impl Api {
    pub(crate) fn new(client: Client, zone_id: &str, pace: &Pace) -> Self {
        let zone_id = zone_id.trim_start_matches("/hostedzone/").to_owned();
        Self { client, zone_id, buckets: Buckets::new(pace), counters: Counters::default(), rehearsal: None }
    }

    pub(crate) fn zone_id(&self) -> &str {
        &self.zone_id
    }

    /// Calls made so far: listings, change batches, polls for their spreading.
    pub(crate) fn calls(&self) -> [u64; 3] {
        let Counters { lists, changes, polls } = &self.counters;
        [lists, changes, polls].map(|counter| counter.load(Ordering::Relaxed))
    }

    /// `GetHostedZone`.
    pub(crate) async fn hosted_zone(&self) -> Result<HostedZone, TargetError> {
        self.buckets.request().await;
        let reply = self.client.get_hosted_zone().id(&self.zone_id).send().await;
        let reply = reply.map_err(|error| trouble(&error, &self.zone_id, "GetHostedZone").of_read())?;
        let (zone, delegation) = (reply.hosted_zone, reply.delegation_set);
        let is_private =
            zone.as_ref().and_then(|zone| zone.config.as_ref()).is_some_and(|config| config.private_zone);
        let name = zone.map(|zone| zone.name).unwrap_or_default();
        let name_servers = delegation.map(|set| set.name_servers).unwrap_or_default();
        Ok(HostedZone { name, is_private, name_servers })
    }

    /// One page of record sets, from `from` on in the order of Route 53, and where the next one begins.
    pub(crate) async fn page(
        &self,
        from: Option<&Cursor>,
        limit: i32,
    ) -> Result<(Vec<RecordSet>, Option<Cursor>), TargetError> {
        if let Some(rehearsal) = &self.rehearsal {
            return Ok(rehearsal.page(from, limit));
        }
        self.buckets.request().await;
        self.counters.lists.fetch_add(1, Ordering::Relaxed);
        let mut call = self.client.list_resource_record_sets().hosted_zone_id(&self.zone_id);
        if let Some(Cursor { name, record_type, id }) = from {
            call = call.start_record_name(name).set_start_record_type(record_type.clone());
            call = call.set_start_record_identifier(id.clone());
        }
        let reply = call.max_items(limit).send().await;
        let action = "ListResourceRecordSets";
        let reply = reply.map_err(|error| trouble(&error, &self.zone_id, action).of_read())?;
        let sets = reply.resource_record_sets.iter().filter_map(sdk::record_set).collect();
        let next = reply.next_record_name.filter(|_| reply.is_truncated);
        let (record_type, id) = (reply.next_record_type, reply.next_record_identifier);
        Ok((sets, next.map(|name| Cursor { name, record_type, id })))
    }

    /// The record sets of `from` and after, in the order of Route 53, as long as `wanted` holds. Pages are no snapshot.
    pub(crate) async fn list(
        &self,
        mut from: Option<Cursor>,
        wanted: impl Fn(&RecordSet) -> bool,
    ) -> Result<Vec<RecordSet>, TargetError> {
        let mut all = Vec::new();
        loop {
            let (page, next) = self.page(from.as_ref(), PAGE).await?;
            let count = page.len();
            let taken: Vec<RecordSet> = page.into_iter().take_while(&wanted).collect();
            let is_all = taken.len() == count;
            all.extend(taken);
            match next {
                Some(cursor) if is_all => from = Some(cursor),
                _ => return Ok(all),
            }
        }
    }

    /// Sends a change batch.
    pub(crate) async fn change(&self, changes: &[Change]) -> Result<Sent, TargetError> {
        if let Some(rehearsal) = &self.rehearsal {
            return Ok(rehearsal.change(changes));
        }
        let batch = changes.iter().map(sdk::change).collect::<Result<_, _>>();
        let batch = batch.and_then(|changes| ChangeBatch::builder().set_changes(Some(changes)).build());
        let batch = batch.map_err(|error| TargetError::Misconfigured(error.to_string()))?;
        let backoff = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(8);
        let sent = (|| self.change_once(&batch, changes.len()))
            .retry(backoff)
            .when(|trouble| matches!(trouble, Trouble::Busy(_)))
            .await;
        match sent {
            Ok(id) => Ok(Sent::Applied(id)),
            Err(Trouble::Refused(messages)) => Ok(Sent::Refused(messages)),
            Err(Trouble::Unknown(why)) => {
                tracing::warn!(zone = self.zone_id, "the reply to a change batch was lost: {why}");
                Ok(Sent::Unknown)
            }
            Err(Trouble::Busy(why)) => Err(TargetError::Unavailable(why)),
            Err(Trouble::Failed(error)) => Err(error),
        }
    }

    async fn change_once(&self, batch: &ChangeBatch, count: usize) -> Result<ChangeId, Trouble> {
        self.buckets.request().await;
        self.buckets.changes(count).await;
        self.counters.changes.fetch_add(1, Ordering::Relaxed);
        let call = self
            .client
            .change_resource_record_sets()
            .hosted_zone_id(&self.zone_id)
            .change_batch(batch.clone());
        let once = aws_sdk_route53::Config::builder().retry_config(RetryConfig::disabled());
        let reply = call.customize().config_override(once).send().await;
        match reply {
            Ok(reply) => Ok(ChangeId(reply.change_info.map(|info| info.id).unwrap_or_default())),
            Err(error) => Err(trouble(&error, &self.zone_id, "ChangeResourceRecordSets")),
        }
    }

    /// Whether a change has reached all edges.
    pub(crate) async fn is_in_sync(&self, change: &ChangeId) -> Result<bool, TargetError> {
        if self.rehearsal.is_some() {
            return Ok(true);
        }
        self.buckets.request().await;
        self.counters.polls.fetch_add(1, Ordering::Relaxed);
        let reply = self.client.get_change().id(change.0.trim_start_matches("/change/")).send().await;
        let reply = reply.map_err(|error| trouble(&error, &self.zone_id, "GetChange").of_read())?;
        Ok(reply.change_info.is_some_and(|info| info.status == ChangeStatus::Insync))
    }
}
