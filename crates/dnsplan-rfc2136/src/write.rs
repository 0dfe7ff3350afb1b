//! Writing: one update for a permit. Where the server says that a prerequisite does not hold, nothing was written: either the fence
//! has moved on, or somebody else is at one of the names, and then it is looked up who.

use std::collections::BTreeSet;

use dnsplan_enactor::{Quarantine, Rider, TargetError};
use dnsplan_fence::{Move, Nonce, Observed, Permit, Swap};
use dnsplan_plan::RecordType;
use hickory_proto::op::ResponseCode;

use crate::client::Sent;
use crate::content::Content;
use crate::fence;
use crate::known::Pending;
use crate::markers::Markers;
use crate::message::{HEADER, Update};
use crate::suspects::suspects;
use crate::target::Rfc2136Target;
use crate::tsig;
use crate::unit::Unit;
use crate::work::{Reader, Work};

/// How often an update is made anew.
const TRIES: u32 = 5;

impl Rfc2136Target {
    pub(crate) async fn write(
        &self,
        permit: &Permit<Quarantine>,
        rider: &Rider,
    ) -> Result<Swap<Quarantine>, TargetError> {
        let mut work =
            Reader { wanted: &self.wanted, cuts: &self.cuts, known: &self.known() }.work(permit, rider)?;
        if work.is_blind()
            && let Some(lost) = self.look(&mut work, permit).await?
        {
            return Ok(lost);
        }
        for _ in 0..TRIES {
            let update = self.message(&mut work, permit)?;
            match self.client.update(&update).await? {
                Sent::Done => {
                    // From one part of a chain to the next; what others do in a longer time is not seen from here.
                    let keeps_look = work.is_looked && has_more(permit.action());
                    let mut known = self.known();
                    known.is_audited &= !work.units.iter().any(Unit::may_be_ignored);
                    known.wrote(pending(permit, work), keeps_look);
                    known.has(permit.next().clone());
                    return Ok(Swap::Won);
                }
                Sent::Unknown(why) => {
                    tracing::debug!(zone = %self.wanted.zone, "nobody knows what became of an update: {why}");
                    self.known().lost_reply(pending(permit, work));
                    return Ok(Swap::Unknown);
                }
                Sent::Unmet => {
                    let now = self.load_fresh().await?;
                    if now.record() != Some(permit.expected()) {
                        return Ok(lost(now));
                    }
                    self.known().forget_look();
                    if let Some(lost) = self.look(&mut work, permit).await? {
                        return Ok(lost);
                    }
                }
                Sent::Refused(code, error) => {
                    self.known().forget_look();
                    return Err(refused(&work, permit, rider, code, error));
                }
            }
        }
        Err(TargetError::Unavailable("somebody else keeps changing what this write is about".to_owned()))
    }

    /// The update: the fence, and as many units as there are to be.
    fn message(&self, work: &mut Work, permit: &Permit<Quarantine>) -> Result<Update, TargetError> {
        loop {
            let mut update = Update {
                prerequisites: vec![fence::must_be(&self.wanted.fence, permit.expected())],
                changes: fence::put(&self.wanted.fence, permit.next()).into(),
            };
            // Most units: one prerequisite, one RRset that goes, one record that comes.
            update.prerequisites.reserve(work.units.len());
            update.changes.reserve(2 * work.units.len());
            work.units.iter().for_each(|unit| unit.put(&mut update));
            let length = update.len(&self.wanted.zone) + tsig::ROOM;
            let limit = usize::from(self.client.settings().message_limit).max(HEADER);
            if length <= limit {
                return Ok(update);
            }
            if !work.is_partial || work.units.len() <= 1 {
                return Err(TargetError::TooLarge(format!("{length} bytes, and a message has {limit}")));
            }
            work.units.truncate(work.units.len() / 2);
        }
    }

    /// Looks up what is at the names of this write. Gives the answer where the fence has moved on.
    async fn look(
        &self,
        work: &mut Work,
        permit: &Permit<Quarantine>,
    ) -> Result<Option<Swap<Quarantine>>, TargetError> {
        let attempt = permit.expected().attempt;
        let is_remembered = self.known().looked(attempt).is_some();
        if is_remembered && self.compare(work, attempt).is_ok() {
            return Ok(None);
        }
        let (observed, content) = self.snapshot().await?;
        if observed.record() != Some(permit.expected()) {
            return Ok(Some(lost(observed)));
        }
        self.known().look(attempt, content);
        self.compare(work, attempt).map(|()| None)
    }

    /// Takes in what is at the names of this write.
    fn compare(&self, work: &mut Work, attempt: Nonce) -> Result<(), TargetError> {
        let known = self.known();
        let Some(content) = known.looked(attempt) else { return Ok(()) };
        let markers = Markers::of(content);
        let is_signed = content.is_signed(&self.wanted.zone);
        let mut theirs = Vec::new();
        for unit in &mut work.units {
            let tool = markers.claimed(&unit.owner);
            if let Err(reason) = unit.look(content.node(&unit.owner), work.is_settled, is_signed, tool) {
                theirs.push((unit.owner.clone(), reason));
            }
        }
        work.is_looked = true;
        let Some((_, reason)) = theirs.first() else { return Ok(()) };
        let reason = reason.clone();
        Err(TargetError::Rejected { owners: theirs.into_iter().map(|(owner, _)| owner).collect(), reason })
    }

    /// The record, and the zone of the same moment.
    pub(crate) async fn snapshot(&self) -> Result<(Observed<Quarantine>, Content), TargetError> {
        let records = self.client.transfer().await?;
        let fence = &self.wanted.fence;
        let at_fence =
            records.iter().filter(|record| record.owner == *fence && record.record_type == RecordType::TXT);
        Ok((self.observed(at_fence)?, Content::of(records)))
    }
}

/// Whether another part of the same chain follows.
const fn has_more(action: Move) -> bool {
    matches!(action, Move::Apply(part) if part.index() + 1 < part.of())
}

/// A refusal speaks of the whole message. Where some names are of a kind that servers are known to refuse, these are set aside, and
/// the rest goes on.
fn refused(
    work: &Work,
    permit: &Permit<Quarantine>,
    rider: &Rider,
    code: ResponseCode,
    error: TargetError,
) -> TargetError {
    let aside = &permit.next().payload.owners;
    let owners = match rider {
        Rider::Part { plan, .. } | Rider::Repair { plan, .. } => {
            suspects(&work.units, plan.zone(), aside, code)
        }
        Rider::Nothing | Rider::Reap { .. } => BTreeSet::new(),
    };
    if owners.is_empty() {
        return error;
    }
    TargetError::Rejected { owners, reason: error.to_string() }
}

fn pending(permit: &Permit<Quarantine>, work: Work) -> Pending {
    let (expected, attempt) = (permit.expected().attempt, permit.next().attempt);
    Pending { expected, attempt, units: work.units }
}

fn lost(now: Observed<Quarantine>) -> Swap<Quarantine> {
    match now {
        Observed::Record(record) => Swap::Lost(Some(record)),
        Observed::Absent | Observed::Unreadable(_) => Swap::Lost(None),
    }
}
