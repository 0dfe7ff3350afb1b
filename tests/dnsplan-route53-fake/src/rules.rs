//! What a record set may be beside what is already in its zone. Each rule answers with Route 53's message.
//!
//! Messages that were seen coming from Route 53 are repeated word for word: those of the CNAME and apex rules, of weighted and
//! multivalue groups, of alias targets, and of bad values. The others are worded after them.

use crate::change::Limits;
use crate::name::Name;
use crate::record::{Key, RecordSet, Routing};
use crate::value;
use crate::zone::Zone;

/// What is wrong with putting `set`, which is in canonical form, at `key`. The zone is the working copy, as the earlier changes
/// of the batch left it.
pub(crate) fn check(zone: &Zone, key: &Key, set: &RecordSet, limits: &Limits) -> Result<(), Vec<String>> {
    let one = |message: Option<String>| message.map_or(Ok(()), |message| Err(vec![message]));
    one(values(set, limits))?;
    one(cname(zone, key, set))?;
    one(group(zone, key, set, limits))?;
    alias(zone, key, set)
}

fn values(set: &RecordSet, limits: &Limits) -> Option<String> {
    let most = limits.values_per_record_set;
    if set.values.len() > most {
        return Some(format!("Cannot have more than {most} records in a RRSet."));
    }
    if let Some(problem) = set.values.iter().find_map(|value| value::problem(&set.record_type, value)) {
        return Some(format!("Invalid Resource Record: '{problem}'"));
    }
    let mut sorted: Vec<&String> = set.values.iter().collect();
    sorted.sort_unstable();
    let twice = sorted.windows(2).find(|pair| pair[0] == pair[1])?;
    Some(format!("Duplicate Resource Record: '{}'", twice[0]))
}

fn cname(zone: &Zone, key: &Key, set: &RecordSet) -> Option<String> {
    let Key { name, record_type, .. } = key;
    let others = || zone.named(name).map(|(other, _)| other.record_type.as_str());
    if record_type != "CNAME" {
        return others().any(|other| other == "CNAME").then(|| {
            format!(
                "RRSet of type {record_type} with DNS name {name} is not permitted because a conflicting RRSet of type \
                 CNAME with the same DNS name already exists in zone {}",
                zone.name
            )
        });
    }
    if *name == zone.name {
        return Some(format!(
            "RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {}",
            zone.name
        ));
    }
    if others().any(|other| other != "CNAME") {
        return Some(format!(
            "RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with the same \
             DNS name in zone {}",
            zone.name
        ));
    }
    (set.values.len() > 1).then(|| format!("RRSet of type CNAME with DNS name {name} must have one record"))
}

/// The record sets of one name and type: all of one routing policy, and of one TTL where they are weighted.
fn group(zone: &Zone, key: &Key, set: &RecordSet, limits: &Limits) -> Option<String> {
    let Key { name, record_type, set_identifier } = key;
    let others: Vec<&RecordSet> =
        zone.group(name, record_type).filter(|(other, _)| *other != key).map(|(_, set)| set).collect();
    let mixed = others.iter().any(|other| other.routing() != set.routing());
    match set.routing() {
        Routing::Simple => mixed.then(|| {
            format!(
                "RRSet with DNS name {name}, type {record_type} cannot be created as other RRSets exist with the same name \
                 and type."
            )
        }),
        Routing::Multivalue if matches!(record_type.as_str(), "CNAME" | "NS" | "SOA") => Some(format!(
            "RRSet with DNS name {name}, type {record_type}, SetIdentifier {set_identifier} cannot be a multivalue answer \
             rrset."
        )),
        Routing::Multivalue => mixed.then(|| {
            format!(
                "RRSet with DNS name {name}, type {record_type}, SetIdentifier {set_identifier} cannot be created because a \
                 non multivalue answer rrset exists with the same name and type."
            )
        }),
        Routing::Weighted if mixed => Some(format!(
            "RRSet with DNS name {name}, type {record_type}, SetIdentifier {set_identifier} cannot be created as a \
             non-weighted set exists with the same name and type."
        )),
        Routing::Weighted if others.len() >= limits.weighted_per_group => Some(format!(
            "Cannot have more than {} weighted RRSets with the same name and type.",
            limits.weighted_per_group
        )),
        // Aliases have no TTL of their own.
        Routing::Weighted => {
            let differs = others.iter().filter_map(|other| other.ttl).any(|ttl| set.ttl.is_some_and(|own| own != ttl));
            differs.then(|| {
                format!(
                    "RRSet with DNS name {name} and type {record_type}, SetIdentifier {set_identifier} cannot be created as \
                     weighted sets must contain the same TTL."
                )
            })
        }
    }
}

/// The target has to be there, with the same type, in the alias's own zone.
fn alias(zone: &Zone, key: &Key, set: &RecordSet) -> Result<(), Vec<String>> {
    let Some(alias) = &set.alias else { return Ok(()) };
    let record_type = &key.record_type;
    let tried = |what: &str| {
        let (target, id) = (&alias.dns_name, &alias.zone_id);
        format!("Tried to create an alias that targets {target}, type {record_type} in zone {id}, but {what}")
    };
    let not_found = || tried("that target was not found");
    if matches!(record_type.as_str(), "NS" | "SOA" | "DS") {
        return Err(vec![tried("record sets of that type cannot be aliases")]);
    }
    if alias.zone_id != zone.id {
        return Err(vec![not_found()]);
    }
    let Ok(target) = Name::parse(&alias.dns_name) else { return Err(vec![not_found()]) };
    if !target.is_within(&zone.name) {
        return Err(vec![tried("the alias target name does not lie within the target zone"), not_found()]);
    }
    // A record set is no target of itself.
    let there = zone.group(&target, record_type).any(|(other, _)| other != key);
    if there { Ok(()) } else { Err(vec![not_found()]) }
}
