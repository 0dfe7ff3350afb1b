//! A pair, a register, a name server, and the file that describes them.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use dnsplan_postgres_server::{Node, Server};
use serde_json::Value;
use tokio_postgres::Client;

use crate::harness::{Cell, Daemon, wait_for};

/// The servers by name, and the register.
pub(crate) struct Bed {
    pub(crate) cell: Cell,
    nodes: Vec<(&'static str, Mutex<Node>)>,
    pub(crate) dns: Daemon,
    runtime: tokio::runtime::Runtime,
}

/// The name that clients connect by.
pub(crate) const NAME: &str = "writer.db.example.";

/// The endpoint's zone.
const SPEC: &str = r#"
[zone."db.example."]
ns = ["ns1"]
ttl = 1

[[record]]
name = "ns1"
type = "A"
data = "192.0.2.53"

[[record]]
name = "writer"
type = "A"
data = "{writer}"
protected = true
"#;

impl Bed {
    /// A primary `a`, its replica `b`, and a register; nobody leads yet.
    pub(crate) fn new() -> Self {
        let at = Node::addresses(3).unwrap();
        let node = |node: Result<Node, _>| {
            node.unwrap_or_else(|error: dnsplan_postgres_server::StartError| panic!("{error}"))
        };
        let a = node(Node::primary(at[0]));
        let register = node(Node::primary(at[2]));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let client = connect(at[0]).await.unwrap();
            let table = "CREATE TABLE orders (id uuid PRIMARY KEY, client int, epoch bigint)";
            client.batch_execute(table).await.unwrap();
        });
        let b = node(Node::replica(at[1], at[0]));
        let cell = Cell::new();
        cell.save("writer.toml", SPEC);
        let dns = dnsplan_name_servers::ports::free_address().unwrap().to_string();
        cell.save("pair.toml", &file(&at, &dns, ""));
        let dns = cell.daemon(&["enactor", "--dns", &dns]);
        let nodes = vec![("a", Mutex::new(a)), ("b", Mutex::new(b)), ("register", Mutex::new(register))];
        let bed = Self { cell, nodes, dns, runtime };
        bed.cell.run(&["handoff", "pair.toml", "--install"]).expect(0);
        bed
    }

    /// The same, with `a` leading.
    pub(crate) fn led() -> Self {
        let bed = Self::new();
        // What was installed has to have arrived at the replica.
        bed.until_follows("b");
        bed.cell.run(&["handoff", "pair.toml", "--to", "a"]).expect(0);
        bed
    }

    pub(crate) fn node(&self, name: &str) -> MutexGuard<'_, Node> {
        let (_, node) = self.nodes.iter().find(|(known, _)| *known == name).unwrap();
        node.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.node(name).address()
    }

    pub(crate) const fn runtime(&self) -> &tokio::runtime::Runtime {
        &self.runtime
    }

    /// What `handoff` without more says.
    pub(crate) fn status(&self) -> Value {
        self.cell.json(&["handoff", "pair.toml"])
    }

    /// The one that leads.
    pub(crate) fn holder(&self) -> String {
        holder(&self.status())
    }

    /// Runs SQL at a node, as its owner.
    pub(crate) fn sql(&self, name: &str, sql: &str) {
        let address = self.address(name);
        self.runtime.block_on(async { connect(address).await.unwrap().batch_execute(sql).await.unwrap() });
    }

    /// What a statement is refused with at a node.
    pub(crate) fn refusal(&self, name: &str, sql: &str) -> String {
        let address = self.address(name);
        let done = self.runtime.block_on(async { connect(address).await.unwrap().batch_execute(sql).await });
        let error = done.expect_err(sql);
        let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
        format!("{} {}", error.code().code(), error.message())
    }

    /// Waits until a node is a replica that gets what the holder writes.
    pub(crate) fn until_follows(&self, name: &str) {
        wait_for("a replica that is fed", || {
            let status = self.status();
            let nodes = status["nodes"].as_array().unwrap().clone();
            let node = nodes.into_iter().find(|node| node["node"] == name).unwrap();
            node["state"].as_str().unwrap().starts_with("a replica, at").then_some(())
        });
    }

    /// Waits until a hand-off has ended, and clients find the holder; then makes a replica of the other one.
    pub(crate) fn settle(&self) -> Value {
        let status = wait_for("an end of the hand-off", || {
            let status = self.status();
            let is_open = status["state"].as_str().unwrap().contains("has epoch");
            let is_reached = status["leads_to"] == holder(&status).as_str();
            let is_written = status["nodes"].as_array().unwrap().iter().any(|node| {
                node["node"] == holder(&status).as_str()
                    && node["state"].as_str().unwrap().starts_with("takes writes")
            });
            (is_open && is_reached && is_written).then_some(status)
        });
        let holder = holder(&status);
        let other = if holder == "a" { "b" } else { "a" };
        let is_primary =
            |node: &Value| node["node"] == other && node["state"].as_str().unwrap().starts_with("a primary");
        if self.status()["nodes"].as_array().unwrap().iter().any(is_primary) {
            self.sql(&holder, "CHECKPOINT");
            let to = self.address(&holder);
            self.node(other).follow(to).unwrap_or_else(|error| panic!("{error}"));
        }
        self.until_follows(other);
        status
    }
}

fn holder(status: &Value) -> String {
    let holder = status["holder"].as_str().unwrap_or_default();
    holder.split('.').next().unwrap_or_default().to_owned()
}

/// The file, with more at its end.
pub(crate) fn file(at: &[SocketAddr], dns: &str, more: &str) -> String {
    let port = at[0].port();
    let [a, b, register] = [at[0].ip(), at[1].ip(), at[2].ip()];
    format!(
        r#"
role = "orders"
tables = ["public.orders"]

[register]
postgres = "host={register} port={port} user=postgres dbname=postgres"

[[node]]
name = "a"
postgres = "host={a} port={port} user=postgres dbname=postgres"
address = "{a}"

[[node]]
name = "b"
postgres = "host={b} port={port} user=postgres dbname=postgres"
address = "{b}"

[endpoint]
name = "{NAME}"
spec = "writer.toml"
server = "{dns}"

[limits]
catch_up_seconds = 8
abandoned_seconds = 1
answer_seconds = 1
{more}"#
    )
}

/// A connection that is given up where it takes long.
pub(crate) async fn connect(at: SocketAddr) -> Result<Client, tokio_postgres::Error> {
    let mut config = Server::config(at, "postgres");
    config.connect_timeout(Duration::from_secs(1));
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Lets time pass in which something else may happen: where in it does not matter.
pub(crate) fn for_a_while(duration: Duration) {
    sleep(duration);
}
