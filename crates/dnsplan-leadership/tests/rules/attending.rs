//! What a node makes of a record, and what a resource accepts.

use dnsplan_fence::Generation;
use dnsplan_leadership::{Floor, Stance, Write, attend};

use crate::support::{after, candidate, demand, freezing, life, open, sealed, vacant};

#[test]
fn a_node_leads_drains_and_stops_as_the_record_says() {
    let me = life("a", 1);
    let epoch = open().epoch().unwrap();
    let mut stance = Stance::Follows;
    for (seen, expected) in [
        (vacant(), Stance::Follows),
        (open(), Stance::Leads(epoch)),
        (open(), Stance::Leads(epoch)),
        (freezing(), Stance::Drains(epoch)),
        (open(), Stance::Drains(epoch)),
        (sealed(), Stance::Stopped(epoch)),
        (freezing(), Stance::Stopped(epoch)),
        (open(), Stance::Stopped(epoch)),
        (vacant(), Stance::Stopped(epoch)),
    ] {
        stance = attend(&seen, &me, stance);
        assert_eq!(stance, expected, "{seen:?}");
    }
}

#[test]
fn a_node_that_first_sees_the_end_does_not_begin() {
    let (me, epoch) = (life("a", 1), open().epoch().unwrap());
    assert_eq!(attend(&freezing(), &me, Stance::Follows), Stance::Drains(epoch));
    assert_eq!(attend(&sealed(), &me, Stance::Follows), Stance::Stopped(epoch));
}

#[test]
fn g9_another_life_or_node_is_not_the_holder() {
    for other in [life("a", 2), life("b", 1)] {
        assert_eq!(attend(&open(), &other, Stance::Follows), Stance::Follows);
    }
}

#[test]
fn a_later_epoch_is_taken_up_or_deposes() {
    let (first, me) = (open().epoch().unwrap(), life("a", 1));
    let back = after(&sealed(), &Write::Grant(candidate(me.clone(), 5))).unwrap();
    let gone = after(&sealed(), &Write::Grant(candidate(life("b", 1), 5))).unwrap();
    let second = back.epoch().unwrap();
    for stance in [Stance::Leads(first), Stance::Drains(first), Stance::Stopped(first)] {
        assert_eq!(attend(&back, &me, stance), Stance::Leads(second), "rolled back under a new epoch");
        assert_eq!(attend(&gone, &me, stance), Stance::Stopped(first));
    }
    let frozen = after(&back, &Write::Freeze(demand(&back, "b"))).unwrap();
    assert_eq!(attend(&frozen, &me, Stance::Stopped(first)), Stance::Drains(second));
    for (me, late) in
        [(me, open()), (life("b", 1), open()), (life("a", 1), freezing()), (life("a", 1), sealed())]
    {
        let stance = attend(&late, &me, Stance::Leads(second));
        assert_eq!(stance, Stance::Leads(second), "a record that comes late changes nothing");
    }
}

#[test]
fn g9_a_refused_write_stops_its_epoch_alone() {
    let first = open().epoch().unwrap();
    let second = after(&sealed(), &Write::Grant(candidate(life("a", 1), 5))).unwrap().epoch().unwrap();
    assert_eq!(Stance::Leads(first).fenced(first), Stance::Stopped(first));
    assert_eq!(Stance::Leads(second).fenced(first), Stance::Leads(second));
    assert_eq!(Stance::Follows.fenced(first), Stance::Follows);
    assert!(Stance::Follows.epoch().is_none() && Stance::Drains(second).epoch() == Some(second));
}

#[test]
fn g9_a_floor_never_falls_and_refuses_what_is_below_it() {
    let first = open().epoch().unwrap();
    let second = after(&sealed(), &Write::Grant(candidate(life("a", 1), 5))).unwrap().epoch().unwrap();
    let lowest = |floor: Floor| floor.lowest().get();
    assert_eq!(lowest(Floor::NONE.admit(first).unwrap()), 1);
    assert_eq!(lowest(Floor::NONE.admit(second).unwrap()), 2);
    let sealed = Floor::NONE.seal(first);
    assert_eq!((lowest(sealed), sealed.seal(first), lowest(sealed.admit(second).unwrap())), (2, sealed, 2));
    let refused = sealed.admit(first).unwrap_err();
    assert_eq!((refused.mine, refused.floor), (first, Generation::new(2)));
    assert!(refused.to_string().starts_with("epoch 1 is over: the resource accepts nothing below 2"));
    assert_eq!(Floor::NONE.seal(second).seal(first), Floor::NONE.seal(second));
    assert_eq!(Floor::recorded(sealed.lowest()), sealed);
}
