//! A physical replica that has the position has the writes and the seal, so that it may be promoted.

use std::sync::Arc;

use dnsplan_fence::Register;
use dnsplan_leadership::{Fenced, Written};
use dnsplan_postgres::{PostgresRegister, PostgresResource};
use dnsplan_postgres_server::Server;

use crate::bed::{Bed, Reign, SETTINGS, id, refusal, row, until};

#[tokio::test]
async fn g9_a_replica_that_has_the_position_has_every_write_and_the_seal() {
    let (bed, mut reign) = (Bed::new().await, Reign::new());
    let token = reign.token(&bed.resource);
    assert!(matches!(bed.resource.write(&token, id(1), row(1)).await.unwrap(), Written::Applied(_)));
    let server = Arc::clone(&bed.server);
    let replica =
        tokio::task::spawn_blocking(move || server.start_replica(&SETTINGS)).await.unwrap().unwrap();
    let pool = Server::pool(Server::config(replica.address(), &bed.database), 3);
    let there = PostgresResource::new(pool.clone(), bed.scope.clone());
    let client = pool.get().await.unwrap();
    client.batch_execute("SELECT pg_wal_replay_pause()").await.unwrap();
    let paused = "SELECT pg_get_wal_replay_pause_state()";
    until("replay to be paused", || async {
        client.query_one(paused, &[]).await.unwrap().get::<_, &str>(0) == "paused"
    })
    .await;
    assert!(matches!(bed.resource.write(&token, id(2), row(1)).await.unwrap(), Written::Applied(_)));
    let receipt = bed.resource.seal(reign.order("b")).await.unwrap();
    assert!(there.applied().await.unwrap() < receipt.position(), "it has not replayed that");
    client.batch_execute("SELECT pg_wal_replay_resume()").await.unwrap();
    until("the replica to have the position", || async {
        there.applied().await.unwrap() >= receipt.position()
    })
    .await;
    let rows = client.query_one("SELECT count(*) FROM rows WHERE epoch = 1", &[]).await.unwrap();
    assert_eq!(rows.get::<_, i64>(0), 2);
    // A replica neither answers for the record nor takes writes.
    let load = PostgresRegister::new(pool, bed.scope.clone()).load().await.unwrap_err();
    assert!(load.to_string().contains("target_session_attrs"), "{load}");
    client.batch_execute("SELECT pg_promote()").await.unwrap();
    let said = refusal(&client, &bed.enter(1)).await;
    assert!(said.starts_with("FE001 "), "promoted, it refuses the sealed epoch: {said}");
    reign.grant(receipt, "b");
    let next = reign.token(&there);
    assert!(matches!(there.write(&next, id(3), row(2)).await.unwrap(), Written::Applied(_)));
}
