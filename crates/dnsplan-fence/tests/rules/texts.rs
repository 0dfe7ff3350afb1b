//! What operators read and type: identifiers, generations and refusals as text, and the way back.

use std::sync::Arc;

use dnsplan_fence::{
    Actor, Digest, Fenced, FreezeId, Generation, InvalidDigest, Move, Nonce, ObservedGeneration, Offer,
    OfferedGeneration, ParentGeneration, Part, Progress, Refused, Standing,
};

use crate::support::{HEAD, actor, g, live, part, plan, progress, rival, see};

/// The bytes 0, 1, 2 and so on up to 31.
fn counting() -> Digest {
    Digest::new(std::array::from_fn(|index| u8::try_from(index).expect("32 bytes")))
}

const COUNTING: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[test]
fn a_digest_is_written_as_64_digits_and_read_back() {
    assert_eq!(counting().to_string(), COUNTING);
    for text in [COUNTING, &COUNTING.to_uppercase()] {
        assert_eq!(text.parse(), Ok(counting()), "{text}");
    }
    assert_eq!(Digest::new([0xfe; 32]).to_string().parse(), Ok(Digest::new([0xfe; 32])));
    assert_eq!(counting().short(), "00010203", "four bytes tell two plans apart");
    assert_eq!(format!("{:?}", counting()), "Digest(00010203)");
}

#[test]
fn what_is_not_64_hexadecimal_digits_is_no_digest() {
    let bad = [
        String::new(),
        COUNTING[1..].to_owned(),
        COUNTING[2..].to_owned(),
        format!("{COUNTING}0"),
        format!("{COUNTING}00"),
        COUNTING.replacen("00", "0g", 1),
        COUNTING.replacen("00", "+0", 1),
        COUNTING.replacen("00", "\u{e9}", 1),
    ];
    for text in bad {
        assert_eq!(text.parse::<Digest>(), Err(InvalidDigest), "{text:?}");
    }
}

#[test]
fn nonces_freezes_and_actors_are_written_as_what_they_are() {
    let nonce = Nonce::new(0xab_cdef);
    assert_eq!(nonce.to_string(), "00000000000000000000000000abcdef", "as wide as every other");
    assert_eq!(format!("{nonce:?}"), "Nonce(abcdef)");
    let freeze = FreezeId::new(7);
    assert_eq!(
        (freeze.get(), freeze.to_string(), format!("{freeze:?}")),
        (7, "7".into(), "FreezeId(7)".into())
    );
    let enactor = actor("enactor-1");
    assert_eq!((enactor.as_str(), enactor.to_string()), ("enactor-1", "enactor-1".to_owned()));
    assert_eq!(format!("{enactor:?}"), "Actor(enactor-1)");
}

#[test]
fn an_actors_name_has_1_to_32_lower_case_letters_digits_and_hyphens() {
    for name in ["a", "0", "-", "enactor-1", &"z9".repeat(16)] {
        assert_eq!(Actor::new(name).map(|actor| actor.to_string()), Ok(name.to_owned()));
    }
    for name in ["", &"a".repeat(33), "Enactor", "two words", "host.example", "a_b", "\u{e9}"] {
        let refused = Actor::new(name).expect_err(name);
        let told = format!("actor name {name:?}: use 1 to 32 characters of a-z, 0-9 and '-'");
        assert_eq!(refused.to_string(), told);
    }
}

#[test]
fn a_generation_reads_the_same_in_every_role() {
    let parent = ParentGeneration::of(&plan(7));
    assert_eq!(parent, ParentGeneration::recorded(g(7)));
    assert_eq!(Generation::from(ParentGeneration::NONE), Generation::ZERO);
    let (observed, offered) = (live(7).observed(), plan(7).offered());
    let numbers: [Generation; 3] = [parent.into(), observed.into(), offered.into()];
    assert_eq!(numbers.map(Generation::get), [7, 7, 7]);
    assert_eq!([parent.to_string(), observed.to_string(), offered.to_string(), g(7).to_string()], ["7"; 4]);
    assert_eq!(format!("{:?} {parent:?} {observed:?}", g(7)), "g7 ParentGeneration(7) ObservedGeneration(7)");
    assert_eq!(format!("{offered:?}"), "OfferedGeneration(7)");
    assert!(g(0).is_zero() && !g(1).is_zero());
}

fn refusal(standing: Standing, offered: &impl Offer, action: Move) -> Refused {
    see(&live(5), standing).permit(offered, action, Nonce::new(1), &actor("me")).expect_err("refused")
}

#[test]
fn a_refusal_names_both_sides() {
    let standing = || Standing::new(g(HEAD));
    let apply = Move::Apply(Part::ONLY);
    let conflict = refusal(standing(), &rival(5), apply);
    assert_eq!(
        conflict.to_string(),
        "generation 5 exists with other content (offered c8c8c8c8, there 05050505 by before)"
    );
    let frozen = refusal(standing().frozen_by(Some(FreezeId::new(3))), &plan(6), apply);
    assert_eq!(frozen.to_string(), "frozen by freeze 3");
    let above = refusal(standing(), &plan(10), apply);
    assert_eq!(above.to_string(), "generation 10 is not the store's head 9, read after the record");
    let reap = refusal(standing(), &plan(6), Move::Reap(g(5)));
    assert_eq!(reap.to_string(), "the record does not allow Reap(g5) now");
    let (offered, by) = (plan(6).offered(), actor("before"));
    let below = Refused::BelowFloor { offered, floor: g(8), by };
    assert_eq!(below.to_string(), "generation 6 is below the floor 8 that before set");
}

#[test]
fn a_plan_behind_a_reference_is_fenced_by_its_own_number_and_content() {
    let shared = Arc::new(rival(6));
    let apply = |offered: &dyn Offer| {
        let permit = see(&live(5), Standing::new(g(HEAD)))
            .permit(&offered, Move::Apply(Part::ONLY), Nonce::new(1), &actor("me"))
            .expect("permitted");
        (permit.next().generation, permit.next().digest)
    };
    let plain = (g(6), rival(6).digest());
    assert_eq!([apply(&*shared), apply(&&*shared), apply(&shared)], [plain; 3]);
}

#[test]
fn what_a_sighting_is_made_of_can_be_asked() {
    let freeze = Some(FreezeId::new(3));
    let standing = Standing::new(g(HEAD)).frozen_by(freeze);
    assert_eq!((standing.head(), standing.freeze()), (g(HEAD), freeze));
    assert_eq!(Standing::new(g(HEAD)).freeze(), None);
    let sighting = see(&live(5), standing);
    let observed: ObservedGeneration = sighting.generation();
    let offered: OfferedGeneration = plan(5).offered();
    assert_eq!((Generation::from(observed), sighting.record()), (offered.into(), &live(5)));
    assert_eq!((sighting.head().head(), sighting.head().frozen()), (g(HEAD), freeze));
}

#[test]
fn parts_and_progress_know_their_places() {
    let places = [part(0, 3), part(1, 3), part(2, 3), Part::ONLY]
        .map(|part| (part.index(), part.of(), part.is_first(), part.is_last()));
    let expected = [(0, 3, true, false), (1, 3, false, false), (2, 3, false, true), (0, 1, true, true)];
    assert_eq!(places, expected);
    assert_eq!((progress(2, 5).done(), progress(2, 5).of()), (2, 5));
    assert_eq!(Progress::new(5, 5), Some(progress(5, 5)));
    assert_eq!(Progress::new(6, 5), None, "more than all");
    assert_eq!(Progress::default(), Progress::NONE);
}

/// A tree may be large, and of a type that cannot be written out.
struct Opaque;

#[test]
fn a_cell_and_a_snapshot_are_logged_without_their_trees() {
    let cell = Fenced::restored(live(5), Opaque);
    let snapshot = cell.snapshot().expect("live");
    assert_eq!(format!("{snapshot:?}"), "Snapshot { generation: g5, .. }");
    assert_eq!(format!("{cell:?}"), format!("Fenced {{ record: {:?}, .. }}", cell.load()));
}
