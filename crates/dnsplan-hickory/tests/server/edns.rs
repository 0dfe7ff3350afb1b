//! EDNS, and what becomes of answers that do not fit.

use hickory_proto::op::{Edns, Message, ResponseCode};
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};

use crate::common::{client, question};
use crate::{addresses, over_tcp, over_udp, serve};

fn with_edns(mut request: Message, payload: u16, change: impl FnOnce(&mut Edns)) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(payload);
    change(&mut edns);
    request.set_edns(edns);
    request
}

#[test]
fn an_opt_record_is_sent_exactly_where_one_was_received() {
    let server = serve("example.", &["www A 192.0.2.1"]);
    for name in ["www.example.", "nope.example.", "www.other."] {
        let bare = question(name, RecordType::A);
        assert_eq!(over_udp(server.address, &bare).edns, None);
        for dnssec_ok in [false, true] {
            let request = with_edns(bare.clone(), 1400, |edns| {
                edns.set_dnssec_ok(dnssec_ok);
                edns.options_mut().insert(EdnsOption::Unknown(10, vec![1; 8]));
            });
            for response in [over_udp(server.address, &request), over_tcp(server.address, &request)] {
                let edns = response.edns.expect("an OPT record");
                assert_eq!(
                    (edns.version(), edns.flags().dnssec_ok, edns.max_payload()),
                    (0, dnssec_ok, 1232)
                );
                assert_eq!(
                    edns.option(EdnsCode::Unknown(10)),
                    None,
                    "an option that is not understood is ignored"
                );
            }
        }
    }
}

#[test]
fn a_later_version_is_answered_with_ours() {
    let server = serve("example.", &["www A 192.0.2.1"]);
    let request = with_edns(question("www.example.", RecordType::A), 1232, |edns| {
        edns.set_version(1);
    });
    let response = over_udp(server.address, &request);
    // The number stands for BADSIG in a TSIG record, which is how it is decoded.
    assert_eq!(u16::from(response.metadata.response_code), u16::from(ResponseCode::BADVERS));
    assert_eq!(response.edns.map(|edns| edns.version()), Some(0));
    assert!(response.answers.is_empty());
}

/// How many of `count` addresses come over UDP, and whether TC is set. Over TCP all of them come.
fn fetched(count: u8, payload: Option<u16>) -> (usize, bool) {
    let lines = addresses("www", count);
    let server = serve("example.", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let bare = question("www.example.", RecordType::A);
    let request = payload.map_or_else(|| bare.clone(), |payload| with_edns(bare.clone(), payload, |_| {}));
    let response = over_udp(server.address, &request);
    assert_eq!(response.edns.is_some(), payload.is_some());
    assert!(response.metadata.authoritative && response.metadata.response_code == ResponseCode::NoError);
    let tcp = over_tcp(server.address, &request);
    assert_eq!((tcp.answers.len(), tcp.metadata.truncation), (count.into(), false));
    (response.answers.len(), response.metadata.truncation)
}

/// The length of a response with so many addresses of `www.example.`: header, question, one name in full, and records
/// of 16 bytes beside it, their names being pointers.
const fn length(count: usize) -> usize {
    12 + 17 + 11 + 16 * count
}

const OPT: usize = 11;

#[test]
fn what_does_not_fit_comes_over_tcp() {
    const { assert!(length(29) <= 512 && length(30) > 512) };
    assert_eq!(
        [fetched(29, None), fetched(30, None), fetched(120, None)],
        [(29, false), (0, true), (0, true)]
    );
    const { assert!(length(73) + OPT <= 1232 && length(74) + OPT > 1232) };
    assert_eq!([fetched(73, Some(1232)), fetched(74, Some(1232))], [(73, false), (0, true)]);
    // We send no more than that, and the client's size counts where it is smaller.
    assert_eq!([fetched(74, Some(4096)), fetched(74, Some(65_535))], [(0, true), (0, true)]);
    const { assert!(length(34) + OPT <= 600 && length(35) + OPT > 600) };
    assert_eq!([fetched(34, Some(600)), fetched(35, Some(600))], [(34, false), (0, true)]);
}

#[test]
fn a_size_below_512_is_taken_as_512() {
    let lines = addresses("www", 28);
    let server = serve("example.", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let request = with_edns(question("www.example.", RecordType::A), 0x0202, |_| {});
    let mut bytes = request.to_vec().unwrap();
    // The size stands where a record has its class: after the root and the type.
    let size = bytes.windows(5).position(|window| window == [0, 0, 41, 2, 2]).unwrap() + 3;
    bytes[size..size + 2].copy_from_slice(&100_u16.to_be_bytes());
    let socket = client(server.address);
    socket.send(&bytes).unwrap();
    let mut bytes = [0; 2048];
    let received = socket.recv(&mut bytes).expect("an answer in time");
    let response = Message::from_vec(&bytes[..received]).unwrap();
    assert_eq!((response.answers.len(), response.metadata.truncation), (28, false));
    assert_eq!(received, length(28) + OPT);
    assert_eq!(response.edns.map(|edns| edns.max_payload()), Some(512));
}

#[test]
fn extras_are_left_out_where_glue_is_not() {
    let mut lines = addresses("host", 60);
    lines.extend(["@ MX 10 host".to_owned(), "sub NS host".to_owned()]);
    let server = serve("example.", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let mail = question("example.", RecordType::MX);
    let small = over_udp(server.address, &mail);
    assert_eq!((small.answers.len(), small.additionals.len(), small.metadata.truncation), (1, 0, false));
    let large = over_udp(server.address, &with_edns(mail, 1232, |_| {}));
    assert_eq!((large.answers.len(), large.additionals.len(), large.metadata.truncation), (1, 60, false));
    let referral = over_udp(server.address, &question("www.sub.example.", RecordType::A));
    assert!(referral.metadata.truncation && !referral.metadata.authoritative);
    assert_eq!((referral.authorities.len(), referral.additionals.len()), (0, 0));
    let whole = over_tcp(server.address, &question("www.sub.example.", RecordType::A));
    assert_eq!((whole.authorities.len(), whole.additionals.len()), (1, 60));
}

#[test]
fn an_answer_that_no_message_can_hold_is_a_failure() {
    // 260 texts of 255 bytes are more than 65,535 bytes.
    let lines: Vec<String> = (0..260).map(|n| format!("www TXT {n:0>255}")).collect();
    let server = serve("example.", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let request = question("www.example.", RecordType::TXT);
    assert!(over_udp(server.address, &request).metadata.truncation);
    let response = over_tcp(server.address, &request);
    assert_eq!(
        (response.metadata.response_code, response.metadata.truncation),
        (ResponseCode::ServFail, false)
    );
}

#[test]
fn types_without_a_formula_for_their_size_fit_or_do_not_all_the_same() {
    let lines: Vec<String> = (0..40).map(|n| format!("www CAA 0 issue \"ca{n:0>30}.example\"")).collect();
    let server = serve("example.", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let request = question("www.example.", RecordType::CAA);
    assert!(over_udp(server.address, &request).metadata.truncation);
    assert_eq!(over_tcp(server.address, &request).answers.len(), 40);
}
