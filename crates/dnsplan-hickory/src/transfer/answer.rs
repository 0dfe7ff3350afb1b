//! Deciding what a request for a transfer is answered with.

use std::net::IpAddr;
use std::sync::Arc;

use dnsplan_plan::{OwnerName, RData, RecordType};
use dnsplan_tsig::TsigKey;
use hickory_proto::op::{OpCode, ResponseCode};
use hickory_proto::rr::{DNSClass, Record};
use hickory_server::server::Request;
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore, SemaphorePermit, oneshot};
use tokio::time::timeout;

use super::content::records;
use super::counts::{Counter, Counters};
use super::difference::Difference;
use super::{TransferCounts, Transfers, TransfersError, Version};
use crate::lookup::Answer;
use crate::shares::{Held, Shares};
use crate::target::HickoryTarget;

/// More records than this fit in no datagram: one has 12 bytes at least.
const MOST_IN_A_DATAGRAM: usize = 1232 / 12;

/// Decides about transfers, and counts them.
#[derive(Debug)]
pub(crate) struct Desk {
    config: Transfers,
    pub(crate) counters: Counters,
    slots: Semaphore,
    /// How many of them each client may have.
    shares: Arc<Shares>,
    /// Held while a message is packed.
    packer: Mutex<()>,
    /// Held while a difference is found: that may take long, and neither messages nor whole zones wait for it.
    differ: Arc<Mutex<()>>,
}

/// The right to send a transfer.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    _slot: SemaphorePermit<'a>,
    _share: Held,
}

/// What a request for a transfer is for. To find that out costs next to nothing.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// The newest SOA alone.
    Serial(Arc<Version>),
    /// The whole zone.
    Full(Arc<Version>),
    /// What has changed from the first of the two to the second.
    Since(Arc<Version>, Arc<Version>),
}

/// What a request for a transfer is answered with.
#[derive(Debug)]
pub(crate) enum Content {
    /// The newest SOA alone.
    Serial(Arc<Version>),
    /// The whole zone.
    Full(Arc<Version>),
    /// What has changed.
    Difference(Arc<Version>, Difference),
}

/// How a request came, and how its response may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// Whether it was rightly signed.
    pub(crate) is_signed: bool,
    /// Whether the response must be one message.
    pub(crate) is_in_one: bool,
}

/// Whether a request is for a transfer, and not to be turned down for another reason.
pub(crate) fn is_transfer(request: &Request) -> bool {
    let [question] = request.queries.queries() else { return false };
    request.metadata.op_code == OpCode::Query
        && request.version() == 0
        && question.query_class() == DNSClass::IN
        && matches!(question.query_type(), RecordType::AXFR | RecordType::IXFR)
}

/// Whether a client that has the serial `theirs` has what we have, or something newer (RFC 1982 section 3.2).
const fn is_current(theirs: u32, ours: u32) -> bool {
    theirs.wrapping_sub(ours) < 1 << 31
}

impl Desk {
    pub(crate) fn new(config: Transfers) -> Result<Self, TransfersError> {
        config.check()?;
        let slots = Semaphore::new(config.at_once.min(Semaphore::MAX_PERMITS));
        let shares = Shares::new(config.share());
        let (counters, packer, differ) = (Counters::default(), Mutex::default(), Arc::default());
        Ok(Self { config, counters, slots, shares, packer, differ })
    }

    pub(crate) const fn config(&self) -> &Transfers {
        &self.config
    }

    pub(crate) fn keys(&self) -> &[TsigKey] {
        &self.config.keys
    }

    pub(crate) fn counts(&self) -> TransferCounts {
        self.counters.read()
    }

    /// The right to send `client` a transfer, when it is this one's turn. `None` where that takes too long.
    pub(crate) async fn slot(&self, client: IpAddr) -> Option<Slot<'_>> {
        let turn = async {
            // In this order: who has its share already waits behind itself, and not before others.
            let share = self.shares.of(client).wait().await;
            let slot = self.slots.acquire().await.expect("invariant: nobody closes the semaphore");
            Slot { _slot: slot, _share: share }
        };
        let slot = timeout(self.config.wait, turn).await.ok();
        if slot.is_none() {
            self.counters.turned_away.add();
            tracing::warn!(
                %client,
                "a transfer waited too long for its turn, it was answered SERVFAIL; where that lasts, let more be sent at once \
                 (`at_once` in the settings; --transfer-slots on the command line)"
            );
        }
        slot
    }

    /// Packs a message when it is this one's turn: one worker at a time, so that the others are left for queries.
    pub(crate) async fn pack<T>(&self, pack: impl FnOnce() -> T) -> T {
        let _turn = self.packer.lock().await;
        pack()
    }

    /// What `request` is for, or the code it is refused with. `target` finds the zone of that very name.
    pub(crate) fn decide(
        &self,
        request: &Request,
        how: How,
        target: impl FnOnce(&OwnerName) -> Option<HickoryTarget>,
    ) -> Result<Wanted, ResponseCode> {
        let decided = self.wanted(request, how, target);
        if let Err(code) = &decided {
            self.counters.refused.add();
            tracing::info!(client = %request.src(), %code, "a transfer was refused");
        }
        decided
    }

    fn wanted(
        &self,
        request: &Request,
        how: How,
        target: impl FnOnce(&OwnerName) -> Option<HickoryTarget>,
    ) -> Result<Wanted, ResponseCode> {
        if !self.config.permit(request.src().ip(), how.is_signed) {
            return Err(ResponseCode::Refused);
        }
        let [question] = request.queries.queries() else { return Err(ResponseCode::FormErr) };
        // RFC 5936 section 2.2.1: NOTAUTH for what is no zone here.
        let target = target(&OwnerName::from_lower(question.name())).ok_or(ResponseCode::NotAuth)?;
        let live = target.snapshot().and_then(|live| Version::of(live.value()));
        let live = Arc::new(live.ok_or(ResponseCode::ServFail)?);
        if question.query_type() == RecordType::AXFR {
            // RFC 5936 section 4.2: there is no AXFR in datagrams.
            return if how.is_in_one { Err(ResponseCode::Refused) } else { Ok(Wanted::Full(live)) };
        }
        let theirs = client_serial(request).ok_or(ResponseCode::FormErr)?;
        if is_current(theirs, live.serial()) {
            return Ok(Wanted::Serial(live));
        }
        Ok(match target.version_at(theirs) {
            Some(before) => Wanted::Since(before, live),
            None => Wanted::Full(live),
        })
    }

    /// What is sent for `wanted`. Differences are found one at a time. Who asks on a connection has its [`Slot`] already, so
    /// that no client has more than its share of them; a datagram is small, may come from anybody, and waits for none.
    pub(crate) async fn content(&self, wanted: Wanted, is_in_one: bool) -> Content {
        let (before, live) = match wanted {
            Wanted::Serial(live) => return Content::Serial(live),
            Wanted::Full(live) => return Content::Full(live),
            Wanted::Since(before, live) => (before, live),
        };
        let differ = Arc::clone(&self.differ);
        let turn = match differ.try_lock_owned() {
            Ok(turn) => turn,
            Err(_) if is_in_one => return Content::Serial(live),
            Err(_) => Arc::clone(&self.differ).lock_owned().await,
        };
        match difference(turn, before, Arc::clone(&live)).await {
            Some(difference) => Content::Difference(live, difference),
            None => Content::Full(live),
        }
    }

    /// The answer in one datagram: where the content does not fit in `fits`, the newest serial (RFC 1995 section 2).
    pub(crate) fn in_one(&self, content: Content, fits: impl Fn(&Answer) -> bool) -> Answer {
        let of = |answers: Vec<Record>| Answer {
            authoritative: true,
            answers,
            ..Answer::bare(ResponseCode::NoError)
        };
        if matches!(content, Content::Difference(..)) {
            let answers: Vec<Record> = content.records().take(MOST_IN_A_DATAGRAM + 1).collect();
            let is_whole = answers.len() <= MOST_IN_A_DATAGRAM;
            let answer = of(answers);
            if is_whole && fits(&answer) {
                self.counters.incremental.add();
                return answer;
            }
        }
        self.counters.serial_only.add();
        of(vec![content.version().soa.clone()])
    }

    /// As if a difference were being found that takes for ever.
    #[cfg(test)]
    pub(crate) async fn find_for_ever(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.differ).lock_owned().await
    }

    pub(crate) const fn counter(&self, content: &Content) -> &Counter {
        match content {
            Content::Serial(_) => &self.counters.serial_only,
            Content::Full(_) => &self.counters.full,
            Content::Difference(..) => &self.counters.incremental,
        }
    }
}

/// The serial that the client has (RFC 1995 section 3).
fn client_serial(request: &Request) -> Option<u32> {
    request.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    })
}

/// The difference between two versions. Computed aside: where they share little, it walks both. The turn lasts until that has
/// ended, which it does early where nobody waits for it any more.
async fn difference(
    turn: OwnedMutexGuard<()>,
    before: Arc<Version>,
    after: Arc<Version>,
) -> Option<Difference> {
    let (found, difference) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let between = Difference::between(before, after, || !found.is_closed());
        drop(turn);
        // Where the client has gone meanwhile, nobody takes it.
        drop(found.send(between));
    });
    difference.await.ok().flatten()
}

impl Content {
    pub(crate) const fn version(&self) -> &Arc<Version> {
        match self {
            Self::Serial(version) | Self::Full(version) | Self::Difference(version, _) => version,
        }
    }

    /// The records of the response, in their order.
    pub(crate) fn records(&self) -> Box<dyn Iterator<Item = Record> + Send + '_> {
        let soa = || std::iter::once(self.version().soa.clone());
        match self {
            Self::Serial(_) => Box::new(soa()),
            Self::Full(version) => Box::new(soa().chain(records(&version.zone)).chain(soa())),
            Self::Difference(_, difference) => Box::new(soa().chain(difference.records()).chain(soa())),
        }
    }
}

#[cfg(test)]
mod tests;
