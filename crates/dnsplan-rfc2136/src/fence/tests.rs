use dnsplan_enactor::{FenceRecord, Quarantine};
use dnsplan_fence::{Actor, Digest, Generation, Nonce, Observed, Progress};
use dnsplan_plan::{RData, RecordType, rdata};
use hickory_proto::op::Message;

use super::{data, must_be, must_be_bytes, name, observed, put};
use crate::message::{Received, Update};
use crate::testing::name as owner;

fn record(aside: usize) -> FenceRecord {
    let owners = (0..aside).map(|index| owner(&format!("{}{index}", "x".repeat(60)))).collect();
    Record {
        generation: Generation::new(7),
        digest: Digest::new([7; 32]),
        base: Generation::new(6),
        floor: Generation::ZERO,
        flip: Progress::new(1, 2).expect("a progress"),
        stage: None,
        freeze: None,
        attempt: Nonce::new(1),
        by: Actor::new("e1").expect("a name"),
        payload: Quarantine { owners, effective: Digest::new([8; 32]), ..Quarantine::default() },
    }
}

use dnsplan_fence::Record;

fn received(data: Vec<RData>) -> Vec<Received> {
    let record =
        |data| Received { owner: owner("_dnsplan"), record_type: RecordType::TXT, ttl: 60, data: Ok(data) };
    data.into_iter().map(record).collect()
}

/// What a server would have after the changes of an update that puts a record there.
fn there(record: &FenceRecord) -> Vec<Received> {
    let fence = name(&owner("@")).expect("a short name");
    let update = Update { prerequisites: vec![must_be(&fence, record)], changes: put(&fence, record).into() };
    let message = Message::from_vec(&update.encode(1, &owner("@"))).expect("a message");
    assert_eq!(
        message.answers[0].data, message.authorities[1].data,
        "what is put there is what must be there"
    );
    received(vec![message.authorities[1].data.clone()])
}

#[test]
fn a_record_comes_back_as_it_was() {
    for aside in [0, 3, 12] {
        let record = Record { payload: payload(aside), ..record(aside) };
        assert_eq!(observed(there(&record).iter()), Ok(Observed::Record(record)));
    }
}

fn payload(aside: usize) -> Quarantine {
    if aside == 0 { Quarantine::default() } else { record(aside).payload }
}

#[test]
fn anything_else_is_unreadable_and_can_be_replaced_to_the_letter() {
    let txt = |text: &str| rdata("TXT", text, &owner("@")).expect("a text");
    let fence = name(&owner("@")).expect("a short name");
    let ours = data(&Record { payload: Quarantine::default(), ..record(0) });
    let text = String::from_utf8(ours[1..].to_vec()).expect("a text");
    let (left, right) = text.split_at(20);
    for values in [
        vec![txt("\"edited by hand\"")],
        vec![txt(&format!("\"{}\"", "x".repeat(255))), txt("\"y\" \"z\"")],
        // The same text in other strings is not what the prerequisite would say.
        vec![txt(&format!("\"{left}\" \"{right}\""))],
        // One record too many.
        vec![txt(&format!("\"{text}\"")), txt("\"y\"")],
    ] {
        let count = values.len();
        let Ok(Observed::Unreadable(bytes)) = observed(received(values.clone()).iter()) else {
            panic!("{values:?}");
        };
        let prerequisites = must_be_bytes(&fence, &bytes).expect("its own bytes");
        let update = Update { prerequisites, changes: Vec::new() };
        let message = Message::from_vec(&update.encode(1, &owner("@"))).expect("a message");
        let mut said: Vec<String> = message.answers.iter().map(|record| record.data.to_string()).collect();
        let mut there: Vec<String> = values.iter().map(ToString::to_string).collect();
        said.sort();
        there.sort();
        assert_eq!((said.len(), said), (count, there));
    }
    assert_eq!(observed([].iter()), Ok(Observed::Absent));
    assert_eq!(must_be_bytes(&fence, &[0, 5, 1]), None);
}

/// In however many records and strings it comes.
#[test]
fn g5_a_later_format_is_no_observation() {
    let txt = |text: &str| rdata("TXT", text, &owner("@")).expect("a text");
    let later = "dnsplan2 whatever=it-says c=c0d198716548f025";
    let (left, right) = later.split_at(20);
    let whole = txt(&format!("\"{later}\""));
    for values in [
        vec![whole.clone()],
        vec![txt(&format!("\"{left}\" \"{right}\""))],
        vec![whole.clone(), txt("\"y\"")],
        vec![txt("\"a\""), whole],
    ] {
        let seen = observed(received(values.clone()).iter());
        let Err(why) = seen else { panic!("{values:?} is {seen:?}") };
        assert!(why.to_string().contains("format 2"), "{why}");
    }
}
