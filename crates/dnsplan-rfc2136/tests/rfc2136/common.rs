//! A target at a real server, and what a client of that server would be answered.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dnsplan_enactor::conformance::{Harness, Tamper, sample_zone};
use dnsplan_name_servers::{Key, Primary, Software, ask};
use dnsplan_plan::{Node, OwnerName, RRset, RecordType, TargetId, Ttl};
use dnsplan_rfc2136::{Rfc2136Target, Settings};

pub(crate) const ZONE: &str = "example.";
pub(crate) const FENCE: &str = "_dnsplan.example.";

/// As small as a message can be that one owner name of the sample zone fits, and two do not.
pub(crate) const SMALL: u16 = 8000;

/// One zone at one server.
pub(crate) struct Place {
    pub(crate) primary: Primary,
    pub(crate) zone: OwnerName,
    pub(crate) key: Option<Key>,
    pub(crate) message_limit: u16,
}

impl Place {
    pub(crate) fn start(software: Software) -> Arc<Self> {
        Self::start_with(software, Some(Key::sample("hmac-sha256")), "")
    }

    /// With messages of at most so many bytes.
    pub(crate) fn start_limited(software: Software, message_limit: u16) -> Arc<Self> {
        let mut place = Self::start(software);
        Arc::get_mut(&mut place).unwrap().message_limit = message_limit;
        place
    }

    pub(crate) fn start_with(software: Software, key: Option<Key>, options: &str) -> Arc<Self> {
        let primary = Primary::start_with(software, &[ZONE], key.as_ref(), options);
        let primary = primary.unwrap_or_else(|error| panic!("{software}: {error}"));
        Arc::new(Self { primary, zone: ZONE.parse().unwrap(), key, message_limit: u16::MAX })
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::new(self.primary.address(), self.zone.clone());
        settings.key = self.key.as_ref().map(|key| {
            format!("{}:{}:{}", key.algorithm, key.name, key.secret).parse().expect("a valid key")
        });
        settings.message_limit = self.message_limit;
        settings
    }

    /// A target for it, as another process would have one.
    pub(crate) async fn target(&self, id: &str) -> Arc<Rfc2136Target> {
        self.target_at(self.primary.address(), id).await
    }

    /// The same, by way of something in between.
    pub(crate) async fn target_at(&self, server: SocketAddr, id: &str) -> Arc<Rfc2136Target> {
        let settings = Settings { server, ..self.settings() };
        let target = Rfc2136Target::connect(TargetId::new(id), settings).await;
        Arc::new(target.unwrap_or_else(|error| panic!("{error}\n{}", self.primary.log())))
    }

    /// The RRsets of a name in the answer to one question. A question for addresses finds a CNAME as well.
    pub(crate) fn answered(&self, owner: &OwnerName, record_type: RecordType) -> Node {
        // A datagram may get lost on a busy machine.
        let ask = || ask::ask(self.primary.address(), &owner.to_name(), record_type);
        let answer = std::iter::repeat_with(ask).take(50).flatten().next().expect("an answer");
        let is_its = |record: &&hickory_proto::rr::Record| OwnerName::new(&record.name) == *owner;
        let types: BTreeSet<RecordType> =
            answer.answers.iter().filter(is_its).map(|record| record.record_type()).collect();
        let of = |record_type| {
            let is_of = move |record: &&hickory_proto::rr::Record| record.record_type() == record_type;
            let records: Vec<_> = answer.answers.iter().filter(is_its).filter(is_of).collect();
            let ttl = Ttl::new(records[0].ttl).unwrap();
            RRset::simple(ttl, records.iter().map(|record| record.data.clone())).unwrap()
        };
        types.into_iter().map(of).collect()
    }

    /// The last byte of the first address of the endpoint `api`, which says which generation it is of.
    pub(crate) fn number(&self) -> Option<u8> {
        let node = self.answered(&owner("api"), RecordType::A);
        let number = node.get(RecordType::A)?.data().next()?.to_string();
        number.rsplit('.').next()?.parse().ok()
    }

    /// Changes the zone by hand.
    pub(crate) fn by_hand(&self, lines: &[impl AsRef<str>]) {
        self.primary.update(ZONE, lines).unwrap_or_else(|error| panic!("{error}\n{}", self.primary.log()));
    }
}

pub(crate) fn owner(label: &str) -> OwnerName {
    OwnerName::relative(label, &ZONE.parse().unwrap()).unwrap()
}

/// Targets at one server, one after the other, each with an empty zone.
pub(crate) struct AtServer {
    place: Arc<Place>,
    made: AtomicU32,
}

impl AtServer {
    pub(crate) fn new(software: Software, message_limit: u16) -> Self {
        Self { place: Place::start_limited(software, message_limit), made: AtomicU32::new(0) }
    }
}

impl Harness for AtServer {
    type Target = Rfc2136Target;

    async fn make(&self, zone: &OwnerName) -> Arc<Rfc2136Target> {
        assert_eq!(zone.to_string(), ZONE);
        let place = &self.place;
        place.primary.wipe(ZONE).unwrap_or_else(|error| panic!("{error}\n{}", place.primary.log()));
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        place.target(&format!("rfc2136:{number}")).await
    }

    async fn answer(&self, target: &Rfc2136Target, owner: &OwnerName) -> Option<Arc<Node>> {
        // The apex SOA and NS are the server's own.
        let sample = sample_zone(0);
        if owner == sample.origin() {
            return sample.node(owner).cloned();
        }
        let _ = target;
        let place = &self.place;
        let mut node = place.answered(owner, RecordType::A);
        place.answered(owner, RecordType::TXT).rrsets().for_each(|rrset| node.insert(rrset.clone()));
        (!node.is_empty()).then(|| Arc::new(node))
    }

    async fn tamper(&self, target: &Rfc2136Target, tamper: Tamper) -> bool {
        let _ = target;
        let place = &self.place;
        match tamper {
            Tamper::DeleteFence => place.by_hand(&[format!("update delete {FENCE} TXT")]),
            Tamper::WriteFence(text) => place.by_hand(&[
                format!("update delete {FENCE} TXT"),
                format!("update add {FENCE} 60 TXT \"{text}\""),
            ]),
            Tamper::Damage(owner) => place.by_hand(&[format!("update delete {owner}")]),
            Tamper::Foreign(owner, node) => {
                let lines: Vec<String> = node
                    .rrsets()
                    .flat_map(|rrset| rrset.data().map(move |data| (rrset.record_type(), data)))
                    .map(|(record_type, data)| format!("update add {owner} 60 {record_type} {data}"))
                    .collect();
                place.by_hand(&lines);
            }
        }
        true
    }
}

/// Until a condition holds, or the test fails.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
