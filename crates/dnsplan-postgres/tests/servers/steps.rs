//! Step by step: what has to be there before the next one.

use std::sync::atomic::Ordering;
use std::time::Duration;

use dnsplan_fence::Generation;
use dnsplan_leadership::{Cell, Outcome, Phase, Position, Step, Wait, Write};
use dnsplan_postgres::servers::{Limits, Progress, Stopped};

use crate::bed::{Bed, LIMITS, demand, go, go_until, name, scope};

#[tokio::test]
async fn g9_nobody_is_promoted_before_it_has_the_seal() {
    let bed = Bed::led().await;
    let mut steward = bed.steward(LIMITS);
    let to_b = demand(&steward, "b").await;
    assert!(matches!(
        steward.tick(Some(&to_b), None).await.unwrap(),
        Progress::Took(Step::Write(Write::Freeze(_)))
    ));
    bed.sql("b", "SELECT pg_wal_replay_pause()").await;
    let recorded = |progress: &Progress| matches!(progress, Progress::Took(Step::Write(Write::Record(_))));
    go_until(&mut steward, Some(&to_b), recorded).await;
    for _ in 0..3 {
        let waits = steward.tick(Some(&to_b), None).await.unwrap();
        assert!(matches!(waits, Progress::Waits(Wait::CatchUp(_))), "{waits:?}");
    }
    // It is this very seal that it has to have: of this epoch, at this position.
    let seen = steward.seen().await.unwrap().unwrap();
    let Phase::Sealed(_, receipt) = seen.term().phase() else { panic!("{seen:?}") };
    let mut look = bed.servers().members()[1].look(&scope()).await.unwrap();
    let (epoch, position) = (Generation::from(receipt.epoch()), receipt.position());
    let before = Position::new(position.get() - 1);
    for (sealed, has_it) in [
        (None, false),
        (Some((Generation::ZERO, position)), false),
        (Some((epoch, before)), false),
        (Some((epoch, position)), true),
    ] {
        look.sealed = sealed;
        assert_eq!(look.has(*receipt), has_it, "{sealed:?}");
    }
    bed.sql("b", "SELECT pg_wal_replay_resume()").await;
    go_until(&mut steward, Some(&to_b), |progress| *progress == Progress::Promoted(name("b"))).await;
    // Promoted, it takes no writes before it is granted them.
    let refused = bed.refusal("b", "SELECT dnsplan_fence.enter('orders', 2)").await;
    assert!(refused.starts_with("FE004 "), "{refused}");
    let Progress::Settled { epoch, holder, handoff, .. } = go(&mut steward, Some(&to_b), None).await else {
        panic!()
    };
    assert_eq!((epoch.get(), holder.to_string()), (2, "b.2".to_owned()));
    assert_eq!(handoff, Some((to_b.id(), Outcome::Promoted)));
    bed.sql("b", "SELECT dnsplan_fence.enter('orders', 2)").await;
}

#[tokio::test]
async fn g9_a_primary_that_lacks_the_seal_is_granted_nothing() {
    let bed = Bed::led().await;
    let mut steward = bed.steward(Limits { catch_up: Duration::from_millis(1), ..LIMITS });
    let to_b = demand(&steward, "b").await;
    assert!(matches!(
        steward.tick(Some(&to_b), None).await.unwrap(),
        Progress::Took(Step::Write(Write::Freeze(_)))
    ));
    // Cut off and promoted by somebody, it is a primary without the last writes.
    bed.sql("b", "ALTER SYSTEM SET primary_conninfo = ''").await;
    bed.sql("b", "SELECT pg_reload_conf()").await;
    bed.sql("b", "SELECT pg_promote()").await;
    let Progress::Settled { epoch, holder, handoff, .. } = go(&mut steward, Some(&to_b), None).await else {
        panic!()
    };
    assert_eq!((epoch.get(), holder.to_string()), (2, "a.1".to_owned()));
    assert_eq!(handoff, Some((to_b.id(), Outcome::RolledBack)));
}

#[tokio::test]
async fn g9_what_another_began_is_left_alone_until_it_does_not_move() {
    let bed = Bed::led().await;
    let (mut first, mut second) = (bed.steward(LIMITS), bed.steward(LIMITS));
    let to_b = demand(&first, "b").await;
    let sealed = |progress: &Progress| matches!(progress, Progress::Took(Step::Write(Write::Record(_))));
    go_until(&mut first, Some(&to_b), sealed).await;
    for _ in 0..3 {
        assert_eq!(second.tick(None, None).await.unwrap(), Progress::Waits(Wait::HandOff(to_b.id())));
    }
    let mut third = bed.steward(Limits { abandoned: Duration::from_millis(1), ..LIMITS });
    let Progress::Settled { handoff, .. } = go(&mut third, None, None).await else { panic!() };
    assert_eq!(handoff, Some((to_b.id(), Outcome::Promoted)));
}

#[tokio::test]
async fn g9_nothing_is_published_before_the_canary_is_read_back() {
    let bed = Bed::new().await;
    let mut steward = bed.steward(LIMITS);
    // A steward by itself has nobody lead.
    for _ in 0..2 {
        assert_eq!(steward.tick(None, None).await.unwrap(), Progress::Waits(Wait::Candidate));
    }
    bed.sign.is_blind.store(true, Ordering::Relaxed);
    let first = name("a");
    let mut opened = 0;
    while opened < 3 {
        match steward.tick(None, Some(&first)).await.unwrap() {
            Progress::Opened(..) => opened += 1,
            Progress::Took(_) => {}
            other => panic!("{other:?}"),
        }
    }
    bed.sign.is_blind.store(false, Ordering::Relaxed);
    assert!(matches!(steward.tick(None, Some(&first)).await.unwrap(), Progress::Published(..)));
}

#[tokio::test]
async fn g9_a_register_that_was_put_back_grants_nothing() {
    let bed = Bed::led().await;
    let empty = Cell::default();
    let mut steward = bed.steward_at(&empty, LIMITS);
    let first = name("a");
    let stopped = steward.tick(None, Some(&first)).await.unwrap_err();
    assert!(matches!(&stopped, Stopped::PutBack { record: 0, who, epoch: 1 } if who == "a"), "{stopped:?}");
    // The endpoint is a witness as well.
    let mut steward = bed.steward(LIMITS);
    *bed.sign.published.lock().unwrap() = (7, Some(name("b")));
    let stopped = steward.tick(None, None).await.unwrap_err();
    assert!(
        matches!(&stopped, Stopped::PutBack { record: 1, who, epoch: 7 } if who == "the endpoint"),
        "{stopped:?}"
    );
}

#[tokio::test]
async fn g9_an_epoch_is_not_opened_again_on_data_that_has_no_trace_of_it() {
    let bed = Bed::new().await;
    let mut steward = bed.steward(LIMITS);
    let first = name("a");
    while !matches!(
        steward.tick(None, Some(&first)).await.unwrap(),
        Progress::Took(Step::Write(Write::Grant(_)))
    ) {}
    // It was led by, and written; then somebody has put its data back to before that.
    *bed.sign.published.lock().unwrap() = (1, Some(first.clone()));
    let stopped = steward.tick(None, None).await.unwrap_err();
    assert!(matches!(&stopped, Stopped::DataPutBack { node, .. } if *node == first), "{stopped:?}");
    let refused = bed.refusal("a", "SELECT dnsplan_fence.open_epoch('orders')").await;
    assert!(refused.starts_with("FE004 "), "{refused}");
}
