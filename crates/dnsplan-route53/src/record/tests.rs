use dnsplan_plan::{Node, RecordType};
use serde_json::json;

use super::{Alias, Body, Change, RecordSet, Routing, to_json};
use crate::testing::{ZONE_ID, multivalue, name, simple, wanted, weighted};
use crate::value::Value;

#[test]
fn a_batch_as_the_command_line_of_aws_takes_it() {
    let wanted = wanted();
    let txt = wanted.in_place(&name("*"), &Node::new().with(simple("TXT", 300, &["\"a b\" \"c\""]))).unwrap();
    let checked = wanted.in_place(&name("w"), &Node::new().with(weighted(60, &[7], true))).unwrap();
    let several = wanted.in_place(&name("m"), &Node::new().with(multivalue(60, 1))).unwrap();
    let alias = Alias { target: name("w"), zone_id: ZONE_ID.into(), evaluate_target_health: true };
    let alias = RecordSet::alias(name("@"), RecordType::A, alias);
    let batch = [
        Change::Delete(txt[0].clone()),
        Change::Create(checked[0].clone()),
        Change::Create(several[0].clone()),
        Change::Upsert(alias),
    ];
    let expected = json!({
        "Comment": "plan 7",
        "Changes": [
            { "Action": "DELETE", "ResourceRecordSet": {
                "Name": "\\052.example.com.", "Type": "TXT", "TTL": 300,
                "ResourceRecords": [{ "Value": "\"a b\" \"c\"" }] } },
            { "Action": "CREATE", "ResourceRecordSet": {
                "Name": "w.example.com.", "Type": "A", "SetIdentifier": "m0000", "Weight": 7, "TTL": 60,
                "ResourceRecords": [{ "Value": "10.0.0.0" }], "HealthCheckId": "check-0" } },
            { "Action": "CREATE", "ResourceRecordSet": {
                "Name": "m.example.com.", "Type": "A", "SetIdentifier": "m0000", "MultiValueAnswer": true,
                "TTL": 60, "ResourceRecords": [{ "Value": "10.0.0.0" }] } },
            { "Action": "UPSERT", "ResourceRecordSet": {
                "Name": "example.com.", "Type": "A", "AliasTarget": {
                    "HostedZoneId": "Z0123456789", "DNSName": "w.example.com.",
                    "EvaluateTargetHealth": true } } },
        ],
    });
    assert_eq!(to_json("plan 7", &batch), expected);
}

#[test]
fn the_order_of_values_means_nothing() {
    let value = |text| Value::returned(RecordType::A, text);
    let set = |values| RecordSet::simple(name("a"), RecordType::A, 60, values);
    assert_eq!(
        set(vec![value("10.0.0.2"), value("10.0.0.1")]),
        set(vec![value("10.0.0.1"), value("10.0.0.2")])
    );
}

#[test]
fn only_what_we_could_have_made_is_known() {
    let set =
        RecordSet::simple(name("a"), RecordType::A, 60, vec![Value::returned(RecordType::A, "10.0.0.1")]);
    assert!(set.is_known() && set.clone().identified("x", Routing::Weight(1)).is_known());
    assert!(set.clone().identified("x", Routing::Multivalue).is_known());
    assert!(!set.clone().identified("x", Routing::Other("failover".into())).is_known());
    assert!(!RecordSet { body: Body::Other("traffic policy".into()), ..set }.is_known());
}
