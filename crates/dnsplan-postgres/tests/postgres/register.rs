//! The register keeps its contract: whole-record compare-and-swap, nothing deleted, lost replies settled by the nonce.

use dnsplan_fence::{Nonce, Observed, Permit, Register, Settled, Swap, settle};
use dnsplan_leadership::{
    Handoff, HandoffId, Leadership, Outcome, Position, Resumed, Seen, Term, Write as Step, Written,
};
use dnsplan_postgres::PostgresRegister;
use dnsplan_postgres_server::{Fault, Proxy, Server};

use crate::bed::{Bed, by, candidate, id, refusal, row};

/// A record that grants nothing, there.
async fn create(register: &PostgresRegister, attempt: u128) -> Swap<Term> {
    let genesis = Observed::Absent.genesis(Nonce::new(attempt), &by(), Term::vacant()).unwrap();
    register.create(genesis).await.unwrap()
}

async fn seen(register: &PostgresRegister) -> Seen {
    Seen::of(&register.load().await.unwrap()).unwrap()
}

/// Permission to grant the first epoch.
fn grant(seen: &Seen, node: &str, attempt: u128) -> Permit<Term> {
    seen.permit(&Step::Grant(candidate(node, 1, Position::START)), Nonce::new(attempt), &by()).unwrap()
}

#[tokio::test]
async fn a_record_is_created_once_and_found() {
    let bed = Bed::new().await;
    let register = bed.register();
    assert_eq!(register.load().await.unwrap(), Observed::Absent);
    assert_eq!(create(&register, 1).await, Swap::Won);
    let Swap::Lost(Some(there)) = create(&register, 2).await else { panic!("it was there") };
    assert_eq!(there.attempt, Nonce::new(1));
    assert_eq!(register.load().await.unwrap(), Observed::Record(there));
}

#[tokio::test]
async fn a_swap_wins_where_the_record_is_the_expected_one_and_loses_after_that() {
    let bed = Bed::new().await;
    let register = bed.register();
    assert_eq!(create(&register, 1).await, Swap::Won);
    let before = seen(&register).await;
    assert_eq!(register.swap(grant(&before, "a", 2), ()).await.unwrap(), Swap::Won);
    let lost = register.swap(grant(&before, "b", 3), ()).await.unwrap();
    let Swap::Lost(Some(there)) = lost else { panic!("the record had moved: {lost:?}") };
    assert_eq!(there.attempt, Nonce::new(2));
    // The same content under another nonce is another record.
    assert_eq!(register.swap(grant(&before, "a", 2), ()).await.unwrap(), Swap::Lost(Some(there)));
}

#[tokio::test]
async fn g9_of_swaps_that_race_exactly_one_wins() {
    for _ in 0..5 {
        let bed = Bed::new().await;
        let register = bed.register();
        assert_eq!(create(&register, 1).await, Swap::Won);
        let before = seen(&register).await;
        let racers = (0..8_u128).map(|racer| {
            let (register, permit) = (register.clone(), grant(&before, "a", 100 + racer));
            tokio::spawn(async move { register.swap(permit, ()).await.unwrap() })
        });
        let mut won = 0;
        for racer in racers.collect::<Vec<_>>() {
            won += u32::from(racer.await.unwrap() == Swap::Won);
        }
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn g9_lost_replies_are_unknown_and_settled_by_the_nonce() {
    let bed = Bed::new().await;
    let register = bed.register();
    assert_eq!(create(&register, 1).await, Swap::Won);
    let proxy = Proxy::start(bed.server.address()).await.unwrap();
    let pool = Server::pool(Server::config(proxy.address(), &bed.database), 2);
    let cut = PostgresRegister::new(pool, bed.scope.clone());
    let before = seen(&register).await;
    for (fault, attempt, settled) in
        [(Fault::CutBefore, 2, Settled::Pending), (Fault::CutAfter, 3, Settled::Won)]
    {
        // The record goes over the wire with its nonce.
        proxy.next(&Nonce::new(attempt).to_string(), fault);
        assert_eq!(cut.swap(grant(&before, "a", attempt), ()).await.unwrap(), Swap::Unknown, "{fault:?}");
        let now = register.load().await.unwrap();
        let expected = Some(before.record().attempt);
        assert_eq!(settle(Nonce::new(attempt), expected, &now), settled, "{fault:?}");
    }
    let now = register.load().await.unwrap();
    assert_eq!(settle(Nonce::new(2), Some(before.record().attempt), &now), Settled::Dead);
}

#[tokio::test]
async fn a_record_is_never_deleted_and_a_scribble_is_replaced_only_as_it_was_found() {
    let bed = Bed::new().await;
    let (register, client) = (bed.register(), bed.client().await);
    assert_eq!(create(&register, 1).await, Swap::Won);
    for sql in [
        "DELETE FROM dnsplan_fence.record",
        "TRUNCATE dnsplan_fence.record",
        "UPDATE dnsplan_fence.record SET scope = 'other'",
    ] {
        assert!(refusal(&client, sql).await.starts_with("FE002 a record is never deleted"), "{sql}");
    }
    client.batch_execute("UPDATE dnsplan_fence.record SET record = 'a scribble'").await.unwrap();
    let found = register.load().await.unwrap();
    assert_eq!(found, Observed::Unreadable((*b"a scribble").into()));
    client.batch_execute("UPDATE dnsplan_fence.record SET record = 'another'").await.unwrap();
    let genesis = found.genesis(Nonce::new(2), &by(), Term::vacant()).unwrap();
    assert_eq!(register.create(genesis).await.unwrap(), Swap::Lost(None));
    let found = register.load().await.unwrap();
    let genesis = found.genesis(Nonce::new(3), &by(), Term::vacant()).unwrap();
    assert_eq!(register.create(genesis).await.unwrap(), Swap::Won);
    assert_eq!(seen(&register).await.record().attempt, Nonce::new(3));
}

#[tokio::test]
async fn a_record_of_a_later_version_is_in_force_and_nothing_takes_its_place() {
    let bed = Bed::new().await;
    let (register, client) = (bed.register(), bed.client().await);
    let later = "INSERT INTO dnsplan_fence.record VALUES ('orders-1', 'dnsplan-lead2 whatever')";
    client.batch_execute(later).await.unwrap();
    let said = register.load().await.unwrap_err().to_string();
    assert!(said.contains("stand by"), "{said}");
    assert_eq!(create(&register, 1).await, Swap::Lost(None));
}

#[tokio::test]
async fn an_epoch_that_was_never_granted_locks_nobody_out() {
    let bed = Bed::new().await;
    let (register, client) = (bed.register(), bed.client().await);
    assert_eq!(create(&register, 1).await, Swap::Won);
    let first = grant(&seen(&register).await, "a", 2);
    assert_eq!(register.swap(first, ()).await.unwrap(), Swap::Won);
    for sql in [bed.enter(2), "SELECT dnsplan_fence.seal('orders-1', 9223372036854775806)".to_owned()] {
        let said = refusal(&client, &sql).await;
        assert!(
            said.starts_with("FE002 ") && said.contains("never granted: the record is at 1"),
            "{sql}: {said}"
        );
    }
    client.batch_execute(&bed.enter(1)).await.unwrap();
}

#[tokio::test]
async fn g9_a_role_is_handed_over_and_back_with_register_and_resource_in_one_database() {
    let bed = Bed::new().await;
    let (register, resource) = (bed.register(), bed.resource.clone());
    assert_eq!(create(&register, 1).await, Swap::Won);
    let first = grant(&seen(&register).await, "a", 2);
    assert_eq!(register.swap(first, ()).await.unwrap(), Swap::Won);
    let mut nonce = (10..).map(Nonce::new);
    let mut next = || nonce.next().unwrap();
    for (number, (to, outcome)) in
        [("b", Outcome::Promoted), ("a", Outcome::Promoted)].into_iter().enumerate()
    {
        let now = seen(&register).await;
        let me = now.term().holder().unwrap().clone();
        let leader = Leadership::take_up(&now, bed.scope.clone(), me, resource.clone()).unwrap();
        let epoch = i64::try_from(number).unwrap() + 1;
        let write = leader.write(id(number as u128), row(epoch)).await.unwrap();
        assert!(matches!(write, Written::Applied(_)));
        let ready = candidate(to, 1, Position::START);
        let handoff =
            Handoff::qualify(&register, &resource, by(), &ready, HandoffId::new(number as u128)).await;
        let frozen = handoff.unwrap().freeze(next()).await.unwrap();
        drop(frozen);
        let Resumed::Frozen(frozen) = Handoff::resume(&register, &resource, by()).await.unwrap() else {
            panic!("the record keeps how far it has come")
        };
        let sealed = frozen.seal(next()).await.unwrap();
        let ready = candidate(to, 1, resource.applied().await.unwrap());
        assert!(ready.applied >= sealed.position());
        let ended = sealed.grant(&ready, next()).await.unwrap();
        assert_eq!(ended.outcome, outcome);
        assert!(matches!(
            leader.write(id(100 + number as u128), row(epoch)).await.unwrap(),
            Written::Fenced(_)
        ));
        assert_eq!(bed.rows(epoch).await, 1);
    }
}
