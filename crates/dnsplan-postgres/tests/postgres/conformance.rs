//! The suite of all registers and resources, with the record in the database that is written and with the record in another.

use std::sync::atomic::{AtomicU64, Ordering};

use deadpool_postgres::Pool;
use dnsplan_leadership::Scope;
use dnsplan_leadership::conformance::{self, Harness, Role};
use dnsplan_postgres::{PostgresRegister, PostgresResource, Write, guard};
use dnsplan_postgres_server::Server;

use crate::bed::Bed;

/// Roles with a guarded table each, in one database, and their records.
struct Roles {
    data: Bed,
    /// Where the records are; `None`: where the tables are.
    records: Option<Bed>,
    made: AtomicU64,
}

/// Connections of one more process.
fn pool(bed: &Bed) -> Pool {
    Server::pool(Server::config(bed.server.address(), &bed.database), 1)
}

fn table(scope: &Scope) -> String {
    scope.as_str().replace('-', "_")
}

async fn records_in(bed: &Bed) -> i64 {
    let sql = "SELECT count(*) FROM dnsplan_fence.record";
    bed.client().await.query_one(sql, &[]).await.unwrap().get(0)
}

impl Roles {
    const fn new(data: Bed, records: Option<Bed>) -> Self {
        Self { data, records, made: AtomicU64::new(0) }
    }

    fn register_of(&self, scope: &Scope) -> PostgresRegister {
        PostgresRegister::new(pool(self.records.as_ref().unwrap_or(&self.data)), scope.clone())
    }

    fn resource_of(&self, scope: &Scope) -> PostgresResource {
        PostgresResource::new(pool(&self.data), scope.clone())
    }
}

impl Harness for Roles {
    type Register = PostgresRegister;
    type Resource = PostgresResource;

    async fn make(&self) -> Role<Self> {
        let scope = format!("role-{}", self.made.fetch_add(1, Ordering::Relaxed));
        let scope = Scope::new(&scope).unwrap();
        let (client, table) = (self.data.client().await, table(&scope));
        let create = format!("CREATE TABLE {table} (id bigserial PRIMARY KEY, number bigint NOT NULL)");
        client.batch_execute(&create).await.unwrap();
        guard(&client, &table, &scope).await.unwrap();
        Role::new(scope.clone(), self.register_of(&scope), self.resource_of(&scope))
    }

    async fn register(&self, role: &Role<Self>) -> PostgresRegister {
        self.register_of(&role.scope)
    }

    async fn resource(&self, role: &Role<Self>) -> PostgresResource {
        self.resource_of(&role.scope)
    }

    fn write(&self, role: &Role<Self>, number: u64) -> Write {
        let sql = format!("INSERT INTO {} (number) VALUES ($1)", table(&role.scope));
        Write::statement(sql, vec![Box::new(i64::try_from(number).unwrap())])
    }

    async fn written(&self, role: &Role<Self>) -> Vec<u64> {
        let sql = format!("SELECT number FROM {} ORDER BY id", table(&role.scope));
        let rows = self.data.client().await.query(&sql, &[]).await.unwrap();
        rows.iter().map(|row| u64::try_from(row.get::<_, i64>(0)).unwrap()).collect()
    }
}

#[tokio::test]
async fn g9_the_suite_holds_with_record_and_data_in_one_database() {
    let roles = Roles::new(Bed::new().await, None);
    conformance::all(&roles).await;
    assert!(records_in(&roles.data).await > 0, "the epochs are compared with no record");
}

#[tokio::test]
async fn g9_the_suite_holds_with_the_record_in_another_database() {
    let roles = Roles::new(Bed::new().await, Some(Bed::new().await));
    conformance::all(&roles).await;
    assert_eq!(records_in(&roles.data).await, 0, "there is a record where the data is");
}
