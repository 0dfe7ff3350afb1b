//! What the monitor tells of, and what it keeps quiet about.

use std::time::Duration;

use dnsplan_fence::Generation;
use dnsplan_leadership::monitor::{
    Alarm, Claim, Instance, Limits, Monitor, News, Poll, Refusals, Register, Sign,
};
use dnsplan_leadership::{Seen, Write};

use crate::support::{ID, after, candidate, demand, freezing, life, node, open, sealed, vacant};

const LIMITS: Limits =
    Limits { skew: Duration::from_secs(5), stuck: Duration::from_secs(15), stale: Duration::from_secs(5) };

/// Epoch 2, granted after the hand-off.
fn granted(name: &str) -> Seen {
    after(&sealed(), &Write::Grant(candidate(life(name, 1), 5))).expect("permitted")
}

/// What one poll finds.
#[derive(Clone)]
struct Found {
    seconds: u64,
    claims: Vec<(&'static str, Claim)>,
    advertised: Option<&'static str>,
    refused: Vec<(&'static str, u64, u64)>,
    register: Option<Option<Seen>>,
}

/// A poll in which all is well under that record: `writer` is the writer, by both signs.
fn found(seconds: u64, seen: &Seen, writer: &'static str) -> Found {
    let claim = |name| (name, if name == writer { WRITER } else { Claim::Reader });
    let claims = ["a", "b", "c"].map(claim).to_vec();
    Found {
        seconds,
        claims,
        advertised: Some(writer),
        refused: Vec::new(),
        register: Some(Some(seen.clone())),
    }
}

const WRITER: Claim = Claim::Writer(None);

fn under(epoch: u64) -> Claim {
    Claim::Writer(Some(Generation::new(epoch)))
}

impl Found {
    fn claiming(mut self, claims: &[(&'static str, Claim)]) -> Self {
        self.claims = claims.to_vec();
        self
    }

    fn advertising(mut self, name: Option<&'static str>) -> Self {
        self.advertised = name;
        self
    }

    fn refusing(mut self, refused: &[(&'static str, u64, u64)]) -> Self {
        self.refused = refused.to_vec();
        self
    }

    fn registered(mut self, register: Option<Option<Seen>>) -> Self {
        self.register = register;
        self
    }

    fn tell(&self, monitor: &mut Monitor) -> News {
        let instance = |(name, claim): &(&str, Claim)| Instance { node: node(name), claim: *claim };
        let instances: Vec<Instance> = self.claims.iter().map(instance).collect();
        let advertised = self.advertised.map(node);
        let refusals = |(client, epoch, total): &(&str, u64, u64)| Refusals {
            client: (*client).to_owned(),
            epoch: Generation::new(*epoch),
            total: *total,
        };
        let refused: Vec<Refusals> = self.refused.iter().map(refusals).collect();
        monitor.observe(&Poll {
            at: Duration::from_secs(self.seconds),
            instances: &instances,
            advertised: advertised.as_ref(),
            refused: &refused,
            register: match &self.register {
                Some(Some(seen)) => Register::Record(seen),
                Some(None) => Register::Absent,
                None => Register::Unknown,
            },
        })
    }
}

/// What each poll raises and clears, one after the other.
fn told(polls: &[Found]) -> Vec<News> {
    let mut monitor = Monitor::new(LIMITS);
    polls.iter().map(|poll| poll.tell(&mut monitor)).collect()
}

fn quiet() -> News {
    News::default()
}

fn raised(alarms: &[Alarm]) -> News {
    News { raised: alarms.to_vec(), cleared: Vec::new() }
}

fn cleared(alarms: &[Alarm]) -> News {
    News { raised: Vec::new(), cleared: alarms.to_vec() }
}

fn two(names: [&str; 2]) -> Alarm {
    Alarm::TwoWriters(names.map(node).to_vec())
}

fn unexplained(sign: Sign, name: &str) -> Alarm {
    Alarm::Unexplained { sign, node: node(name) }
}

fn reverted(sign: Sign) -> Alarm {
    Alarm::Reverted { sign, holder: node("a"), by_way_of: node("b") }
}

/// The moments of a planned hand-off from `a` to `b`, in which nothing is instant: claims and names lag behind the record,
/// and a client hears of the end by being refused. `end` is who the next epoch is granted to.
fn moments(end: &'static str) -> Vec<Found> {
    let idle = [("a", Claim::Reader), ("b", Claim::Reader), ("c", Claim::Unreachable)];
    let (open, freezing, sealed, granted) = (open(), freezing(), sealed(), granted(end));
    let refused: &[_] = &[("client", 1, 3)];
    vec![
        found(0, &open, "a").claiming(&[("a", under(1)), ("b", Claim::Reader)]),
        found(1, &freezing, "a").claiming(&[("a", under(1)), ("b", Claim::Reader)]),
        found(2, &freezing, "a").claiming(&idle),
        found(3, &sealed, "a").claiming(&idle).refusing(refused),
        // Something else than the record has promoted it already, and knows of no epoch.
        found(4, &sealed, end).claiming(&[("a", Claim::Unreachable), (end, WRITER)]).refusing(refused),
        found(5, &sealed, end).registered(None).refusing(refused),
        found(6, &granted, "a").claiming(&idle).refusing(refused),
        found(7, &granted, "a").claiming(&[("a", under(1)), ("b", Claim::Reader)]).refusing(refused),
        found(8, &granted, "a").claiming(&[(end, under(2))]).refusing(refused),
        found(9, &granted, end).refusing(refused),
        found(60, &granted, end).refusing(refused),
        found(600, &granted, end),
    ]
}

#[test]
fn an_ordinary_hand_off_raises_nothing_whenever_it_is_looked_at() {
    let moments = moments("b");
    for looked_at in 0..1_u32 << moments.len() {
        let polls = moments.iter().enumerate().filter(|(place, _)| looked_at & 1 << place != 0);
        let polls: Vec<Found> = polls.map(|(_, poll)| poll.clone()).collect();
        assert!(told(&polls).iter().all(|news| *news == quiet()), "{looked_at:b}: {:?}", told(&polls));
    }
}

/// Rolled back before anybody else was promoted: the holder is the writer again, under a new epoch.
#[test]
fn a_hand_off_that_is_rolled_back_raises_nothing() {
    let mut polls = moments("a");
    polls.retain(|poll| poll.seconds != 4 && poll.seconds != 5);
    assert!(told(&polls).iter().all(|news| *news == quiet()), "{:?}", told(&polls));
}

#[test]
fn two_writers_are_told_of_at_once_and_once() {
    let open = open();
    let both = |seconds| {
        found(seconds, &open, "a").claiming(&[("a", WRITER), ("b", under(1)), ("c", Claim::Reader)])
    };
    let alarm = [two(["a", "b"])];
    let told = told(&[found(0, &open, "a"), both(1), both(2), found(3, &open, "a"), both(4)]);
    assert_eq!(told, [quiet(), raised(&alarm), quiet(), cleared(&alarm), raised(&alarm)]);
    let twins = found(0, &open, "a").claiming(&[("a", WRITER), ("a", WRITER)]);
    assert_eq!(self::told(&[twins]), [raised(&[two(["a", "a"])])], "two instances share a name");
}

/// The failover of October 2025: the promotion undoes itself, and nothing says so.
#[test]
fn a_writer_that_comes_back_without_a_new_epoch_is_told_of_in_that_poll() {
    let sealed = sealed();
    let polls = ["a", "b", "a", "a", "b", "a"].into_iter().zip(0..);
    let mut polls: Vec<Found> = polls.map(|(writer, seconds)| found(seconds, &sealed, writer)).collect();
    polls.push(found(6, &granted("a"), "a"));
    let alarms = [reverted(Sign::Claimed), reverted(Sign::Advertised)];
    let news = told(&polls);
    assert_eq!(news[..3], [quiet(), quiet(), raised(&alarms)]);
    assert_eq!(news[3..], [quiet(), quiet(), quiet(), cleared(&alarms)], "until a new epoch is granted");
}

#[test]
fn each_sign_alone_shows_that_the_writer_came_back() {
    let sealed = sealed();
    let idle = [("a", Claim::Unreachable)];
    for sign in [Sign::Claimed, Sign::Advertised] {
        let polls = ["a", "b", "a"].map(|writer| match sign {
            Sign::Claimed => found(1, &sealed, writer).advertising(None),
            Sign::Advertised => found(1, &sealed, writer).claiming(&idle),
        });
        assert_eq!(told(&polls), [quiet(), quiet(), raised(&[reverted(sign)])]);
    }
}

/// Where a new epoch's holder was not seen yet, what is seen is left over from before.
#[test]
fn what_lags_behind_a_new_epoch_is_not_its_first_writer() {
    let second = granted("b");
    let polls = ["a", "b", "a", "b"].map(|name| found(0, &second, "b").advertising(Some(name)));
    let back = Alarm::Reverted { sign: Sign::Advertised, holder: node("b"), by_way_of: node("a") };
    assert_eq!(told(&polls), [quiet(), quiet(), quiet(), raised(&[back])]);
}

/// With a new epoch in between the same moves are hand-offs. Where the register does not answer there is none.
#[test]
fn coming_back_under_a_new_epoch_is_no_reversal() {
    let second = granted("b");
    let frozen = after(&second, &Write::Freeze(demand(&second, "a"))).unwrap();
    let order = frozen.order().unwrap().done(dnsplan_leadership::Position::new(9));
    let recorded = after(&frozen, &Write::Record(order)).unwrap();
    let third = after(&recorded, &Write::Grant(candidate(life("a", 1), 9))).unwrap();
    let polls = [found(0, &open(), "a"), found(1, &second, "b"), found(2, &third, "a")];
    assert!(told(&polls).iter().all(|news| *news == quiet()));
    let unheard = polls.map(|poll| if poll.seconds > 0 { poll.registered(None) } else { poll });
    assert_eq!(told(&unheard)[2].raised, [reverted(Sign::Claimed), reverted(Sign::Advertised)]);
}

#[test]
fn a_writer_that_the_record_does_not_name_is_told_of_after_the_skew() {
    let open = open();
    for sign in [Sign::Claimed, Sign::Advertised] {
        let wrong = |seconds| match sign {
            Sign::Claimed => found(seconds, &open, "b").advertising(Some("a")),
            Sign::Advertised => found(seconds, &open, "a").advertising(Some("b")),
        };
        let alarm = [unexplained(sign, "b")];
        let early = told(&[wrong(0), wrong(4), found(5, &open, "c").advertising(None)]);
        assert!(early.iter().all(|news| *news == quiet()), "{early:?}");
        let told = told(&[wrong(0), wrong(4), wrong(5), wrong(60), found(61, &open, "c").advertising(None)]);
        assert_eq!(told, [quiet(), quiet(), raised(&alarm), quiet(), cleared(&alarm)]);
    }
}

#[test]
fn who_the_record_explains_depends_on_the_seal() {
    let is_told = |seen: &Seen, writer| told(&[found(0, seen, writer), found(9, seen, writer)])[1] != quiet();
    for (seen, writer, expected) in [
        (vacant(), "a", true),
        (open(), "a", false),
        (open(), "b", true),
        // Promoted before the seal: the holder's writes are still accepted.
        (freezing(), "b", true),
        (freezing(), "a", false),
        (sealed(), "a", false),
        (sealed(), "b", false),
        (sealed(), "c", true),
        (granted("b"), "a", true),
        (granted("b"), "b", false),
    ] {
        assert_eq!(is_told(&seen, writer), expected, "{writer} under {seen:?}");
    }
    let unread = [found(0, &open(), "b").registered(None), found(9, &open(), "b").registered(None)];
    assert!(told(&unread).iter().all(|news| *news == quiet()), "nothing is known of who leads");
}

#[test]
fn an_epoch_that_falls_is_told_of_at_once() {
    let (first, second) = (open(), granted("b"));
    let of_register = [Alarm::Backwards { instance: None, from: Generation::new(2) }];
    let unheard = found(2, &first, "b").registered(None);
    let polls = [found(0, &second, "b"), found(1, &first, "b"), unheard, found(3, &second, "b")];
    assert_eq!(told(&polls), [quiet(), raised(&of_register), quiet(), cleared(&of_register)]);
    let gone = [found(0, &second, "b"), found(1, &second, "b").registered(Some(None))];
    assert_eq!(told(&gone)[1], raised(&of_register));
    let from_nothing = [found(0, &first, "a").registered(Some(None)), found(1, &first, "a")];
    assert!(told(&from_nothing).iter().all(|news| *news == quiet()));
    let of_instance = [Alarm::Backwards { instance: Some(node("b")), from: Generation::new(2) }];
    let claims = |seconds, epoch| found(seconds, &second, "b").claiming(&[("b", under(epoch))]);
    let fell = told(&[claims(0, 2), claims(1, 1), claims(2, 1), claims(3, 2)]);
    assert_eq!(fell, [quiet(), raised(&of_instance), quiet(), cleared(&of_instance)]);
}

#[test]
fn a_hand_off_that_does_not_end_is_told_of_in_either_phase() {
    let epoch = open().epoch().unwrap();
    let alarm = [Alarm::Stuck { epoch, handoff: ID }];
    for seen in [freezing(), sealed()] {
        let polls = [
            found(0, &freezing(), "a"),
            found(14, &seen, "a"),
            found(15, &seen, "a"),
            // Nothing says that it has ended.
            found(16, &seen, "a").registered(None),
            found(17, &granted("a"), "a"),
        ];
        assert_eq!(told(&polls), [quiet(), quiet(), raised(&alarm), quiet(), cleared(&alarm)]);
    }
    let second = granted("b");
    let frozen = after(&second, &Write::Freeze(demand(&second, "a"))).unwrap();
    let another = [found(0, &freezing(), "a"), found(14, &frozen, "b"), found(16, &frozen, "b")];
    assert!(told(&another).iter().all(|news| *news == quiet()), "another hand-off has time of its own");
}

#[test]
fn a_client_that_keeps_being_refused_is_told_of() {
    let second = granted("b");
    let refusing = |seconds, total| found(seconds, &second, "b").refusing(&[("x", 1, total), ("y", 1, 7)]);
    let alarm = [Alarm::SilentStale { client: "x".to_owned(), epoch: Generation::new(1) }];
    let polls =
        [refusing(0, 5), refusing(1, 6), refusing(5, 7), refusing(6, 8), refusing(7, 9), refusing(8, 9)];
    let news = told(&polls);
    assert_eq!(news, [quiet(), quiet(), quiet(), raised(&alarm), quiet(), cleared(&alarm)]);
    // Those that have stopped in between, or were counted before anybody looked, were told what they had to know.
    let pauses = [refusing(0, 5), refusing(1, 6), refusing(5, 6), refusing(6, 7), refusing(9, 8)];
    assert!(told(&pauses).iter().all(|news| *news == quiet()));
    let set_back = [refusing(0, 9), refusing(1, 1), refusing(7, 2)];
    assert_eq!(told(&set_back)[2], raised(&alarm));
    let new = [found(0, &second, "b"), refusing(1, 1), refusing(7, 2)];
    assert_eq!(told(&new)[2], raised(&alarm));
    let nothing = [found(0, &second, "b"), refusing(1, 0), refusing(7, 0)];
    assert!(told(&nothing).iter().all(|news| *news == quiet()), "it was never refused: {:?}", told(&nothing));
}

#[test]
fn what_is_wrong_now_can_be_asked_for_and_says_what_to_do() {
    let mut monitor = Monitor::new(LIMITS);
    let both = found(0, &open(), "a").claiming(&[("a", WRITER), ("b", WRITER)]);
    let _: News = both.tell(&mut monitor);
    assert_eq!(monitor.active().iter().collect::<Vec<_>>(), [&two(["a", "b"])]);
    let epoch = open().epoch().unwrap();
    for (alarm, says) in [
        (two(["a", "b"]), "a and b claim to be the writer at once: stop"),
        (
            reverted(Sign::Claimed),
            "went from a to b and back without a new epoch, by what the instances claim",
        ),
        (
            unexplained(Sign::Advertised, "b"),
            "b is the writer, by what the endpoint's name leads to, and the record",
        ),
        (Alarm::Backwards { instance: None, from: Generation::new(2) }, "the register's epoch fell below 2"),
        (
            Alarm::Backwards { instance: Some(node("b")), from: Generation::new(2) },
            "the epoch of b fell below 2",
        ),
        (Alarm::Stuck { epoch, handoff: ID }, "of epoch 1 does not end: resume it"),
        (
            Alarm::SilentStale { client: "x".to_owned(), epoch: Generation::new(1) },
            "x keeps writing under epoch 1",
        ),
    ] {
        assert!(alarm.to_string().contains(says), "{alarm}");
    }
}
