//! A zone at a real name server behind a proxy, the store that plans for it are in, and what clients of that server are answered.

use std::net::SocketAddr;

use dnsplan_name_servers::ask::ask;
use dnsplan_name_servers::{Key, Primary, Proxy, Software};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, RecordType};

use crate::crew::Workplace;
use crate::harness::{Cell, Daemon};
use crate::judge::View;
use crate::place::Plans;

const ZONE: &str = "example.org.";
const KEY_FILE: &str = "update.key";
/// Clients of the server.
const CLIENTS: usize = 2;
/// How often a client asks again where no answer comes.
const TRIES: usize = 50;

/// A zone, and a store. Clients ask the server itself, and enactors are behind the proxy.
pub(super) struct Site {
    pub(super) proxy: Proxy,
    pub(super) plans: Plans,
    primary: Primary,
    cell: Cell,
    is_signed: bool,
}

impl Site {
    pub(super) fn new(software: Software, key: Option<&Key>) -> Self {
        let cell = Cell::new();
        let plans = Plans::of(&cell);
        let primary = Primary::start(software, &[ZONE], key);
        let primary = primary.unwrap_or_else(|error| panic!("{software}: {error}"));
        let proxy = plans.runtime().block_on(Proxy::start(primary.address())).unwrap();
        if let Some(Key { name, algorithm, secret }) = key {
            cell.save(KEY_FILE, &format!("{algorithm}:{name}:{secret}"));
        }
        Self { proxy, plans, primary, cell, is_signed: key.is_some() }
    }

    /// What clients are answered.
    pub(super) fn views(&self) -> Vec<View> {
        (0..CLIENTS).map(|_| view(self.primary.address())).collect()
    }

    /// What the server has said, for whoever looks into a failure.
    pub(super) fn words(&self) -> String {
        self.primary.log()
    }
}

impl Workplace for Site {
    fn enactor(&self) -> Daemon {
        let target = format!("rfc2136:{}", self.proxy.address());
        let mut args = vec!["enactor", "--target", &target, "--weights", "spread"];
        args.extend(["--poll", "0.05", "--audit-every", "2"]);
        if self.is_signed {
            args.extend(["--key-file", KEY_FILE]);
        }
        self.cell.start(&args)
    }

    fn calls(&self) -> u64 {
        self.proxy.requests()
    }
}

fn view(server: SocketAddr) -> View {
    Box::new(move |name| {
        let its_name = Name::from_ascii(name).unwrap();
        // A datagram may get lost on a busy machine.
        let tries = std::iter::repeat_with(|| ask(server, &its_name, RecordType::A)).take(TRIES);
        let answer = tries.flatten().next().expect("an answer");
        let code = answer.metadata.response_code;
        assert!(matches!(code, ResponseCode::NoError | ResponseCode::NXDomain), "{name}: {code}");
        let address = |data: &RData| match data {
            RData::A(address) => Some(address.to_string()),
            _ => None,
        };
        vec![answer.answers.iter().filter_map(|record| address(&record.data)).collect()]
    })
}
