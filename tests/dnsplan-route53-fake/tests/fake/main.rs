//! The fake from outside: through the SDK, and byte by byte.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod edges;
mod faults;
mod raw;

use aws_sdk_route53::Client;
use dnsplan_route53_fake::{Change, Fake, Options, RecordSet};

/// A fake with one zone, and a client that tries once.
struct Setup {
    fake: Fake,
    zone: String,
    client: Client,
}

impl Setup {
    async fn new(options: Options) -> Self {
        let fake = Fake::start(options).await.unwrap();
        let zone = fake.create_zone("a.test");
        let client = common::client(fake.endpoint_url(), 1);
        Self { fake, zone, client }
    }

    async fn standard() -> Self {
        Self::new(Options::default()).await
    }

    async fn send(&self, changes: &[Change]) -> Result<String, (String, String)> {
        common::send(&self.client, &self.zone, changes).await
    }

    async fn put(&self, set: RecordSet) -> String {
        self.send(&[Change::upsert(set)]).await.unwrap()
    }

    fn value(&self, name: &str) -> Option<String> {
        let sets = self.fake.find(&self.zone, name, "TXT");
        sets.first().map(|set| set.values[0].clone())
    }
}

fn txt(name: &str, text: &str) -> RecordSet {
    RecordSet::new(name, "TXT").ttl(60).value(format!("\"{text}\""))
}
