//! A database of its own for each test, on one server for all of them, and a role that is handed over by the pure crate's steps.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use deadpool_postgres::{Client, Pool};
use dnsplan_fence::{Actor, Nonce, Observed};
use dnsplan_leadership::{
    Candidate, HandoffId, Holder, Incarnation, Leadership, Node, Order, Position, Receipt, Scope, Seen, Term,
    Token, Write as Step, WriteId,
};
use dnsplan_postgres::{PostgresRegister, PostgresResource, Write, guard, install};
use dnsplan_postgres_server::Server;

/// What is waited for that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the tests need of a server.
pub(crate) const SETTINGS: [&str; 4] =
    ["fsync=off", "max_prepared_transactions=20", "max_connections=200", "wal_level=logical"];

/// The server of the tests that run at this moment. A test that could not start it has said why.
static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static DATABASES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

pub(crate) fn server() -> Arc<Server> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let server = Server::start(&SETTINGS).unwrap_or_else(|error| panic!("{error}"));
        let server = Arc::new(server);
        *shared = Arc::downgrade(&server);
        server
    })
}

/// A database with a guarded table `rows (epoch, what)`, and what is needed to write it.
pub(crate) struct Bed {
    pub(crate) server: Arc<Server>,
    pub(crate) database: String,
    pub(crate) scope: Scope,
    pub(crate) pool: Pool,
    pub(crate) resource: PostgresResource,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let server = server();
        let number = DATABASES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let database = format!("bed_{number}");
        let admin = Server::pool(Server::config(server.address(), "postgres"), 1).get().await.unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {database}")).await.unwrap();
        let pool = Server::pool(Server::config(server.address(), &database), 8);
        let scope = Scope::new("orders-1").unwrap();
        let client = pool.get().await.unwrap();
        install(&client).await.unwrap();
        client
            .batch_execute("CREATE TABLE rows (id bigserial PRIMARY KEY, epoch bigint, what text)")
            .await
            .unwrap();
        guard(&client, "rows", &scope).await.unwrap();
        let resource = PostgresResource::new(pool.clone(), scope.clone());
        Self { server, database, scope, pool, resource }
    }

    /// A connection of its own.
    pub(crate) async fn client(&self) -> Client {
        self.pool.get().await.unwrap()
    }

    pub(crate) fn register(&self) -> PostgresRegister {
        PostgresRegister::new(self.pool.clone(), self.scope.clone())
    }

    /// How many rows of an epoch there are.
    pub(crate) async fn rows(&self, epoch: i64) -> i64 {
        let sql = "SELECT count(*) FROM rows WHERE epoch = $1";
        self.client().await.query_one(sql, &[&epoch]).await.unwrap().get(0)
    }

    /// What a statement is refused with.
    pub(crate) async fn refusal(&self, sql: &str) -> String {
        refusal(&self.client().await, sql).await
    }

    /// The statement that enters an epoch.
    pub(crate) fn enter(&self, epoch: i64) -> String {
        format!("SELECT dnsplan_fence.enter('{}', {epoch})", self.scope)
    }
}

/// The code and message that a statement is refused with, and the transaction's end.
pub(crate) async fn refusal(client: &Client, sql: &str) -> String {
    let error = client.batch_execute(sql).await.expect_err(sql);
    client.batch_execute("ROLLBACK").await.unwrap();
    let database = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
    format!("{} {}", database.code().code(), database.message())
}

/// A row of an epoch.
pub(crate) fn row(epoch: i64) -> Write {
    Write::statement("INSERT INTO rows (epoch) VALUES ($1)", vec![Box::new(epoch)])
}

/// An id that no other write of the test has.
pub(crate) fn id(number: u128) -> WriteId {
    WriteId::new(number)
}

/// A role that a writes under epoch 1, by the pure steps: no register is needed for the resource.
pub(crate) struct Reign {
    seen: Seen,
    attempt: u128,
}

impl Reign {
    pub(crate) fn new() -> Self {
        let genesis = Observed::Absent.genesis(Nonce::new(0), &by(), Term::vacant()).unwrap();
        let seen = Seen::of(&Observed::Record(genesis.into_record())).unwrap();
        let mut reign = Self { seen, attempt: 0 };
        reign.step(&Step::Grant(candidate("a", 1, Position::START)));
        reign
    }

    pub(crate) fn step(&mut self, step: &Step) {
        self.attempt += 1;
        let permit = self.seen.permit(step, Nonce::new(self.attempt), &by()).unwrap();
        self.seen = Seen::of(&Observed::Record(permit.next().clone())).unwrap();
    }

    /// The token of whoever leads.
    pub(crate) fn token(&self, resource: &PostgresResource) -> Token {
        self.token_for(resource, Scope::new("orders-1").unwrap())
    }

    pub(crate) fn token_for(&self, resource: &PostgresResource, scope: Scope) -> Token {
        let me = self.seen.term().holder().unwrap().clone();
        Leadership::take_up(&self.seen, scope, me, resource.clone()).unwrap().token().clone()
    }

    /// The order to seal the epoch, which is frozen for `to` where it is not yet.
    pub(crate) fn order(&mut self, to: &str) -> Order {
        if self.seen.order().is_none() {
            let demand = self.seen.demand(Node::new(to).unwrap(), HandoffId::new(self.attempt)).unwrap();
            self.step(&Step::Freeze(demand));
        }
        self.seen.order().unwrap()
    }

    /// The next epoch is `to`'s.
    pub(crate) fn grant(&mut self, receipt: Receipt, to: &str) {
        self.step(&Step::Record(receipt));
        self.step(&Step::Grant(candidate(to, 1, receipt.position())));
    }
}

pub(crate) fn by() -> Actor {
    Actor::new("coordinator").unwrap()
}

pub(crate) fn candidate(node: &str, incarnation: u64, applied: Position) -> Candidate {
    let node = Node::new(node).unwrap();
    Candidate { holder: Holder { node, incarnation: Incarnation::new(incarnation) }, applied }
}

/// Waits until something holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::task::yield_now().await;
    }
}

/// Waits until so many sessions wait for a lock.
pub(crate) async fn until_waiting(bed: &Bed, count: i64) {
    let client = bed.client().await;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("a session that waits for a lock", || async {
        client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == count
    })
    .await;
}
