//! The text of a fence record: one record, one text, and nothing else is a record.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

use std::collections::BTreeSet;

use dnsplan_enactor::codec::{Malformed, decode, encode};
use dnsplan_enactor::{FenceRecord, Quarantine, TargetError};
use dnsplan_fence::{Actor, Digest, FreezeId, Generation, Nonce, Progress, Record, Stage};
use dnsplan_plan::OwnerName;
use proptest::prelude::*;

const GOLDEN: &str = "dnsplan1 g=42 d=0101010101010101010101010101010101010101010101010101010101010101 b=41 f=40 p=2/2 \
    s=43/0202020202020202020202020202020202020202020202020202020202020202/1/3 z=7 \
    n=000000000000000000000000000000ff by=enactor-1 \
    e=0303030303030303030303030303030303030303030303030303030303030303 q=api.example. q=www.example. \
    i=mail.example. w=41";

fn full() -> FenceRecord {
    let stage = Stage {
        generation: Generation::new(43),
        digest: Digest::new([2; 32]),
        progress: Progress::new(1, 3).unwrap(),
    };
    Record {
        generation: Generation::new(42),
        digest: Digest::new([1; 32]),
        base: Generation::new(41),
        floor: Generation::new(40),
        flip: Progress::new(2, 2).unwrap(),
        stage: Some(stage),
        freeze: Some(FreezeId::new(7)),
        attempt: Nonce::new(255),
        by: Actor::new("enactor-1").unwrap(),
        payload: Quarantine { whole: Generation::new(41), ..quarantine(2, Digest::new([3; 32]), 1) },
    }
}

fn quarantine(owners: usize, effective: Digest, inherited: usize) -> Quarantine {
    let of = |names: &[&str], count: usize| -> BTreeSet<OwnerName> {
        names.iter().take(count).map(|name| name.parse().unwrap()).collect()
    };
    let owners = of(&["api.example.", "www.example.", "*.example."], owners);
    let inherited = of(&["mail.example.", "x.example."], inherited);
    let effective = if owners.is_empty() { Digest::ZERO } else { effective };
    Quarantine { owners, effective, inherited, ..Quarantine::default() }
}

fn plain() -> FenceRecord {
    FenceRecord { stage: None, freeze: None, payload: Quarantine::default(), ..full() }
}

#[test]
fn format_one_is_what_it_was() {
    assert_eq!(encode(&full()), GOLDEN);
    assert_eq!(decode(GOLDEN), Ok(full()));
}

#[test]
fn every_combination_of_fields_comes_back() {
    let mut count = 0;
    for stage in [None, full().stage] {
        for freeze in [None, Some(FreezeId::new(0)), Some(FreezeId::new(u64::MAX))] {
            for owners in 0..4 {
                for flip in
                    [Progress::NONE, Progress::new(0, 2).unwrap(), Progress::new(u32::MAX, u32::MAX).unwrap()]
                {
                    for inherited in 0..3 {
                        let payload = quarantine(owners, Digest::new([9; 32]), inherited);
                        let record = FenceRecord { stage, freeze, payload, flip, ..full() };
                        assert_eq!(decode(&encode(&record)), Ok(record));
                        count += 1;
                    }
                }
            }
        }
    }
    assert_eq!(count, 216);
}

/// An edited text is no record, or the text of exactly the record it now spells.
fn refused_or_another(text: &str, original: &FenceRecord) {
    if let Ok(record) = decode(text) {
        assert_eq!(encode(&record), text, "two texts of one record");
        assert_ne!(&record, original, "{text:?} is believed to be a record it does not spell");
    }
}

#[test]
fn any_edit_of_one_character_is_refused_or_spells_another_record() {
    for record in [full(), plain()] {
        let text = encode(&record);
        for at in 0..text.len() {
            let (head, tail) = text.split_at(at);
            assert_ne!(decode(head).as_ref(), Ok(&record), "cut off at {at}");
            refused_or_another(head, &record);
            refused_or_another(&format!("{head}{}", &tail[1..]), &record);
            for c in "0aA=/. \t\n\"é".chars() {
                refused_or_another(&format!("{head}{c}{tail}"), &record);
                if !tail.starts_with(c) {
                    refused_or_another(&format!("{head}{c}{}", &tail[1..]), &record);
                }
            }
        }
        for extra in [" ", "\n", " x=1", " g=42", " q=api.example.", " i=api.example.", " z=7"] {
            refused_or_another(&format!("{text}{extra}"), &record);
        }
    }
}

#[test]
fn what_is_almost_a_record_is_none() {
    let text = encode(&plain());
    let bad = [
        String::new(),
        "dnsplan1".to_owned(),
        text.replace("dnsplan1", "dnsplan0"),
        text.replace("dnsplan1", "dnsplan01"),
        text.replace("dnsplan1", "dnsplan"),
        text.replace("dnsplan1", "dnsplan-lead2"),
        text.replace("g=42", "g=042"),
        text.replace("g=42", "g=+42"),
        text.replace("g=42", "g=18446744073709551616"),
        text.replace("p=2/2", "p=3/2"),
        text.replace("p=2/2", "p=2"),
        text.replace("n=00", "n=0"),
        text.replace("by=enactor-1", "by=Enactor"),
        text.replace("0101", "01G1"),
        text.replace(" b=41 f=40", " f=40 b=41"),
        format!("{text} e={}", Digest::new([3; 32])),
        format!("{text} q=api.example."),
        format!("{text} z=x"),
        text.replace(" n=", " s=43/00/1/3 n="),
        format!("\"{text}\""),
    ];
    for text in bad {
        assert_eq!(decode(&text), Err(Malformed::NotARecord(text.as_str().into())));
    }
}

/// Nobody may begin anew over a record that only a newer program can read.
#[test]
fn g5_a_later_format_is_told_apart_whatever_it_looks_like() {
    for (text, number) in [
        ("dnsplan2".to_owned(), "2"),
        (encode(&full()).replace("dnsplan1", "dnsplan2"), "2"),
        ("dnsplan2\n{\"generation\": 1} c=1 c=2".to_owned(), "2"),
        ("dnsplan10 g=1".to_owned(), "10"),
        ("dnsplan11".to_owned(), "11"),
        ("dnsplan99999999999999999999.1:".to_owned(), "99999999999999999999"),
    ] {
        let whole = checked(&text);
        let Err(Malformed::LaterFormat(refused)) = decode(&whole) else { panic!("{whole}") };
        let says = format!("is of format {number}, and this program reads format 1");
        let refused = TargetError::from(refused).to_string();
        assert!(refused.contains(&says) && refused.contains("upgraded"), "{refused}");
    }
    assert_eq!(checked("dnsplan2 whatever=it-says"), "dnsplan2 whatever=it-says c=c0d198716548f025");
}

fn checked(body: &str) -> String {
    format!("{body} c={}", &blake3::hash(body.as_bytes()).to_hex()[..16])
}

/// What happened to a record of ours, or to one of a later format, heals without a person.
#[test]
fn g5_no_accident_and_no_scribble_passes_for_a_later_format() {
    let later = checked("dnsplan2 whatever=it-says");
    for at in 0..later.len() {
        for to in (0..8).map(|bit| char::from(later.as_bytes()[at] ^ (1 << bit))) {
            let flipped = format!("{}{to}{}", &later[..at], &later[at + 1..]);
            assert_eq!(decode(&flipped), Err(Malformed::NotARecord(flipped.as_str().into())), "{flipped:?}");
        }
    }
    let ours = encode(&full());
    for number in (0..10).filter(|number| *number != 1) {
        let text = ours.replace("dnsplan1", &format!("dnsplan{number}"));
        assert_eq!(decode(&text), Err(Malformed::NotARecord(text.as_str().into())));
    }
    for body in ["dnsplan1 g=1", "dnsplan0", "dnsplan02", "dnsplan", "dnsplan-lead2", " dnsplan2", "2", ""] {
        let text = checked(body);
        assert_eq!(decode(&text), Err(Malformed::NotARecord(text.as_str().into())));
    }
    for text in
        ["dnsplan2", "dnsplan2 c=", "dnsplan2 c=\u{e9}", &format!("{later}0"), &later[..later.len() - 1]]
    {
        assert_eq!(decode(text), Err(Malformed::NotARecord(text.into())));
    }
}

#[test]
fn the_owners_are_set_aside_in_one_order_only() {
    let swapped = GOLDEN.replace("q=api.example. q=www.example.", "q=www.example. q=api.example.");
    assert!(decode(&swapped).is_err());
}

#[test]
fn a_typical_record_fits_two_character_strings() {
    // RFC 1035 section 3.3: a character-string of a TXT record holds 255 octets.
    let typical =
        FenceRecord { payload: Quarantine::default(), freeze: Some(FreezeId::new(u64::MAX)), ..full() };
    assert!(encode(&typical).len() < 255 * 2);
    assert!(encode(&plain()).len() <= 255, "and without a stage one will do: {}", encode(&plain()).len());
}

fn any_record() -> impl Strategy<Value = FenceRecord> {
    let progress =
        || (any::<u32>(), any::<u32>()).prop_map(|(a, b)| Progress::new(a.min(b), a.max(b)).unwrap());
    let generation = || any::<u64>().prop_map(Generation::new);
    let stage = (generation(), any::<[u8; 32]>(), progress());
    let heads = (generation(), any::<[u8; 32]>(), generation(), generation(), progress());
    let rest =
        (proptest::option::of(stage), proptest::option::of(any::<u64>()), any::<u128>(), "[a-z0-9-]{1,32}");
    let owners = (proptest::collection::btree_set("[a-z0-9_*-]{1,12}", 0..5), any::<[u8; 32]>());
    (heads, rest, owners).prop_map(
        |((g, digest, base, floor, flip), (stage, freeze, nonce, by), (names, effective))| {
            let of = |parent: &str| -> BTreeSet<OwnerName> {
                names.iter().filter_map(|name| format!("{name}.{parent}").parse().ok()).collect()
            };
            let (owners, inherited) = (of("example."), of("was.example."));
            let effective = if owners.is_empty() { Digest::ZERO } else { Digest::new(effective) };
            let stage = stage.filter(|(staged, ..)| *staged > g && *staged >= floor);
            let stage = stage.map(|(generation, digest, progress)| Stage {
                generation,
                digest: Digest::new(digest),
                progress,
            });
            Record {
                generation: g,
                digest: Digest::new(digest),
                base: base.min(g),
                floor,
                flip,
                stage,
                freeze: freeze.map(FreezeId::new),
                attempt: Nonce::new(nonce),
                by: Actor::new(&by).unwrap(),
                payload: Quarantine { owners, effective, inherited, whole: base.min(g) },
            }
        },
    )
}

#[test]
fn a_record_that_no_permit_leads_to_is_not_believed() {
    let mut above = full();
    above.base = above.generation.next().unwrap();
    let mut behind = full();
    behind.stage = behind.stage.map(|stage| Stage { generation: behind.generation, ..stage });
    let mut below_live = full();
    below_live.stage = below_live.stage.map(|stage| Stage { generation: Generation::new(41), ..stage });
    let mut whole = full();
    whole.payload.whole = Generation::new(43);
    let below_floor = FenceRecord { floor: Generation::new(44), ..full() };
    for record in [above, behind, below_live, below_floor, whole] {
        assert!(decode(&encode(&record)).is_err(), "{record:?}");
    }
    let at_the_floor = FenceRecord { floor: Generation::new(43), ..full() };
    let at_its_base = FenceRecord { base: Generation::new(42), ..full() };
    for record in [at_the_floor, at_its_base] {
        assert_eq!(decode(&encode(&record)), Ok(record), "and what one leads to is");
    }
}

#[test]
fn names_of_any_bytes_come_back() {
    for label in [&b"a b"[..], b"a=b", b"\x00", b"\"", b"\xff", b"a.b", b"0x61", b"a\\b"] {
        let length = u8::try_from(label.len()).unwrap();
        let wire = [&[length], label, b"\x07example\x00"].concat();
        let owners = BTreeSet::from([OwnerName::from_wire(&wire).unwrap()]);
        let record = FenceRecord {
            payload: Quarantine { owners, effective: Digest::new([1; 32]), ..Quarantine::default() },
            ..full()
        };
        assert_eq!(decode(&encode(&record)), Ok(record), "{label:?}");
    }
}

proptest! {
    #[test]
    fn any_record_comes_back(record in any_record()) {
        prop_assert_eq!(decode(&encode(&record)), Ok(record));
    }

    #[test]
    fn no_text_is_half_believed(text in "(dnsplan1 )?[a-z0-9=/ .*-]{0,80}") {
        if let Ok(record) = decode(&text) {
            prop_assert_eq!(encode(&record), text);
        }
    }
}
