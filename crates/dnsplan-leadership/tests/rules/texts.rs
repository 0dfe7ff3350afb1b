//! Records as text: what is written is read back as the same record, and what is no record is told apart.

use std::collections::BTreeMap;

use dnsplan_fence::{Actor, FreezeId, Generation, Nonce, Observed, Record, Standing};
use dnsplan_leadership::text::{self, Malformed};
use dnsplan_leadership::{HandoffId, Holder, Phase, Position, Seen, Term, Write};

use crate::support::{after, candidate, freezing, life, me, open, sealed, seen, vacant};

/// Names, lives, ids and positions at the ends of what they can be.
fn holders() -> [Holder; 3] {
    [life("-", 0), life(&"z9".repeat(16), u64::MAX), life("a", 1)]
}

/// An operator's freeze, which only the bare fence can write.
fn frozen(before: &Seen, id: u64, attempt: u128, by: &str) -> Seen {
    let observed = Observed::Record(before.record().clone());
    let head = observed.witness().answered(Standing::new(before.record().generation));
    let by = Actor::new(by).expect("valid");
    let sighting = observed.sight(head).expect("a record");
    seen(sighting.freeze(FreezeId::new(id), Nonce::new(attempt), &by).into_next())
}

/// Every record that one step leads to, whatever it was asked with.
fn next(before: &Seen) -> Vec<Seen> {
    let positions = [0, u64::MAX].map(Position::new);
    let grants = holders().map(|holder| Write::Grant(candidate(holder, u64::MAX)));
    let ids = [0, u128::MAX].map(HandoffId::new);
    let demands = ids.into_iter().zip(holders()).filter_map(|(id, holder)| before.demand(holder.node, id));
    let receipts = positions.iter().filter_map(|position| Some(before.order()?.done(*position)));
    let writes = demands.map(Write::Freeze).chain(receipts.map(Write::Record)).chain(grants);
    let mut found: Vec<Seen> = writes.filter_map(|write| after(before, &write).ok()).collect();
    found.push(frozen(before, 0, u128::MAX - 1, &"y".repeat(32)));
    found
}

/// Every record up to the third hand-off, by its text: so many steps lead there, and no more.
fn reachable() -> BTreeMap<String, Record<Term>> {
    const STEPS: u128 = 10;
    let mut found = BTreeMap::new();
    let mut open = vec![vacant()];
    while let Some(seen) = open.pop() {
        let text = text::write(seen.record());
        if found.insert(text, seen.record().clone()).is_none() && seen.record().attempt.get() < STEPS {
            open.extend(next(&seen));
        }
    }
    found
}

#[test]
fn every_reachable_record_reads_back_as_itself_and_no_two_share_a_text() {
    let found = reachable();
    let mut phases = [0; 4];
    for (text, record) in &found {
        assert_eq!(text::read(text).as_ref(), Ok(record));
        assert!(text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{text}");
        let phase = match record.payload.phase() {
            Phase::Open => usize::from(record.generation.is_zero()),
            Phase::Freezing(_) => 2,
            Phase::Sealed(..) => 3,
        };
        phases[phase] += 1;
    }
    assert!(phases.iter().all(|count| *count > 1), "{phases:?}");
    assert!(found.values().any(|record| record.generation.get() == 4));
}

/// What was read permits what the record itself permits, to the last byte of the next record.
#[test]
fn a_record_that_was_read_leads_where_it_would_have_led() {
    for (text, record) in reachable() {
        let (was, is) = (seen(record), seen(text::read(&text).unwrap()));
        assert_eq!(next(&was), next(&is), "{text}");
    }
}

#[test]
fn a_record_is_one_line_that_people_can_read() {
    let attempt = "attempt=00000000000000000000000000000003 by=coordinator";
    let id = "00000000000000000000000000000007";
    assert_eq!(
        text::write(sealed().record()),
        format!("dnsplan-lead1 epoch=1 holder=a.1 phase=sealed handoff={id}/b position=5 {attempt}")
    );
    let handed_over = after(&sealed(), &Write::Grant(candidate(life("c", 9), 5))).unwrap();
    let text = text::write(frozen(&handed_over, 12, 3, "coordinator").record());
    assert_eq!(
        text,
        format!("dnsplan-lead1 epoch=2 holder=c.9 from=a.1 origin={id}/b phase=open frozen=12 {attempt}")
    );
    let genesis = Observed::Absent.genesis(Nonce::new(3), &me(), Term::vacant()).unwrap();
    assert_eq!(text::write(genesis.record()), format!("dnsplan-lead1 epoch=0 phase=open {attempt}"));
}

/// A receipt that was read is of the record's own epoch and holder: it can be recorded nowhere else.
#[test]
fn a_receipt_that_was_read_is_of_its_records_epoch_and_holder() {
    let read = text::read(&text::write(sealed().record())).unwrap();
    let Phase::Sealed(_, receipt) = read.payload.phase() else { panic!("it is sealed") };
    assert_eq!((receipt.epoch().get(), receipt.position()), (1, Position::new(5)));
    assert!(seen(read.clone()).is_about(receipt) && !vacant().is_about(receipt));
    assert_eq!(after(&freezing(), &Write::Record(*receipt)).unwrap().term(), sealed().term());
}

#[test]
fn the_last_epoch_there_is_can_be_read() {
    let handed_over = after(&sealed(), &Write::Grant(candidate(life("b", 1), 5))).unwrap();
    let text = text::write(handed_over.record()).replace("epoch=2", &format!("epoch={}", u64::MAX));
    let read = text::read(&text).unwrap();
    assert_eq!((read.generation, read.base), (Generation::new(u64::MAX), Generation::new(u64::MAX)));
    assert_eq!(text::write(&read), text);
}

/// Edits of good lines: each is a line that something in it contradicts, or another spelling of one.
#[test]
fn what_differs_in_any_way_is_no_record() {
    let handed_over = after(&sealed(), &Write::Grant(candidate(life("b", 1), 5))).unwrap();
    let lines = [vacant(), open(), freezing(), sealed(), frozen(&handed_over, 7, 4, "op")]
        .map(|seen| text::write(seen.record()));
    let [vacant, open, freezing, sealed, frozen] = &lines;
    let id = "00000000000000000000000000000007";
    for (line, from, to) in [
        (vacant, "dnsplan-lead1", "dnsplan1"),
        (vacant, "dnsplan-lead1", "dnsplan-lead"),
        (vacant, "dnsplan-lead1", "dnsplan-lead0"),
        (vacant, "dnsplan-lead1", "dnsplan-lead01"),
        (vacant, "dnsplan-lead1", "dnsplan-lead1x"),
        (vacant, "epoch=0", "epoch=1"),
        (vacant, "epoch=0 ", ""),
        (vacant, "phase=open ", ""),
        (vacant, "epoch=0", "epoch=0 holder=a.1"),
        (vacant, "phase=open", "phase=freezing handoff=7/b"),
        (vacant, "phase=open", &format!("phase=sealed handoff={id}/b position=5")),
        (open, "epoch=1", "epoch=0"),
        (open, "epoch=1", "epoch=2"),
        (open, "epoch=1", "epoch=+1"),
        (open, "epoch=1", "epoch=01"),
        (open, "epoch=1", "epoch=18446744073709551616"),
        (open, "holder=a.1 ", ""),
        (open, "holder=a.1", "holder=A.1"),
        (open, "holder=a.1", "holder=a"),
        (open, "holder=a.1", "holder=a.01"),
        (open, "holder=a.1", "holder=a.1 from=b.1"),
        (open, "holder=a.1", &format!("holder=a.1 origin={id}/b")),
        (open, "holder=a.1", &format!("holder=a.1 from=b.1 origin={id}/b")),
        (open, "holder=a.1", "holder=a.1 holder=a.1"),
        (open, "phase=open", "phase=shut"),
        (open, "phase=open", &format!("phase=open handoff={id}/b")),
        (open, "phase=open", "phase=open position=5"),
        (open, "by=coordinator", "by=Coordinator"),
        (open, " by=coordinator", ""),
        (open, "attempt=0", "attempt="),
        (open, "attempt=0", "attempt=x"),
        (open, "by=coordinator", "by=coordinator "),
        (open, "by=coordinator", "by=coordinator\n"),
        (open, "by=coordinator", "by=coordinator more=1"),
        (open, "epoch=1 ", "epoch=1  "),
        (freezing, "handoff=", "handout="),
        (freezing, &format!("handoff={id}/b"), &format!("handoff={id}")),
        (freezing, &format!("handoff={id}/b"), "handoff=7/b"),
        (freezing, "phase=freezing", "phase=open"),
        (freezing, "phase=freezing", "phase=sealed"),
        (sealed, "phase=sealed", "phase=freezing"),
        (sealed, " position=5", ""),
        (sealed, "position=5", "position=-5"),
        (frozen, "frozen=7", "frozen="),
        (frozen, "frozen=7", "frozen=no"),
        (frozen, "from=a.1 ", ""),
        (frozen, &format!("origin={id}/b "), ""),
        (frozen, "epoch=2", "epoch=1"),
        (frozen, "holder=b.1 from=a.1", "from=a.1 holder=b.1"),
    ] {
        assert_eq!(line.matches(from).count(), 1, "{from} in {line}");
        let edited = line.replace(from, to);
        assert_eq!(text::read(&edited), Err(Malformed::NotARecord(edited.as_str().into())));
    }
    for scribble in ["", " ", "dnsplan-lead1", "dnsplan1 g=1", "heritage=external-dns", "\u{1f512}"] {
        let refused = text::read(scribble).unwrap_err();
        assert!(refused.to_string().contains("find out who wrote it"), "{refused}");
    }
}

/// Nobody may begin anew over a record that only a newer program can read.
#[test]
fn g9_a_later_format_is_told_apart_whatever_it_looks_like() {
    for (text, number) in [
        ("dnsplan-lead2", "2"),
        ("dnsplan-lead2 epoch=1 holder=a.1", "2"),
        ("dnsplan-lead2\n{\"epoch\": 1}", "2"),
        ("dnsplan-lead10 phase=open", "10"),
        ("dnsplan-lead11", "11"),
        ("dnsplan-lead99999999999999999999.1:", "99999999999999999999"),
    ] {
        let refused = text::read(text).unwrap_err();
        assert_eq!(refused, Malformed::LaterFormat(number.into()), "{text}");
        assert!(refused.to_string().contains("stand by"), "{refused}");
    }
}

/// What could not be read back is not written: it would leave a register that nobody can use.
#[test]
fn a_record_that_no_step_leads_to_is_not_written() {
    let edits: [fn(&mut Record<Term>); 6] = [
        |record| record.floor = Generation::new(1),
        |record| record.base = Generation::ZERO,
        |record| record.digest = dnsplan_fence::Digest::ZERO,
        |record| record.flip = dnsplan_fence::Progress::NONE,
        |record| record.generation = Generation::new(3),
        |record| record.payload = Term::vacant(),
    ];
    for edit in edits {
        let mut record = sealed().record().clone();
        edit(&mut record);
        assert!(std::panic::catch_unwind(|| text::write(&record)).is_err(), "{record:?}");
    }
}
