//! What the integration tests share: plans from lines, an enactor's writes by hand, a running server.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dnsplan_enactor::{Basis, Quarantine, Rider};
use dnsplan_fence::{
    Actor, Generation, Move, Nonce, OfferedGeneration, ParentGeneration, Part, Permit, Register, Sighting,
    Standing, Swap,
};
use dnsplan_hickory::{DnsServer, Handler, HickoryTarget};
use dnsplan_plan::{Plan, Proposal, Provenance, Timestamp, Zone};
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use tokio::runtime::Runtime;

/// Long enough for any answer over loopback; only a defect waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The result of a write: its own thread may be at it for a moment, where the test runs a runtime.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    dnsplan_enactor::conformance::block_on(future)
}

pub(crate) fn plan(generation: u64, zone: Zone) -> Arc<Plan> {
    let provenance = Provenance::new("test", Timestamp::from_millis(0), "a test");
    let granted = OfferedGeneration::granted(Generation::new(generation));
    Arc::new(Plan::granted(granted, ParentGeneration::NONE, Proposal { zone, provenance }))
}

pub(crate) fn me() -> Actor {
    Actor::new("test").unwrap()
}

pub(crate) fn nonce() -> Nonce {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Nonce::new(NEXT.fetch_add(1, Ordering::Relaxed).into())
}

/// The record there, created where there is none, and the head of a store.
pub(crate) fn sighting(target: &HickoryTarget, head: u64) -> Sighting<Quarantine> {
    if let Some(genesis) = now(target.load()).unwrap().genesis(nonce(), &me(), Quarantine::default()) {
        assert_eq!(now(target.create(genesis)), Ok(Swap::Won));
    }
    let seen = now(target.load()).unwrap();
    let head = seen.witness().answered(Standing::new(Generation::new(head)));
    seen.sight(head).expect("a record is there")
}

/// A permit for `action` on behalf of the store's newest plan.
pub(crate) fn permit(target: &HickoryTarget, plan: &Plan, action: Move) -> Permit<Quarantine> {
    sighting(target, plan.generation().get()).permit(plan, action, nonce(), &me()).expect("a permit")
}

pub(crate) fn part(plan: &Arc<Plan>) -> Rider {
    Rider::Part { plan: Arc::clone(plan), basis: Arc::new(Basis::Unknown), set_aside: [].into() }
}

/// Puts a plan in place, as an enactor does.
pub(crate) fn publish(target: &HickoryTarget, plan: &Arc<Plan>) {
    let permit = permit(target, plan, Move::Apply(Part::ONLY));
    assert_eq!(now(target.swap(permit, part(plan))), Ok(Swap::Won));
}

/// A server on a runtime of its own; both end with it.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    server: Option<DnsServer>,
    runtime: Runtime,
}

impl Running {
    pub(crate) fn start(handler: Handler) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = runtime.block_on(DnsServer::bind("127.0.0.1:0".parse().unwrap(), handler)).unwrap();
        Self { address: server.local_addr(), server: Some(server), runtime }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.shutdown()).expect("no socket failed");
        }
    }
}

pub(crate) fn question(name: &str, qtype: RecordType) -> Message {
    static ID: AtomicU64 = AtomicU64::new(0);
    let id = u16::try_from(ID.fetch_add(1, Ordering::Relaxed) % 65_536).unwrap();
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), qtype));
    message
}

/// A client's socket that only hears the server.
pub(crate) fn client(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// One exchange over UDP.
pub(crate) fn exchange(socket: &UdpSocket, request: &Message) -> Message {
    socket.send(&request.to_vec().unwrap()).unwrap();
    let mut bytes = [0; 4096];
    let length = socket.recv(&mut bytes).expect("an answer in time");
    let response = Message::from_vec(&bytes[..length]).unwrap();
    assert_eq!(
        (response.metadata.id, response.metadata.message_type),
        (request.metadata.id, MessageType::Response)
    );
    response
}
