//! Replies that are lost, and what a look-up makes of them.

use std::time::Duration;

use dnsplan_leadership::{Fenced, Token, Written};
use dnsplan_postgres::{Error, Found, PostgresResource, Write};
use dnsplan_postgres_server::{Fault, Proxy, Server};

use crate::bed::{Bed, Reign, id, row, until, until_waiting};

/// The resource behind a proxy that cuts the connection, and whoever leads.
async fn behind_a_proxy() -> (Bed, Proxy, PostgresResource, Token, Reign) {
    let (bed, reign) = (Bed::new().await, Reign::new());
    let proxy = Proxy::start(bed.server.address()).await.unwrap();
    let pool = Server::pool(Server::config(proxy.address(), &bed.database), 4);
    let cut = PostgresResource::new(pool, bed.scope.clone());
    let token = reign.token(&bed.resource);
    (bed, proxy, cut, token, reign)
}

#[tokio::test]
async fn a_connection_lost_after_commit_is_unknown_and_found_applied() {
    let (bed, proxy, cut, token, _) = behind_a_proxy().await;
    proxy.next("; COMMIT", Fault::CutAfter);
    assert_eq!(cut.write(&token, id(1), row(1)).await.unwrap(), Written::Unknown(id(1)));
    assert!(matches!(bed.resource.lookup(&token, id(1)).await.unwrap(), Found::Applied(_)));
    assert!(matches!(bed.resource.lookup(&token, id(1)).await.unwrap(), Found::Applied(_)), "again");
    // Sent again, it has happened already, and does not happen twice.
    assert!(matches!(cut.write(&token, id(1), row(1)).await.unwrap(), Written::Applied(_)));
    assert_eq!(bed.rows(1).await, 1);
}

#[tokio::test]
async fn a_connection_lost_before_commit_is_unknown_and_found_to_be_never() {
    let (bed, proxy, cut, token, _) = behind_a_proxy().await;
    proxy.next("; COMMIT", Fault::CutBefore);
    assert_eq!(cut.write(&token, id(1), row(1)).await.unwrap(), Written::Unknown(id(1)));
    assert_eq!(bed.resource.lookup(&token, id(1)).await.unwrap(), Found::Never);
    // Sent again, or late, it is refused: the look-up has decided.
    let refused = cut.write(&token, id(1), row(1)).await.unwrap_err();
    assert!(matches!(refused, Error::GivenUp(given_up) if given_up == id(1)), "{refused}");
    assert_eq!(bed.resource.lookup(&token, id(1)).await.unwrap(), Found::Never, "again");
    assert_eq!(bed.rows(1).await, 0);
}

#[tokio::test]
async fn a_connection_lost_before_there_was_anything_to_commit_is_an_error() {
    let (bed, proxy, cut, token, _) = behind_a_proxy().await;
    for text in ["dnsplan_fence.enter", "INSERT INTO rows"] {
        proxy.next(text, Fault::CutBefore);
        cut.write(&token, id(1), row(1)).await.expect_err(text);
    }
    proxy.next("dnsplan_fence.enter", Fault::CutAfter);
    cut.write(&token, id(1), row(1)).await.unwrap_err();
    assert!(matches!(cut.write(&token, id(1), row(1)).await.unwrap(), Written::Applied(_)), "the same id");
    assert_eq!(bed.rows(1).await, 1);
}

#[tokio::test]
async fn a_look_up_waits_for_a_transaction_in_flight_and_the_idle_limit_ends_it() {
    let (bed, proxy, cut, token, _) = behind_a_proxy().await;
    proxy.next("; COMMIT", Fault::HangBefore);
    let cut = cut.with_idle_limit(Duration::from_millis(300));
    assert_eq!(cut.write(&token, id(1), row(1)).await.unwrap(), Written::Unknown(id(1)));
    // The server knows nothing of a broken connection: the transaction has the id in hand.
    let hasty = bed.resource.clone().with_idle_limit(Duration::from_millis(1));
    let busy = hasty.lookup(&token, id(1)).await.unwrap_err();
    assert!(busy.to_string().contains("55P03"), "{busy}");
    assert_eq!(bed.resource.lookup(&token, id(1)).await.unwrap(), Found::Never);
    proxy.let_go();
    assert_eq!(bed.rows(1).await, 0);
}

#[tokio::test]
async fn a_seal_ends_a_transaction_whose_client_is_gone() {
    let (bed, proxy, cut, token, mut reign) = behind_a_proxy().await;
    proxy.next("; COMMIT", Fault::HangBefore);
    assert_eq!(cut.write(&token, id(1), row(1)).await.unwrap(), Written::Unknown(id(1)));
    let sealer = bed.resource.clone().with_grace(Duration::from_millis(20));
    sealer.seal(reign.order("b")).await.unwrap();
    assert_eq!(bed.resource.lookup(&token, id(1)).await.unwrap(), Found::Never);
    assert_eq!(bed.rows(1).await, 0);
}

#[tokio::test]
async fn g9_a_write_that_is_given_up_half_way_is_not_committed_by_the_next_one() {
    let (bed, reign) = (Bed::new().await, Reign::new());
    let token = reign.token(&bed.resource);
    let pool = Server::pool(Server::config(bed.server.address(), &bed.database), 1);
    let alone = PostgresResource::new(pool, bed.scope.clone());
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let hangs = Write::new(move |client| {
        Box::pin(async move {
            client.batch_execute("INSERT INTO rows (epoch) VALUES (1)").await?;
            begun.send(()).map_err(|()| "the test is gone")?;
            std::future::pending().await
        })
    });
    tokio::select! {
        done = alone.write(&token, id(1), hangs) => panic!("{done:?}"),
        told = has_begun => told.unwrap(),
    }
    assert!(matches!(alone.write(&token, id(2), row(1)).await.unwrap(), Written::Applied(_)));
    assert_eq!(bed.rows(1).await, 1);
}

#[tokio::test]
async fn two_writes_with_one_id_happen_once() {
    let (bed, reign) = (Bed::new().await, Reign::new());
    let token = reign.token(&bed.resource);
    let (go_on, held) = tokio::sync::oneshot::channel::<()>();
    let slow = Write::new(move |client| {
        Box::pin(async move {
            held.await?;
            client.batch_execute("INSERT INTO rows (epoch) VALUES (1)").await?;
            Ok(())
        })
    });
    assert!(matches!(bed.resource.write(&token, id(7), row(7)).await.unwrap(), Written::Applied(_)));
    let first = bed.resource.write(&token, id(1), slow);
    let second = async {
        let client = bed.client().await;
        let begun = "SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                     WHERE l.locktype = 'advisory' AND d.datname = current_database()";
        until("the first to begin", || async { client.query(begun, &[]).await.unwrap().len() == 1 }).await;
        let second = bed.resource.write(&token, id(1), row(1));
        let release = async {
            until_waiting(&bed, 1).await;
            go_on.send(()).unwrap();
        };
        tokio::join!(second, release).0
    };
    let (first, second) = tokio::join!(first, second);
    assert!(matches!(first.unwrap(), Written::Applied(_)));
    assert!(matches!(second.unwrap(), Written::Applied(_)));
    assert_eq!(bed.rows(1).await, 1);
}

#[tokio::test]
async fn what_was_pruned_is_forgotten_and_not_never() {
    let (bed, mut reign) = (Bed::new().await, Reign::new());
    let old = reign.token(&bed.resource);
    for number in 1..=3 {
        assert!(matches!(bed.resource.write(&old, id(number), row(1)).await.unwrap(), Written::Applied(_)));
    }
    let early =
        bed.client().await.query_one("SELECT dnsplan_fence.prune('orders-1', 2)", &[]).await.unwrap_err();
    assert_eq!(early.as_db_error().unwrap().message(), "epochs of orders-1 below 2 are not over yet");
    let receipt = bed.resource.seal(reign.order("b")).await.unwrap();
    reign.grant(receipt, "b");
    let new = reign.token(&bed.resource);
    assert!(matches!(bed.resource.write(&new, id(4), row(2)).await.unwrap(), Written::Applied(_)));
    assert_eq!(bed.resource.prune(new.epoch()).await.unwrap(), 3);
    let forgotten = bed.resource.lookup(&old, id(1)).await.unwrap_err();
    assert!(forgotten.to_string().contains("not known any more"), "{forgotten}");
    assert!(matches!(bed.resource.lookup(&new, id(4)).await.unwrap(), Found::Applied(_)));
    assert_eq!(bed.resource.lookup(&new, id(5)).await.unwrap(), Found::Never);
}
