use dnsplan::plan::{Candidate, Member, OwnerName, RRset, RRsetKey, RecordType, Ttl, Zone, rdata};
use serde_json::json;

use super::{diff, diff_json, zone, zone_json};

fn origin() -> OwnerName {
    "example.".parse().unwrap()
}

fn of(rrset: RRset) -> Zone {
    let mut zone = Zone::empty(origin());
    zone.set_rrset("api.example.".parse().unwrap(), rrset).unwrap();
    zone
}

fn ttl() -> Ttl {
    Ttl::new(60).unwrap()
}

fn simple() -> Zone {
    of(RRset::simple(ttl(), ["192.0.2.1", "192.0.2.2"].map(|text| rdata("A", text, &origin()).unwrap()))
        .unwrap())
}

/// Two members, the first with a health check.
fn weighted() -> Zone {
    let member = |id: &str, weight, check: Option<&str>, text| Member {
        id: id.into(),
        weight,
        health_check: check.map(Into::into),
        data: rdata("A", text, &origin()).unwrap(),
    };
    let members = [member("blue/a", 3, Some("hc-1"), "192.0.2.1"), member("blue/b", 1, None, "192.0.2.2")];
    of(RRset::weighted(ttl(), members).unwrap())
}

/// Two candidates, the first with that health check.
fn multivalue(check: &str) -> Zone {
    let candidate = |id: &str, check: Option<&str>, text| Candidate {
        id: id.into(),
        health_check: check.map(Into::into),
        data: rdata("A", text, &origin()).unwrap(),
    };
    let candidates = [candidate("blue/a", Some(check), "192.0.2.1"), candidate("blue/b", None, "192.0.2.2")];
    of(RRset::multivalue(ttl(), candidates).unwrap())
}

#[test]
fn a_zone_shows_weights_members_and_health_checks() {
    assert_eq!(zone(&simple()), "api.example. A\n    60 192.0.2.1\n    60 192.0.2.2");
    assert_eq!(
        zone(&weighted()),
        "api.example. A\n    60 192.0.2.1 (weight 3, blue/a, health check hc-1)\n    60 192.0.2.2 (weight 1, blue/b)"
    );
    let mut spread = multivalue("hc-1");
    spread.protect(RRsetKey::new("api.example.".parse().unwrap(), RecordType::A), 2);
    assert_eq!(
        zone(&spread),
        "api.example. A  ; protected, at least 2\n    60 192.0.2.1 (multivalue, blue/a, health check hc-1)\n    60 192.0.2.2 (multivalue, blue/b)"
    );
}

#[test]
fn a_difference_shows_a_health_check_that_changed_alone() {
    let (text, counts) = diff(&multivalue("hc-1"), &multivalue("hc-2"));
    let plain = anstream::adapter::strip_str(&text).to_string();
    assert_eq!(
        plain,
        "~ api.example. A\n    - 60 192.0.2.1 (multivalue, blue/a, health check hc-1)\n    \
         + 60 192.0.2.1 (multivalue, blue/a, health check hc-2)\n      unchanged records: 1\n  unchanged RRsets: 0"
    );
    let value = diff_json(&multivalue("hc-1"), &multivalue("hc-2"), counts);
    let of = |side: &str| value["changes"][0][side]["records"][0]["health_check"].clone();
    assert_eq!((of("before"), of("after")), (json!("hc-1"), json!("hc-2")));
}

#[test]
fn the_json_of_an_rrset_names_its_routing_and_what_goes_with_it() {
    let rrset = |zone: &Zone| zone_json(zone)["rrsets"][0].clone();
    assert_eq!(
        rrset(&simple()),
        json!({
            "owner": "api.example.", "type": "A", "ttl": 60, "routing": "simple", "at_least": null,
            "records": [{ "data": "192.0.2.1" }, { "data": "192.0.2.2" }],
        })
    );
    assert_eq!(
        rrset(&weighted()),
        json!({
            "owner": "api.example.", "type": "A", "ttl": 60, "routing": "weighted", "at_least": null,
            "records": [
                { "data": "192.0.2.1", "weight": 3, "id": "blue/a", "health_check": "hc-1" },
                { "data": "192.0.2.2", "weight": 1, "id": "blue/b", "health_check": null },
            ],
        })
    );
    assert_eq!(
        rrset(&multivalue("hc-1")),
        json!({
            "owner": "api.example.", "type": "A", "ttl": 60, "routing": "multivalue", "at_least": null,
            "records": [
                { "data": "192.0.2.1", "id": "blue/a", "health_check": "hc-1" },
                { "data": "192.0.2.2", "id": "blue/b", "health_check": null },
            ],
        })
    );
}
