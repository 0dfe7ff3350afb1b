//! A target at the fake, and what a client of its edges would be answered.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_route53::Client;
use aws_sdk_route53::config::{BehaviorVersion, Credentials, Region};
use dnsplan_enactor::Layout;
use dnsplan_enactor::conformance::{Harness, Tamper, sample_zone};
use dnsplan_plan::{Node, OwnerName, RRset, RecordType, TargetId, Ttl, rdata};
use dnsplan_route53::{Pace, Rate, Route53Target, Settings};
use dnsplan_route53_fake::{Fake, Options, RecordSet};

/// A client that speaks to the fake and to nobody else.
pub(crate) fn client(fake: &Fake) -> Client {
    let config = aws_sdk_route53::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(fake.endpoint_url())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new("AK", "SK", None, None, "test"))
        .region(Region::new("us-east-1"))
        .build();
    Client::from_conf(config)
}

/// As fast as it goes.
pub(crate) fn unpaced() -> Pace {
    let many = NonZeroU32::MAX;
    let rate = Rate { burst: many, per_second: many };
    Pace { requests: rate, changes: rate }
}

/// One hosted zone of one fake.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) fake: Fake,
    pub(crate) zone: OwnerName,
    pub(crate) zone_id: String,
}

impl Place {
    pub(crate) async fn start(zone: &OwnerName, options: Options) -> Self {
        let fake = Fake::start(options).await.expect("a loopback port");
        let zone_id = fake.create_zone(&zone.to_string());
        Self { fake, zone: zone.clone(), zone_id }
    }

    /// A target for it, as another process would have one.
    pub(crate) async fn target(&self, layout: Layout, id: &str) -> Arc<Route53Target> {
        let settings = Settings { layout, pace: unpaced() };
        let id = TargetId::new(id);
        let target = Route53Target::open(client(&self.fake), &self.zone_id, &self.zone, id, &settings).await;
        Arc::new(target.expect("the zone is there"))
    }
}

/// Targets that each have a fake of their own.
pub(crate) struct AtFake {
    pub(crate) layout: Layout,
    options: Options,
    places: Mutex<BTreeMap<String, Place>>,
}

impl AtFake {
    pub(crate) fn new(layout: Layout, options: Options) -> Self {
        Self { layout, options, places: Mutex::default() }
    }

    pub(crate) fn place(&self, target: &Route53Target) -> Place {
        let id = dnsplan_enactor::Target::id(target).to_string();
        self.places.lock().unwrap()[&id].clone()
    }

    /// Everything of ours at an owner name, and what is staged for it.
    fn names_of(&self, place: &Place, owner: &OwnerName) -> Vec<(String, String)> {
        let label = format!("{}", owner).trim_end_matches("example.").to_owned();
        let is_its = |name: &str| match self.layout {
            Layout::Tree => name.starts_with(&label) && name.contains("._dnsplan."),
            Layout::InPlace | Layout::Whole => name == owner.to_string(),
        };
        let sets = place.fake.record_sets(&place.zone_id);
        let mut names: Vec<(String, String)> =
            sets.into_iter().filter(|set| is_its(&set.name)).map(|set| (set.name, set.record_type)).collect();
        names.dedup();
        names
    }
}

pub(crate) const FENCE: &str = "_dnsplan.example.";

impl Harness for AtFake {
    type Target = Route53Target;

    async fn make(&self, zone: &OwnerName) -> Arc<Route53Target> {
        let place = Place::start(zone, self.options).await;
        let id = format!("route53:{}", self.places.lock().unwrap().len());
        let target = place.target(self.layout, &id).await;
        self.places.lock().unwrap().insert(id, place);
        target
    }

    async fn answer(&self, target: &Route53Target, owner: &OwnerName) -> Option<Arc<Node>> {
        // The apex SOA and NS are Route 53's own.
        let sample = sample_zone(0);
        if owner == sample.origin() {
            return sample.node(owner).cloned();
        }
        let Place { fake, zone_id, .. } = self.place(target);
        let types = ["A", "TXT", "CNAME", "MX"];
        let mut node = Node::new();
        for record_type in types {
            if fake.find(&zone_id, &owner.to_string(), record_type).is_empty() {
                continue;
            }
            let answer = fake.edge(0).resolve(&owner.to_string(), record_type);
            let values = answer.values().into_iter().next().unwrap_or_default();
            let data = values.iter().map(|value| rdata(record_type, value, sample.origin()).expect("valid"));
            let ttl = Ttl::new(60).expect("a valid TTL");
            if let Ok(rrset) = RRset::simple(ttl, data) {
                node.insert(rrset);
            }
        }
        (!node.is_empty()).then(|| Arc::new(node))
    }

    async fn tamper(&self, target: &Route53Target, tamper: Tamper) -> bool {
        let place = self.place(target);
        let Place { fake, zone_id, .. } = &place;
        match tamper {
            Tamper::DeleteFence => {
                fake.remove_by_hand(zone_id, FENCE, "TXT");
            }
            Tamper::WriteFence(text) => {
                let edited = RecordSet::new(FENCE, "TXT").ttl(60).value(format!("\"{text}\""));
                fake.put_by_hand(zone_id, &edited);
            }
            Tamper::Damage(owner) => {
                for (name, record_type) in self.names_of(&place, &owner) {
                    fake.remove_by_hand(zone_id, &name, &record_type);
                }
            }
            Tamper::Foreign(owner, node) => {
                for rrset in node.rrsets() {
                    let mut set = RecordSet::new(owner.to_string(), rrset.record_type().to_string()).ttl(60);
                    for data in rrset.data() {
                        let text = data.to_string();
                        let is_txt = rrset.record_type() == RecordType::TXT;
                        set = set.value(if is_txt { format!("\"{text}\"") } else { text });
                    }
                    fake.put_by_hand(zone_id, &set);
                }
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
