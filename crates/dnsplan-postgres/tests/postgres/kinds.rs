//! Rows that come by other ways than a statement on the table itself.

use std::time::Duration;

use dnsplan_leadership::Fenced;
use dnsplan_postgres::guard;

use crate::bed::{Bed, Reign, refusal, until};

const OUTSIDE: &str = "FE002 ";

#[tokio::test]
async fn g9_a_session_that_fires_no_triggers_is_refused_too() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    client.batch_execute("CREATE TABLE fired (n int)").await.unwrap();
    let notes = "CREATE FUNCTION notes() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN RAISE EXCEPTION ''an ordinary trigger''; END'; \
                 CREATE TRIGGER notes BEFORE INSERT ON fired FOR EACH ROW EXECUTE FUNCTION notes()";
    client.batch_execute(notes).await.unwrap();
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    client.batch_execute("INSERT INTO fired VALUES (1)").await.expect("an ordinary trigger does not fire");
    for sql in ["INSERT INTO rows (epoch) VALUES (1)", "TRUNCATE rows"] {
        assert!(refusal(&client, sql).await.starts_with(OUTSIDE), "{sql}");
    }
    for sql in ["UPDATE dnsplan_fence.floor SET lowest = -1", "DELETE FROM dnsplan_fence.floor"] {
        assert!(refusal(&client, sql).await.starts_with("FE002 a floor never falls"), "{sql}");
    }
    client.batch_execute("RESET session_replication_role").await.unwrap();
}

#[tokio::test]
async fn g9_partitions_are_guarded_those_that_come_later_too() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    let setup = "CREATE TABLE parts (n int, m int) PARTITION BY RANGE (n); \
                 CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (m); \
                 CREATE TABLE part_1_1 PARTITION OF part_1 FOR VALUES FROM (0) TO (10)";
    client.batch_execute(setup).await.unwrap();
    guard(&client, "parts", &bed.scope).await.unwrap();
    guard(&client, "parts", &bed.scope).await.expect("again");
    let later = "CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (10) TO (20); \
                 CREATE TABLE part_3 (n int, m int); INSERT INTO part_3 VALUES (21, 1); \
                 ALTER TABLE parts ATTACH PARTITION part_3 FOR VALUES FROM (20) TO (30)";
    client.batch_execute(later).await.unwrap();
    let writes = [
        "INSERT INTO parts VALUES (1, 1)",
        "INSERT INTO parts VALUES (11, 1)",
        "INSERT INTO part_1 VALUES (1, 1)",
        "INSERT INTO part_1_1 VALUES (1, 1)",
        "INSERT INTO part_2 VALUES (11, 1)",
        "UPDATE part_3 SET m = 2",
        "DELETE FROM parts",
        "TRUNCATE parts",
        "TRUNCATE part_1_1",
    ];
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    for sql in writes {
        assert!(refusal(&client, sql).await.starts_with(OUTSIDE), "{sql}");
    }
    client.batch_execute("RESET session_replication_role").await.unwrap();
    for sql in writes {
        assert!(refusal(&client, sql).await.starts_with(OUTSIDE), "{sql}");
        client.batch_execute(&format!("BEGIN; {}; {sql}; COMMIT", bed.enter(1))).await.expect(sql);
    }
}

#[tokio::test]
async fn g9_a_guarded_table_that_becomes_a_partition_stays_guarded() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    let setup = "CREATE TABLE plain (n int); CREATE TABLE all_of (n int) PARTITION BY RANGE (n)";
    client.batch_execute(setup).await.unwrap();
    guard(&client, "plain", &bed.scope).await.unwrap();
    client
        .batch_execute("ALTER TABLE all_of ATTACH PARTITION plain FOR VALUES FROM (0) TO (10)")
        .await
        .unwrap();
    assert!(refusal(&client, "INSERT INTO all_of VALUES (1)").await.starts_with(OUTSIDE));
}

#[tokio::test]
async fn g9_tables_that_inherit_are_guarded_with_their_parent() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    client
        .batch_execute("CREATE TABLE parent (n int); CREATE TABLE child () INHERITS (parent)")
        .await
        .unwrap();
    client.batch_execute("INSERT INTO child VALUES (1)").await.unwrap();
    guard(&client, "parent", &bed.scope).await.unwrap();
    for sql in ["UPDATE parent SET n = 2", "DELETE FROM child", "TRUNCATE parent", "TRUNCATE child"] {
        assert!(refusal(&client, sql).await.starts_with(OUTSIDE), "{sql}");
    }
}

#[tokio::test]
async fn g9_what_cascades_from_a_table_that_is_not_guarded_is_refused() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    let setup = format!(
        "CREATE TABLE customers (id int PRIMARY KEY); INSERT INTO customers VALUES (1); \
         CREATE TABLE orders (customer int REFERENCES customers ON DELETE CASCADE ON UPDATE SET NULL); \
         SELECT dnsplan_fence.guard('orders', '{}'); \
         BEGIN; {}; INSERT INTO orders VALUES (1); COMMIT",
        bed.scope,
        bed.enter(1)
    );
    client.batch_execute(&setup).await.unwrap();
    for sql in ["DELETE FROM customers", "UPDATE customers SET id = 2", "TRUNCATE customers CASCADE"] {
        assert!(refusal(&client, sql).await.starts_with(OUTSIDE), "{sql}");
    }
    client.batch_execute(&format!("BEGIN; {}; DELETE FROM customers; COMMIT", bed.enter(1))).await.unwrap();
}

#[tokio::test]
async fn g9_rows_from_logical_replication_are_refused() {
    let (from, to) = (Bed::new().await, Bed::new().await);
    let (source, sink) = (from.client().await, to.client().await);
    let table = "CREATE TABLE copied (n int PRIMARY KEY); CREATE TABLE unguarded (n int PRIMARY KEY)";
    let publish = format!("{table}; CREATE PUBLICATION p FOR TABLE copied, unguarded");
    source.batch_execute(&publish).await.unwrap();
    // On one server a subscription cannot make its own slot.
    let slot = format!("slot_{}", to.database);
    // It waits for the transactions of all databases.
    source.batch_execute("SET statement_timeout = '60 s'").await.unwrap();
    let make_slot = "SELECT pg_create_logical_replication_slot($1, 'pgoutput')";
    source.execute(make_slot, &[&slot]).await.unwrap();
    sink.batch_execute(table).await.unwrap();
    guard(&sink, "copied", &to.scope).await.unwrap();
    let address = from.server.address();
    let at = format!("host={} port={} user=postgres dbname={}", address.ip(), address.port(), from.database);
    let subscribe = format!(
        "CREATE SUBSCRIPTION s CONNECTION '{at}' PUBLICATION p WITH (create_slot = false, slot_name = '{slot}', copy_data = false)"
    );
    sink.batch_execute(&subscribe).await.unwrap();
    source.batch_execute("INSERT INTO unguarded VALUES (1)").await.unwrap();
    let count = async |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        sink.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0)
    };
    until("the row of the other table", || async { count("unguarded").await == 1 }).await;
    source.batch_execute("INSERT INTO copied VALUES (1)").await.unwrap();
    let refused = "INSERT of public.copied outside any epoch of orders-1";
    until("a refusal in the log", || async { to.server.log().contains(refused) }).await;
    assert_eq!(count("copied").await, 0);
    sink.batch_execute("ALTER SUBSCRIPTION s DISABLE").await.unwrap();
    sink.batch_execute("ALTER SUBSCRIPTION s SET (slot_name = NONE)").await.unwrap();
    sink.batch_execute("DROP SUBSCRIPTION s").await.unwrap();
    let drop_slot = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots \
                     WHERE slot_name = $1 AND NOT active";
    until("the slot to be free", || async {
        source.execute(drop_slot, &[&slot]).await.is_ok_and(|done| done == 1)
    })
    .await;
}

#[tokio::test]
async fn g9_prepared_transactions_hold_the_seal_and_are_named() {
    let (bed, mut reign) = (Bed::new().await, Reign::new());
    let client = bed.client().await;
    let gid = format!("in-doubt-{}", bed.database);
    let prepare =
        format!("BEGIN; {}; INSERT INTO rows (epoch) VALUES (1); PREPARE TRANSACTION '{gid}'", bed.enter(1));
    client.batch_execute(&prepare).await.unwrap();
    // The session's next transaction is another one.
    assert!(refusal(&client, "INSERT INTO rows (epoch) VALUES (1)").await.starts_with(OUTSIDE));
    let resource = bed.resource.clone().with_grace(Duration::from_millis(20));
    let held = resource.seal(reign.order("b")).await;
    // Before anything is judged: left behind, it would hold up the other tests' slots.
    client.batch_execute(&format!("COMMIT PREPARED '{gid}'")).await.unwrap();
    let held = held.unwrap_err();
    assert!(held.to_string().contains(&gid), "{held}");
    resource.seal(reign.order("b")).await.unwrap();
    assert_eq!(bed.rows(1).await, 1);
}

#[tokio::test]
async fn g9_a_procedure_that_commits_has_to_enter_again() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    let body = format!(
        "CREATE PROCEDURE twice() LANGUAGE plpgsql AS $$ BEGIN PERFORM {}; INSERT INTO rows (epoch) VALUES (1); COMMIT; \
         INSERT INTO rows (epoch) VALUES (1); END $$",
        bed.enter(1).trim_start_matches("SELECT ")
    );
    client.batch_execute(&body).await.unwrap();
    assert!(refusal(&client, "CALL twice()").await.starts_with(OUTSIDE));
    assert_eq!(bed.rows(1).await, 1);
}
