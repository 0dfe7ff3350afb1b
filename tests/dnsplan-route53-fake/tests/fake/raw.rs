//! The API byte by byte, without any SDK.

use std::io::{Read, Write};
use std::net::TcpStream;

use dnsplan_route53_fake::{Fake, Fault, Options, RecordSet};

use crate::txt;

/// Sends a request in a connection of its own; returns all that comes back until it is closed.
fn exchange(fake: &Fake, request: &str, body: &str) -> String {
    let address = fake.endpoint_url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    // A connection that is cut may end with an error.
    let _ = stream.read_to_string(&mut answer);
    answer
}

async fn ask(fake: &Fake, request: String, body: &str) -> String {
    let (fake, body) = (fake.clone(), body.to_owned());
    tokio::task::spawn_blocking(move || exchange(&fake, &request, &body)).await.unwrap()
}

const CREATE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">
  <ChangeBatch><Comment>first</Comment><Changes>
    <Change><Action>CREATE</Action><ResourceRecordSet><Name>x.a.test</Name><Type>TXT</Type><TTL>60</TTL>
      <ResourceRecords><ResourceRecord><Value>&quot;a &amp; b&quot;</Value></ResourceRecord></ResourceRecords>
    </ResourceRecordSet></Change>
  </Changes></ChangeBatch>
</ChangeResourceRecordSetsRequest>"#;

async fn start() -> (Fake, String) {
    let fake = Fake::start(Options::default()).await.unwrap();
    let zone = fake.create_zone("a.test");
    (fake, zone)
}

#[tokio::test]
async fn a_change_and_its_second_delivery() {
    let (fake, zone) = start().await;
    for (end, number) in [("", 1), ("/", 2)] {
        let answer = ask(&fake, format!("POST /2013-04-01/hostedzone/{zone}/rrset{end}"), CREATE).await;
        assert!(answer.contains("x-amzn-requestid: 00000000-0000-4000-8000-"), "{answer}");
        assert!(answer.contains("content-type: text/xml"), "{answer}");
        let expected = if number == 1 {
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            "<ChangeResourceRecordSetsResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeInfo>\
             <Id>/change/C0FAKE00000001</Id><Status>PENDING</Status>"
        } else {
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
            "<ErrorResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Error><Type>Sender</Type>\
             <Code>InvalidChangeBatch</Code><Message>[Tried to create resource record set [name=&apos;x.a.test.&apos;, \
             type=&apos;TXT&apos;] but it already exists]</Message></Error><RequestId>00000000-0000-4000-8000-000000000002\
             </RequestId></ErrorResponse>"
        };
        assert!(answer.contains(expected), "{answer}");
    }
    let expected = RecordSet { name: "x.a.test.".to_owned(), ..txt("x.a.test", "a & b") };
    assert_eq!(fake.find(&zone, "x.a.test", "TXT"), [expected]);
}

#[tokio::test]
async fn a_listing_page_by_page() {
    let (fake, zone) = start().await;
    for id in ["1", "2"] {
        let set = RecordSet::new("*.a.test", "A").ttl(60).value("192.0.2.1").weighted(id, 1);
        fake.put_by_hand(&zone, &set);
    }
    let list = |query: &str| ask(&fake, format!("GET /2013-04-01/hostedzone/{zone}/rrset{query}"), "");
    let first = list("?maxitems=3").await;
    let next = "<IsTruncated>true</IsTruncated><NextRecordName>\\052.a.test.</NextRecordName><NextRecordType>A\
                </NextRecordType><NextRecordIdentifier>2</NextRecordIdentifier><MaxItems>3</MaxItems>";
    assert!(first.contains(next), "{first}");
    assert_eq!(first.matches("<ResourceRecordSet>").count(), 3);
    let second = list("?maxitems=3&name=%5C052.a.test.&type=A&identifier=2").await;
    assert_eq!(second.matches("<ResourceRecordSet>").count(), 1);
    let set = "<ResourceRecordSet><Name>\\052.a.test.</Name><Type>A</Type><SetIdentifier>2</SetIdentifier><Weight>1</Weight>\
               <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords>\
               </ResourceRecordSet>";
    assert!(second.contains(set), "{second}");
    assert!(second.contains("<IsTruncated>false</IsTruncated><MaxItems>3</MaxItems>"), "{second}");
    let third = list("?maxitems=1&name=&type=&identifier=").await;
    assert!(third.contains("<NextRecordType>SOA</NextRecordType><MaxItems>1</MaxItems>"), "{third}");
    for bad in ["?maxitems=x", "?maxitems=0", "?type=A", "?name=a.test&identifier=1"] {
        let answer = list(bad).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.contains("<Code>InvalidInput</Code>"),
            "{bad}: {answer}"
        );
    }
}

#[tokio::test]
async fn ids_come_with_and_without_their_kind() {
    let (fake, zone) = start().await;
    for path in [
        format!("hostedzone/{zone}"),
        format!("hostedzone//hostedzone/{zone}"),
        format!("hostedzone/%2Fhostedzone%2F{zone}"),
    ] {
        let answer = ask(&fake, format!("GET /2013-04-01/{path}"), "").await;
        assert!(answer.contains("<Name>a.test.</Name>"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let (fake, zone) = start().await;
    let bodies = [
        "",
        "<A/>",
        "<ChangeResourceRecordSetsRequest/>",
        "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes><Change><Action>TOUCH</Action></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
        "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes><Change><Action>CREATE</Action></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
        "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
        "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>x.a.test</Name><Type>A</Type><TTL>x</TTL></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
    ];
    for body in bodies {
        let answer = ask(&fake, format!("POST /2013-04-01/hostedzone/{zone}/rrset/"), body).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.contains("<Code>InvalidInput</Code>"),
            "{body}: {answer}"
        );
    }
    let other = CREATE.replace("ChangeResourceRecordSetsRequest", "ChangeSomethingElse");
    let unknown = CREATE.replace("<TTL>", "<Region>eu-west-1</Region><TTL>");
    for (body, text) in [(other, "Invalid XML"), (unknown, "does not know Region")] {
        let answer = ask(&fake, format!("POST /2013-04-01/hostedzone/{zone}/rrset/"), &body).await;
        assert!(answer.contains(text), "{answer}");
    }
    let nowhere = ask(&fake, "DELETE /2013-04-01/hostedzone/Z1".to_owned(), "").await;
    assert!(nowhere.starts_with("HTTP/1.1 404 "), "{nowhere}");
    assert_eq!(fake.record_sets(&zone).len(), 2);
}

#[tokio::test]
async fn a_cut_connection_carries_no_byte() {
    let (fake, zone) = start().await;
    for fault in [Fault::ReplyLost, Fault::RequestLost] {
        fake.inject(fault.next(1));
        assert_eq!(ask(&fake, format!("GET /2013-04-01/hostedzone/{zone}"), "").await, "");
    }
    assert_ne!(ask(&fake, format!("GET /2013-04-01/hostedzone/{zone}"), "").await, "");
}
