//! The documents of the API: requests read, responses written.

use crate::change::{Action, Change};
use crate::name::Name;
use crate::record::{Alias, RecordSet};
use crate::refusal::Refusal;
use crate::world::Page;
use crate::xml::{Element, branch, document, leaf};
use crate::zone::{NAME_SERVERS, Zone};

/// What the fake does not know of. Better refused than ignored.
const UNKNOWN: [&str; 6] = [
    "Region",
    "GeoLocation",
    "Failover",
    "TrafficPolicyInstanceId",
    "CidrRoutingConfig",
    "GeoProximityLocation",
];

/// The time of every change: nobody looks at it, and a clock would make runs differ.
const SUBMITTED_AT: &str = "2026-01-01T00:00:00.000Z";

/// The changes of a `ChangeResourceRecordSetsRequest`.
pub(crate) fn changes(body: &str) -> Result<Vec<Change>, Refusal> {
    let root = Element::parse(body).filter(|root| root.name == "ChangeResourceRecordSetsRequest");
    let root = root.ok_or_else(|| invalid("Invalid XML ; not a ChangeResourceRecordSetsRequest"))?;
    let changes = root.child("ChangeBatch").and_then(|batch| batch.child("Changes"));
    let changes = changes.ok_or_else(|| incomplete("ChangeBatch", "Changes"))?;
    changes.children.iter().map(change).collect()
}

fn change(element: &Element) -> Result<Change, Refusal> {
    let action = element.text_of("Action").and_then(Action::parse);
    let action = action.ok_or_else(|| incomplete("Change", "Action"))?;
    let set = element.child("ResourceRecordSet").ok_or_else(|| incomplete("Change", "ResourceRecordSet"))?;
    if let Some(unknown) = UNKNOWN.iter().find(|unknown| set.child(unknown).is_some()) {
        return Err(invalid(&format!("this fake of Route 53 does not know {unknown}")));
    }
    Ok(Change { action, record_set: record_set(set)? })
}

fn record_set(element: &Element) -> Result<RecordSet, Refusal> {
    let needed = |name| element.text_of(name).ok_or_else(|| incomplete("ResourceRecordSet", name));
    let optional = |name| element.text_of(name).map(str::to_owned);
    let values = element.child("ResourceRecords").map(|records| {
        let value = |record: &Element| record.text_of("Value").map(str::to_owned);
        records.children.iter().map(value).collect::<Option<Vec<_>>>()
    });
    Ok(RecordSet {
        name: needed("Name")?.to_owned(),
        record_type: needed("Type")?.to_owned(),
        set_identifier: optional("SetIdentifier"),
        weight: number(element, "Weight")?,
        multi_value_answer: element.text_of("MultiValueAnswer") == Some("true"),
        ttl: number(element, "TTL")?,
        values: values
            .unwrap_or_else(|| Some(Vec::new()))
            .ok_or_else(|| incomplete("ResourceRecord", "Value"))?,
        alias: element.child("AliasTarget").map(alias).transpose()?,
        health_check_id: optional("HealthCheckId"),
    })
}

fn alias(element: &Element) -> Result<Alias, Refusal> {
    let needed = |name| element.text_of(name).ok_or_else(|| incomplete("AliasTarget", name));
    Ok(Alias {
        zone_id: needed("HostedZoneId")?.to_owned(),
        dns_name: needed("DNSName")?.to_owned(),
        evaluate_target_health: needed("EvaluateTargetHealth")? == "true",
    })
}

fn number(element: &Element, name: &str) -> Result<Option<i64>, Refusal> {
    let text = element.text_of(name).map(str::parse::<i64>).transpose();
    text.map_err(|_| {
        invalid(&format!("Invalid XML ; cvc-datatype-valid: the content of element '{name}' is no number."))
    })
}

fn invalid(text: &str) -> Refusal {
    Refusal::InvalidInput(text.to_owned())
}

fn incomplete(element: &str, missing: &str) -> Refusal {
    invalid(&format!(
        "Invalid XML ; cvc-complex-type.2.4.b: The content of element '{element}' is not complete. '{missing}' is expected."
    ))
}

/// The answer to a call that was refused.
pub(crate) fn error(refusal: &Refusal, request_id: &str) -> String {
    document("ErrorResponse", |out| {
        branch(out, "Error", |out| {
            leaf(out, "Type", "Sender");
            leaf(out, "Code", refusal.code());
            leaf(out, "Message", &refusal.to_string());
        });
        leaf(out, "RequestId", request_id);
    })
}

/// The answer to `ChangeResourceRecordSets` and `GetChange`.
pub(crate) fn change_info(root: &str, change_id: &str, in_sync: bool) -> String {
    document(root, |out| {
        branch(out, "ChangeInfo", |out| {
            leaf(out, "Id", &format!("/change/{change_id}"));
            leaf(out, "Status", if in_sync { "INSYNC" } else { "PENDING" });
            leaf(out, "SubmittedAt", SUBMITTED_AT);
        });
    })
}

/// The answer to `ListResourceRecordSets`.
pub(crate) fn listing(page: &Page) -> String {
    document("ListResourceRecordSetsResponse", |out| {
        branch(out, "ResourceRecordSets", |out| page.sets.iter().for_each(|set| write_record_set(out, set)));
        leaf(out, "IsTruncated", bool_text(page.next.is_some()));
        if let Some(next) = &page.next {
            leaf(out, "NextRecordName", next.name.as_str());
            leaf(out, "NextRecordType", &next.record_type);
            if !next.set_identifier.is_empty() {
                leaf(out, "NextRecordIdentifier", &next.set_identifier);
            }
        }
        leaf(out, "MaxItems", &page.size.to_string());
    })
}

fn write_record_set(out: &mut String, set: &RecordSet) {
    let optional = |out: &mut String, name: &str, text: Option<String>| {
        if let Some(text) = text {
            leaf(out, name, &text);
        }
    };
    branch(out, "ResourceRecordSet", |out| {
        leaf(out, "Name", &set.name);
        leaf(out, "Type", &set.record_type);
        optional(out, "SetIdentifier", set.set_identifier.clone());
        optional(out, "Weight", set.weight.map(|weight| weight.to_string()));
        optional(out, "MultiValueAnswer", set.multi_value_answer.then(|| "true".to_owned()));
        optional(out, "TTL", set.ttl.map(|ttl| ttl.to_string()));
        if !set.values.is_empty() {
            branch(out, "ResourceRecords", |out| {
                for value in &set.values {
                    branch(out, "ResourceRecord", |out| leaf(out, "Value", value));
                }
            });
        }
        if let Some(alias) = &set.alias {
            branch(out, "AliasTarget", |out| {
                leaf(out, "HostedZoneId", &alias.zone_id);
                leaf(out, "DNSName", &alias.dns_name);
                leaf(out, "EvaluateTargetHealth", bool_text(alias.evaluate_target_health));
            });
        }
        optional(out, "HealthCheckId", set.health_check_id.clone());
    });
}

/// The answer to `GetHostedZone`.
pub(crate) fn hosted_zone(zone: &Zone) -> String {
    document("GetHostedZoneResponse", |out| {
        write_zone(out, zone);
        branch(out, "DelegationSet", |out| {
            branch(out, "NameServers", |out| {
                NAME_SERVERS.iter().for_each(|server| leaf(out, "NameServer", server.trim_end_matches('.')));
            });
        });
    })
}

/// The answer to `ListHostedZonesByName`: the zones, in order, from the name (and id) asked for.
pub(crate) fn hosted_zones(zones: &[&Zone], asked: Option<&str>, size: usize, next: Option<&Zone>) -> String {
    document("ListHostedZonesByNameResponse", |out| {
        branch(out, "HostedZones", |out| zones.iter().for_each(|zone| write_zone(out, zone)));
        if let Some(asked) = asked {
            leaf(out, "DNSName", asked);
        }
        leaf(out, "IsTruncated", bool_text(next.is_some()));
        if let Some(next) = next {
            leaf(out, "NextDNSName", next.name.as_str());
            leaf(out, "NextHostedZoneId", &next.id);
        }
        leaf(out, "MaxItems", &size.to_string());
    })
}

/// Zones in the order of `ListHostedZonesByName`: by the reversed labels of their names, then by id.
pub(crate) fn zone_order(zone: &Zone) -> (Name, String) {
    (zone.name.clone(), zone.id.clone())
}

fn write_zone(out: &mut String, zone: &Zone) {
    branch(out, "HostedZone", |out| {
        leaf(out, "Id", &format!("/hostedzone/{}", zone.id));
        leaf(out, "Name", zone.name.as_str());
        leaf(out, "CallerReference", &zone.id);
        branch(out, "Config", |out| leaf(out, "PrivateZone", "false"));
        leaf(out, "ResourceRecordSetCount", &zone.len().to_string());
    });
}

const fn bool_text(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}
