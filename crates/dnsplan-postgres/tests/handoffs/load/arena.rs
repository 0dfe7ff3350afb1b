//! A database of its own for each run.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use deadpool_postgres::Pool;
use dnsplan_leadership::Scope;
use dnsplan_postgres::{PostgresRegister, PostgresResource, guard, install};
use dnsplan_postgres_server::Server;

use super::form::Resource;
use super::{Error, Form};

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Counts, in the transaction that raises the floor, the rows of the epoch that this ends.
const COUNTS: &str = "CREATE TABLE counted (epoch bigint PRIMARY KEY, rows bigint NOT NULL); \
    CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$ BEGIN \
    INSERT INTO counted SELECT NEW.lowest - 1, count(*) FROM rows WHERE epoch = NEW.lowest - 1 ON CONFLICT DO NOTHING; \
    RETURN NULL; END $$; \
    CREATE TRIGGER counts AFTER UPDATE ON dnsplan_fence.floor FOR EACH ROW EXECUTE FUNCTION counts()";

pub(crate) struct Arena {
    database: String,
    at: SocketAddr,
    form: Form,
    pub(crate) scope: Scope,
    /// For the coordinator and for counts.
    pub(crate) pool: Pool,
}

impl Arena {
    pub(crate) async fn new(at: SocketAddr, form: Form) -> Result<Self, Error> {
        let database = format!("arena_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let admin = Server::pool(Server::config(at, "postgres"), 1);
        admin.get().await?.batch_execute(&format!("CREATE DATABASE {database}")).await?;
        let pool = Server::pool(Server::config(at, &database), 3);
        let scope = Scope::new("load")?;
        let client = pool.get().await?;
        install(&client).await?;
        let tables = "CREATE TABLE rows (epoch bigint NOT NULL); CREATE INDEX ON rows (epoch); \
                      CREATE TABLE toy (scope text PRIMARY KEY, lowest bigint NOT NULL); INSERT INTO toy VALUES ('load', 1)";
        client.batch_execute(tables).await?;
        client.batch_execute(COUNTS).await?;
        if form.is_shipped() {
            guard(&client, "rows", &scope).await?;
        }
        Ok(Self { database, at, form, scope, pool })
    }

    pub(crate) fn register(&self) -> PostgresRegister {
        PostgresRegister::new(self.pool.clone(), self.scope.clone())
    }

    /// A node's own connections.
    pub(crate) fn node(&self, connections: usize) -> Resource {
        let pool = Server::pool(Server::config(self.at, &self.database), connections);
        let shipped = PostgresResource::new(pool.clone(), self.scope.clone());
        Resource { form: self.form, pool, shipped }
    }

    /// How many rows of an epoch there are.
    pub(crate) async fn rows(&self, epoch: u64) -> Result<i64, Error> {
        let client = self.pool.get().await?;
        let count = client.prepare_cached("SELECT count(*) FROM rows WHERE epoch = $1").await?;
        Ok(client.query_one(&count, &[&i64::try_from(epoch)?]).await?.get(0))
    }

    /// How many rows of a sealed epoch there are beside those that were counted at its seal.
    pub(crate) async fn late(&self, epoch: u64) -> Result<i64, Error> {
        let client = self.pool.get().await?;
        let counted = client.prepare_cached("SELECT rows FROM counted WHERE epoch = $1").await?;
        let counted: i64 = client.query_one(&counted, &[&i64::try_from(epoch)?]).await?.get(0);
        Ok((self.rows(epoch).await? - counted).abs())
    }
}
