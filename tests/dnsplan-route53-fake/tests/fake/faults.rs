//! Faults, through the SDK.

use std::time::Duration;

use dnsplan_route53_fake::{Change, Fault, Operation, Outcome, Refusal};

use crate::common::{client, list, send, told};
use crate::{Setup, txt};

const CHANGE: Operation = Operation::ChangeResourceRecordSets;

/// The code and message where no answer came.
fn nothing() -> (String, String) {
    (String::new(), String::new())
}

#[tokio::test]
async fn a_call_is_refused_as_ordered() {
    let setup = Setup::standard().await;
    let user = "User: arn:aws:iam::123456789012:user/dnsplan is not authorized to perform: \
                route53:ChangeResourceRecordSets because no identity-based policy allows the \
                route53:ChangeResourceRecordSets action";
    let cases = [
        (Fault::Throttled, "Throttling", 400, "Rate exceeded"),
        (
            Fault::PriorRequestNotComplete,
            "PriorRequestNotComplete",
            400,
            "The request was rejected because Route 53 was still processing a prior request.",
        ),
        (Fault::AccessDenied, "AccessDenied", 403, user),
        (Fault::ExpiredToken, "ExpiredToken", 403, "The security token included in the request is expired"),
        (
            Fault::InvalidClientTokenId,
            "InvalidClientTokenId",
            403,
            "The security token included in the request is invalid.",
        ),
    ];
    for (fault, code, status, text) in cases {
        setup.fake.inject(fault.next(1).on(CHANGE));
        setup.fake.inject(fault.next(1).on(Operation::GetHostedZone));
        let refused = setup.send(&[Change::create(txt("x.a.test", "1"))]).await;
        assert_eq!(refused, Err((code.to_owned(), text.to_owned())));
        assert_eq!(setup.value("x.a.test"), None);
        let error = setup.client.get_hosted_zone().id(&setup.zone).send().await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), status);
        assert_eq!(told(error).0, code);
    }
    setup.put(txt("x.a.test", "1")).await;
    let refused = |entry: &dnsplan_route53_fake::Received| matches!(entry.outcome, Outcome::Refused(_));
    assert_eq!(setup.fake.log().iter().filter(|entry| refused(entry)).count(), 5);
}

#[tokio::test]
async fn the_sdk_tries_again_by_itself_when_it_is_throttled() {
    let setup = Setup::standard().await;
    setup.fake.inject(Fault::Throttled.next(1).on(CHANGE));
    setup.fake.inject(Fault::PriorRequestNotComplete.next(1).on(CHANGE).after(1));
    let patient = client(setup.fake.endpoint_url(), 3);
    send(&patient, &setup.zone, &[Change::create(txt("x.a.test", "1"))]).await.unwrap();
    assert_eq!(setup.fake.counters().calls(CHANGE), 3);
}

#[tokio::test]
async fn some_calls_fail_and_others_do_not() {
    let setup = Setup::standard().await;
    setup.fake.inject(Fault::Throttled.fraction(0.5).on(CHANGE));
    let mut throttled = 0;
    for number in 0..100 {
        let sent = setup.send(&[Change::upsert(txt("x.a.test", &number.to_string()))]).await;
        throttled += usize::from(sent.is_err());
    }
    assert!((30..70).contains(&throttled), "{throttled}");
    setup.fake.clear_faults();
    setup.put(txt("x.a.test", "last")).await;
}

#[tokio::test]
async fn a_lost_reply_leaves_the_change_and_a_lost_request_does_not() {
    let setup = Setup::standard().await;
    setup.fake.inject(Fault::ReplyLost.next(1).on(CHANGE));
    setup.fake.inject(Fault::RequestLost.next(1).on(CHANGE).after(1));
    assert_eq!(setup.send(&[Change::create(txt("x.a.test", "1"))]).await, Err(nothing()));
    assert_eq!(setup.send(&[Change::create(txt("y.a.test", "1"))]).await, Err(nothing()));
    assert_eq!((setup.value("x.a.test").is_some(), setup.value("y.a.test").is_some()), (true, false));
    let outcomes: Vec<bool> = setup.fake.log().iter().map(|entry| entry.is_accepted()).collect();
    assert_eq!(outcomes, [true, false]);
    assert_eq!(setup.fake.log()[1].outcome, Outcome::Lost);

    setup.fake.inject(Fault::ReplyLost.next(1).on(Operation::ListResourceRecordSets));
    let lost = setup.client.list_resource_record_sets().hosted_zone_id(&setup.zone).send().await;
    assert_eq!(told(lost.unwrap_err()), nothing());
    assert_eq!(list(&setup.client, &setup.zone, 300).await.len(), 3);
}

#[tokio::test]
async fn a_retry_after_a_lost_reply_fences_itself() {
    let setup = Setup::standard().await;
    setup.fake.inject(Fault::ReplyLost.next(1).on(CHANGE));
    let patient = client(setup.fake.endpoint_url(), 3);
    let refused = send(&patient, &setup.zone, &[Change::create(txt("x.a.test", "1"))]).await.unwrap_err();
    assert_eq!(refused.0, "InvalidChangeBatch");
    assert_eq!(setup.value("x.a.test").as_deref(), Some("\"1\""));
}

#[tokio::test]
async fn what_was_lost_can_still_arrive_and_what_arrived_can_arrive_again() {
    let setup = Setup::standard().await;
    setup.fake.inject(Fault::RequestLost.next(1));
    setup.send(&[Change::create(txt("x.a.test", "1"))]).await.unwrap_err();
    assert!(matches!(setup.fake.deliver_again(0), Outcome::Accepted(_)));
    assert_eq!(setup.value("x.a.test").as_deref(), Some("\"1\""));
    let again = setup.fake.deliver_again(0);
    assert!(matches!(again, Outcome::Refused(Refusal::InvalidChangeBatch(_))));
    let log = setup.fake.log();
    assert_eq!(log.iter().map(|entry| entry.duplicate_of).collect::<Vec<_>>(), [None, Some(0), Some(0)]);
    assert_eq!(log[2].outcome, again);
    assert_eq!(setup.fake.counters().calls(CHANGE), 1);
}

#[tokio::test]
async fn a_duplicate_comes_after_as_many_further_changes_as_ordered() {
    let setup = Setup::standard().await;
    setup.fake.inject(Fault::Duplicated { after: 2 }.next(1).on(CHANGE));
    setup.put(txt("x.a.test", "old")).await;
    setup.put(txt("x.a.test", "new")).await;
    assert_eq!(setup.value("x.a.test").as_deref(), Some("\"new\""));
    setup.put(txt("y.a.test", "other")).await;
    assert_eq!(setup.value("x.a.test").as_deref(), Some("\"old\""), "the duplicate overwrote the newer one");
    assert_eq!(setup.fake.log().last().unwrap().duplicate_of, Some(0));

    setup.fake.inject(Fault::Duplicated { after: 1 }.next(1));
    setup.fake.inject(Fault::RequestLost.next(1));
    setup.send(&[Change::upsert(txt("z.a.test", "late"))]).await.unwrap_err();
    assert_eq!(setup.value("z.a.test"), None);
    setup.put(txt("y.a.test", "other")).await;
    assert_eq!(setup.value("z.a.test").as_deref(), Some("\"late\""));
}

#[tokio::test]
async fn a_call_that_is_held_is_done_after_those_that_came_later() {
    let setup = Setup::standard().await;
    setup.fake.inject(Fault::Held.next(1).on(CHANGE));
    let (first, zone) = (setup.client.clone(), setup.zone.clone());
    let held =
        tokio::spawn(async move { send(&first, &zone, &[Change::upsert(txt("x.a.test", "first"))]).await });
    setup.fake.until_held(1).await;
    setup.put(txt("x.a.test", "second")).await;
    assert_eq!(setup.value("x.a.test").as_deref(), Some("\"second\""));
    setup.fake.release();
    held.await.unwrap().unwrap();
    assert_eq!(setup.value("x.a.test").as_deref(), Some("\"first\""));
}

#[tokio::test]
async fn a_call_that_is_held_is_done_even_if_its_caller_has_gone() {
    let setup = Setup::standard().await;
    setup.fake.inject(Fault::Held.next(1).on(CHANGE));
    let (client, zone) = (setup.client.clone(), setup.zone.clone());
    let caller =
        tokio::spawn(async move { send(&client, &zone, &[Change::upsert(txt("x.a.test", "1"))]).await });
    setup.fake.until_held(1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    setup.fake.release();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while setup.value("x.a.test").is_none() {
        assert!(tokio::time::Instant::now() < deadline, "it was not done");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_delay_takes_its_time() {
    let setup = Setup::standard().await;
    let delay = Duration::from_millis(50);
    setup.fake.inject(Fault::Delayed(delay).next(1));
    let started = tokio::time::Instant::now();
    setup.put(txt("x.a.test", "1")).await;
    assert!(started.elapsed() >= delay);
}
