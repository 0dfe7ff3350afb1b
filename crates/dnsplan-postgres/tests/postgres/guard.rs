//! Whatever writes a guarded table has to have entered an epoch in the same transaction.

use dnsplan_fence::Generation;
use dnsplan_leadership::{BelowFloor, Fenced, Scope, Written};
use dnsplan_postgres::{Error, Write, guard};
use dnsplan_postgres_server::Server;

use crate::bed::{Bed, Reign, id, refusal, row};

/// Every way to write a table, of which one row has id 1.
const WRITES: [&str; 13] = [
    "INSERT INTO rows (epoch) VALUES (1)",
    "INSERT INTO rows (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET what = 'twice'",
    "INSERT INTO rows (epoch) SELECT 1",
    "UPDATE rows SET what = 'changed'",
    "DELETE FROM rows",
    "TRUNCATE rows",
    "MERGE INTO rows USING (VALUES (1)) AS v (id) ON rows.id = v.id WHEN MATCHED THEN DELETE",
    "MERGE INTO rows USING (VALUES (7)) AS v (id) ON rows.id = v.id WHEN NOT MATCHED THEN INSERT (epoch) VALUES (1)",
    "WITH gone AS (DELETE FROM rows RETURNING id) SELECT count(*) FROM gone",
    "SELECT write_by_function()",
    "CALL write_by_procedure()",
    "UPDATE rows_by_view SET what = 'changed'",
    "DO $$ BEGIN INSERT INTO rows (epoch) VALUES (1); EXCEPTION WHEN unique_violation THEN NULL; END $$",
];

async fn with_a_row(bed: &Bed) {
    let setup = format!(
        "BEGIN; {}; INSERT INTO rows (epoch) VALUES (1); COMMIT; \
         CREATE VIEW rows_by_view AS SELECT * FROM rows; \
         CREATE FUNCTION write_by_function() RETURNS void LANGUAGE sql AS 'INSERT INTO rows (epoch) VALUES (1)'; \
         CREATE PROCEDURE write_by_procedure() LANGUAGE plpgsql AS 'BEGIN DELETE FROM rows; END'",
        bed.enter(1)
    );
    bed.client().await.batch_execute(&setup).await.unwrap();
}

#[tokio::test]
async fn g9_every_way_to_write_is_refused_outside_an_epoch_and_works_inside() {
    let bed = Bed::new().await;
    with_a_row(&bed).await;
    let client = bed.client().await;
    for sql in WRITES {
        let said = refusal(&client, sql).await;
        assert!(
            said.starts_with("FE002 ") && said.contains("outside any epoch of orders-1"),
            "{sql}: {said}"
        );
        client.batch_execute(&format!("BEGIN; {}; {sql}; ROLLBACK", bed.enter(1))).await.expect(sql);
    }
    assert_eq!(bed.rows(1).await, 1);
}

#[tokio::test]
async fn g9_the_first_statement_of_a_session_is_refused_where_nothing_was_ever_set() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    client.batch_execute("CREATE TABLE bare (n int)").await.unwrap();
    guard(&client, "bare", &bed.scope).await.unwrap();
    let config = Server::config(bed.server.address(), &bed.database);
    // No sequence, no setting, no transaction id yet: nothing is compared with nothing.
    let fresh = Server::pool(config, 1).get().await.unwrap();
    assert!(refusal(&fresh, "INSERT INTO bare VALUES (1)").await.starts_with("FE002 "));
}

#[tokio::test]
async fn g9_copy_is_refused_outside_an_epoch_and_works_inside() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    let copy = async |line: &'static [u8]| {
        let sink = client.copy_in("COPY rows (epoch) FROM STDIN").await.unwrap();
        let mut sink = std::pin::pin!(sink);
        futures_util::SinkExt::send(&mut sink, bytes::Bytes::from_static(line)).await.unwrap();
        sink.finish().await
    };
    let refused = copy(b"1\n1\n").await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "FE002");
    client.batch_execute(&format!("BEGIN; {}", bed.enter(1))).await.unwrap();
    assert_eq!(copy(b"1\n1\n").await.unwrap(), 2);
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(bed.rows(1).await, 2);
}

#[tokio::test]
async fn g9_what_a_session_was_set_to_by_an_earlier_transaction_does_not_count() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    // A claim that outlives its transaction is what a pooled connection would keep.
    let keep = "SELECT set_config(name, current_setting(name), false) FROM (VALUES ('dnsplan_fence.entered_orders_1'), \
                ('dnsplan_fence.epoch_orders_1')) AS kept (name)";
    client.batch_execute(&format!("BEGIN; {}; {keep}; COMMIT", bed.enter(1))).await.unwrap();
    let kept = client.query_one("SELECT current_setting('dnsplan_fence.epoch_orders_1')", &[]).await.unwrap();
    assert_eq!(kept.get::<_, &str>(0), "1");
    let said = refusal(&client, WRITES[0]).await;
    assert!(said.starts_with("FE002 "), "{said}");
    // What a role or a database is set to is there from the start of a session, and no transaction's own.
    let set = format!("ALTER DATABASE {} SET dnsplan_fence.entered_orders_1 = '1'", bed.database);
    client.batch_execute(&set).await.unwrap();
    let fresh = Server::config(bed.server.address(), &bed.database);
    let fresh = Server::pool(fresh, 1).get().await.unwrap();
    let said = refusal(&fresh, WRITES[0]).await;
    assert!(said.starts_with("FE002 "), "{said}");
}

#[tokio::test]
async fn g9_a_savepoint_that_is_rolled_back_takes_the_claim_and_the_lock_with_it() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    // The first that enters an epoch has the lock exclusive, too.
    client
        .batch_execute(&format!("BEGIN; {enter}; COMMIT; BEGIN; SAVEPOINT a; {enter}", enter = bed.enter(1)))
        .await
        .unwrap();
    assert_eq!(client.query_one(locks, &[]).await.unwrap().get::<_, i64>(0), 1);
    client.batch_execute("ROLLBACK TO a").await.unwrap();
    assert_eq!(client.query_one(locks, &[]).await.unwrap().get::<_, i64>(0), 0);
    assert!(refusal(&client, WRITES[0]).await.starts_with("FE002 "));
    // Released, they are the transaction's; entered before, they survive what is rolled back.
    let kept = format!(
        "BEGIN; SAVEPOINT a; {enter}; RELEASE a; SAVEPOINT b; {enter}; ROLLBACK TO b; {write}; COMMIT",
        enter = bed.enter(1),
        write = WRITES[0]
    );
    client.batch_execute(&kept).await.unwrap();
    assert_eq!(bed.rows(1).await, 1);
}

#[tokio::test]
async fn a_transaction_has_one_epoch() {
    let bed = Bed::new().await;
    let said = bed.refusal(&format!("BEGIN; {}; {}", bed.enter(1), bed.enter(2))).await;
    assert_eq!(said, "FE002 this transaction writes orders-1 under epoch 1 already, not under 2");
}

#[tokio::test]
async fn epochs_begin_at_one_and_scopes_have_to_be_known() {
    let bed = Bed::new().await;
    for call in ["enter('orders-1', 0)", "enter('orders-1', NULL)", "enter('other', 1)"] {
        let said = bed.refusal(&format!("SELECT dnsplan_fence.{call}")).await;
        assert!(said.starts_with("FE002 there is no epoch"), "{call}: {said}");
    }
}

#[tokio::test]
async fn g9_a_write_of_an_epoch_that_is_over_is_fenced_and_leaves_nothing() {
    let (bed, mut reign) = (Bed::new().await, Reign::new());
    let old = reign.token(&bed.resource);
    assert!(matches!(bed.resource.write(&old, id(1), row(1)).await.unwrap(), Written::Applied(_)));
    let receipt = bed.resource.seal(reign.order("b")).await.unwrap();
    let fenced = bed.resource.write(&old, id(2), row(1)).await.unwrap();
    assert_eq!(fenced, Written::Fenced(BelowFloor { mine: old.epoch(), floor: Generation::new(2) }));
    reign.grant(receipt, "b");
    let new = reign.token(&bed.resource);
    assert!(matches!(bed.resource.write(&new, id(3), row(2)).await.unwrap(), Written::Applied(_)));
    assert_eq!((bed.rows(1).await, bed.rows(2).await), (1, 1));
    let said = bed.refusal(&format!("BEGIN; {}", bed.enter(1))).await;
    assert_eq!(said, "FE001 epoch 1 of orders-1 is over: nothing below 2 is accepted");
}

#[tokio::test]
async fn g9_accepting_an_epoch_raises_the_floor_to_it() {
    let bed = Bed::new().await;
    bed.client().await.batch_execute(&format!("BEGIN; {}; COMMIT", bed.enter(5))).await.unwrap();
    let said = bed.refusal(&bed.enter(4)).await;
    assert_eq!(said, "FE001 epoch 4 of orders-1 is over: nothing below 5 is accepted");
}

#[tokio::test]
async fn a_token_of_another_scope_is_refused_here() {
    let (bed, reign) = (Bed::new().await, Reign::new());
    let other = reign.token_for(&bed.resource, Scope::new("other").unwrap());
    let refused = bed.resource.write(&other, id(1), row(1)).await.unwrap_err();
    assert!(matches!(refused, Error::OtherScope { .. }), "{refused}");
}

#[tokio::test]
async fn a_table_has_one_scope_and_is_guarded_twice_without_harm() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    guard(&client, "rows", &bed.scope).await.unwrap();
    dnsplan_postgres::install(&client).await.unwrap();
    let other = guard(&client, "rows", &Scope::new("other").unwrap()).await.unwrap_err();
    assert!(other.to_string().contains("guarded under another scope"), "{other}");
    let gone = guard(&client, "nowhere", &bed.scope).await.unwrap_err();
    assert!(gone.to_string().contains("does not exist"), "{gone}");
    client.batch_execute("CREATE VIEW v AS SELECT 1").await.unwrap();
    let view = guard(&client, "v", &bed.scope).await.unwrap_err();
    assert!(view.to_string().contains("no table that can be guarded"), "{view}");
}

#[tokio::test]
async fn a_closure_that_fails_swallows_or_commits_leaves_nothing_unseen() {
    let (bed, reign) = (Bed::new().await, Reign::new());
    let token = reign.token(&bed.resource);
    let fails = Write::new(|client| {
        Box::pin(async move {
            client.batch_execute("INSERT INTO rows (epoch) VALUES (1)").await?;
            Err("the lamp is out of stock".into())
        })
    });
    let failed = bed.resource.write(&token, id(1), fails).await.unwrap_err();
    assert_eq!(failed.to_string(), "the transaction was rolled back: the lamp is out of stock");
    // PostgreSQL answers COMMIT of a failed transaction with a success.
    let swallows = Write::new(|client| {
        Box::pin(async move {
            client.batch_execute("INSERT INTO rows (epoch) VALUES (1)").await?;
            drop(client.batch_execute("SELECT 1 / 0").await);
            Ok(())
        })
    });
    let failed = bed.resource.write(&token, id(2), swallows).await.unwrap_err();
    assert!(failed.to_string().contains("25P02"), "{failed}");
    assert_eq!(bed.rows(1).await, 0);
    let commits = Write::new(|client| {
        Box::pin(async move {
            client.batch_execute("COMMIT; BEGIN").await?;
            Ok(())
        })
    });
    let failed = bed.resource.write(&token, id(3), commits).await.unwrap_err();
    assert!(failed.to_string().contains("Leave COMMIT and ROLLBACK"), "{failed}");
}

#[tokio::test]
async fn a_constraint_that_fails_at_commit_is_an_error_and_not_unknown() {
    let (bed, reign) = (Bed::new().await, Reign::new());
    let sql = "CREATE TABLE strict (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)";
    bed.client().await.batch_execute(sql).await.unwrap();
    let twice = Write::statement("INSERT INTO strict VALUES (1), (1)", Vec::new());
    let failed = bed.resource.write(&reign.token(&bed.resource), id(1), twice).await.unwrap_err();
    assert!(failed.to_string().contains("23505"), "{failed}");
}
