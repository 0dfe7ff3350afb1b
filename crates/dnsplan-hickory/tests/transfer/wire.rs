//! A client that transfers zones, and checks what it gets as a secondary would.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

use dnsplan_plan::RData;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::{Name, Record, RecordType, TSigVerifier, TSigner};
use socket2::{Domain, Socket, Type};

use crate::common::{PATIENCE, question};

pub(crate) const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The signer of the key `name` with this secret.
pub(crate) fn signer(name: &str, algorithm: TsigAlgorithm, secret: &[u8]) -> TSigner {
    TSigner::new(secret.to_vec(), algorithm, Name::from_ascii(name).unwrap(), 300).unwrap()
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn axfr(zone: &str) -> Message {
    question(zone, RecordType::AXFR)
}

/// A request for what has changed since `serial`.
pub(crate) fn ixfr(zone: &str, serial: u32) -> Message {
    let mut message = question(zone, RecordType::IXFR);
    let name = Name::from_ascii(zone).unwrap();
    let soa = SOA::new(name.clone(), name.clone(), serial, 0, 0, 0, 0);
    message.add_authority(Record::from_rdata(name, 0, RData::SOA(soa)));
    message
}

/// A connection to a server.
pub(crate) struct Connection(TcpStream);

/// What came in answer to one request.
#[derive(Debug, Default)]
pub(crate) struct Transfer {
    pub(crate) code: ResponseCode,
    pub(crate) records: Vec<Record>,
    /// How long each message was.
    pub(crate) sizes: Vec<usize>,
    pub(crate) last: Option<Message>,
}

impl Connection {
    pub(crate) fn open(server: SocketAddr, from: IpAddr) -> Self {
        Self::narrow(server, from, None)
    }

    /// A connection that takes no more than about `window` bytes ahead of its reader.
    pub(crate) fn narrow(server: SocketAddr, from: IpAddr, window: Option<usize>) -> Self {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, None).unwrap();
        if let Some(window) = window {
            socket.set_recv_buffer_size(window).unwrap();
        }
        socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
        socket.connect(&server.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, request: &Message) {
        let bytes = request.to_vec().unwrap();
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        self.0.write_all(&[&length[..], &bytes].concat()).unwrap();
    }

    pub(crate) fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 2];
        self.0.read_exact(&mut length)?;
        let mut bytes = vec![0; u16::from_be_bytes(length).into()];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The whole response to a request that was sent, each message verified where there is a verifier.
    pub(crate) fn collect(&mut self, mut verifier: Option<TSigVerifier>) -> io::Result<Transfer> {
        let mut transfer = Transfer::default();
        loop {
            let bytes = self.receive()?;
            if let Some(verifier) = &mut verifier {
                verifier.verify(&bytes).expect("each message is signed, in its order");
            }
            let message = Message::from_vec(&bytes).unwrap();
            assert!(
                !message.queries.is_empty() || !transfer.sizes.is_empty(),
                "the first repeats the question"
            );
            transfer.sizes.push(bytes.len());
            transfer.code = message.metadata.response_code;
            transfer.records.extend_from_slice(&message.answers);
            transfer.last = Some(message);
            if transfer.code != ResponseCode::NoError || transfer.is_complete() {
                return Ok(transfer);
            }
        }
    }
}

/// Asks on a connection of its own, signed where there is a key.
pub(crate) fn transfer(server: SocketAddr, mut request: Message, key: Option<&TSigner>) -> Transfer {
    let verifier = key.and_then(|key| request.finalize(key, now()).unwrap());
    let mut connection = Connection::open(server, HOME);
    connection.send(&request);
    connection.collect(verifier).unwrap()
}

pub(crate) fn serial_of(record: &Record) -> Option<u32> {
    match &record.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    }
}

/// A record as text, to be compared.
pub(crate) fn shown(record: &Record) -> String {
    record.to_string()
}

impl Transfer {
    /// The serials of its SOA records, in their order.
    pub(crate) fn serials(&self) -> Vec<u32> {
        self.records.iter().filter_map(serial_of).collect()
    }

    /// As a client finds out (RFC 1995 section 4, RFC 5936 section 2.2).
    fn is_complete(&self) -> bool {
        let newest = self.records.first().and_then(serial_of);
        let is_difference =
            self.records.get(1).is_some_and(|second| second.data.record_type() == RecordType::SOA)
                && self.records.len() > 2;
        let wanted = match self.records.len() {
            0 => return false,
            1 => 1,
            _ if is_difference => 3,
            _ => 2,
        };
        self.records.iter().filter(|record| serial_of(record) == newest).count() >= wanted
    }

    /// The records of a whole zone, in no order, the SOA once. Nothing comes twice.
    pub(crate) fn whole(&self) -> BTreeSet<String> {
        let [first, between @ .., last] = &self.records[..] else { panic!("{:?}", self.records) };
        assert_eq!(first, last);
        assert!(serial_of(first).is_some() && between.iter().all(|record| serial_of(record).is_none()));
        let records: BTreeSet<String> = self.records.iter().map(shown).collect();
        assert_eq!(records.len() + 1, self.records.len(), "nothing comes twice");
        records
    }

    /// Does to `records` what this difference says. It removes only what is there, and adds only what is not.
    pub(crate) fn apply(&self, records: &mut BTreeSet<String>) {
        let serials = self.serials();
        let [newest, oldest, again, end] = serials[..] else {
            panic!("one step has four SOA records: {serials:?}")
        };
        assert!(newest == again && newest == end && newest != oldest);
        let mut is_removal = false;
        for record in &self.records[1..self.records.len() - 1] {
            if serial_of(record).is_some() {
                is_removal = !is_removal;
            }
            let shown = shown(record);
            let has_changed = if is_removal { records.remove(&shown) } else { records.insert(shown.clone()) };
            assert!(has_changed, "{shown} was removed or added in vain");
        }
    }
}
