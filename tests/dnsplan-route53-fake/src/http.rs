//! The API over HTTP: which call it is, which faults strike it, and its answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use tokio::sync::watch;

use crate::change::Change;
use crate::fault::Fault;
use crate::line::{Lines, Scissors};
use crate::log::{Operation, Outcome};
use crate::refusal::Refusal;
use crate::wire;
use crate::world::{Start, World};
use crate::zone::Zone;

/// What the server and the handles share.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    /// How many calls are held.
    pub(crate) held: watch::Sender<usize>,
    /// How often held calls were released.
    pub(crate) released: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self { world: Mutex::new(world), held: watch::Sender::new(0), released: watch::Sender::new(0) }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        // A handle that panics over a test's mistake has changed nothing.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn hold(&self) {
        let mut released = self.released.subscribe();
        self.held.send_modify(|held| *held += 1);
        // The sender lives as long as this borrow of it.
        let _ = released.changed().await;
        self.held.send_modify(|held| *held -= 1);
    }
}

/// Serves the API until the task is dropped.
pub(crate) async fn serve(lines: Lines, shared: Arc<Shared>) {
    let router = Router::new().fallback(handle).layer(DefaultBodyLimit::disable()).with_state(shared);
    let service = router.into_make_service_with_connect_info::<Scissors>();
    // It does not return: errors of single connections are their own.
    let _ = axum::serve(lines, service).await;
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let Some(call) = Call::read(&method, &uri, &body) else {
        return response(
            404,
            "unknown",
            "<ErrorResponse><Error><Code>UnknownOperation</Code></Error></ErrorResponse>".into(),
        );
    };
    // In a task of its own: what has arrived is done even if the caller goes away.
    let answered = tokio::spawn(async move { call.answer(&shared).await }).await;
    match answered {
        Ok(Some(response)) => response,
        Ok(None) | Err(_) => {
            scissors.cut();
            Response::new(Body::empty())
        }
    }
}

fn response(status: u16, request_id: &str, document: String) -> Response {
    let mut response = Response::new(Body::from(document));
    *response.status_mut() =
        StatusCode::from_u16(status).expect("invariant: statuses are written in the code");
    let headers = response.headers_mut();
    headers.insert("content-type", "text/xml".parse().expect("invariant: a literal"));
    headers.insert("x-amzn-requestid", request_id.parse().expect("invariant: request ids are ASCII"));
    response
}

/// One call: which action, on what.
#[derive(Debug)]
struct Call {
    operation: Operation,
    id: String,
    query: Vec<(String, String)>,
    changes: Result<Vec<Change>, Refusal>,
}

impl Call {
    fn read(method: &Method, uri: &Uri, body: &[u8]) -> Option<Self> {
        let path = uri.path().strip_prefix("/2013-04-01/")?;
        let path = decode(path, false);
        let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        // Ids come with or without their kind before them.
        segments.dedup_by(|next, before| next == before && (*next == "hostedzone" || *next == "change"));
        let (operation, id) = match (method.as_str(), segments.as_slice()) {
            ("POST", ["hostedzone", id, "rrset"]) => (Operation::ChangeResourceRecordSets, *id),
            ("GET", ["hostedzone", id, "rrset"]) => (Operation::ListResourceRecordSets, *id),
            ("GET", ["change", id]) => (Operation::GetChange, *id),
            ("GET", ["hostedzone", id]) => (Operation::GetHostedZone, *id),
            ("GET", ["hostedzonesbyname"]) => (Operation::ListHostedZonesByName, ""),
            _ => return None,
        };
        let changes = match operation {
            Operation::ChangeResourceRecordSets => wire::changes(&String::from_utf8_lossy(body)),
            _ => Ok(Vec::new()),
        };
        let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let query = pairs.map(|(name, value)| (name.to_owned(), decode(value, true))).collect();
        Some(Self { operation, id: id.to_owned(), query, changes })
    }

    /// The answer. `None` where there is none: the connection is to be closed.
    async fn answer(self, shared: &Shared) -> Option<Response> {
        let (request, faults) = {
            let mut world = shared.world();
            world.counters.called(self.operation);
            let World { faults, random, .. } = &mut *world;
            let faults = faults.strike(self.operation, random);
            (world.next_request(), faults)
        };
        for fault in &faults {
            match fault {
                Fault::Delayed(time) => tokio::time::sleep(*time).await,
                Fault::Held => shared.hold().await,
                _ => {}
            }
        }
        let request_id = format!("00000000-0000-4000-8000-{request:012x}");
        match self.decide(&mut shared.world(), &faults)? {
            Ok(document) => Some(response(200, &request_id, document)),
            Err(refusal) => Some(response(refusal.status(), &request_id, wire::error(&refusal, &request_id))),
        }
    }

    fn decide(self, world: &mut World, faults: &[Fault]) -> Option<Result<String, Refusal>> {
        let again = faults.iter().find_map(|fault| match fault {
            Fault::Duplicated { after } => Some(*after),
            _ => None,
        });
        for fault in faults {
            if let Some(refusal) = fault.refusal(self.operation) {
                self.not_decided(world, Outcome::Refused(refusal.clone()), again);
                return Some(Err(refusal));
            }
            match fault {
                Fault::RequestLost => {
                    self.not_decided(world, Outcome::Lost, again);
                    return None;
                }
                Fault::ReplyLost => {
                    let _unheard = self.perform(world, again);
                    return None;
                }
                _ => {}
            }
        }
        Some(self.perform(world, again))
    }

    fn not_decided(self, world: &mut World, outcome: Outcome, again: Option<usize>) {
        if self.operation == Operation::ChangeResourceRecordSets
            && let Ok(changes) = self.changes
        {
            world.record(&self.id, changes, outcome, again);
        }
    }

    fn perform(self, world: &mut World, again: Option<usize>) -> Result<String, Refusal> {
        match self.operation {
            Operation::ChangeResourceRecordSets => {
                let number = world.change(&self.id, self.changes?, again);
                match &world.log()[number].outcome {
                    // As in Route 53, a change is never in sync yet in the reply to it.
                    Outcome::Accepted(id) => {
                        Ok(wire::change_info("ChangeResourceRecordSetsResponse", id, false))
                    }
                    Outcome::Refused(refusal) => Err(refusal.clone()),
                    Outcome::Lost => unreachable!("a request that was decided was not lost"),
                }
            }
            Operation::ListResourceRecordSets => {
                let text = |name| self.parameter(name).map(str::to_owned);
                let start = Start {
                    name: text("name"),
                    record_type: text("type"),
                    identifier: text("identifier"),
                    max_items: self.max_items()?,
                };
                world.list(&self.id, &start).map(|page| wire::listing(&page))
            }
            Operation::GetChange => {
                let in_sync = world.is_in_sync(&self.id)?;
                Ok(wire::change_info("GetChangeResponse", &self.id, in_sync))
            }
            Operation::GetHostedZone => world.zone(&self.id).map(wire::hosted_zone),
            Operation::ListHostedZonesByName => self.zones_by_name(world),
        }
    }

    fn zones_by_name(&self, world: &World) -> Result<String, Refusal> {
        let asked = self.parameter("dnsname");
        let start = asked.map(crate::Name::parse).transpose();
        let start = start.map_err(|error| Refusal::InvalidInput(error.to_string()))?;
        let id = self.parameter("hostedzoneid").map(crate::batch::bare_id).unwrap_or_default();
        let start = start.map(|name| (name, id.to_owned()));
        let mut zones: Vec<&Zone> = world.zones().collect();
        zones.sort_by_key(|zone| wire::zone_order(zone));
        zones.retain(|zone| start.as_ref().is_none_or(|start| wire::zone_order(zone) >= *start));
        let size = self.max_items()?.unwrap_or(100).min(100);
        let page = &zones[..size.min(zones.len())];
        Ok(wire::hosted_zones(page, asked, size, zones.get(size).copied()))
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(key, value)| key == name && !value.is_empty());
        pair.map(|(_, value)| value.as_str())
    }

    fn max_items(&self) -> Result<Option<usize>, Refusal> {
        let number = self.parameter("maxitems").map(str::parse::<usize>).transpose();
        number.map_err(|_| Refusal::InvalidInput("Invalid request: maxitems is no number".to_owned()))
    }
}

/// Undoes percent encoding, and in a query that of blanks.
fn decode(text: &str, query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let encoded = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (byte, encoded.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            (b'+', _) if query => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone() {
        assert_eq!(decode("%5C052.a+b%2fc%", true), r"\052.a b/c%");
        assert_eq!(decode("a+b%zz", false), "a+b%zz");
    }

    #[test]
    fn calls_are_told_apart_with_ids_in_any_form() {
        let read = |method: Method, path: &str| {
            let uri: Uri = path.parse().unwrap();
            Call::read(&method, &uri, b"").map(|call| (call.operation, call.id))
        };
        let found = |operation, id: &str| Some((operation, id.to_owned()));
        let change = found(Operation::ChangeResourceRecordSets, "Z1");
        assert_eq!(read(Method::POST, "/2013-04-01/hostedzone/Z1/rrset/"), change);
        assert_eq!(read(Method::POST, "/2013-04-01/hostedzone/Z1/rrset"), change);
        assert_eq!(read(Method::POST, "/2013-04-01/hostedzone/%2Fhostedzone%2FZ1/rrset"), change);
        let list = found(Operation::ListResourceRecordSets, "Z1");
        assert_eq!(read(Method::GET, "/2013-04-01/hostedzone//hostedzone/Z1/rrset?name=a"), list);
        assert_eq!(read(Method::GET, "/2013-04-01/change//change/C1"), found(Operation::GetChange, "C1"));
        assert_eq!(read(Method::GET, "/2013-04-01/hostedzone/Z1"), found(Operation::GetHostedZone, "Z1"));
        let by_name = found(Operation::ListHostedZonesByName, "");
        assert_eq!(read(Method::GET, "/2013-04-01/hostedzonesbyname?dnsname=a"), by_name);
        assert_eq!(read(Method::DELETE, "/2013-04-01/hostedzone/Z1"), None);
        assert_eq!(read(Method::GET, "/elsewhere"), None);
    }
}
