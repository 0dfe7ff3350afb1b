//! In memory, which has conditional puts as S3 does; and with a client that loses replies and sends requests twice.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dnsplan_fence::{Actor, Nonce, Observed, Register, Swap};
use dnsplan_leadership::conformance::{self, Harness, Role};
use dnsplan_leadership::{
    Candidate, Fenced, HandoffId, Holder, Incarnation, Leadership, Node, NotSent, Position, Scope, Seen,
    Term, WriteId, Written,
};
use dnsplan_object_store::{Error, Found, ObjectRegister, ObjectResource, Place, Write};
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What becomes of the next puts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    /// It takes effect, the reply is lost, and the client sends it again: that one is refused.
    SentTwice,
    /// It takes effect, and nobody hears of it.
    LostReply,
    /// It never arrives.
    LostRequest,
    /// The store cannot do it.
    NotImplemented,
}

/// A store with faults.
#[derive(Debug, Default)]
struct Faulty {
    inner: InMemory,
    faults: Mutex<Vec<Fault>>,
}

impl Faulty {
    fn next(&self, faults: &[Fault]) {
        self.faults.lock().unwrap().extend(faults.iter().rev());
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory with faults")
    }
}

fn lost() -> object_store::Error {
    object_store::Error::Generic { store: "memory with faults", source: "no reply".into() }
}

#[async_trait::async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let fault = self.faults.lock().unwrap().pop();
        match fault {
            None => self.inner.put_opts(path, payload, options).await,
            Some(Fault::SentTwice) => {
                self.inner.put_opts(path, payload.clone(), options.clone()).await?;
                self.inner.put_opts(path, payload, options).await
            }
            Some(Fault::LostReply) => {
                self.inner.put_opts(path, payload, options).await?;
                Err(lost())
            }
            Some(Fault::LostRequest) => Err(lost()),
            Some(Fault::NotImplemented) => Err(object_store::Error::NotImplemented {
                operation: "a conditional put".to_owned(),
                implementer: "memory with faults".to_owned(),
            }),
        }
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// Roles in one store.
struct Roles {
    store: Arc<Faulty>,
    made: AtomicU64,
}

impl Roles {
    fn new() -> Self {
        Self { store: Arc::default(), made: AtomicU64::new(0) }
    }

    fn place(&self, scope: &Scope) -> Place {
        Place::new(Arc::clone(&self.store) as Arc<dyn ObjectStore>, "cells/7", scope.clone())
    }
}

/// Adds a number to what was written.
fn adding(number: u64) -> Write {
    Write::new(move |before| [before, format!("{number}\n").as_bytes()].concat())
}

fn numbers(content: &[u8]) -> Vec<u64> {
    std::str::from_utf8(content).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

impl Harness for Roles {
    type Register = ObjectRegister;
    type Resource = ObjectResource;

    async fn make(&self) -> Role<Self> {
        let scope = Scope::new(&format!("role-{}", self.made.fetch_add(1, Ordering::Relaxed))).unwrap();
        let place = self.place(&scope);
        place.install().await.unwrap();
        Role::new(scope, place.register(), place.resource())
    }

    async fn register(&self, role: &Role<Self>) -> ObjectRegister {
        self.place(&role.scope).register()
    }

    async fn resource(&self, role: &Role<Self>) -> ObjectResource {
        self.place(&role.scope).resource()
    }

    fn write(&self, _: &Role<Self>, number: u64) -> Write {
        adding(number)
    }

    async fn written(&self, role: &Role<Self>) -> Vec<u64> {
        numbers(&role.resource.content().await.unwrap())
    }
}

#[tokio::test]
async fn g9_the_suite_holds() {
    conformance::all(&Roles::new()).await;
}

fn scope() -> Scope {
    Scope::new("orders").unwrap()
}

fn life(name: &str) -> Holder {
    Holder { node: Node::new(name).unwrap(), incarnation: Incarnation::new(1) }
}

fn by() -> Actor {
    Actor::new("coordinator").unwrap()
}

async fn seen(place: &Place) -> Seen {
    Seen::of(&place.register().load().await.unwrap()).unwrap()
}

async fn put(place: &Place, attempt: u128, write: dnsplan_leadership::Write) -> Swap<Term> {
    let permit = seen(place).await.permit(&write, Nonce::new(attempt), &by()).unwrap();
    place.register().swap(permit, ()).await.unwrap()
}

/// A role whose first epoch is the first node's.
async fn led(roles: &Roles) -> (Place, Leadership<ObjectResource>) {
    let place = roles.place(&scope());
    place.install().await.unwrap();
    let genesis = Observed::Absent.genesis(Nonce::new(1), &by(), Term::vacant()).unwrap();
    assert_eq!(place.register().create(genesis).await.unwrap(), Swap::Won);
    let first = Candidate { holder: life("a"), applied: Position::START };
    assert_eq!(put(&place, 2, dnsplan_leadership::Write::Grant(first)).await, Swap::Won);
    let lead = Leadership::take_up(&seen(&place).await, scope(), life("a"), place.resource()).unwrap();
    (place, lead)
}

async fn frozen(place: &Place) -> Swap<Term> {
    let demand = seen(place).await.demand(life("b").node, HandoffId::new(7)).unwrap();
    put(place, 3, dnsplan_leadership::Write::Freeze(demand)).await
}

#[tokio::test]
async fn a_put_that_a_client_sends_twice_has_happened_once() {
    let roles = Roles::new();
    let (place, lead) = led(&roles).await;
    roles.store.next(&[Fault::SentTwice]);
    let written = lead.write(WriteId::new(1), adding(1)).await.unwrap();
    assert_eq!(written, Written::Applied(Position::new(1)));
    roles.store.next(&[Fault::SentTwice]);
    assert_eq!(frozen(&place).await, Swap::Won);
    roles.store.next(&[Fault::SentTwice]);
    let receipt = place.resource().seal(seen(&place).await.order().unwrap()).await.unwrap();
    assert_eq!(receipt.position(), Position::new(1));
    assert!(matches!(lead.write(WriteId::new(2), adding(2)).await, Ok(Written::Fenced(_))));
    assert_eq!(numbers(&place.resource().content().await.unwrap()), [1]);
}

#[tokio::test]
async fn a_reply_that_is_lost_leaves_it_open_and_is_looked_up() {
    for (fault, found) in
        [(Fault::LostReply, Found::Applied(Position::new(1))), (Fault::LostRequest, Found::NotYet)]
    {
        let roles = Roles::new();
        let (place, lead) = led(&roles).await;
        let (token, resource) = (lead.token().clone(), place.resource());
        roles.store.next(&[fault]);
        let written = lead.write(WriteId::new(1), adding(1)).await.unwrap();
        assert_eq!(written, Written::Unknown(WriteId::new(1)), "{fault:?}");
        assert_eq!(resource.lookup(&token, WriteId::new(1)).await.unwrap(), found, "{fault:?}");
        roles.store.next(&[fault]);
        assert_eq!(frozen(&place).await, Swap::Unknown, "{fault:?}");
        if fault == Fault::LostRequest {
            assert_eq!(frozen(&place).await, Swap::Won);
        }
        // A seal is tried until what is there says so.
        roles.store.next(&[fault]);
        resource.seal(seen(&place).await.order().unwrap()).await.unwrap();
        let over = if fault == Fault::LostReply { found } else { Found::Never };
        assert_eq!(resource.lookup(&token, WriteId::new(1)).await.unwrap(), over, "{fault:?}");
    }
}

#[tokio::test]
async fn what_was_written_long_ago_is_forgotten_and_not_denied() {
    let roles = Roles::new();
    let (place, lead) = led(&roles).await;
    for number in 1..=33 {
        let written = lead.write(WriteId::new(number.into()), adding(number)).await;
        assert!(matches!(written, Ok(Written::Applied(_))));
    }
    let lookup = async |id| place.resource().lookup(lead.token(), WriteId::new(id)).await.unwrap();
    assert_eq!(lookup(2).await, Found::Applied(Position::new(2)));
    assert_eq!((lookup(1).await, lookup(99).await), (Found::Forgotten, Found::Forgotten));
}

#[tokio::test]
async fn a_store_without_conditional_puts_is_refused_before_anybody_relies_on_it() {
    let roles = Roles::new();
    roles.store.next(&[Fault::NotImplemented]);
    let refused = roles.place(&scope()).install().await.unwrap_err();
    assert!(matches!(refused, Error::Unconditional(_)), "{refused}");
    assert!(refused.to_string().contains("take a store that has them"), "{refused}");
    // Some can create, and not replace.
    let roles = Roles::new();
    roles.place(&scope()).install().await.unwrap();
    roles.store.next(&[Fault::NotImplemented]);
    assert!(matches!(roles.place(&scope()).install().await, Err(Error::Unconditional(_))));
}

#[tokio::test]
async fn a_manifest_that_is_gone_or_edited_is_not_begun_anew() {
    let roles = Roles::new();
    let (place, lead) = led(&roles).await;
    assert!(matches!(lead.write(WriteId::new(1), adding(1)).await, Ok(Written::Applied(_))));
    place.install().await.unwrap();
    assert_eq!(numbers(&place.resource().content().await.unwrap()), [1], "to install again changes nothing");
    let path = Path::from("cells/7/orders/manifest");
    roles.store.put(&path, "somebody else's".into()).await.unwrap();
    let refused = lead.write(WriteId::new(2), adding(2)).await;
    assert!(matches!(refused, Err(NotSent::Resource(Error::BadManifest(_)))), "{refused:?}");
    roles.store.delete(&path).await.unwrap();
    let refused = lead.write(WriteId::new(3), adding(3)).await;
    assert!(matches!(refused, Err(NotSent::Resource(Error::NoManifest(_)))), "{refused:?}");
    assert!(matches!(place.install().await, Err(Error::ManifestLost(_))));
}

#[tokio::test]
async fn what_nobody_can_read_is_replaced_to_the_letter_and_a_later_format_never() {
    let roles = Roles::new();
    let place = roles.place(&scope());
    let path = Path::from("cells/7/orders/record");
    let bytes = |bytes: &'static [u8]| PutPayload::from_static(bytes);
    roles.store.put(&path, bytes(b"\xff\xfe")).await.unwrap();
    let found = place.register().load().await.unwrap();
    assert!(matches!(&found, Observed::Unreadable(bytes) if **bytes == *b"\xff\xfe"), "{found:?}");
    let first = || found.clone().genesis(Nonce::new(1), &by(), Term::vacant()).unwrap();
    roles.store.put(&path, bytes(b"edited again")).await.unwrap();
    assert!(matches!(place.register().create(first()).await.unwrap(), Swap::Lost(None)));
    roles.store.put(&path, bytes(b"\xff\xfe")).await.unwrap();
    assert_eq!(place.register().create(first()).await.unwrap(), Swap::Won);
    roles.store.put(&path, bytes(b"dnsplan-lead2 whatever it says")).await.unwrap();
    assert!(place.register().load().await.unwrap_err().to_string().contains("stand by"));
}

/// The control: a put without a condition, as a leader makes it that has looked at the record just before.
#[tokio::test]
async fn without_the_condition_a_deposed_leader_writes() {
    let roles = Roles::new();
    let (place, lead) = led(&roles).await;
    assert_eq!(frozen(&place).await, Swap::Won);
    place.resource().seal(seen(&place).await.order().unwrap()).await.unwrap();
    let options = PutOptions { mode: PutMode::Overwrite, ..PutOptions::default() };
    let path = Path::from("cells/7/orders/manifest");
    roles.store.put_opts(&path, PutPayload::from_static(b"its own"), options).await.unwrap();
    assert_eq!(&*roles.store.get(&path).await.unwrap().bytes().await.unwrap(), b"its own");
    assert!(!lead.is_stopped());
}
