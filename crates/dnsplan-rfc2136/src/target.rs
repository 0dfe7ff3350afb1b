//! A zone at its primary server as a target.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard};

use dnsplan_enactor::{Audit, Basis, FenceRecord, Layout, Outline, Quarantine, Rider, Target, TargetError};
use dnsplan_fence::{Genesis, Observed, Offer, Permit, Register, Swap};
use dnsplan_plan::{OwnerName, Plan, RRset, RecordType, TargetId};

use crate::client::{Client, Sent};
use crate::compare::audit;
use crate::cut::Cuts;
use crate::fence;
use crate::known::Known;
use crate::message::{Received, Rr, Update};
use crate::settings::Settings;
use crate::wanted::Wanted;

/// How many owner names a repair is asked for at once; of these it restores as many as fit one message.
const REPAIR: usize = 500;

/// One zone at its primary server, which takes dynamic updates (RFC 2136).
pub struct Rfc2136Target {
    id: TargetId,
    pub(crate) wanted: Wanted,
    pub(crate) client: Client,
    pub(crate) cuts: Cuts,
    known: Mutex<Known>,
}

impl Rfc2136Target {
    /// The zone of the settings, at its server, which must answer for it with authority.
    ///
    /// # Errors
    /// [`TargetError`] says what is in the way, and what to do about it.
    pub async fn connect(id: TargetId, settings: Settings) -> Result<Self, TargetError> {
        let wanted = Wanted::new(&settings).map_err(TargetError::Misconfigured)?;
        let client = Client::new(settings);
        let zone = &wanted.zone;
        let reply = client.query(zone, RecordType::SOA).await?;
        if reply.at(zone, RecordType::SOA).next().is_none() {
            let server = client.settings().server;
            return Err(TargetError::Misconfigured(format!(
                "{server} answers for {zone}, but that is no zone of its own: name the zone itself, as in its SOA"
            )));
        }
        Ok(Self { id, wanted, client, cuts: Cuts::default(), known: Mutex::default() })
    }

    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("invariant: nothing panics while it is locked")
    }

    pub(crate) async fn load_fresh(&self) -> Result<Observed<Quarantine>, TargetError> {
        let fence = &self.wanted.fence;
        let reply = self.client.query(fence, RecordType::TXT).await?;
        self.observed(reply.at(fence, RecordType::TXT))
    }

    /// What is at the fence's name. Whoever writes records of a later format has been at work in the zone: nothing that this target
    /// knew of it counts any more.
    pub(crate) fn observed<'r>(
        &self,
        found: impl Iterator<Item = &'r Received>,
    ) -> Result<Observed<Quarantine>, TargetError> {
        let observed = fence::observed(found).inspect_err(|_| *self.known() = Known::default())?;
        self.known().loaded(observed.attempt());
        Ok(observed)
    }

    async fn put_first(&self, record: &FenceRecord, prerequisites: Vec<Rr>) -> Result<Sent, TargetError> {
        let fence = &self.wanted.fence;
        // Where there is a CNAME, the server would say that all went well, and put nothing there.
        let no_cname = Rr::must_not_be(fence.clone(), RecordType::CNAME);
        let prerequisites = prerequisites.into_iter().chain([no_cname]).collect();
        let update = Update { prerequisites, changes: fence::put(fence, record).into() };
        self.client.update(&update).await
    }
}

impl Register for Rfc2136Target {
    type Payload = Quarantine;
    type Rider = Rider;
    type Error = TargetError;

    /// One RRset is asked for; nothing right after a write of this target's own.
    async fn load(&self) -> Result<Observed<Quarantine>, TargetError> {
        let written = self.known().just_written();
        match written {
            Some(record) => Ok(Observed::Record(record)),
            None => self.load_fresh().await,
        }
    }

    /// One update, whose prerequisite is that there is no fence record, or exactly the unreadable one.
    async fn create(&self, genesis: Genesis<Quarantine>) -> Result<Swap<Quarantine>, TargetError> {
        let fence = &self.wanted.fence;
        let absent = || vec![Rr::must_not_be(fence.clone(), RecordType::TXT)];
        let there = genesis.replaces().map(|bytes| fence::must_be_bytes(fence, bytes));
        let mut sent = match there {
            None => self.put_first(genesis.record(), absent()).await?,
            Some(Some(there)) => self.put_first(genesis.record(), there).await?,
            Some(None) => return Ok(Swap::Lost(None)),
        };
        if sent == Sent::Unmet && genesis.replaces().is_some() {
            // A wildcard answers for a name that is not there, and so shows a record that is not there either.
            sent = self.put_first(genesis.record(), absent()).await?;
        }
        match sent {
            Sent::Done => {
                self.known().created(genesis.record().attempt);
                Ok(Swap::Won)
            }
            Sent::Unknown(_) => Ok(Swap::Unknown),
            Sent::Refused(_, error) => Err(error),
            Sent::Unmet if self.load_fresh().await? == Observed::Absent => Err(TargetError::Misconfigured(
                format!("there is a CNAME at {fence}, where the fence record has to be: delete it"),
            )),
            Sent::Unmet => Ok(Swap::Lost(None)),
        }
    }

    async fn swap(&self, permit: Permit<Quarantine>, rider: Rider) -> Result<Swap<Quarantine>, TargetError> {
        self.write(&permit, &rider).await
    }
}

impl Target for Rfc2136Target {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn zone(&self) -> &OwnerName {
        &self.wanted.zone
    }

    fn layout(&self) -> Layout {
        Layout::InPlace
    }

    fn outline(&self, plan: &Plan, basis: &Basis) -> Outline {
        let parts = self.cuts.of(&self.wanted, plan, basis);
        Outline { stage: 0, place: u32::try_from(parts.len()).unwrap_or(u32::MAX) }
    }

    fn repair_limit(&self) -> usize {
        REPAIR
    }

    /// To compare the whole zone takes a transfer of it: between two of them the prerequisites say enough.
    fn is_metered(&self) -> bool {
        true
    }

    /// A part that took effect left its owner names as the plan says: that nothing is ignored is its prerequisite, or else the zone is
    /// compared anew.
    fn recall(&self, record: &FenceRecord, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Option<Audit> {
        let _ = (record, plan, set_aside);
        self.known().is_audited.then(Audit::default)
    }

    /// One transfer of the zone.
    async fn audit(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Result<Audit, TargetError> {
        let (observed, content) = self.snapshot().await?;
        let is_live = observed.record().is_some_and(|record| {
            record.generation == plan.generation()
                && record.digest == plan.digest()
                && record.flip.is_complete()
        });
        let mut known = self.known();
        if is_live {
            // What a plan that is live has at its owner names is ours.
            let nodes = plan.zone().nodes().filter(|(owner, _)| !set_aside.contains(*owner));
            let keys = nodes.flat_map(|(owner, node)| {
                node.rrsets().map(RRset::record_type).map(|record_type| (owner.clone(), record_type))
            });
            known.claim(keys);
        }
        let found = audit(&self.wanted, &content, plan, set_aside, known.ours());
        known.is_audited = found.differing.is_empty();
        match observed.attempt().filter(|_| !known.is_audited) {
            // For the repair that follows.
            Some(attempt) => known.look(attempt, content),
            None => known.forget_look(),
        }
        Ok(found)
    }
}

impl fmt::Debug for Rfc2136Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rfc2136Target")
            .field("id", &self.id)
            .field("zone", &self.wanted.zone)
            .field("server", &self.client.settings().server)
            .finish_non_exhaustive()
    }
}
