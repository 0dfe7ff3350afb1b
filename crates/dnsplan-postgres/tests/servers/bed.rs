//! A primary `a`, its replica `b`, and stewards of both.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dnsplan_fence::{Actor, Nonce};
use dnsplan_leadership::{Cell, Demand, Epoch, HandoffId, Holder, Node as Name, Scope};
use dnsplan_postgres::servers::{Endpoint, Limits, Look, Member, Progress, Servers, Steward};
use dnsplan_postgres::{Conninfo, guard, install, move_between_servers};
use dnsplan_postgres_server::Node;
use tokio_postgres::Client;

/// What is waited for that has to happen.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const LIMITS: Limits = Limits {
    lag: 16 << 20,
    catch_up: Duration::from_secs(20),
    abandoned: Duration::from_secs(10),
    answer: Duration::from_secs(2),
};

static NONCES: AtomicU64 = AtomicU64::new(1);

fn nonce() -> Nonce {
    Nonce::new(NONCES.fetch_add(1, Ordering::Relaxed).into())
}

/// An endpoint that is where it was put, and reads the canary that is there unless it is blind.
#[derive(Debug, Default)]
pub(crate) struct Sign {
    pub(crate) is_blind: AtomicBool,
    pub(crate) published: Mutex<(u64, Option<Name>)>,
    pub(crate) addresses: Mutex<Vec<Member>>,
}

impl Endpoint for &Sign {
    type Error = Infallible;

    async fn look(&self, node: &Name) -> Result<Option<Look>, Infallible> {
        let members = self.addresses.lock().unwrap().clone();
        let member = members.iter().find(|member| member.node() == node).unwrap();
        let mut look = member.look(&scope()).await.unwrap();
        look.canary = look.canary.filter(|_| !self.is_blind.load(Ordering::Relaxed));
        Ok(Some(look))
    }

    async fn published(&self) -> Result<u64, Infallible> {
        Ok(self.published.lock().unwrap().0)
    }

    async fn publish(&self, epoch: Epoch, holder: &Holder) -> Result<(), Infallible> {
        *self.published.lock().unwrap() = (epoch.get(), Some(holder.node.clone()));
        Ok(())
    }

    async fn resolved(&self) -> Result<Option<Name>, Infallible> {
        Ok(self.published.lock().unwrap().1.clone())
    }
}

pub(crate) type Stewarding<'a> = Steward<&'a Shared, &'a Sign, fn() -> Nonce>;

/// A register that several stewards share.
pub(crate) type Shared = Cell;

pub(crate) struct Bed {
    pub(crate) a: Node,
    pub(crate) b: Node,
    pub(crate) register: Shared,
    pub(crate) sign: Sign,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let (a, b) = tokio::task::spawn_blocking(|| {
            let at = Node::addresses(2).unwrap();
            let a = Node::primary(at[0]).unwrap_or_else(|error| panic!("{error}"));
            let b = Node::replica(at[1], at[0]).unwrap_or_else(|error| panic!("{error}"));
            (a, b)
        })
        .await
        .unwrap();
        let bed = Self { a, b, register: Cell::default(), sign: Sign::default() };
        *bed.sign.addresses.lock().unwrap() = bed.servers().members().to_vec();
        let client = bed.client("a").await;
        client.batch_execute("CREATE TABLE rows (what text)").await.unwrap();
        let pool = conninfo(bed.a.address()).pool();
        let owner = pool.get().await.unwrap();
        install(&owner).await.unwrap();
        guard(&owner, "rows", &scope()).await.unwrap();
        move_between_servers(&owner, &scope()).await.unwrap();
        bed.until_replayed().await;
        bed
    }

    /// The same, with `a` leading.
    pub(crate) async fn led() -> Self {
        let bed = Self::new().await;
        let mut steward = bed.steward(LIMITS);
        let settled = go(&mut steward, None, Some("a")).await;
        assert!(matches!(settled, Progress::Settled { is_reached: true, .. }), "{settled:?}");
        bed.until_replayed().await;
        bed
    }

    pub(crate) fn servers(&self) -> Servers {
        servers([("a", self.a.address()), ("b", self.b.address())])
    }

    pub(crate) fn steward(&self, limits: Limits) -> Stewarding<'_> {
        self.steward_of(self.servers(), limits)
    }

    /// One that asks another register.
    pub(crate) fn steward_at<'a>(&'a self, register: &'a Shared, limits: Limits) -> Stewarding<'a> {
        Steward::new(register, self.servers(), &self.sign, Actor::new("steward").unwrap(), limits, nonce)
    }

    pub(crate) fn steward_of(&self, servers: Servers, limits: Limits) -> Stewarding<'_> {
        Steward::new(&self.register, servers, &self.sign, Actor::new("steward").unwrap(), limits, nonce)
    }

    pub(crate) async fn client(&self, name: &str) -> Client {
        let at = if name == "a" { self.a.address() } else { self.b.address() };
        let config = dnsplan_postgres_server::Server::config(at, "postgres");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Runs SQL at a node.
    pub(crate) async fn sql(&self, name: &str, sql: &str) {
        self.client(name).await.batch_execute(sql).await.unwrap();
    }

    /// The code that a statement is refused with, and why.
    pub(crate) async fn refusal(&self, name: &str, sql: &str) -> String {
        let error = self.client(name).await.batch_execute(sql).await.expect_err(sql);
        let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
        format!("{} {}", error.code().code(), error.message())
    }

    /// Waits until the replica has what the primary has written by now.
    pub(crate) async fn until_replayed(&self) {
        let there = self.client("a").await.query_one("SELECT pg_current_wal_insert_lsn()::text", &[]).await;
        let there: String = there.unwrap().get(0);
        let has_it = format!("SELECT pg_last_wal_replay_lsn() >= '{there}'::pg_lsn");
        let client = self.client("b").await;
        until("the replica to have replayed it", || async {
            client.query_one(&has_it, &[]).await.unwrap().get::<_, Option<bool>>(0) == Some(true)
        })
        .await;
    }
}

pub(crate) fn scope() -> Scope {
    Scope::new("orders").unwrap()
}

pub(crate) fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

fn conninfo(at: SocketAddr) -> Conninfo {
    format!("host={} port={} user=postgres dbname=postgres", at.ip(), at.port()).parse().unwrap()
}

pub(crate) fn servers<const N: usize>(all: [(&str, SocketAddr); N]) -> Servers {
    let member = |(node, at): (&str, SocketAddr)| Member::new(name(node), conninfo(at).pool());
    Servers::new(scope(), all.map(member).to_vec())
}

/// What hands over what is in force to a node.
pub(crate) async fn demand(steward: &Stewarding<'_>, to: &str) -> Demand {
    let seen = steward.seen().await.unwrap().unwrap();
    seen.demand(name(to), HandoffId::new(nonce().get())).unwrap()
}

/// Tick by tick until it is settled, or does not go on.
pub(crate) async fn go(
    steward: &mut Stewarding<'_>,
    wanted: Option<&Demand>,
    first: Option<&str>,
) -> Progress {
    let first = first.map(name);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let progress = steward.tick(wanted, first.as_ref()).await;
        match progress {
            Ok(ended @ (Progress::Settled { .. } | Progress::Unfit(_))) => return ended,
            Ok(_) => {}
            Err(error) if Instant::now() < deadline => drop(error),
            Err(error) => panic!("{error}"),
        }
        assert!(Instant::now() < deadline, "it does not end");
        tokio::task::yield_now().await;
    }
}

/// Tick by tick until something is so.
pub(crate) async fn go_until(
    steward: &mut Stewarding<'_>,
    wanted: Option<&Demand>,
    is_it: impl Fn(&Progress) -> bool,
) -> Progress {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(progress) = steward.tick(wanted, None).await
            && is_it(&progress)
        {
            return progress;
        }
        assert!(Instant::now() < deadline, "it never comes");
        tokio::task::yield_now().await;
    }
}

/// Waits until something holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::task::yield_now().await;
    }
}
