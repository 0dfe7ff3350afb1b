//! A zone with other people's records in it, and plans that want what a server or somebody else does not let them have.

use std::sync::{Arc, Mutex};

use dnsplan_enactor::conformance::{CountedNonces, VirtualClock, World, sample_zone};
use dnsplan_enactor::{Config, Enactor, Event, Rest, Target};
use dnsplan_fence::{Actor, ParentGeneration};
use dnsplan_name_servers::{Key, Software};
use dnsplan_plan::{
    Member, MemoryStore, Node, Plan, PlanStore, Proposal, Provenance, RRset, RecordType, TargetId, Timestamp,
    Ttl, Zone, rdata,
};
use dnsplan_rfc2136::{Rfc2136Target, Settings, Weights};

use crate::common::{FENCE, Place, owner, until};

pub(crate) async fn bed(software: Software) -> (Arc<Place>, World<Rfc2136Target>) {
    let place = Place::start(software);
    let target = place.target("rfc2136:others").await;
    (place, World::around(target))
}

/// The same world with a target that remembers nothing.
pub(crate) async fn forgetful(place: &Place, world: &World<Rfc2136Target>) -> World<Rfc2136Target> {
    World {
        store: Arc::clone(&world.store),
        target: place.target("rfc2136:others").await,
        clock: Arc::clone(&world.clock),
        nonces: Arc::clone(&world.nonces),
    }
}

pub(crate) async fn publish(world: &World<Rfc2136Target>, zone: Zone) -> Arc<Plan> {
    let head = world.store.head(world.target.zone()).await.unwrap();
    let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
    let provenance = Provenance::new("test", Timestamp::from_millis(0), "a test");
    let nonce = dnsplan_enactor::Nonces::next(&*world.nonces);
    world.store.append(parent, Proposal { zone, provenance }, nonce).await.unwrap()
}

fn rrset(record_type: &str, texts: &[&str]) -> RRset {
    let origin = "example.".parse().unwrap();
    let data = texts.iter().map(|text| rdata(record_type, text, &origin).unwrap());
    RRset::simple(Ttl::new(60).unwrap(), data).unwrap()
}

pub(crate) fn with(mut zone: Zone, label: &str, record_type: &str, texts: &[&str]) -> Zone {
    zone.set_rrset(owner(label), rrset(record_type, texts)).unwrap();
    zone
}

pub(crate) type Watched = Enactor<MemoryStore, Rfc2136Target, VirtualClock, CountedNonces>;

/// An enactor, and what it sets aside.
pub(crate) fn watched(world: &World<Rfc2136Target>) -> (Watched, Arc<Mutex<Vec<String>>>) {
    let aside = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&aside);
    let (store, target) = (Arc::clone(&world.store), Arc::clone(&world.target));
    let (clock, nonces) = (Arc::clone(&world.clock), Arc::clone(&world.nonces));
    let enactor = Enactor::new(store, target, clock, nonces, Actor::new("e1").unwrap())
        .with_config(Config::default())
        .with_observer(Arc::new(move |event| {
            match event {
                Event::Quarantined { owners, reason, .. } => {
                    let mut heard = heard.lock().unwrap();
                    heard.extend(owners.iter().map(|owner| format!("{owner} {reason}")));
                }
                // What a server has ignored is found by an audit at the latest. It must not come to that.
                Event::Repaired(owners) => heard.lock().unwrap().push(format!("repaired {owners:?}")),
                _ => {}
            }
        }));
    (enactor, aside)
}

/// Puts a zone in place, and says what was set aside: owner names, sorted, and all reasons.
pub(crate) async fn enact(place: &Place, world: &World<Rfc2136Target>, zone: Zone) -> (Vec<String>, String) {
    let plan = publish(world, zone).await;
    let (mut enactor, aside) = watched(world);
    let rest = enactor.pass().await;
    assert_eq!(rest, Ok(Rest::Live(plan.generation())), "{}", place.primary.log());
    let aside = aside.lock().unwrap();
    let mut names: Vec<String> =
        aside.iter().filter_map(|text| text.split(' ').next()).map(ToOwned::to_owned).collect();
    names.sort();
    names.dedup();
    (names, aside.join("\n"))
}

/// What others have: by hand, by external-dns (with its registry, old and new), by octoDNS; below a name that plans have, and beside
/// one, of another type.
const THEIRS: [(&str, &str, &str); 11] = [
    ("by-hand", "A", "203.0.113.7"),
    ("by-hand", "MX", "10 mail.example.net."),
    ("shop", "A", "203.0.113.8"),
    ("shop", "TXT", "\"heritage=external-dns,external-dns/owner=cluster-1\""),
    ("a-shop", "TXT", "\"heritage=external-dns,external-dns/owner=cluster-1\""),
    ("octodns-meta", "TXT", "\"provider=octodns.provider.yaml.YamlProvider\""),
    ("sub", "NS", "ns.example.net."),
    ("deep.api", "A", "203.0.113.11"),
    ("info", "MX", "20 mail.example.net."),
    ("by-type", "TYPE65400", "\\# 3 010203"),
    ("@", "MX", "30 mail.example.net."),
];

fn put_theirs(place: &Place) {
    let lines = THEIRS.map(|(name, kind, text)| format!("update add {} 300 {kind} {text}", owner(name)));
    place.by_hand(&lines);
}

fn assert_theirs(place: &Place, software: Software) {
    for (name, kind, text) in THEIRS.iter().filter(|(name, ..)| *name != "sub") {
        let record_type: RecordType = match *kind {
            "TYPE65400" => RecordType::from(65400),
            kind => kind.parse().unwrap(),
        };
        let node = place.answered(&owner(name), record_type);
        let there = node.get(record_type).unwrap_or_else(|| panic!("{software}: {name} {kind} is gone"));
        assert_eq!((there.len(), there.ttl().seconds()), (1, 300), "{software}: {name} {kind} was touched");
        if !kind.starts_with("TYPE") {
            assert!(there.data().eq(rrset(kind, &[text]).data()), "{software}: {name} {kind} was touched");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_peoples_records_are_not_touched() {
    for software in Software::ALL {
        let (place, world) = bed(software).await;
        put_theirs(&place);
        for number in 1..6 {
            let plan = world.publish(number).await;
            assert_eq!(world.pass("e1").await, Ok(Rest::Live(plan.generation())), "{software}");
        }
        place.by_hand(&[format!("update delete {FENCE} TXT")]);
        let plan = world.publish(6).await;
        assert_eq!(world.pass("e2").await, Ok(Rest::Live(plan.generation())), "{software}");
        let world = forgetful(&place, &world).await;
        place.by_hand(&[format!("update delete {FENCE} TXT")]);
        let plan = world.publish(7).await;
        assert_eq!(world.pass("e3").await, Ok(Rest::Live(plan.generation())), "{software}");
        assert_theirs(&place, software);
        assert_eq!(place.number(), Some(7));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_somebody_else_has_is_left_to_them_and_the_rest_goes_on() {
    for software in Software::ALL {
        let (place, world) = bed(software).await;
        put_theirs(&place);
        place.by_hand(&[
            "update add alias-1.example. 300 CNAME elsewhere.example.net.",
            "update add named-1.example. 300 TYPE65400 \\# 1 00",
        ]);
        assert_eq!(enact(&place, &world, sample_zone(1)).await.0, [] as [&str; 0], "{software}");
        let zone = with(sample_zone(2), "by-hand", "A", &["192.0.2.99"]);
        let zone = with(zone, "shop", "A", &["192.0.2.98"]);
        // A server ignores these two, and says that all went well.
        let zone = with(zone, "alias-1", "A", &["192.0.2.97"]);
        let zone = with(zone, "named-1", "CNAME", &["api"]);
        // What is there to the letter is there already.
        let zone = with(zone, "info", "MX", &["20 mail.example.net."]);
        let (aside, reasons) = enact(&place, &world, zone.clone()).await;
        let theirs = ["alias-1.example.", "by-hand.example.", "named-1.example.", "shop.example."];
        assert_eq!(aside, [&theirs[..], &["info.example."]].concat().into_sorted(), "{software}: {reasons}");
        assert!(reasons.contains("no plan has put it there"), "{reasons}");
        assert_theirs(&place, software);
        assert_eq!(place.number(), Some(2), "{software}");
        // Once the name is free, the next plan has it.
        place.by_hand(&["update delete by-hand.example. A", "update delete alias-1.example. CNAME"]);
        let (aside, reasons) = enact(&place, &world, with(zone, "later", "A", &["192.0.2.96"])).await;
        assert_eq!(aside, ["info.example.", "named-1.example.", "shop.example."], "{software}: {reasons}");
        let node = place.answered(&owner("alias-1"), RecordType::A);
        assert_eq!(node, Node::new().with(rrset("A", &["192.0.2.97"])), "{software}");
    }
}

/// As above, but each by itself: nothing else in the message is a reason to look what is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_would_ignore_is_refused_before_anything_is_written() {
    for software in Software::ALL {
        for (theirs, kind, text) in [
            ("CNAME elsewhere.example.net.", "A", "192.0.2.95"),
            ("TYPE65400 \\# 1 00", "CNAME", "api"),
            ("A 203.0.113.1", "A", "192.0.2.95"),
        ] {
            let (place, world) = bed(software).await;
            assert_eq!(enact(&place, &world, sample_zone(1)).await.0, [] as [&str; 0]);
            place.by_hand(&[format!("update add x.example. 300 {theirs}")]);
            let (aside, reasons) = enact(&place, &world, with(sample_zone(2), "x", kind, &[text])).await;
            assert_eq!(aside, ["x.example."], "{software} {theirs}: {reasons}");
            assert_eq!(place.number(), Some(2), "{software}");
        }
    }
}

trait Sorted {
    fn into_sorted(self) -> Self;
}

impl<T: Ord> Sorted for Vec<T> {
    fn into_sorted(mut self) -> Self {
        self.sort();
        self
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_changes_between_cname_and_other_records_as_a_unit() {
    for software in Software::ALL {
        let (place, world) = bed(software).await;
        let cname = || with(sample_zone(1), "turn", "CNAME", &["api"]);
        let others = |text| with(with(sample_zone(2), "turn", "A", &[text]), "turn", "TXT", &["x"]);
        for zone in [cname(), others("192.0.2.9"), cname(), others("192.0.2.10")] {
            let wanted = Node::clone(zone.node(&owner("turn")).unwrap());
            // Whoever puts it in place remembers nothing of the one before.
            let world = forgetful(&place, &world).await;
            assert_eq!(enact(&place, &world, zone).await.0, [] as [&str; 0], "{software}");
            let mut there = place.answered(&owner("turn"), RecordType::TXT);
            if there.get(RecordType::CNAME).is_none() {
                place.answered(&owner("turn"), RecordType::A).rrsets().for_each(|a| there.insert(a.clone()));
            }
            assert_eq!(there, wanted, "{software}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cname_changes_its_target_and_its_ttl() {
    for software in Software::ALL {
        let (place, world) = bed(software).await;
        for (number, target, ttl) in [(1, "api", 60), (2, "info", 60), (3, "info", 30), (4, "api", 90)] {
            let data = rdata("CNAME", target, &"example.".parse().unwrap()).unwrap();
            let alias = RRset::simple(Ttl::new(ttl).unwrap(), [data]).unwrap();
            let mut zone = sample_zone(number);
            zone.set_rrset(owner("turn"), alias.clone()).unwrap();
            let (aside, reasons) = enact(&place, &world, zone).await;
            assert_eq!(aside, [] as [&str; 0], "{software} {number}: {reasons}");
            let there = place.answered(&owner("turn"), RecordType::CNAME);
            assert_eq!(there, Node::new().with(alias), "{software} {number}");
            let head = world.store.head(world.target.zone()).await.unwrap().unwrap();
            let audit = world.target.audit(&head, &Default::default()).await.unwrap();
            assert!(audit.differing.is_empty(), "{software} {number}");
        }
    }
}

/// Somebody has put a CNAME where a plan has an address, or the other way round: that is drift, and is repaired.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_in_between_at_a_name_of_ours_gives_way() {
    for software in Software::ALL {
        let (place, world) = bed(software).await;
        assert_eq!(enact(&place, &world, sample_zone(1)).await.0, [] as [&str; 0]);
        let drift = || {
            place.by_hand(&["update delete api.example.", "update delete www.example."]);
            place.by_hand(&[
                "update add api.example. 60 CNAME elsewhere.example.net.",
                "update add www.example. 60 A 203.0.113.99",
            ]);
        };
        drift();
        let again = forgetful(&place, &world).await;
        let head = world.store.head(world.target.zone()).await.unwrap().unwrap();
        assert_eq!(again.pass("e2").await, Ok(Rest::Live(head.generation())), "{software}");
        assert_eq!(place.number(), Some(1), "{software}");
        drift();
        // The next plan changes them anyway.
        let zone = with(sample_zone(2), "www", "CNAME", &["info"]);
        assert_eq!(enact(&place, &again, zone).await.0, [] as [&str; 0], "{software}");
        assert_eq!(place.number(), Some(2), "{software}");
        let www = place.answered(&owner("www"), RecordType::CNAME);
        assert_eq!(www, Node::new().with(rrset("CNAME", &["info"])), "{software}");
    }
}

/// A wildcard answers for names that are not there, the fence's among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wildcards_stand_for_nothing_that_is_there() {
    for software in Software::ALL {
        let (place, world) = bed(software).await;
        place.by_hand(&[
            "update add *.example. 60 TXT \"who knows\"",
            "update add *.example. 60 A 203.0.113.1",
        ]);
        assert_eq!(enact(&place, &world, sample_zone(1)).await.0, [] as [&str; 0], "{software}");
        assert_eq!(place.number(), Some(1), "{software}");
        let zone = with(sample_zone(2), "new", "A", &["192.0.2.9"]);
        assert_eq!(enact(&place, &world, zone).await.0, [] as [&str; 0], "{software}");
        let new = place.answered(&owner("new"), RecordType::A);
        assert_eq!(new, Node::new().with(rrset("A", &["192.0.2.9"])), "{software}");
        place.by_hand(&[format!("update delete {FENCE} TXT")]);
        assert_eq!(enact(&place, &world, sample_zone(3)).await.0, [] as [&str; 0], "{software}");
        let wild = place.answered(&owner("whatever"), RecordType::A);
        assert_eq!(wild, Node::new().with(rrset("A", &["203.0.113.1"])), "{software}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cname_in_the_fences_place_is_told_and_not_taken_for_success() {
    for software in Software::ALL {
        let (place, world) = bed(software).await;
        place.by_hand(&[format!("update add {FENCE} 60 CNAME elsewhere.example.net.")]);
        world.publish(1).await;
        let error = world.pass("e1").await.unwrap_err().to_string();
        assert!(error.contains("there is a CNAME at _dnsplan.example."), "{software}: {error}");
        place.by_hand(&[format!("update delete {FENCE}")]);
        assert!(matches!(world.pass("e1").await, Ok(Rest::Live(_))), "{software}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_many_types_go_in_and_come_back_as_they_were() {
    for software in Software::ALL {
        let (place, world) = bed(software).await;
        let long = format!("\"{}\" \"{}\"", "a".repeat(255), "b".repeat(200));
        let mut zone = sample_zone(1);
        for (name, kind, texts) in [
            ("@", "MX", &["10 mail", "20 mail.example.net."][..]),
            ("@", "TXT", &["\"v=spf1 -all\"", "\"with \\\"quotes\\\" and \\\\\""]),
            ("@", "CAA", &["0 issue \"ca.example.net\""]),
            ("mail", "A", &["192.0.2.25"]),
            ("six", "AAAA", &["2001:db8::1", "2001:db8::2"]),
            ("long", "TXT", &[&long]),
            ("_sip._tcp", "SRV", &["10 20 5060 sip"]),
            ("sip", "A", &["192.0.2.60"]),
            ("sub", "NS", &["ns1.sub", "ns.example.net."]),
            ("ns1.sub", "A", &["192.0.2.61"]),
            ("*.wild", "A", &["192.0.2.62"]),
            (
                "_443._tcp.www2",
                "TLSA",
                &["3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"],
            ),
            ("svc", "HTTPS", &["1 . alpn=\"h2\" port=8443"]),
            ("ptr", "PTR", &["api"]),
        ] {
            zone = with(zone, name, kind, texts);
        }
        let (aside, reasons) = enact(&place, &world, zone.clone()).await;
        assert_eq!(aside, [] as [&str; 0], "{software}: {reasons}");
        let head = world.store.head(world.target.zone()).await.unwrap().unwrap();
        let audit = world.target.audit(&head, &Default::default()).await.unwrap();
        assert!(audit.differing.is_empty(), "{software}: {:?}", audit.differing);
        // Read back, it is what was put there, but for what belongs to the server and to others.
        let import = dnsplan_rfc2136::import::axfr(place.settings()).await.unwrap();
        assert!(import.is_managed);
        let mut left: Vec<String> = import.left_out.iter().map(|left| left.owner.to_string()).collect();
        left.dedup();
        assert_eq!(left, ["sub.example.", "ns1.sub.example."], "{software}: {:?}", import.left_out);
        for (key, rrset) in &import.rrsets {
            assert_eq!(zone.rrset(&key.owner, key.record_type), Some(rrset), "{software}: {key}");
        }
        assert_eq!(import.rrsets.len() + 2 + 2, zone.rrset_count(), "{software}");
        // And taking it away leaves nothing behind.
        assert_eq!(enact(&place, &world, sample_zone(2)).await.0, [] as [&str; 0], "{software}");
        let import = dnsplan_rfc2136::import::axfr(place.settings()).await.unwrap();
        assert_eq!(import.rrsets.len() + 2, sample_zone(2).rrset_count(), "{software}");
        assert!(import.left_out.is_empty(), "{software}: {:?}", import.left_out);
    }
}

pub(crate) fn weighted(record_type: &str, members: &[(&str, u8, &str)]) -> RRset {
    let origin = "example.".parse().unwrap();
    let member = |(id, weight, text): &(&str, u8, &str)| Member {
        id: (*id).into(),
        weight: *weight,
        health_check: None,
        data: rdata(record_type, text, &origin).unwrap(),
    };
    RRset::weighted(Ttl::new(60).unwrap(), members.iter().map(member)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_are_refused_or_spread_as_the_settings_say() {
    let place = Place::start(Software::Knot);
    let mut zone = sample_zone(1);
    let members = [("a", 3, "192.0.2.1"), ("b", 0, "192.0.2.2"), ("c", 1, "192.0.2.3")];
    zone.set_rrset(owner("w"), weighted("A", &members)).unwrap();
    let world = World::around(place.target("rfc2136:refuse").await);
    let (aside, reasons) = enact(&place, &world, zone.clone()).await;
    assert_eq!(aside, ["w.example."]);
    assert!(reasons.contains("has no weights"), "{reasons}");
    let settings = Settings { weights: Weights::Spread, ..place.settings() };
    let target = Rfc2136Target::connect(TargetId::new("rfc2136:spread"), settings).await.unwrap();
    let world = World { target: Arc::new(target), ..world };
    zone.set_rrset(owner("c"), weighted("CNAME", &[("a", 1, "x"), ("b", 2, "y"), ("c", 2, "z")])).unwrap();
    assert_eq!(enact(&place, &world, zone).await.0, [] as [&str; 0]);
    let w = place.answered(&owner("w"), RecordType::A);
    assert_eq!(w, Node::new().with(rrset("A", &["192.0.2.1", "192.0.2.3"])));
    let c = place.answered(&owner("c"), RecordType::CNAME);
    assert_eq!(c, Node::new().with(rrset("CNAME", &["y"])));
}

/// What a server makes to sign the zone is its own: it is no drift, and in nobody's way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_that_the_server_signs_is_like_any_other() {
    for (software, options) in [
        (Software::Bind, "dnssec-policy default; inline-signing no;"),
        (Software::Knot, "template:\n  - id: default\n    dnssec-signing: on"),
    ] {
        let place = Place::start_with(software, Some(Key::sample("hmac-sha256")), options);
        until("the zone to be signed", || {
            let apex = place.answered(&owner("@"), RecordType::DNSKEY);
            apex.get(RecordType::DNSKEY).is_some()
        })
        .await;
        let world = World::around(place.target("rfc2136:signed").await);
        let turned = |number, to: Option<(&str, &str)>| match to {
            Some((kind, text)) => with(sample_zone(number), "turn", kind, &[text]),
            None => sample_zone(number),
        };
        let (address, alias) = (Some(("A", "192.0.2.9")), Some(("CNAME", "api")));
        for (number, to, is_set_aside) in [
            (1, address, false),
            // Knot would leave the CNAME out, and the name with nothing.
            (2, alias, true),
            (3, None, false),
            (4, alias, false),
            // Nor may it be without one in between.
            (5, Some(("CNAME", "info")), false),
            (6, address, false),
        ] {
            let (aside, reasons) = enact(&place, &world, turned(number, to)).await;
            assert_eq!(!aside.is_empty(), is_set_aside, "{software} {number}: {reasons}");
            assert_eq!(place.number(), Some(number), "{software}");
            let kept = if is_set_aside { address } else { to };
            let node = kept.map(|(kind, text)| Node::new().with(rrset(kind, &[text]))).unwrap_or_default();
            let there = place.answered(&owner("turn"), RecordType::A);
            assert_eq!(there, node, "{software} {number}");
        }
        let head = world.store.head(world.target.zone()).await.unwrap().unwrap();
        let audit = world.target.audit(&head, &Default::default()).await.unwrap();
        assert!(audit.differing.is_empty(), "{software}: {:?}", audit.differing);
        let import = dnsplan_rfc2136::import::axfr(place.settings()).await.unwrap();
        assert!(import.left_out.is_empty(), "{software}: {:?}", import.left_out);
        assert_eq!(import.rrsets.len() + 2, head.zone().rrset_count(), "{software}");
    }
}

/// BIND refuses an update as a whole for a name that is no host's, and for a large RRset; it does not say which.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_bind_is_known_to_refuse_is_set_aside_and_the_rest_goes_on() {
    let (place, world) = bed(Software::Bind).await;
    assert_eq!(enact(&place, &world, sample_zone(1)).await.0, [] as [&str; 0]);
    let zone = with(sample_zone(2), "no_host", "A", &["192.0.2.9"]);
    let many: Vec<String> = (0..200).map(|index| format!("192.0.2.{index}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let zone = with(zone, "lost", "MX", &["10 nowhere"]);
    let (aside, reasons) = enact(&place, &world, with(zone, "many", "A", &many)).await;
    assert_eq!(
        aside,
        ["lost.example.", "many.example.", "no_host.example."],
        "{reasons}\n{}",
        place.primary.log()
    );
    assert_eq!(place.number(), Some(2));
}
