//! One interleaving at every isolation level, by the shipped form and by forms that leak: a writer looks, the epoch is sealed, the
//! writer writes and commits.

use deadpool_postgres::Client;
use dnsplan_leadership::{Fenced, Written};
use dnsplan_postgres::{Isolation, Write};

use crate::bed::{Bed, Reign, id, refusal, row, until_waiting};

const LEVELS: [&str; 4] = ["READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];
const SEAL: &str = "SELECT dnsplan_fence.seal('orders-1', 1)";

async fn begin(client: &Client, level: &str) {
    // A statement, so that levels with one snapshot have taken it.
    client.batch_execute(&format!("BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM rows")).await.unwrap();
}

#[tokio::test]
async fn g9_a_transaction_that_began_before_the_seal_and_enters_after_it_is_refused_at_every_level() {
    for level in LEVELS {
        let bed = Bed::new().await;
        let (writer, sealer) = (bed.client().await, bed.client().await);
        sealer.batch_execute(&format!("BEGIN; {}; COMMIT", bed.enter(1))).await.unwrap();
        begin(&writer, level).await;
        sealer.batch_execute(SEAL).await.unwrap();
        let said = refusal(&writer, &bed.enter(1)).await;
        // One snapshot: what it knows of the floor is out of date, and the server says so.
        let expected = if level.starts_with("READ") { "FE001" } else { "40001" };
        assert!(said.starts_with(expected), "{level}: {said}");
        begin(&writer, level).await;
        assert!(refusal(&writer, &bed.enter(1)).await.starts_with("FE001"), "{level}, again");
    }
}

#[tokio::test]
async fn g9_a_transaction_that_waits_for_the_seal_is_refused_at_every_level() {
    for level in LEVELS {
        let bed = Bed::new().await;
        let (writer, sealer) = (bed.client().await, bed.client().await);
        sealer.batch_execute(&format!("BEGIN; {}; COMMIT; BEGIN; {SEAL}", bed.enter(1))).await.unwrap();
        writer.batch_execute(&format!("BEGIN ISOLATION LEVEL {level}")).await.unwrap();
        let enter = bed.enter(1);
        let enters = refusal(&writer, &enter);
        let seals = async {
            until_waiting(&bed, 1).await;
            sealer.batch_execute("COMMIT").await.unwrap();
        };
        let (said, ()) = tokio::join!(enters, seals);
        let expected = if level.starts_with("READ") { "FE001" } else { "40001" };
        assert!(said.starts_with(expected), "{level}: {said}");
    }
}

#[tokio::test]
async fn g9_a_seal_waits_for_whoever_has_entered_before_it_at_every_level() {
    for level in LEVELS {
        let bed = Bed::new().await;
        let (writer, sealer) = (bed.client().await, bed.client().await);
        begin(&writer, level).await;
        let before = format!("{}; INSERT INTO rows (epoch) VALUES (1)", bed.enter(1));
        writer.batch_execute(&before).await.unwrap();
        let seals = tokio::spawn(async move {
            sealer.batch_execute(SEAL).await.unwrap();
            sealer.query_one("SELECT count(*) FROM rows", &[]).await.unwrap().get::<_, i64>(0)
        });
        until_waiting(&bed, 1).await;
        // A transaction writes before and after it is waited for: all of it is before the seal.
        writer.batch_execute("INSERT INTO rows (epoch) VALUES (1); COMMIT").await.unwrap();
        assert_eq!(seals.await.unwrap(), 2, "{level}: nothing may come after the seal");
    }
}

#[tokio::test]
async fn writes_work_at_every_level_that_is_offered_and_are_fenced_at_the_second_try_at_the_latest() {
    for level in [Isolation::ReadCommitted, Isolation::RepeatableRead, Isolation::Serializable] {
        let (bed, mut reign) = (Bed::new().await, Reign::new());
        let token = reign.token(&bed.resource);
        let write = || {
            Write::new(move |client| {
                Box::pin(async move {
                    let level = client.query_one("SHOW transaction_isolation", &[]).await?;
                    client
                        .execute("INSERT INTO rows (epoch, what) VALUES (1, $1)", &[&level.get::<_, &str>(0)])
                        .await?;
                    Ok(())
                })
            })
            .at(level)
        };
        assert!(matches!(bed.resource.write(&token, id(1), write()).await.unwrap(), Written::Applied(_)));
        bed.resource.seal(reign.order("b")).await.unwrap();
        assert!(matches!(bed.resource.write(&token, id(2), write()).await.unwrap(), Written::Fenced(_)));
        let what = bed.client().await.query_one("SELECT what FROM rows", &[]).await.unwrap();
        let shown = format!("{level:?}").to_lowercase();
        assert_eq!(what.get::<_, String>(0).replace(' ', ""), shown);
    }
}

/// A floor of the usual kinds, and how a writer looks at it.
struct Form {
    name: &'static str,
    level: &'static str,
    /// Before the floor is raised.
    first: &'static str,
    /// After it; answers the floor.
    then: &'static str,
    leaks: bool,
}

const FORMS: [Form; 4] = [
    Form {
        name: "plain SELECT",
        level: "READ COMMITTED",
        first: "SELECT lowest FROM toy",
        then: "",
        leaks: true,
    },
    Form {
        name: "FOR KEY SHARE",
        level: "READ COMMITTED",
        first: "SELECT lowest FROM toy FOR KEY SHARE",
        then: "",
        leaks: true,
    },
    Form {
        name: "advisory lock, then SELECT",
        level: "REPEATABLE READ",
        first: "SELECT 1",
        then: "SELECT pg_advisory_xact_lock_shared(7); SELECT lowest FROM toy",
        leaks: true,
    },
    Form {
        name: "advisory lock, then SELECT",
        level: "READ COMMITTED",
        first: "SELECT 1",
        then: "SELECT pg_advisory_xact_lock_shared(7); SELECT lowest FROM toy",
        leaks: false,
    },
];

#[tokio::test]
async fn the_usual_checks_leak_and_why() {
    let bed = Bed::new().await;
    let (writer, sealer) = (bed.client().await, bed.client().await);
    sealer.batch_execute("CREATE TABLE toy (scope text PRIMARY KEY, lowest int)").await.unwrap();
    for form in FORMS {
        sealer.batch_execute("DELETE FROM toy; INSERT INTO toy VALUES ('x', 1)").await.unwrap();
        writer.batch_execute(&format!("BEGIN ISOLATION LEVEL {}", form.level)).await.unwrap();
        let mut floor = answer(&writer, form.first).await;
        let raise = "BEGIN; SELECT pg_advisory_xact_lock(7); UPDATE toy SET lowest = 2; COMMIT";
        sealer.batch_execute(raise).await.unwrap();
        if !form.then.is_empty() {
            floor = answer(&writer, form.then).await;
        }
        writer.batch_execute("COMMIT").await.unwrap();
        // A writer of epoch 1 that reads 1 writes, although 1 is sealed.
        assert_eq!(floor == "1", form.leaks, "{} under {}: {floor}", form.name, form.level);
    }
}

async fn answer(client: &Client, sql: &str) -> String {
    let messages = client.simple_query(sql).await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    rows.last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_same_forms_in_the_shipped_way_wait_or_refuse() {
    let (bed, mut reign) = (Bed::new().await, Reign::new());
    let token = reign.token(&bed.resource);
    let (held, go_on) = (tokio::sync::oneshot::channel::<()>(), tokio::sync::oneshot::channel::<()>());
    let (resource, old) = (bed.resource.clone(), token.clone());
    let writer = tokio::spawn(async move {
        let write = Write::new(move |client| {
            Box::pin(async move {
                held.0.send(()).map_err(|()| "the test is gone")?;
                go_on.1.await?;
                client.batch_execute("INSERT INTO rows (epoch) VALUES (1)").await?;
                Ok(())
            })
        });
        resource.write(&old, id(1), write).await.unwrap()
    });
    held.1.await.unwrap();
    let (resource, order) = (bed.resource.clone(), reign.order("b"));
    let seal = tokio::spawn(async move { resource.seal(order).await.unwrap() });
    until_waiting(&bed, 1).await;
    go_on.0.send(()).unwrap();
    assert!(matches!(writer.await.unwrap(), Written::Applied(_)));
    let receipt = seal.await.unwrap();
    assert_eq!(bed.rows(1).await, 1);
    assert!(matches!(bed.resource.write(&token, id(2), row(1)).await.unwrap(), Written::Fenced(_)));
    reign.grant(receipt, "b");
}
