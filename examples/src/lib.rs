//! What the examples in `src/bin` share: a small zone and a way to ask it. Run one with `cargo run -p dnsplan-examples --bin embed`.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use tokio::net::UdpSocket;

/// The spec of a zone with a protected endpoint, answered with the addresses of `hosts` (the last byte of each). Without
/// hosts there is no endpoint either.
#[must_use]
pub fn spec(hosts: &[u8]) -> String {
    let members: Vec<String> =
        hosts.iter().map(|host| format!(r#"{{ id = "blue-{host}", ipv4 = "192.0.2.{host}" }}"#)).collect();
    let endpoint = format!(
        r#"
        [pool.blue]
        members = [{}]
        [[endpoint]]
        name = "api"
        protected = true
        policy = "all"
        pools = {{ blue = 1 }}"#,
        members.join(", ")
    );
    format!(
        r#"
        [zone."example."]
        ns = ["ns1"]
        {}
        [[record]]
        name = "ns1"
        type = "A"
        data = "192.0.2.53""#,
        if hosts.is_empty() { "" } else { &endpoint }
    )
}

/// The addresses that a server answers for a name, in order.
///
/// # Errors
/// Where there is no answer, or none that can be read.
pub async fn ask(server: SocketAddr, name: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let mut question = Message::new(1, MessageType::Query, OpCode::Query);
    question.add_query(Query::query(Name::from_ascii(name)?, RecordType::A));
    let socket = UdpSocket::bind((server.ip(), 0)).await?;
    socket.connect(server).await?;
    socket.send(&question.to_vec()?).await?;
    let mut bytes = [0; 1_232];
    let length = tokio::time::timeout(Duration::from_secs(5), socket.recv(&mut bytes)).await??;
    let answer = Message::from_vec(&bytes[..length])?;
    let mut addresses: Vec<String> = answer.answers.iter().map(|record| record.data.to_string()).collect();
    addresses.sort();
    Ok(addresses)
}
