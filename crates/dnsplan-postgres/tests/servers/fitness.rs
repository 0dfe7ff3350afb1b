//! Who is not fit to be handed the role, and that nothing is begun then.

use dnsplan_leadership::Phase;
use dnsplan_postgres::servers::{Limits, Progress, Unfit};
use dnsplan_postgres_server::Node;

use crate::bed::{Bed, LIMITS, demand, go, name, scope, servers, until};

#[tokio::test]
async fn g9_a_node_that_is_not_fit_is_handed_nothing() {
    let bed = Bed::led().await;
    let mut steward = bed.steward(LIMITS);
    let to_b = demand(&steward, "b").await;
    let to_a = demand(&steward, "a").await;
    assert_eq!(go(&mut steward, Some(&to_a), None).await, Progress::Unfit(Unfit::Leads(name("a"))));
    let mut strict = bed.steward(Limits { lag: 0, ..LIMITS });
    bed.sql("b", "SELECT pg_wal_replay_pause()").await;
    bed.sql("a", "CREATE TABLE noise AS SELECT generate_series(1, 1000)").await;
    let lags = go(&mut strict, Some(&to_b), None).await;
    assert!(matches!(&lags, Progress::Unfit(Unfit::Lags(node, 1..)) if *node == name("b")), "{lags:?}");
    assert_eq!(go(&mut steward, Some(&to_b), None).await, Progress::Unfit(Unfit::Held(name("b"))));
    bed.sql("b", "SELECT pg_wal_replay_resume()").await;
    bed.sql("a", "BEGIN; CREATE TABLE later (what text); PREPARE TRANSACTION 'later'").await;
    let prepared = Unfit::Prepared(name("a"), vec!["later".to_owned()]);
    assert_eq!(go(&mut steward, Some(&to_b), None).await, Progress::Unfit(prepared));
    bed.sql("a", "ROLLBACK PREPARED 'later'").await;
    // Clients would be led to another server.
    let right = bed.sign.addresses.lock().unwrap().clone();
    *bed.sign.addresses.lock().unwrap() =
        servers([("a", bed.a.address()), ("b", bed.a.address())]).members().to_vec();
    let elsewhere = Unfit::Unreached(name("b"), "another server answers there".to_owned());
    assert_eq!(go(&mut steward, Some(&to_b), None).await, Progress::Unfit(elsewhere));
    *bed.sign.addresses.lock().unwrap() = right;

    // Without its primary it gets nothing.
    bed.sql("b", "ALTER SYSTEM SET primary_conninfo = ''").await;
    bed.sql("b", "SELECT pg_reload_conf()").await;
    let member = bed.servers().members()[1].clone();
    until("the replica to be cut off", || async {
        let look = member.look(&scope()).await.unwrap();
        matches!(look.standing, dnsplan_postgres::servers::Standing::Replica { fed: None, .. })
    })
    .await;
    assert_eq!(go(&mut steward, Some(&to_b), None).await, Progress::Unfit(Unfit::NotFed(name("b"))));
    bed.sql("b", "SELECT pg_promote()").await;
    assert_eq!(go(&mut steward, Some(&to_b), None).await, Progress::Unfit(Unfit::Primary(name("b"), 2)));
    let seen = steward.seen().await.unwrap().unwrap();
    assert_eq!((seen.epoch().unwrap().get(), seen.term().phase()), (1, &Phase::Open), "nothing was begun");
}

#[tokio::test]
async fn g9_a_node_of_another_cluster_or_without_the_epoch_is_handed_nothing() {
    let bed = Bed::new().await;
    bed.sql("b", "SELECT pg_wal_replay_pause()").await;
    let mut steward = bed.steward(LIMITS);
    let replica = go(&mut steward, None, Some("b")).await;
    assert_eq!(replica, Progress::Unfit(Unfit::Replica(name("b"))));
    // It has the schema, from when it was copied, and not that the role moves.
    bed.sql("b", "SELECT pg_wal_replay_resume()").await;
    bed.until_replayed().await;
    bed.sql("b", "SELECT pg_wal_replay_pause()").await;
    assert!(matches!(go(&mut steward, None, Some("a")).await, Progress::Settled { .. }));
    let to_b = demand(&steward, "b").await;
    assert_eq!(go(&mut steward, Some(&to_b), None).await, Progress::Unfit(Unfit::Ignorant(name("b"))));

    let stranger =
        tokio::task::spawn_blocking(|| Node::primary(Node::addresses(1).unwrap()[0]).unwrap()).await.unwrap();
    let with_a_stranger = servers([("a", bed.a.address()), ("b", stranger.address())]);
    let mut steward = bed.steward_of(with_a_stranger, LIMITS);
    let away = go(&mut steward, Some(&to_b), None).await;
    assert!(
        matches!(&away, Progress::Unfit(Unfit::Away(node, _)) if *node == name("b")),
        "without the schema: {away:?}"
    );
    let owner = dnsplan_postgres_server::Server::pool(
        dnsplan_postgres_server::Server::config(stranger.address(), "postgres"),
        1,
    );
    dnsplan_postgres::install(&owner.get().await.unwrap()).await.unwrap();
    assert_eq!(go(&mut steward, Some(&to_b), None).await, Progress::Unfit(Unfit::Stranger(name("b"))));
    let mut empty = bed.steward_of(servers([("b", stranger.address())]), LIMITS);
    let unknown = go(&mut empty, Some(&to_b), None).await;
    assert!(matches!(&unknown, Progress::Unfit(Unfit::Away(node, _)) if *node == name("a")), "{unknown:?}");
}
