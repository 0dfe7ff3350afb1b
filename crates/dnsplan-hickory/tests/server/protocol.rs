//! What a well-behaved client sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dnsplan_hickory::{Chooser, DuplicateZone, Handler};
use dnsplan_plan::{Candidate, Member, OwnerName, RData, RRset, Ttl, rdata};
use hickory_proto::op::{OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::{DNSClass, Name, RecordType};

use crate::common::{self, Running, publish, question};
use crate::{empty_target, over_tcp, over_udp, serve, target, zone};

#[test]
fn udp_and_tcp_give_the_same_authoritative_answer() {
    let server = serve("example.", &["www A 192.0.2.1", "www A 192.0.2.2"]);
    let mut request = question("www.example.", RecordType::A);
    request.metadata.recursion_desired = true;
    let (udp, tcp) = (over_udp(server.address, &request), over_tcp(server.address, &request));
    assert_eq!(udp, tcp);
    assert_eq!((udp.metadata.response_code, udp.answers.len()), (ResponseCode::NoError, 2));
    let flags = udp.metadata;
    assert!(flags.authoritative && flags.recursion_desired, "{flags:?}");
    assert!(!flags.recursion_available && !flags.truncation && !flags.authentic_data, "{flags:?}");
    request.metadata.recursion_desired = false;
    assert!(!over_udp(server.address, &request).metadata.recursion_desired);
}

#[test]
fn negative_answers_carry_the_soa_with_the_generation_as_its_serial() {
    let target = target("example.", &["www A 192.0.2.1"]);
    publish(&target, &common::plan(7, zone("example.", &["www A 192.0.2.1"])));
    let server = Running::start(Handler::new([target]).unwrap());
    for (name, qtype, code) in [
        ("nope.example.", RecordType::A, ResponseCode::NXDomain),
        ("www.example.", RecordType::AAAA, ResponseCode::NoError),
    ] {
        let response = over_udp(server.address, &question(name, qtype));
        assert_eq!((response.metadata.response_code, response.answers.len()), (code, 0));
        let [soa] = &response.authorities[..] else { panic!("{response}") };
        let RData::SOA(data) = &soa.data else { panic!("{soa}") };
        assert_eq!((data.serial, soa.ttl), (7, 30));
    }
    let soa = over_udp(server.address, &question("example.", RecordType::SOA));
    let RData::SOA(data) = &soa.answers[0].data else { panic!("{soa}") };
    assert_eq!((data.serial, soa.answers[0].ttl), (7, 60));
}

#[test]
fn the_question_comes_back_in_its_own_spelling() {
    let server = serve("example.", &["www A 192.0.2.1"]);
    let response = over_udp(server.address, &question("wWw.ExAmPlE.", RecordType::A));
    // Names compare without regard to case, their texts do not.
    assert_eq!(response.queries[0].name().to_string(), "wWw.ExAmPlE.");
    assert_eq!(response.answers[0].name.to_string(), "wWw.ExAmPlE.");
}

#[test]
fn a_referral_is_not_authoritative_and_brings_glue() {
    let server = serve("example.", &["sub NS ns.sub", "ns.sub A 192.0.2.53"]);
    let response = over_udp(server.address, &question("www.sub.example.", RecordType::A));
    assert_eq!(response.metadata.response_code, ResponseCode::NoError);
    assert!(!response.metadata.authoritative && response.answers.is_empty());
    assert_eq!((response.authorities.len(), response.additionals.len()), (1, 1));
}

#[test]
fn what_is_no_ordinary_question_is_turned_down() {
    let server = serve("example.", &["www A 192.0.2.1"]);
    let mut cases = Vec::new();
    for code in [1, 2, 4, 5, 6, 15].map(OpCode::from_u8) {
        let mut request = question("example.", RecordType::SOA);
        request.metadata.op_code = code;
        cases.push((request, ResponseCode::NotImp));
    }
    let mut none = question("www.example.", RecordType::A);
    none.queries.clear();
    cases.push((none, ResponseCode::FormErr));
    let mut two = question("www.example.", RecordType::A);
    two.add_query(Query::query(Name::from_ascii("x.example.").unwrap(), RecordType::A));
    cases.push((two, ResponseCode::FormErr));
    for class in [DNSClass::CH, DNSClass::HS, DNSClass::ANY, DNSClass::NONE] {
        let mut request = question("www.example.", RecordType::A);
        request.queries[0].set_query_class(class);
        cases.push((request, ResponseCode::Refused));
    }
    for (qtype, code) in [
        (252, ResponseCode::Refused),
        (251, ResponseCode::Refused),
        (253, ResponseCode::NotImp),
        (254, ResponseCode::NotImp),
        (250, ResponseCode::FormErr),
        (249, ResponseCode::FormErr),
        (128, ResponseCode::FormErr),
        (41, ResponseCode::FormErr),
        (0, ResponseCode::FormErr),
    ] {
        cases.push((question("example.", RecordType::from(qtype)), code));
    }
    cases.push((question("www.other.", RecordType::A), ResponseCode::Refused));
    cases.push((question(".", RecordType::NS), ResponseCode::Refused));
    for (request, code) in cases {
        for response in [over_udp(server.address, &request), over_tcp(server.address, &request)] {
            let found = response.metadata;
            assert_eq!((found.response_code, found.op_code), (code, request.metadata.op_code), "{request}");
            assert!(response.answers.is_empty() && !found.authoritative, "{response}");
        }
    }
}

#[test]
fn the_zone_with_the_longest_name_answers_and_ds_is_the_parents() {
    let mut content = zone("example.", &["sub NS ns.sub", "www A 192.0.2.1"]);
    let ds = RData::Unknown { code: RecordType::DS, rdata: NULL::with(vec![0, 1, 13, 2, 0xaa]) };
    let signed = RRset::simple(Ttl::new(60).unwrap(), [ds]).unwrap();
    content.set_rrset("sub.example.".parse().unwrap(), signed).unwrap();
    let parent = empty_target("example.");
    publish(&parent, &common::plan(1, content));
    let child = target("sub.example.", &["www A 192.0.2.2"]);
    let server = Running::start(Handler::new([parent, child]).unwrap());
    let ask = |name: &str, qtype| over_udp(server.address, &question(name, qtype));
    let address = |name| match &ask(name, RecordType::A).answers[0].data {
        RData::A(address) => address.0.octets()[3],
        other => panic!("{other}"),
    };
    assert_eq!((address("www.example."), address("www.sub.example.")), (1, 2));
    let ds = ask("sub.example.", RecordType::DS);
    assert!(ds.metadata.authoritative && ds.answers.len() == 1, "{ds}");
    // Without its parent here, the child says that it has none.
    let alone = serve("sub.example.", &[]);
    let ds = over_udp(alone.address, &question("sub.example.", RecordType::DS));
    assert!(ds.metadata.authoritative && ds.answers.is_empty() && ds.authorities.len() == 1, "{ds}");
}

#[test]
fn two_targets_of_one_zone_are_refused() {
    let twice = Handler::new([empty_target("example."), empty_target("EXAMPLE.")]);
    assert_eq!(twice.unwrap_err(), DuplicateZone("example.".parse().unwrap()));
}

#[test]
fn before_the_first_plan_a_zone_fails_and_others_are_refused() {
    let target = empty_target("example.");
    let server = Running::start(Handler::new([target.clone()]).unwrap());
    let code = |name| over_udp(server.address, &question(name, RecordType::A)).metadata.response_code;
    assert_eq!([code("www.example."), code("www.other.")], [ResponseCode::ServFail, ResponseCode::Refused]);
    publish(&target, &common::plan(1, zone("example.", &["www A 192.0.2.1"])));
    assert_eq!([code("www.example."), code("www.other.")], [ResponseCode::NoError, ResponseCode::Refused]);
}

#[test]
fn weighted_members_answer_in_proportion() {
    #[derive(Default)]
    struct InTurn(AtomicU64);
    impl Chooser for InTurn {
        fn number(&self) -> u64 {
            self.0.fetch_add(1, Ordering::Relaxed)
        }
    }
    let mut content = zone("example.", &[]);
    let owner: OwnerName = "api.example.".parse().unwrap();
    let members = [(3, "192.0.2.1"), (1, "192.0.2.2"), (0, "192.0.2.3")].map(|(weight, address)| Member {
        id: address.into(),
        weight,
        health_check: None,
        data: rdata("A", address, &owner).unwrap(),
    });
    content.set_rrset(owner, RRset::weighted(Ttl::new(5).unwrap(), members).unwrap()).unwrap();
    let target = empty_target("example.");
    publish(&target, &common::plan(1, content));
    let handler = Handler::new([target]).unwrap().choosing_by(InTurn::default());
    let server = Running::start(handler);
    let mut tally = [0; 3];
    for _ in 0..40 {
        let response = over_udp(server.address, &question("api.example.", RecordType::A));
        let [record] = &response.answers[..] else { panic!("{response}") };
        let RData::A(address) = &record.data else { panic!("{record}") };
        tally[usize::from(address.0.octets()[3] - 1)] += 1;
    }
    assert_eq!(tally, [30, 10, 0]);
}

#[test]
fn candidates_that_do_not_fit_come_over_tcp() {
    let owner: OwnerName = "text.example.".parse().unwrap();
    // Four texts of 100 bytes fit into 512, eight do not, and of twelve there are eight in an answer.
    for (count, over_datagram, over_stream) in [(4, (4, false), 4), (8, (0, true), 8), (12, (0, true), 8)] {
        let candidates = (0..count).map(|number| Candidate {
            id: format!("t{number}").into(),
            health_check: Some("check".into()),
            data: rdata("TXT", &format!("{}{number:02}", "x".repeat(98)), &owner).unwrap(),
        });
        let mut content = zone("example.", &[]);
        content
            .set_rrset(owner.clone(), RRset::multivalue(Ttl::new(5).unwrap(), candidates).unwrap())
            .unwrap();
        let target = empty_target("example.");
        publish(&target, &common::plan(1, content));
        let server = Running::start(Handler::new([target]).unwrap());
        let question = question("text.example.", RecordType::TXT);
        let datagram = over_udp(server.address, &question);
        assert_eq!((datagram.answers.len(), datagram.metadata.truncation), over_datagram, "{count}");
        let stream = over_tcp(server.address, &question);
        assert_eq!((stream.answers.len(), stream.metadata.truncation), (over_stream, false), "{count}");
    }
}

#[test]
fn a_query_holds_its_snapshot_no_longer_than_it_takes() {
    let target = target("example.", &["www A 192.0.2.1"]);
    let server = Running::start(Handler::new([target.clone()]).unwrap());
    let before = target.snapshot().unwrap();
    let _ = over_udp(server.address, &question("www.example.", RecordType::A));
    // This test's own handle and the target's: nobody else has the plan.
    assert_eq!(Arc::strong_count(before.value().plan()), 1);
}
