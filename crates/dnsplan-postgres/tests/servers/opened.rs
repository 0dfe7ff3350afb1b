//! An epoch that is opened at one server is accepted there, on that timeline, and nowhere else.

use dnsplan_fence::Generation;

use crate::bed::{Bed, scope};

#[tokio::test]
async fn g9_an_opened_epoch_is_the_only_one_that_is_accepted() {
    let bed = Bed::new().await;
    let not_open = bed.refusal("a", "SELECT dnsplan_fence.open_epoch('orders')").await;
    assert!(
        not_open.starts_with("FE004 orders is not written here under epoch (none): no epoch is open"),
        "{not_open}"
    );
    bed.sql("a", "SELECT dnsplan_fence.open('orders', 2, 1)").await;
    // Again, nothing changes.
    bed.sql("a", "SELECT dnsplan_fence.open('orders', 2, 1)").await;
    bed.sql("a", "BEGIN; SELECT dnsplan_fence.enter('orders', dnsplan_fence.open_epoch('orders')); INSERT INTO rows VALUES ('x'); COMMIT").await;
    for (sql, expected) in [
        ("SELECT dnsplan_fence.enter('orders', 1)", "FE001 epoch 1 of orders is over"),
        ("SELECT dnsplan_fence.enter('orders', 3)", "FE004 orders is not written here under epoch 3"),
        ("SELECT dnsplan_fence.open('orders', 1, 1)", "FE001 epoch 1 of orders is over"),
        ("SELECT dnsplan_fence.open('orders', 3, 7)", "FE004 epoch 3 of orders was granted to timeline 7"),
        ("SELECT dnsplan_fence.open('others', 3, 1)", "FE002 nothing is known of others here"),
        ("UPDATE dnsplan_fence.floor SET open_epoch = 1", "FE002 a floor never falls"),
        ("UPDATE dnsplan_fence.floor SET open_epoch = NULL", "FE002 a floor never falls"),
        ("UPDATE dnsplan_fence.floor SET open_timeline = NULL", "FE002 a floor never falls"),
    ] {
        let refused = bed.refusal("a", sql).await;
        assert!(refused.starts_with(expected), "{sql}: {refused}");
    }
    // Two of them were writes, and were counted.
    let look = bed.servers().members()[0].look(&scope()).await.unwrap();
    assert_eq!(look.refused, 2);
    // A refused one has raised nothing.
    bed.sql("a", "SELECT dnsplan_fence.enter('orders', 2)").await;
    bed.sql("a", "SELECT dnsplan_fence.seal('orders', 2)").await;
    let sealed = bed.refusal("a", "SELECT dnsplan_fence.open_epoch('orders')").await;
    assert!(
        sealed.starts_with("FE004 orders is not written here under epoch 2: no epoch is open"),
        "{sealed}"
    );
}

#[tokio::test]
async fn g9_who_opens_waits_for_the_transactions_under_way() {
    let bed = Bed::new().await;
    bed.sql("a", "SELECT dnsplan_fence.open('orders', 1, 1)").await;
    let writer = bed.client("a").await;
    writer.batch_execute("BEGIN; SELECT dnsplan_fence.enter('orders', 1)").await.unwrap();
    for opens in
        ["SELECT dnsplan_fence.open('orders', 2, 1)", "UPDATE dnsplan_fence.floor SET open_epoch = 2"]
    {
        let refused = bed.refusal("a", &format!("BEGIN; SET LOCAL lock_timeout = '50ms'; {opens}")).await;
        assert!(refused.starts_with("55P03 "), "{opens}: {refused}");
    }
    writer.batch_execute("COMMIT").await.unwrap();
    bed.sql("a", "SELECT dnsplan_fence.open('orders', 2, 1)").await;
}

#[tokio::test]
async fn g9_a_replica_accepts_nothing_that_was_opened_at_its_primary() {
    let bed = Bed::new().await;
    bed.sql("a", "SELECT dnsplan_fence.open('orders', 1, 1)").await;
    bed.until_replayed().await;
    for sql in ["SELECT dnsplan_fence.enter('orders', 1)", "SELECT dnsplan_fence.open_epoch('orders')"] {
        let replica = bed.refusal("b", sql).await;
        assert!(replica.starts_with("FE004 ") && replica.ends_with("this server is a replica"), "{replica}");
    }
    bed.sql("b", "SELECT pg_promote()").await;
    for sql in ["SELECT dnsplan_fence.enter('orders', 1)", "SELECT dnsplan_fence.open_epoch('orders')"] {
        for isolation in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
            let promoted = bed.refusal("b", &format!("BEGIN ISOLATION LEVEL {isolation}; {sql}")).await;
            assert!(
                promoted.starts_with("FE004 orders is not written here under epoch 1"),
                "{isolation}: {promoted}"
            );
        }
    }
    // Nor may it be opened there: it was granted to another life.
    let opened = bed.refusal("b", "SELECT dnsplan_fence.open('orders', 1, 1)").await;
    assert!(
        opened.starts_with(
            "FE004 epoch 1 of orders was granted to timeline 1 of this server, which is on 2 now"
        ),
        "{opened}"
    );
    let servers = bed.servers();
    let (here, there) = (&servers.members()[0], &servers.members()[1]);
    let (here, there) = (here.look(&scope()).await.unwrap(), there.look(&scope()).await.unwrap());
    assert_eq!(here.opened, there.opened, "it has its primary's");
    assert_eq!((here.open().map(Generation::get), there.open()), (Some(1), None));
    // The primary goes on.
    bed.sql("a", "SELECT dnsplan_fence.enter('orders', 1)").await;
}
