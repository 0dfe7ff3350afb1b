//! Answering queries: the handler without a socket (parse, look up, encode), and once around through a UDP socket.

use std::cell::LazyCell;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dnsplan::hickory::{DnsServer, Handler};
use dnsplan_benches::{live_in_memory, owner, size_name};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Record, RecordType};
use hickory_proto::serialize::binary::BinEncoder;
use hickory_server::net::NetError;
use hickory_server::net::runtime::TokioTime;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponse;
use tokio::runtime::Runtime;

/// Encodes a response as a socket's handler does, and sends it nowhere.
#[derive(Clone)]
struct Discard;

#[async_trait::async_trait]
impl ResponseHandler for Discard {
    async fn send_response<'a>(
        &mut self,
        response: MessageResponse<
            '_,
            'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
        >,
    ) -> Result<ResponseInfo, NetError> {
        let mut bytes = Vec::with_capacity(512);
        Ok(response.destructive_emit(&mut BinEncoder::new(&mut bytes))?)
    }
}

fn question(label: &str) -> Vec<u8> {
    let mut message = Message::new(4711, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(owner(label).to_name(), RecordType::A));
    message.to_vec().expect("a question has a wire form")
}

fn answer(runtime: &Runtime, handler: &Handler, question: &[u8]) -> ResponseCode {
    let source = SocketAddr::from((Ipv4Addr::LOCALHOST, 5353));
    let request = Request::from_bytes(question.to_vec(), source, Protocol::Udp).expect("a request");
    runtime.block_on(handler.handle_request::<_, TokioTime>(&request, Discard)).response_code
}

fn queries(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for hosts in [10_000, 1_000_000] {
        // Built only where a benchmark that needs it is asked for.
        let handler = LazyCell::new(|| Handler::new([live_in_memory(hosts)]).expect("one zone"));
        let mut group = c.benchmark_group("query");
        group.throughput(Throughput::Elements(1));
        for (what, label, expected) in [
            ("address", "h0004711", ResponseCode::NoError),
            ("nxdomain", "h0004711x", ResponseCode::NXDomain),
            ("weighted", "api", ResponseCode::NoError),
            ("chain of two aliases", "www", ResponseCode::NoError),
        ] {
            group.bench_function(format!("{what}/{}", size_name(hosts)), |bencher| {
                let (handler, question) = (&*handler, question(label));
                assert_eq!(answer(&runtime, handler, &question), expected);
                bencher.iter(|| answer(&runtime, handler, &question));
            });
        }
        group.bench_function(format!("over udp and back/{}", size_name(hosts)), |bencher| {
            round_trip(bencher, (*handler).clone());
        });
        group.finish();
    }
}

/// One question at a time: the latency of an idle server, not what it can take.
fn round_trip(bencher: &mut criterion::Bencher<'_>, handler: Handler) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let server = runtime.block_on(DnsServer::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), handler));
    let server = server.expect("a server");
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.connect(server.local_addr()).expect("the server's address");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    let (question, mut response) = (question("h0004711"), [0; 512]);
    bencher.iter(|| {
        socket.send(&question).expect("sent");
        socket.recv(&mut response).expect("an answer")
    });
    runtime.block_on(server.shutdown()).expect("a server that stops");
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = short(); targets = queries }
criterion_main!(benches);
