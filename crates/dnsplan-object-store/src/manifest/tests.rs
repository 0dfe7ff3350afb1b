use dnsplan_fence::Generation;
use dnsplan_leadership::{Floor, Position, WriteId};

use super::{KEPT, Manifest};

fn written(writes: u128) -> Manifest {
    let accept = |manifest: Manifest, number| {
        let floor = Floor::recorded(Generation::new(3));
        manifest.accepting(
            floor,
            WriteId::new(number),
            format!("content {number}\nof two lines").into_bytes(),
        )
    };
    (1..=writes).fold(Manifest::empty(), accept)
}

#[test]
fn a_manifest_comes_back_as_it_was() {
    for writes in [0, 1, 2, KEPT as u128, KEPT as u128 + 5] {
        let manifest = written(writes);
        assert_eq!(Manifest::decode(&manifest.encode()), Some(manifest), "{writes}");
    }
}

#[test]
fn the_last_writes_are_known_by_their_ids() {
    let manifest = written(KEPT as u128 + 5);
    assert_eq!(manifest.find(WriteId::new(37)), Some(Position::new(37)));
    assert_eq!(manifest.find(WriteId::new(6)), Some(Position::new(6)));
    assert_eq!(manifest.find(WriteId::new(5)), None, "it is forgotten");
    assert!(!manifest.is_complete() && written(KEPT as u128).is_complete());
}

#[test]
fn anything_else_is_no_manifest() {
    for body in [
        "",
        "dnsplan-manifest1 floor=0 position=0 ids=",
        "dnsplan-manifest2 floor=0 position=0 ids=\n",
        "dnsplan-manifest1 floor=00 position=0 ids=\n",
        "dnsplan-manifest1 floor=-1 position=0 ids=\n",
        "dnsplan-manifest1 floor=0 position=0 ids=00000000000000000000000000000001\n",
        "dnsplan-manifest1 floor=0 position=1 ids=1\n",
        "dnsplan-manifest1 floor=0 position=1 ids=00000000000000000000000000000001,\n",
        "somebody else's",
    ] {
        assert_eq!(Manifest::decode(body.as_bytes()), None, "{body:?}");
    }
}
