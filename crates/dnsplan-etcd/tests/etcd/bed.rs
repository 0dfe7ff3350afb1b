//! An etcd of one member, and roles at it.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dnsplan_etcd::{EtcdRegister, EtcdResource, Place, Write};
use dnsplan_leadership::Scope;
use dnsplan_leadership::conformance::{Harness, Role};
use etcd_client::{Client, GetOptions};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const PREFIX: &str = "/cells/7";

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that ends with this value.
pub(crate) struct Etcd {
    pub(crate) url: String,
    _child: Child,
    _data: TempDir,
}

impl Etcd {
    pub(crate) async fn start() -> Self {
        // Somebody else may take a port that was free a moment ago.
        for _ in 0..20 {
            if let Some(started) = Self::try_start().await {
                return started;
            }
        }
        panic!("etcd does not start on any of 20 ports");
    }

    async fn try_start() -> Option<Self> {
        let data = TempDir::new().unwrap();
        let [url, peers] = [free_port(), free_port()].map(|port| format!("http://127.0.0.1:{port}"));
        let mut command = Command::new("etcd");
        command.args(["--name", "e", "--log-level", "error", "--data-dir"]).arg(data.path());
        command.args(["--listen-client-urls", &url, "--advertise-client-urls", &url]);
        command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
        command.args(["--initial-cluster", &format!("e={peers}"), "--unsafe-no-fsync"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("`etcd` does not start ({error}): run `apt-get install etcd-server`")
        });
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
            if let Ok(mut client) = Client::connect([&url], None).await
                && client.get("ready", None).await.is_ok()
            {
                return Some(Self { url, _child: child, _data: data });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    pub(crate) async fn client(&self) -> Client {
        connect(&self.url).await
    }

    pub(crate) async fn place(&self, scope: &str) -> Place {
        place(&self.url, scope).await
    }
}

pub(crate) async fn connect(url: &str) -> Client {
    Client::connect([url], None).await.unwrap()
}

pub(crate) async fn place(url: &str, scope: &str) -> Place {
    Place::new(connect(url).await, "/cells/7/leadership/", Scope::new(scope).unwrap())
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Where a role's number is written.
pub(crate) fn key(scope: &Scope, number: u64) -> String {
    format!("{PREFIX}/data/{scope}/{number}")
}

/// The numbers that are there, in the order in which they came.
pub(crate) async fn written(client: &Client, scope: &Scope) -> Vec<u64> {
    let prefix = format!("{PREFIX}/data/{scope}/");
    let answer = client.kv_client().get(prefix.clone(), Some(GetOptions::new().with_prefix())).await.unwrap();
    let mut found: Vec<(i64, u64)> = answer
        .kvs()
        .iter()
        .map(|pair| (pair.mod_revision(), pair.key_str().unwrap()[prefix.len()..].parse().unwrap()))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, number)| number).collect()
}

/// Roles for the conformance suite.
pub(crate) struct Roles {
    pub(crate) etcd: Etcd,
    made: AtomicU64,
}

impl Roles {
    pub(crate) async fn new() -> Self {
        Self { etcd: Etcd::start().await, made: AtomicU64::new(0) }
    }
}

impl Harness for Roles {
    type Register = EtcdRegister;
    type Resource = EtcdResource;

    async fn make(&self) -> Role<Self> {
        let scope = format!("role-{}", self.made.fetch_add(1, Ordering::Relaxed));
        let place = self.etcd.place(&scope).await;
        place.install().await.unwrap();
        Role::new(Scope::new(&scope).unwrap(), place.register(), place.resource())
    }

    async fn register(&self, role: &Role<Self>) -> EtcdRegister {
        self.etcd.place(role.scope.as_str()).await.register()
    }

    async fn resource(&self, role: &Role<Self>) -> EtcdResource {
        self.etcd.place(role.scope.as_str()).await.resource()
    }

    fn write(&self, role: &Role<Self>, number: u64) -> Write {
        Write::new().put(key(&role.scope, number), "")
    }

    async fn written(&self, role: &Role<Self>) -> Vec<u64> {
        written(&self.etcd.client().await, &role.scope).await
    }
}
