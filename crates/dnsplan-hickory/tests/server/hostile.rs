//! Clients that do not behave. Whatever they send, the next one is served.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use dnsplan_hickory::{Chooser, SplitMix64};
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use socket2::{Domain, Socket, Type};

use crate::common::{PATIENCE, client, exchange, question};
use crate::{connect, over_tcp, over_udp, receive, send, serve};

/// Asks until the answer to this very question comes, past the answers to what was sent before.
fn is_alive(socket: &UdpSocket) {
    let request = question("www.example.", RecordType::A);
    socket.send(&request.to_vec().unwrap()).unwrap();
    let mut bytes = [0; 4096];
    loop {
        let length = socket.recv(&mut bytes).expect("the server lives");
        let Ok(response) = Message::from_vec(&bytes[..length]) else { continue };
        if response.queries == request.queries && response.metadata.id == request.metadata.id {
            assert_eq!(response.answers.len(), 1);
            return;
        }
    }
}

fn lives(server: SocketAddr) {
    is_alive(&client(server));
    assert_eq!(over_tcp(server, &question("www.example.", RecordType::A)).answers.len(), 1);
}

#[test]
fn noise_and_broken_queries_do_not_stop_the_server() {
    let server = serve("example.", &["www A 192.0.2.1"]);
    let socket = client(server.address);
    let noise = SplitMix64::seeded(20);
    let valid = question("www.example.", RecordType::A).to_vec().unwrap();
    for round in 0..2_000_usize {
        let mut packet: Vec<u8> = if round % 2 == 0 {
            (0..round % 90).map(|_| noise.number().to_be_bytes()[0]).collect()
        } else {
            let mut broken = valid.clone();
            broken.truncate(round % (valid.len() + 1));
            if let Some(byte) = broken.get_mut(round / 2 % valid.len()) {
                *byte ^= noise.number().to_be_bytes()[0];
            }
            broken
        };
        // Some claim to be responses; those get no answer at all.
        if let (0, Some(flags)) = (round % 5, packet.get_mut(2)) {
            *flags |= 0x80;
        }
        socket.send(&packet).unwrap();
        if round % 50 == 0 {
            is_alive(&socket);
        }
    }
    lives(server.address);
}

#[test]
fn names_that_point_at_themselves_are_form_errors() {
    let server = serve("example.", &["www A 192.0.2.1"]);
    let socket = client(server.address);
    // A header with one question, whose name is a pointer to itself.
    let looped = [8, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1];
    socket.send(&looped).unwrap();
    let mut bytes = [0; 512];
    let length = socket.recv(&mut bytes).unwrap();
    let response = Message::from_vec(&bytes[..length]).unwrap();
    assert_eq!((response.metadata.id, response.metadata.response_code), (0x0800, ResponseCode::FormErr));
    lives(server.address);
}

#[test]
fn a_response_is_not_answered() {
    let server = serve("example.", &["www A 192.0.2.1"]);
    let socket = client(server.address);
    let mut response = question("www.example.", RecordType::A);
    response.metadata.message_type = MessageType::Response;
    socket.send(&response.to_vec().unwrap()).unwrap();
    // What comes first is the answer to the question that was asked after it.
    let request = question("www.example.", RecordType::A);
    assert_eq!(exchange(&socket, &request).answers.len(), 1);
}

#[test]
fn a_signed_query_is_turned_down_since_no_key_is_known() {
    let server = serve("example.", &["www A 192.0.2.1"]);
    let mut request = question("www.example.", RecordType::A);
    // The root as its algorithm, and nothing but zeroes after that.
    let tsig = RData::Unknown { code: RecordType::TSIG, rdata: NULL::with(vec![0; 17]) };
    request.add_additional(Record::from_rdata(Name::from_ascii("key.").unwrap(), 0, tsig));
    assert_eq!(over_udp(server.address, &request).metadata.response_code, ResponseCode::NotAuth);
}

#[test]
fn one_address_has_64_connections_and_keeps_nobody_else_away() {
    let server = serve("example.", &["www A 192.0.2.1"]);
    let from_elsewhere = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&"127.0.0.2:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        socket.connect(&server.address.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    };
    let mut held: Vec<TcpStream> = (0..64).map(|_| from_elsewhere()).collect();
    let request = question("www.example.", RecordType::A).to_vec().unwrap();
    let mut last = from_elsewhere();
    // It is closed; whether before or after this is sent, nobody knows.
    let length = u16::try_from(request.len()).unwrap().to_be_bytes();
    let sent = last.write_all(&[&length, &request[..]].concat());
    let answer = sent.and_then(|()| last.read(&mut [0]));
    assert!(matches!(answer, Ok(0) | Err(_)), "{answer:?}");
    assert!(
        !answer.is_err_and(|error| error.kind() == ErrorKind::WouldBlock),
        "it is closed, and not left alone"
    );
    send(held.last_mut().unwrap(), &request);
    assert_eq!(receive(held.last_mut().unwrap()).answers.len(), 1);
    lives(server.address);
}

#[test]
fn one_connection_carries_many_queries_and_garbage_only_costs_itself() {
    let server = serve("example.", &["www A 192.0.2.1"]);
    let mut stream = connect(server.address);
    let requests: Vec<Message> = (0..20).map(|_| question("www.example.", RecordType::A)).collect();
    for request in &requests {
        send(&mut stream, &request.to_vec().unwrap());
    }
    let mut ids: Vec<u16> = requests.iter().map(|_| receive(&mut stream).metadata.id).collect();
    let mut sent: Vec<u16> = requests.iter().map(|request| request.metadata.id).collect();
    ids.sort_unstable();
    sent.sort_unstable();
    assert_eq!(ids, sent);

    let mut rude = connect(server.address);
    rude.write_all(&[0xff, 0xff, 1, 2, 3]).unwrap();
    rude.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(rude.read_to_end(&mut Vec::new()).unwrap(), 0, "it is closed without an answer");
    assert_eq!(over_udp(server.address, &question("www.example.", RecordType::A)).answers.len(), 1);
    lives(server.address);
}
