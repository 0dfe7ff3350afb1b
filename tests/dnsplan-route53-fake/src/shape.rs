//! What the schema says of a change, whatever is in the zone. A change that breaks it is `InvalidInput`.

use crate::change::Change;
use crate::record::RecordSet;
use crate::refusal::Refusal;

/// The record types of the API.
const TYPES: [&str; 17] = [
    "SOA", "A", "TXT", "NS", "CNAME", "MX", "NAPTR", "PTR", "SRV", "SPF", "AAAA", "CAA", "DS", "TLSA",
    "SSHFP", "SVCB", "HTTPS",
];

/// Checks one change.
pub(crate) fn check(change: &Change) -> Result<(), Refusal> {
    match facets(&change.record_set).or_else(|| combination(change)) {
        Some(text) => Err(Refusal::InvalidInput(text)),
        None => Ok(()),
    }
}

/// Ranges and lengths.
fn facets(set: &RecordSet) -> Option<String> {
    let invalid = |facet: &str, value: &str, rest: String| {
        Some(format!(
            "Invalid XML ; cvc-{facet}-valid: Value '{value}' is not facet-valid with respect to {rest}."
        ))
    };
    let too_long = |value: &str, longest: usize, kind: &str| {
        let length = value.chars().count();
        (length > longest).then(|| {
            format!(
                "Invalid XML ; cvc-maxLength-valid: Value '{value}' with length = '{length}' is not facet-valid with \
                 respect to maxLength '{longest}' for type '{kind}'."
            )
        })
    };
    let out_of_range = |value: Option<i64>, most: i64, kind: &str| match value {
        Some(value) if value < 0 => {
            invalid("minInclusive", &value.to_string(), format!("minInclusive '0' for type '{kind}'"))
        }
        Some(value) if value > most => {
            invalid("maxInclusive", &value.to_string(), format!("maxInclusive '{most}' for type '{kind}'"))
        }
        _ => None,
    };
    if !TYPES.contains(&set.record_type.as_str()) {
        return invalid("enumeration", &set.record_type, format!("enumeration '[{}]'", TYPES.join(", ")));
    }
    if set.set_identifier.as_ref().is_some_and(String::is_empty) {
        return invalid("minLength", "", "minLength '1' for type 'ResourceRecordSetIdentifier'".to_owned());
    }
    too_long(&set.name, 1024, "DNSName")
        .or_else(|| too_long(set.set_identifier.as_deref()?, 128, "ResourceRecordSetIdentifier"))
        .or_else(|| too_long(set.health_check_id.as_deref()?, 64, "HealthCheckId"))
        .or_else(|| too_long(&set.alias.as_ref()?.dns_name, 1024, "DNSName"))
        .or_else(|| set.values.iter().find_map(|value| too_long(value, 4000, "RData")))
        .or_else(|| out_of_range(set.ttl, i64::from(i32::MAX), "TTL"))
        .or_else(|| out_of_range(set.weight, 255, "ResourceRecordSetWeight"))
}

/// Which elements may and must go together.
fn combination(change: &Change) -> Option<String> {
    let set = &change.record_set;
    let with = |what: String| {
        let identifier = set.set_identifier.as_deref().unwrap_or("null");
        Some(format!(
            "Invalid request: {what} in Change with [Action={}, Name={}, Type={}, SetIdentifier={identifier}]",
            change.action, set.name, set.record_type
        ))
    };
    let exactly_one =
        |of: &str, found: &str| with(format!("Expected exactly one of [{of}], but found {found}"));
    const CONTENT: &str = "AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId";
    const ROUTING: &str = "Weight, Region, Failover, GeoLocation, or MultiValueAnswer";

    let records = set.ttl.is_some() && !set.values.is_empty();
    if set.alias.is_some() && (set.ttl.is_some() || !set.values.is_empty()) {
        return exactly_one(CONTENT, "more than one");
    }
    if set.alias.is_none() && !records {
        return exactly_one(CONTENT, "none");
    }
    match (set.weight.is_some(), set.multi_value_answer) {
        (true, true) => return exactly_one(ROUTING, "more than one"),
        (false, false) if set.set_identifier.is_some() => return exactly_one(ROUTING, "none"),
        (true, _) | (_, true) if set.set_identifier.is_none() => {
            return with("Missing field 'SetIdentifier'".to_owned());
        }
        _ => {}
    }
    if set.multi_value_answer && set.alias.is_some() {
        return with("MultiValueAnswer is not permitted for an alias".to_owned());
    }
    if set.weight.is_some() && set.values.len() > 1 {
        return with("Only one ResourceRecord is permitted for a weighted resource record set".to_owned());
    }
    None
}
