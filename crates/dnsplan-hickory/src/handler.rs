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
use hickory_server::zone_handler::MessageResponseBuilder;

use crate::choose::{Chooser, SplitMix64};
use crate::lookup::Answer;
use crate::respond::Response;
use crate::target::HickoryTarget;

/// Answers requests from the zones of some targets. Clones are handles to the same zones.
#[derive(Clone)]
pub struct Handler {
    zones: Arc<RwLock<BTreeMap<OwnerName, HickoryTarget>>>,
    chooser: Arc<dyn Chooser>,
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
        let handler = Self { zones: Arc::default(), chooser: Arc::new(SplitMix64::default()) };
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
            Entry::Occupied(entry) => Err(DuplicateZone(entry.key().clone())),
            Entry::Vacant(entry) => {
                entry.insert(target);
                Ok(())
            }
        }
    }

    /// The same, with another source of choice.
    #[must_use]
    pub fn choosing_by(mut self, chooser: impl Chooser + 'static) -> Self {
        self.chooser = Arc::new(chooser);
        self
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
        let response = Response::to(request, self);
        let (metadata, answer) = (response.metadata, &response.answer);
        let message = MessageResponseBuilder::new(&request.queries, response.edns.as_ref()).build(
            metadata,
            &answer.answers,
            &answer.authorities,
            [],
            response.additionals(),
        );
        match response_handle.send_response(message).await {
            Ok(info) => info,
            Err(error) => {
                tracing::debug!(%error, client = %request.src(), "a response could not be sent");
                ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
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
