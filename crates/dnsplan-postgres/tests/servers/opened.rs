//! An epoch that is opened at one server is accepted there for as long as it runs, and nowhere else.

use dnsplan_fence::Generation;
use dnsplan_postgres::servers::Stopped;

use crate::bed::{Bed, LIMITS, go, name, scope};

#[tokio::test]
async fn g9_an_opened_epoch_is_the_only_one_that_is_accepted() {
    let bed = Bed::new().await;
    let not_open = bed.refusal("a", "SELECT dnsplan_fence.open_epoch('orders')").await;
    assert!(
        not_open.starts_with("FE004 orders is not written here under epoch 0: no epoch is open"),
        "{not_open}"
    );
    // Nor can anybody raise the floor before.
    for epoch in ["1", "4611686018427387904"] {
        let refused = bed.refusal("a", &format!("SELECT dnsplan_fence.enter('orders', {epoch})")).await;
        assert!(refused.starts_with("FE004 orders is not written here under epoch"), "{refused}");
    }
    bed.sql("a", "SELECT dnsplan_fence.open('orders', 1, 1)").await;
    // Again, nothing changes.
    bed.sql("a", "SELECT dnsplan_fence.open('orders', 1, 1)").await;
    bed.sql(
        "a",
        "BEGIN; SELECT dnsplan_fence.enter('orders', dnsplan_fence.open_epoch('orders')); INSERT INTO rows VALUES ('x'); COMMIT",
    )
    .await;
    for (sql, expected) in [
        ("SELECT dnsplan_fence.enter('orders', 2)", "FE004 orders is not written here under epoch 2"),
        ("SELECT dnsplan_fence.open('orders', 1, 7)", "FE004 epoch 1 of orders was granted to timeline 7"),
        (
            "SELECT dnsplan_fence.open('orders', 2, 1)",
            "FE002 epoch 2 of orders cannot follow here: this server has no seal of 1",
        ),
        (
            "SELECT dnsplan_fence.seal('orders', 9)",
            "FE002 epoch 9 of orders cannot follow here: this server has no seal of 8",
        ),
        ("SELECT dnsplan_fence.open('others', 3, 1)", "FE002 nothing is known of others here"),
        ("UPDATE dnsplan_fence.floor SET open_epoch = 0", "FE002 a floor never falls"),
        ("UPDATE dnsplan_fence.floor SET open_epoch = NULL", "FE002 a floor never falls"),
        ("UPDATE dnsplan_fence.floor SET open_timeline = NULL", "FE002 a floor never falls"),
        ("UPDATE dnsplan_fence.floor SET open_timeline = 2", "FE002 a floor never falls"),
    ] {
        let refused = bed.refusal("a", sql).await;
        assert!(refused.starts_with(expected), "{sql}: {refused}");
    }
    bed.sql("a", "SELECT dnsplan_fence.enter('orders', 1)").await;
    bed.sql("a", "SELECT dnsplan_fence.seal('orders', 1)").await;
    for (sql, expected) in [
        (
            "SELECT dnsplan_fence.open_epoch('orders')",
            "FE004 orders is not written here under epoch 1: no epoch is open",
        ),
        ("SELECT dnsplan_fence.enter('orders', 1)", "FE001 epoch 1 of orders is over"),
        ("SELECT dnsplan_fence.open('orders', 1, 1)", "FE001 epoch 1 of orders is over"),
    ] {
        let refused = bed.refusal("a", sql).await;
        assert!(refused.starts_with(expected), "{sql}: {refused}");
    }
    // Four of them were writes, and were counted.
    let look = bed.servers().members()[0].look(&scope()).await.unwrap();
    assert_eq!(look.refused, 4);
    bed.sql("a", "SELECT dnsplan_fence.open('orders', 2, 1)").await;
}

#[tokio::test]
async fn g9_who_opens_waits_for_the_transactions_under_way() {
    let bed = Bed::new().await;
    bed.sql("a", "SELECT dnsplan_fence.open('orders', 1, 1)").await;
    let writer = bed.client("a").await;
    writer.batch_execute("BEGIN; SELECT dnsplan_fence.enter('orders', 1)").await.unwrap();
    // Opened again, nothing changes, and nobody waits.
    bed.sql("a", "SET lock_timeout = '1s'; SELECT dnsplan_fence.open('orders', 1, 1)").await;
    for opens in
        ["UPDATE dnsplan_fence.floor SET open_epoch = 2", "UPDATE dnsplan_fence.floor SET open_start = now()"]
    {
        let refused = bed.refusal("a", &format!("BEGIN; SET LOCAL lock_timeout = '50ms'; {opens}")).await;
        assert!(refused.starts_with("55P03 "), "{opens}: {refused}");
    }
    writer.batch_execute("COMMIT").await.unwrap();
    bed.sql("a", "SELECT dnsplan_fence.open('orders', 1, 1)").await;
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
    // Nor may it be opened there, whatever timeline somebody names: it was opened at another server.
    for timeline in [1, 2] {
        let opened = bed.refusal("b", &format!("SELECT dnsplan_fence.open('orders', 1, {timeline})")).await;
        assert!(opened.starts_with("FE004 epoch 1 of orders was granted to timeline"), "{opened}");
    }
    let servers = bed.servers();
    let (here, there) = (&servers.members()[0], &servers.members()[1]);
    let (here, there) = (here.look(&scope()).await.unwrap(), there.look(&scope()).await.unwrap());
    assert_eq!(here.opened, there.opened, "it has its primary's");
    assert_eq!((here.open().map(Generation::get), there.open()), (Some(1), None));
    // What became of a write of a later epoch, neither of them knows.
    let unknown = "SELECT dnsplan_fence.lookup('orders', 2, '00000000-0000-0000-0000-0000000000aa')";
    for name in ["a", "b"] {
        let refused = bed.refusal(name, unknown).await;
        assert!(
            refused.starts_with("FE004 orders is not written here under epoch 2: what became"),
            "{refused}"
        );
    }
    // The primary goes on, and knows of its own.
    bed.sql("a", "SELECT dnsplan_fence.enter('orders', 1)").await;
    bed.sql("a", "SELECT dnsplan_fence.lookup('orders', 1, '00000000-0000-0000-0000-0000000000aa')").await;
}

#[tokio::test]
async fn g9_a_replica_that_is_started_as_a_primary_accepts_nothing_though_its_timeline_is_the_same() {
    let mut bed = Bed::led().await;
    bed.b.forget_its_primary().unwrap_or_else(|error| panic!("{error}"));
    for sql in ["SELECT dnsplan_fence.enter('orders', 1)", "SELECT dnsplan_fence.open_epoch('orders')"] {
        let refused = bed.refusal("b", sql).await;
        assert!(refused.starts_with("FE004 orders is not written here under epoch 1"), "{refused}");
    }
    let look = bed.servers().members()[1].look(&scope()).await.unwrap();
    assert_eq!((look.timeline(), look.open()), (Some(1), None));
}

#[tokio::test]
async fn g9_a_writer_that_was_started_anew_accepts_nothing_before_a_steward_has_looked() {
    let mut bed = Bed::led().await;
    bed.a.kill();
    let away = bed.steward(LIMITS).tick(None, None).await.unwrap_err();
    assert!(matches!(&away, Stopped::Away(node, _) if *node == name("a")), "{away:?}");
    bed.a.start().unwrap_or_else(|error| panic!("{error}"));
    let refused = bed.refusal("a", "SELECT dnsplan_fence.enter('orders', 1)").await;
    assert!(
        refused.ends_with("it was not opened on this server, or not since that was started"),
        "{refused}"
    );
    let mut steward = bed.steward(LIMITS);
    go(&mut steward, None, None).await;
    bed.sql("a", "SELECT dnsplan_fence.enter('orders', 1)").await;
}

#[tokio::test]
async fn g9_a_server_leads_one_role_as_it_moves_as_a_whole() {
    let mut bed = Bed::led().await;
    bed.sql("a", "CREATE TABLE users (name text); CREATE UNLOGGED TABLE seen (name text)").await;
    // Nor while nothing is open.
    bed.a.kill();
    bed.a.start().unwrap_or_else(|error| panic!("{error}"));
    for other in ["SELECT dnsplan_fence.guard('users', 'users')", "SELECT dnsplan_fence.move('users')"] {
        let refused = bed.refusal("a", other).await;
        assert!(
            refused.starts_with("FE002 orders is in this database, too, and would not move with users"),
            "{refused}"
        );
    }
    // What would not survive its server is not guarded at all.
    let unlogged = bed.refusal("a", "SELECT dnsplan_fence.guard('seen', 'orders')").await;
    assert!(unlogged.contains("seen is not logged, and would be lost with its server"), "{unlogged}");
}

#[tokio::test]
async fn g9_a_writer_is_opened_again_whatever_prepared_transactions_it_has() {
    let mut bed = Bed::led().await;
    let prepared = "BEGIN; SELECT dnsplan_fence.enter('orders', 1); INSERT INTO rows VALUES ('later'); PREPARE TRANSACTION 'later'";
    bed.sql("a", prepared).await;
    bed.a.kill();
    bed.a.start().unwrap_or_else(|error| panic!("{error}"));
    bed.sql("a", "SET lock_timeout = '1s'; SELECT dnsplan_fence.open('orders', 1, 1)").await;
    bed.sql("a", "SELECT dnsplan_fence.enter('orders', 1)").await;
    bed.sql("a", "COMMIT PREPARED 'later'").await;
}

#[tokio::test]
async fn g9_a_writer_whose_data_was_put_back_is_not_opened_again() {
    let mut bed = Bed::led().await;
    let saved = bed.a.saved().unwrap();
    bed.sql("a", "SELECT dnsplan_fence.open('orders', 1, 1)").await;
    let mut steward = bed.steward(LIMITS);
    go(&mut steward, None, None).await;
    bed.sql(
        "a",
        "BEGIN; SELECT dnsplan_fence.enter('orders', 1); INSERT INTO rows VALUES ('acknowledged'); COMMIT",
    )
    .await;
    bed.until_replayed().await;
    bed.a.restore(&saved).unwrap();
    let stopped = bed.steward(LIMITS).tick(None, None).await.unwrap_err();
    assert!(matches!(&stopped, Stopped::DataPutBack { node, .. } if *node == name("a")), "{stopped:?}");
    let refused = bed.refusal("a", "SELECT dnsplan_fence.enter('orders', 1)").await;
    assert!(refused.starts_with("FE004 "), "{refused}");
}
