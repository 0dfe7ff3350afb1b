//! What the role that writes can do: write under an epoch, and nothing that would undo a seal.

use deadpool_postgres::{Client, Pool};
use dnsplan_leadership::{Fenced, Written};
use dnsplan_postgres::{Found, PostgresResource};
use dnsplan_postgres_server::Server;

use crate::bed::{Bed, Reign, id, refusal, row};

/// A connection of a role that may write the table.
async fn writer(bed: &Bed) -> Pool {
    let role = format!("writer_{}", bed.database);
    let setup = format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON rows TO {role}; \
         GRANT USAGE ON SEQUENCE rows_id_seq TO {role}; GRANT CREATE ON DATABASE {} TO {role}; \
         SELECT dnsplan_fence.allow_writes('{role}')",
        bed.database
    );
    bed.client().await.batch_execute(&setup).await.unwrap();
    let mut config = Server::config(bed.server.address(), &bed.database);
    config.user(&role);
    Server::pool(config, 1)
}

#[tokio::test]
async fn g9_it_writes_under_an_epoch_and_touches_nothing_of_the_fence() {
    let bed = Bed::new().await;
    let writer = writer(&bed).await.get().await.unwrap();
    let write = format!("BEGIN; {}; INSERT INTO rows (epoch) VALUES (1); COMMIT", bed.enter(1));
    writer.batch_execute(&write).await.unwrap();
    for sql in [
        "UPDATE dnsplan_fence.floor SET lowest = 0",
        "INSERT INTO dnsplan_fence.floor VALUES ('other', 0)",
        "DELETE FROM dnsplan_fence.written",
        "UPDATE dnsplan_fence.record SET record = 'x'",
        "DELETE FROM dnsplan_fence.seal",
        "ALTER TABLE rows DISABLE TRIGGER dnsplan_fence_row",
        "DROP TRIGGER dnsplan_fence_row ON rows",
        "SET session_replication_role = replica",
        "SELECT dnsplan_fence.seal('orders-1', 1)",
        "SELECT dnsplan_fence.sealed('orders-1', 1)",
        "SELECT dnsplan_fence.evict('orders-1')",
        "SELECT dnsplan_fence.swap('orders-1', NULL, 'x')",
        "SELECT dnsplan_fence.prune('orders-1', 1)",
        "SELECT dnsplan_fence.guard('rows', 'other')",
        "CREATE FUNCTION dnsplan_fence.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ] {
        let said = refusal(&writer, sql).await;
        assert!(said.starts_with("42501 "), "{sql}: {said}");
    }
}

#[tokio::test]
async fn what_fails_after_commit_is_unknown_and_not_an_error() {
    let (bed, reign) = (Bed::new().await, Reign::new());
    let resource = PostgresResource::new(writer(&bed).await, bed.scope.clone());
    // The position is asked for after COMMIT, in the same message.
    let revoke = "REVOKE EXECUTE ON FUNCTION pg_current_wal_insert_lsn FROM PUBLIC";
    bed.client().await.batch_execute(revoke).await.unwrap();
    let token = reign.token(&bed.resource);
    assert_eq!(resource.write(&token, id(1), row(1)).await.unwrap(), Written::Unknown(id(1)));
    assert!(matches!(bed.resource.lookup(&token, id(1)).await.unwrap(), Found::Applied(_)));
    assert_eq!(bed.rows(1).await, 1);
}

#[tokio::test]
async fn g9_a_search_path_of_its_own_changes_nothing() {
    let bed = Bed::new().await;
    let writer = writer(&bed).await.get().await.unwrap();
    let traps = "CREATE SCHEMA mine; SET search_path = mine, pg_catalog, public; \
                 CREATE FUNCTION mine.replace(text, text, text) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$; \
                 CREATE FUNCTION mine.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$SELECT '1'$$; \
                 CREATE FUNCTION mine.pg_current_xact_id_if_assigned() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
                 CREATE FUNCTION mine.pg_advisory_xact_lock_shared(bigint) RETURNS void LANGUAGE sql AS ''; \
                 CREATE FUNCTION mine.never(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false'; \
                 CREATE OPERATOR mine.< (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = mine.never)";
    writer.batch_execute(traps).await.unwrap();
    assert_eq!(answer(&writer, "SELECT 1::bigint < 2::bigint").await, Some(false), "the trap is set");
    assert!(refusal(&writer, "INSERT INTO rows (epoch) VALUES (1)").await.starts_with("FE002 "));
    bed.client().await.batch_execute("SELECT dnsplan_fence.seal('orders-1', 1)").await.unwrap();
    assert!(refusal(&writer, &bed.enter(1)).await.starts_with("FE001 "));
    writer.batch_execute(&format!("BEGIN; {}", bed.enter(2))).await.unwrap();
    let locks = "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    assert_eq!(answer(&writer, locks).await, Some(true), "the lock is the real one");
}

async fn answer(client: &Client, sql: &str) -> Option<bool> {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_role_that_hands_over_needs_no_rights_on_the_tables() {
    let bed = Bed::new().await;
    let role = format!("coordinator_{}", bed.database);
    let setup = format!("CREATE ROLE {role} LOGIN; SELECT dnsplan_fence.allow_handoffs('{role}')");
    bed.client().await.batch_execute(&setup).await.unwrap();
    let mut config = Server::config(bed.server.address(), &bed.database);
    config.user(&role);
    let client = Server::pool(config, 1).get().await.unwrap();
    for sql in [
        "SELECT dnsplan_fence.load('orders-1')",
        "SELECT dnsplan_fence.swap('orders-1', NULL, 'x')",
        "SELECT dnsplan_fence.seal('orders-1', 1)",
        "SELECT dnsplan_fence.sealed('orders-1', 1)",
        "SELECT dnsplan_fence.evict('orders-1')",
        "SELECT dnsplan_fence.prune('orders-1', 1)",
    ] {
        client.batch_execute(sql).await.expect(sql);
    }
    assert!(refusal(&client, "SELECT * FROM rows").await.starts_with("42501 "));
    assert!(refusal(&client, &bed.enter(2)).await.starts_with("42501 "));
}
