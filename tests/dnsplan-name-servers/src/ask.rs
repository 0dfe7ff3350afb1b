//! One question to one server over UDP: enough to see whether it serves a zone, and which version of it.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RData, RecordType};

/// Loopback answers at once, or nobody is there yet.
const TIMEOUT: Duration = Duration::from_millis(200);

/// The answer to a question, as far as there is one.
#[must_use]
pub fn ask(server: SocketAddr, name: &Name, record_type: RecordType) -> Option<Message> {
    let mut message = Message::query();
    message.add_query(Query::query(name.clone(), record_type));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    socket.set_read_timeout(Some(TIMEOUT)).ok()?;
    socket.connect(server).ok()?;
    socket.send(&message.to_vec().ok()?).ok()?;
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).ok()?;
    Message::from_vec(&buffer[..length]).ok().filter(|answer| answer.id == message.id)
}

/// The serial of a zone that a server answers for with authority.
#[must_use]
pub fn serial(server: SocketAddr, zone: &Name) -> Option<u32> {
    let answer = ask(server, zone, RecordType::SOA).filter(|answer| answer.authoritative)?;
    answer.answers.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    })
}
