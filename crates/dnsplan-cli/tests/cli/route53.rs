//! Hosted zones of Route 53, at a fake that speaks its protocol.

mod bad_input;
mod import;
mod rehearsal;

use dnsplan_route53_fake::{Options, Propagation, RecordSet};
use serde_json::Value;

use crate::harness::{Hosted, number, wait_for};
use crate::spec::{spec, two_zones, web, without_endpoint};

const LAYOUTS: [&str; 2] = ["in-place", "tree"];

fn web_at(hosted: &Hosted) -> Vec<String> {
    hosted.answer("web.example.org", "A")
}

fn wait_web(hosted: &Hosted, mark: u8) {
    wait_for(&web(mark), || (web_at(hosted) == [web(mark)]).then_some(()));
}

/// What the store knows of the hosted zone.
fn status(hosted: &Hosted) -> Value {
    let status = hosted.cell.json(&["status"]);
    let targets = status["zones"][0]["targets"].as_array().unwrap();
    let its = targets.iter().find(|target| target["target"] == hosted.target.as_str());
    its.unwrap_or_else(|| panic!("{status:#}")).clone()
}

fn wait_confirmed(hosted: &Hosted, generation: u64) {
    wait_for("the confirmation", || (number(&status(hosted)["confirmed"]) >= generation).then_some(()));
}

#[test]
fn an_enactor_puts_the_newest_plan_into_the_hosted_zone_and_keeps_it_there() {
    for (layout, said) in LAYOUTS.into_iter().zip(["(in place)", "(tree)"]) {
        let hosted = Hosted::new();
        hosted.publish(&spec(1));
        let mut enactor = hosted.enactor(layout);
        let ready = enactor.wait_out("ready: ");
        let expected =
            format!("ready: enacting example.org. at {} {said}, generation 1 is live", hosted.target);
        assert_eq!(ready, expected);
        assert_eq!(web_at(&hosted), [web(1)]);
        assert_eq!(hosted.answer("any.tenants.example.org", "CNAME"), ["api.example.org."]);
        hosted.publish(&spec(2));
        wait_web(&hosted, 2);
        wait_confirmed(&hosted, 2);
        let status = status(&hosted);
        assert_eq!((number(&status["live"]), &status["state"]), (2, &"live".into()), "{status:#}");
        assert!(hosted.fence().contains("dnsplan1 g=2 "), "{}", hosted.fence());
        for signal in ["TERM", "INT"] {
            enactor.signal(signal);
            assert_eq!(enactor.end().code(), Some(0), "{}", enactor.err());
            enactor.wait_err("stopped");
            enactor = hosted.enactor(layout);
            assert!(enactor.out().contains("generation 2 is live"), "{}", enactor.out());
        }
    }
}

#[test]
fn an_enactor_without_a_plan_waits_for_the_first_one() {
    let hosted = Hosted::new();
    let enactor = hosted.enactor("in-place");
    assert!(enactor.out().contains("no plan yet"), "{}", enactor.out());
    hosted.publish(&spec(7));
    wait_web(&hosted, 7);
    // What another zone's plan says is no business of this hosted zone.
    hosted.cell.save("other.toml", crate::spec::OTHER_ZONE);
    hosted.cell.ok(&["publish", "other.toml"]);
    hosted.publish(&spec(8));
    wait_web(&hosted, 8);
    assert_eq!(hosted.answer("www.example.net", "A"), [""; 0]);
}

#[test]
fn several_processes_work_on_one_hosted_zone_and_one_is_killed_and_restarted() {
    for layout in LAYOUTS {
        let hosted = Hosted::new();
        hosted.publish(&spec(1));
        let start = || {
            hosted.start(&[
                "enactor",
                "--target",
                &hosted.target,
                "--layout",
                layout,
                "--poll",
                "0.05",
                "--takeover",
                "0.5",
            ])
        };
        let mut enactors = [start(), start()];
        enactors.iter().for_each(|enactor| drop(enactor.wait_out("generation 1 is live")));
        let mut newest = 1;
        for mark in 2..12 {
            hosted.publish(&spec(mark));
            if mark == 5 {
                enactors[0].kill();
            }
            if mark == 8 {
                enactors[0] = start();
            }
            let answered = web_at(&hosted);
            let seen: u8 = answered[0].rsplit('.').next().unwrap().parse().unwrap();
            assert!(seen >= newest, "{seen} after {newest}");
            newest = seen;
        }
        wait_web(&hosted, 11);
        wait_confirmed(&hosted, 11);
        enactors.iter_mut().for_each(crate::harness::Daemon::assert_alive);
        let names: std::collections::BTreeSet<String> = hosted
            .fake
            .accepted()
            .iter()
            .filter_map(|batch| {
                batch
                    .changes
                    .iter()
                    .rev()
                    .find(|change| change.record_set.name.starts_with("_dnsplan."))
                    .cloned()
            })
            .filter_map(|change| change.record_set.values[0].split("by=").nth(1).map(str::to_owned))
            .collect();
        assert!(!names.is_empty() && names.iter().all(|name| name.starts_with("enactor-")), "{names:?}");
    }
}

#[test]
fn what_no_plan_has_put_there_is_left_alone() {
    for layout in LAYOUTS {
        let hosted = Hosted::new();
        let foreign = [
            RecordSet::new("elsewhere.example.org.", "A").ttl(60).value("203.0.113.9"),
            RecordSet::new("mail.example.org.", "MX").ttl(60).value("10 mx.example.net."),
        ];
        foreign.iter().for_each(|set| hosted.fake.put_by_hand(&hosted.zone_id, set));
        hosted.publish(&spec(1));
        let enactor = hosted.enactor(layout);
        // Retired by name, the endpoint goes; what is not the plan's stays.
        let retire = "\n[[retire]]\nname = \"api\"\nreason = \"a test\"\n[guards]\nmax_removal = { share = 1.0, count = 9 }\n";
        let text = without_endpoint(2).replace("data = \"api\"", "data = \"web\"");
        hosted.publish(&format!("{text}{retire}"));
        wait_confirmed(&hosted, 2);
        assert_eq!(hosted.answer("api.example.org", "A"), [""; 0], "{}", enactor.err());
        for set in foreign {
            assert_eq!(
                hosted.fake.find(&hosted.zone_id, &set.name, &set.record_type),
                std::slice::from_ref(&set)
            );
        }
    }
}

#[test]
fn drift_is_restored_at_the_next_audit() {
    let hosted = Hosted::new();
    hosted.publish(&spec(1));
    let args = ["enactor", "--target", &hosted.target, "--poll", "0.05", "--audit-every", "0.2"];
    let enactor = hosted.start(&args);
    enactor.wait_out("ready: ");
    hosted.fake.remove_by_hand(&hosted.zone_id, "web.example.org", "A");
    wait_web(&hosted, 1);
    enactor.wait_err("restored web.example.org.");
}

#[test]
fn apply_publishes_and_enacts_from_here() {
    for layout in LAYOUTS {
        let hosted = Hosted::new();
        hosted.cell.save("spec.toml", &spec(1));
        let apply = ["apply", "spec.toml", "--target", &hosted.target, "--layout", layout];
        let said = hosted.ok(&apply);
        let live = format!("example.org. generation 1 is live at {}.", hosted.target);
        assert!(said.contains(&live), "{said}");
        assert_eq!(web_at(&hosted), [web(1)]);
        assert_eq!((number(&status(&hosted)["confirmed"]), &status(&hosted)["state"]), (1, &"live".into()));
        let changes = hosted.changes();
        let again = hosted.run(&[&apply[..], &["--format", "json"]].concat()).expect(0).json();
        assert_eq!((&again["schema"], &again["live"]), (&"dnsplan.apply/1".into(), &true.into()));
        assert_eq!(
            (&again["plans"][0]["is_new"], &again["target"]),
            (&false.into(), &hosted.target.as_str().into())
        );
        assert_eq!(hosted.changes(), changes, "what is there is not written again");
        hosted.cell.save("spec.toml", &spec(2));
        hosted.ok(&apply);
        assert_eq!(web_at(&hosted), [web(2)]);
    }
}

#[test]
fn while_changes_spread_status_says_so_and_apply_gives_up_in_time() {
    let hosted = Hosted::with(Options { propagation: Propagation::Manual, ..Options::default() });
    hosted.cell.save("spec.toml", &spec(1));
    let late = ["apply", "spec.toml", "--target", &hosted.target, "--layout", "tree", "--timeout", "2"];
    let on_their_way = "still on their way to the edges";
    hosted.run(&late).expect(1).says(&[
        "published, but after 2 s not confirmed by",
        on_their_way,
        "dnsplan enactor --target",
    ]);
    let state = status(&hosted)["state"].as_str().unwrap().to_owned();
    assert!(state.contains(on_their_way), "{state}");
    assert!(hosted.cell.ok(&["status"]).contains(on_their_way));
    // Nothing points at what is not everywhere yet.
    assert_eq!(hosted.fake.find(&hosted.zone_id, "web.example.org", "A"), []);
    // Whoever goes on does not know what is on its way, and begins anew after a while.
    let enactor = hosted.start(&[
        "enactor",
        "--target",
        &hosted.target,
        "--layout",
        "tree",
        "--poll",
        "0.05",
        "--takeover",
        "0.3",
    ]);
    let ready = wait_for("the ready line", || {
        hosted.fake.propagate();
        enactor.out().lines().next().map(str::to_owned)
    });
    assert!(ready.contains("generation 1 is live"), "{ready}");
    assert_eq!(web_at(&hosted), [web(1)]);
}

#[test]
fn a_freeze_stops_enacting() {
    let hosted = Hosted::new();
    hosted.publish(&spec(1));
    let enactor = hosted.enactor("in-place");
    hosted.cell.ok(&["freeze", "--reason", "a look around"]);
    wait_for("the freeze in the record", || hosted.fence().contains(" z=1").then_some(()));
    let apply = ["apply", "spec.toml", "--target", &hosted.target];
    hosted.run(&apply).expect(3).says(&["frozen by", "a look around"]);
    let changes = hosted.changes();
    drop(enactor);
    let enactor = hosted.enactor("in-place");
    assert!(enactor.out().contains("frozen by freeze 1"), "{}", enactor.out());
    assert_eq!(hosted.changes(), changes);
    hosted.cell.ok(&["unfreeze"]);
    hosted.publish(&spec(2));
    wait_web(&hosted, 2);
}

#[test]
fn the_layout_can_be_changed_with_a_new_plan_and_without() {
    let hosted = Hosted::new();
    for (mark, layout) in [(1, "in-place"), (2, "tree"), (3, "in-place"), (3, "tree"), (3, "in-place")] {
        hosted.cell.save("spec.toml", &spec(mark));
        hosted.ok(&["apply", "spec.toml", "--target", &hosted.target, "--layout", layout]);
        assert_eq!(web_at(&hosted), [web(mark)]);
        for name in ["web.example.org", "api.example.org"] {
            let sets = hosted.fake.find(&hosted.zone_id, name, "A");
            assert!(
                !sets.is_empty() && sets.iter().all(|set| set.alias.is_some() == (layout == "tree")),
                "{sets:?}"
            );
        }
    }
}

#[test]
fn what_cannot_be_put_in_place_is_set_aside_and_said() {
    let hosted = Hosted::new();
    hosted.cell.save("spec.toml", &spec(1));
    let apply = ["apply", "spec.toml", "--target", &hosted.target];
    hosted.ok(&apply);
    // Somebody has a record where the next plan wants one.
    let taken = RecordSet::new("new.example.org.", "A").ttl(60).value("203.0.113.9");
    hosted.fake.put_by_hand(&hosted.zone_id, &taken);
    let wanted = "\n[[record]]\nname = \"new\"\ntype = \"A\"\ndata = \"192.0.2.99\"\n";
    hosted.cell.save("spec.toml", &format!("{}{wanted}", spec(2)));
    hosted.run(&apply).expect(1).says(&[
        "somebody else's",
        "generation 2 of example.org. is live at",
        "but for new.example.org., which is set aside",
    ]);
    assert_eq!(web_at(&hosted), [web(2)]);
    assert_eq!(hosted.fake.find(&hosted.zone_id, "new.example.org", "A"), [taken]);
    assert_eq!(status(&hosted)["state"], "live, 1 owner names set aside");
}

#[test]
fn of_a_spec_with_several_zones_only_the_hosted_zones_is_published() {
    let hosted = Hosted::new();
    hosted.cell.save("spec.toml", &two_zones(1));
    hosted.ok(&["apply", "spec.toml", "--target", &hosted.target]);
    assert_eq!(web_at(&hosted), [web(1)]);
    let zones = hosted.cell.json(&["history"])["zones"].clone();
    let names: Vec<&Value> = zones.as_array().unwrap().iter().map(|zone| &zone["zone"]).collect();
    assert_eq!(names, ["example.org."]);
}

#[test]
fn apply_waits_for_the_edges() {
    let hosted = Hosted::with(Options { propagation: Propagation::Manual, ..Options::default() });
    hosted.cell.save("spec.toml", &spec(1));
    let mut apply = hosted.start(&["apply", "spec.toml", "--target", &hosted.target]);
    let state = || hosted.cell.json(&["status"])["zones"][0]["targets"][0]["state"].clone();
    wait_for("the generation", || apply.out().contains("generation 1").then_some(()));
    wait_for("the report", || (state() == "live, on its way to the edges").then_some(()));
    apply.assert_alive();
    assert_eq!(web_at(&hosted), [""; 0]);
    hosted.fake.propagate();
    let run = apply.finish().expect(0);
    assert!(run.out.contains("generation 1 is live at"), "{run:#?}");
    assert_eq!((state(), web_at(&hosted)), ("live".into(), vec![web(1)]));
}
