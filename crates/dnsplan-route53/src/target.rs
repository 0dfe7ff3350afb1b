//! A hosted zone as a target.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Mutex;

use aws_sdk_route53::Client;
use dnsplan_enactor::{
    Arrival, Audit, Basis, FenceRecord, Layout, Outline, Quarantine, Rider, Target, TargetError,
};
use dnsplan_fence::{Genesis, Observed, Permit, Register, Swap};
use dnsplan_plan::{OwnerName, Plan, RRset, RecordType, TargetId};

use crate::api::{Api, Cursor, Sent};
use crate::compare::audit;
use crate::cost::Limits;
use crate::cuts::Cuts;
use crate::fence;
use crate::known::{Flight, Known};
use crate::name::{Names, from_api};
use crate::pace::Pace;
use crate::record::{Change, RecordSet};
use crate::wanted::Wanted;
use crate::zone_map::ZoneMap;

/// How many owner names a repair is asked for at once; of these it restores as many as fit one batch.
const REPAIR: usize = 500;

/// How often Route 53 is asked whether a change has reached all edges, once at every look: it takes a minute as a rule.
const POLLS: u32 = 100;

/// One hosted zone of Route 53.
pub struct Route53Target {
    id: TargetId,
    pub(crate) layout: Layout,
    pub(crate) wanted: Wanted,
    pub(crate) api: Api,
    pub(crate) known: Mutex<Known>,
    pub(crate) cuts: Cuts,
}

/// How to work on a hosted zone.
#[derive(Clone, Debug)]
pub struct Settings {
    /// [`Layout::Tree`] or [`Layout::InPlace`].
    pub layout: Layout,
    /// How fast to go.
    pub pace: Pace,
}

impl Default for Settings {
    /// In place, at the default pace.
    fn default() -> Self {
        Self { layout: Layout::InPlace, pace: Pace::default() }
    }
}

/// How many calls a target has made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Calls {
    /// `ListResourceRecordSets`.
    pub lists: u64,
    /// `ChangeResourceRecordSets`.
    pub changes: u64,
    /// `GetChange`.
    pub polls: u64,
}

impl Route53Target {
    /// The hosted zone `zone_id`, which must be the public zone `zone`.
    ///
    /// # Errors
    /// [`TargetError`] says what is in the way, and what to do about it.
    pub async fn open(
        client: Client,
        zone_id: &str,
        zone: &OwnerName,
        id: TargetId,
        settings: &Settings,
    ) -> Result<Self, TargetError> {
        let api = Api::new(client, zone_id, &settings.pace);
        let hosted = api.hosted_zone().await?;
        let wrong = |why: String| Err(TargetError::Misconfigured(why));
        let zone_id = api.zone_id();
        if hosted.is_private {
            return wrong(private(zone_id));
        }
        if from_api(&hosted.name).as_ref() != Some(zone) {
            let name = hosted.name;
            return wrong(format!(
                "hosted zone {zone_id} is {name}, and the plan is for {zone}: `aws route53 list-hosted-zones-by-name --dns-name \
                 {zone}` finds its id"
            ));
        }
        let Some(names) = Names::new(zone.clone()) else {
            return wrong(format!("the name of the zone {zone} is too long for a fence record below it"));
        };
        if !matches!(settings.layout, Layout::Tree | Layout::InPlace) {
            return wrong(
                "Route 53 cannot put a zone in place at once: choose the layout tree or in-place".to_owned(),
            );
        }
        let wanted = Wanted { names, zone_id: zone_id.into(), limits: Limits::default() };
        Ok(Self { id, layout: settings.layout, wanted, api, known: Mutex::default(), cuts: Cuts::default() })
    }

    /// The name of the public hosted zone `zone_id`.
    ///
    /// # Errors
    /// [`TargetError`] says what is in the way, and what to do about it.
    pub async fn zone_name(client: Client, zone_id: &str) -> Result<OwnerName, TargetError> {
        let api = Api::new(client, zone_id, &Pace::default());
        let hosted = api.hosted_zone().await?;
        let zone_id = api.zone_id();
        if hosted.is_private {
            return Err(TargetError::Misconfigured(private(zone_id)));
        }
        let unnamed =
            || TargetError::Misconfigured(format!("hosted zone {zone_id} has no name that DNS could have"));
        from_api(&hosted.name).ok_or_else(unnamed)
    }

    /// How many calls were made so far.
    #[must_use]
    pub fn calls(&self) -> Calls {
        let [lists, changes, polls] = self.api.calls();
        Calls { lists, changes, polls }
    }

    /// The first record set at the fence's name.
    pub(crate) async fn at_fence(&self) -> Result<Option<RecordSet>, TargetError> {
        let names = &self.wanted.names;
        let from = Cursor::at(names.fence(), Some(RecordType::TXT));
        let (page, _) = self.api.page(Some(&from), 1).await?;
        let is_fence = |set: &RecordSet| set.name == *names.fence() && set.record_type == RecordType::TXT;
        Ok(page.into_iter().find(is_fence))
    }

    async fn load_fresh(&self) -> Result<Observed<Quarantine>, TargetError> {
        let found = self.at_fence().await?;
        let observed = self.observed(found.as_ref())?;
        self.known().loaded(observed.record().cloned());
        Ok(observed)
    }

    /// What a record set at the fence's name says. Whoever writes records of a later format has been at work in the zone.
    fn observed(&self, found: Option<&RecordSet>) -> Result<Observed<Quarantine>, TargetError> {
        let observed = fence::observed(&self.wanted.names, found);
        Ok(observed.inspect_err(|_| self.known().forget())?)
    }

    /// Lists the whole zone, and finds out whether a writer of ours came in between.
    pub(crate) async fn list_all(&self) -> Result<(), TargetError> {
        let before = self.known().attempt();
        let zone: ZoneMap = self.api.list(None, |_| true).await?.into_iter().collect();
        let found = self.at_fence().await?;
        let after = self.observed(found.as_ref())?;
        self.known().listed(zone, before, after.record().cloned());
        Ok(())
    }

    /// What a plan that is live has at its owner names is ours.
    fn claim(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) {
        if !self.known().is_live(plan) {
            return;
        }
        let nodes = plan.zone().nodes().filter(|(owner, _)| !set_aside.contains(*owner));
        let keys = nodes.flat_map(|(owner, node)| {
            node.rrsets().map(RRset::record_type).map(|record_type| (owner.clone(), record_type))
        });
        self.known().ours.extend(keys);
    }

    fn compare(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Audit {
        self.claim(plan, set_aside);
        let known = self.known();
        let listing = known.listing();
        listing.map_or_else(Audit::default, |zone| {
            audit(&self.wanted, self.layout, zone, plan, set_aside, &known.ours)
        })
    }
}

fn private(zone_id: &str) -> String {
    format!(
        "hosted zone {zone_id} is private, and its answers cannot be checked from outside its VPC: name the public hosted zone of \
         the same name"
    )
}

impl Register for Route53Target {
    type Payload = Quarantine;
    type Rider = Rider;
    type Error = TargetError;

    /// One record set is read. Right after a write of this target's own that took effect, nothing is: the reply to it has said what the
    /// record is, as freshly as a read whose reply took as long.
    async fn load(&self) -> Result<Observed<Quarantine>, TargetError> {
        let written = self.known().written.take();
        match written {
            Some(record) => Ok(Observed::Record(record)),
            None => self.load_fresh().await,
        }
    }

    async fn create(&self, genesis: Genesis<Quarantine>) -> Result<Swap<Quarantine>, TargetError> {
        let names = &self.wanted.names;
        let from = Cursor::at(names.fence(), Some(RecordType::TXT));
        let is_fence = |set: &RecordSet| set.name == *names.fence() && set.record_type == RecordType::TXT;
        let there = if genesis.replaces().is_some() {
            self.api.list(Some(from), is_fence).await?
        } else {
            Vec::new()
        };
        let first = there.first().map(fence::bytes);
        if first.as_deref() != genesis.replaces() {
            return Ok(Swap::Lost(None));
        }
        let mut batch: Vec<Change> = there.into_iter().map(Change::Delete).collect();
        batch.push(Change::Create(fence::record_set(names, genesis.record())));
        match self.api.change(&batch).await? {
            Sent::Applied(_) => Ok(Swap::Won),
            Sent::Refused(_) => Ok(Swap::Lost(None)),
            Sent::Unknown => Ok(Swap::Unknown),
        }
    }

    async fn swap(&self, permit: Permit<Quarantine>, rider: Rider) -> Result<Swap<Quarantine>, TargetError> {
        self.write(permit, rider).await
    }
}

impl Target for Route53Target {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn zone(&self) -> &OwnerName {
        self.wanted.names.zone()
    }

    fn layout(&self) -> Layout {
        self.layout
    }

    /// In a tree the last part of a stage, and of a flip, writes nothing but the record: it is written once the parts before it have
    /// reached all edges, and so the record says that.
    fn outline(&self, plan: &Plan, basis: &Basis) -> Outline {
        let count = |parts: usize| u32::try_from(parts).unwrap_or(u32::MAX);
        let cut = self.cuts.of(&self.wanted, self.layout, plan, basis);
        match self.layout {
            Layout::Tree => Outline { stage: count(cut.stage.len() + 1), place: count(cut.place.len() + 1) },
            Layout::InPlace | Layout::Whole => Outline { stage: 0, place: count(cut.place.len()) },
        }
    }

    fn repair_limit(&self) -> usize {
        REPAIR
    }

    fn is_metered(&self) -> bool {
        true
    }

    /// One `GetChange` for each change that is not known to have arrived, until Route 53 was asked often enough.
    async fn arrival(&self) -> Result<Arrival, TargetError> {
        let flight = std::mem::take(&mut self.known().flight);
        if flight.changes.is_empty() && !flight.is_lost {
            return Ok(Arrival::Everywhere);
        }
        if flight.asked >= POLLS {
            self.known().flight = flight;
            return Ok(Arrival::Unconfirmed);
        }
        let mut left = Vec::new();
        let mut failed = Ok(());
        for change in flight.changes {
            match self.api.is_in_sync(&change).await {
                Ok(true) => {}
                Ok(false) => left.push(change),
                Err(error) => {
                    left.push(change);
                    failed = Err(error);
                }
            }
        }
        let arrival = match (left.is_empty(), flight.is_lost) {
            (true, false) => Arrival::Everywhere,
            (true, true) => Arrival::Unconfirmed,
            (false, _) => Arrival::Underway,
        };
        let mut known = self.known();
        left.append(&mut known.flight.changes);
        known.flight = Flight { changes: left, asked: flight.asked + 1, is_lost: flight.is_lost };
        failed.map(|()| arrival)
    }

    fn recall(&self, record: &FenceRecord, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Option<Audit> {
        if !self.known().is_listed() {
            return None;
        }
        // Where somebody else has written since, they see to it, or the next full audit does.
        let is_current = self.known().zone(record.attempt).is_some();
        Some(if is_current { self.compare(plan, set_aside) } else { Audit::default() })
    }

    async fn audit(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Result<Audit, TargetError> {
        self.list_all().await?;
        Ok(self.compare(plan, set_aside))
    }
}

impl fmt::Debug for Route53Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route53Target")
            .field("id", &self.id)
            .field("zone", self.wanted.names.zone())
            .field("zone_id", &self.api.zone_id())
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}
