//! The request handler: several zones, each a target, and one snapshot per query.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::{Arc, RwLock};

use dnsplan_enactor::Target as _;
use dnsplan_plan::{OwnerName, RecordType};
use hickory_proto::op::{Header, HeaderCounts, ResponseCode};
use hickory_server::net::runtime::Time;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use tokio::sync::watch;

use crate::choose::{Chooser, SplitMix64};
use crate::lookup::Answer;
use crate::respond::Response;
use crate::target::HickoryTarget;
use crate::transfer::{
    Desk, How, Seal, TransferCounts, Transfers, TransfersError, Verdict, Wanted, is_transfer, now, verify,
};

/// Answers requests from the zones of some targets. Clones are handles to the same zones.
#[derive(Clone)]
pub struct Handler {
    zones: Arc<RwLock<BTreeMap<OwnerName, HickoryTarget>>>,
    /// Changes when a zone is added.
    added: Arc<watch::Sender<usize>>,
    chooser: Arc<dyn Chooser>,
    desk: Option<Arc<Desk>>,
}

const UNPOISONED: &str = "invariant: nothing panics while the list of zones is locked";

/// Two targets serve the same zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two targets serve the zone {0}: keep one of them")]
pub struct DuplicateZone(pub OwnerName);

impl Handler {
    /// A handler for the zones of `targets`, which choose among weighted members at random.
    ///
    /// # Errors
    /// [`DuplicateZone`] where two of them serve the same zone.
    pub fn new(targets: impl IntoIterator<Item = HickoryTarget>) -> Result<Self, DuplicateZone> {
        let chooser = Arc::new(SplitMix64::default());
        let handler = Self { zones: Arc::default(), added: Arc::default(), chooser, desk: None };
        targets.into_iter().try_for_each(|target| handler.add(target))?;
        Ok(handler)
    }

    /// Answers for one more zone from now on.
    ///
    /// # Errors
    /// [`DuplicateZone`] where the zone is served already; nothing was changed then.
    pub fn add(&self, target: HickoryTarget) -> Result<(), DuplicateZone> {
        let zone = target.zone().clone();
        match self.zones.write().expect(UNPOISONED).entry(zone) {
            Entry::Occupied(entry) => return Err(DuplicateZone(entry.key().clone())),
            Entry::Vacant(entry) => {
                if let Some(desk) = &self.desk {
                    target.keep_history(desk.config().history);
                }
                entry.insert(target);
            }
        }
        self.added.send_modify(|count| *count += 1);
        Ok(())
    }

    /// The same, with another source of choice.
    #[must_use]
    pub fn choosing_by(mut self, chooser: impl Chooser + 'static) -> Self {
        self.chooser = Arc::new(chooser);
        self
    }

    /// The same, with zones that secondaries follow: all of them, those added later too. A [`DnsServer`](crate::DnsServer) is
    /// what transfers them and notifies.
    ///
    /// # Errors
    /// [`TransfersError`] where the settings do not make sense.
    pub fn transferring(mut self, transfers: Transfers) -> Result<Self, TransfersError> {
        let desk = Desk::new(transfers)?;
        self.targets().iter().for_each(|target| target.keep_history(desk.config().history));
        self.desk = Some(Arc::new(desk));
        Ok(self)
    }

    /// What became of the requests for transfers so far.
    #[must_use]
    pub fn transfer_counts(&self) -> TransferCounts {
        self.desk.as_ref().map(|desk| desk.counts()).unwrap_or_default()
    }

    pub(crate) const fn desk(&self) -> Option<&Arc<Desk>> {
        self.desk.as_ref()
    }

    pub(crate) fn targets(&self) -> Vec<HickoryTarget> {
        self.zones.read().expect(UNPOISONED).values().cloned().collect()
    }

    /// Changes when a zone is added.
    pub(crate) fn additions(&self) -> watch::Receiver<usize> {
        self.added.subscribe()
    }

    /// What the signature of a request says.
    pub(crate) fn verdict(&self, request: &Request) -> Verdict {
        let verdict = verify(request, self.desk.as_ref().map_or(&[], |desk| desk.keys()), now);
        if let (Verdict::Wrong(..), Some(desk)) = (&verdict, &self.desk) {
            desk.counters.wrongly_signed.add();
            tracing::info!(client = %request.src(), "a request is signed with an unknown key, another secret or at another time");
        }
        verdict
    }

    /// What a request for a transfer is for, or the code it is refused with.
    pub(crate) fn transfer(&self, request: &Request, how: How) -> Result<Wanted, ResponseCode> {
        let Some(desk) = &self.desk else { return Err(ResponseCode::Refused) };
        let zone = |name: &OwnerName| self.zones.read().expect(UNPOISONED).get(name).cloned();
        desk.decide(request, how, zone)
    }

    /// The response to a request, in one message.
    pub(crate) async fn respond(&self, request: &Request) -> Response {
        let seal = match self.verdict(request) {
            Verdict::Unsigned => None,
            Verdict::Signed(chain) => Some(Seal::Chain(chain)),
            Verdict::Wrong(code, seal) => return Response::new(request, Answer::bare(code), seal),
        };
        if let Some(desk) = self.desk.as_ref().filter(|_| is_transfer(request)) {
            let how = How { is_signed: seal.is_some(), is_in_one: true };
            let answer = match self.transfer(request, how) {
                Ok(wanted) => {
                    let content = desk.content(wanted, true).await;
                    desk.in_one(content, |answer| Response::holds(request, answer, seal.as_ref()))
                }
                Err(code) => Answer::bare(code),
            };
            return Response::new(request, answer, seal);
        }
        Response::to(request, self, seal)
    }

    /// The answer to a request that was found to be one question of class IN and an ordinary type.
    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let [question] = request.queries.queries() else { return Answer::bare(ResponseCode::FormErr) };
        let name = OwnerName::from_lower(question.name());
        let Some(target) = self.zone_of(&name, question.query_type()) else {
            return Answer::bare(ResponseCode::Refused);
        };
        let (qname, qtype) = (question.original().name(), question.query_type());
        match target.snapshot() {
            Some(live) => live.value().answer(qname, name, qtype, &*self.chooser),
            None => Answer::bare(ResponseCode::ServFail),
        }
    }

    /// The zone with the longest name that `name` lies in. A DS RRset is answered by the zone above, where that is here
    /// (RFC 4035 section 3.1.4.1).
    fn zone_of(&self, name: &OwnerName, qtype: RecordType) -> Option<HickoryTarget> {
        let zones = self.zones.read().expect(UNPOISONED);
        let nearest = at_or_above(&zones, name.clone())?;
        if qtype == RecordType::DS && nearest.zone() == name && !name.is_root() {
            return at_or_above(&zones, name.parent()).or(Some(nearest)).cloned();
        }
        Some(nearest.clone())
    }
}

fn at_or_above(zones: &BTreeMap<OwnerName, HickoryTarget>, mut name: OwnerName) -> Option<&HickoryTarget> {
    loop {
        if let Some(target) = zones.get(&name) {
            return Some(target);
        }
        if name.is_root() {
            return None;
        }
        name = name.parent();
    }
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response_handle: R,
    ) -> ResponseInfo {
        let response = self.respond(request).await;
        match response_handle.send_response(response.message(request)).await {
            Ok(info) => info,
            Err(error) => {
                tracing::debug!(%error, client = %request.src(), "a response could not be sent");
                ResponseInfo::from(Header { metadata: response.metadata, counts: HeaderCounts::default() })
            }
        }
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zones = self.zones.read().expect(UNPOISONED);
        f.debug_struct("Handler").field("zones", &zones.keys()).finish_non_exhaustive()
    }
}
