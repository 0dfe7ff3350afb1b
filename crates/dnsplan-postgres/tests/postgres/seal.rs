//! The seal: it waits for who has entered, ends who hangs, says the same again, and the floor never falls.

use std::time::Duration;

use dnsplan_leadership::{Fenced, Position, Written};

use crate::bed::{Bed, Reign, id, refusal, row, until_waiting};

#[tokio::test]
async fn sealing_again_answers_the_same_whatever_was_written_since() {
    let (bed, mut reign) = (Bed::new().await, Reign::new());
    let token = reign.token(&bed.resource);
    let Written::Applied(written) = bed.resource.write(&token, id(1), row(1)).await.unwrap() else {
        panic!()
    };
    let first = bed.resource.seal(reign.order("b")).await.unwrap();
    assert!(first.position() >= written);
    assert!(bed.resource.applied().await.unwrap() >= first.position());
    let late = reign.order("b");
    assert_eq!(bed.resource.seal(reign.order("b")).await.unwrap(), first);
    reign.grant(first, "b");
    assert!(matches!(
        bed.resource.write(&reign.token(&bed.resource), id(2), row(2)).await.unwrap(),
        Written::Applied(_)
    ));
    assert_eq!(bed.resource.seal(late).await.unwrap(), first, "a late order");
    let second = bed.resource.seal(reign.order("a")).await.unwrap();
    assert!(second.position() > first.position());
}

#[tokio::test]
async fn a_late_order_to_seal_holds_up_nobody_of_a_later_epoch() {
    let (bed, mut reign) = (Bed::new().await, Reign::new());
    let (order, late) = (reign.order("b"), reign.order("b"));
    bed.resource.seal(order).await.unwrap();
    let writer = bed.client().await;
    let begun = format!("BEGIN; {}; INSERT INTO rows (epoch) VALUES (2)", bed.enter(2));
    writer.batch_execute(&begun).await.unwrap();
    bed.resource.clone().with_grace(Duration::from_millis(1)).seal(late).await.unwrap();
    writer.batch_execute("COMMIT").await.unwrap();
    assert_eq!(bed.rows(2).await, 1);
}

#[tokio::test]
async fn a_seal_that_has_waited_for_a_later_one_changes_nothing() {
    let bed = Bed::new().await;
    let (writer, later, earlier) = (bed.client().await, bed.client().await, bed.client().await);
    writer.batch_execute(&format!("BEGIN; {}; COMMIT; BEGIN; {0}", bed.enter(1))).await.unwrap();
    let late = async {
        until_waiting(&bed, 1).await;
        let earlier = earlier.batch_execute("SELECT dnsplan_fence.seal('orders-1', 1)");
        let goes = async {
            until_waiting(&bed, 2).await;
            writer.batch_execute("COMMIT").await.unwrap();
        };
        tokio::join!(earlier, goes).0
    };
    let (later, earlier) =
        tokio::join!(later.batch_execute("SELECT dnsplan_fence.seal('orders-1', 2)"), late);
    later.unwrap();
    earlier.unwrap();
    assert!(bed.refusal(&bed.enter(2)).await.starts_with("FE001 "));
}

#[tokio::test]
async fn the_position_is_after_the_commit_of_the_seal_itself() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    client.batch_execute(&format!("BEGIN; {}; COMMIT; BEGIN", bed.enter(1))).await.unwrap();
    client.batch_execute("SELECT dnsplan_fence.seal('orders-1', 1)").await.unwrap();
    let inside = bed.resource.applied().await.unwrap();
    let said = bed.refusal("SELECT dnsplan_fence.sealed('orders-1', 1)").await;
    assert_eq!(said, "FE002 epoch 1 of orders-1 is not sealed", "not before it is committed");
    client.batch_execute("COMMIT").await.unwrap();
    let sealed = "SELECT dnsplan_fence.sealed('orders-1', 1)::text";
    let lsn: String = client.query_one(sealed, &[]).await.unwrap().get(0);
    let lsn: tokio_postgres::types::PgLsn = lsn.parse().unwrap();
    assert!(Position::new(lsn.into()) > inside);
}

#[tokio::test]
async fn g9_the_floor_never_falls_whoever_asks() {
    let (bed, mut reign) = (Bed::new().await, Reign::new());
    let receipt = bed.resource.seal(reign.order("b")).await.unwrap();
    reign.grant(receipt, "b");
    bed.resource.seal(reign.order("a")).await.unwrap();
    let client = bed.client().await;
    for sql in [
        "UPDATE dnsplan_fence.floor SET lowest = 2",
        "UPDATE dnsplan_fence.floor SET lowest = NULL",
        "UPDATE dnsplan_fence.floor SET pruned = -1",
        "UPDATE dnsplan_fence.floor SET scope = 'other'",
        "DELETE FROM dnsplan_fence.floor",
        "TRUNCATE dnsplan_fence.floor CASCADE",
        "INSERT INTO dnsplan_fence.floor VALUES ('orders-1', 1) ON CONFLICT (scope) DO UPDATE SET lowest = 1",
    ] {
        let said = refusal(&client, sql).await;
        assert!(said.starts_with("FE002 a floor never falls") || said.starts_with("23502"), "{sql}: {said}");
    }
    client.batch_execute("SELECT dnsplan_fence.seal('orders-1', 1)").await.expect("it changes nothing");
    let floor = client.query_one("SELECT lowest FROM dnsplan_fence.floor", &[]).await.unwrap();
    assert_eq!(floor.get::<_, i64>(0), 3);
}

#[tokio::test]
async fn g9_whoever_raises_the_floor_by_hand_waits_for_the_writers_too() {
    let bed = Bed::new().await;
    let (writer, hand) = (bed.client().await, bed.client().await);
    writer.batch_execute(&format!("BEGIN; {}; COMMIT; BEGIN; {0}", bed.enter(1))).await.unwrap();
    let raise = "SET lock_timeout = 20; UPDATE dnsplan_fence.floor SET lowest = 9";
    assert!(refusal(&hand, raise).await.starts_with("55P03"));
    writer.batch_execute("COMMIT").await.unwrap();
    hand.batch_execute(raise).await.unwrap();
}

#[tokio::test]
async fn g9_a_client_that_hangs_is_ended_and_what_it_has_not_committed_does_not_happen() {
    let (bed, mut reign) = (Bed::new().await, Reign::new());
    let hung = bed.client().await;
    let begun = format!("BEGIN; {}; INSERT INTO rows (epoch) VALUES (1)", bed.enter(1));
    hung.batch_execute(&begun).await.unwrap();
    let resource = bed.resource.clone().with_grace(Duration::from_millis(20));
    resource.seal(reign.order("b")).await.unwrap();
    let late = hung.batch_execute("COMMIT").await.unwrap_err();
    assert!(late.is_closed() || late.code().is_some_and(|code| code.code() == "57P01"), "{late}");
    assert_eq!(bed.rows(1).await, 0);
}

#[tokio::test]
async fn g9_writers_of_every_level_do_not_starve_the_seal_and_it_lets_new_ones_wait() {
    let bed = Bed::new().await;
    let (first, second, sealer) = (bed.client().await, bed.client().await, bed.client().await);
    let begin = format!("BEGIN ISOLATION LEVEL SERIALIZABLE; {}", bed.enter(1));
    sealer.batch_execute(&format!("BEGIN; {}; COMMIT", bed.enter(1))).await.unwrap();
    first.batch_execute(&begin).await.unwrap();
    let seal = sealer.batch_execute("SELECT dnsplan_fence.seal('orders-1', 1)");
    let others = async {
        until_waiting(&bed, 1).await;
        let late = second.batch_execute(&begin);
        let first = async {
            // In the queue behind the seal, where a lock that is shared again and again would let it pass.
            until_waiting(&bed, 2).await;
            first.batch_execute("COMMIT").await.unwrap();
        };
        tokio::join!(late, first).0.unwrap_err()
    };
    let (sealed, late) = tokio::join!(seal, others);
    sealed.unwrap();
    assert_eq!(late.code().unwrap().code(), "40001");
}

#[tokio::test]
async fn g9_a_seal_and_a_swap_are_durable_whatever_the_database_is_set_to() {
    let bed = Bed::new().await;
    let client = bed.client().await;
    client.batch_execute("SET synchronous_commit = off").await.unwrap();
    for call in
        ["seal('orders-1', 1)", "swap('orders-1', NULL, 'x')", "lookup('orders-1', 1, gen_random_uuid())"]
    {
        client.batch_execute(&format!("BEGIN; SELECT dnsplan_fence.{call}")).await.unwrap();
        let set = client.query_one("SHOW synchronous_commit", &[]).await.unwrap();
        assert_eq!(set.get::<_, &str>(0), "on", "{call}");
        client.batch_execute("COMMIT").await.unwrap();
    }
    let set = client.query_one("SHOW synchronous_commit", &[]).await.unwrap();
    assert_eq!(set.get::<_, &str>(0), "off");
    client.batch_execute("RESET synchronous_commit").await.unwrap();
}
