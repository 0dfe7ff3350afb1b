//! Between this crate's record sets and the SDK's.

use aws_sdk_route53::error::BuildError;
use aws_sdk_route53::types::{
    AliasTarget, Change as SdkChange, ChangeAction, ResourceRecord, ResourceRecordSet, RrType,
};

use crate::name::{from_api, to_api};
use crate::record::{Alias, Body, Change, Identity, RecordSet, Routing};
use crate::value::{Value, type_of, type_text};

/// A change as the API takes it.
pub(crate) fn change(change: &Change) -> Result<SdkChange, BuildError> {
    let action = match change {
        Change::Create(_) => ChangeAction::Create,
        Change::Delete(_) => ChangeAction::Delete,
        Change::Upsert(_) => ChangeAction::Upsert,
    };
    SdkChange::builder().action(action).resource_record_set(to_sdk(change.record_set())?).build()
}

fn to_sdk(set: &RecordSet) -> Result<ResourceRecordSet, BuildError> {
    let mut built =
        ResourceRecordSet::builder().name(to_api(&set.name)).r#type(rr_type(&type_text(set.record_type)));
    if let Some(Identity { id, routing }) = &set.identity {
        built = built.set_identifier(&**id);
        built = match routing {
            Routing::Weight(weight) => built.weight(i64::from(*weight)),
            Routing::Multivalue => built.multi_value_answer(true),
            Routing::Other(_) => built,
        };
    }
    built = match &set.body {
        Body::Values { ttl, values } => {
            let records = values.iter().map(|value| ResourceRecord::builder().value(value.text()).build());
            built.ttl(i64::from(*ttl)).set_resource_records(Some(records.collect::<Result<_, _>>()?))
        }
        Body::Alias(Alias { target, zone_id, evaluate_target_health }) => {
            let alias = AliasTarget::builder()
                .hosted_zone_id(&**zone_id)
                .dns_name(to_api(target))
                .evaluate_target_health(*evaluate_target_health);
            built.alias_target(alias.build()?)
        }
        Body::Other(_) => built,
    };
    built.set_health_check_id(set.health_check.as_deref().map(str::to_owned)).build()
}

/// The API's name of a type.
pub(crate) fn rr_type(text: &str) -> RrType {
    RrType::from(text)
}

/// A record set as the API returns it; `None` where its name is none that DNS could have.
pub(crate) fn record_set(found: &ResourceRecordSet) -> Option<RecordSet> {
    let name = from_api(&found.name)?;
    let known = type_of(found.r#type.as_str());
    let identity =
        found.set_identifier.as_deref().map(|id| Identity { id: id.into(), routing: routing(found) });
    let body = match known {
        Some(record_type) => body(found, record_type),
        None => Body::Other(found.r#type.as_str().into()),
    };
    let record_type = known.unwrap_or(dnsplan_plan::RecordType::ZERO);
    Some(RecordSet {
        name,
        record_type,
        identity,
        body,
        health_check: found.health_check_id.as_deref().map(Into::into),
    })
}

fn routing(found: &ResourceRecordSet) -> Routing {
    let other = if found.region.is_some() {
        "latency"
    } else if found.geo_location.is_some() {
        "geolocation"
    } else if found.geo_proximity_location.is_some() {
        "geoproximity"
    } else if found.failover.is_some() {
        "failover"
    } else if found.cidr_routing_config.is_some() {
        "IP-based"
    } else {
        let weight = found.weight.and_then(|weight| u8::try_from(weight).ok());
        return match (weight, found.multi_value_answer) {
            (Some(weight), _) => Routing::Weight(weight),
            (None, Some(true)) => Routing::Multivalue,
            (None, _) => Routing::Other("unknown".into()),
        };
    };
    Routing::Other(other.into())
}

fn body(found: &ResourceRecordSet, record_type: dnsplan_plan::RecordType) -> Body {
    if let Some(instance) = &found.traffic_policy_instance_id {
        return Body::Other(format!("traffic policy instance {instance}").into());
    }
    match (&found.alias_target, found.ttl.and_then(|ttl| u32::try_from(ttl).ok())) {
        (Some(alias), _) => match from_api(&alias.dns_name) {
            Some(target) => Body::Alias(Alias {
                target,
                zone_id: alias.hosted_zone_id.as_str().into(),
                evaluate_target_health: alias.evaluate_target_health,
            }),
            None => Body::Other(format!("alias of {}", alias.dns_name).into()),
        },
        (None, Some(ttl)) => {
            let records = found.resource_records.as_deref().unwrap_or_default();
            let mut values: Vec<Value> =
                records.iter().map(|record| Value::returned(record_type, &record.value)).collect();
            values.sort();
            Body::Values { ttl, values }
        }
        (None, None) => Body::Other("no TTL".into()),
    }
}
