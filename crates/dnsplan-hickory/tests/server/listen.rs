//! Binding and letting go.

use dnsplan_hickory::{DnsServer, Handler, ServerError};
use hickory_proto::rr::RecordType;

use crate::common::question;
use crate::{over_udp, serve, target};

fn handler() -> Handler {
    Handler::new([target("example.", &["www A 192.0.2.1"])]).unwrap()
}

#[test]
fn a_taken_address_is_refused_and_its_server_is_not_disturbed() {
    let server = serve("example.", &["www A 192.0.2.9"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let second = runtime.block_on(DnsServer::bind(server.address, handler()));
    let Err(ServerError::Bind { address, .. }) = second else { panic!("two servers share a port") };
    assert_eq!(address, server.address);
    for _ in 0..20 {
        assert_eq!(over_udp(server.address, &question("www.example.", RecordType::A)).answers.len(), 1);
    }
}

#[test]
fn a_stopped_server_gives_its_port_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let first = DnsServer::bind("127.0.0.1:0".parse().unwrap(), handler()).await.unwrap();
        let address = first.local_addr();
        assert_ne!(address.port(), 0);
        first.shutdown().await.unwrap();
        let second = DnsServer::bind(address, handler()).await.unwrap();
        assert_eq!(second.local_addr(), address);
        second.shutdown().await.unwrap();
    });
}

#[test]
fn a_server_goes_on_until_it_is_stopped() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut server = DnsServer::bind("[::1]:0".parse().unwrap(), handler()).await.unwrap();
        let mut waiting = std::pin::pin!(server.wait());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
    });
}
