//! A faithful fake of Route 53 on loopback, for tests that go through the real `aws-sdk-route53`.
//!
//! ```
//! use aws_sdk_route53::config::{BehaviorVersion, Credentials, Region};
//! use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType};
//! use dnsplan_route53_fake::{Fake, Fault, Operation, Options, RecordSet};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let fake = Fake::start(Options::default()).await?;
//! let zone = fake.create_zone("example.com");
//! let config = aws_sdk_route53::Config::builder()
//!     .behavior_version(BehaviorVersion::latest())
//!     .endpoint_url(fake.endpoint_url())
//!     .http_client(aws_smithy_http_client::Builder::new().build_http())
//!     .credentials_provider(Credentials::new("AK", "SK", None, None, "test"))
//!     .region(Region::new("us-east-1"))
//!     .build();
//! let client = aws_sdk_route53::Client::from_conf(config);
//!
//! // The next call is refused with `Throttling`; the SDK tries again by itself.
//! fake.inject(Fault::Throttled.next(1).on(Operation::ChangeResourceRecordSets));
//! let value = ResourceRecord::builder().value("192.0.2.1").build()?;
//! let set = ResourceRecordSet::builder().name("www.example.com").r#type(RrType::A).ttl(60).resource_records(value).build()?;
//! let change = Change::builder().action(ChangeAction::Create).resource_record_set(set).build()?;
//! let batch = ChangeBatch::builder().changes(change).build()?;
//! client.change_resource_record_sets().hosted_zone_id(&zone).change_batch(batch).send().await?;
//!
//! let expected = RecordSet::new("www.example.com.", "A").ttl(60).value("192.0.2.1");
//! assert_eq!(fake.find(&zone, "www.example.com", "A"), [expected]);
//! assert_eq!(fake.edge(0).resolve("www.example.com", "A").values(), [vec!["192.0.2.1".to_owned()]].into());
//! assert_eq!(fake.counters().calls(Operation::ChangeResourceRecordSets), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # The parts
//!
//! - [`Fake`] is the handle: zones, what is in them, edits by hand, [`Snapshot`]s, the log of change requests, [`Counters`].
//! - A [`Fault`] becomes a [`Rule`] by saying when: `Fault::ReplyLost.next(1)`, `.fraction(0.1)`, `.always()`, each with
//!   `.on(operation)` and `.after(calls)`. [`Fault::Held`] holds a call until [`Fake::release`], without any clock.
//! - [`Edge`]s get batches late and out of order: [`Propagation`], [`Fake::propagate_one`], [`Edge::resolve`].
//!
//! # What is faithful
//!
//! Atomic batches judged change by change on a working copy, exact DELETEs, the rules between record sets, quotas, paging, codes and
//! texts of errors. `DELETE` compares everything: values in any order but with the same text, TTL, weight, multivalue flag, health
//! check, alias target and its flag. Where AWS's documents leave it open whether a batch is refused, it is refused here:
//! weights of a group must agree on the TTL, an alias must find its target, and a CNAME must be alone
//! after every single change of a batch, not only at its end; a record set may come up once in a batch, or as DELETE and then
//! CREATE or UPSERT.
//!
//! `tests/differential` holds the fake to another one, `ministack`, with thousands of random batches, and lists where that one is
//! known to be wrong.
//!
//! # What is missing
//!
//! Latency, geolocation, failover, CIDR and traffic-policy routing (refused by name), aliases to anything but the own zone,
//! private zones, record set protections, health in answers, signatures of requests, rate limits that nobody ordered. Of values,
//! only those of A, AAAA, CNAME, MX, NS, PTR, SPF and TXT are checked beyond being there. None of this was run against AWS.

mod batch;
mod change;
mod edge;
mod fake;
mod fault;
mod http;
mod line;
mod log;
mod name;
mod random;
mod record;
mod refusal;
mod resolve;
mod rules;
mod shape;
mod value;
mod wire;
mod world;
mod xml;
mod zone;

pub use change::{Action, Change, Cost, Limits};
pub use edge::{Pending, Propagation};
pub use fake::{Edge, Fake, Options};
pub use fault::{Fault, Rule};
pub use log::{Counters, Operation, Outcome, Received};
pub use name::{InvalidName, Name};
pub use record::{Alias, Key, RecordSet};
pub use refusal::Refusal;
pub use resolve::{Answer, Choice};
pub use world::Snapshot;
